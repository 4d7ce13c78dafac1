"""Least squares by column-pivoted QR, for one data set or a batch of replicates.

Columns are scaled to unit norm before the factorization, so that the rank does not depend on units of measurement. A column
that is (to a relative 1e-7) a combination of earlier ones is left out and reported: its coefficient is NaN, never a number.

Source: Golub & Van Loan (2013), Matrix Computations, section 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

RANK_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A fitted linear model y = X b + e, weighted by w.

    Leading axes (replicates) come first throughout; r is the rank, K the number of columns given.

    Attributes
    ----------
    coef : (..., K), NaN for columns left out.
    residuals : (..., n), y - X b on the original (unweighted) scale.
    kept : (r,) indices of the columns in the fit.
    X : (..., n, r) the columns in the fit.
    weights : (n,) or None.
    q : (..., n, r) orthonormal basis of sqrt(w) X.
    bread : (..., r, r) (X'WX)^-1.
    rotation : (..., r, r) R^-1 with sqrt(w) X = q R, so bread = rotation rotation'.
    df_resid : n - r.
    """

    coef: FloatArray
    residuals: FloatArray
    kept: IntArray
    X: FloatArray
    weights: FloatArray | None
    q: FloatArray
    bread: FloatArray
    rotation: FloatArray
    df_resid: int

    @property
    def collinear(self) -> BoolArray:
        """(K,) True where a column was left out."""
        out = np.ones(self.coef.shape[-1], dtype=bool)
        out[self.kept] = False
        return out

    @property
    def leverage(self) -> FloatArray:
        """(..., n) diagonal of the weighted hat matrix."""
        return np.einsum("...ij,...ij->...i", self.q, self.q)

    @property
    def rss(self) -> FloatArray:
        """(...) weighted residual sum of squares."""
        e2 = self.residuals**2 if self.weights is None else self.weights * self.residuals**2
        return e2.sum(axis=-1)


def independent_columns(X: FloatArray, tolerance: float = RANK_TOLERANCE) -> IntArray:
    """Indices of columns that are not combinations of earlier ones, for X (n, K) with columns of unit norm or zero.

    The rank comes from a pivoted factorization; which columns to leave out from a second, unpivoted pass, so that the
    earlier column (the arm before a covariate, a covariate before its copy) always stays.
    """
    if X.shape[1] == 0:
        return np.empty(0, dtype=np.int64)
    diagonal = np.abs(np.diag(qr(X, mode="r", pivoting=True)[0]))
    rank = int((diagonal > tolerance * max(diagonal[0], np.finfo(float).tiny)).sum()) if len(diagonal) else 0
    if rank == X.shape[1]:
        return np.arange(rank)
    kept: list[int] = []
    basis = np.empty((X.shape[0], 0))
    for j in range(X.shape[1]):
        rest = X[:, j] - basis @ (basis.T @ X[:, j])
        rest -= basis @ (basis.T @ rest)
        norm = float(np.linalg.norm(rest))
        if norm > tolerance and len(kept) < rank:
            kept.append(j)
            basis = np.column_stack([basis, rest / norm])
    return np.asarray(kept, dtype=np.int64)


def least_squares(*, y: FloatArray, X: FloatArray, weights: FloatArray | None = None) -> LeastSquares:
    """Fit y on X.

    Parameters
    ----------
    y : (..., n) outcomes; leading axes are replicates.
    X : (n, K), shared by all replicates, or (..., n, K), one a replicate. With a batch of X the columns kept are those
        independent in every replicate.
    weights : (n,) positive weights; rows with weight zero must be left out by the caller.
    """
    y = np.asarray(y, dtype=float)
    X = np.asarray(X, dtype=float)
    n, columns = X.shape[-2], X.shape[-1]
    root = None if weights is None else np.sqrt(np.asarray(weights, dtype=float))
    Xw = X if root is None else X * root[:, None]
    scale = np.sqrt(np.einsum("...ij,...ij->...j", Xw, Xw))
    unit = Xw / np.where(scale > 0, scale, 1.0)[..., None, :]
    if X.ndim == 2:
        kept = independent_columns(unit)
    else:
        flat = unit.reshape(-1, n, columns)
        kept = np.arange(columns)
        for replicate in flat[_deficient(flat)]:
            kept = np.intersect1d(kept, independent_columns(replicate))
    q, r = np.linalg.qr(unit[..., kept])
    yw = y if root is None else y * root
    qty = np.einsum("...ij,...i->...j", q, yw)
    identity = np.broadcast_to(np.eye(len(kept)), r.shape)
    inverse = solve_triangular(r, identity) if r.ndim == 2 else np.linalg.solve(r, identity)
    rotation = inverse / scale[..., kept, None]
    beta = np.einsum("...ij,...j->...i", rotation, qty)
    coef = np.full((*beta.shape[:-1], columns), np.nan)
    coef[..., kept] = beta
    used = X[..., kept] if len(kept) < columns else X
    fitted = np.einsum("...ij,...j->...i", used, beta)
    bread = rotation @ np.swapaxes(rotation, -1, -2)
    return LeastSquares(coef, y - fitted, kept, used, weights, q, bread, rotation, n - len(kept))


def _deficient(unit: FloatArray) -> BoolArray:
    """Which replicates of (R, n, K) are near collinear, by the eigenvalues of their K x K cross-products."""
    values = np.linalg.eigvalsh(np.swapaxes(unit, -1, -2) @ unit)
    return np.asarray(values[:, 0] < 1e-10 * values[:, -1])
