"""The planned subgroups of a run: the interaction first, one result for each outcome and trait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError
from trialkit.estimate.subgroups.effect_modification import subgroups
from trialkit.plan.planned.asked import better_of
from trialkit.plan.planned.primary_missing import goes_by_rule, of_available_cases
from trialkit.results import Result

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Subgroup

__all__ = ["planned_subgroups"]


def planned_subgroups(spec: PlanSpec, ready: Prepared) -> dict[str, Result]:
    """Results by 'outcome by trait', in the order of the plan."""
    return {
        f"{name} by {entry.by}": _one(spec, ready, spec.outcome(name), entry)
        for entry in spec.subgroups
        for name in (entry.outcomes or tuple(o.name for o in spec.primary))
    }


def _one(spec: PlanSpec, ready: Prepared, outcome: Outcome, entry: Subgroup) -> Result:
    a, asked = spec.analysis, spec.asked_of_itt(outcome)
    del asked["average"]
    asked["adjust"] = [c for c in asked["adjust"] if c != entry.by]
    try:
        found = subgroups(
            ready.trial,
            by=[entry.by],
            kind={entry.by: entry.kind},
            planned=True,
            direction={entry.by: entry.alternative},
            contrasts=a.contrasts if isinstance(a.contrasts, str) else "control",
            better=better_of(ready, outcome),
            **asked,
        )
    except TrialkitError as error:
        error.args = (f"[[subgroups]] by '{entry.by}', outcome '{outcome.name}': {error}",)
        raise
    if goes_by_rule(spec, ready, outcome):
        found = of_available_cases(found)
    return replace(found, estimates=tuple(replace(e, outcome=outcome.name) for e in found.estimates))
