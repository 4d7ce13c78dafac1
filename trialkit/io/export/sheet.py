"""Workbooks: a sheet with the data and one with the dictionary; text that looks like a formula stays text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError
from trialkit.io.export.columns import Held

__all__ = ["write_sheet"]

_MOST_ROWS, _MOST_COLUMNS, _MOST_CHARACTERS = 1_048_576, 16_384, 32_767


def write_sheet(columns: Sequence[Held], dictionary: pd.DataFrame, path: Path) -> None:
    """Write an .xlsx file.

    Raises
    ------
    DataError
        More rows, columns or characters in a cell than a worksheet holds, or control characters.
    """
    from openpyxl import Workbook

    rows = len(columns[0].values) + 1
    if rows > _MOST_ROWS or len(columns) > _MOST_COLUMNS:
        raise DataError(f"the data have {rows - 1} rows and {len(columns)} columns, more than a worksheet holds. Write .csv.")
    for column in columns:
        _check(column)
    book = Workbook(write_only=True)
    data = book.create_sheet("data")
    data.append([_place(data, column.name) for column in columns])
    for row in zip(*(_cells(column) for column in columns)):
        data.append([_place(data, value) for value in row])
    told = book.create_sheet("dictionary")
    told.append(list(dictionary.columns))
    for entry in dictionary.itertuples(index=False):
        told.append([_place(told, value) for value in entry])
    book.save(path)


def _check(column: Held) -> None:
    """Before anything is written: a half written workbook leaves its parts behind."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    texts = [column.name, column.label, *column.reasons.values(), *column.labels.values()]
    texts += list(column.values) if column.kind == "text" else []
    for text in texts:
        if len(text) > _MOST_CHARACTERS:
            raise DataError(
                f"column '{column.name}' holds a text of {len(text)} characters, more than the {_MOST_CHARACTERS} of a worksheet's cell. "
                "Write .csv."
            )
        if ILLEGAL_CHARACTERS_RE.search(text):
            raise DataError(
                f"column '{column.name}' holds text with control characters, which a worksheet cannot hold. Remove them, or write .csv."
            )


def _cells(column: Held) -> list[Any]:
    if column.kind == "number":
        return [None if np.isnan(v) else int(v) if float(v).is_integer() and abs(v) < 2**53 else float(v) for v in column.values]
    if column.kind == "text":
        return [text or None for text in column.values]
    return list(column.values.astype("datetime64[D]" if column.kind == "day" else "datetime64[us]").tolist())


def _place(sheet: Any, value: Any) -> Any:
    """A cell; of text, one that no program takes for a formula."""
    if not isinstance(value, str):
        return value.item() if isinstance(value, np.generic) else value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value[:_MOST_CHARACTERS])
    cell.data_type = "s"
    return cell
