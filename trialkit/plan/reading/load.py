"""Reading a plan file: one frozen `PlanSpec`, or one error that lists everything to mend with its line.

Every line names the place, the near miss where there is one, and the remedy.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import PlanError, nearest
from trialkit.plan.reading.lines import key_lines, line_of
from trialkit.plan.reading.toml_words import syntax_in_words

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["PlanFileError", "load_spec", "parse_plan", "read_plan_text"]

MOST_BYTES = 1_000_000
DATA_ENDINGS = (".csv", ".tsv", ".sav", ".zsav", ".dta", ".xlsx", ".parquet")
Keys = tuple[str | int, ...]


class PlanFileError(PlanError):
    """A plan file that cannot be used: `problems` holds (line or None, path of keys, sentence) for each thing to mend."""

    def __init__(self, name: str, problems: list[tuple[int | None, Keys, str]]):
        self.name = name
        self.problems = tuple(problems)
        super().__init__(_listed(name, problems))


def load_spec(path_or_text: str | Path) -> PlanSpec:
    """Read a plan from a file, or from its text.

    Parameters
    ----------
    path_or_text
        A path, or the text of a plan (a string with a line break or an '=' is text).

    Returns
    -------
    PlanSpec
        Frozen, with every default written out.

    Raises
    ------
    PlanFileError
        Lists everything to mend, each with its line number, the near miss and the remedy.

    Examples
    --------
    >>> load_spec("plan.toml").primary[0].name    # doctest: +SKIP
    'employed'
    """
    if isinstance(path_or_text, str) and ("\n" in path_or_text or "=" in path_or_text):
        return parse_plan(path_or_text)
    path = Path(path_or_text)
    return parse_plan(read_plan_text(path), path.name)


def read_plan_text(path: str | Path) -> str:
    """The text of a plan file, or one sentence that says why it is none."""
    path = Path(path)
    if path.suffix.lower() in DATA_ENDINGS:
        raise PlanError(f"'{path.name}' is a data file, and a plan is expected here: the plan comes first, then the data")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        near = nearest(path.name, [p.name for p in path.parent.glob("*.toml")]) if path.parent.is_dir() else None
        remedy = f"Did you mean '{near}'?" if near else "`trialkit init` writes a first one."
        raise PlanError(f"there is no plan file '{path}'. {remedy}") from None
    except IsADirectoryError:
        raise PlanError(f"'{path}' is a folder; name the plan file in it, as in {path.name}/plan.toml") from None
    except OSError as reason:
        raise PlanError(
            f"'{path}' cannot be read ({reason.strerror or 'unknown reason'}); check the path and its permissions"
        ) from None
    if len(content) > MOST_BYTES:
        raise PlanError(f"'{path.name}' is larger than 1 MB, so it is no plan; data belong in a file of their own")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PlanError(f"'{path.name}' is saved as UTF-16; save it as UTF-8 (plain text)")
    if b"\x00" in content:
        raise PlanError(f"'{path.name}' holds binary content, so it is no plan; a plan is a text file that ends in .toml")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise PlanError(
            f"{path.name}, line {line}: a character is not saved as UTF-8; save the file as UTF-8 (plain text)"
        ) from None


def parse_plan(text: str, name: str = "the plan") -> PlanSpec:
    """Read the text of a plan; `name` is what errors call it."""
    raw = _tables(text, name)
    _check_version(raw, text, name)
    from pydantic import ValidationError

    from trialkit.plan.schema.plan_spec import PlanSpec

    try:
        return PlanSpec.model_validate(raw)
    except ValidationError as found:
        from trialkit.plan.reading.explain import explained

        lines = key_lines(text.replace("\r\n", "\n"))
        problems = [(line_of(path, lines), path, sentence) for path, sentence in explained(found, raw)]
        problems = list({(line, sentence): (line, path, sentence) for line, path, sentence in problems}.values())
        raise PlanFileError(name, sorted(problems, key=lambda p: p[0] or 0)) from None


def _tables(text: str, name: str) -> dict[str, Any]:
    if "\x00" in text:
        raise PlanError(f"{name} holds binary content, so it is no plan; a plan is plain text")
    if not text.strip():
        raise PlanError(f"{name} is empty; `trialkit init` writes a first plan")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as reason:
        line, sentence = syntax_in_words(text.replace("\r\n", "\n"), str(reason))
        raise PlanFileError(name, [(line or text.count("\n") + 1, (), sentence)]) from None
    except RecursionError:
        raise PlanError(f"{name} nests lists or tables too deeply to be a plan") from None
    except ValueError:  # a number with thousands of digits
        raise PlanError(f"{name} holds a number that is too long to be read") from None


def _check_version(raw: dict[str, Any], text: str, name: str) -> None:
    from trialkit.plan.schema.base import SCHEMA_VERSION

    version = raw.get("schema_version")
    line = line_of(("schema_version",), key_lines(text.replace("\r\n", "\n")))
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        sentence = (
            f"the plan is written in version {version} of the plan language, and this trialkit reads up to {SCHEMA_VERSION}; "
            "install a newer trialkit"
        )
        raise PlanFileError(name, [(line, ("schema_version",), sentence)])
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        sentence = f"schema_version must be the number {SCHEMA_VERSION}, without quotes"
        raise PlanFileError(name, [(line, ("schema_version",), sentence)])
    if version is None:
        section = next((k for k, v in raw.items() if isinstance(v, dict) and "schema_version" in v), None)
        where = f"it stands in [{section}]; move it above the first section" if section else "write it on the first line"
        raise PlanFileError(name, [(1, ("schema_version",), f"the plan does not say schema_version = {SCHEMA_VERSION}; {where}")])


def _listed(name: str, problems: list[tuple[int | None, Keys, str]]) -> str:
    # A key of a hostile file must not reach the terminal as a control sequence.
    problems = [(line, path, "".join(c if c.isprintable() else "?" for c in said)) for line, path, said in problems]
    if len(problems) == 1:
        line, _, sentence = problems[0]
        return f"{name}{'' if line is None else f', line {line}'}: {sentence}"
    rows = [f"  {'line ' + str(line) if line is not None else 'missing'}: {sentence}" for line, _, sentence in problems]
    return f"{name} has {len(problems)} things to mend:\n" + "\n".join(rows)
