"""What only a run knows of an analysis: the better direction of a scale, which its registry entry may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome

__all__ = ["better_of"]


def better_of(ready: Prepared, outcome: Outcome) -> Literal["higher", "lower"] | None:
    """The better direction: the plan's, or that of the scale's registry entry."""
    if outcome.better is not None or outcome.scale is None:
        return outcome.better
    return ready.directions.get(outcome.scale)
