"""Exact test and interval for one variance ratio of a mixed model, whatever the sizes of the groups.

For people whose residual variance is one sigma2, r = y less its regression on X and C = Z'(I - P_X)Z = U diag(d) U' for the groups. With
t = U'Z'r the t_i / sqrt(d_i) are independent normal with variance sigma2 + d_i tau2, independent of the residual sum of squares s
of the regression on X and the groups, so that for the true gamma = tau2/sigma2

    G(gamma) = [ sum_i t_i^2 / (d_i (1 + gamma d_i)) / m ] / [ s / f ]  ~  F(m, f),     m = rank C,  f = n - rank X - m.

G falls in gamma. At gamma = 0 it is the F test that the groups do not differ; the gammas at which it equals the quantiles of F are an
interval with exact coverage under normality, in small samples too. The icc is gamma / (1 + gamma). Sources: Wald (1947), Annals of Mathematical
Statistics 18(4); Seely & El-Bassiouni (1983), Annals of Statistics 11(1); Harville & Fenech (1985), Biometrics 41(1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares


@dataclass(frozen=True, slots=True)
class RatioTest:
    """F test that groups do not differ and the interval of the icc, cut off at 0; NaN where the groups leave nothing to test."""

    statistic: float
    df_num: int
    df_denom: int
    p_value: float
    icc_low: float
    icc_high: float


def variance_ratio(*, y: FloatArray, X: FloatArray, group: IntArray, conf_level: float) -> RatioTest:
    """Test and interval of the ratio of the group variance to the residual variance.

    Parameters
    ----------
    y : (n,). X : (n, k) fixed effects, other random effects as indicators among them. group : (n,) codes, -1 for people alone.
    """
    fit = least_squares(y=y, X=X)
    inside = group >= 0
    _, codes = np.unique(group[inside], return_inverse=True)
    codes = codes.reshape(-1)
    sizes = np.bincount(codes).astype(float)
    totals = np.column_stack([np.bincount(codes, weights=column, minlength=len(sizes)) for column in fit.q[inside].T])
    values, vectors = np.linalg.eigh(np.diag(sizes) - totals @ totals.T)
    kept = values > 1e-9 * sizes.max()
    d = values[kept]
    sums = np.bincount(codes, weights=fit.residuals[inside], minlength=len(sizes))
    squares = (vectors[:, kept].T @ sums) ** 2 / d
    m, f = int(kept.sum()), int(fit.df_resid - kept.sum())
    rest = float(fit.rss) - float(squares.sum())
    if m < 1 or f < 1 or not rest > 1e-12 * float(fit.rss):
        return RatioTest(math.nan, m, f, math.nan, math.nan, math.nan)

    def statistic(gamma: float) -> float:
        return float((squares / (1 + gamma * d)).sum() / m / (rest / f))

    tail = (1 - conf_level) / 2
    low, high = (_crossing(statistic, float(special.fdtri(m, f, p))) for p in (1 - tail, tail))
    at_zero = statistic(0.0)
    return RatioTest(at_zero, m, f, float(special.fdtrc(m, f, at_zero)), low / (1 + low), high / (1 + high))


def _crossing(statistic: Callable[[float], float], level: float) -> float:
    """The gamma from 0 up at which the falling statistic equals `level`; 0 where it starts below."""
    if statistic(0.0) <= level:
        return 0.0
    high = 1.0
    while statistic(high) > level:
        high *= 4
    return float(optimize.brentq(lambda gamma: statistic(gamma) - level, 0.0, high, xtol=1e-12, rtol=1e-12))
