"""Were peers assigned at random? Own x against the mean of the others in the group, within pools, without exclusion bias.

A person is not their own peer, so within a pool of n the others' mean leans away from x: under random assignment E[x~ m~] = -E[x~^2]/(n - 1), x~ and m~
being x and the mean of the group's others, both demeaned by pool. With z_i = x~_i (m~_i + x~_i/(n - 1)),

    t = sum z / sqrt(sum_pools (sum z)^2),   corrected slope = sum z / sum m~^2,   slope = sum x~ m~ / sum m~^2,

and under random assignment the slope is expected at -sum_u s_u^2 / sum_u s_u^2 (sum_i 1/(K_i - 1) - 1), which for pools of L in groups of K is
-(K - 1)/(L - K + 1). Sources: Jochmans (2023), JBES 41(4), "Testing random assignment to peer groups"; Caeyers & Fafchamps (2020), "Exclusion bias in the estimation of
peer effects"; the expectation for unequal groups follows from sampling without replacement, because every x enters the others' means once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray, IntArray

BLOCK = 256


@dataclass(frozen=True, slots=True)
class PeerTest:
    """The statistic with its normal p-value, the slopes, and the standard error of the corrected one."""

    statistic: float
    p_value: float
    slope: float
    slope_expected: float
    slope_corrected: float
    std_error: float


def peer_mean(*, x: FloatArray, group: IntArray) -> FloatArray:
    """(..., n) mean of the others of the group, for x (..., n) and codes (n,) of groups of two and more."""
    size = np.bincount(group).astype(float)
    order = np.argsort(group, kind="stable")
    starts = np.concatenate([[0], np.cumsum(size[:-1])]).astype(int)
    sums = np.add.reduceat(x[..., order], starts, axis=-1)
    return np.asarray((sums[..., group] - x) / (size[group] - 1))


def peer_test(*, x: FloatArray, group: IntArray, pool: IntArray) -> PeerTest:
    """The test for x (n,) with codes of groups and of the pools that hold them; every pool has two groups and more."""
    size = np.bincount(pool).astype(float)
    own = x - (np.bincount(pool, weights=x) / size)[pool]
    others = peer_mean(x=own, group=group)
    others = others - (np.bincount(pool, weights=others) / size)[pool]
    z = own * (others + own / (size[pool] - 1))
    by_pool = np.bincount(pool, weights=z)
    spread, movement = math.sqrt(float(by_pool @ by_pool)), float(others @ others)
    statistic = float(z.sum()) / spread if spread > 0 else math.nan
    s2 = np.bincount(pool, weights=own**2) / (size - 1)
    each = np.bincount(pool, weights=1 / (np.bincount(group)[group] - 1.0)) - 1
    if not movement > 0:
        return PeerTest(statistic, math.nan, math.nan, math.nan, math.nan, math.nan)
    return PeerTest(
        statistic=statistic,
        p_value=2 * float(special.ndtr(-abs(statistic))),
        slope=float(own @ others) / movement,
        slope_expected=-float(s2.sum()) / float(s2 @ each),
        slope_corrected=float(z.sum()) / movement,
        std_error=spread / movement,
    )


def shuffled_statistics(
    *, x: FloatArray, group: IntArray, pool: IntArray, n_draws: int, seed: np.random.Generator
) -> Iterator[FloatArray]:
    """sum x~ m~ of the people as they are, then of people who change places within their pools at random, in blocks."""
    size = np.bincount(pool).astype(float)
    own = x - (np.bincount(pool, weights=x) / size)[pool]
    order = np.argsort(pool, kind="stable")
    yield np.array([float(own @ peer_mean(x=own, group=group))])
    for first in range(0, n_draws, BLOCK):
        count = min(BLOCK, n_draws - first)
        keys = seed.random((count, len(x))) + pool[order]
        placed = np.empty((count, len(x)))
        placed[:, order] = own[order][np.argsort(keys, axis=1, kind="stable")]
        yield np.einsum("bi,bi->b", placed, peer_mean(x=placed, group=group))
