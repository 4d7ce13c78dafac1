"""Codes that stand for a missing value, as the researcher declares them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.io.labels import MissingCode, plain_code

__all__ = ["ColumnCodes", "MissingCodes", "blank_numbers", "parse_missing_codes"]

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_REMEDY = 'Give a code and its reason, as in missing_codes={-99: "refused"}, or {"column": {-99: "refused"}} for one column.'


@dataclass(frozen=True, slots=True)
class ColumnCodes:
    """The codes of one column: those that are numbers, and those that are words."""

    numbers: dict[float, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    """The codes declared for this very column, as they would be typed: they hold for text columns too."""

    def reason(self, code: object) -> str | None:
        """What the researcher said that a code means."""
        if isinstance(code, str):
            return self.own.get(code) or self.words.get(code)
        return self.numbers.get(float(code)) if isinstance(code, Real) else None


@dataclass(frozen=True, slots=True)
class MissingCodes:
    """All declared codes: those that hold everywhere and those of single columns."""

    everywhere: ColumnCodes = field(default_factory=ColumnCodes)
    by_column: dict[str, ColumnCodes] = field(default_factory=dict)

    def of(self, column: str) -> ColumnCodes:
        """The codes of one column; what was said of the column itself goes before what was said of all."""
        own = self.by_column.get(column)
        if own is None:
            return self.everywhere
        return ColumnCodes({**self.everywhere.numbers, **own.numbers}, {**self.everywhere.words, **own.words}, own.own)

    def check(self, columns: Iterable[str]) -> None:
        """Refuse codes for a column that the data do not have."""
        names = list(columns)
        for name in self.by_column:
            if name not in names:
                raise ColumnNotFoundError(name, names, where="the data, though missing_codes names it")


def parse_missing_codes(codes: Mapping[Any, Any] | None) -> MissingCodes:
    """Understand ``missing_codes``: a reason by code, or a column's own codes by its name.

    Codes may be numbers or text; text that looks like a number ("-99", as TOML writes its keys) is that number.

    Raises
    ------
    UsageError
        Something else than codes with reasons was given.

    Examples
    --------
    >>> parse_missing_codes({"-99": "refused", "income": {999: "not asked"}}).of("income").numbers
    {-99.0: 'refused', 999.0: 'not asked'}
    """
    if codes is None:
        return MissingCodes()
    if not isinstance(codes, Mapping):
        raise UsageError(f"missing_codes is a {type(codes).__name__} where a table of codes and reasons is needed. {_REMEDY}")
    general = {code: reason for code, reason in codes.items() if not isinstance(reason, Mapping)}
    own = {str(name): _column_codes(inner) for name, inner in codes.items() if isinstance(inner, Mapping)}
    everywhere = _column_codes(general)
    return MissingCodes(ColumnCodes(everywhere.numbers, everywhere.words), own)


def _column_codes(codes: Mapping[Any, Any]) -> ColumnCodes:
    numbers: dict[float, str] = {}
    words: dict[str, str] = {}
    own: dict[str, str] = {}
    for code, reason in codes.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"the missing code {code!r} has no reason in words. {_REMEDY}")
        number = _as_number(code)
        if number is None:
            words[str(code).strip()] = reason
            own[str(code).strip()] = reason
        else:
            numbers[number] = reason
            own[str(plain_code(number))] = reason
            own[str(code)] = reason
    return ColumnCodes(numbers, words, own)


def _as_number(code: object) -> float | None:
    if isinstance(code, str):
        if not code.strip():
            raise UsageError(f"a missing code is empty; empty cells are missing without being declared. {_REMEDY}")
        return float(code) if _NUMBER.fullmatch(code.strip()) else None
    if isinstance(code, bool | np.bool_) or not isinstance(code, Real) or not math.isfinite(float(code)):
        raise UsageError(f"the missing code {code!r} is neither a number nor text. {_REMEDY}")
    return float(code)


def blank_numbers(series: pd.Series, codes: ColumnCodes) -> tuple[pd.Series, list[MissingCode]]:
    """A numeric column with its declared codes set to missing, and how often each occurred."""
    found: list[MissingCode] = []
    blank = np.zeros(len(series), dtype=bool)
    if codes.numbers:
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        for code, reason in codes.numbers.items():
            hits = values == code
            if hits.any():
                found.append({"code": plain_code(code), "reason": reason, "count": int(hits.sum())})
                blank |= hits
    # mask() would turn an int column into object in some versions of pandas; going through float64 gives NaN in all of them.
    if not blank.any():
        return series, found
    if pd.api.types.is_extension_array_dtype(series.dtype):
        return series.mask(blank), found
    return series.astype(np.float64).mask(blank), found
