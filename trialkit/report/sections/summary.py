"""The plain-language box: what was found, how sure one can be, what it does not show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.document import Block, Bullets, Heading, Section, Text
from trialkit.report.format import real
from trialkit.report.sections.blocks import section
from trialkit.report.sections.measurement import WARNINGS
from trialkit.report.view import Line, View

# verdicts by the interval of one test that say there is a difference
DIFFERENCES = frozenset({"worthwhile_benefit", "benefit_size_uncertain", "benefit_too_small", "harm"})


def summary(view: View) -> Section:
    """The box. It speaks of primary outcomes only."""
    blocks: list[Block] = []
    for outcome in view.primary:
        blocks.append(Text(view.words.outcome_is(outcome.label or outcome.name)))
        for line in view.lines(outcome):
            blocks += _found(view, line)
    blocks.append(Heading(view.words.how_sure))
    blocks += [Text(t) for t in _sure(view)]
    blocks += [Heading(view.words.not_shown), Bullets(tuple(_not_shown(view)))]
    return section(view, "summary", blocks, box=True)


def _found(view: View, line: Line) -> Iterator[Block]:
    words, o = view.words, line.outcome
    if not line.defined:
        yield Text(words.not_estimable(line.arm, line.control), "lead")
        return
    worthwhile = None if o.worthwhile is None else _with_unit(view, line, o.worthwhile)
    yield Text(words.headline(line.verdict, line.arm, line.control, worthwhile, o.better), "lead")
    observed = _observed(view, line)
    yield Text(" ".join([*([observed] if observed else []), _difference(view, line), _fits(view, line)]))
    if line.verdict in DIFFERENCES and real(line.p_adjusted) > 1 - view.content.conf_level:
        yield Text(words.not_after_correction(view.numbers.p(line.p_adjusted)))


def _with_unit(view: View, line: Line, value: Any) -> str:
    words = view.words
    if line.unit.kind == "ratio":
        return words.ratio_of(line.unit.difference(value))
    unit = words.percentage_points if line.unit.kind == "share" else words.points_unit
    return f"{line.unit.difference(value)} {unit}"


def _observed(view: View, line: Line) -> str:
    """Raw shares or means of the two arms compared; nothing for times, whose means would mislead."""
    if line.unit.levels == "none":
        return ""
    names = {view.arm(a["arm"]): a for a in line.outcome.result.details.get("arms") or []}
    arm, control = names.get(line.arm), names.get(line.control)
    if arm is None or control is None:
        return ""
    if line.unit.levels == "share":
        shares = (view.numbers.of_hundred(arm["mean"]), view.numbers.of_hundred(control["mean"]))
        return view.words.observed_shares(line.arm, line.control, *shares)
    return view.words.observed_means(line.arm, line.control, line.unit.level(arm["mean"]), line.unit.level(control["mean"]))


def _difference(view: View, line: Line) -> str:
    words, value = view.words, line.estimate.estimate
    adjusted = bool(line.outcome.result.details.get("adjust"))
    measure = str(line.outcome.result.details.get("measure"))
    if line.unit.kind == "ratio":
        return words.difference_ratio(adjusted, line.arm, line.control, line.unit.difference(value), measure)
    shown = line.unit.difference(abs(value))
    direction = words.same if not any(c in "123456789" for c in shown) else words.higher if value > 0 else words.lower
    if line.unit.kind == "share":
        people = words.people_of_hundred(view.numbers.of_hundred(value), direction)
        return words.difference_share(adjusted, line.arm, shown, people, direction)
    g = None if line.size is None else view.numbers.fixed(abs(line.size.estimate))
    return words.difference_mean(adjusted, line.arm, shown, g, direction, measure)


def _fits(view: View, line: Line) -> str:
    """The interval in words, from the smaller to the larger difference in absolute size where both lie on one side."""
    words, e = view.words, line.estimate
    if line.unit.kind == "ratio":
        return words.fits_ratio(view.level, line.unit.difference(e.conf_low), line.unit.difference(e.conf_high))
    unit = words.percentage_points if line.unit.kind == "share" else words.points_unit
    ends = [(line.unit.difference(abs(v)), words.higher if v >= 0 else words.lower) for v in (e.conf_low, e.conf_high)]
    if e.conf_high < 0:
        ends.reverse()
    (low, low_side), (high, high_side) = ends
    return words.fits(view.level, low, high, low_side, high_side, unit)


def _sure(view: View) -> Iterator[str]:
    yield view.words.interval_means(view.numbers.general(100 * view.content.conf_level))
    outcome = view.primary[0]
    ignored = any(n.code == "dependence_ignored" for n in outcome.result.notes)
    grouped = _grouped(view, outcome)
    if grouped:
        few = any(n.code == "few_groups" for n in outcome.result.notes)
        yield view.words.groups_ignored if ignored else f"{grouped} {view.words.few_counted}" if few else grouped


def _grouped(view: View, outcome: OutcomeContent) -> str:
    """That people were in groups, and in how many; empty for people on their own."""
    words = view.words
    arms = outcome.result.details.get("arms") or []
    grouped = [a for a in arms if real(a.get("n_groups")) > 0]
    if grouped:
        names = [words.quoted(view.arm(a["arm"])) for a in grouped]
        counts = [view.numbers.count(a["n_groups"]) for a in grouped]
        return words.groups_counted(words.joined(names), words.joined(counts))
    if any(real(r.get("clusters")) > 0 for r in view.content.flow.table) and outcome.result.details.get("clustered"):
        return words.clusters_counted(view.numbers.count(outcome.result.estimates[0].n_clusters))
    return ""


def _unknown(view: View) -> Iterator[str]:
    """For whom a primary outcome is not known; it is named where there are several."""
    several = len(view.primary) > 1
    for outcome in view.primary:
        overall = real(outcome.attrition.details.get("overall")) if outcome.attrition is not None else math.nan
        if overall > 0:
            say = view.words.about_filled if "available_cases" in outcome.companions else view.words.about_missing
            yield say(view.numbers.percent(overall, 0), (outcome.label or outcome.name) if several else "")


def _not_shown(view: View) -> Iterator[str]:
    words, content = view.words, view.content
    taken = []
    for arm in view.treated:
        row = view.flow_row(arm.name, "took_up")
        if row is not None and math.isfinite(real(row["share"])):
            taken.append(words.took_part(view.numbers.percent(row["share"], 0), view.arm(arm.name)))
    yield words.about_assignment(words.listed(taken))
    yield from _unknown(view)
    if any(n.code in WARNINGS for o in view.primary for n in o.result.notes):
        yield words.about_measure
    yield words.about_average
    if content.population:
        yield words.about_population(content.population)
    if content.lock.state != "locked":
        yield words.about_unlocked
    deviating = [d for d in content.deviations if d.get("in_force", True) and d.get("source") != "software"]
    if deviating:
        yield words.about_deviations(len(deviating))
