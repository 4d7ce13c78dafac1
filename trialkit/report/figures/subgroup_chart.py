"""Subgroups: the interaction test over the effects it compares, or the effect along a continuous moderator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.errors import UsageError
from trialkit.estimate.measures import is_ratio
from trialkit.report.figures.ratio_axis import ratio_x
from trialkit.report.figures.rows import LABELS, RIGHT, Item, Place, add_rows, stack, wrapped, write_labels
from trialkit.report.figures.style import (
    COLOURS,
    CONTROL,
    FAINT,
    INK,
    QUIET,
    SIZE,
    WIDTH,
    add_panel,
    drawing,
    new_figure,
    tick_text,
    tidy_x,
)
from trialkit.report.format import decimals_for, in_words, real
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate, Result

BELOW = 48.0
_LEFT, _RIGHT, _TOP, _LINE, _STRIP = 46.0, 14.0, 46.0, 190.0, 34.0
_ACROSS = WIDTH - LABELS - RIGHT  # points between the labels and the edge


@dataclass(frozen=True, slots=True)
class SubgroupWords:
    """Words of this figure."""

    everyone: str = "Everyone"
    effect_of: str = "Effect on {}: {}"
    interaction: str = "interaction p {}"
    corrected: str = "interaction, corrected p {}"
    planned: str = "planned"
    exploratory: str = "not planned"
    undefined: str = "interaction not tested"
    ratio: str = "Ratio"
    people: str = "people"
    band: str = "dark: {}% at each value; light: for the whole line"


SUBGROUP_ENGLISH = SubgroupWords()
SUBGROUP_WORDS = {
    "en": SUBGROUP_ENGLISH,
    "nl": SubgroupWords(
        "Iedereen", "Effect op {}: {}", "interactie, p {}", "interactie, p na correctie {}", "gepland", "niet gepland",
        "interactie niet getoetst", "Verhouding", "mensen", "donker: {}% bij elke waarde; licht: voor de hele lijn",
    ),
}  # fmt: skip


def subgroups(
    result: Result,
    *,
    moderator: str | None = None,
    contrast: str | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    words: English = ENGLISH,
    subgroup_words: SubgroupWords = SUBGROUP_ENGLISH,
) -> Any:
    """A forest of effects by subgroup under each interaction test, or the effect along one continuous moderator.

    The dashed line is the effect in everyone. Subgroups whose intervals do or do not cross zero are not thereby different: the interaction
    test stands above them, with whether it was planned.

    Parameters
    ----------
    result : what `tk.subgroups` returns.
    moderator : draw this one only; a continuous one then becomes a line with its pointwise limits, its band and how many people there
        are. The same happens when the result has one moderator.
    contrast : which one, where the trial has several; by default the first.
    labels : labels of moderators, outcomes and contrasts, by name.
    ax : matplotlib axes to draw on; by default axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UsageError
        The result is no subgroup analysis, or has no such moderator or contrast.

    Examples
    --------
    >>> ax = tk.plot.subgroups(tk.subgroups(trial, "y1", by=["sex", "age"]))                # doctest: +SKIP
    """
    if result.kind != "subgroups":
        raise UsageError("this figure draws what tk.subgroups returns.")
    everything: Sequence[Mapping[str, Any]] = result.details["moderators"]
    chosen = [m for m in everything if moderator in (None, m["name"])]
    if not chosen:
        raise UsageError(f"there is no moderator '{moderator}'; there are {', '.join(repr(m['name']) for m in everything)}.")
    contrasts = list(dict.fromkeys(e.contrast for e in result.estimates))
    if contrast is not None and contrast not in contrasts:
        raise UsageError(f"there is no contrast '{contrast}'; there are {', '.join(repr(c) for c in contrasts)}.")
    drawn = _Drawn(result, contrast or contrasts[0], labels or {}, words, subgroup_words)
    if len(chosen) == 1 and chosen[0]["kind"] == "continuous":
        return _line(drawn, chosen[0], ax)
    return _forest(drawn, chosen, ax)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What every part of the figure needs."""

    result: Result
    contrast: str
    labels: Mapping[str, str]
    words: English
    said: SubgroupWords

    @property
    def ratio(self) -> bool:
        return is_ratio(str(self.result.details["measure"]))

    @property
    def share(self) -> bool:
        return bool(self.result.details["measure"] == "risk_difference")

    @property
    def decimals(self) -> int:
        if self.share:
            return 1
        sizes = [real(e.std_error) for e in self.result.estimates if e.extra.get("subgroup") != "interaction"]
        return 2 if self.ratio else decimals_for(10 * max((s for s in sizes if math.isfinite(s)), default=0.1))

    @property
    def axis(self) -> str:
        name = self.result.estimates[0].outcome
        unit = self.said.ratio if self.ratio else self.words.axis_difference("share" if self.share else "raw")
        contrast = self.labels.get(self.contrast, self.contrast)
        return f"{self.said.effect_of.format(self.labels.get(name, name), contrast)}\n{unit}"

    def at(self, value: Any) -> float:
        number = real(value)
        if self.ratio:
            return math.log(number) if number > 0 else math.nan
        return 100 * number if self.share else number

    def text(self, *values: Any) -> str:
        factor = 100 if self.share else 1
        shown = [self.words.numbers.fixed(factor * real(v), self.decimals) for v in values]
        return self.words.value_and_interval(*shown) if math.isfinite(real(values[1])) else shown[0]

    def overall(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = next(e for e in self.result.details["overall"] if e["contrast"] == self.contrast)
        return found

    def rows(self, moderator: str, *, interaction: bool) -> list[Estimate]:
        return [
            e
            for e in self.result.estimates
            if e.contrast == self.contrast
            and e.extra["moderator"] == moderator
            and (e.extra["subgroup"] == "interaction") == interaction
        ]

    @property
    def level(self) -> str:
        return self.words.numbers.general(100 * self.result.estimates[0].conf_level)

    def plan(self, m: Mapping[str, Any]) -> str:
        return self.said.planned if m["planned"] else self.said.exploratory

    def tested(self, moderator: str) -> str:
        """'interaction p = .031', or the corrected p where there is one."""
        e = self.rows(moderator, interaction=True)[0]
        if not math.isfinite(real(e.p_value)):
            return self.said.undefined
        adjusted = real(e.extra.get("p_adjusted"))
        if math.isfinite(adjusted):
            return self.said.corrected.format(self._p(adjusted))
        return self.said.interaction.format(self._p(e.p_value))

    def _p(self, value: float) -> str:
        text = self.words.numbers.p(value)
        return text if text[0] in "<>" else f"= {text}"


def _forest(drawn: _Drawn, moderators: Sequence[Mapping[str, Any]], ax: Any) -> Any:
    overall = drawn.overall()
    items = [
        Item(
            _people(drawn, drawn.said.everyone, overall["n"]),
            drawn.text(*(overall[k] for k in ("estimate", "conf_low", "conf_high"))),
        )
    ]
    marks: list[Estimate | None] = [None]
    heads = []
    for m in moderators:
        heads.append(len(items))
        items.append(Item(f"{drawn.labels.get(m['name'], in_words(m['name']))} ({drawn.plan(m)})", drawn.tested(m["name"])))
        marks.append(None)
        for e in drawn.rows(m["name"], interaction=False):
            items.append(Item(_subgroup(drawn, m, e), drawn.text(e.estimate, e.conf_low, e.conf_high)))
            marks.append(e)
    places, height = stack(items, gap=6.0)
    effect, unit = drawn.axis.split("\n")
    label = [*wrapped(effect, _ACROSS), unit]
    with drawing():
        if ax is None:
            ax = add_rows(new_figure(height + BELOW + 12 * (len(label) - 2)), 0, height)
        everyone = [drawn.at(overall[k]) for k in ("conf_low", "estimate", "conf_high")]
        _mark(ax, everyone, places[0], "D", INK)
        for row, place in zip(marks, places):
            if row is not None:
                _mark(ax, [drawn.at(v) for v in (row.conf_low, row.estimate, row.conf_high)], place, "o", COLOURS[0])
        for i in heads:
            ax.axhline(places[i].top - 3.0, color=QUIET, linewidth=0.6)
        ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)
        if math.isfinite(everyone[1]):
            ax.axvline(everyone[1], color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        low, high = _reach(drawn, [e for e in marks if e is not None], everyone)
        if drawn.ratio:
            ratio_x(ax, "\n".join(label), drawn.words.numbers, low, high)
        else:
            tidy_x(ax, "\n".join(label), drawn.words.numbers)
            ax.set_xlim(low, high)
        before = len(ax.texts)
        write_labels(ax, places, height)
        _strong(ax.texts[before:], places, heads)
    return ax


def _subgroup(drawn: _Drawn, m: Mapping[str, Any], e: Estimate) -> str:
    """The level and its people; for a value of a continuous moderator what comes after its name."""
    text = str(e.extra["subgroup"])
    if m["kind"] == "continuous":
        return text.removeprefix(f"{m['name']} = ")
    return _people(drawn, drawn.labels.get(text, text), e.n)


def _people(drawn: _Drawn, label: str, n: Any) -> str:
    return f"{label}, n\u00a0=\u00a0{drawn.words.numbers.count(n)}"


def _mark(ax: Any, values: Sequence[float], place: Place, marker: str, colour: str) -> None:
    low, middle, high = values
    y = place.marks[0]
    if math.isfinite(low) and math.isfinite(high):
        ax.plot([low, high], [y, y], color=colour, linewidth=1.5, solid_capstyle="butt")
    if math.isfinite(middle):
        ax.plot([middle], [y], marker, color=colour, markersize=6, markeredgecolor=INK, markeredgewidth=0.7)


def _strong(written: Sequence[Any], places: Sequence[Place], heads: Sequence[int]) -> None:
    """Names of moderators stand out from their levels."""
    line = 0
    for i, place in enumerate(places):
        for text in written[line : line + len(place.label)] if i in heads else ():
            text.set_fontweight("bold")
        line += len(place.label) + len(place.value)


def _reach(drawn: _Drawn, estimates: Sequence[Estimate], overall: Sequence[float]) -> tuple[float, float]:
    values = [drawn.at(v) for e in estimates for v in (e.estimate, e.conf_low, e.conf_high)]
    inside = [v for v in (*values, *overall, 0.0) if math.isfinite(v)]
    room = 0.06 * (max(inside) - min(inside)) or 1.0
    return min(inside) - room, max(inside) + room


def _line(drawn: _Drawn, m: Mapping[str, Any], ax: Any) -> Any:
    curve = {
        k: [drawn.at(v) for v in m["curves"][drawn.contrast][k]]
        for k in ("estimate", "conf_low", "conf_high", "band_low", "band_high")
    }
    x = [real(v) for v in m["curves"][drawn.contrast]["value"]]
    with drawing():
        strip = None
        if ax is None:
            top = _TOP + 12 * (len(_heading(drawn)) - 1)
            figure = new_figure(top + _LINE + _STRIP + BELOW + 8)
            ax = add_panel(figure, _LEFT, top, WIDTH - _LEFT - _RIGHT, _LINE)
            strip = add_panel(figure, _LEFT, top + _LINE + 20, WIDTH - _LEFT - _RIGHT, _STRIP)
        ax.fill_between(x, curve["band_low"], curve["band_high"], color=COLOURS[0], alpha=0.15, linewidth=0)
        ax.fill_between(x, curve["conf_low"], curve["conf_high"], color=COLOURS[0], alpha=0.3, linewidth=0)
        ax.plot(x, curve["estimate"], color=COLOURS[0], linewidth=1.8)
        ax.axhline(0.0, color=INK, linewidth=0.9, zorder=1)
        ax.axhline(drawn.at(drawn.overall()["estimate"]), color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        name = drawn.labels.get(m["name"], in_words(m["name"]))
        _frame(ax, drawn, m, x, "" if strip is not None else name)
        if strip is not None:
            ax.tick_params(axis="x", labelbottom=False)
            _people_strip(strip, m, x, name, drawn)
    return ax


def _heading(drawn: _Drawn) -> list[str]:
    """What is drawn and its unit, in lines as wide as the figure."""
    effect, unit = drawn.axis.split("\n")
    return wrapped(f"{effect} ({unit[:1].lower()}{unit[1:]})", WIDTH - 12)


def _frame(ax: Any, drawn: _Drawn, m: Mapping[str, Any], x: Sequence[float], name: str) -> None:
    numbers = drawn.words.numbers
    tidy_x(ax, name, numbers)
    ax.set_xlim(x[0], x[-1])
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, numbers)))
    ax.tick_params(axis="y", length=0, labelsize=9.0, labelcolor=INK)
    heading = _heading(drawn)
    lines = [*heading, f"{drawn.tested(m['name'])}, {drawn.plan(m)}", drawn.said.band.format(drawn.level)]
    for i, text in enumerate(reversed(lines)):
        colour = INK if i else QUIET
        ax.annotate(
            text, (0, 1), (4 - _LEFT, 8 + 12 * i), xycoords="axes fraction", textcoords="offset points", fontsize=SIZE, color=colour,
            annotation_clip=False,
        )  # fmt: skip


def _people_strip(ax: Any, m: Mapping[str, Any], x: Sequence[float], name: str, drawn: _Drawn) -> None:
    """How many people there are along the moderator: one arm above the other."""
    edges = [real(v) for v in m["histogram"]["edges"]]
    counts: Mapping[str, Sequence[Any]] = m["histogram"]["counts"]
    widths = [b - a for a, b in pairwise(edges)]
    base = [0.0] * len(widths)
    colours = (CONTROL, *COLOURS)
    for i, (arm, values) in enumerate(counts.items()):
        heights = [real(v) for v in values]
        ax.bar(
            edges[:-1],
            heights,
            widths,
            bottom=base,
            align="edge",
            color=colours[i % len(colours)],
            edgecolor="white",
            linewidth=0.4,
            label=drawn.labels.get(arm, arm),
        )
        base = [a + b for a, b in zip(base, heights)]
    tidy_x(ax, name, drawn.words.numbers)
    ax.set_xlim(x[0], x[-1])
    ax.legend(
        loc="upper right",
        fontsize=8,
        frameon=False,
        ncols=len(counts),
        handlelength=1.0,
        borderpad=0.0,
        bbox_to_anchor=(1.0, 1.5),
    )
