"""Transported effects: post-stratification in closed form, standard errors against the jackknife and repeated samples, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import ColumnNotFoundError, DataError, MissingDataError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.inference.reach.inverse_odds import participation
from trialkit.inference.reach.transport import People
from trialkit.inference.reach.transport import transport as carried

METHODS = ("doubly_robust", "outcome_model", "inverse_odds", "entropy_balancing")


def draw(rng, groups=12, size=12, m=500, icc=0.1, shift=0.5):
    """Groups in the treated arm only; the effect is .3 + .3 x, so that the population's is .3 + .3 shift."""
    n = groups * size
    peer = np.r_[np.ones(n), np.zeros(n)]
    x, w = rng.normal(size=2 * n), rng.random(2 * n) < 0.5
    e = rng.normal(size=2 * n)
    e[:n] = np.sqrt(1 - icc) * e[:n] + np.sqrt(icc) * np.repeat(rng.normal(size=groups), size)
    d = pd.DataFrame(
        {
            "arm": np.where(peer == 1, "peer", "solo"), "group": [f"g{i // size}" for i in range(n)] + [None] * n, "x": x, "w": w * 1,
            "y": 0.5 * x + 0.3 * w + peer * (0.3 + 0.3 * x) + e,
        }
    )  # fmt: skip
    return d, pd.DataFrame({"x": rng.normal(shift, 1, m), "w": (rng.random(m) < 0.6) * 1})


def trial_of(d, **roles):
    return tk.Trial(d, arm="arm", control="solo", **({"group": "group"} | roles))


def carry(d, population, method="doubly_robust", covariates=("x", "w"), roles=None, **options):
    return tk.selection.transport(trial_of(d, **(roles or {})), "y", population, list(covariates), method=method, **options)


def cells(balanced=True):
    rng = np.random.default_rng(1)
    counts = {("a", "solo"): 40, ("a", "peer"): 40, ("b", "solo"): 20, ("b", "peer"): 20 if balanced else 35}
    d = pd.concat(
        [pd.DataFrame({"site": s, "arm": a, "y": rng.normal(size=k)}) for (s, a), k in counts.items()], ignore_index=True
    )
    return d, pd.DataFrame({"site": ["a"] * 30 + ["b"] * 90})


@pytest.mark.parametrize("method", METHODS)
def test_with_cells_the_effect_is_post_stratified(method):
    d, population = cells(balanced=method == "inverse_odds")
    means = d.groupby(["site", "arm"])["y"].mean().unstack()
    effects = means["peer"] - means["solo"]
    r = carry(d, population, method, ["site"], {"group": None})
    assert r.estimates[0].estimate == pytest.approx(0.25 * effects["a"] + 0.75 * effects["b"], abs=1e-7)
    both = carry(d, population, method, ["site"], {"group": None}, target="everyone")
    share = ((d["site"] == "a").sum() + 30) / (len(d) + 120)
    assert both.estimates[0].estimate == pytest.approx(share * effects["a"] + (1 - share) * effects["b"], abs=1e-7)
    assert r.estimates[2].estimate == pytest.approx(r.estimates[0].estimate - r.estimates[1].estimate)


def test_post_stratified_variance_of_cells():
    d, population = cells()
    v = d.groupby(["site", "arm"])["y"].agg(["var", "size"])
    within = (v["var"] / (v["size"] - 1)).unstack().sum(axis=1)  # HC3 of a mean
    r = carry(d, population, "outcome_model", ["site"], {"group": None}, census=True)
    assert r.estimates[0].std_error == pytest.approx(np.sqrt(0.25**2 * within["a"] + 0.75**2 * within["b"]), rel=0.02)
    sampled = carry(d, population, "outcome_model", ["site"], {"group": None})
    effects = d.groupby(["site", "arm"])["y"].mean().unstack().diff(axis=1)["solo"]
    chance = (effects["a"] - effects["b"]) ** 2 * 0.25 * 0.75 / 120
    assert sampled.estimates[0].std_error ** 2 - r.estimates[0].std_error ** 2 == pytest.approx(chance, rel=0.02)


def arrays(d, population, target):
    arm = (d["arm"] == "peer").to_numpy().astype(np.int64)
    X, outside = (np.column_stack([np.ones(len(t)), t["x"], t["w"]]).astype(float) for t in (d, population))
    return People(
        d["y"].to_numpy(), arm, np.where(arm == 1, arm.mean(), 1 - arm.mean()), X, outside, np.ones(len(outside)), target
    )


