"""Counts (contacts, applications): the ratio of two rates, Poisson or overdispersed.

log RR has variance (1/muT + k)/nT + (1/muC + k)/nC, mu the expected count of a person and k the negative binomial's dispersion (Var = mu + k mu^2);
with a quasi-Poisson factor f (Var = f mu) it is f/(mu n). The test is Wald's on the log scale. Source: Zhu & Lakkis (2014), variance under the
alternative. People in groups or clusters: ratio_designs.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Alternative
from trialkit.misuse import explained
from trialkit.power.arguments import EffectOn, Pair, Side, TakeUp, Test, both_arms, optional, real, said, side_of
from trialkit.power.families.ratio_designs import (
    CLUSTER_SIZES,
    GROUP_SIZES,
    RatioQuestion,
    design_improvements,
    design_of,
    only_with_groups,
    ratio_in_design,
    ratio_of_people,
)
from trialkit.power.families.ratio_scales import Counts
from trialkit.power.mean_model import only_one
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent
from trialkit.results import Note

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", *GROUP_SIZES, *CLUSTER_SIZES, "allocation")


@explained
def count(
    *,
    rate_ratio: float | None = None,
    control_mean: float,
    power: float | None = None,
    dispersion: float | None = None,
    variance_ratio: float | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    groups: float | None = None,
    group_size: float | Sequence[float] | None = None,
    control_groups: float | None = None,
    control_group_size: float | None = None,
    clusters: float | None = None,
    cluster_size: float | Sequence[Sequence[float]] | None = None,
    icc: float | None = None,
    control_icc: float | None = None,
    size_cv: float = 0.0,
    allocation: Pair | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    ratio_side: Side | None = None,
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable rate ratio or number of people for a count.

    Parameters
    ----------
    rate_ratio : mean count of the treated by that of the controls. control_mean : expected count of a control over the follow-up.
    dispersion : k of the negative binomial, Var = mu + k mu^2; or variance_ratio : Var / mu, the same in both arms. Unsaid: Poisson.
    n_per_arm, n, treated, controls, allocation, alpha, alternative, attrition : as in `individual`; 'greater' looks for ratios above 1.
    groups, group_size, control_groups, control_group_size : people treated in groups (against `controls`, or groups of another kind), as in `grouped`;
        clusters, cluster_size, size_cv : whole clusters randomized, as in `clustered`. Both need `icc`, the share of the variance of a person's count between groups,
        and are tested by t on the log scale.
    take_up, effect_on : as in `individual`. With 'compliers' the ratio is theirs, and that of everyone assigned is that of the means,
        (1 + t (ratio - 1))/(1 + c (ratio - 1)), t and c the shares that take part: people who do and who do not count the same without the programme.

    ratio_side : when the ratio is looked for, 'above' (default) or 'below' 1; a one-sided alternative says so itself.

    Returns
    -------
    PowerResult
        `.rate_ratio .n_per_arm .n .std_error` (of the log ratio), and `.groups .clusters .df` where people meet in them.

    Raises
    ------
    UsageError, NoSolutionError
        A ratio of 1, two ways of saying the spread, or no size that reaches the power.

    Examples
    --------
    >>> round(tk.power.count(rate_ratio=1.3, control_mean=4, dispersion=0.5, power=0.8).n_per_arm, 1)
    164.5
    """
    inputs = said(locals())
    test, uptake = Test.checked(alpha, alternative), TakeUp.checked(take_up, effect_on)
    only_one("how counts spread", {"dispersion": dispersion, "variance_ratio": variance_ratio})
    scale = Counts(
        real("control_mean", control_mean, above=0),
        real("dispersion", dispersion or 0.0, at_least=0),
        real("variance_ratio", variance_ratio or 1.0, above=0),
    )
    ratio = optional("rate_ratio", rate_ratio, above=0)
    if ratio == 1:
        raise UsageError("rate_ratio=1 is no effect: nothing detects it. Give the ratio nearest to 1 that would matter.")
    lost = both_arms("attrition", attrition, at_least=0, below=1)
    asked = RatioQuestion(
        function="count",
        ratio_name="rate_ratio",
        scale=scale,
        log_ratio=None if ratio is None else math.log(_on_assigned(ratio, uptake)),
        power=test.target(power),
        sizes={k: inputs.get(k) for k in SIZE_ARGUMENTS if k != "allocation"},
        icc=icc,
        control_icc=control_icc,
        size_cv=size_cv,
        allocation=allocation,
        attrition=lost,
        take_up=TakeUp.checked(1.0, "assigned"),
        test=test,
        direction=side_of(ratio_side) if alternative == "two-sided" else None,
    )
    only_with_groups(design_of(asked.sizes), {"icc": icc, "control_icc": control_icc, "size_cv": size_cv or None})
    words = (f"{number(scale.control_mean)} expected in the control arm", _spread_words(scale.dispersion, scale.variance_ratio))
    if design_of(asked.sizes) == "people":
        found = ratio_of_people(
            asked,
            inputs=inputs,
            assumptions=words,
            method="Wald test of the log rate ratio",
            more={"control_mean": scale.control_mean},
        )
    else:
        found = ratio_in_design(asked, inputs=inputs, assumptions=words)
    if design_of(asked.sizes) == "people" and min(found.treated or math.inf, found.controls or math.inf) < 100:
        text = "the normal formula for counts is up to .012 off (mostly too low) at 60 people per arm and .008 at 150."
        found = replace(found, notes=(*found.notes, Note("normal_formula", text)))
    return _as_ratio(found, uptake)


