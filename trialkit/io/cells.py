"""From the cells of a column to a column with a type: numbers only when nothing is lost by it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.io.codes import ColumnCodes, blank_numbers
from trialkit.io.labels import MissingCode, plain_code

__all__ = ["TextColumn", "agreed_decimal", "finish", "number_style", "prepare", "settle"]

Decimal = Literal[".", ","]
Style = Literal["empty", "whole", "point", "grouped", "comma", "dutch", "text"]
Column = tuple[pd.Series, list[MissingCode]]

# What R, Excel and Stata write for "no value"; anything else must be declared.
ABSENT = frozenset({"NA", "N/A", "#N/A", "NaN", "nan", "NULL", "<NA>"})
# A lone point is Stata's and SAS's missing number, but may be a word in a text column.
ABSENT_NUMBER = "."

# "007" and 19-digit numbers are names of things: as numbers they would lose digits.
_DIGITS = r"(?:0|[1-9][0-9]{0,14})"
_EXPONENT = r"(?:[eE][+-][0-9]+)?"
_SPACE = re.compile(r"[^\S\n]")
_NOT_WHOLE = re.compile(rf"^(?!-?{_DIGITS}$)", re.M)
_NOT_POINT = re.compile(rf"^(?!-?(?:{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}$|-?[0-9]\.[0-9]+[eE][0-9]+$)", re.M)
_NOT_COMMA = re.compile(rf"^(?!-?(?:{_DIGITS}(?:,[0-9]*)?|,[0-9]+){_EXPONENT}$)", re.M)
_NOT_DUTCH = re.compile(rf"^(?!-?(?:[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}}){{1,4}}(?:,[0-9]*)?|{_DIGITS}(?:,[0-9]*)?|,[0-9]+)$)", re.M)
_BOTH_SIGNS = re.compile(r"\.[0-9]{3},")
_NOT_GROUPED = re.compile(r"\.(?![0-9]{3}$)|^-?[0-9]{4,}\.|^-?\.|^-?0", re.M)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?")
_TRUTH = {"true": True, "false": False}


@dataclass(slots=True)
class TextColumn:
    """A column of text on its way to a type."""

    cells: Sequence[str | None]
    style: Style
    missing: list[MissingCode]

    def words(self) -> set[str]:
        """The different texts in it."""
        return {cell for cell in set(self.cells) if cell is not None}


def number_style(words: Collection[str]) -> Style:
    """How a column writes its numbers, if all its words are numbers.

    Examples
    --------
    >>> number_style(["1", "2"]), number_style(["1,5"]), number_style(["007"]), number_style(["1.000"])
    ('whole', 'comma', 'text', 'grouped')
    >>> number_style(["1.234,56", "2.000"])
    'dutch'
    """
    if not words:
        return "empty"
    # One search through all words at once is far faster than a match for each of them.
    joined = "\n".join(words)
    style = _style(joined)
    if style == "text" and _SPACE.search(joined):
        joined = "\n".join(word.strip() for word in words)
        style = _style(joined)
    return style if joined.count("\n") == len(words) - 1 else "text"


def _style(joined: str) -> Style:
    if not _NOT_WHOLE.search(joined):
        return "whole"
    if not _NOT_POINT.search(joined):
        return "point" if _NOT_GROUPED.search(joined) else "grouped"
    if not _NOT_COMMA.search(joined):
        return "comma"
    # 1.234,56 can be read in one way only, and then 2.000 in the same column is two thousand.
    return "dutch" if _BOTH_SIGNS.search(joined) and not _NOT_DUTCH.search(joined) else "text"


def agreed_decimal(styles: Iterable[Style]) -> Decimal:
    """The decimal sign of a file with semicolons: the comma, unless its numbers plainly use the point.

    Numbers such as 1.000 alone do not tell: they stay text, and the receipt says so.
    """
    seen = set(styles)
    return "." if "point" in seen and not {"comma", "dutch"} & seen else ","


def prepare(values: Sequence[str | None], codes: ColumnCodes, *, absent: Collection[str] = ABSENT) -> TextColumn:
    """Set empty cells and the words that mean missing to None, and look at what is left."""
    style = number_style(values) if None not in values else "text"  # type: ignore[arg-type]
    column = TextColumn(values, style, [])
    if style != "text":
        return column
    words = column.words()
    meanings = {word: f"written as '{word}'" for word in absent} | codes.words | {"": ""}
    words -= _blank(column, _having(words, meanings))
    column.style = number_style(words)
    if column.style == "text" and absent and ABSENT_NUMBER in words:
        rest = number_style(words - {ABSENT_NUMBER})
        if rest not in ("text", "empty"):
            _blank(column, {ABSENT_NUMBER: f"written as '{ABSENT_NUMBER}'"})
            column.style = rest
    return column


def _having(words: set[str], meanings: Mapping[str, str]) -> dict[str, str]:
    """The words that have a meaning, with or without spaces around them."""
    return {word: meanings[bare] for word in words if (bare := word.strip()) in meanings}


def _coded(words: set[str], codes: ColumnCodes) -> dict[str, str]:
    """The words that are numbers declared as missing."""
    reasons = {word: codes.reason(_as_float(word)) for word in words} if codes.numbers else {}
    return {word: reason for word, reason in reasons.items() if reason is not None}


def finish(column: TextColumn, codes: ColumnCodes, *, decimal: Decimal | None) -> Column:
    """Give a prepared column its type; with ``decimal=None`` text stays text."""
    if _is_number(column.style, decimal):
        series, found = blank_numbers(_numbers(column), codes)
        return series, column.missing + found
    words = column.words()
    if column.style != "text":
        _blank(column, _coded(words, codes))
        return _text(column.cells), column.missing
    words -= _blank(column, _having(words, codes.own))
    coded = _coded(words, codes)
    typed = _truths_or_dates(words - coded.keys()) if decimal is not None else None
    if typed is None:
        return _text(column.cells), column.missing
    _blank(column, coded)
    return typed(column.cells), column.missing


def settle(values: Sequence[Any], codes: ColumnCodes, *, decimal: Decimal) -> Column:
    """Give a worksheet's column its type: the same as a CSV export of the sheet would get."""
    missing: list[MissingCode] = []
    if any(isinstance(value, str) for value in values):
        column = prepare([value if isinstance(value, str) else None for value in values], codes)
        missing = column.missing
        values = [kept if isinstance(value, str) else value for value, kept in zip(values, column.cells)]
    values, found = _blank_number_cells(values, codes)
    missing = missing + found
    kinds = {_kind(value) for value in values if value is not None}
    if "text" in kinds or ("date" in kinds and len(kinds) > 1):
        column = prepare([None if value is None else _written(value, decimal) for value in values], codes)
        series, more = finish(column, codes, decimal=decimal)
        return series, missing + more
    return _typed(values, kinds), missing


