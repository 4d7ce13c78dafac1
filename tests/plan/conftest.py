"""The example plan, as text and as a specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialkit.plan.reading.load import load_spec
from trialkit.plan.schema.plan_spec import PlanSpec

EXAMPLE = Path(__file__).parent / "data" / "plan.toml"

SMALL = """\
schema_version = 1
[trial]
title = "t"
population = "people"
[arms]
a = { control = true }
b = {}
[data]
unit = "id"
arm = "arm"
[[outcomes]]
name = "y"
column = "y1"
role = "primary"
"""


@pytest.fixture(scope="session")
def text() -> str:
    return EXAMPLE.read_text("utf-8")


@pytest.fixture(scope="session")
def spec() -> PlanSpec:
    return load_spec(EXAMPLE)


@pytest.fixture
def plan_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path
