"""Newton's method for variance parameters: replicates side by side, each with its own steps, limits and end.

A step that would carry a parameter over its lower limit goes half the way, because a maximum may lie before a likelihood that
rises again at the limit. After `APPROACHES` such steps the parameter is held on the limit, which may follow other parameters (a
group variance at -sigma2/n moves with sigma2); it is let go once if the likelihood rises inwards. Where the Hessian is not positive
definite its eigenvalues are taken by size. Sources: Jennrich & Sampson (1976), Technometrics 18(1); Nocedal & Wright (2006),
Numerical Optimization, section 3.4, for modified Hessians.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

HALVINGS = 50
APPROACHES = 6
FLATTEST = 0.01
FREE = -1


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Of -2 l_R for R replicates: value (R,), gradient (R, P), Hessian and its expectation (R, P, P)."""

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    expected: FloatArray

    def of(self, rows: IntArray) -> Derivatives:
        return Derivatives(self.value[rows], self.gradient[rows], self.hessian[rows], self.expected[rows])

    def put(self, rows: IntArray, other: Derivatives) -> None:
        self.value[rows], self.gradient[rows] = other.value, other.gradient
        self.hessian[rows], self.expected[rows] = other.hessian, other.expected


# rows of the replicates and their theta -> derivatives there; an infinite value outside the parameter space
Evaluate = Callable[[IntArray, FloatArray], Derivatives]


@dataclass(frozen=True, slots=True)
class Limits:
    """Linear limits matrix @ theta >= 0, each the lower limit of one parameter, its owner.

    Attributes
    ----------
    matrix : (C, P), 1 in the owner's column. owner : (C,). present : (R, C) False where a replicate has no such limit.
    """

    matrix: FloatArray
    owner: IntArray
    present: BoolArray

    def room(self, rows: IntArray, theta: FloatArray, held: IntArray) -> FloatArray:
        """(rows, C) distance of the owner to each limit; infinite where absent or where the owner is held."""
        seen = self.present[rows] & (held[:, self.owner] == FREE)
        return np.where(seen, theta @ self.matrix.T, np.inf)

    def basis(self, held: IntArray, fixed: BoolArray) -> FloatArray:
        """(R, P, P): how theta follows its free parameters; columns of held and fixed parameters are 0."""
        width = fixed.shape[1]
        out = np.broadcast_to(np.eye(width), (*fixed.shape, width)).copy()
        for r, p in zip(*np.nonzero(held != FREE)):
            out[r, p] = -self.matrix[held[r, p]]
            out[r, p, p] = 0.0
        return out * ~((held != FREE) | fixed)[:, None, :]


@dataclass(frozen=True, slots=True)
class Climb:
    """Where R replicates ended: theta (R, P), the limit each parameter is held at or -1, steps taken, and the size of the gradient."""

    theta: FloatArray
    held: IntArray
    iterations: IntArray
    error: FloatArray
    at: Derivatives


def climb(
    evaluate: Evaluate, limits: Limits, theta: FloatArray, fixed: BoolArray, *, rows_free: FloatArray, tolerance: float, most: int
) -> Climb:
    """Minimize -2 l_R from theta (R, P).

    Parameters
    ----------
    fixed : (R, P) parameters that stay where they are.
    rows_free : (R,) size of each data set; a gradient is measured against the square root of its information times this.
    tolerance : on that measure. most : Newton steps.
    """
    everyone = np.arange(len(theta))
    out = Climb(
        theta.copy(), np.full(theta.shape, FREE), np.zeros(len(theta), dtype=np.int64), np.full(len(theta), np.inf),
        evaluate(everyone, theta),
    )  # fmt: skip
    size = np.sqrt(rows_free)
    _ascend(evaluate, limits, out, fixed, everyone, size, tolerance, most)
    inward = (out.held != FREE) & (out.at.gradient < 0)
    if inward.any():
        out.held[inward] = FREE
        _ascend(evaluate, limits, out, fixed, np.flatnonzero(inward.any(axis=1)), size, tolerance, most)
    return out


