"""Contours of a coefficient under confounding: the estimate or its t with a confounder of any strength, and observed covariates as a yardstick."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.inference.confounding.robustness import adjusted
from trialkit.inference.distributions import t_quantile
from trialkit.report.figures.style import INK, QUIET, SIZE, WIDTH, add_panel, drawing, new_figure, tick_text, tidy_x
from trialkit.report.format import in_words, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Result

HEIGHT, LEFT, RIGHT, TOP, BELOW = 236.0, 50.0, 16.0, 24.0, 38.0
GRID = 120
ACROSS, UP = "Partial R2 of the confounder with the treatment", "Partial R2 of the confounder with the outcome"


def robustness(
    result: Result,
    *,
    what: Literal["estimate", "t"] = "estimate",
    reach: float | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Contours of the adjusted estimate (or t) over the strength of a confounder with treatment and outcome.

    Parameters
    ----------
    result : what `tk.selection.robustness_value` returns.
    what : 'estimate', with the line where it is zero, or 't', with the line of significance at the alpha of the result.
    reach : largest partial R2 on both axes; by default what shows the line and the benchmarks.
    labels : names of covariates in words.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    The dashed line is where the conclusion changes; diamonds are confounders k times as strong as an observed covariate. Source: Cinelli & Hazlett (2020), figure 2.

    Examples
    --------
    >>> ax = tk.plot.robustness(tk.selection.robustness_value(data, "y", treatment="came", adjust=["x"]))      # doctest: +SKIP
    """
    if result.kind != "robustness":
        raise UsageError("robustness draws what tk.selection.robustness_value returns.")
    if what not in ("estimate", "t"):
        raise UsageError(f"what={what!r} is 'estimate' or 't'.")
    if reach is not None and not 0 < reach < 1:
        raise UsageError("reach lies between 0 and 1.")
    marks = [b for b in result.details["benchmarks"] if b["estimate"] is not None]
    across, up = (_reach(result, marks, side) if reach is None else reach for side in ("r2_treatment", "r2_outcome"))
    d, y = np.meshgrid(np.linspace(0, across, GRID), np.linspace(0, up, GRID))
    e = result.estimates[0]
    estimate, se = adjusted(estimate=e.estimate, std_error=e.std_error, df=e.df, r2_treatment=d, r2_outcome=y)
    surface = estimate if what == "estimate" else estimate / se
    edge = 0.0 if what == "estimate" else math.copysign(t_quantile(1 - real(result.details["alpha"]) / 2, e.df - 1), e.estimate)
    with drawing():
        if ax is None:
            ax = add_panel(new_figure(HEIGHT + TOP + BELOW), LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
        levels = [v for v in MaxNLocator(8).tick_values(float(surface.min()), float(surface.max())) if abs(v - edge) > 1e-12]
        drawn = ax.contour(d, y, surface, levels=levels, colors=QUIET, linewidths=0.7, linestyles="solid")
        ax.clabel(drawn, fmt=lambda v: f"{v:g}", fontsize=SIZE - 2)
        if surface.min() < edge < surface.max():
            ax.contour(d, y, surface, levels=[edge], colors="#D55E00", linewidths=1.4, linestyles="dashed")
        _points(ax, marks, (across, up), labels or {})
        tidy_x(ax, ACROSS, words.numbers)
        ax.set_xlim(0, across)
        ax.set_ylim(0, up)
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, words.numbers)))
        ax.set_title(UP, loc="left", fontsize=SIZE, color=INK)
        ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    return ax


def _points(ax: Any, marks: list[Mapping[str, Any]], limits: tuple[float, float], labels: Mapping[str, str]) -> None:
    """A diamond for every strength that fits, and the name at the strongest."""
    shown: dict[str, list[tuple[float, float, float]]] = {}
    for b in marks:
        x, y = real(b["r2_treatment"]), real(b["r2_outcome"])
        if x <= limits[0] and y <= limits[1]:
            ax.plot(x, y, "D", color="#0072B2", markersize=4, markeredgecolor=INK, markeredgewidth=0.6, zorder=4, clip_on=False)
            shown.setdefault(str(b["covariate"]), []).append((real(b["k"]), x, y))
    for covariate, found in shown.items():
        strengths = ", ".join(f"{k:g}" for k, *_ in found)
        name = f"{strengths} × {labels.get(covariate) or in_words(covariate)}"
        _, x, y = found[-1]
        ax.annotate(name, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=SIZE - 2, color=INK)


def _reach(result: Result, marks: list[Mapping[str, Any]], side: str) -> float:
    """Beyond the robustness value and the benchmarks that lie below .9 on this side."""
    found = [real(b[side]) for b in marks]
    return min(max([1.6 * real(result.details["rv_q"]), 0.05, *(1.15 * f for f in found if f < 0.9)]), 0.95)
