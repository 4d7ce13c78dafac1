"""Run a plan: every planned analysis that this version knows, and the names of those it does not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from trialkit.errors import EstimationError, TrialkitError
from trialkit.estimate.draws.randomization import randomization_test
from trialkit.estimate.draws.wild_bootstrap import wild_bootstrap
from trialkit.estimate.icc import achieved_icc
from trialkit.estimate.itt import itt
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.longitudinal.longitudinal_result import LongitudinalResult
from trialkit.estimate.margins.equivalence import against_margins, margins
from trialkit.estimate.measures import MEASURES
from trialkit.estimate.take_up.cace import cace
from trialkit.plan.after.gather import with_documents_after
from trialkit.plan.blinding.mark import is_made_up
from trialkit.plan.locking.software import source_hash, versions
from trialkit.plan.planned.asked import better_of
from trialkit.plan.planned.corrections import corrected, planned_correction
from trialkit.plan.planned.harms import planned_harms
from trialkit.plan.planned.measured_scales import with_measurement
from trialkit.plan.planned.mediation import planned_mediation
from trialkit.plan.planned.multiverse import planned_multiverse
from trialkit.plan.planned.over_time import COMPANION, at_its_wave, planned_over_time, with_several_follow_ups
from trialkit.plan.planned.prepare import Prepared, prepare
from trialkit.plan.planned.primary_missing import AVAILABLE, by_rule, of_available_cases
from trialkit.plan.planned.response_shift import marked_mediation, marked_over_time
from trialkit.plan.planned.selection import planned_reach, with_selection
from trialkit.plan.planned.side_by_side import side_by_side
from trialkit.plan.planned.subgroups import planned_subgroups
from trialkit.plan.schema.outcomes import HedgesG, Outcome
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.describe import describe
from trialkit.plan.words.estimand import estimand_sentence, missing_sentence
from trialkit.plan.words.not_yet import BUILT, can_run, companion_fits, not_yet
from trialkit.plan.words.verdict import verdict_of
from trialkit.report.content import ArmContent, LockContent, OutcomeContent
from trialkit.report.save import Report
from trialkit.results import Result
from trialkit.selection.attrition import attrition
from trialkit.selection.balance import balance
from trialkit.selection.flow import flow

Progress = Callable[[str, int, int], None]
R = TypeVar("R", bound=Result)


def run_plan(
    spec: PlanSpec,
    data: Any,
    *,
    lock: LockContent,
    folder: Path | None = None,
    plan_name: str = "plan.toml",
    progress: Progress | None = None,
    now: str | None = None,
) -> Report:
    """Run every planned analysis on the data.

    Parameters
    ----------
    data : a path or any data frame, or data prepared already.
    lock : the status of the plan, settled before (a plan that differs from its lock never comes here).
    folder : where files named in the plan are. plan_name : for the line that runs it again.
    progress : called with (what, step, steps).
    now : ISO time to print, for reproducible output; by default the present (UTC).

    Raises
    ------
    DataError, EstimationError
        With the remedy; nothing is written here.
    """
    planned = [o for o in spec.outcomes if can_run(spec, o)]
    if not any(o.role == "primary" for o in planned):
        missing = "; ".join(not_yet(spec))
        raise EstimationError(f"no primary outcome of the plan can be run by this version: {missing}.")
    steps = len(planned) + 2
    tell = progress or (lambda what, step, of: None)
    tell("data", 0, steps)
    reached = planned_reach(spec, folder)
    ready = data if isinstance(data, Prepared) else prepare(spec, data, folder=folder)
    courses = planned_over_time(spec, ready)
    outcomes = []
    for step, outcome in enumerate(planned, 1):
        tell(outcome.name, step, steps)
        outcomes.append(_outcome(spec, ready, outcome, courses, progress))
    tell("tables", steps - 1, steps)
    selection, outcomes = with_selection(spec, ready, outcomes, reached=reached, progress=progress)
    scales, outcomes, by_trait = with_measurement(spec, ready, outcomes, planned_subgroups(spec, ready))
    adjusted, corrections = corrected(spec, outcomes)
    curves, not_curved = planned_multiverse(spec, ready, folder=folder, progress=progress)
    ordered = sorted(adjusted, key=lambda o: ("primary", "secondary", "exploratory").index(o.role))
    content = Report(
        title=spec.trial.title,
        population=spec.trial.population,
        conf_level=spec.analysis.conf_level,
        arms=tuple(_arm(spec, name) for name in (spec.control, *(a for a in spec.arm_names if a != spec.control))),
        outcomes=tuple(ordered),
        lock=lock,
        flow=flow(ready.trial, [o.column for o in ordered], uptake=spec.data.uptake),
        balance=balance(ready.trial, list(spec.selection.balance)) if spec.selection.balance else None,
        scales=ready.scales,
        labels=ready.labels,
        assumptions=_assumptions(spec),
        multiplicity=planned_correction(spec, outcomes),
        corrections=corrections,
        subgroups=by_trait,
        contrasts=_own_contrasts(spec),
        harms=planned_harms(spec, ready, folder=folder),
        over_time=marked_over_time(spec, scales, with_several_follow_ups(courses)),
        measurement=scales,
        mediation=marked_mediation(spec, scales, planned_mediation(spec, ready)),
        selection=selection,
        multiverse=curves,
        multiverse_left_out=not_curved,
        not_run=tuple(not_yet(spec)),
        plan_text=describe(spec, folder=folder),
        notes=tuple(dict.fromkeys((*ready.trial.notes, *ready.notes))),
        data=ready.source,
        versions=versions() | {"trialkit source": source_hash()},
        minimum_cell=spec.report.minimum_cell,
        blinding={"mark": "simulated"} if is_made_up(ready.trial.data) else {},
        languages=tuple(spec.trial.report_languages),
        told={"nl": _in_dutch(spec, ordered, folder)},
        created=now or datetime.now(UTC).replace(microsecond=0).isoformat(),
        command=f"trialkit run {plan_name} {ready.source.get('file', 'data')}",
    )
    content = with_documents_after(spec, ready, content)
    tell("done", steps, steps)
    return content


def _in_dutch(spec: PlanSpec, outcomes: Sequence[OutcomeContent], folder: Path | None) -> dict[str, Any]:
    """Estimands and plan in Dutch, so that a report can be drawn in it later."""
    said = {}
    for o in outcomes:
        planned = spec.outcome(o.name)
        filled = missing_sentence(spec, planned, language="nl") if AVAILABLE in o.companions else ()
        said[o.name] = " ".join([*(estimand_sentence(spec, planned, c.text, language="nl") for c in spec.comparisons), *filled])
    return {"estimands": said, "plan": {"text": describe(spec, folder=folder, language="nl")}}


def _arm(spec: PlanSpec, name: str) -> ArmContent:
    arm = spec.arm(name)
    return ArmContent(arm.name, arm.label, arm.control, arm.grouped)


def _own_contrasts(spec: PlanSpec) -> dict[str, list[str]]:
    """The two sides in words of every contrast of the plan's own."""
    return {} if isinstance(spec.analysis.contrasts, str) else {c.text: [c.label, c.against] for c in spec.comparisons}


