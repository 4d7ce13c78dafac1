"""G-computation: means of each arm over everybody from a logistic or Poisson working model, and what they say as a measure.

theta_a = mean mu_a(x) + weighted mean over arm a of (y - mu_a(x)), mu_a(x) the mean that the working model (arms and covariates, no
interactions) predicts for everyone in arm a; then theta_1 - theta_0, their log ratio, or the difference of their logits. In a randomized
trial the effect is consistent whether or not the model is right (FDA 2023, Adjusting for covariates, section III.B; Ye, Bannick, Yi &
Shao 2023), and ratios are those of the whole population, not conditional on covariates. Variances: g_computation_variance.py.

Strata stay out of the predictions unless strata_effects='additive' puts them in: a stratum without an event would break the model, and
the variance counts them either way. Where shares of the arms differ by stratum residuals count by the share of their arm in the stratum.

An arm, or a level of a category, without events has its maximum at infinity; predictions are then the limit, 0 (or 1) there
(inference/outcomes/separation.py). Where the covariates themselves tell the outcomes apart the limit would be a perfect prediction without a
standard error, and the fit is refused, or made with Firth's penalty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from trialkit.errors import CombinationError, EstimationError, NotIdentifiedError, UsageError, ValueTypeError, nearest, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average, estimand_name
from trialkit.estimate.fit_notes import collinear, normal_small_arm
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear import aipw
from trialkit.estimate.outcomes import binary_unadjusted
from trialkit.estimate.outcomes.g_computation_scale import (
    SCALES,
    ArmContrast,
    arm_contrasts,
    size_notes,
    transformed,
    undefined,
)
from trialkit.estimate.outcomes.g_computation_variance import Spread, spread_of
from trialkit.estimate.outcomes.rare import check_any_event, count_notes, event_notes
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import strata_names
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.influence import marginal_means
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.inference.outcomes.firth import firth
from trialkit.inference.outcomes.glm import Family, Glm, mean_of
from trialkit.inference.outcomes.separation import LimitingFit, limiting_fit
from trialkit.results import Note
from trialkit.trial import Trial

MODELS = ("linear", "logistic", "poisson")
FEWEST_A_STRATUM = 10
BEYOND = 100


@dataclass(frozen=True, slots=True)
class GComputationOptions:
    """Options of the estimator beyond those of every estimator.

    Attributes
    ----------
    working_model : 'logistic' for outcomes of 0 and 1, 'poisson' for numbers from zero up, 'linear' for differences; 'auto' is the first
        for risk and odds measures, the second for a mean ratio and the third for a mean difference.
    penalty : 'firth' keeps a logistic or Poisson working model finite where covariates tell the outcomes apart.
    """

    working_model: Literal["auto", "linear", "logistic", "poisson"] = "auto"
    penalty: Literal["firth"] | None = None


class MarginalResult(IttResult):
    """ITT effects from the arms' means over everybody; `.by_arm` adds those means and their standard errors."""

    kind = "marginal"

    @property
    def by_arm(self) -> pd.DataFrame:
        """Raw summaries per arm with `adjusted_mean`, the mean if everyone were in the arm, and its `std_error`."""
        added = pd.DataFrame(self.details["marginal_means"]).set_index("arm")
        return super().by_arm.join(added)


def run(trial: Trial, request: Request) -> Analysis:
    """G-computation of a request, with the working model that its measure needs or its options name."""
    options = _options(request.options)
    family = _family(request, options)
    if request.covariance == "wald":
        return binary_unadjusted.wald(trial, request)
    if family == "linear":
        if options.penalty is not None:
            raise CombinationError("penalty='firth' goes with the working models 'logistic' and 'poisson', not with 'linear'.")
        return aipw.run_g_computation(trial, replace(request, options={}))
    return _run(trial, request, family, options)


