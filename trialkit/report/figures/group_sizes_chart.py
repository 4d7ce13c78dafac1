"""Sizes of the groups as assigned, beside what was planned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, INK, MARKERS, ZONE, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

BELOW = 36.0


def group_sizes(
    table: TableResult,
    *,
    planned: tuple[float, float] | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Smallest, mean and largest group of every grouped arm.

    Parameters
    ----------
    table : what `tk.selection.flow` returns.
    planned : smallest and largest group of the plan, drawn as a band.
    labels : labels of the arms, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The table holds no groups.

    Examples
    --------
    >>> ax = tk.plot.group_sizes(tk.selection.flow(trial, ["y1"]), planned=(10, 15))            # doctest: +SKIP
    """
    rows = sized_rows(table)
    if not rows:
        raise UsageError("this flow table holds no groups: group_sizes is for trials with group=.")
    named = labels or {}
    places, height = stack([_item(r, named.get(str(r["arm"]), str(r["arm"])), words) for r in rows])
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        edges = list(planned or ())
        if planned is not None:
            ax.axvspan(planned[0], planned[1], color=ZONE, linewidth=0, zorder=0)
        for i, (row, place) in enumerate(zip(rows, places)):
            low, mean, high = (real(row[f"group_size_{k}"]) for k in ("min", "mean", "max"))
            edges += [low, high]
            ax.plot(
                [low, high], [place.marks[0]] * 2, "|-", color=COLOURS[i % 7], linewidth=1.6, markersize=9, markeredgewidth=1.6
            )
            ax.plot(
                mean, place.marks[0], MARKERS[i % 7], color=COLOURS[i % 7], markersize=7, markeredgecolor=INK, markeredgewidth=0.7
            )
        tidy_x(ax, words.axis_group_size, words.numbers)
        ax.set_xlim(max(min(edges) - 2, 0), max(edges) + 2)
        write_labels(ax, places, height)
    return ax


def sized_rows(table: TableResult) -> list[Mapping[str, Any]]:
    """The rows of a flow table that hold group sizes."""
    return [r for r in table.table if r["stage"] == "randomized" and math.isfinite(real(r.get("group_size_mean")))]


def _item(row: Mapping[str, Any], label: str, words: English) -> Item:
    return Item(label, words.groups_mean(words.numbers.count(row["groups"]), words.numbers.fixed(row["group_size_mean"], 1)))
