"""The counts of a report as facts: one fact may be printed in many places, and equations tie facts together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Any

from trialkit.report.disclosure.suppress import suppressed

__all__ = ["Ledger"]

NEEDED = ("randomized", "observed")  # what a report is hardly read without


class Ledger:
    """Facts with their counts, the places where each is printed, and what follows from it."""

    def __init__(self, least: int) -> None:
        self.least = least
        self.counts: dict[Hashable, int] = {}
        self.equations: list[dict[Hashable, int]] = []
        self._places: dict[Hashable, list[tuple[dict[str, Any], str, bool]]] = {}
        self._following: dict[Hashable, list[tuple[dict[str, Any], tuple[str, ...]]]] = {}

    def fact(self, key: Hashable, count: Any) -> bool:
        """Note a count; False where it is no whole number of people."""
        if isinstance(count, bool) or not isinstance(count, (int, float)) or not math.isfinite(count):
            return False
        if abs(count - round(count)) > 1e-6 * max(1.0, abs(count)) or count < 0:
            return False
        self.counts.setdefault(key, round(count))
        return True

    def printed(self, key: Hashable, row: dict[str, Any], field: str, *, following: Iterable[str] = ()) -> None:
        """A place where the count stands, and the fields of the same row that follow from it."""
        if self.fact(key, row.get(field)):
            self._places.setdefault(key, []).append((row, field, True))
            self.follows(key, row, following)

    def printed_share(self, key: Hashable, whole: Any, row: dict[str, Any], field: str, *, following: Iterable[str] = ()) -> None:
        """A place where the count stands as a share of a whole: the share is as good as the count."""
        share = row.get(field)
        known = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (share, whole))
        if known and self.fact(key, share * whole):
            self._places.setdefault(key, []).append((row, field, False))
            self.follows(key, row, following)

    def follows(self, key: Hashable, row: dict[str, Any], fields: Iterable[str]) -> None:
        """Fields of a row from which the count could be worked out."""
        self._following.setdefault(key, []).append((row, tuple(fields)))

    def sums(self, total: Hashable, parts: Iterable[Hashable]) -> None:
        """The parts sum to the total; nothing where a part is no fact."""
        found = list(parts)
        if total in self.counts and found and all(p in self.counts for p in found):
            self.equations.append({total: -1, **dict.fromkeys(found, 1)})

    def rest(self, whole: Hashable, part: Hashable) -> Hashable:
        """The people of the whole who are not in the part: a count that a reader finds by subtraction."""
        key = ("not", part)
        if whole in self.counts and part in self.counts and self.fact(key, self.counts[whole] - self.counts[part]):
            self.sums(whole, (part, key))
        return key

    def withhold(self) -> set[Hashable]:
        """Put marks in the place of what is withheld and take away what follows from it; the facts that were found to need it."""
        printed = set(self._places)
        hidden = frozenset(k for k in self.counts if k not in printed)
        last = frozenset(k for k in printed if isinstance(k, tuple) and k[0] in NEEDED)
        found = suppressed(self.counts, self.equations, self.least, hidden=hidden, last=last)
        unsafe = {k for k in hidden if 1 <= self.counts[k] < self.least}
        for key, mark in found.items():
            for row, field, counted in self._places[key]:
                row[field] = mark if counted else None
        for key in (*found, *unsafe):
            for row, fields in self._following.get(key, ()):
                row.update({f: None for f in fields if f in row})
        return set(found) | unsafe
