"""The folder of an allocation: names of its files, the list as CSV and workbook, the secret, and all of them written at once."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.design.record.ledger import cell
from trialkit.errors import LockError, UsageError
from trialkit.io.write import MARKER, atomic_folder, write_csv

LOG, RELEASE = "allocation.log.jsonl", "seed.release.json"
SECRET_KIND = "trialkit allocation seed"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Files:
    """Names of the files of a batch."""

    batch: int

    @property
    def _suffix(self) -> str:
        return "" if self.batch == 1 else f"-{self.batch}"

    @property
    def table(self) -> str:
        return f"allocation{self._suffix}.csv"

    @property
    def workbook(self) -> str:
        return f"allocation{self._suffix}.xlsx"

    @property
    def certificate(self) -> str:
        return f"certificate{self._suffix}.json"

    @property
    def secret(self) -> str:
        return f"allocation{self._suffix}.seed.json"


@contextmanager
def filled(place: Path) -> Iterator[Path]:
    """A copy of the folder to add to, which takes its place when the block ends, and is gone when the block fails."""
    with atomic_folder(place) as new:
        os.chmod(new, 0o700)
        for entry in place.iterdir() if place.is_dir() else ():
            if entry.name == MARKER:
                continue
            if entry.is_dir():
                shutil.copytree(entry, new / entry.name)
            else:
                shutil.copy2(entry, new / entry.name)
        yield new
        if place.is_dir():
            shutil.copymode(place, new)


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner may read.

    Raises
    ------
    UsageError
        When it exists, or cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(
            f"'{path.name}' exists, and a seed is never written over another: choose another file for secret=."
        ) from None
    except OSError as reason:
        raise UsageError(
            f"the seed cannot be kept in '{path}' ({reason.strerror or 'unknown reason'}): choose another file."
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def secret_text(batch: int, certificate: str, seed: int, salt: str) -> str:
    """The file that holds a seed."""
    content = {"kind": SECRET_KIND, "batch": batch, "certificate": certificate, "seed": f"{seed:x}", "salt": salt}
    return json.dumps(content, indent=2) + "\n"


def read_secret(path: Path) -> dict[str, Any]:
    """The content of such a file.

    Raises
    ------
    LockError
        When there is none, or it is damaged.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["kind"] != SECRET_KIND or not isinstance(content["salt"], str):
            raise ValueError
        int(content["seed"], 16)
        return dict(content)
    except FileNotFoundError:
        raise LockError(f"the seed is not in '{path.name}': say where it was kept.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise LockError(f"'{path.name}' cannot be read as the seed of an allocation: use an undamaged copy.") from None


def table_of(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The list as it is written: the user's names, plain cells."""
    made = {names.get(str(c), str(c)): pd.Series([cell(v) for v in frame[c].tolist()], dtype=object) for c in frame.columns}
    return pd.DataFrame(made)


def write_list(path: Path, frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """The list as CSV."""
    write_csv(table_of(frame, names), path)


def write_workbook(path: Path, frame: pd.DataFrame, names: Mapping[str, str], more: pd.DataFrame) -> None:
    """The list as a workbook, with further columns of the people behind it."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    sheet = book.active
    sheet.title = "allocation"
    table = table_of(frame, names)
    for column, (name, values) in enumerate([*table.items(), *((c, more[c]) for c in more.columns)], start=1):
        for row, value in enumerate([name, *(cell(v) for v in values.tolist())], start=1):
            place = sheet.cell(row=row, column=column, value=value)
            if isinstance(value, str):
                place.data_type = "s"  # text stays text, also where it begins like a formula
        sheet.cell(row=1, column=column).font = Font(bold=True)
        width = max(len(str(v)) for v in [name, *values.tolist()])
        sheet.column_dimensions[sheet.cell(row=1, column=column).column_letter].width = min(max(width + 2, 8), 40)
    sheet.freeze_panes = "A2"
    book.save(path)


def list_rows(path: Path) -> list[list[str]]:
    """The rows of a list's CSV as text, without its header; refused as by `list_cells`."""
    return list_cells(path)[1:]


def list_cells(path: Path) -> list[list[str]]:
    """The header and the rows of a list's CSV as text.

    Raises
    ------
    LockError
        When it is gone or cannot be read.
    """
    try:
        found = parsed_list(path.read_bytes().decode("utf-8"))
        if not found or any(len(row) != len(found[0]) for row in found):
            raise ValueError
    except (OSError, ValueError, csv.Error):
        raise LockError(f"the list '{path.name}' is gone or damaged: put back an undamaged copy.") from None
    return found


def parsed_list(text: str) -> list[list[str]]:
    """The cells of a CSV text, without the apostrophes that keep spreadsheets from running text as formulas."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [[c[1:] if c.startswith("'") and c[1:].startswith(_FORMULA_STARTS) else c for c in row] for row in rows]


def workbook_rows(path: Path) -> list[list[str]]:
    """The cells of a workbook's sheet as text."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        return [["" if (v := cell(value)) is None else str(v) for value in row] for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()
