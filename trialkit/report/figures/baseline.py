"""Love plot: standardized differences at the start, against .05 and .25."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    QUIET,
    add_legend,
    drawing,
    legend_height,
    new_figure,
    tidy_x,
)
from trialkit.report.format import in_words, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import TableResult

NEGLIGIBLE, LARGE = 0.05, 0.25
_BELOW = 36.0


def love(
    balance: TableResult,
    *,
    labels: Mapping[str, str] | None = None,
    chance: bool = False,
    ax: Any = None,
    words: English = ENGLISH,
) -> Any:
    """Standardized differences of a balance table, one row a covariate (a level of a category).

    Parameters
    ----------
    balance : what `tk.selection.balance` returns.
    labels : labels of covariates and contrasts, by name.
    chance : draw where each difference lies in 95 of 100 assignments of the trial's design (chance_low to chance_high of the table).
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = tk.plot.love(tk.selection.balance(trial, ["age", "female"]))                      # doctest: +SKIP
    """
    rows = list(balance.table)
    if not rows:
        raise UsageError("this balance table has no rows: name covariates, as in tk.selection.balance(trial, ['age']).")
    named = labels or {}
    keys = list(dict.fromkeys((str(r["covariate"]), str(r["level"]), str(r["kind"])) for r in rows))
    contrasts = list(dict.fromkeys(str(r["contrast"]) for r in rows))
    places, height = stack([Item(row_label(k, named, words)) for k in keys], gap=5.0)
    legend = legend_height(len(contrasts))
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(legend + height + _BELOW), legend, height)
        if chance:
            _bands(ax, rows, keys, contrasts, [p.marks[0] for p in places])
        _marks(ax, rows, keys, contrasts, [p.marks[0] for p in places])
        _frame(ax, rows, words, chance)
        write_labels(ax, places, height)
        if legend:
            add_legend(ax.figure, [named.get(c, c) for c in contrasts], lines=False)
    return ax


def row_label(key: tuple[str, str, str], labels: Mapping[str, str], words: English) -> str:
    """'Education: low', 'Income: missing' or 'Age'."""
    covariate, level, kind = key
    name = labels.get(covariate) or in_words(covariate)
    part = words.missing_level if kind == "missing" else level
    return f"{name}: {part}" if part else name


def _bands(ax: Any, rows: Sequence[Mapping[str, Any]], keys: list[Any], contrasts: list[str], centres: Sequence[float]) -> None:
    spread = 4.0 if len(contrasts) > 1 else 0.0
    for row in rows:
        low, high = real(row.get("chance_low")), real(row.get("chance_high"))
        if not math.isfinite(low + high):
            continue
        y = centres[keys.index((str(row["covariate"]), str(row["level"]), str(row["kind"])))]
        y += spread * (contrasts.index(str(row["contrast"])) - (len(contrasts) - 1) / 2)
        ax.plot([low, high], [y, y], color=FAINT, linewidth=5.0, solid_capstyle="butt", zorder=0.8)


def _marks(ax: Any, rows: Sequence[Mapping[str, Any]], keys: list[Any], contrasts: list[str], centres: Sequence[float]) -> None:
    spread = 4.0 if len(contrasts) > 1 else 0.0
    for row in rows:
        value = real(row["standardized_difference"])
        if not math.isfinite(value):
            continue
        i = contrasts.index(str(row["contrast"]))
        y = centres[keys.index((str(row["covariate"]), str(row["level"]), str(row["kind"])))]
        y += spread * (i - (len(contrasts) - 1) / 2)
        ax.plot(value, y, MARKERS[i % 7], color=COLOURS[i % 7], markersize=6, markeredgecolor=INK, markeredgewidth=0.7, zorder=4)


def _frame(ax: Any, rows: Sequence[Mapping[str, Any]], words: English, chance: bool) -> None:
    ends = ("standardized_difference", *(("chance_low", "chance_high") if chance else ()))
    found = [abs(real(r.get(end))) for r in rows for end in ends]
    reach = 1.08 * max([0.3, *(f for f in found if math.isfinite(f))])
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for size, style in ((NEGLIGIBLE, (0, (1, 1.5))), (LARGE, (0, (4, 2)))):
        for edge in (-size, size):
            ax.axvline(edge, color=QUIET, linewidth=0.9, linestyle=style, zorder=1)
    tidy_x(ax, words.axis_standardized, words.numbers, most=5)
    ax.set_xlim(-reach, reach)
