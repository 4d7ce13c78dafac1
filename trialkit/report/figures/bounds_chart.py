"""Bounds of effects: a bar from the lower to the upper bound, whiskers for the interval of the effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, INK, drawing, new_figure, tidy_x
from trialkit.report.format import MINUS, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

BELOW = 36.0


def bounds(*results: TableResult, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH) -> Any:
    """Bounds of one or more results under each other: bars for the bounds, whiskers for the interval, a diamond for the observed difference.

    Parameters
    ----------
    results : what `tk.selection.lee_bounds`, `manski_bounds` or `kling_liebman` return, of outcomes in one unit.
    labels : labels of outcomes and contrasts, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        No result, or one that holds no bounds.

    Examples
    --------
    >>> ax = tk.plot.bounds(tk.selection.lee_bounds(trial, "y1"), tk.selection.kling_liebman(trial, "y1"))       # doctest: +SKIP
    """
    rows = [(str(r.details.get("title", "")), row) for r in results for row in r.table]
    if not rows or any("lower" not in row or "effect_conf_low" not in row for _, row in rows):
        raise UsageError("bounds takes what tk.selection.lee_bounds, manski_bounds or kling_liebman return.")
    named = labels or {}
    several = len({t for t, _ in rows}) > 1
    places, height = stack([_item(title if several else "", row, named, words) for title, row in rows])
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
        titles = list(dict.fromkeys(t for t, _ in rows))
        for (title, row), place in zip(rows, places):
            _mark(ax, row, place.marks[0], COLOURS[titles.index(title) % len(COLOURS)])
        tidy_x(ax, words.axis_difference_raw, words.numbers)
        ax.margins(x=0.06)
        write_labels(ax, places, height)
    return ax


def _item(title: str, row: Mapping[str, Any], labels: Mapping[str, str], words: English) -> Item:
    outcome, contrast = (labels.get(str(row[k]), str(row[k])) for k in ("outcome", "contrast"))
    parts = [outcome, contrast.replace(" - ", f" {MINUS} "), title, f"{row['sd']:g} SD" if "sd" in row else ""]
    low, high = (words.numbers.fixed(row[k], 3) for k in ("lower", "upper"))
    return Item(", ".join(p for p in parts if p), f"{low} to {high}")


def _mark(ax: Any, row: Mapping[str, Any], y: float, colour: str) -> None:
    low, high = real(row["lower"]), real(row["upper"])
    ends = real(row["effect_conf_low"]), real(row["effect_conf_high"])
    if all(map(math.isfinite, ends)):
        ax.plot(ends, [y, y], "|-", color=colour, linewidth=1.3, markersize=7, markeredgewidth=1.3, zorder=2)
    ax.plot([low, high], [y, y], color=colour, linewidth=7, solid_capstyle="butt", zorder=3)
    ax.plot([low, high], [y, y], "|", color=INK, markersize=9, markeredgewidth=1.2, zorder=4)
    difference = real(row["observed_difference"])
    if math.isfinite(difference):
        ax.plot(difference, y, "D", color="white", markersize=4.5, markeredgecolor=INK, markeredgewidth=0.9, zorder=5)
