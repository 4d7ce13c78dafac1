"""Whether hazard ratios change over time: the score test of a coefficient that moves with g(t), for one data set.

The model with b_j + theta (g(t) - mean g) is not fitted: its score at theta = 0 is enough,

    U_j = sum over events (g - mean g) (x_j - xbar_j(t)),   Var U_j = I_gg - I_gb I^-1 I_bg,   I_g.. = sum over events of g V(t),

with V(t) the covariance of x in the risk set. U_j is a sum over people of u^g_ij - I_gb I^-1 u_i (u the score residuals, u^g those weighted by g),
which gives a variance that respects groups. g is 1 - S(t-), S the Kaplan-Meier estimate of all arms together: early and late
events then count alike however the times are spread.

Source: Grambsch & Therneau (1994); the exact form of the test as in Therneau's `survival` since version 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.survival.cox import CoxFit, score_residuals, weighted_information
from trialkit.inference.survival.risk import RiskSets

Transform = Literal["km", "identity"]


@dataclass(frozen=True, slots=True)
class TimeVariation:
    """Score of a drift of each coefficient.

    Attributes
    ----------
    score : (K,). model_variance : (K,) when the model holds and people are independent. values : (K, n), which sum to `score`.
    """

    score: FloatArray
    model_variance: FloatArray
    values: FloatArray

    @property
    def chisq(self) -> FloatArray:
        """(K,) score^2 over the model's variance, with one degree of freedom each."""
        return np.asarray(self.score**2 / self.model_variance)


def time_variation(fit: CoxFit, *, transform: Transform = "km") -> TimeVariation:
    """Test each coefficient of a Cox model for a change over time."""
    risk = fit.risk
    if risk.event.ndim > 1:
        raise ValueError("the test of proportional hazards takes one data set at a time")
    g = _left_share(risk) if transform == "km" else risk.time.copy()
    g = np.where(risk.event, g - g[risk.event].mean(), 0.0)
    first, second = weighted_information(fit, g), weighted_information(fit, g**2)
    bread = fit.covariance
    values = score_residuals(fit, time_weights=g) - first @ bread @ score_residuals(fit)
    variance = np.diag(second) - np.einsum("jk,kl,jl->j", first, bread, first)
    return TimeVariation(values.sum(axis=1), variance, values)


def _left_share(risk: RiskSets) -> FloatArray:
    """1 - S just before the time of each place, strata taken together."""
    times, place = np.unique(risk.time, return_inverse=True)
    place = place.reshape(-1)
    died = np.bincount(place, weights=risk.event, minlength=len(times))
    leaving = np.bincount(place, weights=risk.sign > 0, minlength=len(times))
    entering = np.bincount(place, weights=risk.sign < 0, minlength=len(times))
    total = leaving[::-1].cumsum()[::-1]
    late = entering[::-1].cumsum()[::-1]
    at_risk = total - late
    survival = np.cumprod(1 - died / np.where(at_risk > 0, at_risk, 1.0))
    return np.asarray(1 - np.concatenate([[1.0], survival[:-1]])[place])
