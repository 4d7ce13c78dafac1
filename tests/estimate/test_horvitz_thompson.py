"""Design weights: unbiased over every assignment, conservative on average, and refused where they do not hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import CombinationError, DesignError


def people(n: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "id": range(n),
            "site": np.tile(["a", "b"], n // 2),
            "pair": np.arange(n) // 2,
            "y0": rng.normal(2, 1, n),
            "y1": rng.normal(3, 1, n),
        }
    )


DESIGNS = {
    "complete 1:3": lambda d: tk.design.complete(d, unit="id", arms={"c": 3, "t": 1}),
    "stratified": lambda d: tk.design.stratified(d, unit="id", strata=["site"], arms={"c": 1, "t": 1}),
    "pairs": lambda d: tk.design.matched_pairs(d, unit="id", pairs="pair", arms={"c": 1, "t": 1}),
    "bernoulli": lambda d: tk.design.simple(d, unit="id", arms={"c": 1, "t": 1}),
}


@pytest.mark.parametrize("name", list(DESIGNS))
def test_over_every_assignment_the_mean_is_the_effect_and_the_variance_is_covered(name):
    d = people()
    design = DESIGNS[name](d)
    listed, weights = design.enumerate()
    usable = [(a, w) for a, w in zip(listed, weights) if min(np.bincount(a, minlength=2)) >= 2]
    estimates, variances, mass = [], [], []
    for assignment, weight in usable:
        arms = [design.arms[c] for c in assignment]
        data = d.assign(arm=arms, y=np.where(np.array(arms) == "t", d["y1"], d["y0"]))
        row = tk.itt(
            tk.Trial(data, arm="arm", control="c", unit="id", design=design), "y", estimator="horvitz_thompson"
        ).estimates[0]
        estimates.append(row.estimate)
        variances.append(row.std_error**2)
        mass.append(weight)
    estimates, variances, mass = np.array(estimates), np.array(variances), np.array(mass)
    if name == "bernoulli":  # assignments with an empty arm have no estimate, so the mean over the others is not exact
        assert mass @ estimates / mass.sum() == pytest.approx((d["y1"] - d["y0"]).mean(), abs=0.1)
        return
    assert mass.sum() == pytest.approx(1)
    assert mass @ estimates == pytest.approx((d["y1"] - d["y0"]).mean(), abs=1e-10)
    true = mass @ (estimates - mass @ estimates) ** 2
    assert mass @ variances >= true - 1e-10


def test_hajek_does_not_move_with_a_constant_and_horvitz_thompson_does():
    d = people(20)
    design = tk.design.simple(d.assign(p=np.linspace(0.3, 0.7, 20)), unit="id", arms={"c": 1, "t": 1}, probability="p")
    data = d.merge(design.assign(seed=4), on="id")
    trial = tk.Trial(data.assign(a=data["y1"], b=data["y1"] + 100), arm="arm", control="c", unit="id", design=design)
    a, b = (tk.itt(trial, k, estimator="hajek").estimates[0] for k in "ab")
    assert b.estimate == pytest.approx(a.estimate)
    assert b.std_error == pytest.approx(a.std_error)
    assert tk.itt(trial, "b", estimator="horvitz_thompson").estimates[0].std_error > 5 * a.std_error


def test_refusals():
    trial = grouped_trial(grouped_data(1))
    with pytest.raises(DesignError, match="probabilities of the design"):
        tk.itt(trial, "y", estimator="hajek")
    with pytest.raises(CombinationError, match="aipw"):
        tk.itt(trial, "y", estimator="hajek", adjust=["y0"])
    d = grouped_data(1)
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1}, counts="observed")
    with pytest.raises(CombinationError, match="groups exist in one arm"):
        tk.itt(grouped_trial(d, design=design), "y", estimator="hajek")
