"""Hazard ratios by Cox regression, with groups and clusters in the standard error.

The hazard ratio compares the arms among those still without the event, averaged over follow-up; where hazards are not proportional that average depends
on the censoring, and the difference in restricted means (`restricted.py`) is the number to read. Strata are strata of the model, each with
its own baseline hazard; covariates make the ratio conditional on them (another number than the marginal one, also in a perfect trial).

Covariance: 'auto' is robust, from each person's dfbeta with its leverage (inference/survival/leverage.py): HC2, or CR2 with groups and clusters
(`spread.py`), with t on Satterthwaite's df; in strata with few people of an arm the model's, because scores shrink there. 'classical' is the model's
(normal), 'HC0' Lin and Wei's, 'CR0' the sum by cluster (coxph's `cluster`), t with units - 1 df.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.fit_notes import dependence_ignored
from trialkit.estimate.linear.ancova import strata_rule
from trialkit.estimate.outcomes.linearized import Linearized, by_arm
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample
from trialkit.estimate.survival.cox_checks import check_events, drifts, model_notes
from trialkit.estimate.survival.cox_model import Model, fitted
from trialkit.estimate.survival.curves import arm_curves, arm_rows, curve_details
from trialkit.estimate.survival.logrank import logrank_of
from trialkit.estimate.survival.spread import adjusted_values, small_strata, spread
from trialkit.estimate.survival.time_result import TimeResult
from trialkit.estimate.survival.time_sample import TimeSample, time_sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.survival.cox import Ties, dfbeta
from trialkit.results import Note
from trialkit.trial import ALONE, Trial


def run(trial: Trial, request: Request) -> Analysis:
    """Cox regression of a request."""
    assert request.time is not None
    ties = request.options.get("ties", "efron")
    if ties not in ("efron", "breslow"):
        raise UsageError(f"ties={ties!r} is unknown: it is 'efron' or 'breslow'.")
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = time_sample(trial, request.time, adjust, request.covariate_missing)
    t = base.averaged(request.average)
    found = effects(trial, t, request, ties)
    drift = drifts(found.model.fit, t.people, found.kind, found.inflation)
    curves = arm_curves(t, request.conf_level)
    stratum = found.model.stratum
    details = {
        "arms": arm_rows(trial, base, curves), "curves": curve_details(t, curves), "time": str(request.time), "conf_level": request.conf_level,
        "proportional_hazards": drift, "logrank": logrank_of(t, stratum, "auto").to_dict(), "ties": ties, "better": request.better,
    }  # fmt: skip
    terms = len(found.model.names)
    return Analysis(
        base.people, found.contrasts, _estimand(t, request, stratum, terms),
        f"Cox regression, {ties.capitalize()} ties" + (", stratified" if stratum is not None else ""), found.covariance,
        (*found.notes, *model_notes(t, drift, terms)), details, influence=found.influence, result=TimeResult,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effects:
    """Log hazard ratios with their covariance.

    `kind` is the covariance that was meant, `covariance` its words; `inflation` (arms - 1,) is by how much the variance of each arm against control
    exceeds that from plain values, which strata with groups understate.
    """

    model: Model
    contrasts: tuple[Contrast, ...]
    influence: tuple[FloatArray, ...]
    kind: str
    covariance: str
    inflation: FloatArray
    notes: tuple[Note, ...]


def effects(trial: Trial, t: TimeSample, request: Request, ties: Ties = "efron") -> Effects:
    """Fit and compare the arms."""
    check_events(t)
    stratum = model_strata(trial, request, t.people)
    model, notes = fitted(t, stratum, ties)
    kind, said = _kind(t.people, request, stratum)
    notes += said
    contrasts, influence, words = [], [], ""
    inflation = np.ones(len(t.people.arms) - 1)
    for arm, reference in arm_pairs(len(t.people.arms), request.contrasts):
        vector = np.zeros(model.fit.coef.shape[0])
        vector[arm - 1] = 1.0
        if reference:
            vector[reference - 1] = -1.0
        found = _spread(model, vector, kind, request.df)
        contrasts.append(Contrast(arm, reference, float(vector @ model.fit.coef), found.std_error, found.df))
        influence.append(found.influence)
        words = found.covariance
        notes += found.notes
        if kind == "CR2" and stratum is not None and not reference:
            plain = by_arm(t.people, adjusted_values(t.people, model.fit, vector), df="independence")
            inflation[arm - 1] = (found.std_error / plain.std_error) ** 2
    return Effects(model, tuple(contrasts), tuple(influence), kind, words, inflation, tuple(dict.fromkeys(notes)))


def model_strata(trial: Trial, request: Request, s: Sample) -> IntArray | None:
    """Codes of the strata of the model; an interacted form does not exist."""
    if request.strata_effects == "interacted":
        raise UsageError("a hazard ratio has no interacted strata: they are strata of the model ('auto'), or 'none'.")
    rule, _ = strata_rule(trial, request)
    return None if rule == "none" else s.stratum


def _kind(s: Sample, request: Request, stratum: IntArray | None) -> tuple[str, list[Note]]:
    """The covariance that 'auto' means here, and what to say of the one asked for."""
    asked = request.covariance
    if asked in ("CR0", "CR2") and not s.clustered:
        raise CombinationError(f"covariance='{asked}' needs groups or clusters: use '{asked.replace('CR', 'HC')}'.")
    if asked == "classical" and s.weights is not None:
        raise CombinationError("covariance='classical' does not go with weights, which it would count as people: use 'auto'.")
    if request.df not in ("auto", "residual") and asked in ("classical", "HC0", "CR0"):
        raise CombinationError(f"df='{request.df}' goes with covariance='HC2' or 'CR2', not with '{asked}'.")
    if request.df == "residual" and asked in ("auto", "HC2", "CR2", "classical"):
        raise CombinationError("df='residual' goes with covariance='HC0' or 'CR0': use df='auto'.")
    small = small_strata(s, stratum)
    if asked == "auto":
        if s.clustered:
            return "CR2", []
        if small and s.weights is None:
            text = "some strata have few people of an arm: the standard error is the model's, which holds when hazards are proportional."
            return "classical", [Note("small_strata", text)]
        return "HC2", []
    if s.clustered and not asked.startswith("CR"):
        return asked, [dependence_ignored(s, asked)]
    if small and asked == "HC0":
        text = "some strata have few people of an arm, where HC0 is too small: covariance='classical' holds there when hazards are proportional."
        return asked, [Note("small_strata", text)]
    return asked, []


def _spread(model: Model, vector: FloatArray, kind: str, df: str) -> Linearized:
    """Standard error, df and values of people of vector'b."""
    s, fit = model.t.people, model.fit
    if kind in ("HC2", "CR2"):
        people = s if kind == "CR2" else _alone(s)
        found = spread(people, adjusted_values(people, fit, vector), model.stratum, model.without(vector), df=df)
        return replace(found, covariance=f"{found.covariance}, dfbeta")
    plain = vector @ dfbeta(fit)
    if kind == "classical":
        se = math.sqrt(float(vector @ fit.covariance @ vector))
        return Linearized(0.0, se, math.inf, plain * (se / math.sqrt(float(plain @ plain))), "model", ())
    unit = s.unit_of_variance if kind == "CR0" else np.arange(s.n)
    _, codes = np.unique(unit, return_inverse=True)
    sums = np.bincount(codes.reshape(-1), weights=plain)
    notes = spread(s, adjusted_values(s, fit, vector), None, model.without(vector), df="auto").notes if kind == "CR0" else ()
    return Linearized(0.0, math.sqrt(float(sums @ sums)), float(len(sums) - 1), plain, f"{kind}, dfbeta", notes)


def _alone(s: Sample) -> Sample:
    """The sample with every person a unit."""
    return replace(s, cluster=None, group=np.full(s.n, ALONE, dtype=np.int64), unit_of_variance=np.arange(s.n))


def _estimand(t: TimeSample, request: Request, stratum: IntArray | None, terms: int) -> str:
    conditional = stratum is not None or terms > len(t.people.arms) - 1
    words = ["group-average"] if request.average == "group" else []
    words.append("conditional" if conditional else "marginal")
    if t.other is not None:
        words.append("cause-specific")
    return " ".join([*words, "hazard ratio"])
