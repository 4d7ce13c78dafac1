"""The ledger of deviations: a file beside the plan to which lines are only added, each with the hash of the one before.

The first line follows the manifest hash of the lock, so that a ledger belongs to one lock or to an amendment of it. A changed, moved or
missing line is found; lines taken off the end are not, unless someone else has a report or a hash of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trialkit.errors import LockError
from trialkit.plan.deviations.entry import FIELDS, Entry, entry_of

__all__ = ["append", "ledger_beside", "read_ledger"]

PATIENCE = 10.0  # seconds that a second writer waits for the first
MOST_BYTES = 20_000_000


def ledger_beside(lock_or_plan: Path) -> Path:
    """plan.toml or plan.lock.json -> plan.deviations.jsonl."""
    stem = lock_or_plan.name.removesuffix(".lock.json").removesuffix(".toml").removesuffix(".json")
    return lock_or_plan.with_name(f"{stem}.deviations.jsonl")


def read_ledger(path: str | Path, manifest: Mapping[str, Any] | None = None) -> tuple[Entry, ...]:
    """The entries of a ledger, after every line was checked; none where there is no file.

    Parameters
    ----------
    path
        Of the ledger.
    manifest
        Of the lock: the ledger must begin at it, or at one that it amended.

    Raises
    ------
    LockError
        Naming the first entry that is not as it was written, or that the ledger belongs to another lock.

    Examples
    --------
    >>> read_ledger("no_such.deviations.jsonl")
    ()
    """
    path = Path(path)
    lines = _lines(path)
    if lines and manifest is not None and lines[0]["previous"] not in _anchors(manifest):
        raise LockError(
            f"'{path.name}' begins at another lock (manifest {str(lines[0]['previous'])[:12]}...): it is the ledger of another plan, or its "
            "first entries were taken out. Put back the right one."
        )
    return tuple(entry_of(line) for line in lines)


def append(
    path: Path, manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], *, by: str, at: str
) -> tuple[Entry, ...]:
    """Add entries, numbered and chained; the ledger is whole before and after.

    Two writers at once follow each other: the second waits, and adds to what the first wrote.

    Raises
    ------
    LockError
        When the ledger was edited, or another writer does not finish.
    """
    from trialkit.design.record.ledger import log_text
    from trialkit.io.write import atomic_text

    with _alone(path, by, at):
        read_ledger(path, manifest)
        lines = _lines(path)
        before = len(lines)
        for entry in entries:
            lines.append(_line(lines, entry, str(manifest["manifest_hash"])))
        atomic_text(path, log_text(lines))
    return tuple(entry_of(line) for line in lines[before:])


def _line(lines: Sequence[Mapping[str, Any]], entry: Mapping[str, Any], manifest_hash: str) -> dict[str, Any]:
    from trialkit.design.record.ledger import canonical, sha256

    number = len(lines) + 1
    body = {"line": number, "id": f"D{number}", **entry, "manifest_hash": manifest_hash}
    line = {**body, "previous": lines[-1]["hash"] if lines else manifest_hash}
    return {**line, "hash": sha256(canonical(line))}


def _anchors(manifest: Mapping[str, Any]) -> set[str]:
    """Hashes of the lock and of those that it amended."""
    earlier = {str(a.get("previous_manifest_hash")) for a in manifest["amendments"] if isinstance(a, Mapping)}
    return {str(manifest["manifest_hash"]), *earlier}


def _lines(path: Path) -> list[dict[str, Any]]:
    from trialkit.plan.locking.chain import broken_at, lines_of

    text = _text(path)
    if text and not text.endswith("\n"):
        raise LockError(f"the last entry of '{path.name}' is not complete: the file was cut off. {_REMEDY}")
    lines = lines_of(text)
    bad = broken_at(lines)
    if bad is None:
        written = text.split("\n")
        bad = next((i for i, line in enumerate(lines, 1) if not _shaped(line) or _canonical(line) != written[i - 1]), None)
    if bad is not None:
        line = lines[bad - 1]
        name = f" ({line['id']})" if isinstance(line, Mapping) and isinstance(line.get("id"), str) else ""
        raise LockError(
            f"entry {bad}{name} of '{path.name}' is not as it was written: it was changed, or an entry before it is missing. {_REMEDY}"
        )
    return lines


_REMEDY = "Nothing is added to or taken from a ledger that was edited: put back the undamaged copy."


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LockError(f"'{path.name}' is larger than 20 MB, so it is no ledger of deviations.")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise LockError(f"'{path.name}' is not plain text: it was damaged. {_REMEDY}") from None
    except OSError as reason:
        raise LockError(f"'{path}' cannot be read ({reason.strerror or 'unknown reason'}).") from None


def _shaped(line: Mapping[str, Any]) -> bool:
    texts = [f for f in FIELDS if f not in ("original", "new")]
    return set(line) == {*FIELDS, "line", "previous"} and all(isinstance(line[k], str) for k in texts)


def _canonical(line: Mapping[str, Any]) -> str:
    return json.dumps(line, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextmanager
def _alone(path: Path, by: str, at: str) -> Iterator[None]:
    """One writer at a time."""
    from trialkit.design.record.chain_file import SittingLock

    until = time.monotonic() + PATIENCE
    while True:
        try:
            sitting = SittingLock(path, by, at)
            break
        except LockError:
            if time.monotonic() > until or not path.parent.is_dir():
                raise
            time.sleep(0.05)
    try:
        yield
    finally:
        sitting.release()
