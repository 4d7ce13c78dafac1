"""Where a text file was changed: short marks of its lines, and the key of a line of JSON.

A mark is four hexadecimal digits of a line's SHA-256: they do not prove anything (the hash of the whole file does), they only find the
place. One change in 65,536 gives a line the mark that it had, and is then found as a change without a place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["TEXT", "changed_lines", "key_of_line", "line_marks"]

TEXT = (".json", ".jsonl", ".csv", ".html", ".svg", ".toml", ".txt", ".md", ".css", ".tex")
MOST_MARKS = 20_000
_DIGITS = 4
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)": ?(.*)', re.DOTALL)


def line_marks(content: bytes) -> dict[str, Any]:
    """Marks of the lines of a text: how many lines, how many go to a mark, and the marks in one string.

    Examples
    --------
    >>> line_marks(b"a\\nb\\n")["lines"]
    3
    """
    lines = content.split(b"\n")
    per = -(-len(lines) // MOST_MARKS)
    parts = [b"\n".join(lines[i : i + per]) for i in range(0, len(lines), per)]
    return {"lines": len(lines), "per": per, "marks": "".join(hashlib.sha256(part).hexdigest()[:_DIGITS] for part in parts)}


def changed_lines(content: bytes, stored: Mapping[str, Any]) -> tuple[int, int] | None:
    """The first line or lines (counted from 1) that are not as they were; None when the marks do not tell.

    Examples
    --------
    >>> changed_lines(b"a\\nc\\n", line_marks(b"a\\nb\\n"))
    (2, 2)
    """
    per, marks = int(stored["per"]), str(stored["marks"])
    lines = content.split(b"\n")
    count = max(-(-len(lines) // per), len(marks) // _DIGITS)
    for number in range(count):
        part = b"\n".join(lines[number * per : (number + 1) * per])
        if hashlib.sha256(part).hexdigest()[:_DIGITS] != marks[number * _DIGITS : (number + 1) * _DIGITS]:
            first = number * per + 1
            return first, max(first, min((number + 1) * per, len(lines)))
    return None


def key_of_line(text: str, number: int) -> str:
    """The path of keys to a line of indented JSON, entries of lists by their name or place; '' where the layout does not tell.

    Examples
    --------
    >>> import json
    >>> key_of_line(json.dumps({"a": [{"name": "x", "p": 1}]}, indent=1), 5)
    "a['x'].p"
    """
    path: list[tuple[int, str, bool]] = []  # indent, label, whether it is an entry of a list
    counts: dict[int, int] = {}
    for line in text.split("\n")[:number]:
        told = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if not told or told[0] in "]}":
            continue
        path = [part for part in path if part[0] < indent]
        counts = {at: count for at, count in counts.items() if at <= indent}
        found = _KEY.fullmatch(told)
        if found is None:
            if indent:
                counts[indent] = counts.get(indent, 0) + 1
                path.append((indent, f"[{counts[indent]}]", True))
            continue
        key, value = found[1], found[2].rstrip(",")
        counts.pop(indent, None)
        if key == "name" and path and path[-1][2] and value.startswith('"'):
            path[-1] = (path[-1][0], f"['{value.strip(chr(34))}']", True)
        path.append((indent, key, False))
    told = "".join(label if entry else f".{label}" for _, label, entry in path)
    return told.removeprefix(".")
