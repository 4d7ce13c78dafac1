"""Random starts of a search: everyone in some group, as evenly over the possible partitions as the links and sessions allow."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from trialkit.design.stream import Keys
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

_COST_BITS = 24  # shifts 64-bit keys to 40 bits, whose sums a float holds exactly
_NOT_THERE = 2.0**46


def ranks(keys: Keys) -> IntArray:
    """Random orders along the last axis."""
    return np.argsort(keys, axis=-1, kind="stable")


def random_starts(keys: Keys, sizes: IntArray, weights: IntArray, barred: BoolArray | None) -> IntArray:
    """Group of each row, from (R, n) keys.

    Without links and availability every division into groups of these sizes is equally likely. Blocks (rows of two or more people)
    come first, largest first, each to a random group with room; people who are not always available are seated by the cheapest
    assignment with random costs, which finds a seat for everyone whenever there is one.
    """
    if barred is None and (weights == 1).all():
        seats = np.repeat(np.arange(len(sizes)), sizes)
        out = np.empty(keys.shape, dtype=np.int64)
        np.put_along_axis(out, ranks(keys), np.broadcast_to(seats, keys.shape), axis=1)
        return out
    return np.stack([_one_start(k, sizes, weights, barred) for k in keys])


def _one_start(keys: Keys, sizes: IntArray, weights: IntArray, barred: BoolArray | None) -> IntArray:
    out, room = np.full(len(weights), -1, dtype=np.int64), sizes.copy()
    order = np.lexsort((keys, -weights))
    blocks = order[weights[order] > 1]
    for tight in (False, True):
        placed = _place_blocks(blocks, keys, room, weights, barred, tight)
        if placed is not None:
            break
    else:
        placed = {}
    for row, group in placed.items():
        out[row] = group
        room[group] -= weights[row]
    singles = np.flatnonzero(out < 0)
    seats = np.repeat(np.arange(len(sizes)), room)
    if barred is None:
        out[singles[ranks(keys[singles])]] = seats
    else:
        costs = _costs(keys[singles], len(seats)) + _NOT_THERE * barred[seats][:, singles].T
        rows, columns = linear_sum_assignment(costs)
        out[singles[rows]] = seats[columns]
    return out


def _place_blocks(
    blocks: IntArray, keys: Keys, sizes: IntArray, weights: IntArray, barred: BoolArray | None, tight: bool
) -> dict[int, int] | None:
    """A group for each block: a random one with room, or with `tight` the one with most room; None when one does not fit."""
    room, out = sizes.copy(), {}
    for row in blocks.tolist():
        fits = np.flatnonzero(room >= weights[row])
        if not len(fits):
            return None
        if barred is not None and not barred[fits, row].all():
            fits = fits[~barred[fits, row]]
        pick = int(room[fits].argmax()) if tight else int(keys[row] % np.uint64(len(fits)))
        out[row] = int(fits[pick])
        room[fits[pick]] -= weights[row]
    return out


def _costs(keys: Keys, columns: int) -> FloatArray:
    """(n, columns) random costs: the mixing of SplitMix64 on key and column."""
    with np.errstate(over="ignore"):
        z = keys[:, None] + np.arange(1, columns + 1, dtype=np.uint64)[None, :] * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(_COST_BITS)).astype(np.float64)


def packed_sizes(sizes: IntArray, blocks: IntArray, singles: int, smallest: int, largest: int) -> IntArray | None:
    """Group sizes that blocks fit in: the given ones if they do, else others within the range; None when there are none.

    Blocks are placed largest first where most room is, and single people fill the smallest groups.
    """
    for limits in (sizes, np.full(len(sizes), largest)):
        filled = np.zeros(len(sizes), dtype=np.int64)
        for weight in -np.sort(-blocks):
            filled[(limits - filled).argmax()] += weight
        if (filled > limits).any():
            continue
        if limits is sizes and filled.sum() + singles == sizes.sum():
            filled = sizes.copy()
        else:
            for _ in range(singles):
                filled[(filled - (sizes if limits is sizes else 0)).argmin()] += 1
        if (filled >= smallest).all() and (filled <= limits).all():
            return filled
    return None
