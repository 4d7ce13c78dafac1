"""What a file said about its columns: labels, codes and reasons for missing values.

The description is a plain dictionary under ``data.attrs["trialkit"]``, so that it survives JSON and Parquet. Some pandas
operations drop ``attrs``; every function here then answers as for a column about which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

import pandas as pd

from trialkit.errors import ColumnNotFoundError

__all__ = [
    "ATTRIBUTE",
    "Code",
    "ColumnDescription",
    "Description",
    "MissingCode",
    "Source",
    "describe",
    "missing_reasons",
    "notes",
    "source",
    "value_labels",
    "variable_label",
    "variable_labels",
]

ATTRIBUTE = "trialkit"
Code = int | float | str


class MissingCode(TypedDict):
    """One code that was set to missing in a column: what it was, what it meant and how often it occurred."""

    code: Code
    reason: str
    count: int


class ColumnDescription(TypedDict, total=False):
    """What is known about one column; value labels are pairs, because JSON has no numeric keys."""

    label: str
    value_labels: list[list[Code]]
    missing: list[MissingCode]


class Source(TypedDict):
    """The file as it was read; its name without the folder, so that no machine's paths travel with the data."""

    file: str
    format: str
    sha256: str
    bytes: int
    rows: int
    columns: int


class Description(TypedDict, total=False):
    """All that is kept under ``attrs["trialkit"]``."""

    version: int
    source: Source
    columns: dict[str, ColumnDescription]
    notes: list[str]


def describe(data: pd.DataFrame) -> Description:
    """The description that travels with the data; empty when there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> describe(pd.DataFrame({"y": [1, 2]}))
    {}
    """
    found = getattr(data, "attrs", {}).get(ATTRIBUTE)
    return cast(Description, found) if isinstance(found, Mapping) else {}


def variable_label(data: pd.DataFrame, column: str) -> str | None:
    """The label of a column ("Monthly income"), or None.

    Raises
    ------
    ColumnNotFoundError
        The column is not in the data.

    Examples
    --------
    >>> import pandas as pd
    >>> variable_label(pd.DataFrame({"y": [1, 2]}), "y") is None
    True
    """
    return _column(data, column).get("label")


def variable_labels(data: pd.DataFrame) -> dict[str, str]:
    """The labels of all columns that have one.

    Examples
    --------
    >>> import pandas as pd
    >>> variable_labels(pd.DataFrame({"y": [1, 2]}))
    {}
    """
    labels = {str(name): variable_label(data, str(name)) for name in data.columns}
    return {name: label for name, label in labels.items() if label}


def value_labels(data: pd.DataFrame, column: str) -> dict[Code, str]:
    """The labels of a column's values, without those of codes that mean missing.

    Raises
    ------
    ColumnNotFoundError
        The column is not in the data.

    Examples
    --------
    >>> import pandas as pd
    >>> value_labels(pd.DataFrame({"sex": [1, 2]}), "sex")
    {}
    """
    return {code: str(label) for code, label in _column(data, column).get("value_labels", [])}


def missing_reasons(data: pd.DataFrame, column: str) -> dict[str, int]:
    """How often a value of the file is missing for each declared reason; cells without a reason are not counted.

    The counts are those of the file as it was read: they do not follow rows that are removed later.

    Raises
    ------
    ColumnNotFoundError
        The column is not in the data.

    Examples
    --------
    >>> import pandas as pd
    >>> missing_reasons(pd.DataFrame({"y": [1, 2]}), "y")
    {}
    """
    counts: dict[str, int] = {}
    for entry in _column(data, column).get("missing", []):
        counts[entry["reason"]] = counts.get(entry["reason"], 0) + entry["count"]
    return counts


def source(data: pd.DataFrame) -> Source | None:
    """The file that the data came from, or None.

    Examples
    --------
    >>> import pandas as pd
    >>> source(pd.DataFrame({"y": [1, 2]})) is None
    True
    """
    return describe(data).get("source")


def notes(data: pd.DataFrame) -> tuple[str, ...]:
    """What was noted while reading the file (an encoding that was guessed, empty rows that were left out).

    Examples
    --------
    >>> import pandas as pd
    >>> notes(pd.DataFrame({"y": [1, 2]}))
    ()
    """
    return tuple(describe(data).get("notes", []))


def plain_code(value: Any) -> Code:
    """A code as JSON keeps it, whole numbers without a decimal point."""
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def label_pairs(labels: Mapping[Any, str], *, without: Iterable[Code] = ()) -> list[list[Code]]:
    """Value labels as pairs that JSON keeps, in the order of the file."""
    left_out = set(without)
    pairs = [[plain_code(code), str(label)] for code, label in labels.items()]
    return [pair for pair in pairs if pair[0] not in left_out]


def _column(data: pd.DataFrame, column: str) -> ColumnDescription:
    if column not in data.columns:
        raise ColumnNotFoundError(str(column), data.columns, labels=_known_labels(data))
    return describe(data).get("columns", {}).get(column, {})


def _known_labels(data: pd.DataFrame) -> dict[str, str]:
    columns = describe(data).get("columns", {})
    return {name: known["label"] for name, known in columns.items() if "label" in known}
