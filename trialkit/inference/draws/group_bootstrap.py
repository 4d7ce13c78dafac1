"""Weights of a bootstrap that resamples whole units: groups, clusters, people alone.

Within each cell (an arm, an arm and stratum) of U units U - 1 are drawn with replacement and each draw counts U/(U - 1), so that the bootstrap
variance of a mean is the unbiased s^2/U and not (U - 1)/U of it, which matters with few groups. Every 50 draws have their own stream of raw
64-bit numbers: the numbers do not depend on how draws are split into chunks or between workers. Source: Rao & Wu (1988), JASA 83.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import FloatArray, IntArray

CELLS, BLOCK = 1_000_000, 50


def bootstrap_weights(*, cell: IntArray, n_draws: int, seed: int, people: int = 0) -> Iterator[FloatArray]:
    """Chunks (draws, U) of the weights of U units with cell codes (U,); a cell of one unit keeps its weight of one.

    `people`: columns of the array that the caller makes of a chunk, which bounds its draws.
    """
    order = np.argsort(cell, kind="stable")
    sizes = np.bincount(cell)
    sizes = sizes[sizes > 0]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    units, drawn = len(cell), int((sizes - 1).sum())
    draw_size = np.repeat(sizes, sizes - 1).astype(float)
    draw_start = np.repeat(starts, sizes - 1)
    scale = np.repeat(np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0), sizes)
    blocks = max(1, CELLS // (BLOCK * max(units, people, 1)))
    for first in range(0, -(-n_draws // BLOCK), blocks):
        last = min(first + blocks, -(-n_draws // BLOCK))
        raw = np.concatenate([_raw(seed, block, drawn) for block in range(first, last)])[: n_draws - first * BLOCK]
        picked = draw_start + ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53 * draw_size).astype(np.int64)
        picked += units * np.arange(len(raw))[:, None]
        counts = np.bincount(picked.reshape(-1), minlength=units * len(raw)).reshape(len(raw), units).astype(float)
        counts[:, starts[sizes == 1]] = 1.0
        out = np.empty_like(counts)
        out[:, order] = counts * scale
        yield out


def _raw(seed: int, block: int, drawn: int) -> NDArray[np.uint64]:
    """(BLOCK, drawn) 64-bit numbers of a block's own stream."""
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(block,)))
    return np.asarray(bits.random_raw(BLOCK * drawn), dtype=np.uint64).reshape(BLOCK, drawn)


def resampling_cells(*, arm: IntArray, stratum: IntArray | None, unit: IntArray) -> tuple[IntArray, IntArray]:
    """Unit code of each row (n,) and cell code of each unit (U,).

    Cells are arm by stratum where every unit lies in one stratum, else the arm. Cells of one unit cannot be resampled: those of an arm are put
    together, and a last one joins the arm's largest cell.
    """
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    own_arm = arm[first]
    if stratum is None or (stratum != stratum[first][code]).any():
        return code, own_arm.astype(np.int64)
    width = int(stratum.max()) + 2
    cell = own_arm * width + stratum[first]
    sizes = np.bincount(cell)
    cell = np.where(sizes[cell] == 1, own_arm * width + width - 1, cell)
    sizes = np.bincount(cell)
    for alone in np.flatnonzero(sizes == 1):
        mine = np.flatnonzero(cell == alone)[0]
        others = cell[(own_arm == own_arm[mine]) & (cell != alone)]
        if len(others):
            cell[mine] = np.bincount(others).argmax()
    return code, cell.astype(np.int64)
