"""The tables behind the verdicts on who came and who stayed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialkit.report.content.selection import SelectionContent
from trialkit.report.document import Column, Row, Table
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns
from trialkit.report.view import View
from trialkit.results import TableResult


def reach(view: View, found: SelectionContent) -> Iterator[Table]:
    """The funnel, everyone first and then each kind of people."""
    if found.reach is None:
        return
    words, result = view.words, found.reach
    by = bool(result.details["by"])
    header = [words.reach_stage_header, words.people_header, words.retention_header, words.reach_header]
    rows: list[Row] = []
    last = ""
    for r in result.table:
        stratum = str(r["stratum"])
        if by and stratum != last:
            rows.append(Row((words.take_up_everyone if stratum == "all" else stratum,), "band"))
        last = stratum
        rows.append(_reach_row(view, r, by))
    head = columns(*header, *([words.reach_ratio_header] if by else []))
    yield Table(words.reach_caption, head, tuple(rows), words.reach_note, "reach")


def _reach_row(view: View, r: Mapping[str, Any], by: bool) -> Row:
    words, n = view.words, view.numbers
    first = words.reach_stage(str(r["stage"]))
    beneath = words.reach_of(str(r["counted_from"])) if r["counted_from"] else ""
    kept, share = (_with_interval(view, r, "retention", n.percent), n.percent(r["reach"])) if beneath else ("", "")
    ratio = [_with_interval(view, r, "reach_ratio", n.fixed) if r["stratum"] != "all" and beneath else ""] if by else []
    return Row((first[:1].upper() + first[1:], n.count(r["people"]), kept, share, *ratio), "inner" if by else "body", beneath)


def _with_interval(view: View, r: Mapping[str, Any], key: str, shown: Any) -> str:
    value, low, high = (real(r[k]) for k in (key, f"{key}_low", f"{key}_high"))
    if not math.isfinite(value):
        return UNDEFINED
    return shown(value) + (
        f" ({view.words.interval(shown(low), shown(high))})" if math.isfinite(low) and math.isfinite(high) else ""
    )


def take_up(view: View, found: SelectionContent) -> Iterator[Table]:
    """Compliers by trait."""
    if not found.take_up:
        return
    words, n = view.words, view.numbers
    rows: list[Row] = []
    for trait, result in found.take_up.items():
        compliers = [r for r in result.table if r["kind"] == "complier" and (r["stratum"] == "all") == (not trait)]
        if trait:
            rows.append(Row((view.column(trait),), "band"))
        for r in compliers:
            ends = [real(r[k]) for k in ("conf_low", "conf_high")]
            interval = words.interval(*(n.percent(v) for v in ends)) if real(r["std_error"]) > 0 else UNDEFINED
            name = str(r["stratum"]) if trait else words.take_up_everyone
            rows.append(Row((name, n.count(r["n_assigned"]), n.percent(r["share"]), interval), "inner" if trait else "body"))
    head = columns(words.who_header, words.take_up_people_header, words.take_up_header, words.interval_header(view.level))
    yield Table(words.take_up_caption, head, tuple(rows), words.take_up_note, "take_up")


def losses(view: View) -> Iterator[Table]:
    """Per primary outcome: the verdict of the Clearinghouse's table, the tests of selective losses, losses by trait."""
    for o in view.primary:
        if o.attrition is None or not real(o.attrition.details["overall"]):
            continue
        label = o.label or o.name
        yield from _wwc(view, label, o.attrition)
        yield from _tests(view, label, o.attrition)
        yield from _by_trait(view, label, o.attrition)


