"""Writing deviations down: those that the plan itself shows, or what happened outside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import LockError, UsageError, nearest, shown
from trialkit.plan.deviations.changes import Changes, changed_definitions, changes_of
from trialkit.plan.deviations.entry import Entry, checked_choice, checked_text, kind_of_path
from trialkit.plan.deviations.ledger import append, ledger_beside, read_ledger
from trialkit.plan.locking.differences import Difference, differences
from trialkit.plan.locking.manifest import locked_plan, read_lock
from trialkit.plan.locking.verify import verify

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["ledger_of", "log_deviations", "present_changes", "wanted"]


def ledger_of(plan: PlanRecord, lock: str | Path | None = None) -> tuple[Path, dict[str, Any], tuple[Entry, ...]]:
    """Where the ledger stands, the manifest of the lock, and the entries."""
    place = plan.lock_path if lock is None else Path(lock)
    manifest = read_lock(place)
    path = ledger_beside(plan.path if plan.path is not None else place)
    return path, manifest, read_ledger(path, manifest)


def present_changes(plan: PlanRecord, lock: str | Path | None = None) -> Changes:
    """What differs between the lock and the plan as it stands, sorted by whether the ledger tells it.

    Raises
    ------
    LockError
        When there is no lock, or lock or ledger were edited.
    """
    place = plan.lock_path if lock is None else Path(lock)
    _, manifest, entries = ledger_of(plan, place)
    return changes_of([*differences(locked_plan(manifest), plan.to_dict()), *changed_definitions(manifest, plan.folder)], entries)


def log_deviations(
    plan: PlanRecord,
    *,
    reason: str,
    timing: str,
    severity: str,
    validity: str,
    by: str,
    path: str | None = None,
    type: str | None = None,
    approved: str = "",
    original: Any = None,
    new: Any = None,
    lock: str | Path | None = None,
    at: datetime | None = None,
) -> tuple[Entry, ...]:
    """Add deviations to the ledger beside the plan.

    Parameters
    ----------
    plan
        The plan as it stands now; it has a lock.
    reason, timing, severity, validity, by, approved
        As in `Entry`; all but `approved` are needed.
    path
        The key that differs. Unsaid: every difference that the ledger does not tell yet, with this one reason; log them one by one where
        their reasons differ.
    type
        The kind of deviation; unsaid: by the key.
    original, new
        For what no key of the plan shows, such as a recruitment that ended early: the planned and the actual state of affairs, in words
        or numbers. For a key that differs both are taken from lock and plan.
    lock, at
        The lock, where it is not beside the plan; the time, unsaid now.

    Returns
    -------
    tuple of Entry
        What was added.

    Raises
    ------
    UsageError
        When something is not said, or there is nothing to log.
    LockError
        When there is no lock, or lock or ledger were edited.

    Examples
    --------
    >>> log_deviations(plan, reason="Asked for by the funder.", timing="before_data", severity="unchanged",
    ...                validity="increased", by="A. Jansen")                                # doctest: +SKIP
    """
    from trialkit.design.record.ledger import moment

    said = {
        "reason": checked_text("reason", reason),
        "timing": checked_choice("timing", timing),
        "by": checked_text("by", by),
        "approved": checked_text("approved", approved, needed=False),
        "date": moment(at),
        "severity": checked_choice("severity", severity),
        "validity": checked_choice("validity", validity),
    }
    kind = None if type is None else checked_choice("type", type)
    place = plan.lock_path if lock is None else Path(lock)
    if damage := verify(place).damage:
        raise LockError(f"{place.name}: {'; '.join(damage)}")
    target, manifest, _ = ledger_of(plan, place)
    found = wanted(present_changes(plan, place), locked_plan(manifest), path, original, new, kind)
    source = "plan" if new is None else "person"
    entries = [
        {
            "plan_path": d.path,
            "original": d.locked,
            "new": d.present,
            "type": kind or kind_of_path(d.path),
            "source": source,
            **said,
        }
        for d in found
    ]
    return append(target, manifest, entries, by=said["by"], at=said["date"])


def wanted(
    changes: Changes, locked: Mapping[str, Any], path: str | None, original: Any, new: Any, kind: str | None
) -> tuple[Difference, ...]:
    """The differences to be logged, or a UsageError that says why there are none."""
    if path is None and new is None:
        if original is not None:
            raise UsageError("original is what was planned: say also what was done instead, new='...'.")
        if not changes.unlogged:
            raise UsageError(
                "there is nothing to log: the plan is the locked one in every key that is not in the ledger. For what stands in no key "
                "(a recruitment that ended early) say new='...' and type='...'."
            )
        return changes.unlogged
    if path is None:
        if kind is None:
            raise UsageError("type is not said: what happened outside the plan's keys needs its kind, as in type='sample'.")
        return (Difference("", _plain(original), _plain(new)),)
    found = next((d for d in changes.unlogged if d.path == path), None)
    if found is not None:
        if new is not None or original is not None:
            raise UsageError(
                f"'{path}' differs between lock and plan, and both values are taken from there: leave out original and new."
            )
        return (found,)
    if any(d.path == path for d, _ in changes.logged):
        raise UsageError(f"the change of '{path}' is in the ledger already; what it says of its reason stays. Nothing was added.")
    keys = dict(_paths(locked))
    if path not in keys:
        known = [d.path for d in changes.all] or list(keys)
        near = nearest(path, known)
        remedy = (
            f"Did you mean '{near}'?" if near else f"The keys that differ are: {shown([d.path for d in changes.unlogged], 8)}."
        )
        raise UsageError(f"there is no '{path}' in the plan. {remedy}")
    if new is None:
        raise UsageError(
            f"'{path}' is in the plan as it was locked. If it was not done so, say what was done instead: new='...'."
        )
    return (Difference(path, keys[path], _plain(new)),)


def _paths(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every key of a plan with its value, named as differences are."""
    found = [(path, value)] if path else []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            found += _paths(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value, 1):
            named = isinstance(inner, Mapping) and isinstance(inner.get("name"), str)
            found += _paths(inner, f"{path}['{inner['name']}']" if named else f"{path}[{i}]")
    return found


def _plain(value: Any) -> Any:
    from trialkit.results import plain

    made = plain(value)
    return checked_text("what was planned or done", made) if isinstance(made, str) else made
