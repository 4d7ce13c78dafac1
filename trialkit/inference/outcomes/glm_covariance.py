"""Sandwich covariances of generalized linear models: HC0-HC3 and CR0-CR3, with the moments of small_sample.py.

At its solution the fit is a regression of Pearson residuals e = sqrt(w/V) (y - mu) on Z = sqrt(w V) X: X'w(y - mu) = Z'e and
X'WX = Z'Z. On that whitened scale covariance.py gives HC0-HC3 (with the leverages of the weighted hat matrix), CR0, CR1 and CR3, and the
working model of equal, independent errors is the model's own variance, so that small_sample.py gives Satterthwaite's df.

CR2 takes its root on the scale of the response, as clubSandwich does: with t = V/w the working variances, T = diag(t), H the whitened
hat matrix,

    A_s = T^{1/2} [T (I - H_ss) T]^{-1/2} T^{1/2},   U_s = A_s w X_s (X'WX)^-1,   V = sum_s U_s'(y - mu)_s (y - mu)_s' U_s,

which differs from the root on the whitened scale where t varies within a cluster (Pustejovsky & Tipton 2018; Bell & McCaffrey 2002). That
takes a decomposition as large as the cluster; clusters of more than 1,500 rows take the whitened root, from which they differ by the
order of their leverages.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.linear.covariance import EIGENVALUE_FLOOR, Covariance, CovarianceKind, covariance
from trialkit.inference.linear.least_squares import LeastSquares
from trialkit.inference.outcomes.glm import Glm

LARGE = 1_500


def whitened(fit: Glm) -> LeastSquares:
    """The regression whose scores and information are those of the fit; its coefficients are the fit's."""
    loads = fit.variance if fit.weights is None else fit.weights * fit.variance
    root = np.sqrt(loads)
    Z = fit.X * root[..., None]
    prior = 1.0 if fit.weights is None else np.sqrt(fit.weights)
    residuals = np.divide(prior * (fit.y - fit.mu), np.sqrt(fit.variance), out=np.zeros_like(fit.mu), where=fit.variance > 0)
    return LeastSquares(fit.coef, residuals, fit.kept, Z, None, Z @ fit.rotation, fit.bread, fit.rotation, fit.df_resid)


def glm_covariance(fit: Glm, kind: CovarianceKind, clusters: Clusters | None = None) -> tuple[LeastSquares, Covariance]:
    """The whitened regression of a fit and its covariance, of the kinds of `covariance`; 'classical' is the inverse information.

    Raises ValueError without clusters for a CR kind, with one cluster, and for CR2 of a batch.
    """
    regression = whitened(fit)
    if kind == "classical":
        return regression, Covariance(fit.bread, None, kind, None)
    found = covariance(regression, kind, clusters)
    if kind != "CR2" or clusters is None or int(clusters.sizes.max()) == 1:
        return regression, found
    if fit.mu.ndim > 1:
        raise ValueError("CR2 takes one fit at a time")
    assert found.influence is not None
    influence = _response_root(regression, fit, clusters, found.influence)
    scores = clusters.sum(influence * regression.residuals[clusters.order, None])
    matrix = scores.T @ scores
    return regression, Covariance((matrix + matrix.T) / 2, influence, kind, clusters, found.n_full_leverage)


def _response_root(regression: LeastSquares, fit: Glm, clusters: Clusters, plain: FloatArray) -> FloatArray:
    """(n, r) influence values in cluster order on the whitened scale: T [T(I - QQ')T]^{-1/2} Z M; `plain` for large clusters."""
    working = fit.variance if fit.weights is None else fit.variance / fit.weights
    t = working[clusters.order]
    Q = regression.q[clusters.order]
    target = regression.X[clusters.order] @ regression.bread
    out = plain.copy()
    for size in np.unique(clusters.sizes[clusters.sizes <= LARGE]):
        rows = clusters.starts[clusters.sizes == size][:, None] + np.arange(size)
        scale = t[rows] / t[rows].max(axis=1, keepdims=True)
        q = Q[rows]
        middle = scale[:, :, None] * (np.eye(int(size)) - q @ np.swapaxes(q, 1, 2)) * scale[:, None, :]
        values, vectors = np.linalg.eigh((middle + np.swapaxes(middle, 1, 2)) / 2)
        positive = values > EIGENVALUE_FLOOR
        inverse_root = np.where(positive, 1 / np.sqrt(np.where(positive, values, 1.0)), 0.0)
        inner = (vectors * inverse_root[:, None, :]) @ (np.swapaxes(vectors, 1, 2) @ target[rows])
        out[rows] = scale[:, :, None] * inner
    return out
