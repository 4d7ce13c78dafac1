"""Maximum likelihood of the joint normal model of waves with missing values, for a batch of weightings of the same people (EM).

    y_i = B'x_i + e_i,  e ~ N(0, Sigma).

People with the same waves observed enter through their cross-products alone: with Z = (X, y_obs) the completed waves of the E-step are Z T,
T = [0 | B_mis - B_obs K; I | K], K = Sigma_oo^-1 Sigma_om, so that an iteration costs the same whatever the number of people, and a jackknife of
hundreds of refits runs as one batch (Dempster, Laird & Rubin 1977; Little & Rubin 2019, section 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

ITERATIONS = 2000
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class NormalFit:
    """coef (R, q, J), sigma (R, J, J) with divisor n, converged (R,)."""

    coef: FloatArray
    sigma: FloatArray
    converged: BoolArray


@dataclass(frozen=True, slots=True)
class _Pattern:
    observed: IntArray
    missing: IntArray
    cross: FloatArray
    count: FloatArray


def normal_fit(*, y: FloatArray, X: FloatArray, weights: FloatArray, start: NormalFit | None = None) -> NormalFit:
    """Fit R weightings.

    Parameters
    ----------
    y : (n, J), NaN where missing. X : (n, q) of full rank under every weighting. weights : (R, n), zero for people left out.
    start : a fit of one weighting to start from.

    Raises numpy's LinAlgError where X loses rank under a weighting.
    """
    q, J, R = X.shape[1], y.shape[1], len(weights)
    patterns = _cross_products(y, X, weights)
    gram = np.einsum("rn,na,nb->rab", weights, X, X, optimize=True)
    check_rank(gram)
    total = weights.sum(axis=1)
    mean, scale = np.nanmean(y, axis=0), np.maximum(np.nanvar(y, axis=0), 1e-300)
    if start is None:
        flat = np.linalg.lstsq(X, np.ones(len(X)), rcond=None)[0]
        coef, sigma = np.tile(flat[:, None] * mean, (R, 1, 1)), np.tile(np.diag(scale), (R, 1, 1))
    else:
        coef, sigma = np.repeat(start.coef, R, axis=0), np.repeat(start.sigma, R, axis=0)
    unit = np.sqrt(scale)
    active, converged = np.arange(R), np.zeros(R, dtype=bool)
    for _ in range(ITERATIONS):
        right, squares = np.zeros((len(active), q, J)), np.zeros((len(active), J, J))
        for p in patterns:
            turn, rest = _completion(coef[active], sigma[active], p)
            here = p.cross[active] @ turn
            right += here[:, :q]
            squares += np.swapaxes(turn, 1, 2) @ here
            squares[:, p.missing[:, None], p.missing] += p.count[active][:, None, None] * rest
        new = np.linalg.solve(gram[active], right)
        new_sigma = (squares - np.swapaxes(right, 1, 2) @ new) / total[active][:, None, None]
        change = np.maximum(
            np.abs((new - coef[active]) / unit).max(axis=(1, 2)),
            np.abs((new_sigma - sigma[active]) / np.outer(unit, unit)).max(axis=(1, 2)),
        )
        coef[active], sigma[active] = new, (new_sigma + np.swapaxes(new_sigma, 1, 2)) / 2
        done = change < TOLERANCE
        converged[active[done]] = True
        active = active[~done]
        if not len(active):
            break
    return NormalFit(coef, sigma, converged)


def check_rank(gram: FloatArray) -> None:
    """Raise LinAlgError where a cross-product (R, k, k) is singular but for rounding, which solving would not notice."""
    eigen = np.linalg.eigvalsh(gram)
    if (eigen[:, 0] <= 1e-11 * eigen[:, -1]).any():
        raise np.linalg.LinAlgError("singular under a weighting")


def _completion(coef: FloatArray, sigma: FloatArray, p: _Pattern) -> tuple[FloatArray, FloatArray]:
    """T (R, q + observed, J) of the module's formula, and the conditional covariance of what is missing."""
    R, q, J = coef.shape
    o, m = p.observed, p.missing
    across = sigma[:, o[:, None], m]
    slope = np.linalg.solve(sigma[:, o[:, None], o], across) if len(o) else across
    turn = np.zeros((R, q + len(o), J))
    turn[:, q + np.arange(len(o)), o] = 1.0
    turn[:, :q, m] = coef[:, :, m] - coef[:, :, o] @ slope
    turn[:, q:, m] = slope
    return turn, sigma[:, m[:, None], m] - np.swapaxes(across, 1, 2) @ slope


def _cross_products(y: FloatArray, X: FloatArray, weights: FloatArray) -> list[_Pattern]:
    holes = np.isnan(y)
    kinds, which = np.unique(holes, axis=0, return_inverse=True)
    which = which.reshape(-1)
    out = []
    for k, kind in enumerate(kinds):
        rows = which == k
        o, m = np.flatnonzero(~kind), np.flatnonzero(kind)
        Z = np.column_stack([X[rows], y[rows][:, o]])
        w = weights[:, rows]
        pairs = (Z[:, :, None] * Z[:, None, :]).reshape(len(Z), -1)
        cross = (w @ pairs).reshape(len(weights), Z.shape[1], Z.shape[1])
        out.append(_Pattern(o.astype(np.int64), m.astype(np.int64), cross, w.sum(axis=1)))
    return out
