"""On which line of a TOML file each key stands, so that an error can point at it.

The standard parser gives values without places. This scanner walks a text that the parser has already accepted and notes the
line of every key: tables, arrays of tables, dotted keys, inline tables and members of lists.
"""

from __future__ import annotations

import re

__all__ = ["key_lines", "line_of"]

Path = tuple[str | int, ...]

_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\n\r]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[Path, int]:
    """Path of keys (list positions as integers) -> line number, from 1.

    Examples
    --------
    >>> key_lines('[data]\\nunit = "id"\\n')[("data", "unit")]
    2
    """
    return _Scanner(text).scan()


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """Line of the key, or of the nearest table around it; None when nothing of it is in the file."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


class _Scanner:
    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}  # arrays of tables and how many entries each has so far
        self._counted = (0, 1)

    def scan(self) -> dict[Path, int]:
        base: Path = ()
        while self._skip() < len(self.text):
            base = self._header() if self.text[self.at] == "[" else self._setting(base)
        return self.lines

    def _skip(self) -> int:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _line(self) -> int:
        position, line = self._counted
        line += self.text.count("\n", position, self.at)
        self._counted = (self.at, line)
        return line

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, self._line())

    def _header(self) -> Path:
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        keys = self._keys()
        path: Path = ()
        for i, key in enumerate(keys):
            path = (*path, key)
            if several and i == len(keys) - 1:
                self.tables[path] = self.tables.get(path, 0) + 1
            self._note(path)
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
                self._note(path)
        self.at = self.text.index("]", self.at) + (2 if several else 1)
        return path

    def _setting(self, base: Path) -> Path:
        path = base
        for key in self._keys():
            path = (*path, key)
            self._note(path)
        self.at = self.text.index("=", self.at) + 1
        self._value(path)
        return base

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip()
            found = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if found is None:
                return keys
            self.at = found.end()
            keys.append(_unquoted(found.group()))
            self._skip()
            if self.text[self.at : self.at + 1] != ".":
                return keys
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip()
        opening = self.text[self.at]
        if opening == "[":
            self._members(path, "]")
        elif opening == "{":
            self._members(path, "}")
        else:
            found = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = found.end() if found else self.at + 1

    def _members(self, path: Path, closing: str) -> None:
        self.at += 1
        position = 0
        while self._skip() < len(self.text) and self.text[self.at] != closing:
            if closing == "]":
                self._note((*path, position))
                self._value((*path, position))
                position += 1
            else:
                self._setting(path)
            self._skip()
            if self.text[self.at : self.at + 1] == ",":
                self.at += 1
        self.at += 1


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] != '"':
        return key
    import tomllib

    return next(iter(tomllib.loads(f"{key} = 0")))
