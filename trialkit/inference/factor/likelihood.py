"""Normal likelihood of a factor model from the moments of each pattern of observed items, with analytic derivatives.

With W = Sigma_oo^-1 on the observed items o of a pattern, d = mean - mu_o, T = S + d d', minus the log-likelihood is

    1/2 sum_o n_o (log|Sigma_oo| + tr(W T))  + constant,

and complete data are one pattern a group. With G = W - W T W and Sigma_k the derivative to parameter k:

    gradient   1/2 tr(G Sigma_k) - mu_k' W d
    expected   1/2 tr(W Sigma_k W Sigma_l) + mu_k' W mu_l
    observed   1/2 tr(Sigma_k W Sigma_l (2 W T W - W)) + mu_k' W mu_l + mu_k' W Sigma_l W d + mu_l' W Sigma_k W d
               + 1/2 tr(G Sigma_kl) - d' W mu_kl.

Missing items are padded with a unit diagonal, which adds nothing to the determinant, so that all patterns are inverted at once.
Source: Bollen (1989), Structural Equations with Latent Variables, app. 4A; Arbuckle (1996) for patterns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.factor.model import FACTOR, INTERCEPT, LOADING, MEAN, RESIDUAL, Layout

_MOST_ITEMS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments by group and pattern of observed items; zeros stand where an item is missing.

    Attributes
    ----------
    group, n : group and people of each pattern, shape (P,).
    observed : shape (P, p).
    mean, cov : means (P, p) and covariances with divisor n (P, p, p).
    """

    group: IntArray
    n: FloatArray
    observed: BoolArray
    mean: FloatArray
    cov: FloatArray

    @property
    def n_groups(self) -> int:
        return int(self.group.max()) + 1

    @property
    def group_n(self) -> FloatArray:
        return np.bincount(self.group, weights=self.n).astype(float)

    @property
    def complete(self) -> bool:
        return bool(self.observed.all())


