"""Degrees of freedom of a robust standard error, by Satterthwaite's moments.

A contrast c'b has variance estimate sum_s (u_s' e_s)^2, with u = U c the adjusted influence values of covariance.py. When the
errors have covariance O, this is a quadratic form with matrix G_st = p_s' O p_t, p_s = (I - H)_s' u_s, and

    df = (sum_s G_ss)^2 / sum_st G_st^2.

- O = I gives the Bell-McCaffrey df ("independence"), as in estimatr and clubSandwich.
- With groups in one arm the single controls inflate that df. The default there takes O from the fitted one-arm grouped model:
  a group variance in the grouped arms and a residual variance by arm ("working").

Only r x r products are formed. Source: Bell & McCaffrey (2002); Imbens & Kolesar (2016); Pustejovsky & Tipton (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.linear.covariance import Covariance
from trialkit.inference.linear.least_squares import LeastSquares


@dataclass(frozen=True, slots=True)
class WorkingCovariance:
    """Errors with variance `resid` per row and, within a cluster, an added covariance `group` for all its pairs.

    Both are given per row in the order of the data: `resid` (n,) and `group` (n,), the latter constant in a cluster.
    """

    resid: FloatArray
    group: FloatArray

    def times(self, values: FloatArray, clusters: Clusters) -> FloatArray:
        """O values for values (n, m) in cluster order."""
        resid, group = self.resid[clusters.order], self.group[clusters.order]
        totals = np.repeat(clusters.sum(values), clusters.sizes, axis=0)
        return resid[:, None] * values + group[:, None] * totals


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean of the variance estimate under the working covariance, and its Satterthwaite df."""

    mean: float
    df: float


def satterthwaite(
    fit: LeastSquares,
    cov: Covariance,
    contrast: FloatArray,
    working: WorkingCovariance | None = None,
) -> Moments:
    """Satterthwaite moments of the variance of contrast'b, contrast of length r (the columns kept).

    Raises ValueError for kinds without adjusted influence values or for batched fits.
    """
    if cov.influence is None or cov.influence.ndim != 2:
        raise ValueError(f"no Satterthwaite moments for {cov.kind}")
    clusters = cov.clusters if cov.clusters is not None else _singletons(fit.X.shape[0])
    u = cov.influence @ contrast
    own = u[:, None] if working is None else working.times(u[:, None], clusters)
    # an orthonormal basis in place of X, with M = I: a covariate far from its origin then costs no digits
    root = np.ones((len(u), 1)) if fit.weights is None else np.sqrt(fit.weights[clusters.order])[:, None]
    X, WX = fit.q[clusters.order] / root, fit.q[clusters.order] * root
    OWX = WX if working is None else working.times(WX, clusters)
    one = np.eye(X.shape[1])
    # G_st = [s = t] u_s'O u_s - (OWX)_s-side terms, written on 2r columns: G = diag(alpha) + Z K Z'
    left = clusters.sum(X * u[:, None])
    right = clusters.sum(WX * own)
    alpha = clusters.sum(u[:, None] * own)[:, 0]
    K = np.block([[WX.T @ OWX, -one], [-one, np.zeros_like(one)]])
    Z = np.concatenate([left, right], axis=1)
    diagonal = np.einsum("si,ij,sj->s", Z, K, Z)
    cross = K @ (Z.T @ Z)
    squares = float(np.sum(alpha**2) + 2 * np.sum(alpha * diagonal) + np.sum(cross * cross.T))
    mean = float(np.sum(alpha + diagonal))
    return Moments(mean, mean**2 / squares if squares > 0 else float("nan"))


def _singletons(n: int) -> Clusters:
    rows = np.arange(n, dtype=np.int64)
    return Clusters(rows, rows, np.ones(n, dtype=np.int64))
