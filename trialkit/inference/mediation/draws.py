"""Draws of parameters, and standard errors, intervals and p-values from draws of effects.

Monte Carlo (MacKinnon, Lockwood & Williams 2004; Imai, Keele & Tingley 2010): parameters are drawn around their estimates with the joint covariance of
both models. Each has its own degrees of freedom: a normal vector z with the correlations is turned into t quantiles, theta_j + se_j T^-1_{df_j}(Phi(z_j)),
so that a path that rests on eight groups has the tails of eight groups.

Bootstrap intervals: percentile (type 7), and BCa with z0 from the share of draws below the estimate (ties count half) and, for several samples, the
acceleration a = sum_c U_c^-3 sum l^3 / (6 (sum_c U_c^-2 sum l^2)^{3/2}), l = (U_c - 1)(mean - theta without the unit) (Efron 1987; Davison & Hinkley 1997, 5.3.2).

p = min(1, 2 (k + 1)/(B + 1)), k the number of draws on the rarer side of zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class DrawSummary:
    """Per effect: standard deviation, interval and p-value of its draws; `n_undefined` draws are left out of each."""

    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    p_value: FloatArray
    n_undefined: IntArray


def t_draws(*, estimate: FloatArray, cov: FloatArray, df: FloatArray, n_draws: int, seed: int) -> FloatArray:
    """(B, K) draws around `estimate` (K,) with covariance structure `cov` (K, K) and t tails of `df` (K,), infinite for normal."""
    se = np.sqrt(np.diag(cov))
    safe = np.where(se > 0, se, 1.0)
    values, vectors = np.linalg.eigh(cov / np.outer(safe, safe))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    raw = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(n_draws * len(estimate))
    uniform = ((np.asarray(raw, dtype=np.uint64) >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
    z = special.ndtri(uniform).reshape(n_draws, len(estimate)) @ root.T
    out = z.copy()
    for j in np.flatnonzero(np.isfinite(df)):
        # the lower tail keeps its digits where the upper one would round to 1
        lower = special.stdtrit(df[j], special.ndtr(-np.abs(z[:, j])))
        out[:, j] = -np.sign(z[:, j]) * lower
    return np.asarray(estimate + out * se)


def summary(
    *,
    draws: FloatArray,
    conf_level: float,
    z0: FloatArray | None = None,
    acceleration: FloatArray | None = None,
) -> DrawSummary:
    """Summaries of draws (B, E) of E effects: percentile intervals, or BCa when `z0` and `acceleration` (E,) are given."""
    effects = draws.shape[1]
    se, low, high, p = (np.full(effects, np.nan) for _ in range(4))
    undefined = np.zeros(effects, dtype=np.int64)
    tails = np.array([(1 - conf_level) / 2, (1 + conf_level) / 2])
    for j in range(effects):
        values = draws[np.isfinite(draws[:, j]), j]
        undefined[j] = len(draws) - len(values)
        if len(values) < 2:
            continue
        se[j] = values.std(ddof=1)
        at = tails if z0 is None or acceleration is None else bca_levels(float(z0[j]), float(acceleration[j]), tails)
        if np.isfinite(at).all():
            low[j], high[j] = np.quantile(values, at)
        p[j] = sign_p(values)
    return DrawSummary(se, low, high, p, undefined)


def sign_p(values: FloatArray) -> float:
    """Two-sided p-value of zero from draws around an estimate; never 0."""
    rarer = min(int((values > 0).sum()), int((values < 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(values) + 1))


def bca_levels(z0: float, acceleration: float, tails: FloatArray) -> FloatArray:
    """Quantile levels of the BCa interval: Phi(z0 + (z0 + z)/(1 - a (z0 + z)))."""
    z = z0 + special.ndtri(tails)
    scale = 1 - acceleration * z
    return np.asarray(special.ndtr(z0 + z / np.where(scale > 0, scale, np.nan)))


def bias_correction(*, estimate: FloatArray, draws: FloatArray) -> FloatArray:
    """(E,) z0 of the BCa interval, ties counted half."""
    seen = np.isfinite(draws)
    below = ((draws < estimate) & seen).sum(axis=0) + 0.5 * ((draws == estimate) & seen).sum(axis=0)
    return np.asarray(special.ndtri(np.clip(below / np.maximum(seen.sum(axis=0), 1), 1e-12, 1 - 1e-12)))


def acceleration(*, left_out: FloatArray, cell: IntArray) -> FloatArray:
    """(E,) acceleration from effects (U, E) without each unit; units are resampled within the cells (U,)."""
    cubes, squares = np.zeros(left_out.shape[1]), np.zeros(left_out.shape[1])
    for c in np.unique(cell):
        inside: BoolArray = cell == c
        size = int(inside.sum())
        if size < 2:
            continue
        own = left_out[inside]
        influence = (size - 1) * (np.nanmean(own, axis=0) - own)
        cubes += np.nansum(influence**3, axis=0) / size**3
        squares += np.nansum(influence**2, axis=0) / size**2
    return np.asarray(cubes / (6 * np.where(squares > 0, squares, np.nan) ** 1.5))
