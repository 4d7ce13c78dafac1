"""What standards of evidence make of the trial: the What Works Clearinghouse, and lines that the Education Endowment Foundation asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.checklists.movisie import sheet
from trialkit.report.document import Block, Bullets, Column, Fold, Heading, Row, Section, Table, Text
from trialkit.report.format import real
from trialkit.report.sections.blocks import section, without_empty
from trialkit.report.units import Unit
from trialkit.report.view import View


def standards(view: View) -> Section | None:
    """Verdicts with the margin to their boundary; the tables behind them folded."""
    after, words = view.content.after, view.words
    if after.wwc is None and after.eef is None:
        return None
    blocks: list[Block] = [Text(words.standards_intro)]
    blocks += [Heading(words.wwc_title), *wwc(view)] if after.wwc is not None else []
    blocks += (
        [Heading(words.eef_title), Text(words.eef_intro), Fold(words.eef_caption, (eef(view),))] if after.eef is not None else []
    )
    if words.language == "nl":
        blocks += [Heading(words.movisie_title), Fold(words.movisie_fold, sheet(view).blocks)]
    return section(view, "standards", blocks)


def wwc(view: View) -> Iterator[Block]:
    found, words = view.content.after.wwc, view.words
    assert found is not None
    yield Text(words.wwc_intro)
    yield _ratings(view, found.table)
    baseline = [r for r in found.table if r["row"] == "baseline"]
    if baseline:
        yield Fold(words.wwc_baseline_caption, (_baseline(view, baseline),))
    if found.notes:
        yield Bullets(tuple(dict.fromkeys(words.wwc_notes[n.code] for n in found.notes if n.code in words.wwc_notes)), "quiet")


def _bands(view: View, rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Rows by outcome and, with several arms, contrast, each with its label."""
    labels = {o.name: o.label or o.name for o in view.content.outcomes}
    for key in dict.fromkeys((r["outcome"], r["contrast"]) for r in rows):
        name = labels.get(key[0], key[0])
        yield (
            f"{name}, {view.short(key[1])}" if view.several_arms else name,
            [r for r in rows if (r["outcome"], r["contrast"]) == key],
        )


def _ratings(view: View, table: Any) -> Table:
    words, n = view.words, view.numbers
    header = (
        Column(words.assumption_header, "text"), Column(words.overall_lost), Column(words.gap_header), Column(words.boundary_header), Column(words.rating_header, "text"),
        Column(words.decided_header, "text"), Column(words.margin_header),
    )  # fmt: skip
    rows: list[Row] = []
    for label, mine in _bands(view, [r for r in table if r["row"] != "baseline"]):
        rows.append(Row((label,), "band"))
        levels = list(dict.fromkeys(r["level"] for r in mine if r["row"] == "attrition"))
        for rating in (r for r in mine if r["row"] == "rating"):
            losses = [r for r in mine if r["row"] == "attrition" and r["assumption"] == rating["assumption"]]
            for i, loss in enumerate(losses):
                assumption = words.assumptions_named[loss["assumption"]]
                name = f"{assumption}, {words.levels_named[loss['level']]}" if len(levels) > 1 else assumption
                verdict = ("", "", "") if i else (words.ratings[rating["verdict"]], _decided(view, rating), _margin(view, rating))
                cells = n.percent(loss["overall"]), n.points(loss["differential"], sign=True), n.points(loss["boundary"])
                rows.append(Row((name, *cells, *verdict), "inner"))
    kept, narrowed = without_empty(header, rows)
    return Table(words.wwc_rating_caption, kept, narrowed, words.wwc_note, "wwc")


def _decided(view: View, rating: Mapping[str, Any]) -> str:
    by = str(rating["decided_by"])
    if by == "attrition":
        return view.words.attrition_word
    name, _, level = by.partition(" = ")
    return f"{view.column(name)}{f': {level}' if level else ''}" if by else ""


def _margin(view: View, rating: Mapping[str, Any]) -> str:
    value = real(rating["margin"])
    if value != value:
        return ""
    return view.words.rating_margin(
        view.numbers.fixed(value, 1 if rating["unit"] == "points" else 2, sign=True), str(rating["unit"])
    )


def _baseline(view: View, rows: list[Mapping[str, Any]]) -> Table:
    words, n = view.words, view.numbers
    header = (
        Column(words.variable_header, "text"), Column(words.n_header), Column(words.g_header), Column(words.adjusted_header, "text"), Column(words.verdict_header, "text"),
        Column(words.margin_header),
    )  # fmt: skip
    out: list[Row] = []
    for label, mine in _bands(view, rows):
        out.append(Row((label,), "band"))
        for r in mine:
            name = view.column(r["variable"]) + (f": {r['value']}" if r["value"] else "")
            adjusted = words.yes if r["adjusted"] else words.no
            out.append(
                Row(
                    (
                        name,
                        n.count(r["n"]),
                        n.fixed(r["g"]),
                        adjusted,
                        words.baseline_verdicts[r["verdict"]],
                        n.fixed(r["margin"], sign=True),
                    ),
                    "inner",
                )
            )
    return Table(words.wwc_baseline_caption, header, tuple(out), words.wwc_baseline_note, "wwc")


def eef(view: View) -> Table:
    """The lines of every outcome."""
    found, words = view.content.after.eef, view.words
    assert found is not None
    outcomes = {o.name: o for o in view.content.outcomes}
    header = (
        Column(words.line_header, "text"),
        Column(words.eef_estimate_header),
        Column(words.interval_header(view.level)),
        Column(words.n_header),
    )
    rows: list[Row] = []
    for name in dict.fromkeys(r["outcome"] for r in found.table):
        o = outcomes.get(name)
        rows.append(Row((o.label or o.name if o is not None else name,), "band"))
        unit = view.unit(o) if o is not None else Unit("raw", 3, view.numbers)
        rows += [_line(view, r, unit) for r in found.table if r["outcome"] == name]
    kept, narrowed = without_empty(header, rows)
    return Table(words.eef_caption, kept, narrowed, words.eef_note, "eef")


def _line(view: View, r: Mapping[str, Any], unit: Unit) -> Row:
    line, n = str(r["line"]), view.numbers

    def text(value: Any) -> str:
        if real(value) != real(value):
            return ""
        if line == "missing":
            return n.percent(value)
        return (
            unit.difference(value)
            if line == "cace"
            else n.fixed(value, {"first_stage": 1, "icc": 3, "icc_pretest": 3}.get(line, 2))
        )

    low, high = text(r["conf_low"]), text(r["conf_high"])
    where = str(r["where"])
    label = (
        view.arm(where)
        if where in view.arm_labels
        else view.contrast(where)
        if where in view.contrasts and view.several_arms
        else ""
    )
    interval = view.words.interval(low, high) if low and high else ""
    return Row(
        (view.words.eef_lines[line], text(r["estimate"]), interval, "" if r["n"] is None else n.count(r["n"])), "inner", label
    )
