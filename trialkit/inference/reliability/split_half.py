"""Split-half reliability from a covariance matrix of items and a division of them.

Spearman-Brown 2r/(1 + r), r the correlation of the half sums; for halves of unequal length Horst (1951), Educational and Psychological Measurement 11;
Guttman's lambda-4 = 4 cov(A, B) / var(A + B), Guttman (1945), Psychometrika 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray

_MOST_ITEMS = 16


@dataclass(frozen=True, slots=True)
class SplitHalf:
    """One split, and the range of lambda-4 over all splits into halves that differ by at most one item (NaN beyond 16 items).

    Attributes
    ----------
    correlation : of the sums of the two halves.
    spearman_brown : reliability of the whole, supposing halves that are parallel but for their length.
    guttman : lambda-4, which does not need equal variances of the halves.
    lowest, mean, highest : lambda-4 over all `n_splits` splits; the mean is alpha when the halves have equal length.
    """

    correlation: float
    spearman_brown: float
    guttman: float
    lowest: float
    mean: float
    highest: float
    n_splits: int


def split_half(s: FloatArray, first: BoolArray) -> SplitHalf:
    """`s` (p, p); `first` (p,) says which items are in the first half."""
    a, b = first.astype(float), (~first).astype(float)
    between, left, right = float(a @ s @ b), float(a @ s @ a), float(b @ s @ b)
    r = between / math.sqrt(left * right) if left > 0 and right > 0 else math.nan
    share = float(first.mean())
    guttman = 4 * between / float(s.sum())
    splits = _splits(len(s))
    over_all = _lambda4(s, splits) if len(splits) else np.array([math.nan])
    return SplitHalf(
        r,
        _horst(r, share),
        guttman,
        float(over_all.min()),
        float(over_all.mean()),
        float(over_all.max()),
        len(splits),
    )


def _horst(r: float, share: float) -> float:
    """Reliability of the whole from the correlation of parts with `share` and 1 - `share` of the items; Spearman-Brown at one half."""
    root = math.sqrt(r**2 + 4 * share * (1 - share) * (1 - r**2))
    # Horst's r (root - r) / (2 p q (1 - r^2)), multiplied out so that r = 1 does not divide by zero.
    return 2 * r / (root + r) if root + r > 0 else math.nan


def _splits(p: int) -> FloatArray:
    """Signs (m, p) of all splits into halves that differ by at most one item, each once."""
    if p > _MOST_ITEMS or p < 2:
        return np.empty((0, p))
    rows = [c for c in combinations(range(p), p // 2) if p % 2 or 0 in c]
    out = -np.ones((len(rows), p))
    for row, members in zip(out, rows):
        row[list(members)] = 1.0
    return out


def _lambda4(s: FloatArray, signs: FloatArray) -> FloatArray:
    """4 cov(A, B) = var(A + B) - var(A - B)."""
    return np.asarray(1 - np.einsum("mi,ij,mj->m", signs, s, signs) / s.sum())
