"""The distance between plan and analysis: the ledger, both plans side by side, what was not planned, and errata."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.content.both_plans import both_plans, same_by_both
from trialkit.report.content.departures import UnplannedContent
from trialkit.report.document import Block, Bullets, Column, Facts, Heading, Row, Section, Table, Text, among
from trialkit.report.format import UNDEFINED, real, shortened
from trialkit.report.sections.blocks import columns, notes_of, section
from trialkit.report.units import unit_of
from trialkit.report.view import View
from trialkit.results import Estimate, TableResult

CHOSEN = ("type", "timing", "severity", "validity")
LEFT_OUT = ("id", "source", "in_force", "logged_late")
MOST_ROWS, MOST_CHARACTERS = 40, 300


def deviations(view: View) -> Section:
    """Every entry of the ledger, both plans side by side, and what the run noticed; or that there is none."""
    words, content = view.words, view.content
    blocks: list[Block] = []
    if not content.deviations:
        blocks += [Text(words.deviations_none), Text(words.deviations_none_detail, "quiet")]
    if content.departures.changes:
        blocks += _changes(view)
    if content.planned_outcomes:
        blocks += _side_by_side(view)
    if content.departures.changes and content.deviations:
        blocks.append(Heading(words.entries_title))
    for i, entry in enumerate(content.deviations, 1):
        blocks += _entry(view, i, entry)
    if content.departures.noticed:
        blocks += [Heading(words.noticed_title), Bullets(tuple(_noticed(view, row) for row in content.departures.noticed))]
    return section(view, "deviations", blocks)


def _changes(view: View) -> Iterator[Block]:
    words, found = view.words, view.content.departures
    yield Text(words.changed_one if found.planned_failed else words.changed_both, "lead")
    if found.planned_failed:
        yield Text(words.planned_not_run(words.said(found.planned_failed)))
    header = tuple(Column(h, "text") for h in (words.key_header, words.locked_header, words.run_header, words.entry_header))
    rows = tuple(
        Row((str(c["path"]), *(shortened(_value(view, c[k]), MOST_CHARACTERS) for k in ("locked", "present")), str(c["entry"])))
        for c in found.changes
    )
    yield Table(words.changes_caption, header, rows, file="plan_changes")


def _side_by_side(view: View) -> Iterator[Block]:
    """Outcomes that come out otherwise; the others are counted."""
    words = view.words
    levels = _levels(view)
    several = len(levels) > 1
    header = (Column(words.outcome_header, "text"), Column(words.n_header), Column(words.effect_header),
              Column(words.interval_header("" if several else levels[0])), Column(words.p_header), Column(words.p_adjusted_header))  # fmt: skip
    rows: list[Row] = []
    same = 0
    for planned, changed in both_plans(view.content):
        if planned is not None and changed is not None and same_by_both(planned, changed):
            same += 1
            continue
        shown = changed or planned
        assert shown is not None
        label = view.outcome_label(shown)
        lonely = words.only_changed if planned is None else words.only_planned if changed is None else ""
        unit = words.role_and_unit(shown.role, view.unit(shown).kind)
        rows.append(Row((label,), "band", f"{unit}; {lonely}" if lonely else unit))
        rows += _effects(view, planned, words.as_planned, several)
        rows += _effects(view, changed, words.as_changed, several)
    if not rows:
        yield Text(words.all_same)
        return
    yield Table(
        words.side_caption,
        header,
        tuple(rows),
        words.side_note(view.numbers.count(same), words.joined(levels)),
        "planned_and_changed",
    )


def _levels(view: View) -> list[str]:
    """The confidence levels of the locked plan and of the plan that was run: one, unless the level itself was changed."""
    outcomes = [o for pair in both_plans(view.content) for o in pair if o is not None]
    return list(dict.fromkeys(_level(view, e) for o in outcomes for e in o.result.estimates)) or [view.level]


def _level(view: View, estimate: Estimate) -> str:
    return f"{view.numbers.general(100 * estimate.conf_level)}%"


def _effects(view: View, outcome: OutcomeContent | None, which: str, several_levels: bool) -> Iterator[Row]:
    if outcome is None:
        return
    n, words = view.numbers, view.words
    for line in view.lines(outcome):
        e, unit = line.estimate, line.unit
        reading = words.reading(line.verdict, outcome.better, line.defined)
        beneath = f"{view.contrast(e.contrast)}: {reading}" if len(outcome.result.estimates) > 1 else reading
        interval = words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
        if several_levels:
            interval = f"{interval} ({_level(view, e)})"
        adjusted = UNDEFINED if line.p_adjusted is None else n.p(line.p_adjusted)
        yield Row((which, n.count(e.n), unit.difference(e.estimate), interval, n.p(e.p_value), adjusted), "inner", beneath)


def _entry(view: View, number: int, entry: Mapping[str, Any]) -> Iterator[Block]:
    words = view.words
    what = str(entry.get("plan_path") or words.deviation_choices.get(str(entry.get("type")), entry.get("type") or ""))
    yield Heading(words.deviation_title(view.numbers.count(number), what), 4 if view.content.departures.changes else 3)
    if entry.get("in_force") is False:
        yield Text(words.no_longer)
    if entry.get("logged_late"):
        yield Text(words.logged_late)
    order = [k for k in words.deviation_names if k in entry] + [k for k in entry if k not in words.deviation_names]
    rows = ((_field(view, k), _told(view, k, entry[k])) for k in order if k not in LEFT_OUT)
    yield Facts(tuple(row for row in rows if row[1] != UNDEFINED))


def _field(view: View, key: str) -> str:
    return {"severity": view.words.severity_row, "validity": view.words.validity_row}.get(key) or view.words.field(key)


def _told(view: View, key: str, value: Any) -> str:
    if key in CHOSEN:
        return view.words.deviation_choices.get(str(value), _value(view, value))
    return view.words.moment(value) if key == "date" and isinstance(value, str) else _value(view, value)


def _value(view: View, value: Any) -> str:
    if isinstance(value, bool):
        return view.words.yes if value else view.words.no
    if value is None or value == "":
        return UNDEFINED
    if isinstance(value, (int, float)):
        return view.numbers.general(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{view.words.field(str(k))}: {_value(view, v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(view, v) for v in value) or view.words.none
    return str(value)


def _noticed(view: View, row: Mapping[str, Any]) -> str:
    what = view.arm(row["what"]) if row["kind"] == "group_size" else str(row["what"])
    return view.words.noticed(str(row["kind"]), what, *(_amount(view, row[k]) for k in ("planned", "reached")))


def _amount(view: View, value: Any) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        low, high = (view.numbers.count(v) for v in value)
        return low if low == high else view.words.interval(low, high)
    return view.numbers.count(value) if math.isfinite(real(value)) and not isinstance(value, str) else str(value)


def unplanned(view: View) -> Section | None:
    """Analyses that were not planned, each under a heading that says so."""
    found = view.content.departures.unplanned
    if not found:
        return None
    blocks: list[Block] = [Text(view.words.unplanned_intro)]
    for i, analysis in enumerate(found, 1):
        blocks += _unplanned(view, i, analysis)
    return section(view, "unplanned", blocks)


def _unplanned(view: View, number: int, analysis: UnplannedContent) -> Iterator[Block]:
    words, result = view.words, analysis.result
    title = words.unplanned_title(analysis.name)
    yield Heading(title)
    yield Text(words.unplanned_why(analysis.reason, analysis.by, words.moment(analysis.added) if analysis.added else ""))
    if result.estimates:
        yield _estimates(view, analysis, title)
    if isinstance(result, TableResult) and result.table:
        yield _rows(view, result.table, title, f"unplanned_{number}")
    yield from notes_of(view, result)


def _estimates(view: View, analysis: UnplannedContent, title: str) -> Table:
    words, n, unit = view.words, view.numbers, unit_of(analysis.result, view.numbers)
    levels = {e.conf_level for e in analysis.result.estimates}
    level = n.general(100 * next(iter(levels))) + "%" if len(levels) == 1 else view.level
    header = (Column(words.outcome_header, "text"), Column(words.contrast_header, "text"), Column(words.n_header),
              Column(words.estimate_header), Column(words.interval_header(level)), Column(words.p_header))  # fmt: skip

    def row(e: Estimate) -> Row:
        interval = words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
        cells = (view.labels().get(e.outcome, view.column(e.outcome)), view.contrast(e.contrast), n.count(e.n))
        beneath = among(f"{words.units[unit.kind]}; ", words.said(e.estimand)) if e.estimand else words.units[unit.kind]
        return Row((*cells, unit.difference(e.estimate), interval, n.p(e.p_value)), beneath=beneath)

    shown = analysis.result.estimates[:MOST_ROWS]
    return Table(title, header, tuple(row(e) for e in shown), _cut(view, len(shown), len(analysis.result.estimates)), "effects")


def _rows(view: View, table: Sequence[Mapping[str, Any]], title: str, file: str) -> Table:
    """A table of any shape."""
    keys = list(dict.fromkeys(k for row in table for k in row))
    textual = {k for k in keys if any(isinstance(row.get(k), str) for row in table)}
    header = tuple(Column(view.words.field(k), "text" if k in textual or i == 0 else "number") for i, k in enumerate(keys))
    shown = table[:MOST_ROWS]
    rows = tuple(Row(tuple(shortened(_value(view, row.get(k)), 80) for k in keys)) for row in shown)
    return Table(title, header, rows, _cut(view, len(shown), len(table)), file)


def _cut(view: View, shown: int, of: int) -> str:
    return "" if shown == of else view.words.rows_more(view.numbers.count(shown), view.numbers.count(of))


def erratum(view: View) -> Section | None:
    """What moved after a correction of the software."""
    found = view.content.departures.erratum
    if found is None:
        return None
    words, n, told = view.words, view.numbers, found.details
    moved = int(told["moved"])
    blocks: list[Block] = [Text(words.erratum_lead(moved, n.count(moved), n.count(told["compared"])), "lead")]
    blocks.append(
        Facts((
            (words.erratum_reason, str(told["reason"])),
            (words.erratum_made, words.moment(str(told["before_created"]))),
            (words.erratum_old, _software(told["before_versions"])),
            (words.erratum_new, _software(view.content.versions)),
        ))
    )  # fmt: skip
    if told["before_sealed"] is False:
        blocks.append(Text(words.erratum_unsealed))
    if found.table:
        header = columns(words.where_header_results, words.before_header, words.after_header)
        shown = found.table[:MOST_ROWS]
        rows = tuple(Row((str(r["where"]), *_before_after(view, r)), beneath=str(r["label"] or "")) for r in shown)
        blocks.append(Table(words.erratum_caption, header, rows, _cut(view, len(shown), len(found.table)), "erratum"))
    if told["unplanned_left_out"]:
        blocks.append(Text(words.erratum_left_out(words.listed([str(u) for u in told["unplanned_left_out"]]))))
    blocks.append(Text(words.erratum_files, "quiet"))
    return section(view, "erratum", blocks)


def _software(versions: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {shortened(str(v), 13)}" for k, v in versions.items())


def _before_after(view: View, row: Mapping[str, Any]) -> tuple[str, str]:
    """Both values with as many digits as it takes to tell them apart."""
    before, after = row["before"], row["after"]
    if row["kind"] in ("new", "gone"):
        mark = view.words.erratum_new_part if row["kind"] == "new" else view.words.erratum_gone_part
        return (UNDEFINED, mark) if row["kind"] == "new" else (mark, UNDEFINED)
    one, other = real(before), real(after)
    if not (math.isfinite(one) and math.isfinite(other)):
        first, second = (view.words.readings.get(str(v), _value(view, v)) for v in (before, after))
        return first, second
    first, second = view.numbers.general(one), view.numbers.general(other)
    decimals = 2
    while first == second and decimals < 15:
        decimals += 1
        first, second = view.numbers.fixed(one, decimals), view.numbers.fixed(other, decimals)
    return first, second
