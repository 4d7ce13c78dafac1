"""Error types: one class per remedy, each with the exit code of the command line.

Every message says what is wrong, where, and how to mend it. Exit codes: 2 usage, 3 plan invalid, 4 data do not match,
5 lock mismatch, 6 would unblind, 7 estimation failed, 8 not reproducible.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "ArgumentError",
    "ArmError",
    "ColumnNotFoundError",
    "CombinationError",
    "DataError",
    "DesignError",
    "EstimationError",
    "FileReadError",
    "GroupError",
    "IdentifierError",
    "LockError",
    "MissingDataError",
    "NotIdentifiedError",
    "NotReproducibleError",
    "PlanError",
    "ScaleError",
    "TrialkitError",
    "UnblindingError",
    "UsageError",
    "ValueTypeError",
    "nearest",
    "repeated",
    "shown",
]


class TrialkitError(ValueError):
    """Base of all errors that trialkit raises on purpose."""

    exit_code = 7


class UsageError(TrialkitError):
    """An argument that cannot be what was meant."""

    exit_code = 2


class ArgumentError(UsageError, TypeError):
    """A call with an argument that is missing, unknown or of another kind; a TypeError as well, as for any function of Python."""


class CombinationError(UsageError):
    """An estimator, measure and covariance that do not exist together; names the nearest that do."""


class PlanError(TrialkitError):
    """The plan file cannot be understood: names the line, the key and the remedy."""

    exit_code = 3


class ScaleError(PlanError):
    """A scale definition or its use is wrong."""


class DesignError(PlanError):
    """A randomization design that cannot be carried out."""


class DataError(TrialkitError):
    """The data do not match what was said about them."""

    exit_code = 4


class FileReadError(DataError):
    """A file that is absent, truncated or not of its kind."""


class IdentifierError(DataError):
    """Missing or duplicated identifiers of people."""


class ArmError(DataError):
    """Arms that are absent, unknown or alone."""


class GroupError(DataError):
    """Group labels that contradict the design."""


class ValueTypeError(DataError):
    """Text where numbers belong, or codes that are not values."""


class MissingDataError(DataError):
    """Values that are missing where the analysis cannot do without them."""


class ColumnNotFoundError(DataError):
    """A column that is not in the data; proposes the nearest name."""

    def __init__(self, name: str, available: Iterable[object], where: str = "the data", labels: dict[str, str] | None = None):
        names = [str(a) for a in available]
        near = nearest(name, names)
        if near:
            label = (labels or {}).get(near)
            remedy = f" Did you mean '{near}'{f' (label: {label})' if label else ''}?"
        else:
            remedy = f" The columns are: {shown(names, 12)}."
        super().__init__(f"there is no column '{name}' in {where}.{remedy}")
        self.name = name
        self.near = near


class LockError(TrialkitError):
    """The plan or the data differ from what was locked."""

    exit_code = 5


class UnblindingError(TrialkitError):
    """The step would reveal arms before it may."""

    exit_code = 6


class EstimationError(TrialkitError):
    """The analysis cannot give a number that may be trusted."""

    exit_code = 7


class NotIdentifiedError(EstimationError):
    """The effect cannot be told apart from another term."""


class NotReproducibleError(TrialkitError):
    """A re-run gave other numbers than the stored ones."""

    exit_code = 8


def nearest(name: str, candidates: Iterable[object]) -> str | None:
    """The candidate most like `name`, or None when nothing is near."""
    names = [str(c) for c in candidates]
    folded = {n.casefold(): n for n in reversed(names)}
    found = difflib.get_close_matches(str(name).casefold(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def repeated(items: Sequence[Any]) -> list[Any]:
    """What stands in a list more than once."""
    return [i for i in dict.fromkeys(items) if list(items).count(i) > 1]


def shown(items: Iterable[object], most: int = 5) -> str:
    """Up to `most` items in words: 'a', 'b' and 3 more."""
    values = [f"'{i}'" if isinstance(i, str) else str(i) for i in items]
    if not values:
        return "none"
    if len(values) > most:
        return ", ".join(values[:most]) + f" and {len(values) - most} more"
    return ", ".join(values[:-1]) + " and " + values[-1] if len(values) > 1 else values[0]
