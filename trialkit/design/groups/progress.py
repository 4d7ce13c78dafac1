"""Telling how far the forming of groups is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

from trialkit.errors import UsageError

__all__ = ["Progress", "Told"]

Progress: TypeAlias = Callable[[int, int], None]


class Told:
    """Progress on one line of standard error, or by the caller's function."""

    def __init__(self, progress: Progress | bool | None):
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise UsageError("progress takes True, False or a function of (done, all).")
        self._own = progress if callable(progress) else None
        self._line = progress is True or (progress is None and sys.stderr.isatty())
        self._written = False

    def __enter__(self) -> Told:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._own is not None:
            self._own(done, total)
        elif self._line:
            sys.stderr.write(f"\rforming groups: {done} of {total}")
            sys.stderr.flush()
            self._written = True

    def __exit__(self, *_: object) -> None:
        if self._written:
            sys.stderr.write("\n")
