"""Firth's penalized likelihood: logistic and Poisson fits that stay finite where outcomes are fitted exactly.

The likelihood is multiplied by the root of the determinant of the information (Jeffreys' prior), so that the score becomes

    X'(y - mu + h (1/2 - mu)) (logistic),   X'(y - mu + h/2) (Poisson),

h the leverages of W^{1/2} X, solved by scoring, which closes in linearly (so the gain asked for is tiny). For a two by two table it adds one half to every cell. Source: Firth (1993), Biometrika 80, 27-38; Heinze &
Schemper (2002), Statistics in Medicine 21, 2409-2419.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.outcomes.glm import Family, Glm, glm, log_likelihood, mean_of, saturated_likelihood, variance_of

ITERATIONS, HALVINGS = 2000, 30
DECREMENT = 1e-20
LONGEST = 5.0


def firth(*, y: FloatArray, X: FloatArray, family: Family, offset: FloatArray | None = None) -> Glm:
    """Penalized fit of y (n,) on X (n, K); `deviance` is that of the coefficients found, without the penalty."""
    shape = glm(y=np.full(len(y), 0.5), X=X, family=family, offset=offset)
    Z, shift = shape.X, np.zeros(len(y)) if offset is None else offset
    beta, gain = _start(y, Z, family, shift), np.inf
    value = _penalized(y, Z, beta, family, shift)
    steps = 0
    while gain > DECREMENT and steps < ITERATIONS:
        steps += 1
        eta = Z @ beta + shift
        mu = mean_of(family, eta)
        variance = variance_of(family, eta, mu)
        information = Z.T @ (Z * variance[:, None])
        leverage = np.einsum("ij,ji->i", Z * variance[:, None], np.linalg.solve(information, Z.T))
        pull = leverage * (0.5 - mu) if family == "logistic" else leverage / 2
        score = Z.T @ (y - mu + pull)
        move = np.linalg.solve(information, score)
        gain = float(score @ move) / 2
        move *= min(1.0, LONGEST / max(float(np.abs(Z @ move).max()), 1e-300))
        for _ in range(HALVINGS):
            found = _penalized(y, Z, beta + move, family, shift)
            if found >= value - 1e-10 * (1 + abs(value)) or gain <= DECREMENT:
                break
            move = move / 2
        beta, value = beta + move, found
    return _as_fit(shape, y, beta, family, shift, steps, gain <= DECREMENT)


def _start(y: FloatArray, Z: FloatArray, family: Family, shift: FloatArray) -> FloatArray:
    """The constant that fits the mean, where a constant lies in the columns."""
    rate = (y.sum() + 0.5) / (len(y) + 1.0) if family == "logistic" else (y.sum() + 0.5) / np.exp(shift).sum()
    level = np.log(rate / (1 - rate)) if family == "logistic" else np.log(rate)
    return np.asarray(np.linalg.lstsq(Z, np.full(len(y), level), rcond=None)[0])


def _penalized(y: FloatArray, Z: FloatArray, beta: FloatArray, family: Family, shift: FloatArray) -> float:
    eta = Z @ beta + shift
    mu = mean_of(family, eta)
    variance = variance_of(family, eta, mu)
    sign, logdet = np.linalg.slogdet(Z.T @ (Z * variance[:, None]))
    if sign <= 0:
        return -np.inf
    return float(log_likelihood(y, eta, family, None) + logdet / 2)


def _as_fit(shape: Glm, y: FloatArray, beta: FloatArray, family: Family, shift: FloatArray, steps: int, converged: bool) -> Glm:
    eta = shape.X @ beta + shift
    mu = mean_of(family, eta)
    variance = variance_of(family, eta, mu)
    root = np.linalg.cholesky(shape.X.T @ (shape.X * variance[:, None]))
    rotation = np.linalg.inv(root).T
    coef = np.full(shape.coef.shape, np.nan)
    coef[shape.kept] = beta
    short = saturated_likelihood(y, family, None) - log_likelihood(y, eta, family, None)
    return replace(
        shape, coef=coef, y=y, eta=eta, mu=mu, variance=variance, bread=rotation @ rotation.T, rotation=rotation,
        deviance=np.asarray(2 * short), iterations=steps, converged=np.asarray(converged), suspect=np.asarray(not converged),
    )  # fmt: skip
