"""Estimates with their intervals: one outcome against zero and the smallest worthwhile effect, or many in a forest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.errors import UsageError
from trialkit.report.figures.ratio_axis import ratio_x
from trialkit.report.figures.rows import Item, Place, add_rows, stack, write_labels
from trialkit.report.figures.style import (
    COLOURS,
    INK,
    MARKERS,
    QUIET,
    ZONE,
    add_legend,
    drawing,
    legend_height,
    new_figure,
    tidy_x,
)
from trialkit.report.format import real
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate, Result

BELOW, SIDES_BELOW, ZONE_BELOW = 36.0, 12.0, 12.0
_LEAST_LOG = 0.1  # nor a ratio than 10 % on both sides
_LEAST = 0.15  # an axis is never narrower than this many SDs on both sides, lest a small effect look large


def interval(
    result: Result,
    *,
    worthwhile: float | None = None,
    better: Literal["higher", "lower"] | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Estimates of one result with their intervals, against zero and the smallest worthwhile effect.

    Parameters
    ----------
    result : any result with estimates in one unit.
    worthwhile : smallest effect that matters, positive, in the units of the result (.05 for five percentage points).
    better : which direction is better; names the two sides.
    labels : labels of contrasts ('peer - solo'), by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = tk.plot.interval(tk.itt(trial, "y1"), worthwhile=0.2, better="higher")         # doctest: +SKIP
    """
    _require_estimates([result])
    unit = unit_of(result, words.numbers)
    places, height = stack(contrast_items(result, labels or {}, words))
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + room_below(worthwhile, better)), 0, height)
        for i, (e, place) in enumerate(zip(result.estimates, places)):
            _mark(ax, e, place.marks[0], unit, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], words)
        reach = _reach(result.estimates, unit, _drawn(unit, worthwhile))
        _frame(ax, unit, reach, words)
        if worthwhile:
            _shade(ax, worthwhile, unit, words)
        if better:
            _sides(ax, better, words)
        write_labels(ax, places, height)
    return ax


