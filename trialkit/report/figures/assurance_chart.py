"""How power is spread over what is not known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.report.figures.rows import wrapped
from trialkit.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    QUIET,
    SIZE,
    WIDTH,
    add_panel,
    drawing,
    new_figure,
    tick_text,
    tidy_x,
)
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

HEIGHT, LEFT, RIGHT, BELOW = 150.0, 40.0, 20.0, 38.0
_LINE, _BIN = 12.5, 0.05
TITLE, AXIS = "Share of the plausible worlds", "Power"
MEAN, MIDDLE, REACHES = "averaged over the priors {}", "at the middle of the priors {}", "at least {}: {} of the worlds"
PRIORS = "Priors: {}"


def assurance(result: TableResult, *, ax: Any = None, words: English = ENGLISH) -> Any:
    """The distribution of power over the priors: bars of 5 percentage points, dark where the target is reached.

    Parameters
    ----------
    result : what `tk.power.assurance` returns.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no assurance.

    Notes
    -----
    Two marks stand below the bars: power averaged over the priors (the assurance), and power at their middle, which is what a calculation at best guesses
    reports. The bar that holds the target is split at it.

    Examples
    --------
    >>> design = {"groups": 12, "group_size": 10, "controls": 120}
    >>> found = tk.power.assurance(tk.power.grouped, priors={"icc": "group_interventions", "effect": ("normal", 0.4, 0.05)}, **design)
    >>> tk.plot.assurance(found).get_xlabel()
    'Power'
    """
    d = result.details
    power = np.array([real(r.get("power")) for r in result.table])
    power = power[np.isfinite(power)]
    if "assurance" not in d or not len(power):
        raise UsageError("assurance draws what tk.power.assurance returns.")
    target = real(d["target"])
    told = wrapped(PRIORS.format("; ".join(d["priors_in_words"])), WIDTH - 8, 8.5, most=3)
    top = _LINE * (len(told) + 3) + 22
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + top + BELOW), LEFT, top, WIDTH - LEFT - RIGHT, HEIGHT)
        _bars(ax, power, target, len(result.table))
        ax.axvline(target, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=4)
        tidy_x(ax, AXIS, words.numbers)
        ax.set_xlim(0, 1)
        ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{tick_text(round(100 * v, 6), words.numbers)}%"))
        ax.grid(axis="y", color=FAINT, linewidth=0.5)
        ax.grid(axis="x", visible=False)
        ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
        ax.set_title(TITLE, loc="left", fontsize=SIZE, color=INK, pad=7, x=(2 - LEFT) / (WIDTH - LEFT - RIGHT))
        _marks(ax, real(d["assurance"]), real(d["at_medians"]))
        _said(ax, told, real(d["assurance"]), real(d["at_medians"]), target, real(d["reaches"]), words)
    return ax


def _bars(ax: Any, power: Any, target: float, points: int) -> None:
    edges = np.arange(0.0, 1.0 + _BIN / 2, _BIN)
    for below, colour in ((True, "#c3d7e2"), (False, COLOURS[0])):
        inside = power[power < target] if below else power[power >= target]
        counts, _ = np.histogram(inside, edges)
        for left, count in zip(edges[:-1], counts):
            if count:
                low, high = (left, min(left + _BIN, target)) if below else (max(left, target), left + _BIN)
                ax.bar(low, count / points, width=high - low, align="edge", color=colour, edgecolor=INK, linewidth=0.5, zorder=3)


def _marks(ax: Any, mean: float, middle: float) -> None:
    for value, marker, colour in ((mean, MARKERS[1], COLOURS[1]), (middle, MARKERS[2], "white")):
        if math.isfinite(value):
            ax.plot(
                [value], [0], marker=marker, color=colour, markersize=8, markeredgecolor=INK, markeredgewidth=0.8, clip_on=False,
                zorder=6,
            )  # fmt: skip


def _said(ax: Any, told: list[str], mean: float, middle: float, target: float, reaches: float, words: English) -> None:
    """The numbers above the figure, each beside the mark that stands for it."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    numbers, figure = words.numbers, ax.figure
    handles = [
        Line2D([], [], linestyle="", marker=MARKERS[1], color=COLOURS[1], markeredgecolor=INK, markeredgewidth=0.8),
        Line2D([], [], linestyle="", marker=MARKERS[2], color="white", markeredgecolor=INK, markeredgewidth=0.8),
        Patch(facecolor=COLOURS[0], edgecolor=INK, linewidth=0.5),
    ]
    texts = [
        MEAN.format(numbers.percent(mean)),
        MIDDLE.format(numbers.percent(middle)),
        REACHES.format(numbers.percent(target, 0), numbers.percent(reaches)),
    ]
    figure.legend(
        handles, texts, loc="upper left", frameon=False, fontsize=8.5, handlelength=1.6, labelspacing=0.25, borderpad=0.2
    )
    width, height = figure.get_size_inches() * 72
    figure.text(4 / width, 1 - (_LINE * 3 + 8) / height, "\n".join(told), fontsize=8.5, color=QUIET, va="top", ha="left")
