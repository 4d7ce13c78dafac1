"""The companion that uses every wave of a scale: one model of all waves, and its effect at the wave of the outcome."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError
from trialkit.estimate.longitudinal.longitudinal_result import LongitudinalResult
from trialkit.estimate.longitudinal.repeated_measures import longitudinal
from trialkit.plan.schema.outcomes import score_column
from trialkit.results import Result

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["at_its_wave", "has_waves", "over_time", "planned_over_time", "with_several_follow_ups"]

COMPANION = "longitudinal"


def has_waves(spec: PlanSpec, outcome: Outcome) -> bool:
    """Whether the outcome is a scale that was also taken at an earlier wave, the first of them its baseline."""
    if outcome.scale is None or outcome.wave is None or outcome.measure != "mean_difference":
        return False
    waves = spec.scale_waves(outcome.scale)
    return len(waves) > 1 and waves[0] == outcome.baseline_wave and outcome.wave in waves[1:]


def planned_over_time(spec: PlanSpec, ready: Prepared) -> dict[str, LongitudinalResult]:
    """By name of the outcome, the course of every scale that was also taken at the start, where the plan has the companion."""
    if COMPANION not in spec.analysis.companions:
        return {}
    return {o.name: over_time(spec, ready, o) for o in spec.outcomes if has_waves(spec, o)}


def with_several_follow_ups(courses: Mapping[str, LongitudinalResult]) -> dict[str, Result]:
    """The courses that say more than their last wave: two follow-ups or more."""
    return {name: found for name, found in courses.items() if len(found.details["wave_labels"]) > 2}


def over_time(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> LongitudinalResult:
    """All waves of the outcome's scale in one model, the first as baseline; covariates as planned, without the baseline score."""
    a, scale = spec.analysis, str(outcome.scale)
    columns: dict[Hashable, str] = {wave: score_column(scale, wave) for wave in spec.scale_waves(scale)}
    try:
        found = longitudinal(
            ready.trial,
            columns,
            adjust=[c for c in spec.adjust_for(outcome) if c not in columns.values()],
            strata_effects=a.strata_effects,
            covariate_missing=a.covariate_missing,
            contrasts=a.contrasts if isinstance(a.contrasts, str) else "control",
            conf_level=a.conf_level,
        )
    except TrialkitError as error:
        error.args = (f"outcome '{outcome.name}', over the waves: {error}",)
        raise
    rows = tuple(replace(e, outcome=outcome.name) for e in found.estimates)
    return replace(found, estimates=rows, details={**found.details, "wave_labels": {w: spec.wave_label(str(w)) for w in columns}})


def at_its_wave(course: LongitudinalResult, outcome: Outcome) -> Result:
    """The effect at the wave of the outcome alone, as it stands beside the primary analysis."""
    return replace(course, estimates=tuple(e for e in course.estimates if e.extra["wave"] == outcome.wave))
