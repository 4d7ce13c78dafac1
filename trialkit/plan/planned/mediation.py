"""The planned mediation analyses: one for each entry and treated arm, with what an unmeasured cause could do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from trialkit.errors import CombinationError, EstimationError, GroupError, MissingDataError, TrialkitError
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.mediation.result import MediationResult
from trialkit.estimate.outcome import Time
from trialkit.plan.planned.tried import Tried
from trialkit.plan.schema.mediators import can_mediate, mediator_baseline, mediator_column
from trialkit.report.content.mediation import MediationContent
from trialkit.report.format import in_words
from trialkit.results import Result, TableResult

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation

__all__ = ["planned_mediation"]

R = TypeVar("R", bound=Result)
CANNOT = (EstimationError, GroupError, MissingDataError, CombinationError)
BINARY = ("risk_difference", "risk_ratio", "odds_ratio")


def planned_mediation(spec: PlanSpec, ready: Prepared) -> tuple[MediationContent, ...]:
    """Every planned mediation that can be run, in the order of the plan."""
    return tuple(
        _one(spec, ready, entry, arm)
        for entry in spec.mediation
        if can_mediate(spec.outcome(entry.outcome))
        for arm in spec.arm_names
        if arm != spec.control
    )


def _one(spec: PlanSpec, ready: Prepared, entry: Mediation, arm: str) -> MediationContent:
    outcome, column = spec.outcome(entry.outcome), mediator_column(spec, entry)
    said = entry.mediator
    content = MediationContent(
        outcome=entry.outcome,
        label=outcome.label or outcome.name,
        mediator=column,
        mediator_label=_label(ready, column),
        arm=arm,
        control=spec.control,
        result=None,
        waves=(spec.wave_label(said.wave) if said.wave else "", spec.wave_label(outcome.wave) if outcome.wave else ""),
    )
    try:
        found = mediate(ready.trial, **_asked(spec, entry, outcome, arm), n_draws=entry.draws, seed=entry.seed)
    except CANNOT as error:  # what the trial's own data do not allow is said in the report; the effects stand without it
        return replace(content, left_out=(str(error),))
    except TrialkitError as error:
        error.args = (f"[[mediation]] of '{entry.outcome}' through '{column}': {error}",)
        raise
    tried = Tried()
    curve = tried("sensitivity to an unmeasured cause", lambda: _curve(spec, ready, entry, outcome, arm, found))
    values = tried("E-values", lambda: _evalues(spec, ready, entry, outcome, arm, found))
    return replace(
        content,
        result=replace(found, estimates=tuple(replace(e, outcome=entry.outcome) for e in found.estimates)),
        sensitivity=curve,
        evalues=values,
        linear_curve=curve is not None and not found.needed().linear,
        left_out=tuple(tried.left_out),
    )


def _asked(spec: PlanSpec, entry: Mediation, outcome: Outcome, arm: str) -> dict[str, Any]:
    """What the plan asks of `mediate`, without what draws."""
    baselines = (mediator_baseline(spec, entry), spec.baseline_column(outcome))
    adjust = spec.adjust_for(outcome) if entry.adjust is None else entry.adjust
    time, waves = outcome.kind == "time", spec.wave_names
    then, at_end = (waves.index(w) if w in waves else None for w in (entry.mediator.wave, outcome.wave))
    return {
        "outcome": Time(str(outcome.time), str(outcome.event)) if time else spec.value_column(outcome),
        "mediator": mediator_column(spec, entry),
        "adjust": [a for a in adjust if a not in spec.data.strata],
        "mediator_baseline": baselines[0],
        "outcome_baseline": baselines[1],
        "interaction": entry.interaction,
        "measure": outcome.measure,
        "tau": outcome.tau if time else None,
        "arm": arm,
        "mediator_wave": then,
        "outcome_wave": at_end,
        "covariate_missing": spec.analysis.covariate_missing,
        "conf_level": spec.analysis.conf_level,
    }


def _curve(spec: PlanSpec, ready: Prepared, entry: Mediation, outcome: Outcome, arm: str, found: MediationResult) -> TableResult:
    """Of the analysis itself, or for shares of linear models of step and outcome, for which alone the curve is defined."""
    if found.needed().linear or outcome.measure not in (*BINARY, "mean_difference"):
        return _table(found.sensitivity())
    linear = _asked(spec, entry, outcome, arm) | {
        "measure": "mean_difference",
        "mediator_model": "linear",
        "outcome_model": "linear",
    }
    return _table(mediate(ready.trial, **linear, inference="delta").sensitivity())


def _evalues(
    spec: PlanSpec, ready: Prepared, entry: Mediation, outcome: Outcome, arm: str, found: MediationResult
) -> TableResult:
    """Of the analysis itself, or for a difference of shares and an odds ratio of the risk ratio."""
    if outcome.measure not in ("risk_difference", "odds_ratio"):
        return _table(found.evalue())
    ratio = _asked(spec, entry, outcome, arm) | {"measure": "risk_ratio"}
    return _table(mediate(ready.trial, **ratio, inference="delta").evalue())


def _table(found: Any) -> TableResult:
    assert isinstance(found, TableResult)
    return found


def _label(ready: Prepared, column: str) -> str:
    return str(ready.labels.get(column) or in_words(column))
