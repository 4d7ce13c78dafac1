"""Doubly randomized preference trials: people are randomized to choose their treatment or to have it drawn.

With m_i people who chose treatment i, means x_i and variances s2x_i, n_i people drawn to i, means y_i and variances s2y_i, m = m_1 + m_2 and z_i = m_i(x_i - y_i):

    preference = m (z_1 + z_2)/(2 m_1 m_2), selection = m (z_1 - z_2)/(2 m_1 m_2), treatment = y_1 - y_2,
    V_i = m_i s2x_i + [1 + (m - 1) m_i/m] m_i s2y_i/n_i + (m_1 m_2/m)(x_i - y_i)^2, C = -(m_1 m_2/m)(x_1 - y_1)(x_2 - y_2),
    SE of preference and selection = m/(2 m_1 m_2) sqrt(V_1 + V_2 +- 2C).

Degrees of freedom follow Satterthwaite over the independent parts: four variances of outcomes (their numbers minus one) and the number that chose (m - 1).
Strata are averaged by their share of people. Sources: Rucker (1989), Statistics in Medicine 8; Walter et al. (2012), Statistics in Medicine 31.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

EFFECTS = ("preference", "selection", "treatment")


@dataclass(frozen=True, slots=True)
class PreferenceEffects:
    """Estimates, standard errors and df (3,) of the preference, selection and treatment effects."""

    estimates: FloatArray
    std_errors: FloatArray
    dfs: FloatArray


def preference_effects(*, y: FloatArray, chose: BoolArray, first: BoolArray) -> PreferenceEffects:
    """Effects from outcomes y (n,), whether people chose, and whether they had the first treatment. Each of the four cells needs two people."""
    cells = [[y[chose & first], y[chose & ~first]], [y[~chose & first], y[~chose & ~first]]]
    m, x, sx = _moments(cells[0])
    n, mean, sy = _moments(cells[1])
    total = m.sum()
    gap = x - mean
    z = m * gap
    scale = total / (2 * m.prod())
    chosen, drawn = m * sx, (1 + (total - 1) * m / total) * m * sy / n
    outcome_parts = np.r_[chosen, drawn]
    outcome_df = np.r_[m - 1, n - 1]
    mix = m.prod() / total
    estimates, errors, dfs = [], [], []
    for sign in (1.0, -1.0):
        split = mix * (gap[0] - sign * gap[1]) ** 2
        parts = np.r_[outcome_parts, split]
        estimates.append(scale * (z[0] + sign * z[1]))
        errors.append(scale * math.sqrt(parts.sum()))
        dfs.append(_satterthwaite(parts, np.r_[outcome_df, total - 1]))
    welch = sy / n
    estimates.append(mean[0] - mean[1])
    errors.append(math.sqrt(welch.sum()))
    dfs.append(_satterthwaite(welch, n - 1))
    return PreferenceEffects(np.array(estimates), np.array(errors), np.array(dfs))


def preference_effects_stratified(*, y: FloatArray, chose: BoolArray, first: BoolArray, stratum: IntArray) -> PreferenceEffects:
    """Effects within each stratum (codes 0, 1, ...), averaged by the strata's shares of people."""
    labels = np.unique(stratum)
    found = [preference_effects(y=y[stratum == s], chose=chose[stratum == s], first=first[stratum == s]) for s in labels]
    share = np.array([(stratum == s).mean() for s in labels])
    parts = np.array([(w * f.std_errors) ** 2 for w, f in zip(share, found)])
    dfs = np.array([_satterthwaite(parts[:, j], np.array([f.dfs[j] for f in found])) for j in range(len(EFFECTS))])
    return PreferenceEffects(share @ np.array([f.estimates for f in found]), np.sqrt(parts.sum(axis=0)), dfs)


def _moments(cells: list[FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    counts = np.array([float(len(c)) for c in cells])
    return counts, np.array([c.mean() for c in cells]), np.array([c.var(ddof=1) for c in cells])


def _satterthwaite(parts: FloatArray, df: FloatArray) -> float:
    spread = float((parts**2 / df).sum())
    return float(parts.sum()) ** 2 / spread if spread > 0 else math.nan
