"""A meta-analysis as a forest plot: every study, the pooled effect and what a new study may show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.patches import Polygon

from trialkit.errors import UsageError
from trialkit.report.figures.rows import Item, Place, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, INK, QUIET, drawing, new_figure, tidy_x
from trialkit.report.format import decimals_for, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Result

BELOW = 36.0
_SMALLEST, _LARGEST = 3.5, 9.0  # sides of the squares, in points


@dataclass(frozen=True, slots=True)
class MetaWords:
    """Words of this figure."""

    axis: str = "Effect"
    pooled: str = "All together"
    prediction: str = "True effect in a new study"
    to: str = "to"


META_ENGLISH = MetaWords()


def meta_forest(
    result: Result,
    *,
    axis: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
    meta_words: MetaWords = META_ENGLISH,
) -> Any:
    """Studies with their intervals, the pooled effect as a diamond and the prediction interval as a bar.

    Squares are the larger the more a study weighs; beside each interval stands its share of the weight.

    Parameters
    ----------
    result : what `tk.meta` returns.
    axis : what the effects are, under the axis.
    labels : names of studies in words, by label.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no meta-analysis.

    Examples
    --------
    >>> import trialkit as tk
    >>> tk.plot.meta_forest(tk.meta([0.1, 0.3, 0.2], [0.01, 0.02, 0.02]), axis="Standard deviations").get_xlabel()
    'Standard deviations'
    """
    studies = result.details.get("studies")
    if not studies or not result.estimates:
        raise UsageError("meta_forest draws what tk.meta returns.")
    pooled = result.estimates[0]
    prediction = tuple(real(pooled.extra.get(k)) for k in ("prediction_low", "prediction_high"))
    foreseen = all(math.isfinite(v) for v in prediction)
    items = _items(result, studies, prediction if foreseen else None, labels or {}, words, meta_words)
    places, height = stack(items, gap=6.0)
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW), 0, height)
        heaviest = max(real(s["weight"]) for s in studies)
        for study, place in zip(studies, places):
            _square(ax, study, place.marks[0], heaviest)
        _diamond(ax, real(pooled.conf_low), real(pooled.estimate), real(pooled.conf_high), places[len(studies)])
        if foreseen:
            ax.plot(
                list(prediction), [places[-1].marks[0]] * 2, "|-", color=QUIET, linewidth=3.0, markersize=8, solid_capstyle="butt"
            )
        ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
        ax.axhline(places[len(studies)].top - 3.0, color=QUIET, linewidth=0.6)
        tidy_x(ax, axis or meta_words.axis, words.numbers)
        ax.set_xlim(*_reach(studies, pooled, prediction))
        write_labels(ax, places, height)
    return ax


def _items(
    result: Result,
    studies: Sequence[Mapping[str, Any]],
    prediction: Sequence[float] | None,
    labels: Mapping[str, str],
    words: English,
    said: MetaWords,
) -> list[Item]:
    """A row for each study, the pooled effect and the prediction, with their numbers."""
    decimals = max(decimals_for(max(real(s["std_error"]) for s in studies)) - 1, 0)

    def value(estimate: Any, low: Any, high: Any) -> str:
        return words.value_and_interval(*(words.numbers.fixed(v, decimals) for v in (estimate, low, high)))

    items = []
    for s in studies:
        weight = words.numbers.percent(real(s["weight"]) / 100, 0)
        items.append(Item(labels.get(s["label"], s["label"]), f"{value(s['estimate'], s['conf_low'], s['conf_high'])}, {weight}"))
    pooled = result.estimates[0]
    items.append(Item(said.pooled, value(pooled.estimate, pooled.conf_low, pooled.conf_high)))
    if prediction is not None:
        low, high = (words.numbers.fixed(v, decimals) for v in prediction)
        items.append(Item(said.prediction, f"{low} {said.to} {high}"))
    return items


def _square(ax: Any, study: Mapping[str, Any], y: float, heaviest: float) -> None:
    ax.plot([real(study["conf_low"]), real(study["conf_high"])], [y, y], color=COLOURS[0], linewidth=1.4, solid_capstyle="butt")
    # area, not side, goes with the weight
    size = max(_LARGEST * math.sqrt(real(study["weight"]) / heaviest), _SMALLEST)
    ax.plot(real(study["estimate"]), y, "s", color=COLOURS[0], markersize=size, markeredgecolor=INK, markeredgewidth=0.7)


def _diamond(ax: Any, low: float, middle: float, high: float, place: Place) -> None:
    y = place.marks[0]
    if not (math.isfinite(low) and math.isfinite(high)):
        ax.plot(middle, y, "D", color=COLOURS[1], markersize=7, markeredgecolor=INK, markeredgewidth=0.7)
        return
    corners = [(low, y), (middle, y - 5.0), (high, y), (middle, y + 5.0)]
    ax.add_patch(Polygon(corners, closed=True, facecolor=COLOURS[1], edgecolor=INK, linewidth=0.7, zorder=3))


def _reach(studies: Sequence[Mapping[str, Any]], pooled: Any, prediction: Sequence[float]) -> tuple[float, float]:
    values = [real(s[k]) for s in studies for k in ("conf_low", "conf_high")]
    values += [real(pooled.conf_low), real(pooled.conf_high), *prediction, 0.0]
    inside = [v for v in values if math.isfinite(v)]
    room = 0.06 * (max(inside) - min(inside)) or 1.0
    return min(inside) - room, max(inside) + room
