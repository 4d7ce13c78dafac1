"""What a lock keeps of an allocation: its certificate's hash and the salted commitments. Never the seed, which is the list."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from trialkit.errors import LockError

__all__ = ["FOLDER", "certificates_beside", "commitments", "committed", "read_certificate"]

FOLDER = "allocation"
KIND = "trialkit allocation certificate"
_KEPT = ("batch", "allocated_at", "people", "scheme", "allocation_commitment", "seed_commitment", "certificate_hash")


def certificates_beside(folder: Path | None) -> list[Path]:
    """Certificates of an allocation in the folder where `trialkit randomize` writes, beside the plan."""
    if folder is None:
        return []
    found = [p for p in (folder / FOLDER).glob("certificate*.json") if ".replaced-" not in p.name]
    return sorted(found, key=lambda p: (len(p.name), p.name))


def commitments(paths: list[Path]) -> list[dict[str, Any]]:
    """The commitments of every certificate.

    Raises
    ------
    LockError
        A certificate that is damaged: a lock does not vouch for it.
    """
    return [committed(path.read_bytes(), path.name) for path in paths]


def committed(content: bytes, name: str) -> dict[str, Any]:
    """The commitments of one certificate, under the name of its file."""
    found = read_certificate(content, name)
    return {"file": name, **{key: found.get(key) for key in _KEPT}}


def read_certificate(content: bytes, name: str) -> dict[str, Any]:
    """A certificate whose own hash holds.

    Raises
    ------
    LockError
        When it is none, or was changed.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise LockError(f"'{name}' is not the certificate of an allocation: trialkit randomize writes one.")
    own = {k: v for k, v in found.items() if k != "certificate_hash"}
    text = json.dumps(own, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != found.get("certificate_hash"):
        raise LockError(
            f"the certificate '{name}' was changed after it was made: its hash is another one. Use an undamaged copy."
        )
    return found
