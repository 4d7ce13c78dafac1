"""What the plan assumed beside what the trial achieved: parameters for the next study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from trialkit.report.document import Block, Column, FigureBlock, Row, Section, Table, Text
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns, section, without_empty
from trialkit.report.view import View

_SHARES = frozenset({"attrition", "take_up"})


def next_study(view: View) -> Section | None:
    """Achieved ICC, group sizes, take-up and attrition, with the plan's numbers where it has them."""
    words = view.words
    blocks: list[Block] = []
    rows = [Row((name, plan, trial)) for name, plan, trial in _pairs(view) if plan or trial]
    if rows:
        header = tuple(Column(h, "text") for h in (words.quantity_header, words.plan_header, words.trial_header))
        filled = tuple(Row(tuple(c or UNDEFINED for c in r.cells)) for r in rows)
        blocks.append(Table(words.assumed_caption, header, filled, "", "groups"))
    icc = _icc_table(view)
    if icc is not None:
        blocks.append(icc)
    if not blocks:
        return None
    sizes = _sizes(view)
    return section(view, "next", [Text(words.next_intro), *blocks, sizes])


def _pairs(view: View) -> Iterator[tuple[str, str, str]]:
    """(quantity, planned, achieved), both as text."""
    words, said = view.words, view.content.assumptions
    first = view.primary[0]
    for where, entry in first.icc.items():
        yield words.quantity("icc", _where(view, where)), _planned(view, "icc"), view.numbers.fixed(entry.get("icc"), 3)
    if not first.icc and "icc" in said:
        yield words.quantity("icc"), _planned(view, "icc"), ""
    lost = None if first.attrition is None else first.attrition.details.get("overall")
    yield words.quantity("attrition"), _planned(view, "attrition"), "" if lost is None else view.numbers.percent(lost)
    for arm in view.treated:
        row = view.flow_row(arm.name, "took_up")
        if row is not None:
            yield words.quantity("take_up", view.arm(arm.name)), _planned(view, "take_up"), view.numbers.percent(row["share"])
    yield from _group_pairs(view)
    people = real(view.content.flow.details.get("people"))
    yield words.quantity("units"), _planned(view, "units"), view.numbers.count(people) if math.isfinite(people) else ""
    for key in said:
        if key not in ("icc", "attrition", "take_up", "group_size", "units"):
            yield words.quantity(key), _planned(view, key), ""


def _group_pairs(view: View) -> Iterator[tuple[str, str, str]]:
    words, n = view.words, view.numbers
    for arm in view.content.arms:
        row = view.flow_row(arm.name, "randomized")
        if row is None or not math.isfinite(real(row.get("group_size_mean"))):
            continue
        where = view.arm(arm.name)
        sizes = words.group_size(
            n.count(row["group_size_min"]), n.count(row["group_size_max"]), n.fixed(row["group_size_mean"], 1)
        )
        yield words.quantity("groups", where), _planned(view, "groups"), n.count(row["groups"])
        yield words.quantity("group_size", where), _planned(view, "group_size"), sizes


def _planned(view: View, key: str) -> str:
    value: Any = view.content.assumptions.get(key)
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return view.words.interval(view.numbers.general(value[0]), view.numbers.general(value[1]))
    if isinstance(value, str):
        return value
    return view.numbers.percent(value) if key in _SHARES else view.numbers.general(value)


def _where(view: View, key: str) -> str:
    return view.arm(key)


def _icc_table(view: View) -> Table | None:
    words, n = view.words, view.numbers
    header = columns(words.outcome_header, words.icc_header, words.units_header, words.size_header, words.range_header)
    rows: list[Row] = []
    places = list(dict.fromkeys(k for o in view.content.outcomes for k in o.icc))
    for place in places:
        if len(places) > 1:
            rows.append(Row((f"{words.where_header} {_where(view, place)}",), "band"))
        for o in view.content.outcomes:
            entry = o.icc.get(place)
            if entry is None:
                continue
            sized = "size_min" in entry and "size_max" in entry
            span = words.interval(n.count(entry["size_min"]), n.count(entry["size_max"])) if sized else ""
            cells = (
                o.label or o.name,
                n.fixed(entry.get("icc"), 3),
                n.count(entry.get("units")),
                n.fixed(entry.get("size_mean"), 1),
                span,
            )
            rows.append(Row(cells, "inner" if len(places) > 1 else "body"))
    if not rows:
        return None
    kept, narrowed = without_empty(header, rows)
    return Table(words.icc_caption, kept, narrowed, words.icc_note, "groups")


def planned_sizes(view: View) -> tuple[float, float] | None:
    """Smallest and largest group of the plan."""
    value = view.content.assumptions.get("group_size")
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(math.isfinite(real(v)) for v in value):
        return real(value[0]), real(value[1])
    return None


def _sizes(view: View) -> FigureBlock | None:
    words, n = view.words, view.numbers
    described = []
    for arm in view.content.arms:
        row = view.flow_row(arm.name, "randomized")
        if row is not None and math.isfinite(real(row.get("group_size_mean"))):
            sizes = (n.count(row["group_size_min"]), n.count(row["group_size_max"]), n.fixed(row["group_size_mean"], 1))
            described.append(words.alt_groups_arm(view.arm(arm.name), *sizes, n.count(row["groups"])))
    if not described:
        return None
    caption = words.caption_groups_planned if planned_sizes(view) else words.caption_groups
    return FigureBlock("group-sizes", caption, words.alt_groups(described), "flow")
