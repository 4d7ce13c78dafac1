"""Equivalence and non-inferiority: published numbers, both directions, ratios, and margins that cannot be meant."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import UsageError
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.margins.equivalence import against_margins, margins
from trialkit.inference.margins import above, below, two_one_sided
from trialkit.results import Estimate, Result


@pytest.fixture(scope="module")
def two() -> tk.Trial:
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"arm": np.repeat(["solo", "peer"], 60), "y0": rng.normal(size=120)})
    d["y"] = 0.6 * d["y0"] + 0.1 * (d["arm"] == "peer") + rng.normal(size=120)
    d["job"] = (rng.random(120) < 0.4).astype(int)
    return tk.Trial(d, arm="arm", control="solo")


def codes(result: Result) -> list[str]:
    return [n.code for n in result.notes]


def test_two_one_sided_tests_agree_with_statsmodels(two: tk.Trial) -> None:
    d = two.data
    found = tk.itt(two, "y", estimator="difference_in_means", equivalence=(-0.4, 0.6)).equivalence
    p, (_, p_low, _), (_, p_high, _) = ttost_ind(
        d.loc[d.arm == "peer", "y"], d.loc[d.arm == "solo", "y"], -0.4, 0.6, usevar="unequal"
    )
    assert (found.p_value, found.p_lower, found.p_upper) == pytest.approx((p, p_low, p_high), rel=1e-10)


@pytest.mark.parametrize("bound", [-0.3, 0.0, 0.3])
def test_one_sided_p_is_the_t_tail(bound: float) -> None:
    p = above(estimate=0.1, std_error=0.2, df=12.5, bound=bound)
    assert p == pytest.approx(stats.t.sf((0.1 - bound) / 0.2, 12.5), rel=1e-12)
    assert below(estimate=0.1, std_error=0.2, df=12.5, bound=bound) == pytest.approx(1 - p, rel=1e-12)
    with pytest.raises(ValueError):
        two_one_sided(estimate=0.1, std_error=0.2, df=12.5, lower=0.3, upper=-0.3)


@given(
    estimate=st.floats(-2, 2), se=st.floats(0.01, 2), df=st.floats(2, 200), lower=st.floats(-2, -0.01), upper=st.floats(0.01, 2),
    level=st.floats(0.6, 0.99),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_the_interval_and_the_tests_always_agree(estimate, se, df, lower, upper, level) -> None:
    row = Estimate("y", "ITT", "b - a", estimate, se, df, estimate / se, 0.5, 0.0, 0.0, level, 20, 20, 0, "m", "c")
    asked = margins(
        measure="mean_difference", equivalence=(lower, upper), noninferiority=lower, better="higher", conf_level=level
    )
    found = against_margins(IttResult((row,)), asked)
    e, n = found.equivalence, found.noninferiority
    assert e.conf_level == pytest.approx(2 * level - 1)
    assert (
        e.shown == (e.conf_low >= lower and e.conf_high <= upper) or min(abs(e.conf_low - lower), abs(e.conf_high - upper)) < 1e-9
    )
    assert n.shown == (n.conf_low >= lower) or abs(n.conf_low - lower) < 1e-9
    assert e.p_value == max(e.p_lower, e.p_upper) and e.p_lower == n.p_value


def test_limits_of_other_levels_are_named_by_their_level(two: tk.Trial) -> None:
    r = tk.itt(two, "y", adjust=["y0"], equivalence=0.5, conf_level=0.9)
    e, row = r.equivalence, r.estimates[0]
    assert (e.alpha, e.conf_level) == pytest.approx((0.1, 0.8))
    assert (e.conf_low_80, e.conf_high_80) == (e.conf_low, e.conf_high)
    assert (e.conf_low_90, e.conf_high_90) == pytest.approx((row.conf_low, row.conf_high), rel=1e-12)
    half = stats.t.ppf(0.9875, row.df) * row.std_error
    assert e.conf_high_97_5 == pytest.approx(row.estimate + half, rel=1e-12)
    for name in ("conf_low_0", "conf_low_100", "conf_mid_90", "conf_low_x", "low"):
        with pytest.raises(AttributeError):
            getattr(e, name)


def test_a_distance_goes_to_the_worse_side(two: tk.Trial) -> None:
    def run(**k):
        return tk.itt(two, "y", adjust=["y0"], **k).noninferiority

    higher, signed, lower = (
        run(noninferiority=0.3, better="higher"),
        run(noninferiority=-0.3),
        run(noninferiority=0.3, better="lower"),
    )
    assert higher == signed and higher.bound == -0.3
    turned = tk.Trial(two.data.assign(y=-two.data["y"]), arm="arm", control="solo")
    mirrored = tk.itt(turned, "y", adjust=["y0"], noninferiority=0.3, better="lower").noninferiority
    assert (lower.bound, mirrored.p_value) == (0.3, pytest.approx(higher.p_value, rel=1e-10))
    assert mirrored.conf_high_90 == pytest.approx(-higher.conf_low_90, rel=1e-10)


def test_the_effect_keeps_its_own_df_with_groups_in_one_arm() -> None:
    trial = grouped_trial(grouped_data(3))
    r = tk.itt(trial, "y", adjust=["y0"], equivalence=0.6)
    e = r.estimates[0]
    assert e.df < 30
    assert r.equivalence.p_upper == pytest.approx(stats.t.sf((0.6 - e.estimate) / e.std_error, e.df), rel=1e-10)


def test_ratios_are_tested_as_logs(two: tk.Trial) -> None:
    r = tk.itt(two, "job", measure="risk_ratio", equivalence=(0.8, 1.25), noninferiority=0.8)
    e = r.estimates[0]
    expected = stats.t.sf((math.log(e.estimate) - math.log(0.8)) / e.std_error, e.df)
    assert r.equivalence.p_lower == pytest.approx(expected, rel=1e-9)
    assert r.noninferiority.p_value == r.equivalence.p_lower
    assert r.equivalence.conf_low_95 == pytest.approx(e.conf_low, rel=1e-9)
    inverse = tk.Trial(two.data, arm="arm", control="peer")
    turned = tk.itt(inverse, "job", measure="risk_ratio", equivalence=(0.8, 1.25))
    assert turned.equivalence.p_value == pytest.approx(r.equivalence.p_value, rel=1e-8)


def test_measures_of_a_time_and_wins_know_their_better_side() -> None:
    """A shorter time is better: a larger hazard, more time lost to the event, a larger share with it, a shorter mean."""

    def found(measure, value, better):
        return margins(measure=measure, equivalence=None, noninferiority=value, better=better, conf_level=0.95)

    assert found("hazard_ratio", 0.8, "lower").better == "higher"
    with pytest.raises(UsageError, match=r"write 0\.8"):
        found("hazard_ratio", 1.25, "lower")
    assert found("win_odds", 0.8, "lower").better == "higher"
    for measure, bound in (("rmst_difference", 0.2), ("rmtl_difference", -0.2), ("cumulative_incidence_difference", -0.2)):
        assert found(measure, 0.2, "lower").bound == bound, measure
    with pytest.raises(UsageError, match="percentage points"):
        found("cumulative_incidence_difference", 5, "lower")


def test_each_contrast_of_several_arms_is_tested() -> None:
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"arm": np.repeat(["a", "b", "c"], 50), "y": rng.normal(size=150)})
    r = tk.itt(tk.Trial(d, arm="arm", control="a"), "y", contrasts="all", equivalence=0.5)
    table = r.tidy()
    assert len(table) == 3 and "margins_each" in codes(r)
    assert r.equivalence_of("c - b").p_value == pytest.approx(table["p_equivalence"].iloc[2])
    with pytest.raises(UsageError, match="no contrast"):
        r.equivalence_of("c - d")


def test_complier_effects_take_margins(two: tk.Trial) -> None:
    d = two.data.assign(came=((two.data["arm"] == "peer") & (np.arange(120) % 4 > 0)).astype(int))
    trial = tk.Trial(d, arm="arm", control="solo")
    r = tk.cace(trial, "y", uptake="came", adjust=["y0"], equivalence=(-0.5, 0.9), noninferiority=-0.5)
    e = r.estimates[0]
    assert r.noninferiority.p_value == pytest.approx(stats.t.sf((e.estimate + 0.5) / e.std_error, e.df), rel=1e-10)
    assert "itt_and_margins" not in codes(r) and "margin_set_before" in codes(r) and "margin_weak_instrument" not in codes(r)
    weak = tk.Trial(two.data.assign(came=np.random.default_rng(2).random(120) < 0.3), arm="arm", control="solo")
    assert "margin_weak_instrument" in codes(tk.cace(weak, "y", uptake="came", equivalence=0.5))


def test_sentences_say_what_was_shown_and_never_that_no_difference_is_equality(two: tk.Trial) -> None:
    wide = tk.itt(two, "y", adjust=["y0"], equivalence=2.0)
    narrow = tk.itt(two, "y", adjust=["y0"], equivalence=0.05)
    assert "equivalence_shown" in codes(wide) and "lies inside the margins" in str(wide)
    assert "equivalence_not_shown" in codes(narrow) and "that is not equality" in str(narrow)
    outside = tk.itt(
        tk.Trial(two.data.assign(y=two.data["y"] + 3 * (two.data["arm"] == "peer")), arm="arm", control="solo"),
        "y",
        equivalence=1.0,
    )
    assert "larger than they allow" in outside.equivalence.sentence
    worse = tk.itt(two, "y", adjust=["y0"], noninferiority=0.01, better="lower")
    assert "is not ruled out" in worse.noninferiority.sentence
    assert (
        "worse than solo by more than the margin"
        in tk.itt(
            tk.Trial(two.data.assign(y=two.data["y"] - 3 * (two.data["arm"] == "peer")), arm="arm", control="solo"),
            "y",
            noninferiority=-1.0,
        ).noninferiority.sentence
    )
    small = tk.Trial(
        pd.concat([two.data] * 40).assign(y=lambda d: d["y"] - 0.1 * (d["arm"] == "peer")), arm="arm", control="solo"
    )
    shown = tk.itt(small, "y", adjust=["y0"], noninferiority=-0.5).noninferiority
    assert shown.shown and ("worse, by less than the margin" in shown.sentence) == (shown.conf_high_95 < 0)


def test_results_survive_a_round_trip(two: tk.Trial) -> None:
    r = tk.itt(two, "y", adjust=["y0"], equivalence=0.5, noninferiority=-0.5)
    back = Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert back.equivalence == r.equivalence and back.noninferiority == r.noninferiority and str(back) == str(r)
    assert back.tidy().equals(r.tidy())


def test_an_effect_without_a_standard_error_is_not_tested() -> None:
    nan = float("nan")
    row = Estimate("y", "ITT", "b - a", 0.2, nan, nan, nan, nan, nan, nan, 0.95, 20, 20, 0, "m", "c")
    asked = margins(measure="mean_difference", equivalence=0.5, noninferiority=-0.5, better=None, conf_level=0.95)
    found = against_margins(IttResult((row,)), asked)
    assert found.equivalence.shown is None and math.isnan(found.equivalence.p_value)
    assert {"equivalence_undefined", "noninferiority_undefined"} <= set(codes(found))


@pytest.mark.parametrize(
    ("given_margins", "said"),
    [
        ({"equivalence": (0.5, -0.5)}, "either side of no effect"),
        ({"equivalence": (0.1, 0.5)}, "either side of no effect"),
        ({"equivalence": -0.5}, "either side of no effect"),
        ({"equivalence": 0}, "either side of no effect"),
        ({"equivalence": "0.5"}, "two margins such as"),
        ({"equivalence": (0.5,)}, "two margins such as"),
        ({"equivalence": (float("nan"), 0.5)}, "both margins are numbers"),
        ({"noninferiority": 0.2}, "say better='higher' or 'lower'"),
        ({"noninferiority": 0}, "other than no effect"),
        ({"noninferiority": True}, "other than no effect"),
        ({"noninferiority": float("inf"), "better": "higher"}, "other than no effect"),
        ({"noninferiority": -0.2, "better": "lower"}, "better side"),
        ({"noninferiority": 0.2, "better": "up"}, "better='up' is unknown"),
        ({"equivalence": 0.2, "conf_level": 0.5}, "above .5"),
    ],
)
def test_margins_that_cannot_be_meant(two: tk.Trial, given_margins: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        tk.itt(two, "y", **given_margins)


@pytest.mark.parametrize(
    ("measure", "given_margins", "said"),
    [
        ("risk_difference", {"equivalence": 5}, "write 0.05 for 5 percentage points"),
        ("risk_difference", {"noninferiority": -5}, "write 0.05 for 5 percentage points"),
        ("risk_ratio", {"equivalence": 0.2}, r"write equivalence=\(0.8, 1.25\)"),
        ("risk_ratio", {"equivalence": (-0.2, 0.2)}, "ratios above 0"),
        ("risk_ratio", {"equivalence": (0.5, 0.9)}, "either side of no effect"),
        ("risk_ratio", {"noninferiority": -0.2}, "a ratio above 0"),
        ("risk_ratio", {"noninferiority": 1.0}, "other than no effect"),
        ("risk_ratio", {"noninferiority": 0.8, "better": "lower"}, "write 1.25"),
    ],
)
def test_margins_in_other_units(two: tk.Trial, measure: str, given_margins: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tk.itt(two, "job", measure=measure, **given_margins)


def test_asking_for_a_test_that_was_not_made(two: tk.Trial) -> None:
    with pytest.raises(UsageError, match="run the analysis with equivalence="):
        _ = tk.itt(two, "y").equivalence
