"""Effects of two linear models whose errors are correlated by rho, which no data can show.

Mediator M ~ 1 + t + X with residual e, outcome Y ~ 1 + t + X + M (+ t M) with residual u, fitted by least squares. Where an unmeasured common cause makes
the errors correlate by rho, the maximum of the likelihood given rho has the same a, and with kappa = rho / sqrt(1 - rho^2) s_u / s_e

    b_t(rho) = b_t - kappa,    c(rho) = c + kappa a,

because e lies in the span of the outcome's columns: the outcome's model then fits Y - kappa e. Hence ACME_t(rho) = a (b_t - kappa), ADE_s(rho) = ADE_s + kappa a, the
total does not move, and the ACME is 0 at rho = b_t / sqrt(b_t^2 + (s_u/s_e)^2), the correlation of the residuals of Y and M given t and X.
Source: Imai, Keele & Yamamoto (2010), Statistical Science 25(1), theorem 4; the solution above does not need their iteration.

With log(s_u/s_e) as a parameter of its own the delta method counts its sampling error too; with that held fixed it gives the variance of generalized least
squares with a known covariance of the errors.
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray

SHIFTED = ("acme_control", "acme_treated", "acme", "ade_control", "ade_treated", "ade", "total")


def shift(*, rho: FloatArray, log_ratio: float) -> FloatArray:
    """kappa at correlations rho (R,), log_ratio = log(s_u / s_e)."""
    return np.asarray(rho / np.sqrt(1 - rho**2) * np.exp(log_ratio))


def shifted_effects(*, paths: FloatArray, log_ratio: float, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(R, 7) effects in the order of `SHIFTED` and (R, 7, 6) their derivatives by [m0, a, b0, b1, c, log_ratio].

    `paths` (5,) are m0, a, b0, b1 and c of `trialkit.inference.mediation.effects.linear_means`.
    """
    m0, a, b0, b1, c = paths
    kappa = shift(rho=rho, log_ratio=log_ratio)
    effects = np.empty((len(rho), 7))
    gradient = np.zeros((len(rho), 7, 6))
    for arm, b in enumerate((b0, b1)):
        effects[:, arm] = a * (b - kappa)
        gradient[:, arm, 1] = b - kappa
        gradient[:, arm, 2 + arm] = a
        gradient[:, arm, 5] = -a * kappa
        effects[:, 3 + arm] = c + (b1 - b0) * (m0 + a * arm) + kappa * a
        gradient[:, 3 + arm, 0] = b1 - b0
        gradient[:, 3 + arm, 1] = (b1 - b0) * arm + kappa
        gradient[:, 3 + arm, 2] = -(m0 + a * arm)
        gradient[:, 3 + arm, 3] = m0 + a * arm
        gradient[:, 3 + arm, 4] = 1.0
        gradient[:, 3 + arm, 5] = a * kappa
    for j in (2, 5):
        effects[:, j] = effects[:, j - 2 : j].mean(axis=1)
        gradient[:, j] = gradient[:, j - 2 : j].mean(axis=1)
    effects[:, 6] = effects[:, 1] + effects[:, 3]
    gradient[:, 6] = gradient[:, 1] + gradient[:, 3]
    return effects, gradient


def breakpoints(*, paths: FloatArray, log_ratio: float) -> FloatArray:
    """(6,) correlations at which the acme_control ... ade of `SHIFTED` are 0; NaN for direct effects where the arm does not move the mediator."""
    m0, a, b0, b1, c = paths
    slopes = np.array([b0, b1, (b0 + b1) / 2])
    direct = c + (b1 - b0) * (m0 + a * np.array([0.0, 1.0, 0.5]))
    kappa = np.concatenate([slopes, -direct / a if a != 0 else np.full(3, np.nan)])
    return np.asarray(kappa / np.sqrt(kappa**2 + np.exp(2 * log_ratio)))


def correlation_of_strengths(*, r2_mediator: FloatArray, r2_outcome: FloatArray) -> FloatArray:
    """|rho| that a cause makes which explains these partial R2 of the mediator (given t, X) and of the outcome (given t, X, M).

    The bias of the mediator's slope is sqrt(R_y R_m / (1 - R_m)) s_u/s_e (Cinelli & Hazlett 2020, JRSS B 82, eq. 8), and that is kappa.
    """
    k = np.sqrt(r2_outcome * r2_mediator / (1 - r2_mediator))
    return np.asarray(k / np.sqrt(1 + k**2))