@dataclass(frozen=True, slots=True)
class Matrices:
    """The matrices of the model at one point, a leading axis of groups."""

    loadings: FloatArray
    residuals: FloatArray
    factors: FloatArray
    intercepts: FloatArray
    means: FloatArray

    @property
    def sigma(self) -> FloatArray:
        lam = self.loadings
        return lam @ self.factors @ lam.swapaxes(1, 2) + self.residuals

    @property
    def mu(self) -> FloatArray:
        return self.intercepts + np.einsum("gpm,gm->gp", self.loadings, self.means)


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at one parameter vector.

    Attributes
    ----------
    value : minus the log-likelihood, without the constant n log(2 pi)/2.
    inverse : W of each pattern, zero at missing items (P, p, p).
    pull : W d of each pattern (P, p).
    middle : W T W of each pattern (P, p, p).
    slope, lift : sum of n G and of n W d over the patterns of a group, (g, p, p) and (g, p).
    """

    matrices: Matrices
    value: float
    inverse: FloatArray
    pull: FloatArray
    middle: FloatArray
    slope: FloatArray
    lift: FloatArray


def matrices(lay: Layout, theta: FloatArray) -> Matrices:
    """The matrices at the free numbers `theta`."""
    p, m, g = lay.n_items, lay.n_factors, lay.n_groups
    values = np.where(lay.free, theta[lay.index] if lay.n_free else 0.0, lay.value)
    out = Matrices(np.zeros((g, p, m)), np.zeros((g, p, p)), np.zeros((g, m, m)), np.zeros((g, p)), np.zeros((g, m)))
    for kind, target in ((LOADING, out.loadings), (RESIDUAL, out.residuals), (FACTOR, out.factors)):
        k = lay.kind == kind
        target[lay.group[k], lay.row[k], lay.col[k]] = values[k]
        if kind != LOADING:
            target[lay.group[k], lay.col[k], lay.row[k]] = values[k]
    for kind, vector in ((INTERCEPT, out.intercepts), (MEAN, out.means)):
        k = lay.kind == kind
        vector[lay.group[k], lay.row[k]] = values[k]
    return out


def evaluate(lay: Layout, data: Moments, theta: FloatArray) -> Point | None:
    """Likelihood and its first derivatives to Sigma and mu; None where Sigma is not positive definite."""
    at = matrices(lay, theta)
    return evaluate_moments(at, data, lay.mean_structure)


def evaluate_moments(at: Matrices, data: Moments, mean_structure: bool) -> Point | None:
    """The same from the matrices."""
    sigma = at.sigma
    try:
        np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    both = data.observed[:, :, None] & data.observed[:, None, :]
    padded = np.where(both, sigma[data.group], np.eye(sigma.shape[-1]))
    try:
        inverse = np.where(both, np.linalg.inv(padded), 0.0)
    except np.linalg.LinAlgError:  # singular, though rounding let it through the first check
        return None
    d = np.where(data.observed, data.mean - at.mu[data.group], 0.0) if mean_structure else np.zeros_like(data.mean)
    pull = np.einsum("oij,oj->oi", inverse, d)
    middle = inverse @ data.cov @ inverse + pull[:, :, None] * pull[:, None, :]
    fit = np.einsum("oij,oji->o", inverse, data.cov) + np.einsum("oi,oi->o", d, pull)
    value = 0.5 * float(data.n @ (np.linalg.slogdet(padded)[1] + fit))
    groups = sigma.shape[0]
    slope, lift = np.zeros_like(sigma), np.zeros((groups, sigma.shape[-1]))
    np.add.at(slope, data.group, data.n[:, None, None] * (inverse - middle))
    np.add.at(lift, data.group, data.n[:, None] * pull)
    return Point(at, value, inverse, pull, middle, slope, lift)


def parameter_gradient(lay: Layout, point: Point) -> FloatArray:
    """Derivative of minus the log-likelihood to every parameter of the table, fixed ones and repeats of a label apart."""
    lam, psi, alpha = point.matrices.loadings, point.matrices.factors, point.matrices.means
    inner = point.slope @ lam
    by_kind = (
        inner @ psi - point.lift[:, :, None] * alpha[:, None, :],
        point.slope,
        lam.swapaxes(1, 2) @ inner,
    )
    out = np.zeros(len(lay.kind))
    for kind, full in enumerate(by_kind):
        k = lay.kind == kind
        twice = (lay.row[k] == lay.col[k]) & (kind != LOADING)
        out[k] = full[lay.group[k], lay.row[k], lay.col[k]] * np.where(twice, 0.5, 1.0)
    k = lay.kind == INTERCEPT
    out[k] = -point.lift[lay.group[k], lay.row[k]]
    k = lay.kind == MEAN
    out[k] = -np.einsum("gpm,gp->gm", lam, point.lift)[lay.group[k], lay.row[k]]
    return out


def gradient(lay: Layout, point: Point) -> FloatArray:
    """Derivative of minus the log-likelihood to the free numbers."""
    return lay.select(parameter_gradient(lay, point))


def jacobian(lay: Layout, at: Matrices) -> tuple[FloatArray, FloatArray]:
    """Derivatives of Sigma (parameters, p, p) and mu (parameters, p) of the parameter's own group."""
    p = lay.n_items
    d_sigma, d_mu = np.zeros((len(lay.kind), p, p)), np.zeros((len(lay.kind), p))
    across = at.loadings @ at.factors
    k = np.flatnonzero(lay.kind == LOADING)
    d_sigma[k, lay.row[k]] += across[lay.group[k], :, lay.col[k]]
    d_sigma[k, :, lay.row[k]] += across[lay.group[k], :, lay.col[k]]
    d_mu[k, lay.row[k]] = at.means[lay.group[k], lay.col[k]]
    k = np.flatnonzero(lay.kind == RESIDUAL)
    d_sigma[k, lay.row[k], lay.col[k]] = 1.0
    d_sigma[k, lay.col[k], lay.row[k]] = 1.0
    k = np.flatnonzero(lay.kind == FACTOR)
    left, right = at.loadings[lay.group[k], :, lay.row[k]], at.loadings[lay.group[k], :, lay.col[k]]
    product = left[:, :, None] * right[:, None, :]
    halved = np.where(lay.row[k] == lay.col[k], 0.5, 1.0)[:, None, None]
    d_sigma[k] = (product + product.swapaxes(1, 2)) * halved
    k = np.flatnonzero(lay.kind == INTERCEPT)
    d_mu[k, lay.row[k]] = 1.0
    k = np.flatnonzero(lay.kind == MEAN)
    d_mu[k] = at.loadings[lay.group[k], :, lay.row[k]]
    return d_sigma, d_mu


