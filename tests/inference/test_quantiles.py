"""Sample quantiles, the bootstrap of whole units, and quantile regression against enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.outcomes.quantile_regression import contrast_range, linear_values, quantile_regression
from trialkit.inference.outcomes.quantiles import arm_quantile, sample_quantile


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.01, 0.99))
def test_equal_weights_are_type_7_and_copies_are_people(seed: int, n: int, q: float):
    rng = np.random.default_rng(seed)
    y = np.sort(np.round(rng.normal(size=n), 1))
    assert float(sample_quantile(y=y, weights=np.full(n, 0.3), q=q)) == pytest.approx(np.quantile(y, q), abs=1e-12)
    copies = rng.integers(0, 4, size=(3, n)).astype(float)
    copies[:, 0] += 1
    found = sample_quantile(y=y, weights=np.ones(n), q=q, copies=copies)
    expected = [np.quantile(np.repeat(y, c.astype(int)), q) for c in copies]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_weights_move_the_quantile_towards_the_heavy():
    y = np.arange(101.0)
    heavy = np.where(y > 50, 3.0, 1.0)
    assert float(sample_quantile(y=y, weights=heavy, q=0.5)) == pytest.approx(67, abs=1.0)


def test_the_density_is_near_the_truth_and_a_heap_has_none():
    rng = np.random.default_rng(1)
    y = rng.normal(size=4000)
    found = arm_quantile(y=y, weights=np.ones(4000), unit=np.arange(4000), q=0.5)
    assert found.value == pytest.approx(np.quantile(y, 0.5), abs=1e-12)
    assert found.below.sum() == 2000
    assert 1 / found.spread == pytest.approx(0.399, rel=0.1)
    heap = np.where(rng.random(400) < 0.6, 0.0, rng.exponential(size=400))
    assert arm_quantile(y=heap, weights=np.ones(400), unit=np.arange(400), q=0.3).spread == 0


def test_bootstrap_of_units_has_the_unbiased_variance():
    rng = np.random.default_rng(2)
    arm = np.r_[np.zeros(30, int), np.ones(6, int)]
    x = rng.normal(size=36)
    weights = np.concatenate(list(bootstrap_weights(cell=arm, n_draws=40_000, seed=7)))
    assert weights.sum(axis=1) == pytest.approx(np.full(40_000, 36.0))
    for a in (0, 1):
        inside = arm == a
        drawn = weights[:, inside] @ x[inside] / inside.sum()
        expected = x[inside].var(ddof=1) / inside.sum()
        assert drawn.var() == pytest.approx(expected, rel=0.03)
        assert drawn.mean() == pytest.approx(x[inside].mean(), abs=5 * np.sqrt(expected / 40_000))


def test_draws_do_not_depend_on_their_chunks():
    cell = np.r_[np.zeros(5, int), np.ones(4, int), 2]
    whole = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=50, seed=3)))
    parts = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=50, seed=3, people=1_000_000)))
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(whole[:, 9], 1.0)
    np.testing.assert_array_equal(whole[:20], np.concatenate(list(bootstrap_weights(cell=cell, n_draws=20, seed=3))))
    assert not np.array_equal(whole, np.concatenate(list(bootstrap_weights(cell=cell, n_draws=50, seed=4))))


def test_cells_are_arm_by_stratum_and_lone_units_are_joined():
    unit = np.array([0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8])
    arm = np.array([1] * 6 + [0] * 6)
    stratum = np.array([0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1])
    code, cell = resampling_cells(arm=arm, stratum=stratum, unit=unit)
    assert code.tolist() == unit.tolist()
    assert len(set(cell[:3])) == 1  # the one group of stratum 1 joins those of stratum 0
    assert cell[3] == cell[4] == cell[5] != cell[6] == cell[7] == cell[8]
    crossing = np.array([0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1])
    assert resampling_cells(arm=arm, stratum=crossing, unit=unit)[1].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]


def loss(y: np.ndarray, X: np.ndarray, b: np.ndarray, q: float, w: np.ndarray) -> float:
    e = y - X @ b
    return float(w @ (e * (q - (e < 0))))


def vertices(y: np.ndarray, X: np.ndarray) -> list[np.ndarray]:
    """Fits through every K points in general position; some solution is among them."""
    out = []
    for rows in combinations(range(len(y)), X.shape[1]):
        square = X[list(rows)]
        if abs(np.linalg.det(square)) > 1e-9:
            out.append(np.linalg.solve(square, y[list(rows)]))
    return out


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.5, 0.61, 0.9]), st.booleans(), st.booleans())
def test_quantile_regression_is_the_best_of_all_vertices(seed: int, q: float, ties: bool, weighted: bool):
    rng = np.random.default_rng(seed)
    n = 14
    X = np.column_stack([np.ones(n), np.arange(n) % 2, rng.normal(size=n)])
    y = rng.normal(size=n)
    if ties:
        X, y = np.round(X), np.round(y * 2) / 2
        if np.linalg.matrix_rank(X) < 3:
            return
    w = rng.integers(1, 4, n).astype(float) if weighted else np.ones(n)
    fit = quantile_regression(y=y, X=X, q=q, weights=w)
    all_of_them = vertices(y, X)
    losses = np.array([loss(y, X, b, q, w) for b in all_of_them])
    best = losses.min()
    assert loss(y, X, fit.coef, q, w) == pytest.approx(best, abs=1e-9)
    np.testing.assert_allclose(X.T @ fit.dual, 0, atol=1e-9)
    optimal = np.array([b for b, v in zip(all_of_them, losses) if v <= best + 1e-10])
    assert fit.unique == bool(np.ptp(optimal, axis=0).max() < 1e-8)
    vector = np.array([0, 1.0, 0])
    low, high = contrast_range(y=y, X=X, fit=fit, q=q, vector=vector, weights=w)
    assert (low, high) == pytest.approx((optimal[:, 1].min(), optimal[:, 1].max()), abs=1e-7)


def test_quantile_regression_does_not_mind_units_or_order():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(61), rng.integers(0, 2, 61), rng.normal(size=61)])
    y = X @ [1, 0.5, 2] + rng.standard_t(3, size=61)
    fit = quantile_regression(y=y, X=X, q=0.4)
    other = quantile_regression(y=y * 1e6 + 1e9, X=X * [1, 1, 1e-4], q=0.4)
    np.testing.assert_allclose((other.coef - [1e9, 0, 0]) * [1, 1, 1e-4] / 1e6, fit.coef, rtol=1e-7)
    order = rng.permutation(61)
    np.testing.assert_allclose(quantile_regression(y=y[order], X=X[order], q=0.4).coef, fit.coef, atol=1e-10)
    assert (fit.residuals == 0).sum() == 3


def test_values_have_the_variance_of_the_median():
    """With one column and normal data: pi/2 sigma^2/n."""
    rng = np.random.default_rng(4)
    y, X = rng.normal(size=5001), np.ones((5001, 1))
    fit = quantile_regression(y=y, X=X, q=0.5)
    values = linear_values(X=X, fit=fit, density=np.full(5001, 1 / np.sqrt(2 * np.pi)))
    assert float((values**2).sum()) == pytest.approx(np.pi / 2 / 5001, rel=0.01)
