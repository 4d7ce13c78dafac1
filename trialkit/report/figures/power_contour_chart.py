"""Power over two arguments at once: which designs reach it, and what they cost in people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError, nearest, shown
from trialkit.report.figures.power_curve_chart import NAMES
from trialkit.report.figures.style import FAINT, INK, QUIET, SIZE, WIDTH, add_panel, drawing, new_figure, tick_text, tidy_x
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

HEIGHT, LEFT, RIGHT, TOP, BELOW = 236.0, 50.0, 16.0, 42.0, 38.0
LEVELS = (0.5, 0.7, 0.8, 0.9)
FILLS = ("#ffffff", "#e6eef3", "#cfe0ea", "#b0cddd", "#8fb8ce")  # one hue from white: the lines carry the numbers
TITLE, PEOPLE, DESIGN = "{}; shades and lines: power", "Dashed: designs with equally many people", "the design"
_ISO = 4


def power_contour(
    result: TableResult,
    *,
    x: str | None = None,
    y: str | None = None,
    design: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Power over a grid of two arguments, with lines at 50, 70, 80 and 90 percent.

    Parameters
    ----------
    result : what `tk.power.curve` returns when power was left out and two arguments vary, each a number with two or more values.
    x, y : which of the two is horizontal and which vertical; by default in the order of the call.
    design : a point to mark, by argument: {"groups": 12, "group_size": 10}.
    labels : names of arguments in words, by argument.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no power curve over two numbers, or the design lies outside the grid.

    Notes
    -----
    Where people differ along both arguments (groups and their size), dashed lines join the designs with equally many. A combination without a
    solution is left white, as power below 50 percent is.

    Examples
    --------
    >>> design = {"effect": 0.4, "controls": 144, "icc": 0.05}
    >>> found = tk.power.curve(tk.power.grouped, groups=range(6, 19, 2), group_size=range(6, 19, 4), **design)
    >>> tk.plot.power_contour(found, design={"groups": 12, "group_size": 10}).get_xlabel()
    'Groups'
    """
    first, second = _pair(result, x, y)
    across, up, power, people = _grid(result, first, second)
    named = {**NAMES, **(labels or {})}
    mark = None if design is None else _point(design, (first, across), (second, up))
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        ax.contourf(across, up, power, levels=[0, *LEVELS, 1.0000001], colors=FILLS, zorder=1)
        ax.grid(axis="both", color=FAINT, linewidth=0.4, zorder=1.5)
        dashed = _people(ax, across, up, people, words)
        _lines(ax, across, up, power)
        if mark is not None:
            _mark(ax, mark)
        tidy_x(ax, named.get(first, first), words.numbers)
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, words.numbers)))
        ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
        _heading(ax, TITLE.format(named.get(second, second)), dashed)
    return ax


def _pair(result: TableResult, x: str | None, y: str | None) -> tuple[str, str]:
    """The horizontal and the vertical argument."""
    varied = list(result.details.get("varied") or ())
    if not varied:
        raise UsageError("power_contour draws what tk.power.curve returns.")
    if result.details.get("solved_for") != "power":
        raise UsageError(
            f"this curve solved for {result.details.get('solved_for')}; power_contour draws power: give tk.power.curve the effect and the whole design."
        )
    if len(varied) != 2:
        raise UsageError(
            f"power_contour needs a curve over exactly two arguments; {shown(varied)} {'vary' if len(varied) > 1 else 'varies'}."
        )
    for name in (x, y):
        if name is not None and name not in varied:
            near = nearest(name, varied)
            raise UsageError(f"'{name}' does not vary; {shown(varied)} do.{f' Did you mean {near!r}?' if near else ''}")
    if x is not None and x == y:
        raise UsageError(f"x and y are both '{x}'; the curve varies {shown(varied)}.")
    first = x if x is not None else varied[1] if y == varied[0] else varied[0]
    return first, next(v for v in varied if v != first)


