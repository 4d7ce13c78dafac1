"""The manifest of a lock as it stands in its file: read, written in the one way, and where an amended one is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trialkit.errors import LockError, nearest
from trialkit.plan.locking.canonical import parse_strict, sha256_of_json
from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = [
    "FORMAT_VERSION",
    "KIND",
    "kept_beside",
    "lock_text",
    "locked_plan",
    "parsed_lock",
    "plan_hash",
    "read_lock",
    "rendered",
]

FORMAT_VERSION = 2
KIND = "trialkit plan lock"
MOST_BYTES = 5_000_000


def plan_hash(spec: PlanSpec) -> str:
    """SHA-256 of the plan's canonical JSON, every default written out."""
    return sha256_of_json(spec.to_dict())


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
        if text.strip() and not text.lstrip().startswith(("{", "[")):
            raise LockError(
                f"'{name}' is no lock of a plan; a lock ends in .lock.json, and `trialkit lock plan.toml` makes one"
            ) from None
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


def locked_plan(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The locked plan with the defaults of keys that did not exist yet when it was locked."""
    locked: dict[str, Any] = manifest["plan"]
    try:
        return PlanSpec.model_validate(locked).to_dict()
    except ValidationError:  # written by a newer version, or changed: compared as it stands
        return locked


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


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain_numbers(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_numbers(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
