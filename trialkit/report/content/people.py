"""The people of a report by arm, outcome and stage: counts that stand in its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.content.outcomes import OutcomeContent
from trialkit.report.content.report_content import ReportContent


def flow_row(content: ReportContent, arm: Any, stage: str, outcome: str = "") -> Mapping[str, Any] | None:
    """The row of the flow of an arm at a stage; None where there is none."""
    for row in content.flow.table:
        if str(row["arm"]) == str(arm) and row["stage"] == stage and (not outcome or row["outcome"] == outcome):
            return row
    return None


def analysed_people(arm: Mapping[str, Any]) -> Any:
    """The people of an arm in an analysis: those observed and those filled in; the mark of a number that is withheld."""
    parts = [arm["n"], arm.get("n_imputed", 0)]
    return next((p for p in parts if isinstance(p, str)), None) or sum(parts)


def counted(content: ReportContent, o: OutcomeContent) -> Iterator[dict[str, Any]]:
    """One row an arm: wave, randomized, known and analysed; None where the report does not count it."""
    wave = str(content.after.plan.get("outcomes", {}).get(o.name, {}).get("wave") or "")
    analysed = {str(a["arm"]): analysed_people(a) for a in o.result.details.get("arms") or []}
    for arm in content.arms:
        start, known = flow_row(content, arm.name, "randomized"), flow_row(content, arm.name, "outcome", o.column or o.name)
        yield {
            "arm": str(arm.name), "wave": wave, "randomized": None if start is None else start["people"], "known": None if known is None else known["people"],
            "analysed": analysed.get(str(arm.name)),
        }  # fmt: skip
