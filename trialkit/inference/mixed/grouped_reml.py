"""REML for groups that exist in some arms only (and for whole clusters in every arm), from sufficient statistics.

Model: y_i = x_i'b + u_g(i) + e_i, Var(e_i) = sigma2 of the arm, Var(u_g) = tau2 of the arm (none in ungrouped arms).
Within a group the covariance sigma2 I + tau2 11' has the eigenvalue sigma2 + n_g tau2 on the mean and sigma2 on everything
orthogonal to it. The likelihood therefore depends on the data only through cross-product matrices of [X y], one for the
deviations within each arm and one for the group means of each size, each with a variance that is linear in the parameters:

    -2 l_R = sum_j m_j log v_j + log|A| + sum_j q_j(b)/v_j,   A = sum_j X_j'X_j / v_j,   v = L theta.

No n x n matrix is formed; gradient and Hessian are exact, and replicates are fitted side by side (`reml_many`). tau2 may be
negative down to -sigma2/max n_g, so that the fit does not switch on the data; where the maximum lies on that edge the fit stops
a hair (1e-4 of sigma2) inside it and says so. The maximum is the one that is reached from a small positive group variance.
Source: Patterson & Thompson (1971); Roberts & Roberts (2005); Bauer, Sterba & Hallfors (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.mixed.variance_newton import FREE, Derivatives, Limits, climb

EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class VarianceStrata:
    """Sufficient statistics: J sets of rows, each with one variance v_j = loadings_j . theta. Replicates come first.

    Attributes
    ----------
    cross : (..., J, k+1, k+1) cross-products of [X y].
    rows : (J,) or (..., J) independent rows (degrees of freedom before the fixed effects) in each; 0 where a replicate has none.
    loadings : (J, P).
    random : (P,) True for variances between groups, False for residual variances.
    """

    cross: FloatArray
    rows: FloatArray
    loadings: FloatArray
    random: BoolArray

    def of(self, replicates: IntArray) -> VarianceStrata:
        """Some of the replicates."""
        if len(replicates) == len(self.cross):
            return self
        counts = self.rows if self.rows.ndim == 1 else self.rows[replicates]
        return VarianceStrata(self.cross[replicates], counts, self.loadings, self.random)


@dataclass(frozen=True, slots=True)
class VarianceFit:
    """A REML fit.

    Attributes
    ----------
    theta : (P,) variance parameters; beta, covariance : fixed effects and A^-1; minus2 : -2 restricted log likelihood.
    hessian, expected : (P, P) second derivative of -2 l_R at theta, and its expectation.
    converged : the gradient is small in every free direction and the Hessian positive definite there.
    at_edge : (P,) True for a group variance at its lower limit.
    """

    theta: FloatArray
    beta: FloatArray
    covariance: FloatArray
    minus2: float
    hessian: FloatArray
    expected: FloatArray
    converged: bool
    at_edge: BoolArray
    iterations: int


@dataclass(frozen=True, slots=True)
class VarianceFits:
    """REML fits of R replicates: the attributes of `VarianceFit` with a leading axis."""

    theta: FloatArray
    beta: FloatArray
    covariance: FloatArray
    minus2: FloatArray
    hessian: FloatArray
    expected: FloatArray
    converged: BoolArray
    at_edge: BoolArray
    iterations: IntArray

    def one(self, r: int) -> VarianceFit:
        """The fit of one replicate."""
        return VarianceFit(
            self.theta[r], self.beta[r], self.covariance[r], float(self.minus2[r]), self.hessian[r], self.expected[r],
            bool(self.converged[r]), self.at_edge[r], int(self.iterations[r]),
        )  # fmt: skip

    def with_rows(self, replicates: IntArray, other: VarianceFits) -> VarianceFits:
        """These fits with those of some replicates in place of their own."""
        merged = {name: getattr(self, name).copy() for name in self.__dataclass_fields__}
        for name, values in merged.items():
            values[replicates] = getattr(other, name)
        return VarianceFits(**merged)


def grouped_strata(
    *, y: FloatArray, X: FloatArray, part: IntArray, group: IntArray, between: IntArray | None = None
) -> VarianceStrata:
    """Sufficient statistics of a grouped trial.

    Parameters
    ----------
    y : outcome (n,), or (R, n) for R replicates of one design.
    X : fixed effects (n, k) of full column rank.
    part : (n,) 0..A-1, the set of rows that shares a residual variance (the arm).
    group : (n,) group code, or -1 where the row stands alone. A group lies in one part.
    between : (n,) 0.., the set of rows whose groups share a group variance; by default `part`.

    theta is (sigma2 of part 0..A-1, then tau2 of each set that has groups, in order).
    """
    parts = int(part.max()) + 1
    shared = part if between is None else between
    rows = np.flatnonzero(group >= 0)
    labels, codes = np.unique(group[rows], return_inverse=True)
    sets = np.unique(shared[rows])
    width = parts + len(sets)
    order = rows[np.argsort(codes, kind="stable")]
    sizes = np.bincount(codes, minlength=len(labels))
    starts = (np.cumsum(sizes) - sizes).astype(np.int64)
    own, common = part[order[starts]], np.searchsorted(sets, shared[order[starts]])
    # groups of one part, one set and one size have one variance: they are made neighbours
    kind = np.unique(np.column_stack([own, common, sizes]), axis=0, return_inverse=True)[1].reshape(-1)
    seat = np.argsort(kind, kind="stable")
    first = np.flatnonzero(np.diff(kind[seat], prepend=-1))
    root = np.sqrt(sizes[seat])
    if len(rows):
        sums = np.add.reduceat(X[order], starts, axis=0)[seat] / root[:, None]
        totals = np.add.reduceat(y[..., order], starts, axis=-1)[..., seat] / root
    else:
        sums, totals = np.empty((0, X.shape[1])), np.empty((*y.shape[:-1], 0))
    means = _crossed(totals, sums, first)
    by_part = np.argsort(part, kind="stable")
    opening = np.flatnonzero(np.diff(part[by_part], prepend=-1))
    within = _crossed(y[..., by_part], X[by_part], opening)
    rows_within = np.bincount(part, minlength=parts).astype(float)
    present = part[by_part][opening]
    chosen = seat[first]
    for j, a in enumerate(own[chosen]):
        within[..., np.searchsorted(present, a), :, :] -= means[..., j, :, :]
    counts = np.diff(np.append(first, len(kind))).astype(float)
    np.subtract.at(rows_within, own[chosen], counts)
    loadings = np.zeros((len(chosen) + len(present), width))
    loadings[np.arange(len(chosen)), own[chosen]] = 1.0
    loadings[np.arange(len(chosen)), parts + common[chosen]] = sizes[chosen]
    loadings[len(chosen) + np.arange(len(present)), present] = 1.0
    kept = np.append(np.ones(len(chosen), dtype=bool), rows_within[present] > 0)
    cross = np.concatenate([means, within], axis=-3)
    free = np.append(counts, rows_within[present])
    return VarianceStrata(cross[..., kept, :, :], free[kept], loadings[kept], np.arange(width) >= parts)


def _crossed(y: FloatArray, X: FloatArray, starts: IntArray) -> FloatArray:
    """Cross-products (..., S, k+1, k+1) of [X y] over runs of rows that begin at `starts`; y (..., n), X (n, k)."""
    k = X.shape[1]
    out = np.zeros((*y.shape[:-1], len(starts), k + 1, k + 1))
    ends = np.append(starts[1:], X.shape[0])
    for s, (a, b) in enumerate(zip(starts, ends)):
        x, z = X[a:b], y[..., a:b]
        mixed = z @ x
        out[..., s, :k, :k] = x.T @ x
        out[..., s, :k, k] = mixed
        out[..., s, k, :k] = mixed
        out[..., s, k, k] = np.einsum("...i,...i->...", z, z)
    return out


def stacked(strata: Sequence[VarianceStrata]) -> VarianceStrata:
    """Replicates of different designs (arms, groups, covariates drawn anew) side by side; all have the same parameters."""
    random = strata[0].random
    table = np.unique(np.concatenate([s.loadings for s in strata]), axis=0)
    place = {row.tobytes(): j for j, row in enumerate(table)}
    k = strata[0].cross.shape[-1]
    cross, rows = np.zeros((len(strata), len(table), k, k)), np.zeros((len(strata), len(table)))
    for r, s in enumerate(strata):
        where = [place[row.tobytes()] for row in s.loadings]
        cross[r, where], rows[r, where] = s.cross, s.rows
    return VarianceStrata(cross, rows, table, random)


def reml(strata: VarianceStrata, *, max_iterations: int = 100, tolerance: float = 1e-9) -> VarianceFit:
    """Maximize the restricted likelihood of one data set; see `reml_many`."""
    one = VarianceStrata(strata.cross[None], strata.rows, strata.loadings, strata.random)
    return reml_many(one, max_iterations=max_iterations, tolerance=tolerance).one(0)


def reml_many(
    strata: VarianceStrata, *, zero: BoolArray | None = None, max_iterations: int = 100, tolerance: float = 1e-9
) -> VarianceFits:
    """Maximize the restricted likelihood of R replicates by Newton steps (variance_newton.py).

    A group variance that a step would carry over its lower limit is held there; it is let go once if the likelihood rises
    inwards. Each replicate takes its own steps, so the fits do not depend on which others stand beside them.

    Parameters
    ----------
    strata : with a leading axis R.
    zero : (R, P) True for group variances that are held at 0.
    """
    replicates, width = strata.cross.shape[0], strata.loadings.shape[1]
    fixed = np.zeros((replicates, width), dtype=bool) if zero is None else zero
    rows = np.broadcast_to(strata.rows, strata.cross.shape[:2]).sum(axis=-1)
    limits = _limits(strata)
    end = climb(
        lambda which, theta: _derivatives(strata.of(which), theta), limits, np.where(fixed, 0.0, _start(strata, rows)), fixed,
        rows_free=rows, tolerance=tolerance, most=max_iterations,
    )  # fmt: skip
    basis = limits.basis(end.held, fixed)
    filler = np.asarray((basis == 0).all(axis=1))[:, :, None] * np.eye(width)
    curved = np.linalg.eigvalsh(np.swapaxes(basis, -1, -2) @ end.at.hessian @ basis + filler)[:, 0] > 0
    beta, bread = _fixed_effects(strata, end.theta)
    value = end.at.value + (rows - beta.shape[-1]) * np.log(2 * np.pi)
    return VarianceFits(
        end.theta, beta, bread, value, end.at.hessian, end.at.expected, (end.error <= 1e-5) & curved, end.held != FREE,
        end.iterations,
    )  # fmt: skip


def _limits(strata: VarianceStrata) -> Limits:
    """A set of groups of size n in a residual part keeps its variance, sigma2 + n tau2, above a hair of sigma2."""
    between, residual = strata.loadings * strata.random, strata.loadings * ~strata.random
    grouped = np.asarray(between.any(axis=1))
    size = between[grouped].sum(axis=1)
    present = np.broadcast_to(strata.rows > 0, strata.cross.shape[:2])[:, grouped]
    matrix = (between[grouped] + (1 - EDGE) * residual[grouped]) / size[:, None]
    return Limits(matrix, np.argmax(between[grouped], axis=1), present)


def _start(strata: VarianceStrata, rows: FloatArray) -> FloatArray:
    """From the pooled regression: sigma2 within its part, tau2 by the mean of squares between groups, but at least a twentieth of all."""
    cross = strata.cross
    total = cross.sum(axis=-3)
    k = total.shape[-1] - 1
    coef = np.ones((len(total), k + 1))
    coef[:, :k] = -np.linalg.solve(total[:, :k, :k], total[:, :k, k, None])[..., 0]
    squares = np.einsum("ri,rjil,rl->rj", coef, cross, coef)
    pooled = squares.sum(axis=-1) / np.maximum(rows - k, 1.0)
    between = strata.loadings * strata.random
    alone = ~np.asarray(between.any(axis=1))
    counts = np.broadcast_to(strata.rows, squares.shape)
    own = strata.loadings * alone[:, None]
    weight = counts @ own
    out = np.where(weight > 0, (squares @ own) / np.maximum(weight, 1.0), pooled[:, None])
    residual = out @ (strata.loadings * ~strata.random).T
    spread = np.maximum(counts @ between, 1e-300)
    found = ((squares - counts * residual) @ (between > 0)) / spread
    return np.where(strata.random, np.maximum(found, pooled[:, None] / 20), np.maximum(out, 1e-3 * pooled[:, None]))


def _fixed_effects(strata: VarianceStrata, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = strata.cross.shape[-1] - 1
    total = _weighted(strata.cross, 1.0 / (theta @ strata.loadings.T))
    bread = np.asarray(np.linalg.inv(total[:, :k, :k]), dtype=float)
    return (bread @ total[:, :k, k, None])[..., 0], bread


def _weighted(cross: FloatArray, weights: FloatArray) -> FloatArray:
    """sum_j w_j cross_j for each replicate."""
    flat = weights[:, None, :] @ cross.reshape(*cross.shape[:2], -1)
    return np.asarray(flat.reshape(cross.shape[0], *cross.shape[2:]), dtype=float)


def _derivatives(strata: VarianceStrata, theta: FloatArray) -> Derivatives:
    """-2 l_R, its gradient, its Hessian and its expected Hessian in theta (R, P); infinite value outside the parameter space."""
    cross, m, L = strata.cross, strata.rows, strata.loadings
    R, J, k = cross.shape[0], cross.shape[1], cross.shape[-1] - 1
    v = theta @ L.T
    outside = np.asarray((v <= 0).any(axis=1))
    w = 1.0 / np.where(outside[:, None], 1.0, v)
    total = _weighted(cross, w)
    sign, logdet = np.linalg.slogdet(total[:, :k, :k])
    outside |= sign <= 0
    if outside.any():
        total[outside, :k, :k] = np.eye(k)
    bread = np.linalg.inv(total[:, :k, :k])
    coef = np.ones((R, k + 1))
    coef[:, :k] = -(bread @ total[:, :k, k, None])[..., 0]
    scores = (cross.reshape(R, J * (k + 1), k + 1) @ coef[..., None]).reshape(R, J, k + 1)
    q = (scores @ coef[..., None])[..., 0]
    g = scores[..., :k]
    BC = bread[:, None] @ cross[..., :k, :k]
    trace = np.einsum("rjii->rj", BC)
    traces = BC.reshape(R, J, k * k) @ np.swapaxes(np.swapaxes(BC, -1, -2).reshape(R, J, k * k), -1, -2)
    slopes = m * w - w**2 * (trace + q)
    outer = w[:, :, None] ** 2 * w[:, None, :] ** 2
    curvature = -outer * (traces + 2 * (g @ bread @ np.swapaxes(g, -1, -2)))
    information = outer * traces
    diagonal = np.arange(J)
    curvature[:, diagonal, diagonal] += -m * w**2 + 2 * w**3 * (trace + q)
    information[:, diagonal, diagonal] += m * w**2 - 2 * w**3 * trace
    value = np.where(outside, np.inf, (m * -np.log(w)).sum(axis=-1) + logdet + (w * q).sum(axis=-1))
    return Derivatives(value, slopes @ L, L.T @ curvature @ L, L.T @ information @ L)
