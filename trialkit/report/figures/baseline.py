"""Love plot: standardized differences at the start, against .05 and .25."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.rows import wrapped
from trialkit.report.figures.style import COLOURS, INK, MARKERS, QUIET, WIDTH, add_panel, drawing, new_figure, tidy_x
from trialkit.report.format import real, shortened
from trialkit.report.words_en import ENGLISH, English
from trialkit.results import TableResult

NEGLIGIBLE, LARGE = 0.05, 0.25
_LEFT, _RIGHT, _TOP, _BELOW = 138.0, 12.0, 4.0, 34.0
_LINE, _GAP = 10.5, 6.5


def love(balance: TableResult, *, labels: Mapping[str, str] | None = None, ax: Any = None, words: English = ENGLISH) -> Any:
    """Standardized differences of a balance table, one row a covariate (a level of a category).

    Parameters
    ----------
    balance : what `tk.selection.balance` returns.
    labels : labels of covariates and contrasts, by name.
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
    texts = [wrapped(row_label(k, named, words), _LEFT - 14, 8.5, 2) for k in keys]
    centres, height = _centres([len(t) for t in texts])
    legend = 18.0 if len(contrasts) > 1 else 0.0
    with drawing():
        if ax is None:
            figure = new_figure(_TOP + legend + height + _BELOW)
            ax = add_panel(figure, _LEFT, _TOP + legend, WIDTH - _LEFT - _RIGHT, height)
        _marks(ax, rows, keys, contrasts, centres)
        _frame(ax, rows, height, words)
        for text, y in zip(texts, centres):
            ax.annotate(
                "\n".join(text), (0, y), (-8, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                ha="right", va="center", fontsize=8.5, linespacing=1.1,
            )  # fmt: skip
        if legend:
            _legend(ax, [shortened(named.get(c, c), 64 // len(contrasts)) for c in contrasts])
    return ax


def row_label(key: tuple[str, str, str], labels: Mapping[str, str], words: English) -> str:
    """'Education: low', 'Income: missing' or 'Age'."""
    covariate, level, kind = key
    name = labels.get(covariate) or covariate.replace("_", " ")
    part = words.missing_level if kind == "missing" else level
    return f"{name}: {part}" if part else name


def _centres(lines: Sequence[int]) -> tuple[list[float], float]:
    y, out = 5.0, []
    for n in lines:
        out.append(y + _LINE * n / 2)
        y += _LINE * n + _GAP
    return out, y


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


def _frame(ax: Any, rows: Sequence[Mapping[str, Any]], height: float, words: English) -> None:
    found = [abs(real(r["standardized_difference"])) for r in rows]
    reach = 1.08 * max([0.3, *(f for f in found if math.isfinite(f))])
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for size, style in ((NEGLIGIBLE, (0, (1, 1.5))), (LARGE, (0, (4, 2)))):
        for edge in (-size, size):
            ax.axvline(edge, color=QUIET, linewidth=0.9, linestyle=style, zorder=1)
    tidy_x(ax, words.axis_standardized, words.numbers, most=5)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(height, 0)


def _legend(ax: Any, texts: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", color=COLOURS[i % 7], marker=MARKERS[i % 7], markeredgecolor=INK, markeredgewidth=0.7)
        for i in range(len(texts))
    ]
    ax.figure.legend(
        handles, texts, loc="upper left", ncols=len(texts), frameon=False, fontsize=8.5, handlelength=1.0, borderpad=0.2
    )
