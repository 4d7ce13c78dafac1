"""Wald tests of selective attrition: means of baselines by arm and response, compared within one regression a baseline.

The regression has an indicator of each cell of arm and response (and stratum effects). C b are differences of cell means.

- One baseline: F with the covariance of the fit (F(q, n - K), or approximate Hotelling with clusters; wald.py).
- Several baselines, people alone: the regressions are stacked as in Stata's suest. With the person's scores s_i of all contrasts V = n/(n-1) sum s_i s_i',
  and C b' V^-1 C b is chi-square with as many df as contrasts.
- Several baselines with groups or clusters: V = sum over units of s_g s_g' with CR2 scores. It is matched to a Wishart matrix with the fewest df nu
  of the single baselines, so that (nu - q + 1)/(nu q) Q is F(q, nu - q + 1); one chi-square would reject far too often with few groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import Clusters, FloatArray, IntArray
from trialkit.inference.linear.covariance import CovarianceKind, covariance
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.linear.wald import WaldTest, hotelling_df, htz


@dataclass(frozen=True, slots=True)
class BaselineFit:
    """One baseline's regression: `unit` (n,) codes of independent units over all baselines, C (q, r) the contrasts, `working` the fitted covariance or None."""

    fit: LeastSquares
    unit: IntArray
    contrasts: FloatArray
    working: WorkingCovariance | None = None


def single(one: BaselineFit, *, kind: CovarianceKind) -> WaldTest:
    """F test that C b = 0 for one baseline; ValueError when the covariance of the contrasts is singular."""
    clusters = Clusters.from_labels(one.unit) if kind.startswith("CR") else None
    cov = covariance(one.fit, kind, clusters)
    plain = kind in ("CR0", "CR1")
    if plain and clusters is not None:
        gap = one.contrasts @ one.fit.coef[one.fit.kept]
        q, df = len(gap), clusters.count - 1
        statistic = _quadratic(gap, one.contrasts @ cov.matrix @ one.contrasts.T) / q
        return WaldTest(statistic, q, float(df), float(special.fdtrc(q, df, statistic)))
    return htz(one.fit, cov, one.contrasts, working=one.working)


def joint_people(fits: list[BaselineFit]) -> WaldTest:
    """Chi-square test over several baselines; `df_denom` is infinite and `statistic` the chi-square."""
    units = 1 + max(int(f.unit.max()) for f in fits)
    scores = np.column_stack([_scores(f, "HC0", units) for f in fits])
    n = len(np.unique(np.concatenate([f.unit for f in fits])))
    gap = np.concatenate([f.contrasts @ f.fit.coef[f.fit.kept] for f in fits])
    statistic = _quadratic(gap, scores.T @ scores * n / (n - 1))
    return WaldTest(statistic, len(gap), math.inf, float(special.chdtrc(len(gap), statistic)))


def joint_units(fits: list[BaselineFit]) -> WaldTest:
    """F test over several baselines with groups or clusters; NaN where the units are too few for so many contrasts."""
    units = 1 + max(int(f.unit.max()) for f in fits)
    scores = np.column_stack([_scores(f, "CR2", units) for f in fits])
    gap = np.concatenate([f.contrasts @ f.fit.coef[f.fit.kept] for f in fits])
    q = len(gap)
    nu = min(hotelling_df(f.fit, covariance(f.fit, "CR2", Clusters.from_labels(f.unit)), f.contrasts, f.working) for f in fits)
    if not nu - q + 1 > 0:
        return WaldTest(math.nan, q, math.nan, math.nan)
    statistic = (nu - q + 1) / (nu * q) * _quadratic(gap, scores.T @ scores)
    return WaldTest(statistic, q, nu - q + 1, float(special.fdtrc(q, nu - q + 1, statistic)))


def fit_baseline(*, y: FloatArray, X: FloatArray) -> LeastSquares:
    """Least squares of one baseline."""
    return least_squares(y=y, X=X)


def _scores(one: BaselineFit, kind: CovarianceKind, units: int) -> FloatArray:
    """(units, q) contributions of the units to C b."""
    clusters = Clusters.from_labels(one.unit) if kind.startswith("CR") else None
    cov = covariance(one.fit, kind, clusters)
    assert cov.influence is not None
    order = np.arange(len(one.unit)) if clusters is None else clusters.order
    values = (cov.influence @ one.contrasts.T) * one.fit.residuals[order][:, None]
    label = one.unit[order]
    return np.column_stack([np.bincount(label, weights=values[:, j], minlength=units) for j in range(values.shape[1])])


def _quadratic(gap: FloatArray, matrix: FloatArray) -> float:
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all():
        raise ValueError("the covariance of the contrasts is singular")
    unit = matrix / np.outer(scale, scale)
    if np.linalg.eigvalsh(unit)[0] <= 1e-12:
        raise ValueError("the covariance of the contrasts is singular")
    return float(gap / scale @ np.linalg.solve(unit, gap / scale))
