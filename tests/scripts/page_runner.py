"""Runs the blocks of a page of docs/ in their order; a block ```text below one of ```python is what it prints.

After a change of a page, `python -m tests.scripts.page_runner docs/derivations/*.md` writes what is printed into it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"^```(?P<language>python|sh|toml)(?P<name>[^\n]*)\n(?P<code>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page, what the page says that it prints, and what it printed."""

    language: str
    code: str
    shown: str | None
    printed: str


def run(page: Path, folder: Path) -> list[Block]:
    """Every block, run in `folder`; a ```toml block becomes plan.toml there."""
    names: dict[str, object] = {}
    blocks = []
    for match in BLOCK.finditer(page.read_text()):
        language, code = match["language"], match["code"]
        out = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if language == "python":
                exec(compile(code, str(page), "exec"), names)
            elif language == "toml":
                (folder / "plan.toml").write_text(code)
            else:
                _commands(code)
        blocks.append(Block(language=language, code=code, shown=match["shown"], printed=_trimmed(out.getvalue())))
    return blocks


def _commands(code: str) -> None:
    from trialkit import cli

    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["trialkit"]:
            left = cli.run(words[1:])
            assert left == 0, f"{line} left with {left}"


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def rewritten(page: Path) -> str:
    """The page with what its Python blocks print below them."""
    with tempfile.TemporaryDirectory() as folder:
        blocks = iter(run(page, Path(folder)))

    def again(match: re.Match[str]) -> str:
        block = next(blocks)
        if block.language != "python":
            return match[0]
        shown = f"\n```text\n{block.printed}```\n" if block.printed else ""
        return f"```python{match['name']}\n{block.code}```\n{shown}"

    return BLOCK.sub(again, page.read_text())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(rewritten(Path(name)))
        print(name, os.linesep, end="")
