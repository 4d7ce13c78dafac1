"""Every way to give arms to the places of a cell, each equally likely: small cells from a list, large ones by random keys.

A cell is a set of people or clusters among whom arms are exchangeable (a stratum, a pair, a block, a pool), with a number of
places for each arm. Cells of one size and the same places are drawn together.

Small cells pick a row of the list of their arrangements. In large cells everyone has a key of 32 bits, and the c smallest get the
first arm, the next the second, and so on. That is uniform whenever no tie crosses a threshold (keys are exchangeable, and so they
are given that event); a cell with such a tie is drawn again. Order statistics do not depend on the sorting algorithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.design.stream import Lanes, Stream, lanes
from trialkit.inference.arrays import IntArray

LISTED = 4096
MOST_OPTIONS = 256

Places = NDArray[np.int16]


def compositions(counts: Sequence[int]) -> int:
    """Number of ways to give labels with these counts: the multinomial coefficient."""
    out, left = 1, sum(counts)
    for c in counts:
        out *= math.comb(left, c)
        left -= c
    return out


def arrangements(counts: Sequence[int]) -> Places:
    """All distinct orders of codes 0, 1, ... that occur `counts` times, in lexicographic order.

    Examples
    --------
    >>> arrangements([1, 2]).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    rows = np.empty((1, 0), dtype=np.int16)
    left = np.asarray(counts, dtype=np.int64)[None, :]
    for _ in range(int(left.sum())):
        row, code = np.nonzero(left > 0)
        rows = np.column_stack([rows[row], code.astype(np.int16)])
        left = left[row]
        left[np.arange(len(row)), code] -= 1
    return rows


@dataclass(frozen=True, eq=False)
class Alike:
    """Cells of one size with the same places, drawn together.

    Attributes
    ----------
    cells : their numbers. size : units in each. base : (arms,) places of each arm that are always there.
    options : the (arms,) further places that the leftovers of a cell can take; None when there are too many to list.
    """

    cells: IntArray
    size: int
    base: IntArray
    options: tuple[tuple[int, ...], ...] | None

    @property
    def width(self) -> int:
        return len(self.cells) * self.size


class ListedCells:
    """Small cells: a row of a list of arrangements for each."""

    def __init__(self, alike: Alike, tables: Sequence[Places]):
        self.alike = alike
        self.table = np.concatenate(tables).astype(np.int8)
        self.rows = np.array([len(t) for t in tables], dtype=np.uint64)
        self.starts = np.concatenate(([0], np.cumsum(self.rows)[:-1])).astype(np.int64)
        self.lanes = len(alike.cells)
        options = np.asarray(alike.options, dtype=np.int64)
        self.radix = (int(options.max(initial=0)) + 1) ** np.arange(options.shape[1] - 1, dtype=np.int64)
        codes = options[:, :-1] @ self.radix
        self.option_of = np.zeros(int(codes.max()) + 1, dtype=np.int64)
        self.option_of[codes] = np.arange(len(codes))

    def fill(self, keys: Lanes, extra: Places | None, streams: Sequence[Stream]) -> NDArray[np.int8]:
        if len(self.rows) == 1 or extra is None:
            option = np.zeros((1, 1), dtype=np.int64)
        else:
            codes = extra[..., 0].astype(np.int64)
            for arm in range(1, len(self.radix)):
                codes += extra[..., arm] * self.radix[arm]
            option = self.option_of.take(codes)
        rows = self.rows.take(option)
        scaled = keys.astype(np.uint64) * rows
        picked = (scaled >> np.uint64(32)).astype(np.int64)
        # a product whose low half falls below 2^32 mod rows would make some rows likelier than others
        uneven = (scaled & np.uint64(0xFFFFFFFF)) < np.uint64(1 << 32) % rows
        for draw, cell in np.argwhere(uneven):
            bound = int(np.broadcast_to(rows, uneven.shape)[draw, cell])
            picked[draw, cell] = streams[draw].below(bound)
        return self.table.take(picked + self.starts.take(option), axis=0).reshape(len(streams), -1)