def worst_verdicts(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By assumption 'high' where any contrast or level is."""
    out: dict[str, str] = {}
    for r in rows:
        if out.get(str(r["assumption"])) != "high":
            out[str(r["assumption"])] = str(r["attrition"])
    return out


def _wwc(view: View, label: str, result: TableResult) -> Iterator[Table]:
    words, n = view.words, view.numbers
    found = result.details.get("wwc") or ()
    if not found:
        return
    rows = []
    for r in found:
        of = words.wwc_of.get(str(r["level"]), "") if len({x["level"] for x in found}) > 1 else ""
        beneath = "; ".join(t for t in (view.short(str(r["contrast"])) if view.several_arms else "", of) if t)
        boundary = n.points(r["boundary"]) if math.isfinite(real(r["boundary"])) else UNDEFINED
        cells = (n.percent(r["overall"]), n.points(r["differential"], sign=True), boundary, words.wwc_levels[str(r["attrition"])])
        rows.append(Row((words.wwc_assumptions[str(r["assumption"])], *cells), beneath=beneath))
    yield Table(f"{words.wwc_caption}: {label}", columns(*words.wwc_header), tuple(rows), "", "wwc")


def joint_tests(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """p of the test of all baselines at once, or of the only one, by test; without those that have none."""
    several = any(r["baseline"] == "all" for r in rows)
    chosen = {str(r["test"]): real(r["p_value"]) for r in rows if r["baseline"] == "all" or not several}
    return {t: chosen[t] for t in ("iv_r", "iv_p") if math.isfinite(chosen.get(t, math.nan))}


def _tests(view: View, label: str, result: TableResult) -> Iterator[Table]:
    words, n = view.words, view.numbers
    by: dict[str, dict[str, float]] = {}
    for r in result.details.get("tests") or ():
        by.setdefault(str(r["baseline"]), {})[str(r["test"])] = real(r["p_value"])
    if not by:
        return
    rows = [
        Row(
            (words.selective_all if name == "all" else view.column(name), *(n.p(p.get(t)) for t in ("iv_r", "iv_p"))),
            "strong" if name == "all" else "body",
        )
        for name, p in by.items()
    ]
    head = columns(*words.selective_header)
    yield Table(f"{words.selective_caption}: {label}", head, tuple(rows), words.selective_note, "selective_losses")


def _by_trait(view: View, label: str, result: TableResult) -> Iterator[Table]:
    words, n = view.words, view.numbers
    cells: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for r in result.details.get("by_trait") or ():
        cells.setdefault((str(r["trait"]), str(r["level"])), {})[str(r["arm"])] = r
    if not cells:
        return
    arms, treated = view.content.arms, view.treated
    header = [Column(words.who_header, "text"), *(Column(view.arm(a.name)) for a in arms)]
    header += [Column(words.differential_header(view.arm(a.name) if len(treated) > 1 else None)) for a in treated]
    rows: list[Row] = []
    last = ""
    for (trait, level), found in cells.items():
        if trait != last:
            rows.append(Row((view.column(trait),), "band"))
        last = trait
        shares = [n.percent(found[str(a.name)]["rate"]) for a in arms]
        gaps = [n.points(found[str(a.name)]["difference"], sign=True) for a in treated]
        rows.append(Row((level, *shares, *gaps), "inner"))
    yield Table(
        f"{words.lost_by_trait_caption}: {label}", tuple(header), tuple(rows), words.lost_by_trait_note, "losses_by_trait"
    )


def chance_p(row: Mapping[str, Any]) -> float:
    """p by shuffling, else by the normal distribution."""
    drawn = real(row.get("p_permutation"))
    return drawn if math.isfinite(drawn) else real(row.get("p_value"))


def formed(view: View, found: SelectionContent) -> Iterator[Table]:
    """The test of chance, a trait a row."""
    if not found.formed:
        return
    words, n = view.words, view.numbers
    rows = []
    for trait, result in found.formed.items():
        r = result.table[0]
        counts = (n.count(r["n_groups"]), n.count(r["n_pools"]))
        rows.append(Row((view.column(trait), n.fixed(r["slope"]), n.fixed(r["slope_expected"]), n.p(chance_p(r)), *counts)))
    yield Table(words.formed_caption, columns(*words.formed_header), tuple(rows), words.formed_note, "groups_by_chance")
