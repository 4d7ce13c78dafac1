"""A ratio (of counts, odds, hazards) when people meet in groups or whole clusters are randomized.

The log ratio is planned like a mean: ratio_scales.py says what a person adds to its variance, the intracluster correlation what a group does, and the
test is that of `grouped` (exact, or plug-in Satterthwaite) or of `clustered` on the log scale, never a normal one: with few groups that rejects too often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.cluster_variance import Levels
from trialkit.power.arguments import Pair, TakeUp, Test, attrition_words, real, shares
from trialkit.power.assemble import assemble
from trialkit.power.families.clustered import asked_clusters, listed_clusters
from trialkit.power.families.clustered_model import Clustered
from trialkit.power.families.grouped import asked_groups, sizes_of_groups
from trialkit.power.families.grouped_model import Grouped, LogRatios, sizes_words
from trialkit.power.families.ratio_scales import RatioScale
from trialkit.power.mean_model import people_model
from trialkit.power.people import People, asked_people
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number
from trialkit.results import Note

GROUP_SIZES = ("groups", "group_size", "control_groups", "control_group_size")
CLUSTER_SIZES = ("clusters", "cluster_size")
_NOTES = {
    "log_ratio_groups": "the variance of a log ratio holds to first order: with few groups or few events its power is rough (within about .02 at 10 groups); simulate the plan.",
    "unequal_sizes": "sizes that differ enter as if the intracluster correlation were known.",
    "attrition_optimistic": "random drop-out makes group sizes differ; the formula is up to .007 too high at a quarter lost.",
}


@dataclass(frozen=True, slots=True)
class RatioQuestion:
    """A ratio in groups or clusters, as it was asked.

    Attributes
    ----------
    function, ratio_name : the power function, and the argument that holds its ratio.
    scale : variances of people. log_ratio : None when it is looked for.
    sizes : every size argument of the call. icc, control_icc, size_cv, allocation, attrition : as in `grouped` and `clustered`.
    direction : sign of the log ratio looked for by a two-sided test.
    """

    function: str
    ratio_name: str
    scale: RatioScale
    log_ratio: float | None
    power: float | None
    sizes: Mapping[str, Any]
    icc: float | None
    control_icc: float | None
    size_cv: float
    allocation: Pair | None
    attrition: tuple[float, float]
    take_up: TakeUp
    test: Test
    direction: int | None = None


def design_of(sizes: Mapping[str, Any]) -> str:
    """'grouped', 'clustered' or 'people', from the sizes that were named."""
    grouped = any(sizes.get(k) is not None for k in GROUP_SIZES)
    clustered = any(sizes.get(k) is not None for k in CLUSTER_SIZES)
    if grouped and clustered:
        raise UsageError("groups (in one arm) and clusters (randomized whole, in both) are two designs: give the sizes of one.")
    return "grouped" if grouped else "clustered" if clustered else "people"


def only_with_groups(design: str, given: Mapping[str, Any]) -> None:
    """Refuses what independent people do not have."""
    unused = [k for k, v in given.items() if v is not None]
    if design == "people" and unused:
        raise UsageError(
            f"{', '.join(unused)}: independent people have none. Give groups, group_size and controls, or clusters and cluster_size."
        )


def ratio_of_people(
    asked: RatioQuestion,
    *,
    inputs: Mapping[str, Any],
    assumptions: Sequence[str | None],
    method: str,
    more: Mapping[str, Any] | None = None,
) -> PowerResult:
    """The answer for a ratio of independent people: Wald's normal test of its log."""

    def spread(n: Any, m: Any, effect: Any) -> tuple[Any, Any]:
        treated, control = asked.scale.variances(effect, n / (n + m))
        variance = treated / n + control / m
        return variance, np.full(np.shape(variance), math.inf)

    s, test = asked.sizes, asked.test
    people = People(
        n_per_arm=s.get("n_per_arm"),
        n=s.get("n"),
        treated=s.get("treated"),
        controls=s.get("controls"),
        allocation=(1, 1) if asked.allocation is None else asked.allocation,
    )
    model = people_model(spread, asked.attrition, test, more)
    solved_for, known, unknown = asked_people(asked.function, people, asked.log_ratio, asked.power, asked.attrition, test, model)
    solution = solve(
        model,
        effect=asked.log_ratio,
        power=asked.power,
        known=known,
        unknown=unknown,
        take_up=asked.take_up,
        test=test,
        direction=asked.direction,
    )
    return assemble(
        asked.function,
        model,
        solution,
        solved_for=asked.ratio_name if solved_for == "effect" else solved_for,
        inputs=inputs,
        test=test,
        take_up=asked.take_up,
        method=method,
        standardized=None,
        assumptions=(*assumptions, attrition_words(asked.attrition)),
    )


