"""Groups in one arm: the treated meet in groups, the controls stand alone. The default of group-based programmes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Alternative
from trialkit.misuse import explained
from trialkit.power.arguments import (
    EffectOn,
    Pair,
    Reference,
    Standardizer,
    TakeUp,
    Test,
    attrition_words,
    both_arms,
    choice,
    left_out,
    optional,
    real,
    said,
    shares,
    strata_words,
    with_strata,
)
from trialkit.power.assemble import assemble
from trialkit.power.families.grouped_limits import explanation
from trialkit.power.families.grouped_model import Components, Grouped, Rates, sizes_words
from trialkit.power.families.individual import baseline_words, standardized
from trialkit.power.gains import better_baseline
from trialkit.power.model import Sizes, Unknown
from trialkit.power.result import PowerResult
from trialkit.power.solve import Solution, solve
from trialkit.power.words import number, percent
from trialkit.results import Note

GroupedMethod: TypeAlias = Literal["exact", "satterthwaite"]

SIZE_ARGUMENTS = ("groups", "group_size", "controls", "control_groups", "control_group_size", "allocation")
_NOTES = {
    "unequal_sizes": "groups differ in size: the formula is within .003 of REML; an analysis of unweighted group means has about .01 less power.",
    "ancova_optimistic": "with a baseline the formula is up to .004 too high, because the slope is estimated.",
    "attrition_optimistic": "random drop-out makes group sizes differ; the formula is up to .007 too high at a quarter lost.",
    "binary_groups_optimistic": "for a rate the formula is up to .012 too high from 12 groups on and up to .03 at 6: group variances follow group rates.",
    "normal_formula": "the normal formula ignores that few groups estimate their variance poorly; it is too high.",
    "plugin_df": "with fewer than 10 groups the plug-in df is optimistic (.01 to .035 at 3 groups); method='exact' is right.",
    "more_controls_lose": "more controls would lower power here: the degrees of freedom fall towards groups - 1.",
}
_METHOD_WORDS = {"exact": "exact over the variance ratio", "satterthwaite": "plug-in Satterthwaite df"}


@explained
def grouped(
    *,
    effect: float | None = None,
    power: float | None = None,
    groups: float | None = None,
    group_size: float | Sequence[float] | None = None,
    controls: float | None = None,
    icc: float | None = None,
    sd: Pair = 1.0,
    var_group: float | None = None,
    var_resid: float | None = None,
    var_control: float | None = None,
    control_rate: float | None = None,
    control_groups: float | None = None,
    control_group_size: float | None = None,
    control_icc: float | None = None,
    allocation: Pair | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    method: GroupedMethod = "exact",
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
    baseline_correlation: float | None = None,
    strata_r2: float | None = None,
    standardizer: Standardizer | None = None,
) -> PowerResult:
    """Power, detectable effect, number of groups, group size or number of controls when one arm is treated in groups.

    Parameters
    ----------
    effect : difference in means in the units of `sd`, or in rates with `control_rate`.
    groups, group_size : groups in the treated arm and people in each; `group_size` may list the size of every group.
    controls : single controls; or `allocation` (treated, control) ties their number to groups x group_size.
    icc : share of the treated arm's variance that lies between groups.
    sd : total SD, or (treated, control).
    var_group, var_resid, var_control : variance components instead of `icc` and `sd`.
    control_rate : share with the outcome in the control arm; makes `effect` a risk difference.
    control_groups, control_group_size, control_icc : controls in groups of their own (ICC unsaid: the same).
    method : "exact" (default) integrates over the distribution of the variance ratio; "satterthwaite" plugs in the df at the
        population values and is .01-.03 too high with 3 groups. test="z" is the normal formula, for comparison only.
    attrition : share lost; shrinks the groups and the controls, never the number of groups.
    baseline_correlation : r of a baseline taken before the groups met: var_resid' = var_resid - r^2 var_control,
        var_control' = var_control (1 - r^2), var_group unchanged. For a rate both arms keep 1 - r^2 of their individual variance.
    strata_r2 : share of a control's variance between the strata of the randomization, which precede the groups: it is removed like that of
        a baseline, and `baseline_correlation` is then the one within strata.
    alpha, alternative, test, take_up, effect_on : as in `individual`.
    standardizer : SD that `effect_standardized` divides by: "control" (default when the SDs differ), "treated" or "pooled".

    Returns
    -------
    PowerResult
        `.power .effect .groups .group_size .controls .df .std_error .gains`.

    Raises
    ------
    UsageError
        An argument out of its bounds, a variance said twice or not at all, or not exactly one argument left out.
    NoSolutionError
        No size reaches the power; the text names the bound. With few groups power is not monotone in `controls`: the smallest
        solution is given, and a note tells the other.

    Notes
    -----
    Source: Roberts & Roberts (2005); Satterthwaite (1946); the exact power is that of Welch's test on group means and controls.

    Examples
    --------
    >>> found = tk.power.grouped(effect=0.5, groups=10, group_size=10, controls=78, icc=0.1)
    >>> round(found.power, 5), round(found.df, 1)
    (0.76533, 24.0)
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    choice("method", method, GroupedMethod)
    baseline = optional("baseline_correlation", baseline_correlation, above=-1, below=1)
    r = with_strata(strata_r2, baseline)
    in_groups = control_groups is not None or control_group_size is not None
    groups, group_size, listed = sizes_of_groups(group_size, groups)
    model = Grouped(
        outcome=_outcome(icc, sd, (var_group, var_resid, var_control), control_rate, control_icc, in_groups, r),
        attrition=both_arms("attrition", attrition, at_least=0, below=1),
        listed=listed,
        control_grouped=in_groups,
        exact=method == "exact",
        test=checked,
    )
    wished, effect = checked.target(power), optional("effect", effect)
    counts = {
        "groups": groups,
        "group_size": group_size,
        "controls": controls,
        "control_groups": control_groups,
        "control_group_size": control_group_size,
    }
    solved_for, known, unknown = asked_groups("grouped", model, counts, allocation, effect, wished)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    return assemble(
        "grouped",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else _METHOD_WORDS[method],
        standardized=_standardized(model, solution.effect, uptake.dilution, standardizer, r),
        assumptions=[*_assumptions(model, solution.effect * uptake.dilution, r, baseline), strata_words(strata_r2)],
        notes=_notes(model, solution, solution.effect * uptake.dilution, r, solved_for),
    )