def _assumptions(spec: PlanSpec) -> dict[str, Any]:
    said = {k: v for k, v in spec.design.assumptions.model_dump().items() if v is not None}
    if spec.design.groups is not None:
        said["group_size"] = list(spec.design.groups.size)
    if spec.design.units is not None:
        said["units"] = spec.design.units
    return said


def _outcome(
    spec: PlanSpec, ready: Prepared, outcome: Outcome, courses: Mapping[str, LongitudinalResult], progress: Progress | None
) -> OutcomeContent:
    trial, column = ready.trial, spec.value_column(outcome)
    estimator = spec.estimator_for(outcome)
    result, size, beside = _primary(spec, ready, outcome, estimator, progress)
    companions = _companions(spec, ready, outcome, estimator, courses.get(outcome.name))
    with _said_of(outcome):
        few = side_by_side(spec, ready, outcome)
    if beside:
        companions = {**beside, **{name: of_available_cases(r) for name, r in companions.items()}}
        few = None if few is None else of_available_cases(few)
    better = better_of(ready, outcome)
    worthwhile = _worthwhile(outcome, size)
    return OutcomeContent(
        name=outcome.name,
        label=outcome.label,
        role=outcome.role,
        family=outcome.family,
        estimand=" ".join(
            [
                *(estimand_sentence(spec, outcome, c.text) for c in spec.comparisons),
                *(missing_sentence(spec, outcome) if beside else ()),
            ]
        ),
        measure=outcome.measure,
        better=better,
        worthwhile=worthwhile,
        result=result,
        verdicts=tuple(verdict_of(outcome.measure, e.conf_low, e.conf_high, better, worthwhile) for e in result.estimates),
        effect_size=size,
        companions=companions,
        attrition=attrition(trial, column) if spec.selection.attrition else None,
        icc={} if outcome.kind == "time" else achieved_icc(trial, column),
        column=column,
        few_groups=few,
        index=ready.indices.get(outcome.name, {}),
    )


