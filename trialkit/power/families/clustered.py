"""Whole clusters randomized in both arms: t test of cluster means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.cluster_variance import Levels
from trialkit.inference.power.grouped_power import exact_tails
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
    left_out,
    optional,
    real,
    said,
    shares,
)
from trialkit.power.assemble import assemble
from trialkit.power.families.clustered_model import ARMS, Clustered
from trialkit.power.families.individual import sd_words, standardized
from trialkit.power.model import Shortfall, Sizes, Unknown
from trialkit.power.random_designs import plugin_note
from trialkit.power.result import PowerResult
from trialkit.power.solve import Root, Solution, first_crossing, solve
from trialkit.power.words import number, percent, size
from trialkit.results import Note

SIZE_ARGUMENTS = ("clusters", "cluster_size", "allocation")
_MANY = 1e9


@explained
def clustered(
    *,
    effect: float | None = None,
    power: float | None = None,
    clusters: float | None = None,
    cluster_size: float | Sequence[Sequence[float]] | None = None,
    icc: float,
    sd: Pair = 1.0,
    control_rate: float | None = None,
    size_cv: float = 0.0,
    individual_r2: float | None = None,
    cluster_r2: float | None = None,
    baseline_r2: float | None = None,
    n_covariates: int | None = None,
    baseline_correlation: float | None = None,
    cluster_autocorrelation: float | None = None,
    individual_autocorrelation: float | None = None,
    subclusters_per_cluster: float = 1.0,
    subcluster_icc: float = 0.0,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
    standardizer: Standardizer | None = None,
) -> PowerResult:
    """Power, detectable effect, number of clusters or cluster size when whole clusters are randomized.

    Parameters
    ----------
    effect : difference in means in the units of `sd`, or in rates with `control_rate`.
    clusters : number over both arms, split by `allocation`.
    cluster_size : people per cluster, or two lists with the size of every cluster (treated, control).
    icc : share of the variance that lies between clusters.
    sd : total SD of the outcome; (treated, control) asks for Satterthwaite df between the arms.
    control_rate : share with the outcome in the control arm; makes `effect` a risk difference (unpooled variance).
    size_cv : SD / mean of cluster sizes; the formula is the one of the mixed model.
    individual_r2, cluster_r2 : shares of the two levels' variances that covariates explain; `baseline_r2` sets both.
    n_covariates : df lost; by default 1 when something is explained at cluster level, otherwise 0.
    baseline_correlation : r of a baseline that correlates r at both levels: short for baseline_r2=r^2.
    cluster_autocorrelation, individual_autocorrelation : of a baseline on the same people, by level; costs one df.
    subclusters_per_cluster, subcluster_icc : a middle level; `cluster_size` is then people per subcluster.
    alpha, alternative, test, take_up, effect_on, standardizer : as in `individual`.
    attrition : share lost; shrinks the clusters, never their number.

    Returns
    -------
    PowerResult
        `.clusters .cluster_size .n .df .std_error .design_effect`.

    Raises
    ------
    UsageError
        An argument out of its bounds, or not exactly one left out.
    NoSolutionError
        No cluster size (or number of clusters) reaches the power; the text says how many clusters would.

    Notes
    -----
    Source: Donner & Klar (2000); PowerUpR's power.cra2 and power.cra3.

    Examples
    --------
    >>> round(tk.power.clustered(effect=0.3, cluster_size=20, icc=0.05, power=0.8).clusters, 4)
    36.0372
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    listed = listed_clusters(cluster_size, size_cv, subclusters_per_cluster)
    r2 = _explained(individual_r2, cluster_r2, baseline_r2, baseline_correlation)
    auto = _autocorrelations(cluster_autocorrelation, individual_autocorrelation, subcluster_icc)
    costs_df = r2[0] > 0 or auto is not None
    covariates = int(costs_df) if n_covariates is None else int(real("n_covariates", n_covariates, at_least=0))
    model = Clustered(
        levels=_levels(icc, subcluster_icc, subclusters_per_cluster, r2, auto, size_cv),
        sd=both_arms("sd", sd, above=0),
        satterthwaite=isinstance(sd, (list, tuple)),
        control_rate=optional("control_rate", control_rate, above=0, below=1),
        covariates=covariates,
        attrition=both_arms("attrition", attrition, at_least=0, below=1),
        listed=listed,
        test=checked,
    )
    wished, effect = checked.target(power), optional("effect", effect)
    solved_for, known, unknown = asked_clusters("clustered", model, clusters, cluster_size, shares(allocation), effect, wished)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    return assemble(
        "clustered",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else "cluster means",
        standardized=_standardized(model, solution.effect, uptake.dilution, standardizer),
        assumptions=_assumptions(model, solution.effect * uptake.dilution),
        notes=_notes(model, solution, uptake.dilution),
        covariates=model.covariates,
    )


