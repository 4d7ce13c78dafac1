"""Standard errors and chi-square that do not lean on normality, or on independent people.

With A the observed information and B the sum over independent units (people, or clusters) of squared scores,

    covariance  A^-1 B A^-1 (Huber-White)
    scaling     c = [tr(A1^-1 B1) - tr(A0^-1 B0)] / df,     T_scaled = T / c,

0 the model and 1 the saturated moments (Yuan & Bentler 2000 as Mplus and lavaan's "yuan.bentler.mplus" compute it; Asparouhov &
Muthen 2005). Scores are summed within a cluster first, so that people of one group may be alike; people in no group are clusters
of one; with clusters B is multiplied by S/(S - 1), S units, as lavaan and Stata do. A0 is the observed information throughout;
for clusters lavaan 0.6-14 leaves the second derivatives out of it in c, which changes c by one or two percent. Robust CFI, TLI and RMSEA put T - c df in the place of T - df (Brosseau-Liard & Savalei 2014; Brosseau-Liard, Savalei & Li
2012). Those are derived for complete data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.factor.fiml import Saturated, independent, pattern_of_rows, person_scores
from trialkit.inference.factor.fit import Fit
from trialkit.inference.factor.indices import Rmsea, rmsea
from trialkit.inference.factor.likelihood import Point, evaluate, information
from trialkit.inference.factor.model import INTERCEPT, FactorModel, Layout, independence_model, layout, saturated_model


@dataclass(frozen=True, slots=True)
class Robust:
    """Corrections of one fitted model.

    Attributes
    ----------
    covariance : sandwich of the free numbers.
    chisq, p_value : scaled.
    scaling : T / T_scaled; NaN without degrees of freedom or when it is not positive.
    baseline_scaling : the same for the baseline model.
    cfi, tli, rmsea : robust; NaN with missing items, for which they are not derived.
    cfi_scaled, rmsea_scaled : the usual formulas with the scaled chi-squares.
    n_units : independent units.
    """

    covariance: FloatArray
    chisq: float
    p_value: float
    scaling: float
    baseline_scaling: float
    cfi: float
    tli: float
    rmsea: Rmsea
    cfi_scaled: float
    rmsea_scaled: Rmsea
    n_units: int


def robust(fit: Fit, x: FloatArray, *, group: IntArray, baseline: float, unit: IntArray | None = None) -> Robust:
    """Corrections from the people's data.

    Parameters
    ----------
    x, group : what `fit.data` was made of.
    baseline : chi-square of the baseline model.
    unit : independent unit of each person, 0-based codes; people are units of their own without it.
    """
    lay, pattern = fit.layout, pattern_of_rows(x, group)
    units = np.arange(len(x)) if unit is None else unit
    bread, meat = _parts(lay, fit, fit.point, x, group, pattern, units)
    inverse = np.linalg.inv(bread)
    trace_model = float(np.sum(inverse * meat))
    means = lay.mean_structure
    without = _trace(saturated_model(lay.n_items, lay.n_groups, means), fit.h1, fit, x, group, pattern, units)
    apart = _trace(independence_model(lay.n_items, lay.n_groups, means), independent(fit.data), fit, x, group, pattern, units)
    baseline_df = lay.n_groups * lay.n_items * (lay.n_items - 1) // 2
    scaling = (without - trace_model) / fit.df if fit.df > 0 else math.nan
    scaling = scaling if scaling > 0 else math.nan
    of_baseline = (without - apart) / baseline_df
    chisq = fit.chisq / scaling
    cfi, tli, close = _robust_indices(fit, scaling, baseline, baseline_df, of_baseline)
    excess = max(chisq - fit.df, 0.0)
    worst = max(excess, baseline / of_baseline - baseline_df)
    return Robust(
        covariance=inverse @ meat @ inverse,
        chisq=chisq,
        p_value=float(special.chdtrc(fit.df, chisq)) if math.isfinite(chisq) else math.nan,
        scaling=scaling,
        baseline_scaling=of_baseline,
        cfi=cfi,
        tli=tli,
        rmsea=close,
        cfi_scaled=math.nan if not math.isfinite(chisq) else 1 - excess / worst if worst > 0 else 1.0,
        rmsea_scaled=rmsea(chisq, fit.df if math.isfinite(chisq) else 0, fit.n, lay.n_groups),
        n_units=len(np.unique(units)),
    )


def _robust_indices(
    fit: Fit, scaling: float, baseline: float, baseline_df: int, of_baseline: float
) -> tuple[float, float, Rmsea]:
    if not (fit.data.complete and math.isfinite(scaling)):
        return math.nan, math.nan, Rmsea(math.nan, math.nan, math.nan, math.nan)
    excess, unfit = fit.chisq - scaling * fit.df, baseline - of_baseline * baseline_df
    worst = max(excess, unfit, 0.0)
    cfi = 1.0 if worst <= 0 else 1 - max(excess, 0.0) / worst
    tli = 1 - excess / unfit * baseline_df / fit.df
    unit = fit.n * fit.df / fit.layout.n_groups
    scaled = rmsea(fit.chisq / scaling, fit.df, fit.n, fit.layout.n_groups)
    root = math.sqrt(scaling)
    value = math.sqrt(max(excess, 0.0) / unit)
    return cfi, tli, Rmsea(value, root * scaled.low, root * scaled.high, _p_close(fit, scaling, unit))


def _p_close(fit: Fit, scaling: float, unit: float) -> float:
    """That the RMSEA is at most .05, whose noncentrality is .05^2 / c in the scaled chi-square."""
    return float(1 - special.chndtr(fit.chisq / scaling, fit.df, 0.05**2 * unit / scaling))


def _trace(
    model: FactorModel, moments: Saturated, fit: Fit, x: FloatArray, group: IntArray, pattern: IntArray, units: IntArray
) -> float:
    """tr(A^-1 B) of a model without factors at its maximum."""
    lay = layout(model)
    theta = np.where(lay.kind == INTERCEPT, moments.mean[lay.group, lay.row], moments.cov[lay.group, lay.row, lay.col])
    point = evaluate(lay, fit.data, theta)
    if point is None:
        raise np.linalg.LinAlgError("the saturated covariance matrix is not positive definite")
    bread, meat = _parts(lay, fit, point, x, group, pattern, units)
    return float(np.trace(np.linalg.solve(bread, meat)))


def _parts(
    lay: Layout, fit: Fit, point: Point, x: FloatArray, group: IntArray, pattern: IntArray, units: IntArray
) -> tuple[FloatArray, FloatArray]:
    """A and B."""
    scores = person_scores(lay, x, group, pattern, point)
    sums = np.zeros((int(units.max()) + 1, lay.n_free))
    np.add.at(sums, units, scores)
    count = len(sums)
    correction = count / (count - 1) if count < len(x) else 1.0
    return information(lay, fit.data, point, observed=True), correction * sums.T @ sums
