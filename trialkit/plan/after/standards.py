"""The What Works Clearinghouse's view of every planned outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trialkit.errors import TrialkitError
from trialkit.report.content import OutcomeContent
from trialkit.results import TableResult
from trialkit.selection.standards.wwc import wwc_rating

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["wwc_table"]


def wwc_table(spec: PlanSpec, ready: Prepared, outcomes: tuple[OutcomeContent, ...]) -> tuple[TableResult, list[str]]:
    """The rows of `wwc_rating` with the outcome in front, for all outcomes; the pretest decides on equivalence where there is one."""
    rows: list[dict[str, Any]] = []
    notes = []
    left_out: list[str] = []
    for o in outcomes:
        planned = spec.outcome(o.name)
        adjusted = spec.adjust_for(planned) if o.result.details.get("adjust") else ()
        try:
            found = wwc_rating(
                ready.trial,
                spec.value_column(planned),
                pretest=spec.baseline_column(planned),
                baseline=list(dict.fromkeys((*adjusted, *spec.selection.balance))),
                adjusted=adjusted,
            )
        except TrialkitError as error:
            left_out.append(f"'{o.label or o.name}', What Works Clearinghouse: {error}")
            continue
        rows += [{"outcome": o.name, **r} for r in found.table]
        notes += list(found.notes)
    return TableResult((), tuple(dict.fromkeys(notes)), {"standard": "wwc"}, tuple(rows)), left_out
