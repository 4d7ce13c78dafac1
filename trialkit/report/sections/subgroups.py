"""Planned subgroups: whether the effect differs (the interaction) first, the effect in each subgroup second."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trialkit.report.content import OutcomeContent
from trialkit.report.document import Block, Column, FigureBlock, Heading, Row, Section, Table, Text
from trialkit.report.format import real
from trialkit.report.sections.blocks import by_contrast, notes_of, section
from trialkit.report.units import Unit, unit_of
from trialkit.report.view import View
from trialkit.results import Estimate, Result

INTERACTION = "interaction"


def subgroups(view: View) -> Section | None:
    """A table and a figure for each planned trait; nothing where none was planned."""
    if not view.content.subgroups:
        return None
    blocks: list[Block] = [Text(view.words.subgroups_intro)]
    for i, (key, result) in enumerate(view.content.subgroups.items()):
        blocks += _one(view, i, key, result)
    return section(view, "subgroups", blocks)


def subgroup_figure(i: int) -> str:
    """The name of the figure of the i-th subgroup analysis."""
    return f"subgroups-{i + 1}"


def _one(view: View, i: int, key: str, result: Result) -> Iterator[Block]:
    words = view.words
    name, _, trait = key.rpartition(" by ")
    outcome = next((o for o in view.content.outcomes if o.name == name), None)
    label = words.subgroup_title(_label(outcome, name), view.column(trait))
    unit = unit_of(result, view.numbers)
    yield Heading(label)
    header = (
        Column("", "text"), Column(words.difference_header(unit.kind, False)), Column(words.interval_header(view.level)),
        Column(words.p_header), Column(words.n_header),
    )  # fmt: skip
    rows = by_contrast(view, result, lambda e: _row(view, unit, e))
    yield Table(words.subgroups_caption(label), header, tuple(rows), words.subgroups_note, "subgroups")
    yield FigureBlock(subgroup_figure(i), words.caption_subgroups(label, view.level), words.alt_subgroups(label), "subgroups")
    yield from notes_of(view, result)


def _label(outcome: OutcomeContent | None, name: str) -> str:
    return name if outcome is None else outcome.label or outcome.name


def _row(view: View, unit: Unit, e: Estimate) -> Row:
    """An interaction stands out; a joint test has no estimate of its own."""
    words, tested = view.words, e.extra["subgroup"] == INTERACTION
    name = (
        words.interaction_row(words.level(str(e.extra.get("comparison") or "")))
        if tested
        else words.level(str(e.extra["subgroup"]))
    )
    value = unit.difference(e.estimate) if math.isfinite(real(e.estimate)) else ""
    interval = (
        words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high)) if math.isfinite(real(e.conf_low)) else ""
    )
    p = view.numbers.p(e.p_value) if tested else ""
    return Row((name, value, interval, p, view.numbers.count(e.n)), "strong" if tested else "inner")
