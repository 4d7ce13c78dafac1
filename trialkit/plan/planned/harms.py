"""The planned look at harms: columns of the data, a list of events beside it, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError
from trialkit.estimate.outcomes.harms import Harms, harms
from trialkit.plan.planned.beside import read_beside

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["planned_harms"]


def planned_harms(spec: PlanSpec, ready: Prepared, *, folder: Path | None) -> Harms | None:
    """Adverse events by arm, or None where the plan has no [harms]."""
    said = spec.harms
    if said is None:
        return None
    try:
        listed = read_beside(folder, said.events, "the list of events") if said.events else None
        return harms(ready.trial, columns=said.columns, events=listed, conf_level=spec.analysis.conf_level)
    except TrialkitError as error:
        error.args = (f"[harms]: {error}",)
        raise
