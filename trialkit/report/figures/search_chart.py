"""A search by simulation: simulated powers with their Monte Carlo intervals, the curve through them, the target and what was found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter
from scipy import special

from trialkit.errors import UsageError
from trialkit.report.figures.style import COLOURS, FAINT, INK, QUIET, SIZE, WIDTH, ZONE, add_panel, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

HEIGHT, LEFT, RIGHT, TOP, BELOW = 210.0, 46.0, 20.0, 40.0, 38.0
_NORMAL_95 = 1.96
NAMES = {"groups": "Groups", "n": "People in total", "clusters": "Clusters", "effect": "Effect"}


def simulated_search(result: TableResult, *, labels: Any = None, ax: Any = None, words: English = ENGLISH) -> Any:
    """Power against the size (or the effect) that was looked for.

    Circles are simulated powers with 95 % Monte Carlo intervals, the diamond is the last simulation, at what was found; the line is the fitted curve, the
    dashed line the target, the grey band the 95 % Monte Carlo interval of the crossing.

    Parameters
    ----------
    result : what `tk.power.search` returns.
    labels : names of the horizontal axis in words, by what was solved for, as in {"groups": "Savings circles"}.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no search.

    Examples
    --------
    >>> tk.plot.simulated_search(found)                                                        # doctest: +SKIP
    """
    solved_for = result.details.get("solve_for")
    if solved_for not in NAMES or not result.table:
        raise UsageError("simulated_search draws what tk.power.search returns.")
    named = {**NAMES, **(labels or {})}
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        low, high = _span(result, solved_for)
        _curve(ax, result, low, high)
        _points(ax, result, solved_for)
        tidy_x(ax, named[solved_for], words.numbers)
        _vertical(ax)
        ax.set_xlim(low, high)
        _legend(ax)
    return ax


def _span(result: TableResult, name: str) -> tuple[float, float]:
    x = [real(r[name]) for r in result.table]
    ends = [real(result.details["conf_low"]), real(result.details["conf_high"])]
    low, high = min(x), max(x)
    room = 0.06 * (high - low or abs(high) or 1.0)
    return min(low, *(e for e in ends if abs(e - low) < high - low)) - room, max(
        high, *(e for e in ends if abs(e - high) < high - low)
    ) + room


def _curve(ax: Any, result: TableResult, low: float, high: float) -> None:
    d = result.details
    start = low if d["curve"] == "identity" else max(low, 1e-3 * high)
    x = np.linspace(start, high, 200)
    g = np.sqrt(x) if d["curve"] == "sqrt" else np.log(x) if d["curve"] == "log" else x
    y = special.ndtr(real(d["intercept"]) + real(d["slope"]) * g)
    ax.axvspan(real(d["conf_low"]), real(d["conf_high"]), color=ZONE, linewidth=0, zorder=0)
    ax.axhline(real(d["target"]), color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    ax.plot(x, y, "-", color=COLOURS[0], linewidth=1.6, zorder=2, label="fitted curve")


def _points(ax: Any, result: TableResult, name: str) -> None:
    for use, colour, marker, label in (
        ("curve", COLOURS[0], "o", "simulated"),
        ("check", COLOURS[1], "D", "simulated anew at what was found"),
    ):
        rows = [r for r in result.table if r["use"] == use]
        ax.errorbar(
            [real(r[name]) for r in rows], [real(r["power"]) for r in rows], yerr=[_NORMAL_95 * real(r["mc_error"]) for r in rows],
            fmt=marker, color=colour, ecolor=INK, elinewidth=0.9, capsize=2.5, markersize=5.5, markeredgecolor=INK, markeredgewidth=0.6, zorder=3,
            label=label,
        )  # fmt: skip


def _vertical(ax: Any) -> None:
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    low, high = ax.get_ylim()
    low, high = max(math.floor(10 * low) / 10, 0.0), min(math.ceil(10 * high) / 10, 1.0)
    ax.set_ylim(low, high)
    step = 0.1 if high - low <= 0.6 else 0.2
    ax.set_yticks(np.arange(low, high + 1e-9, step))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))


def _legend(ax: Any) -> None:
    """Above the axes, with the name of the vertical axis, where neither hides a point."""
    title = "Probability of detecting the effect"
    ax.set_title(title, loc="left", fontsize=SIZE, color=INK, pad=22, x=-LEFT / (WIDTH - LEFT - RIGHT) + 0.02)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=3,
        frameon=False,
        fontsize=SIZE - 1,
        handlelength=1.4,
        columnspacing=1.2,
    )
