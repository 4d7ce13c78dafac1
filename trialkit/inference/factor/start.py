"""Starting values: each factor by principal axes of its own items, factor covariances from weighted sums of the items."""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.likelihood import Matrices
from trialkit.inference.factor.model import FACTOR, INTERCEPT, LOADING, MEAN, RESIDUAL, Layout

_SWEEPS = 20
_LEAST_RESIDUAL = 0.1
_MOST_CORRELATION = 0.85


def starting_values(lay: Layout, mean: FloatArray, cov: FloatArray) -> FloatArray:
    """Free numbers near the maximum; repeats of a label get the mean of what their places suggest."""
    suggested = np.zeros(len(lay.kind))
    for g in range(lay.n_groups):
        at = _group_start(lay, cov[g], g)
        k = lay.group == g
        for kind, source in ((LOADING, at.loadings[0]), (RESIDUAL, at.residuals[0]), (FACTOR, at.factors[0])):
            here = k & (lay.kind == kind)
            suggested[here] = source[lay.row[here], lay.col[here]]
        here = k & (lay.kind == INTERCEPT)
        suggested[here] = mean[g][lay.row[here]]
        suggested[k & (lay.kind == MEAN)] = 0.0
    counts = lay.select(np.ones(len(lay.kind)))
    return lay.select(suggested) / counts


def _group_start(lay: Layout, cov: FloatArray, g: int) -> Matrices:
    p, m = lay.n_items, lay.n_factors
    here = (lay.group == g) & (lay.kind == LOADING)
    loadings, weights = np.zeros((p, m)), np.zeros((p, m))
    claimed = np.zeros(p, dtype=bool)
    scale = np.ones(m)
    for f in range(m):
        items = lay.row[here & (lay.col == f)]
        values = _principal_axis(cov[np.ix_(items, items)])
        # An item of two factors begins on the first.
        loadings[items, f] = np.where(claimed[items], 0.0, values)
        rest = np.maximum(np.diag(cov)[items] - values**2, _LEAST_RESIDUAL * np.diag(cov)[items])
        weights[items, f] = values / rest / max(float(np.sum(values**2 / rest)), 1e-12)
        claimed[items] = True
    correlation = np.clip(weights.T @ cov @ weights, -_MOST_CORRELATION, _MOST_CORRELATION)
    np.fill_diagonal(correlation, 1.0)
    for f in range(m):
        scale[f] = _unit_of(lay, loadings, g, f)
    factors = correlation * np.outer(scale, scale)
    least = np.linalg.eigvalsh(correlation).min() if m else 1.0
    if least < 0.05:
        factors = np.diag(scale**2)
    explained = np.einsum("if,fh,ih->i", loadings / scale, factors, loadings / scale)
    residual = np.diag(np.maximum(np.diag(cov) - explained, _LEAST_RESIDUAL * np.diag(cov)))
    return Matrices((loadings / scale)[None], residual[None], factors[None], np.zeros((1, p)), np.zeros((1, m)))


def _unit_of(lay: Layout, loadings: FloatArray, g: int, f: int) -> float:
    """What a factor of variance 1 is multiplied by so that a fixed loading has its value."""
    fixed = (lay.group == g) & (lay.kind == LOADING) & (lay.col == f) & ~lay.free & (lay.value != 0)
    for i, value in zip(lay.row[fixed], lay.value[fixed]):
        size = loadings[i, f] / value
        typical = max(float(np.abs(loadings[:, f]).max()), 1e-6)
        return float(np.sign(size) or 1.0) * max(abs(float(size)), 0.1 * typical)
    return 1.0


def _principal_axis(cov: FloatArray) -> FloatArray:
    """Loadings of one factor on these items, most of them positive."""
    sd = np.sqrt(np.diag(cov))
    r = cov / np.outer(sd, sd)
    if len(r) == 1:
        return sd * 0.8
    shared = np.max(np.abs(r - np.eye(len(r))), axis=1)
    values = np.zeros(len(r))
    for _ in range(_SWEEPS):
        sizes, vectors = np.linalg.eigh(r - np.diag(1 - shared))
        values = vectors[:, -1] * np.sqrt(max(sizes[-1], 1e-4))
        shared = np.clip(values**2, 0.05, 1 - _LEAST_RESIDUAL)
    values *= 1.0 if values.sum() >= 0 else -1.0
    return np.clip(values, -0.95, 0.95) * sd
