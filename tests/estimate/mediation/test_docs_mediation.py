"""docs/mediation.md runs as shown, and its table of coverage is that of the calibration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.plan.conftest import EXAMPLE
from trialkit.plan.reading.load import parse_plan

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "mediation.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/mediation.md", "exec"), made)
    return made


def test_what_the_page_says_is_what_comes_out(names):
    found, curve = names["found"], names["curve"]
    parts = [found.effect(n).estimate for n in ("acme", "ade", "total")]
    assert parts[0] + parts[1] == pytest.approx(parts[2])
    assert abs(curve.at(curve.breakpoint)["estimate"]) < 1e-10
    assert "peer" in str(found) and names["ax"].figure is not names["bars"].figure


def test_the_plan_of_the_page_is_one():
    text = EXAMPLE.read_text("utf-8")
    head = text[: text.index("[[mediation]]")] + text[text.index("[selection]") :]
    assert parse_plan(head + blocks("toml")[0]).mediation[0].mediator.wave == "t1"


def test_the_table_of_coverage_is_that_of_the_calibration():
    t = pd.read_csv(ROOT / "docs" / "calibration" / "mediation.csv")
    t = t[t["arm_on_mediator"] > 0]
    covered = (t["coverage_of_limit"] * t["replicates"]).groupby([t["groups"], t["method"]]).sum()
    share = covered / t["replicates"].groupby([t["groups"], t["method"]]).sum()
    rows = re.findall(r"^\| (\d+) (?:groups|and more) \|[^|]*\| (.*) \|$", TEXT, flags=re.MULTILINE)
    assert [int(g) for g, _ in rows] == [8, 12, 20, 40]
    for groups, said in rows:
        first, second = re.findall(r"\.\d{3}", said)[:2]
        own, other = ("percentile", "monte_carlo") if int(groups) >= 40 else ("monte_carlo", "percentile")
        assert float(first) == pytest.approx(share[int(groups), own], abs=6e-4)
        assert float(second) == pytest.approx(share[int(groups), other], abs=6e-4)
