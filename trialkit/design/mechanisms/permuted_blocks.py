"""Permuted blocks of random sizes for people who arrive one by one, within strata.

When a stratum's block is full a new one opens, its size drawn from `sizes` with equal chances; each arrival takes one of the free
places of the block at random. Everyone's probability is their arm's share, whatever the last block holds. Two people t places
apart are in one block of size s with the probability that a block of that size began in time, which follows from the renewal
sequence u_0 = 1, u_t = mean_s u_(t - s); within it the pair probability is n_a (n_b - [a = b]) / (s (s - 1)), otherwise the product
of the shares.

References
----------
Matts, J. P. & Lachin, J. M. (1988). Properties of permuted-block randomization in clinical trials. Controlled Clinical Trials 9,
327-344. Feller, W. (1968). An Introduction to Probability Theory and Its Applications 1, chapter XIII (renewal sequences).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from trialkit.design.cells.ratio import whole_ratio
from trialkit.design.mechanism import MOST_ENUMERATED, ArmCodes
from trialkit.design.mechanisms.rolling import BITS, RollingDesign, State, declared_levels, in_order_of_arrival, pick_rows
from trialkit.design.people import as_mapping, as_pairs
from trialkit.design.stream import Keys
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.misuse import explained

__all__ = ["PermutedBlocks", "permuted_blocks"]

Places = tuple[int, ...]
MOST_SETS = 5_000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PermutedBlocks(RollingDesign):
    """Permuted blocks in order of arrival; made by `permuted_blocks`.

    Attributes
    ----------
    sizes : of the blocks, equally likely.
    """

    sizes: tuple[int, ...]

    scheme: ClassVar[str] = "permuted_blocks"

    @property
    def blocks(self) -> tuple[Places, ...]:
        """Places of each arm in a new block, for each size."""
        return tuple(tuple(r * size // sum(self.ratio) for r in self.ratio) for size in self.sizes)

    def start(self) -> State:
        return _OpenBlocks(self)

    @cached_property
    def _stratum(self) -> IntArray:
        """Stratum of each arrival, numbered when it first occurs."""
        seen: dict[tuple[int, ...], int] = {}
        return np.array([seen.setdefault(tuple(row), len(seen)) for row in self._codes.tolist()], dtype=np.int64)

    def _draw_batch(self, keys: Keys) -> ArmCodes:
        arms = np.empty(keys.shape[:2], dtype=np.int16)
        strata = self._stratum
        blocks, equal = np.array(self.blocks), np.ones((1, len(self.sizes)), dtype=np.int64)
        left = np.zeros((int(strata.max()) + 1, len(keys), len(self.ratio)), dtype=np.int64)
        rows = np.arange(len(keys))
        for i, stratum in enumerate(strata.tolist()):
            places = left[stratum]
            full = np.flatnonzero(~places.any(axis=1))
            if len(full):
                places[full] = blocks[pick_rows(np.repeat(equal, len(full), axis=0), keys[full, i, 0])]
            chosen = pick_rows(places, keys[:, i, 1])
            places[rows, chosen] -= 1
            arms[:, i] = chosen
        return arms

    def _probabilities(self) -> FloatArray:
        return np.tile(np.array(self.ratio) / sum(self.ratio), (self.n, 1))

    def _pair_probabilities(self, first: int, second: int) -> FloatArray:
        shares = np.array(self.ratio) / sum(self.ratio)
        out = np.full((self.n, self.n), shares[first] * shares[second])
        for stratum in range(int(self._stratum.max()) + 1):
            members = np.flatnonzero(self._stratum == stratum)
            out[np.ix_(members, members)] = self._within(len(members), first, second)
        np.fill_diagonal(out, shares[first] if first == second else 0.0)
        return out[np.ix_(self._place, self._place)]

    def _within(self, n: int, first: int, second: int) -> FloatArray:
        """Pair probabilities of the n people of one stratum."""
        shares = np.array(self.ratio) / sum(self.ratio)
        begun = np.concatenate([[0.0], np.cumsum(_renewal(self.sizes, n))])
        place = np.arange(n)
        early, late = np.minimum.outer(place, place), np.maximum.outer(place, place)
        together, out = np.zeros((n, n)), np.zeros((n, n))
        for size, places in zip(self.sizes, self.blocks):
            since = np.minimum(np.maximum(late - size + 1, 0), early + 1)
            both = (begun[early + 1] - begun[since]) / len(self.sizes)
            together += both
            out += both * places[first] * (places[second] - (first == second)) / (size * (size - 1))
        return out + (1 - together) * shares[first] * shares[second]

    def _count(self) -> int | None:
        found = [_ways(self.blocks, size) for size in np.bincount(self._stratum).tolist()]
        return None if any(f is None for f in found) else math.prod(f for f in found if f is not None)

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        codes, weights, members = np.empty((1, 0), dtype=np.int16), np.ones(1), np.empty(0, dtype=np.int64)
        for stratum, size in enumerate(np.bincount(self._stratum).tolist()):
            words = _words(self.blocks, size)
            rows = np.array(list(words), dtype=np.int16)
            codes = np.hstack([np.repeat(codes, len(rows), axis=0), np.tile(rows, (len(codes), 1))])
            weights = np.outer(weights, list(words.values())).ravel()
            members = np.concatenate([members, np.flatnonzero(self._stratum == stratum)])
        return codes[:, np.argsort(members)[self._place]], weights

    def describe(self) -> str:
        """Block sizes and strata."""
        sizes = shown(self.sizes, 10).replace(" and ", " or ")
        within = f" within {shown(self.levels)}" if self.levels else ""
        text = f"permuted_blocks randomization of {self.n} people {self._arrival_text()} to {shown(self.arms, 10)}"
        if len(set(self.ratio)) > 1:
            text += f" ({':'.join(map(str, self.ratio))})"
        return f"{text} in blocks of {sizes}{', at random' if len(self.sizes) > 1 else ''}{within}"


class _OpenBlocks:
    """Free places of each stratum's block, for one allocation."""

    def __init__(self, design: PermutedBlocks):
        self.blocks = design.blocks
        self.left: dict[tuple[Hashable, ...], list[int]] = {}

    def step(self, values: Sequence[Hashable], first: int, second: int) -> int:
        stratum = tuple(values)
        places = self.left.get(stratum)
        if places is None or not any(places):
            size = ((first >> (64 - BITS)) * len(self.blocks)) >> BITS
            places = self.left[stratum] = list(self.blocks[size])
        at = ((second >> (64 - BITS)) * sum(places)) >> BITS
        arm = 0
        while at >= places[arm]:
            at -= places[arm]
            arm += 1
        places[arm] -= 1
        return arm

    def withdraw(self, values: Sequence[Hashable], arm: int) -> None:
        """A place that was taken stays taken: what was seen of a block cannot be unseen."""


