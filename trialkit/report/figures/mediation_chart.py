"""Mediation: the paths with their numbers, the total effect in its parts, and the indirect effect under an unmeasured common cause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.report.figures.ratio_axis import ratio_x
from trialkit.report.figures.rows import Item, add_rows, stack, wrapped, write_labels
from trialkit.report.figures.style import (
    COLOURS,
    CONTROL,
    INK,
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
from trialkit.report.format import decimals_for, real
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate, Result

BOX, LINE, PAD, EDGE = 116.0, 12.0, 6.0, 4.0
HEIGHT, LEFT, RIGHT, TOP, BELOW = 190.0, 50.0, 16.0, 24.0, 38.0
SHARES = ("risk_difference",)
PARTS = ("acme", "ade", "total")
COLOUR = {"acme": COLOURS[0], "ade": COLOURS[1], "total": CONTROL}


def mediation(
    result: Result,
    *,
    sensitivity: Result | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """The arm, the mediator and the outcome with coefficients, effects, and how strong an unmeasured cause would have to be.

    Parameters
    ----------
    result : what `tk.mediate` returns.
    sensitivity : its `.sensitivity()`, whose breakpoint is written in; made here where the result can make it (two linear models, not read from a file).
    labels : labels of arms, mediator and outcome, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = tk.plot.mediation(tk.mediate(trial, "y1", mediator="m1", seed=1))                  # doctest: +SKIP
    """
    effects = _effects(result, "mediation")
    named = labels or {}
    if sensitivity is None:
        sensitivity = _own_sensitivity(result)
    treated = named.get(_arms(result)[0], _arms(result)[0])
    outcome, mediator = (named.get(n, n) for n in (effects["acme"].outcome, str(result.details["mediator"])))
    boxes = [wrapped(text, BOX - 2 * PAD, SIZE, 3) for text in (treated, mediator, outcome)]
    tall = 2 * PAD + LINE * max(len(b) for b in boxes)
    high = EDGE + tall / 2 + 4
    low = high + 118
    height = low + tall / 2 + LINE * (4 if sensitivity is None else 5) + EDGE
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(height), 0, 0, WIDTH, height)
        ax.set_xlim(0, WIDTH)
        ax.set_ylim(height, 0)
        ax.set_axis_off()
        at = ((EDGE + BOX / 2, low), (WIDTH / 2, high), (WIDTH - EDGE - BOX / 2, low))
        _arrow(ax, (at[0][0], low - tall / 2), (WIDTH / 2 - BOX / 2, high + 4))
        _arrow(ax, (WIDTH / 2 + BOX / 2, high + 4), (at[2][0], low - tall / 2))
        _arrow(ax, (EDGE + BOX, low), (WIDTH - EDGE - BOX, low))
        if sensitivity is not None:
            _cause(ax, at[1][0] + BOX / 2, at[2][0], high, low - tall / 2, words)
        for (x, y), lines in zip(at, boxes):
            _box(ax, x, y, tall, lines)
        _coefficients(ax, result, (high + low) / 2, words)
        _sums(ax, effects, result, sensitivity, low + tall / 2 + 6, words)
    return ax


def mediation_effects(
    result: Result, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH
) -> Any:
    """Bars of the indirect and the direct effect, which add up to the total, with their intervals; ratios on the log scale.

    Parameters
    ----------
    result : what `tk.mediate` returns.
    labels : labels by name. ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = tk.plot.mediation_effects(tk.mediate(trial, "y1", mediator="m1", seed=1))          # doctest: +SKIP
    """
    effects = _effects(result, "mediation_effects")
    ratio = bool(result.details.get("ratio"))
    factor = 100.0 if result.details.get("measure") in SHARES else 1.0
    shown = [*PARTS]
    if result.details.get("interaction"):
        shown = ["acme", "acme_control", "acme_treated", "ade", "ade_control", "ade_treated", "total"]
    places, height = stack([Item(words.mediation_effects[n], _value(effects[n], result, words)) for n in shown], 6.0)
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        on_axis = math.log if ratio else lambda v: factor * v
        for name, place in zip(shown, places):
            e = effects[name]
            value, *ends = (
                on_axis(v) if math.isfinite(v) and (v > 0 or not ratio) else math.nan
                for v in (e.estimate, e.conf_low, e.conf_high)
            )
            y, part = place.marks[0], name.split("_")[0]
            whole = name in PARTS
            if math.isfinite(value):
                ax.barh(
                    y, value, height=11 if whole else 5, color=COLOUR[part], edgecolor=INK, linewidth=0.6,
                    alpha=1.0 if whole else 0.55, zorder=2,
                )  # fmt: skip
            if all(map(math.isfinite, ends)):
                ax.plot(ends, [y, y], "|-", color=INK, linewidth=1.1, markersize=6, markeredgewidth=1.1, zorder=3)
        ax.axvline(0, color=INK, linewidth=0.9, zorder=4)
        ax.margins(x=0.06)
        if ratio:
            ratio_x(ax, words.axis_difference("ratio"), words.numbers, *ax.get_xlim())
        else:
            tidy_x(ax, words.axis_difference(mediation_unit(result, words).kind), words.numbers)
        write_labels(ax, places, height)
    return ax


def mediation_sensitivity(
    result: Result, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH
) -> Any:
    """The indirect effect over the correlation of errors that an unmeasured common cause leaves, with its interval and breakpoint.

    Parameters
    ----------
    result : what `.sensitivity()` of a mediation result returns.
    labels : labels by name. ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    Source: Imai, Keele & Yamamoto (2010), Statistical Science 25(1), figure 2.

    Examples
    --------
    >>> ax = tk.plot.mediation_sensitivity(tk.mediate(trial, "y1", mediator="m1", seed=1).sensitivity())       # doctest: +SKIP
    """
    if result.kind != "mediation_sensitivity":
        raise UsageError("mediation_sensitivity draws what .sensitivity() of a mediation result returns.")
    rows = sorted((r for r in result.table if r["estimand"] == "acme"), key=lambda r: real(r["rho"]))  # type: ignore[attr-defined]
    if len(rows) < 2:
        raise UsageError("a curve needs at least two correlations: leave rho= at its default.")
    rho, estimate, low, high = (np.array([real(r[k]) for r in rows]) for k in ("rho", "estimate", "conf_low", "conf_high"))
    breakpoint, numbers = real(result.details["breakpoints"]["acme"]), words.numbers
    # beyond .9 the curve runs off and would flatten what matters
    reach = min(0.95, max(0.6, abs(breakpoint) + 0.25)) if math.isfinite(breakpoint) else 0.95
    inside = np.abs(rho) <= reach + 1e-9
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        ax.fill_between(rho[inside], low[inside], high[inside], color=ZONE, linewidth=0, zorder=1)
        for edge in (low, high):
            ax.plot(rho[inside], edge[inside], color=QUIET, linewidth=0.7, zorder=2)
        ax.plot(rho[inside], estimate[inside], color=COLOURS[0], linewidth=1.8, zorder=3)
        ax.axhline(0, color=INK, linewidth=0.9, zorder=2)
        tidy_x(ax, words.mediation_rho, numbers)
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, numbers)))
        ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
        ax.grid(axis="y", color="#d9d9d9", linewidth=0.5)
        ax.set_xlim(-reach, reach)
        ax.plot(0, real(result.details["acme"]), "o", color=COLOURS[0], markersize=6, markeredgecolor=INK, zorder=5)
        if math.isfinite(breakpoint) and abs(breakpoint) < reach:
            ax.axvline(breakpoint, color=COLOURS[1], linewidth=1.3, linestyle=(0, (4, 2)), zorder=4)
            side = "right" if breakpoint > 0 else "left"
            ax.annotate(
                numbers.fixed(breakpoint, 2), (breakpoint, 1), xycoords=("data", "axes fraction"), xytext=(-4 if side == "right" else 4, -4),
                textcoords="offset points", ha=side, va="top", fontsize=SIZE, color=INK,
            )  # fmt: skip
        ax.set_title(words.mediation_effects["acme"], loc="left", fontsize=SIZE, color=INK)
    return ax


def mediation_unit(result: Result, words: English) -> Unit:
    """How effects are written; ratios of mean times are no measure of their own elsewhere."""
    unit = unit_of(result, words.numbers)
    return replace(unit, kind="ratio") if result.details.get("ratio") else unit


def _effects(result: Result, function: str) -> dict[str, Estimate]:
    if result.kind != "mediation":
        raise UsageError(f"{function} draws what tk.mediate returns.")
    return {e.estimand: e for e in result.estimates}


def _own_sensitivity(result: Result) -> Result | None:
    """The sensitivity analysis of a result that still has its data and two linear models."""
    evidence = getattr(result, "evidence", None)
    return result.sensitivity() if evidence is not None and evidence.linear else None  # type: ignore[attr-defined]


def _arms(result: Result) -> tuple[str, str]:
    """Treated arm and control."""
    arms = [str(a["arm"]) for a in result.details["arms"]]
    return arms[1], arms[0]


def _value(e: Estimate, result: Result, words: English) -> str:
    """'0.21 (0.05 to 0.40)' in the unit of the measure, a share in percentage points."""
    unit = mediation_unit(result, words)
    return words.value_and_interval(*(unit.difference(v) for v in (e.estimate, e.conf_low, e.conf_high)))


def _with_unit(e: Estimate, result: Result, words: English) -> str:
    """The same, with 'percentage points' behind it where it is of shares."""
    text = _value(e, result, words)
    return f"{text} {words.units['share']}" if result.details.get("measure") in SHARES else text


def _box(ax: Any, x: float, y: float, tall: float, lines: list[str]) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x - BOX / 2, y - tall / 2), BOX, tall, facecolor="white", edgecolor=INK, linewidth=1.0, zorder=3))
    for i, line in enumerate(lines):
        ax.text(x, y + LINE * (i - (len(lines) - 1) / 2), line, ha="center", va="center", fontsize=SIZE, color=INK, zorder=4)


def _arrow(ax: Any, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False) -> None:
    style = {"arrowstyle": "-|>", "color": COLOURS[1] if dashed else QUIET, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style | ({"linestyle": (0, (3, 2))} if dashed else {}), zorder=2)


def _cause(ax: Any, left: float, right: float, high: float, low: float, words: English) -> None:
    """An unmeasured cause at the upper right, with dashed arrows to mediator and outcome, and the breakpoint under it."""
    x, y = right + 14, high - 4
    _arrow(ax, (x - 20, y), (left + 2, high - 4), dashed=True)
    _arrow(ax, (x + 4, y + 22), (right + 30, low), dashed=True)
    for i, line in enumerate(wrapped(words.mediation_cause(), 60, SIZE - 1, 2)):
        ax.text(x + 8, y - 5 + 11 * i, line, ha="center", va="center", fontsize=SIZE - 1, color=INK, style="italic")


def _coefficients(ax: Any, result: Result, middle: float, words: English) -> None:
    """Coefficients in the middle between the arrows, where nothing crosses them."""
    rows = {str(r["path"]): r for r in result.details["paths"]}
    of_step = words.mediation_coefficients.get(str(result.details["mediator_model"]), "")
    of_outcome = words.mediation_coefficients.get(str(result.details["outcome_model"]), "")
    lines = [(words.mediation_paths["a"], _coefficient(rows["a"], of_step, words))]
    for name in ("b", "b_control", "b_treated"):
        if name in rows:
            lines.append((words.mediation_paths[name], _coefficient(rows[name], of_outcome, words)))
    top = middle + 8 - LINE * len(lines)
    for i, (what, value) in enumerate(lines):
        y = top + 2 * LINE * i
        ax.text(WIDTH / 2, y, what, ha="center", va="center", fontsize=SIZE - 1.5, color=QUIET)
        ax.text(WIDTH / 2, y + LINE - 1, value, ha="center", va="center", fontsize=SIZE - 0.5, color=INK)


def _coefficient(row: Mapping[str, Any], what: str, words: English) -> str:
    n, decimals = words.numbers, max(2, decimals_for(real(row["std_error"])))
    return words.mediation_coefficient(n.fixed(row["estimate"], decimals), n.fixed(row["std_error"], decimals), what)


def _sums(
    ax: Any, effects: Mapping[str, Estimate], result: Result, sensitivity: Result | None, top: float, words: English
) -> None:
    """The three effects under the diagram, and what would leave nothing of the indirect one."""
    said = [
        words.mediation_indirect(_with_unit(effects["acme"], result, words)),
        words.mediation_direct(_with_unit(effects["ade"], result, words)),
        words.mediation_total(_with_unit(effects["total"], result, words)),
    ]
    if sensitivity is not None:
        said.append(words.mediation_breakpoint(words.numbers.fixed(sensitivity.details["breakpoints"]["acme"], 2)))
    for i, text in enumerate(said):
        ax.text(WIDTH / 2, top + LINE * (i + 0.5), text, ha="center", va="center", fontsize=SIZE, color=INK)
