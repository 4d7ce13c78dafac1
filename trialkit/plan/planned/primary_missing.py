"""The primary analysis where the plan fills in or weights for outcomes that were not observed: [missing] primary.

With multiple imputation the outcome is completed in each arm apart (`trialkit.missing.impute`: group effects in the grouped arms), every completed trial
is analysed as planned and the effects are pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin; the effect size is pooled in
the same way. With weights, respondents count by the inverse of their estimated probability of responding. The available cases stand beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from trialkit.errors import EstimationError
from trialkit.estimate.effect_sizes.effect_size import EffectSizeResult
from trialkit.estimate.itt_result import IttResult
from trialkit.missing.imputations import pooled_result
from trialkit.missing.pooled_result import PooledResult
from trialkit.plan.planned.missing import Work
from trialkit.plan.schema.outcomes import Outcome
from trialkit.plan.words.not_yet import unfit_for_rule
from trialkit.results import Note, Result
from trialkit.trial import Trial

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["AVAILABLE", "ByRule", "by_rule", "goes_by_rule", "has_rule", "of_available_cases"]

R = TypeVar("R", bound=Result)
Progress = Callable[[str, int, int], None]
AVAILABLE = "available_cases"
_KEPT = ("measure", "estimator", "adjust", "average", "clustered", "one_arm_groups", "contrasts")
_NOT_FILLED = Note(
    "available_cases", "this analysis rests on the outcomes that were observed; nothing is filled in or weighted here."
)


@dataclass(frozen=True)
class ByRule:
    """The effect by the plan's rule for missing outcomes, and its effect size where there is one."""

    result: Result
    effect_size: Result | None


def has_rule(spec: PlanSpec, outcome: Outcome) -> bool:
    """Whether the plan asks for more than available cases and this outcome's analysis can give it."""
    return spec.missing.primary != AVAILABLE and not unfit_for_rule(spec, outcome)


def goes_by_rule(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> bool:
    """Whether the outcome's primary analysis fills in or weights: the rule fits, and somebody lacks the outcome."""
    return has_rule(spec, outcome) and not Work(spec, ready, outcome, None).complete


def by_rule(
    spec: PlanSpec, ready: Prepared, outcome: Outcome, available: IttResult, *, progress: Progress | None = None, **other: Any
) -> ByRule | None:
    """The analysis of an outcome by [missing] primary.

    Parameters
    ----------
    available : the same analysis of the people with the outcome.
    other : keywords of `itt` in place of the plan's, as another measure of the same outcome.

    Returns
    -------
    ByRule or None
        None where the plan analyses available cases, where the rule does not fit the outcome, and where nobody lacks it.

    Raises
    ------
    TrialkitError
        What the imputation, the weights or an analysis of a completed trial say; there is no falling back to available cases.
    """
    work = Work(spec, ready, outcome, progress)
    if not goes_by_rule(spec, ready, outcome):
        return None
    sized = other.get("measure", outcome.measure) == "mean_difference" and isinstance(spec.analysis.contrasts, str)
    if spec.missing.primary == "multiple_imputation":
        return _imputed(work, available, sized, other)
    weighted = work.weighted(**other)
    return ByRule(weighted, weighted.standardized("hedges_g") if sized else None)


def of_available_cases(result: R) -> R:
    """The result with a note that it rests on available cases, where the primary analysis does not."""
    return replace(result, notes=(*result.notes, _NOT_FILLED))


def _imputed(work: Work, available: IttResult, sized: bool, other: Mapping[str, Any]) -> ByRule:
    made: list[IttResult] = []

    def analyse(trial: Trial) -> Result:
        made.append(work.analyse(trial, **other))
        return made[-1]

    pooled = work.imputed.analyse(analyse, progress=work.progress)
    if not all(math.isfinite(e.p_value) for e in pooled.estimates):
        raise EstimationError(f"{work.name}: the imputed values do not vary, so the pooled effect has no test.")
    details = {k: available.details[k] for k in _KEPT if k in available.details}
    whole = {str(a["arm"]): a for a in made[0].details["arms"]}
    arms = [_arm(dict(a), whole[str(a["arm"])]) for a in available.details["arms"]]
    result = replace(pooled, details={**pooled.details, **details, "arms": arms})
    return ByRule(result, _pooled_size(made, result) if sized else None)


def _arm(observed: dict[str, Any], completed: Mapping[str, Any]) -> dict[str, Any]:
    """n, mean and SD of those observed, and how many were filled in; groups and clusters are those of the analysis."""
    together = {k: completed[k] for k in ("n_groups", "n_clusters")}
    return {**observed, **together, "n_imputed": int(completed["n"]) - int(observed["n"])}


def _pooled_size(made: list[IttResult], result: PooledResult) -> EffectSizeResult:
    """Hedges g of every completed trial by its own SD, pooled; the SD shown is the root of the mean variance."""
    sizes = [r.standardized("hedges_g") for r in made]
    pooled = pooled_result(sizes, (), {})
    used = [s.details["standardizer"] for s in sizes]
    standardizer = [
        {
            "name": used[0][i]["name"],
            "sd": math.sqrt(float(np.mean([u[i]["sd"] ** 2 for u in used]))),
            "df": used[0][i]["df"],
            "j": used[0][i]["j"],
        }
        for i in range(len(result.estimates))
    ]
    return EffectSizeResult(pooled.estimates, pooled.notes, {"kind": "hedges_g", "standardizer": standardizer})
