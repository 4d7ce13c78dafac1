"""REML with any number of random intercepts, crossed or nested, and residual variances by part.

y = Xb + sum_f Z_f u_f + e, Var(u_f) = tau2_f I, Var(e_i) = sigma2 of the person's part. With q levels in all and W = [Z X], everything the
likelihood and its derivatives need is in the cross-products S_a = W_a'W_a and W_a'y_a of each part, of order q + k:

    V^-1 = R^-1 - R^-1 Z K Z'R^-1,   K = D (I + M D)^-1,   M = Z'R^-1 Z             (Woodbury)
    P = V^-1 - V^-1 X Phi X'V^-1 = R^-1 - R^-1 W N W'R^-1
    grad_p(-2 l_R) = tr P V_p - y'P V_p P y,   Hessian_pq = -tr P V_p P V_q + 2 y'P V_p P V_q P y.

A matrix of order q is inverted at each step, so a few hundred levels take milliseconds and n does not matter. Variances may be negative as long
as V is positive definite; where there is no maximum inside, negative variances are held at 0 and the fit says so (`MixedFit.at_limit`).
Source: Searle, Casella & McCulloch (1992), Variance Components, ch. 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.mixed.fit import MixedFit, units_beyond_fixed
from trialkit.inference.mixed.variance_newton import Climb, Derivatives, Limits, climb


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """Of W = [Z X] and y, by part: S (A, q+k, q+k), Sy (A, q+k), yy (A,), rows (A,); `factor` (q,) is the random effect of each level."""

    S: FloatArray
    Sy: FloatArray
    yy: FloatArray
    rows: FloatArray
    factor: IntArray

    @property
    def levels(self) -> int:
        return len(self.factor)


@dataclass(frozen=True, slots=True)
class _Solved:
    """At one theta: residual variances s, the pieces of V^-1 (K, A = X'V^-1 X, Phi) and log|V|; None of it when V is not positive definite."""

    s: FloatArray
    S: FloatArray
    K: FloatArray
    phi: FloatArray
    logdet: float


def crossed_mixed(
    *, y: FloatArray, X: FloatArray, part: IntArray, effects: Sequence[IntArray], zero: BoolArray | None = None
) -> MixedFit:
    """Fit by REML.

    Parameters
    ----------
    y : (n,). X : (n, k) of full column rank. part : (n,) 0..A-1, rows that share a residual variance.
    effects : a random intercept each: (n,) codes, -1 where a row has none.
    zero : (A + F,) True for variances that are held at 0 from the start.

    theta is (sigma2 of part 0..A-1, then tau2 of each effect).
    """
    fit = least_squares(y=y, X=X)
    n, k = X.shape
    unit = float(np.sqrt(fit.rss / n))
    rotation = fit.rotation * np.sqrt(n)
    data = _cross_products(fit.residuals / unit, fit.q * np.sqrt(n), part, effects)
    parts, width = len(data.rows), len(data.rows) + len(effects)
    random = np.arange(width) >= parts
    held = np.zeros(width, dtype=bool) if zero is None else zero.copy()
    while True:
        end = _climbed(data, held, random, n)
        converged = _converged(end, held)
        lost = random & ~held & (end.theta[0] < 0)
        if converged or not lost.any():
            break
        held |= lost
    theta = end.theta[0]
    solved = _solve(data, theta)
    assert solved is not None
    first, second = _kenward_roger_terms(data, solved, len(effects))
    rest = solved.phi @ _reduced(data, solved)
    value = float(end.at.value[0]) + (n - k) * (np.log(2 * np.pi) + 2 * np.log(unit)) - 2 * np.linalg.slogdet(rotation)[1]
    spare = np.array([np.inf] * parts + [units_beyond_fixed(X, codes) for codes in effects])
    return MixedFit(
        fit.coef + unit * rotation @ rest, theta * unit**2, random, np.asarray(value), solved.phi, rotation, np.asarray(unit), first,
        second, end.at.hessian[0] / 2, end.at.expected[0] / 2, held, spare, np.asarray(converged), end.iterations[0],
    )  # fmt: skip


def _climbed(data: CrossProducts, held: BoolArray, random: BoolArray, n: int) -> Climb:
    start = np.where(random, np.where(held, 0.0, 0.05), 1.0)
    none = Limits(np.empty((0, len(held))), np.empty(0, dtype=np.int64), np.empty((1, 0), dtype=bool))
    return climb(
        lambda _, theta: _derivatives(data, theta[0]), none, start[None], held[None], rows_free=np.array([float(n)]), tolerance=1e-9, most=100,
    )  # fmt: skip


def _converged(end: Climb, held: BoolArray) -> bool:
    free = ~held
    hessian = end.at.hessian[0][np.ix_(free, free)]
    return bool(end.error[0] <= 1e-5 and np.linalg.eigvalsh(hessian)[0] > 0)


def _cross_products(y: FloatArray, B: FloatArray, part: IntArray, effects: Sequence[IntArray]) -> CrossProducts:
    codes: list[IntArray] = []
    factor: list[int] = []
    for f, effect in enumerate(effects):
        labels, found = np.unique(effect, return_inverse=True)
        own = found.reshape(-1) - int(labels[0] < 0)
        codes.append(np.where(own < 0, -1, own + len(factor)))
        factor += [f] * int(own.max() + 1)
    q, k, parts = len(factor), B.shape[1], int(part.max()) + 1
    S, Sy = np.zeros((parts, q + k, q + k)), np.zeros((parts, q + k))
    for f, one in enumerate(codes):
        inside = one >= 0
        np.add.at(Sy, (part[inside], one[inside]), y[inside])
        np.add.at(S[:, :, q:], (part[inside], one[inside]), B[inside])
        for other in codes[f:]:
            both = inside & (other >= 0)
            np.add.at(S, (part[both], one[both], other[both]), 1.0)
    for a in range(parts):
        inside = part == a
        S[a, q:, q:] = B[inside].T @ B[inside]
        Sy[a, q:] = B[inside].T @ y[inside]
        S[a] = np.triu(S[a]) + np.triu(S[a], 1).T
    rows = np.bincount(part, minlength=parts).astype(float)
    yy = np.bincount(part, weights=y * y, minlength=parts).astype(float)
    return CrossProducts(S, Sy, yy, rows, np.array(factor, dtype=np.int64))


def _solve(data: CrossProducts, theta: FloatArray) -> _Solved | None:
    """The pieces of V^-1, or None when V is not positive definite."""
    parts, q = len(data.rows), data.levels
    s, D = theta[:parts], theta[parts:][data.factor]
    if (s <= 0).any():
        return None
    S = np.tensordot(1 / s, data.S, axes=1)
    M = S[:q, :q]
    used = D != 0
    if (D < 0).any():  # as many negative eigenvalues as D has, or V has some
        values = np.linalg.eigvalsh(np.diag(1 / D[used]) + M[np.ix_(used, used)])
        if (values < 0).sum() != (D < 0).sum():
            return None
    core = np.eye(q) + M * D
    K = D[:, None] * np.linalg.inv(core)
    K = (K + K.T) / 2
    A = S[q:, q:] - S[q:, :q] @ K @ S[:q, q:]
    sign, log_a = np.linalg.slogdet(A)
    sign_core, log_core = np.linalg.slogdet(core)
    if sign <= 0 or sign_core <= 0:
        return None
    return _Solved(s, S, K, np.asarray(np.linalg.inv(A), dtype=float), float(data.rows @ np.log(s) + log_core + log_a))


def _reduced(data: CrossProducts, at: _Solved) -> FloatArray:
    """X'V^-1 y."""
    q = data.levels
    Sy = np.tensordot(1 / at.s, data.Sy, axes=1)
    return np.asarray(Sy[q:] - at.S[q:, :q] @ at.K @ Sy[:q])


def _derivatives(data: CrossProducts, theta: FloatArray) -> Derivatives:
    at = _solve(data, theta)
    width = len(theta)
    if at is None:
        return Derivatives(np.array([np.inf]), np.zeros((1, width)), np.zeros((1, width, width)), np.zeros((1, width, width)))
    parts, q, s = len(data.rows), data.levels, at.s
    size = at.S.shape[0]
    N = np.zeros((size, size))
    N[:q, :q] = at.K
    H = np.vstack([-at.K @ at.S[:q, q:], np.eye(size - q)])
    N += H @ at.phi @ H.T
    E = np.eye(size) - N @ at.S
    T = at.S @ E
    Sy = np.tensordot(1 / s, data.Sy, axes=1)
    solved = N @ Sy
    t = Sy - at.S @ solved
    blocks = [np.flatnonzero(data.factor == f) for f in range(width - parts)]
    u = data.Sy - data.S @ solved
    rr = data.yy - 2 * data.Sy @ solved + np.einsum("i,aij,j->a", solved, data.S, solved)
    NS = N @ data.S
    trace_NS = np.einsum("aii->a", NS)
    trace, quadratic = np.empty(width), np.empty(width)
    trace[:parts], quadratic[:parts] = data.rows / s - trace_NS / s**2, rr / s**2
    traces, products = np.empty((width, width)), np.empty((width, width))
    weights = np.outer(s, s) ** 2
    traces[:parts, :parts] = np.einsum("aij,bji->ab", NS, NS) / weights
    products[:parts, :parts] = -(u @ N @ u.T) / weights
    diagonal = np.arange(parts)
    traces[diagonal, diagonal] += data.rows / s**2 - 2 * trace_NS / s**3
    products[diagonal, diagonal] += rr / s**3
    for f, rows in enumerate(blocks):
        p = parts + f
        trace[p], quadratic[p] = np.trace(T[np.ix_(rows, rows)]), t[rows] @ t[rows]
        for a in range(parts):
            traces[p, a] = traces[a, p] = np.einsum("ij,ij->", E[:, rows], data.S[a] @ E[:, rows]) / s[a] ** 2
            products[p, a] = products[a, p] = u[a] @ E[:, rows] @ t[rows] / s[a] ** 2
        for h, others in enumerate(blocks):
            block = T[np.ix_(rows, others)]
            traces[p, parts + h] = (block**2).sum()
            products[p, parts + h] = t[rows] @ block @ t[others]
    value = at.logdet + float(data.yy @ (1 / s) - Sy @ solved)
    return Derivatives(np.array([value]), (trace - quadratic)[None], (2 * products - traces)[None], traces[None])


def _kenward_roger_terms(data: CrossProducts, at: _Solved, effects: int) -> tuple[FloatArray, FloatArray]:
    """F_p (P, k, k) and Q_pq (P, P, k, k) of mixed_fit.py."""
    parts, q, s = len(data.rows), data.levels, at.s
    size = at.S.shape[0]
    N = np.zeros((size, size))
    N[:q, :q] = at.K
    E = np.eye(size) - N @ at.S
    T = at.S @ E
    blocks = [np.flatnonzero(data.factor == f) for f in range(effects)]
    width, k = parts + effects, size - q
    first, second = np.empty((width, k, k)), np.empty((width, width, k, k))
    SE = data.S @ E[:, q:]
    for a in range(parts):
        first[a] = E[:, q:].T @ SE[a] / s[a] ** 2
        for b in range(parts):
            second[a, b] = -SE[a].T @ N @ SE[b] / (s[a] * s[b]) ** 2
        second[a, a] += first[a] / s[a]
    for f, rows in enumerate(blocks):
        p, down = parts + f, T[rows, q:]
        first[p] = down.T @ down
        for a in range(parts):
            second[a, p] = SE[a].T @ E[:, rows] @ down / s[a] ** 2
            second[p, a] = second[a, p].T
        for h, others in enumerate(blocks):
            second[p, parts + h] = down.T @ T[np.ix_(rows, others)] @ T[others, q:]
    return first, second


def inverse_times(values: FloatArray, *, part: IntArray, effects: Sequence[IntArray], theta: FloatArray) -> FloatArray:
    """V^-1 values for values (n,), with V of the fitted theta."""
    data = _cross_products(np.zeros(len(values)), values[:, None], part, effects)
    parts, q = len(data.rows), data.levels
    s, D = theta[:parts], theta[parts:][data.factor]
    S = np.tensordot(1 / s, data.S, axes=1)
    solved = D * np.linalg.solve(np.eye(q) + S[:q, :q] * D, S[:q, q])
    fitted, first = np.zeros(len(values)), 0
    for effect in effects:
        labels, found = np.unique(effect, return_inverse=True)
        own = found.reshape(-1) - int(labels[0] < 0)
        fitted += np.where(own >= 0, solved[first + np.maximum(own, 0)], 0.0)
        first += int(own.max()) + 1
    return np.asarray((values - fitted) / s[part])
