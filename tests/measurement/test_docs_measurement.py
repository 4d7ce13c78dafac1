"""docs/measurement.md runs as shown and names every function of the room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import trialkit as tk
from tests.plan.conftest import EXAMPLE
from trialkit.plan.reading.load import parse_plan

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "measurement.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/measurement.md", "exec"), made)
    return made


def test_what_the_page_says_is_what_comes_out(names):
    assert names["over_time"].scalar == names["in_the_arms"].scalar == "full"
    assert names["told"].scalar == "partial" and all("gse_t1_4" in f for f in names["told"].freed)
    every, clean = (names[k].tidy().set_index(["level", "unit"])["estimate"] for k in ("every", "clean"))
    assert every["observed", "item points"] > clean["observed", "item points"] + 0.08
    last = names["every"].direct_effects.sort_values("chisq").iloc[-1]
    assert last["item"] == "gse_t1_4"


def test_the_plan_of_the_page_measures_as_the_functions(names):
    scale, alone = names["scale"], names["error"]
    assert scale.reliability["t1"].omega == pytest.approx(alone["t1"].omega)
    assert scale.over_waves["t0 to t1"].scalar == names["over_time"].scalar
    assert scale.change["t0 to t1"].improved == names["change"].improved


def test_the_key_of_the_plan_is_one():
    text = EXAMPLE.read_text("utf-8") + blocks("toml")[0]
    assert parse_plan(text).measurement.invariance is False


def test_every_function_is_named():
    functions = {n for n in tk.measurement.__all__ if n[0].islower()} - {
        "scale",
        "scales",
        "template",
        "templates",
        "answer_labels",
    }
    assert {n for n in functions if f"tk.measurement.{n}" not in TEXT} == set()


def test_the_page_is_linked():
    assert "measurement.md" in (ROOT / "README.md").read_text("utf-8")
