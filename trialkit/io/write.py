"""Write results whole or not at all, and in the same bytes everywhere."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.errors import DataError, UsageError
from trialkit.io.exchange import exchange, tidied
from trialkit.io.frames import plain_objects, to_pandas

__all__ = ["FORMULA_STARTS", "MARKER", "atomic_folder", "atomic_text", "column_texts", "content_hash", "sha256_of", "write_csv"]

MARKER = ".trialkit"
_MARKER_TEXT = "This folder was written by trialkit and is replaced as a whole when it is written again.\n"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Where lists are separated by semicolons (as in Dutch), Excel cuts a file with commas at the semicolons and line breaks inside its cells.
_INNER_FORMULA = re.compile(r"(?<=[;\t\r\n])(?=[=+\-@])")
_NEEDS_QUOTES = frozenset(',"\r\n')


@contextmanager
def atomic_folder(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Fill a folder that appears in its place only when it is complete.

    Yields a temporary folder beside the target. When the block ends, it takes the target's place and the former one is removed;
    when the block fails, the former one stays as it was.

    Raises
    ------
    UsageError
        The target is a file, or a folder with files that trialkit did not write.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "report"
    >>> with atomic_folder(target) as folder:
    ...     _ = (folder / "results.json").write_text("{}")
    >>> sorted(entry.name for entry in target.iterdir())
    ['.trialkit', 'results.json']
    """
    # Through a link to the folder it stands for: else the link itself would be replaced.
    place = Path(target).expanduser().resolve()
    _refuse_foreign(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    tidied(place)
    beside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:12]}.tmp")
    beside.mkdir()
    try:
        yield beside
        (beside / MARKER).write_text(_MARKER_TEXT, encoding="utf-8", newline="\n")
        _refuse_foreign(place)
        _swap(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _refuse_foreign(place: Path) -> None:
    if place.is_file():
        raise UsageError(f"{place} is a file where a folder is to be written. Choose another name, or remove the file.")
    if place.is_dir() and not (place / MARKER).is_file() and any(place.iterdir()):
        raise UsageError(
            f"the folder {place} holds files that trialkit did not write, and would be replaced as a whole. "
            "Choose a new or empty folder."
        )


def _swap(new: Path, place: Path) -> None:
    if not place.exists():
        new.rename(place)
        return
    if exchange(new, place):
        shutil.rmtree(new, ignore_errors=True)
        return
    former = new.with_suffix(".former")
    place.rename(former)
    try:
        new.rename(place)
    except BaseException:
        former.rename(place)
        raise
    shutil.rmtree(former, ignore_errors=True)


def atomic_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8 with LF line endings: whole, or not at all.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "plan.toml"
    >>> atomic_text(path, "alpha = 0.05\\n")
    >>> path.read_text()
    'alpha = 0.05\\n'
    """
    place = Path(path).expanduser().resolve()
    if place.is_dir():
        raise UsageError(f"{place} is a folder where a file is to be written. Give the name of a file in it.")
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_csv(frame: Any, path: str | os.PathLike[str]) -> None:
    """Write a data frame as CSV: UTF-8, LF line endings, every digit of every number, the same bytes on every platform.

    Missing values are empty cells. Text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage
    return, also behind a semicolon or line break inside it) gets an apostrophe in front; numbers are left alone. The index is not written.

    Examples
    --------
    >>> import pandas as pd, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> write_csv(pd.DataFrame({"id": ["=1+1", "b"], "y1": [-0.5, None]}), path)
    >>> path.read_text()
    "id,y1\\n'=1+1,-0.5\\nb,\\n"
    """
    data = _without_labels(frame)
    columns = [[_text_cell(name), *_cells(data[name])] for name in data.columns]
    # A line of one empty cell would read as no line at all.
    empty = '""' if len(columns) == 1 else ""
    atomic_text(path, "".join(f"{','.join(row) or empty}\n" for row in zip(*columns)))


def _without_labels(frame: Any) -> pd.DataFrame:
    """The values alone: pandas copies the labels of a file deeply with every column that is taken."""
    data = to_pandas(frame)
    data.attrs = {}
    return plain_objects(data)


def _cells(values: pd.Series) -> list[str]:
    """A column as the text of its cells, missing values as ''."""
    return ["" if gone else _cell(value) for value, gone in zip(_items(values), values.isna().tolist())]


def _items(values: pd.Series) -> list[Any]:
    """The values as plain Python objects, whatever kind of column holds them."""
    dtype = values.dtype
    if types.is_datetime64_any_dtype(dtype):
        if isinstance(dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        return [_moment(value) for value in values.to_numpy(dtype="datetime64[us]")]
    items: list[Any] = values.tolist()
    if types.is_object_dtype(dtype):
        return [value.item() if isinstance(value, np.generic) else value for value in items]
    return items


def _moment(value: np.datetime64) -> str:
    """A day when the time is midnight, else day and time without empty fractions."""
    day, _, time = str(value).partition("T")
    return day if time in ("", "00:00:00.000000") else f"{day} {time.removesuffix('.000000')}"


def _cell(value: object) -> str:
    if isinstance(value, str):
        return _text_cell(value)
    return repr(value) if isinstance(value, float) else str(value)


def _text_cell(text: str) -> str:
    if text.startswith(FORMULA_STARTS):
        text = f"'{text}"
    text = _INNER_FORMULA.sub("'", text)
    # Not the csv module: versions of Python differ in when they quote a carriage return.
    return text if _NEEDS_QUOTES.isdisjoint(text) else '"' + text.replace('"', '""') + '"'


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "empty"
    >>> path.touch()
    >>> sha256_of(path)[:8]
    'e3b0c442'
    """
    with Path(path).expanduser().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(frame: Any) -> str:
    """A SHA-256 of what a data frame says, whatever file or kind of column it came in.

    The same for 1, 1.0 and a nullable 1, for text and categories, for a missing value of any kind (an empty text is missing), for
    True and 1, for columns in another order, and for the same values out of .csv, .sav, .dta, .xlsx and Parquet. Another name of a
    column, another value or another order of the rows gives another hash. Labels and the index do not count.

    Raises
    ------
    DataError
        A column holds values that have no plain text, such as lists.

    Examples
    --------
    >>> import pandas as pd
    >>> content_hash(pd.DataFrame({"y": [1, 2]})) == content_hash(pd.DataFrame({"y": [1.0, 2.0]}))
    True
    """
    data = _without_labels(frame)
    digest = hashlib.sha256(f"trialkit content 1;{len(data)};".encode())
    for name in sorted(data.columns):
        # Each text carries its length, so that no value can pass for two.
        digest.update(f"{len(name)}:{name}|".encode())
        digest.update(";".join(_canonical(data[name], name)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def column_texts(values: pd.Series, name: str) -> list[str]:
    """The cells of a column as `content_hash` takes them, of a frame that went through `plain_objects`."""
    return list(_canonical(values, name))


def _canonical(values: pd.Series, name: str) -> Iterator[str]:
    for value, gone in zip(_items(values), values.isna().tolist()):
        text = "" if gone else _canonical_text(value, name)
        yield f"{len(text)}:{text}" if text else "-"


def _canonical_text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, pd.Timedelta | pd.Timestamp | pd.Period) or not hasattr(value, "__iter__"):
        return str(value)
    raise DataError(f"column '{name}' holds a {type(value).__name__} in a cell. Give each cell one value.")
