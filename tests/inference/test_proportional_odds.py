"""The cumulative logit against statsmodels and against numerical derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.discrete.discrete_model import Logit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.outcomes.proportional_odds import cumulative_logit, unit_covariance


def simulated(seed: int, n: int = 300, levels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n), rng.normal(size=n) * 10 + 50]).astype(float)
    latent = X @ [0.6, 1.0, 0.02] + rng.logistic(size=n)
    category = np.digitize(latent, np.quantile(latent, np.linspace(0, 1, levels + 1)[1:-1]))
    return category.astype(np.int64), X


@pytest.mark.filterwarnings("ignore:Maximum Likelihood optimization")
@pytest.mark.parametrize(("seed", "levels"), [(1, 3), (2, 4), (3, 7)])
def test_agrees_with_ordered_model(seed: int, levels: int):
    category, X = simulated(seed, levels=levels)
    fit = cumulative_logit(category=category, X=X)
    model = OrderedModel(category, X, distr="logit")
    other = model.fit(method="bfgs", gtol=1e-9, maxiter=2000, disp=0)
    assert fit.converged
    np.testing.assert_allclose(fit.coef, other.params[:3], atol=1e-6)
    np.testing.assert_allclose(fit.thresholds, model.transform_threshold_params(other.params)[1:-1], atol=2e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.bread)), other.bse[:3], rtol=1e-5)
    assert fit.loglik == pytest.approx(other.llf, abs=1e-8)
    scores = model.score_obs(other.params)
    inverse = np.linalg.inv(-model.hessian(other.params))
    sandwich = inverse @ scores.T @ scores @ inverse
    np.testing.assert_allclose(fit.values.T @ fit.values, sandwich[:3, :3], rtol=1e-4, atol=1e-7)  # its derivatives are numerical


def test_two_categories_are_a_logit():
    category, X = simulated(4, levels=2)
    fit = cumulative_logit(category=category, X=X)
    other = Logit(category, np.column_stack([np.ones(len(X)), X])).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(fit.coef, other.params[1:], atol=1e-8)
    np.testing.assert_allclose(-fit.thresholds[0], other.params[0], atol=1e-7)


def test_weights_are_copies_and_the_unit_does_not_matter():
    category, X = simulated(5, n=120)
    copies = np.random.default_rng(1).integers(1, 4, len(X))
    weighted = cumulative_logit(category=category, X=X, weights=copies.astype(float))
    repeated = cumulative_logit(category=np.repeat(category, copies), X=np.repeat(X, copies, axis=0))
    np.testing.assert_allclose(weighted.coef, repeated.coef, atol=1e-9)
    np.testing.assert_allclose(weighted.bread, repeated.bread, rtol=1e-8)
    shifted = cumulative_logit(category=category, X=X * [1, 1e4, 1e-3] + [0, 5e4, 0.1])
    plain = cumulative_logit(category=category, X=X)
    np.testing.assert_allclose(shifted.coef * [1, 1e4, 1e-3], plain.coef, rtol=1e-7)


def test_values_sum_to_nothing_and_follow_the_estimate():
    """Leaving a person out moves the estimate by about minus the person's value."""
    category, X = simulated(6, n=400)
    fit = cumulative_logit(category=category, X=X)
    np.testing.assert_allclose(fit.values.sum(axis=0), 0, atol=1e-8)
    for i in (0, 7, 100):
        without = cumulative_logit(category=np.delete(category, i), X=np.delete(X, i, axis=0))
        np.testing.assert_allclose(fit.coef[0] - without.coef[0], fit.values[i, 0], rtol=0.06, atol=1e-4)


def test_a_coefficient_at_infinity_is_said_and_copies_are_left_out():
    category = np.r_[np.zeros(10), np.ones(10), np.full(20, 2)].astype(np.int64)
    treated = np.r_[np.zeros(20), np.ones(20)][:, None]
    assert cumulative_logit(category=category, X=treated).endless.tolist() == [True]
    category, X = simulated(7)
    fit = cumulative_logit(category=category, X=np.column_stack([X, X[:, 1] * 2 - 1]))
    assert fit.kept.tolist() == [0, 1, 2] and np.isnan(fit.coef[3]) and not fit.endless.any()


def test_unit_covariance_is_cr2_on_the_arms():
    rng = np.random.default_rng(8)
    arm = np.r_[np.ones(60, int), np.zeros(40, int)]
    unit = np.r_[np.repeat(np.arange(8), [3, 5, 7, 9, 12, 6, 10, 8]), 100 + np.arange(40)]
    values = rng.normal(size=(100, 2)) + arm[:, None]
    found = unit_covariance(values=values, arm=arm, unit=unit)
    X = np.column_stack([arm == 0, arm == 1]).astype(float)
    for k in range(2):
        fit = least_squares(y=values[:, k] * np.bincount(arm)[arm], X=X)
        other = covariance(fit, "CR2", Clusters.from_labels(unit)).matrix
        assert found[k, k] == pytest.approx(other.sum(), rel=1e-10)
