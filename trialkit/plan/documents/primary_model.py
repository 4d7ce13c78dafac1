"""What the lines for R and Stata need of a primary outcome, and which outcomes have such lines: regressions whose numbers other software gives as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialkit.plan.schema.outcomes import Outcome
from trialkit.report.format import clean

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["Model", "comment", "made_columns", "model_of", "no_lines"]

_REGRESSIONS = frozenset({"ancova", "lin"})


@dataclass(frozen=True, slots=True)
class Model:
    """The regression of one outcome.

    Attributes
    ----------
    column : of the outcome. covariates : columns, those of the strata left out, as the analysis does. categories : those of them that are categories.
    unit : column of the independent units, or None where people stand alone. alone : whether people without a value in it stand alone.
    covariance : as the analysis resolves it. composite : (column, value) of events that count as a value.
    """

    outcome: Outcome
    column: str
    estimator: str
    covariates: tuple[str, ...]
    categories: frozenset[str]
    strata: tuple[str, ...]
    strata_effects: str
    unit: str | None
    alone: bool
    covariance: str
    df: str
    weights: str | None
    composite: tuple[tuple[str, float], ...]


def model_of(spec: PlanSpec, outcome: Outcome) -> Model:
    """The regression that the plan asks for."""
    unit = spec.data.cluster if spec.data.cluster is not None else spec.data.group if spec.grouped_arms else None
    covariance = spec.analysis.covariance
    estimator = spec.estimator_for(outcome)
    events = tuple(
        (h.column, float(h.value)) for h in outcome.intercurrent.values() if h.strategy == "composite" and h.column is not None and h.value is not None
    )  # fmt: skip
    adjust = tuple(c for c in spec.adjust_for(outcome) if c not in spec.data.strata) if estimator in _REGRESSIONS else ()
    return Model(
        outcome, spec.value_column(outcome), estimator, adjust, frozenset(spec.data.categorical), spec.data.strata, spec.analysis.strata_effects,
        unit, spec.data.cluster is None, ("HC2" if unit is None else "CR2") if covariance == "auto" else covariance, spec.analysis.df, spec.data.weights, events,
    )  # fmt: skip


def no_lines(spec: PlanSpec, outcome: Outcome) -> str:
    """Why this outcome has no lines; empty where it has them."""
    name, a = spec.estimator_for(outcome), spec.analysis
    if outcome.measure not in ("mean_difference", "risk_difference"):
        return f"measure '{outcome.measure}' by '{name}' has no lines here"
    if name not in _REGRESSIONS and not (name == "difference_in_means" and not spec.data.strata):
        return f"estimator '{name}'{' with strata' if name == 'difference_in_means' else ''} has no lines here"
    if outcome.estimand.average != "participant" or a.average != "participant":
        return "an average in which every group counts the same has no lines here"
    if outcome.estimand.population != "all_randomized":
        return f"the effect among {outcome.estimand.population} has no lines here"
    other = [h.strategy for h in outcome.intercurrent.values() if h.strategy not in ("treatment_policy", "composite")]
    if other:
        return f"an estimand with the strategy '{other[0]}' has no lines here"
    if spec.missing.primary != "available_cases":
        return f"a primary analysis by {spec.missing.primary.replace('_', ' ')} has no lines here"
    if a.covariance == "CR3":
        return "CR3 has no lines here: clubSandwich gives it in R"
    if not isinstance(a.contrasts, str):
        return "contrasts of the plan's own have no lines here"
    return ""


def made_columns(spec: PlanSpec) -> tuple[str, ...]:
    """Columns of the primary models that are not in the data file but made by trialkit: scores and indices."""
    made = {*spec.score_columns(), *(f"{o.name}_index" for o in spec.outcomes if o.index is not None)}
    used = [c for o in spec.primary for c in (spec.value_column(o), *spec.adjust_for(o))]
    return tuple(c for c in dict.fromkeys(used) if c in made)


def comment(text: str, mark: str) -> str:
    """A line of comment, whatever the plan's labels hold."""
    return f"{mark} {' '.join(clean(text).split())}".rstrip()
