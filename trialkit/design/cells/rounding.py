"""Unbiased rounding: fractions of places made whole, each with exactly its own probability.

`systematic` (Madow 1949, Annals of Mathematical Statistics 20) lays the fractions end to end and picks those that the points u,
u + 1, u + 2, ... fall in, with one uniform u. `controlled` does it for a table whose rows and columns both keep their sums: a
controlled rounding moves fractions around cycles of the table until all are whole (Cox 1987, JASA 82, 520-524); taking roundings
off the table with the largest weight they bear writes it as a mixture of them, and one of these is drawn. Both give a short list
of patterns with their probabilities, so that every probability of a design is a closed form. All arithmetic is in whole numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Table = list[list[int]]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Ways to round, and their probabilities, which sum to one.

    Attributes
    ----------
    picks : (patterns, ...) of 0 and 1. probabilities : exact.
    """

    picks: NDArray[np.int8]
    probabilities: tuple[Fraction, ...]

    @property
    def count(self) -> int:
        return len(self.probabilities)

    @property
    def thresholds(self) -> NDArray[np.uint64]:
        """A 64-bit key at or above the j-th belongs to pattern j + 1 or a later one."""
        return key_thresholds(self.probabilities)

    @property
    def weights(self) -> NDArray[np.float64]:
        return np.array([float(p) for p in self.probabilities])


def key_thresholds(probabilities: Sequence[Fraction]) -> NDArray[np.uint64]:
    """Cumulated probabilities, the last left out, on the scale of 64-bit keys."""
    cumulated, out = Fraction(0), []
    for p in probabilities[:-1]:
        cumulated += p
        out.append(min(int(cumulated * (1 << 64)), (1 << 64) - 1))
    return np.array(out, dtype=np.uint64)


def systematic(fractions: Sequence[Fraction]) -> Patterns:
    """Systematic draw with inclusion probabilities `fractions`, in their order.

    The fractions need not sum to a whole number; the number picked is then the whole number below or above their sum.

    Examples
    --------
    >>> found = systematic([Fraction(4, 5), Fraction(4, 5), Fraction(2, 5)])
    >>> [(p.tolist(), str(w)) for p, w in zip(found.picks, found.probabilities)]
    [([1, 1, 0], '3/5'), ([1, 0, 1], '1/5'), ([0, 1, 1], '1/5')]
    """
    unit = math.lcm(*(f.denominator for f in fractions))
    steps = [int(f * unit) for f in fractions]
    # whole numbers beyond 64 bits (weights with many digits) stay exact as Python's
    kind = np.int64 if sum(steps) + unit < 1 << 62 else object
    cumulated = np.array([0, *itertools.accumulate(steps)], dtype=kind)
    starts = sorted({0, *(int(c) % unit for c in cumulated)})
    # points below c: how many of u, u + unit, u + 2 unit, ... are smaller
    below = -((np.array(starts, dtype=kind)[:, None] - cumulated) // unit)
    widths = [Fraction(b - a, unit) for a, b in itertools.pairwise([*starts, unit])]
    return Patterns(np.diff(below, axis=1).astype(np.int8), tuple(widths))


def controlled(rows: Sequence[Sequence[Fraction]]) -> Patterns:
    """Roundings of a table of fractions whose rows sum to whole numbers: rows keep their sums, columns come within one of theirs.

    Examples
    --------
    >>> found = controlled([[Fraction(1, 3)] * 3, [Fraction(1, 3)] * 3])
    >>> found.picks.sum(axis=2).tolist(), int(found.picks.sum(axis=1).max())
    ([[1, 1], [1, 1], [1, 1]], 1)
    """
    unit = math.lcm(*(f.denominator for row in rows for f in row))
    table = [[int(f * unit) for f in row] for row in rows]
    # one more row fills the columns up to whole numbers
    table.append([-sum(column) % unit for column in zip(*table)])
    picks, probabilities, left = [], [], unit
    while left:
        rounded = _rounded(table, left)
        cells = [(v, r) for row, whole in zip(table, rounded) for v, r in zip(row, whole)]
        weight = min(v if r else left - v for v, r in cells)
        table = [[v - weight * r for v, r in zip(row, whole)] for row, whole in zip(table, rounded)]
        left -= weight
        picks.append(rounded[:-1])
        probabilities.append(Fraction(weight, unit))
    return Patterns(np.array(picks, dtype=np.int8), tuple(probabilities))


def _rounded(table: Table, whole: int) -> Table:
    """0 or 1 for each cell of a table with cells 0..whole and margins that are multiples of `whole`; margins are kept."""
    cells = [list(row) for row in table]
    columns = range(len(cells[0]))
    open_rows = [[s for s in range(len(cells)) if 0 < cells[s][a] < whole] for a in columns]
    for a in columns:
        while _other_row(cells, open_rows[a], a, whole, -1) is not None:
            cycle = _cycle(cells, open_rows, a, whole)
            step = min(cells[s][b] if take else whole - cells[s][b] for s, b, take in cycle)
            for s, b, take in cycle:
                cells[s][b] += -step if take else step
    return [[v // whole for v in row] for row in cells]


def _cycle(cells: Table, open_rows: list[list[int]], start: int, whole: int) -> list[tuple[int, int, bool]]:
    """Cells around a cycle of fractions: alternately one that gives and one that takes, two in each row and column of it."""
    columns, rows = [start], [-1]
    while True:
        row = _other_row(cells, open_rows[columns[-1]], columns[-1], whole, rows[-1])
        assert row is not None  # margins are whole, so a column never holds a single fraction
        if row in rows:
            first = rows.index(row)
            around, by = columns[first:], [*rows[first + 1 :], row]
            break
        column = next(b for b, v in enumerate(cells[row]) if 0 < v < whole and b != columns[-1])
        rows.append(row)
        if column in columns:
            first = columns.index(column)
            around, by = columns[first:], rows[first + 1 :]
            break
        columns.append(column)
    following = [*around[1:], around[0]]
    return [step for s, a, b in zip(by, around, following) for step in ((s, a, True), (s, b, False))]


def _other_row(cells: Table, rows: list[int], column: int, whole: int, but: int) -> int | None:
    """A row with a fraction in the column, other than `but`; rows that have become whole leave the list."""
    for place in (-1, -2):
        while len(rows) >= -place and not 0 < cells[rows[place]][column] < whole:
            rows.pop(place)
        if len(rows) >= -place and rows[place] != but:
            return rows[place]
    return None
