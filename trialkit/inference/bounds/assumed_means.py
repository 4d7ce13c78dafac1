"""Bounds of Kling and Liebman: people who are lost are assumed to lie k SD from the mean of their arm's observed people.

With m, s the mean and SD of an arm's observed people, p their share and d = -k or k, the mean of everyone in the arm is m + (1 - p) d s. For the lower
bound d = -k in the treated arm and k in control. m, s and p are estimated, and the first-order values of the mean are, with S = 1 for the observed,

    [S (y - m)/p + (1 - p) d (S (y - m)^2/p - S s^2/p)/(2 s) - d s (S - p)] / N.

Filling values in and taking them for data would leave the last two terms out. Source: Kling & Liebman (2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class AssumedMean:
    """The mean of an arm under an assumption, and (n,) values that sum to its error."""

    mean: float
    values: FloatArray


def assumed_mean(*, y: FloatArray, observed: BoolArray, inside: BoolArray, weights: FloatArray, distance: float) -> AssumedMean:
    """Mean of the arm `inside` when those not observed lie `distance` SD from the mean of those observed.

    Raises ValueError with fewer than two people observed.
    """
    seen = observed & inside
    if int(seen.sum()) < 2:
        raise ValueError("an arm has fewer than two people observed")
    total, known = float(weights[inside].sum()), float(weights[seen].sum())
    share = known / total
    m = float(weights[seen] @ y[seen]) / known
    count = int(seen.sum())
    variance = float(weights[seen] @ (y[seen] - m) ** 2) / known * count / (count - 1)
    sd = math.sqrt(variance)
    s = seen.astype(float)
    gap = np.where(seen, y - m, 0.0)
    values = gap / share - distance * sd * (s - share)
    if sd > 0:
        values = values + (1 - share) * distance * (gap**2 - s * variance) / (2 * sd * share)
    return AssumedMean(m + (1 - share) * distance * sd, np.where(inside, weights * values / total, 0.0))
