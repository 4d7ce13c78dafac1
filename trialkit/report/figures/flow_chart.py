"""Flow diagram of people and groups: randomized, taken part, outcome known; a column for each arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import wrapped
from trialkit.report.figures.style import INK, QUIET, WIDTH, add_panel, drawing, new_figure
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

_SIZE, _LINE, _PAD, _STEP, _COLUMN_GAP, _EDGE = 9.0, 12.0, 7.0, 20.0, 14.0, 2.0
_NARROWEST = 118.0


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of the diagram: its lines, the first `bold` of them in bold."""

    lines: tuple[str, ...]
    bold: int

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + 2 * _PAD


def flow(
    table: TableResult,
    *,
    outcome: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """The flow of people and groups through the trial.

    Parameters
    ----------
    table : what `tk.selection.flow` returns.
    outcome : column of the outcome at the end; by default the first.
    labels : labels of arms and outcomes, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The table has no such outcome, or no rows.

    Examples
    --------
    >>> ax = tk.plot.flow(tk.selection.flow(trial, ["y1"]))                                     # doctest: +SKIP
    """
    rows = list(table.table)
    arms = list(dict.fromkeys(str(r["arm"]) for r in rows))
    if not arms:
        raise UsageError("this flow table has no rows: flow takes what tk.selection.flow returns.")
    known = list(dict.fromkeys(str(r["outcome"]) for r in rows if r["stage"] == "outcome"))
    if outcome is not None and outcome not in known:
        raise UsageError(f"the flow table has no outcome '{outcome}'; it has {', '.join(known) or 'none'}.")
    end = outcome or (known[0] if known else None)
    width = max(WIDTH, _NARROWEST * len(arms) + _COLUMN_GAP * (len(arms) - 1) + 2 * _EDGE)
    column = (width - 2 * _EDGE - _COLUMN_GAP * (len(arms) - 1)) / len(arms)
    boxes = [_boxes(rows, arm, end, labels or {}, column - 2 * _PAD, words) for arm in arms]
    heights = [max(b[i].height for b in boxes) for i in range(len(boxes[0]))]
    total = _Box(_start(table, words), 1)
    tall = total.height + sum(heights) + _STEP * len(heights) + 2 * _EDGE + 6
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(tall, width), 0, 0, width, tall)
        ax.set_xlim(0, width)
        ax.set_ylim(tall, 0)
        ax.set_axis_off()
        _draw(ax, total, boxes, heights, width, column)
    return ax


def _start(table: TableResult, words: English) -> tuple[str, ...]:
    people = real(table.details.get("people"))
    return (
        (words.flow_start, words.flow_people(words.numbers.count(people), None)) if math.isfinite(people) else (words.flow_start,)
    )


def _boxes(
    rows: Sequence[Mapping[str, Any]], arm: str, outcome: str | None, labels: Mapping[str, str], width: float, words: English
) -> list[_Box]:
    mine = [r for r in rows if str(r["arm"]) == arm]
    first = next(r for r in mine if r["stage"] == "randomized")
    out = [
        _box(
            labels.get(arm, arm), [words.flow_people(words.numbers.count(first["people"]), None), *_together(first, words)], width
        )
    ]
    taken = next((r for r in mine if r["stage"] == "took_up"), None)
    if taken is not None:
        out.append(_box(words.flow_took_up, _counts(taken, words), width))
    if outcome is not None:
        ended = next(r for r in mine if r["stage"] == "outcome" and str(r["outcome"]) == outcome)
        out.append(_box(f"{words.flow_known}: {labels.get(outcome, outcome)}", _counts(ended, words), width))
    return out


def _counts(row: Mapping[str, Any], words: English) -> list[str]:
    share = words.numbers.percent(row.get("share"))
    return [words.flow_people(words.numbers.count(row["people"]), share), *_together(row, words)]


def _together(row: Mapping[str, Any], words: English) -> list[str]:
    """Groups or clusters of a row, and their sizes where it holds them."""
    out = []
    if real(row.get("groups")) > 0:
        out.append(words.flow_groups(words.numbers.count(row["groups"])))
        if math.isfinite(real(row.get("group_size_mean"))):
            low, high = words.numbers.count(row["group_size_min"]), words.numbers.count(row["group_size_max"])
            out.append(words.flow_sizes(low, high, words.numbers.fixed(row["group_size_mean"], 1)))
    elif real(row.get("clusters")) > 0:
        out.append(words.flow_clusters(words.numbers.count(row["clusters"])))
    return out


def _box(title: str, lines: Sequence[str], width: float) -> _Box:
    bold = wrapped(title, width * 0.93, _SIZE, 4)
    plain = [part for line in lines for part in wrapped(line, width, _SIZE, 3)]
    return _Box((*bold, *plain), len(bold))


def _draw(ax: Any, total: _Box, boxes: list[list[_Box]], heights: list[float], width: float, column: float) -> None:
    centres = [_EDGE + column / 2 + i * (column + _COLUMN_GAP) for i in range(len(boxes))]
    top = _EDGE
    _rectangle(ax, total, width / 2, top, 150.0, total.height)
    fork = top + total.height + _STEP / 2
    _line(ax, [(width / 2, top + total.height), (width / 2, fork)])
    _line(ax, [(centres[0], fork), (centres[-1], fork)])
    y = top + total.height + _STEP + 6
    for level, height in enumerate(heights):
        above = fork if level == 0 else y - _STEP
        for x, arm in zip(centres, boxes):
            _arrow(ax, x, above, y)
            _rectangle(ax, arm[level], x, y, column, height)
        y += height + _STEP


def _rectangle(ax: Any, box: _Box, x: float, top: float, width: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x - width / 2, top), width, height, facecolor="white", edgecolor=QUIET, linewidth=0.9))
    middle = top + (height - _LINE * len(box.lines)) / 2
    for i, line in enumerate(box.lines):
        y = middle + _LINE * (i + 0.5)
        weight = "bold" if i < box.bold else "normal"
        ax.text(x, y, line, ha="center", va="center", fontsize=_SIZE, fontweight=weight, color=INK)


def _line(ax: Any, points: list[tuple[float, float]]) -> None:
    ax.plot([p[0] for p in points], [p[1] for p in points], color=QUIET, linewidth=0.9, solid_capstyle="butt")


def _arrow(ax: Any, x: float, start: float, end: float) -> None:
    ax.annotate(
        "", (x, end), (x, start), arrowprops={"arrowstyle": "-|>", "color": QUIET, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    )
