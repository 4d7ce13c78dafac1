"""Score statistics and intervals for two independent proportions: difference, ratio and odds ratio.

At a value v of the measure the proportions are estimated under the constraint, and the observed discrepancy is divided by its standard
error there, with the factor N/(N - 1) of Miettinen & Nurminen (1985). The interval holds the values whose statistic lies within the
normal quantiles; it exists for every table, zeros included.

- difference: (p1 - p0 - v)/se, the constrained estimate from the cubic in Farrington & Manning (1990), appendix 1.
- ratio: (p1 - v p0)/se, from the quadratic in Miettinen & Nurminen (1985), equation 12.
- odds: (p1 - p1~) n1 sqrt(1/(n1 p1~ q1~) + 1/(n0 p0~ q0~)), the score of the log odds ratio.

Newcombe's hybrid interval of a difference joins Wilson's intervals of both proportions (Newcombe 1998, method 10).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray

Kind = Literal["difference", "ratio", "odds"]


def score_statistic(*, x1: FloatArray, n1: int, x0: FloatArray, n0: int, kind: Kind, value: float) -> FloatArray:
    """Signed statistic of tables with x1 of n1 and x0 of n0 events (arrays that broadcast) at a value of the measure."""
    x1, x0 = np.asarray(x1, dtype=float), np.asarray(x0, dtype=float)
    p1, p0 = x1 / n1, x0 / n0
    one, zero = constrained(x1=x1, n1=n1, x0=x0, n0=n0, kind=kind, value=value)
    v1, v0 = one * (1 - one) / n1, zero * (1 - zero) / n0
    total = n1 + n0
    if kind == "odds":
        gap = (p1 - one) * n1
        v1, v0 = n1 * one * (1 - one), n0 * zero * (1 - zero)
        both = (v1 > 0) & (v0 > 0)
        root = np.sqrt(np.where(both, 1 / np.where(both, v1, 1.0) + 1 / np.where(both, v0, 1.0), 0.0) * (total - 1) / total)
        return np.asarray(gap * root)
    gap = p1 - p0 - value if kind == "difference" else p1 - value * p0
    variance = (v1 + (1.0 if kind == "difference" else value**2) * v0) * total / (total - 1)
    exact = np.abs(gap) <= 1e-12 * max(1.0, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(exact, 0.0, gap / np.sqrt(variance)))


def constrained(*, x1: FloatArray, n1: int, x0: FloatArray, n0: int, kind: Kind, value: float) -> tuple[FloatArray, FloatArray]:
    """Maximum likelihood estimates of both proportions under the value of the measure."""
    if kind == "difference":
        return _constrained_difference(x1 / n1, n1, x0 / n0, n0, value)
    m = x1 + x0
    if kind == "ratio":
        a, b = (n1 + n0) * value, -(n1 * value + x1 + n0 + x0 * value)
        zero = 2 * m / (-b + np.sqrt(np.maximum(b**2 - 4 * a * m, 0.0)))
        zero = np.clip(zero, 0.0, min(1.0, 1 / value))
        return np.minimum(value * zero, 1.0), zero
    a, b = n0 * (value - 1), n1 * value + n0 - m * (value - 1)
    zero = np.clip(2 * m / (b + np.sqrt(np.maximum(b**2 + 4 * a * m, 0.0))), 0.0, 1.0)
    return value * zero / (1 + zero * (value - 1)), zero


def _constrained_difference(p1: FloatArray, n1: int, p0: FloatArray, n0: int, value: float) -> tuple[FloatArray, FloatArray]:
    theta = n0 / n1
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p0 + value * (theta + 2))
    c = value**2 + value * (2 * p1 + theta + 1) + p1 + theta * p0
    d = -p1 * value * (1 + value)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.where(v >= 0, 1.0, -1.0) * np.sqrt(np.maximum(b**2 / (3 * a) ** 2 - c / (3 * a), 0.0))
    cube = np.where(u == 0, 1.0, u**3)
    angle = (math.pi + np.arccos(np.clip(np.where(u == 0, 0.0, v / cube), -1.0, 1.0))) / 3
    one = np.clip(2 * u * np.cos(angle) - b / (3 * a), max(0.0, value), min(1.0, 1 + value))
    return one, np.clip(one - value, 0.0, 1.0)


def score_interval(*, x1: int, n1: int, x0: int, n0: int, kind: Kind, conf_level: float) -> tuple[float, float]:
    """Limits at which the statistic is a normal quantile; 0 or infinity (-1 or 1) where every value in that direction fits.

    Examples
    --------
    >>> [round(v, 4) for v in score_interval(x1=56, n1=70, x0=48, n0=80, kind="difference", conf_level=0.95)]
    [0.0528, 0.3382]
    """
    z = float(special.ndtri(1 - (1 - conf_level) / 2))
    least, most = limits_of(kind)

    def statistic(t: float) -> float:
        return float(score_statistic(x1=np.asarray(x1), n1=n1, x0=np.asarray(x0), n0=n0, kind=kind, value=_value(kind, t)))

    middle = _start(x1, n1, x0, n0, kind)
    low = _root(lambda t: statistic(t) - z, *_range(kind, middle, down=True))
    high = _root(lambda t: statistic(t) + z, *_range(kind, middle, down=False))
    return (least if low is None else _value(kind, low)), (most if high is None else _value(kind, high))


def newcombe_interval(*, x1: int, n1: int, x0: int, n0: int, conf_level: float) -> tuple[float, float]:
    """Limits of a difference from Wilson's limits of both proportions.

    Examples
    --------
    >>> [round(v, 4) for v in newcombe_interval(x1=56, n1=70, x0=48, n0=80, conf_level=0.95)]
    [0.0524, 0.3339]
    """
    p1, p0 = x1 / n1, x0 / n0
    (l1, u1), (l0, u0) = (wilson_interval(x=x, n=n, conf_level=conf_level) for x, n in ((x1, n1), (x0, n0)))
    return p1 - p0 - math.hypot(p1 - l1, u0 - p0), p1 - p0 + math.hypot(u1 - p1, p0 - l0)


def wilson_interval(*, x: int, n: int, conf_level: float) -> tuple[float, float]:
    """Wilson's score limits of one proportion."""
    z = float(special.ndtri(1 - (1 - conf_level) / 2))
    centre, half = x + z * z / 2, z * math.sqrt(x * (n - x) / n + z * z / 4)
    return max((centre - half) / (n + z * z), 0.0), min((centre + half) / (n + z * z), 1.0)


