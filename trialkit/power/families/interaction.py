"""Does the effect differ between kinds of people? Treatment by moderator, in individual and cluster-randomized trials.

With q the treated share, s the share of the subgroup, s2_m the variance of a continuous moderator:

    people         V = sd^2 / (n q(1-q) s(1-s)),  continuous sd^2 / (n q(1-q) s2_m),                 df n - 4
    clusters, moderator within them    V = (1-icc) sd^2 / (q(1-q) s(1-s) J n),                        df J n - J - 2
    clusters, moderator of clusters    V = (icc + (1-icc)/n) sd^2 / (q(1-q) s(1-s) J),                df J - 4
    K groups of m in one arm           V = sd^2 {1/(K [(m-1)/(1-icc) + 1/(1-icc + m icc)]) + 1/nC} / (s(1-s)),   Satterthwaite

In groups the moderator is one of people who meet at random: m - 1 of m parts of its variance lie within groups, where no group effect disturbs, and one
part between them (generalized least squares of both). Groups exist in the treated arm only, so that a moderator of groups has no counterpart.

The interaction of two halves has twice the standard error of the main effect. Source: Dong, Kelcey & Spybrook (2018), whose J - 5 for a
cluster-level moderator counts one parameter too many.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.grouped_power import satterthwaite_df
from trialkit.inference.power.noncentral import Alternative, t_power
from trialkit.misuse import explained
from trialkit.power.arguments import EffectOn, Pair, Reference, TakeUp, Test, both_arms, choice, optional, real, said, shares
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import MeanModel, all_rounded_up, asked_sizes, only_one
from trialkit.power.model import Sizes
from trialkit.power.random_designs import moderator_note
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural, size
from trialkit.results import Note

ModeratorLevel: TypeAlias = Literal["individual", "cluster", "group"]

SIZE_ARGUMENTS = ("n", "clusters", "cluster_size", "groups", "group_size", "controls")


@explained
def interaction(
    *,
    effect: float | None = None,
    power: float | None = None,
    n: float | None = None,
    clusters: float | None = None,
    cluster_size: float | None = None,
    groups: float | None = None,
    group_size: float | None = None,
    controls: float | None = None,
    icc: float | None = None,
    moderator_share: float | None = None,
    moderator_sd: float | None = None,
    moderator_level: ModeratorLevel = "individual",
    sd: float = 1.0,
    individual_r2: float = 0.0,
    cluster_r2: float = 0.0,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: float = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable difference of effects, or size for a treatment by moderator interaction.

    Parameters
    ----------
    effect : difference between the effects in the two kinds of people, or per unit of a continuous moderator, in units of `sd`.
    n : people in total; or `clusters` and `cluster_size` when clusters are randomized; or `groups`, `group_size` and `controls` when the treated
        meet in groups (both with `icc`).
    moderator_share : share of people (or clusters) with the moderator; unsaid one half. moderator_sd : of a continuous one, instead.
    moderator_level : 'individual' (varies within clusters and groups) or 'cluster'. A moderator of groups is refused: controls have no groups.
    sd : residual SD (total SD with clusters). individual_r2, cluster_r2 : shares explained by covariates.
    allocation, alpha, alternative, test, take_up, effect_on : as in `individual`. attrition : share lost.

    Returns
    -------
    PowerResult
        `.n .df .std_error .main_effect_power`: the power for a main effect of the same raw size.

    Raises
    ------
    UsageError, NoSolutionError
        Two ways of saying the size or the moderator, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.interaction(effect=0.5, n=200)
    >>> round(found.power, 4), round(found.main_effect_power, 4)
    (0.4205, 0.9404)
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    only_one("what the moderator is", {"moderator_share": moderator_share, "moderator_sd": moderator_sd})
    level = choice("moderator_level", moderator_level, ModeratorLevel)
    p, q = shares(allocation)
    left = 1 - both_arms("attrition", attrition, at_least=0, below=1)[0]
    spread = real("sd", sd, above=0)
    if moderator_sd is not None:
        scatter = real("moderator_sd", moderator_sd, above=0) ** 2
    else:
        share = real("moderator_share", 0.5 if moderator_share is None else moderator_share, above=0, below=1)
        scatter = share * (1 - share)
    r1, r2 = real("individual_r2", individual_r2, at_least=0, below=1), real("cluster_r2", cluster_r2, at_least=0, below=1)
    in_groups = any(k is not None for k in (groups, group_size, controls))
    by_cluster = not in_groups and (clusters is not None or cluster_size is not None or icc is not None)
    if level == "group":
        raise UsageError(
            "moderator_level='group': groups exist in the treated arm only, so that controls have no such moderator and no interaction can be estimated. "
            "Compare groups of two kinds instead: tk.power.grouped with control_groups and control_group_size."
        )
    if in_groups:
        if n is not None or clusters is not None or cluster_size is not None or level == "cluster" or tuple(allocation) != (1, 1):  # type: ignore[arg-type]
            raise UsageError("with groups in one arm say groups, group_size, controls and icc, and no n, clusters or allocation.")
        if icc is None:
            raise UsageError("icc is missing: the share of the variance between groups. Say icc=0.05, or 0 for none.")
        rho = real("icc", icc, at_least=0, below=1)
        if r2:
            raise UsageError("cluster_r2 belongs to clusters; covariates measured before the groups met explain individual_r2.")
        given = {"groups": groups, "group_size": group_size, "controls": controls}
        lowest = {"groups": 2.01, "group_size": 2 / left, "controls": 3.01 / left}
    elif by_cluster:
        if n is not None:
            raise UsageError("with clusters say clusters and cluster_size, not n.")
        rho = real("icc", 0.0 if icc is None else icc, at_least=0, at_most=1)
        given, lowest = {"clusters": clusters, "cluster_size": cluster_size}, {"clusters": 4.01, "cluster_size": 1.0}
        if icc is None:
            raise UsageError("with clusters the icc is needed: say icc=0.05, or 0 for none.")
    else:
        if level == "cluster":
            raise UsageError("moderator_level='cluster' needs clusters, cluster_size and icc.")
        rho = 0.0
        given, lowest = {"n": n}, {"n": 4.01 / left}

    def variances(x: Sizes) -> tuple[Any, Any, Any]:
        """Of the interaction, of the main effect in the same model, and the df."""
        if in_groups:
            return _in_groups(x, rho, spread**2, r1, scatter, left)
        if not by_cluster:
            people = np.asarray(x["n"]) * left
            main = spread**2 * (1 - r1) / (p * q * people)
            return main / scatter, main, people - 4
        J, m = np.asarray(x["clusters"]), np.asarray(x["cluster_size"]) * left
        mean = spread**2 * (rho * (1 - r2) + (1 - rho) * (1 - r1) / m) / (p * q * J)
        if level == "cluster":
            return mean / scatter, mean, J - 4
        return spread**2 * (1 - rho) * (1 - r1) / (p * q * scatter * J * m), mean, J * m - J - 2

    def fields(x: Sizes) -> dict[str, Any]:
        found = {k: float(v) for k, v in x.items()}
        if in_groups:
            return found | {"n": found["groups"] * found["group_size"] + found["controls"]}
        return found | {"n": float(np.prod(list(found.values())))}

    model = MeanModel(lambda x, _: variances(x)[::2], checked, _words, fields, all_rounded_up, dict)
    wished, effect = checked.target(power), optional("effect", effect)
    solved_for, known, unknown = asked_sizes("interaction", given, lowest, effect=effect, power=wished)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    _, main, df = variances(solution.sizes)
    main_df = math.inf if test == "z" else float(df)
    if in_groups and test != "z":
        main_df = _main_df(solution.sizes, rho, r1, left)
    elif by_cluster and test != "z":
        # a moderator within clusters takes no degree of freedom from the comparison of their means
        main_df = float(solution.sizes["clusters"]) - (4 if level == "cluster" else 2)
    main_power = t_power(ncp=solution.effect * uptake.dilution / math.sqrt(float(main)), df=main_df, alpha=checked.alpha, alternative=checked.alternative)  # fmt: skip
    found = assemble(
        "interaction",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else "difference of effects",
        standardized=(solution.effect / spread, "the total SD" if by_cluster or in_groups else "the residual SD"),
        assumptions=(
            f"a moderator with SD {number(moderator_sd)}" if moderator_sd is not None else f"{percent(share)} have the moderator",
            f"intracluster correlation {number(rho)}" if by_cluster or in_groups else None,
            "groups formed without regard to the moderator; controls stand alone" if in_groups else None,
            f"{percent(1 - left)} are lost to follow-up" if left < 1 else None,
        ),
    )
    drawn: list[Note] = []
    if moderator_sd is not None and (level == "cluster" or not by_cluster):
        units = float(solution.sizes["clusters"]) if by_cluster else float(solution.sizes["n"]) * left
        drawn = moderator_note(found.details, (p * units, q * units), checked)
    return replace(found, notes=(*found.notes, *drawn)).with_details(main_effect_power=float(main_power))


def _in_groups(x: Sizes, rho: float, variance: float, r2: float, scatter: float, left: float) -> tuple[Any, Any, Any]:
    """The same three with groups in the treated arm: each arm's slope on the moderator has a variance of its own."""
    k, m, n = np.asarray(x["groups"]), np.asarray(x["group_size"]) * left, np.asarray(x["controls"]) * left
    within = (1 - rho) * (1 - r2)
    treated = variance / (k * ((m - 1) / within + 1 / (within + m * rho)) * scatter)
    control = variance * (1 - r2 * (1 - rho)) / (n * scatter)
    df = satterthwaite_df(treated=treated, control=control, df_treated=k * (m - 1) - 1, df_control=n - 2)
    main = variance * ((rho + within / m) / k + (1 - r2 * (1 - rho)) / n)
    return treated + control, main, df


