"""Generalized linear models with canonical link, for one data set or a batch of replicates: logistic and Poisson.

Newton's method on the log likelihood (iteratively reweighted least squares) on an orthonormal basis Q of the columns, so that neither
units nor origins of the covariates matter:

    g = Q'w(y - mu),  H = Q'W Q,  W = w V(mu),  V(mu) = mu(1 - mu) or mu,  step H^-1 g,

halved where the likelihood would fall. It ends when half the Newton decrement g'H^-1 g, the gain in log likelihood still expected, is
below 1e-12, and takes that last step; the error of the coefficients is then of the order of rounding. Where a combination of columns
fits some outcomes exactly the maximum lies at infinity (Albert & Anderson 1984; Santos Silva & Tenreyro 2010 for counts): such fits are
marked `suspect`, and separation.py says for certain.

A Poisson fit is a quasi-likelihood: consistent for the mean of any outcome from zero up (Gourieroux, Monfort & Trognon 1984), with
standard errors from glm_covariance.py, never from the Poisson variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares

Family = Literal["logistic", "poisson"]
ITERATIONS, HALVINGS = 60, 30
DECREMENT = 1e-12
EXTREME = 15.0


@dataclass(frozen=True, slots=True)
class Glm:
    """A fitted model; leading axes (replicates) come first, r is the rank, K the number of columns given.

    Attributes
    ----------
    family : 'logistic' or 'poisson'.
    coef : (..., K), NaN for columns left out. kept : (r,) indices of the columns in the fit. X : (..., n, r) those columns.
    y, eta, mu : (..., n) outcome, linear predictor with its offset, fitted mean.
    weights : (n,) prior weights or None. variance : (..., n) V(mu).
    bread : (..., r, r) (X'WX)^-1. rotation : (..., r, r) with sqrt(W) X rotation orthonormal, so bread = rotation rotation'.
    deviance : (...) twice the log likelihood short of a perfect fit. iterations : Newton steps.
    converged : (...) the expected gain is below 1e-12. suspect : (...) not converged, or some fitted mean is all but 0 (or 1).
    """

    family: Family
    coef: FloatArray
    kept: IntArray
    X: FloatArray
    y: FloatArray
    eta: FloatArray
    mu: FloatArray
    weights: FloatArray | None
    variance: FloatArray
    bread: FloatArray
    rotation: FloatArray
    deviance: FloatArray
    iterations: int
    converged: BoolArray
    suspect: BoolArray

    @property
    def collinear(self) -> BoolArray:
        """(K,) True where a column was left out."""
        out = np.ones(self.coef.shape[-1], dtype=bool)
        out[self.kept] = False
        return out

    @property
    def df_resid(self) -> int:
        return int(self.y.shape[-1] - len(self.kept))

    @property
    def dispersion(self) -> FloatArray:
        """(...) Pearson's chi-square over its df: about 1 for Poisson counts, above where counts vary more."""
        squares = (self.y - self.mu) ** 2 / self.variance
        if self.weights is not None:
            squares = squares * (self.weights / self.weights.mean())
        return np.asarray(squares.sum(axis=-1) / self.df_resid)


def mean_of(family: Family, eta: FloatArray) -> FloatArray:
    """Inverse of the link."""
    return np.asarray(special.expit(eta) if family == "logistic" else np.exp(np.minimum(eta, 700.0)))


def variance_of(family: Family, eta: FloatArray, mu: FloatArray) -> FloatArray:
    """V(mu), without loss of digits where mu is near one."""
    return np.asarray(mu * special.expit(-eta) if family == "logistic" else mu)


def glm(
    *,
    y: FloatArray,
    X: FloatArray,
    family: Family,
    offset: FloatArray | None = None,
    weights: FloatArray | None = None,
) -> Glm:
    """Fit by maximum (quasi-)likelihood.

    Parameters
    ----------
    y : (..., n) outcomes: shares from 0 to 1 for 'logistic', numbers from 0 up for 'poisson'; leading axes are replicates.
    X : (n, K) for all replicates, or (..., n, K); a constant is a column. With a batch the columns kept are independent in every
        replicate.
    offset : (n,) known part of the linear predictor, such as the log of exposure.
    weights : (n,) positive prior weights.
    """
    y, X = np.asarray(y, dtype=float), np.asarray(X, dtype=float)
    shift = np.zeros(X.shape[-2]) if offset is None else np.asarray(offset, dtype=float)
    basis = least_squares(y=np.zeros(X.shape[-2]), X=X)
    lead = np.broadcast_shapes(y.shape[:-1], X.shape[:-2])
    outcome = np.broadcast_to(y, (*lead, y.shape[-1])).reshape(-1, y.shape[-1])
    Q = basis.q if X.ndim == 2 else np.broadcast_to(basis.q, (*lead, *basis.q.shape[-2:])).reshape(-1, *basis.q.shape[-2:])
    gamma, decrement, iterations = _newton(outcome, Q, family, shift, weights)
    eta = _linear(Q, gamma) + shift
    mu = mean_of(family, eta)
    variance = variance_of(family, eta, mu)
    hessian = _gram(Q, variance if weights is None else weights * variance)
    converged = decrement <= DECREMENT
    suspect = ~converged | _at_the_edge(outcome, eta - shift, family)
    root = np.linalg.cholesky(_positive(hessian))
    inner = np.linalg.solve(root, np.broadcast_to(np.eye(root.shape[-1]), root.shape))
    rotation = basis.rotation @ np.swapaxes(inner.reshape(*lead, *inner.shape[-2:]), -1, -2)
    beta = np.einsum("...ij,...j->...i", basis.rotation, gamma.reshape(*lead, gamma.shape[-1]))
    coef = np.full((*lead, X.shape[-1]), np.nan)
    coef[..., basis.kept] = beta
    shape = (*lead, y.shape[-1])
    return Glm(
        family, coef, basis.kept, basis.X, np.broadcast_to(y, shape), eta.reshape(shape), mu.reshape(shape), weights,
        variance.reshape(shape), rotation @ np.swapaxes(rotation, -1, -2), rotation,
        2 * (saturated_likelihood(outcome, family, weights) - log_likelihood(outcome, eta, family, weights)).reshape(lead),
        iterations, converged.reshape(lead), suspect.reshape(lead),
    )  # fmt: skip


def _newton(
    y: FloatArray, Q: FloatArray, family: Family, shift: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, int]:
    """(R, r) coefficients on Q, (R,) the expected gain at the last step, and the number of steps of the slowest replicate."""
    gamma = _start(y, Q, family, shift, weights)
    likelihood = log_likelihood(y, _linear(Q, gamma) + shift, family, weights)
    gain = np.full(len(y), np.inf)
    left = np.arange(len(y))
    step = 0
    while len(left) and step < ITERATIONS:
        step += 1
        own = Q if Q.ndim == 2 else Q[left]
        eta = _linear(own, gamma[left]) + shift
        mu = mean_of(family, eta)
        variance = variance_of(family, eta, mu)
        residual = y[left] - mu
        if weights is not None:
            variance, residual = weights * variance, weights * residual
        slope = (residual[:, None, :] @ own)[:, 0] if own.ndim == 3 else residual @ own
        move = np.asarray(np.linalg.solve(_positive(_gram(own, variance)), slope[..., None])[..., 0], dtype=float)
        gain[left] = np.einsum("ri,ri->r", slope, move) / 2
        gamma[left], likelihood[left] = _climb(
            y[left], own, family, shift, weights, gamma[left], move, likelihood[left], gain[left] <= DECREMENT
        )
        left = left[~(gain[left] <= DECREMENT)]
    return gamma, gain, step


def _climb(
    y: FloatArray, Q: FloatArray, family: Family, shift: FloatArray, weights: FloatArray | None,
    gamma: FloatArray, move: FloatArray, likelihood: FloatArray, last: BoolArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Steps halved until the likelihood does not fall; the last step is below what the likelihood can resolve."""
    share = np.ones(len(gamma))
    for _ in range(HALVINGS):
        trial = gamma + share[:, None] * move
        value = log_likelihood(y, _linear(Q, trial) + shift, family, weights)
        falls = ~(value >= likelihood - 1e-10 * (1 + np.abs(likelihood))) & ~last
        if not falls.any():
            break
        share = np.where(falls, share / 2, share)
    return trial, value


def _start(y: FloatArray, Q: FloatArray, family: Family, shift: FloatArray, weights: FloatArray | None) -> FloatArray:
    """One weighted regression from means pulled towards the middle."""
    w = np.ones(y.shape[-1]) if weights is None else weights
    if family == "logistic":
        mu = (y + 0.5) / 2
        eta, variance = np.log(mu / (1 - mu)), mu * (1 - mu)
    else:
        rate = (y @ w) / (w @ np.exp(shift))
        mu = (y + (rate[:, None] * np.exp(shift))) / 2
        mu = np.maximum(mu, 1e-300)
        eta, variance = np.log(mu), mu
    working = eta - shift + (y - mu) / variance
    loads = w * variance
    target = loads * working
    right = (target[:, None, :] @ Q)[:, 0] if Q.ndim == 3 else target @ Q
    return np.asarray(np.linalg.solve(_positive(_gram(Q, loads)), right[..., None])[..., 0])


def _at_the_edge(y: FloatArray, eta: FloatArray, family: Family) -> BoolArray:
    """(R,) whether some fitted mean is all but 0 or 1, or 0 beside the mean count; eta without its offset."""
    if family == "logistic":
        return np.asarray(np.abs(eta).max(axis=-1) > EXTREME)
    return np.asarray(np.median(eta, axis=-1) - eta.min(axis=-1) > EXTREME) | ~y.any(axis=-1)


def _linear(Q: FloatArray, gamma: FloatArray) -> FloatArray:
    return np.asarray(gamma @ Q.T if Q.ndim == 2 else (Q @ gamma[..., None])[..., 0])


def _gram(Q: FloatArray, loads: FloatArray) -> FloatArray:
    """(R, r, r) Q'diag(loads)Q; with one Q for all replicates a single product of all pairs of its columns."""
    if Q.ndim == 3 or len(loads) < 4:
        return np.asarray(np.swapaxes(Q, -1, -2) @ (Q * loads[..., None]))
    r = Q.shape[1]
    rows, columns = np.triu_indices(r)
    sums = loads @ (Q[:, rows] * Q[:, columns])
    out = np.empty((len(loads), r, r))
    out[:, rows, columns] = sums
    out[:, columns, rows] = sums
    return out


def _positive(hessian: FloatArray) -> FloatArray:
    """A Hessian that can be inverted: a direction that has gone flat (its maximum lies at infinity) keeps 1e-12 of the largest curvature."""
    r = hessian.shape[-1]
    floor = 1e-12 * np.trace(hessian, axis1=-2, axis2=-1)[..., None, None] + 1e-300
    return np.asarray(hessian + floor * np.eye(r))


def log_likelihood(y: FloatArray, eta: FloatArray, family: Family, weights: FloatArray | None) -> FloatArray:
    """(R,) log likelihood but for what does not depend on eta."""
    with np.errstate(over="ignore", invalid="ignore"):
        each = y * eta - (np.logaddexp(0.0, eta) if family == "logistic" else np.exp(eta))
    return np.asarray(each.sum(axis=-1) if weights is None else each @ weights)


def saturated_likelihood(y: FloatArray, family: Family, weights: FloatArray | None) -> FloatArray:
    """(R,) the log likelihood of a perfect fit, with the same terms left out."""
    each = special.xlogy(y, y) + special.xlog1py(1 - y, -y) if family == "logistic" else special.xlogy(y, y) - y
    return np.asarray(each.sum(axis=-1) if weights is None else each @ weights)
