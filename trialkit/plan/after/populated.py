"""The populated pre-analysis plan: a row for every planned test, done or not, with what came of it.

Rows hold codes and numbers and no sentences of a language; a reason is a code and, where the run said more, its sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trialkit.plan.words.not_yet import BUILT, companion_fits
from trialkit.report.content import OutcomeContent, ReportContent
from trialkit.results import Estimate, Result, TableResult

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["populated_plan", "with_dropped"]

Row = dict[str, Any]
Reason = tuple[str, str]
DRAWN_BESIDE_PRIMARY = ("randomization_test", "wild_bootstrap", "cace")
NUMBERS = ("estimate", "conf_low", "conf_high", "p_value", "p_adjusted")


def populated_plan(spec: PlanSpec, content: ReportContent) -> TableResult:
    """A row a planned test.

    Columns: test ('effect', 'margin', 'companion', 'over_time', 'missing', 'subgroup', 'mediation', 'description'), outcome, role, family, method,
    part (which of several numbers of one analysis: a wave, an effect through the step), contrast, status ('done', 'not_estimable', 'not_done'),
    reason ('not_built', 'not_for_measure', 'nothing_missing', 'left_out', 'dropped'), said, then estimate, conf_low, conf_high, p_value,
    p_adjusted and ratio (whether the estimate is one).
    """
    found = {o.name: o for o in content.outcomes}
    rows: list[Row] = []
    for outcome in spec.outcomes:
        rows += _outcome(spec, outcome, found.get(outcome.name), content)
    rows += [*_subgroups(spec, content), *_mediation(spec, content), *_descriptions(spec, content)]
    return TableResult((), (), {"plan_hash": content.lock.plan_hash}, tuple(rows))


def with_dropped(tests: TableResult | None, locked: TableResult | None) -> TableResult | None:
    """The rows of a changed plan, and below them those of the locked plan that it dropped: reason 'dropped', numbers of the locked run."""
    if tests is None or locked is None:
        return tests
    kept = {_which(r) for r in tests.table}
    return replace(tests, table=(*tests.table, *({**r, "reason": "dropped"} for r in locked.table if _which(r) not in kept)))


def _which(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[k] for k in ("test", "outcome", "method", "part", "contrast"))


def _outcome(spec: PlanSpec, outcome: Outcome, o: OutcomeContent | None, content: ReportContent) -> Iterator[Row]:
    about = {"outcome": outcome.name, "role": outcome.role, "family": outcome.family}
    estimator = spec.estimator_for(outcome)
    contrasts = [c.text for c in spec.comparisons]
    built = None if o is not None else ("not_built", _said(content.not_run, f"'{outcome.name}'"))
    yield from _rows("effect", about, estimator, None if o is None else o.result, contrasts, built)
    for margin in ("equivalence", "noninferiority"):
        if getattr(outcome, margin) is not None:
            yield from _margin(margin, about, o, contrasts, built)
    for name in spec.analysis.companions:
        result = None if o is None else o.companions.get(name)
        if _is_planned(outcome, name, estimator):
            yield from _rows("companion", about, name, result, contrasts, built or _no_companion(outcome, name))
    if outcome.name in content.over_time:
        yield from _rows("over_time", about, "longitudinal", content.over_time[outcome.name], contrasts, None)
    if outcome.role == "primary":
        for rule in spec.missing.sensitivity:
            yield from _missing(rule, about, o, content, contrasts, built)


def _rows(
    test: str, about: Mapping[str, Any], method: str, result: Result | None, contrasts: Sequence[str], reason: Reason | None
) -> Iterator[Row]:
    """A row an estimate of the result; one a contrast where there is none."""
    if result is None:
        code, said = reason or ("left_out", "")
        yield from (_row(test, about, method, c, None, "not_done", code, said) for c in contrasts)
    elif result.estimates:
        several = len({e.contrast for e in result.estimates}) < len(result.estimates)
        for e in result.estimates:
            status = "done" if math.isfinite(e.estimate) else "not_estimable"
            yield _row(test, about, method, e.contrast, e, status, part=_part(e) if several else "", ratio=_is_ratio(result))
    else:
        yield _row(test, about, method, "", None, "done")


def _row(
    test: str,
    about: Mapping[str, Any],
    method: str,
    contrast: str,
    e: Estimate | None,
    status: str,
    reason: str = "",
    said: str = "",
    *,
    part: str = "",
    ratio: bool = False,
) -> Row:
    numbers = dict.fromkeys(NUMBERS, math.nan)
    if e is not None:
        adjusted = e.extra.get("p_adjusted")
        numbers = {
            "estimate": e.estimate, "conf_low": e.conf_low, "conf_high": e.conf_high, "p_value": e.p_value,
            "p_adjusted": math.nan if adjusted is None else float(adjusted),
        }  # fmt: skip
    return {
        "test": test, **about, "method": method, "part": part, "contrast": contrast, "status": status, "reason": reason, "said": said, **numbers,
        "ratio": ratio,
    }  # fmt: skip


def _part(e: Estimate) -> str:
    return str(e.extra.get("wave") or e.extra.get("subgroup") or e.extra.get("row") or e.estimand)


def _is_ratio(result: Result) -> bool:
    from trialkit.estimate.measures import is_ratio

    return bool(result.details.get("ratio")) or is_ratio(str(result.details.get("measure")))


def _margin(
    margin: str, about: Mapping[str, Any], o: OutcomeContent | None, contrasts: Sequence[str], built: Reason | None
) -> Iterator[Row]:
    """The estimate with the p-value against the margin, where the result carries one."""
    for contrast in contrasts:
        e = None if o is None else next((e for e in o.result.estimates if e.contrast == contrast), None)
        if e is None:
            yield _row("margin", about, margin, contrast, None, "not_done", *(built or ("left_out", "")))
            continue
        tests = [] if o is None else (o.result.details.get("margins") or {}).get(margin) or []
        p = next((float(t["p_value"]) for t in tests if t["contrast"] == contrast), math.nan)
        row = _row(
            "margin",
            about,
            margin,
            contrast,
            e,
            "done" if math.isfinite(p) else "not_estimable",
            ratio=o is not None and _is_ratio(o.result),
        )
        yield row | {"p_value": p, "p_adjusted": math.nan}


def _is_planned(outcome: Outcome, name: str, estimator: str) -> bool:
    """Whether the plan means the companion for this outcome: not the analysis itself again, and those that draw for the primary ones."""
    return name != estimator and (outcome.role == "primary" or name not in DRAWN_BESIDE_PRIMARY)


def _no_companion(outcome: Outcome, name: str) -> Reason:
    if name not in BUILT["companion"]:
        return "not_built", ""
    return ("left_out" if companion_fits(name, outcome) else "not_for_measure"), ""


def _missing(
    rule: str,
    about: Mapping[str, Any],
    o: OutcomeContent | None,
    content: ReportContent,
    contrasts: Sequence[str],
    built: Reason | None,
) -> Iterator[Row]:
    """Every result of the rule (a tipping point has one a contrast); none where nobody is missing, or where the run says why."""
    known = {} if content.selection is None or o is None else content.selection.missing.get(o.name, {})
    results = [r for name, r in known.items() if name.partition(":")[0] == rule]
    if results:
        for result in results:
            yield from _rows("missing", about, rule, result, contrasts, None)
        return
    left = () if content.selection is None else content.selection.left_out
    said = "" if o is None else _said(left, f"'{o.label or o.name}', {rule.replace('_', ' ')}")
    lost = 0.0 if o is None or o.attrition is None else float(o.attrition.details.get("overall") or 0.0)
    complete = o is not None and o.attrition is not None and lost == 0 and not said
    yield from _rows("missing", about, rule, None, contrasts, built or ("nothing_missing" if complete else "left_out", said))


def _subgroups(spec: PlanSpec, content: ReportContent) -> Iterator[Row]:
    """The test of interaction of every planned trait and outcome."""
    for entry in spec.subgroups:
        for name in entry.outcomes or tuple(o.name for o in spec.primary):
            outcome = spec.outcome(name)
            about = {"outcome": name, "role": outcome.role, "family": outcome.family}
            result = content.subgroups.get(f"{name} by {entry.by}")
            tests = [] if result is None else [e for e in result.estimates if e.extra.get("subgroup") == "interaction"]
            if not tests:
                yield from _rows("subgroup", about, entry.by, None, [c.text for c in spec.comparisons], ("left_out", ""))
            for e in tests:
                status = "done" if math.isfinite(e.p_value) else "not_estimable"
                yield _row(
                    "subgroup",
                    about,
                    entry.by,
                    e.contrast,
                    e,
                    status,
                    part=str(e.extra.get("comparison") or ""),
                    ratio=_is_ratio(result) if result else False,
                )


def _mediation(spec: PlanSpec, content: ReportContent) -> Iterator[Row]:
    for entry in spec.mediation:
        outcome, step = spec.outcome(entry.outcome), spec.mediator_column(entry)
        about = {"outcome": entry.outcome, "role": outcome.role, "family": outcome.family}
        mine = [m for m in content.mediation if m.outcome == entry.outcome and m.mediator == step]
        for m in mine:
            reason: Reason = ("left_out", " ".join(m.left_out))
            yield from _rows("mediation", about, step, m.result, [f"{m.arm} - {m.control}"], reason)
        if not mine:
            yield from _rows(
                "mediation",
                about,
                step,
                None,
                [c.text for c in spec.comparisons],
                ("not_built", _said(content.not_run, f"of '{entry.outcome}'")),
            )


def _descriptions(spec: PlanSpec, content: ReportContent) -> Iterator[Row]:
    """Planned parts that are described and not tested."""
    about = {"outcome": "", "role": "", "family": ""}
    s, chosen = spec.selection, content.selection
    asked = (
        ("balance", bool(s.balance), content.balance is not None),
        ("attrition", s.attrition, any(o.attrition is not None for o in content.outcomes)),
        ("reach", s.reach is not None, chosen is not None and chosen.reach is not None),
        ("take_up", s.take_up and spec.data.uptake is not None, chosen is not None and bool(chosen.take_up)),
        ("harms", spec.harms is not None, content.harms is not None),
    )
    for name, planned, done in asked:
        if planned:
            said = "" if done or chosen is None else _said(chosen.left_out, name.replace("_", "-"))
            yield _row("description", about, name, "", None, "done" if done else "not_done", "" if done else "left_out", said)


def _said(sentences: Sequence[str], about: str) -> str:
    """What the run says of it, or nothing."""
    return " ".join(s for s in sentences if about in s)
