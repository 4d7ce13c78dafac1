"""Every figure of a report, drawn from its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.figures.arms import BELOW as ARMS_BELOW
from trialkit.report.figures.arms import arm_items, means
from trialkit.report.figures.baseline import love
from trialkit.report.figures.effects import contrast_items, forest, interval, room_below
from trialkit.report.figures.flow_chart import flow
from trialkit.report.figures.group_sizes_chart import group_sizes, sized_rows
from trialkit.report.figures.means_chart import means_by_wave
from trialkit.report.figures.mediation_chart import mediation as mediation_chart
from trialkit.report.figures.mediation_chart import mediation_effects, mediation_sensitivity
from trialkit.report.figures.rows import add_rows, stack
from trialkit.report.figures.specification_chart import specification_curve
from trialkit.report.figures.style import drawing, new_figure, png_bytes, svg_text
from trialkit.report.figures.subgroup_chart import SUBGROUP_WORDS
from trialkit.report.figures.subgroup_chart import subgroups as subgroup_chart
from trialkit.report.figures.survival_chart import SURVIVAL_WORDS, survival
from trialkit.report.sections.mediation import mediation_figure, mediation_labels
from trialkit.report.sections.next_study import planned_sizes
from trialkit.report.sections.over_time import course_figure
from trialkit.report.sections.participants import shown_outcome
from trialkit.report.sections.primary import figure_name
from trialkit.report.sections.several.multiverse import curve_figure, curve_labels
from trialkit.report.sections.subgroups import subgroup_figure
from trialkit.report.view import View
from trialkit.results import Result

TITLE, _BETWEEN = 15.0, 12.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure in both forms."""

    name: str
    svg: str
    png: bytes


def drawn(view: View, tell: Callable[[str], None]) -> Iterator[Drawn]:
    """Every figure in the order of the report; `tell` hears the name of each before it is drawn."""
    for name, draw in _planned(view):
        tell(name)
        figure = draw()
        yield Drawn(name, svg_text(figure), png_bytes(figure))


def names(view: View) -> list[str]:
    """The names of the figures, in the order of the report."""
    return [name for name, _ in _planned(view)]


def _planned(view: View) -> Iterator[tuple[str, Callable[[], Any]]]:
    content, labels = view.content, view.labels()
    for i, outcome in enumerate(view.primary):
        yield figure_name(i), partial(_primary, view, outcome)
        if outcome.result.details.get("curves"):
            yield f"{figure_name(i)}-curves", partial(_curves, view, outcome)
    if content.flow.table:
        known = {str(r["outcome"]) for r in content.flow.table if r["stage"] == "outcome"}
        end = shown_outcome(view) if shown_outcome(view) in known else None
        columns = {o.column or o.name: o.label or o.name for o in reversed(content.outcomes)}
        yield "flow", lambda: flow(content.flow, outcome=end, labels={**labels, **columns}, words=view.words).figure
    if content.balance is not None and content.balance.table:
        balance = content.balance
        yield "love", lambda: love(balance, labels=labels, words=view.words).figure
    yield "forest", partial(_forest, view)
    for i, name in enumerate(content.over_time):
        yield course_figure(i), partial(_course, view, name)
    yield from _mediation(view)
    for i, result in enumerate(content.subgroups.values()):
        yield subgroup_figure(i), partial(_subgroups, view, result)
    for i, result in enumerate(content.multiverse.values()):
        yield curve_figure(i), partial(_axes_figure, specification_curve, result, labels=curve_labels(view), words=view.words)
    if sized_rows(content.flow):
        yield (
            "group-sizes",
            lambda: group_sizes(content.flow, planned=planned_sizes(view), labels=labels, words=view.words).figure,
        )


def _forest(view: View) -> Any:
    """Effect sizes where there are some, other results in their own units."""
    results = [o.result if o.effect_size is None else o.effect_size for o in view.content.outcomes]
    primary = [o.name for o in view.primary]
    return forest(results, labels=view.labels(), primary=primary, words=view.words).figure


def _subgroups(view: View, result: Result) -> Any:
    return subgroup_chart(
        result, labels=view.labels(), words=view.words, subgroup_words=SUBGROUP_WORDS[view.words.language]
    ).figure


def _mediation(view: View) -> Iterator[tuple[str, Callable[[], Any]]]:
    for i, found in enumerate(view.content.mediation):
        said: dict[str, Any] = {"labels": mediation_labels(view, found), "words": view.words}
        if found.result is None:
            continue
        # of linear models beside others the breakpoint is not that of the numbers in the diagram
        own = None if found.linear_curve else found.sensitivity
        yield mediation_figure(i, "paths"), partial(_axes_figure, mediation_chart, found.result, sensitivity=own, **said)
        yield mediation_figure(i, "effects"), partial(_axes_figure, mediation_effects, found.result, **said)
        if found.sensitivity is not None:
            yield mediation_figure(i, "rho"), partial(_axes_figure, mediation_sensitivity, found.sensitivity, **said)


def _axes_figure(chart: Callable[..., Any], result: Result, **options: Any) -> Any:
    return chart(result, **options).figure


def _course(view: View, name: str) -> Any:
    result = view.content.over_time[name]
    labels, waves = view.labels(), result.details["wave_labels"]
    return means_by_wave(result, labels=labels, wave_labels=waves, outcome=labels.get(name, name), words=view.words).figure


def _curves(view: View, outcome: OutcomeContent) -> Any:
    said = SURVIVAL_WORDS[view.words.language]
    return survival(outcome.result, labels=view.labels(), words=view.words, survival_words=said).figure


def _primary(view: View, outcome: OutcomeContent) -> Any:
    """Two panels under each other: the arms as observed, and the estimate against zero and what is worthwhile."""
    labels, words, result = view.labels(), view.words, outcome.result
    observed = arm_items(result, labels, words) if view.unit(outcome).levels != "none" else []
    first = stack(observed)[1] + TITLE + ARMS_BELOW + _BETWEEN if observed else 0.0
    second = stack(contrast_items(result, labels, words))[1]
    with drawing():
        figure = new_figure(first + TITLE + second + room_below(outcome.worthwhile, view.side(outcome)))
        if observed:
            ax = add_rows(figure, TITLE, first - TITLE - ARMS_BELOW - _BETWEEN)
            means(result, labels=labels, ax=ax, words=words)
            _title(figure, words.panel_observed, 0)
        ax = add_rows(figure, first + TITLE, second)
        interval(result, worthwhile=outcome.worthwhile, better=view.side(outcome), labels=labels, ax=ax, words=words)
        _title(figure, words.panel_ratio if view.unit(outcome).kind == "ratio" else words.panel_effect, first)
    return figure


def _title(figure: Any, text: str, top: float) -> None:
    width, height = figure.get_size_inches() * 72
    figure.text(2 / width, 1 - (top + 2) / height, text, fontweight="bold", va="top", ha="left")
