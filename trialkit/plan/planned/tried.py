"""Parts of an analysis of which one that cannot be had does not stop the others: it is left out, and why is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from trialkit.errors import TrialkitError

R = TypeVar("R")

__all__ = ["Tried"]


class Tried:
    """Call it with a name and an analysis; `left_out` has a sentence for each that raised."""

    def __init__(self) -> None:
        self.left_out: list[str] = []

    def __call__(self, what: str, analysis: Callable[[], R]) -> R | None:
        try:
            return analysis()
        except TrialkitError as error:
            self.left_out.append(f"{what}: {error}")
            return None
