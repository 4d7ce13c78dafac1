"""Zipped files that unpack to far more than they are: a worksheet of a few hundred kilobytes can claim all memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trialkit.errors import FileReadError

__all__ = ["MOST_CELLS", "counted", "refuse_bomb"]

MOST_CELLS = 50_000_000
_LARGE, _HUGE = 256 * 2**20, 4 * 2**30
# Worksheets are repetitive: real ones shrink ten to fifty times.
_MOST_SHRUNK = 150


def refuse_bomb(path: Path) -> None:
    """Refuse a workbook whose parts unpack to more than any real one.

    Raises
    ------
    FileReadError
        It does.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    whole = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if whole > _HUGE or (whole > _LARGE and whole / packed > _MOST_SHRUNK):
        raise FileReadError(
            f"{path} unpacks to {whole / 2**20:.0f} MB, {whole / packed:.0f} times its size: it is damaged or made to fill the memory. "
            "Export the data again, as .csv if they are really that large."
        )


def counted(rows: Iterable[tuple[Any, ...]], path: Path, title: str) -> list[tuple[Any, ...]]:
    """All rows, unless a cell far to the right makes every row thousands of cells long.

    Raises
    ------
    FileReadError
        More cells than `MOST_CELLS`.
    """
    kept, cells = [], 0
    for row in rows:
        cells += len(row)
        if cells > MOST_CELLS:
            raise FileReadError(
                f"sheet '{title}' of {path} spans more than {MOST_CELLS // 10**6} million cells. Delete the empty columns and rows at its "
                "right and lower end, or export the data as .csv."
            )
        kept.append(row)
    return kept
