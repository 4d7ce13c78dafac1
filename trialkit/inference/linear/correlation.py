"""A correlation with a variance from independent units: people, groups or clusters.

Fisher's z = atanh r has the influence values (x y - r (x^2 + y^2)/2) / (1 - r^2) of standardized x and y (Devlin, Gnanadesikan & Kettenring 1975,
Biometrika 62), whose unit sums give the variance (influence.py, CR2 and its degrees of freedom). It is scaled by (n - 1)/(n - 3), so that the variance of
normal people alone is near Fisher's 1/(n - 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_quantile
from trialkit.inference.linear.influence import influence_variance


@dataclass(frozen=True, slots=True)
class Correlation:
    """r with its interval; z = atanh r with standard error and df. `converged`: whether the working covariance of groups could be fitted."""

    r: float
    z: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    n: int
    units: int
    converged: bool


def correlation(
    *,
    x: FloatArray,
    y: FloatArray,
    unit: IntArray,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    conf_level: float = 0.95,
) -> Correlation:
    """Pearson correlation of x and y (n,) with an interval on Fisher's z.

    Parameters
    ----------
    unit : (n,) codes of independent units. group : (n,) codes of groups, -1 alone, for df under the fitted grouped covariance.
    weights : (n,) positive. With fewer than four people, a single unit or |r| = 1 there is no interval.
    """
    n = len(x)
    w = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    a, b = x - w @ x, y - w @ y
    a, b = a / math.sqrt(w @ a**2), b / math.sqrt(w @ b**2)
    r = float(np.clip(w @ (a * b), -1.0, 1.0))
    units = len(np.unique(unit))
    if n < 4 or units < 2 or 1 - abs(r) < 1e-12:
        z = math.atanh(r) if abs(r) < 1 else math.copysign(math.inf, r)
        return Correlation(r, z, math.nan, math.nan, math.nan, math.nan, n, units, True)
    values = w * (a * b - r * (a**2 + b**2) / 2) / (1 - r**2)
    if group is not None and np.bincount(group[group >= 0], minlength=1).max() < 2:
        group = None
    found = influence_variance(values=values, arm=np.zeros(n, dtype=np.int64), unit=unit, group=group)
    scale = (n - 1) / (n - 3)
    z, error = math.atanh(r), math.sqrt(found.variance * scale)
    if not found.df > 0:
        return Correlation(r, z, error, math.nan, math.nan, math.nan, n, units, found.converged)
    half = t_quantile(1 - (1 - conf_level) / 2, found.df) * error
    return Correlation(r, z, error, found.df, math.tanh(z - half), math.tanh(z + half), n, units, found.converged)
