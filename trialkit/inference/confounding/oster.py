"""Coefficient stability: how much selection on unobservables, relative to that on controls, would explain a coefficient away.

With b0, R0 of the short and b1, R1 of the controlled regression, d = b0 - b1, B = b1 - beta, S = var(x), t = var(x given controls),
a = (R1 - R0) var(y), r = (R_max - R1) var(y),

    delta = [B a t + B S t d^2 + 2 B^2 t d S + B^3 (t S - t^2)] / [r d S + B r (S - t) + B^2 t d S + B^3 (t S - t^2)],

and beta at a given delta solves the same equation, a cubic in B (a quadratic at delta = 1). Covariates kept in both regressions are taken out of y and x
beforehand, which leaves all six quantities as they are defined here. Source: Oster (2019), JBES 37(2), propositions 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray

SHARED = 1e-9


@dataclass(frozen=True, slots=True)
class Stability:
    """The six quantities: controlled coefficient, its movement, variances of the treatment, explained and unexplained variances of the outcome."""

    controlled: float
    movement: float
    treatment: float
    residual: float
    explained: float
    unexplained: float

    def delta(self, beta: float) -> float:
        """Proportional selection at which the coefficient would be beta; infinite when no amount does it."""
        top, bottom, _ = self._ratio(self.controlled - beta)
        return float("inf") if bottom == 0 else top / bottom

    def betas(self, delta: float) -> FloatArray:
        """Real coefficients at this delta, the nearest to the controlled one first.

        With a single control numerator and denominator share a root, which solves the polynomial at every delta and the equation at none: it is left out.
        """
        d, big, t, a, r = self.movement, self.treatment, self.residual, self.explained, self.unexplained
        terms = [
            (delta - 1) * (t * big - t**2),
            (delta - 2) * t * d * big,
            delta * r * (big - t) - a * t - big * t * d**2,
            delta * r * d * big,
        ]
        # in units of d the terms are of one size, so that a leading one that is nothing but rounding is told from a small one
        unit = abs(d) if d else 1.0
        scaled = np.array([c * unit**p for c, p in zip(terms, (3, 2, 1, 0))])
        scaled[np.abs(scaled) < 1e-14 * np.abs(scaled).max(initial=0.0)] = 0.0
        roots = np.roots(scaled) * unit
        real = roots.real[np.abs(roots.imag) <= 1e-8 * np.maximum(np.abs(roots), 1e-300)]
        kept = np.array([b for b in real if self._solves(float(b), delta)])
        return np.asarray(self.controlled - kept[np.argsort(np.abs(kept), kind="stable")])

    def _solves(self, b: float, delta: float) -> bool:
        top, bottom, size = self._ratio(b)
        return max(abs(top), abs(delta * bottom)) > SHARED * size or b == 0

    def _ratio(self, b: float) -> tuple[float, float, float]:
        """Numerator and denominator of delta at B, and the size of their terms."""
        d, big, t, a, r = self.movement, self.treatment, self.residual, self.explained, self.unexplained
        cubic = b**3 * (t * big - t**2)
        top = (b * a * t, b * big * t * d**2, 2 * b**2 * t * d * big, cubic)
        bottom = (r * d * big, b * r * (big - t), b**2 * t * d * big, cubic)
        return sum(top), sum(bottom), sum(abs(v) for v in (*top, *bottom))
