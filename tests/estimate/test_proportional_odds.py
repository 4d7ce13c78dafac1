"""Proportional odds through the public surface: groups, the check of proportionality, invariances, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import trialkit as tk
from tests.estimate.ordered_trials import alone, grouped, numbers, rated, trial
from trialkit.errors import CombinationError, EstimationError, GroupError, NotIdentifiedError
from trialkit.results import Result


def odds(t: tk.Trial, outcome: str = "rating", **options: object) -> tk.Result:
    return tk.itt(t, outcome, measure="proportional_odds", **options)


def codes(result: tk.Result) -> list[str]:
    return [n.code for n in result.notes]


def test_two_categories_are_the_odds_ratio_of_the_table():
    d = alone(1)
    d["job"] = (d["rating"] > 2).astype(int)
    table = pd.crosstab(d["arm"], d["job"])
    expected = table.loc["peer", 1] * table.loc["solo", 0] / (table.loc["peer", 0] * table.loc["solo", 1])
    e = odds(trial(d), "job").estimates[0]
    assert e.estimate == pytest.approx(expected)
    assert e.std_error == pytest.approx(np.sqrt((1 / table).to_numpy().sum()))
    assert "one_cut" in codes(odds(trial(d), "job"))


@pytest.mark.parametrize("options", [{}, {"adjust": ["y0"]}, {"average": "group"}, {"df": "independence"}, {"strata": True}])
def test_influence_sums_to_the_variance_with_groups(options: dict):
    strata = {"strata": ["site"]} if options.pop("strata", False) else {}
    found = odds(grouped(rated(2), **strata), **options)
    sums = np.bincount(found.evidence.sample.unit_of_variance, weights=found.evidence.influence[0])
    assert np.sqrt((sums**2).sum()) == pytest.approx(found.estimates[0].std_error)
    assert found.estimates[0].covariance.startswith("CR2")


@pytest.mark.parametrize("covariance", ["classical", "HC0"])
def test_influence_sums_to_the_variance_of_people(covariance: str):
    found = odds(trial(alone(3)), adjust=["y0"], covariance=covariance)
    assert np.sqrt((found.evidence.influence[0] ** 2).sum()) == pytest.approx(found.estimates[0].std_error)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_order_labels_and_scale_do_not_matter(seed: int):
    d = rated(seed)
    base = numbers(odds(grouped(d), adjust=["y0"]))
    shuffled = d.sample(frac=1, random_state=seed).reset_index(drop=True)
    np.testing.assert_allclose(numbers(odds(grouped(shuffled), adjust=["y0"])), base, rtol=1e-6)
    other = d.assign(rating=10.0 ** d["rating"], y0=d["y0"] * 1e4 + 7e4)
    np.testing.assert_allclose(numbers(odds(grouped(other), adjust=["y0"])), base, rtol=1e-6)
    turned = numbers(odds(grouped(d), adjust=["y0"], better="lower"))
    assert turned[0, 0] == pytest.approx(1 / base[0, 0], rel=1e-8)
    assert turned[0, 1:4] == pytest.approx(base[0, 1:4], rel=1e-6)


def test_weights_and_clusters_of_one():
    d = alone(4)
    twice = pd.concat([d, d]).assign(w=1.0)
    weighted, copied = (
        odds(trial(d.assign(w=2.0), weights="w"), adjust=["y0"]),
        odds(trial(twice), adjust=["y0"], covariance="HC0"),
    )
    assert weighted.estimates[0].estimate == pytest.approx(copied.estimates[0].estimate)
    assert weighted.estimates[0].covariance == "HC0"
    zero = d.assign(w=np.where(d.index % 9 == 0, 0.0, 1.0))
    kept = zero[zero["w"] > 0]
    np.testing.assert_allclose(numbers(odds(trial(zero, weights="w"))), numbers(odds(trial(kept, weights="w"))))
    own = odds(trial(d.assign(own=range(len(d))), cluster="own"))
    robust = odds(trial(d), covariance="HC0")
    assert own.estimates[0].std_error == pytest.approx(robust.estimates[0].std_error, rel=0.02)


def classical_brant(d: pd.DataFrame) -> float:
    """Brant's chi-square for one column by the model-based covariance of the binary fits."""
    x = np.column_stack([np.ones(len(d)), d["arm"] == "peer"]).astype(float)
    fits, inverses, shares = [], [], []
    for cut in (2, 3, 4):
        counts = d.assign(up=d["rating"] >= cut).groupby("arm")["up"].agg(["sum", "size"])
        p = counts["sum"] / counts["size"]
        fits.append(np.log(p["peer"] / (1 - p["peer"])) - np.log(p["solo"] / (1 - p["solo"])))
        mu = np.where(x[:, 1] == 1, p["peer"], p["solo"])
        inverses.append(np.linalg.inv(x.T @ (x * (mu * (1 - mu))[:, None])))
        shares.append(mu)
    V = np.empty((3, 3))
    for j in range(3):
        for k in range(3):
            joint = shares[max(j, k)] * (1 - shares[min(j, k)])
            V[j, k] = (inverses[j] @ (x.T @ (x * joint[:, None])) @ inverses[k])[1, 1]
    D = np.array([[-1.0, 1, 0], [-1, 0, 1]])
    gap = D @ fits
    return float(gap @ np.linalg.solve(D @ V @ D.T, gap))


