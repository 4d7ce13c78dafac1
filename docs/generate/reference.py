"""The reference pages, from what is public: names, signatures and docstrings, the commands' help, and the keys of a plan."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from docstring import escape, markdown

import trialkit as tk
from trialkit import cli

TITLES = {
    "design": "Randomization and groups",
    "economics": "Costs and income",
    "effect_size": "Effect sizes",
    "errors": "Errors and exit codes",
    "measurement": "Measurement",
    "mediation": "Mediation, further analyses",
    "missing": "Missing data",
    "plot": "Figures",
    "power": "Power",
    "selection": "Reach, take-up, attrition",
    "simulate": "Simulated studies",
}


def pages() -> dict[str, str]:
    """Address under `reference/` -> Markdown."""
    rooms = {name: getattr(tk, name) for name in tk.__all__ if isinstance(getattr(tk, name), types.ModuleType)}
    top = [name for name in tk.__all__ if name not in rooms and not name.startswith("_")]
    found = {"trialkit.md": room_page("tk", "The trial and its effects", tk, top)}
    for name, room in rooms.items():
        found[f"{name}.md"] = room_page(f"tk.{name}", TITLES.get(name, name), room, public(room))
    found["errors.md"] += "\n" + exit_codes()
    found["commands.md"] = commands()
    found["plan.md"] = plan_keys(json.loads(_printed(["schema"])))
    found["index.md"] = overview(top, rooms)
    return found


def public(room: types.ModuleType) -> list[str]:
    return [name for name in getattr(room, "__all__", []) if not name.startswith("_")]


def overview(top: list[str], rooms: Mapping[str, types.ModuleType]) -> str:
    lines = ["# Reference", "", "Everything public, from the docstrings of the installed version. `import trialkit as tk`.", ""]
    lines += ["| page | what is in it |", "|---|---|"]
    lines += [f"| [The trial and its effects](trialkit.md) | {', '.join(f'`{n}`' for n in top)} |"]
    lines += [
        f"| [{TITLES.get(n, n)}]({n}.md) | {', '.join(f'`{m}`' for m in public(room))} |" for n, room in sorted(rooms.items())
    ]
    lines += ["| [Commands](commands.md) | every verb of `trialkit`, its arguments and options |"]
    lines += ["| [Keys of a plan](plan.md) | every section and key of `plan.toml`, from its JSON Schema |"]
    return "\n".join(lines) + "\n"


def room_page(prefix: str, title: str, room: types.ModuleType, names: list[str]) -> str:
    parts = [f"# {title}"]
    if prefix != "tk" and room.__doc__:
        parts.append(markdown(first_paragraph(room.__doc__)))
    parts += [described(prefix, name, getattr(room, name)) for name in names]
    return "\n\n".join(parts) + "\n"


def described(prefix: str, name: str, thing: Any) -> str:
    """Heading, signature, docstring; of a class also its public methods."""
    parts = [f"## {prefix}.{name}"]
    if inspect.isclass(thing):
        parts.append(_signature(name, thing) if not issubclass(thing, BaseException) else "")
        parts.append(_documented(thing))
        for method, function in own_methods(thing):
            parts.append(f"### {name}.{method}\n\n{_signature(method, function)}\n\n{_documented(function)}")
    elif callable(thing):
        parts += [_signature(name, thing), _documented(thing)]
    else:
        parts.append(f"`{thing!r}`")
    return "\n\n".join(part for part in parts if part.strip())


def first_paragraph(text: str) -> str:
    return text.strip().split("\n\n")[0]


def _documented(thing: Any) -> str:
    return markdown(thing.__doc__)


def own_methods(kind: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(kind).items():
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if inspect.isfunction(function) and not name.startswith("_") and function.__doc__:
            yield name, function


def _signature(name: str, thing: Any) -> str:
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    arguments = [a for a in _arguments(signature) if a not in ("self", "cls")]
    result = signature.return_annotation
    end = "" if result is inspect.Signature.empty or inspect.isclass(thing) else f" -> {_plain(result)}"
    one = f"{name}({', '.join(arguments)}){end}"
    if len(one) > 90:
        one = f"{name}(\n    " + ",\n    ".join(arguments) + f",\n){end}"
    return f"```python\n{one}\n```"


def _arguments(signature: inspect.Signature) -> Iterator[str]:
    star = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            star = True
            yield "*"
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        annotation = "" if parameter.annotation is parameter.empty else f": {_plain(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else f"{' = ' if annotation else '='}{_value(parameter.default)}"
        mark = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        yield f"{mark}{parameter.name}{annotation}{default}"


def _plain(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return text.strip("'\"") if text.startswith(("'", '"')) else text


def _value(default: Any) -> str:
    text = repr(default)
    return "..." if re.search(r" at 0x|^<", text) else text


def exit_codes() -> str:
    rows: dict[int, list[str]] = {}
    for name in public(tk.errors):
        thing = getattr(tk.errors, name)
        if inspect.isclass(thing) and issubclass(thing, Exception):
            rows.setdefault(thing.exit_code, []).append(f"`{name}`")
    table = "\n".join(f"| {code} | {', '.join(names)} |" for code, names in sorted(rows.items()))
    return f"## Exit codes\n\nThe command line leaves with 0, or with the code of the error. A p-value never changes it.\n\n| code | errors |\n|---|---|\n{table}\n"


def commands() -> str:
    """The help of every command, as it is printed."""
    parts = ["# Commands", "Results go to standard output, progress and errors to standard error.", _help([])]
    for verb in _verbs([]):
        parts += [f"## trialkit {verb}", _help([verb])]
        for below in _verbs([verb]):
            parts += [f"### trialkit {verb} {below}", _help([verb, below])]
    return "\n\n".join(parts) + "\n"


def _help(verbs: list[str]) -> str:
    return f"```text\n{_printed([*verbs, '--help'])}\n```"


def _printed(words: list[str]) -> str:
    shown = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}), contextlib.redirect_stdout(shown):
        cli.run(words)
    return shown.getvalue().strip()


def _verbs(verbs: list[str]) -> list[str]:
    _, _, after = _printed([*verbs, "--help"]).partition("Commands:\n")
    return re.findall(r"^  (\w+)  ", after, flags=re.MULTILINE)


def plan_keys(schema: Mapping[str, Any]) -> str:
    """One table a section, in the order of the plan."""
    parts = [
        "# Keys of a plan",
        "Every key of `plan.toml`. `trialkit schema` prints the JSON Schema for completion in an editor.",
    ]
    shown: set[str] = set()
    queue = [("the file", schema)]
    while queue:
        title, section = queue.pop(0)
        parts.append(f"## {title}")
        if section.get("description"):
            parts.append(markdown(first_paragraph(section["description"])))
        rows = ["| key | values | default | what it says |", "|---|---|---|---|"]
        for key, value in section.get("properties", {}).items():
            rows.append(
                f"| `{key}` | {_values(value)} | {_default(value, key in section.get('required', []))} | {_said(value)} |"
            )
            for name in _referred(value):
                if name not in shown and "properties" in schema["$defs"][name]:
                    shown.add(name)
                    queue.append((_path(title, key, value), schema["$defs"][name]))
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _path(title: str, key: str, value: Mapping[str, Any]) -> str:
    before = "" if title == "the file" else title.strip("[]") + "."
    return f"[[{before}{key}]]" if value.get("type") == "array" else f"[{before}{key}]"


def _referred(value: Any) -> list[str]:
    return re.findall(r"#/\$defs/(\w+)", str(value))


def _values(value: Mapping[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{v}`" for v in value["enum"])
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_values(v) for v in value["anyOf"] if v.get("type") != "null"))
    if "$ref" in value or "allOf" in value:
        return "section"
    if value.get("type") == "array":
        return f"list of {_values(value.get('items', {})) or 'values'}"
    return {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "table"}.get(
        value.get("type", ""), value.get("type", "")
    )


def _default(value: Mapping[str, Any], required: bool) -> str:
    if required:
        return "required"
    default = value.get("default")
    return (
        ""
        if default is None or isinstance(default, dict)
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )


def _said(value: Mapping[str, Any]) -> str:
    return escape(value.get("description", "")).replace("|", "\\|").replace("\n", " ")
