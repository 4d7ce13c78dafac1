"""The tables of a report as data frames, unrounded, as they go to CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialkit.report.content import OutcomeContent, ReportContent
from trialkit.report.tables.after import after_frames
from trialkit.report.tables.deviations import deviation_frames
from trialkit.report.tables.measurement import measurement_frames
from trialkit.report.tables.mediation import mediation_frames
from trialkit.report.tables.selection import selection_frames
from trialkit.results import Result, TableResult


def frames(content: ReportContent) -> Iterator[tuple[str, pd.DataFrame]]:
    """(name, frame) of every table that has rows."""
    made = {
        "effects": content.tidy(),
        "effect_sizes": _estimates((o, "", o.effect_size) for o in content.outcomes),
        "companions": _estimates((o, name, r) for o in content.outcomes for name, r in o.companions.items()),
        "arm_means": _arms(content),
        "table1": pd.DataFrame([] if content.balance is None else [dict(r) for r in content.balance.table]),
        "flow": pd.DataFrame([dict(r) for r in content.flow.table]),
        "attrition": _attrition(content),
        "groups": _groups(content),
        "over_time": pd.concat([r.tidy() for r in content.over_time.values()], ignore_index=True)
        if content.over_time
        else pd.DataFrame(),
        "subgroups": pd.concat([r.tidy() for r in content.subgroups.values()], ignore_index=True)
        if content.subgroups
        else pd.DataFrame(),
        **mediation_frames(content),
        "families": _families(content),
        "multiverse": _multiverse(content),
        "few_groups": _few_groups(content),
        "indices": _indices(content),
        "scales": _scales(content),
        **measurement_frames(content),
        **selection_frames(content),
        **after_frames(content),
        **deviation_frames(content),
        "deviations": pd.DataFrame([{k: _cell(v) for k, v in d.items()} for d in content.deviations]),
    }
    for name, frame in made.items():
        if len(frame):
            yield name, frame


def _estimates(parts: Iterator[tuple[OutcomeContent, str, Result | None]]) -> pd.DataFrame:
    """Rows of results with the outcome in front, and the name of the analysis where it has one."""
    out = []
    for outcome, analysis, result in parts:
        if result is not None:
            named = {"name": outcome.name, "role": outcome.role} | ({"analysis": analysis} if analysis else {})
            out += [named | e.row() for e in result.estimates]
    return pd.DataFrame(out)


def _arms(content: ReportContent) -> pd.DataFrame:
    rows = [
        {"name": o.name, "label": o.label, "measure": o.measure} | dict(a)
        for o in content.outcomes
        for a in o.result.details.get("arms") or []
    ]
    return pd.DataFrame(rows)


def _attrition(content: ReportContent) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"name": o.name, "label": o.label} | dict(r)
            for o in content.outcomes
            if o.attrition is not None
            for r in o.attrition.table
        ]
    )


def _groups(content: ReportContent) -> pd.DataFrame:
    """Achieved ICC and sizes, one row an outcome and arm, and what the plan assumed."""
    assumed = {f"planned_{k}": _cell(v) for k, v in content.assumptions.items()}
    rows = [
        {"name": o.name, "label": o.label, "where": k} | dict(v) | assumed for o in content.outcomes for k, v in o.icc.items()
    ]
    return pd.DataFrame(rows or ([assumed] if assumed else []))


def _families(content: ReportContent) -> pd.DataFrame:
    """Every corrected test: by family, or the hypotheses of the graph."""
    rows: list[dict[str, Any]] = []
    for name, result in content.corrections.items():
        rows += [{"family": name} | e.row() for e in result.estimates]
        rows += [dict(r) for r in result.table] if isinstance(result, TableResult) else []
    return pd.DataFrame(rows)


def _multiverse(content: ReportContent) -> pd.DataFrame:
    """Every analysis of every curve."""
    return pd.DataFrame([{"name": key} | e.row() for key, r in content.multiverse.items() for e in r.estimates])


def _few_groups(content: ReportContent) -> pd.DataFrame:
    made = [(o, o.few_groups) for o in content.outcomes if o.few_groups is not None]
    return pd.DataFrame([{"name": o.name, "label": o.label} | dict(r) for o, result in made for r in result.table])


def _indices(content: ReportContent) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"name": o.name, "label": o.label, "kind": o.index["kind"], "part": column, "weight": o.index["weights"][column]}
            | dict(part)
            for o in content.outcomes
            if o.index
            for column, part in o.index["components"].items()
        ]
    )


def _scales(content: ReportContent) -> pd.DataFrame:
    return pd.DataFrame(
        [{"name": s.name, "label": s.label, "wave": s.wave, "column": s.column} | dict(s.counts) for s in content.scales]
    )


def _cell(value: Any) -> Any:
    """A value that fits in one cell."""
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_cell(v)}" for k, v in value.items())
    return "; ".join(str(_cell(v)) for v in value) if isinstance(value, (list, tuple)) else value
