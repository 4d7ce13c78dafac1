"""The lock of a plan as a report tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trialkit.errors import LockError
from trialkit.plan.deviations.ledger import ledger_beside
from trialkit.plan.locking.levels import level_in_words
from trialkit.plan.locking.verify import verify_plan
from trialkit.plan.record import PlanRecord
from trialkit.report.content import LockContent

__all__ = ["lock_status", "status_of_run"]


def lock_status(plan: PlanRecord, lock: str | Path | None = None, *, data: Any = None) -> LockContent:
    """The lock as a report tells it, after everything held.

    Raises
    ------
    LockError
        When the plan, the lock or the data are not what was locked; lists every difference.
    """
    found = verify_plan(plan, lock, data=data).require()
    told = next((c.sentence for c in found.checks if c.name == "amendments"), "")
    sentence = f"{level_in_words(found.level)}{f' The plan was {told}.' if told else ''}"
    kept = tuple(dict(e.content) for e in found.evidence)
    return LockContent("locked", found.level, sentence, found.plan_hash, found.locked_at, found.manifest_hash, kept)


def status_of_run(plan: PlanRecord, lock: str | Path | None = None) -> LockContent:
    """The lock as the report of a run tells it; without a lock, that there was none.

    Raises
    ------
    LockError
        As `lock_status`; and where a ledger of deviations stands there without its lock.
    """
    if lock is None and (plan.path is None or not plan.lock_path.exists()):
        _require_no_ledger(plan)
        unlocked = "This plan was not locked before the run: nothing shows that it was written before the data were seen."
        return LockContent("unlocked", "", unlocked, plan.hash)
    return lock_status(plan, lock)


def _require_no_ledger(plan: PlanRecord) -> None:
    """A ledger of deviations without its lock: the lock was lost or taken away, and the report would say that there never was one."""
    if plan.path is not None and ledger_beside(plan.path).exists():
        raise LockError(
            f"'{ledger_beside(plan.path).name}' tells of deviations from a lock, and there is no '{plan.lock_path.name}': put the lock back, "
            "or name it with lock='...'."
        )
