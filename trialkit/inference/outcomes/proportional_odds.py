"""The cumulative logit model with proportional odds: P(Y <= j | x) = expit(theta_j - x'b), j = 1..J-1.

exp(b) multiplies the odds of a higher category at every cut. With u = theta_j - x'b, l = theta_{j-1} - x'b (infinite at the ends) the log
likelihood of a person in category j is

    log p = -log(1 + e^-u) - log(1 + e^l) + log(1 - e^(l-u)),

which loses no digits in the tails, and with F = expit, r = 1/(e^(u-l) - 1)

    d/du = 1 - F(u) + r,  d/dl = -F(l) - r,  d2/du2 = -F(u)(1-F(u)) - r(1+r),  d2/dl2 = -F(l)(1-F(l)) - r(1+r),  d2/dudl = r(1+r).

The likelihood is concave (Pratt 1981); Newton's method on an orthonormal basis of the centred columns, halved where the likelihood would fall
or thresholds would cross, until half the Newton decrement is below 1e-12. Sources: McCullagh (1980); for the check of proportionality Brant
(1990), Biometrics 46(4), with sandwich covariances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import independent_columns

ITERATIONS, HALVINGS = 60, 40
DECREMENT = 1e-12
ENDLESS = 100.0


@dataclass(frozen=True, slots=True)
class CumulativeLogit:
    """A fitted model of n people, J categories and K columns, r of them independent.

    Attributes
    ----------
    thresholds : (J-1,). coef : (K,), NaN for columns left out. kept : (r,).
    bread : (r, r) covariance of the kept coefficients, from the observed information.
    values : (n, r) values that sum to the error of the kept coefficients: inverse information times scores.
    loglik : at the maximum. converged : whether the maximum was reached.
    endless : (r,) coefficients that run off to infinity, because a category and the column never meet.
    """

    thresholds: FloatArray
    coef: FloatArray
    kept: IntArray
    bread: FloatArray
    values: FloatArray
    loglik: float
    converged: bool
    endless: BoolArray
    iterations: int


@dataclass(frozen=True, slots=True)
class _Point:
    """Log likelihood, score per person (n, p) and observed information (p, p) at one parameter vector."""

    loglik: float
    scores: FloatArray
    information: FloatArray


def cumulative_logit(*, category: IntArray, X: FloatArray, weights: FloatArray | None = None) -> CumulativeLogit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    category : (n,) codes 0..J-1, each of which occurs. X : (n, K) without a constant. weights : (n,) positive.
    """
    n, levels = len(category), int(category.max()) + 1
    w = np.ones(n) if weights is None else weights
    kept, mean, basis, upper = _basis(X)
    share = np.cumsum(np.bincount(category, weights=w, minlength=levels) / w.sum())[:-1]
    parameters = np.concatenate([np.log(share / (1 - share)), np.zeros(len(kept))])
    point = _evaluate(parameters, category, basis, w, levels)
    converged, iterations = False, 0
    while iterations < ITERATIONS:
        iterations += 1
        gradient = point.scores.sum(axis=0)
        step = np.linalg.solve(point.information, gradient)
        converged = 0.5 * float(gradient @ step) < DECREMENT
        parameters, point, moved = _advance(parameters, step, point, category, basis, w, levels)
        if converged or not moved:
            break
    inverse = np.linalg.inv(point.information)
    rotation = np.linalg.solve(upper, np.eye(len(kept)))
    coef = np.full(X.shape[1], np.nan)
    coef[kept] = rotation @ parameters[levels - 1 :]
    bread = rotation @ inverse[levels - 1 :, levels - 1 :] @ rotation.T
    values = point.scores @ inverse[:, levels - 1 :] @ rotation.T
    endless = np.sqrt(np.diag(bread)) * np.ptp(X[:, kept], axis=0) > ENDLESS
    thresholds = parameters[: levels - 1] + mean @ coef[kept]
    return CumulativeLogit(thresholds, coef, kept, bread, values, point.loglik, converged, np.asarray(endless), iterations)


