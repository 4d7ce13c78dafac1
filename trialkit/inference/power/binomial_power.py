"""Exact power of tests of two proportions: every pair of counts, weighted by both binomials.

A test is a table of rejections over (successes treated, successes control). The pooled z test does not reject where both arms
have none or all; Fisher's two-sided p-value is the sum of the table probabilities that are not above the observed one, with the
relative slack of 1e-7 that R's fisher.test allows.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.power.noncentral import Alternative, Tails, critical_value

CountTest: TypeAlias = Literal["pooled", "fisher"]

_SLACK = 1 + 1e-7


def rejections(
    *, treated: int, controls: int, test: CountTest, alpha: float, alternative: Alternative = "two-sided"
) -> BoolArray:
    """Which tables a test rejects: (treated + 1, controls + 1), successes of the treated in rows."""
    if test == "pooled":
        return _pooled(treated, controls, alpha, alternative)
    return _fisher(treated, controls, alpha, alternative)


def count_tails(*, rate_treated: float, rate_control: float, rejected: BoolArray) -> Tails:
    """Rejections above and below zero and the size of the difference there, in standard errors of the unpooled difference."""
    x, y = np.arange(rejected.shape[0]), np.arange(rejected.shape[1])
    n, m = len(x) - 1, len(y) - 1
    weight = np.where(rejected, np.outer(_binomial(x, n, rate_treated), _binomial(y, m, rate_control)), 0.0)
    difference = x[:, None] / n - y[None, :] / m
    std_error = np.sqrt(rate_treated * (1 - rate_treated) / n + rate_control * (1 - rate_control) / m)
    size = np.abs(difference) / std_error
    above, below = np.where(difference > 0, weight, 0.0), np.where(difference < 0, weight, 0.0)
    return Tails(
        upper=np.asarray(above.sum()),
        lower=np.asarray(below.sum()),
        upper_size=np.asarray(np.sum(above * size)),
        lower_size=np.asarray(np.sum(below * size)),
        ncp=np.asarray((rate_treated - rate_control) / std_error),
    )


def _pooled(n: int, m: int, alpha: float, alternative: Alternative) -> BoolArray:
    x, y = np.arange(n + 1)[:, None] / n, np.arange(m + 1)[None, :] / m
    pooled = (x * n + y * m) / (n + m)
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    z = np.divide(x - y, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0)
    signed = {"two-sided": np.abs(z), "greater": z, "less": -z}[alternative]
    rejected: BoolArray = signed > critical_value(np.inf, alpha, alternative)
    return rejected


def _fisher(n: int, m: int, alpha: float, alternative: Alternative) -> BoolArray:
    rejected = np.zeros((n + 1, m + 1), dtype=np.bool_)
    for total in range(n + m + 1):
        x = np.arange(max(0, total - m), min(n, total) + 1)
        rejected[x, total - x] = _fisher_p(_hypergeometric(x, total, n, m), alternative) <= alpha
    return rejected


def _hypergeometric(x: np.ndarray, total: int, n: int, m: int) -> FloatArray:
    """Probabilities of x successes among the n, given `total` among n + m."""
    log = _log_choose(n, x) + _log_choose(m, total - x) - _log_choose(n + m, np.asarray(total))
    p = np.exp(log)
    return np.asarray(p / p.sum())


def _binomial(x: np.ndarray, n: int, rate: float) -> FloatArray:
    return np.asarray(np.exp(_log_choose(n, x) + special.xlogy(x, rate) + special.xlog1py(n - x, -rate)))


def _log_choose(n: int, k: np.ndarray) -> FloatArray:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _fisher_p(p: FloatArray, alternative: Alternative) -> FloatArray:
    if alternative == "less":
        return np.cumsum(p)
    if alternative == "greater":
        return np.cumsum(p[::-1])[::-1]
    order = np.argsort(p)
    return np.cumsum(p[order])[np.searchsorted(p[order], p * _SLACK, side="right") - 1]
