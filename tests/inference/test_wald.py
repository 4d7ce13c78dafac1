"""Joint tests: a published number, the definition by dense matrices, and what must not change the answer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.mapping import data
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance, satterthwaite
from trialkit.inference.linear.wald import hotelling_df, htz


@pytest.fixture(scope="module")
def trial():
    d = data("cluster.csv")
    X = np.column_stack([np.ones(len(d)), d[["z", "x", "female"]].to_numpy(float)])
    return d["y"].to_numpy(), X, d["cluster"].to_numpy(), d["weight"].to_numpy()


def by_definition(X, y, w, labels, C, omega):
    """F and its denominator df from n x n matrices and all pairs of clusters."""
    n = len(y)
    M = np.linalg.inv((X * w[:, None]).T @ X)
    rest = np.eye(n) - X @ M @ (X * w[:, None]).T
    B = rest @ rest.T
    p, V = [], np.zeros_like(M)
    for s in np.unique(labels):
        rows = np.flatnonzero(labels == s)
        values, vectors = np.linalg.eigh(B[np.ix_(rows, rows)])
        A = (vectors * np.where(values > 1e-12, values.clip(1e-300) ** -0.5, 0)) @ vectors.T
        U = A @ ((w[:, None] * X)[rows] @ M)
        score = U.T @ (rest @ y)[rows]
        V += np.outer(score, score)
        p.append(rest[rows].T @ U)

    def blocks(C):
        turned = np.array(p) @ C.T
        return np.einsum("sni,tnj->stij", turned, omega @ turned, optimize=True)

    mean = np.einsum("ssij->ij", blocks(C))
    values, vectors = np.linalg.eigh(mean)
    standard = blocks((vectors / np.sqrt(values)) @ vectors.T @ C)
    q = len(C)
    traces = np.einsum("stii->st", standard) ** 2 + np.einsum("stij,stji->st", standard, standard)
    nu = q * (q + 1) / traces.sum()
    b = M @ (X * w[:, None]).T @ y
    wald = C @ b @ np.linalg.solve(C @ V @ C.T, C @ b)
    return (nu - q + 1) / (nu * q) * wald, nu - q + 1


def test_hotelling_agrees_with_clubsandwich(trial):
    y, X, labels, _ = trial
    fit = least_squares(y=y, X=X)
    found = htz(fit, covariance(fit, "CR2", Clusters.from_labels(labels)), np.eye(4)[2:])
    assert found.df_num == 2
    assert (found.statistic, found.df_denom) == pytest.approx((29.457906113293, 20.618520556066), rel=1e-10)
    assert found.p_value == pytest.approx(9.030466012276e-07, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_hotelling_is_its_definition(trial, weighted, grouped):
    y, X, labels, w = trial
    fit = least_squares(y=y, X=X, weights=w if weighted else None)
    clusters = Clusters.from_labels(labels)
    cov = covariance(fit, "CR2", clusters)
    resid = np.linspace(0.5, 2, len(y))
    omega, working = np.eye(len(y)), None
    if grouped:
        working = WorkingCovariance(resid, np.full(len(y), 0.3))
        omega = np.diag(resid) + 0.3 * (labels[:, None] == labels)
    C = np.array([[0, 1.0, 0, 0], [0, 0, 1, 0.5], [0, 0, 0, 1]])
    found = htz(fit, cov, C, working=working)
    expected = by_definition(X, y, w if weighted else np.ones(len(y)), labels, C, omega)
    assert (found.statistic, found.df_denom) == pytest.approx(expected, rel=1e-9)


def test_one_contrast_is_the_square_of_the_t_test(trial):
    y, X, labels, _ = trial
    fit = least_squares(y=y, X=X)
    cov = covariance(fit, "CR2", Clusters.from_labels(labels))
    c = np.array([0, 1.0, 0, 0])
    found = htz(fit, cov, c)
    assert found.statistic == pytest.approx(fit.coef[1] ** 2 / cov.matrix[1, 1], rel=1e-12)
    assert found.df_denom == pytest.approx(satterthwaite(fit, cov, c).df, rel=1e-10)
    assert hotelling_df(fit, cov, c[None, :]) == pytest.approx(found.df_denom, rel=1e-12)


def test_contrasts_in_other_units_and_combinations_give_the_same_test(trial):
    y, X, labels, _ = trial
    fit = least_squares(y=y, X=X * [1, 1, 1e6, 1e-6])
    cov = covariance(fit, "CR2", Clusters.from_labels(labels))
    plain = htz(fit, cov, np.eye(4)[2:])
    mixed = htz(fit, cov, np.array([[0, 0, 1e6, 1e-6], [0, 0, 2e6, -3e-6]]))
    assert (mixed.statistic, mixed.df_denom) == pytest.approx((plain.statistic, plain.df_denom), rel=1e-8)
    assert plain.df_denom == pytest.approx(20.618520556066, rel=1e-8)


def test_heteroscedastic_and_classical_covariances_give_the_plain_f(trial):
    y, X, _, _ = trial
    fit = least_squares(y=y, X=X)
    C = np.eye(4)[1:]
    classical = htz(fit, covariance(fit, "classical"), C)
    without = least_squares(y=y, X=X[:, :1])
    f = (without.rss - fit.rss) / 3 / (fit.rss / fit.df_resid)
    assert (classical.statistic, classical.df_denom) == pytest.approx((float(f), fit.df_resid), rel=1e-10)
    cov = covariance(fit, "HC2")
    b = fit.coef[1:]
    robust = htz(fit, cov, C)
    assert robust.statistic == pytest.approx(b @ np.linalg.solve(cov.matrix[1:, 1:], b) / 3, rel=1e-10)
    shifted = htz(fit, cov, C, value=b)
    assert shifted.statistic == pytest.approx(0, abs=1e-20)
    assert shifted.p_value == pytest.approx(1)


def test_dependent_contrasts_are_refused(trial):
    y, X, labels, _ = trial
    fit = least_squares(y=y, X=X)
    cov = covariance(fit, "CR2", Clusters.from_labels(labels))
    with pytest.raises(ValueError, match="not independent"):
        htz(fit, cov, np.array([[0, 1.0, 0, 0], [0, 2.0, 0, 0]]))


def test_too_few_clusters_give_no_number():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(5), 10)
    X = np.column_stack([np.ones(50), rng.normal(size=(5, 3))[labels]])
    fit = least_squares(y=rng.normal(size=50), X=X)
    found = htz(fit, covariance(fit, "CR2", Clusters.from_labels(labels)), np.eye(4)[1:])
    assert np.isnan([found.statistic, found.p_value, found.df_denom]).all()


def test_a_singular_covariance_is_refused():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 10)
    X = np.column_stack([np.ones(40), rng.normal(size=(4, 3))[labels]])
    fit = least_squares(y=rng.normal(size=40), X=X)
    with pytest.raises(ValueError, match="singular"):
        htz(fit, covariance(fit, "CR2", Clusters.from_labels(labels)), np.eye(4)[1:])
