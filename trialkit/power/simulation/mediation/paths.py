"""Paths of two linear models for many replicates, and what a shift of the true paths does to them.

Mediator and outcome are made without any effect, as u and w; at true paths (a, b, direct) they are m = u + a t and y = w + direct t + b m. Both models hold the
arm and the outcome's also u (and t u), so least squares moves with the shift: a-hat by a, the slopes by b, and the residuals stay. One set of fits and of
draws therefore serves every true effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class TruePaths:
    """True effect a of the arm on the mediator, slope b of the outcome on it, and direct effect of the arm, in SDs."""

    a: float
    b: float
    direct: float

    @property
    def acme(self) -> float:
        return self.a * self.b

    @property
    def total(self) -> float:
        return self.direct + self.a * self.b


@dataclass(frozen=True, slots=True)
class Paths:
    """Fitted paths of data without an effect, of any one shape: `m0`, mean of the mediator in control, `a`, slopes `b0` and `b1` by arm, and `c`, the arm's effect at a mediator of 0."""

    m0: FloatArray
    a: FloatArray
    b0: FloatArray
    b1: FloatArray
    c: FloatArray

    def effects(self, true: TruePaths) -> FloatArray:
        """(2, ...) acme and total where the true paths are these."""
        a = self.a + true.a
        acme = a * (true.b + (self.b0 + self.b1) / 2)
        none = self.c + self.b1 * (self.m0 + self.a) - self.b0 * self.m0
        return np.stack([acme, none + true.direct + true.b * a])


@dataclass(frozen=True, slots=True)
class Inferred:
    """(2, R) of acme and total: estimate, standard error, limits and p-value; NaN where an analysis failed."""

    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    p_value: FloatArray

    @property
    def ok(self) -> BoolArray:
        return np.isfinite(self.estimate) & np.isfinite(self.p_value) & np.isfinite(self.conf_low) & np.isfinite(self.conf_high)


def inferred(estimate: FloatArray, draws: FloatArray, conf_level: float) -> Inferred:
    """Percentile intervals (type 7) and p-values 2 (k + 1)/(B + 1) of estimates (2, R) from draws (2, R, B), as inference/mediation/draws.py has them."""
    count = draws.shape[-1]
    rarer = np.minimum((draws > 0).sum(axis=-1), (draws < 0).sum(axis=-1))
    se = draws.std(axis=-1, ddof=1)
    low, high = np.quantile(draws, [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=-1)
    bad = ~np.isfinite(draws).all(axis=-1)
    p = np.where(bad, np.nan, np.minimum(1.0, 2 * (rarer + 1) / (count + 1)))
    return Inferred(estimate, se, low, high, p)
