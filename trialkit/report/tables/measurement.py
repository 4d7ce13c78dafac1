"""The tables of the section on how well the scales measured, unrounded."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialkit.report.content import MeasurementContent, ReportContent
from trialkit.results import TableResult

TESTS = (("waves", "over_waves"), ("arms", "over_arms"))


def measurement_frames(content: ReportContent) -> dict[str, pd.DataFrame]:
    """Frames by the name of their file: measurement (a row a scale and wave), reliability, items, invariance, scale_ends, reliable_change, latent_effects."""
    scales = content.measurement
    made: dict[str, list[dict[str, Any]]] = {
        "measurement": [r for m in scales for r in _lines(m)],
        "reliability": [_named(m) | dict(r) for m in scales for result in (m.reliability, m.reliability_by_arm) if result for r in result.table],
        "items": [
            _named(m) | {k: v for k, v in r.items() if k != "set"} for m in scales if m.reliability for r in m.reliability.details["items"]
        ],
        "invariance": [
            _named(m) | {"over": over, "at": at} | dict(r)
            for m in scales
            for over, which in TESTS
            for at, result in getattr(m, which).items()
            for r in result.table
        ],
        "scale_ends": [_named(m) | dict(r) for m in scales if m.ends for r in m.ends.table],
        "reliable_change": [_named(m) | {"waves": at} | dict(r) for m in scales for at, result in m.change.items() for r in result.table],
        "reliable_change_differences": [
            _named(m) | {"waves": at} | e.row() for m in scales for at, result in m.change.items() for e in result.estimates
        ],
        "latent_effects": [_named(m) | e.row() for m in scales for result in m.latent.values() for e in result.estimates],
    }  # fmt: skip
    return {name: pd.DataFrame(rows) for name, rows in made.items()}


def _named(m: MeasurementContent) -> dict[str, Any]:
    return {"name": m.name, "label": m.label}


def _lines(m: MeasurementContent) -> list[dict[str, Any]]:
    """What the line of a scale says, a row a wave."""
    rows = []
    for wave in m.waves:
        found = _at(m.reliability, wave)
        ends = _at(m.ends, wave)
        rows.append(
            _named(m) | {"wave": wave, "items": m.n_items}
            | {k: found.get(k) for k in ("n", "alpha", "omega")}
            | {"share_lowest": ends.get("share_floor"), "share_highest": ends.get("share_ceiling")}
            | {"same_measure_over_arms": m.over_arms[wave].details["standing"] if wave in m.over_arms else None}
            | {"same_measure_since": "; ".join(f"{k.split(' to ')[0]}: {r.details['standing']}" for k, r in m.over_waves.items() if k.endswith(f" to {wave}"))}
        )  # fmt: skip
    return rows


def _at(result: TableResult | None, wave: str) -> dict[str, Any]:
    """The row of everyone at a wave."""
    rows = () if result is None else result.table
    return next((dict(r) for r in rows if str(r.get("wave", "")) == wave and r.get("arm", "everyone") == "everyone"), {})
