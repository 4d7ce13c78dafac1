"""Quantiles: how far apart the arms' distributions lie at a given quantile, the median by default.

Without covariates the estimate is the difference of the arms' sample quantiles (type 7), averaged over strata by weighting each arm to the strata of
the sample. With `adjust` it is quantile regression, which compares people with the same covariates: another number (quantile_adjusted.py). Neither is
the quantile of the individual effects, which no trial shows.

Intervals (docs/calibration/quantile.csv):
- 'density' (default): the share below the quantile is an average of indicators; its CR2 (HC2) standard error, divided by the density there, with t on
  Satterthwaite's df, under the grouped working covariance with groups in some arms. The density is read off Woodruff's inversion.
- 'bootstrap': the standard error comes from resampling whole groups (clusters; people alone singly) within arms and strata, df as above.
- 'percentile': the 2.5 and 97.5 % of those resamples, p by inversion; too short with fewer than 10 groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average
from trialkit.estimate.outcomes import quantile_adjusted
from trialkit.estimate.outcomes.linearized import Cells, Linearized, linearized, two_arm_cells
from trialkit.estimate.outcomes.quantile_draws import bootstrap_contrast
from trialkit.estimate.outcomes.quantile_options import QuantileOptions, details_of, estimand, few_values
from trialkit.estimate.parts import two_arms
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.outcomes.quantiles import ArmQuantile, arm_quantile, sample_quantile
from trialkit.results import Note
from trialkit.trial import Trial

HOW = {
    "density": "density by Woodruff's inversion",
    "bootstrap": "group bootstrap",
    "percentile": "group bootstrap percentiles",
}
REMEDY = "Merge small strata, or say strata_effects='none'."


def run(trial: Trial, request: Request) -> Analysis:
    """Quantile effects of a request."""
    options = QuantileOptions(**request.options)
    if request.adjust:
        return quantile_adjusted.run(trial, request, float(options.q), options.draws)
    base = sample(trial, request.outcome, (), request.covariate_missing)
    s = apply_average(base, request.average)
    pairs = arm_pairs(len(s.arms), request.contrasts)
    found = [_compare(trial, s, request, a, b, options) for a, b in pairs]
    influence = []
    for (a, b), c in zip(pairs, found):
        whole = np.zeros(base.n)
        whole[(base.arm == a) | (base.arm == b)] = c.influence
        influence.append(whole)
    notes = (*few_values(base), *(n for c in found for n in c.notes))
    covariance = ", ".join(dict.fromkeys((found[0].covariance, HOW[options.interval])))
    return Analysis(
        base, tuple(c.contrast for c in found), estimand(float(options.q), request.average, overlap=found[0].rule == "additive"), "difference of sample quantiles (type 7)", covariance,
        notes, details_of(float(options.q), options.draws) | {"quantiles": [c.values for c in found]}, influence=tuple(influence),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Comparison:
    contrast: Contrast
    influence: FloatArray
    covariance: str
    notes: list[Note]
    values: dict[str, object]
    rule: str


def _compare(trial: Trial, base: Sample, request: Request, arm: int, reference: int, options: QuantileOptions) -> _Comparison:
    q = float(options.q)
    s = two_arms(base, arm, reference)
    cells, rule, notes = two_arm_cells(trial, s, request, REMEDY)
    weights = _weights(s, cells)
    arms = [arm_quantile(y=s.y[i], weights=weights[i], unit=s.unit_of_variance[i], q=q) for i in (s.arm == 0, s.arm == 1)]
    estimate = arms[1].value - arms[0].value
    notes += _heaps(s, arms, q)
    spread = _spread(s, cells, arms, request)
    notes += spread.notes
    contrast = Contrast(arm, reference, estimate, spread.std_error, spread.df)
    if options.draws is not None and math.isfinite(spread.std_error):
        draw = _redraw(s, cells, q)
        contrast, said = bootstrap_contrast(contrast, draw, s, cells.stratum, options.draws, request.conf_level)
        notes += said
    values: dict[str, object] = {"contrast": f"{s.arms[1]} - {s.arms[0]}", "arm": arms[1].value, "reference": arms[0].value}
    return _Comparison(contrast, spread.influence, spread.covariance, notes, values, rule)


def _weights(s: Sample, cells: Cells) -> FloatArray:
    """(n,) weights with which either arm has the strata of the sample, each arm summing to its number of people."""
    own = np.ones(s.n) if s.weights is None else s.weights
    totals = own @ cells.columns
    share = np.concatenate([cells.shares, cells.shares])
    arm_size = np.array([(s.arm == 0).sum(), (s.arm == 1).sum()])[s.arm]
    return np.asarray(own * (cells.columns @ (share / totals)) * arm_size)


def _spread(s: Sample, cells: Cells, arms: list[ArmQuantile], request: Request) -> Linearized:
    """The indicator of lying above the quantile, divided by the density, is an outcome whose arm means differ by the estimate's error."""
    values = np.empty(s.n)
    for a in (0, 1):
        values[s.arm == a] = -arms[a].spread * arms[a].below
    means = (values @ cells.columns) / cells.columns.sum(axis=0)
    if np.ptp(values - cells.columns @ means) <= 1e-12 * max(v.spread for v in arms):
        return Linearized(math.nan, math.nan, math.nan, np.zeros(s.n), "none", ())
    return linearized(s, values, cells.columns, cells.names, cells.combine(-1.0, 1.0), df=request.df)


def _heaps(s: Sample, arms: list[ArmQuantile], q: float) -> list[Note]:
    """Where many people have the same value the quantile does not move, and its standard error says nothing."""
    flat = [(str(s.arms[a]), v.value, float((s.y[s.arm == a] == v.value).mean())) for a, v in enumerate(arms) if v.spread == 0]
    if not flat:
        return []
    text = "; ".join(f"{label}: {100 * share:.0f} % of people have {value:g}" for label, value, share in flat)
    what = "no standard error" if len(flat) == 2 else "a standard error from the other arm alone"
    return [
        Note(
            "quantile_at_heap",
            f"the {q:g} quantile lies in a heap of equal values ({text}), where it does not move: there is {what}. Compare shares (margin='any') or means.",
        )
    ]


def _redraw(s: Sample, cells: Cells, q: float) -> Callable[[FloatArray], FloatArray]:
    """Function of resampling weights (draws, n) that gives the differences of quantiles."""
    order = [np.flatnonzero(s.arm == a)[np.argsort(s.y[s.arm == a], kind="stable")] for a in (0, 1)]
    own = np.ones(s.n) if s.weights is None else s.weights
    share = np.concatenate([cells.shares, cells.shares])
    several = len(cells.shares) > 1

    def draw(copies: FloatArray) -> FloatArray:
        ends = []
        for a in (0, 1):
            rows = order[a]
            c = copies[:, rows]
            if several:
                indicator = cells.columns[rows]
                totals = (c * own[rows]) @ indicator
                ratio = np.divide(share, totals, out=np.zeros_like(totals), where=totals > 0)
                ends.append(sample_quantile(y=s.y[rows], weights=own[rows] * (ratio @ indicator.T), q=q, copies=c))
            else:
                ends.append(sample_quantile(y=s.y[rows], weights=own[rows], q=q, copies=c))
        return np.asarray(ends[1] - ends[0])

    return draw
