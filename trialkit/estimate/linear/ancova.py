"""ANCOVA: least squares of the outcome on the arms, covariates and stratum effects.

y = b0 + sum_a tau_a 1[arm = a] + x'g + stratum effects + e. In a randomized trial tau_a is consistent for the average effect
whether or not the regression is right (Freedman 2008; Lin 2013), with HC2 or, with clusters or groups, CR2 standard errors.

Strata: with equal allocation shares the strata enter as plain effects. Where the shares differ by stratum, plain effects
estimate an overlap-weighted effect and no effects a confounded one, so the arms are interacted with the centred strata and
tau_a is the sample-average effect.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np

from trialkit.errors import EstimationError, UsageError, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average, estimand_name, size_note
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, check_cells, shares_differ, strata_names
from trialkit.inference.arrays import FloatArray
from trialkit.results import Note
from trialkit.trial import Trial

ABSORB_FROM = 100


def run(trial: Trial, request: Request) -> Analysis:
    """ANCOVA of a request."""
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    strata, unequal = strata_rule(trial, request)
    notes: list[Note] = []
    analysed = apply_average(base, request.average)
    absorb = many_strata(analysed, strata)
    columns, names = design_columns(trial, analysed, "none" if absorb else strata, notes, unequal)
    if absorb:  # the constant lies in the strata
        columns, names = columns[:, 1:], names[1:]
    model = fit_linear(analysed, columns, names, kind=request.covariance, df=request.df, absorb=absorb)
    notes += [] if absorb else size_note(base, columns, request)
    overlap = strata == "additive" and unequal
    if overlap:
        notes.append(
            Note(
                "overlap_weighted",
                "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p).",
            )
        )
    method = "ANCOVA" if base.X.shape[1] or trial.strata else "least squares without covariates"
    if request.measure == "risk_difference":
        method += " (linear probability)"
    if strata == "interacted":
        method += ", strata interacted"
    if absorb:
        method += ", strata absorbed"
    first = 0 if absorb else 1
    found = arm_contrasts(model, request, range(first, first + len(base.arms) - 1))
    return Analysis(
        base,
        tuple(c for c, _ in found),
        "overlap-weighted ITT" if overlap else estimand_name(request.average),
        method,
        describe(model),
        (*notes, *model.notes),
        model=model,
        vectors=tuple(v for _, v in found),
    )


def many_strata(s: Sample, strata: str) -> bool:
    """Whether plain stratum effects are taken out by demeaning instead of by a column for each; the numbers are the same."""
    return strata == "additive" and s.stratum is not None and len(np.unique(s.stratum)) > ABSORB_FROM


def strata_rule(trial: Trial, request: Request) -> tuple[str, bool]:
    """How the strata enter ('additive', 'interacted' or 'none'), and whether the arms' shares differ by stratum."""
    asked = request.strata_effects
    if not trial.strata:
        if asked in ("additive", "interacted"):
            raise UsageError(
                f"strata_effects='{asked}' needs strata: name the columns used in the randomization in Trial(strata=[...])."
            )
        return "none", False
    unequal = shares_differ(trial)
    if asked == "none" and unequal and trial.weights is None:
        raise EstimationError(
            "the shares of the arms differ by stratum, so a comparison without strata is confounded by them. Use "
            "strata_effects='interacted' (sample-average effect), or give inverse-probability weights."
        )
    if asked == "auto":
        return ("interacted" if unequal else "additive"), unequal
    return asked, unequal


def design_columns(trial: Trial, s: Sample, strata: str, notes: list[Note], unequal: bool) -> tuple[FloatArray, list[str]]:
    """Columns of the regression with their names: constant, arms, strata, covariates; the arms are columns 1, 2, ..."""
    arms = s.arm_indicators
    parts = [np.ones((s.n, 1)), arms]
    names = ["constant", *(f"arm {a}" for a in s.arms[1:])]
    if strata != "none":
        labels = strata_names(trial)
        if strata == "interacted":
            check_cells(s, labels, "Merge small strata, or use strata_effects='additive' (an overlap-weighted effect).")
        indicators, used = centred_indicators(s, labels)
        parts.append(indicators)
        names += [f"stratum {u}" for u in used]
        if strata == "interacted":
            for a in range(arms.shape[1]):
                parts.append(indicators * arms[:, [a]])
                names += [f"arm {s.arms[a + 1]} x stratum {u}" for u in used]
            if unequal:
                notes.append(
                    Note(
                        "strata_interacted",
                        "shares of the arms differ by stratum: the effect is averaged over strata by their size in the sample.",
                    )
                )
    parts.append(s.X)
    return np.concatenate(parts, axis=1), names + list(s.terms)


def arm_contrasts(model: LinearModel, request: Request, columns: range) -> tuple[tuple[Contrast, FloatArray], ...]:
    """Each arm against control and, on request, against each other, or contrasts of one's own; each with its vector.

    `columns` are those of arms 1, 2, ...
    """
    if not isinstance(request.contrasts, str):
        return tuple(_own_contrast(model, weights, columns) for weights in request.contrasts)
    out = []
    pairs = arm_pairs(len(columns) + 1, request.contrasts)
    for arm, reference in pairs:
        vector = np.zeros(model.design.shape[1])
        vector[columns[arm - 1]] = 1.0
        if reference:
            vector[columns[reference - 1]] = -1.0
        out.append((Contrast(arm, reference, *model.contrast(vector)), vector))
    return tuple(out)


def _own_contrast(model: LinearModel, weights: Mapping[Hashable, float], columns: range) -> tuple[Contrast, FloatArray]:
    """A weighted sum of arm means, as in {'peer': 0.5, 'coach': 0.5, 'solo': -1}; the weights sum to zero."""
    vector = np.zeros(model.design.shape[1])
    vector[list(columns)] = own_weights(model.sample.arms, weights)[1:]  # the control arm is the reference of the columns
    return Contrast(-1, -1, *model.contrast(vector), contrast_label(weights)), vector


def own_weights(arms: tuple[Hashable, ...], weights: Mapping[Hashable, float]) -> FloatArray:
    """(A,) weights of a contrast of one's own, checked."""
    unknown = [a for a in weights if a not in arms]
    if unknown or not weights:
        raise UsageError(f"a contrast gives weights to arms; {shown(unknown)} is not among {shown(arms)}.")
    if abs(sum(weights.values())) > 1e-9:
        raise UsageError(
            f"the weights of a contrast sum to zero, as in {{'{arms[1]}': 1, '{arms[0]}': -1}}; these sum to {sum(weights.values()):g}."
        )
    vector = np.array([float(weights.get(arm, 0.0)) for arm in arms])
    if not vector[1:].any():
        raise UsageError("a contrast needs an arm with a weight other than zero.")
    return vector


def contrast_label(weights: Mapping[Hashable, float]) -> str:
    """'0.5 peer + 0.5 coach - solo': what is added first."""
    parts = []
    for arm, weight in sorted(weights.items(), key=lambda item: item[1] < 0):
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):g} "
            parts.append(f"{'- ' if weight < 0 else '+ '}{size}{arm}")
    return " ".join(parts).removeprefix("+ ")


def describe(model: LinearModel) -> str:
    """'CR2' or 'CR2, working df': what stands in the covariance column."""
    kind = model.cov.kind
    return f"{kind} (df under the grouped working covariance)" if model.df_rule == "working" else kind
