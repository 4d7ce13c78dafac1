"""Scores and information of the cumulative logit model P(Y <= j | x) = expit(theta_j - x'b), for all its parameters (thresholds, slopes).

With u = theta_j - x'b and l = theta_{j-1} - x'b of a person in category j and F = expit, p = F(u) - F(l), f = F(1 - F):

    d log p/du = f(u)/p,  d log p/dl = -f(l)/p,

and the information is the expected one, sum over people and categories of p times the outer product of scores. Source: McCullagh (1980).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from trialkit.inference.arrays import FloatArray, IntArray


def ordered_influence(
    *, category: IntArray, X: FloatArray, theta: FloatArray, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """(n, K) influence values that sum to the error of the parameters, and (K, K) inverse information; theta (K,) is J-1 thresholds and slopes."""
    steps = len(theta) - X.shape[1]
    w = np.ones(len(category)) if weights is None else weights
    eta = X @ theta[steps:]
    information = np.zeros((len(theta), len(theta)))
    own = np.zeros((len(category), len(theta)))
    for j in range(steps + 1):
        score, p = _scores(j, steps, theta[:steps], eta, X)
        information += (score * (w * p)[:, None]).T @ score
        own = np.where((category == j)[:, None], score, own)
    inverse = np.linalg.inv(information)
    return (own * w[:, None]) @ inverse, np.asarray(inverse)


def _scores(j: int, steps: int, cuts: FloatArray, eta: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray]:
    upper = expit(cuts[j] - eta) if j < steps else np.ones_like(eta)
    lower = expit(cuts[j - 1] - eta) if j else np.zeros_like(eta)
    p = np.maximum(upper - lower, 1e-300)
    du, dl = upper * (1 - upper) / p, -lower * (1 - lower) / p
    out = np.zeros((len(eta), steps + X.shape[1]))
    if j < steps:
        out[:, j] = du
    if j:
        out[:, j - 1] += dl
    out[:, steps:] = -(du + dl)[:, None] * X
    return out, p
