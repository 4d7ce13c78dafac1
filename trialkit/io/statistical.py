"""Files of statistics programs: SPSS (.sav, .zsav) and Stata (.dta)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialkit.errors import FileReadError
from trialkit.io.cells import Column, whole
from trialkit.io.codes import ColumnCodes, MissingCodes
from trialkit.io.declare import settle_column
from trialkit.io.guards.spss import refuse_damaged_spss
from trialkit.io.labels import MissingCode, plain_code
from trialkit.io.tables import ReadOptions, Table, described

__all__ = ["read_spss", "read_stata"]

_SPSS_EPOCH = np.datetime64("1582-10-14", "us")
_STATA_EPOCH = np.datetime64("1960-01-01", "us")
_SPSS_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "MOYR", "QYR", "WKYR", "YMDHMS")
_SPSS_TIMES = ("TIME", "DTIME", "MTIME")
# Thirty thousand years: what lies farther away is no date, and would run over the end of the integers.
_FARTHEST = 30_000 * 366 * 86_400 * 1_000_000
_DAY = 86_400 * 1_000_000


def read_spss(path: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    """Read an SPSS file; user-missing codes become missing, with their label as the reason."""
    import pyreadstat

    refuse_damaged_spss(path)
    # Dates are converted here, after the missing codes: pyreadstat would turn a code of -99 seconds into a day in 1582.
    frame, meta = pyreadstat.read_sav(
        str(path), user_missing=True, disable_datetime_conversion=True, encoding=options.encoding, apply_value_formats=False
    )
    codes.check(frame.columns)
    table = Table({})
    for name in frame.columns:
        labels = meta.variable_value_labels.get(name, {})
        column, missing = _declared_in_spss(frame[name], meta.missing_ranges.get(name, []), labels)
        column, more = _settled(column, codes.of(name), options)
        column = _spss_moments(column, meta.original_variable_types[name], name, table.notes)
        table.data[name] = column
        label = meta.column_names_to_labels.get(name)
        table.columns[name] = described(label=label, values=labels, missing=_renamed(missing, codes.of(name)) + more)
    return table


def read_stata(path: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    """Read a Stata file; the missing values .a to .z keep their label as the reason."""
    import pyreadstat

    _refuse_damaged(path)
    frame, meta = pyreadstat.read_dta(
        str(path), user_missing=True, disable_datetime_conversion=True, encoding=options.encoding, apply_value_formats=False
    )
    codes.check(frame.columns)
    table = Table({})
    for name in frame.columns:
        labels = meta.variable_value_labels.get(name, {})
        column, missing = frame[name], list[MissingCode]()
        if meta.readstat_variable_types[name] != "string":
            column, missing = _extended_missing(column, labels)
            labels = {code: label for code, label in labels.items() if not isinstance(code, str)}
        column, more = _settled(column, codes.of(name), options)
        column = _stata_moments(column, meta.original_variable_types[name], name, table.notes)
        table.data[name] = column
        label = meta.column_names_to_labels.get(name)
        table.columns[name] = described(label=label, values=labels, missing=_renamed(missing, codes.of(name)) + more)
    return table


def _refuse_damaged(path: Path) -> None:
    """Since version 13 a Stata file closes with a tag: without it, labels at the end are lost without an error."""
    import pyreadstat

    raw = path.read_bytes()
    if raw.startswith(b"<stata_dta>") and not raw.rstrip(b"\0\r\n ").endswith(b"</stata_dta>"):
        raise FileReadError(f"{path} ends before its closing mark: it was cut off. Copy or export the file again.")
    _, meta = pyreadstat.read_dta(str(path), metadataonly=True)
    # Memory is claimed for as many rows as the header announces; a damaged header would claim all there is.
    if (meta.number_rows or 0) * max(1, sum(meta.variable_storage_width.values())) > len(raw):
        raise FileReadError(f"{path} announces more rows than it holds: it is damaged. Copy or export the file again.")


def _declared_in_spss(column: pd.Series, ranges: list[dict[str, Any]], labels: Mapping[Any, str]) -> Column:
    if not ranges:
        return column, []
    values = column.to_numpy()
    text = not pd.api.types.is_numeric_dtype(column.dtype)
    blank = np.zeros(len(column), dtype=bool)
    for bounds in ranges:
        if text:
            code = str(bounds["lo"]).strip()
            blank |= np.array([isinstance(value, str) and value.strip() == code for value in values], dtype=bool)
        else:
            with np.errstate(invalid="ignore"):
                blank |= (values >= bounds["lo"]) & (values <= bounds["hi"])
    found = pd.Series(values[blank]).value_counts().sort_index()
    missing: list[MissingCode] = [
        {"code": plain_code(code), "reason": str(labels.get(code) or plain_code(code)), "count": int(count)}
        for code, count in found.items()
    ]
    return _without(column, blank) if text else column.mask(blank), missing


def _without(column: pd.Series, blank: npt.NDArray[np.bool_]) -> pd.Series:
    """Text or mixed cells with some set to missing; mask() on an object column warns in pandas 2."""
    return pd.Series([None if gone else value for value, gone in zip(column.tolist(), blank)], dtype=object)


def _extended_missing(column: pd.Series, labels: Mapping[Any, str]) -> Column:
    """Stata's .a to .z arrive as single letters between the numbers."""
    letters = np.array([isinstance(value, str) for value in column], dtype=bool)
    if not letters.any():
        return pd.to_numeric(column), []
    found = column[letters].value_counts().sort_index()
    missing: list[MissingCode] = [
        {"code": f".{letter}", "reason": str(labels.get(letter) or f".{letter}"), "count": int(count)}
        for letter, count in found.items()
    ]
    return pd.to_numeric(_without(column, letters)), missing


