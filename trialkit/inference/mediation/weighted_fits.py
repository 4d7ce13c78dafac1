"""Refits of a regression at many sets of weights: linear, logistic and Poisson, all draws at once.

Newton's method from the coefficients of the full sample, on a basis that is orthonormal at their weights, so that a draw starts next to its solution and
the Hessians are well conditioned. With weights (B, n) and V the variances, all Hessians are one product (W V) (n, pairs). A linear fit takes one step. In a
draw that separates the outcomes the coefficients run off; they stop where fitted means have long reached 0 or 1, which is all that averages of them need.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.outcomes.glm import mean_of, variance_of

Kind = Literal["linear", "logistic", "poisson"]
ITERATIONS = 25
DECREMENT = 1e-10
LONGEST = 5.0
EXTREME = 30.0


def weighted_fits(
    *, y: FloatArray, X: FloatArray, kind: Kind, weights: FloatArray, start: FloatArray, offset: FloatArray | None = None
) -> FloatArray:
    """(B, K) coefficients at weights (B, n), zero or positive; `start` (K,) are those of the full sample."""
    shift = np.zeros(len(y)) if offset is None else offset
    eta = X @ start + shift
    loads = np.ones(len(y)) if kind == "linear" else variance_of(kind, eta, mean_of(kind, eta))
    upper = np.asarray(np.linalg.qr(np.sqrt(loads)[:, None] * X)[1])
    inverse = np.asarray(np.linalg.solve(upper, np.eye(len(upper))))
    basis = X @ inverse
    rows, columns = np.triu_indices(len(upper))
    pairs = basis[:, rows] * basis[:, columns]
    gamma = np.tile(upper @ start, (len(weights), 1))
    left = np.arange(len(weights))
    for _ in range(1 if kind == "linear" else ITERATIONS):
        w = weights[left]
        eta = gamma[left] @ basis.T + shift
        mu = eta if kind == "linear" else mean_of(kind, eta)
        curved = w if kind == "linear" else w * variance_of(kind, eta, mu)
        hessian = np.empty((len(left), len(upper), len(upper)))
        hessian[:, rows, columns] = hessian[:, columns, rows] = curved @ pairs
        slope = (w * (y - mu)) @ basis
        ridge = 1e-12 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] + 1e-300
        move = np.linalg.solve(hessian + ridge * np.eye(len(upper)), slope[..., None])[..., 0]
        if kind == "linear":
            gamma[left] += move
            break
        # a fall of the likelihood needs a step that overshoots by several units of the linear predictor
        longest = np.abs(move @ basis.T).max(axis=1)
        gamma[left] += move * np.minimum(1.0, LONGEST / np.maximum(longest, 1e-300))[:, None]
        done = (np.einsum("bi,bi->b", slope, move) / 2 < DECREMENT) | (np.abs(eta).max(axis=1) > EXTREME)
        left = left[~done]
        if not len(left):
            break
    return np.asarray(gamma @ inverse.T)
