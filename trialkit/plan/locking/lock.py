"""Locking a plan: a manifest that fixes the plan, what the data must look like, seeds and versions, under one hash.

The lock is tamper-evident: whoever kept its hash sees any later change. It says nothing about when it was made unless someone else
kept the hash. The seed of an allocation is never in it, because that seed is the allocation list.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialkit.errors import LockError, UsageError
from trialkit.plan.deviations.changes import changed_definitions
from trialkit.plan.locking.allocation import certificates_beside, commitments
from trialkit.plan.locking.canonical import sha256_of_json, sha256_of_text
from trialkit.plan.locking.differences import differences
from trialkit.plan.locking.expected import expected_columns
from trialkit.plan.locking.levels import claimed, level_in_words
from trialkit.plan.locking.manifest import FORMAT_VERSION, KIND, kept_beside, locked_plan, plan_hash, read_lock, rendered
from trialkit.plan.locking.software import dependencies, source_hash, versions
from trialkit.plan.locking.verify import verify
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.schema.scale_files import digest, refuse_damaged
from trialkit.plan.words.not_yet import not_yet

__all__ = ["Lock", "lock"]


@dataclass(frozen=True, slots=True)
class Lock:
    """What was locked, and where."""

    path: Path
    level: str
    plan_hash: str
    manifest_hash: str
    locked_at: str
    amendments: int

    def __str__(self) -> str:
        amended = f" (amendment {self.amendments})" if self.amendments else ""
        return (
            f"Locked{amended} on {self.locked_at} in {self.path.name}.\n"
            f"  plan hash      {self.plan_hash}\n"
            f"  manifest hash  {self.manifest_hash}\n"
            f"{level_in_words(self.level)}"
        )


def lock(
    spec: PlanSpec,
    target: str | Path,
    *,
    source_text: str,
    folder: str | Path | None = None,
    locked_at: datetime | None = None,
    amend: str | None = None,
) -> Lock:
    """Write the lock of a plan.

    Parameters
    ----------
    spec
        The plan.
    target
        The file to write, `plan.lock.json` by habit.
    source_text
        The text of the plan file; its hash is kept, so that a change of comments can be told from a change of content.
    folder
        Where scale files named in the plan are looked for: the folder of the plan.
    locked_at
        Time of the lock; unsaid: now.
    amend
        The reason, when a locked plan was changed. The earlier lock is kept beside the new one and its hash goes into it.

    Returns
    -------
    Lock

    Raises
    ------
    LockError
        When the target exists and no reason is given, when nothing changed, or when the earlier lock is damaged.
    ScaleError
        When the file of a scale of one's own is there and defines none.

    Examples
    --------
    >>> lock(spec, "plan.lock.json", source_text=text).level      # doctest: +SKIP
    'L0'
    """
    target, folder = Path(target), None if folder is None else Path(folder)
    moment = _utc(locked_at)
    refuse_damaged((s.scale for s in spec.scales), folder)
    earlier = _earlier(spec, target, folder, amend)
    manifest = _manifest(spec, source_text, folder, moment)
    if earlier is not None:
        link = {
            "reason": amend,
            "previous_locked_at": earlier["locked_at"],
            "previous_plan_hash": earlier["plan_hash"],
            "previous_manifest_hash": earlier["manifest_hash"],
        }
        manifest["amendments"] = [*earlier["amendments"], link]
        manifest["previous_manifest_hash"] = earlier["manifest_hash"]
    manifest["manifest_hash"] = sha256_of_json(manifest)
    text = rendered(manifest)
    if earlier is not None:
        _write(kept_beside(target, len(earlier["amendments"])), target.read_text("utf-8"))
    _write(target, text)
    return _lock(target, manifest)


def _manifest(spec: PlanSpec, source_text: str, folder: Path | None, moment: str) -> dict[str, Any]:
    registration = spec.trial.registration
    level = claimed("L2") if registration else "L0"
    return {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "locked_at": moment,
        "level": level,
        "meaning": level_in_words(level),
        "registration": {"id": registration, "status": "claimed"} if registration else None,
        "plan_hash": plan_hash(spec),
        "source_hash": sha256_of_text(source_text.replace("\r\n", "\n")),
        "plan": spec.to_dict(),
        "not_runnable_when_locked": not_yet(spec),
        "expected_data": [c.to_dict() for c in expected_columns(spec, folder)],
        "scales": [{"name": s.name, "scale": s.scale, "sha256": digest(s.scale, folder)} for s in spec.scales],
        "analysis_seeds": {
            "analysis": spec.analysis.seed,
            "multiplicity": spec.multiplicity.seed,
            "missing": spec.missing.seed,
            "mediation": [m.seed for m in spec.mediation],
        },
        "allocation": commitments(certificates_beside(folder)),
        "versions": versions(),
        "dependencies": dependencies(),
        "source_sha256": source_hash(),
        "amendments": [],
        "previous_manifest_hash": None,
    }


def _earlier(spec: PlanSpec, target: Path, folder: Path | None, amend: str | None) -> dict[str, Any] | None:
    """The lock that is to be amended, after checking that it may be; None for a first lock."""
    if not target.exists():
        if amend is not None:
            raise LockError(f"there is no lock '{target}' to amend; lock the plan first, without a reason")
        return None
    earlier = read_lock(target)
    changed = (*differences(locked_plan(earlier), spec.to_dict()), *changed_definitions(earlier, folder))
    if not changed:
        raise LockError(f"'{target.name}' already locks this very plan; nothing was written, and nothing needs to be")
    if amend is None or not amend.strip():
        raise LockError(
            f"'{target.name}' locks another version of this plan ({'; '.join(str(c) for c in changed[:3])}"
            f"{f' and {len(changed) - 3} more' if len(changed) > 3 else ''}). To lock the change as an amendment, give the reason: trialkit lock PLAN --amend 'why'."
        )
    if damage := verify(target).damage:
        raise LockError(f"'{target.name}' was changed after it was made ({damage[0]}); amend an undamaged copy")
    return earlier


def _lock(path: Path, manifest: dict[str, Any]) -> Lock:
    return Lock(
        path=path,
        level=manifest["level"],
        plan_hash=manifest["plan_hash"],
        manifest_hash=manifest["manifest_hash"],
        locked_at=manifest["locked_at"],
        amendments=len(manifest["amendments"]),
    )


def _utc(moment: datetime | None) -> str:
    moment = datetime.now(UTC) if moment is None else moment
    if moment.tzinfo is None:
        raise UsageError("locked_at needs a time zone, as in datetime.now(timezone.utc)")
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a crash leaves the file that was there."""
    passing = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with passing.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)
    except OSError as reason:
        raise LockError(f"'{path}' cannot be written ({reason.strerror or 'unknown reason'}); nothing was locked") from None
    finally:
        passing.unlink(missing_ok=True)
