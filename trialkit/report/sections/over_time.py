"""The effect at every wave of a scale and over the waves, with the course of the arms."""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.report.document import Block, Column, FigureBlock, Heading, Row, Section, Table, Text
from trialkit.report.sections.blocks import by_contrast, notes_of, section
from trialkit.report.units import unit_of
from trialkit.report.view import View
from trialkit.results import Estimate, Result


def over_time(view: View) -> Section | None:
    """A table and a figure for every scale with two follow-ups or more; nothing where the plan has none."""
    if not view.content.over_time:
        return None
    blocks: list[Block] = [Text(view.words.over_time_intro)]
    for i, (name, result) in enumerate(view.content.over_time.items()):
        blocks += _one(view, i, name, result)
    return section(view, "over_time", blocks)


def course_figure(i: int) -> str:
    """The name of the figure of the i-th course."""
    return f"over-time-{i + 1}"


def _one(view: View, i: int, name: str, result: Result) -> Iterator[Block]:
    words, label = view.words, view.labels().get(name, name)
    yield Heading(label)
    header = (
        Column(words.wave_header, "text"), Column(words.difference_header(unit_of(result, view.numbers).kind, False)),
        Column(words.interval_header(view.level)), Column(words.df_header), Column(words.p_header),
    )  # fmt: skip
    rows = by_contrast(view, result, lambda e: _row(view, result, e))
    yield Table(words.course_caption(label), header, tuple(rows), "", "over_time")
    yield FigureBlock(course_figure(i), words.caption_course(label, view.level), words.alt_course(label), "over_time")
    yield from notes_of(view, result)


def _row(view: View, result: Result, e: Estimate) -> Row:
    words, n, unit = view.words, view.numbers, unit_of(result, view.numbers)
    over = e.extra.get("over_waves")
    waves = result.details["wave_labels"]
    named = words.over_waves.get(str(over), str(over)) if over else waves.get(str(e.extra["wave"]), str(e.extra["wave"]))
    interval = words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
    return Row((named, unit.difference(e.estimate), interval, n.fixed(e.df, 1), n.p(e.p_value)), "strong" if over else "inner")
