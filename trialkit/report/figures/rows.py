"""Rows of labelled marks: a line of text above, its marks beneath, so that long labels fit on narrow screens."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.report.figures.style import INK, WIDTH
from trialkit.report.format import clean

LINE, MARK, GAP = 11.5, 15.0, 7.0
_CHARACTER = 4.9  # points a character of 9-point type takes on average


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands, in points from the top: its label and each of its marks."""

    label: str
    top: float
    marks: tuple[float, ...]


def wrapped(text: str, points: float, size: float = 9.0, most: int = 3) -> list[str]:
    """Text in lines of a width, at most so many; the last ends in an ellipsis where text is left out."""
    characters = max(int(points / (_CHARACTER * size / 9.0)), 8)
    flat = " ".join(clean(text).split())
    return textwrap.wrap(flat, characters, max_lines=most, placeholder=" …", break_long_words=True) or [""]


def stack(labels: Sequence[str], marks: Sequence[int], width: float = WIDTH - 30) -> tuple[list[Place], float]:
    """Places of rows under each other, and the height of them all. An empty label takes no line."""
    places, y = [], 2.0
    for label, count in zip(labels, marks):
        lines = wrapped(label, width) if label else []
        below = y + LINE * len(lines)
        places.append(Place("\n".join(lines), y, tuple(below + MARK * (i + 0.5) for i in range(count))))
        y = below + MARK * count + GAP
    return places, y - GAP + 4


def write_labels(ax: Any, places: Sequence[Place], height: float) -> None:
    """The labels at the left edge of the axes, whose vertical axis runs in points from the top."""
    ax.set_ylim(height, 0)
    for place in places:
        if place.label:
            ax.text(
                0,
                place.top,
                place.label,
                transform=ax.get_yaxis_transform(),
                va="top",
                ha="left",
                color=INK,
                linespacing=1.15,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                zorder=3,
            )
