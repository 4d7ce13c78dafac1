"""A data frame as the columns that a statistics program can hold: numbers, texts, days and moments, with the code of every missing cell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from trialkit.errors import DataError
from trialkit.io.frames import plain_objects
from trialkit.io.labels import Code, describe, plain_code, value_labels, variable_label

__all__ = ["Held", "held", "remembered"]

Kind = Literal["number", "text", "day", "moment"]

_MOST_WHOLE = 2**53


@dataclass(slots=True)
class Held:
    """A column on its way into a file.

    `values` are float64 with NaN, texts with '' or datetime64 with NaT; `codes` holds the code of each cell that is missing for a reason;
    `reasons` what the codes mean, also those that no cell has.
    """

    name: str
    kind: Kind
    values: npt.NDArray[Any]
    label: str
    labels: dict[Code, str]
    reasons: dict[Code, str] = field(default_factory=dict)
    codes: dict[int, Code] = field(default_factory=dict)


def held(data: pd.DataFrame, cells: pd.DataFrame | None, notes: list[str], *, with_codes: bool = True) -> list[Held]:
    """The columns of a frame; `cells` holds the same rows with the codes still in them, when they are known.

    Without `with_codes` missing cells stay empty, for files that know no missing codes.

    Raises
    ------
    DataError
        A column holds what no file can: infinite numbers, lists, durations, NUL characters; or there are no rows.
    """
    if data.empty:
        raise DataError(f"there is nothing to write: the data have {data.shape[0]} rows and {data.shape[1]} columns.")
    frame = plain_objects(data.copy())
    made = []
    for name in frame.columns:
        column = _column(frame[name], name, notes)
        column.label = variable_label(data, name) or ""
        column.labels = value_labels(data, name)
        if with_codes:
            _add_codes(column, frame, None if cells is None or name not in cells.columns else cells[name], notes)
        made.append(column)
    return made


def _column(values: pd.Series, name: str, notes: list[str]) -> Held:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = pd.Series(values.tolist(), dtype=dtype.categories.dtype if values.notna().all() else None)
        values = plain_objects(values.to_frame(name))[name]
        dtype = values.dtype
    if types.is_datetime64_any_dtype(dtype):
        if isinstance(dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
            notes.append(f"column '{name}' has times in a time zone; they are written in UTC")
        moments = values.to_numpy(dtype="datetime64[us]")
        midnight = bool(np.all(np.isnat(moments) | (moments == moments.astype("datetime64[D]"))))
        return Held(name, "day" if midnight else "moment", moments, "", {})
    if types.is_bool_dtype(dtype) or (types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)):
        return _numbers(values, name, notes)
    if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        return _texts(values, name)
    raise DataError(f"column '{name}' holds values of type {dtype}, which no data file holds. Compute numbers from them.")


def _numbers(values: pd.Series, name: str, notes: list[str]) -> Held:
    if types.is_integer_dtype(values.dtype):
        present = values.dropna()
        if len(present) and max(abs(int(present.max())), abs(int(present.min()))) > _MOST_WHOLE:
            notes.append(
                f"column '{name}' holds whole numbers too large for a number of these programs; they are written as text"
            )
            texts = ["" if gone else str(v) for v, gone in zip(values.tolist(), values.isna().tolist())]
            return Held(name, "text", np.array(texts, dtype=object), "", {})
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise DataError(
            f"column '{name}' holds an infinite value in row {infinite[0] + 1}. Set it to missing, or mend its computation."
        )
    return Held(name, "number", numbers, "", {})


def _texts(values: pd.Series, name: str) -> Held:
    texts = []
    cells = [v.item() if isinstance(v, np.generic) else v for v in values.tolist()]
    gone = values.isna().tolist()
    if all(g or (isinstance(v, int | float) and not isinstance(v, bool)) for v, g in zip(cells, gone)):
        return _numbers(pd.Series([np.nan if g else float(v) for v, g in zip(cells, gone)]), name, [])
    for row, (value, absent) in enumerate(zip(cells, gone), start=1):
        if not absent and not isinstance(value, str | int | float):
            raise DataError(f"column '{name}' holds a {type(value).__name__} in row {row}. Give each cell one value.")
        text = "" if absent else str(plain_code(value) if isinstance(value, float) and math.isfinite(value) else value)
        if "\0" in text:
            raise DataError(
                f"column '{name}' holds a NUL character in row {row}, where programs would cut the text off. Remove it."
            )
        texts.append(text)
    return Held(name, "text", np.array(texts, dtype=object), "", {})


def _add_codes(column: Held, frame: pd.DataFrame, cells: pd.Series | None, notes: list[str]) -> None:
    entries = describe(frame).get("columns", {}).get(column.name, {}).get("missing", [])
    # "written as 'NA'" tells how an empty cell was written, not why it is empty.
    column.reasons = {entry["code"]: entry["reason"] for entry in entries if not entry["reason"].startswith("written as ")}
    if not column.reasons:
        return
    missing = frame[column.name].isna().to_numpy(dtype=bool)
    if cells is not None and len(cells) == len(frame):
        column.codes = {
            int(row): code for row in np.flatnonzero(missing) if (code := remembered(cells.iloc[row], column.reasons)) is not None
        }
        return
    counts = {entry["code"]: entry["count"] for entry in entries}
    if len(counts) == 1 and next(iter(counts.values())) == int(missing.sum()):
        column.codes = {int(row): next(iter(column.reasons)) for row in np.flatnonzero(missing)}
    elif missing.any():
        notes.append(
            f"column '{column.name}' has missing values of several kinds, and the data do not tell which cell had which code: they are "
            "written as empty. Convert the file itself to keep the codes (trialkit.io.convert)"
        )


def remembered(value: object, reasons: dict[Code, str]) -> Code | None:
    """The code that stands in a cell, if it is one of those with a reason."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        bare = value.strip()
        for word in (bare, f".{bare}"):
            if word in reasons:
                return word
        return next((code for code in reasons if not isinstance(code, str) and str(code) == bare), None)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        code = plain_code(value)
        return code if code in reasons else None
    return None
