"""Alike units in pairs, triplets or larger tuples: optimal where that can be had, and otherwise with the gap to a lower bound.

- Pairs of up to 2,000 units: the minimum total distance, by Edmonds' algorithm (`trialkit.design.matching.blossom`).
- Larger tuples: the least alike unit first with its nearest neighbours, then swaps of two units as long as one helps.
- More units: cells of at most 1,000 neighbours solved one by one, and once more along other borders.

Distances are rounded to 2^-26 of the largest, so that the result is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from trialkit.design.matching.blossom import even_costs, minimum_matching
from trialkit.errors import DesignError
from trialkit.inference.arrays import FloatArray, IntArray

__all__ = ["Matching", "Progress", "match_distances", "match_points"]

Progress: TypeAlias = Callable[[str, int, int], None]

MOST_EXACT = 2_000
CELL = 1_000
MOST_DENSE = 6_000
MOST_ASSIGNMENT = 3_000
_PASSES = 100


@dataclass(frozen=True, slots=True)
class Matching:
    """Units in tuples.

    Attributes
    ----------
    tuples : (tuples, k) rows of units. rest : units beyond the last full tuple.
    total : sum of the distances within tuples. bound : no matching has a smaller total. optimal : the total is the least there is.
    """

    tuples: IntArray
    rest: IntArray
    total: float
    bound: float
    optimal: bool

    @property
    def gap(self) -> float | None:
        """(total - bound) / bound; None when the bound is zero and the total is not."""
        if self.optimal or self.total <= self.bound:
            return 0.0
        return self.total / self.bound - 1 if self.bound > 0 else None


def match_distances(distance: FloatArray, k: int, *, progress: Progress | None = None) -> Matching:
    """Tuples of `k` units from an (n, n) matrix of distances.

    Examples
    --------
    >>> import numpy as np
    >>> age = np.array([20.0, 60, 22, 61, 40])
    >>> m = match_distances(abs(age[:, None] - age), 2)
    >>> m.tuples.tolist(), m.rest.tolist(), m.total
    ([[0, 2], [1, 3]], [4], 3.0)
    """
    n = len(distance)
    if n > MOST_DENSE:
        raise DesignError(
            f"{n:,} units are too many for a distance of your own (at most {MOST_DENSE:,} in a stratum): name strata, or match on "
            "covariates with distance='mahalanobis'."
        )
    exact = k == 2 and n <= MOST_EXACT
    tuples, rest = _pairs(distance, progress) if exact else _alike(distance, k, progress)
    total = _total(distance, tuples)
    bound = total if exact or not len(tuples) else min(total, _bound(distance, k))
    return Matching(tuples, rest, total, bound, exact or not len(tuples))


def match_points(points: FloatArray, k: int, *, progress: Progress | None = None) -> Matching:
    """Tuples of `k` units by the Euclidean distance of their coordinates, of any number of units."""
    if len(points) <= MOST_EXACT:
        return match_distances(_distances(points), k, progress=progress)
    tuples, rest = _in_cells(points, k, progress)
    total = sum(_total(_distances(points[t]), np.arange(k)[None]) for t in tuples)
    return Matching(tuples, rest, total, min(total, _bound_points(points, k)), False)


def _distances(points: FloatArray) -> FloatArray:
    # differences first, so that equal units are at distance zero exactly
    square = np.zeros((len(points), len(points)))
    for column in points.T:
        square += (column[:, None] - column) ** 2
    return np.sqrt(square)


def _total(distance: FloatArray, tuples: IntArray) -> float:
    k = tuples.shape[1]
    return float(sum(distance[tuples[:, i], tuples[:, j]].sum() for i in range(k) for j in range(i)))


def _sorted(tuples: IntArray) -> IntArray:
    tuples = np.sort(tuples, axis=1)
    return tuples[np.argsort(tuples[:, 0], kind="stable")]


def _pairs(distance: FloatArray, progress: Progress | None) -> tuple[IntArray, IntArray]:
    """The optimal pairs; with an odd number the unit whose absence costs least stays over, by a partner at no distance."""
    n = len(distance)
    cost = even_costs(np.pad(distance, (0, n % 2)))
    found = minimum_matching(cost, progress=(lambda done, of: progress("matching", done, of)) if progress else None)
    first = np.flatnonzero(found.mate > np.arange(len(cost)))
    tuples = np.column_stack([first, found.mate[first]])
    alone = tuples[:, 1] == n
    return _sorted(tuples[~alone]), tuples[alone, 0]


def _alike(distance: FloatArray, k: int, progress: Progress | None) -> tuple[IntArray, IntArray]:
    """Greedy start and swaps; the units that stay over are members of a last place that costs nothing."""
    cost = even_costs(distance)
    block = _greedy(cost, k)
    full = len(cost) // k
    _swap(cost, block, full, progress)
    order = np.argsort(block, kind="stable")
    return _sorted(order[: full * k].reshape(full, k)), np.sort(order[full * k :])


def _greedy(cost: IntArray, k: int) -> IntArray:
    """Block of each unit: the one farthest from all others takes its nearest free neighbours, and so on."""
    n = len(cost)
    block = np.full(n, n // k, dtype=np.int64)
    free = np.ones(n, dtype=bool)
    far = np.argsort(-cost.sum(axis=1), kind="stable")
    number = 0
    for unit in far:
        if not free[unit] or number == n // k:
            continue
        free[unit] = False
        left = np.flatnonzero(free)
        near = left[np.argsort(cost[unit, left], kind="stable")[: k - 1]]
        free[near] = False
        block[unit] = block[near] = number
        number += 1
    return block


def _swap(cost: IntArray, block: IntArray, full: int, progress: Progress | None) -> None:
    """Exchange units of two tuples (or with the rest) while the total falls; changes `block` in place."""
    n = len(cost)
    real = np.append(np.ones(full, dtype=np.int64), 0)
    to_block = np.zeros((n, full + 1), dtype=np.int64)
    for b in range(full):
        to_block[:, b] = cost[:, block == b].sum(axis=1)
    for step in range(_PASSES):
        changed = False
        for i in range(n):
            own = to_block[np.arange(n), block]
            shared = (real[block] + real[block[i]]) * cost[i]
            change = to_block[i, block] + to_block[:, block[i]] - shared - own - own[i]
            change[block == block[i]] = 0
            j = int(change.argmin())
            if change[j] < 0:
                a, b = block[i], block[j]
                to_block[:, a] += real[a] * (cost[:, j] - cost[:, i])
                to_block[:, b] += real[b] * (cost[:, i] - cost[:, j])
                block[i], block[j] = b, a
                changed = True
        if progress:
            progress("swapping", step + 1, _PASSES)
        if not changed:
            return


def _bound(distance: FloatArray, k: int) -> float:
    """Half of what each unit needs at least for k - 1 partners; for pairs half the cheapest assignment of partners."""
    n = len(distance)
    apart = distance.copy()
    np.fill_diagonal(apart, np.inf)
    if k == 2 and n % 2 == 0 and n <= MOST_ASSIGNMENT:
        np.fill_diagonal(apart, distance.sum())
        rows, columns = linear_sum_assignment(apart)
        return float(apart[rows, columns].sum()) / 2
    return _half_sum(np.partition(apart, k - 2, axis=1)[:, : k - 1].sum(axis=1), k)


def _half_sum(needs: FloatArray, k: int) -> float:
    kept = len(needs) // k * k
    return float(np.sort(needs)[:kept].sum()) / 2


def _bound_points(points: FloatArray, k: int) -> float:
    near, _ = cKDTree(points).query(points, k=k)
    return _half_sum(near[:, 1:].sum(axis=1), k)


def _in_cells(points: FloatArray, k: int, progress: Progress | None) -> tuple[IntArray, IntArray]:
    """Cells of neighbours solved one by one; then whole tuples in cells with other borders, kept where the total falls."""
    cells = _cells(points, CELL // k * k, k, 0.5)
    tuples, rest = [], []
    for step, cell in enumerate(cells):
        found = match_distances(_distances(points[cell]), k)
        tuples.append(cell[found.tuples])
        rest.append(cell[found.rest])
        if progress:
            progress("matching in cells", step + 1, 2 * len(cells))
    whole = np.concatenate(tuples)
    again = _cells(points[whole].mean(axis=1), CELL // k, 1, 0.37)
    for step, cell in enumerate(again):
        whole[cell] = _better(points, whole[cell], k)
        if progress:
            progress("matching across cells", len(cells) + min(step + 1, len(cells)), 2 * len(cells))
    return _sorted(whole), np.sort(np.concatenate(rest))


def _better(points: FloatArray, tuples: IntArray, k: int) -> IntArray:
    units = tuples.ravel()
    distance = _distances(points[units])
    found = match_distances(distance, k)
    now = _total(distance, np.arange(len(units)).reshape(tuples.shape))
    return units[found.tuples] if found.total < now else tuples


def _cells(points: FloatArray, most: int, multiple: int, fraction: float) -> list[IntArray]:
    """Split along the widest coordinate until no cell is larger than `most`; all but the last are multiples of `multiple`."""
    waiting, done = [np.arange(len(points))], []
    while waiting:
        cell = waiting.pop()
        if len(cell) <= most:
            done.append(cell)
            continue
        widest = int(np.ptp(points[cell], axis=0).argmax())
        order = cell[np.argsort(points[cell, widest], kind="stable")]
        cut = max(int(len(cell) * fraction) // multiple, 1) * multiple
        waiting += [order[cut:], order[:cut]]
    return done
