"""The people of a design, in an order that does not depend on the rows, and the arms they may be in."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ColumnNotFoundError, DesignError, IdentifierError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import to_pandas


@dataclass(frozen=True, eq=False)
class People:
    """The people of a design in canonical order.

    Attributes
    ----------
    frame : their columns, sorted by identifier. unit : its name, or None (then the order of the rows counts).
    order : the row of the user's data that each person stood in, counted from 0; None when the order was kept.
    """

    frame: pd.DataFrame
    unit: str | None
    order: IntArray | None = None

    @classmethod
    def of(cls, data: Any, unit: str | None) -> People:
        frame = to_pandas(data).reset_index(drop=True)
        if not len(frame):
            raise DesignError("there are no people to assign.")
        if unit is None:
            return cls(frame, None)
        if unit not in frame.columns:
            raise ColumnNotFoundError(unit, frame.columns, "the people")
        bad = frame[unit].isna() | frame[unit].duplicated(keep=False)
        if bad.any():
            raise IdentifierError(
                f"'{unit}' is missing or repeated in {_rows(bad)}: every person needs an identifier of their own."
            )
        keys = [sort_key(value) for value in frame[unit].tolist()]
        order = np.array(sorted(range(len(frame)), key=keys.__getitem__), dtype=np.int64)
        return cls(frame.iloc[order].reset_index(drop=True), unit, order)

    @property
    def n(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> NDArray[Any]:
        return self.frame[self.unit].to_numpy() if self.unit is not None else np.arange(self.n)

    @property
    def rows(self) -> IntArray:
        """The row of the user's data that each person stood in, counted from 0."""
        return self.order if self.order is not None else np.arange(self.n)

    def named(self, who: Any, most: int = 5) -> str:
        """People in words, by identifier and row of the user's data (from 1): "'p3' and 'p7' (rows 4 and 9)"."""
        chosen = np.asarray(who)
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        rows = f"row{'' if len(places) == 1 else 's'} {shown((self.rows[places] + 1).tolist(), most)}"
        return rows if self.unit is None else f"{shown(self.ids[places].tolist(), most)} ({rows})"

    def column(self, name: str) -> pd.Series:
        if name not in self.frame.columns:
            raise ColumnNotFoundError(name, self.frame.columns, "the people")
        return self.frame[name]

    def complete(self, name: str, role: str) -> pd.Series:
        """A column without missing values."""
        values = self.column(name)
        missing = values.isna().to_numpy(dtype=bool)
        if missing.any():
            raise DesignError(
                f"the {role} '{name}' is missing for {self.named(missing)}: fill it in before the draw, it cannot be made up afterwards."
            )
        return values


def _rows(mask: Any) -> str:
    """'rows 3 and 7' of a mask, counted from 1."""
    rows = (np.flatnonzero(np.asarray(mask, dtype=bool)) + 1).tolist()
    return f"row{'' if len(rows) == 1 else 's'} {shown(rows)}"


def sort_key(value: Any) -> tuple[Any, ...]:
    """Numbers before text, each in its own order; tuples by their parts. Whole numbers of any size keep their order."""
    if isinstance(value, tuple):
        return (2, tuple(sort_key(part) for part in value))
    if isinstance(value, np.generic):
        value = value.item()
    return (0, value) if isinstance(value, (int, float)) else (1, str(value))


def as_mapping(value: Any) -> Any:
    """A mapping as it is; a list of pairs (how `settings` writes one, because JSON keys are text) as the mapping it stands for."""
    if isinstance(value, Mapping) or not isinstance(value, (list, tuple)):
        return value
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value):
        return value
    return {tuple(key) if isinstance(key, list) else key: as_mapping(content) for key, content in value}


def as_pairs(value: Any) -> Any:
    """A mapping as a list of pairs, tuples as lists and numpy's numbers as Python's: JSON-able, and `as_mapping` reads it back."""
    if isinstance(value, Mapping):
        return [[as_pairs(key), as_pairs(content)] for key, content in value.items()]
    if isinstance(value, (list, tuple)):
        return [as_pairs(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def arm_shares(arms: Mapping[Hashable, float]) -> tuple[tuple[Hashable, ...], FloatArray]:
    """Labels and allocation shares of `arms` (label -> weight)."""
    arms = as_mapping(arms)
    if not isinstance(arms, Mapping) or len(arms) < 2:
        raise DesignError("arms names two arms or more with their allocation weights, as in arms={'individual': 1, 'peer': 1}.")
    weights = np.array([float(w) if isinstance(w, Real) else math.nan for w in arms.values()])
    if not np.all(np.isfinite(weights) & (weights > 0)):
        bad = [a for a, w in zip(arms, weights) if not (math.isfinite(w) and w > 0)]
        raise DesignError(
            f"the allocation weight of arm {shown(bad)} is not a positive number, such as 1: leave an arm without people out."
        )
    return tuple(arms), weights / weights.sum()


def matched(rows: pd.Series, ids: NDArray[Any], unit: str) -> IntArray:
    """The place among `ids` of each of `rows`, which must be the same people once each."""
    missing = rows.isna().to_numpy(dtype=bool)
    if missing.any():
        raise IdentifierError(
            f"'{unit}' is missing in {_rows(missing)} of the data: every row needs the identifier it was drawn with."
        )
    values = rows.tolist()
    place = {identifier: i for i, identifier in enumerate(ids.tolist())}
    unknown = [v for v in values if v not in place]
    if unknown:
        kinds = {isinstance(v, str) for v in unknown} ^ {isinstance(v, str) for v in place}
        remedy = (
            f" The identifiers are text on one side and numbers on the other: read '{unit}' the same way in both."
            if len(kinds) == 2
            else ""
        )
        raise IdentifierError(f"{shown(unknown)} of '{unit}' {_verb(unknown)} not among the people of the design.{remedy}")
    twice = rows[rows.duplicated()].drop_duplicates().tolist()
    if twice:
        raise IdentifierError(
            f"{shown(twice)} of '{unit}' {_verb(twice)} in the data more than once: one row a person is needed."
        )
    if len(values) < len(ids):
        there = set(values)
        absent = [v for v in place if v not in there]
        raise IdentifierError(
            f"{shown(absent)} of '{unit}' {_verb(absent)} in the design but not in the data: everyone who was randomized belongs in "
            "the data, with missing outcomes where there are none."
        )
    return np.array([place[v] for v in values], dtype=np.int64)


def _verb(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"
