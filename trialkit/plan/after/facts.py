"""What a report must know of the plan to answer reporting checklists: facts, in no language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["plan_facts"]


def plan_facts(spec: PlanSpec) -> dict[str, Any]:
    """Design, sample size, outcomes and rules of the plan, JSON-able."""
    d, formed = spec.design, spec.design.groups
    return {
        "registration": spec.trial.registration,
        "scheme": d.scheme,
        "strata": list(spec.data.strata),
        "allocation": {str(k): float(v) for k, v in d.allocation.items()},
        "block_sizes": list(d.block_sizes),
        "match": list(d.match),
        "balance_on": list(d.balance_on),
        "units": d.units,
        "clusters": d.clusters,
        "group_size": None if formed is None else list(formed.size),
        "clustered": spec.data.cluster is not None,
        "weighted": spec.data.weights is not None,
        "facilitator": spec.data.facilitator is not None,
        "uptake": spec.data.uptake is not None,
        "waves": {w.name: w.label for w in spec.data.waves},
        "outcomes": {o.name: _outcome(spec, o) for o in spec.outcomes},
        "companions": list(spec.analysis.companions),
        "covariate_missing": spec.analysis.covariate_missing,
        "missing": {"primary": spec.missing.primary, "sensitivity": list(spec.missing.sensitivity)},
        "subgroups": [s.by for s in spec.subgroups],
        "mediation": len(spec.mediation),
        "harms": spec.harms is not None,
        "reach": spec.selection.reach is not None,
    }


def _outcome(spec: PlanSpec, outcome: Outcome) -> dict[str, Any]:
    margins = [m for m in ("equivalence", "noninferiority") if getattr(outcome, m) is not None]
    return {
        "wave": spec.wave_label(outcome.wave) if outcome.wave else "",
        "baseline": spec.baseline_column(outcome),
        "framework": margins or ["superiority"],
        "assumed": {k: v for k, v in outcome.assume.model_dump(mode="json").items() if v not in (None, (), [])},
    }
