"""What was observed in each arm, before any adjustment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, CONTROL, INK, MARKERS, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Result

BELOW = 36.0


def means(result: Result, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH) -> Any:
    """Raw mean (with one SD to each side) or raw share of every arm of an ITT result.

    Parameters
    ----------
    result : what `tk.itt` returns.
    labels : labels of the arms, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result holds no summaries by arm.

    Examples
    --------
    >>> ax = tk.plot.means(tk.itt(trial, "y1"))                         # doctest: +SKIP
    """
    arms = list(result.details.get("arms") or [])
    if not arms:
        raise UsageError("this result holds no summaries by arm: means takes what tk.itt returns.")
    unit = unit_of(result, words.numbers)
    places, height = stack(arm_items(result, labels or {}, words))
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        for i, (row, place) in enumerate(zip(arms, places)):
            _mark(ax, row, place.marks[0], unit, i)
        tidy_x(ax, words.axis_share if unit.levels == "share" else words.axis_mean, words.numbers, percent=unit.levels == "share")
        _limits(ax, arms, unit)
        write_labels(ax, places, height)
    return ax


def arm_items(result: Result, labels: Mapping[str, str], words: English) -> list[Item]:
    """A row for each arm: its label, and its raw mean or share with the number of people."""
    unit, out = unit_of(result, words.numbers), []
    for row in result.details.get("arms") or []:
        name = str(row["arm"])
        out.append(Item(labels.get(name, name), words.value_of_people(unit.level(row["mean"]), words.numbers.count(row["n"]))))
    return out


def _mark(ax: Any, row: Mapping[str, Any], y: float, unit: Unit, i: int) -> None:
    factor = 100.0 if unit.levels == "share" else 1.0
    mean, sd = factor * real(row["mean"]), real(row.get("sd"))
    if not math.isfinite(mean):
        return
    colour, marker = (CONTROL, "s") if i == 0 else (COLOURS[(i - 1) % len(COLOURS)], MARKERS[(i - 1) % len(MARKERS)])
    if unit.levels == "share":
        ax.plot([0, mean], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    elif math.isfinite(sd):
        ax.plot([mean - sd, mean + sd], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    ax.plot(mean, y, marker, color=colour, markersize=7, markeredgecolor=INK, markeredgewidth=0.7)


def _limits(ax: Any, arms: list[Mapping[str, Any]], unit: Unit) -> None:
    if unit.levels != "share":
        ax.margins(x=0.04)
        return
    top = max((100 * real(a["mean"]) for a in arms if math.isfinite(real(a["mean"]))), default=100.0)
    ax.set_xlim(0, min(max(1.25 * top, 5.0), 100.0) + 0.5)
