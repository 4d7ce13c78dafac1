"""The people behind each result: randomized, known and analysed by outcome and arm, and effects on yes or no as difference and as ratio."""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.report.content import OutcomeContent
from trialkit.report.content.people import counted
from trialkit.report.document import Block, Bullets, Column, Row, Section, Table, Text
from trialkit.report.format import UNDEFINED
from trialkit.report.sections.blocks import section, without_empty
from trialkit.report.units import unit_of
from trialkit.report.view import View
from trialkit.results import Estimate, Result


def analysed(view: View) -> Section | None:
    """Counts for every outcome, wave and arm, and the other form of effects on outcomes of yes or no."""
    rows = [row for o in view.content.outcomes for row in _counts(view, o)]
    if not rows:
        return None
    words = view.words
    header = (
        Column(words.arm_header, "text"), Column(words.time_header, "text"), Column(words.randomized_header), Column(words.known_header),
        Column(words.analysed_header),
    )  # fmt: skip
    kept, narrowed = without_empty(header, rows)
    table = Table(words.analysed_counts_caption, kept, narrowed, words.analysed_agree, "analysed")
    blocks: list[Block] = [Text(words.analysed_intro), table, *_forms(view)]
    return section(view, "analysed", blocks)


def _counts(view: View, o: OutcomeContent) -> Iterator[Row]:
    found = list(counted(view.content, o))
    if all(r["known"] is None and r["analysed"] is None for r in found):
        return
    yield Row((o.label or o.name,), "band", view.words.roles[o.role])
    for r in found:
        numbers = ["" if r[k] is None else view.numbers.count(r[k]) for k in ("randomized", "known", "analysed")]
        yield Row((view.arm(r["arm"]), r["wave"], *numbers), "inner")


def _forms(view: View) -> Iterator[Block]:
    other, words = view.content.after.other_form, view.words
    rows: list[Row] = []
    for o in view.content.outcomes:
        if o.name not in other:
            continue
        pairs = {e.contrast: e for e in other[o.name].estimates}
        for e in o.result.estimates:
            if e.contrast in pairs:
                cells = sorted(
                    ((_is_ratio(view, r), _value(view, r, x)) for r, x in ((o.result, e), (other[o.name], pairs[e.contrast]))),
                    key=lambda c: c[0],
                )
                rows.append(
                    Row(
                        (o.label or o.name, *(text for _, text in cells)),
                        beneath=view.contrast(e.contrast) if view.several_arms else "",
                    )
                )
    if rows:
        header = (
            Column(words.outcome_header, "text"),
            Column(words.absolute_header, "text"),
            Column(words.relative_header, "text"),
        )
        yield Text(words.both_forms_intro)
        yield Table(words.both_forms_caption, header, tuple(rows), words.both_forms_note, "other_form")
    if view.content.after.left_out:
        yield Bullets(tuple(words.said(text) for text in view.content.after.left_out), "quiet")


def _is_ratio(view: View, result: Result) -> bool:
    return unit_of(result, view.numbers).kind == "ratio"


def _value(view: View, result: Result, e: Estimate) -> str:
    unit = unit_of(result, view.numbers)
    low, high = unit.difference(e.conf_low), unit.difference(e.conf_high)
    value = unit.difference(e.estimate)
    return UNDEFINED if value == UNDEFINED else view.words.value_and_interval(value, low, high)
