"""Reading lines of which each carries the hash of the one before, without loading what writes them (`design.ledger.chained`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["broken_at", "lines_of"]


def broken_at(lines: Iterable[Any]) -> int | None:
    """The number of the first line that is not as it was written; None when all are."""
    previous: Any = None
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, Mapping) or line.get("line") != number or (number > 1 and line.get("previous") != previous):
            return number
        content = {key: value for key, value in line.items() if key != "hash"}
        if line.get("hash") != _sha256(content):
            return number
        previous = line["hash"]
    return None


def lines_of(text: str) -> list[Any]:
    """The lines of a JSONL text as tables; None for one that cannot be read."""
    return [_read(line) for line in text.removesuffix("\n").split("\n")] if text else []


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _sha256(content: Mapping[str, Any]) -> str | None:
    try:
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
