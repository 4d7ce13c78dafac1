"""Disclosure control: no small count can be worked out from what a report prints, in any of its files."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.report.contents import ARMS, LABELS, content, people
from trialkit.report.content import ArmContent, OutcomeContent, ReportContent
from trialkit.report.disclosure.published import published
from trialkit.report.disclosure.rows import held
from trialkit.report.disclosure.suppress import possible_values, suppressed
from trialkit.report.save import load_content, save_report
from trialkit.report.words.dutch import DUTCH
from trialkit.selection.attrition import attrition
from trialkit.selection.balance import balance
from trialkit.selection.flow import flow

LEAST = 5


def crossed(cells: list[list[int]]) -> tuple[dict[Any, int], list[dict[Any, int]]]:
    """A table of rows and columns with its margins, and the equations between them."""
    rows, columns = range(len(cells)), range(len(cells[0]))
    counts: dict[Any, int] = {(i, j): cells[i][j] for i in rows for j in columns}
    counts |= {(i, "all"): sum(cells[i]) for i in rows} | {("all", j): sum(r[j] for r in cells) for j in columns}
    counts["all", "all"] = sum(map(sum, cells))
    equations = [{(i, j): 1 for j in columns} | {(i, "all"): -1} for i in (*rows, "all")]
    equations += [{(i, j): 1 for i in rows} | {("all", j): -1} for j in (*columns, "all")]
    return counts, equations


def fits(counts: dict[Any, int], equations: list[dict[Any, int]], found: dict[Any, str], most: int) -> dict[Any, set[int]]:
    """Every value of every withheld cell that fits what is printed: by trying them all."""
    unknown = list(found)
    ranges = [range(1, LEAST) if found[k] != "*" else range(most + 1) for k in unknown]
    values: dict[Any, set[int]] = {k: set() for k in unknown}
    for tried in itertools.product(*ranges):
        known = counts | dict(zip(unknown, tried))
        if all(sum(c * known[k] for k, c in e.items()) == 0 for e in equations):
            for k, v in zip(unknown, tried):
                values[k].add(v)
    return values


def test_one_small_cell_takes_a_second_with_it() -> None:
    found = suppressed({"a": 3, "b": 40, "c": 60, "all": 103}, [{"a": 1, "b": 1, "c": 1, "all": -1}], LEAST)
    assert found == {"a": "<5", "b": "*"}


def test_a_corner_of_four_cells_is_withheld_in_a_table_with_both_margins() -> None:
    counts, equations = crossed([[3, 20, 30], [15, 25, 40], [18, 28, 50]])
    found = suppressed(counts, equations, LEAST)
    assert found[0, 0] == "<5" and len(found) == 4
    low, high = possible_values((0, 0), counts, equations, LEAST, found)
    assert low < high and low <= 3 <= high


def test_a_mark_that_says_too_much_is_weakened() -> None:
    """Where even the total is below five, '<5' everywhere would leave one for each of four people."""
    counts, equations = crossed([[1, 1], [1, 1]])
    found = suppressed(counts, equations, LEAST)
    assert set(found) == set(counts) and found["all", "all"] == "*"
    low, high = possible_values((0, 0), counts, equations, LEAST, found)
    assert low < high


def test_zeros_and_counts_at_the_threshold_are_printed() -> None:
    assert suppressed({"a": 0, "b": 5, "all": 5}, [{"a": 1, "b": 1, "all": -1}], LEAST) == {}


def test_a_small_rest_is_protected_though_it_is_printed_nowhere() -> None:
    found = suppressed({"took": 98, "all": 100, "not": 2}, [{"took": 1, "not": 1, "all": -1}], LEAST, hidden=frozenset({"not"}))
    assert found == {"took": "*"}


def test_needed_cells_are_withheld_last() -> None:
    counts, equation = {"a": 3, "b": 200, "all": 203}, [{"a": 1, "b": 1, "all": -1}]
    assert suppressed(counts, equation, LEAST, last=frozenset({"b"}))["all"] == "*"
    assert "b" in suppressed(counts, equation, LEAST, last=frozenset({"b", "all"}))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=2, max_size=2))
def test_no_small_count_is_solved_by_trying_every_table(cells: list[list[int]]) -> None:
    counts, equations = crossed(cells)
    found = suppressed(counts, equations, LEAST)
    assert all(k in found for k, v in counts.items() if 1 <= v < LEAST)
    assert all(1 <= counts[k] < LEAST for k, mark in found.items() if mark.startswith("<"))
    if len(found) > 5:
        return
    for k, values in fits(counts, equations, found, most=40).items():
        assert counts[k] in values
        if 1 <= counts[k] < LEAST:
            assert len(values) > 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=3, max_size=3))
def test_bounds_of_every_small_count_stay_open_in_larger_tables(cells: list[list[int]]) -> None:
    counts, equations = crossed(cells)
    found = suppressed(counts, equations, LEAST)
    for k, v in counts.items():
        if 1 <= v < LEAST:
            low, high = possible_values(k, counts, equations, LEAST, found)
            assert low < high and low <= v <= high


def small() -> ReportContent:
    """Ninety people, of whom few lack an outcome, few have an event, and two kinds of people are rare."""
    frame = people(3, n=90)
    frame["education"] = ["none"] * 3 + ["lower secondary"] * 40 + ["upper secondary"] * 47
    frame["rare"] = [1.0 if i in (2, 11, 50) else 0.0 for i in range(90)]
    frame.loc[[5, 60], "rare"] = float("nan")
    trial = tk.Trial(frame, arm="arm", control="individual", unit="id", strata=["agency"], group="group")
    base = content()
    result = tk.itt(trial, "rare", measure="risk_difference", estimator="difference_in_means")
    outcome = OutcomeContent(
        "rare", "A rare event", "primary", "rare", "", "risk_difference", "lower", 0.05, result, ("inconclusive",),
        attrition=attrition(trial, "rare"), column="rare",
    )  # fmt: skip
    return replace(
        base, outcomes=(outcome,), corrections={}, multiplicity={}, flow=flow(trial, ["rare"], uptake="attended"),
        arms=tuple(ArmContent(a, ARMS[a], a == "individual", a != "individual") for a in ("individual", "peer")), labels=LABELS,
        balance=balance(trial, ["age", "female", "education"]), deviations=(), minimum_cell=LEAST,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportContent, Path, Path]:
    base = tmp_path_factory.mktemp("disclosure")
    made = small()
    save_report(replace(made, minimum_cell=0), base / "whole", word=False)
    save_report(made, base / "safe", word=False)
    return made, base / "whole", base / "safe"


def stored(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_losses_and_the_counts_that_give_them_away_are_withheld(folders: tuple[ReportContent, Path, Path]) -> None:
    _, whole, safe = folders
    before, after = stored(whole)["outcomes"][0], stored(safe)["outcomes"][0]
    lost = {r["arm"]: r["lost"] for r in before["attrition"]["table"]}
    assert sum(lost.values()) == 2
    for arm, count in lost.items():
        row = next(r for r in after["attrition"]["table"] if r["arm"] == arm)
        if count:
            assert row["lost"] == "<5" and row["rate"] is None and row["difference"] is None
            people_known = next(r for r in stored(safe)["flow"]["table"] if r["arm"] == arm and r["stage"] == "outcome")
            arm_row = next(a for a in after["result"]["details"]["arms"] if a["arm"] == arm)
            assert people_known["people"] == "*" == arm_row["n"] and people_known["share"] is None
    assert after["attrition"]["details"]["by_group"] == [] and after["attrition"]["details"]["overall"] is None


def test_shares_of_a_rare_event_and_their_raw_difference_are_withheld(folders: tuple[ReportContent, Path, Path]) -> None:
    _, whole, safe = folders
    arms = stored(whole)["outcomes"][0]["result"]["details"]["arms"]
    assert all(0 < a["mean"] * a["n"] < LEAST for a in arms)
    after = stored(safe)["outcomes"][0]["result"]
    assert all(a["mean"] is None and a["sd"] is None for a in after["details"]["arms"])
    e = after["estimates"][0]
    assert [e[k] for k in ("estimate", "std_error", "conf_low", "conf_high", "p_value", "statistic")] == [None] * 6


def test_a_rare_level_is_withheld_with_what_gives_it_away(folders: tuple[ReportContent, Path, Path]) -> None:
    rows = [r for r in stored(folders[2])["balance"]["table"] if r["covariate"] == "education"]
    for side in ("control", "arm"):
        hidden = [r for r in rows if r[f"mean_{side}"] is None]
        known = next(r for r in stored(folders[1])["balance"]["table"] if r["covariate"] == "education" and r["level"] == "none")
        if 0 < known[f"mean_{side}"] * known[f"n_{side}"] < LEAST:
            assert len(hidden) >= 2 or any(r[f"n_{side}"] == "*" for r in rows)


def test_no_withheld_number_stands_in_any_file(folders: tuple[ReportContent, Path, Path]) -> None:
    """Long numbers that were withheld from results.json are in no page, table or figure either."""
    _, whole, safe = folders
    gone = long_numbers(stored(whole)) - long_numbers(stored(safe))
    assert len(gone) > 8
    for path in safe.rglob("*"):
        if path.suffix in (".html", ".csv", ".json", ".svg"):
            text = path.read_text(encoding="utf-8")
            assert not [n for n in gone if n in text], path.name
    page = (safe / "index.html").read_text(encoding="utf-8")
    assert "&lt;5" in page and "counts of fewer than 5 people" in page


def test_tables_show_the_marks(folders: tuple[ReportContent, Path, Path]) -> None:
    text = (folders[2] / "tables" / "attrition.csv").read_text(encoding="utf-8")
    assert "<5" in text and re.search(r",\d\.\d+e?", text.splitlines()[1]) is None


def test_a_published_report_is_drawn_again_as_it_is(folders: tuple[ReportContent, Path, Path], tmp_path: Path) -> None:
    safe = folders[2]
    again = save_report(load_content(safe), tmp_path / "again", word=False).parent
    assert (again / "results.json").read_bytes() == (safe / "results.json").read_bytes()
    assert (again / "index.html").read_bytes() == (safe / "index.html").read_bytes()


def test_the_content_itself_keeps_its_numbers_and_no_minimum_changes_nothing() -> None:
    made = small()
    before = made.to_dict()
    found = published(made)
    assert made.to_dict() == before and found.withheld and found.withheld > 10
    open_ = replace(made, minimum_cell=0)
    assert published(open_) is open_ and published(found) is found


def test_a_report_of_large_counts_loses_only_what_is_small() -> None:
    made = replace(content(), minimum_cell=LEAST)
    found = published(made)
    for before, after in zip(made.outcomes, found.outcomes):
        assert after.result.estimates == before.result.estimates and after.result.details["arms"] == before.result.details["arms"]
    assert [dict(r) for r in found.flow.table] == [dict(r) for r in made.flow.table]


def test_no_share_beside_a_withheld_count_shows_its_denominator(folders: tuple[ReportContent, Path, Path]) -> None:
    """An unrounded 340/693 is found as a fraction; three digits fit many."""
    seen = 0
    for node in nodes(stored(folders[2])):
        if any(v == "*" or v == f"<{LEAST}" for v in node.values() if isinstance(v, str)):
            for k, v in node.items():
                if isinstance(v, float) and k != "conf_level":
                    seen += 1
                    assert v == float(f"{v:.3g}"), (k, v)
    assert seen > 3


def test_the_people_of_an_outcome_are_withheld_wherever_they_stand(folders: tuple[ReportContent, Path, Path]) -> None:
    made, _, safe = folders
    lost = {r["arm"]: r["lost"] for r in made.outcomes[0].attrition.table}  # type: ignore[union-attr]
    known = {a["n"] for a in made.outcomes[0].result.details["arms"] if lost[a["arm"]]} | {made.outcomes[0].result.estimates[0].n}
    for node in nodes(stored(safe)["outcomes"]):
        assert node.get("n") not in known and node.get("n_clusters") not in known


def test_curves_have_no_step_of_a_few_people_and_small_bars_are_gone() -> None:
    at_risk, events = [100, 98, 97, 90, 60, 20, 7, 3], [2, 1, 4, 30, 40, 10, 2, 1]
    curve: dict[str, Any] = {"time": list(range(8)), "at_risk": at_risk, "events": events, "survival": [0.9] * 8}
    bars: dict[str, Any] = {"edges": [0, 1, 2], "counts": {"a": [9, 4], "b": [9, 9]}}
    whole: dict[str, Any] = {"edges": [0, 1, 2], "counts": {"a": [9, 0], "b": [9, 9]}}
    held({"curves": [curve], "histogram": bars, "other": whole}, LEAST)
    assert curve["events"] and all(n >= LEAST for n in (*curve["events"], *curve["at_risk"]))
    assert len({len(v) for v in curve.values()}) == 1
    steps = [a - b for a, b in itertools.pairwise(curve["at_risk"])]
    assert all(step - n == 0 or step - n >= LEAST for step, n in zip(steps, curve["events"]))
    assert bars["edges"] == [] and whole["edges"] == [0, 1, 2]


def test_words_say_less_than_five_in_place_of_a_small_count() -> None:
    made = small()
    found = published(made)
    assert "<5 people" in found.notes[0].text and "3 people" in made.notes[0].text


def test_counts_by_arm_in_sentences_and_degrees_of_freedom_of_an_sd_give_nobody_away() -> None:
    """2 of 100 controls and 20 of 100 others lack the outcome: neither the 2, nor what it follows from, in either language."""
    rng = np.random.default_rng(1)
    d = pd.DataFrame(
        {"id": range(200), "arm": ["solo", "peer"] * 100, "group": [None if i % 2 == 0 else f"g{i // 20}" for i in range(200)]}
    )
    d["y"] = rng.normal(size=200)
    d.loc[[0, 2, *range(1, 41, 2)], "y"] = np.nan
    plan = """