def _grid(result: TableResult, first: str, second: str) -> tuple[Any, Any, Any, Any]:
    """Values of both arguments in rising order, power and people at each pair (rows are the vertical argument)."""
    values = {}
    for name in (first, second):
        found = sorted({real(r[name]) for r in result.table if not isinstance(r[name], (list, tuple))})
        if (
            len(found) < 2
            or not all(math.isfinite(v) for v in found)
            or any(isinstance(r[name], (list, tuple)) for r in result.table)
        ):
            raise UsageError(f"'{name}' needs at least two values, all of them numbers, for a surface of power.")
        values[name] = found
    across, up = np.array(values[first]), np.array(values[second])
    power, people = (np.full((len(up), len(across)), np.nan) for _ in range(2))
    for row in result.table:
        at = (int(np.searchsorted(up, real(row[second]))), int(np.searchsorted(across, real(row[first]))))
        power[at], people[at] = real(row["power"]), real(row.get("n"))
    return across, up, np.ma.masked_invalid(power), people


def _point(design: Mapping[str, float], *axes: tuple[str, Any]) -> tuple[float, float]:
    found = []
    for name, values in axes:
        if name not in design:
            raise UsageError(f"design does not say '{name}'; a point needs both arguments of the grid.")
        value = real(design[name])
        if not values[0] <= value <= values[-1]:
            raise UsageError(
                f"design has {name}={value:g}, outside the grid of {values[0]:g} to {values[-1]:g}: widen the curve, or mark another design."
            )
        found.append(value)
    return found[0], found[1]


def _people(ax: Any, across: Any, up: Any, people: Any, words: English) -> bool:
    """Lines of equally many people, where both arguments change their number; whether there are any."""
    known = np.ma.masked_invalid(people)
    if known.count() == 0 or np.ma.allclose(known, known[:1]) or np.ma.allclose(known, known[:, :1]):
        return False
    levels = MaxNLocator(_ISO, steps=[1, 2, 2.5, 5, 10]).tick_values(float(known.min()), float(known.max()))
    inside = [v for v in levels if known.min() < v < known.max()]
    if not inside:
        return False
    drawn = ax.contour(across, up, known, levels=inside, colors=QUIET, linewidths=0.8, linestyles="dashed", zorder=2)
    for text in ax.clabel(drawn, fmt=lambda v: words.numbers.count(v), fontsize=7.5, inline=True, inline_spacing=3):
        text.set_color(QUIET)
    return True


def _lines(ax: Any, across: Any, up: Any, power: Any) -> None:
    inside = [v for v in LEVELS if float(power.min()) < v < float(power.max())]
    if not inside:
        return
    widths = [1.8 if v == 0.8 else 1.0 for v in inside]
    drawn = ax.contour(across, up, power, levels=inside, colors=INK, linewidths=widths, zorder=3)
    ax.clabel(drawn, fmt=lambda v: f"{100 * v:.0f}%", fontsize=SIZE - 1, inline=True, inline_spacing=4)


def _mark(ax: Any, point: tuple[float, float]) -> None:
    ax.plot(
        [point[0]], [point[1]], marker="D", color="#D55E00", markersize=8, markeredgecolor=INK, markeredgewidth=0.9, zorder=5,
        clip_on=False,
    )  # fmt: skip
    low, high = ax.get_xlim()
    right = point[0] > (low + high) / 2
    ax.annotate(
        DESIGN, point, xytext=(-9 if right else 9, 0), textcoords="offset points", ha="right" if right else "left", va="center",
        fontsize=SIZE, color=INK, zorder=6, bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )  # fmt: skip


def _heading(ax: Any, title: str, dashed: bool) -> None:
    points: Sequence[float] = ax.figure.get_size_inches() * 72
    width = points[0] * ax.get_position().width
    ax.set_title(title, loc="left", fontsize=SIZE, color=INK, pad=22 if dashed else 8, x=(2 - LEFT) / width)
    if dashed:
        ax.annotate(
            PEOPLE, (0, 1), xytext=(2 - LEFT, 8), xycoords="axes fraction", textcoords="offset points", fontsize=8.5, color=QUIET,
            annotation_clip=False,
        )  # fmt: skip