def _on_assigned(ratio: float, uptake: TakeUp) -> float:
    """Ratio of the means of everyone assigned."""
    if uptake.effect_on == "assigned":
        return ratio
    return (1 + uptake.treated * (ratio - 1)) / (1 + uptake.control * (ratio - 1))


def _on_compliers(ratio: float, uptake: TakeUp) -> float:
    """The ratio among those who take part that makes this one among everyone assigned."""
    room = uptake.treated - uptake.control * ratio
    found = 1 + (ratio - 1) / room if room > 0 else math.inf
    if not 0 < found < math.inf:
        raise NoSolutionError(
            f"a rate ratio of {number(ratio)} on everyone assigned is needed, and with take_up=({uptake.treated:g}, {uptake.control:g}) no ratio among "
            "those who take part brings it about. Plan for more people, or for more of them taking part."
        )
    return found


def _as_ratio(found: PowerResult, uptake: TakeUp) -> PowerResult:
    assigned = math.exp(found.effect)
    if uptake.difference == 1:
        stated, words = assigned, None
    elif uptake.effect_on == "assigned":
        stated, among = assigned, number(_on_compliers(assigned, uptake))
        words = f"{_part(uptake)}; the ratio is the one of everyone assigned, {among} among those who do"
    else:
        stated = _on_compliers(assigned, uptake)
        words = f"{_part(uptake)}; the ratio is the one among those who do, {number(assigned)} of everyone assigned"
    more = () if words is None else (words,)
    return found.with_details(
        rate_ratio=stated,
        effect=stated,
        effect_assigned=math.log(assigned),
        effect_words=f"a rate ratio of {number(stated)}",
        assumptions=(*found.assumptions, *more),
    )


def _part(uptake: TakeUp) -> str:
    control = f" and {percent(uptake.control)} of the control arm" if uptake.control else ""
    return f"{percent(uptake.treated)} of the treated arm{control} take part"


def _spread_words(k: float, factor: float) -> str:
    if k:
        return f"negative binomial with dispersion {number(k)}"
    return "Poisson" if factor == 1 else f"a variance {number(factor)} times the mean"


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found = design_improvements(arguments)
    if not found:
        found = [("ten more people per arm", {k: arguments[k] + 10 for k in ("treated", "controls")})]
    return [*found, ("a follow-up twice as long", {"control_mean": 2 * arguments["control_mean"]})]