def _renewal(sizes: Sequence[int], n: int) -> FloatArray:
    """Probability that a block begins at each of n places."""
    begins = np.zeros(n)
    begins[0] = 1.0
    for t in range(1, n):
        begins[t] = sum(begins[t - s] for s in sizes if s <= t) / len(sizes)
    return begins


def _next(places: Places, blocks: Sequence[Places]) -> list[tuple[int, Places, float]]:
    """Arms that may come next, the places left after them, and their probability."""
    opened = [places] if any(places) else list(blocks)
    return [
        (arm, (*block[:arm], free - 1, *block[arm + 1 :]), free / sum(block) / len(opened))
        for block in opened
        for arm, free in enumerate(block)
        if free
    ]


def _ways(blocks: Sequence[Places], n: int) -> int | None:
    """Number of different sequences of n arms: sequences that leave the same set of possible blocks are counted together."""
    nothing = (0,) * len(blocks[0])
    sets: Counter[frozenset[Places]] = Counter({frozenset([nothing]): 1})
    for _ in range(n):
        after: Counter[frozenset[Places]] = Counter()
        for possible, ways in sets.items():
            moves = [move for places in possible for move in _next(places, blocks)]
            for arm in {arm for arm, _, _ in moves}:
                after[frozenset(left for a, left, _ in moves if a == arm)] += ways
        sets = after
        if len(sets) > MOST_SETS:
            return None
    return sets.total()


