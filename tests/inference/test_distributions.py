from __future__ import annotations

import math

import pytest
from scipy import stats

from trialkit.inference.distributions import noncentrality_interval, small_sample_j, t_test


def test_t_and_normal():
    test = t_test(0.5, 0.2, 12.5, 0.9)
    assert test.p_value == pytest.approx(2 * stats.t.sf(2.5, 12.5), rel=1e-12)
    assert (test.conf_low, test.conf_high) == pytest.approx(stats.t.interval(0.9, 12.5, 0.5, 0.2), rel=1e-10)
    assert t_test(0.5, 0.2, math.inf, 0.95).p_value == pytest.approx(2 * stats.norm.sf(2.5), rel=1e-12)


def test_without_a_standard_error_nothing_is_claimed():
    assert all(math.isnan(v) for v in (t_test(1.0, 0.0, 5, 0.95).p_value, t_test(1.0, 1.0, math.nan, 0.95).conf_low))


def test_noncentral_interval_inverts_the_distribution():
    low, high = noncentrality_interval(2.4, 30, 0.95)
    assert stats.nct.sf(2.4, 30, low) == pytest.approx(0.025, abs=1e-8)
    assert stats.nct.cdf(2.4, 30, high) == pytest.approx(0.025, abs=1e-8)


def test_hedges_correction_approaches_its_approximation():
    assert small_sample_j(40) == pytest.approx(1 - 3 / (4 * 40 - 1), abs=1e-4)
