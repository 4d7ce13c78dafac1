"""Intraclass correlations of n people rated k times, from the mean squares of a two-way table.

    ICC1 = (MSB - MSW) / (MSB + (k - 1) MSW)                              other raters for every person
    ICC2 = (MSB - MSE) / (MSB + (k - 1) MSE + k (MSJ - MSE)/n)            the same raters, a sample of raters: absolute agreement
    ICC3 = (MSB - MSE) / (MSB + (k - 1) MSE)                              these raters only: consistency

and of the mean of the k ratings. The interval of ICC2 uses Satterthwaite's df for the denominator.
Sources: Shrout & Fleiss (1979), Psychological Bulletin 86; McGraw & Wong (1996), Psychological Methods 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Between people, within people, between raters, residual."""

    between: float
    within: float
    raters: float
    residual: float
    n: int
    k: int


@dataclass(frozen=True, slots=True)
class Intraclass:
    """One coefficient; F tests that it is 0."""

    estimate: float
    low: float
    high: float
    statistic: float
    df_num: float
    df_denom: float
    p_value: float


def mean_squares(table: FloatArray) -> MeanSquares:
    """Of a complete table (n, k)."""
    n, k = table.shape
    x = table - table.mean()
    people, raters = x.mean(axis=1), x.mean(axis=0)
    residual = x - people[:, None] - raters
    return MeanSquares(
        between=float(k * (people**2).sum() / (n - 1)),
        within=float(((x - people[:, None]) ** 2).sum() / (n * (k - 1))),
        raters=float(n * (raters**2).sum() / (k - 1)),
        residual=float((residual**2).sum() / ((n - 1) * (k - 1))),
        n=n,
        k=k,
    )


def intraclass(ms: MeanSquares, conf_level: float) -> dict[str, Intraclass]:
    """The six coefficients: icc1, icc2, icc3 and, for the mean of the k ratings, icc1k, icc2k, icc3k."""
    tail = (1 - conf_level) / 2
    two_way = (ms.n - 1, (ms.n - 1) * (ms.k - 1))
    one = _ratio(ms.between, ms.within, ms.k, (ms.n - 1, ms.n * (ms.k - 1)), tail)
    three = _ratio(ms.between, ms.residual, ms.k, two_way, tail)
    two = _agreement(ms, tail)
    out = {"icc1": one, "icc2": two, "icc3": three}
    return out | {f"{name}k": _averaged(value, ms.k) for name, value in out.items()}


def _ratio(between: float, error: float, k: int, df: tuple[int, int], tail: float) -> Intraclass:
    f = between / error if error > 0 else math.inf
    low = f / float(special.fdtri(*df, 1 - tail))
    high = f / float(special.fdtri(*df, tail))
    return Intraclass(_from_f(f, k), _from_f(low, k), _from_f(high, k), f, *df, float(special.fdtrc(*df, f)))


def _from_f(f: float, k: int) -> float:
    return 1.0 if math.isinf(f) else (f - 1) / (f + k - 1)


def _agreement(ms: MeanSquares, tail: float) -> Intraclass:
    n, k, b, j, e = ms.n, ms.k, ms.between, ms.raters, ms.residual
    value = (b - e) / (b + (k - 1) * e + k * (j - e) / n)
    df = (n - 1, (n - 1) * (k - 1))
    f = b / e if e > 0 else math.inf
    p_value = float(special.fdtrc(*df, f))
    if not e > 0:
        return Intraclass(value, math.nan, math.nan, f, *df, p_value)
    raters = j / e
    weight = n * (1 + (k - 1) * value) - k * value
    above = (k - 1) * (n - 1) * (k * value * raters + weight) ** 2
    v = above / ((n - 1) * k**2 * value**2 * raters**2 + weight**2)
    upper = float(special.fdtri(n - 1, v, 1 - tail))
    lower = float(special.fdtri(v, n - 1, 1 - tail))
    spread = k * j + (k * n - k - n) * e
    low = n * (b - upper * e) / (upper * spread + n * b)
    high = n * (lower * b - e) / (spread + n * lower * b)
    return Intraclass(value, low, high, f, *df, p_value)


def _averaged(single: Intraclass, k: int) -> Intraclass:
    def longer(r: float) -> float:
        return k * r / (1 + (k - 1) * r) if 1 + (k - 1) * r > 0 else -math.inf

    return Intraclass(
        longer(single.estimate),
        longer(single.low),
        longer(single.high),
        single.statistic,
        single.df_num,
        single.df_denom,
        single.p_value,
    )


def intraclass_values(s: FloatArray, rater_means: FloatArray, n: int) -> FloatArray:
    """icc1, icc2, icc3 (3,) from the covariance matrix of the ratings (k, k) and their means (k,)."""
    k = len(s)
    b = float(s.sum()) / k
    e = (float(np.trace(s)) - b) / (k - 1)
    j = n * float(((rater_means - rater_means.mean()) ** 2).sum()) / (k - 1)
    w = ((n - 1) * (k - 1) * e + (k - 1) * j) / (n * (k - 1))
    return np.array([(b - w) / (b + (k - 1) * w), (b - e) / (b + (k - 1) * e + k * (j - e) / n), (b - e) / (b + (k - 1) * e)])
