"""Fit indices of a factor model as the field reports them.

    CFI = 1 - max(T - df, 0) / max(T - df, T_b - df_b, 0)          TLI = (T_b/df_b - T/df) / (T_b/df_b - 1)
    RMSEA = sqrt(G max(T - df, 0) / (N df))                        SRMR = sum_g (N_g/N) sqrt(mean of squared standardized residuals)

T is the chi-square, b the baseline of uncorrelated items, G the groups, N people. The interval of the RMSEA inverts the
noncentral chi-square at 5 and 95 percent. Residuals are divided by the observed standard deviations; those of means count when
the model has a mean structure. Sources: Bentler (1990); Browne & Cudeck (1993); Steiger (1998) for groups; Bentler (1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.factor.fiml import Saturated, independent
from trialkit.inference.factor.fit import Fit
from trialkit.inference.factor.likelihood import Moments

_TAIL = 0.05
_CLOSE = 0.05


@dataclass(frozen=True, slots=True)
class FitIndices:
    """Fit of one model; indices that need degrees of freedom are NaN when there are none."""

    chisq: float
    df: int
    p_value: float
    baseline_chisq: float
    baseline_df: int
    cfi: float
    tli: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    p_close: float
    srmr: float
    log_likelihood: float
    aic: float
    bic: float
    n_free: int


@dataclass(frozen=True, slots=True)
class Rmsea:
    """Root mean square error of approximation with its 90% interval and the test that it is at most .05."""

    value: float
    low: float
    high: float
    p_close: float


def fit_indices(fit: Fit) -> FitIndices:
    """All indices of a fitted model."""
    baseline = baseline_chisq(fit.data, fit.h1)
    baseline_df = fit.layout.n_groups * fit.layout.n_items * (fit.layout.n_items - 1) // 2
    close = rmsea(fit.chisq, fit.df, fit.n, fit.layout.n_groups)
    cfi, tli = comparative(fit.chisq, fit.df, baseline, baseline_df)
    answers = float(fit.data.n @ fit.data.observed.sum(axis=1))
    log_likelihood = -fit.point.value - answers * math.log(2 * math.pi) / 2
    free = fit.layout.n_free + (0 if fit.layout.mean_structure else fit.layout.n_groups * fit.layout.n_items)
    return FitIndices(
        chisq=fit.chisq,
        df=fit.df,
        p_value=float(special.chdtrc(fit.df, fit.chisq)) if fit.df > 0 else math.nan,
        baseline_chisq=baseline,
        baseline_df=baseline_df,
        cfi=cfi,
        tli=tli,
        rmsea=close.value,
        rmsea_low=close.low,
        rmsea_high=close.high,
        p_close=close.p_close,
        srmr=srmr(fit),
        log_likelihood=log_likelihood,
        aic=-2 * log_likelihood + 2 * fit.layout.n_free,
        bic=-2 * log_likelihood + math.log(fit.n) * fit.layout.n_free,
        n_free=free,
    )


def baseline_chisq(data: Moments, h1: Saturated) -> float:
    """Likelihood ratio of uncorrelated items, their means and variances free."""
    return 2 * (independent(data).value - h1.value)


def comparative(chisq: float, df: int, baseline: float, baseline_df: int) -> tuple[float, float]:
    """CFI and TLI."""
    if df <= 0:
        return math.nan, math.nan
    excess = max(chisq - df, 0.0)
    worst = max(excess, baseline - baseline_df)
    cfi = 1.0 if worst <= 0 else 1 - excess / worst
    ratio = baseline / baseline_df
    return cfi, (ratio - chisq / df) / (ratio - 1)


def rmsea(chisq: float, df: int, n: int, n_groups: int = 1) -> Rmsea:
    """RMSEA and its 90% interval from a chi-square."""
    from scipy.stats import ncx2  # slow to import, and scales are scored without it

    if df <= 0:
        return Rmsea(math.nan, math.nan, math.nan, math.nan)
    unit = n * df / n_groups
    low, high = (math.sqrt(_noncentrality(chisq, df, q) / unit) for q in (1 - _TAIL, _TAIL))
    close = float(ncx2.sf(chisq, df, _CLOSE**2 * unit))
    return Rmsea(math.sqrt(max(chisq - df, 0.0) / unit), low, high, close)


def _noncentrality(chisq: float, df: int, below: float) -> float:
    """The noncentrality at which a chi-square this small has probability `below`; 0 when none is."""
    from scipy.optimize import brentq

    if chisq <= 0 or special.chdtr(df, chisq) <= below:
        return 0.0

    def excess(size: float) -> float:
        return float(special.chndtr(chisq, df, size)) - below

    top = max(chisq, 1.0)
    while excess(top) > 0:
        top *= 2
    return float(brentq(excess, 0.0, top, xtol=1e-10 * top))


def srmr(fit: Fit) -> float:
    """Standardized root mean square residual, groups weighted by their people."""
    return float(fit.data.group_n / fit.data.n.sum() @ np.array([_group_srmr(fit, g) for g in range(fit.layout.n_groups)]))


def _group_srmr(fit: Fit, g: int) -> float:
    residuals = standardized_residuals(fit, g)
    lower = residuals[np.tril_indices(len(residuals))]
    if fit.layout.mean_structure:
        off = (fit.h1.mean[g] - fit.point.matrices.mu[g]) / np.sqrt(np.diag(fit.h1.cov[g]))
        lower = np.concatenate([lower, off])
    return float(np.sqrt(np.mean(lower**2)))


def standardized_residuals(fit: Fit, g: int = 0) -> FloatArray:
    """Observed less model covariances in units of the observed standard deviations, (p, p)."""
    sd = np.sqrt(np.diag(fit.h1.cov[g]))
    out: FloatArray = (fit.h1.cov[g] - fit.point.matrices.sigma[g]) / np.outer(sd, sd)
    return out