def _outcome(
    icc: float | None,
    sd: Pair,
    variances: tuple[float | None, float | None, float | None],
    control_rate: float | None,
    control_icc: float | None,
    in_groups: bool,
    r: float | None,
) -> Components | Rates:
    """Variances from whichever way they were said."""
    if any(v is not None for v in variances):
        return _said_variances(icc, sd, variances, control_rate, control_icc, in_groups).less_baseline(r)
    if icc is None:
        raise UsageError(
            "icc is missing: the share of the variance between groups (survey scales mostly .02 to .15). Give icc, or var_group, var_resid and var_control."
        )
    share = real("icc", icc, at_least=0, at_most=1)
    control_share = (
        real("control_icc", share if control_icc is None else control_icc, at_least=0, at_most=1) if in_groups else 0.0
    )
    if control_rate is not None:
        return Rates(real("control_rate", control_rate, above=0, below=1), share, control_share, 1 - (r or 0.0) ** 2)
    treated, control = (s**2 for s in both_arms("sd", sd, above=0))
    return Components(
        share * treated, (1 - share) * treated, control_share * control, (1 - control_share) * control
    ).less_baseline(r)


def _said_variances(
    icc: float | None,
    sd: Pair,
    variances: tuple[float | None, float | None, float | None],
    control_rate: float | None,
    control_icc: float | None,
    in_groups: bool,
) -> Components:
    names = ("var_group", "var_resid", "var_control")
    missing = [n for n, v in zip(names, variances) if v is None]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} missing: the three variances var_group, var_resid and var_control belong together."
        )
    if icc is not None or control_rate is not None or sd != 1.0:
        raise UsageError(
            "variances are said twice: give var_group, var_resid and var_control, or icc and sd, or icc and control_rate."
        )
    if in_groups and control_icc is None:
        raise UsageError("control_icc is missing: it splits var_control between and within control groups.")
    group, resid, control = (real(n, v, at_least=0) for n, v in zip(names, variances))
    real("var_resid", resid, above=0)
    real("var_control", control, above=0)
    share = real("control_icc", control_icc, at_least=0, at_most=1) if in_groups else 0.0
    return Components(group, resid, share * control, (1 - share) * control)


