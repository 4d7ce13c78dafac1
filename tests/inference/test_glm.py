"""Logistic and Poisson fits: statsmodels, batches, separation, Firth, and sandwich covariances by their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from tests.reference.mapping import data
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.small_sample import satterthwaite
from trialkit.inference.outcomes.firth import firth
from trialkit.inference.outcomes.glm import glm
from trialkit.inference.outcomes.glm_covariance import glm_covariance
from trialkit.inference.outcomes.separation import limiting_fit, separating_direction


def example(n=300, seed=1):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(size=n), 2000 + 50 * rng.normal(size=n)])
    eta = -0.5 + 0.6 * X[:, 1] + 0.5 * X[:, 2] + 0.004 * (X[:, 3] - 2000)
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return X, y, rng.poisson(np.exp(eta)).astype(float), rng.uniform(0.3, 4, n), rng.uniform(0.2, 3, n)


def theirs(y, X, family, **options):
    import statsmodels.api as sm

    kind = sm.families.Binomial() if family == "logistic" else sm.families.Poisson()
    return sm.GLM(y, X, family=kind, **options).fit(tol=1e-14, maxiter=200)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
@pytest.mark.parametrize("options", ["plain", "weights", "offset"])
def test_agrees_with_statsmodels(family, options):
    X, shares, counts, time, weights = example()
    y = shares if family == "logistic" else counts
    mine = {"weights": {"weights": weights}, "offset": {"offset": np.log(time)}, "plain": {}}[options]
    other = {"weights": {"freq_weights": weights}, "offset": {"offset": np.log(time)}, "plain": {}}[options]
    fit, ref = glm(y=y, X=X, family=family, **mine), theirs(y, X, family, **other)
    assert bool(fit.converged)
    np.testing.assert_allclose(fit.coef, ref.params, rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.bread)), ref.bse, rtol=1e-8)
    assert float(fit.deviance) == pytest.approx(ref.deviance, rel=1e-9)
    if options == "plain":
        assert float(fit.dispersion) == pytest.approx(ref.pearson_chi2 / ref.df_resid, rel=1e-9)


def test_sandwiches_agree_with_statsmodels():
    import statsmodels.api as sm

    X, _, counts, *_ = example()
    fit = glm(y=counts, X=X, family="poisson")
    cov = glm_covariance(fit, "HC0")[1].matrix
    ref = sm.GLM(counts, X, family=sm.families.Poisson()).fit(cov_type="HC0", tol=1e-14).bse
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), ref, rtol=1e-8)
    np.testing.assert_allclose(glm_covariance(fit, "HC1")[1].matrix, cov * 300 / 296, rtol=1e-12)


def test_hc2_and_hc3_by_their_definition():
    X, shares, *_ = example()
    fit = glm(y=shares, X=X, family="logistic")
    w = fit.mu * (1 - fit.mu)
    M = np.linalg.inv(X.T @ (X * w[:, None]))
    h = w * np.einsum("ij,jk,ik->i", X, M, X)
    for kind, power in (("HC2", 1), ("HC3", 2)):
        score = X * ((shares - fit.mu) / (1 - h) ** (power / 2))[:, None]
        np.testing.assert_allclose(glm_covariance(fit, kind)[1].matrix, M @ score.T @ score @ M, rtol=1e-7)


def dense_cr2(y, X, label, p, t):
    """clubSandwich's adjustment matrices written out in n x n matrices, with Satterthwaite's df of each coefficient."""
    n, v = len(y), p * (1 - p)
    Z, W = v[:, None] * X, np.diag(1 / t)
    M = np.linalg.inv(Z.T @ W @ Z)
    H = Z @ M @ Z.T @ W
    theta = np.diag(t)
    total, columns = np.zeros((X.shape[1],) * 2), []
    for c in np.unique(label):
        inside = label == c
        D = np.sqrt(theta[np.ix_(inside, inside)])
        G = D @ ((np.eye(n) - H) @ theta @ (np.eye(n) - H).T)[np.ix_(inside, inside)] @ D
        value, vector = np.linalg.eigh((G + G.T) / 2)
        A = D @ (vector / np.sqrt(value)) @ vector.T @ D
        g = M @ Z[inside].T @ W[np.ix_(inside, inside)] @ A
        total += np.outer(g @ (y - p)[inside], g @ (y - p)[inside])
        columns.append((np.eye(n) - H)[inside].T @ g.T)
    df = []
    for k in range(X.shape[1]):
        P = np.array([c[:, k] for c in columns])
        G = P @ theta @ P.T
        df.append(np.trace(G) ** 2 / (G**2).sum())
    return total, np.array(df)


def test_cr2_on_the_response_scale_by_its_definition():
    d = data("cluster_outcomes.csv").head(120)
    X, y = np.column_stack([np.ones(len(d)), d["z"], d["x"]]), d["job"].to_numpy(float)
    fit = glm(y=y, X=X, family="logistic")
    regression, cov = glm_covariance(fit, "CR2", Clusters.from_labels(d["cluster"].to_numpy()))
    matrix, df = dense_cr2(y, X, d["cluster"].to_numpy(), fit.mu, fit.mu * (1 - fit.mu))
    np.testing.assert_allclose(cov.matrix, matrix, rtol=1e-8)
    np.testing.assert_allclose([satterthwaite(regression, cov, c).df for c in np.eye(3)], df, rtol=1e-8)


def test_large_clusters_take_a_root_that_differs_by_their_leverage(monkeypatch):
    from trialkit.inference.outcomes import glm_covariance as module

    d = data("cluster_outcomes.csv")
    X, y = np.column_stack([np.ones(len(d)), d["z"], d["x"]]), d["job"].to_numpy(float)
    fit, clusters = glm(y=y, X=X, family="logistic"), Clusters.from_labels(d["cluster"].to_numpy())
    exact = glm_covariance(fit, "CR2", clusters)[1].matrix
    monkeypatch.setattr(module, "LARGE", 0)
    whitened = glm_covariance(fit, "CR2", clusters)[1].matrix
    assert not np.allclose(whitened, exact, rtol=1e-6)
    np.testing.assert_allclose(np.diag(whitened), np.diag(exact), rtol=0.005)


def test_cr2_with_people_alone_is_hc2():
    X, shares, *_ = example(80)
    fit = glm(y=shares, X=X, family="logistic")
    alone = glm_covariance(fit, "CR2", Clusters.from_labels(np.arange(80)))[1]
    np.testing.assert_allclose(alone.matrix, glm_covariance(fit, "HC2")[1].matrix, rtol=1e-10)
    with pytest.raises(ValueError, match="one cluster"):
        glm_covariance(fit, "CR2", Clusters.from_labels(np.zeros(80)))


@given(seed=st.integers(0, 10_000), family=st.sampled_from(["logistic", "poisson"]))
@settings(max_examples=20, deadline=None)
def test_a_batch_is_its_parts(seed, family):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    y = rng.integers(0, 2 if family == "logistic" else 5, (6, 40)).astype(float)
    together = glm(y=y, X=X, family=family)
    own = glm(y=y, X=np.broadcast_to(X, (6, 40, 3)), family=family)
    for r in range(6):
        one = glm(y=y[r], X=X, family=family)
        if bool(one.suspect):
            continue
        np.testing.assert_allclose(together.coef[r], one.coef, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(own.coef[r], one.coef, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(together.bread[r], one.bread, rtol=1e-6, atol=1e-12)


@given(scale=st.sampled_from([1e-6, 1e6]), shift=st.sampled_from([0.0, 1e5]))
@settings(max_examples=8, deadline=None)
def test_units_and_origins_of_covariates_do_not_matter(scale, shift):
    X, shares, *_ = example()
    other = X.copy()
    other[:, 2] = scale * (X[:, 2] + shift)
    a, b = glm(y=shares, X=X, family="logistic"), glm(y=shares, X=other, family="logistic")
    np.testing.assert_allclose(b.mu, a.mu, rtol=1e-7)
    assert b.coef[2] * scale == pytest.approx(a.coef[2], rel=1e-6)


def test_collinear_columns_are_left_out():
    X, shares, *_ = example()
    fit = glm(y=shares, X=np.column_stack([X, X[:, 2] * 3 + 1]), family="logistic")
    assert fit.collinear.tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(fit.coef[:4], glm(y=shares, X=X, family="logistic").coef)


def test_separation_is_found_and_taken_to_its_limit():
    X, shares, counts, *_ = example()
    none = np.where(X[:, 1] == 0, 0.0, shares)
    assert bool(glm(y=none, X=X, family="logistic").suspect)
    limit = limiting_fit(y=none, X=X, family="logistic")
    treated = X[:, 1] == 1
    assert (limit.used == treated).all()
    alone = glm(y=shares[treated], X=X[treated][:, [0, 2, 3]], family="logistic")
    np.testing.assert_allclose(1 / (1 + np.exp(-limit.eta(X)[treated])), alone.mu, rtol=1e-8)
    assert np.isneginf(limit.eta(X)[~treated]).all()
    zero = limiting_fit(y=np.where(treated, counts, 0.0), X=X, family="poisson")
    assert (zero.used == treated).all()
    perfect = limiting_fit(y=(X[:, 2] > 0).astype(float), X=X, family="logistic")
    assert perfect.fit is None
    assert not perfect.used.any()


def test_an_outlier_is_not_separation():
    X, shares, *_ = example()
    X[0, 2] = 1e6
    assert separating_direction(y=shares, X=X, family="logistic") is None
    limit = limiting_fit(y=shares, X=X, family="logistic")
    assert len(limit.directions) == 0
    np.testing.assert_allclose(limit.fit.coef, theirs(shares, X, "logistic").params, rtol=1e-6)


def test_half_likelihood_steps_reach_the_maximum_from_afar():
    """A start far from the maximum and a heavy tail: the likelihood never falls, whatever Newton proposes."""
    X = np.column_stack([np.ones(8), [0, 0, 0, 0, 0, 0, 50.0, 100.0]])
    y = np.array([3.0, 0, 2, 1, 0, 4, 0, 900])
    fit = glm(y=y, X=X, family="poisson")
    assert bool(fit.converged)
    np.testing.assert_allclose(X.T @ (y - fit.mu), 0, atol=1e-6)


def test_firth_adds_half_an_event_to_every_cell():
    arm = np.repeat([0.0, 1.0], [15, 20])
    X = np.column_stack([np.ones(35), arm])
    y = np.r_[np.zeros(15), np.ones(3), np.zeros(17)]
    assert firth(y=y, X=X, family="logistic").coef[1] == pytest.approx(np.log(3.5 / 17.5) - np.log(0.5 / 15.5), rel=1e-9)
    counts = np.r_[np.zeros(15), np.arange(20.0) % 3]
    fit = firth(y=counts, X=X, family="poisson")
    assert fit.coef[1] == pytest.approx(np.log((counts.sum() + 0.5) / 20) - np.log(0.5 / 15), rel=1e-9)
    assert bool(fit.converged)


def test_firth_maximizes_the_penalized_likelihood():
    X = example(60)[0][:, :3]
    y = (X[:, 2] > 0.2).astype(float)
    fit = firth(y=y, X=X, family="logistic")

    def penalized(b):
        eta = X @ b
        p = special.expit(eta)
        information = X.T @ (X * (p * special.expit(-eta))[:, None])
        return np.sum(np.logaddexp(0, eta) - y * eta) - np.linalg.slogdet(information)[1] / 2

    found = optimize.minimize(
        penalized, 0.7 * fit.coef, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    )
    np.testing.assert_allclose(fit.coef, found.x, rtol=1e-5)
    assert penalized(fit.coef) <= found.fun + 1e-10
