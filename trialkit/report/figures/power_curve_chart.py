"""Power (or the size or effect that was solved for) over a range of designs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.report.figures.rows import wrapped
from trialkit.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    QUIET,
    SIZE,
    WIDTH,
    add_panel,
    drawing,
    new_figure,
    tick_text,
    tidy_x,
)
from trialkit.report.format import real, shortened
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

HEIGHT, LEFT, RIGHT, TOP, BELOW = 210.0, 46.0, 92.0, 24.0, 38.0
_LINE, _EDGE = 12.0, 2.0
NAMES = {
    "power": "Probability of detecting the effect",
    "effect": "Effect",
    "n_per_arm": "People per arm",
    "n": "People in total",
    "treated": "Treated people",
    "controls": "Controls",
    "pairs": "Pairs",
    "clusters": "Clusters",
    "cluster_size": "People per cluster",
    "groups": "Groups",
    "group_size": "People per group",
    "icc": "Intracluster correlation",
    "attrition": "Share lost to follow-up",
    "baseline_correlation": "Correlation with the baseline",
    "control_rate": "Share in the control arm",
}


def power_curve(
    result: TableResult,
    *,
    target: float | None = 0.8,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Curves of what was solved for, one for each value of the arguments beside the horizontal axis.

    Parameters
    ----------
    result : what `tk.power.curve` returns. The varied argument with the most values is the horizontal axis.
    target : power at which a line is drawn; None for none.
    labels : names of arguments in words, by argument.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no power curve, or nothing that varies is a number.

    Examples
    --------
    >>> found = tk.power.curve(tk.power.individual, effect=[0.3, 0.5], n_per_arm=range(20, 101, 20))
    >>> found.plot().get_xlabel()
    'People per arm'
    """
    varied, solved_for = result.details.get("varied"), result.details.get("solved_for")
    if not varied or not solved_for:
        raise UsageError("power_curve draws what tk.power.curve returns.")
    named = {**NAMES, **(labels or {})}
    x = _axis(result, varied)
    others = [v for v in varied if v != x]
    curves = _curves(result, x, others)
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        for (_, rows), colour, marker in zip(curves, cycle(COLOURS), cycle(MARKERS)):
            _line(ax, [r[x] for r in rows], [real(r[solved_for]) for r in rows], colour, marker)
        tidy_x(ax, named.get(x, x), words.numbers)
        _vertical(ax, named.get(solved_for, solved_for), solved_for == "power", target, words)
        _names(ax, curves, x, solved_for, ", ".join(named.get(k, k) for k in others))
    return ax


def _axis(result: TableResult, varied: Sequence[str]) -> str:
    """The varied argument with the most values, all of them numbers."""
    counts = {}
    for name in varied:
        values = {r[name] for r in result.table if not isinstance(r[name], (list, tuple))}
        if values and all(math.isfinite(real(v)) for v in values):
            counts[name] = len(values)
    if not counts:
        raise UsageError(f"nothing that varies is a number ({', '.join(varied)}): a curve needs a horizontal axis.")
    return max(counts, key=lambda name: counts[name])


def _curves(result: TableResult, x: str, others: Sequence[str]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """(values of the other arguments, rows in the order of the axis) of each curve."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in result.table:
        label = ", ".join(_value(row[k]) for k in others)
        found.setdefault(label, []).append(row)
    return [(label, sorted(rows, key=lambda r: real(r[x]))) for label, rows in found.items()]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _line(ax: Any, x: list[float], y: list[float], colour: str, marker: str) -> None:
    every = max(len(x) // 8, 1)
    ax.plot(
        x,
        y,
        "-",
        color=colour,
        linewidth=1.6,
        marker=marker,
        markersize=5,
        markevery=every,
        markeredgecolor=INK,
        markeredgewidth=0.6,
    )


def _vertical(ax: Any, title: str, power: bool, target: float | None, words: English) -> None:
    """The title above the axis, where it can be read without turning the head."""
    ax.set_title(title, loc="left", fontsize=SIZE, color=INK, pad=8, x=-LEFT / (WIDTH - LEFT - RIGHT) + 0.02)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    if not power:
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, words.numbers)))
        return
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))
    if target is not None:
        ax.axhline(target, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _names(ax: Any, curves: Sequence[tuple[str, list[Mapping[str, Any]]]], x: str, solved_for: str, heading: str) -> None:
    """Each curve's values at its end under a heading, moved apart where two would overlap."""
    ends = []
    for (label, rows), colour in zip(curves, cycle(COLOURS)):
        seen = [r for r in rows if math.isfinite(real(r[solved_for]))]
        if label and seen:
            ends.append((real(seen[-1][solved_for]), real(seen[-1][x]), label, colour))
    if not ends:
        return
    ends.sort(key=lambda e: -e[0])
    low, high = ax.get_ylim()
    points = ax.figure.get_size_inches()[1] * 72 * ax.get_position().height
    lines = wrapped(heading, RIGHT - 18, SIZE - 1, most=2)
    # curves that end at the top leave the heading no room above them, and their names stand lower
    highest = 1 + (TOP - _EDGE - _LINE * (len(lines) + 1.2)) / max(points, 1.0)
    places = _apart([min((y - low) / (high - low), highest) for y, *_ in ends], _LINE / max(points, 1.0))
    for (y, end, label, colour), place in zip(ends, places):
        ax.annotate(
            shortened(label, 18), (end, y), xytext=(1.06, place), textcoords="axes fraction",
            va="center", fontsize=SIZE, color=INK, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 3, "relpos": (0, 0.5)},
        )  # fmt: skip
    above = places[0] + 1.2 * _LINE / points
    ax.annotate("\n".join(lines), (1.06, above), xycoords="axes fraction", fontsize=SIZE - 1, color=QUIET, va="bottom")


def _apart(wished: Sequence[float], room: float) -> list[float]:
    """Places from the top down at least `room` apart, as near to the wished ones as that allows, none below the axis."""
    places: list[float] = []
    for place in wished:
        places.append(min(place, places[-1] - room) if places else place)
    for i in reversed(range(len(places))):
        floor = places[i + 1] + room if i + 1 < len(places) else 0.0
        places[i] = max(places[i], floor)
    return places