def sizes_of_groups(group_size: Any, groups: float | None) -> tuple[float | None, float | None, tuple[float, ...] | None]:
    """(groups, group_size, the size of every group where they differ); a list of equal sizes is one size."""
    listed = _listed(group_size, groups)
    if listed is None:
        return groups, group_size, None
    if min(listed) == max(listed):
        return float(len(listed)), listed[0], None
    return float(len(listed)), None, listed


def _listed(group_size: Any, groups: float | None) -> tuple[float, ...] | None:
    """The size of every group, when they were listed."""
    if not isinstance(group_size, (list, tuple, np.ndarray)):
        return None
    if len(group_size) < 2:
        raise UsageError("group_size lists fewer than 2 groups: with one group the effect cannot be told apart from the group.")
    if groups is not None and groups != len(group_size):
        raise UsageError(f"groups={groups:g}, but group_size lists {len(group_size)} groups. Leave out groups.")
    return tuple(real("group_size", m, at_least=1) for m in group_size)


def asked_groups(
    function: str,
    model: Grouped,
    counts: dict[str, Any],
    allocation: Pair | None,
    effect: float | None,
    power: float | None,
) -> tuple[str, Sizes | None, Unknown | None]:
    """The argument to solve for, with all sizes or the unknown one."""
    listed = model.listed
    sides = ("control_groups", "control_group_size") if model.control_grouped else ("controls",)
    if model.control_grouped and counts["controls"] is not None:
        raise UsageError("controls are single people; with control_groups and control_group_size leave controls out.")
    fewest = {
        "groups": 2.0,
        "group_size": 1.0 if listed is not None else 1 / (1 - model.attrition[0]),
        "controls": 2 / (1 - model.attrition[1]),
        "control_groups": 2.0,
        "control_group_size": 1 / (1 - model.attrition[1]),
    }
    sizes = {
        k: optional(k, counts[k], at_least=1.0 if k.endswith("size") else fewest[k]) for k in ("groups", "group_size", *sides)
    }
    if listed is not None:
        del sizes["group_size"]
    tie = _tie(model, sizes, allocation)
    name = left_out(function, effect, power, {k: v is not None for k, v in sizes.items()})
    fixed = {k: v for k, v in sizes.items() if v is not None}
    if name in ("effect", "power"):
        return name, tie(fixed), None

    def at(x: Any) -> Sizes:
        return tie({**fixed, name: float(x) if np.ndim(x) == 0 else x})

    return name, None, Unknown(name, fewest[name], at, explanation(model, name, fixed, tie))


def _tie(model: Grouped, sizes: dict[str, float | None], allocation: Pair | None) -> Any:
    """Controls that follow the treated when `allocation` ties them; `sizes` loses its controls then."""
    if allocation is None:
        return lambda found: found
    shares(allocation)
    ratio = float(allocation[1]) / float(allocation[0])  # type: ignore[index]
    if model.control_grouped or sizes.get("controls") is not None:
        raise UsageError(
            "allocation ties the number of controls to the treated: leave out controls (and control_groups), or allocation."
        )
    del sizes["controls"]
    people = None if model.listed is None else sum(model.listed)

    def tied(found: Sizes) -> Sizes:
        n = people if people is not None else found["groups"] * found["group_size"]
        return {**found, "controls": n * ratio}

    return tied


