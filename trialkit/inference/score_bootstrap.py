"""Joint null distribution of several statistics by signs on the scores of their independent units.

A statistic t = sum_u s_u / se with se^2 = sum_u s_u^2 keeps its variance when every unit's score gets a random sign. One sign
serves all outcomes of a unit (a group, a cluster, a person alone), so their dependence is kept. Signs come from raw 64-bit
output, a stream per draw. Source: Kline & Santos (2012), Journal of Econometric Methods 1(1).
"""

from __future__ import annotations

import numpy as np

from trialkit.inference.arrays import FloatArray

CHUNK = 512


def sign_draws(*, scores: FloatArray, n_draws: int, seed: int) -> FloatArray:
    """(n_draws, M) statistics under the joint null, for scores (U, M) of U units, zero where a unit is not in an analysis."""
    scaled = scores / np.sqrt((scores**2).sum(axis=0))
    units = len(scaled)
    words = -(-units // 64)
    out = np.empty((n_draws, scaled.shape[1]))
    for start in range(0, n_draws, CHUNK):
        stop = min(start + CHUNK, n_draws)
        raw = np.stack(
            [np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(draw,))).random_raw(words) for draw in range(start, stop)]
        ).astype("<u8")
        bits = np.unpackbits(raw.view(np.uint8).reshape(stop - start, -1), axis=1, count=units, bitorder="little")
        out[start:stop] = (2.0 * bits - 1.0) @ scaled
    return out
