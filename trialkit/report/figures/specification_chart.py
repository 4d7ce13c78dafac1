"""A specification curve: estimates sorted, with intervals, above the matrix of the choices behind each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.report.figures.ratio_axis import _ticks
from trialkit.report.figures.rows import LABELS, RIGHT, wrapped
from trialkit.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    QUIET,
    WIDTH,
    ZONE,
    add_panel,
    drawing,
    new_figure,
    tick_text,
)
from trialkit.report.format import real
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate, Result

TOP, HEIGHT, BETWEEN, ROW, HEAD, BELOW = 24.0, 168.0, 12.0, 11.5, 14.0, 22.0
WIDE = 2.6  # points a specification needs for a mark of its own


def specification_curve(
    result: Result, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH
) -> Any:
    """The specifications from the lowest estimate to the highest, with the choices of each in a column below.

    Parameters
    ----------
    result : what `tk.specification_curve` returns.
    labels : names of covariates and other columns in words.
    ax : matplotlib axes for the estimates alone, without the matrix; by default both on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Of the estimates; the matrix is `ax.figure.axes[1]`.

    Notes
    -----
    Filled marks have p below the level of the result, open ones do not. The registered specification is a diamond in another colour with its name, on a
    shaded column. Specifications that could not be estimated stand at the right, crossed, without an estimate.

    Examples
    --------
    >>> ax = tk.plot.specification_curve(tk.specification_curve(trial, "y1", adjust=[["y0"], []], n_draws=0))       # doctest: +SKIP
    """
    if result.kind != "specification_curve":
        raise UsageError("specification_curve draws what tk.specification_curve returns.")
    there = sorted((e for e in result.estimates if not e.extra["reason"]), key=lambda e: e.estimate)
    order = [*there, *(e for e in result.estimates if e.extra["reason"])]
    unit = unit_of(result, words.numbers)
    rows = _matrix(result)
    with drawing():
        figure = None
        if ax is None:
            figure = new_figure(TOP + HEIGHT + BETWEEN + _height(rows) + BELOW)
            ax = add_panel(figure, LABELS, TOP, WIDTH - LABELS - RIGHT, HEIGHT)
        _estimates(ax, there, len(order), unit, result, words)
        if figure is not None:
            below = add_panel(figure, LABELS, TOP + HEIGHT + BETWEEN, WIDTH - LABELS - RIGHT, _height(rows))
            _choices(below, order, rows, labels or {}, words)
    return ax


def _drawn(unit: Unit, value: Any) -> float:
    found = real(value)
    if unit.kind == "ratio":
        return math.log(found) if found > 0 else math.nan
    return 100.0 * found if unit.kind == "share" else found


def _estimates(ax: Any, there: Sequence[Estimate], count: int, unit: Unit, result: Result, words: English) -> None:
    alpha = real(result.details["alpha"])
    small = (WIDTH - LABELS - RIGHT) / count < 2 * WIDE
    for i, e in enumerate(there):
        value, low, high = (_drawn(unit, v) for v in (e.estimate, e.conf_low, e.conf_high))
        own, filled = bool(e.extra["registered"]), e.p_value < alpha
        colour, marker = (COLOURS[1], MARKERS[1]) if own else (COLOURS[0], MARKERS[0])
        if own:
            ax.axvspan(i - 0.5, i + 0.5, color=ZONE, linewidth=0, zorder=0)
        ax.plot([i, i], [low, high], color=colour, linewidth=1.8 if own else 0.8, zorder=4 if own else 2, solid_capstyle="butt")
        ax.plot(
            i, value, marker, color=colour if filled else "white", markersize=7 if own else 2.4 if small else 4,
            markeredgecolor=INK if own and filled else colour, markeredgewidth=1.6 if own and not filled else 0.8, zorder=5 if own else 3,
        )  # fmt: skip
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1)
    _vertical(ax, unit, words)
    ax.set_xlim(-0.7, count - 0.3)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    axis = (
        words.axis_difference_raw
        if unit.kind == "raw"
        else words.axis_difference(unit.kind)
        if unit.kind != "sd"
        else words.units["sd"]
    )
    ax.annotate(
        f"{axis[:1].upper()}{axis[1:]}", (0, 1), (2 - LABELS, 12), xycoords="axes fraction", textcoords="offset points", color=INK, fontsize=9.0, annotation_clip=False,
    )  # fmt: skip
    place = next((i for i, e in enumerate(there) if e.extra["registered"]), None)
    if place is not None:
        side = "left" if place < 0.2 * count else "right" if place > 0.8 * count else "center"
        ax.annotate(
            words.curve_registered_mark, (place, 1), (0, 2), xycoords=ax.get_xaxis_transform(), textcoords="offset points", ha=side, va="bottom",
            color=INK, fontsize=8.5, fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _vertical(ax: Any, unit: Unit, words: English) -> None:
    low, high = ax.get_ylim()
    if unit.kind == "ratio":
        ticks = _ticks(low, high)
        ax.set_yticks([math.log(t) for t in ticks], [tick_text(t, words.numbers) for t in ticks])
        ax.set_ylim(low, high)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, words.numbers)))
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)


def _matrix(result: Result) -> list[tuple[str, list[str]]]:
    """Kinds of choices with their options, in the order of the declaration."""
    found: dict[str, list[str]] = {}
    for row in result.details["options"]:
        found.setdefault(str(row["kind"]), []).append(str(row["option"]))
    return list(found.items())


def _height(rows: Sequence[tuple[str, list[str]]]) -> float:
    return sum(HEAD + ROW * len(options) for _, options in rows) + 4


def _choices(
    ax: Any, order: Sequence[Estimate], rows: Sequence[tuple[str, list[str]]], labels: Mapping[str, str], words: English
) -> None:
    """A mark where a specification has the option; the registered one's column is shaded."""
    height = _height(rows)
    ax.set_ylim(height, 0)
    ax.set_xlim(-0.7, len(order) - 0.3)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xticks([])
    ax.set_yticks([])
    size = min(4.0, 0.8 * (WIDTH - LABELS - RIGHT) / len(order))
    for i, e in enumerate(order):
        if e.extra["registered"]:
            ax.axvspan(i - 0.5, i + 0.5, color=ZONE, linewidth=0, zorder=0)
    y = 0.0
    for kind, options in rows:
        _label(ax, y + HEAD / 2, words.curve_kinds.get(kind, kind), bold=True)
        y += HEAD
        for option in options:
            middle = y + ROW / 2
            ax.axhline(middle, color=FAINT, linewidth=0.5, zorder=1)
            _label(ax, middle, wrapped(words.curve_option(kind, option, labels), LABELS - 8, 8.5, most=1)[0], bold=False)
            for i, e in enumerate(order):
                if e.extra.get(kind) == option:
                    own, failed = bool(e.extra["registered"]), bool(e.extra["reason"])
                    marker = "x" if failed else MARKERS[1] if own else "s"
                    colour = QUIET if failed else COLOURS[1] if own else COLOURS[0]
                    edge = colour if failed or not own else INK
                    ax.plot(
                        i,
                        middle,
                        marker,
                        color=colour,
                        markersize=5 if own else size,
                        markeredgecolor=edge,
                        markeredgewidth=0.6,
                        zorder=3,
                    )
            y += ROW
    marks = words.curve_marks
    ax.annotate(marks, (0, 0), (2 - LABELS, -6), xycoords="axes fraction", textcoords="offset points", va="top", ha="left", color=QUIET,
                fontsize=8.0, annotation_clip=False)  # fmt: skip


def _label(ax: Any, y: float, text: str, *, bold: bool) -> None:
    ax.annotate(
        text, (0, y), (2 - LABELS if bold else 8 - LABELS, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="center", ha="left",
        color=INK, fontsize=8.5, fontweight="bold" if bold else "normal", annotation_clip=False,
    )  # fmt: skip
