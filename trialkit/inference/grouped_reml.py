"""REML for groups that exist in some arms only (and for whole clusters in every arm), from sufficient statistics.

Model: y_i = x_i'b + u_g(i) + e_i, Var(e_i) = sigma2 of the arm, Var(u_g) = tau2 of the arm (none in ungrouped arms).
Within a group the covariance sigma2 I + tau2 11' has the eigenvalue sigma2 + n_g tau2 on the mean and sigma2 on everything
orthogonal to it. The likelihood therefore depends on the data only through cross-product matrices of [X y], one for the
deviations within each arm and one for the group means of each size, each with a variance that is linear in the parameters:

    -2 l_R = sum_j m_j log v_j + log|A| + sum_j q_j(b)/v_j,   A = sum_j X_j'X_j / v_j,   v = L theta.

No n x n matrix is formed; gradient and Hessian are exact. tau2 may be negative down to -sigma2/max n_g, so that the fit does
not switch on the data. Source: Patterson & Thompson (1971); Roberts & Roberts (2005); Bauer, Sterba & Hallfors (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class VarianceStrata:
    """Sufficient statistics: J sets of rows, each with one variance v_j = loadings_j . theta.

    Attributes
    ----------
    cross : (J, k+1, k+1) cross-products of [X y].
    rows : (J,) independent rows (degrees of freedom before the fixed effects) in each.
    loadings : (J, P).
    """

    cross: FloatArray
    rows: FloatArray
    loadings: FloatArray


@dataclass(frozen=True, slots=True)
class VarianceFit:
    """A REML fit.

    Attributes
    ----------
    theta : (P,) variance parameters; beta, covariance : fixed effects and A^-1; minus2 : -2 restricted log likelihood.
    hessian : (P, P) second derivative of -2 l_R at theta. converged : gradient small and the Hessian positive definite.
    """

    theta: FloatArray
    beta: FloatArray
    covariance: FloatArray
    minus2: float
    hessian: FloatArray
    converged: bool
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
    return VarianceStrata(np.array(cross), np.array(rows), np.array(loadings))


def reml(strata: VarianceStrata, *, max_iterations: int = 200, tolerance: float = 1e-9) -> VarianceFit:
    """Maximize the restricted likelihood by Newton steps, Fisher scoring where the Hessian is not positive definite."""
    theta = _start(strata)
    value, gradient, hessian, expected = _derivatives(strata, theta)
    iterations = 0
    for _ in range(max_iterations):
        iterations += 1
        step = _newton_step(gradient, hessian, expected)
        theta, moved = _line_search(strata, theta, step, value)
        value, gradient, hessian, expected = _derivatives(strata, theta)
        scale = np.sqrt(np.abs(np.diag(expected)) / 2)
        done = bool(np.all(np.abs(gradient) <= tolerance * np.maximum(scale, 1e-300) * np.sqrt(strata.rows.sum())))
        if done or not moved:
            break
    beta, bread = _fixed_effects(strata, theta)
    positive = bool(np.all(np.linalg.eigvalsh((hessian + hessian.T) / 2) > 0))
    scale = np.sqrt(np.abs(np.diag(expected)) / 2)
    near = bool(np.all(np.abs(gradient) <= 1e-5 * np.maximum(scale, 1e-300) * np.sqrt(strata.rows.sum())))
    constant = (strata.rows.sum() - strata.cross.shape[-1] + 1) * np.log(2 * np.pi)
    return VarianceFit(theta, beta, bread, value + constant, hessian, near and positive, iterations)


def _start(strata: VarianceStrata) -> FloatArray:
    """Residual variance of the pooled regression for every sigma2, a twentieth of it for every tau2."""
    total = strata.cross.sum(axis=0)
    k = total.shape[0] - 1
    beta = np.linalg.solve(total[:k, :k], total[:k, k])
    pooled = (total[k, k] - beta @ total[:k, k]) / max(strata.rows.sum() - k, 1.0)
    slopes = strata.loadings.max(axis=0) > 1.5
    mixed = (strata.loadings != 0).sum(axis=1) > 1
    random = np.array([slopes[p] or bool(np.all(mixed[strata.loadings[:, p] != 0])) for p in range(strata.loadings.shape[1])])
    return np.where(random, pooled / 20, pooled)


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


def _line_search(strata: VarianceStrata, theta: FloatArray, step: FloatArray, value: float) -> tuple[FloatArray, bool]:
    """Halve the step until the likelihood rises; keep theta when it cannot."""
    for halving in range(60):
        proposal = theta + step * 0.5**halving
        if _value(strata, proposal) <= value + 1e-13 * abs(value):
            return proposal, True
    return theta, False
