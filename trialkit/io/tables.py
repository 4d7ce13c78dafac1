"""What every reader hands over, and what it takes to name columns and drop empty rows alike in text files and worksheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialkit.errors import FileReadError, shown
from trialkit.io.labels import Code, ColumnDescription, MissingCode, label_pairs

__all__ = ["ReadOptions", "Table", "column_names", "described", "rows_in_words"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is to be read, as the user said it."""

    sheet: str | int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None


@dataclass(slots=True)
class Table:
    """The columns of a file with what the file says about them."""

    data: dict[str, pd.Series]
    columns: dict[str, ColumnDescription] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def column_names(cells: Sequence[Any], columns: Sequence[Sequence[Any]], file: str, notes: list[str]) -> list[str | None]:
    """The names in a header; None for a column without a name and without values.

    Raises
    ------
    FileReadError
        Two columns have the same name, or most have none, as under a title.
    """
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    counts = Counter(name for name in names if name)
    for name, count in counts.items():
        if count > 1:
            places = [str(i + 1) for i, other in enumerate(names) if other == name]
            raise FileReadError(
                f"{file} has {count} columns named '{name}' (columns {', '.join(places)}). "
                "Give each column its own name in the file."
            )
    filled = [any(value is not None and str(value).strip() for value in values) for values in columns]
    unnamed = sum(has and not name for name, has in zip(names, filled))
    if unnamed > 1 and unnamed >= len([name for name in names if name]):
        raise FileReadError(
            f"the first row of {file} names {len(counts)} of {len(counts) + unnamed} columns: it looks like a title above the names, or names in "
            "merged cells. Delete the rows above the names, so that one row names every column."
        )
    named: list[str | None] = []
    for place, (name, values) in enumerate(zip(names, columns), start=1):
        if name:
            named.append(name)
        elif all(value is None or not str(value).strip() for value in values):
            named.append(None)
        else:
            named.append(_spare_name(place, counts))
            notes.append(f"column {place} has values but no name; it is called '{named[-1]}'")
    if counts and all(name.replace(",", "").replace(".", "").lstrip("-").isdigit() for name in counts):
        notes.append("all column names are numbers: the file may lack a line of names, and its first row of data be lost")
    return named


def _spare_name(place: int, taken: Counter[str]) -> str:
    name = f"column_{place}"
    while name in taken:
        name += "_"
    return name


def rows_in_words(places: Sequence[int], what: str) -> str:
    """A note on rows that hold nothing, and their places in the file."""
    if len(places) == 1:
        return f"1 empty row was left out ({what} {places[0]})"
    return f"{len(places)} empty rows were left out ({what}s {shown(places)})"


def described(
    *, label: str | None = None, values: dict[Any, str] | None = None, missing: list[MissingCode] | None = None
) -> ColumnDescription:
    """The description of a column, with nothing in it that is not known."""
    known: ColumnDescription = {}
    if label:
        known["label"] = label
    codes: set[Code] = {entry["code"] for entry in missing or []}
    pairs = label_pairs(values or {}, without=codes)
    if pairs:
        known["value_labels"] = pairs
    if missing:
        known["missing"] = missing
    return known