def _standardized(
    model: Grouped, effect: float, dilution: float, standardizer: Standardizer | None, r: float | None
) -> tuple[float, str]:
    """Raw SDs are the standardizers: what a baseline removed is added again."""
    if isinstance(model.outcome, Rates):
        q = model.outcome.control_rate
        return 2 * math.asin(math.sqrt(q + effect * dilution)) - 2 * math.asin(math.sqrt(q)), "Cohen's h"
    assert isinstance(model.outcome, Components)
    return standardized(effect, _raw_sd(model.outcome, r), standardizer)


def _raw_sd(c: Components, r: float | None) -> tuple[float, float]:
    removed = c.control_resid * (r or 0.0) ** 2 / (1 - (r or 0.0) ** 2)
    # equal SDs stay equal: the sum of components may differ in its last digit
    return round(math.sqrt(c.treated + removed), 12), round(math.sqrt(c.control + removed), 12)


def _assumptions(model: Grouped, effect: float, r: float | None, baseline: float | None) -> list[str | None]:
    c = model.components(effect)
    if isinstance(model.outcome, Rates):
        rate = model.outcome.control_rate
        outcome = f"{percent(rate)} with the outcome in the control arm, {percent(rate + effect)} in the treated"
        icc, control_icc = model.outcome.icc, model.outcome.control_icc
    else:
        sd = _raw_sd(c, r)
        outcome = (
            f"SD {number(sd[0])} in both arms"
            if sd[0] == sd[1]
            else f"SD {number(sd[0])} in the treated and {number(sd[1])} in the control arm"
        )
        icc, control_icc = c.group / sd[0] ** 2, c.control_group / sd[1] ** 2
    alone = f"{number(control_icc)} between control groups" if model.control_grouped else "controls stand alone"
    return [
        outcome,
        f"intracluster correlation {number(icc)} in the treated arm; {alone}",
        f"group sizes {sizes_words(model.listed)}" if model.listed is not None else None,
        baseline_words(baseline) + (", taken before the groups met" if baseline else ""),
        attrition_words(model.attrition),
    ]


def _notes(model: Grouped, solution: Solution, effect: float, r: float | None, solved_for: str) -> list[Note]:
    """What simulation says of the formula (docs/calibration/power.csv), and where more controls would cost power."""
    normal = model.test.reference == "z"
    applies = {
        "unequal_sizes": model.listed is not None,
        "ancova_optimistic": bool(r),
        "attrition_optimistic": any(model.attrition),
        "binary_groups_optimistic": isinstance(model.outcome, Rates),
        "normal_formula": normal,
        "plugin_df": not normal and not model.exact and solution.sizes["groups"] < 10,
        "more_controls_lose": solved_for != "controls" and not model.control_grouped and _controls_cost(model, solution, effect),
    }
    return [Note(code, _NOTES[code]) for code, true in applies.items() if true]


def _controls_cost(model: Grouped, solution: Solution, effect: float) -> bool:
    more = {**solution.sizes, "controls": 1.1 * solution.sizes["controls"]}
    return float(model.tails(effect, more).power) < solution.power - 1e-9


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found: list[tuple[str, dict[str, Any]]] = []
    m = arguments["group_size"]
    if isinstance(m, tuple):
        found.append(("one more group", {"group_size": (*m, round(sum(m) / len(m)))}))
        found.append(("one more member per group", {"group_size": tuple(k + 1 for k in m)}))
    else:
        found.append(("one more group", {"groups": arguments["groups"] + 1}))
        found.append(("one more member per group", {"group_size": m + 1}))
    if "controls" in arguments:
        found.append(("ten more controls", {"controls": arguments["controls"] + 10}))
    else:
        found.append(("one more control group", {"control_groups": arguments["control_groups"] + 1}))
    return [*found, better_baseline(arguments)]
