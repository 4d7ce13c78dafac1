"""Locking a plan: a manifest that fixes the plan, what the data must look like, seeds and versions, under one hash.

The lock is tamper-evident: whoever kept its hash sees any later change. It says nothing about when it was made unless someone else
kept the hash. The seed of an allocation is never in it, because that seed is the allocation list.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialkit.errors import LockError, UsageError, nearest
from trialkit.plan.locking.allocation import certificates_beside, commitments
from trialkit.plan.locking.canonical import canonical_json, parse_strict, sha256_of_json, sha256_of_text
from trialkit.plan.locking.differences import differences
from trialkit.plan.locking.expected import expected_columns
from trialkit.plan.locking.levels import claimed, level_in_words
from trialkit.plan.locking.software import dependencies, source_hash, versions
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.schema.scale_files import digest
from trialkit.plan.words.not_yet import not_yet

__all__ = ["FORMAT_VERSION", "Lock", "level_in_words", "lock", "plan_hash", "read_lock", "test_vectors", "versions"]

FORMAT_VERSION = 2
KIND = "trialkit plan lock"
MOST_BYTES = 5_000_000


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


def plan_hash(spec: PlanSpec) -> str:
    """SHA-256 of the plan's canonical JSON, every default written out."""
    return sha256_of_json(spec.to_dict())


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

    Examples
    --------
    >>> lock(spec, "plan.lock.json", source_text=text).level      # doctest: +SKIP
    'L0'
    """
    target = Path(target)
    moment = _utc(locked_at)
    earlier = _earlier(spec, target, amend)
    manifest = _manifest(spec, source_text, Path(folder) if folder is not None else None, moment)
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


def read_lock(path: str | Path) -> dict[str, Any]:
    """The manifest of a lock as it stands in the file; its hashes are checked by `verify`."""
    return parsed_lock(lock_text(Path(path)), Path(path).name)


def lock_text(path: Path) -> str:
    """The text of a lock file, or one sentence that says why it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        near = nearest(path.name, [p.name for p in path.parent.glob("*.json")]) if path.parent.is_dir() else None
        remedy = f"Did you mean '{near}'?" if near else "`trialkit lock plan.toml` makes one."
        raise LockError(f"there is no lock '{path}'. {remedy}") from None
    except OSError as reason:
        raise LockError(f"the lock '{path}' cannot be read ({reason.strerror or 'unknown reason'})") from None
    if len(content) > MOST_BYTES:
        raise LockError(f"'{path.name}' is larger than 5 MB, so it is no lock")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise LockError(f"'{path.name}' is not plain text, so it is no lock or it was damaged; use an undamaged copy") from None


def parsed_lock(text: str, name: str) -> dict[str, Any]:
    """The manifest in the text of a lock file."""
    try:
        manifest = parse_strict(text)
    except ValueError as reason:
        raise LockError(
            f"'{name}' cannot be read as a lock ({reason}); it was damaged or changed, use an undamaged copy"
        ) from None
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise LockError(f"'{name}' is not the lock of a plan; `trialkit lock plan.toml` makes one")
    found = manifest.get("format_version")
    if not isinstance(found, int) or isinstance(found, bool) or found > FORMAT_VERSION:
        raise LockError(
            f"'{name}' is a lock of format {found}, and this trialkit reads up to {FORMAT_VERSION}; install a newer one"
        )
    keys = _KEYS if found == 1 else _KEYS | _KEYS_2
    wrong = next((k for k, kind in keys.items() if not isinstance(manifest.get(k), kind)), None) or _misshapen(manifest)
    if wrong:
        raise LockError(f"'{name}' lacks a readable '{wrong}'; it was damaged or changed, use an undamaged copy")
    return manifest


def _misshapen(manifest: dict[str, Any]) -> str | None:
    """The list in a lock whose entries are not what they should be."""
    needed: dict[str, dict[str, type]] = {
        "expected_data": {"name": str, "roles": list, "type": str},
        "scales": {"name": str, "scale": str},
        "amendments": {},
    }
    for key, kinds in needed.items():
        for entry in manifest[key]:
            if not isinstance(entry, dict) or not all(isinstance(entry.get(k), kind) for k, kind in kinds.items()):
                return key
    return None


def rendered(manifest: dict[str, Any]) -> str:
    """The one way a lock file is written; `verify` holds the file against it byte by byte."""
    # Through the canonical form, so that 1.0 and 1 are written alike; the order of the file is kept for readers.
    return json.dumps(_plain_numbers(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def kept_beside(target: Path, number: int) -> Path:
    """Where an amended lock keeps the lock before it: plan.lock.json -> plan.lock.0.json."""
    return target.with_name(f"{target.stem}.{number}{target.suffix}")


def test_vectors() -> dict[str, Any]:
    """Plans with their canonical JSON and hash, for anyone who wants to check a lock with other software."""
    from trialkit.plan.locking.vectors import EXAMPLES
    from trialkit.plan.reading.load import parse_plan

    vectors = []
    for name, text in EXAMPLES.items():
        spec = parse_plan(text)
        canonical = canonical_json(spec.to_dict())
        vectors.append({"name": name, "plan_toml": text, "canonical_json": canonical, "plan_hash": sha256_of_text(canonical)})
    return {
        "what": "Plan text -> canonical JSON (RFC 8785, defaults written out) -> SHA-256 of its UTF-8 bytes in hexadecimal.",
        "schema_version": 1,
        "vectors": vectors,
    }


test_vectors.__test__ = False  # type: ignore[attr-defined]  # a test runner would take it for a test by its name


_KEYS: dict[str, type | tuple[type, ...]] = {
    "locked_at": str,
    "level": str,
    "plan_hash": str,
    "source_hash": str,
    "plan": dict,
    "expected_data": list,
    "scales": list,
    "versions": dict,
    "amendments": list,
    "previous_manifest_hash": (str, type(None)),
    "manifest_hash": str,
}
# what locks of format 2 hold besides
_KEYS_2: dict[str, type | tuple[type, ...]] = {"allocation": list, "dependencies": dict, "source_sha256": str}


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
        "expected_data": [c.to_dict() for c in expected_columns(spec)],
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


def _earlier(spec: PlanSpec, target: Path, amend: str | None) -> dict[str, Any] | None:
    """The lock that is to be amended, after checking that it may be; None for a first lock."""
    if not target.exists():
        if amend is not None:
            raise LockError(f"there is no lock '{target}' to amend; lock the plan first, without a reason")
        return None
    from trialkit.plan.locking.verify import verify

    earlier = read_lock(target)
    changed = differences(earlier["plan"], spec.to_dict())
    if not changed:
        raise LockError(f"'{target.name}' already locks this very plan; nothing was written")
    if amend is None or not amend.strip():
        raise LockError(
            f"'{target.name}' locks another version of this plan ({'; '.join(str(c) for c in changed[:3])}"
            f"{f' and {len(changed) - 3} more' if len(changed) > 3 else ''}). To lock the change as an amendment, give the reason."
        )
    found = verify(target)
    if not found.ok:
        raise LockError(f"'{target.name}' was changed after it was made ({found.failed[0]}); amend an undamaged copy")
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


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain_numbers(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_numbers(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


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
