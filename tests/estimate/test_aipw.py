"""AIPW and g-computation: reference numbers, identities, folds of whole groups, known probabilities, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import cluster, data, grouped_outcomes, individual
from trialkit.errors import CombinationError, EstimationError, GroupError, UsageError
from trialkit.estimate.linear import aipw
from trialkit.estimate.request import Request
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.influence import influence_values, influence_variance, marginal_means, ye_covariance


@dataclass(frozen=True)
class WithOptions(Request):
    options: dict[str, Any] = field(default_factory=dict)


def analyse(
    trial, outcome, adjust=(), run=aipw.run, strata_effects="auto", contrasts="control", average="participant", **options
):
    request = WithOptions(
        outcome=outcome, adjust=tuple(adjust), estimator="aipw", measure="mean_difference", covariance="auto", df="auto",
        strata_effects=strata_effects, average=average, contrasts=contrasts, covariate_missing="impute", conf_level=0.95, options=options,
    )  # fmt: skip
    return run(trial, request)


def first(*arguments, **options):
    return analyse(*arguments, **options).contrasts[0]


def numbers(contrast):
    return contrast.estimate, contrast.std_error, contrast.df


REFERENCE = {
    "aipw_linear": (
        lambda: first(individual(), "y1", ["y0", "age"]),
        (0.387778423676534, 0.0746486162784796, 0.241469824274963, 0.534087023078104),
    ),
    "aipw_linear_strata": (
        lambda: first(individual(strata=["site"]), "y1", ["y0"]),
        (0.409224225508874, 0.0742929818740568, 0.263612656731636, 0.554835794286112),
    ),
    "gcomp_linear_strata": (
        lambda: first(individual(strata=["site"]), "y1", ["y0", "age"], run=aipw.run_g_computation, strata_effects="none"),
        (0.388964423396421, 0.0742456547268569, 0.243445614123186, 0.534483232669657),
    ),
}


@pytest.mark.parametrize("name", list(REFERENCE))
def test_agrees_with_robincar2(name):
    call, expected = REFERENCE[name]
    c = call()
    interval = t_test(c.estimate, c.std_error, c.df, 0.95)
    assert (c.estimate, c.std_error, interval.conf_low, interval.conf_high) == pytest.approx(expected, rel=1e-9)


def test_without_covariates_it_is_the_difference_in_means():
    e = tk.itt(individual(), "y1", estimator="difference_in_means").estimates[0]
    assert first(individual(), "y1").estimate == pytest.approx(e.estimate, rel=1e-12)
    assert first(individual(), "y1").std_error == pytest.approx(e.std_error, rel=1e-9)
    grouped = tk.itt(grouped_outcomes(), "y1", estimator="difference_in_means").estimates[0]
    assert numbers(first(grouped_outcomes(), "y1")) == pytest.approx((grouped.estimate, grouped.std_error, grouped.df), rel=1e-6)


def test_linear_working_models_by_arm_give_lins_estimate():
    for trial, y, adjust in ((individual(), "y1", ["y0", "age"]), (cluster(), "y", ["x"])):
        lin = tk.itt(trial, y, adjust=adjust, estimator="lin").estimates[0]
        assert first(trial, y, adjust).estimate == pytest.approx(lin.estimate, rel=1e-10)
    d = grouped_data(5, groups=12)
    found, lin = first(grouped_trial(d), "y", ["y0"]), tk.itt(grouped_trial(d), "y", adjust=["y0"], estimator="lin").estimates[0]
    assert found.estimate == pytest.approx(lin.estimate, rel=1e-10)
    assert found.df == pytest.approx(lin.df, rel=1e-10)
    assert found.std_error == pytest.approx(lin.std_error, rel=0.1)
    assert found.std_error != lin.std_error


def test_g_computation_gives_the_ancova_estimate():
    for trial in (individual(), individual(strata=["site"])):
        ancova = tk.itt(trial, "y1", adjust=["y0"]).estimates[0]
        assert first(trial, "y1", ["y0"], run=aipw.run_g_computation).estimate == pytest.approx(ancova.estimate, rel=1e-10)
    with pytest.raises(UsageError, match="use estimator='aipw'"):
        analyse(individual(), "y1", ["y0"], run=aipw.run_g_computation, n_folds=3, seed=1)


def test_several_arms():
    trial = tk.Trial(data("three_arms.csv"), arm="arm", control="control")
    found = analyse(trial, "y", ["x"], contrasts="all").contrasts
    assert [(c.arm, c.reference) for c in found] == [(1, 0), (2, 0), (2, 1)]
    assert found[2].estimate == pytest.approx(found[1].estimate - found[0].estimate)


def test_influence_variance_agrees_with_the_grouped_reference_cases():
    trial = grouped_outcomes()
    d, arm = trial.data, trial.arm_codes
    unit = np.where(trial.group_codes < 0, 1000 + np.arange(len(d)), trial.group_codes)
    job = d["job"].to_numpy(float)
    means, counts = [job[arm == a].mean() for a in (0, 1)], np.bincount(arm)
    values = np.where(arm == 1, 1, -1) * (job - np.take(means, arm)) / counts[arm]
    for scale, se, df in (
        (np.ones(2), 0.05642249685325108, 38.568648707767636),
        (1 / np.array(means), 0.1609204450262983, 76.70258861168001),
    ):
        found = influence_variance(values=values * scale[arm], arm=arm, unit=unit, group=trial.group_codes)
        assert (np.sqrt(found.variance), found.df) == pytest.approx((se, df), rel=1e-7)
        assert found.converged
    independence = influence_variance(values=values, arm=arm, unit=unit)
    assert independence.df > 38.6


def test_influence_values_sum_to_nothing_and_reproduce_the_variance():
    rng = np.random.default_rng(1)
    n = 4000
    arm, x = rng.integers(0, 2, n), rng.normal(size=n)
    y = x + 0.3 * arm * x + rng.normal(size=n)
    predictions = np.column_stack([x, 1.3 * x])
    share = np.bincount(arm) / n
    probabilities = np.broadcast_to(share, (n, 2))
    values = influence_values(y=y, arm=arm, predictions=predictions, probabilities=probabilities)
    np.testing.assert_allclose(values.sum(axis=0), 0, atol=1e-12)
    ye = ye_covariance(y=y, arm=arm, predictions=predictions)
    np.testing.assert_allclose(values.T @ values, ye, rtol=0.1)
    means = marginal_means(y=y, arm=arm, predictions=predictions, probabilities=probabilities)
    plain = [predictions[:, a].mean() + (y - predictions[:, a])[arm == a].mean() for a in (0, 1)]
    np.testing.assert_allclose(means, plain)


def test_folds_hold_whole_groups_and_depend_on_the_seed_alone():
    d = grouped_data(2, groups=9, strata=3)
    trial = grouped_trial(d, strata=["site"])
    seen = []

    def spy(X, y, new):
        seen.append((len(y), len(new)))
        return np.full(len(new), y.mean())

    options = {"n_folds": 3, "seed": 11, "working_model": spy}
    one = first(trial, "y", ["y0"], **options)
    assert len(seen) == 6
    assert sum(new for _, new in seen) == 2 * len(d)
    assert numbers(first(trial, "y", ["y0"], **options)) == numbers(one)
    assert numbers(first(trial, "y", ["y0"], **(options | {"seed": 12}))) != numbers(one)
    from trialkit.estimate.sample import sample

    s = sample(trial, "y", ("y0",), "impute")
    fold = aipw._folds(s, aipw.AipwOptions(n_folds=3, seed=11))
    assert all(len(set(fold[s.unit_of_variance == u])) == 1 for u in np.unique(s.unit_of_variance))
    groups_per_fold = [len(np.unique(s.group[(fold == k) & (s.group >= 0)])) for k in range(3)]
    assert groups_per_fold == [3, 3, 3]


def test_cross_fitted_predictions_never_saw_their_fold():
    """A learner that remembers its training outcomes predicts nothing of the others; without folds it would explain everything."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"arm": np.arange(200) % 2, "x": np.arange(200.0), "y": rng.normal(size=200)})

    def memory(X, y, new):
        known = dict(zip(X[:, 0], y))
        return np.array([known.get(v, 0.0) for v in new[:, 0]])

    found = analyse(tk.Trial(d, arm="arm", control=0), "y", ["x"], n_folds=4, seed=1, working_model=memory).contrasts[0]
    plain = tk.itt(tk.Trial(d, arm="arm", control=0), "y", estimator="difference_in_means").estimates[0]
    assert found.std_error > 0.8 * plain.std_error


