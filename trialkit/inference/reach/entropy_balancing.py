"""Weights nearest to given ones under which covariates have given means.

min sum w log(w/q) subject to sum w (x - t) = 0 has w = q exp((x - t)'l), where l minimizes the convex dual log sum q exp((x - t)'l): Newton's method with
halved steps. A solution exists when t lies inside the convex hull of the rows of x; elsewhere a gap remains. Source: Hainmueller (2012), Political
Analysis 20(1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray

ITERATIONS, HALVINGS = 200, 40
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Balanced:
    """Weights (n,) of sum one, the multipliers (k,), and the largest gap left between weighted and wanted means, in SDs of the covariate."""

    weights: FloatArray
    multipliers: FloatArray
    gap: float

    @property
    def converged(self) -> bool:
        return self.gap <= 1e-8


def entropy_balance(*, x: FloatArray, target: FloatArray, base: FloatArray | None = None) -> Balanced:
    """Weights for rows x (n, k) with means `target` (k,), nearest to `base` (n,).

    Examples
    --------
    >>> found = entropy_balance(x=np.array([[0.0], [1.0], [2.0]]), target=np.array([1.5]))
    >>> found.weights.round(4).tolist(), bool(found.converged)
    ([0.1162, 0.2676, 0.6162], True)
    """
    scale = x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    z = (x - target) / scale
    start = np.zeros(len(x)) if base is None else np.log(base)
    multipliers = np.zeros(x.shape[1])
    for _ in range(ITERATIONS):
        weights = special.softmax(start + z @ multipliers)
        slope = weights @ z
        if np.abs(slope).max(initial=0.0) <= TOLERANCE:
            break
        centred = z - slope
        move = np.linalg.lstsq(centred.T @ (centred * weights[:, None]), slope, rcond=1e-12)[0]
        now, share = special.logsumexp(start + z @ multipliers), 1.0
        for _ in range(HALVINGS):
            if special.logsumexp(start + z @ (multipliers - share * move)) <= now + 1e-13 * (1 + abs(now)):  # rounding
                break
            share /= 2
        multipliers = multipliers - share * move
    weights = special.softmax(start + z @ multipliers)
    return Balanced(weights, multipliers / scale, float(np.abs(weights @ z).max(initial=0.0)))
