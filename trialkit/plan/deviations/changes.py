"""What differs between the locked plan and the present one, and which of it the ledger tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialkit.plan.deviations.entry import Entry
from trialkit.plan.locking.canonical import canonical_json
from trialkit.plan.locking.differences import Difference
from trialkit.plan.schema.scale_files import digest, is_own

__all__ = ["Changes", "changed_definitions", "changes_of"]


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a locked plan.

    Attributes
    ----------
    logged : changes of which the ledger tells the present value, each with its entry. unlogged : the others.
    """

    logged: tuple[tuple[Difference, Entry], ...]
    unlogged: tuple[Difference, ...]

    @property
    def all(self) -> tuple[Difference, ...]:
        return (*(d for d, _ in self.logged), *self.unlogged)

    @property
    def ids(self) -> tuple[str, ...]:
        """Numbers of the entries that are in force."""
        return tuple(e.id for _, e in self.logged)


def changes_of(found: Sequence[Difference], entries: Sequence[Entry]) -> Changes:
    """Differences sorted by whether the last entry on the same place tells exactly this change.

    An entry covers one change: a key that was changed again after it was logged needs an entry of its own.

    Examples
    --------
    >>> changes_of([Difference("analysis.conf_level", 0.95, 0.9)], []).unlogged[0].path
    'analysis.conf_level'
    """
    last = {e.plan_path: e for e in entries}
    logged, unlogged = [], []
    for difference in found:
        entry = last.get(difference.path)
        if entry is not None and _same(entry.new, difference.present) and _same(entry.original, difference.locked):
            logged.append((difference, entry))
        else:
            unlogged.append(difference)
    return Changes(tuple(logged), tuple(unlogged))


def changed_definitions(manifest: Mapping[str, Any], folder: Path | None) -> Iterator[Difference]:
    """The plan's own scale files that are not the locked ones, by their hashes."""
    for entry in manifest["scales"]:
        locked = entry.get("sha256")
        now = digest(str(entry["scale"]), folder) if is_own(str(entry["scale"])) else None
        if locked is not None and now is not None and locked != now:
            yield Difference(definition_path(entry["name"]), locked, now)


def definition_path(scale: str) -> str:
    """The place in the ledger of a scale file of the plan's own."""
    return f"scales['{scale}'].definition"


def _same(one: Any, other: Any) -> bool:
    try:
        return canonical_json(one) == canonical_json(other)
    except ValueError:
        return False
