"""Verdicts of the What Works Clearinghouse: by its published table and rules, with the margin to each boundary."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import TrialkitError, UsageError
from trialkit.selection.standards.attrition_room import attrition_room, room_sentences
from trialkit.selection.standards.wwc import wwc_rating


def trial(n: int = 200, *, lost: tuple[int, int] = (0, 0), shift: float = 0.0, **more: Any) -> tk.Trial:
    """Two arms of n, the first people of either lost; y0 is 0, 1, ... in both arms, `shift` higher in the second."""
    parts = []
    for arm, gone in zip(("solo", "peer"), lost):
        y0 = np.arange(n) % 10 + (shift if arm == "peer" else 0.0)
        parts.append(pd.DataFrame({"arm": arm, "y0": y0, "y1": np.where(np.arange(n) < gone, np.nan, 1.0 + np.arange(n))}))
    return tk.Trial(pd.concat(parts, ignore_index=True).assign(**more), arm="arm", control="solo")


def ratings(found: Any) -> dict[str, str]:
    return {r["assumption"]: r["verdict"] for r in found.table if r["row"] == "rating"}


def test_the_margin_is_that_of_the_published_table():
    # 20 % overall: the table's largest low differences are 5.4 and 10.0 points
    found = wwc_rating(trial(1000, lost=(170, 230)), "y1", pretest="y0")
    rows = {r["assumption"]: r for r in found.table if r["row"] == "attrition"}
    assert rows["cautious"]["verdict"] == "high" and rows["cautious"]["margin"] == pytest.approx(5.4 - 6.0)
    assert rows["optimistic"]["verdict"] == "low" and rows["optimistic"]["margin"] == pytest.approx(10.0 - 6.0)
    assert ratings(found)["optimistic"] == "without_reservations"


@pytest.mark.parametrize(
    ("shift", "adjusted", "verdict", "rating"),
    [
        (0.0, (), "alike", "with_reservations"),
        (0.5, (), "needs_adjustment", "does_not_meet"),
        (0.5, ("y0",), "alike_adjusted", "with_reservations"),
        (1.5, ("y0",), "apart", "does_not_meet"),
    ],
)
def test_with_high_attrition_the_pretest_decides(shift: float, adjusted: Any, verdict: str, rating: str):
    found = wwc_rating(trial(lost=(0, 100), shift=shift), "y1", pretest="y0", adjusted=adjusted)
    row = next(r for r in found.table if r["row"] == "baseline")
    assert row["verdict"] == verdict and set(ratings(found).values()) == {rating}
    assert row["margin"] == pytest.approx((0.05 if verdict == "alike" else 0.25) - abs(row["g"]))


def test_g_and_the_cox_index_are_those_of_the_handbook():
    y = trial(50, shift=2.0, f=np.r_[np.arange(50) < 20, np.arange(50) < 30].astype(float))
    found = {r["variable"]: r["g"] for r in wwc_rating(y, "y1", baseline=["y0", "f"]).table if r["row"] == "baseline"}
    omega, sd = 1 - 3 / (4 * 100 - 9), np.std(np.arange(50) % 10, ddof=1)
    assert found["y0"] == pytest.approx(omega * 2.0 / sd)
    assert found["f"] == pytest.approx(omega * (math.log(0.6 / 0.4) - math.log(0.4 / 0.6)) / 1.65)


def test_without_a_pretest_the_worst_baseline_decides_and_a_note_says_so():
    y = trial(lost=(0, 100), shift=1.5, z=np.tile(np.arange(200) % 4, 2).astype(float))
    found = wwc_rating(y, "y1", baseline=["z", "y0"])
    assert {r["decided_by"] for r in found.table if r["row"] == "rating"} == {"y0"}
    assert [n.code for n in found.notes] == ["no_pretest"]


def test_a_baseline_without_variation_is_alike_or_unknown_and_noted():
    found = wwc_rating(trial(lost=(0, 100), same=3.0, apart=np.repeat([3.0, 4.0], 200)), "y1", baseline=["same", "apart"])
    assert {r["variable"]: r["verdict"] for r in found.table if r["row"] == "baseline"} == {"same": "alike", "apart": "unknown"}
    assert set(ratings(found).values()) == {"unknown"}
    assert [n.code for n in found.notes] == ["baseline_unknown", "no_pretest"]


def test_clusters_are_rated_at_both_levels():
    d = trial(100, lost=(0, 10)).data.assign(c=np.r_[np.arange(100) // 10, 10 + np.arange(100) // 10])
    found = wwc_rating(tk.Trial(d, arm="arm", control="solo", cluster="c"), "y1")
    assert [r["level"] for r in found.table if r["row"] == "attrition"] == ["clusters", "clusters", "people", "people"]
    # one cluster of twenty is lost as a whole: 5 % and a difference of 10 points
    clusters = next(r for r in found.table if r["row"] == "attrition" and r["assumption"] == "cautious")
    assert clusters["overall"] == pytest.approx(0.05) and clusters["verdict"] == "high"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**31))
def test_row_order_and_names_of_arms_do_not_matter(gone_solo: int, gone_peer: int, seed: int):
    y = trial(100, lost=(gone_solo, gone_peer), shift=0.4)
    mixed = y.data.sample(frac=1, random_state=seed)
    other = tk.Trial(mixed.assign(arm=mixed["arm"].map({"solo": "a", "peer": "b"})), arm="arm", control="a")
    one, two = wwc_rating(y, "y1", pretest="y0"), wwc_rating(other, "y1", pretest="y0")
    for a, b in zip(one.table, two.table):
        assert a["verdict"] == b["verdict"]
        assert a["margin"] == pytest.approx(b["margin"], nan_ok=True, abs=1e-9)


def test_a_missing_column_is_named():
    with pytest.raises(TrialkitError, match="y9"):
        wwc_rating(trial(), "y1", baseline=["y9"])


def test_the_room_of_a_plan_is_where_the_table_falls_below_the_difference():
    rows = {(r["assumption"], r["difference"]): r for r in attrition_room(0.22, differences=[0.05, 0.2]).table}
    assert rows["cautious", 0.05]["boundary"] == pytest.approx(0.052) and rows["cautious", 0.05]["lost_from"] == pytest.approx(
        0.24
    )
    assert rows["cautious", 0.05]["room"] == pytest.approx(0.02)
    assert math.isnan(rows["cautious", 0.2]["lost_from"])
    assert "22%" in room_sentences(0.22)[0] and "high whatever" in room_sentences(0.6)[0]


@pytest.mark.parametrize("attrition", [-0.1, 1.0, 22, math.nan])
def test_attrition_is_a_share(attrition: float):
    with pytest.raises(UsageError, match=r"0\.15 for 15 %"):
        attrition_room(attrition)
