"""The JSON Schema of plan.toml: every key with its meaning, what it may be and an example, so that an editor can complete and check."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, get_args

from trialkit.plan.schema.base import Frozen, described
from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """JSON Schema of plan.toml, for completion and checks in an editor.

    Examples
    --------
    >>> json_schema()["properties"]["schema_version"]["const"]
    1
    """
    schema = _untitled(PlanSpec.model_json_schema())
    definitions = schema["$defs"]
    # [arms] and waves are tables in the file and ordered lists inside.
    schema["properties"]["arms"] = _as_table(schema["properties"]["arms"], {"$ref": "#/$defs/Arm"})
    waves = definitions["DataSection"]["properties"]["waves"]
    definitions["DataSection"]["properties"]["waves"] = _as_table(waves, {"type": "string"})
    definitions.pop("Wave", None)
    definitions["Arm"]["properties"].pop("name")
    # What `with_defaults` fills in may be left out of the file.
    filled: Mapping[str, set[str]] = {
        "Arm": {"name", "label"},
        "Outcome": {"label", "family"},
        "DesignSection": {"scheme", "allocation"},
        "Subgroup": {"outcomes"},
    }
    for name, keys in filled.items():
        definitions[name]["required"] = [k for k in definitions[name].get("required", []) if k not in keys]
    schema["required"].remove("design")
    for name, model in _sections(PlanSpec).items():
        target = definitions.get(name, schema)
        for key, meaning in described(model).items():
            if key in target["properties"]:
                target["properties"][key] |= {"description": meaning, **_examples(meaning)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "trialkit plan",
        **schema,
    }


def _sections(model: type[Frozen]) -> dict[str, type[Frozen]]:
    """The plan's model and every model inside it, by name."""
    found = {model.__name__: model}
    waiting: list[Any] = [f.annotation for f in model.model_fields.values()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and issubclass(part, Frozen) and part.__name__ not in found:
            found[part.__name__] = part
            waiting += [f.annotation for f in part.model_fields.values()]
        waiting += get_args(part)
    return found


def _as_table(schema: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in schema.items() if k == "description"}
    return {**kept, "type": "object", "additionalProperties": values}


def _untitled(node: Any, *, names: bool = False) -> Any:
    """Without the titles that only repeat the name of a key and hide its meaning; `names`: the keys of this table are keys of the plan."""
    if isinstance(node, list):
        return [_untitled(v) for v in node]
    if not isinstance(node, dict):
        return node
    return {k: _untitled(v, names=k in ("properties", "$defs") and not names) for k, v in node.items() if names or k != "title"}


def _examples(meaning: str) -> dict[str, list[Any]]:
    """The examples that the meaning of a key gives: 'as in [10, 15]', 'as { hedges_g = 0.2 }'."""
    found = []
    for text in _EXAMPLE.findall(meaning):
        try:
            found.append(tomllib.loads(f"x = {text}")["x"])
        except tomllib.TOMLDecodeError:
            continue
    return {"examples": found} if found else {}


# what stands after 'as' or 'as in': a table, a list, a text in quotes or a number
_EXAMPLE = re.compile(r'\bas (?:in )?(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\[[^\]]*\]|"[^"]*"|\d+(?:\.\d+)?\b)')
