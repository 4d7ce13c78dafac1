"""Comparisons of separate estimates, trends over scores, and the band of a line: closed forms and simulation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from trialkit.inference.linear.heterogeneity import differences, separate_df, trend, wald_f
from trialkit.inference.linear.line_band import band_width, exceedance


def test_df_of_a_difference_is_welchs():
    v, f = np.array([0.04, 0.09]), np.array([12.0, 7.0])
    expected = v.sum() ** 2 / (v**2 / f).sum()
    assert separate_df(variances=v, df=f, contrasts=differences(2)) == pytest.approx(expected, rel=1e-12)
    assert separate_df(variances=v, df=np.array([np.inf, np.inf]), contrasts=differences(2)) == math.inf


def test_df_of_equal_estimates_and_any_parameterization():
    """Equal variances on equal df: T = s2 (I - J/L) has the Wishart's own variance; the answer does not depend on the reference level."""
    v, f = np.full(4, 0.2), np.full(4, 9.0)
    C = differences(4)
    one = separate_df(variances=v, df=f, contrasts=C)
    q, a = 3, 3 / 4  # each estimate has a share of 3/4 in the standardized contrasts
    assert one == pytest.approx(q * (q + 1) / (4 * 2 * a**2 / 9), rel=1e-12)
    other = np.array([[1.0, -1, 0, 0], [0, 1, -1, 0], [0.5, 0.5, -0.5, -0.5]])
    assert separate_df(variances=v, df=f, contrasts=other) == pytest.approx(one, rel=1e-10)


def test_the_variance_of_the_entries_is_the_one_simulated():
    rng = np.random.default_rng(4)
    v, f = np.array([0.5, 1.0, 2.0]), np.array([8.0, 15.0, 30.0])
    C = differences(3)
    drawn = v * rng.chisquare(f, size=(200_000, 3)) / f
    T = np.einsum("ql,rl,pl->rqp", C, drawn, C)
    values, vectors = np.linalg.eigh(C @ np.diag(v) @ C.T)
    W = (vectors / np.sqrt(values)).T
    S = W @ T @ W.T
    assert separate_df(variances=v, df=f, contrasts=C) == pytest.approx(2 * 3 / S.var(axis=0).sum(), rel=0.02)


def test_wald_is_t_squared_and_chi_square_in_the_limits():
    b, S = np.array([0.2, 0.7]), np.diag([0.04, 0.09])
    test = wald_f(estimates=b, covariance=S, contrasts=differences(2), nu=11.0)
    t = 0.5 / math.sqrt(0.13)
    assert (test.statistic, test.df_denom, test.p_value) == pytest.approx((t**2, 11.0, 2 * stats.t.sf(t, 11)), rel=1e-10)
    many = wald_f(
        estimates=np.array([0.2, 0.7, 0.1]), covariance=np.diag([0.04, 0.09, 0.02]), contrasts=differences(3), nu=math.inf
    )
    assert many.p_value == pytest.approx(stats.chi2.sf(2 * many.statistic, 2), rel=1e-10)
    assert many.p_value == pytest.approx(
        wald_f(
            estimates=np.array([0.2, 0.7, 0.1]), covariance=np.diag([0.04, 0.09, 0.02]), contrasts=differences(3), nu=1e7
        ).p_value,
        rel=1e-5,
    )


def test_too_few_df_are_undefined_and_singular_contrasts_refused():
    b, S = np.array([0.2, 0.7, 0.1]), np.eye(3)
    assert math.isnan(wald_f(estimates=b, covariance=S, contrasts=differences(3), nu=1.0).p_value)
    with pytest.raises(ValueError, match="singular"):
        wald_f(estimates=b, covariance=S, contrasts=np.array([[1.0, -1, 0], [2, -2, 0]]), nu=9.0)
    with pytest.raises(ValueError, match="singular"):
        separate_df(variances=np.ones(3), df=np.full(3, 5.0), contrasts=np.array([[1.0, -1, 0], [2, -2, 0]]))


def test_trend_is_the_weighted_slope():
    scores, sizes, y = np.array([0.0, 1, 3, 4]), np.array([10.0, 40, 25, 5]), np.array([0.3, 0.1, 0.6, 0.9])
    assert trend(scores=scores, sizes=sizes) @ y == pytest.approx(np.polyfit(scores, y, 1, w=np.sqrt(sizes))[0], rel=1e-10)
    assert trend(scores=scores, sizes=sizes).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("df", [2.0, 7.0, 40.0, math.inf])
def test_the_band_runs_from_the_t_quantile_to_scheffe(df):
    scheffe = math.sqrt(stats.chi2.ppf(0.95, 2)) if math.isinf(df) else math.sqrt(2 * stats.f.ppf(0.95, 2, df))
    assert band_width(correlation=1.0, df=df, conf_level=0.95) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-6)
    assert band_width(correlation=-1.0, df=df, conf_level=0.95) == pytest.approx(scheffe, rel=1e-8)
    widths = [band_width(correlation=r, df=df, conf_level=0.95) for r in (1, 0.9, 0.5, 0, -0.5, -1)]
    assert all(a < b for a, b in pairwise(widths))


def test_the_band_holds_in_simulation():
    rng = np.random.default_rng(2)
    angle, df, draws = 1.2, 9.0, 100_000
    z = rng.normal(size=(draws, 2)) / np.sqrt(rng.chisquare(df, draws) / df)[:, None]
    turns = np.linspace(0, angle, 60)
    largest = np.abs(z @ np.array([np.cos(turns), np.sin(turns)])).max(axis=1)
    for width in (1.5, 2.5, 3.5):
        share = exceedance(width, angle=angle, df=df)
        assert (largest > width).mean() == pytest.approx(share, abs=5 * math.sqrt(share / draws))
