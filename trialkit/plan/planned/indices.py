"""The indices of a plan, made of the columns of the data before the outcomes are analysed."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import pandas as pd

from trialkit.errors import DataError
from trialkit.estimate.several.index import index
from trialkit.plan.schema.outcomes import Outcome
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.trial import Trial

__all__ = ["add_indices"]

Direction = Literal["higher", "lower"]


def add_indices(spec: PlanSpec, trial: Trial, frame: pd.DataFrame, directions: dict[str, Direction]) -> dict[str, dict[str, Any]]:
    """Put a column into `frame` for every index; how each was made, by the name of its outcome."""
    made: dict[str, dict[str, Any]] = {}
    for outcome in spec.outcomes:
        use = outcome.index
        if use is None:
            continue
        column = spec.value_column(outcome)
        if column in frame.columns:
            raise DataError(
                f"the data have a column '{column}' already, which the index '{outcome.name}' is to be called: give the outcome another name."
            )
        parts = spec.components(outcome)
        better = {c: _direction(spec, outcome, c, part, directions) for c, part in parts.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a negative weight is told by a note
            values = index(trial, list(parts), kind=use.kind, missing=use.missing or "pattern", better=better)
        frame[column] = values.to_numpy()
        made[outcome.name] = dict(values.attrs)
    return made


def _direction(
    spec: PlanSpec, outcome: Outcome, column: str, part: Outcome | None, directions: dict[str, Direction]
) -> Direction:
    """Which way a part is better: its own outcome says so, its scale, or the plan's list."""
    assert outcome.index is not None
    if part is not None and part.better is not None:
        return part.better
    scale = part.scale if part is not None else spec.score_columns().get(column, (None, None))[0]
    if scale is not None:
        return directions[scale]
    return "lower" if column in outcome.index.lower else "higher"
