"""Posterior draws of a regression, with a random intercept a group where people share groups.

    y = X b + u_g + e,   u_g ~ N(0, r^2 s^2),   e ~ N(0, s^2);   people outside groups have no u.

Flat prior on b and on log s^2, uniform prior on the ratio r of the standard deviations up to R_MOST (an intraclass correlation of .9): a
uniform prior on the group standard deviation, which Gelman (2006, Bayesian Analysis 1, 515-534) recommends when groups are few. b, s^2 and
u are integrated out, so the draws are independent, not a chain. With w_g = r^2 / (1 + n_g r^2), S_g sums over a group and Z = (X, y),

    Z'V^-1 Z = Z'Z - sum_g w_g S_g S_g',
    log p(r | y) = -1/2 sum_g log(1 + n_g r^2) - 1/2 log|X'V^-1 X| - (n - k)/2 log RSS(r) + constant,

of which a cubic spline through NODES points of r^(2/3) gives a fine grid; a cell of it is drawn, then r uniformly within the cell; then s^2 = RSS / chi2(n - k), b ~ N(b_r, s^2 (X'V^-1 X)^-1) and
u_g ~ N(w_g sum (y - Xb), s^2 w_g). Without groups this is the usual draw of Bayesian regression (Rubin 1987, p. 167).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import interpolate
from scipy.linalg import lapack

from trialkit.inference.arrays import FloatArray, IntArray

R_MOST, NODES, CELLS = 3.0, 16, 240


def _spaced(count: int) -> FloatArray:
    """Closer together where the ratio is small."""
    return R_MOST * (np.arange(count + 1) / count) ** 1.5


_EDGES, _POINTS = _spaced(CELLS), _spaced(NODES - 1)
_MIDDLES = (_EDGES[:-1] + _EDGES[1:]) / 2
# the spline is linear in the values at its nodes, which are always the same
_SPLINE = np.asarray(interpolate.CubicSpline(_POINTS ** (2 / 3), np.eye(NODES), bc_type="natural")(_MIDDLES ** (2 / 3)))
# keeps columns that are constant among the people observed from stopping the draw; X has columns of about unit variance
RIDGE = 1e-7


@dataclass(frozen=True, slots=True)
class RegressionDraw:
    """A draw and its centre.

    Attributes
    ----------
    coef, effects : (k,) and (G,) drawn. coef_centre, effects_centre : their means at the drawn ratio.
    sigma : residual standard deviation. ratio : group SD over residual SD, 0 without groups.
    """

    coef: FloatArray
    coef_centre: FloatArray
    effects: FloatArray
    effects_centre: FloatArray
    sigma: float
    ratio: float

    def mean(self, X: FloatArray, group: IntArray) -> FloatArray:
        """Drawn means of rows X."""
        return X @ self.coef + _of(self.effects, group)

    def centre(self, X: FloatArray, group: IntArray) -> FloatArray:
        """Means of rows X at the centre of the draw."""
        return X @ self.coef_centre + _of(self.effects_centre, group)


def draw_regression(
    *,
    y: FloatArray,
    X: FloatArray,
    group: IntArray,
    n_groups: int,
    rng: np.random.Generator,
    sigma: float | None = None,
    precision: FloatArray | None = None,
) -> RegressionDraw:
    """One draw.

    Parameters
    ----------
    y : (n,) observed. X : (n, k), n > k. group : (n,) codes 0..G-1, or -1. n_groups : G; groups without rows get effects from their prior.
    sigma : residual standard deviation where it is known (latent variables). precision : (k,) prior precisions of the coefficients.
    """
    n, k = X.shape
    Z = np.column_stack([X, y])
    cross = Z.T @ Z
    cross[np.arange(k), np.arange(k)] += RIDGE * n + (0.0 if precision is None else precision)
    cross[k, k] += 1e-10 * n  # an outcome that the columns determine still has a root
    member = group >= 0
    if not member.any():
        coef, centre, s = _coefficients(cross, n, rng, sigma)
        return RegressionDraw(coef, centre, np.zeros(n_groups), np.zeros(n_groups), s, 0.0)
    size = np.bincount(group[member], minlength=n_groups).astype(float)
    sums = _sums(Z, group, n_groups) if member.all() else _sums(Z[member], group[member], n_groups)
    ratio = _draw_ratio(cross, size, sums, n, rng, sigma)
    w = ratio**2 / (1 + size * ratio**2)
    coef, centre, s = _coefficients(cross - (sums * w[:, None]).T @ sums, n, rng, sigma)
    rest, rest_centre = sums[:, k] - sums[:, :k] @ coef, sums[:, k] - sums[:, :k] @ centre
    effects = w * rest + s * np.sqrt(w) * rng.standard_normal(n_groups)
    return RegressionDraw(coef, centre, effects, w * rest_centre, s, ratio)


def _draw_ratio(
    cross: FloatArray, size: FloatArray, sums: FloatArray, n: int, rng: np.random.Generator, sigma: float | None
) -> float:
    log = _SPLINE @ log_ratio(cross=cross, size=size, sums=sums, n=n, sigma=sigma, ratio=_POINTS)
    cumulated = np.cumsum(np.exp(log - log.max()) * np.diff(_EDGES))
    cell = min(int(np.searchsorted(cumulated, rng.random() * cumulated[-1])), CELLS - 1)
    return float(_EDGES[cell] + rng.random() * (_EDGES[cell + 1] - _EDGES[cell]))


def log_ratio(
    *, cross: FloatArray, size: FloatArray, sums: FloatArray, n: int, sigma: float | None, ratio: FloatArray
) -> FloatArray:
    """log p(r | y) of the module's formula, up to a constant, at the ratios given; cross (k+1, k+1) and sums (G, k+1) of Z = (X, y)."""
    k = len(cross) - 1
    inflation = size * ratio[:, None] ** 2
    w = ratio[:, None] ** 2 / (1 + inflation)
    roots = np.linalg.cholesky(cross - np.swapaxes(sums * w[..., None], -1, -2) @ sums)
    pivots = np.diagonal(roots, axis1=-2, axis2=-1)
    rss = pivots[:, k] ** 2
    fit = -rss / (2 * sigma**2) if sigma is not None else -(n - k) / 2 * np.log(rss)
    return np.asarray(fit - np.log1p(inflation).sum(axis=1) / 2 - np.log(pivots[:, :k]).sum(axis=1))