def effect(people, method):
    means = carried(people, method=method, model=participation(X=people.X, outside=people.outside)).means
    return means[1] - means[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", ["outside", "everyone"])
def test_standard_errors_are_those_of_the_jackknife(method, target):
    d, population = draw(np.random.default_rng(4), groups=25, size=4, m=100, icc=0.2)
    row = carry(d, population, method, target=target).estimates[0]
    assert row.estimate == pytest.approx(effect(arrays(d, population, target), method), rel=1e-10)
    unit = np.where(d["group"].isna(), [f"p{i}" for i in range(len(d))], d["group"].astype(str))
    left = {"peer": [], "solo": [], "population": []}
    for u in np.unique(unit):
        left[d["arm"][unit == u].iloc[0]].append(effect(arrays(d[unit != u], population, target), method))
    for i in range(len(population)):
        left["population"].append(effect(arrays(d, population.drop(index=i), target), method))
    variance = sum(np.var(v) * (len(v) - 1) for v in left.values())
    assert row.std_error == pytest.approx(np.sqrt(variance), rel=0.06)


def test_groups_widen_the_interval():
    d, population = draw(np.random.default_rng(2), icc=0.4)
    grouped, alone = carry(d, population), carry(d, population, roles={"group": None})
    assert grouped.estimates[0].std_error > 1.3 * alone.estimates[0].std_error
    assert grouped.estimates[0].df < 30 < alone.estimates[0].df
    assert grouped.estimates[0].n_groups == 12


@pytest.mark.parametrize("method", METHODS)
def test_order_units_and_weights(method):
    d, population = draw(np.random.default_rng(3), m=200)
    one = carry(d, population, method).tidy()
    mixed = carry(d.sample(frac=1, random_state=1), population.sample(frac=1, random_state=1), method).tidy()
    twice = carry(d.assign(y=5 - 2 * d["y"], x=d["x"] * 10 + 3), population.assign(x=population["x"] * 10 + 3), method).tidy()
    heavy = carry(d, population.assign(k=7.0), method, weights="k").tidy()
    for other, factor in ((mixed, 1), (twice, -2), (heavy, 1)):
        assert other["estimate"].to_numpy() == pytest.approx(factor * one["estimate"].to_numpy(), rel=1e-5, abs=1e-7)
        assert other["std_error"].to_numpy() == pytest.approx(abs(factor) * one["std_error"].to_numpy(), rel=1e-4)
    copies = carry(d, pd.concat([population, population[population["x"] > 0]]), method)
    loads = carry(d, population.assign(k=1.0 + (population["x"] > 0)), method, weights="k")
    exact = method in ("outcome_model", "entropy_balancing")  # a participation model counts rows
    assert loads.estimates[0].estimate == pytest.approx(copies.estimates[0].estimate, abs=1e-7 if exact else 0.03)


def test_single_clusters_are_people():
    d, population = draw(np.random.default_rng(3), m=200)
    d["own"] = np.arange(len(d))
    one, two = carry(d, population, roles={"group": None}), carry(d, population, roles={"group": None, "cluster": "own"})
    assert one.estimates[0].std_error == pytest.approx(two.estimates[0].std_error, rel=1e-10)


def test_a_population_like_the_trial_has_its_effect():
    d, _ = draw(np.random.default_rng(3))
    r = carry(d, d[["x", "w"]], "outcome_model")
    assert r.estimates[2].estimate == pytest.approx(0, abs=1e-10)
    assert r.index == pytest.approx(1, abs=1e-6)


def test_arms_balance_and_effective_numbers():
    d, population = draw(np.random.default_rng(3))
    r = carry(d, population, "entropy_balancing")
    assert r.balance[["difference_peer", "difference_solo"]].abs().to_numpy().max() < 1e-6
    assert 0 < r.effective_n["peer"] < 144
    assert carry(d, population, "outcome_model").effective_n == {}


def test_outside_support_is_listed_dropped_and_bounded():
    d, population = draw(np.random.default_rng(3), m=300)
    population.loc[:29, "x"] = 9.0
    kept = carry(d, population, outcome_range=(-10, 10))
    assert {*range(30)} <= set(kept.outside["row"]) and kept.share_outside >= 0.1
    assert "outside_support" in {n.code for n in kept.notes}
    dropped = carry(d, population, outside="drop")
    inside = population.drop(index=kept.outside["row"])
    assert dropped.estimates[0].estimate == pytest.approx(carry(d, inside, outside="drop").estimates[0].estimate, abs=0.02)
    b, s = kept.bounds.iloc[0], kept.share_outside
    assert b["upper"] - b["lower"] == pytest.approx(40 * s)
    assert (b["lower"] + b["upper"]) / 2 == pytest.approx((1 - s) * dropped.estimates[0].estimate)
    assert b["conf_low"] < b["lower"] < b["upper"] < b["conf_high"]


def test_several_arms_missing_outcomes_and_json():
    d, population = draw(np.random.default_rng(3))
    d.loc[200:, "arm"] = "coach"
    d.loc[:5, "y"] = np.nan
    r = carry(d, population)
    assert r.tidy()["contrast"].unique().tolist() == ["coach - solo", "peer - solo"]
    assert "outcome_missing" in {n.code for n in r.notes}
    assert str(tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))) == str(r)


