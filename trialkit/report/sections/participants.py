"""People and groups: the flow through the trial, and who has no measured outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.document import Block, Column, FigureBlock, Fold, Row, Section, Split, Table, Text
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns, section, without_empty
from trialkit.report.view import View


def flow(view: View) -> Section | None:
    """The flow diagram with its numbers folded beneath."""
    if not view.content.flow.table:
        return None
    words = view.words
    figure = FigureBlock("flow", words.caption_flow, words.alt_flow(list(_described(view))), "flow")
    least = view.content.minimum_cell
    withheld = Text(words.withheld(view.numbers.count(least)), "quiet") if least > 1 else None
    return section(view, "flow", [Text(words.flow_intro), withheld, figure, Fold(words.data_behind, (_flow_table(view),))])


def shown_outcome(view: View) -> str:
    """The column of the outcome at which the diagram ends: the first primary one."""
    return view.primary[0].column or view.primary[0].name


def _described(view: View) -> Iterator[str]:
    words, n = view.words, view.numbers
    for arm in view.content.arms:
        stages = []
        for stage, outcome in (("randomized", ""), ("took_up", ""), ("outcome", shown_outcome(view))):
            row = view.flow_row(arm.name, stage, outcome)
            if row is not None:
                share = None if stage == "randomized" else n.percent(row["share"])
                groups = f" {words.flow_groups(n.count(row['groups']))}" if real(row["groups"]) > 0 else ""
                stages.append(f"{words.stages[stage]} {words.flow_people(n.count(row['people']), share)}{groups}")
        yield words.alt_flow_arm(view.arm(arm.name), stages)


def _flow_table(view: View) -> Table:
    words = view.words
    header = columns(
        words.stage_header, words.people_header, words.share_of_randomized, words.groups_header, words.clusters_header,
        words.group_size_header,
    )  # fmt: skip
    rows: list[Row] = []
    for arm in view.content.arms:
        mine = [r for r in view.content.flow.table if str(r["arm"]) == str(arm.name)]
        rows.append(Row((view.arm(arm.name),), "band"))
        rows += [_flow_row(view, r) for r in mine]
    kept, narrowed = without_empty(header, rows)
    return Table(words.flow_caption, kept, narrowed, "", "flow")


def _flow_row(view: View, row: Mapping[str, Any]) -> Row:
    words, n = view.words, view.numbers
    labels = {o.column or o.name: o.label or o.name for o in view.content.outcomes}
    known = labels.get(str(row["outcome"]), view.column(row["outcome"]))
    stage = words.outcome_known(known) if row["stage"] == "outcome" else words.stages.get(str(row["stage"]), str(row["stage"]))
    sized = math.isfinite(real(row.get("group_size_mean")))
    sizes = (
        words.group_size(n.count(row["group_size_min"]), n.count(row["group_size_max"]), n.fixed(row["group_size_mean"], 1))
        if sized
        else ""
    )
    counts = [n.count(row[k]) if real(row.get(k)) > 0 else "" for k in ("groups", "clusters")]
    return Row((stage, n.count(row["people"]), n.percent(row["share"]), *counts, sizes), "inner")


def attrition(view: View) -> Section | None:
    """One row an outcome: overall, by arm, and the difference between arms."""
    measured = [o for o in view.content.outcomes if o.attrition is not None]
    if not measured:
        return None
    words = view.words
    arms = view.content.arms
    treated = view.treated
    header = [Column(words.outcome_header, "text"), Column(words.overall_header)]
    header += [Column(view.arm(a.name)) for a in arms]
    header += [Column(words.differential_header(view.arm(a.name) if len(treated) > 1 else None)) for a in treated]
    rows = []
    for o in measured:
        assert o.attrition is not None
        by_arm = {str(r["arm"]): r for r in o.attrition.table}
        cells = [view.numbers.percent(o.attrition.details.get("overall"))]
        lost = [_lost(view, by_arm.get(str(a.name)), counts=len(treated) == 1) for a in arms]
        gaps = [view.numbers.points(by_arm.get(str(a.name), {}).get("difference"), sign=True) for a in treated]
        rows.append(Row((o.label or o.name, *cells, *lost, *gaps), "strong" if o.role == "primary" else "body"))
    table = Table(words.attrition_caption, tuple(header), tuple(rows), words.attrition_note(len(treated) == 1), "attrition")
    blocks: list[Block] = [Text(words.attrition_intro), table]
    return section(view, "attrition", blocks)


def _lost(view: View, row: Mapping[str, Any] | None, *, counts: bool) -> Split:
    if row is None:
        return Split(UNDEFINED, "")
    count = view.numbers.count
    return Split(
        view.numbers.percent(row["rate"]), view.words.lost(count(row["lost"]), count(row["randomized"])) if counts else ""
    )
