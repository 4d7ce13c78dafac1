"""Power of t and normal tests, with both tails, from the noncentral t by our own quadrature.

With S = sqrt(chi2_v / v) and Z normal, T = (Z + ncp)/S, so that P(T > q) = E_S[Phi(ncp - q S)]. The expectation over log S is a
trapezoidal sum: its density is analytic and falls off at both ends, where that rule converges exponentially (Trefethen &
Weideman 2014). Nothing is subtracted from one, so small tails keep their digits, and large degrees of freedom or
noncentralities, at which library routines return NaN, are the easy case. From 1e10 degrees of freedom on T is normal.

The size of a significant estimate (type M) has the same form: E[|Z + ncp|; |Z + ncp| > qS] is closed given S. A formula that
applies the t cut-off to Z, with the standard error taken as known, is too large with few degrees of freedom.
Source: Gelman & Carlin (2014); Lu, Qiu & Deng (2019) for the closed form given S.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]

_NORMAL_DF = 1e10
_DROP = 41.0  # log of the density below its maximum at which the sum ends: 1e-18
_MOST_NODES = 20_000
_MOST_CELLS = 4_000_000
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Tails:
    """What a test does at one effect; arrays of one shape.

    Attributes
    ----------
    upper, lower : probability of rejecting with an estimate above and below zero.
    upper_size, lower_size : expected |estimate| / standard error on those rejections, times their probability.
    ncp : effect / standard error.
    """

    upper: FloatArray
    lower: FloatArray
    upper_size: FloatArray
    lower_size: FloatArray
    ncp: FloatArray

    @property
    def power(self) -> FloatArray:
        return self.upper + self.lower

    @property
    def type_s(self) -> FloatArray:
        """P(the sign is wrong | significant); NaN without an effect or without power."""
        wrong = np.where(self.ncp > 0, self.lower, self.upper)
        return _ratio(np.where(self.ncp == 0, np.nan, wrong), self.power)

    @property
    def type_m(self) -> FloatArray:
        """E[|estimate| | significant] / |effect|; NaN without an effect or without power."""
        return _ratio(self.upper_size + self.lower_size, self.power * np.abs(self.ncp))


def critical_value(df: Any, alpha: float, alternative: Alternative = "two-sided") -> FloatArray:
    """Upper critical value of the central t (normal from 1e10 df on), df of any shape."""
    tail = alpha / 2 if alternative == "two-sided" else alpha
    v = np.asarray(df, dtype=float)
    finite = np.minimum(v, _NORMAL_DF)
    return np.where(v >= _NORMAL_DF, -special.ndtri(tail), -special.stdtrit(finite, tail))


def t_tails(*, ncp: Any, df: Any, critical: Any, alternative: Alternative = "two-sided") -> Tails:
    """Rejections of |T| > critical, or of one tail, T noncentral t.

    Parameters
    ----------
    ncp, df, critical : broadcast against each other; `critical` is positive also for alternative "less".

    Examples
    --------
    >>> found = t_tails(ncp=2.5, df=20, critical=critical_value(20, 0.05))
    >>> round(float(found.power), 4)
    0.6623
    """
    d, v, q = (x.astype(float) for x in np.broadcast_arrays(np.asarray(ncp), np.asarray(df), np.asarray(critical)))
    flat = [x.reshape(-1) for x in (d, v, q)]
    pieces = [_flat_tails(*(x[block] for x in flat)) for block in _blocks(*flat)]
    return one_sided(joined(pieces, d), alternative)


def t_power(*, ncp: Any, df: Any, alpha: float = 0.05, alternative: Alternative = "two-sided") -> FloatArray:
    """Power of the t test of level alpha; both tails count when two-sided.

    Examples
    --------
    >>> round(float(t_power(ncp=0.5 * (30 / 2) ** 0.5, df=58)), 7)
    0.4778965
    """
    return t_tails(ncp=ncp, df=df, critical=critical_value(df, alpha, alternative), alternative=alternative).power


def joined(pieces: Sequence[Sequence[FloatArray]], ncp: FloatArray) -> Tails:
    """Tails from the pieces of blocks, in the shape of ncp."""
    upper, lower, upper_size, lower_size = (np.concatenate(p).reshape(ncp.shape) for p in zip(*pieces))
    return Tails(upper, lower, upper_size, lower_size, ncp)


def one_sided(tails: Tails, alternative: Alternative) -> Tails:
    """Only the tail that an alternative rejects in."""
    if alternative == "two-sided":
        return tails
    none = np.zeros_like(tails.upper)
    if alternative == "greater":
        return Tails(tails.upper, none, tails.upper_size, none, tails.ncp)
    return Tails(none, tails.lower, none, tails.lower_size, tails.ncp)


def chi_nodes(df: FloatArray, ncp: FloatArray, critical: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes of S = sqrt(chi2_v / v) and their weights, shape (len(df), nodes); fine enough for Phi(ncp - q S), q <= critical."""
    v = np.minimum(df, 1e12)[:, None]
    low, high, count = _span(v[:, 0], ncp, critical)
    x = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, count)
    # log density of x = log S up to a constant; expm1 keeps its digits where v is large and x small
    weights = np.exp(-v * (np.expm1(2 * x) - 2 * x) / 2)
    return np.exp(x), weights / weights.sum(axis=1, keepdims=True)


def given_scale(ncp: FloatArray, cut: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """(upper, lower, upper_size, lower_size) of the normal Z + ncp against the cut-offs +-cut."""
    above, below = special.ndtr(ncp - cut), special.ndtr(-ncp - cut)
    return above, below, ncp * above + _density(ncp - cut), _density(ncp + cut) - ncp * below


def _flat_tails(ncp: FloatArray, df: FloatArray, critical: FloatArray) -> list[FloatArray]:
    s, weights = chi_nodes(df, ncp, critical)
    return [np.sum(weights * part, axis=1) for part in given_scale(ncp[:, None], critical[:, None] * s)]


def _span(df: FloatArray, ncp: FloatArray, critical: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Ends of the sum on the scale of log S, and a number of nodes that serves every element."""
    c = _DROP / df
    low, high = -(c + np.sqrt(c**2 + 4 * c)) / 2, np.sqrt(c)
    # Phi(ncp - q S) turns over within 1/ncp of log S, if it does so anywhere; the density has width 1/sqrt(2 v)
    turning = np.where(np.abs(ncp) > critical * np.exp(high) + 10, 0.0, np.abs(ncp))
    step = np.minimum(np.minimum(0.15, 0.5 / np.sqrt(2 * df)), 1 / (1.3 * (turning + 5)))
    count = np.ceil(np.max((high - low) / step, initial=8.0)) + 1
    return low, high, int(min(count, _MOST_NODES))


def _blocks(ncp: FloatArray, df: FloatArray, critical: FloatArray) -> list[slice]:
    """Slices that keep the arrays of one evaluation at a few million cells."""
    if not len(ncp):
        return [slice(0, 0)]
    count = _span(np.minimum(df, 1e12), ncp, critical)[2]
    # blocks are short, because the finest element of a block sets the nodes of all
    size = min(max(_MOST_CELLS // count, 1), _BLOCK)
    return [slice(i, i + size) for i in range(0, len(ncp), size)]


def _density(z: FloatArray) -> FloatArray:
    # beyond 40 the density is zero to machine precision, and the square of a huge noncentrality would overflow
    return np.exp(-0.5 * np.minimum(np.abs(z), 40.0) ** 2) / math.sqrt(2 * math.pi)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    usable = whole > 0
    return np.where(usable, part / np.where(usable, whole, 1.0), np.nan)
