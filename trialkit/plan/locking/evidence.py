"""Evidence for a lock, attached after it was made: timestamps, the stored text of a registration, a third party's statement, the
commitment to an allocation. It refers to the lock's hash and so stands beside the lock, in plan.lock.evidence.json and a folder of the
files themselves; entries are only added, each with the hash of the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialkit.errors import LockError
from trialkit.plan.locking.canonical import parse_strict
from trialkit.plan.locking.chain import broken_at
from trialkit.plan.locking.evidence_kinds import KINDS
from trialkit.plan.locking.levels import claimed, highest

__all__ = [
    "MOST_BYTES",
    "Entry",
    "Evidence",
    "attached_level",
    "evidence_path",
    "file_problems",
    "files_folder",
    "read_evidence",
    "rendered_evidence",
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
    if text.replace("\r\n", "\n") != rendered_evidence(entries):
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


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise LockError(f"'{path.name}' is larger than 5 MB, so it is no evidence of a lock.")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise LockError(f"'{path.name}' cannot be read as text: it was damaged. Use an undamaged copy.") from None


def rendered_evidence(entries: Sequence[Entry]) -> str:
    """The one way the file of the evidence is written; reading holds it against that."""
    content = {"kind": FILE_KIND, "format_version": FORMAT_VERSION, "entries": [dict(e.content) for e in entries]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
