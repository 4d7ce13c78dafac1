"""For outcomes of yes and no the other way to say the effect: a ratio beside a difference, a difference beside a ratio (CONSORT 2025, item 26)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError
from trialkit.estimate.itt import itt
from trialkit.estimate.registry import default_estimator
from trialkit.plan.planned.primary_missing import by_rule, goes_by_rule
from trialkit.report.content import OutcomeContent
from trialkit.results import Result

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["absolute_and_relative"]

OTHER = {"risk_difference": "risk_ratio", "risk_ratio": "risk_difference", "odds_ratio": "risk_difference"}


def absolute_and_relative(
    spec: PlanSpec, ready: Prepared, outcomes: tuple[OutcomeContent, ...]
) -> tuple[dict[str, Result], list[str]]:
    """By outcome the effect in the other form, and what could not be had, in words."""
    found: dict[str, Result] = {}
    left_out: list[str] = []
    for o in outcomes:
        if o.measure not in OTHER:
            continue
        planned, measure = spec.outcome(o.name), OTHER[o.measure]
        if not isinstance(spec.analysis.contrasts, str):
            left_out.append(f"'{o.label or o.name}', {measure.replace('_', ' ')}: not for contrasts of the plan's own.")
            continue
        if spec.missing.primary == "inverse_probability_weights" and goes_by_rule(spec, ready, planned):
            left_out.append(f"'{o.label or o.name}', {measure.replace('_', ' ')}: weights by response give differences only.")
            continue
        asked = spec.asked_of_itt(planned, default_estimator(measure)) | {"measure": measure}
        try:
            observed = itt(ready.trial, contrasts=spec.analysis.contrasts, **asked)
            made = by_rule(spec, ready, planned, observed, estimator=asked["estimator"], measure=measure)
        except TrialkitError as error:
            left_out.append(f"'{o.label or o.name}', {measure.replace('_', ' ')}: {error}")
            continue
        result = observed if made is None else made.result
        kept = {k: v for k, v in result.details.items() if k in ("measure", "estimator", "adjust", "contrasts")}
        found[o.name] = replace(result, estimates=tuple(replace(e, outcome=o.name) for e in result.estimates), details=kept)
    return found, left_out
