"""Tests of selective attrition by permutation: are baselines of the arms alike among those who stayed, and among those who left?

Two hypotheses (Ghanem, Hirshleifer & Ortiz-Becerra 2023):

- IV-R, for respondents: within those observed and within those lost the baseline has the same distribution in every arm. Arms are exchangeable
  among the observed and among the lost (of a stratum), so the arms are permuted there.
- IV-P, for the population: the baseline has the same distribution in every cell of arm and response. The cells are permuted as a whole (in a stratum).

Statistics are Kolmogorov-Smirnov distances sqrt(n m/(n + m)) max |F - G|: for IV-R the largest over the observed and the lost, over arms against control and over
baselines; for IV-P the largest of each cell against all others. p = (1 + draws that reach the statistic)/(1 + draws).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

BLOCK = 50


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A statistic and its p-value, never 0."""

    statistic: float
    p_value: float


def permutation_tests(
    *, x: FloatArray, arm: IntArray, observed: BoolArray, stratum: IntArray | None, n_draws: int, seed: int
) -> tuple[PermutationTest, PermutationTest]:
    """IV-R and IV-P of baselines x (n, k); arm (n,) codes with 0 control, observed (n,), stratum (n,) codes or None.

    Every 50 draws have their own stream of raw 64-bit numbers, so results depend on the seed alone.
    """
    cell = (2 * arm + observed).astype(np.int64)
    cells = 2 * (int(arm.max()) + 1)
    block = np.zeros(len(arm), dtype=np.int64) if stratum is None else np.unique(stratum, return_inverse=True)[1].reshape(-1)
    within = 2 * block + observed
    order = [np.argsort(x[:, k], kind="stable") for k in range(x.shape[1])]
    last = [np.append(np.diff(x[o, k]) > 0, True) for k, o in enumerate(order)]
    first = np.array([_respondents(cell[None], order, last, cells)[0], _population(cell[None], order, last, cells)[0]])
    reached = np.zeros(2)
    for b in range(-(-n_draws // BLOCK)):
        draws = min(BLOCK, n_draws - b * BLOCK)
        raw = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(b,))).random_raw(2 * BLOCK * len(arm)).reshape(2, BLOCK, -1)
        keys = ((raw >> np.uint64(11)).astype(float) * 2.0**-53)[:, :draws]
        reached[0] += (_respondents(_permuted(cell, within, keys[0]), order, last, cells) >= first[0] - 1e-12).sum()
        reached[1] += (_population(_permuted(cell, block, keys[1]), order, last, cells) >= first[1] - 1e-12).sum()
    p = (1 + reached) / (1 + n_draws)
    return PermutationTest(float(first[0]), float(p[0])), PermutationTest(float(first[1]), float(p[1]))


def _permuted(cell: IntArray, block: IntArray, keys: FloatArray) -> IntArray:
    """(draws, n) cells permuted within blocks."""
    place = np.argsort(block, kind="stable")
    shuffled = np.argsort(block + keys, axis=1)
    out = np.empty(keys.shape, dtype=np.int64)
    np.put_along_axis(out, shuffled, np.broadcast_to(cell[place], keys.shape), axis=1)
    return out


def _respondents(drawn: IntArray, order: list[IntArray], last: list[BoolArray], cells: int) -> FloatArray:
    """(draws,) largest distance of an arm from control among the observed and among the lost."""
    out = np.zeros(len(drawn))
    for o, end in zip(order, last):
        shares, sizes = _shares(drawn[:, o], end, cells)
        for code in range(2, cells):
            reference = code % 2
            if sizes[code] and sizes[reference]:
                scale = np.sqrt(sizes[code] * sizes[reference] / (sizes[code] + sizes[reference]))
                gap = np.abs(shares[code] / sizes[code] - shares[reference] / sizes[reference]).max(axis=1)
                out = np.maximum(out, scale * gap)
    return out


def _population(drawn: IntArray, order: list[IntArray], last: list[BoolArray], cells: int) -> FloatArray:
    """(draws,) largest distance of a cell from everyone outside it."""
    out = np.zeros(len(drawn))
    for o, end in zip(order, last):
        shares, sizes = _shares(drawn[:, o], end, cells)
        everyone, n = sum(shares), sum(sizes)
        for code in range(cells):
            rest = n - sizes[code]
            if sizes[code] and rest:
                gap = np.abs(shares[code] / sizes[code] - (everyone - shares[code]) / rest).max(axis=1)
                out = np.maximum(out, np.sqrt(sizes[code] * rest / n) * gap)
    return out


def _shares(sorted_cells: IntArray, last: BoolArray, cells: int) -> tuple[list[FloatArray], list[int]]:
    """Counts of each cell up to each distinct value, and its size."""
    counts = [np.cumsum(sorted_cells == code, axis=1)[:, last].astype(float) for code in range(cells)]
    return counts, [int(c[0, -1]) for c in counts]
