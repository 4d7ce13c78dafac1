"""Nearest-neighbour matching on one score with replacement: the effect on the treated, ties shared out.

Every treated person is compared with the mean of all untreated people at the smallest distance, so that the order of rows does not matter. With K_j the
matches that fall to untreated person j,

    Var = (1/n1^2) [sum over units (sum_i (y_i - yhat_i - effect))^2 + sum_j K_j (K_j - 1) s2_j],   s2_j = m/(m + 1) (y_j - mean of its m nearest)^2,

the units being groups of the treated where there are any (times G/(G - 1)). Source: Abadie & Imbens (2006), Econometrica 74, theorem 7; the score is taken as known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

NEAR = 1e-10


@dataclass(frozen=True, slots=True)
class Matched:
    """Effect on the treated, its standard error, and how often each untreated person was used (sums to the number of treated)."""

    estimate: float
    std_error: float
    used: FloatArray


def nearest_neighbour(*, y: FloatArray, score: FloatArray, treated: BoolArray, unit: IntArray) -> Matched:
    """Match on `score` (n,); `unit` holds codes of groups of treated people (each person alone: any distinct codes)."""
    own, others = score[treated], score[~treated]
    levels, place, count = np.unique(np.round(others / NEAR) * NEAR, return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    mean = np.bincount(place, weights=y[~treated]) / count
    chosen, half = _nearest(levels, own)
    matched = np.mean(mean[chosen], axis=1)
    gaps = y[treated] - matched
    estimate = float(gaps.mean())
    per_level = np.bincount(chosen.reshape(-1), minlength=len(levels)) * half
    used = (per_level / count)[place]
    s2 = _spread(y[~treated], levels, place, count, mean)
    _, code = np.unique(unit[treated], return_inverse=True)
    sums = np.bincount(code.reshape(-1), weights=gaps - estimate)
    scale = len(sums) / (len(sums) - 1) if len(sums) > 1 else math.nan
    variance = scale * float(sums @ sums) + float(np.maximum(used * (used - 1), 0.0) @ s2)
    return Matched(estimate, math.sqrt(variance) / len(own), used)


def _nearest(levels: FloatArray, own: FloatArray) -> tuple[IntArray, float]:
    """(m, 2) levels nearest to each score: twice the same one, or both sides of a tie; each carries half a match."""
    right = np.clip(np.searchsorted(levels, own), 0, len(levels) - 1)
    left = np.clip(right - 1, 0, len(levels) - 1)
    to_left, to_right = np.abs(own - levels[left]), np.abs(levels[right] - own)
    first = np.where(to_left <= to_right + NEAR, left, right)
    second = np.where(to_right <= to_left + NEAR, right, left)
    return np.column_stack([first, second]), 0.5


def _spread(y: FloatArray, levels: FloatArray, place: IntArray, count: IntArray, mean: FloatArray) -> FloatArray:
    """Half the squared difference of each untreated person from the nearest others: those at the same score, else the next level."""
    gaps = np.diff(levels)
    before, after = np.r_[np.inf, gaps], np.r_[gaps, np.inf]
    next_to = np.clip(np.arange(len(levels)) + np.where(before < after, -1, 1), 0, len(levels) - 1)
    n = count[place]
    compared = np.where(n > 1, (n * mean[place] - y) / np.maximum(n - 1, 1), mean[next_to][place])
    m = np.where(n > 1, n - 1, count[next_to][place])
    return np.asarray((y - compared) ** 2 * m / (m + 1))
