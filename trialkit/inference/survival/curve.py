"""Curves over time of one sample: Kaplan-Meier, and Aalen-Johansen where there are other exits, with pointwise variances.

S(t) = prod over t_k <= t of (1 - d_k/Y_k), Var log S = sum d/(Y(Y - d)) (Greenwood 1926). F(t) = sum S(t-) d1/Y is the share with the event,
its variance that of `survival_restricted.py` at each t. Intervals are on the scale log(-log S), and log(-log(1 - F)) for F, so that both
stay inside 0 and 1 and agree where there are no other exits. With units (groups, clusters) the variance is

    sum over units of (sum of the members' values)^2 / (1 - n_u/n),

and the critical value that of t with units - 1 degrees of freedom. The median is the first time at which S <= 1/2; its interval is read off the
limits of S in the same way (Brookmeyer & Crowley 1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_quantile

BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class Curve:
    """Estimates at the T different times of the data, those of censoring included; all (T,).

    Attributes
    ----------
    time, at_risk, events, others : people (or their weights) at risk just before, and leaving at, each time.
    survival, std_error, conf_low, conf_high : share who have left by no exit at all.
    share, share_std_error, share_low, share_high : share with the event; 1 - survival where there are no other exits.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    others: FloatArray
    survival: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    share: FloatArray
    share_std_error: FloatArray
    share_low: FloatArray
    share_high: FloatArray


@dataclass(frozen=True, slots=True)
class Quantile:
    """First time at which a curve falls to a level, NaN where it never does, with its limits."""

    estimate: float
    conf_low: float
    conf_high: float


def survival_curve(
    *,
    time: FloatArray,
    event: NDArray[np.generic],
    other: NDArray[np.generic] | None = None,
    entry: FloatArray | None = None,
    weights: FloatArray | None = None,
    unit: IntArray | None = None,
    conf_level: float = 0.95,
) -> Curve:
    """Estimate the curves of one sample.

    Parameters
    ----------
    time, event, other, entry, weights : (n,), as in `restricted`.
    unit : (n,) codes of independent units; None where people are independent.
    conf_level : of the pointwise intervals.

    Examples
    --------
    >>> import numpy as np
    >>> curve = survival_curve(time=np.array([1.0, 2, 3, 4]), event=np.array([1, 0, 1, 0]))
    >>> curve.survival.tolist()
    [0.75, 0.75, 0.375, 0.375]
    """
    wanted = np.asarray(event).astype(bool)
    leaves = wanted if other is None else wanted | np.asarray(other).astype(bool)
    w = np.ones(len(time)) if weights is None else weights
    at = np.unique(time)
    place = np.searchsorted(at, time, side="right")  # the times 0 .. place - 1 lie in a person's observation
    begin = np.zeros(len(time), dtype=np.int64) if entry is None else np.searchsorted(at, entry, side="right")
    people = _under_observation(np.zeros(len(time), dtype=np.int64), 1, begin, place, w, len(at))[0]
    exits: FloatArray = np.bincount(place[leaves] - 1, weights=w[leaves], minlength=len(at)).astype(float)
    events: FloatArray = np.bincount(place[wanted] - 1, weights=w[wanted], minlength=len(at)).astype(float)
    left = np.where(people - exits > 1e-12 * people, people - exits, 0.0)
    survival = np.cumprod(left / people)
    before = np.concatenate([[1.0], survival[:-1]])
    share = np.cumsum(before * events / people)
    inverse = np.where(left > 0, 1 / np.where(left > 0, left, 1.0), 0.0)
    if unit is None and weights is None:
        log_variance = np.cumsum(exits * inverse / people)
        share_variance = _independent(people, exits, events, inverse, before, share)
        df = np.inf
    else:
        _, codes = np.unique(np.arange(len(time)) if unit is None else unit, return_inverse=True)
        log_variance, share_variance = _by_unit(
            codes.reshape(-1), begin, place, wanted, leaves, w, people, exits, events, inverse, before, share
        )
        df = np.inf if unit is None else float(codes.max())
    critical = t_quantile(1 - (1 - conf_level) / 2, df) if df > 0 else np.nan
    low, high = _log_log(survival, np.sqrt(log_variance) * survival, critical)
    share_se = np.sqrt(np.maximum(share_variance, 0.0))
    share_high, share_low = (1 - v for v in _log_log(1 - share, share_se, critical))
    return Curve(
        at, people, events, exits - events, survival, survival * np.sqrt(log_variance), low, high, share, share_se, share_low, share_high
    )  # fmt: skip


