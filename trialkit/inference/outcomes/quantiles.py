"""Sample quantiles with weights, for one sample or many resamples, and their density by Woodruff's inversion.

Type 7 (linear interpolation, R's and numpy's default) with weights w and c copies of each person, t_i the cumulative share of weight:

    Q(q) = sum_i [k(t_i) - k(t_{i-1})] y_(i),  k(t) = clip(n t - (n - 1) q, 0, 1),  n = (sum c w)^2 / sum c w^2,

which is the usual formula when weights are equal, whatever the copies (Akinshin 2023 for the weighted form).

A quantile's standard error is that of the share below it, divided by the density there. Woodruff (1952) reads the density off the same scale on
which the share is uncertain: f = (p_u - p_l)/(Q(p_u) - Q(p_l)), p = q -+ t s with s the standard error of the share (of its groups' sums where
there are groups), so no bandwidth is chosen and few groups widen it. Sources: Woodruff (1952), JASA 47; Francisco & Fuller (1991).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class ArmQuantile:
    """A quantile of one arm.

    Attributes
    ----------
    value : the quantile. spread : 1/density there; 0 at a heap of equal values, where the quantile does not move.
    below : (n,) 1 where the outcome is at or below it.
    """

    value: float
    spread: float
    below: FloatArray


def sample_quantile(*, y: FloatArray, weights: FloatArray, q: float, copies: FloatArray | None = None) -> FloatArray:
    """(...) quantiles of sorted y (n,) with weights (n,) or (..., n) and copies (..., n), which count a person so many times."""
    mass = weights if copies is None else weights * copies
    squares = weights**2 if copies is None else weights**2 * copies
    total = mass.sum(axis=-1, keepdims=True)
    n = total**2 / squares.sum(axis=-1, keepdims=True)
    k = np.cumsum(mass, axis=-1)
    k *= n / total
    k -= (n - 1) * q
    np.clip(k, 0.0, 1.0, out=k)
    k[..., -1] = 1.0
    # sum_i (k_i - k_{i-1}) y_i by parts, which needs no array of differences
    return np.asarray(y[-1] - k[..., :-1] @ np.diff(y))


def arm_quantile(*, y: FloatArray, weights: FloatArray, unit: IntArray, q: float) -> ArmQuantile:
    """The quantile of an arm and its density, from y, weights and unit of variance (n,), rows in any order."""
    order = np.argsort(y, kind="stable")
    ys, w = y[order], weights[order]

    def at(p: float) -> float:
        return float(sample_quantile(y=ys, weights=w, q=min(max(p, 0.0), 1.0)))

    value = at(q)
    rounding = 1e-12 * float(np.abs(ys[[0, -1]]).max())
    below = (y <= value + rounding).astype(float)
    _, codes = np.unique(unit, return_inverse=True)
    codes = codes.reshape(-1)
    total = weights.sum()
    centred = weights * (below - weights @ below / total) / total
    sums, share = np.bincount(codes, weights=centred), np.bincount(codes, weights=weights) / total
    error = math.sqrt(float((sums**2 / np.maximum(1 - share, 1e-12)).sum()))
    half = float(special.stdtrit(max(len(sums) - 1, 1), 0.975)) * max(error, 0.5 / len(y))
    low, high = max(q - half, 0.0), min(q + half, 1.0)
    return ArmQuantile(value, (at(high) - at(low)) / (high - low), below)
