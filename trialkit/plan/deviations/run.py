"""A run with its deviations: the ledger, what the run noticed, and the locked plan beside a changed one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import TrialkitError
from trialkit.plan.after.populated import with_dropped
from trialkit.plan.deviations.changes import Changes, changed_definitions
from trialkit.plan.deviations.entry import Entry
from trialkit.plan.deviations.log import ledger_of, present_changes
from trialkit.plan.deviations.noticed import noticed
from trialkit.plan.locking.manifest import locked_plan
from trialkit.plan.run import run_plan
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.report.content import LockContent
from trialkit.report.content.departures import DeparturesContent
from trialkit.report.save import Report

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["with_deviations"]

Progress = Callable[[str, int, int], None]


def with_deviations(plan: PlanRecord, content: Report, data: Any, lock_path: Path, *, progress: Progress | None = None) -> Report:
    """The content of a run with the ledger, what was noticed, and every outcome by the locked plan where that is another one.

    Parameters
    ----------
    plan : that was run; each of its changes is in the ledger (`lock_status` holds it to that).
    content : of the run. data : what it ran on. lock_path : of the lock. progress : called with (what, step, steps).
    """
    if content.lock.state != "locked":
        found = DeparturesContent(noticed=tuple(noticed(plan.spec, content, None, plan.folder)))
        return replace(content, departures=found)
    _, manifest, entries = ledger_of(plan, lock_path)
    changes = present_changes(plan, lock_path)
    locked, failed = _as_planned(plan, manifest, data, changes, progress)
    in_force = set(changes.ids)
    departures = DeparturesContent(
        changes=tuple({"path": d.path, "locked": d.locked, "present": d.present, "entry": e.id} for d, e in changes.logged),
        planned_failed=failed,
        noticed=tuple(noticed(plan.spec, content, manifest, plan.folder)),
    )
    seen = next((str(line["at"]) for line in content.unblinding), None)
    rows = tuple(
        e.to_dict() | {"in_force": e.source != "plan" or e.id in in_force, "logged_late": _is_late(e, seen)} for e in entries
    )
    lock = replace(content.lock, logged_changes=len(changes.logged))
    outcomes = () if locked is None else locked.outcomes
    after = (
        content.after if locked is None else replace(content.after, tests=with_dropped(content.after.tests, locked.after.tests))
    )
    return replace(content, lock=lock, deviations=rows, departures=departures, planned_outcomes=outcomes, after=after)


def _is_late(entry: Entry, seen: str | None) -> bool:
    """Whether an entry says that it was decided before the arms were known, and was logged after."""
    if seen is None or entry.timing == "after_unblinding":
        return False
    return datetime.fromisoformat(entry.date) > datetime.fromisoformat(seen)


def _as_planned(
    plan: PlanRecord, manifest: dict[str, Any], data: Any, changes: Changes, progress: Progress | None
) -> tuple[Report | None, str]:
    """The run of the locked plan, or why that could not be; nothing where the plan is the locked one."""
    if not changes.logged:
        return None, ""
    gone = [d.path for d in changed_definitions(manifest, plan.folder)]
    if gone:
        return None, f"the scale files of the locked plan are not here any more, only their hashes are ({', '.join(gone)})"

    def tell(what: str, step: int, steps: int) -> None:
        if progress is not None:
            progress(f"as locked: {what}", step, steps)

    try:
        spec = PlanSpec.model_validate(locked_plan(manifest))
        content = run_plan(
            spec, data, lock=LockContent("locked", "", "", manifest["plan_hash"]), folder=plan.folder, progress=tell
        )
    except (TrialkitError, ValueError) as reason:
        return None, str(reason)
    return content, ""
