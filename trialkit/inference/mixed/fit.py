"""A linear mixed model fitted by REML, whatever kernel fitted it, and what small-sample inference takes from it.

y = Xb + e with Var(e) = V(theta) = sum_p theta_p V_p. Phi = (X'V^-1 X)^-1 is the covariance of b at the fitted theta;

    F_p = X'V^-1 V_p V^-1 X  (so that dPhi/dtheta_p = Phi F_p Phi),   Q_pq = X'V^-1 V_p V^-1 V_q V^-1 X.

All matrices are on an orthonormal basis of X and for the outcome in units of its residual SD, so that units of measurement cost no
digits: X = basis R, b = rotation times the coefficients on the basis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A REML fit; leading axes (replicates) come first throughout.

    Attributes
    ----------
    coef : (..., k) fixed effects. theta : (..., P) variances, in squared units of the outcome.
    random : (P,) True for variances of random effects, False for residual variances.
    deviance : (...) -2 restricted log likelihood, with its constant (n - k) log(2 pi).
    phi : (..., k, k) covariance of the coefficients on the basis. rotation : (..., k, k) from the basis to X. unit : (...) residual SD.
    first : (..., P, k, k) F_p. second : (..., P, P, k, k) Q_pq, or None where it was not asked for.
    observed, expected : (..., P, P) Hessian of -l_R in theta / unit^2, and its expectation.
    at_limit : (..., P) a variance whose maximum lies on its lower limit: it is held at 0.
    limit_df : (..., P) for a variance at its limit, the units of that random effect beyond the fixed effects between them: the df
        that contrasts which rest on it have at most.
    converged : (...) the gradient is small and the Hessian positive definite where theta is free.
    """

    coef: FloatArray
    theta: FloatArray
    random: BoolArray
    deviance: FloatArray
    phi: FloatArray
    rotation: FloatArray
    unit: FloatArray
    first: FloatArray
    second: FloatArray | None
    observed: FloatArray
    expected: FloatArray
    at_limit: BoolArray
    limit_df: FloatArray
    converged: BoolArray
    iterations: IntArray

    @property
    def covariance(self) -> FloatArray:
        """(..., k, k) of the fixed effects."""
        turned = self.rotation @ self.phi @ np.swapaxes(self.rotation, -1, -2)
        return np.asarray(turned * np.asarray(self.unit)[..., None, None] ** 2)

    def on_basis(self, contrasts: FloatArray) -> FloatArray:
        """(..., m, k) contrasts (m, k) of b as contrasts of the coefficients on the basis."""
        return np.asarray(contrasts @ self.rotation)

    def inverse_information(self, hessian: FloatArray) -> FloatArray:
        """(..., P, P) inverse in the free parameters, 0 elsewhere."""
        free = ~self.at_limit
        both = free[..., :, None] & free[..., None, :]
        filled = np.where(both, hessian, np.eye(hessian.shape[-1]))
        return np.where(both, np.linalg.inv(filled), 0.0)


@dataclass(frozen=True, slots=True)
class Contrasts:
    """(..., m) estimates of contrasts with their standard errors and degrees of freedom; NaN where there is none."""

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray


def contrasts_of(
    fit: MixedFit, contrasts: FloatArray, *, variance: FloatArray, spread: FloatArray, slopes: FloatArray, adjusted: FloatArray
) -> Contrasts:
    """Contrasts (m, k) with the df 2 variance^2 / spread and the standard error of `adjusted`, all (..., m), on the basis.

    Where the variance depends (slopes (..., m, P)) on one held at its limit, df is at most `limit_df`. A fit that did not converge
    gives NaN, never a number.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(spread > 0, 2 * variance**2 / spread, np.nan)
        std_error = np.sqrt(adjusted) * np.asarray(fit.unit)[..., None]
    total = np.abs(slopes).sum(axis=-1, keepdims=True)
    rests = fit.at_limit[..., None, :] & (np.abs(slopes) > 1e-10 * total)
    caps = np.where(rests, fit.limit_df[..., None, :], np.inf).min(axis=-1)
    good = np.asarray(fit.converged)[..., None]
    estimate = np.einsum("...k,mk->...m", fit.coef, contrasts)
    return Contrasts(*(np.where(good, value, np.nan) for value in (estimate, std_error, np.minimum(df, caps))))


def units_beyond_fixed(X: FloatArray, unit: IntArray) -> float:
    """Units (codes (n,), -1 for none) less the columns of X that are constant within all of them; at least 1."""
    order = np.argsort(unit, kind="stable")
    order = order[unit[order] >= 0]
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))
    low, high = np.minimum.reduceat(X[order], starts), np.maximum.reduceat(X[order], starts)
    constant = low[:, np.asarray((low == high).all(axis=0))]
    return float(max(len(starts) - (np.linalg.matrix_rank(constant) if constant.size else 0), 1))
