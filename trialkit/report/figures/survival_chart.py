"""Curves over time by arm: the share still without the event, or the share with it, over a table of how many were under observation."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.ticker import FuncFormatter

from trialkit.errors import UsageError
from trialkit.report.figures.style import (
    COLOURS,
    CONTROL,
    FAINT,
    INK,
    QUIET,
    SIZE,
    WIDTH,
    add_panel,
    drawing,
    new_figure,
    tidy_x,
)
from trialkit.report.format import in_words, real, shortened
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Result

HEIGHT, RIGHT, TOP, BELOW = 190.0, 16.0, 24.0, 40.0
_NAME, _LETTER = 18, 5.2  # letters of an arm's name in the table, and the points that one takes
_LINE = 13.0
_STYLES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))

Show = Literal["without", "with"]


@dataclass(frozen=True, slots=True)
class SurvivalWords:
    """Words of this figure."""

    without: str = "Still without {}"
    having: str = "With {}"
    event: str = "the event"
    at_risk: str = "Under observation"


SURVIVAL_ENGLISH = SurvivalWords()
SURVIVAL_WORDS = {
    "en": SURVIVAL_ENGLISH,
    "nl": SurvivalWords("Nog zonder {}", "Met {}", "de gebeurtenis", "Nog gevolgd"),
}


def survival(
    result: Result,
    *,
    show: Show | None = None,
    event: str | None = None,
    axis: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
    survival_words: SurvivalWords = SURVIVAL_ENGLISH,
) -> Any:
    """Curves of the arms with pointwise intervals (which count groups), and how many people were still under observation.

    Parameters
    ----------
    result : what `tk.itt` returns for a `tk.Time`.
    show : 'without', the Kaplan-Meier share still without the event (the default), or 'with', the share that has had it (the default, and the only
        choice, where there are other exits).
    event : the event in words, 'a job'. axis : under the time axis; by default the name of the column.
    labels : labels of the arms, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result holds no curves, or 'without' is asked for with other exits.

    Examples
    --------
    >>> ax = tk.plot.survival(tk.itt(trial, tk.Time("weeks", "event"), measure="hazard_ratio"), event="a job")   # doctest: +SKIP
    """
    curves = list(result.details.get("curves") or [])
    if not curves:
        raise UsageError(
            "survival draws what tk.itt returns for a time: tk.itt(trial, tk.Time('weeks', 'event'), measure='hazard_ratio')."
        )
    shown = _which(curves, show)
    said, names = survival_words, [(labels or {}).get(str(c["arm"]), str(c["arm"])) for c in curves]
    title = (said.having if shown == "with" else said.without).format(event or said.event)
    legend = _LINE * len(curves) + 4
    left = max(_LETTER * min(max(len(n) for n in names), _NAME) + 22, 62.0)
    with drawing():
        if ax is None:
            table = _LINE * (len(curves) + 1) + 6
            ax = add_panel(new_figure(TOP + legend + HEIGHT + BELOW + table), left, TOP + legend, WIDTH - left - RIGHT, HEIGHT)
        for i, curve in enumerate(curves):
            _curve(ax, curve, shown, i)
        end = max(real(c["time"][-1]) for c in curves)
        tidy_x(ax, axis or in_words(str(result.details.get("time", ""))), words.numbers)
        ax.set_xlim(0, end)
        _vertical(ax, title, curves, shown, legend, left, words)
        _window(ax, real(result.details.get("tau")), end)
        _legend(ax, names, left)
        _at_risk(ax, curves, names, said.at_risk, left, words)
    return ax


def _which(curves: Sequence[Mapping[str, Any]], show: Show | None) -> Show:
    several = "share" in curves[0]
    if show not in (None, "without", "with"):
        raise UsageError(f"show={show!r} is unknown: it is 'without' or 'with'.")
    if several and show == "without":
        raise UsageError(
            "with other exits the share without the event holds those who left by them: there is only show='with', the share with the event."
        )
    return "with" if several else (show or "without")


def _values(curve: Mapping[str, Any], shown: Show) -> tuple[list[float], list[float], list[float]]:
    """Estimate and limits at the curve's times."""
    if shown == "without":
        keys = ("survival", "conf_low", "conf_high")
        return tuple([real(v) for v in curve[k]] for k in keys)  # type: ignore[return-value]
    if "share" in curve:
        keys = ("share", "share_low", "share_high")
        return tuple([real(v) for v in curve[k]] for k in keys)  # type: ignore[return-value]
    middle, low, high = ([1 - real(v) for v in curve[k]] for k in ("survival", "conf_low", "conf_high"))
    return middle, high, low


