"""Any data frame at the door, and any column as numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from trialkit.errors import DataError, UsageError, ValueTypeError, shown

__all__ = ["numeric", "plain_objects", "to_pandas"]

_DECIMAL_COMMA = re.compile(r"-?\d{1,3}(\.\d{3})+,\d+|-?\d*,\d+")
_YES_OR_NO = frozenset({"yes", "no", "ja", "nee", "y", "n", "j"})
_ACCEPTED = "Give a pandas, polars or pyarrow data frame, or a dictionary of columns."


def to_pandas(data: Any) -> pd.DataFrame:
    """Any data frame as a pandas copy with text names; row order, index and attrs are kept.

    Parameters
    ----------
    data
        A pandas or polars data frame, a pyarrow table, any other eager frame that narwhals knows, or a dictionary of columns.

    Raises
    ------
    UsageError
        Something that is not a frame in memory.
    DataError
        Two columns have the same name.

    Examples
    --------
    >>> to_pandas({"y": [1, 2]}).shape
    (2, 1)
    """
    if isinstance(data, pd.DataFrame):
        frame = data.copy()
    elif isinstance(data, Mapping):
        frame = _from_columns(data)
    else:
        frame = plain_objects(_from_narwhals(data))
    if isinstance(frame.columns, pd.MultiIndex):
        raise UsageError(
            f"the columns have {frame.columns.nlevels} levels of names where one is needed. Join them into one name per column."
        )
    frame.columns = pd.Index([str(name) for name in frame.columns])
    repeated = frame.columns[frame.columns.duplicated()].unique()
    if len(repeated):
        raise DataError(f"the data have more than one column named {shown(repeated)}. Rename or remove the extra ones.")
    return frame


def _from_columns(data: Mapping[Any, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(dict(data))
    except ValueError as cause:
        raise UsageError(f"the dictionary is not one of columns of equal length ({cause}). {_ACCEPTED}") from cause


def _from_narwhals(data: Any) -> pd.DataFrame:
    if isinstance(data, str | os.PathLike):
        name = os.fspath(data)
        raise UsageError(f"a file name ({name!r}) was given where data are needed. Read it first: tk.read({name!r}).")
    import narwhals as nw

    try:
        frame = nw.from_native(data)
    except TypeError as cause:
        raise UsageError(f"a {type(data).__name__} was given where data are needed. {_ACCEPTED}") from cause
    if isinstance(frame, nw.LazyFrame):
        raise UsageError("the data are a lazy frame, not yet computed. Give data.collect() instead.")
    try:
        return frame.to_pandas()
    except ImportError:
        # polars turns to pyarrow for this, which is an extra.
        return pd.DataFrame(frame.to_dict(as_series=False))


def plain_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns of Python dates, truth values and decimals the type that they have in every other format."""
    kept, frame.attrs = frame.attrs, {}  # pandas copies them deeply with every column that is taken
    for name in list(frame.columns):
        if types.is_object_dtype(frame[name].dtype):
            frame[name] = _plain_object(frame[name])
    frame.attrs = kept
    return frame


def _plain_object(series: pd.Series) -> pd.Series:
    kind = types.infer_dtype(series, skipna=True)
    if kind in ("date", "datetime"):
        moments = [np.datetime64("NaT") if absent else np.datetime64(v, "us") for v, absent in zip(series, series.isna())]
        return pd.Series(np.array(moments, dtype="datetime64[us]"), index=series.index, name=series.name)
    if kind == "boolean":
        return series.astype("boolean")
    return pd.to_numeric(series) if kind == "decimal" else series


def numeric(series: Any, name: str) -> npt.NDArray[np.float64]:
    """A column as numbers, with NaN for missing.

    Truth values become 1 and 0; categories and text are accepted when they are written as numbers; blank text is missing.

    Parameters
    ----------
    series
        A column.
    name
        Its name, for the message.

    Raises
    ------
    ValueTypeError
        The column holds text, dates or infinite values; names the first data rows (counted from 1) and the remedy.

    Examples
    --------
    >>> import pandas as pd
    >>> numeric(pd.Series(["1.5", None]), "y1")
    array([1.5, nan])
    """
    column = series if isinstance(series, pd.Series) else pd.Series(series)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        column = pd.Series(column.to_numpy(), index=column.index)
        dtype = column.dtype
    if types.is_complex_dtype(dtype):
        raise ValueTypeError(f"column '{name}' holds complex numbers. Keep their real part, or the part that is meant.")
    if types.is_bool_dtype(dtype) or types.is_numeric_dtype(dtype):
        values: npt.NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    elif types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        values = _from_text(column, name)
    else:
        raise ValueTypeError(
            f"column '{name}' holds {_nouns(dtype)} where numbers belong. "
            "Compute a number from them, such as days since the start."
        )
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise ValueTypeError(
            f"column '{name}' holds infinite values, first in row {infinite[0] + 1} ({len(infinite)} in all). "
            "Mend the computation that made them (often a division by zero), or set them to missing."
        )
    return values


def _from_text(column: pd.Series, name: str) -> npt.NDArray[np.float64]:
    absent = column.isna().to_numpy(dtype=bool)
    blank = np.array([isinstance(value, str) and not value.strip() for value in column], dtype=bool)
    # A plain array, because mask() on an object column warns in pandas 2 and infers another type in pandas 3.
    cells = column.to_numpy(dtype=object, copy=True)
    cells[blank | absent] = np.nan
    found = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    # pandas reads the words 'inf' and 'Infinity' as numbers.
    words = np.array([isinstance(value, str) for value in column], dtype=bool)
    wrong = np.flatnonzero((np.isnan(found) & ~absent & ~blank) | (words & np.isinf(found)))
    if len(wrong):
        raise ValueTypeError(_text_message(column, name, wrong))
    return found


def _text_message(column: pd.Series, name: str, wrong: npt.NDArray[np.intp]) -> str:
    values = [column.iloc[row] for row in wrong]
    where = f"{_quoted(values[0])} in row {wrong[0] + 1}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
    if all(isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()) for value in values):
        return f"column '{name}' holds numbers with a decimal comma: {where}. Read the file with decimal=\",\"."
    if all(isinstance(value, str) and value.strip().casefold() in _YES_OR_NO for value in values):
        return f"column '{name}' holds words where numbers belong: {where}. Write 1 for yes and 0 for no (ja and nee) in the file or the frame."
    different = list(dict.fromkeys(_quoted(value) for value in values))
    if len(different) > 1:
        where += f" (among them {', '.join(different[1:4])})"
    return (
        f"column '{name}' holds text where numbers belong: {where}. "
        "Declare the code as missing (missing_codes) or correct the file."
    )


def _quoted(value: object) -> str:
    text = str(value)
    return f"'{text if len(text) <= 30 else text[:27] + '...'}'"


def _nouns(dtype: Any) -> str:
    if types.is_datetime64_any_dtype(dtype):
        return "dates"
    return "durations" if types.is_timedelta64_dtype(dtype) else f"values of type {dtype}"
