"""Reading a scale's TOML file, and saying in words what is wrong with it: file, line, key, near miss, remedy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from trialkit.errors import FileReadError, ScaleError, nearest, shown

__all__ = ["explain", "parse_toml", "read_toml"]

# What to write for a key that is absent.
EXAMPLES = {
    "key": 'key = "my_scale"',
    "name": 'name = "My scale"',
    "construct": 'construct = "trust in the municipality"',
    "reference": 'reference = "own questionnaire, 2026"',
    "licence": 'licence = "own work"',
    "direction": 'direction = "higher"  (or "lower": which scores are better)',
    "measures": 'measures = "a higher score means more trust"',
    "items": "items = 10  (their number)",
    "codes": "codes = { min = 1, max = 5 }",
    "forms": '[forms.standard] with reversed = [2, 5] and score = "sum"',
    "score": 'score = "sum"  (or "mean")',
    "status": 'status = "V"  (V own text, S secondary source, C worked out, M not verified)',
    "source": 'source = "the article, p. 3"',
    "min": "min = 1",
    "max": "max = 5",
}

MOST_TOLD = 20


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The table in the file and its text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        near = nearest(path.name, (p.name for p in path.parent.glob("*.toml"))) if path.parent.is_dir() else None
        remedy = f"Did you mean '{path.with_name(near)}'?" if near else "Check the folder and the name."
        raise FileReadError(f"there is no scale file '{path}'. {remedy}") from None
    except UnicodeDecodeError:
        raise ScaleError(f"scale file '{path}' is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise FileReadError(f"scale file '{path}' cannot be read: {error.strerror}. It must be a TOML file.") from None
    return parse_toml(text, where=f"scale file '{path}'"), text


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScaleError(
            f"{where} is not valid TOML: {error}. Text stands in quotes, lists in [ ], and each key = value on its own line."
        ) from None


def explain(error: ValidationError, model: type[BaseModel], *, where: str, text: str) -> str:
    """All mistakes that pydantic found, in the words of the TOML file."""
    sentences = [_sentence(dict(e), model, text) for e in error.errors()]
    if len(sentences) == 1:
        return f"{where}: {sentences[0]}"
    more = [f"and {len(sentences) - MOST_TOLD} more: mend these first."] if len(sentences) > MOST_TOLD else []
    return f"{where} has {len(sentences)} mistakes:\n" + "\n".join(f"  - {s}" for s in [*sentences[:MOST_TOLD], *more])


def _sentence(problem: dict[str, Any], root: type[BaseModel], text: str) -> str:
    location = [part for part in problem["loc"] if isinstance(part, str | int)]
    kind, given = problem["type"], problem.get("input")
    if not location:
        return str(problem["msg"]).removeprefix("Value error, ") + "."
    last = str(location[-1])
    path = ".".join(str(part) for part in location)
    named = f"`{path}`{_line(last, text)}"
    if kind == "extra_forbidden":
        return f"{named} is not a key that is known here. {_near_key(last, _owner(location, root), root)}"
    if kind == "missing":
        return f"`{path}` is absent. Write {EXAMPLES.get(last, last + ' = ...')}."
    if kind == "literal_error":
        options = [o.strip("'") for o in re.findall(r"'[^']*'", str(problem.get("ctx", {}).get("expected", "")))]
        near = nearest(str(given), options)
        return f"{named} is {_quoted(given)}; it must be {shown(options).replace(' and ', ' or ')}." + (
            f" Did you mean '{near}'?" if near else ""
        )
    if kind in ("int_type", "int_from_float"):
        return f"{named} is {_quoted(given)}; it must be a whole number without quotes."
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        example = EXAMPLES.get(last, f"[{path}] with its keys below it")
        return f"{named} is {_quoted(given)}; it must be a table: {example}."
    if kind == "tuple_type":
        return f"{named} is {_quoted(given)}; it must be a list in [ ]."
    if kind == "string_type":
        return f"{named} is {_quoted(given)}; it must be text in quotes."
    if kind == "string_pattern_mismatch":
        return f"{named} is {_quoted(given)}; use letters, digits and _ only, beginning with a letter."
    if kind in ("string_too_short", "too_short"):
        return f"{named} is empty. Write {EXAMPLES.get(last, 'something')}."
    return f"{named}: {str(problem['msg']).removeprefix('Value error, ')}."


def _quoted(value: object) -> str:
    return f"'{value}' (text)" if isinstance(value, str) else repr(value)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found:
            return found
    return None


def _owner(location: list[str | int], root: type[BaseModel]) -> type[BaseModel]:
    """The model in which the last key of the location was written; names of forms and list positions are passed over."""
    owner = root
    for part in location[:-1]:
        field = owner.model_fields.get(str(part))
        owner = (_model_in(field.annotation) if field else None) or owner
    return owner


def _near_key(key: str, owner: type[BaseModel], root: type[BaseModel]) -> str:
    nested = {name: _model_in(field.annotation) for name, field in root.model_fields.items()}
    elsewhere = [name for name, inner in nested.items() if inner and key in _keys(inner)]
    if owner is root and elsewhere:
        return f"It belongs in [{elsewhere[0]}{'.<name of the form>' if elsewhere[0] == 'forms' else ''}]."
    if owner is not root and key in _keys(root):
        return "It belongs at the top of the file, before the first [table]."
    near = nearest(key, _keys(owner))
    return f"Did you mean `{near}`?" if near else f"Known here: {', '.join(_keys(owner))}."


def _keys(model: type[BaseModel]) -> list[str]:
    """The keys as they are written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _line(key: str, text: str) -> str:
    """' (line 7)' when the key is written exactly once."""
    pattern = re.compile(rf"(^|[\s{{,.\[\"']){re.escape(key)}[\"']?\s*(=|\])")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return f" (line {lines[0]})" if len(lines) == 1 else ""
