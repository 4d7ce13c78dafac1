"""Numbers per arm that a user gives, checked against the people there are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from trialkit.design.people import as_mapping
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import IntArray


def label_text(label: Hashable) -> str:
    """A stratum in words."""
    return " / ".join(str(part) for part in label) if isinstance(label, tuple) else str(label)


def looked_up(mapping: Mapping[Any, Any], wanted: Sequence[Hashable], what: str) -> list[Any]:
    """Values of `mapping` for every label, found by the label or by its text (files write numbers as text).

    Raises
    ------
    DesignError
        For labels without a value, and for keys that are not labels.
    """
    by_text = {label_text(key): value for key, value in mapping.items()}
    found = [mapping[w] if w in mapping else by_text.get(label_text(w)) for w in wanted]
    absent = [label_text(w) for w, value in zip(wanted, found) if value is None]
    if absent:
        raise DesignError(
            f"{what} says nothing about {shown(absent)}: it needs a line for each of {shown(map(label_text, wanted), 8)}."
        )
    known = {label_text(w) for w in wanted}
    extra = [key for key in by_text if key not in known]
    if extra:
        raise DesignError(
            f"{what} names {shown(extra)}, which the people do not have; they have {shown(map(label_text, wanted), 8)}."
        )
    return found


def fixed_counts(
    counts: Any, *, arms: Sequence[Hashable], labels: Sequence[Hashable], sizes: IntArray, nouns: str, stratified: bool
) -> IntArray:
    """(cells, arms) numbers of a `counts` argument: arm -> number, or for strata label -> arm -> number."""
    given = as_mapping(counts)
    if not isinstance(given, Mapping):
        example = "counts={'north': {'a': 3, 'b': 3}, ...}" if stratified else "counts={'a': 3, 'b': 3}"
        raise UsageError(f"counts is a mapping, as in {example}, or counts='observed'.")
    rows = looked_up(given, labels, "counts") if stratified else [given]
    table = [_row(row, arms, label, stratified) for row, label in zip(rows, labels)]
    for row, size, label in zip(table, sizes, labels):
        if sum(row) != size:
            where = f" of stratum '{label_text(label)}'" if stratified else ""
            raise DesignError(
                f"the counts{where} sum to {sum(row)} ({_row_text(arms, row)}), and there are {size} {nouns}: they must be equal."
            )
    return np.array(table, dtype=np.int64)


def _row(row: Any, arms: Sequence[Hashable], label: Hashable, stratified: bool) -> list[int]:
    what = f"counts of stratum '{label_text(label)}'" if stratified else "counts"
    mapping = as_mapping(row)
    if not isinstance(mapping, Mapping):
        raise UsageError(f"{what} is {row!r}: give a number for each arm, as in {{'a': 3, 'b': 3}}.")
    values = looked_up(mapping, arms, what)
    wrong = [v for v in values if isinstance(v, bool) or not float(v).is_integer() or v < 0]
    if wrong:
        raise DesignError(f"{what} holds {shown(wrong)}: numbers of {shown(arms)} are whole and not negative.")
    return [int(v) for v in values]


def _row_text(arms: Sequence[Hashable], row: Sequence[int]) -> str:
    return ", ".join(f"{arm}: {n}" for arm, n in zip(arms, row))
