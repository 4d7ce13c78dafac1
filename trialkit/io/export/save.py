"""Write data to a file that other programs read, whole or not at all, with what is known about them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.errors import DataError, TrialkitError, UsageError, shown
from trialkit.io.cells import ABSENT
from trialkit.io.codes import parse_missing_codes
from trialkit.io.export.columns import Held, held
from trialkit.io.export.dictionary import dictionary
from trialkit.io.frames import to_pandas
from trialkit.io.read import read
from trialkit.io.write import FORMULA_STARTS, write_csv

__all__ = ["KINDS", "convert", "save"]

KINDS = (".csv", ".sav", ".zsav", ".dta", ".xlsx")


def save(data: Any, path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write a data frame as .csv, .sav, .zsav, .dta or .xlsx, with variable labels, value labels and missing codes where the kind has them.

    In SPSS the codes that were set to missing become user-missing values, in Stata extended missing values (.a to .z). A frame knows which
    codes a column had, and how many cells had each; when there were several, it does not know which cell had which, and those cells are
    written as empty, with a note. `convert` keeps them, because it reads the file itself. A .csv file holds no labels: write
    `trialkit.io.dictionary` beside it. In .csv and .xlsx, text that a spreadsheet would run as a formula is made harmless.

    Parameters
    ----------
    data
        Any data frame.
    path
        Where to write; the ending says as what. A file that is there is replaced, when the new one is complete.

    Returns
    -------
    tuple of str
        What the file does not hold as the data do: names that were changed, labels that were cut, codes that have no place.

    Raises
    ------
    UsageError
        An ending of another kind, or a folder.
    DataError
        Values that the kind cannot hold: infinite numbers, lists, NUL characters, texts that are too long.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> save({"Age at start": [31, 40]}, pathlib.Path(tempfile.mkdtemp()) / "people.dta")
    ("column 'Age at start' is called 'Age_at_start' in the file: Stata does not take the name",)
    """
    return _written(to_pandas(data).reset_index(drop=True), None, path)


def convert(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    missing_codes: Mapping[Any, Any] | None = None,
    **options: Any,
) -> tuple[str, ...]:
    """Write a data file as one of another kind, with every missing cell under its own code.

    Parameters
    ----------
    source
        A file that `trialkit.io.read.read` reads.
    path
        Where to write, as in `save`.
    missing_codes, **options
        As in `trialkit.io.read.read`.

    Returns
    -------
    tuple of str
        As in `save`.

    Raises
    ------
    DataError
        As in `trialkit.io.read.read` and `save`.
    UsageError
        An ending of another kind, or the source itself as the target.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "people.csv").write_text("id,y\\n1,-99\\n2,3\\n3,-98\\n")
    >>> convert(folder / "people.csv", folder / "people.sav", missing_codes={-99: "refused", -98: "not asked"})
    ()
    >>> from trialkit.io import labels
    >>> labels.missing_reasons(read(folder / "people.sav"), "y")
    {'refused': 1, 'not asked': 1}
    """
    place = Path(path).expanduser()
    if place.exists() and Path(source).expanduser().exists() and place.samefile(Path(source).expanduser()):
        raise UsageError(f"{place} is the file that is to be read. Give another name, so that the source stays as it is.")
    _checked_kind(place)
    parse_missing_codes(missing_codes)
    frame = read(source, missing_codes=missing_codes, **options)
    return _written(frame, _raw(Path(source).expanduser(), frame, options), path)


def _raw(source: Path, frame: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """The cells of the same file with their codes still in them."""
    kind = source.suffix.lower()
    if kind in (".sav", ".zsav", ".dta"):
        import pyreadstat

        reader = pyreadstat.read_dta if kind == ".dta" else pyreadstat.read_sav
        return reader(str(source), user_missing=True, disable_datetime_conversion=True, encoding=options.get("encoding"))[0]
    raw = read(source, **options)
    return raw if len(raw) == len(frame) else frame


def _checked_kind(place: Path) -> str:
    kind = place.suffix.lower()
    if kind not in KINDS:
        raise UsageError(
            f"data are written as {shown(KINDS)}, not as '{kind or place.name}'. Give the file one of these endings."
        )
    if place.is_dir():
        raise UsageError(f"{place} is a folder where a file is to be written. Give the name of a file in it.")
    return kind


def _read_otherwise(frame: pd.DataFrame, columns: Sequence[Held], kind: str) -> Iterator[str]:
    """What reads as something else from a text file or worksheet."""
    empty = int(frame.isna().all(axis=1).sum())
    if empty and (len(columns) > 1 or kind == ".xlsx"):
        yield f"{empty} {'row has' if empty == 1 else 'rows have'} no value at all and will be left out when the {kind} file is read"
    for column in columns:
        if column.kind != "text":
            continue
        words = sorted({text for text in column.values if text.strip() in ABSENT})
        if words:
            yield f"column '{column.name}' holds the text {shown(words)}, which reads as missing from a {kind} file"
        changed = sum(text.startswith(FORMULA_STARTS) for text in column.values) if kind == ".csv" else 0
        if changed:
            yield f"column '{column.name}' has {changed} {'text' if changed == 1 else 'texts'} that a spreadsheet would run as a formula: an apostrophe stands before"


def _written(frame: pd.DataFrame, cells: pd.DataFrame | None, path: str | os.PathLike[str]) -> tuple[str, ...]:
    place = Path(path).expanduser().resolve()
    kind = _checked_kind(place)
    notes: list[str] = []
    plain = kind in (".csv", ".xlsx")
    columns = held(frame, cells, notes, with_codes=not plain)
    notes += _read_otherwise(frame, columns, kind) if plain else []
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".csv":
        write_csv(frame, place)
        return tuple(notes)
    beside = place.with_name(f".{place.stem}.{uuid.uuid4().hex[:12]}{place.suffix}")
    try:
        if kind == ".dta":
            from trialkit.io.export.stata import write_stata

            write_stata(columns, beside, notes)
        elif kind == ".xlsx":
            from trialkit.io.export.sheet import write_sheet

            write_sheet(columns, dictionary(frame), beside)
        else:
            from trialkit.io.export.spss import write_spss

            write_spss(columns, beside, notes)
        os.replace(beside, place)
    except (TrialkitError, MemoryError, OSError):
        raise
    except Exception as cause:
        # The writer beneath says only that something does not fit.
        raise DataError(f"the data cannot be written as {kind} ({' '.join(str(cause).split())}). Write .csv instead.") from cause
    finally:
        beside.unlink(missing_ok=True)
    return tuple(notes)
