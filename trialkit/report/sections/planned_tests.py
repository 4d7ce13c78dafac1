"""The populated plan: a row for every planned test, done or not, with its numbers and the deviation that concerns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from trialkit.report.checklists.marks import concerning
from trialkit.report.content import OutcomeContent
from trialkit.report.content.mediation import share_withheld
from trialkit.report.document import Column, Fold, Row, Section, Table, Text, among
from trialkit.report.format import real
from trialkit.report.sections.blocks import section, without_empty
from trialkit.report.units import Unit
from trialkit.report.view import View
from trialkit.results import Estimate


def planned_tests(view: View) -> Section | None:
    """Folded: it says again, in the order of the plan, what stands elsewhere, and what does not."""
    found = view.content.after.tests
    if found is None or not found.table:
        return None
    words, count = view.words, view.numbers.count
    done = sum(r["status"] != "not_done" for r in found.table)
    blocks = [Text(words.tests_intro), Text(words.tests_counts(count(done), count(len(found.table))), "lead")]
    return section(view, "tests", [*blocks, Fold(words.tests_caption, (_table(view),))])


def _table(view: View) -> Table:
    words = view.words
    header = (
        Column(words.planned_test_header, "text"), Column(words.status_header, "text"), Column(words.effect_header), Column(words.interval_header(view.level)),
        Column(words.p_header), Column(words.p_adjusted_header), Column(words.mark_header, "text"),
    )  # fmt: skip
    kept, rows = without_empty(header, list(_rows(view)))
    return Table(words.tests_caption, kept, rows, words.tests_note, "planned_tests")


def _rows(view: View) -> Iterator[Row]:
    assert view.content.after.tests is not None
    outcomes = {o.name: o for o in view.content.outcomes}
    before: str | None = None
    for r in view.content.after.tests.table:
        if r["outcome"] != before:
            before = r["outcome"]
            o = outcomes.get(before)
            label = (o.label or o.name) if o is not None else before or view.words.described_rows
            yield Row((label,), "band", view.words.roles.get(str(r["role"]), ""))
        yield _row(view, r, outcomes.get(str(r["outcome"])))
    yield from _locked(view)
    yield from _unplanned(view)


def _row(view: View, r: Mapping[str, Any], o: OutcomeContent | None) -> Row:
    unit = _unit(view, r, o)
    p = tuple("" if _absent(r[k]) else view.numbers.p(r[k]) for k in ("p_value", "p_adjusted"))
    numbers = (*_shown(view, r, unit.difference), *p)
    if (r["test"], r["part"]) == ("mediation", "proportion"):
        numbers = (
            ("", "", "", "") if _withheld(view, r) else (*_shown(view, r, partial(view.numbers.percent, decimals=0)), "", "")
        )
    return Row(
        (_name(view, r), _status(view, r), *numbers, ", ".join(concerning(view.content, r, view.words.unlogged))),
        "inner",
        _beneath(view, r),
    )


def _shown(view: View, r: Mapping[str, Any], write: Callable[[Any], str]) -> tuple[str, str]:
    """The estimate and its interval, where there are any."""
    estimate = "" if _absent(r["estimate"]) else write(r["estimate"])
    return estimate, "" if _absent(r["conf_low"]) else view.words.interval(write(r["conf_low"]), write(r["conf_high"]))


def _withheld(view: View, r: Mapping[str, Any]) -> bool:
    """Whether the section on mediation does not give the share that goes through the step, because there may be no effect to share."""
    return any(
        m.result is not None and share_withheld(m.result)
        for m in view.content.mediation
        if (m.outcome, m.mediator) == (r["outcome"], r["method"]) and str(r["contrast"]) in ("", f"{m.arm} - {m.control}")
    )


def _absent(value: Any) -> bool:
    return real(value) != real(value)


def _unit(view: View, r: Mapping[str, Any], o: OutcomeContent | None) -> Unit:
    """The unit of the outcome, but for ratios of one analysis beside differences of another."""
    known = view.unit(o) if o is not None else Unit("raw", 3, view.numbers)
    if bool(r["ratio"]) == (known.kind == "ratio"):
        return known
    return Unit("ratio", 2, view.numbers) if r["ratio"] else Unit("raw", 3, view.numbers)


def _name(view: View, r: Mapping[str, Any]) -> str:
    words, method = view.words, str(r["method"])
    if r["test"] == "description":
        return words.described.get(method, method)
    if r["test"] in ("subgroup", "mediation"):
        named = view.column(method)
    elif r["test"] == "missing":
        named = words.checklist_rule(method)
    else:
        named = words.test_methods.get(method) or words.methods.get(method, method.replace("_", " "))
    return f"{words.test_kinds[r['test']]}: {named}"


def _beneath(view: View, r: Mapping[str, Any]) -> str:
    said = [view.contrast(str(r["contrast"]))] if r["contrast"] and view.several_arms else []
    part = str(r["part"] or "")
    if part:
        said.append(view.words.mediation_effects.get(part, part) if r["test"] == "mediation" else view.words.level(part))
    return ", ".join(said)


def _status(view: View, r: Mapping[str, Any]) -> str:
    words = view.words
    said = words.statuses[r["status"]]
    reason = words.reasons.get(str(r["reason"]), "")
    told = f"{said}: {reason}" if reason else said
    return among(f"{told}. ", words.said(str(r["said"]))) if r["said"] else told


def _locked(view: View) -> Iterator[Row]:
    """The effects by the locked plan, where the plan that was run is another one."""
    if not view.content.planned_outcomes:
        return
    yield Row((view.words.locked_rows,), "band")
    for o in view.content.planned_outcomes:
        for line in view.lines(o):
            yield _numbers(
                view,
                o.label or o.name,
                line.estimate,
                line.unit,
                view.contrast(line.estimate.contrast) if view.several_arms else "",
            )


def _unplanned(view: View) -> Iterator[Row]:
    added = view.content.departures.unplanned
    if not added:
        return
    yield Row((view.words.unplanned_rows,), "band")
    for u in added:
        for e in u.result.estimates:
            yield _numbers(view, u.name, e, Unit("raw", 3, view.numbers), view.contrast(e.contrast))
        if not u.result.estimates:
            yield Row((u.name, *[""] * 6), "inner")


def _numbers(view: View, name: str, e: Estimate, unit: Unit, beneath: str) -> Row:
    interval = "" if _absent(e.conf_low) else view.words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
    adjusted = e.extra.get("p_adjusted")
    p = view.numbers.p(e.p_value), "" if adjusted is None else view.numbers.p(adjusted)
    return Row((name, view.words.statuses["done"], unit.difference(e.estimate), interval, *p, ""), "inner", beneath)
