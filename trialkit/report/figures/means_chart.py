"""Estimated means of the arms over the waves, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.report.figures.style import (
    COLOURS,
    CONTROL,
    FAINT,
    INK,
    MARKERS,
    SIZE,
    WIDTH,
    add_panel,
    drawing,
    legend_height,
    new_figure,
    tick_text,
)
from trialkit.report.format import real, shortened
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Result

HEIGHT, LEFT, RIGHT, TOP, BELOW = 210.0, 46.0, 30.0, 24.0, 38.0
LINE, CHARACTER = 11.5, 5.4  # height of a line of tick labels and width of a character, in points
APART = 0.012  # of the width of the axis, between the marks of two arms at one wave


def means_by_wave(
    result: Result,
    *,
    labels: Mapping[str, str] | None = None,
    wave_labels: Mapping[Any, str] | None = None,
    outcome: str = "Estimated mean",
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Estimated mean of every arm at every wave with its interval, on an axis of time where the waves are numbers.

    Intervals are those of single means: whether arms differ is read from the effects (`result.tidy()`), not from their overlap.

    Parameters
    ----------
    result : what `tk.longitudinal` returns.
    labels : labels of the arms, by name. wave_labels : labels of the waves, by label in the result.
    outcome : what the vertical axis shows, in words.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result holds no means by wave.

    Examples
    --------
    >>> ax = tk.plot.means_by_wave(tk.longitudinal(trial, waves={0: "y0", 1: "y1", 2: "y2"}))          # doctest: +SKIP
    """
    rows = list(result.details.get("means") or [])
    if not rows or "wave" not in rows[0]:
        raise UsageError("this result holds no means by wave: means_by_wave takes what tk.longitudinal returns.")
    arms = list(dict.fromkeys(str(r["arm"]) for r in rows))
    waves = list(dict.fromkeys(r["wave"] for r in rows))
    places = _places(waves)
    ticks = _apart([shortened(str((wave_labels or {}).get(w, w)), 18) for w in waves], [places[w] for w in waves])
    with drawing():
        if ax is None:
            above = legend_height(len(arms)) + TOP
            figure = new_figure(HEIGHT + above + BELOW + (LINE if any("\n" in t for t in ticks) else 0))
            ax = add_panel(figure, LEFT, above, WIDTH - LEFT - RIGHT, HEIGHT)
            _legend(figure, [(labels or {}).get(a, a) for a in arms])
        width = (max(places.values()) - min(places.values())) or 1.0
        for i, arm in enumerate(arms):
            shift = APART * width * (i - (len(arms) - 1) / 2)
            _arm(ax, [r for r in rows if str(r["arm"]) == arm], places, shift, *_look(i))
        ax.set_xticks([places[w] for w in waves], ticks)
        _frame(ax, outcome, words)
    return ax


def _places(waves: Sequence[Any]) -> dict[Any, float]:
    """Where a wave stands: at its number, or one after another."""
    if all(isinstance(w, (int, float)) and not isinstance(w, bool) for w in waves):
        return {w: float(w) for w in waves}
    return {w: float(i) for i, w in enumerate(waves)}


def _look(i: int) -> tuple[str, str]:
    return (CONTROL, "s") if i == 0 else (COLOURS[(i - 1) % len(COLOURS)], MARKERS[(i - 1) % len(MARKERS)])


def _arm(ax: Any, rows: Sequence[Mapping[str, Any]], places: Mapping[Any, float], shift: float, colour: str, marker: str) -> None:
    x = [places[r["wave"]] + shift for r in rows]
    ax.plot(x, [real(r["estimate"]) for r in rows], "-", color=colour, linewidth=1.6, zorder=2)
    for at, r in zip(x, rows):
        low, high = real(r["conf_low"]), real(r["conf_high"])
        if math.isfinite(low) and math.isfinite(high):
            ax.plot([at, at], [low, high], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
        ax.plot(at, real(r["estimate"]), marker, color=colour, markersize=6, markeredgecolor=INK, markeredgewidth=0.7, zorder=3)


def _apart(texts: Sequence[str], places: Sequence[float]) -> list[str]:
    """Labels of the waves, the second of two that would touch one line lower."""
    points = (WIDTH - LEFT - RIGHT) / 1.12 / ((max(places) - min(places)) or 1.0)
    out: list[str] = []
    for i, text in enumerate(texts):
        half = CHARACTER * (len(text) + len(texts[i - 1]) + 1) / 2
        close = i > 0 and points * (places[i] - places[i - 1]) < half
        out.append(f"\n{text}" if close and not out[-1].startswith("\n") else text)
    return out


def _frame(ax: Any, outcome: str, words: English) -> None:
    ax.set_xlabel("Wave", labelpad=3)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, words.numbers)))
    ax.margins(x=0.06, y=0.08)
    ax.set_title(shortened(outcome, 60), loc="left", fontsize=SIZE, color=INK, pad=8, x=-LEFT / (WIDTH - LEFT - RIGHT) + 0.02)


def _legend(figure: Any, names: Sequence[str]) -> None:
    handles = []
    for i in range(len(names)):
        colour, marker = _look(i)
        handles.append(
            Line2D([], [], linestyle="-", color=colour, marker=marker, markersize=6, markeredgecolor=INK, markeredgewidth=0.7)
        )
    shown = [shortened(n, 60) for n in names]
    figure.legend(
        handles, shown, loc="upper left", frameon=False, fontsize=SIZE, handlelength=1.6, labelspacing=0.25, borderpad=0.1
    )
