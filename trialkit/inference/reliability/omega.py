"""Omega total of one factor, with its gradient in the covariance matrix.

    omega (model) = c^2 / (c^2 + sum psi),   omega (observed) = c^2 / 1'S1,   c = sum lambda                     McDonald (1999)

lambda and psi solve slope(theta, S) = 0, so that d theta = -H^-1 (d slope / d S) dS with H the Hessian of the discrepancy: the gradient
holds when the one-factor model does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.one_factor import one_factor


@dataclass(frozen=True, slots=True)
class Omega:
    """One sample, NaN throughout when the model did not converge; n times `discrepancy` is the chi-square of one factor."""

    model: float
    observed: float
    loadings: FloatArray
    residuals: FloatArray
    gradient: FloatArray
    gradient_observed: FloatArray
    discrepancy: float
    converged: bool
    heywood: bool


def omega(s: FloatArray) -> Omega:
    """Omega of one covariance matrix (p, p), p at least 3."""
    found = one_factor(s[None])
    lam, psi = found.loadings[0], found.residuals[0]
    p = len(s)
    if not found.converged[0]:
        nothing = np.full((p, p), np.nan)
        return Omega(np.nan, np.nan, lam, psi, nothing, nothing, np.nan, False, False)
    lam, psi = _polished(lam, psi, s)
    w = _inverse(lam, psi)
    hessian = _hessian(lam, w, s)
    common, rest, total = float(lam.sum()), float(psi.sum()), float(s.sum())
    implied = common**2 + rest
    model = np.concatenate([np.full(p, 2 * common * rest / implied**2), np.full(p, -(common**2) / implied**2)])
    observed = np.concatenate([np.full(p, 2 * common / total), np.zeros(p)])
    return Omega(
        common**2 / implied,
        common**2 / total,
        lam,
        psi,
        _gradient(model, hessian, lam, w),
        _gradient(observed, hessian, lam, w) - common**2 / total**2,
        float(found.discrepancy[0]),
        True,
        bool(found.heywood[0]),
    )


def _inverse(lam: FloatArray, psi: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(np.outer(lam, lam) + np.diag(psi)))


def _slope(lam: FloatArray, psi: FloatArray, s: FloatArray) -> FloatArray:
    """First derivatives of log|Sigma| + tr(S Sigma^-1) in (lambda, psi)."""
    w = _inverse(lam, psi)
    g = w - w @ s @ w
    return np.concatenate([2 * g @ lam, np.diag(g)])


def _polished(lam: FloatArray, psi: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps from the fit of the batch (six digits) to the last digits, taken while they flatten the slope."""
    p = len(lam)
    slope = _slope(lam, psi, s)
    for _ in range(3):
        try:
            move = np.linalg.solve(_hessian(lam, _inverse(lam, psi), s), slope)
            tried = _slope(lam - move[:p], psi - move[p:], s)
        except np.linalg.LinAlgError:
            break
        if not np.abs(tried).max() < np.abs(slope).max():
            break
        lam, psi, slope = lam - move[:p], psi - move[p:], tried
    return lam, psi


def _hessian(lam: FloatArray, w: FloatArray, s: FloatArray) -> FloatArray:
    """Second derivatives of log|Sigma| + tr(S Sigma^-1) in (lambda, psi)."""
    p = len(lam)
    wsw = w @ s @ w
    g = w - wsw
    out = np.empty((2 * p, 2 * p))
    for i in range(p):
        unit = np.zeros(p)
        unit[i] = 1.0
        for column, change in ((i, np.outer(unit, lam) + np.outer(lam, unit)), (p + i, np.diag(unit))):
            moved = -w @ change @ w + w @ change @ wsw + wsw @ change @ w
            out[:p, column] = 2 * moved @ lam + (2 * g @ unit if column < p else 0.0)
            out[p:, column] = np.diag(moved)
    return (out + out.T) / 2


def _gradient(of_theta: FloatArray, hessian: FloatArray, lam: FloatArray, w: FloatArray) -> FloatArray:
    """d f / d S through the loadings and residual variances."""
    p = len(lam)
    try:
        v = np.linalg.solve(hessian, of_theta)
    except np.linalg.LinAlgError:
        return np.full((p, p), np.nan)
    inner = np.outer(lam, v[:p]) + np.outer(v[:p], lam) + np.diag(v[p:])
    return np.asarray(w @ inner @ w)
