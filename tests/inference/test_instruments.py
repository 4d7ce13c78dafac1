"""Two-stage least squares against linearmodels and matrices; Anderson-Rubin sets against a fine grid; the tF table against theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.take_up.instruments import (
    ReducedForm,
    _direction_set,
    anderson_rubin,
    effective_f,
    reduced_form,
    tf_critical,
    two_stage,
)


def simulated(seed=1, n=200, strength=0.8, instruments=1):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, instruments))
    W = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    u = rng.normal(size=n)
    d = strength * Z.sum(axis=1) + W @ [0.3, 0.5, -0.2] + u + rng.normal(size=n)
    y = 0.7 * d + W @ [1, 0.2, 0.4] + u + rng.normal(size=n) * (1 + 0.5 * np.abs(Z[:, 0]))
    return y, d, W, Z, rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("instruments", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_and_standard_errors_agree_with_linearmodels(instruments, weighted):
    from linearmodels.iv import IV2SLS

    y, d, W, Z, w = simulated(instruments=instruments)
    weights = w if weighted else None
    fits = two_stage(y=y, d=d, W=W, Z=Z, weights=weights)
    for kind, options in (("classical", {"cov_type": "unadjusted"}), ("HC1", {"cov_type": "robust"})):
        theirs = IV2SLS(y, W, d, Z, weights=weights).fit(debiased=True, **options)
        ours = covariance(fits.second, kind)
        assert fits.second.coef[0] == pytest.approx(theirs.params["endog"], rel=1e-9)
        assert np.sqrt(ours.matrix[0, 0]) == pytest.approx(theirs.std_errors["endog"], rel=1e-9)


def test_hc2_takes_the_leverage_of_the_second_stage():
    y, d, W, Z, _ = simulated(instruments=2)
    fits = two_stage(y=y, d=d, W=W, Z=Z)
    first = np.column_stack([Z, W])
    hat = np.column_stack([first @ np.linalg.lstsq(first, d, rcond=None)[0], W])
    M = np.linalg.inv(hat.T @ hat)
    b = M @ hat.T @ y
    e = y - np.column_stack([d, W]) @ b
    h = np.einsum("ij,jk,ik->i", hat, M, hat)
    V = M @ (hat * (e**2 / (1 - h))[:, None]).T @ hat @ M
    np.testing.assert_allclose(covariance(fits.second, "HC2").matrix, V, rtol=1e-8)


def test_no_first_stage_is_refused():
    y, d, W, Z, _ = simulated()
    part = np.column_stack([W, Z])
    unmoved = d - Z[:, 0] * np.linalg.lstsq(part, d, rcond=None)[0][-1]
    for uptake, instrument in ((unmoved, Z), (d, W[:, 1:2])):
        with pytest.raises(ValueError, match="no first stage"):
            two_stage(y=y, d=uptake, W=W, Z=instrument)


@pytest.mark.parametrize("kind", ["HC2", "CR2", "classical"])
def test_effective_f_of_one_instrument_is_its_squared_t(kind):
    y, d, W, Z, _ = simulated()
    clusters = Clusters.from_labels(np.arange(200) // 5) if kind == "CR2" else None
    fits = two_stage(y=y, d=d, W=W, Z=Z)
    form = reduced_form(fits, covariance(fits.reduced, kind, clusters))
    direct = least_squares(y=d, X=np.column_stack([Z, W]))
    assert effective_f(fits, form) == pytest.approx(
        direct.coef[0] ** 2 / covariance(direct, kind, clusters).matrix[0, 0], rel=1e-10
    )


def test_effective_f_of_several_instruments_is_the_definition():
    """Montiel Olea & Pflueger (2013): x'P x / tr(meat) after W is taken out and the instruments are orthonormalized."""
    y, d, W, Z, _ = simulated(instruments=3)
    fits = two_stage(y=y, d=d, W=W, Z=Z)
    form = reduced_form(fits, covariance(fits.reduced, "HC0"))
    basis = np.linalg.qr(Z - W @ np.linalg.lstsq(W, Z, rcond=None)[0])[0]
    rest = d - W @ np.linalg.lstsq(W, d, rcond=None)[0]
    error = rest - basis @ (basis.T @ rest)
    expected = (basis.T @ rest) @ (basis.T @ rest) / np.sum((basis * error[:, None]) ** 2)
    assert effective_f(fits, form) == pytest.approx(expected, rel=1e-10)


def test_effective_f_without_noise_is_infinite():
    y, _, W, Z, _ = simulated()
    fits = two_stage(y=y, d=2 * Z[:, 0] + W[:, 1], W=W, Z=Z)
    assert effective_f(fits, reduced_form(fits, covariance(fits.reduced, "HC2"))) == np.inf


