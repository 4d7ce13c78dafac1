"""Quantile effects through the public surface."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.ordered_trials import alone, grouped, numbers, rated, trial
from trialkit.errors import CombinationError, EstimationError, GroupError, NotIdentifiedError, UsageError


def quantile(t: tk.Trial, outcome: str = "y", **options: object) -> tk.Result:
    return tk.itt(t, outcome, measure="quantile", **options)


def codes(result: tk.Result) -> list[str]:
    return [n.code for n in result.notes]


@pytest.mark.parametrize("q", [0.1, 0.5, 0.83])
def test_is_the_difference_of_the_arms_quantiles(q: float):
    d = rated(1)
    by_arm = d.groupby("arm")["y"].quantile(q)
    found = quantile(grouped(d), q=q)
    assert found.estimates[0].estimate == pytest.approx(by_arm["peer"] - by_arm["solo"])
    assert found.estimates[0].estimand == ("difference in medians" if q == 0.5 else f"difference in quantiles (q = {q:g})")
    assert found.details["quantiles"][0]["arm"] == pytest.approx(by_arm["peer"])


@pytest.mark.parametrize("options", [{}, {"adjust": ["y0"]}, {"average": "group"}, {"q": 0.3, "strata": True}])
def test_influence_sums_to_the_variance(options: dict):
    strata = {"strata": ["site"]} if options.pop("strata", False) else {}
    found = quantile(grouped(rated(2), **strata), **options)
    sums = np.bincount(found.evidence.sample.unit_of_variance, weights=found.evidence.influence[0])
    assert np.sqrt((sums**2).sum()) == pytest.approx(found.estimates[0].std_error, rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([{}, {"adjust": ["y0"]}, {"adjust": ["y0"], "average": "group"}]))
def test_order_and_unit_do_not_matter(seed: int, options: dict):
    d = rated(seed)
    base = numbers(quantile(grouped(d), **options))
    shuffled = d.sample(frac=1, random_state=seed).reset_index(drop=True)
    np.testing.assert_allclose(numbers(quantile(grouped(shuffled), **options)), base, rtol=1e-6, atol=1e-9)
    scaled = numbers(quantile(grouped(d.assign(y=d["y"] * 1000 + 5000)), **options))
    np.testing.assert_allclose(scaled[0, [0, 1, 4, 5]] / 1000, base[0, [0, 1, 4, 5]], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(scaled[0, 2:4], base[0, 2:4], rtol=1e-6)


def test_the_three_intervals_are_of_one_size():
    d = rated(3, groups=20, controls=200)
    density, bootstrap, percentile = (
        quantile(grouped(d), **({} if i == "density" else {"interval": i, "seed": 5})).estimates[0]
        for i in ("density", "bootstrap", "percentile")
    )
    assert bootstrap.std_error == pytest.approx(density.std_error, rel=0.25)
    assert bootstrap.df == density.df and percentile.std_error == bootstrap.std_error
    assert percentile.conf_low < percentile.estimate < percentile.conf_high
    assert np.isnan(percentile.statistic) and 0 < percentile.p_value <= 1
    width = [e.conf_high - e.conf_low for e in (density, bootstrap, percentile)]
    assert max(width) < 1.5 * min(width)


def test_p_agrees_with_the_percentile_interval():
    """The limit of an interval at 1 - p is zero, up to one draw."""
    d = rated(4, groups=20, controls=200, effect=0.3)
    for conf in (0.5, 0.8, 0.9, 0.95, 0.99):
        e = quantile(grouped(d), interval="percentile", seed=2, conf_level=conf).estimates[0]
        assert (e.p_value < 1 - conf - 0.002) <= (e.conf_low > 0 or e.conf_high < 0)
        assert (e.p_value > 1 - conf + 0.002) <= (e.conf_low <= 0 <= e.conf_high)


def test_draws_belong_to_their_seed():
    t = grouped(rated(5))
    one, same, other = (quantile(t, interval="bootstrap", seed=s, n_draws=300).estimates[0].std_error for s in (1, 1, 2))
    assert one == same != other
    adjusted = quantile(t, adjust=["y0"], interval="bootstrap", seed=1, n_draws=200).estimates[0]
    assert adjusted.std_error == pytest.approx(quantile(t, adjust=["y0"]).estimates[0].std_error, rel=0.3)


def test_groups_widen_the_interval_and_singletons_do_not():
    d = rated(6, icc=0.4, groups=12)
    assert quantile(grouped(d)).estimates[0].std_error > 1.3 * quantile(trial(d)).estimates[0].std_error
    people = alone(6).assign(own=range(160))
    a, b = numbers(quantile(trial(people))), numbers(quantile(trial(people, cluster="own")))
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_strata_with_unequal_shares_are_brought_to_the_sample():
    """A confounded comparison without strata is refused; with them either arm has the sample's strata."""
    rng = np.random.default_rng(7)
    site = np.repeat(["a", "b"], 200)
    arm = np.where(rng.random(400) < np.where(site == "a", 0.2, 0.8), "peer", "solo")
    y = rng.normal(size=400) + 3 * (site == "b")
    d = pd.DataFrame({"arm": arm, "site": site, "y": y})
    found = quantile(trial(d, strata=["site"]))
    assert abs(found.estimates[0].estimate) < 4 * found.estimates[0].std_error < 3
    assert "strata_interacted" in codes(found)
    with pytest.raises(EstimationError, match="confounded"):
        quantile(trial(d, strata=["site"]), strata_effects="none")
    raw = d.groupby("arm")["y"].median()
    assert raw["peer"] - raw["solo"] > 1


