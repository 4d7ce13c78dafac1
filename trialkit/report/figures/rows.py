"""Rows of a figure: labels in a column at the left, marks at the right, so that nothing is written over the marks."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.report.figures.style import INK, QUIET, SIZE, WIDTH, add_panel
from trialkit.report.format import clean

LABELS, RIGHT = 150.0, 14.0  # points: the column of labels, and the room for half a tick label
LINE, MARK, GAP = 11.5, 13.0, 9.0
_CHARACTER = 0.55  # width of an average character, as a share of the size of the type


@dataclass(frozen=True, slots=True)
class Item:
    """What a row says: a label, its value in quiet type (or nothing), and how many marks it holds."""

    label: str
    value: str = ""
    marks: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands, in points from the top: its lines of text, where they begin, and each of its marks."""

    label: tuple[str, ...]
    value: tuple[str, ...]
    top: float
    marks: tuple[float, ...]


def wrapped(text: str, points: float, size: float = SIZE, most: int = 4) -> list[str]:
    """Text in lines of a width, at most so many; the last ends in an ellipsis where text is left out."""
    characters = max(int(points / (_CHARACTER * size)), 8)
    flat = re.sub(r"[ \n]+", " ", clean(text)).strip()  # a space that does not break stays one
    return textwrap.wrap(flat, characters, max_lines=most, placeholder=" …", break_long_words=True) or [""]


def stack(items: Sequence[Item], gap: float = GAP) -> tuple[list[Place], float]:
    """Places of rows under each other, and the height of them all."""
    places, y = [], gap
    for item in items:
        label = wrapped(item.label, LABELS - 6)
        value = wrapped(item.value, LABELS - 6, most=2) if item.value else []
        text, marks = LINE * (len(label) + len(value)), MARK * item.marks
        height = max(text, marks)
        first = y + (height - marks) / 2 + MARK / 2
        places.append(
            Place(tuple(label), tuple(value), y + (height - text) / 2, tuple(first + MARK * i for i in range(item.marks)))
        )
        y += height + gap
    return places, y


def add_rows(figure: Any, top: float, height: float) -> Any:
    """Axes beside the column of labels."""
    return add_panel(figure, LABELS, top, WIDTH - LABELS - RIGHT, height)


def write_labels(ax: Any, places: Sequence[Place], height: float) -> None:
    """The labels left of the axes, whose vertical axis runs in points from the top."""
    ax.set_ylim(height, 0)
    for place in places:
        for i, line in enumerate((*place.label, *place.value)):
            ax.annotate(
                line,
                (0, place.top + LINE * (i + 0.5)),
                (2 - LABELS, 0),
                xycoords=ax.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                ha="left",
                color=INK if i < len(place.label) else QUIET,
                annotation_clip=False,
            )
