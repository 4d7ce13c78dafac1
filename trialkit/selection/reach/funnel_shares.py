"""Shares and ratios of shares of a funnel with their intervals, of independent people or of clusters."""

from __future__ import annotations

import math

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_quantile
from trialkit.inference.outcomes.score_binomial import score_interval, wilson_interval

Interval = tuple[float, float, float]
UNDEFINED = (math.nan, math.nan, math.nan)


def share_with_interval(*, x: FloatArray, n: FloatArray, site: IntArray | None, conf_level: float) -> Interval:
    """Sum of x over sum of n: Wilson's interval, or with sites that of the linearized share on the logit scale."""
    total, kept = float(n.sum()), float(x.sum())
    if total == 0:
        return UNDEFINED
    p = kept / total
    if site is None:
        return (p, *wilson_interval(x=int(kept), n=int(total), conf_level=conf_level))
    errors, df = _errors(x, n, site)
    se = _se(errors, df)
    if not 0 < p < 1 or not se > 0:
        return p, math.nan, math.nan
    half = t_quantile(1 - (1 - conf_level) / 2, df) * se / (p * (1 - p))
    logit = math.log(p / (1 - p))
    return p, 1 / (1 + math.exp(half - logit)), 1 / (1 + math.exp(-half - logit))


def ratio_with_interval(
    *, x1: FloatArray, n1: FloatArray, x0: FloatArray, n0: FloatArray, site: IntArray | None, conf_level: float
) -> Interval:
    """Ratio of two shares: the score interval, or with sites (which may hold both) that of the linearized log ratio."""
    totals = [float(v.sum()) for v in (x1, n1, x0, n0)]
    if totals[1] == 0 or totals[3] == 0 or totals[2] == 0:
        return UNDEFINED
    p1, p0 = totals[0] / totals[1], totals[2] / totals[3]
    ratio = p1 / p0
    if site is None:
        a, b, c, d = (int(v) for v in totals)
        return (ratio, *score_interval(x1=a, n1=b, x0=c, n0=d, kind="ratio", conf_level=conf_level))
    if p1 == 0:
        return 0.0, math.nan, math.nan
    one, zero = _errors(x1, n1, site)[0], _errors(x0, n0, site)[0]
    df = max(int((np.bincount(site, weights=n1 + n0) > 0).sum()) - 1, 1)
    se = _se(one / p1 - zero / p0, df)
    if not se > 0:
        return ratio, math.nan, math.nan
    half = t_quantile(1 - (1 - conf_level) / 2, df) * se
    return ratio, ratio * math.exp(-half), ratio * math.exp(half)


def _errors(x: FloatArray, n: FloatArray, site: IntArray) -> tuple[FloatArray, int]:
    """Contribution of each site to the error of the share, and the sites that hold anyone minus one."""
    total = n.sum()
    sums_x, sums_n = np.bincount(site, weights=x), np.bincount(site, weights=n)
    return (sums_x - sums_n * x.sum() / total) / total, max(int((sums_n > 0).sum()) - 1, 1)


def _se(errors: FloatArray, df: int) -> float:
    return math.sqrt(float(errors @ errors) * (df + 1) / df)
