"""The tables on selection as data frames, unrounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialkit.report.content import ReportContent
from trialkit.results import TableResult


def selection_frames(content: ReportContent) -> dict[str, pd.DataFrame]:
    """Reach, take-up, losses, what the missing could do, and the test of chance."""
    found = content.selection
    if found is None:
        return {}
    return {
        "reach": pd.DataFrame([] if found.reach is None else [dict(r) for r in found.reach.table]),
        "take_up": _stacked("trait", found.take_up),
        "wwc": _losses(content, "wwc"),
        "selective_losses": _losses(content, "tests"),
        "losses_by_trait": _losses(content, "by_trait"),
        "missing_sensitivity": pd.DataFrame(list(_missing(content))),
        "groups_by_chance": _stacked("trait", found.formed),
    }


def _stacked(key: str, results: Mapping[str, TableResult]) -> pd.DataFrame:
    return pd.DataFrame([{key: name or "all"} | dict(r) for name, result in results.items() for r in result.table])


def _losses(content: ReportContent, key: str) -> pd.DataFrame:
    primary = [o for o in content.outcomes if o.role == "primary" and o.attrition is not None]
    return pd.DataFrame(
        [{"name": o.name, "label": o.label} | dict(r) for o in primary for r in (o.attrition.details.get(key) or ())]  # type: ignore[union-attr]
    )


def _missing(content: ReportContent) -> Iterator[dict[str, Any]]:
    """Rows of every analysis: estimates, bounds, or a delta of a tipping point."""
    assert content.selection is not None
    for name, results in content.selection.missing.items():
        for rule, result in results.items():
            rows = [dict(r) for r in result.table] if isinstance(result, TableResult) else [e.row() for e in result.estimates]
            yield from ({"name": name, "analysis": rule} | r for r in rows)
