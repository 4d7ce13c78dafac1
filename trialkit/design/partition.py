"""Exchange search for partitions into groups of given sizes: many starts, and many problems of one shape, at once.

The criterion of a partition is J = sum_g sum_f w_f S_gf^2 / n_g, with S_gf the sum of feature f over group g, n_g its people, and
w_f = 1 for a trait to be mixed, -1 for one to be alike. For centred features the sum over g is the sum of squares between groups,
so that a small J means groups with the same means where w = 1 (anticlustering: Papenberg & Klau 2021, Psychological Methods 26;
with squared deviations among the features also the same variances: Papenberg 2024, British Journal of Mathematical and Statistical
Psychology 77) and members like each other where w = -1.

Exchanging i of group A and j of group B changes J by, with d = x_j - x_i and mean products C_gj = sum_f w_f S_gf x_jf / n_g,

    2 (C_Aj - C_Bj - C_Ai + C_Bi) + (1/n_A + 1/n_B) sum_f w_f d_f^2.

Each row in turn is exchanged with the row that lowers J most, until no exchange lowers it: a local optimum. Features are whole
numbers, so that sums and products are exact and the path of a search is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

# A violation outweighs every criterion, and an exchange of blocks of different sizes every violation.
VIOLATION = 2.0**42
IMPOSSIBLE = 2.0**60
# Half of the least change that counts; smaller ones are rounding.
LEAST = 0.25
STORED_DISTANCES = 20_000_000

Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is searched: P problems of n rows and the same group sizes.

    Attributes
    ----------
    features : (P, n, F) whole numbers. signs : (F,) 1 or -1.
    sizes : (k,) people in each group.
    weights : (P, n) people in each row (a block that stays together is one row).
    barred : (P, k, n) groups that a row may not join, or None.
    enemies : (P, n, n) rows that may not share a group, or None.
    """

    features: FloatArray
    signs: FloatArray
    sizes: IntArray
    weights: IntArray
    barred: BoolArray | None = None
    enemies: BoolArray | None = None


def search(
    problem: Problem, which: IntArray, starts: IntArray, orders: IntArray, tick: Tick | None = None
) -> tuple[IntArray, IntArray]:
    """Local optima from given starts.

    Parameters
    ----------
    which : (B,) the problem of each start. starts : (B, n) groups. orders : (B, n) in which rows are tried.
    tick : told (finished, all) after every pass.

    Returns
    -------
    groups (B, n), and violations (B,): rows in a group barred to them plus pairs that should not share one.
    """
    state = _State.of(problem, which, starts, orders)
    found = starts.copy()
    alive = np.arange(len(which))
    while len(alive):
        changed = np.zeros(len(alive), dtype=bool)
        for step in range(starts.shape[1]):
            accepted = state.step(step)
            changed[accepted] = True
        found[alive[~changed]] = state.groups[~changed]
        alive = alive[changed]
        state = state.keep(changed)
        if tick is not None:
            tick(len(which) - len(alive), len(which))
    return found, violations(problem, which, found)


def criterion(problem: Problem, which: IntArray, groups: IntArray) -> IntArray:
    """(B,) J in 1/256, as exact whole numbers: the same for a partition however its groups are numbered."""
    total = np.zeros(len(which), dtype=np.int64)
    sums = _sums(problem, which, groups)
    for g, size in enumerate(problem.sizes.tolist()):
        squares = (sums[:, g] ** 2 @ problem.signs).astype(np.int64)
        total += (squares << 8) // size
    return total


def expected_criterion(problem: Problem) -> IntArray:
    """(P,) J in 1/256 that groups drawn at random would have on average: (k - 1)/(n - 1) of the sum of squares, each feature."""
    people = problem.weights.sum(axis=1)
    means = problem.features.sum(axis=1) / people[:, None]
    squares = (problem.features**2 / problem.weights[:, :, None]).sum(axis=1)
    k = len(problem.sizes)
    between = (squares - people[:, None] * means**2) * ((k - 1) / np.maximum(people - 1, 1))[:, None]
    value = (between + people[:, None] * means**2) @ problem.signs
    return np.rint(256 * value).astype(np.int64)


def violations(problem: Problem, which: IntArray, groups: IntArray) -> IntArray:
    """(B,) rows in barred groups plus pairs of enemies in one group."""
    count = np.zeros(len(which), dtype=np.int64)
    rows = np.arange(groups.shape[1])
    for b in range(len(which)) if problem.barred is not None or problem.enemies is not None else ():
        p = which[b]
        if problem.barred is not None:
            count[b] += int(problem.barred[p][groups[b], rows].sum())
        if problem.enemies is not None:
            first, second = np.nonzero(problem.enemies[p])
            count[b] += int((groups[b, first] == groups[b, second]).sum()) // 2
    return count


def canonical(groups: IntArray, k: int) -> IntArray:
    """(B, n) the same partitions with groups numbered by their first row."""
    n = groups.shape[1]
    first = np.stack([np.where((groups == g).any(axis=1), (groups == g).argmax(axis=1), n) for g in range(k)], axis=1)
    number = np.argsort(np.argsort(first, axis=1, kind="stable"), axis=1, kind="stable")
    return np.take_along_axis(number, groups, axis=1)


def _sums(problem: Problem, which: IntArray, groups: IntArray) -> FloatArray:
    """(B, k, F) sums of the features of each group."""
    features = problem.features[which]
    return np.stack([((groups == g)[:, None, :].astype(np.float64) @ features)[:, 0] for g in range(len(problem.sizes))], axis=1)