def _ascend(
    evaluate: Evaluate,
    limits: Limits,
    out: Climb,
    fixed: BoolArray,
    rows: IntArray,
    size: FloatArray,
    tolerance: float,
    most: int,
) -> None:
    """Newton steps for some replicates, in place, until the gradient is small or nothing moves."""
    blocked = np.zeros(len(size), dtype=np.int64)
    while len(rows):
        basis = limits.basis(out.held[rows], fixed[rows])
        step, out.error[rows] = _step(out.at.of(rows), basis, size[rows])
        going = (out.error[rows] > tolerance) & (out.iterations[rows] < most)
        rows, step = rows[going], step[going]
        if not len(rows):
            return
        out.iterations[rows] += 1
        before = limits.room(rows, out.theta[rows], out.held[rows])
        after = limits.room(rows, out.theta[rows] + step, out.held[rows])
        crossing = after < 0
        with np.errstate(invalid="ignore"):
            shares = np.where(crossing, before / np.where(crossing, before - after, 1.0), 1.0)
        approaching = blocked[rows] < APPROACHES
        blocked[rows] += crossing.any(axis=1)
        step *= np.where(crossing.any(axis=1) & approaching, 0.5, 1.0)[:, None] * shares.min(axis=1, initial=1.0)[:, None]
        moved = _line_search(evaluate, out, rows, step)
        newly = _hold(evaluate, limits, out, rows, crossing, moved)
        rows = rows[moved | newly]


def _hold(evaluate: Evaluate, limits: Limits, out: Climb, rows: IntArray, crossing: BoolArray, moved: BoolArray) -> BoolArray:
    """Put parameters that reached a limit on it; (rows,) True where that happened."""
    if not crossing.any():
        return np.zeros(len(rows), dtype=bool)
    theta = out.theta[rows]
    left = limits.room(rows, theta, out.held[rows])
    reached = (left <= 1e-12 * np.abs(theta).max(axis=1, keepdims=True)) | (crossing & ~moved[:, None])
    for i, c in zip(*np.nonzero(reached)):
        p = limits.owner[c]
        if out.held[rows[i], p] == FREE:
            out.held[rows[i], p] = c
            out.theta[rows[i], p] -= limits.matrix[c] @ out.theta[rows[i]]
    newly = reached.any(axis=1)
    if newly.any():
        out.at.put(rows[newly], evaluate(rows[newly], out.theta[rows[newly]]))
    return newly


def _step(at: Derivatives, basis: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(rows, P) Newton step in the free directions, and the largest gradient there over the root of its information."""
    turned = np.swapaxes(basis, -1, -2)
    idle = np.asarray((basis == 0).all(axis=1))
    slope = (turned @ at.gradient[..., None])[..., 0]
    hessian = turned @ at.hessian @ basis
    diagonal = np.einsum("rqp,rqs,rsp->rp", basis, at.expected, basis)
    spread = np.sqrt(np.maximum(diagonal, 1e-300) / 2)
    error = np.where(idle, 0.0, np.abs(slope) / (spread * size[:, None])).max(axis=1)
    filler = idle[:, :, None] * np.eye(basis.shape[-1])
    chosen = _definite(hessian + filler, diagonal + idle)
    direction = -np.linalg.solve(chosen, slope[..., None])
    return (basis @ direction)[..., 0], error


def _definite(hessian: FloatArray, diagonal: FloatArray) -> FloatArray:
    """The Hessian where it is positive definite; elsewhere with the sizes of its eigenvalues, on the scale of the expected information.

    At a saddle a step along a falling direction is as long as the curvature says, where Fisher scoring would creep.
    """
    out = (hessian + np.swapaxes(hessian, -1, -2)) / 2
    values = np.linalg.eigvalsh(out)
    bad = np.flatnonzero(values[:, 0] <= 1e-10 * np.abs(values).max(axis=1))
    if len(bad):
        scale = np.sqrt(np.maximum(diagonal[bad], 1e-300))
        both = scale[:, :, None] * scale[:, None, :]
        sizes, turns = np.linalg.eigh(out[bad] / both)
        sizes = np.maximum(np.abs(sizes), FLATTEST * np.maximum(np.abs(sizes).max(axis=1, keepdims=True), 1e-300))
        out[bad] = (turns * sizes[:, None, :]) @ np.swapaxes(turns, -1, -2) * both
    return out


def _line_search(evaluate: Evaluate, out: Climb, rows: IntArray, step: FloatArray) -> BoolArray:
    """Halve each step until the likelihood does not fall; (rows,) True where a step was taken."""
    moved = np.zeros(len(rows), dtype=bool)
    pending = np.arange(len(rows))
    for halving in range(HALVINGS):
        where = rows[pending]
        trial = out.theta[where] + step[pending] * 0.5**halving
        found = evaluate(where, trial)
        fine = found.value <= out.at.value[where] + 1e-13 * np.abs(out.at.value[where])
        done = np.flatnonzero(fine)
        out.theta[where[done]] = trial[done]
        out.at.put(where[done], found.of(done))
        moved[pending[done]] = True
        pending = pending[~fine]
        if not len(pending):
            break
    return moved