def forest(
    results: Result | Sequence[Result],
    *,
    labels: Mapping[str, str] | None = None,
    primary: Iterable[str] = (),
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Estimates of one or several results with their intervals; every unit has a panel of its own.

    Effect sizes share an axis, shares share an axis, and a mean difference in raw units has its own.

    Parameters
    ----------
    results : a result or a list of them.
    labels : labels of outcomes and contrasts, by name.
    primary : names of the primary outcomes, drawn as squares.
    ax : axes to draw on, for results in one unit only; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Of the first panel; `ax.figure.axes` has them all.

    Raises
    ------
    UsageError
        Without estimates, or with several units and `ax`.

    Examples
    --------
    >>> ax = tk.plot.forest([tk.itt(trial, y).standardized() for y in ("y1", "y2")])          # doctest: +SKIP
    """
    given = [results] if isinstance(results, Result) else list(results)
    _require_estimates(given)
    groups = _panels(given, labels or {}, set(primary), words)
    if ax is not None and len(groups) > 1:
        raise UsageError(
            "these results are in different units, which do not share an axis: leave ax out, or draw one unit at a time."
        )
    with drawing():
        if ax is not None:
            _forest_panel(ax, groups[0], words)
            return ax
        contrasts = _contrasts(given)
        legend = legend_height(len(contrasts))
        figure = new_figure(sum(p.height + BELOW for p in groups) + 8 * (len(groups) - 1) + legend)
        axes, top = [], legend
        for panel in groups:
            axes.append(add_rows(figure, top, panel.height))
            _forest_panel(axes[-1], panel, words)
            top += panel.height + BELOW + 8
        if legend:
            add_legend(figure, [(labels or {}).get(c, c) for c in contrasts], lines=True)
    return axes[0]


def contrast_items(result: Result, labels: Mapping[str, str], words: English) -> list[Item]:
    """A row for each estimate of a result: its contrast, and its value with the interval."""
    unit = unit_of(result, words.numbers)
    return [Item(labels.get(e.contrast, e.contrast), _value(e, unit, words)) for e in result.estimates]


def room_below(worthwhile: float | None, better: str | None) -> float:
    """Points that the axis of `interval` and what is written under it take."""
    return BELOW + (SIDES_BELOW if better else 0) + (ZONE_BELOW if worthwhile else 0)


@dataclass(frozen=True, slots=True)
class _Effect:
    label: str
    estimates: tuple[Estimate, ...]
    primary: bool
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Panel:
    unit: Unit
    items: tuple[_Effect, ...]
    places: tuple[Place, ...]
    height: float


def _require_estimates(results: Sequence[Result]) -> None:
    if not results or any(not r.estimates for r in results):
        raise UsageError("a figure of effects needs results with estimates, such as those of tk.itt.")


def _panels(results: Sequence[Result], labels: Mapping[str, str], primary: set[str], words: English) -> list[_Panel]:
    order = _contrasts(results)
    units: dict[tuple[str, int], Unit] = {}
    members: dict[tuple[str, int], list[_Effect]] = {}
    for i, result in enumerate(results):
        unit = unit_of(result, words.numbers)
        key: tuple[str, int] = (unit.kind, i if unit.kind == "raw" else 0)  # raw units of two outcomes are two units
        name = result.estimates[0].outcome
        units.setdefault(key, unit)
        members.setdefault(key, []).append(_Effect(labels.get(name, name), result.estimates, name in primary, order))
    out = []
    for key, items in members.items():
        unit = units[key]
        rows = [
            Item(i.label, _value(i.estimates[0], unit, words) if len(i.estimates) == 1 else "", len(i.estimates)) for i in items
        ]
        places, height = stack(rows)
        out.append(_Panel(unit, tuple(items), tuple(places), height))
    return out


def _contrasts(results: Sequence[Result]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.contrast for r in results for e in r.estimates))


def _forest_panel(ax: Any, panel: _Panel, words: English) -> None:
    for item, place in zip(panel.items, panel.places):
        for e, y in zip(item.estimates, place.marks):
            i = item.order.index(e.contrast)
            marker = "s" if item.primary and len(item.order) == 1 else MARKERS[i % len(MARKERS)]
            _mark(ax, e, y, panel.unit, COLOURS[i % len(COLOURS)], marker, words, bold=item.primary)
    everything = [e for item in panel.items for e in item.estimates]
    _frame(ax, panel.unit, _reach(everything, panel.unit, math.nan), words)
    write_labels(ax, panel.places, panel.height)


def _value(e: Estimate, unit: Unit, words: English) -> str:
    """'9.9 (5.1 to 14.7)'."""
    if not math.isfinite(real(e.estimate)):
        return ""
    return words.value_and_interval(unit.difference(e.estimate), unit.difference(e.conf_low), unit.difference(e.conf_high))


def _drawn(unit: Unit, value: Any) -> float:
    """Where a value stands on the axis: shares in points, ratios at their log."""
    found = real(value)
    if unit.kind == "ratio":
        return math.log(found) if found > 0 else math.nan
    return 100.0 * found if unit.kind == "share" else found


def _mark(ax: Any, e: Estimate, y: float, unit: Unit, colour: str, marker: str, words: English, *, bold: bool = False) -> None:
    value, low, high = (_drawn(unit, v) for v in (e.estimate, e.conf_low, e.conf_high))
    if not math.isfinite(value):
        ax.text(
            0.5,
            y,
            words.not_estimated_mark,
            transform=ax.get_yaxis_transform(),
            ha="center",
            va="center",
            color=QUIET,
            fontsize=8.5,
        )
        return
    if math.isfinite(low) and math.isfinite(high):
        ax.plot([low, high], [y, y], color=colour, linewidth=2.2 if bold else 1.5, solid_capstyle="butt")
    ax.plot(value, y, marker, color=colour, markersize=7 if bold else 6, markeredgecolor=INK, markeredgewidth=0.7)


def _reach(estimates: Sequence[Estimate], unit: Unit, worthwhile: float) -> tuple[float, float]:
    """Limits of the axis: every finite number in sight, and no difference with some room on both sides of it."""
    values = [_drawn(unit, v) for e in estimates for v in (e.estimate, e.conf_low, e.conf_high)]
    inside = [v for v in values if math.isfinite(v)] or [-1.0, 1.0]
    least = (
        abs(worthwhile) if math.isfinite(worthwhile) else {"share": 2.0, "sd": _LEAST, "ratio": _LEAST_LOG}.get(unit.kind, 0.0)
    )
    low, high = min(*inside, -least), max(*inside, least)
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _frame(ax: Any, unit: Unit, reach: tuple[float, float], words: English) -> None:
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
    if unit.kind == "ratio":
        ratio_x(ax, words.axis_difference(unit.kind), words.numbers, *reach)
        return
    tidy_x(ax, words.axis_difference(unit.kind), words.numbers)
    ax.set_xlim(*reach)


def _shade(ax: Any, worthwhile: float, unit: Unit, words: English) -> None:
    size = abs(_drawn(unit, worthwhile))
    ax.axvspan(-size, size, color=ZONE, linewidth=0, zorder=0)
    for edge in (-size, size):
        ax.axvline(edge, color=QUIET, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    ax.set_xlabel(f"{ax.get_xlabel()}\n{words.zone_of(unit.difference(worthwhile))}", labelpad=3)


def _sides(ax: Any, better: str, words: English) -> None:
    left, right = (
        (words.worse_side, words.better_side) if better == "higher" else (words.better_side_left, words.worse_side_right)
    )
    for x, text, align in ((0.0, left, "left"), (1.0, right, "right")):
        ax.annotate(
            text,
            (x, 0),
            (0, -15.5),
            xycoords="axes fraction",
            textcoords="offset points",
            ha=align,
            va="top",
            color=QUIET,
            fontsize=8.5,
        )
    ax.xaxis.labelpad = SIDES_BELOW
