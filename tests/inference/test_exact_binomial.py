"""Exact and score intervals of two proportions: published numbers, scipy and statsmodels, and coverage by full enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialkit.inference.outcomes.exact_binomial import conditional_odds_ratio, unconditional
from trialkit.inference.outcomes.score_binomial import constrained, newcombe_interval, score_interval, score_statistic

# Newcombe (1998), Statistics in Medicine 17, 873-890, table II: Miettinen-Nurminen (method 6) and hybrid score (method 10)
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0528, 0.3382), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1700, 0.8406), (0.1705, 0.8090)),
    ((5, 56, 0, 29), (-0.0326, 0.1933), (-0.0381, 0.1926)),
    ((10, 10, 0, 20), (0.7156, 1.0000), (0.6791, 1.0000)),
]


@pytest.mark.parametrize(("table", "score", "hybrid"), NEWCOMBE)
def test_published_intervals_of_a_difference(table, score, hybrid):
    given = dict(zip(("x1", "n1", "x0", "n0"), table))
    assert score_interval(**given, kind="difference", conf_level=0.95) == pytest.approx(score, abs=5e-5)
    assert newcombe_interval(**given, conf_level=0.95) == pytest.approx(hybrid, abs=6e-5)


@pytest.mark.parametrize("kind", ["ratio", "odds"])
@pytest.mark.parametrize("table", [(56, 70, 48, 80), (9, 10, 3, 10), (2, 12, 15, 18)])
def test_score_intervals_of_ratios_agree_with_statsmodels(kind, table):
    from statsmodels.stats.proportion import confint_proportions_2indep

    x1, n1, x0, n0 = table
    compare = {"ratio": "ratio", "odds": "odds-ratio"}[kind]
    theirs = confint_proportions_2indep(x1, n1, x0, n0, compare=compare, method="score")
    assert score_interval(x1=x1, n1=n1, x0=x0, n0=n0, kind=kind, conf_level=0.95) == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("kind", ["difference", "ratio", "odds"])
def test_constrained_estimates_maximize_the_likelihood(kind):
    for x1, x0, value in ((3, 1, 0.2), (0, 4, 0.3), (7, 9, 0.05), (5, 0, 0.4)):
        one, zero = constrained(x1=np.asarray(float(x1)), n1=8, x0=np.asarray(float(x0)), n0=10, kind=kind, value=value)
        grid = np.linspace(1e-9, 1 - 1e-9, 200_001)
        p1 = {"difference": grid + value, "ratio": grid * value, "odds": grid * value / (1 + grid * (value - 1))}[kind]
        inside = (p1 > 0) & (p1 < 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = stats.binom.logpmf(x1, 8, p1[inside]) + stats.binom.logpmf(x0, 10, grid[inside])
        best = grid[inside][likelihood.argmax()]
        assert float(zero) == pytest.approx(best, abs=2e-5)
        assert {"difference": one - zero, "ratio": one / max(zero, 1e-12), "odds": value}[kind] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("table", [(3, 4, 1, 4), (2, 12, 15, 18), (0, 30, 3, 28), (10, 10, 0, 20), (40, 80, 30, 90)])
def test_conditional_odds_ratio_agrees_with_scipy(table):
    x1, n1, x0, n0 = table
    found = conditional_odds_ratio(x1=x1, n1=n1, x0=x0, n0=n0, conf_level=0.95)
    theirs = stats.contingency.odds_ratio([[x1, n1 - x1], [x0, n0 - x0]])
    low, high = theirs.confidence_interval(0.95)
    assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx((theirs.statistic, low, high), rel=1e-7)
    tails = [stats.fisher_exact([[x1, n1 - x1], [x0, n0 - x0]], alternative=a).pvalue for a in ("less", "greater")]
    assert found.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)


def test_mid_p_lies_inside_the_exact_interval():
    exact = conditional_odds_ratio(x1=2, n1=12, x0=15, n0=18, conf_level=0.95)
    mid = conditional_odds_ratio(x1=2, n1=12, x0=15, n0=18, conf_level=0.95, mid_p=True)
    assert exact.conf_low < mid.conf_low < mid.conf_high < exact.conf_high
    assert mid.p_value < exact.p_value


@pytest.mark.parametrize("table", [(28, 35, 24, 40), (2, 12, 15, 18), (0, 30, 3, 28)])
def test_unconditional_p_agrees_with_barnard(table):
    x1, n1, x0, n0 = table
    found = unconditional(x1=x1, n1=n1, x0=x0, n0=n0, kind="difference", conf_level=0.95)
    rows = np.array([[x1, x0], [n1 - x1, n0 - x0]])
    tails = [stats.barnard_exact(rows, alternative=a, n=64).pvalue for a in ("less", "greater")]
    assert found.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)
    assert unconditional(x1=x1, n1=n1, x0=x0, n0=n0, kind="ratio", conf_level=0.95).p_value == found.p_value


@pytest.mark.parametrize(("kind", "values"), [("difference", (0.0, 0.25, 0.6)), ("ratio", (1.0, 2.5, 0.4))])
def test_exact_intervals_cover_at_every_pair_of_proportions(kind, values):
    """All 6 x 5 tables; probabilities of covering summed over the tables, at 25 nuisance values each."""
    n1, n0 = 5, 4
    limits = {
        (a, b): unconditional(x1=a, n1=n1, x0=b, n0=n0, kind=kind, conf_level=0.9) for a in range(n1 + 1) for b in range(n0 + 1)
    }
    for value in values:
        for p0 in np.linspace(0.01, 0.99, 25):
            p1 = p0 + value if kind == "difference" else p0 * value
            if not 0 < p1 < 1:
                continue
            chance = sum(
                stats.binom.pmf(a, n1, p1) * stats.binom.pmf(b, n0, p0)
                for (a, b), e in limits.items()
                if e.conf_low - 1e-6 <= value <= e.conf_high + 1e-6
            )
            assert chance >= 0.9 - 1e-9


def test_swapping_arms_turns_the_measures_round():
    there = unconditional(x1=2, n1=9, x0=6, n0=11, kind="difference", conf_level=0.95)
    back = unconditional(x1=6, n1=11, x0=2, n0=9, kind="difference", conf_level=0.95)
    assert (there.conf_low, there.conf_high) == pytest.approx((-back.conf_high, -back.conf_low), abs=1e-6)
    odds = conditional_odds_ratio(x1=2, n1=9, x0=6, n0=11, conf_level=0.95)
    other = conditional_odds_ratio(x1=7, n1=9, x0=5, n0=11, conf_level=0.95)
    assert odds.conf_low == pytest.approx(1 / other.conf_high, rel=1e-8)
    ratio = [
        score_interval(x1=a, n1=n, x0=b, n0=m, kind="ratio", conf_level=0.95) for a, n, b, m in ((2, 9, 6, 11), (6, 11, 2, 9))
    ]
    assert ratio[0][0] == pytest.approx(1 / ratio[1][1], rel=1e-6)


def test_score_statistic_is_the_pooled_z_at_no_effect():
    z = score_statistic(x1=np.asarray(12.0), n1=40, x0=np.asarray(5.0), n0=50, kind="difference", value=0.0)
    p = 17 / 90
    expected = (12 / 40 - 5 / 50) / np.sqrt(p * (1 - p) * (1 / 40 + 1 / 50) * 90 / 89)
    assert float(z) == pytest.approx(expected, rel=1e-12)


def test_tables_that_are_too_many_are_refused():
    with pytest.raises(ValueError, match="too many"):
        unconditional(x1=10, n1=1000, x0=5, n0=1000, kind="difference", conf_level=0.95)
    with pytest.raises(ValueError, match="conditional"):
        unconditional(x1=1, n1=10, x0=5, n0=10, kind="odds", conf_level=0.95)
