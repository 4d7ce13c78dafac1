"""Covariance of least-squares coefficients: classical, HC0-HC3 and, by cluster, CR0-CR3.

Each estimator is written as adjusted influence values U (n, r): row i of cluster s holds (A_s W_s X_s M)_i with
M = (X'WX)^-1, so that the covariance is the sum over clusters of (U_s' e_s)(U_s' e_s)', and the same U gives the Satterthwaite
degrees of freedom (small_sample.py). With B_s the diagonal block of (I-H)(I-H)':

- CR0: A_s = I; CR1: CR0 times S/(S-1) (N-1)/(N-K); CR2: A_s = B_s^{+1/2} (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018);
  CR3: A_s = (I - H_ss)^-1.
- HC0-HC3 are the same with every row a cluster of one (MacKinnon & White 1985), HC1 with N/(N-K).

Weighted fits use the working model of equal variances ("inverse_var = FALSE" in clubSandwich's words). Nothing larger than
r x r is decomposed per cluster in the unweighted case, so 2,000 clusters of any size cost as much as 2,000 small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.linear.least_squares import LeastSquares

CovarianceKind = Literal["classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3"]
KINDS: tuple[str, ...] = get_args(CovarianceKind)
EIGENVALUE_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Covariance:
    """Covariance matrix of the coefficients kept in the fit.

    Attributes
    ----------
    matrix : (..., r, r).
    influence : (..., n, r) adjusted influence values in the order of `clusters` (rows as given when there are none), or
        None for 'classical'.
    kind, clusters : how it was made.
    n_full_leverage : rows (or clusters) fitted exactly in some direction, which add nothing to HC2, HC3 (CR2, CR3).
    """

    matrix: FloatArray
    influence: FloatArray | None
    kind: CovarianceKind
    clusters: Clusters | None
    n_full_leverage: int = 0


def covariance(fit: LeastSquares, kind: CovarianceKind, clusters: Clusters | None = None) -> Covariance:
    """Covariance of `fit`'s coefficients; `clusters` is needed for CR kinds and ignored by none."""
    if kind == "classical":
        sigma2 = fit.rss / fit.df_resid
        return Covariance(np.asarray(sigma2)[..., None, None] * fit.bread, None, kind, None)
    if kind.startswith("HC"):
        return _heteroscedastic(fit, kind)
    if clusters is None:
        raise ValueError(f"{kind} needs clusters")
    if clusters.count < 2:
        raise ValueError("one cluster: nothing varies between clusters")
    influence = _cluster_influence(fit, kind, clusters)
    scores = clusters.sum(influence * fit.residuals[..., clusters.order, None])
    matrix = np.swapaxes(scores, -1, -2) @ scores
    full = _full_leverage(fit, clusters) if kind in ("CR2", "CR3") and fit.q.ndim == 2 else 0
    return Covariance(_symmetric(matrix), influence, kind, clusters, full)


def _heteroscedastic(fit: LeastSquares, kind: CovarianceKind) -> Covariance:
    free = 1.0 - fit.leverage
    full = free <= 1e-10
    safe = np.where(full, 1.0, free)
    if kind == "HC2":
        factor = np.where(full, 0.0, 1.0 / np.sqrt(safe))
    elif kind == "HC3":
        factor = np.where(full, 0.0, 1.0 / safe)
    else:
        n = fit.residuals.shape[-1]
        factor = np.full_like(free, np.sqrt(n / fit.df_resid) if kind == "HC1" else 1.0)
    root = factor if fit.weights is None else factor * np.sqrt(fit.weights)
    # sums on the orthonormal basis are r x r before they are rotated: half the passes over n of working on X itself
    scored = fit.q * (root * fit.residuals)[..., None]
    meat = np.swapaxes(scored, -1, -2) @ scored
    matrix = fit.rotation @ meat @ np.swapaxes(fit.rotation, -1, -2)
    influence = (fit.q * root[..., None]) @ np.swapaxes(fit.rotation, -1, -2)
    dropped = int(full.sum()) if kind in ("HC2", "HC3") else 0
    return Covariance(_symmetric(matrix), influence, kind, None, dropped)


def _cluster_influence(fit: LeastSquares, kind: CovarianceKind, clusters: Clusters) -> FloatArray:
    """U = A W X M in cluster order."""
    if kind in ("CR0", "CR1"):
        plain = _plain_influence(fit)[..., clusters.order, :]
        if kind == "CR0":
            return plain
        n, s = fit.residuals.shape[-1], clusters.count
        return plain * np.sqrt(s / (s - 1) * (n - 1) / fit.df_resid)
    power = -0.5 if kind == "CR2" else -1.0
    if fit.weights is None:
        return _gram_influence(fit, clusters, power)
    if kind == "CR3":  # I - H_ss = W^-1/2 (I - Q_s Q_s') W^1/2, so that W_s drops out of its inverse but for a root
        return np.asarray(np.sqrt(fit.weights[clusters.order])[:, None] * _gram_influence(fit, clusters, power))
    return _weighted_influence(fit, clusters)


def _full_leverage(fit: LeastSquares, clusters: Clusters) -> int:
    q = fit.q[clusters.order]
    grams = clusters.gram(q, q)
    if not (np.trace(grams, axis1=-2, axis2=-1) >= 1 - 1e-10).any():
        return 0
    return int((np.linalg.eigvalsh(grams)[:, -1] >= 1 - 1e-10).sum())