def _colour(i: int) -> str:
    return CONTROL if i == 0 else COLOURS[(i - 1) % len(COLOURS)]


def _curve(ax: Any, curve: Mapping[str, Any], shown: Show, i: int) -> None:
    start = 1.0 if shown == "without" else 0.0
    middle, low, high = _values(curve, shown)
    time = [0.0, *(real(v) for v in curve["time"])]
    ax.fill_between(time, [start, *low], [start, *high], step="post", color=_colour(i), alpha=0.16, linewidth=0)
    ax.step(
        time, [start, *middle], where="post", color=_colour(i), linewidth=1.7, linestyle=_STYLES[i % len(_STYLES)], label=str(curve["arm"])
    )  # fmt: skip


def _vertical(
    ax: Any, title: str, curves: Sequence[Mapping[str, Any]], shown: Show, legend: float, left: float, words: English
) -> None:
    """Shares as percentages, the title above where it reads without turning the head."""
    top = 1.0
    if shown == "with":
        highest = [v for c in curves for v in (*_values(c, shown)[0], *_values(c, shown)[2]) if math.isfinite(v)]
        top = min(1.0, math.ceil(max(highest, default=1.0) * 10) / 10)
    ax.set_ylim(0, top)
    step = 0.2 if top > 0.5 else 0.1
    ax.set_yticks(list(np.arange(0, top + 1e-9, step)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.numbers.percent(v, 0)))
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.set_title(title, loc="left", fontsize=SIZE, color=INK, pad=legend + 4, x=(2 - left) / _points(ax)[0])


def _window(ax: Any, tau: float, end: float) -> None:
    if math.isfinite(tau) and tau < end:
        ax.axvline(tau, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _legend(ax: Any, names: Sequence[str], left: float) -> None:
    """The arms above the curves, each with its line."""
    wide, high = _points(ax)
    for i, name in enumerate(names):
        y = 1 + (4 + _LINE * (len(names) - i - 0.5)) / high
        x = 2 - left
        ax.plot(
            [x / wide, (x + 24) / wide], [y, y], transform=ax.transAxes, color=_colour(i), linewidth=1.9, linestyle=_STYLES[i % len(_STYLES)], clip_on=False
        )  # fmt: skip
        ax.annotate(
            shortened(name, 60),
            ((x + 30) / wide, y),
            xycoords="axes fraction",
            va="center",
            fontsize=SIZE,
            color=INK,
            annotation_clip=False,
        )


def _points(ax: Any) -> tuple[float, float]:
    """Width and height of the axes in points."""
    width, height = (v * 72 for v in ax.figure.get_size_inches())
    box = ax.get_position()
    return max(width * box.width, 1.0), max(height * box.height, 1.0)


def _at_risk(ax: Any, curves: Sequence[Mapping[str, Any]], names: Sequence[str], title: str, left: float, words: English) -> None:
    """Numbers under observation below the ticks they belong to."""
    wide, high = _points(ax)
    low, end = ax.get_xlim()
    ticks = [v for v in ax.get_xticks() if low - 1e-9 <= v <= end + 1e-9]
    edge = (2 - left) / wide
    ax.annotate(
        title, (edge, -BELOW / high), xycoords="axes fraction", va="center", fontsize=SIZE - 1, color=QUIET, annotation_clip=False
    )
    for i, (curve, name) in enumerate(zip(curves, names)):
        y = -(BELOW + _LINE * (i + 1)) / high
        ax.annotate(
            shortened(name, _NAME),
            (edge, y),
            xycoords="axes fraction",
            va="center",
            fontsize=SIZE - 1,
            color=INK,
            annotation_clip=False,
        )
        for v in ticks:
            ax.annotate(
                words.numbers.count(_number_at(curve, v)), ((v - low) / (end - low), y), xycoords="axes fraction", va="center", ha="center",
                fontsize=SIZE - 1, color=INK, annotation_clip=False,
            )  # fmt: skip


def _number_at(curve: Mapping[str, Any], time: float) -> float:
    """People whose observation has not ended before a time."""
    times = [real(v) for v in curve["time"]]
    place = bisect_left(times, time - 1e-12)
    return real(curve["at_risk"][place]) if place < len(times) else 0.0
