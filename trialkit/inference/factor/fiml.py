"""Data with missing items: patterns of observed items, the saturated moments by EM, each person's score.

EM for the mean and covariance of a normal sample with missing items: with W = Sigma_oo^-1 padded by zeros and R = Sigma W,
E[x - mu] = R d and E[(x - mu)(x - mu)'] = R T R' + Sigma - R Sigma, summed over patterns.
Source: Little & Rubin (2019), Statistical Analysis with Missing Data, sec. 11.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.factor.likelihood import Matrices, Moments, Point, evaluate_moments, jacobian
from trialkit.inference.factor.model import Layout

_EM_TOLERANCE = 1e-9
_MOST_EM = 5000
_BLOCK_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Saturated:
    """Moments without a model, by group.

    Attributes
    ----------
    mean, cov : (groups, p) and (groups, p, p), divisor n.
    value : minus the log-likelihood, same constant as `Point.value`.
    converged : whether EM reached its tolerance (always, without missing items).
    """

    mean: FloatArray
    cov: FloatArray
    value: float
    converged: bool


def moments(x: FloatArray, group: IntArray | None = None) -> Moments:
    """Moments by group and pattern; NaN = missing. Rows without any item must be dropped before."""
    g = np.zeros(len(x), dtype=np.int64) if group is None else group
    return _with_patterns(x, g)[0]


def pattern_of_rows(x: FloatArray, group: IntArray | None = None) -> IntArray:
    """Position in `moments(x, group)` of each row."""
    g = np.zeros(len(x), dtype=np.int64) if group is None else group
    return _with_patterns(x, g)[1]


def _with_patterns(x: FloatArray, group: IntArray) -> tuple[Moments, IntArray]:
    seen = ~np.isnan(x)
    found, codes = np.unique(np.column_stack([group, seen]), axis=0, return_inverse=True)
    codes = codes.reshape(-1).astype(np.int64)
    observed = found[:, 1:].astype(bool)
    n = np.bincount(codes).astype(float)
    mean, cov = np.zeros(observed.shape), np.zeros((*observed.shape, observed.shape[1]))
    filled = np.where(seen, x, 0.0)
    np.add.at(mean, codes, filled)
    mean /= n[:, None]
    centred = np.where(seen, filled - mean[codes], 0.0)
    order = np.argsort(codes, kind="stable")
    for o, rows in enumerate(np.split(order, np.cumsum(n).astype(int)[:-1])):
        cov[o] = centred[rows].T @ centred[rows] / n[o]
    return Moments(found[:, 0].astype(np.int64), n, observed, mean, cov), codes


def moments_from_covariances(cov: FloatArray, n: FloatArray, mean: FloatArray | None = None) -> Moments:
    """Complete-data moments of groups: cov (groups, p, p) with divisor n, n (groups,), mean (groups, p)."""
    groups, p = cov.shape[:2]
    centre = np.zeros((groups, p)) if mean is None else mean
    return Moments(np.arange(groups, dtype=np.int64), n.astype(float), np.ones((groups, p), dtype=bool), centre, cov)


def saturated(data: Moments) -> Saturated:
    """Means and covariances of each group without a model, by EM where items are missing."""
    if data.complete:
        return Saturated(data.mean, data.cov, _value(data.mean, data.cov, data), True)
    mean, cov = _available_moments(data)
    last = np.inf
    for step in range(_MOST_EM):
        point = _point(mean, cov, data)
        if point is None or (step > 5 and abs(last - point.value) < _EM_TOLERANCE):
            return Saturated(mean, cov, np.nan if point is None else point.value, point is not None)
        last = point.value
        mean, cov = _em_step(mean, cov, data, point)
    return Saturated(mean, cov, last, False)


def _em_step(mean: FloatArray, cov: FloatArray, data: Moments, point: Point) -> tuple[FloatArray, FloatArray]:
    """mu + Sigma u/N and Sigma - Sigma (sum n G) Sigma / N, less the square of the shift."""
    n = data.group_n
    shift = np.einsum("gij,gj->gi", cov, point.lift) / n[:, None]
    new = cov - cov @ point.slope @ cov / n[:, None, None] - shift[:, :, None] * shift[:, None, :]
    return mean + shift, (new + new.swapaxes(1, 2)) / 2


def _available_moments(data: Moments) -> tuple[FloatArray, FloatArray]:
    """Means and variances of the people who answered each item: where EM begins, and the maximum without covariances."""
    groups, p = data.n_groups, data.mean.shape[1]
    count, total, square = (np.zeros((groups, p)) for _ in range(3))
    np.add.at(count, data.group, data.n[:, None] * data.observed)
    np.add.at(total, data.group, data.n[:, None] * data.mean)
    np.add.at(square, data.group, data.n[:, None] * (np.einsum("oii->oi", data.cov) + data.mean**2))
    mean = total / count
    return mean, (square / count - mean**2)[:, :, None] * np.eye(p)


def independent(data: Moments) -> Saturated:
    """Means and variances of each group with all covariances zero: the baseline model."""
    mean, cov = _available_moments(data)
    return Saturated(mean, cov, _value(mean, cov, data), True)


def _point(mean: FloatArray, cov: FloatArray, data: Moments) -> Point | None:
    groups, p = mean.shape
    at = Matrices(np.zeros((groups, p, 0)), cov, np.zeros((groups, 0, 0)), mean, np.zeros((groups, 0)))
    return evaluate_moments(at, data, True)


def _value(mean: FloatArray, cov: FloatArray, data: Moments) -> float:
    point = _point(mean, cov, data)
    return np.nan if point is None else point.value


def person_scores(lay: Layout, x: FloatArray, group: IntArray, pattern: IntArray, point: Point) -> FloatArray:
    """Derivative of each person's log-likelihood to the free numbers, shape (n, free)."""
    d_sigma, d_mu = jacobian(lay, point.matrices)
    flat = d_sigma.reshape(len(d_sigma), -1)
    out = np.zeros((len(x), len(lay.kind)))
    centre = point.matrices.mu if lay.mean_structure else _group_means(x, group, lay.n_groups)
    p = lay.n_items
    size = max(1, _BLOCK_CELLS // (p * p))
    for g in range(lay.n_groups):
        k = np.flatnonzero(lay.group == g)
        rows = np.flatnonzero(group == g)
        for block in np.split(rows, range(size, len(rows), size)):
            w = point.inverse[pattern[block]]
            d = np.nan_to_num(x[block] - centre[g], nan=0.0)
            v = np.einsum("nij,nj->ni", w, d)
            pull = 0.5 * (v[:, :, None] * v[:, None, :] - w).reshape(len(block), -1)
            out[np.ix_(block, k)] = pull @ flat[k].T + (v @ d_mu[k].T if lay.mean_structure else 0.0)
    return lay.select(out)


def _group_means(x: NDArray[np.float64], group: IntArray, n_groups: int) -> FloatArray:
    return np.array([np.nanmean(x[group == g], axis=0) for g in range(n_groups)])
