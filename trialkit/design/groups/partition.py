"""Exchange search for partitions into groups of given sizes: many starts, and many problems of one shape, at once.

The criterion of a partition is J = sum_g sum_f w_f S_gf^2 / n_g, with S_gf the sum of feature f over group g, n_g its people, and
w_f = 1 for a trait to be mixed, -1 for one to be alike. For centred features the sum over g is the sum of squares between groups,
so that a small J means groups with the same means where w = 1 (anticlustering: Papenberg & Klau 2021, Psychological Methods 26;
with squared deviations among the features also the same variances: Papenberg 2024, British Journal of Mathematical and Statistical
Psychology 77) and members like each other where w = -1.

Exchanging i of group A and j of group B changes J by, with d = x_j - x_i and mean products C_gj = sum_f w_f S_gf x_jf / n_g,

    2 (C_Aj - C_Bj - C_Ai + C_Bi) + (1/n_A + 1/n_B) sum_f w_f d_f^2.

The rows of a search stand in a line, and each in turn is exchanged with that one of the m behind it that lowers J most, until no
such exchange lowers it: a local optimum. With all rows behind it these are all exchanges; with fewer and lines at random (random
exchange partners, as in the fast variant of Papenberg & Klau) searches end in different near-optimal partitions also where
there is one optimum of all exchanges. Features are whole numbers, so that sums and products are exact and the path of a search
is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

# A violation outweighs every criterion, and an exchange of blocks of different sizes every violation.
VIOLATION = 2.0**42
IMPOSSIBLE = 2.0**60
# Half of the least change that counts; smaller ones are rounding.
LEAST = 0.25
# The most distances between rows that a batch of searches keeps from one pass to the next (8 bytes each).
REMEMBERED = 24_000_000

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

    @property
    def uniform(self) -> bool:
        """Whether all groups have one size."""
        return bool((self.sizes == self.sizes[0]).all())


def search(
    problem: Problem,
    which: IntArray,
    starts: IntArray,
    lines: IntArray,
    partners: float = 1.0,
    tick: Tick | None = None,
) -> tuple[IntArray, IntArray]:
    """Local optima from given starts.

    Parameters
    ----------
    which : (B,) the problem of each start. starts : (B, n) groups. lines : (B, n) orders of the rows.
    partners : share of all pairs that are tried for an exchange: those nearest in the line. A search that ends in a broken link
        goes on with all.
    tick : told (finished, all) after every pass.

    Returns
    -------
    groups (B, n), and violations (B,): rows in a group barred to them plus pairs that should not share one.
    """
    n = starts.shape[1]
    behind = reach(n, partners)
    found = _passes(problem, which, starts, lines, behind, tick)
    wrong = violations(problem, which, found)
    broken = np.flatnonzero(wrong)
    if len(broken) and behind < n - 1:
        found[broken] = _passes(problem, which[broken], found[broken], lines[broken], n - 1, None)
        wrong = violations(problem, which, found)
    return found, wrong


def reach(n: int, partners: float) -> int:
    """The smallest number of rows behind each in a line of n that makes this share of all pairs.

    Examples
    --------
    >>> reach(100, 0.4), reach(100, 1.0)
    (23, 99)
    """
    return next((m for m in range(1, n - 1) if m * (2 * n - m - 1) >= partners * n * (n - 1)), max(n - 1, 1))


def _passes(problem: Problem, which: IntArray, starts: IntArray, lines: IntArray, behind: int, tick: Tick | None) -> IntArray:
    """Go along the lines until a whole pass changes nothing."""
    found, alive = starts.copy(), np.arange(len(which))
    state = _State.of(problem, which, starts, lines)
    while len(alive):
        changed = np.zeros(len(alive), dtype=bool)
        for place in range(starts.shape[1] - 1):
            changed[state.step(place, place + 1 + behind)] = True
        done = ~changed
        found[alive[done][:, None], state.lines[done]] = state.groups[done]
        alive = alive[changed]
        state = state.keep(changed)
        if tick is not None:
            tick(len(which) - len(alive), len(which))
    return found


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
    """A batch of B searches; the rows of each in the order of its line.

    Attributes
    ----------
    features : (B, F, n). norms : (B, n) their signed squares. sums : (B, F, k) the w_f S_gf.
    penalty : (B, k, n) what j in g costs. own : (B, n) the C_gj of each row's own group, with the penalty.
    shares : (B, n) 1 / (2 size) of each row's own group.
    distances : by place, `_distances` of its row to those behind it, which no exchange changes; empty where they would not fit in memory.
    """

    problem: Problem
    which: IntArray
    lines: IntArray
    features: FloatArray
    norms: FloatArray
    groups: IntArray
    sums: FloatArray
    penalty: FloatArray | None
    own: FloatArray
    shares: FloatArray
    distances: dict[int, FloatArray]

    @classmethod
    def of(cls, problem: Problem, which: IntArray, starts: IntArray, lines: IntArray) -> _State:
        rows = problem.features[which[:, None], lines]
        features, norms = np.ascontiguousarray(rows.swapaxes(1, 2)), (rows**2) @ problem.signs
        sums = np.ascontiguousarray((_sums(problem, which, starts) * problem.signs).swapaxes(1, 2))
        penalty = _penalty(problem, which, starts, lines)
        groups = np.take_along_axis(starts, lines, axis=1)
        own, shares = np.zeros(groups.shape), (0.5 / problem.sizes)[groups]
        state = cls(problem, which, lines, features, norms, groups, sums, penalty, own, shares, {})
        state._settle(*np.indices(groups.shape).reshape(2, -1))
        return state

    def keep(self, mask: BoolArray) -> _State:
        """The searches that are not finished."""
        if mask.all():
            return self
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("problem", "distances")}
        masked: dict[str, Any] = {k: None if v is None else v[mask] for k, v in kept.items()}
        return _State(problem=self.problem, distances={p: d[mask] for p, d in self.distances.items()}, **masked)

    def step(self, place: int, end: int) -> IntArray:
        """Exchange the row at a place of every line with the best of those behind it, where that helps; which searches did."""
        b, k = np.arange(len(self.which)), len(self.problem.sizes)
        a, others = self.groups[:, place], self.groups[:, place + 1 : end]
        leaving = self._joining(place)
        leaving -= self.own[:, place, None]
        leaving[b, a] = IMPOSSIBLE
        half = leaving.ravel().take(others + (k * b)[:, None])
        half += self._replacing(b, a, place, end)
        half -= self.own[:, place + 1 : end]
        half += self._halved_distances(place, end)
        best = half.argmin(axis=1)
        accepted = np.flatnonzero(half[b, best] < -LEAST)
        if len(accepted):
            self._exchange(accepted, place, place + 1 + best[accepted])
        return accepted

    def _joining(self, place: int) -> FloatArray:
        """(B, k) the C_gj of the row at a place in every group."""
        out = (self.features[:, None, :, place] @ self.sums)[:, 0]
        out *= 1.0 / self.problem.sizes
        if self.penalty is not None:
            out += self.penalty[:, :, place]
        return out

    def _replacing(self, b: IntArray, a: IntArray, place: int, end: int) -> FloatArray:
        """(B, partners) the C_gj of the rows behind a place in its group."""
        out = (self.sums[b, :, a][:, None] @ self.features[:, :, place + 1 : end])[:, 0]
        out *= (1.0 / self.problem.sizes)[a][:, None]
        if self.penalty is not None:
            out += self.penalty[b, a, place + 1 : end]
        return out

    def _halved_distances(self, place: int, end: int) -> FloatArray:
        """(B, partners) half of the second term of the change of J; impossible between blocks of different sizes."""
        known = self.distances.get(place)
        if known is None:
            known = self._distances(place, end)
            if self.norms.size * (end - place) <= REMEMBERED:
                self.distances[place] = known
        if self.problem.uniform:
            return known
        shares = self.shares[:, place + 1 : end] + self.shares[:, place, None]
        shares *= known
        return shares

    def _distances(self, place: int, end: int) -> FloatArray:
        """(B, partners) the sum over the features of w_f d_f^2; where all groups have one size, halved and over that size."""
        values = self.norms[:, place + 1 : end] + self.norms[:, place, None]
        for f, sign in enumerate(self.problem.signs.tolist()):
            values -= self.features[:, f, place + 1 : end] * (2 * sign * self.features[:, f, place, None])
        if self.problem.uniform:
            values *= 1.0 / self.problem.sizes[0]
        if (self.problem.weights != 1).any():
            weights = self.problem.weights[self.which[:, None], self.lines[:, place:end]]
            values[weights[:, 1:] != weights[:, :1]] = IMPOSSIBLE
        return values

    def _exchange(self, b: IntArray, i: int, j: IntArray) -> None:
        first, second = self.groups[b, i], self.groups[b, j]
        step = (self.features[b, :, j] - self.features[b, :, i]) * self.problem.signs
        self.sums[b, :, first] += step
        self.sums[b, :, second] -= step
        self.groups[b, i], self.groups[b, j] = second, first
        self.shares[b, i], self.shares[b, j] = self.shares[b, j], self.shares[b, i]
        if self.penalty is not None and self.problem.enemies is not None:
            moved = VIOLATION * (self._enemies_of(b, j) - self._enemies_of(b, i))
            self.penalty[b, first] += moved
            self.penalty[b, second] -= moved
        groups = self.groups[b]
        search, row = np.nonzero((groups == first[:, None]) | (groups == second[:, None]))
        self._settle(b[search], row)

    def _settle(self, b: IntArray, row: IntArray) -> None:
        """The C_gj of these rows in their own groups."""
        group, out = self.groups[b, row], np.zeros(len(b))
        for f in range(self.features.shape[1]):
            out += self.features[b, f, row] * self.sums[b, f, group]
        out *= (1.0 / self.problem.sizes)[group]
        if self.penalty is not None:
            out += self.penalty[b, group, row]
        self.own[b, row] = out

    def _enemies_of(self, b: IntArray, place: int | IntArray) -> FloatArray:
        """(searches, n) 1 for the enemies of the row at a place, in the order of the line."""
        assert self.problem.enemies is not None
        of = self.problem.enemies[self.which[b], self.lines[b, place]]
        return np.take_along_axis(of, self.lines[b], axis=1).astype(np.float64)


def _penalty(problem: Problem, which: IntArray, groups: IntArray, lines: IntArray) -> FloatArray | None:
    """(B, k, n) what a row's presence in a group costs, in the order of the lines.

    The enemy of a row counts as in the way also where the two would change place, so that this exchange is not made.
    """
    if problem.barred is None and problem.enemies is None:
        return None
    out = np.zeros((len(which), len(problem.sizes), groups.shape[1]))
    if problem.barred is not None:
        out += VIOLATION * problem.barred[which]
    if problem.enemies is not None:
        for g in range(len(problem.sizes)):
            inside = (groups == g)[:, None, :].astype(np.float64)
            out[:, g] += VIOLATION * (inside @ problem.enemies[which].astype(np.float64))[:, 0]
    return np.take_along_axis(out, lines[:, None, :], axis=2)
