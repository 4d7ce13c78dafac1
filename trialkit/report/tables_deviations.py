"""The tables on deviations, unplanned analyses and errata, unrounded, as they go to CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from trialkit.report.content import OutcomeContent, ReportContent
from trialkit.results import Estimate, TableResult

NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n")


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


def both_plans(content: ReportContent) -> Iterator[tuple[OutcomeContent | None, OutcomeContent | None]]:
    """Every outcome by the locked plan and by the one that was run, in the order of the latter."""
    planned = {o.name: o for o in content.planned_outcomes}
    changed = {o.name: o for o in content.outcomes}
    for name in dict.fromkeys((*changed, *planned)):
        yield planned.get(name), changed.get(name)


def same_by_both(planned: OutcomeContent, changed: OutcomeContent) -> bool:
    """Whether all that a reader sees of an outcome is the same."""
    one, other = (list(o.result.estimates) for o in (planned, changed))
    kept = ("label", "role", "measure", "verdicts", "worthwhile", "better")
    return (
        len(one) == len(other)
        and all(getattr(planned, k) == getattr(changed, k) for k in kept if k != "worthwhile")
        and _equal(planned.worthwhile, changed.worthwhile)
        and all(_alike(a, b) for a, b in zip(one, other))
    )


def _alike(one: Estimate, other: Estimate) -> bool:
    texts = all(getattr(one, k) == getattr(other, k) for k in ("contrast", "estimand", "method", "covariance"))
    corrected = _equal(one.extra.get("p_adjusted"), other.extra.get("p_adjusted"))
    return texts and corrected and all(_equal(getattr(one, k), getattr(other, k)) for k in NUMBERS)


def _equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool((math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12))


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
