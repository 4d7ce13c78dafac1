"""`trialkit lock --evidence`: what others hold of a lock, attached to it."""

from __future__ import annotations

from pathlib import Path

from trialkit.cli.show import Told
from trialkit.errors import LockError, UsageError
from trialkit.plan.locking.attach import attach
from trialkit.plan.locking.levels import level_in_words
from trialkit.plan.locking.verify import verify


def attach_evidence(
    plan: Path, target: Path | None, file: Path, *, amend: str | None, kind: str | None, id: str | None, by: str | None
) -> Told:
    """Attach a file to the lock of a plan; `plan` may also be the lock itself."""
    if amend is not None:
        raise UsageError("--amend locks a changed plan and --evidence adds to a lock that is there: do one after the other.")
    lock = target or (plan if plan.name.endswith(".lock.json") else plan.with_suffix(".lock.json"))
    if not lock.exists():
        raise LockError(f"there is no lock '{lock}' yet: evidence carries its hash. First say: trialkit lock {plan}")
    made = attach(lock, file, kind=kind, id=id, by=by)
    level = verify(lock).level
    text = f"Attached to {lock.name}: {made}\n{level_in_words(level)}"
    return Told(text, {"path": str(lock), "level": level, "entry": dict(made.content)})
