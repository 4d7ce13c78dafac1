"""All outcomes: the forest, and the table beside it with raw and corrected p-values."""

from __future__ import annotations

from trialkit.report.document import Block, Column, FigureBlock, Row, Section, Table, Text
from trialkit.report.sections.blocks import section, without_empty
from trialkit.report.sections.measurement import WARNINGS
from trialkit.report.sections.primary import effect_text
from trialkit.report.view import Line, View


def outcomes(view: View) -> Section:
    """Every outcome with its estimate, in the order of the plan."""
    words, content = view.words, view.content
    contrast = (
        None if view.several_arms else next((view.contrast(o.result.estimates[0].contrast) for o in content.outcomes), None)
    )
    effects = [_described(view, line) for o in content.outcomes for line in view.lines(o)]
    figure = FigureBlock("forest", words.caption_forest(view.level, view.several_arms), words.alt_forest(effects), "effects")
    blocks: list[Block] = [Text(words.outcomes_intro(contrast, view.shared_control)), figure, _table(view)]
    if any(n.code in WARNINGS for o in content.outcomes for n in o.result.notes):
        blocks.append(Text(words.warned_outcomes))
    return section(view, "outcomes", blocks)


def _described(view: View, line: Line) -> str:
    name = view.outcome_label(line.outcome)
    if view.several_arms:
        name += f", {view.short(line.estimate.contrast)}"
    return effect_text(view, line, line.size or line.estimate, f"{name} ({view.words.units[_forest_unit(line)]})")


def _forest_unit(line: Line) -> str:
    return "sd" if line.size is not None else line.unit.kind


def _table(view: View) -> Table:
    """A band for each outcome with its unit; beneath it a row for each comparison with its reading."""
    words = view.words
    header = (
        Column(words.reading_header, "text"), Column(words.n_header), Column(words.effect_header if any(view.unit(o).kind == "ratio" for o in view.content.outcomes) else words.difference_header("raw", False)),
        Column(words.interval_header(view.level)), Column(words.g_header), Column(words.interval_header(view.level)),
        Column(words.p_header), Column(words.p_adjusted_header),
    )  # fmt: skip
    rows: list[Row] = []
    for o in view.content.outcomes:
        label = view.outcome_label(o)
        rows.append(Row((label,), "band", words.role_and_unit(o.role, view.unit(o).kind)))
        rows += [_row(view, line) for line in view.lines(o)]
    kept, narrowed = without_empty(header, rows)
    method = str(view.content.multiplicity.get("method", ""))
    families = any(line.p_adjusted is not None for o in view.content.outcomes for line in view.lines(o))
    return Table(words.effects_caption, kept, narrowed, words.effects_note(view.level, method, families), "effects")


def _row(view: View, line: Line) -> Row:
    e, unit, n, words = line.estimate, line.unit, view.numbers, view.words
    size = ["", ""]
    if line.size is not None:
        size = [n.fixed(line.size.estimate), words.interval(n.fixed(line.size.conf_low), n.fixed(line.size.conf_high))]
    reading = words.reading(line.verdict, line.outcome.better, line.defined)
    cells = (
        view.short(e.contrast) if view.several_arms else reading, n.count(e.n), unit.difference(e.estimate),
        words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high)), *size, n.p(e.p_value),
        "" if line.p_adjusted is None else n.p(line.p_adjusted),
    )  # fmt: skip
    return Row(cells, "inner", reading if view.several_arms else "")
