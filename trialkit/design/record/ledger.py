"""Commitments and the log of an allocation: hashes of canonical text, and lines of which each carries the hash of the one before.

Anyone who kept one hash of the log sees every later change of the lines up to it. It cannot show that a whole log was thrown away:
for that, its last hash is given to someone else.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import LockError, UsageError
from trialkit.results import plain

FIRST = "0" * 64
DRAWN = ("allocate", "redraw")  # events of the log that drew people


def canonical(value: Any) -> str:
    """JSON in one way only: keys sorted, no white space, characters as they are."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def sha256(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def commitment(salt: str, what: str, text: str) -> str:
    """SHA-256 of salt, what is committed to, and its text; without the salt nobody can try out guesses."""
    return sha256(f"{salt}:{what}:{text}")


def fresh_salt() -> str:
    """128 bits of the system's entropy, in hexadecimal."""
    return secrets.token_hex(16)


def cell(value: Any) -> Any:
    """A cell of an allocation list: whole numbers as such (1.0 is 1), true as 'yes', nothing for a missing value, else text."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, int) else str(value)


def cell_text(value: Any) -> str:
    """The same as text."""
    made = cell(value)
    return "" if made is None else str(made)


def list_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The canonical text of an allocation list; its rows in the order of their texts."""
    return canonical({"columns": list(columns), "rows": sorted([list(r) for r in rows])})


def moment(at: datetime | None) -> str:
    """A time as '2026-01-31T09:30:00Z'."""
    at = datetime.now(UTC) if at is None else at
    if at.tzinfo is None:
        raise UsageError("at needs a time zone, as in datetime.now(timezone.utc).")
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def chained(log: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as the next line of the log, with its number, the hash of the line before and its own."""
    line = {"line": len(log) + 1, **entry, "previous": log[-1]["hash"] if log else FIRST}
    return {**line, "hash": sha256(canonical(line))}


def log_text(log: Sequence[Mapping[str, Any]]) -> str:
    """The log as it stands in its file."""
    return "".join(canonical(line) + "\n" for line in log)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; an empty list when there is none.

    Raises
    ------
    LockError
        When a line was changed, taken out or put in.
    """
    if not path.exists():
        return []
    problem = log_problem(path)
    if problem:
        raise LockError(f"{problem}. Nothing is added to a log that was edited: put back the undamaged copy.")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def log_problem(path: Path) -> str | None:
    """What is wrong with a log, or None."""
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return f"'{path.name}' is not plain text: it was damaged"
    if lines.pop() != "":
        return f"the last line of '{path.name}' is not complete"
    previous = FIRST
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            own = line.pop("hash")
            fine = line["line"] == number and line["previous"] == previous and own == sha256(canonical(line))
            fine = fine and text == canonical({**line, "hash": own})
        except (ValueError, KeyError, TypeError, AttributeError):
            fine = False
        if not fine:
            return f"line {number} of '{path.name}' is not as it was written: it was changed, or a line before it is missing"
        previous = own
    return None
