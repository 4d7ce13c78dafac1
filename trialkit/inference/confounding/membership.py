"""Odds of belonging to one of two samples: logistic regression by Newton's method on columns of unit scale, started anywhere.

Weights exp(X b) make outsiders look like members (Hirano, Imbens & Ridder 2003, Econometrica 71).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray

STEPS, HALVINGS = 60, 30
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Odds:
    """Linear predictor (n,) of membership and its coefficients; `converged` is False where columns separate members from others."""

    eta: FloatArray
    coef: FloatArray
    converged: bool


def membership(*, X: FloatArray, member: BoolArray, weights: FloatArray, start: FloatArray | None = None) -> Odds:
    """Logistic regression of membership on independent columns X (n, K), a constant among them, with positive weights."""
    y = member.astype(float)
    coef = np.zeros(X.shape[1]) if start is None else start
    eta = X @ coef
    value = _deviance(y, eta, weights)
    for _ in range(STEPS):
        mu = special.expit(eta)
        gradient = X.T @ (weights * (y - mu))
        information = (X * (weights * mu * (1 - mu))[:, None]).T @ X
        step = _solve(information, gradient)
        if step is None:
            return Odds(eta, coef, False)
        gain = float(gradient @ step)
        for _ in range(HALVINGS):
            moved = X @ (coef + step)
            new = _deviance(y, moved, weights)
            if new <= value + 1e-12 * abs(value):
                break
            step = step / 2
        coef, eta, value = coef + step, moved, new
        if gain < TOLERANCE:
            return Odds(eta, coef, bool(np.isfinite(eta).all()) and float(np.abs(coef).max()) < 50)
    return Odds(eta, coef, False)


def _deviance(y: FloatArray, eta: FloatArray, weights: FloatArray) -> float:
    return float(weights @ (np.logaddexp(0.0, eta) - y * eta))


def _solve(matrix: FloatArray, vector: FloatArray) -> FloatArray | None:
    try:
        found = np.linalg.solve(matrix, vector)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(found, dtype=float) if np.isfinite(found).all() else None
