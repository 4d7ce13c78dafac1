"""From the [design] of a plan to a power function: the family, the sizes of the contrast, the assumptions with their defaults."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trialkit.errors import PlanError
from trialkit.power.families.binary import binary
from trialkit.power.families.clustered import clustered
from trialkit.power.families.count import count
from trialkit.power.families.grouped import grouped
from trialkit.power.families.grouped_model import sizes_words
from trialkit.power.families.individual import individual
from trialkit.power.families.ordinal import ordinal
from trialkit.power.families.time_to_event import time_to_event
from trialkit.power.plans.scale import Scale
from trialkit.power.result import PowerResult
from trialkit.power.words import number, percent, plural, size

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

DEFAULT_ICC = 0.05
DEFAULT_GROUP = 12
_FAMILIES: dict[str, Callable[..., PowerResult]] = {
    "individual": individual,
    "binary": binary,
    "clustered": clustered,
    "grouped": grouped,
    "count": count,
    "ordinal": ordinal,
    "time_to_event": time_to_event,
}
_ALONE = {"mean": "individual", "rate": "binary", "count": "count", "ordered": "ordinal", "time": "time_to_event"}
# families whose effects are ratios: a plan's effects are their logs
RATIO_FAMILIES = {"count": "rate_ratio", "ordinal": "odds_ratio", "time_to_event": "hazard_ratio"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One contrast of a plan as a power question.

    Attributes
    ----------
    family : "individual", "binary", "clustered" or "grouped" for means and rates; "count", "ordinal" or "time_to_event" in any design.
    arguments : all its keywords but effect and power.
    words : the design as it follows "With".
    used, missing, left_aside : assumptions from the plan, supplied ones, and what the formula ignores.
    falls : whether sizes of effects are falls, for the families of ratios.
    """

    family: str
    arguments: dict[str, Any]
    words: str
    alpha: float
    take_up: float | None
    on_compliers: bool
    used: tuple[str, ...]
    missing: tuple[str, ...]
    left_aside: tuple[str, ...]
    falls: bool = False

    def ask(self, **changes: Any) -> PowerResult:
        """The power function's answer, with some keywords added or changed; effects of ratios are sizes of their logs."""
        keywords = {**self.arguments, **changes}
        if self.family in RATIO_FAMILIES and "effect" in keywords:
            size = keywords.pop("effect")
            keywords[RATIO_FAMILIES[self.family]] = math.exp(-size if self.falls else size)
        elif self.family in RATIO_FAMILIES:
            keywords["ratio_side"] = "below" if self.falls else "above"
        return _FAMILIES[self.family](**keywords)

    def size(self, found: PowerResult) -> float:
        """The effect of an answer as a size in the direction looked in: the log of a ratio without its sign."""
        return abs(math.log(found.effect)) if self.family in RATIO_FAMILIES else found.effect

    def improvements(self) -> list[tuple[str, dict[str, Any]]]:
        """What a planner would think of next, in words and as keywords."""
        a = self.arguments
        if "group_size" in a:
            found = _more_groups(a)
        elif "cluster_size" in a:
            k, m = a["allocation"]
            more = {"clusters": k + m + 2, "allocation": (k + 1, m + 1)}
            found = [
                ("one more cluster per arm", more),
                ("five more people per cluster", {"cluster_size": a["cluster_size"] + 5}),
            ]
        elif "n" in a:
            first, second = (k + 50 for k in a["allocation"])
            found = [("50 more people per arm", {"n": first + second, "allocation": (first, second)})]
        else:
            found = [("50 more people per arm", {"treated": a["treated"] + 50, "controls": a["controls"] + 50})]
        if self.family == "time_to_event":
            found.append(("a quarter more follow-up", {"follow_up": 1.25 * a["follow_up"]}))
        if not a.get("baseline_correlation") and "control_rate" not in a and self.family not in RATIO_FAMILIES:
            found.append(("a baseline measurement that correlates 0.5", {"baseline_correlation": 0.5}))
        return found