def _log_log(survival: FloatArray, std_error: FloatArray, critical: float) -> tuple[FloatArray, FloatArray]:
    """Limits of S on the scale log(-log S); NaN at 0 and 1."""
    inner = (survival > 0) & (survival < 1)
    safe = np.where(inner, survival, 0.5)
    half = np.minimum(critical * std_error / (safe * np.abs(np.log(safe))), 50.0)
    low, high = safe ** np.exp(half), safe ** np.exp(-half)
    return np.where(inner, low, np.nan), np.where(inner, high, np.nan)


def _independent(
    people: FloatArray, exits: FloatArray, events: FloatArray, inverse: FloatArray, before: FloatArray, share: FloatArray
) -> FloatArray:
    """Variance of F at each time: increments at different times are uncorrelated, and their coefficients are linear in F(t)."""
    others = exits - events
    q = people * inverse
    a, b = before + share * q, share * q  # the coefficient of an event is a - F(t) q, that of another exit b - F(t) q
    v1, v2, v12 = events * (people - events), others * (people - others), -events * others
    constant = np.cumsum((a * a * v1 + b * b * v2 + 2 * a * b * v12) / people**3)
    linear = np.cumsum(-2 * q * (a * v1 + b * v2 + (a + b) * v12) / people**3)
    square = np.cumsum(q * q * (v1 + v2 + 2 * v12) / people**3)
    return np.asarray(constant + linear * share + square * share**2)


def _by_unit(
    unit: IntArray, begin: IntArray, place: IntArray, wanted: NDArray[np.bool_], leaves: NDArray[np.bool_], w: FloatArray, people: FloatArray,
    exits: FloatArray, events: FloatArray, inverse: FloatArray, before: FloatArray, share: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Variances of log S and of F at each time, from sums of values within units, in blocks of units that fit in memory."""
    T = len(people)
    size = np.bincount(unit)
    keep = 1 - size / len(unit)
    factor = np.where(keep > 0, 1 / np.where(keep > 0, keep, 1.0), np.nan)
    log_variance, share_variance = np.zeros(T), np.zeros(T)
    step = max(BLOCK // max(T, 1), 1)
    for start in range(0, len(size), step):
        inside = (unit >= start) & (unit < start + step)
        codes, count = unit[inside] - start, min(step, len(size) - start)
        at_risk = _under_observation(codes, count, begin[inside], place[inside], w[inside], T)
        left, mine = (_counted(codes, count, place[inside], w[inside] * kind[inside], T) for kind in (leaves, wanted))
        hazard = np.cumsum((left - at_risk * exits / people) * inverse, axis=1)
        gain = before * (mine - at_risk * events / people) / people
        moved = np.cumsum(gain + share * np.diff(hazard, axis=1, prepend=0.0), axis=1)
        scale = factor[start : start + count, None]
        log_variance += (scale * hazard**2).sum(axis=0)
        share_variance += (scale * (moved - share * hazard) ** 2).sum(axis=0)
    return log_variance, share_variance


def _under_observation(codes: IntArray, count: int, begin: IntArray, place: IntArray, w: FloatArray, T: int) -> FloatArray:
    """(count, T) weight at risk in each unit at each time."""
    change = np.zeros((count, T + 1))
    np.add.at(change, (codes, begin), w)
    np.subtract.at(change, (codes, np.maximum(place, begin)), w)
    return np.cumsum(change[:, :T], axis=1)


def _counted(codes: IntArray, count: int, place: IntArray, w: FloatArray, T: int) -> FloatArray:
    """(count, T) weight leaving each unit at each time."""
    out = np.zeros((count, T + 1))
    np.add.at(out, (codes, place), w)
    return out[:, 1:]


def curve_quantile(curve: Curve, probability: float = 0.5) -> Quantile:
    """First time at which the share still without any exit is at most 1 - probability, and the same of its limits."""
    level = 1 - probability + 1e-12

    def first(values: FloatArray) -> float:
        reached = np.flatnonzero(values <= level)
        return float(curve.time[reached[0]]) if len(reached) else float("nan")

    return Quantile(first(curve.survival), first(curve.conf_low), first(curve.conf_high))