def _words(blocks: Sequence[Places], n: int) -> dict[Places, float]:
    """Every sequence of n arms and its probability, summed over the block sizes that allow it."""
    words: dict[Places, dict[Places, float]] = {(): {(0,) * len(blocks[0]): 1.0}}
    for _ in range(n):
        longer: dict[Places, dict[Places, float]] = {}
        for word, states in words.items():
            for places, weight in states.items():
                for arm, left, chance in _next(places, blocks):
                    into = longer.setdefault((*word, arm), {})
                    into[left] = into.get(left, 0.0) + weight * chance
        words = longer
        if len(words) > MOST_ENUMERATED:
            raise DesignError(f"more than {MOST_ENUMERATED:,} sequences of arms are possible: use draw_many.")
    return {word: sum(states.values()) for word, states in words.items()}


@explained
def permuted_blocks(
    people: Any,
    *,
    arms: Mapping[Hashable, float],
    unit: str | None = None,
    strata: Sequence[str] | Mapping[str, Sequence[Hashable]] | None = None,
    sizes: Sequence[int] | None = None,
    arrival: str | None = None,
) -> PermutedBlocks:
    """Permuted blocks for people who arrive one by one.

    Parameters
    ----------
    people
        Data frame in order of arrival, one row a person; or None for an enrolment that is to begin (`Enrolment`).
    arms
        Label -> allocation weight, in a ratio of small whole numbers.
    unit
        Column with the identifiers.
    strata
        Columns with a row of blocks for each combination of levels. A mapping names the levels too, as in {"sex": ["m", "f"]}, and
        another level is then an error; with a list a new level is accepted, and `Enrolment` says so.
    sizes
        Block sizes, each as likely as the others: 4, 6 and 8 for two equal arms, in general 2, 3 and 4 times the parts of the ratio.
        One size makes the end of every block predictable.
    arrival
        Column with the order of arrival, such as a date; without it the order of the rows counts.

    Returns
    -------
    PermutedBlocks

    Raises
    ------
    DesignError
        Block sizes that are not positive multiples of the parts of the ratio (names those that would do); a missing or undeclared
        level (names who).

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(8)}
    >>> d = tk.design.permuted_blocks(people, unit="id", arms={"individual": 1, "peer": 1}, sizes=[2, 4])
    >>> d.probabilities["peer"].unique().tolist(), d.count()
    ([0.5], 76)
    """
    labels, ratio = whole_ratio(arms)
    levels = declared_levels(strata, "strata")
    chosen = _sizes(sizes, ratio)
    settings: dict[str, Any] = {"unit": unit, "arms": as_pairs(as_mapping(arms)), "sizes": list(chosen)}
    if levels:
        settings["strata"] = list(levels) if all(v is None for v in levels.values()) else as_pairs(dict(levels))
    settings |= {"arrival": arrival} if arrival is not None else {}
    listed, order = in_order_of_arrival(people, unit, arrival, levels)
    return PermutedBlocks(listed, labels, settings, order=order, levels=levels, ratio=ratio, sizes=chosen)


def _sizes(sizes: Sequence[int] | None, ratio: Sequence[int]) -> tuple[int, ...]:
    parts = sum(ratio)
    if sizes is None:
        return 2 * parts, 3 * parts, 4 * parts
    given = [sizes] if isinstance(sizes, int) else list(sizes)
    if not given:
        raise UsageError(f"sizes is empty: name block sizes, such as {2 * parts} and {3 * parts}.")
    bad = [s for s in given if not isinstance(s, (int, np.integer)) or isinstance(s, bool) or s < parts or s % parts]
    if bad:
        good = sorted({max(round(s / parts), 1) * parts for s in bad if isinstance(s, (int, float))} | {2 * parts, 3 * parts})
        raise DesignError(
            f"a block of {shown(bad)} cannot hold the allocation {':'.join(map(str, ratio))}: sizes must be multiples of {parts}, such as "
            f"{shown(good)}."
        )
    if len(set(given)) < len(given):
        raise UsageError(f"sizes names a block size more than once ({shown(given, 12)}): each is equally likely.")
    return tuple(int(s) for s in given)
