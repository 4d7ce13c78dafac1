"""An axis of ratios: distances on the log scale, ticks where people read ratios."""

from __future__ import annotations

import math
from typing import Any

from trialkit.report.figures.style import FAINT, tick_text
from trialkit.report.format import Numbers

# from coarse to fine: the first set with three ticks in sight is used
_STEPS = (
    (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    (0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0),
    (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4),
    (0.96, 0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03, 1.04),
)
_BROAD = tuple(10.0**k for k in range(-12, 13))


def ratio_x(ax: Any, label: str, numbers: Numbers, low: float, high: float) -> None:
    """A bottom axis for marks drawn at the logs of ratios, from log ratio `low` to `high`."""
    ax.set_xlim(low, high)
    ticks = _ticks(low, high)
    ax.set_xticks([math.log(t) for t in ticks], [tick_text(t, numbers) for t in ticks])
    ax.minorticks_off()
    ax.set_yticks([])
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_xlabel(label, labelpad=3)


def _ticks(low: float, high: float) -> list[float]:
    for steps in (_BROAD, *_STEPS):
        inside = [t for t in steps if low <= math.log(t) <= high]
        if len(inside) >= 3:
            return inside[:: max(1, math.ceil(len(inside) / 8))]
    return inside or [1.0]