@dataclass(slots=True)
class _State:
    """A batch of searches; B rows in every array but the problem's own."""

    problem: Problem
    distances: FloatArray | None
    inverse: FloatArray
    which: IntArray
    orders: IntArray
    features: FloatArray
    groups: IntArray
    sums: FloatArray
    penalty: FloatArray | None
    products: FloatArray
    own: FloatArray

    @classmethod
    def of(cls, problem: Problem, which: IntArray, starts: IntArray, orders: IntArray) -> _State:
        inverse = 1.0 / problem.sizes
        features = problem.features[which]
        sums = _sums(problem, which, starts)
        products = (sums * problem.signs) @ features.swapaxes(1, 2) * inverse[:, None]
        penalty = _penalty(problem, which, starts)
        if penalty is not None:
            products = products + penalty
        own = np.take_along_axis(products, starts[:, None, :], axis=1)[:, 0]
        distances = _distances(problem)
        return cls(problem, distances, inverse, which, orders, features, starts.copy(), sums, penalty, products, own)

    def keep(self, mask: BoolArray) -> _State:
        """The searches that are not finished."""
        if mask.all():
            return self
        shared = ("problem", "distances", "inverse")
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _State(**{k: v if k in shared or v is None else v[mask] for k, v in values.items()})

    def step(self, step: int) -> IntArray:
        """Exchange the next row of every search with its best partner, where that helps; which searches did."""
        count, k, n = self.products.shape
        b = np.arange(count)
        i = self.orders[:, step]
        a = self.groups[b, i]
        leaving = self.products[b, :, i]
        leaving -= leaving[b, a][:, None]
        leaving[b, a] = IMPOSSIBLE
        # half of the change of J for every partner; `take` on flat arrays, because this is where the time goes
        half = leaving.ravel().take(self.groups + (k * b)[:, None])
        half += self.products.reshape(count * k, n).take(k * b + a, axis=0)
        half -= self.own
        half += self._halved_distances(i, a)
        j = half.argmin(axis=1)
        accepted = np.flatnonzero(half[b, j] < -LEAST)
        if len(accepted):
            self._exchange(accepted, i[accepted], j[accepted])
        return accepted

    def _halved_distances(self, i: IntArray, a: IntArray) -> FloatArray:
        """(B, n) the second term of half the change of J."""
        if self.distances is None:
            rows = _distance_rows(self.problem, self.which, i)
        else:
            n = self.groups.shape[1]
            rows = self.distances.reshape(-1, n).take(n * self.which + i, axis=0)
        if (self.problem.sizes == self.problem.sizes[0]).all():
            rows *= self.inverse[0]
        else:
            rows *= 0.5 * (self.inverse[a][:, None] + self.inverse.take(self.groups))
        return rows

    def _exchange(self, b: IntArray, i: IntArray, j: IntArray) -> None:
        first, second = self.groups[b, i], self.groups[b, j]
        step = self.features[b, j] - self.features[b, i]
        self.sums[b, first] += step
        self.sums[b, second] -= step
        self.groups[b, i], self.groups[b, j] = second, first
        if self.penalty is not None and self.problem.enemies is not None:
            moved = VIOLATION * (
                self.problem.enemies[self.which[b], j].astype(float) - self.problem.enemies[self.which[b], i].astype(float)
            )
            self.penalty[b, first] += moved
            self.penalty[b, second] -= moved
        for g in (first, second):
            row = (self.features[b] @ (self.sums[b, g] * self.problem.signs)[:, :, None])[:, :, 0] * self.inverse[g][:, None]
            self.products[b, g] = row if self.penalty is None else row + self.penalty[b, g]
        _, k, n = self.products.shape
        self.own[b] = self.products.ravel().take((k * n * b)[:, None] + n * self.groups[b] + np.arange(n))


def _penalty(problem: Problem, which: IntArray, groups: IntArray) -> FloatArray | None:
    """(B, k, n) what a row's presence in a group costs: an enemy of an own member is not exchanged with that very member."""
    if problem.barred is None and problem.enemies is None:
        return None
    out = np.zeros((len(which), len(problem.sizes), groups.shape[1]))
    if problem.barred is not None:
        out += VIOLATION * problem.barred[which]
    if problem.enemies is not None:
        for g in range(len(problem.sizes)):
            inside = (groups == g)[:, None, :].astype(np.float64)
            out[:, g] += VIOLATION * (inside @ problem.enemies[which].astype(np.float64))[:, 0]
    return out


def _distances(problem: Problem) -> FloatArray | None:
    """(P, n, n) weighted squared distances of rows, infinite between rows of different sizes; None where they would not fit."""
    count, n, _ = problem.features.shape
    if count * n * n > STORED_DISTANCES:
        return None
    signed = problem.features * problem.signs
    norms = (signed * problem.features).sum(axis=2)
    out = norms[:, :, None] + norms[:, None, :] - 2 * (signed @ problem.features.swapaxes(1, 2))
    out[problem.weights[:, :, None] != problem.weights[:, None, :]] = IMPOSSIBLE
    return out


def _distance_rows(problem: Problem, which: IntArray, i: IntArray) -> FloatArray:
    """(B, n) rows of `_distances`."""
    features = problem.features[which]
    steps = features - features[np.arange(len(which)), i][:, None, :]
    out: FloatArray = (steps**2) @ problem.signs
    weights = problem.weights[which]
    out[weights != weights[np.arange(len(which)), i][:, None]] = IMPOSSIBLE
    return out
