"""The JSON Schema that editors read: complete, of this version, and with examples that a plan may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trialkit.cli.init import schema_text
from trialkit.plan.schema.json_schema import json_schema

DOCS = Path(__file__).parents[2] / "docs"


def tables() -> dict[str, dict[str, Any]]:
    schema = json_schema()
    return {**schema["$defs"], "the plan": schema}


def test_the_published_file_is_the_schema_of_the_model() -> None:
    assert (DOCS / "plan.schema.json").read_text(encoding="utf-8") == schema_text(), (
        "docs/plan.schema.json is older than the plan language: trialkit schema > docs/plan.schema.json"
    )
    assert json.loads(schema_text()) == json_schema()


def test_every_key_says_what_it_means_and_no_other_is_allowed() -> None:
    for name, table in tables().items():
        assert table["additionalProperties"] is False, name
        for key, content in table["properties"].items():
            assert content.get("description"), f"{name}.{key}"
            assert "title" not in content or key == "title", f"{name}.{key}"
    assert "title" in tables()["TrialSection"]["properties"]


def test_examples_are_of_the_kind_of_their_key() -> None:
    found = 0
    definitions = json_schema()["$defs"]
    for name, table in tables().items():
        for key, content in table["properties"].items():
            for example in content.get("examples", ()):
                found += 1
                assert fits(example, content, definitions), f"{name}.{key}: {example}"
    assert found >= 15


def fits(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether a value is of the kind that a schema wants; as much of JSON Schema as this schema uses."""
    for word in ("anyOf", "oneOf"):
        if word in schema and not any(fits(value, s, definitions) for s in schema[word]):
            return False
    if "$ref" in schema:
        return fits(value, definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "number": (int, float),
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list) and "items" in schema:
        return all(fits(v, schema["items"], definitions) for v in value)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        inner = [(v, known.get(k, others)) for k, v in value.items()]
        return all(s is True or (isinstance(s, dict) and fits(v, s, definitions)) for v, s in inner)
    return True


def test_a_wrong_example_would_be_seen() -> None:
    definitions = json_schema()["$defs"]
    size = definitions["GroupFormation"]["properties"]["size"]
    assert fits([10, 15], size, definitions)
    assert not fits("10-15", size, definitions)
    assert not fits({"hedges": 0.2}, definitions["Outcome"]["properties"]["smallest_worthwhile"], definitions)