def test_probabilities_of_the_design_remove_the_confounding_of_unequal_shares():
    rng = np.random.default_rng(5)
    site = np.repeat([0, 1], 1500)
    d = pd.DataFrame({"id": np.arange(3000), "site": np.where(site, "b", "a")})
    d["arm"] = (rng.permutation(1500).argsort()[np.arange(3000) % 1500] < np.where(site, 1200, 300)).astype(int)
    d["y"] = 3.0 * site + 0.5 * d["arm"] + rng.normal(size=3000)
    trial = tk.Trial(d, arm="arm", control=0, strata=["site"])
    assert abs(first(trial, "y", strata_effects="none", probabilities="shares").estimate - 0.5) < 0.15
    naive = d.groupby("arm")["y"].mean()
    assert naive[1] - naive[0] > 1.5
    with_strata = first(trial, "y")
    interacted = tk.itt(trial, "y").estimates[0]
    assert with_strata.estimate == pytest.approx(interacted.estimate, rel=1e-9)
    assert with_strata.std_error == pytest.approx(interacted.std_error, rel=0.02)
    assert "shares_by_stratum" in [n.code for n in analyse(trial, "y").notes]
    with pytest.raises(UsageError, match="needs the design"):
        analyse(trial, "y", probabilities="design")


def test_probabilities_come_from_the_design_of_the_trial():
    d = pd.DataFrame({"id": np.arange(60), "x": np.linspace(-1, 1, 60)})
    design = tk.design.complete(d, unit="id", arms={"solo": 2, "peer": 1})
    d = d.merge(design.assign(seed=1), on="id")
    d["y"] = d["x"] + (d["arm"] == "peer") + np.sin(d["id"])
    known, shares = (tk.Trial(d, arm="arm", control="solo", unit="id", design=x) for x in (design, None))
    assert numbers(first(known, "y", ["x"])) == pytest.approx(numbers(first(shares, "y", ["x"])))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_folds": 3}, "say seed="),
        ({"n_folds": 1, "seed": 1}, "2 or more"),
        ({"n_folds": 500, "seed": 1}, "of an arm"),
        ({"working_model": "forest"}, "working_model='forest'"),
        ({"working_model": lambda X, y, new: y}, "cross-fitted"),
        ({"working_model": lambda X, y, new: y[:1], "n_folds": 2, "seed": 1}, "predictions"),
        ({"probabilities": "equal"}, "probabilities='equal'"),
        ({"folds": 3}, "does not take 'folds'"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        analyse(individual(), "y1", ["y0"], **options)


def test_data_that_allow_no_estimate_are_refused():
    with pytest.raises(CombinationError, match="no weights"):
        analyse(individual(weights="weight"), "y1")
    with pytest.raises(CombinationError, match="group average"):
        analyse(individual(), "y1", average="group")
    d = grouped_data(1, groups=2)
    with pytest.raises(GroupError, match="one group"):
        analyse(grouped_trial(d[(d["arm"] == "solo") | (d["group"] == "g00")]), "y")
    few = data("individual.csv").groupby("arm").head(3)
    with pytest.raises(EstimationError, match="leave covariates"):
        analyse(tk.Trial(few, arm="arm", control="control"), "y1", ["y0", "age", "female"])
    flat = data("individual.csv").assign(y=lambda d: (d["arm"] == "peer") * 1.0)
    with pytest.raises(EstimationError, match="does not vary"):
        analyse(tk.Trial(flat, arm="arm", control="control"), "y")