def test_the_check_is_brants():
    d = alone(5, n=4000, effect=0.3)
    found = odds(trial(d))
    chisq = classical_brant(d)
    assert found.proportionality.statistic * 2 == pytest.approx(chisq, rel=0.02)
    assert found.proportionality.p_value == pytest.approx(stats.chi2.sf(chisq, 2), rel=0.05)
    assert found.cuts["odds_ratio"].notna().all() and len(found.cuts) == 3


def test_a_violation_is_found_and_said():
    rng = np.random.default_rng(6)
    arm = np.repeat(["solo", "peer"], 400)
    spread = np.where(arm == "peer", 2.5, 1.0)
    d = pd.DataFrame({"arm": arm, "rating": np.digitize(rng.logistic(size=800) * spread, [-1.5, 0, 1.5])})
    found = odds(trial(d))
    assert found.proportionality.p_value < 1e-4 and "not_proportional" in codes(found)
    ratios = found.cuts["odds_ratio"].to_numpy()
    assert ratios[0] < 0.8 < 1.2 < ratios[2]


def test_strata_and_covariates_make_it_conditional():
    d = alone(7)
    found = odds(trial(d, strata=["site"]), adjust=["y0"])
    assert found.estimates[0].estimand == "common odds ratio at equal covariates"
    assert "conditional_odds_ratio" in codes(found)
    assert odds(trial(d)).estimates[0].estimand == "common odds ratio"
    with pytest.raises(CombinationError, match="one odds ratio for all strata"):
        odds(trial(d, strata=["site"]), strata_effects="interacted")


def test_strata_with_one_group_an_arm_take_the_arms_together():
    """With a group a stratum the groups of an arm are compared across strata; with several, within strata."""
    d = rated(7, groups=12)
    number = d["group"].fillna("g00").str[1:].astype(int)
    treated = d["arm"] == "peer"
    alone_in_it = d.assign(site=np.where(treated, np.minimum(number, 6), np.arange(len(d)) % 7))
    several = d.assign(site=np.where(treated, number % 3, np.arange(len(d)) % 3))
    for data in (alone_in_it, several):
        e = odds(grouped(data, strata=["site"])).estimates[0]
        assert 0.05 < e.std_error < 2 and 2 < e.df < len(d)


def test_empty_categories_and_infinite_cuts():
    d = alone(8)
    d["rating"] = np.where((d["arm"] == "peer") & (d["rating"] == 1), 2, d["rating"])
    found = odds(trial(d))
    assert any(n.code == "empty_category" and "nobody in peer" in n.text for n in found.notes)
    assert np.isnan(found.cuts["odds_ratio"][0]) and found.cuts["odds_ratio"][1:].notna().all()
    assert found.proportionality.df_num == 1


def test_several_arms_and_the_round_trip():
    d = alone(9, n=240, arms=3)
    found = odds(trial(d), contrasts="all", adjust=["y0"])
    logs = np.log(found.tidy().set_index("contrast")["estimate"])
    assert logs["peer - coach"] == pytest.approx(logs["peer - solo"] - logs["coach - solo"])
    again = Result.from_dict(found.to_dict())
    assert again.proportionality_of(2) == found.proportionality_of(2) and len(again.cuts) == 9
    assert again.thresholds == pytest.approx(found.thresholds)


def test_bad_input():
    d = rated(10)
    with pytest.raises(EstimationError, match="infinite"):
        odds(grouped(d.assign(rating=np.where(d["arm"] == "peer", 9, d["rating"]))))
    with pytest.raises(EstimationError, match=r"different values.*win_odds"):
        odds(grouped(d), "y")
    with pytest.raises(GroupError, match="one group"):
        odds(grouped(d.assign(group=np.where(d["arm"] == "peer", "g", None))))
    with pytest.raises(CombinationError, match="needs groups or clusters"):
        odds(trial(alone(1)), covariance="CR2")
    with pytest.raises(CombinationError, match="df='working'"):
        odds(trial(alone(1)), df="working")
    with pytest.raises(EstimationError, match="the same"):
        odds(grouped(d.assign(rating=2)))
    with pytest.raises(NotIdentifiedError, match="told apart from 'z'"):
        odds(grouped(d.assign(z=(d["arm"] == "peer") * 2.0 + 1)), adjust=["z", "y0"])
    assert "collinear" in codes(odds(grouped(d.assign(z=d["y0"] * 2 - 1)), adjust=["y0", "z"]))
    ignored = odds(grouped(d), covariance="classical")
    assert "dependence_ignored" in codes(ignored)


def test_margins_read_the_odds_of_a_better_category():
    d = alone(11)
    up = odds(trial(d), noninferiority=0.8, better="higher").noninferiority
    down = odds(trial(d.assign(rating=-d["rating"])), noninferiority=0.8, better="lower").noninferiority
    assert up.p_value == pytest.approx(down.p_value, rel=1e-6)