def _primary(
    spec: PlanSpec, ready: Prepared, outcome: Outcome, estimator: str, progress: Progress | None
) -> tuple[Result, Result | None, dict[str, Result]]:
    """The primary result and its effect size; where [missing] primary fills in or weights, the available cases stand beside it."""
    available = _named(_estimate(spec, ready, outcome, estimator), outcome)
    with _said_of(outcome):
        found = by_rule(spec, ready, outcome, available, progress=progress)
    if found is None:
        pairs = isinstance(spec.analysis.contrasts, str)
        return available, available.standardized("hedges_g") if outcome.measure == "mean_difference" and pairs else None, {}
    asked = margins(
        measure=outcome.measure, equivalence=_margins(outcome), noninferiority=outcome.noninferiority, better=better_of(ready, outcome),
        conf_level=spec.analysis.conf_level,
    )  # fmt: skip
    size = None if found.effect_size is None else _named(found.effect_size, outcome)
    return _named(against_margins(found.result, asked), outcome), size, {AVAILABLE: available}


def _companions(
    spec: PlanSpec, ready: Prepared, outcome: Outcome, estimator: str, course: LongitudinalResult | None
) -> dict[str, Result]:
    """Other analyses of the outcome; those that draw stand beside the primary outcomes only."""
    found: dict[str, Result] = {}
    for name in spec.analysis.companions:
        if name not in BUILT["companion"] or name == estimator or not companion_fits(name, outcome):
            continue
        if name == COMPANION:
            if course is not None:
                found[name] = at_its_wave(course, outcome)
            continue
        if name in BESIDE_PRIMARY:
            if outcome.role == "primary":
                with _said_of(outcome):
                    found[name] = _named(BESIDE_PRIMARY[name](spec, ready, outcome), outcome)
        else:
            found[str(name)] = _named(_estimate(spec, ready, outcome, name), outcome)
    return found


def _randomization_test(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> Result:
    trial = ready.designed(spec)
    return randomization_test(
        trial,
        spec.value_column(outcome),
        adjust=spec.adjust_for(outcome),
        n_draws=spec.analysis.draws,
        seed=spec.analysis.seed,
        contrasts=spec.analysis.contrasts if isinstance(spec.analysis.contrasts, str) else "control",
        correction=None,
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
    )


def _wild_bootstrap(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> Result:
    return wild_bootstrap(
        ready.trial,
        spec.value_column(outcome),
        adjust=spec.adjust_for(outcome),
        n_draws=spec.analysis.draws,
        seed=spec.analysis.seed,
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
    )


def _cace(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> Result:
    return cace(
        ready.trial,
        spec.value_column(outcome),
        uptake=str(spec.data.uptake),
        adjust=spec.adjust_for(outcome),
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
    )


BESIDE_PRIMARY: dict[str, Callable[[PlanSpec, Prepared, Outcome], Result]] = {
    "randomization_test": _randomization_test,
    "wild_bootstrap": _wild_bootstrap,
    "cace": _cace,
}


@contextmanager
def _said_of(outcome: Outcome) -> Iterator[None]:
    """Errors inside name the outcome."""
    try:
        yield
    except TrialkitError as error:
        error.args = (f"outcome '{outcome.name}': {error}",)
        raise


def _estimate(spec: PlanSpec, ready: Prepared, outcome: Outcome, estimator: str) -> IttResult:
    a = spec.analysis
    own: list[Mapping[Hashable, float]] = [
        dict[Hashable, float](c.weights.items()) for c in a.contrasts if not isinstance(c, str)
    ]
    with _said_of(outcome):
        return itt(
            ready.trial,
            contrasts=a.contrasts if isinstance(a.contrasts, str) else own,
            equivalence=_margins(outcome),
            noninferiority=outcome.noninferiority,
            better=better_of(ready, outcome),
            **spec.asked_of_itt(outcome, estimator),
        )


def _margins(outcome: Outcome) -> float | tuple[float, float] | None:
    """The margins of equivalence; one ratio in the plan stands for itself and its reciprocal."""
    said = outcome.equivalence
    if said is None or not MEASURES[outcome.measure].ratio:
        return said
    return min(said, 1 / said), max(said, 1 / said)


def _named(result: R, outcome: Outcome) -> R:
    """Rows under the outcome's planned name instead of its column."""
    return replace(result, estimates=tuple(replace(e, outcome=outcome.name) for e in result.estimates))


def _worthwhile(outcome: Outcome, size: Result | None) -> float | None:
    """The smallest worthwhile effect in outcome units; a Hedges g is multiplied by the SD that standardizes the effect."""
    said = outcome.smallest_worthwhile
    if isinstance(said, HedgesG):
        return None if size is None else float(said.hedges_g * size.details["standardizer"][0]["sd"])
    return said
