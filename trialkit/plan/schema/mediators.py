"""What a planned mediation is about: its step, the step before randomization, and whether its outcome has direct and indirect effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.schema.outcomes import Outcome, score_column

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation

__all__ = ["can_mediate", "mediator_baseline", "mediator_column"]


def can_mediate(outcome: Outcome) -> bool:
    """Whether direct and indirect effects are there for the measure of an outcome."""
    from trialkit.estimate.mediation.fits import OUTCOME_MODELS

    return outcome.measure in OUTCOME_MODELS


def mediator_column(spec: PlanSpec, entry: Mediation) -> str:
    """The column of the mediator: its own, or that of its score."""
    said = entry.mediator
    return str(said.column) if said.scale is None else score_column(said.scale, said.wave)


def mediator_baseline(spec: PlanSpec, entry: Mediation) -> str | None:
    """The mediator before randomization: as planned, or else its scale's score at the first wave, where the plan has that scored."""
    said = entry.mediator
    if said.baseline is not None or said.scale is None or said.wave is None:
        return said.baseline
    first = score_column(said.scale, spec.wave_names[0])
    return first if spec.wave_names[0] != said.wave and first in spec.score_columns() else None
