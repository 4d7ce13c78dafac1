"""The columns that groups add to an allocation: group, session, facilitator, waiting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialkit.design.groups.formation import group_numbers, lead
from trialkit.design.groups.seating import Cell, Formation
from trialkit.design.stream import Stream
from trialkit.inference.arrays import IntArray

__all__ = ["with_group_columns"]


def with_group_columns(
    frame: pd.DataFrame, formation: Formation, codes: IntArray, cells: list[Cell], stream: Stream
) -> pd.DataFrame:
    """An allocation with its groups, and session, facilitator and waiting where these were declared.

    Parameters
    ----------
    frame : unit and arm, in the design's order. codes : (people,) arm codes. cells : of the draw, formed.
    stream : for the facilitators.
    """
    numbers = group_numbers([cells], len(codes))[0]
    out = frame.copy()
    out["group"] = _named(numbers, _labels(formation, cells))
    if any(formation.sessions):
        names = [list(formation.sessions[c.stratum])[s] for c in cells for s in c.sessions.tolist()]
        out["session"] = _named(numbers, names)
    if any(formation.leads):
        out["facilitator"] = _named(numbers, lead(formation, cells, stream))
    if formation.waiting:
        out["waiting"] = np.isin(codes, list(formation.aims)) & (numbers < 0)
    return out


def _labels(formation: Formation, cells: list[Cell]) -> list[str]:
    out = []
    for cell in cells:
        k = len(cell.layout.sizes)
        parts = (formation.arm_names[cell.arm], formation.stratum_names[cell.stratum])
        prefix, width = "-".join(p for p in parts if p), max(2, len(str(k)))
        out += [f"{prefix}-{g + 1:0{width}d}" for g in range(k)]
    return out


def _named(numbers: IntArray, names: Sequence[str]) -> pd.Series:
    return pd.Series([names[g] if g >= 0 else None for g in numbers.tolist()], dtype=object)
