"""Values of people behind a Cox coefficient, corrected for how far each unit pulls the fit towards itself.

The score residuals of a unit (a person, group or cluster) s are shrunk because the unit took part in the fit. With

    G_s = sum over members of integral (x - xbar(t))(x - xbar(t))' dE_i(t),      sum_s G_s = I (the information),

the expected square of U_s = sum of the members' score residuals is about G_s - G_s I^-1 G_s when the model holds, so that

    I^-1/2 (1 - I^-1/2 G_s I^-1/2)^-1/2 I^-1/2 U_s

has the covariance that U_s would have had without the shrinking. This is the correction that CR2 (HC2) makes in least squares, where
G_s = X_s'X_s; there it is exact (Bell & McCaffrey 2002). The baseline hazard has a leverage of its own, that of a constant,
which whoever sums the values adds as 1/(1 - n_s/n). Simulated sizes: docs/calibration/survival.md.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.survival.cox import CoxFit, accumulated, score_residuals, state

FLOOR = 1e-8


def person_information(fit: CoxFit) -> FloatArray:
    """(..., K, K, n) each person's part of the information, integral (x - xbar)(x - xbar)' dE."""
    at, risk, X = state(fit), fit.risk, fit.columns
    K = X.shape[-2]
    exposure = accumulated(risk, at.hazard, at.early)
    moment = accumulated(risk, at.hazard[..., None, :] * at.xbar, at.early[..., None, :] * at.xbar)
    out = np.empty((*exposure.shape[:-1], K, K, exposure.shape[-1]))
    for j in range(K):
        for k in range(j + 1):
            square = at.xbar[..., j, :] * at.xbar[..., k, :]
            both = accumulated(risk, at.hazard * square, at.early * square)
            cross = X[..., j, :] * moment[..., k, :] + X[..., k, :] * moment[..., j, :]
            out[..., j, k, :] = at.r * (X[..., j, :] * X[..., k, :] * exposure - cross + both)
            out[..., k, j, :] = out[..., j, k, :]
    return out


def adjusted_dfbeta(fit: CoxFit, unit: IntArray | None = None) -> FloatArray:
    """(..., K, n) values of people whose sums over units (n,) have their squares summed for the covariance of coef.

    Without `unit` each person is one. Where a unit alone decides a direction its values are zero in that direction.
    """
    scores, parts = score_residuals(fit), person_information(fit)
    K = scores.shape[-2]
    whiten = np.linalg.inv(np.linalg.cholesky(fit.information))
    codes = np.arange(scores.shape[-1]) if unit is None else np.unique(unit, return_inverse=True)[1].reshape(-1)
    if unit is not None:
        order = np.argsort(codes, kind="stable")
        parts = np.add.reduceat(parts[..., order], np.flatnonzero(np.diff(codes[order], prepend=-1)), axis=-1)
    shares = np.einsum("...ij,...jku,...lk->...uil", whiten, parts, whiten, optimize=True)
    free, axes = np.linalg.eigh(np.eye(K) - (shares + np.swapaxes(shares, -1, -2)) / 2)
    root = np.where(free > FLOOR, 1 / np.sqrt(np.where(free > FLOOR, free, 1.0)), 0.0)
    adjust = (axes * root[..., None, :]) @ np.swapaxes(axes, -1, -2)
    white = np.einsum("...nij,...jn->...in", adjust[..., codes, :, :], whiten @ scores)
    return np.asarray(np.swapaxes(whiten, -1, -2) @ white)
