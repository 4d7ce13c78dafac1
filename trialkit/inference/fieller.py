"""Fieller's set for a ratio of two correlated estimates: everything that a test of a - R b = 0 does not reject.

    R^2 (b^2 - q^2 v_b) - 2 R (a b - q^2 c_ab) + (a^2 - q^2 v_a) <= 0.

It is an interval where b differs from zero at the level of q; otherwise it is unbounded: everything outside the two roots, or, without real roots, every number.
Source: Fieller (1954), JRSS B 16; for cost-effectiveness Willan & O'Brien (1996), Health Economics 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FiellerSet:
    """The roots, low and high (NaN without real roots), and whether the set lies between them."""

    low: float
    high: float
    bounded: bool

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is in the set."""
        if math.isnan(self.low):
            return True
        return self.low <= ratio <= self.high if self.bounded else ratio <= self.low or ratio >= self.high


def fieller(
    *, numerator: float, denominator: float, variances: tuple[float, float], covariance: float, quantile: float
) -> FiellerSet:
    """The set for numerator/denominator; `variances` in that order, `quantile` the two-sided critical value (of t where a t is due)."""
    q2 = quantile**2
    two = denominator**2 - q2 * variances[1]
    one = numerator * denominator - q2 * covariance
    none = numerator**2 - q2 * variances[0]
    under = one**2 - two * none
    if under < 0:
        return FiellerSet(math.nan, math.nan, False)
    if two == 0:
        edge = none / (2 * one) if one else math.nan
        return FiellerSet(edge, math.inf, True) if one > 0 else FiellerSet(-math.inf, edge, True)
    # the root without cancellation first, the other from their product
    large = one + math.copysign(math.sqrt(under), one)
    roots = sorted((large / two, none / large if large else 0.0))
    return FiellerSet(roots[0], roots[1], two > 0)
