"""Who came, who took part and who stayed: a question at a time, its verdict first and its evidence folded beneath."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.content.selection import SelectionContent
from trialkit.report.document import Block, Bullets, Fold, Heading, Section, Table, Text
from trialkit.report.format import in_words, real
from trialkit.report.sections import selection_evidence as evidence
from trialkit.report.sections.blocks import section
from trialkit.report.sections.selection_missing import missing_table, missing_verdicts
from trialkit.report.view import View
from trialkit.results import TableResult


def selection(view: View) -> Section | None:
    """Every question with its verdict; runs of older versions have none."""
    found = view.content.selection
    if found is None:
        return None
    blocks: list[Block] = [Text(view.words.selection_intro)]
    for key, verdict, tables in (
        ("reach", _one(_reached(view, found)), evidence.reach(view, found)),
        ("balance", _one(_alike(view)), ()),
        ("take_up", _one(_took_up(view, found)), evidence.take_up(view, found)),
        ("losses", _stayed(view), evidence.losses(view)),
        ("missing", missing_verdicts(view, found), missing_table(view, found)),
        ("formed", _one(_formed(view, found)), evidence.formed(view, found)),
    ):
        blocks.append(Heading(view.words.selection_questions[key]))
        blocks += [Text(said[:1].upper() + said[1:], "lead") for said in verdict]
        shown: tuple[Table, ...] = tuple(tables)
        if shown:
            blocks.append(Fold(view.words.selection_evidence, shown))
    if found.left_out:
        blocks += [Heading(view.words.selection_left_out), Bullets(tuple(view.words.said(t) for t in found.left_out), "quiet")]
    return section(view, "selection", blocks)


def _one(sentences: Iterator[str]) -> list[str]:
    return [" ".join(sentences)]


def _reached(view: View, found: SelectionContent) -> Iterator[str]:
    words, n = view.words, view.numbers
    if found.reach is None:
        yield words.reach_unknown
        return
    rows, stages = found.reach.table, list(found.reach.details["stages"])
    last = "randomized" if "randomized" in stages else stages[-1]
    everyone = {str(r["stage"]): r for r in rows if r["stratum"] == "all"}
    end = everyone[last]
    yield words.reach_found(
        n.count(everyone[stages[0]]["people"]), stages[0], n.count(end["people"]), last, n.percent(end["reach"])
    )
    if not found.reach.details["by"]:
        yield words.reached_not_compared
        return
    worst = {str(r["stratum"]): str(r["stage"]) for r in found.reach.details["where_lost"]}
    behind = [r for r in rows if r["stage"] == last and real(r["reach_ratio_high"]) < 1]
    for r in behind:
        ends = words.interval(n.fixed(r["reach_ratio_low"]), n.fixed(r["reach_ratio_high"]))
        yield words.reached_less(str(r["stratum"]), n.fixed(r["reach_ratio"]), ends, worst.get(str(r["stratum"]), ""))
    if not behind:
        yield words.reached_alike


def _alike(view: View) -> Iterator[str]:
    words, balance = view.words, view.content.balance
    if balance is None or not balance.table:
        yield words.balance_not_planned
        return
    tests = [t for t in balance.details.get("omnibus") or () if math.isfinite(real(t["p_value"]))]
    unlike = [t for t in tests if real(t["p_value"]) < 1 - view.content.conf_level]
    for t in unlike:
        yield words.balance_unlike(view.pair(str(t["contrast"]))[0], view.numbers.p(t["p_value"]))
    if tests and not unlike:
        smallest = min(real(t["p_value"]) for t in tests)
        yield words.balance_alike(view.numbers.p(smallest))
    sized = [r for r in balance.table if math.isfinite(real(r["standardized_difference"]))]
    if sized:
        most = max(sized, key=lambda r: abs(real(r["standardized_difference"])))
        level = f", {most['level']}" if most["level"] else f", {words.missing_level}" if most["kind"] == "missing" else ""
        size = view.numbers.fixed(abs(real(most["standardized_difference"])))
        yield words.balance_largest(size, view.column(most["covariate"]) + level)
    yield words.balance_where


def _took_up(view: View, found: SelectionContent) -> Iterator[str]:
    words, n = view.words, view.numbers
    rows = [(a, view.flow_row(a.name, "took_up")) for a in view.content.arms]
    known = [(a, r) for a, r in rows if r is not None and math.isfinite(real(r["share"]))]
    if not known:
        yield words.take_up_unknown
        return
    for arm, row in known:
        if not arm.control:
            yield words.took_part_share(n.percent(row["share"]), view.arm(arm.name))
        elif real(row["share"]) > 0:
            yield words.took_part_control(n.percent(row["share"]))
    traits = {k: r for k, r in found.take_up.items() if k}
    if not found.take_up:
        yield words.take_up_not_asked
    clear = [said for trait, result in traits.items() for said in _differing(view, trait, result)]
    yield from clear
    if traits and not clear:
        yield words.take_up_alike


def _differing(view: View, trait: str, result: TableResult) -> Iterator[str]:
    """Levels of a trait whose share of compliers differs from that of the others; a level without variation has no interval and says nothing."""
    words, n = view.words, view.numbers
    levels = [r for r in result.table if r["kind"] == "complier" and r["stratum"] != "all"]
    two = len(levels) == 2
    for r in levels[:1] if two else levels:
        low, high = real(r.get("difference_low")), real(r.get("difference_high"))
        if real(r["std_error"]) > 0 and (low > 0 or high < 0):
            side = words.take_up_more if low > 0 else words.take_up_less
            yield words.take_up_differs(
                view.column(trait), str(r["stratum"]), side, words.interval(n.points(low, sign=True), n.points(high, sign=True))
            )


def _stayed(view: View) -> Iterator[str]:
    """A paragraph for each primary outcome."""
    for o in view.primary:
        if o.attrition is None:
            yield view.words.losses_unknown
            return
        yield " ".join(_losses(view, o, o.attrition))


def _losses(view: View, o: OutcomeContent, losses: TableResult) -> Iterator[str]:
    words, n, label = view.words, view.numbers, o.label or o.name
    if not real(losses.details["overall"]):
        yield words.losses_none(label)
        return
    yield words.losses_found(label, n.percent(losses.details["overall"]))
    for r in losses.details.get("rates") or ():
        ends = [real(r[k]) for k in ("conf_low", "conf_high")]
        interval = words.interval(*(n.points(v, sign=True) for v in ends)) if all(map(math.isfinite, ends)) else ""
        yield words.losses_gap(view.pair(str(r["contrast"]))[0], n.points(r["estimate"], sign=True), interval)
    verdicts = evidence.worst_verdicts(losses.details.get("wwc") or ())
    if verdicts:
        yield words.losses_verdict(verdicts)
    yield from _selective(view, losses)


def _selective(view: View, losses: TableResult) -> Iterator[str]:
    found = evidence.joint_tests(losses.details.get("tests") or ())
    if len(found) == 2:
        level = 1 - view.content.conf_level
        said = [view.words.selective(t, p < level, view.numbers.p(p)) for t, p in found.items()]
        yield view.words.losses_selective(*said)


def _formed(view: View, found: SelectionContent) -> Iterator[str]:
    words, said = view.words, found.formation
    if not said:
        yield words.no_groups
        return
    alike, mixed = _names(view, said.get("alike")), _names(view, said.get("mixed"))
    yield words.formed_planned(alike, mixed) if said["planned"] else words.formed_unplanned
    if not found.formed:
        yield words.formed_not_tested
        return
    level = 1 - view.content.conf_level
    sorted_by = [k for k, r in found.formed.items() if evidence.chance_p(r.table[0]) < level]
    rest = [k for k, r in found.formed.items() if k not in sorted_by and math.isfinite(evidence.chance_p(r.table[0]))]
    if sorted_by:
        yield words.formed_choice(_names(view, sorted_by), view.numbers.general(level))
        if alike or mixed:
            yield words.formed_because([*alike, *mixed])
    if rest:
        yield words.formed_chance(_names(view, rest))


def _names(view: View, columns: Sequence[str] | Mapping[str, Any] | None) -> list[str]:
    return [view.content.labels.get(c) or in_words(c) for c in columns or ()]
