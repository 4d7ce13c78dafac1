"""A data dictionary: what every column is, in a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.api import types

from trialkit.io.frames import plain_objects, to_pandas
from trialkit.io.labels import describe, value_labels
from trialkit.io.receipt import receipt

__all__ = ["dictionary"]


def dictionary(data: Any, *, ranges: bool = False) -> pd.DataFrame:
    """One row a column of the data: its name, label, kind, value labels and missing values.

    Parameters
    ----------
    data
        Any data frame; labels and missing codes are known when it was read with `trialkit.io.read.read`.
    ranges
        Add the lowest and highest value of columns of numbers and dates. Not by default: in a small study the extremes are the values of
        people, and a dictionary is often published where the data are not.

    Returns
    -------
    pandas.DataFrame
        ``column``, ``label``, ``kind`` (number, text, date or labelled), ``values`` ("1 = no; 2 = yes"), ``missing_codes``
        ("refused: -99 (3 times)"), ``n``, ``n_missing`` and ``n_distinct``, which counts different values.

    Raises
    ------
    UsageError
        Something that is not a frame.
    DataError
        Two columns have the same name.

    Examples
    --------
    >>> dictionary({"y": [1, 2, None]})[["column", "kind", "n", "n_missing"]].to_dict("records")
    [{'column': 'y', 'kind': 'number', 'n': 2, 'n_missing': 1}]
    """
    frame = plain_objects(to_pandas(data))
    found = receipt(frame)
    rows = []
    for column in found.columns:
        row: dict[str, Any] = {
            "column": column.name,
            "label": column.label or "",
            "kind": column.kind,
            "values": "; ".join(f"{code} = {label}" for code, label in value_labels(frame, column.name).items()),
            "missing_codes": _missing_codes(
                frame, column.name, counted=bool(set(column.missing_by_reason) - {"no reason given"})
            ),
            "n": found.rows - column.n_missing,
            "n_missing": column.n_missing,
            "n_distinct": column.n_distinct,
        }
        if ranges:
            row["lowest"], row["highest"] = _range(frame[column.name])
        rows.append(row)
    return pd.DataFrame(rows)


def _missing_codes(frame: pd.DataFrame, name: str, *, counted: bool) -> str:
    """Codes with their reasons; how often each occurred only while the data are those of the file."""
    said = []
    for entry in describe(frame).get("columns", {}).get(name, {}).get("missing", []):
        times = "once" if entry["count"] == 1 else f"{entry['count']} times"
        said.append(f"{entry['reason']}: {entry['code']}" + (f" ({times})" if counted else ""))
    return "; ".join(said)


def _range(values: pd.Series) -> tuple[str, str]:
    dtype = values.dtype
    ordered = types.is_numeric_dtype(dtype) or types.is_datetime64_any_dtype(dtype)
    if types.is_bool_dtype(dtype) or types.is_complex_dtype(dtype) or not ordered or bool(values.isna().all()):
        return "", ""
    low, high = values.min(), values.max()
    if isinstance(low, pd.Timestamp):
        return str(low).removesuffix(" 00:00:00"), str(high).removesuffix(" 00:00:00")
    return f"{float(low):.15g}", f"{float(high):.15g}"
