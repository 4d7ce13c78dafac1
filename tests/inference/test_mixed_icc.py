"""The exact interval of an intraclass correlation: its balanced closed form, and its coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialkit.inference.mixed.icc import variance_ratio


def test_balanced_groups_have_the_anova_interval():
    """Equal groups and a mean: F = MSB/MSW, and rho = (F/F_q - 1) / (F/F_q - 1 + m)."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(8, 5)) + 2 * rng.normal(size=(8, 1))
    found = variance_ratio(y=y.ravel(), X=np.ones((40, 1)), group=np.repeat(np.arange(8), 5), conf_level=0.9)
    F = 5 * y.mean(axis=1).var(ddof=1) / y.var(axis=1, ddof=1).mean()
    assert (found.df_num, found.df_denom) == (7, 32)
    assert found.statistic == pytest.approx(F, rel=1e-10)
    assert found.p_value == pytest.approx(stats.f.sf(F, 7, 32), rel=1e-10)
    for limit, q in ((found.icc_low, 0.95), (found.icc_high, 0.05)):
        ratio = F / stats.f.ppf(q, 7, 32)
        assert limit == pytest.approx(max((ratio - 1) / (ratio - 1 + 5), 0.0), rel=1e-8)


def test_people_alone_and_covariates_only_add_residual_df():
    rng = np.random.default_rng(2)
    group = np.r_[np.repeat(np.arange(6), [3, 4, 9, 2, 7, 5]), -np.ones(20)].astype(int)
    X = np.column_stack([np.ones(50), group >= 0, rng.normal(size=50)])
    found = variance_ratio(y=rng.normal(size=50), X=X, group=group, conf_level=0.95)
    assert (found.df_num, found.df_denom) == (5, 42)
    assert 0 <= found.icc_low <= found.icc_high < 1


def test_nothing_to_test_is_undefined():
    group = np.repeat([0, 1, 2], 4)
    inside = (group[:, None] == np.arange(3)).astype(float)
    found = variance_ratio(y=np.random.default_rng(0).normal(size=12), X=inside, group=group, conf_level=0.95)
    assert np.isnan([found.statistic, found.p_value, found.icc_low, found.icc_high]).all()


@pytest.mark.parametrize("icc", [0.05, 0.4])
def test_coverage_with_six_unequal_groups(icc):
    """2,000 intervals of 90 %: within four Monte Carlo errors; they are exact."""
    rng = np.random.default_rng(int(icc * 100))
    group = np.repeat(np.arange(6), [2, 3, 4, 10, 15, 20])
    X = np.column_stack([np.ones(54), rng.normal(size=54)])
    inside = 0
    for _ in range(2000):
        y = rng.normal(size=54) * np.sqrt(1 - icc) + rng.normal(size=6)[group] * np.sqrt(icc)
        found = variance_ratio(y=y, X=X, group=group, conf_level=0.9)
        inside += found.icc_low <= icc <= found.icc_high
    assert abs(inside / 2000 - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 2000)
