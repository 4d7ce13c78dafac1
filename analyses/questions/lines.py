"""Results side by side as numbers, from which a script takes its headline, its table and its conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Line:
    """One result: what was put in, what a careless analysis gives (NaN where there is none), and the estimate with its interval."""

    what: str
    truth: float
    naive: float
    estimate: float
    low: float
    high: float
    digits: int = 2

    @property
    def headline(self) -> dict[str, float]:
        """The numbers under the names an answer has for them."""
        return {k: getattr(self, k) for k in ("truth", "naive", "estimate", "low", "high")}

    @property
    def words(self) -> dict[str, str]:
        """The line for the table, as text."""
        shown = {k: "" if np.isnan(v) else f"{v:,.{self.digits}f}" for k, v in self.headline.items()}
        return {
            "what": self.what, "truth": shown["truth"], "naive": shown["naive"], "estimate": shown["estimate"], "interval": f"{shown['low']} to {shown['high']}",
        }  # fmt: skip

    def span(self, unit: str = "", scale: float = 1.0, digits: int | None = None) -> str:
        """'0.10 to 0.34 SD': the interval in a sentence."""
        d = self.digits if digits is None else digits
        return f"{scale * self.low:,.{d}f} to {scale * self.high:,.{d}f}{unit}"

    def says(self, *, above: str, below: str, unsure: str, null: float = 0.0) -> str:
        """The words the interval allows: all of it above the null, all below, or neither."""
        return above if self.low > null else below if self.high < null else unsure


def line(what: str, found: Any, *, truth: float, naive: float = np.nan, digits: int = 2, scale: float = 1.0) -> Line:
    """A line from an estimate of trialkit; `scale` 100 shows a share in per cent, and truth and naive are given in that unit."""
    estimate, low, high = (scale * float(v) for v in (found.estimate, found.conf_low, found.conf_high))
    return Line(what, float(truth), float(naive), estimate, low, high, digits)


def table(lines: Sequence[Line]) -> list[dict[str, str]]:
    """All lines as text, without the naive column where nobody has one."""
    rows = [one.words for one in lines]
    if not any(row["naive"] for row in rows):
        rows = [{k: v for k, v in row.items() if k != "naive"} for row in rows]
    return rows
