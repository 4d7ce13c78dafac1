"""Kinds of evidence for a lock: which level each gives, and how the hash is looked for in its file. A new kind is a class and a line in KINDS."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from trialkit.plan.locking.allocation import read_certificate

__all__ = ["KINDS", "Kind", "stamped", "written_in"]

_DIGESTS = (hashlib.sha256, hashlib.sha384, hashlib.sha512)


class Kind(Protocol):
    """A kind of evidence: its name, the level it gives when it carries the hash, endings of its files, and how it is looked at."""

    @property
    def name(self) -> str: ...

    @property
    def level(self) -> str | None: ...

    @property
    def endings(self) -> tuple[str, ...]: ...

    def carries(self, content: bytes, manifest_hash: str, lock_bytes: bytes) -> bool:
        """Whether the hash stands in the file."""

    def told(self, carries: bool) -> str:
        """What that means, in words that claim no more than was looked at."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A timestamp token (RFC 3161 .tsr, OpenTimestamps .ots): the stamped digest stands in it as bytes. The signature is not verified."""

    name: str = "timestamp"
    level: str | None = "L1"
    endings: tuple[str, ...] = (".tsr", ".tst", ".ots", ".p7s", ".sig", ".asc")

    def carries(self, content: bytes, manifest_hash: str, lock_bytes: bytes) -> bool:
        return any(digest in content for digest in stamped(manifest_hash, lock_bytes)) or written_in(content, manifest_hash)

    def told(self, carries: bool) -> str:
        if carries:
            return "names the hash of this lock; kept, not verified here: its signature was not checked"
        return "kept, not verified here: the hash of this lock was not found in it"


@dataclass(frozen=True, slots=True)
class Registry:
    """The text of a public registration, stored: the full manifest hash stands in it."""

    name: str = "registry"
    level: str | None = "L2"
    endings: tuple[str, ...] = (".txt", ".html", ".htm", ".md", ".json", ".xml", ".csv")

    def carries(self, content: bytes, manifest_hash: str, lock_bytes: bytes) -> bool:
        return written_in(content, manifest_hash)

    def told(self, carries: bool) -> str:
        if carries:
            return "carries the full manifest hash; that the registry shows this text, and since when, is not verified here"
        return "does not carry the manifest hash, so that it proves nothing about this lock"


@dataclass(frozen=True, slots=True)
class Custody:
    """A statement of someone else who holds the lock or its hash: the full manifest hash stands in it."""

    name: str = "custody"
    level: str | None = "L3"
    endings: tuple[str, ...] = ()

    def carries(self, content: bytes, manifest_hash: str, lock_bytes: bytes) -> bool:
        return written_in(content, manifest_hash)

    def told(self, carries: bool) -> str:
        if carries:
            return "carries the full manifest hash; who wrote it, and when, is not verified here"
        return "does not carry the manifest hash as plain text, so that it cannot be tied to this lock"


@dataclass(frozen=True, slots=True)
class AllocationCommitment:
    """The certificate of an allocation that was drawn after the lock; raises no level."""

    name: str = "allocation"
    level: str | None = None
    endings: tuple[str, ...] = ()

    def carries(self, content: bytes, manifest_hash: str, lock_bytes: bytes) -> bool:
        read_certificate(content, "certificate")
        return True

    def told(self, carries: bool) -> str:
        return "commits to an allocation by salted hashes; neither the list nor its seed is in it"


def stamped(manifest_hash: str, lock_bytes: bytes) -> tuple[bytes, ...]:
    """The digests that a timestamp of this lock can hold: of the lock file or of the text of its hash, and the hash itself."""
    told = manifest_hash.encode("ascii")
    named = [made(text).digest() for made in _DIGESTS for text in (lock_bytes, told, told + b"\n")]
    return (bytes.fromhex(manifest_hash), *named)


def written_in(content: bytes, manifest_hash: str) -> bool:
    """Whether the full hash stands in a text, in any case and also where a line was broken inside it."""
    for encoding in ("utf-8", "utf-16"):
        text = re.sub(r"[\s\u00ad\u200b]+", "", content.decode(encoding, "ignore")).lower()
        if manifest_hash in text:
            return True
    return False


KINDS: dict[str, Kind] = {kind.name: kind for kind in (Timestamp(), Registry(), Custody(), AllocationCommitment())}