schema_version = 1
[trial]
title = "t"
population = "people"
[arms]
solo = { control = true }
peer = { grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
[[outcomes]]
name = "y"
column = "y"
role = "primary"
[selection]
attrition = true
[report]
minimum_cell = 5
"""
    whole = tk.Plan.from_text(plan).run(d)
    assert "22 of 200 people have no 'y' and are left out (solo: 2, peer: 20)." in [
        n.text for n in whole.outcomes[0].result.notes
    ]
    found = published(whole)
    sentence = "* of 200 people have no 'y' and are left out (solo: <5, peer: *)."
    assert sentence in [n.text for n in found.outcomes[0].result.notes]
    assert DUTCH.said(sentence) == "Van * van de 200 mensen ontbreekt 'y'; zij doen niet mee (solo: <5, peer: *)."
    # 97 = 98 controls with the outcome - 1: the SD is theirs
    assert whole.outcomes[0].effect_size.details["standardizer"][0]["df"] == 97
    (said,) = found.outcomes[0].effect_size.details["standardizer"]
    assert said["df"] is None and said["j"] is None and said["sd"] > 0


def test_what_moves_with_the_share_lost_is_withheld_where_few_are_lost() -> None:
    """The worst cases are as far apart as the shares lost in the two arms together: .03 of 100 and 100 people are three people."""
    rng = np.random.default_rng(2)
    d = pd.DataFrame(
        {"id": range(200), "arm": ["solo", "peer"] * 100, "x": rng.normal(size=200), "job": (rng.random(200) < 0.4) * 1.0}
    )
    d["y"] = d["x"] + rng.normal(size=200)
    d.loc[[0, 1, 3], ["job", "y"]] = np.nan
    plan = """
schema_version = 1
[trial]
title = "t"
population = "people"
[arms]
solo = { control = true }
peer = {}
[data]
unit = "id"
arm = "arm"
[[outcomes]]
name = "job"
column = "job"
role = "primary"
measure = "risk_difference"
[[outcomes]]
name = "y"
column = "y"
baseline = "x"
role = "primary"
[missing]
imputations = 2
seed = 1
sensitivity = ["manski_bounds", "kling_liebman", "tipping_point"]
[report]
minimum_cell = 5
"""
    whole = tk.Plan.from_text(plan).run(d)
    job = whole.selection.missing["job"]
    assert job["manski_bounds"].upper - job["manski_bounds"].lower == pytest.approx(0.03)
    told = published(whole)
    found = told.selection.missing
    for rule in ("manski_bounds", "kling_liebman", "lee_bounds"):
        assert all(r["lower"] is None and r["upper"] is None for r in found["job"][rule].table)
    scenarios = {e.extra["scenario"]: e.estimate for e in found["job"]["tipping_point"].estimates}
    assert [k for k, v in scenarios.items() if np.isfinite(v)] == ["as observed"]
    tipping = found["y"]["tipping_point"]
    assert [r["delta"] for r in tipping.table if r["estimate"] is not None] == [0.0]
    assert tipping.details["n_moved"] == "<5"
    assert np.isfinite([e.estimate for o in told.outcomes for e in o.result.estimates]).all()
    missing = [r for r in told.after.tests.table if r["test"] == "missing" and r["outcome"] == "job"]
    assert missing and not any(np.isfinite(r["estimate"] or np.nan) for r in missing)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(v)


def long_numbers(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(long_numbers(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(long_numbers(v) for v in value))
    return {repr(value)} if isinstance(value, float) and len(repr(value)) > 9 else set()
