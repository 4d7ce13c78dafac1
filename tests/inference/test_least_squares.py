from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import KINDS, covariance
from trialkit.inference.linear.least_squares import independent_columns, least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance, satterthwaite


def design(seed: int, n: int = 60, k: int = 3) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(size=(n, k - 2))])
    return X, X @ rng.normal(size=k) + rng.normal(size=n), rng


def dense_cr(X, y, w, labels, kind):
    """CR2 and CR3 from n x n matrices, as the definition reads."""
    W = np.diag(w)
    M = np.linalg.inv(X.T @ W @ X)
    H = X @ M @ X.T @ W
    I_H = np.eye(len(y)) - H
    e = y - X @ M @ X.T @ W @ y
    influence = np.zeros_like(X)
    P = []
    for s in np.unique(labels):
        rows = labels == s
        if kind == "CR2":
            values, vectors = np.linalg.eigh((I_H @ I_H.T)[np.ix_(rows, rows)])
            A = vectors @ np.diag(np.where(values > 1e-12, 1 / np.sqrt(np.maximum(values, 1e-300)), 0)) @ vectors.T
        else:
            A = np.linalg.inv(I_H[np.ix_(rows, rows)])
        influence[rows] = A.T @ W[np.ix_(rows, rows)] @ X[rows] @ M
        P.append(I_H[rows].T @ influence[rows])
    scores = np.array([influence[labels == s].T @ e[labels == s] for s in np.unique(labels)])
    return scores.T @ scores, P


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
@pytest.mark.parametrize("weighted", [False, True])
def test_clusters_agree_with_the_definition(kind, weighted):
    X, y, rng = design(3, n=50, k=4)
    labels = rng.integers(0, 9, 50)
    labels[:6] = np.arange(100, 106)  # some singletons
    w = rng.uniform(0.3, 3, 50) if weighted else np.ones(50)
    expected, P = dense_cr(X, y, w, labels, kind)
    fit = least_squares(y=y, X=X, weights=w if weighted else None)
    cov = covariance(fit, kind, Clusters.from_labels(labels))
    np.testing.assert_allclose(cov.matrix, expected, rtol=1e-9, atol=1e-12)
    c = np.array([0, 1.0, 0, 0])
    for omega in (np.eye(50), None):
        working = None
        if omega is None:
            resid, shared = rng.uniform(0.5, 2, 50), 0.3
            omega = np.diag(resid) + shared * (labels[:, None] == labels)
            working = WorkingCovariance(resid, np.full(50, shared))
        G = np.array([[p @ c @ omega @ (q @ c) for q in P] for p in P])
        moments = satterthwaite(fit, cov, c, working)
        assert moments.mean == pytest.approx(np.trace(G), rel=1e-9)
        assert moments.df == pytest.approx(np.trace(G) ** 2 / (G**2).sum(), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_equal_single_fits(kind):
    rng = np.random.default_rng(0)
    X = np.stack([design(s)[0] for s in range(4)])
    y = rng.normal(size=(4, 60))
    clusters = Clusters.from_labels(rng.integers(0, 12, 60))
    batch = least_squares(y=y, X=X)
    cov = covariance(batch, kind, clusters)
    shared = covariance(least_squares(y=y, X=X[0]), kind, clusters)
    for r in range(4):
        one = least_squares(y=y[r], X=X[r])
        np.testing.assert_allclose(batch.coef[r], one.coef, rtol=1e-9)
        np.testing.assert_allclose(cov.matrix[r], covariance(one, kind, clusters).matrix, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(
            shared.matrix[r], covariance(least_squares(y=y[r], X=X[0]), kind, clusters).matrix, rtol=1e-9, atol=1e-14
        )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_cr2_with_singletons_is_hc2_and_a_contrast_has_bell_mccaffrey_df(seed):
    X, y, _ = design(seed)
    fit = least_squares(y=y, X=X)
    singles = covariance(fit, "CR2", Clusters.from_labels(np.arange(60)))
    hc2 = covariance(fit, "HC2")
    np.testing.assert_allclose(singles.matrix, hc2.matrix, rtol=1e-9)
    c = np.array([0.0, 1, 0])
    assert satterthwaite(fit, singles, c).df == pytest.approx(satterthwaite(fit, hc2, c).df, rel=1e-9)
    np.testing.assert_allclose(
        covariance(fit, "CR3", Clusters.from_labels(np.arange(60))).matrix, covariance(fit, "HC3").matrix, rtol=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-12, 12))
def test_units_of_measurement_do_not_matter(seed, power):
    X, y, rng = design(seed, k=4)
    clusters = Clusters.from_labels(rng.integers(0, 10, 60))
    scale = np.array([1.0, 1, 10.0**power, 1])
    a = covariance(least_squares(y=y, X=X), "CR2", clusters).matrix
    b = covariance(least_squares(y=y * 10.0 ** (power / 2), X=X * scale), "CR2", clusters).matrix
    np.testing.assert_allclose(b[1, 1], a[1, 1] * 10.0**power, rtol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_row_order_does_not_matter(seed):
    X, y, rng = design(seed)
    labels = rng.integers(0, 10, 60)
    order = rng.permutation(60)
    a = covariance(least_squares(y=y, X=X), "CR2", Clusters.from_labels(labels)).matrix
    b = covariance(least_squares(y=y[order], X=X[order]), "CR2", Clusters.from_labels(labels[order])).matrix
    np.testing.assert_allclose(a, b, rtol=1e-8)


def test_collinear_columns_are_left_out_from_the_right():
    X, y, _ = design(1, k=4)
    wide = np.column_stack([X, X[:, 2] * 3 - X[:, 0], np.full(60, 7.0), np.zeros(60)])
    fit = least_squares(y=y, X=wide)
    assert fit.kept.tolist() == [0, 1, 2, 3]
    assert np.isnan(fit.coef[4:]).all()
    np.testing.assert_allclose(fit.coef[:4], least_squares(y=y, X=X).coef, rtol=1e-9)
    assert independent_columns(np.zeros((5, 2))).tolist() == []


def test_full_leverage_rows_are_counted():
    X, y, _ = design(2)
    own = np.zeros(60)
    own[5] = 1
    cov = covariance(least_squares(y=y, X=np.column_stack([X, own])), "HC2")
    assert cov.n_full_leverage == 1
    assert np.isfinite(cov.matrix).all()


def test_one_cluster_is_refused():
    X, y, _ = design(2)
    with pytest.raises(ValueError, match="one cluster"):
        covariance(least_squares(y=y, X=X), "CR2", Clusters.from_labels(np.zeros(60)))
