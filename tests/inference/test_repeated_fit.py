"""Fits and tests of repeated measures: fev_data (SAS, mmrm), sleep, closed forms, definitions in dense matrices, invariance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.inference.repeated_helpers import dense, fev, fit, small_trial
from trialkit.inference.repeated.contrasts import kenward_roger, model_based, pooled_df
from trialkit.inference.repeated.covariance_structures import structure
from trialkit.inference.repeated.data import repeated_data
from trialkit.inference.repeated.likelihood import CovarianceModel, curvature, expected_information, state
from trialkit.inference.repeated.sandwich import empirical


def unit(k, position):
    return np.eye(k)[position]


# --- fev_data: values of mmrm 0.3 and of SAS, as printed
@pytest.mark.parametrize(
    "terms, position, estimate, std_error, df, deviance",
    [
        ("1", 0, 42.8338, 0.3509, 171, 3700.9),
        ("arm + sex", 1, 3.8265, 0.6421, 161, 3666.96698281),
        ("arm + sex", 2, -0.1404, 0.6434, None, 3666.96698281),
        ("race + sex + arm * visit", 4, 3.77423, 1.07415, 145.55, 3386.45),
    ],
)
def test_fev_data_satterthwaite(terms, position, estimate, std_error, df, deviance):
    found = fit(*fev(terms))
    tests = model_based(found, "satterthwaite").test(unit(found.data.rank, position))
    assert found.converged and not found.singular
    assert tests[0] == pytest.approx(estimate, rel=1e-4, abs=5e-5)
    assert tests[1] == pytest.approx(std_error, rel=1e-4, abs=5e-5)
    assert df is None or tests[2] == pytest.approx(df, rel=1e-4, abs=0.5 if df == int(df) else 5e-3)
    assert found.minus2 == pytest.approx(deviance, rel=1e-4, abs=0.05 if deviance == 3700.9 else 5e-3)


def test_fev_data_information_criteria():
    found = fit(*fev("race + sex + arm * visit"))
    assert found.data.n == 197 and found.data.n_observed == 537
    assert found.aic == pytest.approx(3406.4, abs=0.06)
    assert found.bic == pytest.approx(3439.3, abs=0.06)


@pytest.mark.parametrize(
    "name, linear, estimate, std_error, df",
    [
        ("cs", True, 4.19663617897035, 0.7964696053595, 177.038485931223),
        ("ar1", False, 4.22574315817874, 0.95865439662225, 188.46934887972),
        ("ar1", True, 4.22574315817874, 0.96058142305176, 188.46934887972),
    ],
)
def test_fev_data_kenward_roger(name, linear, estimate, std_error, df):
    found = kenward_roger(fit(*fev("arm"), (name, None)), linear=linear).test(unit(2, 1))
    assert found == pytest.approx((estimate, std_error, df), rel=5e-6)


SAS_US = (3.81972492174648, 0.66124382270307, 160.733266403768)


def test_fev_data_unstructured_kenward_roger():
    """SAS stops one Newton step short of the maximum (relative criterion 1e-8): its SE and df differ from those there by 1e-4 and 3e-4."""
    found = fit(*fev("arm"))
    estimate, std_error, df = kenward_roger(found).test(unit(2, 1))
    assert (estimate, std_error) == pytest.approx(SAS_US[:2], rel=1e-4)
    assert df == pytest.approx(SAS_US[2], rel=3e-4)
    assert kenward_roger(found, linear=False).test(unit(2, 1)) == (estimate, std_error, df)


def test_sas_digits_where_sas_stops():
    """MIVQUE0, then Newton steps until (g'H^-1 g)/|-2 l| <= 1e-8: there all digits are those of SAS, and the likelihood is not yet at its maximum."""
    y, X = fev("arm")
    data = repeated_data(y=y, X=X)
    model = CovarianceModel((structure("us", 4),))
    theta = np.eye(4)[np.tril_indices(4)]
    here = state(data, model, theta, reml=True)
    shape = curvature(data, model, theta, here, reml=True)
    theta = theta - np.linalg.solve(expected_information(data, model, theta, here, shape.first, reml=True), shape.gradient)
    constant = data.constant + (data.n_observed - data.rank) * np.log(2 * np.pi)
    for _ in range(20):
        here = state(data, model, theta, reml=True)
        shape = curvature(data, model, theta, here, reml=True)
        step = np.linalg.solve(shape.hessian, shape.gradient)
        if shape.gradient @ step / abs(here.value + constant) <= 1e-8:
            break
        theta = theta - step
    coef = data.ols.coef + data.scale * data.rotation @ here.beta
    # Kenward-Roger by its definition at this theta
    W = 2 * np.linalg.inv(shape.hessian)
    P = shape.first[:, :2, :2]
    v = here.bread @ data.rotation.T @ unit(2, 1)
    g = -np.einsum("i,kij,j->k", v, P, v)
    variance = v @ np.linalg.solve(here.bread, v)
    assert coef[1] == pytest.approx(SAS_US[0], rel=1e-11)
    assert 2 * variance**2 / (g @ W @ g) == pytest.approx(SAS_US[2], rel=1e-11)
    assert here.value + constant > fit(y, X).minus2 + 7e-6


def test_fev_data_empirical():
    found = empirical(fit(*fev("arm")), "CR0")
    np.testing.assert_allclose(np.diag(found.covariance), [0.16725909903518, 0.40908637028234], rtol=2e-5)


def test_all_structures_have_a_maximum_on_fev_data():
    y, X = fev("race + sex + arm * visit")
    deviances = {
        n: fit(y, X, (n, None), times=np.arange(4.0))
        for n in ("us", "toeph", "adh", "csh", "ar1h", "toep", "ad", "cs", "ar1", "sp_exp")
    }
    assert all(f.converged for f in deviances.values())
    value = {n: f.minus2 for n, f in deviances.items()}
    assert value["us"] < value["toeph"] < value["csh"] < value["cs"]
    assert value["us"] < value["adh"] < value["ar1h"] < value["ar1"]
    assert value["toep"] < value["ar1"] and value["ad"] < value["ar1"]
    assert value["sp_exp"] == pytest.approx(value["ar1"], abs=1e-8)  # visits are evenly spaced


# --- closed forms
def test_sleep():
    """R's sleep data: with us and two waves the paired t test; .3890, not the .3386 of a log-Cholesky parameterization."""
    y = np.column_stack(
        [[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]]
    )
    X = np.zeros((10, 2, 2))
    X[:, :, 0] = X[:, 1, 1] = 1
    found = fit(y, X)
    for tests in (kenward_roger(found), model_based(found, "satterthwaite")):
        assert tests.test(unit(2, 1)) == pytest.approx((1.58, 0.38895872, 9), rel=1e-7)


def test_hotelling():
    """Complete data, us: the Kenward-Roger F of all means is Hotelling's exact F."""
    rng = np.random.default_rng(3)
    y = rng.normal(size=(14, 4)) @ rng.normal(size=(4, 4)) + 0.5
    X = np.broadcast_to(np.eye(4), (14, 4, 4))
    test = kenward_roger(fit(y, X)).joint(np.eye(4))
    mean, S = y.mean(axis=0), np.cov(y.T)
    T2 = 14 * mean @ np.linalg.solve(S, mean)
    F = (14 - 4) / (4 * 13) * T2
    assert (test.statistic, test.df_num, test.df_denom) == pytest.approx((F, 4, 10), rel=1e-7)
    assert test.p_value == pytest.approx(stats.f.sf(F, 4, 10), rel=1e-6)


def test_groups_of_equal_size_have_the_closed_form():
    """One wave, groups in the treated arm, variances by arm: Welch's test on the group means."""
    y = np.array([10, 12, 11, 14, 15, 13, 9, 8, 12, 13, 16, 14, 8, 11, 9, 12, 7, 10.0])[:, None]
    arm = np.r_[np.ones(12), np.zeros(6)].astype(int)
    group = np.r_[np.repeat([0, 1, 2, 3], 3), -np.ones(6)].astype(int)
    X = np.stack([np.ones(18), arm], axis=1)[:, None, :]
    found = fit(y, X, ("us", "us"), part=arm, group=group, inside=np.array([True]))
    tests = model_based(found, "satterthwaite").test(unit(2, 1))
    assert tests == pytest.approx((2.75, 1.3735261461195685, 5.6120403), rel=1e-7)
    np.testing.assert_allclose(
        [found.sigma[0, 0, 0], found.sigma[1, 0, 0], found.gamma[0, 0, 0]], [3.5, 2.1666667, 4.4907407], rtol=1e-6
    )
    assert found.minus2 == pytest.approx(70.3813152, abs=1e-7)


def test_complete_data_give_least_squares_at_each_wave():
    y, X, arm, _ = small_trial()
    y = np.where(np.isnan(y), 0.1, y)
    X = np.concatenate([np.eye(3)[None] * np.ones((60, 1, 1)), np.eye(3)[None] * arm[:, None, None]], axis=2)
    found = fit(y, X)
    for j in range(3):
        estimate, std_error, df = model_based(found, "satterthwaite").test(unit(6, 3 + j))
        t = stats.ttest_ind(y[arm == 1, j], y[arm == 0, j])
        assert estimate == pytest.approx(y[arm == 1, j].mean() - y[arm == 0, j].mean(), abs=1e-12)
        assert (estimate / std_error, df) == pytest.approx((t.statistic, 58), rel=1e-8)


def test_pooled_df():
    assert pooled_df(np.array([12.0, 12.0])) == 12
    assert pooled_df(np.array([1.5, 30.0])) == 2
    e = 10 / 8 + 20 / 18
    assert pooled_df(np.array([10.0, 20.0])) == pytest.approx(2 * e / (e - 2))
    assert pooled_df(np.array([10.0, np.inf])) == pytest.approx(2 * 2.25 / 0.25)


# --- definitions in dense matrices
def dense_parts(found, arm, group):
    V, X, y = dense(found.data.y, found.data.X, found.sigma, found.gamma[0] if len(found.gamma) else np.zeros((3, 3)), arm, group)
    return V, X, y - X @ found.coef


@pytest.mark.parametrize("kind, power", [("CR0", 0.0), ("CR2", -0.5), ("CR3", -1.0)])
@pytest.mark.parametrize("groups", [None, "us"])
def test_empirical_covariances_by_definition(kind, power, groups):
    y, X, arm, group = small_trial(5)
    found = fit(y, X, ("us", groups), group=group)
    V, Xd, e = dense_parts(found, 0 * arm, group)
    values, vectors = np.linalg.eigh(V)
    root = (vectors / np.sqrt(values)) @ vectors.T
    white, r = root @ Xd, root @ e
    M = np.linalg.inv(white.T @ white)
    H = white @ M @ white.T
    person = np.repeat(np.arange(60)[:, None], 3, axis=1)[np.isfinite(y)]
    labels = person if groups is None else np.where(group[person] >= 0, group[person], 100 + person)
    c = unit(6, 3)
    covariance, rows = np.zeros((6, 6)), []
    for label in np.unique(labels):
        inside = labels == label
        values, vectors = np.linalg.eigh(np.eye(inside.sum()) - H[np.ix_(inside, inside)])
        adjust = (vectors * np.where(values > 1e-12, np.abs(values) ** power, 0.0)) @ vectors.T
        score = M @ white[inside].T @ adjust @ r[inside]
        covariance += np.outer(score, score)
        rows.append((np.eye(len(r)) - H)[:, inside] @ adjust @ white[inside] @ M @ c)
    G = np.array(rows) @ np.array(rows).T
    tests = empirical(found, kind)
    np.testing.assert_allclose(tests.covariance, covariance, rtol=1e-7, atol=1e-12)
    assert tests.df(c) == pytest.approx(np.trace(G) ** 2 / np.sum(G**2), rel=1e-7)


@pytest.mark.parametrize("people, groups", [("us", "us"), ("ar1h", "cs"), ("toeph", None)])
def test_kenward_roger_by_definition(people, groups):
    y, X, arm, group = small_trial(5)
    found = fit(y, X, (people, groups), group=group)
    assert found.converged and not found.at_limit
    data, model = found.data, found.model
    V, Xd, _ = dense_parts(found, 0 * arm, group)
    Vi = np.linalg.inv(V)
    Phi = np.linalg.inv(Xd.T @ Vi @ Xd)
    np.testing.assert_allclose(found.covariance, Phi, rtol=1e-7, atol=1e-12)

    def whole(sigma, gamma):
        return dense(y, X, sigma * data.scale**2, gamma[0] * data.scale**2 if len(gamma) else np.zeros((3, 3)), 0 * arm, group)[0]

    first = [whole(s, g) for s, g in zip(*model.slopes(found.theta))]
    W = found.theta_covariance
    P = [-Xd.T @ Vi @ v @ Vi @ Xd for v in first]
    inner = np.zeros_like(Phi)
    for k, vk in enumerate(first):
        for j, vj in enumerate(first):
            inner += W[k, j] * (Xd.T @ Vi @ vk @ Vi @ vj @ Vi @ Xd - P[k] @ Phi @ P[j])
    np.testing.assert_allclose(kenward_roger(found).covariance, Phi + 2 * Phi @ inner @ Phi, rtol=1e-6, atol=1e-10)
    bent = Xd.T @ Vi @ whole(*model.bent(found.theta, W)) @ Vi @ Xd
    full = Phi + 2 * Phi @ (inner - bent / 4) @ Phi
    np.testing.assert_allclose(kenward_roger(found, linear=False).covariance, full, rtol=1e-6, atol=1e-10)


# --- the limit of group covariances
def test_groups_less_different_than_chance_stop_at_the_limit():
    y, X, _, group = small_trial(2)
    y = np.where(np.isnan(y), 0.2, y)
    for g in range(6):  # groups that are alike beyond chance
        y[group == g] -= y[group == g].mean(axis=0) * 0.97
    found = fit(y, X, ("us", "us"), group=group)
    assert found.converged and found.at_limit
    assert found.gamma[0, 1, 1] < 0
    given = np.linalg.inv(np.linalg.inv(found.sigma[0])[1:, 1:]) / 5
    share = np.linalg.eigvals(np.eye(2) + np.linalg.solve(given, found.gamma[0, 1:, 1:])).real
    assert 0.3 < share.min() < 0.7  # about half of what people alone would give
    assert 1 < model_based(found, "satterthwaite").df(unit(6, 3)) < 200


def test_no_groups_of_very_different_sizes_get_all_the_weight():
    """Without a limit the largest group's mean is given a variance near zero; the standard error stays near that of people alone."""
    rng = np.random.default_rng(8)
    sizes = [25, 3, 4, 3, 5, 4]
    group = np.r_[np.repeat(np.arange(6), sizes), -np.ones(44)].astype(int)
    arm = (group >= 0).astype(int)
    X = np.zeros((88, 3, 5))
    X[:, [0, 1, 2], [0, 1, 2]] = 1
    X[:, 1, 3] = X[:, 2, 4] = arm
    for _ in range(5):
        y = rng.normal(size=(88, 3)) + rng.normal(size=(88, 1))
        grouped, alone = fit(y, X, ("us", "us"), group=group), fit(y, X)
        assert grouped.converged
        assert np.sqrt(grouped.covariance[3, 3] / alone.covariance[3, 3]) > 0.7


# --- invariance
@pytest.mark.parametrize("scale, shift", [(1e-6, 0.0), (1e6, 1e6), (1.0, 1e7)])
def test_unit_and_origin_do_not_matter(scale, shift):
    y, X, _, group = small_trial(5)
    plain = fit(y, X, ("us", "us"), group=group)
    moved = fit(y * scale + shift, X, ("us", "us"), group=group)
    a, b = (model_based(f, "satterthwaite").test(unit(6, 3)) for f in (plain, moved))
    assert (b[0] / scale, b[1] / scale, b[2]) == pytest.approx(a, rel=1e-5)
    np.testing.assert_allclose(moved.gamma / scale**2, plain.gamma, atol=1e-5)


def test_row_order_does_not_matter():
    y, X, _, group = small_trial(5)
    order = np.random.default_rng(0).permutation(len(y))
    a, b = fit(y, X, ("us", "us"), group=group), fit(y[order], X[order], ("us", "us"), group=group[order])
    assert b.minus2 == pytest.approx(a.minus2, abs=1e-9)
    np.testing.assert_allclose(b.coef, a.coef, atol=1e-8)
    for kind in ("CR2", "CR0"):
        np.testing.assert_allclose(empirical(b, kind).covariance, empirical(a, kind).covariance, rtol=1e-6)


def test_waves_that_determine_each_other_are_singular():
    y, X, *_ = small_trial(5)
    y = np.where(np.isnan(y), 0.2, y)
    y[:, 2] = y[:, 1]
    assert fit(y, X).singular
