"""The probability that someone of one arm does better than someone of another, ties counting half, and its influence values.

p = P(Y1 > Y0) + P(Y1 = Y0)/2 is a two-sample U-statistic. With the mid-distribution functions G_a(y) = P(Y_a < y) + P(Y_a = y)/2 the
placements

    h(y) = G_0(y) for a treated person,    h(y) = 1 - G_1(y) for a control

have the mean p in either arm, and p^ - p is to first order the sum of (h - p)/n over both arms. The variance of a mean of placements in each
arm, added up, is DeLong's; with groups or clusters it is the CR2 variance of the same two means, so placements enter a regression on the
arms as an outcome does (estimate/outcomes/win_odds.py). One sort: O(n log n), never n x n.

Sources: Hoeffding (1948); DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44(3); Brunner, Vandemeulebroecke & Muetze (2021), "Win odds".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

SAME = 1e-12


@dataclass(frozen=True, slots=True)
class WinProbability:
    """Shares of pairs (treated, control) and the placements.

    Attributes
    ----------
    probability : wins + ties/2. wins, ties : shares of pairs that the treated person wins, and that are ties.
    placements : (n,) h of each person; their (weighted) mean is `probability` in either arm.
    """

    probability: float
    wins: float
    ties: float
    placements: FloatArray

    @property
    def losses(self) -> float:
        return 1.0 - self.wins - self.ties


def win_probability(*, y: FloatArray, treated: BoolArray, weights: FloatArray | None = None) -> WinProbability:
    """Compare every treated person with every control.

    Parameters
    ----------
    y : (n,) outcomes, higher is better; values that differ by less than a rounding error (relative 1e-12) are ties.
    treated : (n,) truth values. weights : (n,) positive, a pair counts the product of its weights.
    """
    code, values = tied_levels(y)
    levels = len(values)
    w = np.ones(len(y)) if weights is None else weights
    mass, middle, below = [], [], []
    for inside in (~treated, treated):
        m = np.bincount(code[inside], weights=w[inside], minlength=levels)
        m = m / m.sum()
        b = np.cumsum(m) - m
        mass.append(m)
        below.append(b)
        middle.append(b + m / 2)
    placements = np.where(treated, middle[0][code], 1.0 - middle[1][code])
    wins, ties = float(mass[1] @ below[0]), float(mass[1] @ mass[0])
    return WinProbability(wins + ties / 2, wins, ties, placements)


def tied_levels(y: FloatArray) -> tuple[IntArray, FloatArray]:
    """Codes 0, 1, ... of the distinct outcomes in order, and the outcomes; those within a rounding error are one."""
    values, code = np.unique(y, return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    gap = np.diff(values) > SAME * max(abs(float(values[0])), abs(float(values[-1])))
    if gap.all():
        return code, values
    merged = np.concatenate([[0], np.cumsum(gap)])
    return merged[code], values[np.concatenate([[True], gap])]
