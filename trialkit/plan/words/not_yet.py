"""Which planned parts this version cannot run: one table of what is built, and sentences for the rest.

A part that becomes runnable is added to `BUILT`; nothing else changes. Measures and estimators of the schema are built but for those named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from trialkit.plan.schema.outcomes import PLANNED, Estimator

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["BUILT", "can_run", "companion_fits", "corrects_pooled", "not_yet", "unfit_for_rule"]

BUILT: dict[str, frozenset[str]] = {
    "estimator": frozenset({*get_args(Estimator), *(m.estimator for m in PLANNED)}) - {"horvitz_thompson", "hajek"},
    "measure": frozenset(m.name for m in PLANNED),
    "average": frozenset({"participant", "group"}),
    "population": frozenset({"all_randomized"}),
    "strategy": frozenset({"treatment_policy", "composite"}),
    "companion": frozenset(
        {"ancova", "lin", "difference_in_means", "aipw", "mixed", "longitudinal", "randomization_test"}
        | {"wild_bootstrap", "cace"}
    ),
    "correction": frozenset(
        {"none", "holm", "hochberg", "bh", "sharpened_q", "romano_wolf", "westfall_young", "dunnett", "gatekeeping"}
    ),
    "missing_primary": frozenset({"available_cases", "multiple_imputation", "inverse_probability_weights"}),
    "missing": frozenset(
        {"available_cases", "multiple_imputation", "jump_to_reference", "copy_reference", "copy_increments_in_reference"}
        | {
            "last_mean_carried_forward",
            "inverse_probability_weights",
            "lee_bounds",
            "manski_bounds",
            "kling_liebman",
            "tipping_point",
        }
    ),
    "scheme": frozenset(
        {"simple", "complete", "stratified", "clustered", "stratified_clustered", "matched_pairs"}
        | {"rerandomized", "minimization", "permuted_blocks"}
    ),
    "margin": frozenset({"equivalence", "noninferiority"}),
    "section": frozenset({"balance", "attrition", "reach", "take_up", "subgroups", "harms", "mediation", "minimum_cell"}),
    "language": frozenset({"en", "nl"}),
}
POOLED_WITHOUT = frozenset({"romano_wolf", "westfall_young", "dunnett"})


def not_yet(spec: PlanSpec) -> list[str]:
    """The planned parts that this version cannot run, each in words; empty when all can be run.

    Examples
    --------
    >>> not_yet(spec)                                # doctest: +SKIP
    ["[multiplicity] method 'romano_wolf'", "[[mediation]] of 'employed' through 'self_efficacy' at t1"]
    """
    return list(dict.fromkeys((*_outcomes(spec), *_analysis(spec), *_sections(spec))))


def can_run(spec: PlanSpec, outcome: Outcome) -> bool:
    """Whether the effect on an outcome can be estimated as planned."""
    strategies = {h.strategy for h in outcome.intercurrent.values()}
    return (
        outcome.measure in BUILT["measure"]
        and spec.estimator_for(outcome) in BUILT["estimator"]
        and outcome.estimand.population in BUILT["population"]
        and outcome.estimand.average in BUILT["average"]
        and strategies <= BUILT["strategy"]
    )


def companion_fits(companion: str, outcome: Outcome) -> bool:
    """Whether a companion says something about this outcome: tests by draws are of differences in means and shares, estimators of their own measures."""
    from trialkit.estimate.registry import ESTIMATORS

    if companion in ("randomization_test", "wild_bootstrap", "cace"):
        return outcome.measure in ("mean_difference", "risk_difference")
    if companion == "longitudinal":
        return outcome.scale is not None and outcome.measure == "mean_difference"
    return companion in ESTIMATORS and outcome.measure in ESTIMATORS[companion].measures


def unfit_for_rule(spec: PlanSpec, outcome: Outcome) -> str:
    """Why [missing] primary cannot be done for this outcome, in words; empty where it can, and for available cases."""
    rule = spec.missing.primary
    if rule == "available_cases":
        return ""
    if outcome.kind == "time":
        return "times are analysed as censored"
    if rule == "multiple_imputation":
        return ""
    if outcome.measure not in ("mean_difference", "risk_difference"):
        return f"weights by response are for differences of means and shares, not for measure '{outcome.measure}'"
    estimator = spec.estimator_for(outcome)
    if estimator != "ancova":
        return f"weights by response go with ANCOVA, not with estimator '{estimator}'"
    if outcome.estimand.average != "participant":
        return "weights by response stand for people, not for groups"
    if not isinstance(spec.analysis.contrasts, str):
        return "weights by response have no contrasts of the plan's own"
    if not [c for c in spec.adjust_for(outcome) if c not in spec.data.strata]:
        return "weights by response need baseline covariates"
    return ""


def corrects_pooled(spec: PlanSpec) -> bool:
    """Whether the planned correction can be made of pooled effects: those that draw or use a joint distribution need one trial's own regressions."""
    return spec.missing.primary != "multiple_imputation" or spec.multiplicity.method not in POOLED_WITHOUT