def _main_df(x: Sizes, rho: float, r2: float, left: float) -> float:
    """Satterthwaite df of the main effect."""
    k, m, n = (float(x["groups"]), float(x["group_size"]) * left, float(x["controls"]) * left)
    treated, control = (rho + (1 - rho) * (1 - r2) / m) / k, (1 - r2 * (1 - rho)) / n
    return float(satterthwaite_df(treated=treated, control=control, df_treated=k - 1, df_control=n - 1))


def _words(sizes: Sizes) -> str:
    if "groups" in sizes:
        return f"{plural(sizes['groups'], 'group')} of {size(sizes['group_size'])} and {plural(sizes['controls'], 'control')}"
    if "clusters" in sizes:
        return f"{size(sizes['clusters'])} clusters of {plural(sizes['cluster_size'], 'person', 'people')}"
    return plural(sizes["n"], "person", "people")


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    if "n" in arguments:
        return [("twenty more people", {"n": arguments["n"] + 20})]
    if "groups" in arguments:
        return [
            ("one more group", {"groups": arguments["groups"] + 1}),
            ("one more member per group", {"group_size": arguments["group_size"] + 1}),
            ("ten more controls", {"controls": arguments["controls"] + 10}),
        ]
    return [
        ("two more clusters", {"clusters": arguments["clusters"] + 2}),
        ("one more person per cluster", {"cluster_size": arguments["cluster_size"] + 1}),
    ]
