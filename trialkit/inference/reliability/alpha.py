"""Coefficients of a sum of items from their covariance matrix S (p, p), or from a batch of them (..., p, p).

alpha = p/(p - 1) (1 - tr S / 1'S1)                  Cronbach (1951), Psychometrika 16
standardized alpha = p r / (1 + (p - 1) r)           r the mean correlation
Feldt: (1 - a)/(1 - alpha) ~ F(n - 1, (n - 1)(p - 1))    Feldt (1965), Psychometrika 30; for n independent people
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray


def alpha(s: FloatArray) -> FloatArray:
    """Cronbach's alpha (...)."""
    p = s.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(p / (p - 1) * (1 - np.einsum("...ii->...", s) / s.sum(axis=(-2, -1))))


def correlations(s: FloatArray) -> FloatArray:
    """Correlation matrices of covariance matrices."""
    sd = np.sqrt(np.einsum("...ii->...i", s))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(s / sd[..., :, None] / sd[..., None, :])


def mean_correlation(r: FloatArray) -> FloatArray:
    """Mean of the correlations between different items (...)."""
    p = r.shape[-1]
    return np.asarray((r.sum(axis=(-2, -1)) - np.einsum("...ii->...", r)) / (p * (p - 1)))


def standardized_alpha(r: FloatArray) -> FloatArray:
    """Alpha of standardized items, from their correlations (...)."""
    p, mean = r.shape[-1], mean_correlation(r)
    return np.asarray(p * mean / (1 + (p - 1) * mean))


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """`item_rest`: correlation with the sum of the other items. `alpha_if_dropped`: alpha of the others, NaN with two items; both (p,)."""

    item_rest: FloatArray
    alpha_if_dropped: FloatArray


def item_statistics(s: FloatArray) -> ItemStatistics:
    """Each item against the others."""
    p = len(s)
    own = np.diag(s)
    with_all = s.sum(axis=1)
    rest = s.sum() - 2 * with_all + own
    with np.errstate(divide="ignore", invalid="ignore"):
        item_rest = (with_all - own) / np.sqrt(own * rest)
        dropped = (p - 1) / (p - 2) * (1 - (own.sum() - own) / rest) if p > 2 else np.full(p, math.nan)
    return ItemStatistics(item_rest, dropped)


def feldt(value: float, *, n: int, items: int, conf_level: float) -> tuple[float, float]:
    """Interval of alpha for n independent people with normal answers and a compound-symmetric covariance matrix."""
    tail = (1 - conf_level) / 2
    df = (n - 1, (n - 1) * (items - 1))
    low = 1 - (1 - value) * float(special.fdtri(*df, 1 - tail))
    return low, 1 - (1 - value) * float(special.fdtri(*df, tail))


def alpha_gradient(s: FloatArray) -> FloatArray:
    """d alpha / d S (p, p), so that a change dS changes alpha by the sum of gradient * dS."""
    p, total = len(s), s.sum()
    return np.asarray(-p / (p - 1) * (np.eye(p) / total - np.trace(s) / total**2))
