"""With few groups: one effect by every method that could be trusted, and what the number of groups allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.document import Block, Heading, Row, Section, Table, Text, opening
from trialkit.report.format import UNDEFINED
from trialkit.report.sections.blocks import columns, section
from trialkit.report.units import Unit
from trialkit.report.view import View
from trialkit.results import TableResult


def few_groups(view: View) -> Section | None:
    """Every outcome for which the methods were set side by side."""
    shown = [(o, o.few_groups) for o in view.content.outcomes if o.few_groups is not None]
    if not shown:
        return None
    blocks: list[Block] = [Text(view.words.few_groups_intro)]
    for outcome, result in shown:
        blocks.append(Heading(outcome.label or outcome.name))
        blocks += _outcome(view, outcome, result)
    return section(view, "few_groups", blocks)


def _outcome(view: View, outcome: OutcomeContent, result: TableResult) -> Iterator[Block]:
    words, n, said = view.words, view.numbers, result.details
    what = str(said["what"])
    yield Text(opening(words.said(str(said["advice"]))))
    counts = tuple(Row((view.arm(arm), n.count(c["count"]), n.fixed(c["effective"], 1))) for arm, c in said["groups"].items())
    counted = words.clusters_header if what == "clusters" else words.groups_header
    yield Table(words.few_counts_caption[what], columns(words.arm_header, counted, words.worth_header), counts)
    unit = view.unit(outcome)
    header = columns(
        words.method_header, words.difference_header(unit.kind, False), words.interval_header(view.level), words.se_header, words.df_header,
        words.p_header,
    )  # fmt: skip
    rows = tuple(_row(view, unit, r) for r in result.table)
    yield Table(words.few_methods_caption, header, rows, words.few_note(n.count(said.get("n_draws"))), "few_groups")
    if result.notes:
        yield from (Text(opening(words.said(note.text)), "quiet") for note in result.notes)


def _row(view: View, unit: Unit, row: Mapping[str, Any]) -> Row:
    words, n = view.words, view.numbers
    name = words.few_methods.get(str(row["method"]), str(row["method"]))
    if row["remark"]:
        return Row((name, *(UNDEFINED,) * 5), beneath=words.said(str(row["remark"])))
    interval = words.interval(unit.difference(row["conf_low"]), unit.difference(row["conf_high"]))
    return Row(
        (
            name,
            unit.difference(row["estimate"]),
            interval,
            unit.difference(row["std_error"]),
            n.fixed(row["df"], 1),
            n.p(row["p_value"]),
        )
    )
