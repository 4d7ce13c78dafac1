"""How alike two samples of one number are: the Bhattacharyya coefficient of their kernel densities.

B = integral of sqrt(f_s(x) f_p(x)) dx, between 0 (nothing in common) and 1 (the same distribution). The densities are Gaussian kernel estimates with
Silverman's bandwidth of each sample, h = (4 sd^5 / 3n)^(1/5), at least .001. The integrand is smooth, so that the trapezoid rule on a
fine grid is exact to rounding. Source: Tipton (2014), Journal of Educational and Behavioral Statistics 39(6).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import integrate

from trialkit.inference.arrays import FloatArray

NARROWEST = 0.001
TAILS = 9.0  # bandwidths beyond the data, where a Gaussian kernel is below 1e-17
STEPS_PER_BANDWIDTH = 4
MOST_POINTS, BLOCK = 200_000, 2_000_000


def similarity(*, sample: FloatArray, population: FloatArray, weights: FloatArray | None = None) -> float:
    """B of two samples (n,) and (m,), each of two values or more; `weights` (m,) count the people of the population.

    Examples
    --------
    >>> s, p = np.array([0.2, 0.3, 0.4, 0.5, 0.6]), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    >>> round(similarity(sample=s, population=p), 5)
    0.97019
    """
    share_s = np.full(len(sample), 1.0 / len(sample))
    share_p = np.full(len(population), 1.0 / len(population)) if weights is None else weights / weights.sum()
    h_s, h_p = bandwidth(sample, None), bandwidth(population, weights)
    tails = TAILS * max(h_s, h_p)
    low, high = min(sample.min(), population.min()) - tails, max(sample.max(), population.max()) + tails
    points = math.ceil((high - low) / min(h_s, h_p) * STEPS_PER_BANDWIDTH) + 1
    grid = np.linspace(low, high, max(min(points, MOST_POINTS), 1001))
    root = np.sqrt(_density(grid, sample, share_s, h_s) * _density(grid, population, share_p, h_p))
    return min(float(integrate.trapezoid(root, grid)), 1.0)


def bandwidth(values: FloatArray, weights: FloatArray | None) -> float:
    """Silverman's rule with the SD of n - 1; with weights, their SD and the effective number of values."""
    if weights is None:
        n, sd = float(len(values)), float(values.std(ddof=1))
    else:
        share = weights / weights.sum()
        n = 1.0 / float(share @ share)
        sd = math.sqrt(float(share @ (values - share @ values) ** 2) * n / (n - 1)) if n > 1 else 0.0
    return max((4 * sd**5 / (3 * n)) ** 0.2, NARROWEST)


def _density(grid: FloatArray, values: FloatArray, share: FloatArray, h: float) -> FloatArray:
    """Weighted kernel density at the grid, in blocks so that memory stays small; equal values are one term."""
    kernel, codes = np.unique(values, return_inverse=True)
    load = np.bincount(codes.reshape(-1), weights=share)
    out = np.empty(len(grid))
    step = max(BLOCK // len(kernel), 1)
    for start in range(0, len(grid), step):
        z = (grid[start : start + step, None] - kernel) / h
        out[start : start + step] = np.exp(-0.5 * z * z) @ load
    return np.asarray(out / (h * math.sqrt(2 * math.pi)))
