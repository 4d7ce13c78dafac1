"""Leftover places: what happens when shares of a stratum are not whole numbers of people.

With shares p a stratum of n has floor(n p) places of each arm for certain, and a few leftover places. The rules (`misfits`):

- 'stratum': every stratum draws its leftover places by itself, systematically over the arms. The number in an arm is within one of
  its share in every stratum; over the whole trial the deviations add up like independent roundings.
- 'global': one draw rounds all strata together, so that the totals of the whole trial are within one of their shares as well. With
  two arms it is a systematic pass over the strata, with more a controlled rounding of the table strata x arms (Cox 1987). The
  leftovers of different strata then depend on each other, and there are few patterns of them.
- 'pool': every stratum keeps as many complete sets as fit in it (sets of the smallest size that the shares divide: 3 for 1:2), and
  the people left over, drawn at random from each stratum, form one more stratum. Inside a stratum an arm may then be up to a set off.

Under each of them the probability of an arm is exactly its share, for everyone.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal, TypeAlias

import numpy as np

from trialkit.design.cells.rounding import Patterns, controlled, systematic
from trialkit.design.cells.within import Layout, Places, compositions
from trialkit.design.stream import Stream, raw_block
from trialkit.errors import DesignError
from trialkit.inference.arrays import FloatArray, IntArray

Misfits: TypeAlias = Literal["stratum", "global", "pool"]
Shares: TypeAlias = tuple[Fraction, ...]
Options: TypeAlias = "tuple[tuple[int, ...], ...] | None"

MOST_COUNTED = 200_000
_ROUND = 10_000


def exact_shares(arms: Mapping[Hashable, float]) -> Shares:
    """Allocation shares of weights as fractions that sum to one: 0.1 is a tenth, and 0.333333333333 a third.

    Examples
    --------
    >>> [str(s) for s in exact_shares({"a": 0.2, "b": 0.2, "c": 0.6})]
    ['1/5', '1/5', '3/5']
    """
    weights = [_exact(w) for w in arms.values()]
    total = sum(weights, Fraction(0))
    shares = tuple(w / total for w in weights)
    near = tuple(s.limit_denominator(_ROUND) for s in shares)
    return near if sum(near) == 1 and all(abs(a - b) < 1e-12 for a, b in zip(near, shares)) else shares


def _exact(weight: object) -> Fraction:
    if isinstance(weight, (int, Fraction, Decimal)):
        return Fraction(weight)
    return Fraction(repr(float(weight)))  # type: ignore[arg-type]


class CountLaw(ABC):
    """How many units of each cell are in each arm: places that are certain, and a law for the others.

    Given these numbers every allocation inside the cells is equally likely; that is the whole design.

    Attributes
    ----------
    base : (cells, arms) places that are certain.
    """

    base: IntArray

    @abstractmethod
    def extra(self, streams: Sequence[Stream]) -> Places | None:
        """(draws, cells, arms) leftover places; None when there are none."""

    @abstractmethod
    def options(self) -> list[Options]:
        """For each cell the leftover places it can have; None when they are too many to list."""

    @abstractmethod
    def tables(self) -> Iterator[tuple[IntArray, float]]:
        """Every table (cells, arms) of numbers, and its probability."""

    @abstractmethod
    def count(self) -> int | None:
        """Number of allocations over all tables; None when that is too much work."""

    @abstractmethod
    def means(self) -> FloatArray:
        """(cells, arms) expected numbers."""

    @abstractmethod
    def within(self, a: int, b: int) -> FloatArray:
        """(cells,) expected number of ordered pairs of different units in arms a and b of one cell."""

    @abstractmethod
    def across(self, a: int, b: int) -> FloatArray:
        """(cells, cells) expected product of the numbers in arm a of one cell and arm b of another; the diagonal is not used."""


class JointLaw(CountLaw):
    """One draw of a pattern for all cells together; with a single pattern the numbers are fixed."""

    def __init__(self, base: IntArray, patterns: Patterns | None = None):
        self.base = base
        self.patterns = patterns or Patterns(np.zeros((1, *base.shape), dtype=np.int8), (Fraction(1),))

    def extra(self, streams: Sequence[Stream]) -> Places | None:
        if self.patterns.count == 1:
            return None
        keys = raw_block(streams, 1)[:, 0]
        return self.patterns.picks[np.searchsorted(self.patterns.thresholds, keys, side="right")].astype(np.int16)

    def options(self) -> list[Options]:
        return [tuple(map(tuple, np.unique(self.patterns.picks[:, s], axis=0).tolist())) for s in range(len(self.base))]

    def tables(self) -> Iterator[tuple[IntArray, float]]:
        for picks, weight in zip(self.patterns.picks, self.patterns.weights):
            yield self.base + picks, float(weight)

    def count(self) -> int | None:
        if self.patterns.count * len(self.base) > MOST_COUNTED:
            return None
        return sum(_ways(self.base + picks) for picks in self.patterns.picks)

    def means(self) -> FloatArray:
        return self.base + np.einsum("p,psa->sa", self.patterns.weights, self.patterns.picks)

    def within(self, a: int, b: int) -> FloatArray:
        first, second = (self.base[:, c] + self.patterns.picks[..., c] for c in (a, b))
        return np.einsum("p,ps->s", self.patterns.weights, first * (second - (a == b)))

    def across(self, a: int, b: int) -> FloatArray:
        first, second = (self.base[:, c] + self.patterns.picks[..., c].astype(float) for c in (a, b))
        return (self.patterns.weights[:, None] * first).T @ second


class IndependentLaw(CountLaw):
    """Every cell draws its leftover places by itself."""

    def __init__(self, base: IntArray, patterns: Sequence[Patterns], kind_of: IntArray):
        self.base = base
        self.patterns = patterns
        self.kind_of = kind_of

    def extra(self, streams: Sequence[Stream]) -> Places | None:
        drawn = np.flatnonzero(np.array([p.count > 1 for p in self.patterns])[self.kind_of])
        if not len(drawn):
            return None
        keys = raw_block(streams, len(drawn))
        out = np.zeros((len(streams), *self.base.shape), dtype=np.int16)
        for kind in np.unique(self.kind_of[drawn]):
            mine = np.flatnonzero(self.kind_of[drawn] == kind)
            everyone = len(mine) == len(self.base)
            pattern = self.patterns[kind]
            chosen = np.zeros((len(streams), len(mine)), dtype=np.int8)
            for threshold in pattern.thresholds:
                chosen += (keys if everyone else keys[:, mine]) >= threshold
            places = pattern.picks.astype(np.int16).take(chosen, axis=0)
            if everyone:
                return places
            out[:, drawn[mine]] = places
        return out

    def options(self) -> list[Options]:
        listed: list[Options] = [tuple(map(tuple, p.picks.tolist())) for p in self.patterns]
        return [listed[kind] for kind in self.kind_of]

    def tables(self) -> Iterator[tuple[IntArray, float]]:
        choices = [range(self.patterns[kind].count) for kind in self.kind_of]
        for chosen in itertools.product(*choices):
            patterns = [self.patterns[kind] for kind in self.kind_of]
            picks = np.array([p.picks[c] for p, c in zip(patterns, chosen)])
            yield self.base + picks, math.prod(float(p.probabilities[c]) for p, c in zip(patterns, chosen))

    def count(self) -> int:
        ways = {}
        for base, kind in zip(map(tuple, self.base.tolist()), self.kind_of.tolist()):
            if (base, kind) not in ways:
                ways[base, kind] = sum(_ways_of(tuple((base + p).tolist())) for p in self.patterns[kind].picks)
        return math.prod(ways[base, kind] for base, kind in zip(map(tuple, self.base.tolist()), self.kind_of.tolist()))

    def means(self) -> FloatArray:
        expected = np.array([p.weights @ p.picks for p in self.patterns])
        return self.base + expected[self.kind_of]

    def within(self, a: int, b: int) -> FloatArray:
        out = np.empty(len(self.base))
        for kind, pattern in enumerate(self.patterns):
            mine = self.kind_of == kind
            first, second = (self.base[mine, c] + pattern.picks[:, None, c].astype(float) for c in (a, b))
            out[mine] = pattern.weights @ (first * (second - (a == b)))
        return out

    def across(self, a: int, b: int) -> FloatArray:
        means = self.means()
        return np.outer(means[:, a], means[:, b])


class PooledLaw(CountLaw):
    """The leftover people of all cells form one more cell."""

    def __init__(self, base: IntArray, left: IntArray, pool: IndependentLaw):
        self.base = base
        self.left = left
        self.pool = pool
        self.size = int(left.sum())
        self.layout = Layout(np.array([self.size]), pool.base, pool.options(), np.zeros(self.size, dtype=np.int64))

    def extra(self, streams: Sequence[Stream]) -> Places | None:
        pooled = self.layout.draw(streams, self.pool.extra(streams))
        out = np.zeros((len(streams), *self.base.shape), dtype=np.int16)
        with_left = np.flatnonzero(self.left)
        starts = np.concatenate(([0], np.cumsum(self.left[with_left])[:-1]))
        for arm in range(self.base.shape[1]):
            out[:, with_left, arm] = np.add.reduceat(pooled == arm, starts, axis=1, dtype=np.int16)
        return out

    def options(self) -> list[Options]:
        listed = {int(r): _compositions_of(int(r), self.base.shape[1]) for r in np.unique(self.left)}
        return [listed[int(r)] for r in self.left]

    def tables(self) -> Iterator[tuple[IntArray, float]]:
        for pool, weight in self.pool.tables():
            places = tuple(pool[0].tolist())
            ways = _ways_of(places)
            for split in _splits(places, tuple(self.left.tolist())):
                extra = np.array(split)
                yield self.base + extra, weight * _ways(extra) / ways

    def count(self) -> int | None:
        states = math.prod(int(n) + 2 for n in self.pool.base[0, :-1])
        steps = sum(_number_of_compositions(int(r), self.base.shape[1]) for r in self.left)
        if states * steps > MOST_COUNTED:
            return None
        return sum(self._ways_to(tuple(pool[0].tolist())) for pool, _ in self.pool.tables())

    def _ways_to(self, places: tuple[int, ...]) -> int:
        """Allocations whose pool has these numbers: a walk over the cells that keeps what is left of the pool."""
        reached = {places: 1}
        for base, left in zip(self.base.tolist(), self.left.tolist()):
            following: dict[tuple[int, ...], int] = {}
            for rest, ways in reached.items():
                for extra in _bounded(left, rest):
                    after = tuple(r - e for r, e in zip(rest, extra))
                    here = _ways_of(tuple(b + e for b, e in zip(base, extra)))
                    following[after] = following.get(after, 0) + ways * here
            reached = following
        return reached[tuple(0 for _ in places)]

    @cached_property
    def _shares(self) -> FloatArray:
        return self.pool.means()[0] / self.size

    def _pairs(self, a: int, b: int) -> float:
        """Probability that two different people of the pool are in arms a and b."""
        return float(self.pool.within(a, b)[0]) / (self.size * (self.size - 1)) if self.size > 1 else 0.0

    def means(self) -> FloatArray:
        return self.base + self.left[:, None] * self._shares

    def within(self, a: int, b: int) -> FloatArray:
        means = self.left[:, None] * self._shares
        certain = self.base[:, a] * (self.base[:, b] - (a == b))
        mixed = self.base[:, a] * means[:, b] + means[:, a] * self.base[:, b]
        return certain + mixed + self.left * (self.left - 1) * self._pairs(a, b)

    def across(self, a: int, b: int) -> FloatArray:
        means = self.left[:, None] * self._shares
        certain = np.outer(self.base[:, a], self.base[:, b])
        mixed = np.outer(self.base[:, a], means[:, b]) + np.outer(means[:, a], self.base[:, b])
        return certain + mixed + np.outer(self.left, self.left) * self._pairs(a, b)


def law_of(
    sizes: IntArray, shares: Sequence[Shares], misfits: Misfits = "stratum", order: Sequence[int] | None = None
) -> CountLaw:
    """The law of the numbers in each arm for cells of these sizes and shares.

    Parameters
    ----------
    sizes : (cells,). shares : of each cell. misfits : the rule for leftovers.
    order : arms in the order in which a systematic draw walks over them (their own by default); arms far apart in it seldom both
        gain a leftover place.
    """
    if misfits == "pool":
        return _pooled(sizes, shares[0], order)
    exact = [[int(n) * p for p in mine] for n, mine in zip(sizes, shares)]
    base = np.array([[int(x) for x in row] for row in exact], dtype=np.int64)
    fractions = [tuple(x - int(x) for x in row) for row in exact]
    if misfits == "global" and len(sizes) > 1:
        return JointLaw(base, _over_cells(fractions) if base.shape[1] == 2 else controlled(fractions))
    kinds = {row: kind for kind, row in enumerate(dict.fromkeys(fractions))}
    patterns = [_over_arms(row, order) for row in kinds]
    return IndependentLaw(base, patterns, np.array([kinds[row] for row in fractions], dtype=np.int64))


def _over_arms(fractions: Shares, order: Sequence[int] | None) -> Patterns:
    walk = list(order) if order is not None else list(range(len(fractions)))
    found = systematic([fractions[a] for a in walk])
    picks = np.empty_like(found.picks)
    picks[:, walk] = found.picks
    return Patterns(picks, found.probabilities)


def _over_cells(fractions: Sequence[Shares]) -> Patterns:
    """Two arms: the last arm's leftover places drawn systematically over the cells; the first arm has the others."""
    last = systematic([f[1] for f in fractions])
    places = np.array([int(sum(f)) for f in fractions], dtype=np.int8)
    return Patterns(np.stack([places - last.picks, last.picks], axis=-1), last.probabilities)


