"""Read a data file with everything it says about itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.errors import FileReadError, TrialkitError, UsageError, nearest, shown
from trialkit.io.codes import MissingCodes, parse_missing_codes
from trialkit.io.frames import numeric, to_pandas
from trialkit.io.guards.kinds import refuse_other_kind
from trialkit.io.labels import ATTRIBUTE, Description
from trialkit.io.tables import ReadOptions, Table
from trialkit.misuse import explained

__all__ = ["numeric", "read", "to_pandas"]

Reader = Callable[[Path, MissingCodes, ReadOptions], Table]

_TEXT = (".csv", ".tsv")
_ENCODED = (*_TEXT, ".sav", ".zsav", ".dta")


def _reader(extension: str) -> Reader | None:
    """The reader of a kind of file; each brings its own library, so it is imported when it is needed."""
    if extension in _TEXT:
        from trialkit.io.delimited import read_delimited

        return read_delimited
    if extension in (".sav", ".zsav"):
        from trialkit.io.statistical import read_spss

        return read_spss
    if extension == ".dta":
        from trialkit.io.statistical import read_stata

        return read_stata
    if extension == ".xlsx":
        from trialkit.io.workbook import read_workbook

        return read_workbook
    if extension == ".parquet":
        from trialkit.io.columnar import read_parquet

        return read_parquet
    return None


@explained
def read(
    path: str | os.PathLike[str],
    *,
    missing_codes: Mapping[Any, Any] | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> pd.DataFrame:
    """Read a data file as a pandas data frame that remembers labels and reasons for missing values.

    Codes that an SPSS or Stata file declares as missing become missing, with their label as the reason. In text files and
    worksheets, empty cells and NA, N/A, #N/A, NaN, NULL are missing, and counted as written so. Nothing else is recoded unless
    it is declared; `trialkit.io.receipt.receipt` warns of values that look like undeclared codes. Text becomes a number only
    when nothing is lost: ids with leading zeros ("007") stay text. Dates become dates when written as 2024-01-31.

    Parameters
    ----------
    path
        A file ending in .csv, .tsv, .sav, .zsav, .dta, .xlsx or .parquet.
    missing_codes
        Codes that mean missing and their reasons, ``{-99: "refused"}``, for all numeric columns; a code that is a word
        (``{"n.v.t.": "not asked"}``) holds for all columns; ``{"income": {999: "not asked"}}`` for one column. Codes may be
        written as text ("-99").
    sheet
        The worksheet of a workbook: its name, or its place counted from 1. By default the first that has cells and is not hidden.
    encoding
        Of a text, SPSS or Stata file. Text files are read as UTF-8, and as cp1252 (Windows) with a note when they are not UTF-8.
    delimiter
        Between the values of a text file. By default the comma, semicolon or tab that divides its rows evenly.
    decimal
        "." or ",". By default "."; in text files with semicolons the sign that the numbers use, "," when they do not tell.
        When given, text columns of other files are also read as numbers where all their values are.

    Returns
    -------
    pandas.DataFrame
        With ``attrs["trialkit"]``: see `trialkit.io.labels`.

    Raises
    ------
    FileReadError
        The file is absent, damaged, cut off, empty or not of its kind.
    ColumnNotFoundError
        ``missing_codes`` names a column that the file does not have.
    UsageError
        An argument that does not fit the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "people.csv").write_text("id;y1\\n007;1,5\\n008;-99\\n")
    >>> read(folder / "people.csv", missing_codes={-99: "refused"})["y1"].tolist()
    [1.5, nan]
    """
    file = _existing(path)
    extension = file.suffix.lower()
    reader = _reader(extension)
    if reader is None:
        raise FileReadError(_unknown_kind(file, extension))
    options = _checked(ReadOptions(sheet, encoding, delimiter, decimal), extension)
    codes = parse_missing_codes(missing_codes)
    size, digest = _fingerprint(file)
    if not size:
        raise FileReadError(f"{file} is empty (0 bytes). Export or copy the data again.")
    refuse_other_kind(file, extension)
    table = _read_table(reader, file, codes, options)
    frame = pd.DataFrame(table.data)
    if frame.empty:
        raise FileReadError(f"{file} has {frame.shape[1]} columns and {frame.shape[0]} rows. Export the data again.")
    described: Description = {
        "version": 1,
        "source": {
            "file": file.name,
            "format": extension.removeprefix("."),
            "sha256": digest,
            "bytes": size,
            "rows": int(frame.shape[0]),
            "columns": int(frame.shape[1]),
        },
        "columns": {name: known for name, known in table.columns.items() if known},
        "notes": table.notes,
    }
    frame.attrs[ATTRIBUTE] = described
    return frame


def _existing(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path).strip():
        raise UsageError(f'{path!r} is not the name of a file. Give a path such as "data/people.sav".')
    file = Path(path).expanduser()
    if file.is_dir():
        inside = sorted(entry.name for entry in file.iterdir() if _reader(entry.suffix.lower()))
        remedy = f"The data files in it are {shown(inside)}." if inside else "There are no data files in it."
        raise FileReadError(f"{file} is a folder where a file is needed. {remedy}")
    if file.is_file():
        return file
    if not file.parent.is_dir():
        raise FileReadError(f"there is no folder {file.parent}, so no file {file.name} in it. Check the path.")
    near = nearest(file.name, (entry.name for entry in file.parent.iterdir() if entry.is_file()))
    remedy = f"Did you mean '{near}'?" if near else f"Check the path; the working folder is {Path.cwd()}."
    raise FileReadError(f"there is no file {file}. {remedy}")


def _unknown_kind(file: Path, extension: str) -> str:
    known = "trialkit reads .csv, .tsv, .sav, .zsav, .dta, .xlsx and .parquet"
    if extension in (".xls", ".xlsm", ".xlsb", ".ods"):
        return f"{file} is a spreadsheet of another kind ({extension}); {known}. Save it as .xlsx."
    what = f"has an unknown extension ({extension})" if extension else "has no extension"
    return f"{file} {what}; {known}. Rename the file if it is one of these, or export it as one."


def _checked(options: ReadOptions, extension: str) -> ReadOptions:
    misplaced = {
        "sheet": (options.sheet, (".xlsx",)),
        "delimiter": (options.delimiter, _TEXT),
        "encoding": (options.encoding, _ENCODED),
    }
    for name, (value, kinds) in misplaced.items():
        if value is not None and extension not in kinds:
            raise UsageError(f"{name}= has no meaning for a {extension} file, only for {shown(kinds)}. Leave it out.")
    if options.decimal not in (None, ".", ","):
        raise UsageError(f'decimal={options.decimal!r} is not a decimal sign. Give "." or ",".')
    return options


def _fingerprint(file: Path) -> tuple[int, str]:
    try:
        with file.open("rb") as opened:
            return file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise FileReadError(
            f"{file} cannot be opened ({reason}). Check that you may read it and that no program locks it."
        ) from cause


def _read_table(reader: Reader, file: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    try:
        return reader(file, codes, options)
    except TrialkitError:
        raise
    except MemoryError as cause:
        raise FileReadError(
            f"{file} needs more memory than there is: it is very large, or damaged. Close other programs, or export fewer columns."
        ) from cause
    except Exception as cause:
        # The libraries beneath raise whatever their parser stumbled on; for the user it is one thing: this file cannot be read.
        raise FileReadError(_unreadable(file, cause)) from cause


def _unreadable(file: Path, cause: Exception) -> str:
    reason = " ".join(str(cause).split()).rstrip(".") or type(cause).__name__
    if isinstance(cause, UnicodeError) or "encoding" in reason:
        return f'{file} has text in another encoding ({reason}). Say which one it is, as in encoding="cp1252".'
    return (
        f"{file} cannot be read as {file.suffix.lower()} ({reason}): it is damaged, cut off or of another kind. "
        "Copy or export the file again."
    )
