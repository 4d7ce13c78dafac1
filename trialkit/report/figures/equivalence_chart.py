"""An effect against its margin: does the interval lie inside?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.errors import UsageError
from trialkit.report.figures.effects import room_below
from trialkit.report.figures.ratio_axis import ratio_x
from trialkit.report.figures.rows import Item, add_rows, stack, write_labels
from trialkit.report.figures.style import COLOURS, INK, MARKERS, QUIET, ZONE, drawing, new_figure, tidy_x
from trialkit.report.format import real
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate, Result

Kind = Literal["equivalence", "noninferiority"]


@dataclass(frozen=True, slots=True)
class MarginWords:
    """Words of this figure."""

    equivalent: str = "equivalent: shown"
    not_equivalent: str = "equivalent: not shown"
    noninferior: str = "not inferior: shown"
    not_noninferior: str = "not inferior: not shown"
    undefined: str = "not tested"
    ratio: str = "Ratio"
    within: str = "grey: within the margins ({} to {})"
    beyond: str = "grey: not inferior ({} {})"
    above: str = "above"
    below: str = "below"
    bars: str = "thick: {} interval, which decides; thin: {}"


MARGIN_ENGLISH = MarginWords()


def equivalence(
    result: Result,
    *,
    kind: Kind | None = None,
    axis: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
    margin_words: MarginWords = MARGIN_ENGLISH,
) -> Any:
    """Effects with the interval that decides (thick) and the usual one (thin), against the margins.

    The grey zone holds the effects that count as equivalent, or as not inferior. Equivalence is shown where the thick bar lies in it.

    Parameters
    ----------
    result : what `tk.itt` or `tk.cace` returns with `equivalence` or `noninferiority`.
    kind : which of the two, where both were asked; by default the first that is there.
    axis : what the effects are, under the axis; by default the unit.
    labels : labels of contrasts ('peer - solo'), by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result was not held against a margin.

    Examples
    --------
    >>> ax = tk.plot.equivalence(tk.itt(trial, "y1", equivalence=0.2))                     # doctest: +SKIP
    """
    chosen, tests = _tests(result, kind)
    ratio = bool(tests[0]["ratio"])
    unit = unit_of(result, words.numbers)
    factor = 100.0 if unit.kind == "share" and not ratio else 1.0
    items = [
        Item(_label(e, labels or {}), f"{_value(t, unit, ratio, words)}, {_verdict(chosen, t, margin_words)}")
        for e, t in zip(result.estimates, tests)
    ]
    places, height = stack(items)
    edges = _edges(chosen, tests[0])

    def at(value: Any) -> float:
        number = real(value)
        return (math.log(number) if number > 0 else math.nan) if ratio else factor * number

    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + room_below(1.0, None) + 12), 0, height)
        for i, (e, t, place) in enumerate(zip(result.estimates, tests, places)):
            _mark(
                ax,
                [at(v) for v in (t["conf_low"], e.estimate, t["conf_high"])],
                [at(e.conf_low), at(e.conf_high)],
                place.marks[0],
                i,
            )
        low, high = _reach(result.estimates, tests, edges, at)
        title = axis or (margin_words.ratio if ratio else words.axis_difference(unit.kind))
        told = "\n".join(
            (title, _zone_text(chosen, tests[0], unit, ratio, margin_words), _bars_text(tests[0], words, margin_words))
        )
        ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)
        if ratio:
            ratio_x(ax, told, words.numbers, low, high)
        else:
            tidy_x(ax, told, words.numbers)
            ax.set_xlim(low, high)
        _shade(ax, [at(v) if v is not None else None for v in edges], low, high)
        write_labels(ax, places, height)
    return ax


def _tests(result: Result, kind: Kind | None) -> tuple[Kind, Sequence[Mapping[str, Any]]]:
    found: Mapping[str, Any] = result.details.get("margins") or {}
    kinds: tuple[Kind, ...] = ("equivalence", "noninferiority")
    for name in kinds if kind is None else (kind,):
        if name in found:
            return name, found[name]
    raise UsageError(
        "this figure needs a result with a margin: tk.itt(..., equivalence=0.2), or noninferiority=0.2 with better=."
    )


def _label(e: Estimate, labels: Mapping[str, str]) -> str:
    return labels.get(e.contrast, e.contrast)


def _value(test: Mapping[str, Any], unit: Unit, ratio: bool, words: English) -> str:
    values = [test[k] for k in ("estimate", "conf_low", "conf_high")]
    shown = [words.numbers.fixed(v, 2) if ratio else unit.difference(v) for v in values]
    return words.value_and_interval(*shown) if math.isfinite(real(values[1])) else shown[0]


def _verdict(kind: Kind, test: Mapping[str, Any], words: MarginWords) -> str:
    if test["shown"] is None:
        return words.undefined
    if kind == "equivalence":
        return words.equivalent if test["shown"] else words.not_equivalent
    return words.noninferior if test["shown"] else words.not_noninferior


def _edges(kind: Kind, test: Mapping[str, Any]) -> tuple[Any, Any]:
    """Ends of the zone; None where it does not end."""
    if kind == "equivalence":
        return test["lower"], test["upper"]
    return (test["bound"], None) if test["better"] == "higher" else (None, test["bound"])


def _mark(ax: Any, deciding: Sequence[float], usual: Sequence[float], y: float, i: int) -> None:
    colour = COLOURS[i % len(COLOURS)]
    low, middle, high = deciding
    if all(math.isfinite(v) for v in usual):
        ax.plot(usual, [y, y], color=colour, linewidth=1.0, solid_capstyle="butt")
    if math.isfinite(low) and math.isfinite(high):
        ax.plot([low, high], [y, y], color=colour, linewidth=4.0, solid_capstyle="butt")
    ax.plot([middle], [y], MARKERS[i % len(MARKERS)], color=colour, markersize=7, markeredgecolor=INK, markeredgewidth=0.7)


def _reach(
    estimates: Sequence[Estimate], tests: Sequence[Mapping[str, Any]], edges: Sequence[Any], at: Any
) -> tuple[float, float]:
    values = [at(v) for e in estimates for v in (e.estimate, e.conf_low, e.conf_high)]
    values += [at(t[k]) for t in tests for k in ("conf_low", "conf_high")]
    values += [0.0, *(at(v) for v in edges if v is not None)]
    inside = [v for v in values if math.isfinite(v)]
    room = 0.08 * (max(inside) - min(inside)) or 1.0
    return min(inside) - room, max(inside) + room


def _shade(ax: Any, edges: Sequence[float | None], low: float, high: float) -> None:
    left, right = edges
    ax.axvspan(low if left is None else left, high if right is None else right, color=ZONE, linewidth=0, zorder=0)
    for edge in edges:
        if edge is not None:
            ax.axvline(edge, color=QUIET, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)


def _zone_text(kind: Kind, test: Mapping[str, Any], unit: Unit, ratio: bool, said: MarginWords) -> str:
    def text(value: Any) -> str:
        return unit.numbers.general(value) if ratio or unit.kind != "share" else unit.difference(value)

    if kind == "equivalence":
        return said.within.format(text(test["lower"]), text(test["upper"]))
    return said.beyond.format(said.above if test["better"] == "higher" else said.below, text(test["bound"]))


def _bars_text(test: Mapping[str, Any], words: English, said: MarginWords) -> str:
    level = words.numbers.general(100 * real(test["conf_level"]))
    usual = words.numbers.general(100 * (1 - real(test["alpha"])))
    return said.bars.format(f"{level}%", f"{usual}%")
