"""REML with groups in one arm: closed form, published numbers, and a dense likelihood."""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.inference.mixed.grouped_reml import grouped_strata, reml


def dense_minus2(theta, y, X, part, group, parts):
    """-2 restricted log likelihood from n x n matrices."""
    V = np.diag(theta[part])
    for g in np.unique(group[group >= 0]):
        rows = np.flatnonzero(group == g)
        V[np.ix_(rows, rows)] += theta[parts]
    Vi = np.linalg.inv(V)
    A = X.T @ Vi @ X
    r = y - X @ np.linalg.solve(A, X.T @ Vi @ y)
    n, k = X.shape
    return np.linalg.slogdet(V)[1] + np.linalg.slogdet(A)[1] + r @ Vi @ r + (n - k) * np.log(2 * np.pi)


def oracle():
    y = np.array([10, 12, 11, 14, 15, 13, 9, 8, 12, 13, 16, 14, 8, 11, 9, 12, 7, 10.0])
    z = np.r_[np.ones(12), np.zeros(6)].astype(int)
    group = np.r_[np.repeat([0, 1, 2, 3], 3), -np.ones(6)].astype(int)
    return y, np.column_stack([np.ones(18), z]), z, group


def test_equal_groups_have_the_closed_form():
    y, X, z, group = oracle()
    fit = reml(grouped_strata(y=y, X=X, part=z, group=group))
    assert fit.converged
    assert fit.beta[1] == pytest.approx(2.75, abs=1e-10)
    assert np.sqrt(fit.covariance[1, 1]) == pytest.approx(1.3735261461195685, abs=1e-8)
    np.testing.assert_allclose(fit.theta, [3.5, 2.1666667, 4.4907407], atol=1e-7)
    assert fit.minus2 == pytest.approx(70.3813152, abs=1e-7)


def test_likelihood_and_derivatives_are_those_of_the_dense_model():
    rng = np.random.default_rng(4)
    sizes = [3, 5, 5, 8, 12]
    group = np.r_[np.repeat(np.arange(5), sizes), -np.ones(30)].astype(int)
    part = (group >= 0).astype(int)
    X = np.column_stack([np.ones(63), part, rng.normal(size=63)])
    y = X @ [1, 0.5, 0.8] + rng.normal(size=63) + np.where(group >= 0, rng.normal(size=5)[group] * 0.7, 0)
    fit = reml(grouped_strata(y=y, X=X, part=part, group=group))
    assert fit.minus2 == pytest.approx(dense_minus2(fit.theta, y, X, part, group, 2), abs=1e-8)
    step = 1e-4
    for p in range(3):
        for q in range(3):
            e, f = np.eye(3)[p] * step, np.eye(3)[q] * step
            second = sum(
                s * t * dense_minus2(fit.theta + s * e + t * f, y, X, part, group, 2) for s in (-1, 1) for t in (-1, 1)
            ) / (4 * step**2)  # fmt: skip
            assert fit.hessian[p, q] == pytest.approx(second, rel=1e-3, abs=1e-3)
        up, down = (dense_minus2(fit.theta + s * np.eye(3)[p] * step, y, X, part, group, 2) for s in (1, -1))
        assert abs(up - down) / (2 * step) < 1e-4


def test_the_group_variance_may_be_negative():
    rng = np.random.default_rng(0)
    group = np.r_[np.repeat(np.arange(8), 4), -np.ones(20)].astype(int)
    y = rng.normal(size=52)
    for g in range(8):  # groups that are more alike in mean than chance
        y[group == g] -= y[group == g].mean() * 0.95
    part = (group >= 0).astype(int)
    fit = reml(grouped_strata(y=y, X=np.column_stack([np.ones(52), part]), part=part, group=group))
    assert fit.converged
    assert fit.theta[2] < 0
    assert fit.theta[1] + 4 * fit.theta[2] > 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e8])
def test_the_scale_of_the_outcome_does_not_matter(scale):
    y, X, z, group = oracle()
    fit = reml(grouped_strata(y=y * scale, X=X, part=z, group=group))
    assert fit.converged
    np.testing.assert_allclose(fit.theta / scale**2, [3.5, 2.1666667, 4.4907407], rtol=1e-6)


@pytest.mark.parametrize("seed", [158, 235, 347])
def test_a_top_inside_the_limits_is_not_passed_over(seed):
    """Draws without a group effect whose likelihood has a second, lower top at the limit: the climb once stopped there."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(2, np.round(rng.gamma(4, 3, 40))).astype(int)
    group = np.r_[np.repeat(np.arange(40), sizes), -np.ones(480)].astype(int)
    part = (group >= 0).astype(int)
    y, X = rng.normal(size=len(part)), np.column_stack([np.ones(len(part)), part])
    fit = reml(grouped_strata(y=y, X=X, part=part, group=group))
    lowest = -fit.theta[1] / sizes.max()
    rivals = [
        dense_minus2(np.array([fit.theta[0], within, between]), y, X, part, group, 2)
        for within in fit.theta[1] * np.array([0.95, 1.0, 1.05, 1.1])
        for between in np.linspace(0.999 * lowest, 0.05, 15)
        if within + sizes.max() * between > 0
    ]
    assert fit.converged
    assert not fit.at_edge.any()
    assert fit.minus2 <= min(rivals)
