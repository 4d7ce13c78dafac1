"""Ordered categories (ratings): the proportional-odds model, and with it the Wilcoxon test and win odds.

With mean category shares pbar over the arms, the log odds ratio has variance 3 / (q(1-q) n (1 - sum pbar^3)) (Whitehead 1993). pbar depends on the odds
ratio: the treated's cumulative odds are those of the controls divided by it. People in groups or clusters:
ratio_designs.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Alternative
from trialkit.misuse import explained
from trialkit.power.arguments import Pair, Side, TakeUp, Test, both_arms, optional, real, said, side_of
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
from trialkit.power.families.ratio_scales import Ordered, shifted
from trialkit.power.result import PowerResult
from trialkit.power.words import number, percent
from trialkit.results import Note

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", *GROUP_SIZES, *CLUSTER_SIZES, "allocation")


@explained
def ordinal(
    *,
    odds_ratio: float | None = None,
    control_shares: Sequence[float],
    power: float | None = None,
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
) -> PowerResult:
    """Power, detectable odds ratio or number of people for an ordered outcome.

    Parameters
    ----------
    odds_ratio : odds of a higher category among the treated by those of the controls, the same at every cut; above 1 is higher.
    control_shares : shares of the categories in the control arm, lowest first, adding up to 1.
    n_per_arm, n, treated, controls, allocation, alpha, alternative, attrition : as in `individual`.
    groups, group_size, control_groups, control_group_size : people treated in groups (against `controls`, or groups of another kind), as in `grouped`;
        clusters, cluster_size, size_cv : whole clusters randomized, as in `clustered`. Both need `icc`, that of the people's ranks,
        and are tested by t on the log scale.

    ratio_side : when the ratio is looked for, 'above' (default) or 'below' 1; a one-sided alternative says so itself.

    Returns
    -------
    PowerResult
        `.odds_ratio .win_odds .treated_shares .n_per_arm .n .std_error` (of the log odds ratio).

    Raises
    ------
    UsageError, NoSolutionError
        Shares that do not add up to 1, a ratio of 1, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.ordinal(odds_ratio=1.8, control_shares=[0.2, 0.5, 0.2, 0.1], power=0.8)
    >>> round(found.n_per_arm, 1), round(found.win_odds, 2)
    (155.6, 1.41)
    """
    inputs = said(locals())
    test = Test.checked(alpha, alternative)
    control = shares_of(control_shares)
    ratio = optional("odds_ratio", odds_ratio, above=0)
    if ratio == 1:
        raise UsageError("odds_ratio=1 is no effect: nothing detects it. Give the ratio nearest to 1 that would matter.")
    asked = RatioQuestion(
        function="ordinal",
        ratio_name="odds_ratio",
        scale=Ordered(control),
        log_ratio=None if ratio is None else math.log(ratio),
        power=test.target(power),
        sizes={k: inputs.get(k) for k in SIZE_ARGUMENTS if k != "allocation"},
        icc=icc,
        control_icc=control_icc,
        size_cv=size_cv,
        allocation=allocation,
        attrition=both_arms("attrition", attrition, at_least=0, below=1),
        take_up=TakeUp.checked(1.0, "assigned"),
        test=test,
        direction=side_of(ratio_side) if alternative == "two-sided" else None,
    )
    only_with_groups(design_of(asked.sizes), {"icc": icc, "control_icc": control_icc, "size_cv": size_cv or None})
    words = (f"control shares {', '.join(percent(s) for s in control)}",)
    if design_of(asked.sizes) == "people":
        found = ratio_of_people(asked, inputs=inputs, assumptions=words, method="proportional odds")
    else:
        found = ratio_in_design(asked, inputs=inputs, assumptions=words)
    shown, moved = math.exp(found.effect), shifted(control, found.effect)
    better = float(moved @ (np.cumsum(control) - control / 2))
    if found.treated is not None and min(found.treated, found.controls or math.inf) < 120:
        text = "the normal formula for ordered categories is up to .013 off (mostly too high) at 60 people per arm and .009 at 150, for Wilcoxon's test as well."
        found = replace(found, notes=(*found.notes, Note("normal_formula", text)))
    return found.with_details(
        odds_ratio=shown, effect=shown, effect_assigned=found.effect, win_odds=better / (1 - better), treated_shares=tuple(float(v) for v in moved),
        effect_words=f"an odds ratio of {number(shown)} (win odds {number(better / (1 - better))})",
    )  # fmt: skip


def shares_of(values: Any) -> FloatArray:
    if not isinstance(values, (list, tuple, np.ndarray)) or len(values) < 2:
        raise UsageError("control_shares must list the shares of two or more categories, lowest first.")
    found = np.asarray([real("control_shares", v, at_least=0, below=1) for v in values])
    if abs(found.sum() - 1) > 1e-6:
        raise UsageError(f"control_shares add up to {found.sum():g}; they must add up to 1.")
    return found / found.sum()


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    return design_improvements(arguments) or [
        ("ten more people per arm", {k: arguments[k] + 10 for k in ("treated", "controls")})
    ]
