"""Bootstrap draws of two linear models from the cross-products of independent units.

A bootstrap weight multiplies all rows of its unit (a group, a person alone), so the normal equations of a draw are a weighted sum of the units' own
cross-products: with one row of products a unit (U, pairs) and weights (B, U), all draws are one matrix product and B small solves. The result is that of
refitting both models on the same resampled rows, exactly. Columns are centred and brought to an orthonormal basis first, so that units and origins of
the covariates cost no digits.

A draw without any member of some category has a singular system: its solution of least norm is taken, which leaves the paths as they are wherever the
rows drawn determine them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray, IntArray

SINGULAR = 1e-9


@dataclass(frozen=True, slots=True)
class LinearPaths:
    """Cross-products of U units for mediator ~ 1 + t + X and outcome ~ 1 + t + X + m (+ t m).

    Attributes
    ----------
    products : (U, pairs) of the columns [basis, y, m], upper triangle by row.
    upper, inverse : (K, K) with centred columns = basis upper, and its inverse.
    k : columns of the mediator's model. interaction : whether t m is in the outcome's model. level : the constant's value in the basis.
    """

    products: FloatArray
    upper: FloatArray
    inverse: FloatArray
    k: int
    interaction: bool
    level: float

    def draw(self, weights: FloatArray) -> FloatArray:
        """(B, 5) paths of `linear_means` at weights (B, U); the mediator's origin is its mean in the data."""
        gram, right_y, right_m = self._systems(weights @ self.products)
        k = self.k
        outcome = _solved(gram, right_y) @ self.inverse.T
        mediator = _solved(gram[:, :k, :k], right_m[:, :k]) @ self.inverse[:k, :k].T
        means = (gram[:, 0, :] / gram[:, [0], 0] * self.level) @ self.upper
        other = [0, *range(2, k)]
        m0 = np.einsum("bj,bj->b", mediator[:, other], means[:, other])
        b0 = outcome[:, k]
        b1 = b0 + outcome[:, k + 1] if self.interaction else b0
        return np.column_stack([m0, mediator[:, 1], b0, b1, outcome[:, 1]])

    def _systems(self, sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        size = self.upper.shape[0] + 2
        rows, columns = np.triu_indices(size)
        full = np.empty((len(sums), size, size))
        full[:, rows, columns] = sums
        full[:, columns, rows] = sums
        return full[:, :-2, :-2], full[:, :-2, -2], full[:, :-2, -1]


def linear_paths(
    *,
    y: FloatArray,
    m: FloatArray,
    t: FloatArray,
    X: FloatArray,
    unit: IntArray,
    interaction: bool,
    weights: FloatArray | None = None,
) -> LinearPaths:
    """Cross-products by unit.

    Parameters
    ----------
    y, m, t : (n,) outcome, mediator, arm 0 or 1. X : (n, k) covariates without a constant, independent of each other and of t.
    unit : (n,) codes 0..U-1. interaction : let the mediator's slope differ by arm. weights : (n,) positive sampling weights.
    """
    w = np.ones(len(y)) if weights is None else weights / weights.mean()
    x = X - np.average(X, axis=0, weights=w) if X.shape[1] else X
    mediator = m - np.average(m, weights=w)
    outcome = y - np.average(y, weights=w)
    parts = [np.ones(len(y)), t, *x.T, mediator]
    columns = np.column_stack([*parts, t * mediator] if interaction else parts)
    upper = np.asarray(np.linalg.qr(np.sqrt(w)[:, None] * columns)[1])
    inverse = np.asarray(np.linalg.solve(upper, np.eye(len(upper))))
    stacked = np.column_stack([columns @ inverse, outcome, mediator])
    return LinearPaths(_by_unit(stacked, unit, w), upper, inverse, 2 + X.shape[1], interaction, float(inverse[0, 0]))


def _by_unit(columns: FloatArray, unit: IntArray, w: FloatArray) -> FloatArray:
    order = np.argsort(unit, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(unit))[:-1]])
    own, loaded = columns[order], (columns * w[:, None])[order]
    size = columns.shape[1]
    return np.concatenate([np.add.reduceat(own[:, [i]] * loaded[:, i:], starts, axis=0) for i in range(size)], axis=1)


def _solved(gram: FloatArray, right: FloatArray) -> FloatArray:
    """(B, K) solutions; of least norm where a draw leaves its system singular."""
    try:
        found = np.asarray(np.linalg.solve(gram, right[..., None])[..., 0], dtype=float)
        doubtful = np.abs(np.linalg.det(gram)) < SINGULAR
    except np.linalg.LinAlgError:
        found, doubtful = np.empty_like(right), np.ones(len(gram), dtype=bool)
    if doubtful.any():
        values, vectors = np.linalg.eigh(gram[doubtful])
        kept = values > SINGULAR * values[:, [-1]]
        scaled = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
        within = np.einsum("bji,bj->bi", vectors, right[doubtful])
        found[doubtful] = np.einsum("bij,bj->bi", vectors, scaled * within)
    return found
