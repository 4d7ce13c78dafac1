"""Excel workbooks: .xlsx."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trialkit.errors import FileReadError, UsageError, nearest, shown
from trialkit.io.cells import settle
from trialkit.io.codes import MissingCodes
from trialkit.io.guards.zipped import counted, refuse_bomb
from trialkit.io.tables import ReadOptions, Table, column_names, described, rows_in_words

__all__ = ["read_workbook"]

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_FORMULA = re.compile(rb"<f[ >/]")
_MERGED = re.compile(rb"<mergeCell ref=\"([A-Z0-9:]+)\"")
_HIDDEN = re.compile(rb"<row [^>]*hidden=\"(?:1|true)\"")


def read_workbook(path: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    """Read a worksheet; see `trialkit.io.read.read`."""
    from openpyxl import load_workbook

    with path.open("rb") as file:
        if file.read(4) == _OLD_OFFICE:
            raise FileReadError(
                f"{path} is protected by a password or is an old .xls workbook. "
                "Open it in Excel and save it as .xlsx without a password."
            )
    refuse_bomb(path)
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        notes: list[str] = []
        sheet = _chosen(book, path, options.sheet, notes)
        rows = _rows(sheet, path)
        notes += _looks(path, sheet)
        _refuse_uncomputed(path, sheet.title, rows)
    finally:
        book.close()
    header, columns = _columns(path, sheet.title, rows, notes)
    names = column_names(header, columns, f"{path} (sheet '{sheet.title}')", notes)
    codes.check(name for name in names if name)
    table = Table({}, notes=notes)
    for name, cells in zip(names, columns):
        if name is not None:
            decimal = "," if options.decimal == "," else "."
            table.data[name], missing = settle(cells, codes.of(name), decimal=decimal)  # type: ignore[arg-type]
            table.columns[name] = described(missing=missing)
    return table


def _chosen(book: Any, path: Path, wanted: str | int | None, notes: list[str]) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise FileReadError(f"{path} has no worksheet with cells. Save the data in a worksheet.")
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(sheets):
            raise UsageError(f"sheet={wanted}, but {path} has {len(sheets)} sheets, counted from 1: {shown(sheets)}.")
        return list(sheets.values())[wanted - 1]
    if wanted is not None:
        if wanted not in sheets:
            near = nearest(wanted, sheets)
            remedy = f"Did you mean '{near}'?" if near else f"The sheets are {shown(sheets)}."
            raise UsageError(f"{path} has no sheet '{wanted}'. {remedy}")
        return sheets[wanted]
    filled = {title: sheet for title, sheet in sheets.items() if _has_cells(sheet)} or sheets
    first = next((title for title, sheet in filled.items() if sheet.sheet_state == "visible"), next(iter(filled)))
    if len(filled) > 1:
        others = [title for title in filled if title != first]
        notes.append(f"sheet '{first}' was read; the workbook also has {shown(others)} (choose with sheet=)")
    return sheets[first]


def _has_cells(sheet: Any) -> bool:
    return any(value is not None for row in sheet.iter_rows(max_row=20, values_only=True) for value in row)


def _rows(sheet: Any, path: Path) -> list[tuple[Any, ...]]:
    # Some programs write a wrong size into the sheet, and openpyxl would then stop early.
    sheet.reset_dimensions()
    return counted(sheet.iter_rows(values_only=True), path, sheet.title)


def _looks(path: Path, sheet: Any) -> Iterator[str]:
    """What a reader of the sheet sees otherwise than a program does."""
    if sheet.sheet_state != "visible":
        yield f"sheet '{sheet.title}' is hidden in the workbook"
    # openpyxl leaves these out when it reads row by row
    part = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    with zipfile.ZipFile(path) as archive:
        written = archive.read(part) if part in archive.namelist() else b""
    merged = [found.decode("ascii", "replace") for found in _MERGED.findall(written)]
    if merged:
        yield f"sheet '{sheet.title}' has merged cells ({shown(merged)}): only the first cell of each holds the value, the others are empty"
    hidden = len(_HIDDEN.findall(written))
    if hidden:
        yield f"{hidden} {'row is' if hidden == 1 else 'rows are'} hidden in sheet '{sheet.title}' (a filter, perhaps); they were read too"


def _refuse_uncomputed(path: Path, title: str, rows: Sequence[Sequence[Any]]) -> None:
    """Formulas that no spreadsheet program has computed have no value: they would read as silently missing."""
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(_FORMULA.search(archive.read(name)) for name in sheets):
            return
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter

    book = load_workbook(path, read_only=True, data_only=False)
    try:
        formulas = _rows(book[title], path)
    finally:
        book.close()
    for number, (row, written) in enumerate(zip(rows, formulas), start=1):
        for place, (value, formula) in enumerate(zip(row, written), start=1):
            if value is None and formula is not None:
                cell = f"{get_column_letter(place)}{number}"
                raise FileReadError(
                    f"{path} has a formula without a computed value in cell {cell} of sheet '{title}'. "
                    "Open and save it once in Excel, or replace formulas by their values."
                )


def _columns(path: Path, title: str, rows: list[tuple[Any, ...]], notes: list[str]) -> tuple[list[Any], list[list[Any]]]:
    filled = [any(not _blank(cell) for cell in row) for row in rows]
    if not any(filled):
        raise FileReadError(f"sheet '{title}' of {path} is empty. Choose another with sheet=, or export the data again.")
    first = filled.index(True)
    last = len(filled) - filled[::-1].index(True)
    empty = [number + 1 for number in range(first, last) if not filled[number]]
    if empty:
        notes.append(rows_in_words(empty, "row"))
    body = [rows[number] for number in range(first + 1, last) if filled[number]]
    if not body:
        raise FileReadError(f"sheet '{title}' of {path} has column names but no rows. Export the data again.")
    width = max(len(row) for row in [rows[first], *body])
    padded = [tuple(row) + (None,) * (width - len(row)) for row in [rows[first], *body]]
    return list(padded[0]), [list(column) for column in zip(*padded[1:])]


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
