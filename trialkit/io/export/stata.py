"""Stata files, with variable labels, value labels and extended missing values."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError
from trialkit.io.export.columns import Held
from trialkit.io.export.names import cut, stata_names
from trialkit.io.labels import Code

__all__ = ["write_stata"]

_LABEL, _VALUE_LABEL = 80, 32_000
_LARGEST = 8.9884656743e307
_LARGEST_LABELLED = 2_147_483_620


def write_stata(columns: Sequence[Held], path: Path, notes: list[str]) -> None:
    """Write a .dta file of version 15; what Stata cannot hold is said in `notes`."""
    import pyreadstat

    names = stata_names([column.name for column in columns], notes)
    data: dict[str, pd.Series] = {}
    labels: dict[str, str] = {}
    values: dict[str, dict[Any, str]] = {}
    missing: dict[str, list[str]] = {}
    formats: dict[str, str] = {}
    for name, column in zip(names, columns):
        labels[name] = _label(column, name, notes)
        if column.kind == "number":
            data[name], letters = _numbers(column, notes)
            named = {**_labelled(column, notes), **letters}
            if named:
                values[name] = {code: _cut_label(column, code, text, notes) for code, text in named.items()}
            if letters:
                missing[name] = sorted(map(str, letters))
            continue
        _note_lost(column, notes)
        if column.kind == "text":
            data[name] = pd.Series(column.values, dtype=object)
        else:
            data[name], formats[name] = _moments(column)
    pyreadstat.write_dta(
        pd.DataFrame(data),
        str(path),
        column_labels=labels,
        variable_value_labels=values,
        missing_user_values=missing,
        variable_format=formats,
        version=15,
    )


def _label(column: Held, name: str, notes: list[str]) -> str:
    text = column.label or (column.name if name != column.name else "")
    if len(text) > _LABEL:
        notes.append(f"the label of column '{column.name}' is longer than the {_LABEL} characters that Stata holds; it was cut")
    return text[:_LABEL]


def _cut_label(column: Held, code: Code, text: str, notes: list[str]) -> str:
    kept = cut(text, _VALUE_LABEL)
    if kept != text:
        notes.append(f"the label of {code} in column '{column.name}' is longer than Stata holds; it was cut")
    return kept


def _labelled(column: Held, notes: list[str]) -> dict[Code, str]:
    """Stata labels whole numbers only."""
    fitting: dict[Code, str] = {
        c: t for c, t in column.labels.items() if not isinstance(c, str) and float(c).is_integer() and abs(c) <= _LARGEST_LABELLED
    }
    if len(fitting) < len(column.labels):
        notes.append(f"column '{column.name}' has labels of values that are not whole numbers; Stata does not label these")
    return fitting


def _numbers(column: Held, notes: list[str]) -> tuple[pd.Series, dict[Code, str]]:
    large = np.flatnonzero(np.abs(np.nan_to_num(column.values)) > _LARGEST)
    if len(large):
        raise DataError(
            f"column '{column.name}' holds a number in row {large[0] + 1} that Stata takes for a missing value. Write .sav or .csv."
        )
    letters = _letters(column, notes)
    if not letters:
        return pd.Series(column.values), {}
    cells: list[Any] = column.values.tolist()
    for row, code in column.codes.items():
        if code in letters:
            cells[row] = letters[code]
    reasons: dict[Code, str] = {letter: column.reasons[code] for code, letter in letters.items()}
    return pd.Series(cells, dtype=object), reasons


def _letters(column: Held, notes: list[str]) -> dict[Code, str]:
    """.a to .z keep their letter; other codes get the next that is free."""
    own: dict[Code, str] = {
        code: code[1:]
        for code in column.reasons
        if isinstance(code, str) and len(code) == 2 and code[0] == "." and code[1] in string.ascii_lowercase
    }
    free = [letter for letter in string.ascii_lowercase if letter not in own.values()]
    others = [code for code in column.reasons if code not in own]
    made: dict[Code, str] = {**own, **dict(zip(others, free))}
    changed = [f"{code} is .{made[code]}" for code in others if code in made]
    if changed:
        notes.append(f"missing codes of column '{column.name}' in the file: {', '.join(changed)}")
    if len(others) > len(free):
        notes.append(f"column '{column.name}' has more than 26 missing codes; cells with the last of them are written as empty")
    return made


def _note_lost(column: Held, notes: list[str]) -> None:
    what = "text" if column.kind == "text" else "dates"
    if column.codes:
        notes.append(f"column '{column.name}' holds {what}, for which Stata has no missing codes: the cells are written as empty")
    if column.labels:
        notes.append(f"column '{column.name}' holds {what}, which Stata does not label: its value labels were left out")


def _moments(column: Held) -> tuple[pd.Series, str]:
    if column.kind == "day":
        days = column.values.astype("datetime64[D]").tolist()
        return pd.Series(days, dtype=object), "%td"
    return pd.Series(column.values), "%tc"
