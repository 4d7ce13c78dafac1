"""The enrolment funnel: the share of eligible people reached at each stage, or kept from the one before, by stratum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, INK, MARKERS, add_legend, drawing, legend_height, new_figure, tidy_x
from trialkit.report.format import in_words, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

BELOW = 36.0
ALL = "all"
Show = Literal["reach", "retention"]


@dataclass(frozen=True, slots=True)
class FunnelWords:
    """Words of this figure."""

    reach: str = "Share of those {first}"
    retention: str = "Share of those at the stage before"
    of: str = "of {n} {stage}"


FUNNEL_ENGLISH = FunnelWords()


def funnel(
    table: TableResult,
    *,
    show: Show = "reach",
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
    funnel_words: FunnelWords = FUNNEL_ENGLISH,
) -> Any:
    """Shares at each stage of enrolment with their intervals, a mark a stratum.

    Parameters
    ----------
    table : what `tk.selection.reach` returns.
    show : 'reach' (default), the share of the people of the first stage; 'retention', the share of those at the stage that each is counted from.
    labels : labels of strata and stages, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The table is no funnel, has more strata than colours, or `show` is unknown.

    Examples
    --------
    >>> ax = tk.plot.funnel(tk.selection.reach(people, by="vulnerability"))                     # doctest: +SKIP
    """
    if show not in get_args(Show):
        raise UsageError(f"show={show!r} is unknown: it is 'reach' or 'retention'.")
    stages = list(table.details.get("stages") or [])
    if table.kind != "reach" or len(stages) < 2:
        raise UsageError("funnel draws what tk.selection.reach returns.")
    strata = [s for s in dict.fromkeys(str(r["stratum"]) for r in table.table) if s != ALL] or [ALL]
    if len(strata) > len(COLOURS):
        raise UsageError(f"the funnel has {len(strata)} strata, more than can be told apart: draw {len(COLOURS)} or fewer.")
    names = dict(labels or {})
    rows = {(str(r["stratum"]), str(r["stage"])): r for r in table.table}
    places, height = stack([_item(s, rows[(ALL, s)], len(strata), names, words, funnel_words) for s in stages[1:]])
    above = legend_height(len(strata))
    with drawing():
        if ax is None:
            figure = new_figure(above + height + BELOW)
            ax = add_rows(figure, above, height)
            if len(strata) > 1:
                add_legend(figure, [names.get(s, s) for s in strata], lines=False)
        for stage, place in zip(stages[1:], places):
            for i, (stratum, y) in enumerate(zip(strata, place.marks)):
                _mark(ax, rows[(stratum, stage)], show, y, i)
        first = names.get(stages[0], in_words(stages[0])).lower()
        tidy_x(
            ax,
            funnel_words.retention if show == "retention" else funnel_words.reach.format(first=first),
            words.numbers,
            percent=True,
        )
        ax.set_xlim(0, 100)
        write_labels(ax, places, height)
    return ax


def _item(stage: str, row: Mapping[str, Any], marks: int, names: Mapping[str, str], words: English, said: FunnelWords) -> Item:
    start = str(row["counted_from"])
    of = said.of.format(n=words.numbers.count(row["people_from"]), stage=names.get(start, in_words(start)).lower())
    return Item(names.get(stage, in_words(stage)), f"{words.numbers.count(row['people'])} {of}", marks)


def _mark(ax: Any, row: Mapping[str, Any], show: str, y: float, i: int) -> None:
    value, low, high = (100 * real(row[k]) for k in (show, f"{show}_low", f"{show}_high"))
    if not math.isfinite(value):
        return
    if math.isfinite(low) and math.isfinite(high):
        ax.plot([low, high], [y, y], color=COLOURS[i], linewidth=1.4, solid_capstyle="butt", zorder=2)
    ax.plot(
        value, y, MARKERS[i], color=COLOURS[i], markersize=6, markeredgecolor=INK, markeredgewidth=0.7, zorder=3, clip_on=False
    )
