"""Noncentral t, exact variance-ratio power and enumerations against integration, other routines and each other."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, special, stats

from trialkit.inference.power.binomial_power import count_tails, rejections
from trialkit.inference.power.cluster_variance import Levels
from trialkit.inference.power.grouped_power import exact_tails, satterthwaite_df
from trialkit.inference.power.noncentral import critical_value, t_power, t_tails

CASES = json.loads((Path(__file__).parents[1] / "reference" / "power_cases.json").read_text())


def upper_tail(q: float, df: float, ncp: float) -> float:
    """P(T > q) by adaptive integration over the chi distribution."""

    def integrand(s: float) -> float:
        return special.ndtr(ncp - q * s) * stats.chi.pdf(s * np.sqrt(df), df) * np.sqrt(df)

    turn = ncp / q if q > 0 else 1.0
    points = sorted({0.0, max(turn - 8 / max(q, 1), 0.0), max(turn, 0.0), turn + 8 / max(q, 1), 1.0, 12.0})
    parts = [integrate.quad(integrand, a, b, epsabs=1e-14, limit=400)[0] for a, b in pairwise(points)]
    return float(sum(parts))


@pytest.mark.parametrize("df", [1, 1.7, 3, 8.2, 30, 250])
@pytest.mark.parametrize("ncp", [0.0, 0.8, 2.8, 7.0])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.005])
def test_noncentral_t_is_its_integral(df, ncp, alpha):
    q = float(critical_value(df, alpha))
    found = t_tails(ncp=ncp, df=df, critical=q)
    assert float(found.upper) == pytest.approx(upper_tail(q, df, ncp), abs=1e-9)
    assert float(found.lower) == pytest.approx(upper_tail(q, df, -ncp), abs=1e-9)


@pytest.mark.parametrize("df", [2, 6.5, 40, 900])
def test_noncentral_t_is_that_of_scipy_where_scipy_is_right(df):
    ncp = np.linspace(0.1, 6, 13)
    q = float(critical_value(df, 0.05))
    assert np.allclose(t_tails(ncp=ncp, df=df, critical=q).upper, stats.nct.sf(q, df, ncp), rtol=0, atol=1e-11)


def test_tails_are_safe_at_large_df_and_noncentrality():
    df = np.array([1e4, 1e6, 1e8, 1e11, np.inf])
    for ncp in (-40.0, -3.0, 0.0, 2.8, 37.0, 400.0):
        found = t_power(ncp=ncp, df=df)
        normal = special.ndtr(ncp - 1.959963984540054) + special.ndtr(-ncp - 1.959963984540054)
        assert np.isfinite(found).all() and (found <= 1 + 1e-12).all()
        assert np.allclose(found, normal, atol=2 / df + 1e-12)


def test_small_tails_keep_their_digits():
    df, q, ncp = 20.0, float(critical_value(20, 0.05)), 6.0
    wrong = float(t_tails(ncp=ncp, df=df, critical=q).lower)
    assert 0 < wrong < 1e-9
    assert wrong == pytest.approx(upper_tail(q, df, -ncp), rel=1e-6)


def test_without_an_effect_power_is_alpha():
    df = np.array([1, 2.5, 10, 100, np.inf])
    for alternative in ("two-sided", "greater", "less"):
        assert np.allclose(t_power(ncp=0.0, df=df, alpha=0.03, alternative=alternative), 0.03, atol=1e-12)


def test_one_sided_tests_reject_in_their_direction_only():
    assert float(t_power(ncp=-1.0, df=98, alternative="greater")) == pytest.approx(0.00416991094108, abs=1e-10)
    assert float(t_power(ncp=-1.0, df=98, alternative="less")) == pytest.approx(
        float(t_power(ncp=1.0, df=98, alternative="greater"))
    )


@pytest.mark.parametrize("case", [c for c in CASES if c["function"] == "type_s_m"], ids=lambda c: c["id"])
def test_type_s_and_m_are_the_reference_numbers(case):
    given, expected = case["inputs"], case["expected"]
    df = given.get("df", np.inf)
    found = t_tails(ncp=given["effect"] / given["std_error"], df=df, critical=critical_value(df, 0.05))
    for name, value in expected.items():
        assert float(getattr(found, name)) == pytest.approx(value, abs=case["tol"]), name


@pytest.mark.parametrize(
    ("k", "m", "d", "controls", "power"), [(10, 10, 0.5, 78, 0.765332679483), (5, 10, 0.8, 60, 0.839310753969)]
)
def test_exact_power_of_groups_in_one_arm(k, m, d, controls, power):
    vt = (0.1 + 0.9 / m) / k
    found = exact_tails(effect=d, treated=vt, control=1 / controls, df_treated=k - 1, df_control=controls - 1)
    assert float(found.power) == pytest.approx(power, abs=1e-11)


def test_exact_power_is_an_adaptive_integral_over_the_variance_ratio():
    vt, vc, a, b, d = 0.05, 0.02, 3.0, 30.0, 0.8

    def integrand(share: float) -> float:
        wt, wc = vt * share / a, vc * (1 - share) / b
        df = (wt + wc) ** 2 / (wt**2 / a + wc**2 / b)
        q = stats.t.isf(0.025, df) * np.sqrt((a + b) * (wt + wc) / (vt + vc))
        ncp = d / np.sqrt(vt + vc)
        return float((stats.nct.sf(q, a + b, ncp) + stats.nct.sf(q, a + b, -ncp)) * stats.beta.pdf(share, a / 2, b / 2))

    expected = sum(integrate.quad(integrand, low, high, limit=400)[0] for low, high in ((0, 0.02), (0.02, 0.2), (0.2, 1)))
    found = exact_tails(effect=d, treated=vt, control=vc, df_treated=a, df_control=b)
    assert float(found.power) == pytest.approx(expected, abs=1e-8)


def test_exact_power_is_that_of_drawn_trials():
    rng = np.random.default_rng(5)
    vt, vc, a, b, d, n = 0.06, 0.03, 2, 20, 0.9, 400_000
    estimate = d + np.sqrt(vt + vc) * rng.standard_normal(n)
    wt, wc = vt * rng.chisquare(a, n) / a, vc * rng.chisquare(b, n) / b
    df = satterthwaite_df(treated=wt, control=wc, df_treated=a, df_control=b)
    hit = np.abs(estimate) / np.sqrt(wt + wc) > critical_value(df, 0.05)
    found = exact_tails(effect=d, treated=vt, control=vc, df_treated=a, df_control=b)
    assert float(found.power) == pytest.approx(hit.mean(), abs=0.003)
    assert float(found.type_m) == pytest.approx(np.abs(estimate[hit]).mean() / d, rel=0.003)
    assert float(found.type_s) == pytest.approx((estimate[hit] < 0).mean(), abs=3e-4)


def test_arms_may_change_places():
    one = exact_tails(effect=0.6, treated=0.05, control=0.01, df_treated=4, df_control=40)
    other = exact_tails(effect=-0.6, treated=0.01, control=0.05, df_treated=40, df_control=4)
    assert float(one.power) == pytest.approx(float(other.power), abs=1e-11)
    assert float(one.upper) == pytest.approx(float(other.lower), abs=1e-11)


def test_elements_do_not_depend_on_their_company():
    rng = np.random.default_rng(1)
    d, vt, vc = rng.uniform(0.1, 1, 40), rng.uniform(0.01, 0.2, 40), rng.uniform(0.005, 0.1, 40)
    a, b = rng.uniform(1, 40, 40), rng.uniform(1, 400, 40)
    together = exact_tails(effect=d, treated=vt, control=vc, df_treated=a, df_control=b).power
    alone = [exact_tails(effect=d[i], treated=vt[i], control=vc[i], df_treated=a[i], df_control=b[i]).power for i in range(40)]
    assert np.allclose(together, np.array(alone), rtol=0, atol=1e-10)
    assert np.all(together > 0.05 - 0.05) and np.all(together < 1)


def test_a_control_variance_that_is_known_leaves_the_t_test_of_the_groups():
    found = exact_tails(effect=0.7, treated=0.05, control=1e-12, df_treated=5, df_control=1e9)
    assert float(found.power) == pytest.approx(float(t_power(ncp=0.7 / 0.05**0.5, df=5)), abs=1e-9)


@pytest.mark.parametrize("test", ["pooled", "fisher"])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_rejections_are_those_of_scipy(test, alternative):
    n, m = 9, 7
    found = rejections(treated=n, controls=m, test=test, alpha=0.05, alternative=alternative)
    for x in range(n + 1):
        for y in range(m + 1):
            table = [[x, n - x], [y, m - y]]
            if test == "fisher":
                p = stats.fisher_exact(table, alternative=alternative).pvalue
            else:
                pooled = (x + y) / (n + m)
                z = 0.0 if pooled in (0, 1) else (x / n - y / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
                p = {"two-sided": 2 * stats.norm.sf(abs(z)), "greater": stats.norm.sf(z), "less": stats.norm.cdf(z)}[alternative]
            assert found[x, y] == (p <= 0.05), (x, y, p)


def test_all_tables_together_have_probability_one():
    found = count_tails(rate_treated=0.31, rate_control=0.2, rejected=np.ones((13, 9), dtype=bool))
    equal = sum(stats.binom.pmf(x, 12, 0.31) * stats.binom.pmf(y, 8, 0.2) for x in range(13) for y in range(9) if x * 8 == y * 12)
    assert float(found.power) + equal == pytest.approx(1, abs=1e-12)


def test_levels_reduce_to_the_design_effect():
    assert Levels(0.05).design_effect(20.0) == pytest.approx(1 + 19 * 0.05)
    three = Levels(0.06, middle=0.15, subclusters=3)
    by_hand = 0.06 + 0.15 / 3 + (1 - 0.21) / 45
    assert three.mean_variance(15.0) == pytest.approx(by_hand)
    assert Levels(0.1, autocorrelation=(0.5, 0.5)).correlation_of_means(np.array([3.0, 30.0])) == pytest.approx([0.5, 0.5])
