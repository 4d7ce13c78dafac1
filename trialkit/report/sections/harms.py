"""Adverse events by arm, with the difference or the limits that no event at all leaves open."""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.report.document import Block, Row, Section, Split, Table, Text
from trialkit.report.format import real
from trialkit.report.sections.blocks import columns, notes_of, section
from trialkit.report.view import View
from trialkit.results import TableResult


def harms(view: View) -> Section:
    """The table of the planned events; without a plan for them, that nobody looked."""
    found = view.content.harms
    if found is None:
        return section(view, "harms", [Text(view.words.harms_not_assessed)])
    return section(view, "harms", _blocks(view, found))


def _blocks(view: View, found: TableResult) -> Iterator[Block]:
    words = view.words
    yield Text(words.harms_intro)
    arms = [view.arm(a.name) for a in view.content.arms]
    header = columns(words.event_header, *arms, words.harms_difference_header, words.interval_header(view.level))
    yield Table(words.harms_caption, header, tuple(_rows(view, found)), words.harms_note(view.level), "harms")
    yield from notes_of(view, found)


def _rows(view: View, found: TableResult) -> Iterator[Row]:
    n = view.numbers
    for name in found.details["events"]:
        cells = {str(r["arm"]): r for r in found.table if r["event"] == name}
        shares = []
        for arm in view.content.arms:
            r = cells[str(arm.name)]
            counts = view.words.events_of(n.count(r["with_event"]), n.count(r["people"]), n.count(r["not_assessed"]))
            limit = real(r["limit"]) if r["limit"] is not None else None
            shown = n.percent(r["share"]) if limit is None else view.words.at_most(n.percent(r["share"]), n.percent(limit))
            shares.append(Split(shown, counts))
        compared = [e for e in found.estimates if e.outcome == name]
        if not compared:
            yield Row((name, *shares, "", ""))
        for i, e in enumerate(compared):
            first = (name, *shares) if not i else ("", *("" for _ in shares))
            beneath = view.short(e.contrast) if view.several_arms else ""
            interval = view.words.interval(n.points(e.conf_low, sign=True), n.points(e.conf_high, sign=True))
            yield Row((*first, n.points(e.estimate, sign=True), interval), beneath=beneath)
