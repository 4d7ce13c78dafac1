"""The bootstrap of whole units of two linear models, for many replicates of one design.

Every replicate of a block resamples the same units, so the weights are drawn once, and what a draw needs of a replicate are sums by arm of m, mX, m^2, y, yX and ym:
one matrix product for all draws and replicates. With intercepts and slopes by arm taken out of them, mediator and outcome share one Cholesky factor of size k + 2,
written out over arrays of all draws. Estimates and draws are those of inference/mediation/cross_products.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.power.simulation.mediation.paths import Paths

SINGULAR = 1e-9


@dataclass(frozen=True, slots=True)
class _Arm:
    """People of an arm in the order of their units, weights (U, B) of these, and the sums (.., B) that all replicates share."""

    rows: IntArray
    starts: IntArray
    X: FloatArray
    weights: FloatArray
    n: FloatArray
    sum_x: FloatArray
    cross_x: FloatArray


@dataclass(frozen=True, slots=True)
class Resampling:
    """Arms of a trial with the weights of all draws."""

    arms: tuple[_Arm, _Arm]
    k: int
    interaction: bool

    def paths(self, m: FloatArray, y: FloatArray) -> Paths:
        """Paths (R, B) of mediators and outcomes (R, n); NaN where a draw leaves them undetermined."""
        control, treated = (_sums(arm, m, y, self.k) for arm in self.arms)
        return _solved(control, treated, self.k, self.interaction)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Means and cross-products about the means of one arm, arrays over (R, B) or (1, B)."""

    n: FloatArray
    x: FloatArray
    m: FloatArray
    y: FloatArray
    xx: FloatArray
    xm: FloatArray
    xy: FloatArray
    mm: FloatArray
    my: FloatArray


def resampling(*, t: FloatArray, X: FloatArray, unit: IntArray, weights: FloatArray, interaction: bool) -> Resampling:
    """Prepares the draws.

    Parameters
    ----------
    t : (n,) arm 0 or 1. X : (n, k) covariates without a constant. unit : (n,) codes 0..U-1, each unit in one arm. weights : (B, U) of the units.
    """
    centred = X - X.mean(axis=0) if X.shape[1] else X
    control, treated = (_arm(np.flatnonzero(t == a), centred, unit, weights) for a in (0, 1))
    return Resampling((control, treated), X.shape[1], interaction)


def _arm(inside: IntArray, X: FloatArray, unit: IntArray, weights: FloatArray) -> _Arm:
    rows = inside[np.argsort(unit[inside], kind="stable")]
    own = unit[rows]
    starts = np.flatnonzero(np.diff(own, prepend=-1))
    w = np.ascontiguousarray(weights[:, own[starts]].T)
    x = X[rows]
    by_unit = np.add.reduceat(np.column_stack([np.ones(len(rows)), x]), starts, axis=0)
    total = by_unit.T @ w
    pairs = np.add.reduceat(x[:, :, None] * x[:, None, :], starts, axis=0)
    return _Arm(rows, starts, x, w, total[0], total[1:], np.tensordot(pairs, w, axes=(0, 0)))


def _sums(arm: _Arm, m: FloatArray, y: FloatArray, k: int) -> _Sums:
    m, y = m[:, arm.rows], y[:, arm.rows]
    parts = np.stack([m, y, m * m, m * y, *(m * x for x in arm.X.T), *(y * x for x in arm.X.T)])
    if len(arm.starts) < len(arm.rows):
        parts = np.add.reduceat(parts, arm.starts, axis=-1)
    found = (parts.reshape(-1, parts.shape[-1]) @ arm.weights).reshape(*parts.shape[:-1], -1)
    n = arm.n[None, :]
    x = arm.sum_x / arm.n
    mean_m, mean_y = found[0] / n, found[1] / n
    return _Sums(
        n, x[:, None, :], mean_m, mean_y, (arm.cross_x - arm.n * x[:, None] * x[None, :])[:, :, None, :],
        found[4 : 4 + k] - found[0] * x[:, None, :], found[4 + k :] - found[1] * x[:, None, :],
        found[2] - found[0] * mean_m, found[3] - found[0] * mean_y,
    )  # fmt: skip


def _solved(control: _Sums, treated: _Sums, k: int, interaction: bool) -> Paths:
    """Slopes by elimination: covariates, then the mediator in each arm (or in both together), then the outcome."""
    both = (control, treated)
    xx = control.xx + treated.xx
    factor: list[list[FloatArray]] = []
    doubtful = np.zeros(np.broadcast_shapes(control.m.shape, control.n.shape), dtype=bool)
    for i in range(k):
        row = _forward([xx[i, j] for j in range(i)], factor)
        rest = xx[i, i] - sum((v * v for v in row), np.zeros_like(xx[i, i]))
        doubtful = doubtful | ~(rest > SINGULAR * xx[i, i])
        factor.append([*row, np.sqrt(np.where(rest > 0, rest, np.nan))])
    by_arm = [_forward(list(s.xm), factor) for s in both]
    of_m = [v0 + v1 for v0, v1 in zip(*by_arm)]
    alpha = _back(of_m, factor)
    of_y = _forward([v0 + v1 for v0, v1 in zip(control.xy, treated.xy)], factor)
    slopes = [(by_arm[0], control.mm, control.my), (by_arm[1], treated.mm, treated.my)]
    if not interaction:
        slopes = [(of_m, control.mm + treated.mm, control.my + treated.my)]
    whole, answers = [list(r) for r in factor], list(of_y)
    for i, (row, mm, my) in enumerate(slopes):
        own = list(row)
        if i:  # the two arms' mediators have no product of their own, only what the covariates share
            own.append(-_product(row, slopes[0][0], mm) / whole[-1][-1])
        rest = mm - _product(own, own, mm)
        doubtful = doubtful | ~(rest > SINGULAR * mm)
        root = np.sqrt(np.where(rest > 0, rest, np.nan))
        answers.append((my - _product(own, answers, my)) / root)
        whole.append([*own, root])
    found = _back(answers, whole)
    gamma, b = found[:k], found[k:]
    b0, b1 = np.where(doubtful, np.nan, b[0]), np.where(doubtful, np.nan, b[-1])
    share = treated.n / (control.n + treated.n)
    gap = [x1 - x0 for x0, x1 in zip(control.x, treated.x)]
    m0 = control.m + _product(alpha, [share * g for g in gap], control.m)
    a = treated.m - control.m - _product(alpha, gap, control.m)
    c = (treated.y - b1 * treated.m) - (control.y - b0 * control.m) - _product(gamma, gap, control.m)
    return Paths(m0, a, b0, b1, c)


def _product(left: list[FloatArray], right: list[FloatArray], like: FloatArray) -> FloatArray:
    out = np.zeros_like(like)
    for u, v in zip(left, right):
        out = out + u * v
    return out


def _forward(values: list[FloatArray], factor: list[list[FloatArray]]) -> list[FloatArray]:
    """L^-1 values, for as many rows as there are values."""
    out: list[FloatArray] = []
    for i, value in enumerate(values):
        out.append((value - _product(out, factor[i], value)) / factor[i][i])
    return out


def _back(values: list[FloatArray], factor: list[list[FloatArray]]) -> list[FloatArray]:
    """L'^-1 values."""
    out: list[FloatArray] = []
    for i in reversed(range(len(values))):
        below = [factor[j][i] for j in range(i + 1, len(values))]
        out.insert(0, (values[i] - _product(out, below, values[i])) / factor[i][i])
    return out
