"""Declared missing codes in columns that already have a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.io.cells import Column, Decimal, finish, prepare, settle
from trialkit.io.codes import ColumnCodes, blank_numbers, parse_missing_codes
from trialkit.io.frames import to_pandas
from trialkit.io.labels import ATTRIBUTE, ColumnDescription, MissingCode, describe

__all__ = ["apply_missing_codes", "settle_column"]


def apply_missing_codes(data: Any, missing_codes: Mapping[Any, Any] | None) -> pd.DataFrame:
    """A copy of a data frame with declared codes set to missing, and their reasons counted: as when reading a file.

    Parameters
    ----------
    data
        Any data frame.
    missing_codes
        As in `trialkit.io.read.read`: ``{-99: "refused"}`` for all numeric columns, ``{"income": {999: "not asked"}}`` for one.

    Raises
    ------
    ColumnNotFoundError
        ``missing_codes`` names a column that is not in the data.
    UsageError
        Something else than codes with reasons, or no data frame.

    Examples
    --------
    >>> apply_missing_codes({"y": [3, -99]}, {-99: "refused"})["y"].tolist()
    [3.0, nan]
    """
    frame = to_pandas(data)
    codes = parse_missing_codes(missing_codes)
    codes.check(frame.columns)
    found: dict[str, list[MissingCode]] = {}
    kept, frame.attrs = frame.attrs, {}  # pandas copies them deeply with every column that is taken
    for name in frame.columns:
        column, missing = settle_column(frame[name], codes.of(name), decimal=None)
        if missing:
            frame[name] = column.set_axis(frame.index)
            found[name] = missing
    frame.attrs = kept
    if found:
        frame.attrs[ATTRIBUTE] = _with_missing(frame, found)
    return frame


def _with_missing(frame: pd.DataFrame, found: Mapping[str, list[MissingCode]]) -> dict[str, Any]:
    known = dict(describe(frame))
    columns = dict(cast(dict[str, ColumnDescription], known.get("columns", {})))
    for name, missing in found.items():
        before = columns.get(name, {})
        gone = {entry["code"] for entry in missing}
        columns[name] = {**before, "missing": [*before.get("missing", []), *missing]}
        if "value_labels" in before:
            columns[name]["value_labels"] = [pair for pair in before["value_labels"] if pair[0] not in gone]
    return {"version": 1, **known, "columns": columns}


def settle_column(column: pd.Series, codes: ColumnCodes, *, decimal: str | None) -> Column:
    """A column without its declared codes, and how often each occurred; text stays text, unless the decimal sign is given."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _settle_categories(column, codes)
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) and not types.is_complex_dtype(dtype):
        return blank_numbers(column, codes)
    if not (types.is_object_dtype(dtype) or types.is_string_dtype(dtype)):
        return column, []
    cells = [None if gone else _plain(value) for value, gone in zip(column.tolist(), column.isna().tolist())]
    if any(cell is not None and not isinstance(cell, str) for cell in cells):
        return settle(cells, codes, decimal="," if decimal == "," else ".")
    sign: Decimal | None = None if decimal is None else ("," if decimal == "," else ".")
    return finish(prepare(cells, codes, absent=()), codes, decimal=sign)


def _plain(value: object) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _settle_categories(column: pd.Series, codes: ColumnCodes) -> Column:
    """Categories keep their order; those that mean missing are removed from them."""
    missing: list[MissingCode] = []
    for category in list(column.cat.categories):
        reason = codes.reason(_plain(category))
        if reason is not None:
            count = int((column == category).sum())
            column = column.cat.remove_categories([category])
            if count:
                missing.append({"code": _plain(category), "reason": reason, "count": count})
    return column, missing
