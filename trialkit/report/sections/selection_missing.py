"""What the people without an outcome could do to the primary effects: every planned assumption beside the planned analysis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trialkit.estimate.measures import is_ratio
from trialkit.report.content import OutcomeContent
from trialkit.report.content.selection import SelectionContent
from trialkit.report.document import Row, Table
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns
from trialkit.report.view import View
from trialkit.results import Result, TableResult

EXTREME = ("manski_bounds", "worst for the programme", "best for the programme")


@dataclass(frozen=True, slots=True)
class Found:
    """One analysis of one contrast: an estimate or two bounds, with the interval of the effect."""

    key: str
    label: str
    contrast: str
    values: tuple[float, ...]
    low: float
    high: float

    @property
    def extreme(self) -> bool:
        return self.key in EXTREME

    def side(self, none: float) -> int | None:
        """Which side of no effect the whole interval lies on, 0 for neither; None without an interval."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return None
        return 1 if self.low > none else -1 if self.high < none else 0


def missing_verdicts(view: View, found: SelectionContent) -> Iterator[str]:
    """A paragraph for each primary outcome."""
    for o in view.primary:
        label = o.label or o.name
        results = found.missing.get(o.name)
        if results:
            yield " ".join(_verdicts(view, o, label, results))
        else:
            whole = o.attrition is not None and not real(o.attrition.details["overall"])
            yield view.words.missing_none(label) if whole else view.words.missing_unplanned(label)


def _verdicts(view: View, o: OutcomeContent, label: str, results: Mapping[str, Result]) -> Iterator[str]:
    rows = list(_found(view, o, results))
    for e in o.result.estimates:
        mine = [r for r in rows if r.contrast == e.contrast]
        tips = list(_tipping(view, o, results, e.contrast))
        if len(mine) > 1 or (tips and view.several_arms):
            yield view.words.missing_of(label, view.short(e.contrast) if view.several_arms else None)
        if len(mine) > 1:
            yield from _verdict(view, _null(o), mine)
        yield from tips


def _verdict(view: View, none: float, rows: list[Found]) -> Iterator[str]:
    words = view.words
    planned = rows[0].side(none)
    others = [(r.label, side) for r in rows[1:] if not r.extreme and (side := r.side(none)) is not None]
    extremes = [side for r in rows[1:] if r.extreme and (side := r.side(none)) is not None]
    if not planned:
        found = [label for label, side in others if side]
        yield words.missing_no_claim
        yield words.missing_but(found) if found else words.missing_nor
        return
    failing = [label for label, side in others if side != planned]
    if others:
        yield words.missing_fails(failing, len(others)) if failing else words.missing_holds(len(others))
    if extremes and not failing:
        yield words.missing_extreme(all(side == planned for side in extremes))


def _tipping(view: View, o: OutcomeContent, results: Mapping[str, Result], contrast: str) -> Iterator[str]:
    words, unit = view.words, view.unit(o)
    for result in results.values():
        if result.kind != "tipping_point" or not isinstance(result, TableResult) or result.details["contrast"] != contrast:
            continue
        at = real(result.details["tipping"])
        if math.isfinite(at):
            sds = at / real(result.details["sd_control"])
            yield words.tips_at(unit.level(abs(at)), view.numbers.fixed(abs(sds), 1), words.higher if at > 0 else words.lower)
        else:
            most = max((real(r["delta"]) for r in result.table), key=abs)
            yield words.tips_never(unit.level(abs(most)), words.higher if most > 0 else words.lower)


def missing_table(view: View, found: SelectionContent) -> Iterator[Table]:
    """All assumptions of an outcome under the planned analysis."""
    words = view.words
    for o in view.primary:
        results = found.missing.get(o.name)
        if not results:
            continue
        unit, none = view.unit(o), _null(o)
        rows = []
        for r in _found(view, o, results):
            ends = [unit.difference(v) for v in r.values]
            withheld = not any(math.isfinite(v) for v in r.values)
            shown = UNDEFINED if withheld else words.interval(*ends) if len(ends) == 2 else ends[0]
            side = r.side(none)
            interval = UNDEFINED if side is None else words.interval(unit.difference(r.low), unit.difference(r.high))
            says = UNDEFINED if side is None else words.missing_readings[side]
            beneath = view.short(r.contrast) if view.several_arms else ""
            rows.append(Row((r.label, shown, interval, says), "strong" if r.key == "primary" else "body", beneath))
        head = columns(
            words.missing_header,
            f"{words.bounds_or_estimate_header}, {words.units[unit.kind]}",
            words.interval_header(view.level),
            words.missing_reading_header,
        )
        yield Table(
            f"{words.missing_caption}: {o.label or o.name}",
            head,
            tuple(rows),
            words.missing_note(view.level),
            "missing_sensitivity",
        )


def _null(o: OutcomeContent) -> float:
    return 1.0 if is_ratio(o.measure) else 0.0


def _found(view: View, o: OutcomeContent, results: Mapping[str, Result]) -> Iterator[Found]:
    """The planned analysis first, then every other; tipping points have no row of their own."""
    words = view.words
    for e in o.result.estimates:
        yield Found("primary", words.missing_rules["primary"], e.contrast, (e.estimate,), e.conf_low, e.conf_high)
    for key, result in results.items():
        rule = key.split(":")[0]
        label = words.missing_rules.get(rule, rule.replace("_", " "))
        if result.kind == "bounds" and isinstance(result, TableResult):
            for r in result.table:
                ends = (real(r["lower"]), real(r["upper"]))
                name = label.format(sd=view.numbers.general(r["sd"])) if "sd" in r else label
                yield Found(rule, name, str(r["contrast"]), ends, real(r["effect_conf_low"]), real(r["effect_conf_high"]))
        elif result.kind == "what_if":
            for e in result.estimates:
                scenario = str(e.extra["scenario"])
                if scenario != "as observed":
                    yield Found(
                        scenario,
                        words.missing_scenarios.get(scenario, scenario),
                        e.contrast,
                        (e.estimate,),
                        e.conf_low,
                        e.conf_high,
                    )
        else:
            for e in result.estimates:
                yield Found(rule, label, e.contrast, (e.estimate,), e.conf_low, e.conf_high)