def exactly_fitted(fit: LeastSquares, cov: Covariance, contrast: FloatArray) -> int:
    """How many of the clusters in `n_full_leverage` count in contrast'b, contrast of length r (the columns kept).

    A cluster that is fitted exactly in a direction v of the orthonormal basis hides what the contrast loads on v. A person with an indicator of
    their own is fitted exactly too, but has no load in the contrasts of other columns: nothing of their variance is hidden.
    """
    if cov.clusters is None or not cov.n_full_leverage:
        return 0
    q = fit.q[cov.clusters.order]
    values, vectors = np.linalg.eigh(cov.clusters.gram(q, q))
    load = fit.rotation.T @ contrast
    hidden = np.where(values >= 1 - 1e-10, (np.swapaxes(vectors, -1, -2) @ load) ** 2, 0.0).sum(axis=-1)
    return int((hidden > 1e-12 * float(load @ load)).sum())


def _plain_influence(fit: LeastSquares) -> FloatArray:
    root = 1.0 if fit.weights is None else np.sqrt(fit.weights)[:, None]
    return (fit.q * root) @ np.swapaxes(fit.rotation, -1, -2)


def _gram_influence(fit: LeastSquares, clusters: Clusters, power: float) -> FloatArray:
    """A_s Q_s = Q_s (I - Q_s'Q_s)^power, because A_s acts as the identity outside the column space of Q_s."""
    q = fit.q[..., clusters.order, :]
    rotation = np.swapaxes(fit.rotation, -1, -2)
    out = np.empty(np.broadcast_shapes(q.shape, (*rotation.shape[:-2], q.shape[-2], rotation.shape[-1])))
    single = np.repeat(clusters.sizes == 1, clusters.sizes)
    if single.any():
        rows = q[..., single, :]
        free = 1.0 - np.einsum("...ij,...ij->...i", rows, rows)
        out[..., single, :] = (rows * _power(free, power)[..., None]) @ rotation
    several = np.flatnonzero(clusters.sizes > 1)
    if len(several):
        rows = q[..., ~single, :]
        sub = _subset(clusters, several)
        adjust = _matrix_power(np.eye(q.shape[-1]) - sub.gram(rows, rows), power)
        per_cluster = adjust @ rotation[..., None, :, :]
        out[..., ~single, :] = _row_times_cluster(rows, per_cluster, sub)
    return out


def _weighted_influence(fit: LeastSquares, clusters: Clusters) -> FloatArray:
    """CR2: B_s = I + F_s K F_s' with F_s = [X_s, W_s X_s]; A_s = I + O_s (f(T_s) - I) O_s' on an orthonormal basis O_s of F_s."""
    assert fit.weights is not None
    if fit.X.ndim > 2:
        raise ValueError("weighted CR2 takes one design at a time")
    root = np.sqrt(fit.weights[clusters.order])[:, None]
    X, WX = fit.q[clusters.order] / root, fit.q[clusters.order] * root  # an orthonormal basis in place of X: M = I
    one = np.eye(X.shape[1])
    middle = np.block([[WX.T @ WX, -one], [-one, np.zeros_like(one)]])
    out = np.empty_like(X)
    for size in np.unique(clusters.sizes):
        rows = clusters.starts[clusters.sizes == size][:, None] + np.arange(size)
        x, wx = X[rows], WX[rows]
        basis, upper = np.linalg.qr(np.concatenate([x, wx], axis=-1))
        inner = upper @ middle @ np.swapaxes(upper, -1, -2)
        shrink = _matrix_power(np.eye(inner.shape[-1]) + inner, -0.5) - np.eye(inner.shape[-1])
        out[rows] = wx + basis @ (shrink @ (np.swapaxes(basis, -1, -2) @ wx))
    return out @ fit.rotation.T


def _subset(clusters: Clusters, which: np.ndarray) -> Clusters:
    sizes = clusters.sizes[which]
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    return Clusters(np.arange(int(sizes.sum()), dtype=np.int64), starts, sizes)


def _row_times_cluster(rows: FloatArray, matrices: FloatArray, clusters: Clusters) -> FloatArray:
    """rows_i' matrix_{s(i)} for sorted rows (..., n, k) and (..., S, k, m)."""
    n, m = rows.shape[-2], matrices.shape[-1]
    out = np.zeros((*np.broadcast_shapes(rows.shape[:-2], matrices.shape[:-3]), n, m))
    for k in range(rows.shape[-1]):
        out += rows[..., k, None] * np.repeat(matrices[..., k, :], clusters.sizes, axis=-2)
    return out


def _power(values: FloatArray, power: float) -> FloatArray:
    positive = values > EIGENVALUE_FLOOR
    return np.where(positive, np.where(positive, values, 1.0) ** power, 0.0)


def _matrix_power(matrices: FloatArray, power: float) -> FloatArray:
    """Symmetric pseudo-power: eigenvalues at or below 1e-12 become zero."""
    values, vectors = np.linalg.eigh(_symmetric(matrices))
    return (vectors * _power(values, power)[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def _symmetric(matrix: FloatArray) -> FloatArray:
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2
