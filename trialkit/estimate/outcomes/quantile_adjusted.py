"""Quantile regression: the difference in a conditional quantile between people of different arms with the same covariates.

Q_q(y | arm, x) = b0 + tau_arm + x'g (inference/outcomes/quantile_regression.py). The standard error comes from values that sum to the estimate's error: CR2
(HC2) in each arm, df under the grouped working covariance with groups in some arms; or from resamples of whole groups.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trialkit.errors import CombinationError, EstimationError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average
from trialkit.estimate.linear.ancova import strata_rule
from trialkit.estimate.outcomes.linearized import by_arm, collinear_notes
from trialkit.estimate.outcomes.quantile_draws import Draws, bootstrap_contrast
from trialkit.estimate.outcomes.quantile_options import details_of, estimand, few_values
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, strata_names
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.inference.outcomes.quantile_regression import at_heap, contrast_range, linear_values, quantile_regression
from trialkit.inference.outcomes.quantiles import arm_quantile
from trialkit.results import Note
from trialkit.trial import Trial


def run(trial: Trial, request: Request, q: float, draws: Draws | None) -> Analysis:
    """Quantile regression of a request that has covariates."""
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    s = apply_average(base, request.average)
    X, notes = _columns(trial, s, request)
    notes += few_values(base)
    try:
        fit = quantile_regression(y=s.y, X=X, q=q, weights=s.weights)
    except ArithmeticError as error:
        raise EstimationError(
            f"quantile regression of '{s.outcome}' failed ({error}): leave covariates of very unequal size out."
        ) from error
    if at_heap(fit.residuals):
        share = float((fit.residuals == 0).mean())
        raise EstimationError(
            f"{100 * share:.0f} % of people lie exactly on the {q:g} quantile of '{s.outcome}' (many equal values): quantile regression has no standard "
            "error there. Use another q, shares (margin='any'), or leave adjust out."
        )
    values = linear_values(X=X, fit=fit, density=_density(s, fit.residuals, q), weights=s.weights)
    contrasts, influence, covariance = [], [], ""
    for a, b in arm_pairs(len(s.arms), request.contrasts):
        vector = np.zeros(X.shape[1])
        vector[a] = 1.0
        vector[b] -= 1.0 if b else 0.0
        low, high = contrast_range(y=s.y, X=X, fit=fit, q=q, vector=vector, weights=s.weights)
        if high > low:
            text = f"the solution is not unique: every number from {low:.4g} to {high:.4g} fits equally well for {s.arms[a]} - {s.arms[b]}; the middle is reported."
            notes.append(Note("quantile_not_unique", text))
        spread = by_arm(s, values @ vector, df=request.df, strata=request.strata_effects != "none")
        contrast = Contrast(a, b, (low + high) / 2, spread.std_error, spread.df)
        if draws is not None:
            contrast, said = bootstrap_contrast(contrast, _redraw(s, X, q, vector), s, s.stratum, draws, request.conf_level)
            notes += said
        contrasts.append(contrast)
        influence.append(spread.influence)
        notes += spread.notes
        covariance = spread.covariance + (
            "" if draws is None else ", group bootstrap" + (" percentiles" if draws.interval == "percentile" else "")
        )
    notes.append(
        Note(
            "conditional_quantile",
            f"the {q:g} quantile is compared among people with the same covariates, which is not the difference of the arms' quantiles.",
        )
    )
    return Analysis(
        base, tuple(contrasts), estimand(q, request.average, conditional=True), "quantile regression", covariance, tuple(notes),
        details_of(q, draws), influence=tuple(influence),
    )  # fmt: skip


def _density(s: Sample, residuals: FloatArray, q: float) -> FloatArray:
    """(n,) density of the residuals at the fit, one value an arm."""
    weights = np.ones(s.n) if s.weights is None else s.weights
    out = np.empty(s.n)
    for a, label in enumerate(s.arms):
        i = s.arm == a
        found = arm_quantile(y=residuals[i], weights=weights[i], unit=s.unit_of_variance[i], q=q)
        if not found.spread > 0:
            raise EstimationError(
                f"the {q:g} quantile of '{s.outcome}' lies in a heap of equal values in arm {label!r}: it has no standard error there. "
                "Use another q, or compare shares (margin='any')."
            )
        out[i] = 1.0 / found.spread
    return out


def _columns(trial: Trial, s: Sample, request: Request) -> tuple[FloatArray, list[Note]]:
    """Constant, arms, strata and covariates of full column rank; the arms are columns 1, 2, ..."""
    if request.strata_effects == "interacted":
        raise CombinationError(
            "quantile regression has one effect for all strata: leave strata_effects out, or leave adjust out."
        )
    rule, unequal = strata_rule(trial, request)
    parts = [np.ones((s.n, 1)), s.arm_indicators]
    names = ["constant", *(f"arm {a}" for a in s.arms[1:])]
    notes = []
    if rule != "none":
        indicators, used = centred_indicators(s, strata_names(trial))
        parts.append(indicators)
        names += [f"stratum {u}" for u in used]
        if unequal:
            notes.append(
                Note("strata_common", "shares of the arms differ by stratum: the effect is taken as the same in every stratum.")
            )
    X, names = np.concatenate([*parts, s.X], axis=1), [*names, *s.terms]
    norm = np.sqrt((X**2).sum(axis=0))
    kept = independent_columns(X / np.where(norm > 0, norm, 1.0))
    notes += collinear_notes(X, kept, names, range(1, len(s.arms)))
    return X[:, kept], notes


def _redraw(s: Sample, X: FloatArray, q: float, vector: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Function of resampling weights (draws, n) that gives the contrasts, a linear program each."""
    own = np.ones(s.n) if s.weights is None else s.weights

    def draw(copies: FloatArray) -> FloatArray:
        return np.array([float(vector @ quantile_regression(y=s.y, X=X, q=q, weights=own * c).coef) for c in copies])

    return draw
