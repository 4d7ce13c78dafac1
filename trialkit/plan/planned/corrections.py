"""Corrected p-values of a run: within each family, or along the plan's graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.several.family import BY_DRAWS, FamilyResult, family
from trialkit.estimate.several.family import Correction as FamilyCorrection
from trialkit.estimate.several.joint import dunnett_corrected
from trialkit.plan.schema.gatekeeping import graph_test, hypothesis
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.not_yet import BUILT, corrects_pooled
from trialkit.report.content import OutcomeContent
from trialkit.results import Estimate, Note, Result

__all__ = ["corrected", "planned_correction"]

GRAPH = "gatekeeping"
Adjusted = dict[tuple[str, str], float]


def planned_correction(spec: PlanSpec, outcomes: Sequence[OutcomeContent]) -> dict[str, Any]:
    """What the plan says: the method, the families, and the graph where it has one."""
    families: dict[str, list[str]] = {}
    for o in outcomes:
        families.setdefault(o.family, []).append(o.name)
    m = spec.multiplicity
    said: dict[str, Any] = {"method": m.method, "families": families}
    if m.families:
        said |= {"order": list(m.families), "pass_on": m.pass_on}
    if m.weights is not None:
        said |= {"weights": dict(m.weights), "transitions": {k: dict(v) for k, v in (m.transitions or {}).items()}}
    return said


def corrected(spec: PlanSpec, outcomes: list[OutcomeContent]) -> tuple[list[OutcomeContent], dict[str, Result]]:
    """The outcomes with `p_adjusted`, and the result of every correction: by family, or one for the graph."""
    method = spec.multiplicity.method
    if method == "none" or method not in BUILT["correction"] or not corrects_pooled(spec):
        return outcomes, {}
    if method == "gatekeeping":
        p, results = _along_graph(spec, outcomes)
        text = "The corrected p is the smallest level at which the plan's graph rejects it."
        return [_with_adjusted(o, p, text) for o in outcomes], results
    p, results = {}, {}
    for name in dict.fromkeys(o.family for o in outcomes):
        found = _family(spec, [o for o in outcomes if o.family == name])
        p |= {(e.outcome, e.contrast): float(e.extra["p_adjusted"]) for e in found.estimates}
        results[name] = found
    return [_with_adjusted(o, p, f"The corrected p is that within the family '{o.family}'.") for o in outcomes], results


def _along_graph(spec: PlanSpec, outcomes: Sequence[OutcomeContent]) -> tuple[Adjusted, dict[str, Result]]:
    rows = {hypothesis(spec, o.name, e.contrast): e for o in outcomes for e in o.result.estimates}
    found = graph_test(spec, {name: e.p_value for name, e in rows.items()})
    inside = {str(r["hypothesis"]): float(r["p_adjusted"]) for r in found.table}
    missing = [h for h in inside if h not in rows]
    if missing:
        told = f"{', '.join(missing)}: not run by this version, and counted in the graph as not rejected."
        found = replace(found, notes=(*found.notes, Note("not_run", told)))
    return {(e.outcome, e.contrast): inside[h] for h, e in rows.items() if h in inside}, {GRAPH: found}


def _family(spec: PlanSpec, inside: Sequence[OutcomeContent]) -> Result:
    """One family; arms count as members. A single test needs no correction, and Dunnett corrects the arms of each outcome."""
    method = spec.multiplicity.method
    # effects pooled over imputations come here with corrections of p-values only
    results = [cast(IttResult, o.result) for o in inside]
    rows = [e for r in results for e in r.estimates]
    if len(rows) == 1:
        return FamilyResult((_adjusted(rows[0], rows[0].p_value),), (), {"correction": method, "n_draws": 0})
    if method == "dunnett":
        found = [e for r in results for e in (dunnett_corrected(r) if len(r.estimates) > 1 else _alone(r)).estimates]
        return FamilyResult(tuple(found), (), {"correction": method, "n_draws": 0})
    drawn = {"n_draws": spec.multiplicity.draws, "seed": spec.multiplicity.seed} if method in BY_DRAWS else {}
    return family(results, correction=cast(FamilyCorrection, method), **drawn)  # type: ignore[arg-type]


def _alone(result: IttResult) -> IttResult:
    return replace(result, estimates=tuple(_adjusted(e, e.p_value) for e in result.estimates))


def _adjusted(e: Estimate, p: float) -> Estimate:
    return replace(e, extra={**e.extra, "p_adjusted": float(p)})


def _with_adjusted(outcome: OutcomeContent, p: Mapping[tuple[str, str], float], text: str) -> OutcomeContent:
    """Rows that a correction holds get its p-value; the others none."""
    rows = tuple(_adjusted(e, p[e.outcome, e.contrast]) if (e.outcome, e.contrast) in p else e for e in outcome.result.estimates)
    if rows == outcome.result.estimates:
        return outcome
    notes = (*outcome.result.notes, Note("p_adjusted", text))
    return replace(outcome, result=replace(outcome.result, estimates=rows, notes=notes))
