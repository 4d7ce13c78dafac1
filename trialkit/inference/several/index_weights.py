"""Summary indices of several outcomes, from standardized components.

- Inverse-covariance weights (Anderson 2008): w = S^-1 1, so that components that say the same share their weight; index = sum w z / sum w.
- Kling, Liebman & Katz (2007): the plain mean, with a missing component at the mean of the unit's own arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class WeightedIndex:
    """Index of n units from k components.

    Attributes
    ----------
    values : (n,), NaN for units without any component.
    weights : (k,) row sums of the inverse covariance of all components, not scaled.
    patterns : (P, k) which components are observed, the complete pattern first if present.
    pattern_weights : (P, k) weights used for each pattern, NaN where a component is missing.
    counts : (P,) units of each pattern.
    """

    values: FloatArray
    weights: FloatArray
    patterns: BoolArray
    pattern_weights: FloatArray
    counts: IntArray


def standardized(*, components: FloatArray, reference: BoolArray, signs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """z (n, k) by mean and SD (n - 1) of the reference units' observed values, turned by `signs`; with the means and the SDs."""
    inside = components[reference]
    mean, sd = np.nanmean(inside, axis=0), np.nanstd(inside, axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return signs * (components - mean) / sd, mean, sd


def inverse_covariance_weights(z: FloatArray) -> FloatArray:
    """Row sums of the inverse covariance of the complete rows of z (n, k).

    Raises numpy.linalg.LinAlgError when that covariance is singular.
    """
    complete = z[np.isfinite(z).all(axis=1)]
    k = z.shape[1]
    if len(complete) <= k:
        raise np.linalg.LinAlgError(f"{len(complete)} units with all of {k} components")
    if k == 1:
        return np.asarray(1 / np.var(complete, axis=0, ddof=1), dtype=float)
    matrix = np.cov(complete, rowvar=False)
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all() or np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] < 1e-10:
        raise np.linalg.LinAlgError("a component is a combination of the others")
    return np.asarray(np.linalg.solve(matrix, np.ones(k)), dtype=float)


def weighted_index(*, z: FloatArray, used: BoolArray, by_pattern: bool) -> WeightedIndex:
    """Inverse-covariance weighted index.

    Parameters
    ----------
    z : (n, k) standardized components, NaN where missing. used : (n,) units that estimate the weights.
    by_pattern : weights of a unit from the covariance of its own components, over all units that have these; otherwise one set
        of weights, from the units with all components, scaled to the components at hand.
    """
    observed = np.isfinite(z)
    patterns, code = np.unique(observed, axis=0, return_inverse=True)
    code = code.reshape(-1)
    order = np.argsort(-patterns.sum(axis=1), kind="stable")
    values, rows = np.full(len(z), np.nan), []
    weights = inverse_covariance_weights(z[used])
    for place in order:
        seen = patterns[place]
        row = np.full(z.shape[1], np.nan)
        if seen.any():
            own = inverse_covariance_weights(z[used][:, seen]) if by_pattern and not seen.all() else weights[seen]
            row[seen] = own
            members = code == place
            values[members] = z[members][:, seen] @ own / own.sum()
        rows.append(row)
    counts = np.bincount(code, minlength=len(patterns))[order].astype(np.int64)
    return WeightedIndex(values, weights, patterns[order], np.array(rows), counts)


def mean_index(*, z: FloatArray, arm: IntArray, used: BoolArray) -> FloatArray:
    """(n,) mean of z (n, k), a missing component at the mean of the unit's own arm over the `used` units."""
    filled = z.copy()
    for a in np.unique(arm):
        inside = arm == a
        means = np.array([_mean(z[inside & used, j]) for j in range(z.shape[1])])
        block = filled[inside]
        filled[inside] = np.where(np.isfinite(block), block, means)
    return np.where(np.isfinite(z).any(axis=1), filled.mean(axis=1), np.nan)


def _mean(values: FloatArray) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if len(seen) else float("nan")
