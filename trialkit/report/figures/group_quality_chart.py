"""What group formation reached: the share of each trait's variance within groups, beside random groups of the same sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, CONTROL, INK, MARKERS, QUIET, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

BELOW, ABOVE = 36.0, 18.0
AXIS = "Share of the variance within groups"
SPREAD, RANDOM, VALUE = "spread of {}", "random groups", "{}; random {} to {}%"
AIMS = {"alike": "asked alike", "mixed": "asked mixed", "": "not asked"}
_MARKS = {"alike": (COLOURS[0], MARKERS[0]), "mixed": (COLOURS[1], MARKERS[1]), "": (CONTROL, "s")}


def group_quality(
    quality: TableResult, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH
) -> Any:
    """The variance of each trait that lies within groups: what was reached, and the middle 95 percent of random groups.

    Near 0 members of a group are alike; near 100% all groups have the same mean (for the spread of a trait: the same variance).

    Parameters
    ----------
    quality : what `design.quality` returns.
    labels : labels of traits and arms, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The table holds no traits.

    Examples
    --------
    >>> ax = tk.plot.group_quality(design.quality(allocation, seed=1))                      # doctest: +SKIP
    """
    rows = [r for r in quality.table if math.isfinite(real(r.get("within_share")))]
    if not rows:
        raise UsageError(
            "this table holds no traits of groups: group_quality takes what design.quality returns; name traits= there."
        )
    arms = list(dict.fromkeys(str(r["arm"]) for r in rows))
    aims = [a for a in AIMS if any(r["aim"] == a for r in rows)]
    places, height = stack([Item(_label(r, labels or {}, len(arms) > 1), _value(r, words)) for r in rows])
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(ABOVE + height + BELOW), ABOVE, height)
        for row, place in zip(rows, places):
            _mark(ax, row, place.marks[0])
        tidy_x(ax, AXIS, words.numbers, percent=True)
        ax.set_xlim(-2, 102)
        write_labels(ax, places, height)
        _legend(ax, aims)
    return ax


def _label(row: Mapping[str, Any], labels: Mapping[str, str], several: bool) -> str:
    arm, trait = str(row["arm"]), str(row["trait"])
    name = labels.get(trait) or trait.replace("_", " ")
    told = SPREAD.format(name) if row["measure"] == "spread" else name
    told = f"{labels.get(arm, arm)}: {told}" if several else told
    return told[:1].upper() + told[1:]


def _value(row: Mapping[str, Any], words: English) -> str:
    numbers = words.numbers
    low, high = numbers.points(row["random_low"], 0), numbers.points(row["random_high"], 0)
    return VALUE.format(numbers.percent(row["within_share"]), low, high)


def _mark(ax: Any, row: Mapping[str, Any], y: float) -> None:
    reached, mean, low, high = (100 * real(row[k]) for k in ("within_share", "random_mean", "random_low", "random_high"))
    ax.plot([low, high], [y, y], color=QUIET, linewidth=5.0, alpha=0.35, solid_capstyle="butt", zorder=2)
    ax.plot([mean], [y], marker="|", color=INK, markersize=9, markeredgewidth=1.2, zorder=3)
    colour, marker = _MARKS[str(row["aim"])]
    ax.plot(
        [reached],
        [y],
        marker=marker,
        color=colour,
        markersize=7,
        markeredgecolor=INK,
        markeredgewidth=0.7,
        zorder=4,
        clip_on=False,
    )


def _legend(ax: Any, aims: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", color=_MARKS[a][0], marker=_MARKS[a][1], markeredgecolor=INK, markeredgewidth=0.7)
        for a in aims
    ]
    handles.append(Line2D([], [], color=QUIET, linewidth=5.0, alpha=0.35))
    ax.figure.legend(
        handles, [*(AIMS[a] for a in aims), RANDOM], loc="upper left", ncols=len(handles), frameon=False, fontsize=8.5,
        handlelength=1.2, borderpad=0.2, columnspacing=1.2,
    )  # fmt: skip
