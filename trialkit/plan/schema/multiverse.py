"""The section [multiverse]: declared alternatives to the registered analysis, all of them run and tested together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from trialkit.plan.schema.base import Columns, Draws, Frozen, FrozenMap, Listed, Name, Problem, Seed, no_repeats
from trialkit.plan.schema.names import near_miss
from trialkit.plan.schema.outcomes import Estimator

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["MultiverseSection", "curved", "multiverse_problems"]

Kind = Literal["auto", "classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3"]
MissingRule = Literal["multiple_imputation", "inverse_probability_weights"]
_CHOSEN = (
    "people choose whether to attend, so comparing those who did estimates another effect, and with bias; it is no alternative of the registered one. "
    "[analysis] companions = [\"cace\"] is the analysis of those who take up the offer. Remove 'sample'"
)


class MultiverseSection(Frozen):
    """The effect by every declared way of analysing it; the registered analysis stays the registered one."""

    later: ClassVar[frozenset[str]] = frozenset()

    outcomes: Columns = ()
    """names of outcomes; unsaid: the primary ones"""
    adjust: FrozenMap[Columns] = FrozenMap()
    """further sets of covariates, each in full, as in { "no covariates" = [], "baseline and age" = ["y0", "age"] }"""
    estimators: Annotated[Listed[Estimator], AfterValidator(no_repeats)] = ()
    """further estimators of the same measure, as in ["lin", "difference_in_means"]"""
    covariances: Annotated[Listed[Kind], AfterValidator(no_repeats)] = ()
    """further kinds of standard errors"""
    missing: Annotated[Listed[MissingRule], AfterValidator(no_repeats)] = ()
    """further rules for missing outcomes; imputations and their seed are those of [missing]"""
    prorate: Annotated[Listed[Annotated[int, Field(ge=0)]], AfterValidator(no_repeats)] = ()
    """for scales: how many answers may be missing, as in [0, 3]"""
    leave_out_items: Annotated[Listed[Annotated[int, Field(ge=1)]], AfterValidator(no_repeats)] = ()
    """for scales: numbers of items, each left out in turn, at baseline too"""
    subscales: Annotated[Listed[Name], AfterValidator(no_repeats)] = ()
    """for scales: subscales in the place of the whole score"""
    winsorize: Annotated[Listed[Annotated[float, Field(gt=0.5, lt=1)]], AfterValidator(no_repeats)] = ()
    """percentiles at which extreme values are drawn in, blind to the arm, as in [0.99]"""
    sample: Listed[Name] = ()
    """always everyone randomized: a selection of people by what they did is refused"""
    combine: Literal["all", "one_at_a_time"] = "all"
    """all combinations of the options, or the registered analysis and each that departs from it in one choice"""
    statistic: Literal["median_t", "mean_abs_t", "share_significant", "median_estimate"] = "median_t"
    """the statistic of the joint test"""
    draws: Draws = 999
    """assignments that are drawn for the joint test"""
    seed: Seed | None = None
    """seed of these draws; unsaid: that of [analysis]"""
    refit: bool = False
    """run analyses that are not linear again for every draw, which is slow; otherwise they stay outside the joint test"""


def curved(spec: PlanSpec) -> tuple[Outcome, ...]:
    """The outcomes that a curve is drawn for."""
    if spec.multiverse is None:
        return ()
    return tuple(spec.outcome(n) for n in spec.multiverse.outcomes) or spec.primary


def multiverse_problems(spec: PlanSpec) -> Iterator[Problem]:
    """What contradicts other parts of the plan."""
    from trialkit.estimate.registry import ESTIMATORS

    said = spec.multiverse
    if said is None:
        return
    names = [o.name for o in spec.outcomes]
    unknown = [n for n in said.outcomes if n not in names]
    for name in unknown:
        yield Problem(("multiverse", "outcomes"), f"'{name}' is not one of [[outcomes]].{near_miss(name, names)}")
    if unknown:
        return
    if said.sample:
        yield Problem(("multiverse", "sample"), _CHOSEN)
    options = ("adjust", "estimators", "covariances", "missing", "prorate", "leave_out_items", "subscales", "winsorize")
    if not any(getattr(said, k) for k in options):
        yield Problem(("multiverse",), f"[multiverse] declares no alternative; give at least one of {', '.join(options)}")
    taken = {spec.data.unit, spec.data.arm, spec.data.group, spec.data.uptake, *(spec.value_column(o) for o in spec.outcomes)}
    for label, columns in said.adjust.items():
        for column in columns:
            if column in taken:
                message = f"'{column}' cannot be a covariate: it is the person, the arm, or comes after randomization"
                yield Problem(("multiverse", "adjust", label), message)
    for outcome in curved(spec):
        yield from _outcome(spec, outcome)
        for name in said.estimators:
            if name in ESTIMATORS and outcome.measure not in ESTIMATORS[name].measures:
                message = (
                    f"'{name}' does not give measure '{outcome.measure}' of outcome '{outcome.name}', so it is another effect"
                )
                yield Problem(("multiverse", "estimators"), f"{message}; remove it or name other outcomes")
    grouped = bool(spec.grouped_arms) or spec.data.cluster is not None
    for kind in said.covariances:
        if kind.startswith("HC") and grouped:
            yield Problem(
                ("multiverse", "covariances"),
                f"covariance '{kind}' ignores the groups, which is no alternative; write CR2 or CR3",
            )
    if said.statistic == "median_estimate" and spec.grouped_arms:
        message = "'median_estimate' is not divided by its standard error and has no valid test with groups; write \"median_t\""
        yield Problem(("multiverse", "statistic"), message)
    if said.seed is None and spec.analysis.seed is None:
        yield Problem(("multiverse",), "[multiverse]: random draws need a seed; add to it seed = 20261122")
    if "multiple_imputation" in said.missing and spec.missing.seed is None:
        yield Problem(
            ("multiverse", "missing"), "'multiple_imputation': random draws need a seed; add to [missing] seed = 20261122"
        )


def _outcome(spec: PlanSpec, outcome: Outcome) -> Iterator[Problem]:
    said = spec.multiverse
    assert said is not None
    if outcome.kind == "time":
        yield Problem(
            ("multiverse", "outcomes"),
            f"'{outcome.name}' is a time; a curve of times cannot be drawn yet, so name other outcomes",
        )
    for key in ("prorate", "leave_out_items", "subscales"):
        if getattr(said, key) and outcome.scale is None:
            yield Problem(
                ("multiverse", key),
                f"'{outcome.name}' is no scale, so {key} says nothing of it; remove {key} or name other outcomes",
            )
    if said.winsorize and outcome.measure not in ("mean_difference", "mean_ratio"):
        message = (
            f"winsorize is for means, and '{outcome.name}' has measure '{outcome.measure}'; remove it or name other outcomes"
        )
        yield Problem(("multiverse", "winsorize"), message)