def _pooled(sizes: IntArray, shares: Shares, order: Sequence[int] | None) -> CountLaw:
    complete = math.lcm(*(p.denominator for p in shares))
    sets, left = np.divmod(sizes, complete)
    if not sets.any():
        raise DesignError(
            f"misfits='pool' keeps complete sets of {complete} units in each stratum (the fewest that the weights divide without "
            f"remainder), and the largest stratum has {int(sizes.max())}: everyone would be pooled. Choose rounder weights, or "
            "misfits='stratum' or 'global'."
        )
    base = np.outer(sets, [int(complete * p) for p in shares])
    if not left.any():
        return JointLaw(base)
    pool = law_of(np.array([left.sum()]), [shares], "stratum", order)
    assert isinstance(pool, IndependentLaw)
    return PooledLaw(base, left, pool)


@lru_cache(maxsize=4096)
def _ways_of(counts: tuple[int, ...]) -> int:
    return compositions(counts)


def _ways(table: IntArray) -> int:
    return math.prod(_ways_of(tuple(row)) for row in table.tolist())


def _compositions_of(total: int, parts: int) -> Options:
    """All ways to write a total as `parts` whole numbers; None when there are many."""
    if _number_of_compositions(total, parts) > MOST_COUNTED // 100:
        return None
    return tuple(_bounded(total, (total,) * parts))


def _number_of_compositions(total: int, parts: int) -> int:
    return math.comb(total + parts - 1, parts - 1)


def _bounded(total: int, most: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All ways to write a total as whole numbers that do not exceed `most`."""
    if len(most) == 1:
        if total <= most[0]:
            yield (total,)
        return
    for first in range(min(total, most[0]) + 1):
        for rest in _bounded(total - first, most[1:]):
            yield (first, *rest)


def _splits(places: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All ways to divide the places of a pool over cells that have `sizes` people in it."""
    if not sizes:
        yield ()
        return
    for here in _bounded(sizes[0], places):
        for rest in _splits(tuple(p - h for p, h in zip(places, here)), sizes[1:]):
            yield (here, *rest)