def _coefficients(
    cross: FloatArray, n: int, rng: np.random.Generator, sigma: float | None
) -> tuple[FloatArray, FloatArray, float]:
    """Drawn coefficients, their centre, and the residual standard deviation, from the cross-products of (X, y)."""
    k = len(cross) - 1
    root = np.linalg.cholesky(cross)
    inner = root[:k, :k]
    s = float(root[k, k] / np.sqrt(rng.chisquare(n - k))) if sigma is None else sigma
    both = np.column_stack([root[k, :k], rng.standard_normal(k)])
    solved, _ = lapack.dtrtrs(inner, both, lower=1, trans=1)
    return solved[:, 0] + s * solved[:, 1], solved[:, 0], s


def _sums(Z: FloatArray, group: IntArray, n_groups: int) -> FloatArray:
    """(G, k+1) sums by group; rows that stand sorted by group are not sorted again."""
    if (np.diff(group) < 0).any():
        order = np.argsort(group, kind="stable")
        Z, group = Z[order], group[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    out = np.zeros((n_groups, Z.shape[1]))
    out[group[starts]] = np.add.reduceat(Z, starts, axis=0)
    return out


def _of(effects: FloatArray, group: IntArray) -> FloatArray:
    if not len(effects):
        return np.zeros(len(group))
    return np.asarray(np.where(group >= 0, effects[group], 0.0))
