"""Answers to items as numbers: finding the columns, reading text and labels, refusing what is no answer."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ColumnNotFoundError, DataError, UsageError, ValueTypeError, nearest, shown
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.answer_formats import formats_that_hold

__all__ = ["Answers", "as_frame", "item_columns", "missing_values", "read_answers", "rows_in_words"]

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
PLACE = re.compile(r"\{item(:0\d+d?)?\}")


@dataclass(frozen=True, slots=True)
class Answers:
    """Codes as they stand in the file (people x items; NaN where missing) and the columns whose numbers were stored as text."""

    codes: NDArray[np.float64]
    text_columns: tuple[str, ...]


def as_frame(data: Any) -> pd.DataFrame:
    """The data as a pandas frame; other frames are converted by their own `to_pandas`."""
    if not isinstance(data, pd.DataFrame) and hasattr(data, "to_pandas"):
        data = data.to_pandas()
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"the data must be a data frame, not {type(data).__name__}. Read the file or build a DataFrame first.")
    if len(data) == 0:
        raise DataError("the data have no rows, so there is nothing to score.")
    return data


def item_columns(
    items: str | Sequence[Hashable], scale: Scale, numbers: Sequence[int], available: Sequence[Hashable]
) -> list[Hashable]:
    """The column of each item number in `numbers`, from a pattern with {item} or a list in the order of the scale."""
    columns = _by_pattern(items, numbers) if isinstance(items, str) else _by_list(list(items), scale, numbers)
    absent = [(n, c) for n, c in zip(numbers, columns) if c not in set(available)]
    if absent:
        number, column = absent[0]
        # A column that serves another item is no misspelling of this one.
        others = [c for c in available if c not in set(columns)]
        which = f"item {number}" + (f"; {len(absent)} of {len(columns)} item columns are absent" if len(absent) > 1 else "")
        raise ColumnNotFoundError(str(column), others or available, where=f"the data (scale '{scale.key}', {which})")
    repeated = [c for c in columns if list(available).count(c) > 1]
    if repeated:
        raise DataError(f"the data have more than one column named {shown(repeated)}. Rename or drop the copies.")
    return columns


def _by_pattern(pattern: str, numbers: Sequence[int]) -> list[Hashable]:
    rest = PLACE.sub("", pattern)
    if rest == pattern or "{" in rest or "}" in rest:
        raise UsageError(
            f"items='{pattern}' must hold the place of the item number as {{item}}, and no other braces: for instance "
            f"items='gse_t0_{{item}}' for gse_t0_1, gse_t0_2, ..., '{{item:02d}}' for 01, 02, ...; or give a list of columns."
        )
    return [pattern.format(item=n) for n in numbers]


def _by_list(columns: list[Hashable], scale: Scale, numbers: Sequence[int]) -> list[Hashable]:
    twice = sorted({str(c) for c in columns if columns.count(c) > 1})
    if twice:
        raise UsageError(f"items lists {shown(twice)} more than once. Each item has its own column, in the order of the scale.")
    if len(columns) == scale.items:
        return [columns[n - 1] for n in numbers]
    if len(columns) == len(numbers):
        return columns
    wanted = f"{scale.items}" if len(numbers) == scale.items else f"{scale.items} (or the {len(numbers)} of the subscale)"
    raise UsageError(
        f"items lists {len(columns)} columns, but the scale '{scale.key}' has {wanted} items. List one column for each item, "
        f"in the order of the scale."
    )


def missing_values(missing_codes: Iterable[Any] | None) -> tuple[NDArray[np.float64], frozenset[str]]:
    """Declared missing codes as numbers and as text."""
    if missing_codes is None:
        return np.empty(0), frozenset()
    if isinstance(missing_codes, str | Real):
        missing_codes = [missing_codes]
    numbers, words = [], set()
    for code in missing_codes:
        if isinstance(code, str) and not NUMBER.fullmatch(code.strip()):
            words.add(code.strip().casefold())
        elif isinstance(code, str | Real):
            numbers.append(float(code))
        else:
            raise UsageError(f"missing_codes holds {code!r}; list numbers or words, such as missing_codes=[-99, 'refused'].")
    return np.array(numbers, dtype=float), frozenset(words)


def read_answers(
    data: pd.DataFrame,
    columns: Sequence[Hashable],
    *,
    value_labels: Mapping[str, float | None] | None,
    missing_codes: Iterable[Any] | None,
    steps: int | None = None,
) -> Answers:
    """The answers as numbers, with declared missing codes set to missing; `steps`, the number of answers, serves the remedy."""
    labels = _folded(value_labels)
    numbers, words = missing_values(missing_codes)
    codes = np.empty((len(data), len(columns)), dtype=float)
    text_columns = []
    data = data.copy(deep=False)
    data.attrs = {}  # pandas copies the labels of a file deeply with every column that is taken
    for position, column in enumerate(columns):
        codes[:, position], was_text = _read_column(data[column], column, labels=labels, missing_words=words, steps=steps)
        if was_text:
            text_columns.append(str(column))
    if numbers.size:
        codes[np.isin(codes, numbers)] = np.nan
    return Answers(codes=codes, text_columns=tuple(text_columns))


def _folded(value_labels: Mapping[str, float | None] | None) -> dict[str, float]:
    """Labels without regard to case and outer blanks."""
    if value_labels is None:
        return {}
    if not isinstance(value_labels, Mapping):
        raise UsageError("value_labels must be a mapping from text to code, such as {'never': 0, 'always': 3}.")
    folded: dict[str, float] = {}
    for label, code in value_labels.items():
        if not isinstance(label, str) or not (code is None or (isinstance(code, Real) and not isinstance(code, bool))):
            turned = " It seems to be the other way round, from code to text: turn it around." if isinstance(code, str) else ""
            raise UsageError(f"value_labels must lead from text to a number (None for missing), not {label!r}: {code!r}.{turned}")
        key, number = label.strip().casefold(), np.nan if code is None else float(code)
        if key in folded and not np.array_equal(folded[key], number, equal_nan=True):
            raise UsageError(f"value_labels gives '{label}' two codes when capitals are ignored. Keep one.")
        folded[key] = number
    return folded


def _read_column(
    series: pd.Series, column: Hashable, *, labels: dict[str, float], missing_words: frozenset[str], steps: int | None
) -> tuple[NDArray[np.float64], bool]:
    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        positions, distinct = series.cat.codes.to_numpy(), list(series.cat.categories)
    elif pd.api.types.is_bool_dtype(kind) or (pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)):
        return series.to_numpy(dtype=float, na_value=np.nan), False
    elif pd.api.types.is_string_dtype(kind) or kind.kind == "O":
        try:
            positions, found = pd.factorize(series, use_na_sentinel=True)
        except TypeError:
            raise ValueTypeError(f"column '{column}' holds lists, not answers. Give each item a column of codes.") from None
        distinct = list(found)
    else:
        raise ValueTypeError(f"column '{column}' holds {kind}, not answers to an item. Check which columns the items are in.")
    parsed = [_number(value, labels, missing_words) for value in distinct]
    _refuse_text(series, column, positions, distinct, parsed, labels, steps)
    numbers = np.array([np.nan if p is None else p for p in parsed] + [np.nan])  # position -1 is the missing one
    was_text = any(isinstance(v, str) and NUMBER.fullmatch(v.strip()) and v.strip().casefold() not in labels for v in distinct)
    return numbers[positions], was_text and not isinstance(kind, pd.CategoricalDtype)


def _number(value: object, labels: dict[str, float], missing_words: frozenset[str]) -> float | None:
    """The code of a distinct value; NaN for missing; None when it is no number and has no label."""
    if isinstance(value, str):
        text = value.strip()
        if text.casefold() in labels:
            return labels[text.casefold()]
        if not text or text.casefold() in missing_words:
            return float("nan")
        return float(text) if NUMBER.fullmatch(text) else None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _refuse_text(
    series: pd.Series,
    column: Hashable,
    positions: NDArray[Any],
    distinct: list[Any],
    parsed: list[float | None],
    labels: dict[str, float],
    steps: int | None,
) -> None:
    unread = np.array([p is None for p in parsed] + [False])
    rows = unread[positions]
    if not rows.any():
        return
    seen = [str(distinct[p]) for p in dict.fromkeys(positions[rows].tolist())]
    if labels:
        near = nearest(seen[0], labels)
        guess = f"; did you mean {near!r}?" if near else "."
        remedy = f"value_labels has no code for it{guess} Add it, or say missing_codes=[{seen[0]!r}]."
    else:
        remedy = f"Say what the words stand for, as in value_labels={{{seen[0]!r}: 1, ...}}, or export codes instead of labels."
        formats = formats_that_hold(seen, steps) if steps is not None else []
        if formats:
            remedy += f" The words are those of the answer format '{formats[0]}': say value_labels='{formats[0]}', or answer_labels('{formats[0]}', codes=...)."
    raise ValueTypeError(
        f"column '{column}' holds text where answer codes belong: {shown(seen)} ({rows_in_words(series.index[rows])}). {remedy}"
    )


def rows_in_words(rows: pd.Index, most: int = 5) -> str:
    """'row 3' or 'rows 3, 7 and 2 more', by the labels of the index."""
    labels = [row.item() if isinstance(row, np.generic) else row for row in rows[:most]]
    labels += [""] * (len(rows) - len(labels))  # shown() counts what it leaves out
    return ("row " if len(rows) == 1 else "rows ") + shown(labels, most)