def limits_of(kind: Kind) -> tuple[float, float]:
    """The least and the largest value of a measure."""
    return (-1.0, 1.0) if kind == "difference" else (0.0, math.inf)


def _value(kind: Kind, t: float) -> float:
    """The scale of the search: the difference itself, or the log of a ratio."""
    return t if kind == "difference" else math.exp(t)


def _start(x1: int, n1: int, x0: int, n0: int, kind: Kind) -> float:
    """A value inside every interval: the estimate, with half an event where it has none."""
    p1, p0 = (x1 + 0.5) / (n1 + 1), (x0 + 0.5) / (n0 + 1)
    if kind == "difference":
        return x1 / n1 - x0 / n0
    return math.log(p1 / p0) if kind == "ratio" else math.log(p1 / (1 - p1) / (p0 / (1 - p0)))


def _range(kind: Kind, middle: float, *, down: bool) -> tuple[float, float]:
    if kind == "difference":
        return (-1 + 1e-12, middle) if down else (middle, 1 - 1e-12)
    return (middle - 30.0, middle) if down else (middle, middle + 30.0)


def _root(function: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a decreasing function crosses zero, or None when it does not in the range."""
    first, last = function(low), function(high)
    if not (first > 0 > last):
        return None
    return float(optimize.brentq(function, low, high, xtol=1e-12))