def information(lay: Layout, data: Moments, point: Point, *, observed: bool = False) -> FloatArray:
    """Expected or observed information about the free numbers, of the whole sample."""
    full = parameter_information(lay, data, point, observed=observed)
    return lay.select(lay.select(full).swapaxes(0, 1))


def parameter_information(lay: Layout, data: Moments, point: Point, *, observed: bool = False) -> FloatArray:
    """Information about every parameter of the table, fixed ones and repeats of a label apart."""
    d_sigma, d_mu = jacobian(lay, point.matrices)
    out = np.zeros((len(lay.kind), len(lay.kind)))
    for g in range(lay.n_groups):
        k, o = np.flatnonzero(lay.group == g), np.flatnonzero(data.group == g)
        w, n = point.inverse[o], data.n[o]
        right = 2 * point.middle[o] - w if observed else w
        block = 0.5 * _traces(d_sigma[k], w, right, n)
        if lay.mean_structure:
            block += d_mu[k] @ np.einsum("o,oij->ij", n, w) @ d_mu[k].T
        if observed:
            block = (block + block.T) / 2
            if lay.mean_structure:
                cross = np.einsum("o,oij,ok->ijk", n, w, point.pull[o]).reshape(lay.n_items, -1)
                mixed = d_mu[k] @ cross @ d_sigma[k].reshape(len(k), -1).T
                block += mixed + mixed.T
            block += _curvature(lay, point, k, g)
        out[np.ix_(k, k)] = block
    return out


def _traces(d_sigma: FloatArray, left: FloatArray, right: FloatArray, n: FloatArray) -> FloatArray:
    """sum_o n_o tr(Sigma_k L_o Sigma_l R_o)."""
    count, p = d_sigma.shape[:2]
    if len(n) > 1 and p <= _MOST_ITEMS_AT_ONCE:
        # sum_o n_o L_bc R_da once for all parameters
        products = (left.reshape(len(n), -1) * n[:, None]).T @ right.reshape(len(n), -1)
        kernel = products.reshape(p, p, p, p).transpose(3, 0, 1, 2).reshape(p * p, p * p)
        flat = d_sigma.reshape(count, -1)
        return flat @ kernel @ flat.T
    out = np.zeros((count, count))
    for weight, a, b in zip(n, left, right):
        out += weight * ((d_sigma @ a).reshape(count, -1) @ (d_sigma @ b).swapaxes(1, 2).reshape(count, -1).T)
    return out


def _curvature(lay: Layout, point: Point, k: IntArray, g: int) -> FloatArray:
    """1/2 tr(G Sigma_kl) - d' W mu_kl: the second derivatives of Sigma and mu, all of which involve a loading."""
    out = np.zeros((len(k), len(k)))
    kind, row, col = lay.kind[k], lay.row[k], lay.col[k]
    slope, inner = point.slope[g], point.slope[g] @ point.matrices.loadings[g]
    loads = np.flatnonzero(kind == LOADING)
    i, f = row[loads], col[loads]
    out[np.ix_(loads, loads)] = point.matrices.factors[g][np.ix_(f, f)] * slope[np.ix_(i, i)]
    pairs = np.flatnonzero(kind == FACTOR)
    a, b = row[pairs], col[pairs]
    by_pair = (f[:, None] == a) * inner[np.ix_(i, b)] + ((f[:, None] == b) & (a != b)) * inner[np.ix_(i, a)]
    out[np.ix_(loads, pairs)] += by_pair
    out[np.ix_(pairs, loads)] += by_pair.T
    centres = np.flatnonzero(kind == MEAN)
    by_mean = -1.0 * (f[:, None] == row[centres]) * point.lift[g][i][:, None]
    out[np.ix_(loads, centres)] += by_mean
    out[np.ix_(centres, loads)] += by_mean.T
    return out