def test_zero_weights_are_dropped_and_equal_weights_do_nothing():
    d = rated(8)
    d["weight"] = np.where(np.arange(len(d)) % 11 == 0, 0.0, d["weight"])
    kept = d[d["weight"] > 0]
    for options in ({}, {"adjust": ["y0"]}):
        a, b = (numbers(quantile(grouped(x, weights="weight"), **options)) for x in (d, kept))
        np.testing.assert_allclose(a, b, rtol=1e-7)
        c, e = (
            numbers(quantile(grouped(d.assign(weight=3.0), weights="weight"), **options)),
            numbers(quantile(grouped(d), **options)),
        )
        np.testing.assert_allclose(c, e, rtol=1e-6)


def test_a_solution_that_is_not_unique_is_said_and_the_middle_given():
    """Without noise in the order of rows: 40 people an arm at the median, so that q times 40 is whole."""
    d = alone(9, n=80)
    found = quantile(trial(d.assign(x=1.0 * (np.arange(80) % 4 > 1))), adjust=["x"])
    note = next(n.text for n in found.notes if n.code == "quantile_not_unique")
    low, high = (float(v) for v in note.split("from ")[1].split(" fits")[0].split(" to "))
    assert found.estimates[0].estimate == pytest.approx((low + high) / 2, rel=1e-3)


def test_heaps_and_coarse_scales_are_said():
    d = rated(10)
    d["money"] = np.where(d["amount"] < 20, 0.0, d["amount"])
    q = 0.2
    found = quantile(grouped(d), "money", q=q)
    assert np.isnan(found.estimates[0].std_error) and "quantile_at_heap" in codes(found)
    assert "no standard error" in str(found)
    with pytest.raises(EstimationError, match="equal values"):
        quantile(grouped(d), "money", q=q, adjust=["y0"])
    assert "coarse_quantile" in codes(quantile(grouped(d), "rating"))
    one = d.assign(money=np.where(d["arm"] == "peer", 0.0, d["y"]))
    assert any("from the other arm alone" in n.text for n in quantile(grouped(one), "money").notes)


def test_several_arms():
    d = alone(11, n=240, arms=3)
    for options in ({}, {"adjust": ["y0"]}):
        found = quantile(trial(d), contrasts="all", **options).tidy().set_index("contrast")["estimate"]
        assert found["peer - coach"] == pytest.approx(found["peer - solo"] - found["coach - solo"], abs=0.05)


@pytest.mark.parametrize("q", [0, 1, -0.2, 1.5, "median", True, None])
def test_q_outside_its_range(q: object):
    with pytest.raises(UsageError, match="between 0 and 1"):
        quantile(trial(alone(1)), q=q)


def test_bad_input():
    t = trial(alone(12))
    with pytest.raises(UsageError, match="seed=4711"):
        quantile(t, interval="bootstrap")
    with pytest.raises(UsageError, match="draws nothing"):
        quantile(t, seed=1)
    with pytest.raises(UsageError, match="'density', 'bootstrap'"):
        quantile(t, interval="bca", seed=1)
    with pytest.raises(UsageError, match="at least 200"):
        quantile(t, interval="bootstrap", seed=1, n_draws=10)
    with pytest.raises(UsageError, match="not a seed"):
        quantile(t, interval="bootstrap", seed=-1)
    with pytest.raises(EstimationError, match="the same"):
        quantile(trial(alone(12).assign(y=1.0)))
    d = rated(12)
    with pytest.raises(GroupError, match="one group"):
        quantile(grouped(d.assign(group=np.where(d["arm"] == "peer", "g", None))))
    with pytest.raises(CombinationError, match="one effect for all strata"):
        quantile(trial(alone(12), strata=["site"]), adjust=["y0"], strata_effects="interacted")
    with pytest.raises(NotIdentifiedError, match="told apart"):
        quantile(grouped(d.assign(z=(d["arm"] == "peer") * 1.0)), adjust=["z"])
    with pytest.raises(UsageError, match="no option"):
        tk.itt(t, "y", q=0.5)
