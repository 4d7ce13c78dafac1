"""Table 1 and the love plot: how alike the arms were at the start, without p-values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.report.document import Block, Cell, Column, FigureBlock, Row, Section, Split, Table, Text
from trialkit.report.format import UNDEFINED, decimals_for, real
from trialkit.report.sections.blocks import section
from trialkit.report.view import View

Key = tuple[str, str, str]


def baseline(view: View) -> Section | None:
    """Baseline characteristics by arm with standardized differences."""
    balance = view.content.balance
    if balance is None or not balance.table:
        return None
    words = view.words
    rows: dict[Key, dict[str, Mapping[str, Any]]] = {}
    for r in balance.table:
        rows.setdefault((str(r["covariate"]), str(r["level"]), str(r["kind"])), {})[str(r["contrast"])] = r
    contrasts = list(dict.fromkeys(str(r["contrast"]) for r in balance.table))
    figure = FigureBlock("love", words.caption_love, words.alt_love(len(balance.table), _largest(view)), "table1")
    blocks: list[Block] = [Text(words.baseline_intro), _table(view, rows, contrasts), figure]
    return section(view, "baseline", blocks)


def _table(view: View, rows: Mapping[Key, Mapping[str, Mapping[str, Any]]], contrasts: list[str]) -> Table:
    words = view.words
    header = [Column(words.characteristic_header, "text"), Column(_with_n(view, view.control.name))]
    for c in contrasts:
        arm = view.pair(c)[0]
        name = next((a.name for a in view.content.arms if view.arm(a.name) == arm), arm)
        header += [Column(_with_n(view, name)), Column(words.difference_short)]
    body: list[Row] = []
    last = ""
    for key, found in rows.items():
        covariate, level, kind = key
        inner = bool(level) or kind == "missing"
        if inner and covariate != last:
            body.append(Row((view.column(covariate),), "band"))
        last = covariate
        name = (words.missing_level if kind == "missing" else level) if inner else view.column(covariate)
        body.append(Row((name, *_cells(view, kind, found, contrasts)), "inner" if inner else "body"))
    note = words.baseline_note if len(contrasts) == 1 else f"{words.baseline_note} {words.baseline_note_arms}"
    return Table(words.baseline_caption, tuple(header), tuple(body), note, "table1")


def _with_n(view: View, arm: str) -> str:
    row = view.flow_row(arm, "randomized")
    return view.words.arm_with_n(view.arm(arm), None if row is None else view.numbers.count(row["people"]))


def _cells(view: View, kind: str, found: Mapping[str, Mapping[str, Any]], contrasts: list[str]) -> list[Cell]:
    first = next(iter(found.values()))
    decimals = max(decimals_for(first.get("sd_control")) - 1, 1)
    out: list[Cell] = [_value(view, kind, first, "control", decimals)]
    for c in contrasts:
        row = found.get(c)
        if row is None:
            out += [UNDEFINED, UNDEFINED]
        else:
            out += [_value(view, kind, row, "arm", decimals), view.numbers.fixed(row["standardized_difference"])]
    return out


def _value(view: View, kind: str, row: Mapping[str, Any], side: str, decimals: int) -> Split:
    mean, sd = row.get(f"mean_{side}"), row.get(f"sd_{side}")
    if kind != "number":
        return Split(view.numbers.points(mean), "%" if math.isfinite(real(mean)) else "")
    return Split(view.numbers.fixed(mean, decimals), f" ({view.numbers.fixed(sd, decimals)})")


def _largest(view: View, most: int = 3) -> list[str]:
    from trialkit.report.figures.baseline import row_label

    assert view.content.balance is not None
    rows = [r for r in view.content.balance.table if math.isfinite(real(r["standardized_difference"]))]
    rows.sort(key=lambda r: -abs(real(r["standardized_difference"])))
    labels = view.labels()
    out = []
    for r in rows[:most]:
        name = row_label((str(r["covariate"]), str(r["level"]), str(r["kind"])), labels, view.words)
        where = f" ({view.short(str(r['contrast']))})" if len(view.treated) > 1 else ""
        out.append(f"{name}{where} {view.numbers.fixed(r['standardized_difference'])}")
    return out
