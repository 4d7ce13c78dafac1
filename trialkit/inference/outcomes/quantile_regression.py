"""Quantile regression as a linear program, whether its solution is unique, and values for its standard errors.

min_b sum_i w_i rho_q(y_i - x_i'b), rho_q(e) = e (q - 1[e < 0]). Solved as its dual, max y'd subject to X'd = 0, (q-1) w <= d <= q w, whose
multipliers are the coefficients (Koenker & Bassett 1978; Koenker 2005, section 6.2). b is optimal exactly when residuals agree with one dual
solution: none negative where d = q w, none positive where d = (q-1) w, zero in between. Those b form a polyhedron; where it is more than a
point (q times an arm's size whole, ties) each contrast has a range, of which the middle is reported: it does not depend on the order of
the rows or on the solver. The density behind its standard error is read off the one solution found, which may be another when categories
are coded in another order.

Linearization: b^ - b = D^-1 sum_i x_i d_i, D = sum_i w_i f_i x_i x_i', f the density of the residuals at zero. In a randomized trial, where arms and
covariates are independent, the coefficient of an arm depends on the mean of f in each arm only; it is read off the arm's residuals by
Woodruff's inversion (quantiles.py). Kernels with Powell's bandwidth take f a quarter too low at 200 people, and the error a third too large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import FloatArray

TIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class QuantileFit:
    """A fitted quantile regression.

    Attributes
    ----------
    coef : (K,) an optimal solution. residuals : (n,). dual : (n,) weights times q or q - 1, in between where the fit passes through.
    unique : whether no other solution exists.
    """

    coef: FloatArray
    residuals: FloatArray
    dual: FloatArray
    unique: bool


def quantile_regression(*, y: FloatArray, X: FloatArray, q: float, weights: FloatArray | None = None) -> QuantileFit:
    """Fit y (n,) on X (n, K) of full column rank; weights (n,) zero or positive.

    Raises ArithmeticError when the linear program is not solved.
    """
    scale, shift, unit = _scaled(y, X)
    w = np.ones(len(y)) if weights is None else weights
    found = optimize.linprog(
        -(y - shift) / scale,
        A_eq=(X / unit).T,
        b_eq=np.zeros(X.shape[1]),
        bounds=np.column_stack([w * (q - 1), w * q]),
        method="highs-ds",
    )
    if found.status != 0:
        raise ArithmeticError(f"the linear program was not solved: {found.message}")
    coef = -np.asarray(found.eqlin.marginals, dtype=float) * scale / unit
    coef[0] += shift / float(X[0, 0])
    dual = np.asarray(found.x, dtype=float)
    residuals = y - X @ coef
    residuals[np.abs(residuals) <= TIGHT * scale] = 0.0
    return QuantileFit(coef, residuals, dual, _unique(X / unit, residuals, dual, q, w))


def _scaled(y: FloatArray, X: FloatArray) -> tuple[float, float, FloatArray]:
    """Spread and median of y and the largest entry of each column; the first column is the constant."""
    shift = float(np.median(y))
    scale = float(np.abs(y - shift).mean())
    return (scale if scale > 0 else 1.0), shift, np.abs(X).max(axis=0)


def _unique(X: FloatArray, residuals: FloatArray, dual: FloatArray, q: float, w: FloatArray) -> bool:
    """Whether 0 lies inside the set of directional derivatives.

    A solution through exactly K points in general position is unique when no dual value of theirs is at a limit. With more points on it (ties)
    a small program looks for dual values that are all inside their limits.
    """
    through = (residuals == 0) & (w > 0)
    k = X.shape[1]
    points = X[through]
    if len(points) < k or np.linalg.matrix_rank(points) < k:
        return False
    share = dual[through] / w[through]
    inside = (share > q - 1 + TIGHT) & (share < q - TIGHT)
    if inside.all():
        return True
    if len(points) == k:
        return False
    wt = w[through]
    rest = -(X[~through].T @ dual[~through])
    columns = points.T * wt
    objective = np.r_[np.zeros(len(points)), -1.0]
    above = np.column_stack([np.eye(len(points)), np.ones(len(points))])
    beneath = np.column_stack([-np.eye(len(points)), np.ones(len(points))])
    room = optimize.linprog(
        objective, A_ub=np.vstack([above, beneath]), b_ub=np.r_[np.full(len(points), q), np.full(len(points), 1 - q)],
        A_eq=np.column_stack([columns, np.zeros(k)]), b_eq=rest, bounds=[(None, None)] * len(points) + [(None, 1.0)], method="highs",
    )  # fmt: skip
    return bool(room.status == 0 and -room.fun > TIGHT)


def contrast_range(
    *, y: FloatArray, X: FloatArray, fit: QuantileFit, q: float, vector: FloatArray, weights: FloatArray | None = None
) -> tuple[float, float]:
    """Least and largest vector'b over all solutions; both the fitted value when the solution is unique."""
    value = float(vector @ fit.coef)
    if fit.unique:
        return value, value
    scale, _, unit = _scaled(y, X)
    w = np.ones(len(y)) if weights is None else weights
    share = np.where(w > 0, fit.dual / np.where(w > 0, w, 1.0), 0.0)
    used = w > 0
    upper, lower = used & (share >= q - TIGHT), used & (share <= q - 1 + TIGHT)
    middle = used & ~upper & ~lower
    # deviations from the fitted solution in units of the spread: X b' <= residual where d = q w, and so on
    Z, e = X / unit, fit.residuals / scale
    slack = 1e-12
    ends = []
    for sign in (1.0, -1.0):
        found = optimize.linprog(
            sign * vector / unit, A_ub=np.vstack([Z[upper], -Z[lower]]), b_ub=np.r_[e[upper], -e[lower]] + slack, A_eq=Z[middle] if middle.any() else None,
            b_eq=e[middle] if middle.any() else None, bounds=[(None, None)] * X.shape[1], method="highs",
        )  # fmt: skip
        if found.status != 0:
            return value, value
        ends.append(value + sign * float(found.fun) * scale)
    low, high = min(ends), max(ends)
    return (low, high) if high - low > 1e-8 * scale else (value, value)


def linear_values(*, X: FloatArray, fit: QuantileFit, density: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """(n, K) values that sum to the error of the coefficients; density (n,) of the residuals at zero, one value an arm."""
    w = np.ones(len(X)) if weights is None else weights
    D = X.T @ ((w * density)[:, None] * X)
    return np.asarray((X * fit.dual[:, None]) @ np.linalg.inv(D))


def at_heap(residuals: FloatArray, most: float = 0.2) -> bool:
    """Whether more than a share `most` of people lies exactly on the fit: the density there is not one."""
    return bool((residuals == 0).mean() > most)
