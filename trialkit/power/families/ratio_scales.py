"""What one person adds to the variance of a log ratio, so that a ratio can be planned in any design that a mean can.

The estimate of a log ratio is a difference between two arms' log means (log odds, log hazards); to first order each arm's part is the mean of
independent contributions of its people, with these variances:

    counts       (f / mu + k) per person of an arm with mean mu: f the variance by the mean, k the negative binomial's dispersion
    ordered      3 / (1 - sum pbar^3), pbar the category shares over both arms (Whitehead 1993)
    times        1 / P(event) (Schoenfeld 1981)
    risks        (1 - p)/p for a risk ratio, 1 / (p (1 - p)) for an odds ratio

With groups or clusters the contributions correlate: a group of m has the variance 1 + (m - 1) icc times as large, icc that of the contributions (counts;
ranks; martingale residuals, for which Xie & Waksman 2003; having the outcome).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from trialkit.inference.arrays import FloatArray

RiskScale: TypeAlias = Literal["risk_ratio", "odds_ratio"]


class RatioScale(Protocol):
    """A ratio of one kind."""

    def variances(self, effect: Any, share: Any) -> tuple[Any, Any]:
        """Variances of a person's contribution in the treated and in the control arm, at a log ratio and the treated's share of all people."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Mean in the control arm, dispersion k (Var = mu + k mu^2), or variance by the mean."""

    control_mean: float
    dispersion: float
    variance_ratio: float

    def variances(self, effect: Any, share: Any) -> tuple[Any, Any]:
        noise = self.variance_ratio / self.control_mean
        return noise * np.exp(-np.asarray(effect, dtype=float)) + self.dispersion, noise + self.dispersion


@dataclass(frozen=True, slots=True)
class Ordered:
    """Shares of the categories in the control arm, lowest first."""

    control: FloatArray

    def variances(self, effect: Any, share: Any) -> tuple[Any, Any]:
        treated = np.asarray(share, dtype=float)[..., None]
        mean = treated * shifted(self.control, effect) + (1 - treated) * self.control
        each = 3 / (1 - np.sum(mean**3, axis=-1))
        return each, each


@dataclass(frozen=True, slots=True)
class Risks:
    """A rate in the control arm, compared as a ratio of risks or of odds."""

    control_rate: float
    kind: RiskScale

    def treated_rate(self, effect: Any) -> Any:
        if self.kind == "risk_ratio":
            return self.control_rate * np.exp(effect)
        odds = self.control_rate / (1 - self.control_rate) * np.exp(effect)
        return odds / (1 + odds)

    def variances(self, effect: Any, share: Any) -> tuple[Any, Any]:
        p, q = self.treated_rate(effect), self.control_rate
        if self.kind == "risk_ratio":
            return (1 - p) / p, (1 - q) / q
        return 1 / (p * (1 - p)), 1 / (q * (1 - q))


def shifted(control: FloatArray, effect: Any) -> FloatArray:
    """(..., categories) shares when the odds of a higher category are multiplied by exp(effect)."""
    below = np.cumsum(control)[:-1]
    odds = below / (1 - below) * np.exp(-np.asarray(effect, dtype=float))[..., None]
    cumulative = odds / (1 + odds)
    edge = np.zeros((*cumulative.shape[:-1], 1))
    return np.diff(np.concatenate([edge, cumulative, edge + 1], axis=-1), axis=-1)
