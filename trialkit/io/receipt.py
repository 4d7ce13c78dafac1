"""The import receipt: what was read, what is missing and why, and what deserves a look."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal

import pandas as pd
from pandas.api import types

from trialkit.io.frames import to_pandas
from trialkit.io.labels import Source, missing_reasons, notes, source, value_labels, variable_label
from trialkit.io.suspicions import suspicions
from trialkit.misuse import explained

__all__ = ["ColumnReceipt", "Receipt", "receipt"]

Kind = Literal["number", "text", "date", "labelled"]

_NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class ColumnReceipt:
    """One column as it was read; ``missing_by_reason`` adds up to ``n_missing``."""

    name: str
    label: str | None
    kind: Kind
    n_missing: int
    missing_by_reason: dict[str, int]
    n_distinct: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was read: prints as one block of text, and as a table in a notebook."""

    source: Source | None
    rows: int
    columns: tuple[ColumnReceipt, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The receipt as plain values that JSON keeps."""
        plain = asdict(self)
        return {**plain, "columns": list(plain["columns"]), "warnings": list(self.warnings), "notes": list(self.notes)}

    def __str__(self) -> str:
        table = [_HEADER, *(_cells(column) for column in self.columns)]
        widths = [max(len(row[place]) for row in table) for place in range(len(_HEADER))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
        return "\n".join([self._title(), "", *lines, *_listed("Look at", self.warnings), *_listed("Notes", self.notes)])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in _HEADER)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(column)) + "</tr>" for column in self.columns
        )
        lists = "".join(
            f"<p>{title}</p><ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
            for title, items in (("Look at", self.warnings), ("Notes", self.notes))
            if items
        )
        return f"<p>{escape(self._title())}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{lists}"

    def _title(self) -> str:
        size = f"{_count(self.rows, 'row')}, {_count(len(self.columns), 'column')}"
        if self.source is None:
            return size
        return f"{self.source['file']}: {size} ({self.source['bytes']} bytes, sha256 {self.source['sha256'][:12]})"


@explained
def receipt(data: Any) -> Receipt:
    """What a data frame holds: every column with its label, kind and missing values, and warnings of what may be wrong.

    Warnings name text columns that look like numbers (a decimal comma, a code such as "n.v.t."), columns without any value, and
    values such as -99 or 999 that look like missing codes that nobody declared. Nothing is changed.

    Parameters
    ----------
    data
        Any data frame; labels and reasons are known when it was read with `trialkit.io.read.read`.

    Raises
    ------
    UsageError
        Something that is not a frame.
    DataError
        Two columns have the same name.

    Examples
    --------
    >>> import pandas as pd
    >>> print(receipt(pd.DataFrame({"id": ["a", "b", "c"], "y1": [3.5, 4.0, None]})))
    3 rows, 2 columns
    <BLANKLINE>
    column  label  kind    missing              distinct
    id             text    0                    3
    y1             number  1 (no reason given)  2
    """
    frame = to_pandas(data)
    origin = source(frame)
    # Reasons were counted in the file; once rows are gone, nobody knows which of them are left.
    whole_file = origin is None or origin["rows"] == len(frame)
    remarks = list(notes(frame))
    if origin is not None and not whole_file:
        remarks.append(
            f"the file had {origin['rows']} rows and the data have {len(frame)}: missing values are counted without their reasons"
        )
    columns = tuple(_column(frame, name, with_reasons=whole_file) for name in frame.columns)
    return Receipt(origin, len(frame), columns, tuple(suspicions(frame)), tuple(remarks))


def _column(frame: pd.DataFrame, name: str, *, with_reasons: bool) -> ColumnReceipt:
    values = frame[name]
    n_missing = int(values.isna().sum())
    reasons = {reason: count for reason, count in missing_reasons(frame, name).items() if count} if with_reasons else {}
    if sum(reasons.values()) > n_missing:
        # The column was changed after reading (filled in, say): the reasons no longer describe it.
        reasons = {}
    rest = n_missing - sum(reasons.values())
    if rest:
        reasons[_NO_REASON] = rest
    kind: Kind = "labelled" if value_labels(frame, name) else _kind(values)
    return ColumnReceipt(name, variable_label(frame, name), kind, n_missing, reasons, _distinct(values))


def _kind(values: pd.Series) -> Kind:
    dtype = values.dtype
    if types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "date"
    inferred = types.infer_dtype(values, skipna=True)
    if inferred in ("date", "datetime"):
        return "date"
    return "number" if inferred in ("integer", "floating", "mixed-integer-float", "decimal", "boolean") else "text"


def _distinct(values: pd.Series) -> int:
    try:
        return int(values.nunique(dropna=True))
    except TypeError:
        # Lists and the like cannot be compared as such.
        return int(values.dropna().astype(str).nunique())


_HEADER = ("column", "label", "kind", "missing", "distinct")


def _cells(column: ColumnReceipt) -> tuple[str, ...]:
    reasons = column.missing_by_reason
    if len(reasons) == 1:
        missing = f"{column.n_missing} ({next(iter(reasons))})"
    else:
        missing = f"{column.n_missing}" + (f" ({', '.join(f'{reason} {n}' for reason, n in reasons.items())})" if reasons else "")
    return (column.name, column.label or "", column.kind, missing, str(column.n_distinct))


def _listed(title: str, items: tuple[str, ...]) -> list[str]:
    return ["", f"{title}:", *(f"- {item}" for item in items)] if items else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
