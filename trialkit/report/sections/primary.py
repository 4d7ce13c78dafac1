"""The primary outcome: what was observed, the estimate with everything beside it, and the same by other methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from trialkit.report.content import OutcomeContent
from trialkit.report.document import Block, Column, FigureBlock, Heading, Row, Section, Split, Table, Text
from trialkit.report.format import real
from trialkit.report.sections.blocks import columns, notes_of, section, without_empty
from trialkit.report.view import Line, View
from trialkit.results import Estimate, Result

AVAILABLE = "available_cases"
Quantity = tuple[str, list[str], Literal["body", "strong"]]


def primary(view: View) -> Section:
    """Every primary outcome in turn."""
    blocks: list[Block] = []
    for i, outcome in enumerate(view.primary):
        blocks.append(Heading(outcome.label or outcome.name))
        blocks += _outcome(view, outcome, i)
    return section(view, "primary", blocks)


def figure_name(i: int) -> str:
    """The name of the figure of the i-th primary outcome."""
    return "primary" if i == 0 else f"primary-{i + 1}"


def _outcome(view: View, outcome: OutcomeContent, i: int) -> Iterator[Block]:
    words = view.words
    if outcome.estimand:
        yield Text(words.estimand(view.estimand(outcome)))
    if outcome.result.details.get("arms") and view.unit(outcome).levels != "none":
        yield _observed(view, outcome)
    yield _estimates(view, outcome)
    yield _figure(view, outcome, i)
    if outcome.result.details.get("curves"):
        arms = [view.arm(a["arm"]) for a in outcome.result.details.get("arms") or []]
        label = outcome.label or outcome.name
        yield FigureBlock(f"{figure_name(i)}-curves", words.caption_curves(label, view.level), words.alt_curves(label, arms))
    if outcome.result.notes:
        yield Heading(words.notes_title, 4)
        yield from notes_of(view, outcome.result)
    if outcome.companions:
        yield Heading(words.companions_title)
        yield Text(words.companions_intro)
        if AVAILABLE in outcome.companions:
            yield Text(words.companions_of_available)
        yield _companions(view, outcome)


def _observed(view: View, outcome: OutcomeContent) -> Table:
    words, unit = view.words, view.unit(outcome)
    arms = outcome.result.details["arms"]
    clusters = outcome.result.details.get("clustered") and not any(real(a.get("n_groups")) > 0 for a in arms)
    filled = any("n_imputed" in a for a in arms)
    header = columns(
        words.arm_header,
        words.randomized_header,
        words.known_header if filled else words.analysed_header,
        words.imputed_header,
        words.clusters_header if clusters else words.groups_header,
        words.share_header if unit.levels == "share" else words.mean_header,
    )
    rows = []
    for a in arms:
        together = real(a.get("n_clusters" if clusters else "n_groups"))
        count = view.numbers.count
        value = Split(unit.level(a["mean"]), "" if unit.levels == "share" else f" ({unit.level(a.get('sd'))})")
        imputed = count(a["n_imputed"]) if filled else ""
        gathered = count(together) if together > 0 else ""
        rows.append(Row((view.arm(a["arm"]), count(a["n_randomized"]), count(a["n"]), imputed, gathered, value)))
    kept, narrowed = without_empty(header, rows)
    note = " ".join(part for part in (words.raw_note(unit.levels), words.raw_of_known if filled else "") if part)
    return Table(words.raw_caption, kept, narrowed, note, "arm_means")


def _estimates(view: View, outcome: OutcomeContent) -> Table:
    """Quantities down, contrasts across: it is read on a phone without scrolling."""
    words = view.words
    lines = list(view.lines(outcome))
    names = [view.short(line.estimate.contrast) for line in lines]
    header = (Column("", "text"), *(Column(n, "text") for n in names))
    rows = [Row((label, *cells), style) for label, cells, style in _quantities(view, outcome, lines) if any(cells)]
    return Table(words.estimate_caption(view.shared_control), header, tuple(rows), "", "effects")


def _quantities(view: View, outcome: OutcomeContent, lines: Sequence[Line]) -> Iterator[Quantity]:
    words, numbers, unit = view.words, view.numbers, view.unit(outcome)
    adjusted = bool(outcome.result.details.get("adjust"))
    method = str(view.content.multiplicity.get("method", ""))
    yield words.difference_header(unit.kind, adjusted), [unit.difference(x.estimate.estimate) for x in lines], "strong"
    yield words.interval_header(view.level), [_interval(view, x, x.estimate) for x in lines], "strong"
    if outcome.worthwhile is not None:
        yield words.worthwhile_row, [unit.difference(outcome.worthwhile) for _ in lines], "body"
    if unit.kind == "ratio":
        yield words.se_log_row, [numbers.fixed(x.estimate.std_error, 3) for x in lines], "body"
    else:
        yield words.se_row, [unit.difference(x.estimate.std_error) for x in lines], "body"
    yield words.test_row, [_test(view, x.estimate) for x in lines], "body"
    yield words.p_row, [numbers.p(x.estimate.p_value) for x in lines], "body"
    if any(x.p_adjusted is not None for x in lines):
        yield words.p_adjusted_row(method), [numbers.p(x.p_adjusted) for x in lines], "body"
    if any(x.size is not None for x in lines):
        yield words.g_row, [_size(view, x) for x in lines], "body"
    yield (
        words.missing_information_row,
        [numbers.percent(x.estimate.extra["fmi"], 0) if "fmi" in x.estimate.extra else "" for x in lines],
        "body",
    )
    yield words.people_row, [numbers.count(x.estimate.n) for x in lines], "body"
    yield words.groups_row, [numbers.count(x.estimate.n_groups) if x.estimate.n_groups else "" for x in lines], "body"
    clustered = outcome.result.details.get("clustered")
    yield words.clusters_row, [numbers.count(x.estimate.n_clusters) if clustered else "" for x in lines], "body"
    yield words.method_row, [words.method(x.estimate.method, x.estimate.covariance) for x in lines], "body"


def _interval(view: View, line: Line, e: Estimate) -> str:
    return view.words.interval(line.unit.difference(e.conf_low), line.unit.difference(e.conf_high))


def _test(view: View, e: Estimate) -> str:
    df = None if math.isinf(real(e.df)) else view.numbers.fixed(e.df, 1)
    return view.words.test(view.numbers.fixed(e.statistic, 2), df)


def _size(view: View, line: Line) -> str:
    if line.size is None:
        return ""
    fixed = view.numbers.fixed
    return view.words.value_and_interval(fixed(line.size.estimate), fixed(line.size.conf_low), fixed(line.size.conf_high))


def _figure(view: View, outcome: OutcomeContent, i: int) -> FigureBlock:
    words, unit = view.words, view.unit(outcome)
    label = outcome.label or outcome.name
    observed = [
        words.arm_value(view.arm(a["arm"]), unit.level(a["mean"]), view.numbers.count(a["n"]))
        for a in (outcome.result.details.get("arms") or [] if unit.levels != "none" else [])
    ]
    effects = [effect_text(view, line, line.estimate, view.short(line.estimate.contrast)) for line in view.lines(outcome)]
    worthwhile = None if outcome.worthwhile is None else unit.difference(outcome.worthwhile)
    caption = words.caption_primary(label, view.level, worthwhile is not None, bool(observed))
    return FigureBlock(figure_name(i), caption, words.alt_primary(label, observed, effects, worthwhile), "effects")


def effect_text(view: View, line: Line, e: Estimate, name: str) -> str:
    """An estimate with its interval, for a description: in SDs when `e` is an effect size."""
    if not line.defined:
        return f"{name}: {view.words.not_estimated}"
    if e is line.size:
        value, low, high = (view.numbers.fixed(v) for v in (e.estimate, e.conf_low, e.conf_high))
    else:
        value, low, high = (line.unit.difference(v) for v in (e.estimate, e.conf_low, e.conf_high))
    return view.words.alt_effect(name, value, low, high, view.level)


def _companions(view: View, outcome: OutcomeContent) -> Table:
    words, unit = view.words, view.unit(outcome)
    named: Mapping[str, Result] = {words.primary_analysis: outcome.result, **outcome.companions}
    several = len(outcome.result.estimates) > 1
    rows: list[Row] = []
    for name, result in named.items():
        title = words.methods.get(name, name)
        if several:
            rows.append(Row((title,), "band"))
        for e in result.estimates:
            shown = view.short(e.contrast) if several else title
            rows.append(Row((shown, *_companion_cells(view, unit, e)), "strong" if result is outcome.result else "body"))
    difference = words.difference_header(unit.kind, False)
    header = columns(
        words.analysis_header, difference, words.interval_header(view.level), words.se_header, words.df_header, words.p_header
    )
    return Table(words.companions_caption, header, tuple(rows), "", "companions")


def _companion_cells(view: View, unit: Any, e: Estimate) -> tuple[str, ...]:
    interval = view.words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
    df = view.numbers.fixed(e.df, 1)
    return unit.difference(e.estimate), interval, unit.difference(e.std_error), df, view.numbers.p(e.p_value)
