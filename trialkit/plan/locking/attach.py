"""Attaching evidence to a lock: the file is copied beside it, and one entry is added that says what stands in it."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialkit.design.record.chain_file import SittingLock
from trialkit.design.record.ledger import chained, moment
from trialkit.errors import LockError, UsageError, nearest, shown
from trialkit.io.write import atomic_text
from trialkit.plan.locking.allocation import committed, read_certificate
from trialkit.plan.locking.evidence import (
    MOST_BYTES,
    Entry,
    Evidence,
    evidence_path,
    files_folder,
    read_evidence,
    rendered_evidence,
)
from trialkit.plan.locking.evidence_kinds import KINDS, Kind
from trialkit.plan.locking.manifest import read_lock
from trialkit.plan.locking.verify import verify

__all__ = ["attach"]


def attach(
    lock_path: str | Path,
    file: str | Path,
    *,
    kind: str | None = None,
    id: str | None = None,
    by: str | None = None,
    at: datetime | None = None,
) -> Entry:
    """Attach a file as evidence for a lock: it is copied beside the lock, and its hash and what stands in it are written down.

    Parameters
    ----------
    lock_path : the lock.
    file : a timestamp token, the stored text of a registration, a statement, the certificate of an allocation; at most 5 MB.
    kind : 'timestamp' (L1), 'registry' (L2), 'custody' (L3) or 'allocation' (no level); unsaid: by the ending of the file.
    id : number of the registration; unsaid: the one in the plan. Without any, L2 is only claimed: nobody could look it up.
    by, at : who attaches it, and the time; unsaid: nobody named, now.

    Raises
    ------
    LockError
        A lock that is damaged, a file that cannot be read, evidence that was edited.
    UsageError
        A kind that is none, or that the ending of the file does not tell.

    Examples
    --------
    >>> print(attach("plan.lock.json", "registry.txt", id="AEARCTR-0000000").level)      # doctest: +SKIP
    L2
    """
    lock_path, file = Path(lock_path), Path(file)
    manifest, lock_bytes = _sound(lock_path)
    content = _content(file)
    chosen = _kind(kind, file, content)
    when = moment(datetime.now(UTC) if at is None else at)
    sitting = SittingLock(evidence_path(lock_path), by or "trialkit lock", when)
    try:
        before = read_evidence(lock_path).entries
        sha256 = hashlib.sha256(content).hexdigest()
        if any(
            e.content["sha256"] == sha256 and e.kind == chosen.name
            for e in Evidence(lock_path, before).of(manifest["manifest_hash"])
        ):
            raise UsageError(f"'{file.name}' is attached to this lock already; nothing was written.")
        registration = (manifest.get("registration") or {}).get("id")
        entry = {
            "kind": chosen.name,
            "manifest_hash": manifest["manifest_hash"],
            "file": f"{len(before) + 1}-{_plain_name(file.name)}",
            "sha256": sha256,
            "bytes": len(content),
            "carries_hash": chosen.carries(content, manifest["manifest_hash"], lock_bytes),
            "id": id or (registration if chosen.name == "registry" else None),
            "commitments": committed(content, file.name) if chosen.name == "allocation" else None,
            "by": by,
            "attached_at": when,
        }
        made = Entry(chained([e.content for e in before], entry))
        _write(lock_path, [*before, made], content)
    finally:
        sitting.release()
    return made


def _sound(lock_path: Path) -> tuple[dict[str, Any], bytes]:
    """The manifest of a lock that holds, and the bytes of its file."""
    if damage := verify(lock_path).damage:
        raise LockError(f"'{lock_path.name}' does not hold ({damage[0]}): evidence is attached to an undamaged lock.")
    return read_lock(lock_path), lock_path.read_bytes()


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        near = nearest(file.name, [p.name for p in file.parent.iterdir()]) if file.parent.is_dir() else None
        hint = f" Did you mean '{near}'?" if near else ""
        raise LockError(f"there is no file '{file}' to attach.{hint}") from None
    except OSError as reason:
        raise LockError(f"'{file}' cannot be read ({reason.strerror or 'unknown reason'}).") from None
    if len(content) > MOST_BYTES:
        raise LockError(f"'{file.name}' is larger than 5 MB: attach the page or token that carries the hash.")
    if not content:
        raise LockError(f"'{file.name}' is empty: attach the page or token that carries the hash.")
    return content


def _kind(said: str | None, file: Path, content: bytes) -> Kind:
    if said is not None:
        if said not in KINDS:
            near = nearest(said, KINDS)
            hint = f"Did you mean '{near}'? " if near else ""
            raise UsageError(f"there is no evidence of kind '{said}'. {hint}Kinds are {shown(KINDS)}.")
        return KINDS[said]
    try:
        read_certificate(content, file.name)
        return KINDS["allocation"]
    except LockError:
        pass
    found = next((k for k in KINDS.values() if file.suffix.lower() in k.endings), None)
    if found is None:
        raise UsageError(
            f"the ending of '{file.name}' does not tell what it is: say --kind timestamp, registry, custody or allocation."
        )
    return found


def _plain_name(name: str) -> str:
    """A file name that every system can hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-80:].lstrip(".") or "file"


def _write(lock_path: Path, entries: list[Entry], content: bytes) -> None:
    """The kept file first, then the entry that names it: a crash between them leaves a file that nothing refers to."""
    folder = files_folder(lock_path)
    folder.mkdir(exist_ok=True)
    (folder / entries[-1].file).write_bytes(content)
    atomic_text(evidence_path(lock_path), rendered_evidence(entries))