def ratio_in_design(asked: RatioQuestion, *, inputs: Mapping[str, Any], assumptions: Sequence[str | None]) -> PowerResult:
    """The answer for a ratio in groups or clusters."""
    design = design_of(asked.sizes)
    if asked.icc is None:
        raise UsageError(
            "icc is missing: with groups or clusters say how much people in one are alike, as icc=0.05, or 0 for not at all."
        )
    icc = real("icc", asked.icc, at_least=0, at_most=1)
    effect = asked.log_ratio
    model, (solved_for, known, unknown), words, notes = (_grouped if design == "grouped" else _clustered)(asked, icc, effect)
    solution = solve(
        model,
        effect=effect,
        power=asked.power,
        known=known,
        unknown=unknown,
        take_up=asked.take_up,
        test=asked.test,
        direction=asked.direction,
    )
    codes = ["log_ratio_groups", *notes, *(["attrition_optimistic"] if any(asked.attrition) and design == "grouped" else [])]
    return assemble(
        asked.function,
        model,
        solution,
        solved_for=asked.ratio_name if solved_for == "effect" else solved_for,
        inputs=inputs,
        test=asked.test,
        take_up=asked.take_up,
        method="log ratio of groups against controls, exact over the variance ratio"
        if design == "grouped"
        else "log ratio of cluster means",
        standardized=None,
        assumptions=(*assumptions, *words, attrition_words(asked.attrition)),
        notes=[Note(code, _NOTES[code]) for code in codes],
    )


def _grouped(asked: RatioQuestion, icc: float, effect: float | None) -> Any:
    s = asked.sizes
    _none_of(s, ("n", "n_per_arm", "treated"), "groups", "groups, group_size and controls")
    in_groups = s.get("control_groups") is not None or s.get("control_group_size") is not None
    groups, size, listed = sizes_of_groups(s.get("group_size"), s.get("groups"))
    control = icc if asked.control_icc is None else real("control_icc", asked.control_icc, at_least=0, at_most=1)
    model = Grouped(
        outcome=LogRatios(asked.scale, icc, control if in_groups else 0.0),
        attrition=asked.attrition,
        listed=listed,
        control_grouped=in_groups,
        exact=True,
        test=asked.test,
    )
    counts = {"groups": groups, "group_size": size} | {k: s.get(k) for k in ("controls", "control_groups", "control_group_size")}
    alone = f"{number(control)} between control groups" if in_groups else "controls stand alone"
    words = [f"intracluster correlation {number(icc)} in the treated arm; {alone}"]
    words += [] if listed is None else [f"group sizes {sizes_words(listed)}"]
    found = asked_groups(asked.function, model, counts, asked.allocation, effect, asked.power)
    return model, found, words, [] if listed is None else ["unequal_sizes"]


def _clustered(asked: RatioQuestion, icc: float, effect: float | None) -> Any:
    s = asked.sizes
    _none_of(s, ("n", "n_per_arm", "treated", "controls"), "clusters", "clusters (over both arms) and cluster_size")
    listed = listed_clusters(s.get("cluster_size"), asked.size_cv, 1.0)
    model = Clustered(
        levels=Levels(icc, size_cv=real("size_cv", asked.size_cv, at_least=0, below=2)),
        sd=(1.0, 1.0),
        satterthwaite=True,
        control_rate=None,
        covariates=0,
        attrition=asked.attrition,
        listed=listed,
        test=asked.test,
        scale=asked.scale,
    )
    part = shares((1, 1) if asked.allocation is None else asked.allocation)
    found = asked_clusters(asked.function, model, s.get("clusters"), s.get("cluster_size"), part, effect, asked.power)
    words = [f"intracluster correlation {number(icc)}"]
    words += [f"cluster sizes vary with coefficient {number(asked.size_cv)}"] if asked.size_cv else []
    return model, found, words, ["unequal_sizes"] if listed is not None or asked.size_cv else []


def _none_of(sizes: Mapping[str, Any], names: Sequence[str], kind: str, instead: str) -> None:
    wrong = [k for k in names if sizes.get(k) is not None]
    if wrong:
        raise UsageError(f"{', '.join(wrong)} do not go with {kind}: say {instead}.")


def design_improvements(arguments: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed in groups or clusters, in words and as arguments; nothing for independent people."""
    m = arguments.get("group_size")
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(m, (tuple, list)):
        found.append(("one more group", {"group_size": (*m, round(sum(m) / len(m)))}))
        found.append(("one more member per group", {"group_size": tuple(k + 1 for k in m)}))
    elif m is not None:
        found.append(("one more group", {"groups": arguments["groups"] + 1}))
        found.append(("one more member per group", {"group_size": m + 1}))
    if m is not None and "controls" in arguments:
        found.append(("ten more controls", {"controls": arguments["controls"] + 10}))
    if "clusters" in arguments:
        first, second = shares(arguments.get("allocation", (1, 1)))
        arms = (arguments["clusters"] * first + 1, arguments["clusters"] * second + 1)
        found.append(("one more cluster per arm", {"clusters": sum(arms), "allocation": arms}))
        found.append(("one more person per cluster", {"cluster_size": arguments["cluster_size"] + 1}))
    return found