def _basis(X: FloatArray) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Columns kept, their means, an orthonormal basis of the centred columns, and the triangle that makes them of it."""
    scale = np.sqrt((X**2).sum(axis=0))
    unit = np.column_stack([np.full(len(X), len(X) ** -0.5), X / np.where(scale > 0, scale, 1.0)])
    kept = independent_columns(unit)[1:] - 1
    mean = X[:, kept].mean(axis=0)
    basis, upper = np.linalg.qr(X[:, kept] - mean)
    return kept, mean, basis, upper


def _evaluate(parameters: FloatArray, category: IntArray, basis: FloatArray, w: FloatArray, levels: int) -> _Point:
    cuts, slopes = parameters[: levels - 1], parameters[levels - 1 :]
    eta = basis @ slopes
    ends = np.concatenate([[-np.inf], cuts, [np.inf]])
    u, low = ends[category + 1] - eta, ends[category] - eta
    above, below = expit(-u), expit(low)  # 1 - F(u), F(l)
    with np.errstate(over="ignore"):
        r = 1.0 / np.expm1(u - low)
    s = w * r * (1 + r)
    fu, fl = w * above * (1 - above), w * below * (1 - below)
    loglik = float(w @ (-np.logaddexp(0, -u) - np.logaddexp(0, low) + np.log(-np.expm1(low - u))))
    scores = np.zeros((len(w), len(parameters)))
    rows = np.arange(len(w))
    first, last = category > 0, category < levels - 1
    scores[rows[last], category[last]] = (w * (above + r))[last]
    scores[rows[first], category[first] - 1] -= (w * (below + r))[first]
    scores[:, levels - 1 :] = (w * (below - above))[:, None] * basis
    k = levels - 1
    information = np.zeros((len(parameters), len(parameters)))
    at_cut = (
        np.bincount(category, weights=fu + s, minlength=levels)[:-1] + np.bincount(category, weights=fl + s, minlength=levels)[1:]
    )
    information[np.arange(k), np.arange(k)] = at_cut
    joined = np.bincount(category, weights=s, minlength=levels)[1:-1]
    information[np.arange(k - 1), np.arange(1, k)] = information[np.arange(1, k), np.arange(k - 1)] = -joined
    for j in range(basis.shape[1]):
        upper = np.bincount(category, weights=fu * basis[:, j], minlength=levels)[:-1]
        lower = np.bincount(category, weights=fl * basis[:, j], minlength=levels)[1:]
        information[:k, k + j] = information[k + j, :k] = -(upper + lower)
    information[k:, k:] = basis.T @ ((fu + fl)[:, None] * basis)
    return _Point(loglik, scores, information)


def _advance(
    parameters: FloatArray, step: FloatArray, point: _Point, category: IntArray, basis: FloatArray, w: FloatArray, levels: int
) -> tuple[FloatArray, _Point, bool]:
    """The step, halved until thresholds stay in order and the likelihood does not fall; whether it moved at all."""
    for halving in range(HALVINGS):
        trial = parameters + step * 0.5**halving
        if (np.diff(trial[: levels - 1]) <= 0).any():
            continue
        reached = _evaluate(trial, category, basis, w, levels)
        if reached.loglik >= point.loglik - 1e-12 * max(1.0, abs(point.loglik)):
            return trial, reached, True
    return parameters, point, False


def unit_covariance(*, values: FloatArray, arm: IntArray, unit: IntArray) -> FloatArray:
    """(m, m) covariance of sums of values (n, m) over independent units, each within one arm.

    Values are centred in their arm and a unit's sum is divided by sqrt(1 - n_unit/n_arm), which is CR2 of a regression on the arms.
    """
    _, code, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    codes = code.reshape(-1)
    centred = values.astype(float, copy=True)
    share = np.empty(len(sizes))
    for a in np.unique(arm):
        inside = arm == a
        centred[inside] -= centred[inside].mean(axis=0)
        share[np.unique(codes[inside])] = sizes[np.unique(codes[inside])] / inside.sum()
    sums = np.column_stack([np.bincount(codes, weights=column, minlength=len(sizes)) for column in centred.T])
    adjusted = sums / np.sqrt(1 - share)[:, None]
    return np.asarray(adjusted.T @ adjusted)
