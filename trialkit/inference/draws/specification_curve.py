"""One test of a whole specification curve: statistics of all specifications over the same assignments.

Specifications share their people and their assignment, so no p-value of one of them says how unusual the set is. A draw of the design gives every specification a
statistic at once; the set is summarized in one number, for the draws as for the observed assignment, and the share of draws at least as extreme is the p-value.
Whatever the specifications have to do with each other is kept. Source: Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214, with the
assignments drawn from the design in place of their shuffled columns.

- median_t: median over specifications of the estimate divided by its standard error, two-sided.
- mean_abs_t: mean of the absolute t.
- share_significant: share of specifications with |t| above the critical value, in the direction that has more of them.
- median_estimate: median of the estimates, two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.draws.randomization import as_extreme

CurveStatistic = Literal["median_t", "mean_abs_t", "share_significant", "median_estimate"]
STATISTICS: tuple[CurveStatistic, ...] = get_args(CurveStatistic)


@dataclass(frozen=True, slots=True)
class Curves:
    """Estimates and t of S specifications for B assignments, (B, S) each; `df` (B, S) is what their t are referred to."""

    estimate: FloatArray
    t: FloatArray
    df: FloatArray


@dataclass(frozen=True, slots=True)
class JointTest:
    """A number for the whole curve and the weight of the assignments that have one at least as extreme."""

    name: CurveStatistic
    observed: float
    p_value: float


def joint_test(*, name: CurveStatistic, drawn: Curves, observed: Curves, weights: FloatArray, alpha: float = 0.05) -> JointTest:
    """The test by one statistic.

    Parameters
    ----------
    drawn : of B assignments, the observed one among them. observed : the same of the observed assignment alone (B = 1).
    weights : (B,) probabilities that sum to one.
    alpha : level of the critical values of 'share_significant'.
    """
    value, own = summary(name, drawn, alpha), float(summary(name, observed, alpha)[0])
    side: Literal["two-sided", "greater"] = "two-sided" if name.startswith("median") else "greater"
    return JointTest(name, own, float(min(weights[as_extreme(value, own, side)].sum(), 1.0)))


def summary(name: CurveStatistic, curves: Curves, alpha: float) -> FloatArray:
    """(B,) one number a curve."""
    if name == "median_estimate":
        return np.asarray(np.median(curves.estimate, axis=1))
    if name == "median_t":
        return np.asarray(np.median(curves.t, axis=1))
    if name == "mean_abs_t":
        return np.asarray(np.abs(curves.t).mean(axis=1))
    critical = special.stdtrit(curves.df, 1 - alpha / 2)
    above, below = (curves.t >= critical).mean(axis=1), (curves.t <= -critical).mean(axis=1)
    return np.asarray(np.maximum(above, below))
