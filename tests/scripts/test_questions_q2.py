"""The questions on the group itself, motivation, the poorest, success factors, survival, the welfare state and harm: each script answers, and never beyond its interval."""

from __future__ import annotations

import functools
import importlib.util
import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest

import trialkit as tk

QUESTIONS = Path(__file__).parents[2] / "analyses" / "questions"
SLUGS = (
    "is_the_group_decisive", "motivation", "poorest_not_reached", "success_factors", "group_survival", "welfare_state", "loans_and_pressure",
)  # fmt: skip
KEYS = {"question", "design", "size", "estimand", "truth", "naive", "estimate", "low", "high", "conclusion", "missing"}
# seed 1 was not chosen: the interval for simple content misses what was put in, and its section says so
MISSES = {("success_factors", "simple content against broad")}


@functools.cache
def script(slug: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"question_{slug}", QUESTIONS / slug / "run.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


REPORTS: dict[str, list[Any]] = {}


@functools.cache
def answer(slug: str) -> dict[str, Any]:
    """The answer, and beside it the reports of the plan that it ran."""
    run, reports = tk.Plan.run, REPORTS.setdefault(slug, [])

    def noted(plan: tk.Plan, *data: Any, **options: Any) -> Any:
        reports.append(run(plan, *data, **options))
        return reports[-1]

    with mock.patch.object(tk.Plan, "run", noted):
        found: dict[str, Any] = script(slug).answer()
    return found


def of(slug: str, what: str) -> dict[str, float]:
    """A row of an answer as numbers; its naive number is NaN where there is none."""
    words = next(r for r in answer(slug)["rows"] if r["what"].startswith(what))
    low, high = (float(v.replace(",", "")) for v in re.fullmatch(r"(-?[\d,.]+) to (-?[\d,.]+)", words["interval"]).groups())
    plain = {k: float(words[k].replace(",", "")) if words.get(k) else np.nan for k in ("truth", "naive", "estimate")}
    return {**plain, "low": low, "high": high}


@pytest.mark.parametrize("slug", SLUGS)
def test_answer_is_whole_and_its_section_is_there(slug):
    found = answer(slug)
    assert set(found) >= KEYS
    assert all(math.isfinite(found[k]) for k in ("truth", "naive", "estimate", "low", "high"))
    assert found["low"] < found["estimate"] < found["high"]
    assert found["conclusion"].endswith(".") and "nan" not in found["conclusion"].lower()
    section = (QUESTIONS / slug / "README.md").read_text(encoding="utf-8")
    assert section.startswith("# ") and "assumed" in section and "cannot tell" in section


@pytest.mark.parametrize("slug", SLUGS)
def test_intervals_hold_the_truth_or_the_section_says_so(slug):
    for row in answer(slug)["rows"]:
        numbers = of(slug, row["what"])
        held = numbers["low"] <= numbers["truth"] <= numbers["high"]
        assert held == ((slug, row["what"]) not in MISSES), row
    if slug in {s for s, _ in MISSES}:
        assert "miss" in (QUESTIONS / slug / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("slug", SLUGS)
def test_plan_was_run_and_nothing_of_it_left_out(slug):
    answer(slug)
    (report,) = REPORTS[slug]
    assert report.not_run == ()
    plan = tk.Plan.load(QUESTIONS / slug / "plan.toml")
    assert report.title == plan.spec.trial.title
    assert [o.name for o in report.outcomes] == [o.name for o in plan.spec.outcomes]
    assert all(math.isfinite(e.std_error) for o in report.outcomes for e in o.result.estimates)


@pytest.mark.parametrize("slug", ["is_the_group_decisive", "motivation", "success_factors", "group_survival", "welfare_state"])
def test_naive_answer_lies_outside_the_interval(slug):
    found = answer(slug)
    assert not found["low"] <= found["naive"] <= found["high"]


def test_script_prints_its_answer(capsys, monkeypatch):
    run = script("loans_and_pressure")
    monkeypatch.setattr(run, "answer", lambda: answer("loans_and_pressure"))
    assert run.main([]) == 0
    assert answer("loans_and_pressure")["conclusion"] in capsys.readouterr().out


def test_circles_exist_where_the_question_has_them():
    """In the treated arms only, in one arm each, of the smallest size or more; everywhere among kinds of circle."""
    for slug, arms in (("is_the_group_decisive", {"circle", "both"}), ("motivation", {"offer"}), ("welfare_state", {"circle"})):
        frame = script(slug).simulate()
        assert set(frame.loc[frame["circle_id"].notna(), "arm"]) == arms
        assert frame.loc[frame["arm"].isin(arms), "circle_id"].notna().all()
        assert (frame.groupby("circle_id")["arm"].nunique() == 1).all()
        assert frame.groupby("circle_id").size().min() >= 8
    frame = script("success_factors").simulate()
    sizes = frame.groupby("circle_id")["size"].agg(["first", "count"])
    assert frame["circle_id"].notna().all() and frame["arm"].nunique() == 16
    small, large = (sizes.loc[sizes["first"] == kind, "count"] for kind in ("small", "large"))
    assert small.between(6, 9).all() and small.median() <= 8  # the last people of a kind join its other circles
    assert large.between(12, 20).all() and large.median() >= 12


def test_motivated_come_more_often_and_gain_less_in_the_truth():
    true = script("motivation").truths()
    assert true["reach"] > 0.2 and true["come higher"] < true["come lower"]
    assert abs(true["slope"]) < 0.02


def test_poorest_are_reached_less_and_carrying_over_reckons_with_it():
    poor, others = of("poorest_not_reached", "share enrolled, poorest"), of("poorest_not_reached", "share enrolled, others")
    assert poor["high"] < others["low"]
    missed = of("poorest_not_reached", "effect among the poorest")
    assert abs(missed["estimate"] - missed["truth"]) < abs(missed["naive"] - missed["truth"])


def test_register_sees_no_group_that_closed_before_it_opened():
    run = script("group_survival")
    frame = run.register()
    assert (frame["founded"] + frame["until"] > run.OPENS).all() and (frame["years_since_entry"] > 0).all()
    assert (frame["founded"] + frame["until"] <= run.CLOSES + 1e-9).all()
    rows = run.split(frame)
    span = rows["stop"] - rows["entry"]
    assert span.groupby(rows["id"]).sum().to_numpy() == pytest.approx(
        frame.set_index("id").sort_index()["years_since_entry"].to_numpy()
    )
    assert rows["closed"].sum() == frame["closed"].sum() and (span > 0).all()


def test_lives_have_the_hazards_that_were_put_in():
    """Without exits the mean life is 1/hazard; after an exit at age 0 it is shorter by the ratio."""
    run = script("group_survival")
    budget = np.array([0.5, 3.0, 8.0])
    assert run._age(budget, np.array([9.0, 2.0, 0.0]), 2.0).tolist() == [0.5, 2.5, 4.0]
    ages = run._age(budget, np.array([1.0, 2.0, 0.0]), 2.5)
    assert run._spent(ages, np.array([1.0, 2.0, 0.0]), 2.5).tolist() == pytest.approx(budget.tolist())
    assert run._continue(1.5, 1.0, np.array([2.0]), 2.0).tolist() == [2.25]


def test_net_income_leaves_less_than_was_earned():
    frame = script("welfare_state").simulate().dropna(subset=["gross_t1"])
    gained = frame["net_t1"] - frame["net_without"]
    assert (gained <= frame["gross_t1"] + 1e-9).all()
    assert (gained[frame["works"] == 0] == 0).all()
    lost = frame[(frame["works"] == 1) & (gained <= 0)]
    assert set(lost["no_gain"]) == {1.0} and frame["no_gain"].sum() == len(lost)
    assert of("welfare_state", "net income, euros")["high"] < of("welfare_state", "gross earnings")["low"]


def test_no_violence_is_said_with_its_limit():
    run = script("loans_and_pressure")
    frame = run.simulate()
    treated = int((frame["arm"] == "circle").sum())
    assert frame.loc[frame["arm"] == "circle", "violence"].sum() == 0
    assert f"{300 / treated:.1f} % (3/n)" in answer("loans_and_pressure")["conclusion"]


def test_words_go_no_further_than_the_interval():
    words = {"above": "more", "below": "less", "unsure": "open"}
    line = script("motivation").lines.Line
    cases = [
        ((0.1, 0.3), 0.0, "more"),
        ((-0.3, -0.1), 0.0, "less"),
        ((-0.1, 0.3), 0.0, "open"),
        ((0.0, 0.3), 0.0, "open"),
        ((1.2, 2.0), 1.0, "more"),
        ((0.9, 2.0), 1.0, "open"),
    ]
    for (low, high), null, said in cases:
        assert line("x", 0.0, np.nan, (low + high) / 2, low, high).says(**words, null=null) == said
