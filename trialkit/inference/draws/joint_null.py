"""Joint null distribution of several statistics from the scores of their independent units.

A statistic t = sum_u s_u / se with se^2 = sum_u s_u^2 over units u (groups, clusters, people alone) has, together with those of other outcomes, correlation
R_ml = sum_u s_um s_ul / (se_m se_l): one unit serves all outcomes, so their dependence is kept. Draws are normal with that correlation, because each statistic is
referred to its own t distribution first and so is standard normal when its hypothesis holds (Hothorn, Bretz & Westfall 2008, Biometrical Journal 50(3)). Random
signs on the scores have the same correlation, but their tails end early where a few groups carry the variance: with 10 groups and 10 outcomes they rejected one
true hypothesis or more in 9.6 % of families at 5 %.

With few units R is itself a rough estimate, with an error of about (1 - r^2) / sqrt(df), and chance correlations make the largest of many statistics look smaller
than it is; so r is taken as r (1 - 2 (1 - r^2) / df), df the fewest of the statistics. docs/calibration/family.csv has what this leaves.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray


def normal_draws(*, scores: FloatArray, df: float | FloatArray, n_draws: int, seed: int) -> FloatArray:
    """(n_draws, M) standard normal statistics under the joint null, for scores (U, M) of U units, zero where a unit is not in an analysis.

    Draws come from raw 64-bit output, so they are the same on every platform and version.
    """
    root = square_root(shrunk(scores=scores, df=df))
    words = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(n_draws * len(root))
    uniform = ((words >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
    return special.ndtri(uniform).reshape(n_draws, len(root)) @ root


def shrunk(*, scores: FloatArray, df: float | FloatArray) -> FloatArray:
    """(..., M, M) correlations of the statistics, those that are not known well nearer to zero; scores (..., U, M)."""
    scaled = scores / np.sqrt((scores**2).sum(axis=-2, keepdims=True))
    r = np.swapaxes(scaled, -1, -2) @ scaled
    unsure = np.minimum(1.0, 2 / np.asarray(df, dtype=float))[..., None, None]
    return r * (1 - unsure * np.maximum(1 - r**2, 0.0))


def square_root(correlation: FloatArray) -> FloatArray:
    """The symmetric square root, unique also where statistics are linearly dependent, of the nearest matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(correlation)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return root / np.sqrt((root**2).sum(axis=-2, keepdims=True))
