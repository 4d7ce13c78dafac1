"""Repeated measures as sufficient statistics: people with the same waves observed are one cell.

The likelihood depends on people only through sums of products of [X y] over the people of a cell, and on the groups only through
their sums of [X y] in each cell, so that a fit costs the same for a hundred people and for a hundred thousand.

The columns are rotated to an orthonormal basis and y is replaced by its least-squares residuals in units of their size. Neither
changes the likelihood but by a constant, and nothing is lost to the outcome's or a covariate's origin and unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.least_squares import LeastSquares, least_squares


@dataclass(frozen=True, slots=True)
class RepeatedData:
    """Sufficient statistics of n people at T waves; q = r + 1 columns are the r of the rotated design and the scaled residual.

    Attributes
    ----------
    observed : (C, T) waves seen in each cell. part : (C,) covariance part of each cell. people : (C,) how many.
    cross : (C, T, T, q, q) sums over people of products of the rows of two waves.
    members : (G, C) people of each group in each cell. sums : (G, C, T, q) their sums. group_part : (G,).
    cell : (n,) cell of each person. group : (n,) position of the person's group, or -1. y, X, seen : (n, T), (n, T, K), (n, T).
    ols : the least-squares fit that the basis and the scale come from.
    scale : size of its residuals, the unit of y.
    """

    observed: BoolArray
    part: IntArray
    people: FloatArray
    cross: FloatArray
    members: FloatArray
    sums: FloatArray
    group_part: IntArray
    cell: IntArray
    group: IntArray
    y: FloatArray
    X: FloatArray
    seen: BoolArray
    ols: LeastSquares
    scale: float

    @property
    def waves(self) -> int:
        return int(self.observed.shape[1])

    @property
    def n(self) -> int:
        return len(self.cell)

    @property
    def n_groups(self) -> int:
        return len(self.group_part)

    @property
    def n_observed(self) -> int:
        return int(self.seen.sum())

    @property
    def rank(self) -> int:
        return len(self.ols.kept)

    @property
    def rotation(self) -> FloatArray:
        """(r, r): coefficients on the kept columns are `ols.coef` plus `scale` times this times those of the rotated design."""
        return self.ols.rotation * np.sqrt(self.n_observed)

    @property
    def constant(self) -> float:
        """What the change of basis and unit takes out of -2 log restricted likelihood."""
        log_r = -np.linalg.slogdet(self.rotation)[1]
        return float((self.n_observed - self.rank) * np.log(self.scale**2) + 2 * log_r)


def repeated_data(
    *,
    y: FloatArray,
    X: FloatArray,
    part: IntArray | None = None,
    group: IntArray | None = None,
    group_part: IntArray | None = None,
) -> RepeatedData:
    """Sufficient statistics of repeated measures.

    Parameters
    ----------
    y : (n, T), NaN where a wave is missing; everyone has one wave at least.
    X : (n, T, K) fixed effects, without missing values where y is seen.
    part : (n,) 0..A-1, people who share a covariance matrix; by default one part.
    group : (n,) codes of groups with effects of their own, -1 outside; by default none.
    group_part : (n,) 0..B-1, groups that share a covariance matrix; read where group >= 0, by default one part.

    Raises
    ------
    ValueError
        Someone without a wave, or an outcome that the fixed effects determine exactly.
    """
    n, waves = y.shape
    seen = np.isfinite(y)
    if not seen.any(axis=1).all():
        raise ValueError("a person without any wave")
    parts = np.zeros(n, dtype=np.int64) if part is None else part
    groups = np.full(n, -1, dtype=np.int64) if group is None else group
    ols = least_squares(y=y[seen], X=X[seen])
    scale = float(np.sqrt(ols.rss / max(len(ols.residuals), 1)))
    spread = float(np.abs(y[seen] - y[seen].mean()).max())
    if not scale > 1e-10 * spread:
        raise ValueError("the fixed effects determine the outcome exactly")
    Z = np.zeros((n, waves, len(ols.kept) + 1))
    Z[seen] = np.column_stack([ols.q * np.sqrt(len(ols.residuals)), ols.residuals / scale])
    key = parts * 2**waves + seen @ (2 ** np.arange(waves))
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    cell = cell.reshape(-1).astype(np.int64)
    members, sums, positions, kinds = _groups(Z, cell, len(first), groups, group_part)
    return RepeatedData(
        seen[first], parts[first].astype(np.int64), np.bincount(cell).astype(float), _cross(Z, cell, len(first)), members, sums, kinds,
        cell, positions, y, X, seen, ols, scale,
    )  # fmt: skip


def _cross(Z: FloatArray, cell: IntArray, cells: int) -> FloatArray:
    n, waves, q = Z.shape
    flat = Z.reshape(n, waves * q)
    out = np.empty((cells, waves, waves, q, q))
    for c in range(cells):
        rows = flat[cell == c]
        out[c] = (rows.T @ rows).reshape(waves, q, waves, q).transpose(0, 2, 1, 3)
    return out


def _groups(
    Z: FloatArray, cell: IntArray, cells: int, group: IntArray, group_part: IntArray | None
) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Members and sums of each group by cell, the position of each person's group, and the part of each group."""
    inside = group >= 0
    found, first, codes = np.unique(group[inside], return_index=True, return_inverse=True)
    positions = np.full(len(group), -1, dtype=np.int64)
    positions[inside] = codes.reshape(-1)
    kinds = np.zeros(len(found), dtype=np.int64) if group_part is None else group_part[inside][first].astype(np.int64)
    at = positions[inside] * cells + cell[inside]
    members = np.bincount(at, minlength=len(found) * cells).astype(float).reshape(len(found), cells)
    sums = np.zeros((len(found) * cells, *Z.shape[1:]))
    np.add.at(sums, at, Z[inside])
    return members, sums.reshape(len(found), cells, *Z.shape[1:]), positions, kinds