def _outcomes(spec: PlanSpec) -> Iterator[str]:
    for outcome in spec.outcomes:
        whose = f"outcome '{outcome.name}'"
        if reason := unfit_for_rule(spec, outcome):
            yield f"{whose}: [missing] primary '{spec.missing.primary}', because {reason}; its primary analysis is that of the people with the outcome"
        if outcome.measure not in BUILT["measure"]:
            yield f"{whose}: measure '{outcome.measure}'"
        if outcome.estimator is not None and outcome.estimator not in BUILT["estimator"]:
            yield f"{whose}: estimator '{outcome.estimator}'"
        if outcome.estimand.population not in BUILT["population"]:
            yield f"{whose}: the effect among {outcome.estimand.population}"
        if outcome.estimand.average not in BUILT["average"]:
            yield f"{whose}: the average over {outcome.estimand.average}s"
        for event, handled in outcome.intercurrent.items():
            if handled.strategy not in BUILT["strategy"]:
                yield f"{whose}: strategy '{handled.strategy}' for '{event}'"
        if outcome.role == "primary":
            for companion in spec.analysis.companions:
                if companion in BUILT["companion"] and not companion_fits(companion, outcome):
                    yield f"{whose}: companion '{companion}', which is not for measure '{outcome.measure}'"
        for margin in ("equivalence", "noninferiority"):
            if getattr(outcome, margin) is not None and margin not in BUILT["margin"]:
                yield f"{whose}: {margin} margin"


def _analysis(spec: PlanSpec) -> Iterator[str]:
    if spec.analysis.estimator not in BUILT["estimator"]:
        yield f"[analysis] estimator '{spec.analysis.estimator}'"
    for companion in spec.analysis.companions:
        if companion not in BUILT["companion"]:
            yield f"[analysis] companion '{companion}'"
    if spec.multiplicity.method not in BUILT["correction"]:
        yield f"[multiplicity] method '{spec.multiplicity.method}'"
    elif not corrects_pooled(spec):
        yield f"[multiplicity] method '{spec.multiplicity.method}' of effects pooled over imputations, which have no joint distribution here: 'holm' has no need of one"
    if spec.missing.primary not in BUILT["missing_primary"]:
        yield f"[missing] primary '{spec.missing.primary}'"
    for rule in spec.missing.sensitivity:
        if rule not in BUILT["missing"]:
            yield f"[missing] sensitivity '{rule}'"
    if spec.design.scheme not in BUILT["scheme"]:
        yield f"[design] scheme '{spec.design.scheme}'"


def _sections(spec: PlanSpec) -> Iterator[str]:
    from trialkit.plan.schema.mediators import can_mediate

    built = BUILT["section"]
    for entry in spec.mediation:
        if "mediation" not in built or not can_mediate(spec.outcome(entry.outcome)):
            through = entry.mediator.column or entry.mediator.scale
            when = f" at {entry.mediator.wave}" if entry.mediator.wave else ""
            yield f"[[mediation]] of '{entry.outcome}' through '{through}'{when}"
    if spec.selection.reach is not None and "reach" not in built:
        yield f"[selection] reach from '{spec.selection.reach.funnel}'"
    if spec.selection.take_up and "take_up" not in built:
        yield "[selection] take_up"
    if "subgroups" not in built:
        for group in spec.subgroups:
            yield f"[[subgroups]] by '{group.by}'"
    if spec.harms is not None and "harms" not in built:
        yield "[harms]"
    if spec.report.minimum_cell and "minimum_cell" not in built:
        yield "[report] minimum_cell"
    for language in spec.trial.report_languages:
        if language not in BUILT["language"]:
            yield f"report in language '{language}'"
