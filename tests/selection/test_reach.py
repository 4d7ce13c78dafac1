"""The funnel: closed forms, counts as people, contradictions refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    UsageError,
    ValueTypeError,
)

COUNTS = pd.DataFrame(
    {
        "vulnerability": ["high", "low", "middle"], "eligible": [400, 600, 300], "approached": [200, 500, 250], "consented": [80, 240, 90],
        "randomized": [70, 230, 88], "offered": [35, 115, 44], "attended": [20, 100, 40], "followed_up": [50, 200, 80],
    }
)  # fmt: skip


def people(counts: pd.DataFrame = COUNTS) -> pd.DataFrame:
    """One row a person with the same counts, every later stage nested in the one it is counted from."""
    parts = []
    for row in counts.to_dict("records"):
        n = row["eligible"]
        d = {"vulnerability": [row["vulnerability"]] * n}
        for stage in counts.columns[1:]:
            d[stage] = (np.arange(n) < row[stage]).astype(int)
        parts.append(pd.DataFrame(d))
    return pd.concat(parts, ignore_index=True)


def at(result, stratum, stage):
    t = result.tidy()
    return t[(t["stratum"] == stratum) & (t["stage"] == stage)].iloc[0]


def test_shares_and_denominators():
    r = tk.selection.reach(COUNTS, by="vulnerability")
    row = at(r, "high", "attended")
    assert (row["counted_from"], row["people_from"], row["retention"], row["reach"]) == ("offered", 35, 20 / 35, 20 / 400)
    row = at(r, "high", "followed_up")
    assert (row["counted_from"], row["retention"]) == ("randomized", 50 / 70)
    assert row["reach_ratio"] == pytest.approx((50 / 400) / (280 / 900))
    assert at(r, "all", "consented")["reach"] == pytest.approx(410 / 1300)
    assert (
        at(tk.selection.reach(COUNTS.drop(columns="offered"), by="vulnerability"), "low", "attended")["counted_from"]
        == "randomized"
    )


def test_intervals_are_those_of_wilson_and_of_the_score():
    # Wilson's limits of 80 of 200 and Miettinen & Nurminen's of 80/200 against 330/750, solved here afresh
    row = at(tk.selection.reach(COUNTS, by="vulnerability"), "high", "consented")
    z = 1.959963984540054
    for limit in (row["retention_low"], row["retention_high"]):
        assert abs(0.4 - limit) / math.sqrt(limit * (1 - limit) / 200) == pytest.approx(z, abs=1e-9)
    x1, n1, x0, n0 = 80, 200, 330, 750
    for r in (row["retention_ratio_low"], row["retention_ratio_high"]):
        a, b, c = (n1 + n0) * r, -(n1 * r + x1 + n0 + x0 * r), x1 + x0
        p0 = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
        variance = (r * p0 * (1 - r * p0) / n1 + r * r * p0 * (1 - p0) / n0) * (n1 + n0) / (n1 + n0 - 1)
        assert abs(x1 / n1 - r * x0 / n0) / math.sqrt(variance) == pytest.approx(z, abs=1e-6)


def test_reach_ratio_is_the_product_of_retention_ratios():
    t = tk.selection.reach(COUNTS, by="vulnerability").tidy()
    path = ["approached", "consented", "randomized", "offered", "attended"]
    for stratum in ("high", "low", "middle"):
        mine = t[t["stratum"] == stratum].set_index("stage")
        assert mine.loc[path, "retention_ratio"].prod() == pytest.approx(mine.loc["attended", "reach_ratio"], rel=1e-12)


def test_people_and_counts_agree_and_order_does_not_matter():
    one = tk.selection.reach(COUNTS, by="vulnerability", reference="low").tidy()
    d = people()
    two = tk.selection.reach(d, by="vulnerability", reference="low").tidy()
    three = tk.selection.reach(d.sample(frac=1, random_state=1), by="vulnerability", reference="low").tidy()
    pd.testing.assert_frame_equal(one, two, rtol=1e-13)
    pd.testing.assert_frame_equal(two, three, rtol=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=4))
def test_intervals_hold_the_estimates(cells):
    rows = [
        {"v": f"s{i}", "eligible": n, "consented": int(n * a), "randomized": int(int(n * a) * b)}
        for i, (n, a, b) in enumerate(cells)
    ]
    t = tk.selection.reach(pd.DataFrame(rows), by="v").tidy()
    for name in ("retention", "reach", "retention_ratio", "reach_ratio"):
        known = t[t[name].notna()]
        assert ((known[f"{name}_low"] <= known[name] + 1e-9) & (known[name] <= known[f"{name}_high"] + 1e-9)).all()


def test_clusters_of_alike_people_widen_the_intervals_and_single_ones_hardly_change_them():
    rng = np.random.default_rng(3)
    site = np.repeat(np.arange(30), 40)
    p = np.repeat(rng.uniform(0.1, 0.9, 30), 40)
    d = pd.DataFrame({"v": np.tile(["a", "b"], 600), "site": site, "eligible": 1, "consented": (rng.random(1200) < p) * 1})
    d["person"] = np.arange(1200)

    def width(**options):
        row = at(tk.selection.reach(d, by="v", **options), "a", "consented")
        return row["reach_high"] - row["reach_low"], math.log(row["reach_ratio_high"] / row["reach_ratio_low"])

    alone, sites, single = width(), width(cluster="site"), width(cluster="person")
    assert sites[0] > 1.8 * alone[0]
    assert sites[1] < alone[1] * 1.3  # both strata are in every site, so that what sites share cancels in the ratio
    assert single == pytest.approx(alone, rel=0.02)


def test_clustered_variance_is_that_of_repeated_samples():
    rng = np.random.default_rng(5)
    found, widths = [], []
    for _ in range(300):
        p = np.clip(rng.normal(0.4, 0.12, 25), 0.02, 0.98)
        kept = rng.binomial(30, p)
        t = tk.selection.reach(pd.DataFrame({"site": range(25), "eligible": 30, "consented": kept}), cluster="site").tidy()
        row = t[t["stage"] == "consented"].iloc[0]
        found.append(row["reach_low"] <= 0.4 <= row["reach_high"])
        widths.append(row["reach_high"] - row["reach_low"])
    assert 0.915 <= np.mean(found) <= 0.98


def test_where_people_are_lost_and_zeros():
    r = tk.selection.reach(COUNTS, by="vulnerability")
    lost = r.where_lost.set_index("stratum")
    assert lost.loc["high", "stage"] == "approached"
    assert lost.loc["high", "retention_ratio"] == pytest.approx(0.5 / (750 / 900))
    none = tk.selection.reach(
        pd.DataFrame({"v": ["a", "b"], "eligible": [10, 10], "consented": [0, 5], "randomized": [0, 4]}), by="v"
    )
    row = at(none, "a", "consented")
    assert (row["retention"], row["retention_low"], row["retention_ratio"]) == (0, 0, 0) and row["retention_high"] > 0.2
    assert math.isnan(at(none, "a", "randomized")["retention"])
    assert "empty_stage" in {n.code for n in none.notes}


def test_index_by_stage():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"age": rng.normal(40, 10, 1500), "eligible": 1})
    d["approached"] = (rng.random(1500) < 0.5) * 1
    d["consented"] = d["approached"] * (rng.random(1500) < 1 / (1 + np.exp(-(d["age"] - 40) / 4)))
    g = tk.selection.reach(d, covariates=["age"]).generalizability.set_index("stage")
    assert g.loc["approached", "index"] > 0.99 > 0.95 > g.loc["consented", "index"]


def test_json_and_words():
    r = tk.selection.reach(COUNTS, by="vulnerability")
    assert str(tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))) == str(r)
    assert "0.400 (0.335 to 0.469)" in str(r)


def test_empty_after_no_is_no():
    d = people()
    d["consented"] = d["consented"].astype(float).where(d["approached"] == 1)
    r = tk.selection.reach(d, by="vulnerability")
    assert at(r, "high", "consented")["people"] == 80
    assert "empty_is_no" in {n.code for n in r.notes}


@pytest.mark.parametrize(
    ("change", "options", "error", "match"),
    [
        (lambda d: d.assign(attended=[36, 100, 40]), {}, DataError, "row 1 hold more people that are 'attended' but not 'offered'"),
        (lambda d: d.assign(consented=[80.5, 1, 1]), {}, ValueTypeError, "whole counts"),
        (lambda d: d.assign(consented=[-1, 1, 1]), {}, ValueTypeError, "-1"),
        (lambda d: d.assign(eligible=[np.nan, 1, 1]), {}, MissingDataError, "row 1"),
        (lambda d: d.assign(approached="many"), {}, ValueTypeError, "text"),
        (lambda d: d.assign(vulnerability=[None, "a", "b"]), {}, MissingDataError, "unknown"),
        (lambda d: d, {"by": "vulnerable"}, ColumnNotFoundError, "vulnerability"),
        (lambda d: d, {"reference": "lowest"}, UsageError, "lowest"),
        (lambda d: d, {"stages": ["eligible"]}, UsageError, "two or more"),
        (lambda d: d, {"stages": "eligible"}, UsageError, "list"),
        (lambda d: d, {"counted_from": {"consented": "attended"}}, UsageError, "not a stage before"),
        (lambda d: d, {"covariates": ["age"]}, UsageError, "people"),
        (lambda d: d.assign(site=1), {"cluster": "site"}, EstimationError, "one cluster"),
        (lambda d: d.iloc[:0], {}, DataError, "no rows"),
        (lambda d: d.assign(**dict.fromkeys(d.columns[1:], 0)), {}, DataError, "nobody"),
    ],
)  # fmt: skip
def test_refusals(change, options, error, match):
    with pytest.raises(error, match=match):
        tk.selection.reach(change(COUNTS), **({"by": "vulnerability"} | options))


def test_a_person_cannot_attend_unrandomized():
    d = people()
    d.loc[0, ["randomized", "offered"]] = 0
    with pytest.raises(DataError, match=r"row 1 are 'attended' but not 'offered'|row 1"):
        tk.selection.reach(d, by="vulnerability")


def test_the_figure_shows_every_stratum_and_refuses_other_tables():
    r = tk.selection.reach(COUNTS, by="vulnerability")
    ax = tk.plot.funnel(r, labels={"high": "Debts"})
    marks = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert len(marks) == 3 * 6
    assert marks[0].get_xdata()[0] == pytest.approx(50)
    assert "Debts" in {t.get_text() for t in ax.figure.legends[0].get_texts()}
    assert ax.get_xlabel() == "Share of those eligible"
    assert tk.plot.funnel(r, show="retention").get_xlabel() == "Share of those at the stage before"
    assert len(tk.plot.funnel(tk.selection.reach(COUNTS)).figure.legends) == 0
    with pytest.raises(UsageError, match="retention"):
        tk.plot.funnel(r, show="ratio")
    with pytest.raises(UsageError, match="funnel draws"):
        tk.plot.funnel(tk.selection.dose(tk.Trial(pd.DataFrame({"a": [0, 1, 0, 1], "s": [1, 2, 3, 4]}), arm="a", control=0), "s"))
    many = pd.DataFrame({"v": list("abcdefgh"), "eligible": 9, "consented": 4})
    with pytest.raises(UsageError, match="8 strata"):
        tk.plot.funnel(tk.selection.reach(many, by="v"))
