"""What a command prints: text or JSON to standard output, progress to standard error on a terminal only."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from trialkit.errors import UsageError

# control characters but for tabs and line ends, and marks that turn the direction of writing: they could steer the terminal that shows them
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """A text that holds words of files or of the command line, as it may reach a terminal."""
    return _STEERING.sub("?", text)


def out(text: str) -> None:
    """Print a text; letters that the terminal or file cannot hold become question marks."""
    print(harmless(text).encode(_coding(), "replace").decode(_coding()))


def out_json(text: str) -> None:
    """Print a text that is JSON; letters that the terminal or file cannot hold are written as escapes."""
    told = _STEERING.sub(_escaped, text)
    try:
        told.encode(_coding())
    except UnicodeEncodeError:
        told = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in told)
    print(told)


def _coding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def write_json(content: Any) -> None:
    from trialkit.results import plain

    out_json(json.dumps(plain(content), ensure_ascii=False, indent=2, allow_nan=False))


@dataclass(frozen=True, slots=True)
class Told:
    """What a command says, as text and as plain tables."""

    text: str
    content: dict[str, Any]


@contextmanager
def in_flags(**flags: str) -> Iterator[None]:
    """A complaint about an argument, as in new='...', said of the flag that gives it, as in --new '...'."""
    try:
        yield
    except UsageError as error:
        said = str(error)
        for name, flag in flags.items():
            said = re.sub(rf"\b{name}=(?=['\d])", f"--{flag} ", said)
        raise type(error)(said) from None


class Progress:
    """A bar with time left, shown when standard error is a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __call__(self, what: str, step: int, steps: int) -> None:
        if self._quiet:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=steps, file=sys.stderr, leave=False, bar_format="{desc:<28.28} {bar} {n}/{total} {remaining}")
        self._bar.set_description_str(what)
        self._bar.n = step
        self._bar.refresh()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
