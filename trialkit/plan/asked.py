"""What a plan asks of an analysis, in the words of `itt`: the outcome, its better direction, and the estimator's own options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from trialkit.estimate.outcome import Time
from trialkit.estimate.registry import Estimator

if TYPE_CHECKING:
    from trialkit.plan.prepare import Prepared
    from trialkit.plan.schema import PlanSpec
    from trialkit.plan.schema_outcomes import Outcome

__all__ = ["better_of", "outcome_of", "own_options"]


def outcome_of(spec: PlanSpec, outcome: Outcome) -> str | Time:
    """The column of an outcome, or its time with its event."""
    if outcome.kind == "time":
        return Time(str(outcome.time), str(outcome.event))
    return spec.value_column(outcome)


def better_of(ready: Prepared, outcome: Outcome) -> Literal["higher", "lower"] | None:
    """The better direction: the plan's, or that of the scale's registry entry."""
    if outcome.better is not None or outcome.scale is None:
        return outcome.better
    return ready.directions.get(outcome.scale)


def own_options(spec: PlanSpec, outcome: Outcome, known: Estimator) -> dict[str, Any]:
    """The estimator's own options that the plan names: the horizon and the quantile."""
    wanted = {"tau": outcome.tau, "q": outcome.q}
    return {k: v for k, v in wanted.items() if v is not None and k in known.options}
