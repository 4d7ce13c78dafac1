"""The one-factor model for a batch of covariance matrices at once: what a bootstrap of omega or of loadings repeats.

    Sigma = lambda lambda' + diag(psi),      factor variance 1.

Fisher scoring with the information in closed form: with W = Sigma^-1, a = W lambda and s = lambda' a,

    I(lambda_i, lambda_j) = a_i a_j + s W_ij,   I(lambda_i, psi_j) = W_ij a_j,   I(psi_i, psi_j) = W_ij^2 / 2,

per person. Residual variances are not bounded, so that a negative one is seen (`heywood`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray

_MOST_STEPS = 200
_DECREASE = 1e-11
_SWEEPS = 10


@dataclass(frozen=True, slots=True)
class OneFactor:
    """Fits of a batch; the leading axis is that of the covariance matrices.

    Attributes
    ----------
    loadings, residuals : (B, p); NaN where the fit did not converge.
    discrepancy : log|Sigma| + tr(S Sigma^-1) - log|S| - p, so that chi-square = n times it (B,).
    converged, heywood : (B,); `heywood` says that a residual variance is negative.
    """

    loadings: FloatArray
    residuals: FloatArray
    discrepancy: FloatArray
    converged: BoolArray
    heywood: BoolArray

    @property
    def omega(self) -> FloatArray:
        """Omega total, (sum lambda)^2 / ((sum lambda)^2 + sum psi), of the sum of the items (B,)."""
        common = self.loadings.sum(axis=-1) ** 2
        return common / (common + self.residuals.sum(axis=-1))

    def omega_observed(self, covariances: FloatArray) -> FloatArray:
        """Omega with the observed variance of the sum below (B,); `covariances` with divisor n, as they were fitted."""
        return self.loadings.sum(axis=-1) ** 2 / covariances.sum(axis=(-2, -1))


def one_factor(covariances: FloatArray) -> OneFactor:
    """Maximum likelihood for each covariance matrix of (B, p, p), p at least 3.

    A matrix that is not positive definite has no fit: `converged` is False there.
    """
    s = np.asarray(covariances, dtype=float)
    sd = np.sqrt(np.maximum(np.einsum("bii->bi", s), 0.0))
    usable = np.isfinite(s).all(axis=(1, 2)) & np.all(sd > 0, axis=1)
    r = np.where(usable[:, None, None], s, np.eye(s.shape[1])) / np.where(usable[:, None], sd, 1.0)[:, :, None]
    r = r / np.where(usable[:, None], sd, 1.0)[:, None, :]
    usable &= np.linalg.eigvalsh(r)[:, 0] > 1e-10
    r[~usable] = np.eye(s.shape[1])
    theta, value, done = _climb(r)
    done &= usable
    p = s.shape[1]
    loadings = np.where(done[:, None], theta[:, :p] * sd, np.nan)
    residuals = np.where(done[:, None], theta[:, p:] * sd**2, np.nan)
    sign = np.where(loadings.sum(axis=1) < 0, -1.0, 1.0)
    discrepancy = np.where(done, value - np.linalg.slogdet(r)[1] - p, np.nan)
    return OneFactor(loadings * sign[:, None], residuals, discrepancy, done, np.any(residuals < 0, axis=1))


def _climb(r: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Scoring of the whole batch; matrices that are done leave it."""
    batch = len(r)
    theta = _start(r)
    value, inverse = _value(theta, r)
    done = np.zeros(batch, dtype=bool)
    active = np.flatnonzero(np.isfinite(value))
    for _ in range(_MOST_STEPS):
        if not len(active):
            break
        move, decrease = _move(theta[active], r[active], inverse[active])
        finished = decrease < _DECREASE
        done[active[finished]] = True
        active, move, decrease = active[~finished], move[~finished], decrease[~finished]
        size = np.ones(len(active))
        waiting = np.arange(len(active))
        for _ in range(40):
            if not len(waiting):
                break
            rows = active[waiting]
            tried = theta[rows] - size[waiting, None] * move[waiting]
            found, inverted = _value(tried, r[rows])
            better = found <= value[rows] - 1e-4 * size[waiting] * decrease[waiting]
            good = rows[better]
            theta[good], value[good], inverse[good] = tried[better], found[better], inverted[better]
            waiting = waiting[~better]
            size[waiting] /= 2
        # No step helps: at the rounding of the likelihood this is the maximum, further off it is a failure.
        done[active[waiting]] = decrease[waiting] < 1e-8
        active = np.delete(active, waiting)
    return theta, value, done


def _start(r: FloatArray) -> FloatArray:
    """Principal axis with communalities from the largest correlation of each item."""
    batch, p = r.shape[:2]
    eye = np.eye(p)
    shared = np.abs(r - eye).max(axis=2)
    values = np.zeros((batch, p))
    for _ in range(_SWEEPS):
        sizes, vectors = np.linalg.eigh(r - eye * (1 - shared)[:, :, None])
        values = vectors[:, :, -1] * np.sqrt(np.maximum(sizes[:, -1:], 1e-4))
        shared = np.clip(values**2, 0.05, 0.9)
    values = np.clip(values, -0.95, 0.95)
    return np.concatenate([values, 1 - values**2], axis=1)


def _value(theta: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """log|Sigma| + tr(R Sigma^-1), infinite where Sigma is not positive definite, and Sigma^-1."""
    p = r.shape[1]
    lam, psi = theta[:, :p], theta[:, p:]
    sigma = lam[:, :, None] * lam[:, None, :] + np.eye(p) * psi[:, :, None]
    good = np.isfinite(sigma).all(axis=(1, 2))
    sigma[~good] = np.eye(p)
    good &= np.linalg.eigvalsh(sigma)[:, 0] > 1e-12
    sigma[~good] = np.eye(p)
    inverse = np.linalg.inv(sigma).astype(float)
    value = np.linalg.slogdet(sigma)[1] + np.einsum("bij,bji->b", inverse, r)
    return np.where(good, value, np.inf), inverse


def _move(theta: FloatArray, r: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The scoring step and the decrease of half the discrepancy that it promises."""
    p = r.shape[1]
    lam = theta[:, :p]
    a = np.einsum("bij,bj->bi", w, lam)
    s = np.einsum("bi,bi->b", lam, a)
    g = w - w @ r @ w
    slope = np.concatenate([np.einsum("bij,bj->bi", g, lam), 0.5 * np.einsum("bii->bi", g)], axis=1)
    seen = np.empty((len(r), 2 * p, 2 * p))
    seen[:, :p, :p] = a[:, :, None] * a[:, None, :] + s[:, None, None] * w
    seen[:, :p, p:] = w * a[:, None, :]
    seen[:, p:, :p] = seen[:, :p, p:].swapaxes(1, 2)
    seen[:, p:, p:] = 0.5 * w**2
    # Against a loading near zero, whose column of the information vanishes.
    ridge = 1e-10 * np.einsum("bii->bi", seen) + 1e-14
    move = np.linalg.solve(seen + np.eye(2 * p) * ridge[:, :, None], slope[:, :, None])[:, :, 0]
    return move, np.abs(np.einsum("bi,bi->b", slope, move)) / 2
