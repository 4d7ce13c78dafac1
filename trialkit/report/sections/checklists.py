"""Reporting checklists: each item with what the report says to it, where, and what is left to the author."""

from __future__ import annotations

from collections.abc import Sequence

from trialkit.report.checklists.consort import ITEMS
from trialkit.report.checklists.extensions import CLUSTER_ITEMS, SOCIAL_ITEMS, kind
from trialkit.report.checklists.items import STATUSES, Answered, answered
from trialkit.report.document import Block, Column, Fold, Links, Passage, Row, Section, Table, Text, among
from trialkit.report.format import UNDEFINED
from trialkit.report.sections.blocks import section
from trialkit.report.view import View

LISTS = {"consort": ITEMS, "cluster": CLUSTER_ITEMS, "social": SOCIAL_ITEMS}


def checklists(view: View, present: frozenset[str]) -> Section:
    """CONSORT 2025 with two of its extensions, folded; `present` are the sections that the report has."""
    words = view.words
    blocks: list[Block] = [Text(words.checklists_intro)]
    if kind(view) == "groups":
        blocks.append(Text(words.one_arm_statement, "lead"))
    for name in LISTS:
        found = answers(view, name, present)
        counts = [
            f"{words.checklist_statuses[s].lower()} {view.numbers.count(k)}"
            for s in STATUSES
            if (k := sum(a.status == s for a in found))
        ]
        blocks.append(Fold(f"{words.checklist_titles[name]}: {', '.join(counts)}", (table(view, name, found),)))
    return section(view, "checklists", blocks)


def answers(view: View, name: str, present: frozenset[str]) -> list[Answered]:
    """Every item of a list with its answer."""
    return [answered(view, item, present) for item in LISTS[name]]


def table(view: View, name: str, found: Sequence[Answered]) -> Table:
    """An item a row; what the author has to write stands under what the report says."""
    words = view.words
    header = tuple(Column(h, "text") for h in (words.asks_header, words.answer_header, words.in_report_header))
    rows = tuple(_row(view, a) for a in found)
    note = words.extension_note if name != "consort" else ""
    return Table(words.checklist_titles[name], header, rows, note)


def _row(view: View, a: Answered) -> Row:
    words = view.words
    number = f"{a.item.number} ({a.item.source})" if a.item.source else a.item.number
    where = Links(tuple((words.titles[w][1], w) for w in a.where)) if a.where else UNDEFINED
    return Row((f"{number}. {a.asks}", _said(view, a), where), beneath=words.checklist_statuses[a.status])


def _said(view: View, a: Answered) -> str:
    prompt = f"{view.words.to_write}: {a.to_write}" if a.to_write else ""
    if not prompt:
        return a.fact or UNDEFINED
    if isinstance(a.fact, Passage):
        return among("", a.fact, f" {prompt}")
    return f"{a.fact.rstrip('. ')}. {prompt}" if a.fact else prompt
