"""Which numbers differ between two results.json of one plan and the same data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["RELATIVE", "ABSOLUTE", "Moved", "moved_numbers"]

# Equal up to one part in 1e9: less is the last digits of another library or processor. Below 1e-12 a number is rounding error of zero.
RELATIVE, ABSOLUTE = 1e-9, 1e-12
# What tells of the run and not of the trial.
_ABOUT_THE_RUN = frozenset(
    {
        "content_version",
        "created",
        "versions",
        "command",
        "lock",
        "data",
        "deviations",
        "departures",
        "plan_text",
        "unblinding",
        "blinding",
    }
)
# Texts that are findings; other sentences may be worded anew by another version.
_FINDINGS = frozenset({"verdicts", "method", "covariance", "estimand", "measure", "verdict", "standing"})


class Moved(NamedTuple):
    """One place: `kind` is 'number', 'text', or 'new' and 'gone' for a part that only one of the two has."""

    where: str
    label: str
    kind: str
    before: Any
    after: Any


def moved_numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[Moved, ...], int]:
    """What moved, in the order of the report, and how many numbers and findings in words were compared.

    Examples
    --------
    >>> found, compared = moved_numbers({"conf_level": 0.95, "n": 3}, {"conf_level": 0.9, "n": 3})
    >>> found[0].where, found[0].before, found[0].after, compared
    ('conf_level', 0.95, 0.9, 2)
    """
    counter = [0]
    parts = [k for k in dict.fromkeys((*before, *after)) if k not in _ABOUT_THE_RUN]
    found = [m for k in parts for m in _compare(before.get(k), after.get(k), k, "", counter, known=k in before and k in after)]
    return tuple(found), counter[0]


def _compare(before: Any, after: Any, where: str, label: str, counter: list[int], *, known: bool = True) -> Iterator[Moved]:
    if not known:
        if _says_something(before) or _says_something(after):
            yield Moved(where, label, "gone" if _says_something(before) else "new", _short(before), _short(after))
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        inner = str(after["label"]) if isinstance(after.get("label"), str) and after["label"] and not label else label
        for key in dict.fromkeys((*before, *after)):
            both = key in before and key in after
            yield from _compare(before.get(key), after.get(key), f"{where}.{key}", inner, counter, known=both)
        return
    if isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, where, label, counter)
        return
    if _is_number(before) or _is_number(after):
        counter[0] += 1
        if not _same(before, after):
            yield Moved(where, label, "number", _short(before), _short(after))
    elif isinstance(before, bool) or _is_finding(where) or type(before) is not type(after):
        counter[0] += 1
        if before != after:
            yield Moved(where, label, "text", _short(before), _short(after))


def _lists(before: list[Any], after: list[Any], where: str, label: str, counter: list[int]) -> Iterator[Moved]:
    """Entries with names are compared by name, others by place."""
    old, new = _by_name(before), _by_name(after)
    if old is not None and new is not None:
        for name in dict.fromkeys((*old, *new)):
            both = name in old and name in new
            yield from _compare(old.get(name), new.get(name), f"{where}['{name}']", label, counter, known=both)
        return
    for i in range(max(len(before), len(after))):
        one, other = (entries[i] if i < len(entries) else None for entries in (before, after))
        yield from _compare(one, other, f"{where}[{i + 1}]", label, counter, known=i < min(len(before), len(after)))


def _by_name(entries: list[Any]) -> dict[str, Any] | None:
    names = [e.get("name") for e in entries if isinstance(e, Mapping)]
    if len(names) != len(entries) or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        return None
    return {str(n): e for n, e in zip(names, entries)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(before: Any, after: Any) -> bool:
    if not (_is_number(before) and _is_number(after)):
        return bool(before == after)
    return math.isclose(before, after, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _is_finding(where: str) -> bool:
    return where.rpartition(".")[2].partition("[")[0] in _FINDINGS


def _says_something(value: Any) -> bool:
    return value not in (None, "", [], {}, ())


def _short(value: Any) -> Any:
    """A value that fits in a cell; of a whole part only that it is one."""
    if isinstance(value, (Mapping, list)):
        return f"({len(value)} entries)"
    return value
