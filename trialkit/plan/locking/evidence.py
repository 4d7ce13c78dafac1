"""Evidence for a lock, attached after it was made: timestamps, the stored text of a registration, a third party's statement, the
commitment to an allocation. It refers to the lock's hash and so stands beside the lock, in plan.lock.evidence.json and a folder of the
files themselves; entries are only added, each with the hash of the one before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialkit.errors import LockError, UsageError, nearest, shown
from trialkit.plan.locking.allocation import committed, read_certificate
from trialkit.plan.locking.canonical import parse_strict
from trialkit.plan.locking.chain import broken_at
from trialkit.plan.locking.evidence_kinds import KINDS, Kind
from trialkit.plan.locking.levels import claimed, highest
from trialkit.plan.locking.lock import read_lock

__all__ = [
    "KINDS",
    "Entry",
    "Evidence",
    "Kind",
    "attach",
    "attached_level",
    "evidence_path",
    "file_problems",
    "files_folder",
    "read_evidence",
]

FILE_KIND = "trialkit lock evidence"
FORMAT_VERSION = 1
MOST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of evidence: its line in the file, the kept file, and what was found in it when it was attached."""

    content: Mapping[str, Any]

    @property
    def file(self) -> str:
        return str(self.content["file"])

    @property
    def kind(self) -> str:
        return str(self.content["kind"])

    @property
    def level(self) -> str | None:
        """The level it gives; None for evidence that raises none."""
        level = KINDS[self.kind].level
        if level is None:
            return None
        return level if self.content["carries_hash"] and (self.kind != "registry" or self.content.get("id")) else claimed(level)

    def __str__(self) -> str:
        told = KINDS[self.kind].told(bool(self.content["carries_hash"]))
        named = f" ({self.content['id']})" if self.content.get("id") else ""
        if self.kind == "registry" and not named:
            told += "; without the number of the registration (--id) nobody can look it up"
        return f"{self.kind}{named}, {self.file}: {told}; SHA-256 {self.content['sha256']}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was attached to a lock, in the order in which it was."""

    path: Path
    entries: tuple[Entry, ...]

    def of(self, manifest_hash: str) -> tuple[Entry, ...]:
        """The entries for this version of the lock; evidence for an earlier version says nothing of an amended one."""
        return tuple(e for e in self.entries if e.content["manifest_hash"] == manifest_hash)


def evidence_path(lock_path: Path) -> Path:
    """plan.lock.json -> plan.lock.evidence.json."""
    return lock_path.with_name(f"{lock_path.stem}.evidence.json")


def files_folder(lock_path: Path) -> Path:
    """plan.lock.json -> plan.lock.evidence, the folder of the files."""
    return lock_path.with_name(f"{lock_path.stem}.evidence")


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
    from trialkit.design.chain_file import SittingLock
    from trialkit.design.ledger import chained, moment

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


def read_evidence(lock_path: Path) -> Evidence:
    """The evidence beside a lock; none when there is no file.

    Raises
    ------
    LockError
        When an entry was changed, taken out or put in.
    """
    path = evidence_path(lock_path)
    if not path.exists():
        return Evidence(path, ())
    text = _text(path)
    try:
        found = parse_strict(text)
    except ValueError as reason:
        raise LockError(f"'{path.name}' cannot be read ({reason}): it was damaged or changed. Use an undamaged copy.") from None
    lines = found.get("entries") if isinstance(found, dict) and found.get("kind") == FILE_KIND else None
    if not isinstance(lines, list):
        raise LockError(f"'{path.name}' is not the evidence of a lock: `trialkit lock plan.toml --evidence FILE` writes it.")
    if not isinstance(found.get("format_version"), int) or found["format_version"] > FORMAT_VERSION:
        raise LockError(f"'{path.name}' was written by a newer trialkit: install that one.")
    broken = broken_at(lines)
    if broken is not None:
        raise LockError(f"entry {broken} of '{path.name}' is not as it was written: it was changed, or one before it is missing.")
    entries = tuple(Entry(line) for line in lines)
    for number, line in enumerate(lines, start=1):
        if line.get("kind") not in KINDS or not line.keys() >= _NEEDED:
            raise LockError(
                f"entry {number} of '{path.name}' is of a kind that this trialkit does not know: install a newer one."
            )
    if text.replace("\r\n", "\n") != _rendered(entries):
        raise LockError(f"'{path.name}' was edited: its layout is not as it was written. Use an undamaged copy.")
    return Evidence(path, entries)


def attached_level(manifest: Mapping[str, Any], evidence: Evidence) -> str:
    """The level of a lock with its evidence."""
    levels = [e.level for e in evidence.of(manifest["manifest_hash"])]
    return highest([str(manifest["level"]), *(level for level in levels if level is not None)])


def file_problems(lock_path: Path, evidence: Evidence, manifest_hash: str) -> Iterator[str]:
    """What is wrong with the kept files: gone, changed, or not saying what the entry says of them."""
    lock_bytes = lock_path.read_bytes()
    for entry in evidence.entries:
        path = files_folder(lock_path) / entry.file
        if Path(entry.file).name != entry.file or not path.is_file():
            yield f"the file '{entry.file}' of the evidence is gone"
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.content["sha256"]:
            yield f"the file '{entry.file}' of the evidence was changed after it was attached"
        elif entry.content["manifest_hash"] == manifest_hash and entry.content["carries_hash"] != _again(
            entry, content, lock_bytes
        ):
            yield f"the entry on '{entry.file}' does not say what stands in that file"


_NEEDED = {"kind", "manifest_hash", "file", "sha256", "carries_hash", "attached_at"}


def _again(entry: Entry, content: bytes, lock_bytes: bytes) -> bool:
    try:
        return KINDS[entry.kind].carries(content, str(entry.content["manifest_hash"]), lock_bytes)
    except LockError:
        return False


def _sound(lock_path: Path) -> tuple[dict[str, Any], bytes]:
    """The manifest of a lock that holds, and the bytes of its file."""
    from trialkit.plan.locking.verify import verify

    found = verify(lock_path)
    wrong = [c.sentence for c in found.checks if not c.ok and c.name != "scale"]
    if wrong:
        raise LockError(f"'{lock_path.name}' does not hold ({wrong[0]}): evidence is attached to an undamaged lock.")
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


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise LockError(f"'{path.name}' is larger than 5 MB, so it is no evidence of a lock.")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise LockError(f"'{path.name}' cannot be read as text: it was damaged. Use an undamaged copy.") from None


def _rendered(entries: tuple[Entry, ...] | list[Entry]) -> str:
    content = {"kind": FILE_KIND, "format_version": FORMAT_VERSION, "entries": [dict(e.content) for e in entries]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(lock_path: Path, entries: list[Entry], content: bytes) -> None:
    """The kept file first, then the entry that names it: a crash between them leaves a file that nothing refers to."""
    from trialkit.io.write import atomic_text

    folder = files_folder(lock_path)
    folder.mkdir(exist_ok=True)
    (folder / entries[-1].file).write_bytes(content)
    atomic_text(evidence_path(lock_path), _rendered(entries))
