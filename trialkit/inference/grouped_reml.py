"""REML for groups that exist in some arms only (and for whole clusters in every arm), from sufficient statistics.

Model: y_i = x_i'b + u_g(i) + e_i, Var(e_i) = sigma2 of the arm, Var(u_g) = tau2 of the arm (none in ungrouped arms).
Within a group the covariance sigma2 I + tau2 11' has the eigenvalue sigma2 + n_g tau2 on the mean and sigma2 on everything
orthogonal to it. The likelihood therefore depends on the data only through cross-product matrices of [X y], one for the
deviations within each arm and one for the group means of each size, each with a variance that is linear in the parameters:

    -2 l_R = sum_j m_j log v_j + log|A| + sum_j q_j(b)/v_j,   A = sum_j X_j'X_j / v_j,   v = L theta.

No n x n matrix is formed; gradient and Hessian are exact. tau2 may be negative down to -sigma2/max n_g, so that the fit does
not switch on the data; where the maximum lies on that edge the fit stops a hair (1e-4 of sigma2) inside it and says so. Source: Patterson & Thompson (1971); Roberts & Roberts (2005); Bauer, Sterba & Hallfors (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class VarianceStrata:
    """Sufficient statistics: J sets of rows, each with one variance v_j = loadings_j . theta.

    Attributes
    ----------
    cross : (J, k+1, k+1) cross-products of [X y].
    rows : (J,) independent rows (degrees of freedom before the fixed effects) in each.
    loadings : (J, P).
    random : (P,) True for variances between groups, False for residual variances.
    """

    cross: FloatArray
    rows: FloatArray
    loadings: FloatArray
    random: BoolArray


@dataclass(frozen=True, slots=True)
class VarianceFit:
    """A REML fit.

    Attributes
    ----------
    theta : (P,) variance parameters; beta, covariance : fixed effects and A^-1; minus2 : -2 restricted log likelihood.
    hessian : (P, P) second derivative of -2 l_R at theta.
    converged : the gradient is small in every free direction and the Hessian positive definite there.
    at_edge : (P,) True for a group variance at its lower limit.
    """

    theta: FloatArray
    beta: FloatArray
    covariance: FloatArray
    minus2: float
    hessian: FloatArray
    converged: bool
    at_edge: BoolArray
    iterations: int


def grouped_strata(*, y: FloatArray, X: FloatArray, part: IntArray, group: IntArray) -> VarianceStrata:
    """Sufficient statistics of a grouped trial.

    Parameters
    ----------
    y, X : outcome (n,) and fixed effects (n, k) of full column rank.
    part : (n,) 0..A-1, the set of rows that shares variances (the arm).
    group : (n,) group code, or -1 where the row stands alone. A group lies in one part.

    theta is (sigma2 of part 0..A-1, then tau2 of each part that has groups, in order).
    """
    Z = np.column_stack([X, y])
    parts = int(part.max()) + 1
    grouped = [a for a in range(parts) if (group[part == a] >= 0).any()]
    width = parts + len(grouped)
    cross, rows, loadings = [], [], []
    for a in range(parts):
        load = np.zeros(width)
        load[a] = 1.0
        within = np.zeros((Z.shape[1], Z.shape[1]))
        free = 0.0
        alone = Z[(part == a) & (group < 0)]
        if len(alone):
            within += alone.T @ alone
            free += len(alone)
        if a in grouped:
            inside = (part == a) & (group >= 0)
            _, codes = np.unique(group[inside], return_inverse=True)
            sizes = np.bincount(codes)
            sums = np.column_stack([np.bincount(codes, weights=column) for column in Z[inside].T])
            scaled = sums / np.sqrt(sizes)[:, None]
            within += Z[inside].T @ Z[inside] - scaled.T @ scaled
            free += float(inside.sum() - len(sizes))
            for size in np.unique(sizes):
                between = scaled[sizes == size]
                cross.append(between.T @ between)
                rows.append(float(len(between)))
                loaded = load.copy()
                loaded[parts + grouped.index(a)] = float(size)
                loadings.append(loaded)
        if free > 0:
            cross.append(within)
            rows.append(free)
            loadings.append(load)
    return VarianceStrata(np.array(cross), np.array(rows), np.array(loadings), np.arange(width) >= parts)


def reml(strata: VarianceStrata, *, max_iterations: int = 100, tolerance: float = 1e-9) -> VarianceFit:
    """Maximize the restricted likelihood by Newton steps, Fisher scoring where the Hessian is not positive definite.

    A group variance that a step would carry over its lower limit is held there; it is let go once if the likelihood rises
    inwards.
    """
    theta = _start(strata)
    limits = _limits(strata)
    held = np.zeros(len(theta), dtype=bool)
    released = False
    iterations = 0
    while True:
        theta, held, steps, small = _climb(strata, limits, theta, held, max_iterations, tolerance)
        iterations += steps
        inward = held & (_derivatives(strata, theta)[1] < 0)
        if released or not inward.any():
            break
        released, held = True, held & ~inward
    value, _, hessian, _ = _derivatives(strata, theta)
    beta, bread = _fixed_effects(strata, theta)
    free = _free_directions(limits, held)
    curved = np.linalg.eigvalsh(free.T @ (hessian + hessian.T) @ free)
    constant = (strata.rows.sum() - strata.cross.shape[-1] + 1) * np.log(2 * np.pi)
    return VarianceFit(theta, beta, bread, value + constant, hessian, small and bool(np.all(curved > 0)), held, iterations)


def _climb(
    strata: VarianceStrata, limits: FloatArray, theta: FloatArray, held: BoolArray, max_iterations: int, tolerance: float
) -> tuple[FloatArray, BoolArray, int, bool]:
    """Newton steps in the free directions until the gradient is small or nothing moves; whether it is small (to 1e-5)."""
    size = np.sqrt(strata.rows.sum())
    step_count = 0
    while True:
        value, gradient, hessian, expected = _derivatives(strata, theta)
        free = _free_directions(limits, held)
        slope, spread = free.T @ gradient, np.sqrt(np.maximum(np.diag(free.T @ expected @ free), 1e-300) / 2)
        error = float(np.max(np.abs(slope) / (spread * size)))
        if error <= tolerance or step_count >= max_iterations:
            break
        step_count += 1
        step = free @ _newton_step(slope, free.T @ hessian @ free, free.T @ expected @ free)
        share, blocked = _room(strata, limits, theta, step, held)
        theta, moved = _line_search(strata, theta, step * share, value)
        at_limit = _distance(strata, limits, theta) <= 1e-12 * np.abs(theta).max()
        newly = strata.random & ~held & (at_limit | (blocked & (moved == 0)))
        held = held | newly
        theta = np.where(held, limits @ theta, theta)
        if moved == 0 and not newly.any():
            break
    return theta, held, step_count, error <= 1e-5


def _limits(strata: VarianceStrata) -> FloatArray:
    """(P, P): row p of a random parameter holds the weights of its lower limit on the residual variances, -(1 - edge)/max n."""
    out = np.zeros((len(strata.random), len(strata.random)))
    for p in np.flatnonzero(strata.random):
        rows = strata.loadings[:, p] > 0
        own = int(np.argmax((strata.loadings[rows] * ~strata.random).sum(axis=0)))
        out[p, own] = -(1 - EDGE) / strata.loadings[rows, p].max()
    return out


def _distance(strata: VarianceStrata, limits: FloatArray, theta: FloatArray) -> FloatArray:
    return np.where(strata.random, theta - limits @ theta, np.inf)


def _free_directions(limits: FloatArray, held: BoolArray) -> FloatArray:
    """(P, free): a held parameter follows its residual variance along the limit."""
    basis = np.eye(len(held)) + np.where(held[:, None], limits, 0.0)
    return basis[:, ~held]


def _room(
    strata: VarianceStrata, limits: FloatArray, theta: FloatArray, step: FloatArray, held: BoolArray
) -> tuple[float, BoolArray]:
    """The share of a step that stays inside every limit, and which limits cut it."""
    before, after = _distance(strata, limits, theta), _distance(strata, limits, theta + step)
    crossing = strata.random & ~held & (after < 0)
    if not crossing.any():
        return 1.0, crossing
    shares = before[crossing] / (before[crossing] - after[crossing])
    return float(shares.min()), crossing


def _start(strata: VarianceStrata) -> FloatArray:
    """Residual variance of the pooled regression for every sigma2, a twentieth of it for every tau2."""
    total = strata.cross.sum(axis=0)
    k = total.shape[0] - 1
    beta = np.linalg.solve(total[:k, :k], total[:k, k])
    pooled = (total[k, k] - beta @ total[:k, k]) / max(strata.rows.sum() - k, 1.0)
    return np.where(strata.random, pooled / 20, pooled)


def _fixed_effects(strata: VarianceStrata, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = strata.cross.shape[1] - 1
    weights = 1.0 / (strata.loadings @ theta)
    A = np.tensordot(weights, strata.cross[:, :k, :k], axes=1)
    b = np.tensordot(weights, strata.cross[:, :k, k], axes=1)
    bread = np.asarray(np.linalg.inv(A), dtype=float)
    return bread @ b, bread


def _value(strata: VarianceStrata, theta: FloatArray) -> float:
    v = strata.loadings @ theta
    if np.any(v <= 0):
        return float("inf")
    k = strata.cross.shape[1] - 1
    total = np.tensordot(1.0 / v, strata.cross, axes=1)
    sign, logdet = np.linalg.slogdet(total[:k, :k])
    if sign <= 0:
        return float("inf")
    beta = np.linalg.solve(total[:k, :k], total[:k, k])
    return float(strata.rows @ np.log(v) + logdet + total[k, k] - beta @ total[:k, k])


def _derivatives(strata: VarianceStrata, theta: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """-2 l_R, its gradient, its Hessian and its expected Hessian in theta."""
    k = strata.cross.shape[1] - 1
    C, c, d = strata.cross[:, :k, :k], strata.cross[:, :k, k], strata.cross[:, k, k]
    w = 1.0 / (strata.loadings @ theta)
    beta, bread = _fixed_effects(strata, theta)
    g = C @ beta - c
    q = d - 2 * c @ beta + np.einsum("i,jik,k->j", beta, C, beta)
    BC = bread @ C
    trace = np.einsum("jii->j", BC)
    traces = np.einsum("jik,lki->jl", BC, BC)
    slopes = strata.rows * w - w**2 * (trace + q)
    outer = np.outer(w**2, w**2)
    curvature = -outer * (traces + 2 * g @ bread @ g.T)
    curvature[np.diag_indices_from(curvature)] += -strata.rows * w**2 + 2 * w**3 * (trace + q)
    information = outer * traces
    information[np.diag_indices_from(information)] += strata.rows * w**2 - 2 * w**3 * trace
    L = strata.loadings
    return _value(strata, theta), L.T @ slopes, L.T @ curvature @ L, L.T @ information @ L


def _newton_step(gradient: FloatArray, hessian: FloatArray, expected: FloatArray) -> FloatArray:
    for matrix in (hessian, expected, expected + np.diag(np.diag(expected))):
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        if values[0] > 1e-10 * abs(values[-1]):
            return np.asarray(-np.linalg.solve(matrix, gradient), dtype=float)
    return -gradient / max(float(np.abs(np.diag(expected)).max()), 1e-300)


def _line_search(strata: VarianceStrata, theta: FloatArray, step: FloatArray, value: float) -> tuple[FloatArray, float]:
    """Halve the step until the likelihood does not fall; the share of the step taken, 0 when none helps."""
    for halving in range(50):
        share = 0.5**halving
        if _value(strata, theta + step * share) <= value + 1e-13 * abs(value):
            return theta + step * share, share
    return theta, 0.0