def _more_groups(a: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    sizes = a["group_size"]
    typical = round(sum(sizes) / len(sizes))
    return [
        ("two more groups", {"group_size": (*sizes, typical, typical)}),
        ("five more members a group", {"group_size": tuple(m + 5 for m in sizes)}),
    ]


@dataclass(slots=True)
class _Assumed:
    """Assumptions as they are looked up, with the sentences that say where they come from."""

    spec: PlanSpec
    outcome: Outcome
    used: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left_aside: list[str] = field(default_factory=list)

    def value(self, key: str) -> float | None:
        """From the outcome's assume, or else from [design] assumptions."""
        own = getattr(self.outcome.assume, key, None)
        found = own if own is not None else getattr(self.spec.design.assumptions, key, None)
        return None if found is None else float(found)

    def icc(self) -> float:
        found = self.value("icc")
        if found is None:
            self.missing.append(f"intracluster correlation {DEFAULT_ICC:g} (icc; survey scales mostly .02 to .15)")
            return DEFAULT_ICC
        self.used.append(f"intracluster correlation {number(found)}")
        return found

    def attrition(self) -> float:
        found = self.value("attrition")
        if found is None:
            self.missing.append("nobody lost to follow-up (attrition)")
            return 0.0
        self.used.append(f"{percent(found)} lost to follow-up")
        return found

    def baseline(self) -> float | None:
        """Only where the outcome has a baseline, or says a correlation itself, and the estimator adjusts for it."""
        has = self.spec.baseline_column(self.outcome) is not None or self.outcome.assume.baseline_correlation is not None
        found = self.value("baseline_correlation")
        adjusts = self.spec.estimator_for(self.outcome) in ("ancova", "lin", "mixed", "aipw")
        if has and adjusts and found is not None:
            self.used.append(f"baseline correlation {number(found)}")
            return found
        if has and adjusts:
            self.missing.append("no gain from the baseline (baseline_correlation)")
        elif found is not None:
            why = "the outcome has no baseline" if not has else "the estimator does not adjust for it"
            self.left_aside.append(f"baseline correlation {number(found)}, because {why}")
        return None

    def leave_baseline_aside(self) -> None:
        found = self.value("baseline_correlation")
        if found is not None:
            self.left_aside.append(f"baseline correlation {number(found)}, because the formula of a ratio has none")

    def strata(self) -> float | None:
        """What the strata explain, where the outcome says it and the estimator adjusts for them."""
        found = self.value("strata_r2")
        if not found or self.spec.estimator_for(self.outcome) not in ("ancova", "lin", "mixed", "aipw"):
            return None
        self.used.append(f"strata that explain {percent(found)} of the variance")
        return found

    def take_up(self) -> float | None:
        found = self.value("take_up")
        if found is None and self.outcome.estimand.population == "compliers":
            self.missing.append("everyone takes up the offer (take_up)")
        if found is None or found == 1:
            return None
        self.used.append(f"{percent(found)} take up the offer")
        return found


def planned(spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], scale: Scale) -> Planned:
    """The power question of one outcome and one contrast (arm, reference)."""
    said = _Assumed(spec, outcome, list(scale.used), list(scale.missing))
    treated, controls = people_of(spec, pair)
    clustered_trial = spec.data.cluster is not None or "clustered" in spec.design.scheme
    grouped_arms = [arm for arm in pair if arm in spec.grouped_arms]
    if clustered_trial:
        family, sizes, words = _clustered(spec, pair, treated, controls)
    elif grouped_arms:
        family, sizes, words = _grouped(spec, said, pair, (treated, controls))
    else:
        family, sizes, words = (
            _ALONE[scale.kind],
            {"treated": treated, "controls": controls},
            _arms_words(treated, controls),
        )
    if family in ("clustered", "grouped"):
        sizes["icc"] = said.icc()
    in_clusters = family == "clustered"
    if scale.kind not in ("mean", "rate"):
        family = _ALONE[scale.kind]
    sizes["attrition"] = said.attrition()
    if family in RATIO_FAMILIES:
        said.leave_baseline_aside()
    baseline = None if family in RATIO_FAMILIES else said.baseline()
    if baseline is not None:
        sizes["baseline_correlation"] = baseline
    strata = None if in_clusters or family in RATIO_FAMILIES else said.strata()
    if strata is not None:
        sizes["strata_r2"] = strata
    take_up, on_compliers = said.take_up(), outcome.estimand.population == "compliers"
    if on_compliers and take_up is not None and family in ("ordinal", "time_to_event"):
        said.left_aside.append("take-up: the ratio is the one of everyone randomized, because no formula takes it to compliers")
        on_compliers = False
    if on_compliers and take_up is not None:
        sizes["take_up"] = take_up
    if family == "time_to_event":
        sizes = _followed(scale, sizes)
    alpha = 1 - spec.analysis.conf_level
    _ignored(spec, said, strata)
    given = {} if family == "time_to_event" else scale.arguments()
    arguments = {**given, **sizes, "alpha": round(alpha, 12)}
    used, missing, left_aside = (tuple(t) for t in (said.used, said.missing, said.left_aside))
    return Planned(family, arguments, words, arguments["alpha"], take_up, on_compliers, used, missing, left_aside, scale.falls)


def has_formula(question: Planned, scale: Scale) -> bool:
    """Whether the closed form is of this outcome: restricted mean times have none."""
    return scale.kind in ("mean", "rate") or (scale.ratio and question.family in RATIO_FAMILIES)


def _followed(scale: Scale, sizes: dict[str, Any]) -> dict[str, Any]:
    """Everyone enters at once and is followed up to the horizon; the share lost is lost at a constant rate.

    Weibull times of a shape are exponential on the scale of time to that power, with the same ratio of hazards.
    """
    median, horizon = (scale.given[k] ** scale.given.get("shape", 1.0) for k in ("control_median", "follow_up"))
    if "treated" in sizes:
        sizes = sizes | {"n": sizes["treated"] + sizes["controls"], "allocation": (sizes["treated"], sizes["controls"])}
        sizes = {k: v for k, v in sizes.items() if k not in ("treated", "controls")}
    dropout = -math.log(1 - sizes["attrition"]) / horizon
    kept = {k: v for k, v in sizes.items() if k != "attrition"}
    return {**kept, "control_median": median, "accrual": 0.0, "follow_up": horizon, "dropout": dropout}