class KeyedCells:
    """Large cells: the units with the smallest keys get the first arm, and so on."""

    def __init__(self, alike: Alike):
        self.alike = alike
        self.lanes = alike.width
        self.two_arms_one_leftover = (
            len(alike.base) == 2 and alike.options is not None and max(max(o) for o in alike.options) <= 1
        )

    def fill(self, keys: Lanes, extra: Places | None, streams: Sequence[Stream]) -> NDArray[np.int8]:
        size = self.alike.size
        block = keys.reshape(len(streams), len(self.alike.cells), size)
        counts = self.alike.base if extra is None else self.alike.base + extra
        upto = np.broadcast_to(np.cumsum(counts, axis=-1)[..., :-1], (*block.shape[:2], len(self.alike.base) - 1))
        thresholds = self._one_threshold(block, upto) if self.two_arms_one_leftover else _thresholds(block, upto)
        out = (block > thresholds[..., :1]).view(np.int8)
        for j in range(1, upto.shape[-1]):
            out += block > thresholds[..., j : j + 1]
        tied = out.sum(axis=-1, dtype=np.int64) != (size - upto).sum(axis=-1)
        for draw, cell in np.argwhere(tied):
            out[draw, cell] = _shuffled(streams[draw], size, upto[draw, cell])
        return out.reshape(len(streams), -1)

    def _one_threshold(self, block: Lanes, upto: IntArray) -> Lanes:
        """Two arms whose first has m or m + 1 places: one partition serves both."""
        m = int(self.alike.base[0])
        if m == self.alike.size:
            return block.max(axis=-1, keepdims=True)
        parts = np.partition(block, m, axis=-1)
        below = parts[..., :m].max(axis=-1, initial=0)
        return np.where(upto[..., 0] == m, below, parts[..., m])[..., None]


def _thresholds(block: Lanes, upto: IntArray) -> Lanes:
    """The largest key of the first 1, 2, ... arms; zero for arms without places."""
    ordered = np.sort(block, axis=-1)
    found = np.take_along_axis(ordered, np.maximum(upto - 1, 0), axis=-1)
    return np.where(upto > 0, found, np.uint32(0))


def _shuffled(stream: Stream, size: int, upto: IntArray) -> NDArray[np.int8]:
    out = np.empty(size, dtype=np.int8)
    out[stream.order(size)] = np.searchsorted(upto, np.arange(size), side="right")
    return out


class Layout:
    """Cells in the order in which they are drawn, and the way back to units.

    Parameters
    ----------
    sizes : units in each cell. base : (cells, arms). options : for each cell, see `Alike`.
    cell_of : (units,) the cell of each unit.
    """

    def __init__(
        self,
        sizes: IntArray,
        base: IntArray,
        options: Sequence[tuple[tuple[int, ...], ...] | None],
        cell_of: IntArray,
    ):
        kinds: dict[tuple[object, ...], list[int]] = {}
        for cell, size in enumerate(sizes):
            kinds.setdefault((int(size), tuple(base[cell].tolist()), options[cell]), []).append(cell)
        self.parts = [
            _part(Alike(np.array(cells, dtype=np.int64), int(sizes[cells[0]]), base[cells[0]], options[cells[0]]))
            for cells in kinds.values()
        ]
        drawn = np.concatenate([p.alike.cells for p in self.parts])
        rank = np.empty(len(sizes), dtype=np.int64)
        rank[drawn] = np.arange(len(drawn))
        # units in the order of their cells as drawn; within a cell in their own order
        column_of = np.empty(len(cell_of), dtype=np.int64)
        column_of[np.argsort(rank[cell_of], kind="stable")] = np.arange(len(cell_of))
        self.column_of = column_of
        self.in_order = bool(np.array_equal(column_of, np.arange(len(cell_of))))

    def draw(self, streams: Sequence[Stream], extra: Places | None) -> NDArray[np.int8]:
        """(streams, units) codes; `extra` (streams, cells, arms) are the places of the leftovers."""
        keys = lanes(streams, sum(p.lanes for p in self.parts))
        found, used = [], 0
        for part in self.parts:
            mine = None if extra is None else extra[:, part.alike.cells]
            found.append(part.fill(keys[:, used : used + part.lanes], mine, streams))
            used += part.lanes
        codes = found[0] if len(found) == 1 else np.concatenate(found, axis=1)
        return codes if self.in_order else codes.take(self.column_of, axis=1)


def _part(alike: Alike) -> ListedCells | KeyedCells:
    if alike.options is None or len(alike.options) > MOST_OPTIONS:
        return KeyedCells(alike)
    tables = [(alike.base + np.asarray(option)).tolist() for option in alike.options]
    # two units in different arms give more than n arrangements, so that the exact number of a large cell is never needed
    if any(sum(counts) > LISTED and max(counts) < sum(counts) for counts in tables) or sum(map(compositions, tables)) > LISTED:
        return KeyedCells(alike)
    return ListedCells(alike, [arrangements(counts) for counts in tables])
