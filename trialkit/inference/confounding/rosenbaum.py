"""Bounds on the Wilcoxon signed rank test of matched pairs when the odds of treatment within a pair may differ by a factor Gamma.

T is the sum of the ranks q of |difference| over pairs with a positive one. At worst each is positive with probability p = Gamma/(1 + Gamma), at best with
1/(1 + Gamma): T then has mean p sum q and variance p (1 - p) sum q^2. Pairs without a difference are left out and ties have average ranks. The exact
distribution is that of a sum of independent signs, found by convolution over half ranks. Source: Rosenbaum (2002), Observational Studies, 4.3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class SignedRank:
    """The statistic and the ranks of the pairs that differ."""

    statistic: float
    ranks: FloatArray

    def tail(self, p: float, method: Literal["normal", "exact"]) -> float:
        """P(T >= statistic) when pairs are positive with probability p."""
        if method == "normal":
            mean, variance = p * float(self.ranks.sum()), p * (1 - p) * float((self.ranks**2).sum())
            return float(special.ndtr((mean - self.statistic) / math.sqrt(variance)))
        halves = np.rint(2 * self.ranks).astype(int)
        chances = np.zeros(int(halves.sum()) + 1)
        chances[0] = 1.0
        top = 0
        for q in halves:
            moved = chances[: top + 1] * p
            chances[: top + 1] *= 1 - p
            chances[q : q + top + 1] += moved
            top += int(q)
        return float(min(chances[round(2 * self.statistic) :].sum(), 1.0))


def signed_rank(differences: FloatArray) -> SignedRank:
    """Of differences (n,), at least one of them not zero."""
    from scipy import stats  # slow to import, and most calls of the package do without it

    d = differences[differences != 0]
    ranks = np.asarray(stats.rankdata(np.abs(d)), dtype=float)
    return SignedRank(float(ranks[d > 0].sum()), ranks)


def bounds(test: SignedRank, gamma: float, method: Literal["normal", "exact"]) -> tuple[float, float]:
    """Largest and smallest one-sided p-value at Gamma."""
    return test.tail(gamma / (1 + gamma), method), test.tail(1 / (1 + gamma), method)