def test_heavy_weights_are_noted():
    d, population = draw(np.random.default_rng(3), shift=2.0)
    assert "few_carry_much" in {n.code for n in carry(d, population, "inverse_odds").notes}


def test_strata_with_unequal_shares():
    rng = np.random.default_rng(8)
    site = np.repeat(["a", "b"], [4000, 4000])
    peer = rng.random(8000) < np.where(site == "a", 0.25, 0.75)
    x = rng.normal(size=8000) + (site == "b")
    y = 2.0 * (site == "b") + peer * (1 + x) + rng.normal(size=8000)
    d = pd.DataFrame({"arm": np.where(peer, "peer", "solo"), "site": site, "x": x, "y": y})
    population = pd.DataFrame({"x": rng.normal(0.5, 1, 8000)})
    r = carry(d, population, "inverse_odds", ["x"], {"group": None, "strata": ["site"]})
    assert r.estimates[0].estimate == pytest.approx(1.5, abs=4 * r.estimates[0].std_error)


def test_no_overlap_is_refused_by_weights_and_extrapolated_by_the_model():
    d, population = draw(np.random.default_rng(3))
    far = population.assign(x=population["x"] + 50)
    for method, match in (
        ("doubly_robust", "do not overlap: 'x'"),
        ("inverse_odds", "do not overlap"),
        ("entropy_balancing", "'x' lies outside"),
    ):
        with pytest.raises(NotIdentifiedError, match=match):
            carry(d, far, method)
    assert carry(d, far, "outcome_model").share_outside == 1
    with pytest.raises(NotIdentifiedError, match="nobody in the population"):
        carry(d, far, outside="drop")
    level = population.assign(w=population["w"].where(population.index > 20, 2).map(str))
    with pytest.raises(NotIdentifiedError, match="w: 2"):
        carry(d.assign(w=d["w"].map(str)), level)


@pytest.mark.parametrize(
    ("change", "options", "error", "match"),
    [
        (lambda d, p: (d, p.drop(columns="w")), {}, ColumnNotFoundError, "the population"),
        (lambda d, p: (d.drop(columns="w"), p), {}, ColumnNotFoundError, "the trial"),
        (lambda d, p: (d, p.assign(x=p["x"].where(p.index > 2))), {}, MissingDataError, "3 people of the population"),
        (lambda d, p: (d, p.assign(x="old")), {}, ValueTypeError, "text in the population"),
        (lambda d, p: (d, p.iloc[:1]), {}, DataError, "1 person"),
        (lambda d, p: (d, p), {"method": "magic"}, UsageError, "doubly_robust"),
        (lambda d, p: (d, p), {"target": "all"}, UsageError, "everyone"),
        (lambda d, p: (d, p), {"outside": "trim"}, UsageError, "drop"),
        (lambda d, p: (d, p), {"covariates": ["x", "arm"]}, UsageError, "arm"),
        (lambda d, p: (d, p), {"outcome_range": (0, 1)}, UsageError, "does not hold"),
        (lambda d, p: (d.assign(k=1.0), p), {"roles": {"weights": "k"}}, UsageError, "without weights"),
        (lambda d, p: (d.assign(y=np.where(d["arm"] == "peer", np.nan, d["y"])), p), {}, MissingDataError, "all 144 people"),
        (lambda d, p: (d.assign(y=1.0), p), {}, tk.errors.EstimationError, "same"),
    ],
)  # fmt: skip
def test_refusals(change, options, error, match):
    with pytest.raises(error, match=match):
        carry(*change(*draw(np.random.default_rng(3), m=100)), **options)