def listed_clusters(cluster_size: Any, size_cv: float, subclusters: float) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Sizes of every cluster by arm, when they were listed."""
    if not isinstance(cluster_size, (list, tuple)):
        return None
    if len(cluster_size) != 2 or not all(isinstance(arm, (list, tuple)) and len(arm) >= 2 for arm in cluster_size):
        raise UsageError(
            "cluster_size must be one number, or two lists with the sizes of at least two clusters each: (treated, control)."
        )
    if size_cv or subclusters != 1:
        raise UsageError("cluster_size as lists already holds the spread: leave out size_cv and subclusters_per_cluster.")
    first, second = (tuple(real("cluster_size", m, at_least=1) for m in arm) for arm in cluster_size)
    return first, second


def _explained(
    individual_r2: float | None, cluster_r2: float | None, baseline_r2: float | None, correlation: float | None
) -> tuple[float, float]:
    """(cluster, individual) shares explained."""
    by_level = individual_r2 if individual_r2 is not None else cluster_r2
    given = {"individual_r2 or cluster_r2": by_level, "baseline_r2": baseline_r2, "baseline_correlation": correlation}
    ways = [name for name, value in given.items() if value is not None]
    if len(ways) > 1:
        raise UsageError(f"say what the covariates explain once: {' and '.join(ways)} are given together.")
    if correlation is not None:
        baseline_r2 = real("baseline_correlation", correlation, above=-1, below=1) ** 2
    if baseline_r2 is not None:
        both = real("baseline_r2", baseline_r2, at_least=0, below=1)
        return both, both
    return real("cluster_r2", cluster_r2 or 0.0, at_least=0, below=1), real(
        "individual_r2", individual_r2 or 0.0, at_least=0, below=1
    )


def _autocorrelations(between: float | None, within: float | None, middle: float) -> tuple[float, float] | None:
    if between is None and within is None:
        return None
    if between is None or within is None:
        raise UsageError("cluster_autocorrelation and individual_autocorrelation belong together: give both.")
    if middle:
        raise UsageError("autocorrelations are for two levels: leave out subcluster_icc.")
    return real("cluster_autocorrelation", between, at_least=0, at_most=1), real(
        "individual_autocorrelation", within, at_least=0, below=1
    )


def _levels(
    icc: float, middle: float, subclusters: float, r2: tuple[float, float], auto: tuple[float, float] | None, size_cv: float
) -> Levels:
    top = real("icc", icc, at_least=0, at_most=1)
    second = real("subcluster_icc", middle, at_least=0, at_most=1)
    if top + second > 1:
        raise UsageError(
            f"icc={top:g} and subcluster_icc={second:g} are shares of the same variance; their sum must not exceed 1."
        )
    return Levels(
        top,
        second,
        real("subclusters_per_cluster", subclusters, at_least=1),
        r2[0],
        r2[1],
        auto,
        real("size_cv", size_cv, at_least=0, below=2),
    )


def asked_clusters(
    function: str,
    model: Clustered,
    clusters: float | None,
    cluster_size: Any,
    share: tuple[float, float],
    effect: float | None,
    power: float | None,
) -> tuple[str, Sizes | None, Unknown | None]:
    """The argument to solve for, with all sizes or the unknown one."""
    if model.listed is not None:
        arms = [float(len(arm)) for arm in model.listed]
        if clusters is not None and clusters != sum(arms):
            raise UsageError(f"clusters={clusters:g}, but cluster_size lists {sum(arms):g} clusters. Leave out clusters.")
        return left_out(function, effect, power, {}), dict(zip(ARMS, arms)), None
    fewest = max(2 / min(share), 3.0 + model.covariates)
    k = optional("clusters", clusters, at_least=fewest)
    m = optional("cluster_size", cluster_size, at_least=1)

    def sizes(total: Any, people: Any) -> Sizes:
        return {**{arm: _plain(total * part) for arm, part in zip(ARMS, share)}, "cluster_size": _plain(people)}

    name = left_out(function, effect, power, {"clusters": k is not None, "cluster_size": m is not None})
    if name == "clusters":
        return name, None, Unknown(name, fewest, lambda x: sizes(x, m), _no_clusters(m))
    if name == "cluster_size":
        return name, None, Unknown(name, 1.0, lambda x: sizes(k, x), _no_size(model, k, lambda x: sizes(x, _MANY), fewest))
    return name, sizes(k, m), None


def _plain(x: Any) -> Any:
    return float(x) if np.ndim(x) == 0 else x


def _no_size(
    model: Clustered, clusters: float | None, unlimited: Callable[[Any], Sizes], fewest: float
) -> Callable[[Shortfall, float], str]:
    def explain(found: Shortfall, effect: float) -> str:
        needed = first_crossing(lambda x: model.tails(effect, unlimited(x)).power, found.target, np.geomspace(fewest, _MANY, 97))
        least = f" More than {number(needed.value)} clusters are needed, however large." if isinstance(needed, Root) else ""
        return (
            f"with clusters={size(clusters)} no cluster_size reaches power={found.target:g}: it tends to {percent(found.peak)}, "
            f"because icc={model.levels.icc:g} sets a floor to the variance.{least} Raise clusters, or ask for less power."
        )

    return explain


def _no_clusters(m: float | None) -> Callable[[Shortfall, float], str]:
    def explain(found: Shortfall, effect: float) -> str:
        most = f"it is {percent(found.peak)} at most"
        return f"no number of clusters up to {_MANY:g} of cluster_size={m:g} reaches power={found.target:g} for effect={effect:g}: {most}."

    return explain


def _standardized(model: Clustered, effect: float, dilution: float, standardizer: Standardizer | None) -> tuple[float, str]:
    if model.control_rate is None:
        return standardized(effect, model.sd, standardizer)
    angles = (2 * math.asin(math.sqrt(rate)) for rate in (model.control_rate + effect * dilution, model.control_rate))
    first, second = angles
    return first - second, "Cohen's h"


def _assumptions(model: Clustered, effect: float) -> list[str | None]:
    levels, rate = model.levels, model.control_rate
    outcome = sd_words(model.sd)
    if rate is not None:
        outcome = f"{percent(rate)} with the outcome in the control arm, {percent(rate + effect)} in the treated"
    explained = f"covariates explain {percent(levels.cluster_r2)} of the variance between and {percent(levels.individual_r2)} within clusters"
    return [
        outcome,
        f"intracluster correlation {number(levels.icc)}"
        + (f", {number(levels.middle)} between subclusters" if levels.middle else ""),
        explained if levels.cluster_r2 or levels.individual_r2 else None,
        None if levels.autocorrelation is None else "a baseline on the same people",
        f"cluster sizes vary with coefficient {number(levels.size_cv)}" if levels.size_cv else None,
        attrition_words(model.attrition),
    ]


def _notes(model: Clustered, solution: Solution, dilution: float) -> list[Note]:
    """What simulation says of the formula (docs/calibration/power.csv)."""
    found: list[Note] = []
    if model.listed is not None or model.levels.size_cv:
        text = (
            "sizes that differ enter as if the intracluster correlation were known; with it estimated, power is within .004 of that of REML "
            "with listed sizes, and with size_cv up to .6 within .01 at 12 clusters and .003 at 30."
        )
        found.append(Note("unequal_sizes", text))
    if model.satterthwaite and model.test.reference == "t":
        vt, vc, _ = model.parts(solution.effect * dilution, solution.sizes)
        df = [float(solution.sizes[k]) - 1 for k in ARMS]
        exact = exact_tails(
            effect=solution.effect * dilution, treated=vt, control=vc, df_treated=df[0], df_control=df[1],
            alpha=model.test.alpha, alternative=model.test.alternative,
        )  # fmt: skip
        found += plugin_note(solution.power, float(exact.power), "clusters")
    if model.control_rate is not None:
        text = (
            "for a rate the formula is too high, because the variance between clusters follows their rates: "
            "by up to .03 at 10 clusters, .017 at 16 and .01 at 30 (intracluster correlation .1), half of that at .03."
        )
        found.append(Note("binary_clusters_optimistic", text))
    return found


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    if "clusters" not in arguments:
        return []
    first, second = shares(arguments.get("allocation", (1, 1)))
    arms = (arguments["clusters"] * first + 1, arguments["clusters"] * second + 1)
    return [
        ("one more cluster per arm", {"clusters": sum(arms), "allocation": arms}),
        ("one more person per cluster", {"cluster_size": arguments["cluster_size"] + 1}),
        *_better_covariates(arguments),
    ]


def _better_covariates(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    said_so = ("baseline_r2", "individual_r2", "cluster_r2", "cluster_autocorrelation", "baseline_correlation")
    if any(arguments.get(k) is not None for k in said_so) or arguments.get("control_rate") is not None:
        return []
    return [("a baseline that explains a quarter of the variance at both levels", {"baseline_r2": 0.25})]