def _options(given: Mapping[str, Any]) -> GComputationOptions:
    options = GComputationOptions(**given)
    if options.working_model not in ("auto", *MODELS):
        near = nearest(str(options.working_model), MODELS)
        raise UsageError(
            f"working_model={options.working_model!r} is unknown: it is one of {shown(MODELS)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if options.penalty not in (None, "firth"):
        raise UsageError(f"penalty={options.penalty!r} is unknown: it is 'firth' or None.")
    return options


def _family(request: Request, options: GComputationOptions) -> Literal["linear", "logistic", "poisson"]:
    able = {
        "mean_difference": ("linear", "poisson"),
        "risk_difference": ("logistic", "linear"),
        "risk_ratio": ("logistic",),
        "odds_ratio": ("logistic",),
        "mean_ratio": ("poisson",),
    }[request.measure]
    if options.working_model == "auto":
        return cast(Literal["linear", "logistic", "poisson"], able[0])
    if options.working_model not in able:
        raise CombinationError(
            f"working_model='{options.working_model}' does not go with measure='{request.measure}': use {shown(able)}."
        )
    return options.working_model


def _run(trial: Trial, request: Request, family: Family, options: GComputationOptions) -> Analysis:
    if request.strata_effects == "interacted":
        raise CombinationError(
            f"a {family} working model takes strata_effects='auto', 'additive' (strata in the model) or 'none', not 'interacted'."
        )
    if family == "logistic":
        check_any_event(trial, request.outcome)
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    _check_values(base, family, request)
    s = apply_average(base, request.average)
    _check_additive(s, request)
    spread = spread_of(trial, s, request)
    s = spread.sample
    terms = s.X.shape[1]
    notes = [
        *spread.notes,
        *size_notes(base, request),
        *(event_notes(s, terms=terms) if family == "logistic" else count_notes(s, terms=terms)),
    ]
    predictions = _predictions(trial, s, request, family, options, notes)
    means = marginal_means(y=s.y, arm=s.arm, predictions=predictions, probabilities=spread.probabilities, weights=s.weights)
    means = np.where(np.abs(means - np.round(means)) < 1e-12, np.round(means), means)
    spread = spread.with_predictions(predictions)
    contrasts, influence = _contrasts(s, request, means, spread, notes)
    if any(math.isinf(c.df) for c in contrasts):
        notes += normal_small_arm(s, "df='independence'")
    adjusted = "no covariates" if not s.X.shape[1] and request.strata_effects != "additive" else f"{family} working model"
    firths = ", Firth's penalty" if options.penalty and adjusted != "no covariates" else ""
    return Analysis(
        base if spread.whole else s, tuple(contrasts), estimand_name(request.average), f"g-computation ({adjusted}{firths})",
        spread.covariance, tuple(dict.fromkeys((*notes, *spread.said))),
        {"marginal_means": _marginal(s, means, spread), "working_model": family},
        influence=tuple(influence), result=MarginalResult,
    )  # fmt: skip


def _check_values(s: Sample, family: Family, request: Request) -> None:
    if family == "poisson" and (s.y < 0).any():
        raise ValueTypeError(f"working_model='poisson' needs an outcome that is nowhere below zero; '{request.outcome}' is.")


def _check_additive(s: Sample, request: Request) -> None:
    """Indicators of pairs or small blocks would fit their outcomes, and leave too little for a standard error."""
    if request.strata_effects != "additive" or s.stratum is None:
        return
    people = s.n / len(np.unique(s.stratum))
    if people < FEWEST_A_STRATUM:
        raise CombinationError(
            f"strata of {people:.0f} people each are too small for strata_effects='additive' in this working model: leave it out; the variance "
            "counts the strata either way."
        )


def _contrasts(
    s: Sample, request: Request, means: FloatArray, spread: Spread, notes: list[Note]
) -> tuple[list[Contrast], list[FloatArray]]:
    scale = SCALES[request.measure]
    values, slopes = transformed(scale, means)
    floor = 1e-9 * (float(s.y.std()) if scale == "difference" else 1.0)
    contrasts, influence = [], []
    for c in arm_contrasts(s, request):
        if np.isnan(values[c.weights != 0]).any():
            row, note = undefined(s, c, request.measure, values)
            notes.append(note)
            contrasts.append(row)
            influence.append(np.zeros(s.n))
            continue
        gradient = np.where(c.weights != 0, c.weights * np.nan_to_num(slopes), 0.0)
        se, df, own = spread.of(gradient)
        if not se > floor:
            raise _determined(s, c)
        estimate = float(c.weights @ np.where(c.weights != 0, values, 0.0))
        contrasts.append(Contrast(c.arm, c.reference, estimate, se, df, c.label))
        influence.append(own)
    return contrasts, influence


def _determined(s: Sample, c: ArmContrast) -> EstimationError:
    return EstimationError(
        f"the outcome '{s.outcome}' is determined exactly by the arm or the working model ({c.words(s)}): there is no standard error. Check whether "
        "a covariate is a copy of the outcome."
    )


def _marginal(s: Sample, means: FloatArray, spread: Spread) -> list[dict[str, Any]]:
    rows = []
    for a, label in enumerate(s.arms):
        se = spread.of(np.eye(len(s.arms))[a])[0] if spread.by_arm else float("nan")
        rows.append({"arm": label, "adjusted_mean": float(means[a]), "std_error": se})
    return rows


def _predictions(
    trial: Trial, s: Sample, request: Request, family: Family, options: GComputationOptions, notes: list[Note]
) -> FloatArray:
    """(n, A) predicted means of everyone in each arm."""
    X, terms = s.X, list(s.terms)
    if trial.strata and request.strata_effects == "additive":
        assert s.stratum is not None
        labels, present = strata_names(trial), np.unique(s.stratum)[1:]
        X = np.concatenate([(s.stratum[:, None] == present).astype(float), X], axis=1)
        terms = [f"stratum {labels[j]}" for j in present] + terms
    arms = len(s.arms)
    if not X.shape[1]:
        own = [
            float(np.average(s.y[s.arm == a], weights=None if s.weights is None else s.weights[s.arm == a])) for a in range(arms)
        ]
        return np.broadcast_to(np.array(own), (s.n, arms)).copy()
    treated = (s.arm[:, None] == np.arange(1, arms)).astype(float)
    columns = np.concatenate([np.ones((s.n, 1)), treated, X], axis=1)
    if s.n < columns.shape[1] + 2:
        raise EstimationError(
            f"{s.n} people and {columns.shape[1]} terms leave no degrees of freedom: leave covariates or strata out."
        )
    columns, names = _independent(columns, ["constant", *(f"arm {a}" for a in s.arms[1:]), *terms], arms, notes)
    if options.penalty == "firth":
        found = LimitingFit(_firth(s, columns, family), np.ones(s.n, dtype=bool), np.empty((0, columns.shape[1])))
    else:
        found = limiting_fit(y=s.y, X=columns, family=family, weights=s.weights)
        _check_limit(s, columns, names, found, family, notes)
    out = np.empty((s.n, arms))
    for a in range(arms):
        everyone = columns.copy()
        everyone[:, 1:arms] = np.arange(1, arms) == a
        out[:, a] = mean_of(family, found.eta(everyone))
    if family == "poisson" and not out.max() <= BEYOND * s.y.max():
        raise EstimationError(
            f"the working model predicts values of '{s.outcome}' more than {BEYOND} times any that was seen: the arms differ too much in {shown(s.terms, 8)} "
            "for so few events. Leave covariates out."
        )
    return out


def _firth(s: Sample, columns: FloatArray, family: Family) -> Glm:
    if s.weights is not None:
        raise CombinationError("penalty='firth' takes no weights and no group average: leave covariates out instead.")
    fit = firth(y=s.y, X=columns, family=family)
    if not bool(fit.converged):
        raise EstimationError(f"the penalized working model of '{s.outcome}' did not converge: leave covariates out.")
    return fit


def _check_limit(s: Sample, columns: FloatArray, names: list[str], found: LimitingFit, family: Family, notes: list[Note]) -> None:
    """Refuse a fit that did not converge or that covariates of many values separate; say which levels were taken to the limit."""
    if found.fit is not None and not bool(found.fit.converged):
        raise EstimationError(
            f"the {family} working model of '{s.outcome}' did not converge: look for outliers among {shown(s.terms, 8)}, leave covariates out, "
            "or say penalty='firth'."
        )
    if not len(found.directions):
        return
    moved = np.abs(found.directions).max(axis=0) > 1e-9
    levels = np.all(np.isin(columns, (0.0, 1.0)), axis=0).tolist()
    guilty = [n for n, m, level in zip(names, moved, levels) if m and not level]
    if guilty:
        raise EstimationError(
            f"{shown(guilty, 8)} tell{'s' if len(guilty) == 1 else ''} the outcomes of '{s.outcome}' apart exactly for {int((~found.used).sum())} of {s.n} people, so "
            "the working model has no maximum. Leave covariates out (few events carry few covariates), or say penalty='firth'."
        )
    part = [n for n, m in zip(names, moved) if m and n != "constant" and not n.startswith("arm ")]
    if part:
        notes.append(
            Note(
                "separated",
                f"{int((~found.used).sum())} people lie in levels where all have the same outcome ({shown(part, 8)}): the working model predicts "
                "it for them with certainty.",
            )
        )


def _independent(columns: FloatArray, names: list[str], arms: int, notes: list[Note]) -> tuple[FloatArray, list[str]]:
    """The columns that are no combination of earlier ones; a covariate that carries the arm is refused."""
    scale = np.linalg.norm(columns, axis=0)
    kept = independent_columns(columns / np.where(scale > 0, scale, 1.0))
    if len(kept) == len(names):
        return columns, names
    dropped = np.setdiff1d(np.arange(len(names)), kept)
    combination = np.linalg.lstsq(columns[:, kept], columns[:, dropped], rcond=None)[0]
    guilty = [names[j] for j, c in zip(dropped, combination.T) if np.abs(c[1:arms]).max() > 1e-6]
    if guilty:
        raise NotIdentifiedError(
            f"the effect of the arm cannot be told apart from {shown(guilty)}: in these data they carry the same information. Leave "
            f"{'it' if len(guilty) == 1 else 'them'} out of adjust."
        )
    left = [names[j] for j in dropped]
    notes.append(collinear(left))
    return columns[:, kept], [names[j] for j in kept]
