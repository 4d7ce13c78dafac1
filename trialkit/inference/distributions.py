"""Tests and intervals from an estimate, its standard error and degrees of freedom."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, special


@dataclass(frozen=True, slots=True)
class TTest:
    """A t (or, with infinite df, normal) test of no effect and its interval."""

    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


def t_test(estimate: float, std_error: float, df: float, conf_level: float) -> TTest:
    """Two-sided test and interval; a standard error of 0 or an undefined df gives NaN throughout."""
    if not (std_error > 0 and df > 0 and math.isfinite(estimate)):
        return TTest(math.nan, math.nan, math.nan, math.nan)
    statistic = estimate / std_error
    half = t_quantile(1 - (1 - conf_level) / 2, df) * std_error
    return TTest(statistic, 2 * t_tail(abs(statistic), df), estimate - half, estimate + half)


def t_tail(value: float, df: float) -> float:
    """P(T > value)."""
    return float(special.ndtr(-value) if math.isinf(df) else special.stdtr(df, -value))


def t_quantile(probability: float, df: float) -> float:
    return float(special.ndtri(probability) if math.isinf(df) else special.stdtrit(df, probability))


def small_sample_j(df: float) -> float:
    """Hedges' exact correction gamma(df/2) / (sqrt(df/2) gamma((df-1)/2)). Source: Hedges (1981)."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def noncentrality_interval(statistic: float, df: float, conf_level: float) -> tuple[float, float]:
    """Noncentralities at which `statistic` is the upper and the lower limit of the noncentral t. Source: Steiger & Fouladi (1997)."""
    tail = (1 - conf_level) / 2

    def solve(probability: float) -> float:
        span = 10.0
        while True:
            low, high = statistic - span, statistic + span
            if special.nctdtr(df, low, statistic) > probability > special.nctdtr(df, high, statistic):
                found = optimize.brentq(lambda ncp: special.nctdtr(df, ncp, statistic) - probability, low, high, xtol=1e-12)
                return float(found)
            span *= 2
            if span > 1e4:
                raise ArithmeticError("the noncentral t interval did not close")

    return solve(1 - tail), solve(tail)
