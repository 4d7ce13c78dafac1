"""One-sided tests of an effect against a margin, and the two of them that show equivalence.

With T ~ t(df) of (estimate - bound) / std_error, the hypothesis 'the effect is at most the bound' has p = P(T > t) and 'at least' has
P(T < t). Equivalence rejects both at level a, which happens exactly when the 1 - 2a interval lies between the bounds.
Source: Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15; Berger & Hsu (1996), Statistical Science 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialkit.inference.distributions import t_tail


@dataclass(frozen=True, slots=True)
class TwoOneSided:
    """p of 'at most the lower bound', of 'at least the upper bound', and the larger of the two."""

    p_lower: float
    p_upper: float
    p_value: float


def above(*, estimate: float, std_error: float, df: float, bound: float) -> float:
    """p of 'the effect is at most `bound`' against 'it is above'; NaN where the standard error or df is undefined."""
    if not (std_error > 0 and df > 0 and math.isfinite(estimate)):
        return math.nan
    return t_tail((estimate - bound) / std_error, df)


def below(*, estimate: float, std_error: float, df: float, bound: float) -> float:
    """p of 'the effect is at least `bound`' against 'it is below'."""
    return above(estimate=-estimate, std_error=std_error, df=df, bound=-bound)


def two_one_sided(*, estimate: float, std_error: float, df: float, lower: float, upper: float) -> TwoOneSided:
    """The two one-sided tests of equivalence with margins lower < upper."""
    if not lower < upper:
        raise ValueError("the lower margin lies below the upper one")
    p_lower = above(estimate=estimate, std_error=std_error, df=df, bound=lower)
    p_upper = below(estimate=estimate, std_error=std_error, df=df, bound=upper)
    return TwoOneSided(p_lower, p_upper, math.nan if math.isnan(p_lower) else max(p_lower, p_upper))
