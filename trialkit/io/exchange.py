"""Two folders change places in one step, so that a process that is killed leaves the one or the other, never neither."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
import time
from pathlib import Path

__all__ = ["exchange", "tidied"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2) in Linux
A_DAY = 86_400


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; False, with nothing done, where the system or the file system cannot.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> exchange(place / "absent", place)
    False
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # a C library without it
        return False
    return bool(swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def tidied(place: Path) -> None:
    """Clear up after a process that was killed while it wrote this folder.

    Where two names could not be exchanged at once, the former folder may stand aside and nothing in its place: it is put back. What such
    processes left half written is removed once it is a day old; a younger one may be at work.
    """
    pattern = re.compile(re.escape(f".{place.name}.") + r"[0-9a-f]{12}\.(tmp|former)")
    left = sorted((p for p in place.parent.iterdir() if pattern.fullmatch(p.name)), key=_changed)
    aside = [p for p in left if p.suffix == ".former"]
    if aside and not place.exists():
        left.remove(aside[-1])
        aside[-1].rename(place)
    for path in left:
        if time.time() - _changed(path) > A_DAY:
            shutil.rmtree(path, ignore_errors=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone by now: another process finished with it
        return time.time()