def _blank(column: TextColumn, reasons: Mapping[str, str]) -> set[str]:
    """Set the words with a reason to None and return them; the reason '' stands for a cell that is merely empty."""
    if reasons:
        cells = column.cells
        for word in sorted(reasons):
            if reasons[word]:
                column.missing.append({"code": word.strip(), "reason": reasons[word], "count": cells.count(word)})
        column.cells = [None if cell in reasons else cell for cell in cells]
    return set(reasons)


def _is_number(style: Style, decimal: Decimal | None) -> bool:
    if decimal is None:
        return False
    return style in ("empty", "whole") or style in (("point", "grouped") if decimal == "." else ("comma", "dutch"))


def _numbers(column: TextColumn) -> pd.Series:
    cells = column.cells
    if column.style == "whole" and None not in cells:
        return pd.Series(np.array(list(map(int, cells)), dtype=np.int64))  # type: ignore[arg-type]
    if column.style in ("comma", "dutch"):
        cells = [None if cell is None else _with_point(cell) for cell in cells]
    if None not in cells:
        return pd.Series(np.array(list(map(float, cells)), dtype=np.float64))  # type: ignore[arg-type]
    return pd.Series(np.array([np.nan if cell is None else float(cell) for cell in cells], dtype=np.float64))


def _with_point(cell: str) -> str:
    return cell.replace(".", "").replace(",", ".")


def _as_float(word: str) -> float | None:
    style = number_style([word])
    if style in ("text", "empty"):
        return None
    return float(_with_point(word) if style in ("comma", "dutch") else word)


def _text(cells: Sequence[str | None]) -> pd.Series:
    if all(cell is None for cell in cells):
        return pd.Series(np.full(len(cells), np.nan))
    return pd.Series(list(cells))


def _truths_or_dates(words: Collection[str]) -> Callable[[Sequence[str | None]], pd.Series] | None:
    if not words:
        return None
    if all(word.strip().lower() in _TRUTH for word in words):
        return _truths
    if not all(_DATE.fullmatch(word.strip()) for word in words):
        return None
    try:
        moments: Mapping[str | None, np.datetime64] = {word: np.datetime64(word.strip(), "us") for word in words}
    except ValueError:
        # The 30th of February: the column stays text, and the first analysis that wants dates says so.
        return None
    return lambda cells: pd.Series(np.array([moments.get(cell, np.datetime64("NaT")) for cell in cells], dtype="datetime64[us]"))


def _truths(cells: Sequence[str | None]) -> pd.Series:
    values = [None if cell is None else _TRUTH[cell.strip().lower()] for cell in cells]
    return pd.Series(values, dtype="boolean" if None in values else "bool")


def _blank_number_cells(values: Sequence[Any], codes: ColumnCodes) -> tuple[Sequence[Any], list[MissingCode]]:
    found: list[MissingCode] = []
    for code, reason in codes.numbers.items():
        count = sum(_kind(value) == "number" and value == code for value in values)
        if count:
            found.append({"code": plain_code(code), "reason": reason, "count": count})
            values = [None if _kind(value) == "number" and value == code else value for value in values]
    return values, found


def _kind(value: object) -> Literal["truth", "number", "date", "text"]:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "date" if isinstance(value, dt.date) else "text"


def _written(value: Any, decimal: Decimal) -> str:
    if isinstance(value, str):
        return value
    kind = _kind(value)
    if kind == "number":
        return str(plain_code(value)).replace(".", decimal)
    if kind == "date":
        at_midnight = isinstance(value, dt.datetime) and value.time() == dt.time()
        return str(value.date() if at_midnight else value)
    return str(value).upper() if kind == "truth" else str(value)


def _typed(values: Sequence[Any], kinds: Collection[str]) -> pd.Series:
    if set(kinds) == {"date"}:
        moments = [np.datetime64("NaT") if value is None else np.datetime64(value, "us") for value in values]
        return pd.Series(np.array(moments, dtype="datetime64[us]"))
    if set(kinds) == {"truth"}:
        return pd.Series(list(values), dtype="boolean" if None in values else "bool")
    return whole(pd.Series(np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)))


def whole(series: pd.Series) -> pd.Series:
    """A float column of whole numbers without gaps as integers, so that an id reads 12 and not 12.0."""
    values = series.to_numpy()
    exact = np.isfinite(values) & (np.abs(values) < 2**53)
    return series.astype(np.int64) if len(values) and bool(np.all(exact)) and bool(np.all(values == np.floor(values))) else series
