"""Power as simulated beside the closed form, by true effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from trialkit.errors import UsageError
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
    tidy_x,
)
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

HEIGHT, LEFT, RIGHT, TOP, BELOW = 190.0, 46.0, 20.0, 66.0, 38.0
TITLE = "Probability of detecting the effect"
EFFECT = {"SDs": "True effect (SDs)", "differences of rates": "True difference of shares", "raw": "True effect"}
OTHER, SHOWING = "True effect ({})", "Probability of showing {}"
SIMULATED, BAND, CLOSED, SIZE_KEY = (
    "simulated",
    "95% Monte Carlo band",
    "closed form",
    "simulated without an effect: {} (level {})",
)
_Z = 1.959963984540054


def simulated_power(
    result: TableResult,
    *,
    target: float | None = 0.8,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Power of a plan's own analysis against the true effect, with what chance in the simulation leaves open.

    Parameters
    ----------
    result : what `tk.power.simulate` returns.
    target : power at which a line is drawn; None for none.
    labels : the horizontal axis in words, as {"effect": "Savings (euros a month)"}.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no simulation of power.

    Notes
    -----
    The band is the simulated power plus and minus 1.96 Monte Carlo standard errors, cut off at 0 and 1. Without an effect the share of
    rejections is the size of the test: it has a mark of its own, and the level that was asked for is drawn across. With a margin there is no such point.

    Examples
    --------
    >>> found = tk.power.simulate(plan, effects=[0, 0.2, 0.4], seed=1)                    # doctest: +SKIP
    >>> tk.plot.simulated_power(found)                                                    # doctest: +SKIP
    """
    if not result.table or not {"effect", "power", "mc_error"} <= set(result.table[0]):
        raise UsageError("simulated_power draws what tk.power.simulate returns.")
    rows = sorted(result.table, key=lambda r: real(r["effect"]))
    null = real(result.details.get("null", 0.0))
    none = next((r for r in rows if real(r["effect"]) == null), None) if not result.details.get("shows") else None
    alpha = real(result.details.get("alpha"))
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        _simulated(ax, rows)
        closed = _closed_form(ax, rows)
        if none is not None:
            _size(ax, none, alpha)
        if target is not None:
            ax.axhline(target, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        units = str(result.details.get("units", "raw")).partition(";")[0]
        tidy_x(ax, (labels or {}).get("effect") or EFFECT.get(units, OTHER.format(units)), words.numbers)
        shows = result.details.get("shows")
        vertical_power(ax, LEFT, SHOWING.format(shows) if shows else TITLE)
        _legend(ax, closed, None if none is None else _size_words(none, alpha, words))
    return ax


def vertical_power(ax: Any, left: float, title: str = TITLE) -> None:
    """The axis of a probability with its title above it, where it can be read without turning the head."""
    points = ax.figure.get_size_inches()[0] * 72 * ax.get_position().width
    ax.set_title(title, loc="left", fontsize=SIZE, color=INK, pad=8, x=2 / points - left / points)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))


def _simulated(ax: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    x, y, half = ([real(r[k]) for r in rows] for k in ("effect", "power", "mc_error"))
    low = [max(v - _Z * h, 0.0) for v, h in zip(y, half)]
    high = [min(v + _Z * h, 1.0) for v, h in zip(y, half)]
    colour = COLOURS[0]
    if len(rows) > 1:
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0, zorder=2)
    ax.vlines(x, low, high, color=colour, linewidth=1.2, zorder=3)
    ax.plot(
        x, y, "-", color=colour, linewidth=1.4, marker=MARKERS[0], markersize=5, markeredgecolor=INK, markeredgewidth=0.6,
        zorder=4, clip_on=False,
    )  # fmt: skip


def _closed_form(ax: Any, rows: Sequence[Mapping[str, Any]]) -> bool:
    """The formula where it gives a number; whether it does anywhere. Without an effect there is none, and no line is drawn across it."""
    runs: list[list[tuple[float, float]]] = [[]]
    for r in rows:
        v = real(r.get("closed_form"))
        if math.isfinite(v):
            runs[-1].append((real(r["effect"]), v))
        else:
            runs.append([])
    for run in (r for r in runs if r):
        single = len(run) == 1
        ax.plot(
            *zip(*run), linestyle="" if single else (0, (5, 2)), color=COLOURS[1], linewidth=1.6, marker="_" if single else "",
            markersize=14, markeredgewidth=1.6, zorder=5,
        )  # fmt: skip
    return any(runs)


def _size(ax: Any, row: Mapping[str, Any], alpha: float) -> None:
    if math.isfinite(alpha):
        ax.axhline(alpha, color=QUIET, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    ax.plot(
        [real(row["effect"])], [real(row["power"])], marker="s", color="white", markersize=6, markeredgecolor=INK, markeredgewidth=1.1, zorder=6,
        clip_on=False,
    )  # fmt: skip


def _size_words(row: Mapping[str, Any], alpha: float, words: English) -> str:
    return SIZE_KEY.format(words.numbers.percent(row["power"]), words.numbers.percent(alpha, 0 if round(100 * alpha) else 1))


def _legend(ax: Any, closed: bool, size: str | None) -> None:
    handles: list[Any] = [
        Line2D([], [], color=COLOURS[0], marker=MARKERS[0], markeredgecolor=INK, markeredgewidth=0.6),
        Patch(color=COLOURS[0], alpha=0.2, linewidth=0),
    ]
    texts = [SIMULATED, BAND]
    if closed:
        handles.append(Line2D([], [], color=COLOURS[1], linestyle=(0, (5, 2)), linewidth=1.6))
        texts.append(CLOSED)
    figure = ax.figure
    figure.legend(
        handles, texts, loc="upper left", ncols=len(handles), frameon=False, fontsize=8.5, handlelength=1.8, borderpad=0.2,
        columnspacing=1.4,
    )  # fmt: skip
    if size is not None:
        mark = Line2D([], [], linestyle="", marker="s", color="white", markeredgecolor=INK, markeredgewidth=1.1)
        below = 1 - 16 / (figure.get_size_inches()[1] * 72)
        figure.legend(
            [mark],
            [size],
            loc="upper left",
            bbox_to_anchor=(0, below),
            frameon=False,
            fontsize=8.5,
            handlelength=1.8,
            borderpad=0.2,
        )