def _settled(column: pd.Series, codes: ColumnCodes, options: ReadOptions) -> Column:
    series, missing = settle_column(column, codes, decimal=options.decimal)
    return whole(series.astype(np.float64)) if pd.api.types.is_numeric_dtype(series.dtype) else series, missing


def _renamed(missing: list[MissingCode], codes: ColumnCodes) -> list[MissingCode]:
    """The reason that the researcher gives goes before the label in the file."""
    return [{**entry, "reason": codes.reason(entry["code"]) or entry["reason"]} for entry in missing]


def _spss_moments(column: pd.Series, form: str, name: str, notes: list[str]) -> pd.Series:
    kind = form.rstrip("0123456789.")
    if kind in _SPSS_TIMES:
        notes.append(f"column '{name}' holds times; they were read as seconds")
    if kind == "DATETIME" or kind in _SPSS_DATES:
        return _moments(column, name, _SPSS_EPOCH, 1_000_000)
    return column


def _stata_moments(column: pd.Series, form: str, name: str, notes: list[str]) -> pd.Series:
    if form.lower().startswith("%tchh"):
        notes.append(f"column '{name}' holds times; they were read as seconds")
        return column / 1000
    if form.startswith(("%tc", "%tC")):
        return _moments(column, name, _STATA_EPOCH, 1_000)
    if form.startswith(("%td", "%d")):
        return _moments(column, name, _STATA_EPOCH, _DAY)
    if form.startswith("%t"):
        notes.append(f"column '{name}' holds Stata periods ({form}); they were read as numbers counted from 1960")
    return column


def _moments(column: pd.Series, name: str, epoch: np.datetime64, microseconds: int) -> pd.Series:
    values: npt.NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    absent = np.isnan(values)
    with np.errstate(over="ignore"):
        steps = np.round(np.where(absent, 0.0, values) * microseconds)
    if bool(np.any(np.abs(steps) > _FARTHEST)):
        raise FileReadError(f"column '{name}' holds dates beyond any calendar: it is damaged. Export the file again.")
    moments = epoch + steps.astype(np.int64).astype("timedelta64[us]")
    moments[absent] = np.datetime64("NaT")
    return pd.Series(moments)
