"""Rows of a result that was written to JSON and read again: None and "inf" are numbers once more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

_INFINITE = {"inf": math.inf, "-inf": -math.inf}


def numbers_again(rows: Iterable[Mapping[str, Any]], numeric: Iterable[str]) -> list[dict[str, Any]]:
    """Copies of rows with NaN and infinity in the numeric columns."""
    wanted = frozenset(numeric)
    return [{k: _number(v) if k in wanted else v for k, v in r.items()} for r in rows]


def _number(value: Any) -> Any:
    if value is None:
        return math.nan
    return _INFINITE[value] if isinstance(value, str) and value in _INFINITE else value