def people_of(spec: PlanSpec, pair: tuple[str, str]) -> tuple[int, int]:
    """People of the two arms of a contrast, whole numbers."""
    units, weights = spec.design.units, spec.design.allocation
    assert units is not None
    total = sum(weights[a] for a in spec.arm_names)
    first, second = (round(units * weights[arm] / total) for arm in pair)
    if min(first, second) < 2:
        raise PlanError(f"[design] units = {units} leaves an arm with fewer than 2 people; power needs at least 2 in each.")
    return first, second


def _grouped(spec: PlanSpec, said: _Assumed, pair: tuple[str, str], people: tuple[int, int]) -> tuple[str, dict[str, Any], str]:
    """Groups in the arm, in the reference, or in both; single people are the controls whichever arm they are."""
    wished = _group_size(spec, said)
    sizes = {arm: _group_sizes(spec, n, wished) for arm, n in zip(pair, people) if arm in spec.grouped_arms}
    if len(sizes) == 2:
        first, second = sizes[pair[0]], sizes[pair[1]]
        arguments = {"group_size": first, "control_groups": len(second), "control_group_size": sum(second) / len(second)}
        return "grouped", arguments, f"{_groups_words(first)} against {_groups_words(second)}"
    alone = people[1] if pair[0] in sizes else people[0]
    groups = sizes[pair[0]] if pair[0] in sizes else sizes[pair[1]]
    return "grouped", {"group_size": groups, "controls": alone}, f"{_groups_words(groups)} and {plural(alone, 'control')}"


def sizes_of_groups(spec: PlanSpec, people: int) -> tuple[int, ...]:
    """Sizes of the groups of a grouped arm with this many people; groups of the usual size where the plan names none."""
    formation = spec.design.groups
    return _group_sizes(spec, people, DEFAULT_GROUP if formation is None else sum(formation.size) / 2)


def _group_size(spec: PlanSpec, said: _Assumed) -> float:
    """The middle of the planned range."""
    if spec.design.groups is None:
        said.missing.append(f"groups of {DEFAULT_GROUP} (design groups)")
        return float(DEFAULT_GROUP)
    low, high = spec.design.groups.size
    said.used.append(f"groups of {low} to {high}" if high > low else f"groups of {low}")
    return (low + high) / 2


def _group_sizes(spec: PlanSpec, people: int, wished: float) -> tuple[int, ...]:
    """Groups as near to the wished size as whole people allow, none more than one person larger than another."""
    count = round(people / wished)
    if count < 2:
        raise PlanError(
            f"[design] units = {spec.design.units} gives {people} people to a grouped arm: fewer than two groups of {size(wished)}, "
            "and with one group the effect cannot be told apart from the group. Plan for more people or smaller groups."
        )
    small, larger = divmod(people, count)
    return (small + 1,) * larger + (small,) * (count - larger)


def _groups_words(sizes: tuple[int, ...]) -> str:
    return f"{len(sizes)} groups of {sizes_words(sizes)}"


def _clustered(spec: PlanSpec, pair: tuple[str, str], treated: int, controls: int) -> tuple[str, dict[str, Any], str]:
    clusters = spec.design.clusters
    if clusters is None:
        raise PlanError(
            "[design] clusters is missing: whole clusters are randomized, so power needs their planned number, over all arms."
        )
    weights = spec.design.allocation
    total = sum(weights[a] for a in spec.arm_names)
    arms = tuple(max(round(clusters * weights[arm] / total), 1) for arm in pair)
    if min(arms) < 2:
        raise PlanError(
            f"[design] clusters = {clusters} leaves an arm with fewer than 2 clusters; power needs at least 2 in each."
        )
    m = (treated + controls) / sum(arms)
    words = f"{arms[0]} and {arms[1]} clusters of {size(m)} people"
    return "clustered", {"clusters": sum(arms), "allocation": arms, "cluster_size": m}, words


def _arms_words(treated: int, controls: int) -> str:
    return (
        f"{size(treated)} people per arm"
        if treated == controls
        else f"{size(treated)} treated people and {size(controls)} controls"
    )


def _ignored(spec: PlanSpec, said: _Assumed, strata: float | None) -> None:
    """What the formulas do not use."""
    if strata is None and (spec.data.strata or spec.design.scheme in ("stratified", "stratified_clustered")):
        said.left_aside.append("what strata explain")
    if spec.design.scheme in ("matched_pairs", "rerandomized", "minimization"):
        said.left_aside.append(f"what the {spec.design.scheme.replace('_', ' ')} design gains")
    covariates = [c for c in spec.adjust_for(said.outcome) if c != spec.baseline_column(said.outcome)]
    if covariates:
        said.left_aside.append("what other covariates explain")
