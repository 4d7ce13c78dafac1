"""The planned subgroups of a run: the interaction first, one result for each outcome and trait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError
from trialkit.estimate.registry import ESTIMATORS
from trialkit.estimate.subgroups.effect_modification import subgroups
from trialkit.plan.asked import better_of, outcome_of, own_options
from trialkit.results import Result

if TYPE_CHECKING:
    from trialkit.plan.prepare import Prepared
    from trialkit.plan.schema import PlanSpec
    from trialkit.plan.schema_outcomes import Outcome
    from trialkit.plan.schema_sections import Subgroup

__all__ = ["planned_subgroups"]


def planned_subgroups(spec: PlanSpec, ready: Prepared) -> dict[str, Result]:
    """Results by 'outcome by trait', in the order of the plan."""
    return {
        f"{name} by {entry.by}": _one(spec, ready, spec.outcome(name), entry)
        for entry in spec.subgroups
        for name in (entry.outcomes or tuple(o.name for o in spec.primary))
    }


def _one(spec: PlanSpec, ready: Prepared, outcome: Outcome, entry: Subgroup) -> Result:
    estimator = spec.estimator_for(outcome)
    known, a = ESTIMATORS[estimator], spec.analysis
    try:
        found = subgroups(
            ready.trial,
            outcome_of(spec, outcome),
            by=[entry.by],
            adjust=[c for c in spec.adjust_for(outcome) if known.adjusts and c != entry.by],
            kind={entry.by: entry.kind},
            planned=True,
            direction={entry.by: entry.alternative},
            estimator=estimator,
            measure=outcome.measure,
            covariance=a.covariance if a.covariance in known.covariances else "auto",
            df=a.df if a.df in known.dfs else "auto",
            strata_effects=a.strata_effects,
            contrasts=a.contrasts if isinstance(a.contrasts, str) else "control",
            covariate_missing=a.covariate_missing,
            better=better_of(ready, outcome),
            conf_level=a.conf_level,
            **own_options(spec, outcome, known),
        )
    except TrialkitError as error:
        error.args = (f"[[subgroups]] by '{entry.by}', outcome '{outcome.name}': {error}",)
        raise
    return replace(found, estimates=tuple(replace(e, outcome=outcome.name) for e in found.estimates))
