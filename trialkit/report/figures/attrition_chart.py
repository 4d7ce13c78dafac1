"""Who was lost: shares by arm, wave, group or trait, and the place of the trial in the Clearinghouse's boundary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.inference.attrition.wwc import TABLE
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import (
    COLOURS,
    CONTROL,
    FAINT,
    INK,
    MARKERS,
    QUIET,
    SIZE,
    WIDTH,
    ZONE,
    add_panel,
    drawing,
    new_figure,
    tick_text,
    tidy_x,
)
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

BELOW = 36.0
LEFT, RIGHT, TOP, HEIGHT = 46.0, 16.0, 26.0, 220.0
TABLES = {"wave": "by_wave", "group": "by_group", "trait": "by_trait"}


def attrition(
    result: TableResult,
    *,
    by: Literal["arm", "wave", "group", "trait"] = "arm",
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Share of people lost, a row an arm (at each wave, in each group, or at each level of a trait).

    Parameters
    ----------
    result : what `tk.selection.attrition` returns; 'wave' and 'trait' need its waves= and traits=.
    by : what a row is. labels : labels of arms, groups, waves and traits, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result holds no such table.

    Examples
    --------
    >>> ax = tk.plot.attrition(tk.selection.attrition(trial, "y1"))                          # doctest: +SKIP
    """
    if by not in ("arm", *TABLES):
        raise UsageError(f"by={by!r} is 'arm', 'wave', 'group' or 'trait'.")
    rows = list(result.table if by == "arm" else result.details.get(TABLES[by]) or [])
    if not rows or "rate" not in rows[0]:
        raise UsageError(
            f"this result holds no losses by {by}: it takes what tk.selection.attrition returns"
            + (
                f", with {by}s=."
                if by in ("wave", "trait")
                else " for a trial with groups or clusters."
                if by == "group"
                else "."
            )
        )
    named = labels or {}
    arms = [str(r["arm"]) for r in result.table]
    places, height = stack([_item(r, by, named) for r in rows], gap=6.0 if len(rows) > 12 else 9.0)
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        for row, place in zip(rows, places):
            _mark(ax, 100 * real(row["rate"]), place.marks[0], arms.index(str(row["arm"])))
        tidy_x(ax, "Share lost", words.numbers, percent=True)
        top = max((100 * real(r["rate"]) for r in rows if math.isfinite(real(r["rate"]))), default=0.0)
        ax.set_xlim(0, min(max(1.2 * top, 5.0), 102.0))
        write_labels(ax, places, height)
    return ax


def attrition_boundary(
    result: TableResult, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH
) -> Any:
    """Overall and differential attrition against the What Works Clearinghouse's table: low below the lower line, high above the upper one.

    Parameters
    ----------
    result : what `tk.selection.attrition` returns. labels : labels of contrasts, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = tk.plot.attrition_boundary(tk.selection.attrition(trial, "y1"))                 # doctest: +SKIP
    """
    rows = [r for r in result.details.get("wwc") or [] if r["assumption"] == "cautious"]
    if not rows:
        raise UsageError("this result holds no verdict: attrition_boundary takes what tk.selection.attrition returns.")
    with drawing():
        if ax is None:
            figure = new_figure(TOP + HEIGHT + BELOW)
            ax = add_panel(figure, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        ax.fill_between(range(len(TABLE["cautious"])), TABLE["cautious"], color=ZONE, linewidth=0, zorder=0)
        for (assumption, line), style in zip(TABLE.items(), ("-", "--")):
            ax.plot(range(len(line)), line, style, color=QUIET, linewidth=1.2, zorder=1)
            at = 24 if assumption == "cautious" else 30
            ax.annotate(assumption, (at, line[at]), (3, 3), textcoords="offset points", color=QUIET, fontsize=SIZE - 1)
        _points(ax, rows, labels or {})
        _frame(ax, rows, words)
    return ax


def _item(row: Mapping[str, Any], by: str, labels: Mapping[str, str]) -> Item:
    arm = labels.get(str(row["arm"]), str(row["arm"]))
    size = row["members"] if by == "group" else row["randomized"]
    value = f"{row['lost']} of {size} lost"
    if by == "arm":
        return Item(arm, value)
    key = str(row[by])
    name = labels.get(key, key)
    if by == "trait":
        return Item(f"{name}: {row['level']}, {arm}", value)
    return Item(f"{by.capitalize()} {name}, {arm}" if by == "wave" else f"{name} ({arm})", value)


def _mark(ax: Any, rate: float, y: float, arm: int) -> None:
    if not math.isfinite(rate):
        return
    colour, marker = (CONTROL, "s") if arm == 0 else (COLOURS[(arm - 1) % len(COLOURS)], MARKERS[(arm - 1) % len(MARKERS)])
    ax.plot([0, rate], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
    ax.plot(rate, y, marker, color=colour, markersize=7, markeredgecolor=INK, markeredgewidth=0.7, clip_on=False)


def _points(ax: Any, rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> None:
    for i, row in enumerate(rows):
        x, y = 100 * real(row["overall"]), 100 * abs(real(row["differential"]))
        ax.plot(x, y, MARKERS[i % 7], color=COLOURS[i % 7], markersize=8, markeredgecolor=INK, markeredgewidth=0.7, zorder=4)
        if len(rows) > 1:
            text = labels.get(str(row["contrast"]), str(row["contrast"])) + (
                "" if row["level"] == "people" else f" ({row['level']})"
            )
            ax.annotate(text, (x, y), (7, -3), textcoords="offset points", fontsize=SIZE - 1)


def _frame(ax: Any, rows: Sequence[Mapping[str, Any]], words: English) -> None:
    ax.set_xlim(0, max(66.0, *(105 * real(r["overall"]) for r in rows)))
    ax.set_ylim(0, max(12.0, *(110 * abs(real(r["differential"])) for r in rows)))
    ax.set_xlabel("Lost overall", labelpad=3)
    ax.set_title("Difference between the arms, percentage points", loc="left", fontsize=SIZE, color=INK, pad=8)
    ax.grid(color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    for axis, percent in ((ax.xaxis, "%"), (ax.yaxis, "")):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda v, _, p=percent: tick_text(v, words.numbers) + p))
