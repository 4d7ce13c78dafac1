"""The tables on deviations, unplanned analyses and errata, unrounded, as they go to CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from trialkit.report.content import ReportContent
from trialkit.report.content.both_plans import both_plans, same_by_both
from trialkit.results import TableResult


def deviation_frames(content: ReportContent) -> dict[str, pd.DataFrame]:
    """Frames by the names of their files; empty ones are left out by the caller."""
    found = content.departures
    tables = {f"unplanned_{i}": u.result for i, u in enumerate(found.unplanned, 1) if isinstance(u.result, TableResult)}
    return {
        "plan_changes": pd.DataFrame([{k: _text(v) for k, v in c.items()} for c in found.changes]),
        "planned_and_changed": pd.DataFrame(list(_both(content))),
        "noticed": pd.DataFrame([{k: _text(v) for k, v in row.items()} for row in found.noticed]),
        **{name: pd.DataFrame([{"planned": False} | dict(row) for row in result.table]) for name, result in tables.items()},
        "erratum": pd.DataFrame([] if found.erratum is None else [dict(r) for r in found.erratum.table]),
    }


def _both(content: ReportContent) -> Iterator[dict[str, Any]]:
    if not content.planned_outcomes:
        return
    for planned, changed in both_plans(content):
        for which, o in (("planned", planned), ("changed", changed)):
            if o is None:
                continue
            same = planned is not None and changed is not None and same_by_both(planned, changed)
            for e, verdict in zip(o.result.estimates, o.verdicts):
                yield {
                    "name": o.name,
                    "label": o.label,
                    "plan": which,
                    "same": same,
                    "role": o.role,
                    "measure": o.measure,
                    "verdict": verdict,
                } | e.row()


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return "; ".join(f"{k}: {_text(v)}" for k, v in value.items())
    return "; ".join(str(_text(v)) for v in value) if isinstance(value, (list, tuple)) else value