def scalar(on_y, on_d, cov_y, cov_yd, cov_d):
    return ReducedForm(np.array([[on_y], [on_d]]), np.array([[cov_y]]), np.array([[cov_yd]]), np.array([[cov_d]]))


CASES = {
    "interval": scalar(1.0, 2.0, 0.04, 0.01, 0.04),
    "disjoint": scalar(1.0, 0.3, 0.04, 0.01, 0.04),
    "everything": scalar(0.1, 0.1, 0.04, 0.01, 0.04),
}


@pytest.mark.parametrize("kind", list(CASES))
def test_the_quadratic_gives_the_set_a_grid_gives(kind):
    form = CASES[kind]
    found = anderson_rubin(form, df_denom=50, conf_level=0.95)
    assert found.kind == kind
    limit = stats.f.ppf(0.95, 1, 50)
    for b in np.concatenate([np.linspace(-40, 40, 4001), [-1e6, 1e6]]):
        inside = any(low <= b <= high for low, high in found.intervals)
        assert inside == (form.wald(1.0, b) <= limit)
    assert found.statistic == pytest.approx(form.effect[0, 0] ** 2 / form.cov_y[0, 0])
    assert found.p_value == pytest.approx(stats.f.sf(found.statistic, 1, 50))
    assert (found.conf_low, found.conf_high) == (found.intervals[0][0], found.intervals[-1][1])


def test_a_first_stage_at_the_critical_value_gives_a_half_line():
    limit = stats.f.ppf(0.95, 1, 50)
    found = anderson_rubin(scalar(1.0, np.sqrt(limit * 0.04), 0.04, 0.0, 0.04), df_denom=50, conf_level=0.95)
    assert found.kind == "half-line"
    assert found.conf_high == np.inf and np.isfinite(found.conf_low)


@pytest.mark.parametrize("kind", list(CASES))
@pytest.mark.parametrize(("centre", "unit"), [(0.0, 1.0), (0.5, 0.2)])
def test_the_search_by_direction_gives_the_set_of_the_quadratic(kind, centre, unit):
    form = CASES[kind]
    found = anderson_rubin(form, df_denom=50, conf_level=0.95)
    np.testing.assert_allclose(_direction_set(form, stats.f.ppf(0.95, 1, 50), centre, unit), found.intervals, rtol=1e-8)


def test_set_of_several_instruments_holds_what_the_joint_test_keeps():
    y, d, W, Z, _ = simulated(instruments=3, strength=0.15)
    fits = two_stage(y=y, d=d, W=W, Z=Z)
    form = reduced_form(fits, covariance(fits.reduced, "HC1"))
    found = anderson_rubin(form, df_denom=194.0, conf_level=0.9, centre=float(fits.second.coef[0]), unit=0.3)
    X = np.column_stack([Z, W])
    for b in np.linspace(-6, 8, 57):
        fit = least_squares(y=y - b * d, X=X)
        V = covariance(fit, "HC1").matrix[:3, :3]
        f = fit.coef[:3] @ np.linalg.solve(V, fit.coef[:3]) / 3
        assert any(low <= b <= high for low, high in found.intervals) == (f <= stats.f.ppf(0.9, 3, 194))


def test_instruments_that_contradict_each_other_leave_nothing():
    form = ReducedForm(np.array([[1.0, -1.0], [1.0, 1.0]]), np.eye(2) * 1e-3, np.zeros((2, 2)), np.eye(2) * 1e-3)
    found = anderson_rubin(form, df_denom=100, conf_level=0.95)
    assert (found.kind, found.intervals) == ("empty", ())
    assert np.isnan(found.conf_low)


def test_tf_critical_values_end_where_the_table_does():
    assert [tf_critical(f) for f in (4.0, 104.67, 1e6, np.inf)] == pytest.approx([18.66, 1.97, 1.96, 1.96], abs=5e-3)
    assert tf_critical(3.9) == np.inf
    assert tf_critical(2.15**2) == pytest.approx((9.74 + 7.37) / 2)
    grid = [tf_critical(f) for f in np.linspace(4, 120, 200)]
    assert (np.diff(grid) <= 0).all()


@pytest.mark.parametrize("strength", [0.5, 1, 2, 3, 5, 8, 12, 25])
def test_tf_holds_its_level_in_the_worst_case(strength):
    """With one instrument and errors correlated one, F^1/2 ~ N(f0, 1) and |t| = |f (f - f0) / f0|."""
    f = strength + np.linspace(-9, 9, 36_001)
    t = np.abs(f * (f - strength) / strength)
    critical = np.array([tf_critical(v) for v in f**2])
    size = float(stats.norm.pdf(f - strength)[t > critical].sum() * (f[1] - f[0]))
    assert 0.047 < size < 0.0505
