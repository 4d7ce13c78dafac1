"""Win odds through the public surface: closed forms, invariances, strata, groups, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.ordered_trials import alone, grouped, numbers, rated, trial
from trialkit.errors import CombinationError, EstimationError, GroupError, MissingDataError, ValueTypeError
from trialkit.results import Result


def win_odds(t: tk.Trial, outcome: str = "rating", **options: object) -> tk.Result:
    return tk.itt(t, outcome, measure="win_odds", **options)


def test_groups_in_one_arm_by_hand():
    """CR2 of the placements: factors 1/(1 - n_g/n_arm) in the grouped arm, s^2/n among the controls."""
    d = rated(1)
    found = win_odds(grouped(d))
    y, treated = d["rating"].to_numpy(), (d["arm"] == "peer").to_numpy()
    gap = y[treated][:, None] - y[~treated][None, :]
    wins = (gap > 0) + 0.5 * (gap == 0)
    p, h1, h0 = wins.mean(), wins.mean(axis=1), wins.mean(axis=0)
    sums = pd.Series(h1 - p).groupby(d.loc[treated, "group"].to_numpy()).agg(["sum", "size"])
    v1 = ((sums["sum"] / treated.sum()) ** 2 / (1 - sums["size"] / treated.sum())).sum()
    se = np.sqrt(v1 + h0.var(ddof=1) / (~treated).sum())
    assert found.win_probability == pytest.approx(p)
    assert found.se_win_probability == pytest.approx(se)
    e = found.estimates[0]
    assert (e.estimate, e.std_error) == pytest.approx((p / (1 - p), se / (p * (1 - p))))
    assert e.n_groups == d["group"].nunique() and 5 < e.df < 60
    assert "working covariance" in e.covariance


@pytest.mark.parametrize("options", [{}, {"adjust": ["y0"]}, {"df": "independence"}, {"average": "group"}])
def test_influence_sums_to_the_variance(options: dict):
    found = win_odds(grouped(rated(2)), **options)
    units = found.evidence.sample.unit_of_variance
    sums = np.bincount(units, weights=found.evidence.influence[0])
    assert np.sqrt((sums**2).sum()) == pytest.approx(found.estimates[0].std_error)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_order_of_rows_and_monotone_scales_do_not_matter(seed: int):
    d = rated(seed)
    base = numbers(win_odds(grouped(d), "y"))
    shuffled = d.sample(frac=1, random_state=seed).reset_index(drop=True)
    np.testing.assert_allclose(numbers(win_odds(grouped(shuffled), "y")), base, rtol=1e-9)
    np.testing.assert_allclose(
        numbers(
            win_odds(grouped(d.assign(y=np.exp(d["y"])))),
        )[0, 1:3],
        numbers(win_odds(grouped(d)))[0, 1:3],
    )
    np.testing.assert_allclose(numbers(win_odds(grouped(d.assign(y=1e6 * np.exp(d["y"]))), "y")), base, rtol=1e-9)


def test_better_turns_the_odds_and_so_does_the_control():
    d = alone(3)
    up, down = win_odds(trial(d)), win_odds(trial(d), better="lower")
    assert down.estimates[0].estimate == pytest.approx(1 / up.estimates[0].estimate)
    assert down.estimates[0].conf_low == pytest.approx(1 / up.estimates[0].conf_high)
    assert win_odds(trial(d, control="peer")).estimates[0].estimate == pytest.approx(1 / up.estimates[0].estimate)
    assert down.details["better"] == "lower"


def test_clusters_of_one_are_people_and_zero_weights_are_not():
    d = alone(4).assign(own=range(160))
    people, clusters = win_odds(trial(d), df="independence"), win_odds(trial(d, cluster="own"))
    np.testing.assert_allclose(numbers(clusters), numbers(people), rtol=1e-9)
    d = rated(5)
    d["weight"] = np.where(np.arange(len(d)) % 11 == 0, 0.0, d["weight"])
    kept = d[d["weight"] > 0]
    np.testing.assert_allclose(
        numbers(win_odds(grouped(d, weights="weight"))), numbers(win_odds(grouped(kept, weights="weight")))
    )
    ones = win_odds(grouped(d.assign(weight=2.0), weights="weight"))
    np.testing.assert_allclose(numbers(ones), numbers(win_odds(grouped(d))), rtol=1e-9)


def test_strata_are_compared_within_and_weighted_by_people():
    d = alone(6, n=240)
    found = win_odds(trial(d, strata=["site"]))
    parts = [(len(g), win_odds(trial(g)).win_probability) for _, g in d.groupby("site")]
    assert found.win_probability == pytest.approx(sum(n * p for n, p in parts) / 240)
    assert "within_strata" in [n.code for n in found.notes]
    assert found.estimates[0].estimand == "participant-average win odds within strata"
    overlap = win_odds(trial(d, strata=["site"]), strata_effects="additive")
    sizes = pd.crosstab(d["site"], d["arm"])
    w = sizes.prod(axis=1) / sizes.sum(axis=1)
    assert overlap.win_probability == pytest.approx(float(w.to_numpy() @ [p for _, p in parts] / w.sum()))
    assert overlap.estimates[0].estimand == "overlap-weighted win odds within strata"
    across = win_odds(trial(d, strata=["site"]), strata_effects="none")
    np.testing.assert_allclose(numbers(across), numbers(win_odds(trial(d))))


def test_adjustment_keeps_the_estimand_and_sharpens_it():
    """Over draws of the arms the adjusted estimate has the same mean and a smaller spread."""
    plain, adjusted, errors = [], [], []
    for seed in range(60):
        d = alone(seed + 100, n=120)
        a, b = win_odds(trial(d), "y"), win_odds(trial(d), "y", adjust=["y0"])
        plain.append(np.log(a.estimates[0].estimate))
        adjusted.append(np.log(b.estimates[0].estimate))
        errors.append(b.estimates[0].std_error)
    assert np.mean(plain) == pytest.approx(np.mean(adjusted), abs=0.12)
    assert np.std(adjusted) < 0.95 * np.std(plain)
    assert np.mean(errors) == pytest.approx(np.std(adjusted), rel=0.25)


def test_several_arms_and_the_round_trip():
    d = alone(7, n=240, arms=3)
    found = win_odds(trial(d), contrasts="all")
    assert found.tidy()["contrast"].tolist() == ["coach - solo", "peer - solo", "peer - coach"]
    two = win_odds(trial(d[d["arm"] != "coach"]))
    np.testing.assert_allclose(numbers(found)[1], numbers(two)[0])
    assert found.pairs[["win", "tie", "loss"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    again = Result.from_dict(found.to_dict())
    assert again.win_probability == found.win_probability and again.kind == "win_odds"
    family = tk.family([found, tk.itt(found.evidence.trial, "y")], n_draws=500, seed=1)
    assert len(family.estimates) == 5 and family.tidy()["p_adjusted"].between(0, 1).all()


def test_ordered_categories_are_taken_in_their_order():
    d = alone(8)
    words = np.array(["never", "rarely", "often", "always"])
    d["words"] = words[d["rating"] - 1]
    d["ordered"] = pd.Categorical(d["words"], categories=[*words, "refused"], ordered=True)
    found = win_odds(trial(d), "ordered")
    np.testing.assert_allclose(numbers(found), numbers(win_odds(trial(d))))
    note = next(n.text for n in found.notes if n.code == "ordered_codes")
    assert "never (1) < rarely (2)" in note and "Nobody has 'refused'" in note
    with pytest.raises(ValueTypeError, match=r"whose order is not known.*ordered=True"):
        win_odds(trial(d), "words")
    d["coded"] = d["rating"].astype(str)
    np.testing.assert_allclose(numbers(win_odds(trial(d), "coded")), numbers(win_odds(trial(d))))
    gone = d["ordered"].where(d.index > 20)
    np.testing.assert_allclose(
        numbers(win_odds(trial(d.assign(ordered=gone)), "ordered")), numbers(win_odds(trial(d[d.index > 20])))
    )


def test_bad_input():
    d = rated(9)
    with pytest.raises(EstimationError, match="win probability is 1"):
        win_odds(grouped(d.assign(rating=np.where(d["arm"] == "peer", 9, d["rating"]))))
    with pytest.raises(EstimationError, match="the same"):
        win_odds(grouped(d.assign(rating=3)))
    with pytest.raises(MissingDataError, match="missing for all"):
        win_odds(grouped(d.assign(rating=d["rating"].where(d["arm"] == "solo"))))
    with pytest.raises(GroupError, match="one group"):
        win_odds(grouped(d.assign(group=np.where(d["arm"] == "peer", "g", None))))
    with pytest.raises(CombinationError, match="contrasts of your own"):
        win_odds(grouped(d), contrasts=[{"peer": 1, "solo": -1}])
    with pytest.raises(EstimationError, match="strata_effects='none'"):
        win_odds(grouped(d.assign(site=[f"s{i // 2}" for i in range(len(d))]), strata=["site"]))
    coded = win_odds(grouped(d.assign(rating=np.where(np.arange(len(d)) < 3, -99, d["rating"]))))
    assert any("-99" in n.text for n in coded.notes)


def test_few_groups_are_said():
    d = rated(10)
    few = win_odds(grouped(d[(d["arm"] == "solo") | d["group"].isin(["g00", "g01", "g02", "g03"])]))
    assert "few_groups" in [n.code for n in few.notes]
    assert few.estimates[0].df < 40
