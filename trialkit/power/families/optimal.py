"""Where money goes furthest: allocation between arms, groups against members, clusters against people.

Minimizing the variance under a budget gives closed forms. Two arms: n1/n0 = (s1/s0) sqrt(c0/c1). Groups in one arm with cG a group, cT a member and
cC a control: m = sqrt(cG (1-rho)/(cT rho)), K/nC = sqrt[(su2 + se2/m) cC / (sC2 (cG + m cT))]. Clusters in both arms: m = sqrt((c_cluster/c_member)
(1 - icc)/icc). The least variance is not exactly the highest power with few groups, because the df depend on K. Source: Moerbeek & Teerenstra (2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError
from trialkit.inference.power.grouped_power import satterthwaite_df
from trialkit.inference.power.noncentral import Alternative, t_power
from trialkit.misuse import explained
from trialkit.power.arguments import Pair, both_arms, optional, real
from trialkit.power.words import number, percent, plural, size
from trialkit.results import TableResult, plain


@dataclass(frozen=True)
class OptimalDesign(TableResult):
    """A continuous optimum under a budget; `.sizes` holds the numbers, `.power` is None without an effect."""

    kind = "optimal_design"

    def __getattr__(self, name: str) -> Any:
        details = self.__dict__.get("details", {})
        if name.startswith("_") or name not in details:
            raise AttributeError(f"this optimum has no '{name}'; it has {', '.join(sorted(details))}.")
        return details[name]

    def _title(self) -> str:
        return str(self.details["words"])

    def __str__(self) -> str:
        return str(self.details["words"])


def _found(words: str, sizes: dict[str, float], more: dict[str, Any]) -> OptimalDesign:
    details = {**sizes, **more, "sizes": dict(sizes), "words": words}
    return OptimalDesign((), (), details, (plain({**sizes, **more}),))


@explained
def optimal_allocation(
    *,
    cost: tuple[float, float],
    sd: Pair = 1.0,
    budget: float | None = None,
    effect: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> OptimalDesign:
    """How many treated for each control, when a person costs more in one arm.

    Parameters
    ----------
    cost : (treated, control) of one person. sd : of the outcome, or (treated, control).
    budget : to be spent on people; unsaid: only the ratio. effect : for the power (Welch's test) of that design.

    Returns
    -------
    OptimalDesign
        `.ratio` (treated per control) `.treated .controls .std_error .power`.

    Examples
    --------
    >>> round(tk.power.optimal_allocation(sd=(1.5, 1), cost=(900, 150)).ratio, 4)
    0.6124
    """
    (s1, s0), (c1, c0) = both_arms("sd", sd, above=0), both_arms("cost", cost, above=0)
    ratio = s1 / s0 * math.sqrt(c0 / c1)
    sizes: dict[str, float] = {"ratio": ratio}
    more: dict[str, Any] = {"power": None}
    words = f"{number(ratio)} treated for each control costs least"
    if budget is not None:
        controls = real("budget", budget, above=c0 + c1) / (c0 + ratio * c1)
        treated = ratio * controls
        vt, vc = s1**2 / treated, s0**2 / controls
        more["std_error"] = math.sqrt(vt + vc)
        sizes |= {"treated": treated, "controls": controls}
        df = satterthwaite_df(treated=vt, control=vc, df_treated=treated - 1, df_control=controls - 1)
        words = f"{size(treated)} treated and {size(controls)} controls spend the budget best ({number(ratio)} treated for each control)"
        words += _power(more, effect, float(df), alpha, alternative)
    return _found(words, sizes, more)


@explained
def optimal_grouped(
    *,
    icc: float,
    cost_member: float,
    cost_control: float,
    cost_group: float = 0.0,
    group_size: float | None = None,
    sd: Pair = 1.0,
    budget: float | None = None,
    effect: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> OptimalDesign:
    """Groups, their size and controls, when groups exist in the treated arm only.

    Parameters
    ----------
    icc : share of the treated arm's variance between groups. cost_group, cost_member, cost_control : of a group (its leader and room), of a
        member and of a control. group_size : when it is fixed; unsaid: the best one (needs cost_group and an icc above 0).
    sd : of the outcome, or (treated, control). budget : unsaid: only the ratio of people. effect : for the power (plug-in Satterthwaite).

    Returns
    -------
    OptimalDesign
        `.group_size .groups .controls .ratio` (treated people per control) `.std_error .power`.

    Examples
    --------
    >>> found = tk.power.optimal_grouped(icc=0.1, cost_group=600, cost_member=120, cost_control=80, budget=30000)
    >>> round(found.group_size, 2), round(found.groups, 2), round(found.controls, 1)
    (6.71, 14.3, 123.8)
    """
    rho = real("icc", icc, at_least=0, below=1)
    s1, s0 = both_arms("sd", sd, above=0)
    cg, ct, cc = (
        real("cost_group", cost_group, at_least=0),
        real("cost_member", cost_member, above=0),
        real("cost_control", cost_control, above=0),
    )
    m = optional("group_size", group_size, at_least=1)
    if m is None:
        if not rho or not cg:
            missing = "icc above 0" if not rho else "cost_group"
            raise UsageError(
                f"the best group size needs {missing}: without it groups should be as {'large' if not rho else 'small'} as can be. Give group_size."
            )
        m = max(math.sqrt(cg * (1 - rho) / (ct * rho)), 1.0)
    between = s1**2 * (rho + (1 - rho) / m)
    groups_per_control = math.sqrt(between * cc / (s0**2 * (cg + m * ct)))
    sizes: dict[str, float] = {"group_size": m, "ratio": groups_per_control * m}
    more: dict[str, Any] = {"power": None}
    words = f"groups of {size(m)} and {number(groups_per_control * m)} treated people for each control cost least"
    if budget is not None:
        controls = real("budget", budget, above=0) / (cc + groups_per_control * (cg + m * ct))
        groups = groups_per_control * controls
        if groups <= 1 or controls <= 1:
            raise UsageError(
                f"budget={budget:g} buys {number(groups)} groups and {number(controls)} controls; a test needs two of each."
            )
        vt, vc = between / groups, s0**2 / controls
        more["std_error"] = math.sqrt(vt + vc)
        sizes |= {"groups": groups, "controls": controls, "treated": groups * m}
        df = satterthwaite_df(treated=vt, control=vc, df_treated=groups - 1, df_control=controls - 1)
        words = f"{plural(groups, 'group')} of {size(m)} and {size(controls)} controls spend the budget best" + _power(
            more, effect, float(df), alpha, alternative
        )
    return _found(words, sizes, more)


@explained
def optimal_clustered(
    *,
    icc: float,
    cost_cluster: float,
    cost_member: float,
    budget: float | None = None,
    cluster_size: float | None = None,
    sd: float = 1.0,
    effect: float | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> OptimalDesign:
    """Clusters and their size, when whole clusters are randomized to two equal arms.

    Parameters
    ----------
    icc : share of the variance between clusters. cost_cluster, cost_member : of a cluster and of a person in it.
    budget : unsaid: only the size. cluster_size : when it is fixed. sd, effect : for standard error and power (t with clusters - 2 df).

    Returns
    -------
    OptimalDesign
        `.cluster_size .clusters .std_error .power`.

    Examples
    --------
    >>> round(tk.power.optimal_clustered(icc=0.05, cost_cluster=1500, cost_member=60).cluster_size, 3)
    21.794
    """
    rho = real("icc", icc, above=0, below=1) if cluster_size is None else real("icc", icc, at_least=0, below=1)
    top, each = real("cost_cluster", cost_cluster, at_least=0), real("cost_member", cost_member, above=0)
    m = optional("cluster_size", cluster_size, at_least=1)
    if m is None:
        m = max(math.sqrt(top / each * (1 - rho) / rho), 1.0)
    sizes: dict[str, float] = {"cluster_size": m}
    more: dict[str, Any] = {"power": None}
    words = f"clusters of {size(m)} cost least"
    if budget is not None:
        clusters = real("budget", budget, above=0) / (top + m * each)
        if clusters <= 3:
            raise UsageError(f"budget={budget:g} buys {number(clusters)} clusters; a test needs more than three.")
        more["std_error"] = real("sd", sd, above=0) * math.sqrt(4 * (rho + (1 - rho) / m) / clusters)
        sizes["clusters"] = clusters
        words = f"{size(clusters)} clusters of {size(m)} spend the budget best" + _power(
            more, effect, clusters - 2, alpha, alternative
        )
    return _found(words, sizes, more)


def _power(more: dict[str, Any], effect: float | None, df: float, alpha: float, alternative: Alternative) -> str:
    """Fills in df and power; the end of the sentence."""
    more["df"] = df
    if effect is None:
        return ""
    more["power"] = float(t_power(ncp=real("effect", effect) / more["std_error"], df=df, alpha=alpha, alternative=alternative))
    return f"; an effect of {number(effect)} is then detected with {percent(more['power'])} probability"
