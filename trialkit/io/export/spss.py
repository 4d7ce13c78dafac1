"""SPSS files, with variable labels, value labels and user-missing codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError
from trialkit.io.export.columns import Held
from trialkit.io.export.names import cut, spss_names
from trialkit.io.labels import Code

__all__ = ["write_spss"]

_LABEL, _VALUE_LABEL, _TEXT, _TEXT_CODE = 256, 120, 32_767, 8
_DISCRETE = 3
# What a letter of Stata becomes: the first of these that lies below all values.
_SPARE = tuple(range(-99, -1000, -1))


def write_spss(columns: Sequence[Held], path: Path, notes: list[str]) -> None:
    """Write a .sav or .zsav file; what SPSS cannot hold is said in `notes`."""
    import pyreadstat

    names = spss_names([column.name for column in columns], notes)
    data: dict[str, pd.Series] = {}
    settings: dict[str, dict[str, Any]] = {"labels": {}, "values": {}, "missing": {}, "formats": {}, "measures": {}}
    for name, column in zip(names, columns):
        label = column.label or (column.name if name != column.name else "")
        settings["labels"][name] = _short(label, _LABEL, f"the label of column '{column.name}'", notes)
        if column.kind == "text":
            data[name], declared, reasons = _text(column, notes)
        elif column.kind == "number":
            data[name], declared, reasons = _number(column, notes)
            settings["formats"] |= {name: "F8.0"} if _whole(data[name]) else {}
        else:
            data[name], declared, reasons = _moments(column, notes), [], {}
        values = {**_fitting(column, notes), **{c: t for c, t in reasons.items() if t != str(c)}}
        if values:
            settings["values"][name] = {
                c: _short(t, _VALUE_LABEL, f"the label of {c} in column '{column.name}'", notes) for c, t in values.items()
            }
            settings["measures"][name] = "nominal"
        if declared:
            settings["missing"][name] = declared
    pyreadstat.write_sav(
        pd.DataFrame(data),
        str(path),
        column_labels=settings["labels"],
        variable_value_labels=settings["values"],
        missing_ranges=settings["missing"],
        variable_format=settings["formats"],
        variable_measure=settings["measures"],
        compress=path.suffix.lower() == ".zsav",
    )


def _short(text: str, most: int, what: str, notes: list[str]) -> str:
    kept = cut(text, most)
    if kept != text:
        notes.append(f"{what} is longer than the {most} bytes that SPSS holds; it was cut")
    return kept


def _whole(values: pd.Series) -> bool:
    present = values.to_numpy(dtype=np.float64)
    present = present[np.isfinite(present)]
    return bool(len(present)) and bool(np.all(present == np.floor(present)) and np.all(np.abs(present) < 1e8))


def _fitting(column: Held, notes: list[str]) -> dict[Code, str]:
    """Value labels of the kind that the column has."""
    text = column.kind == "text"
    fitting = {code: label for code, label in column.labels.items() if isinstance(code, str) == text}
    if len(fitting) < len(column.labels) or (fitting and column.kind in ("day", "moment")):
        notes.append(f"column '{column.name}' has labels of values that it cannot hold in SPSS; they were left out")
    return {} if column.kind in ("day", "moment") else fitting


def _number(column: Held, notes: list[str]) -> tuple[pd.Series, list[Any], dict[Code, str]]:
    values = column.values.astype(np.float64, copy=True)
    numbers = _as_numbers(column, values, notes)
    declared = _declared(column, list(numbers.values()), values, notes)
    for row, code in column.codes.items():
        if _within(numbers[code], declared):
            values[row] = numbers[code]
    reasons: dict[Code, str] = {
        _plain(numbers[code]): reason for code, reason in column.reasons.items() if _within(numbers[code], declared)
    }
    return pd.Series(values), declared, reasons


def _as_numbers(column: Held, values: Any, notes: list[str]) -> dict[Code, float]:
    """The codes as numbers: words and Stata's letters get one that no value has."""
    numbers: dict[Code, float] = {code: float(code) for code in column.reasons if not isinstance(code, str)}
    present = values[np.isfinite(values)]
    taken = set(numbers.values()) | {float(c) for c in column.labels if not isinstance(c, str)}
    lowest = float(present.min()) if len(present) else 0.0
    for code in (c for c in column.reasons if isinstance(c, str)):
        new = next(
            float(n) for n in (*_SPARE, int(min(lowest, -1000.0)) - 1 - len(taken)) if n < lowest and float(n) not in taken
        )
        taken.add(new)
        numbers[code] = new
        notes.append(f"the missing code '{code}' of column '{column.name}' is {new:g} in the file")
    return numbers


def _declared(column: Held, codes: list[float], values: Any, notes: list[str]) -> list[Any]:
    """Up to three codes one by one; more as a range, if no value lies in it."""
    if len(codes) <= _DISCRETE:
        return sorted(codes)
    ordered = sorted(codes)
    for alone in ((), (ordered[0],), (ordered[-1],)):
        rest = [code for code in ordered if code not in alone]
        present = values[np.isfinite(values)]
        labelled = [c for c in column.labels if not isinstance(c, str) and rest[0] <= c <= rest[-1]]
        if not np.any((present >= rest[0]) & (present <= rest[-1])) and not labelled:
            return [{"lo": rest[0], "hi": rest[-1]}, *alone]
    counts = {code: sum(float(c) == code for c in column.codes.values() if not isinstance(c, str)) for code in codes}
    kept = sorted(codes, key=lambda code: -counts[code])[:_DISCRETE]
    notes.append(
        f"column '{column.name}' has {len(codes)} missing codes with values between them, and SPSS holds three: "
        "cells with the other codes are written as empty"
    )
    return sorted(kept)


def _within(code: float, declared: list[Any]) -> bool:
    return any(d["lo"] <= code <= d["hi"] if isinstance(d, dict) else d == code for d in declared)


def _plain(value: float) -> Code:
    return int(value) if value.is_integer() else value


def _text(column: Held, notes: list[str]) -> tuple[pd.Series, list[Any], dict[Code, str]]:
    values = column.values.copy()
    codes = {code: str(code) for code in column.reasons}
    kept = [code for code, text in codes.items() if len(text.encode()) <= _TEXT_CODE][:_DISCRETE]
    if len(kept) < len(codes):
        notes.append(
            f"column '{column.name}' has missing codes that SPSS cannot declare for text (three at most, of eight bytes): "
            "their cells are written as empty"
        )
    for row, code in column.codes.items():
        if code in kept:
            values[row] = codes[code]
    for row, text in enumerate(values, start=1):
        if len(text.encode("utf-8", "replace")) > _TEXT:
            raise DataError(
                f"column '{column.name}' holds a text of more than {_TEXT} bytes in row {row}, the most that SPSS holds. Write .csv."
            )
    return pd.Series(values, dtype=object), [codes[c] for c in kept], {codes[c]: column.reasons[c] for c in kept}


def _moments(column: Held, notes: list[str]) -> pd.Series:
    if column.codes:
        notes.append(f"column '{column.name}' holds dates with missing codes; their cells are written as empty")
    moments = column.values
    if column.kind == "day":
        days = moments.astype("datetime64[D]").tolist()
        return pd.Series([None if day is None else day for day in days], dtype=object)
    return pd.Series(moments)
