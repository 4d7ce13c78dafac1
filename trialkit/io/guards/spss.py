"""The frame of an SPSS file, walked before the file is read: a damaged one can bring the reader beneath down, and the program with it.

Source: "System File Format", PSPP Developers Guide.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from trialkit.errors import FileReadError

__all__ = ["refuse_damaged_spss"]

_HEADER = 176
_VALUES_BEFORE_A_LABEL = 8
_LAST = 999
_EXTENSION = 7
# SPSS writes blocks of 4 MB; a damaged size would claim as much memory as it says.
_LARGEST_BLOCK = 2**26
_INTEGERS, _FLOATS = 3, 4


class _Damage(Exception):
    """What is wrong, in words."""


class _Walk:
    """A place in the bytes that never leaves them."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.place = _HEADER
        if len(raw) < _HEADER:
            raise _Damage("it ends inside its header")
        self.order = "<" if struct.unpack_from("<i", raw, 64)[0] in (2, 3) else ">"

    def take(self, form: str) -> tuple[int, ...]:
        size = struct.calcsize(self.order + form)
        if self.place + size > len(self.raw):
            raise _Damage("it ends inside its dictionary")
        values = struct.unpack_from(self.order + form, self.raw, self.place)
        self.place += size
        return values

    def skip(self, size: int) -> None:
        if size < 0 or self.place + size > len(self.raw):
            raise _Damage(f"a part of its dictionary claims {size} bytes")
        self.place += size


def refuse_damaged_spss(path: Path) -> None:
    """Check that every part of the dictionary and of the data lies where the file says.

    Raises
    ------
    FileReadError
        It does not.
    """
    raw = path.read_bytes()
    if raw[:4] not in (b"$FL2", b"$FL3"):
        return  # the reader beneath says what it is not
    try:
        walk = _Walk(raw)
        cells = _dictionary(walk)
        _cases(walk, cells)
    except _Damage as damage:
        raise FileReadError(f"{path} is damaged: {damage}. Copy or export the file again.") from damage


def _dictionary(walk: _Walk) -> int:
    """Pass all records; how many cells of eight bytes a case has."""
    widths: list[int] = []
    while True:
        (kind,) = walk.take("i")
        if kind == 2:
            widths.append(_variable(walk))
        elif kind == 3:
            _value_labels(walk, widths)
        elif kind == 6:
            (lines,) = walk.take("i")
            walk.skip(80 * lines)
        elif kind == _EXTENSION:
            _extension(walk)
        elif kind == _LAST:
            walk.take("i")
            _check_widths(widths)
            return len(widths)
        else:
            raise _Damage(f"its dictionary holds a record of the unknown kind {kind}")


def _variable(walk: _Walk) -> int:
    width, labelled, missing, _, _ = walk.take("iiiii")
    walk.skip(8)
    if not -1 <= width <= 255 or labelled not in (0, 1) or missing not in (-3, -2, 0, 1, 2, 3):
        raise _Damage("the description of a variable cannot be")
    if labelled:
        (length,) = walk.take("i")
        walk.skip((length + 3) // 4 * 4 if length >= 0 else -1)
    walk.skip(8 * abs(missing))
    return width


def _check_widths(widths: list[int]) -> None:
    """A text of more than eight bytes is followed by a record for each further eight."""
    more = 0
    for width in widths:
        if (width == -1) != (more > 0):
            raise _Damage("a text does not take the room that it claims")
        more = more - 1 if width == -1 else max(0, (width + 7) // 8 - 1)
    if more:
        raise _Damage("a text does not take the room that it claims")


def _value_labels(walk: _Walk, widths: list[int]) -> None:
    (count,) = walk.take("i")
    if count < 0:
        raise _Damage("it announces a negative number of value labels")
    for _ in range(count):
        walk.skip(_VALUES_BEFORE_A_LABEL)
        (length,) = walk.take("B")
        walk.skip((length + 8) // 8 * 8 - 1)
    kind, count = walk.take("ii")
    if kind != 4 or not 0 <= count <= len(widths):
        raise _Damage("its value labels do not say to which variables they belong")
    places = walk.take(f"{count}i")
    if any(not 1 <= place <= len(widths) or widths[place - 1] == -1 for place in places):
        raise _Damage("value labels are given to variables that are not there")


def _extension(walk: _Walk) -> None:
    kind, size, count = walk.take("iii")
    if size < 0 or count < 0:
        raise _Damage("a part of its dictionary has a negative size")
    fixed = {_INTEGERS: (4, 8), _FLOATS: (8, 3)}.get(kind)
    if fixed is not None and (size, count) != fixed:
        raise _Damage("the description of the machine it was made on cannot be")
    walk.skip(size * count)


def _cases(walk: _Walk, cells: int) -> None:
    compression, _, cases = struct.unpack_from(walk.order + "iii", walk.raw, 72)
    if compression not in (0, 1, 2) or not cells:
        raise _Damage("its header does not say how the data are stored")
    room = len(walk.raw) - walk.place
    if compression == 2:
        room = _blocks(walk)
    # Compressed, a cell takes at least one byte; otherwise eight.
    if cases * cells * (1 if compression else 8) > room:
        raise _Damage("it announces more rows than it holds")


def _blocks(walk: _Walk) -> int:
    """The size of the data of a .zsav file once they are decompressed."""
    start = walk.place
    here, trailer, length = walk.take("qqq")
    if here != start or length < 24 or trailer < walk.place or trailer + length > len(walk.raw):
        raise _Damage("the directory of its compressed data is not where the file says")
    first = walk.place
    walk.place = trailer
    _, _, largest, count = walk.take("qqii")
    if count < 0 or length != 24 + 24 * count or not 0 < largest <= _LARGEST_BLOCK:
        raise _Damage("the directory of its compressed data cannot be")
    total = 0
    for _ in range(count):
        _, place, size, packed = walk.take("qqii")
        if place != first or not 0 <= size <= largest or packed < 0 or place + packed > trailer:
            raise _Damage("a block of its compressed data is not where the file says")
        if _unpacked(walk.raw[place : place + packed], size) != size:
            raise _Damage("a block of its compressed data cannot be unpacked")
        first, total = place + packed, total + size
    return total


def _unpacked(packed: bytes, size: int) -> int:
    machine = zlib.decompressobj()
    try:
        return len(machine.decompress(packed, size + 1)) if size else 0
    except zlib.error:
        return -1
