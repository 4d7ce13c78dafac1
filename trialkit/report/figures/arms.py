"""What was observed in each arm, before any adjustment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import stack, write_labels
from trialkit.report.figures.style import COLOURS, CONTROL, INK, MARKERS, WIDTH, add_panel, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.view import Unit, unit_of
from trialkit.report.words_en import ENGLISH, English
from trialkit.results import Result

SIDE, BELOW = 14.0, 36.0


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
    texts = [_text(a, unit, labels or {}, words) for a in arms]
    places, height = stack(texts, [1] * len(arms))
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(height + BELOW), SIDE, 0, WIDTH - 2 * SIDE, height)
        for i, (row, place) in enumerate(zip(arms, places)):
            _mark(ax, row, place.marks[0], unit, i)
        tidy_x(ax, words.axis_share if unit.kind == "share" else words.axis_mean, words.numbers, percent=unit.kind == "share")
        _limits(ax, arms, unit)
        write_labels(ax, places, height)
    return ax


def _text(row: Mapping[str, Any], unit: Unit, labels: Mapping[str, str], words: English) -> str:
    name = str(row["arm"])
    return words.arm_value(labels.get(name, name), unit.level(row["mean"]), words.numbers.count(row["n"]))


def _mark(ax: Any, row: Mapping[str, Any], y: float, unit: Unit, i: int) -> None:
    factor = 100.0 if unit.kind == "share" else 1.0
    mean, sd = factor * real(row["mean"]), real(row.get("sd"))
    if not math.isfinite(mean):
        return
    colour, marker = (CONTROL, "s") if i == 0 else (COLOURS[(i - 1) % len(COLOURS)], MARKERS[(i - 1) % len(MARKERS)])
    if unit.kind == "share":
        ax.plot([0, mean], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    elif math.isfinite(sd):
        ax.plot([mean - sd, mean + sd], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    ax.plot(mean, y, marker, color=colour, markersize=7, markeredgecolor=INK, markeredgewidth=0.7)


def _limits(ax: Any, arms: list[Mapping[str, Any]], unit: Unit) -> None:
    if unit.kind != "share":
        ax.margins(x=0.04)
        return
    top = max((100 * real(a["mean"]) for a in arms if math.isfinite(real(a["mean"]))), default=100.0)
    ax.set_xlim(0, min(max(1.25 * top, 5.0), 100.0) + 0.5)
