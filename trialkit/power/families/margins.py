"""Non-inferiority and equivalence: power to show that an effect is not worse than a margin, or within two margins.

Non-inferiority is a one-sided test of effect + margin against zero, so every design's power function serves. Equivalence rejects when both
one-sided tests do; with S the ratio of the estimated to the true standard error and t the one-sided critical value,

    power = E_S[ max(0, Phi((high - d)/se - t S) - Phi((low - d)/se + t S)) ],

exactly (Owen's Q for two arms), normal for rates. Rates: Wald's z with unpooled variances, or for non-inferiority Farrington & Manning's (1990) with
the null variance at the restricted maximum-likelihood rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.misuse import explained
from trialkit.power.arguments import Test, choice, left_out, optional, real, said, shares
from trialkit.power.families.clustered import clustered
from trialkit.power.families.clustered import improvements as clustered_improvements
from trialkit.power.families.grouped import grouped
from trialkit.power.families.grouped import improvements as grouped_improvements
from trialkit.power.families.individual import baseline_words, individual
from trialkit.power.families.individual import improvements as individual_improvements
from trialkit.power.families.paired import improvements as paired_improvements
from trialkit.power.families.paired import paired
from trialkit.power.families.ratio_scales import RatioScale
from trialkit.power.margins.rates import RateMethod, rates
from trialkit.power.margins.scales import RATIO_ARGUMENTS, Better, Measure, rate_spread, ratio_scale, ratio_spread
from trialkit.power.margins.tests import Margin, MarginResult, both_tests, limits_of, root
from trialkit.power.people import rounded_up
from trialkit.power.random_designs import notes_of_two_tests
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import percent

SIZE_ARGUMENTS = (
    "n",
    "n_per_arm",
    "treated",
    "controls",
    "pairs",
    "clusters",
    "cluster_size",
    "groups",
    "group_size",
    "control_groups",
    "control_group_size",
    "allocation",
)
_DESIGNS: Mapping[str, Callable[..., PowerResult]] = {
    "grouped": grouped,
    "clustered": clustered,
    "paired": paired,
    "individual": individual,
}
_SIZES = {
    "grouped": ("groups", "group_size", "controls"),
    "clustered": ("clusters", "cluster_size"),
    "paired": ("pairs",),
    "individual": ("n_per_arm", "n", "treated", "controls"),
}
_GROUPS_IN_BOTH = ("groups", "group_size", "control_groups", "control_group_size")
# where the search for a size begins
_LOWEST = {
    "groups": 2.0, "group_size": 1.0, "controls": 3.0, "control_groups": 2.0, "control_group_size": 1.0, "clusters": 4.0, "cluster_size": 1.0,
    "pairs": 3.0, "n_per_arm": 3.0, "n": 8.0, "treated": 3.0,
}  # fmt: skip


@explained
def noninferiority(
    *,
    margin: float | None = None,
    effect: float = 0.0,
    power: float | None = None,
    control_rate: float | None = None,
    measure: Measure = "risk_difference",
    ratio: float = 1.0,
    better: Better | None = None,
    method: RateMethod = "unpooled",
    alpha: float = 0.05,
    **design: Any,
) -> MarginResult:
    """Power, size or margin of a non-inferiority trial; higher is better for differences.

    Parameters
    ----------
    margin : distance below zero that is still acceptable, positive; for a ratio the ratio that is still acceptable: below 1 when higher is better
        (.8), above 1 when lower is (1.25).
    effect : true effect, 0 by default.
    power : of one one-sided test at level `alpha` (.05 by default; .025 is common with rates).
    control_rate : makes effect and margin differences of rates; for independent people method 'unpooled' or 'farrington_manning'. With
        measure='risk_ratio' or 'odds_ratio' the margin is a ratio.
    ratio : true ratio, 1 by default. better : with a ratio, 'higher' (default) or 'lower'; needed when the margin is looked for.
    design : the sizes and other arguments of `individual`, `paired` (pairs), `clustered` (clusters, cluster_size, icc) or `grouped` (groups,
        group_size, controls, icc): which of them is meant follows from the sizes. A ratio of counts takes control_mean (and dispersion or
        variance_ratio), one of odds of ordered categories control_shares, one of hazards event_probability or control_median, accrual and follow_up.

    Returns
    -------
    MarginResult
        `.power .margin .n .n_per_arm ...` as of the design's own function, `.df .std_error` (of the log of a ratio).

    Raises
    ------
    UsageError, NoSolutionError
        A true effect at or beyond the margin, or no size that reaches the power.

    Examples
    --------
    >>> round(tk.power.noninferiority(margin=0.2, power=0.8).n_per_arm, 3)
    309.806
    >>> round(tk.power.noninferiority(margin=0.8, control_mean=4, groups=20, group_size=12, controls=240, icc=0.02).power, 3)
    0.998
    """
    inputs = said({k: v for k, v in locals().items() if k != "design"} | design)
    _refuse("alternative", design, "non-inferiority is one-sided: leave out alternative, and give an effect towards better.")
    of_ratio = ratio_scale(design, control_rate, measure)
    if of_ratio is not None:
        return _noninferior_ratio(of_ratio, inputs, margin, effect, power, ratio, better, alpha, design)
    _refuse_ratio(ratio, better)
    true = real("effect", effect)
    m = optional("margin", margin, above=0)
    if m is not None and true <= -m:
        raise NoSolutionError(
            f"effect={true:g} lies at or beyond margin={m:g}: non-inferiority does not hold, so no size shows it."
        )
    name = _design(design, control_rate)
    if control_rate is not None and name == "individual":
        return rates(
            "noninferiority", inputs, m, true, power, real("control_rate", control_rate, above=0, below=1), method, alpha, design
        )
    base: dict[str, Any] = dict(design) | ({} if control_rate is None else rate_spread(control_rate, true, design))
    if m is not None:
        base["effect"] = m + true
    found = _DESIGNS[name](power=power, alpha=alpha, alternative="greater", effect_on="assigned", **base)
    details = {
        **found.details,
        "function": "noninferiority",
        "margin": found.effect - true if m is None else m,
        "effect": true,
        "effect_assigned": true,
        "inputs": inputs,
        "solved_for": "margin" if found.solved_for == "effect" else found.solved_for,
    }
    notes = tuple(
        n for n in found.notes if n.code != "take_up_mixture"
    )  # the mixture is that of the true effect, not of the margin
    if control_rate is not None:
        details["assumptions"] = (_rate_words(control_rate, true), *found.assumptions[1:])
    details |= {"type_s": None, "type_m": None, "effect_standardized": None, "method": found.method}
    if control_rate is None and found.effect_standardized is not None:
        details["margin_standardized"] = details["margin"] * found.effect_standardized / found.effect
    return MarginResult((), notes, details)


def _rate_words(rate: float, true: float) -> str:
    return f"{percent(rate)} with the outcome in the control arm, {percent(rate + true)} in the treated"


def _refuse_ratio(ratio: float, better: str | None) -> None:
    if ratio != 1.0 or better is not None:
        raise UsageError(
            "ratio and better belong to ratios: say control_mean, control_shares, event_probability or measure='risk_ratio'."
        )


def _noninferior_ratio(
    of_ratio: tuple[RatioScale, str, str],
    inputs: dict[str, Any],
    margin: float | None,
    effect: float,
    power: float | None,
    ratio: float,
    better: Better | None,
    alpha: float,
    design: Mapping[str, Any],
) -> MarginResult:
    """The distance between the true log ratio and that of the margin, as a difference in means."""
    truth, limit = _true_ratio(ratio, effect), optional("margin", margin, above=0)
    higher = choice("better", better or ("higher" if limit is None or limit < 1 else "lower"), Better) == "higher"
    sign = 1 if higher else -1
    if limit is not None and (limit >= 1) == higher:
        raise UsageError(
            f"margin={limit:g} must be {'below' if higher else 'above'} 1 when {'higher' if higher else 'lower'} is better."
        )
    distance = None if limit is None else sign * (truth - math.log(limit))
    if distance is not None and distance <= 0:
        raise NoSolutionError(
            f"ratio={ratio:g} lies at or beyond margin={limit:g}: non-inferiority does not hold, so no size shows it."
        )
    found = noninferiority(margin=distance, power=power, alpha=alpha, **_as_difference(of_ratio[0], truth, design))
    shown = limit if limit is not None else math.exp(truth - sign * found.details["margin"])
    return _of_ratio(found, of_ratio, inputs, shown, ratio)


def _true_ratio(ratio: Any, effect: Any) -> float:
    if effect != 0.0:
        raise UsageError("effect is a difference; the true ratio is said as ratio, 1 by default.")
    return math.log(real("ratio", ratio, above=0))


def _as_difference(scale: RatioScale, truth: float, design: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a difference in means for a log ratio: a normal test of people, t of groups or clusters."""
    if "pairs" in design:
        raise UsageError("pairs have no formula for a ratio: say n_per_arm, groups or clusters.")
    found = {k: v for k, v in design.items() if k not in RATIO_ARGUMENTS}
    found["sd"] = ratio_spread(scale, truth, design)
    return found if _design(design, None) != "individual" else found | {"test": "z"}


def _of_ratio(
    found: MarginResult, of_ratio: tuple[RatioScale, str, str], inputs: dict[str, Any], margin: Any, ratio: float
) -> MarginResult:
    words = {
        "margin_standardized": None,
        "effect": ratio,
        "effect_assigned": math.log(ratio),
        "effect_name": of_ratio[1],
        "margin": margin,
        "inputs": inputs,
    }
    method = f"log {of_ratio[1]}" + ("" if math.isinf(found.df) else f", {found.method}")
    details = {
        **found.details,
        **words,
        "method": method,
        "assumptions": (of_ratio[2], *(a for a in found.assumptions[1:] if a != baseline_words(None))),
    }
    return MarginResult((), found.notes, details)


@explained
def equivalence(
    *,
    margin: Margin | None = None,
    effect: float = 0.0,
    power: float | None = None,
    control_rate: float | None = None,
    measure: Measure = "risk_difference",
    ratio: float = 1.0,
    alpha: float = 0.05,
    **design: Any,
) -> MarginResult:
    """Power, size or margin of an equivalence trial: two one-sided tests, exact.

    Parameters
    ----------
    margin : a number for -margin to margin, or (low, high); for a ratio 1.25 for 1/1.25 to 1.25, or (low, high).
    effect : true effect, 0 by default. ratio : true ratio, 1 by default.
    power : that both one-sided tests reject, each at level `alpha`: the 1 - 2 alpha interval lies inside the margins.
    control_rate : makes effect and margin differences of rates; measure='risk_ratio' or 'odds_ratio' makes them ratios.
    design : sizes and other arguments of `individual`, `paired`, `clustered` or `grouped`, and what makes the margin one of ratios, as in
        `noninferiority`. With groups the two tests together use the plug-in Satterthwaite df.

    Returns
    -------
    MarginResult
        `.power .margin .n_per_arm .df .std_error`.

    Raises
    ------
    UsageError, NoSolutionError
        A true effect at or beyond a margin, or no size that reaches the power.

    Examples
    --------
    >>> round(tk.power.equivalence(margin=0.5, effect=0.1, n_per_arm=70).power, 4)
    0.7316
    """
    inputs = said({k: v for k, v in locals().items() if k != "design"} | design)
    _refuse("alternative", design, "equivalence has two one-sided tests: leave out alternative.")
    of_ratio = ratio_scale(design, control_rate, measure)
    if of_ratio is not None:
        truth = _true_ratio(ratio, effect)
        logs = None if margin is None else _log_limits(margin)
        found = equivalence(margin=logs, effect=truth, power=power, alpha=alpha, **_as_difference(of_ratio[0], truth, design))
        low, high = logs if logs is not None else (-found.details["margin"], found.details["margin"])
        return _of_ratio(found, of_ratio, inputs, (math.exp(low), math.exp(high)), ratio)
    _refuse_ratio(ratio, None)
    true = real("effect", effect)
    limits = None if margin is None else limits_of(margin)
    if limits is not None and not limits[0] < true < limits[1]:
        raise NoSolutionError(f"effect={true:g} does not lie inside margin={margin}: power stays below alpha, whatever the size.")
    name = _design(design, control_rate)
    if control_rate is not None and name == "individual":
        rate = real("control_rate", control_rate, above=0, below=1)
        return rates(
            "equivalence",
            inputs,
            limits if isinstance(margin, (tuple, list)) else margin,
            true,
            power,
            rate,
            "unpooled",
            alpha,
            design,
        )

    def at(extra: dict[str, Any], low: float, high: float) -> tuple[float, PowerResult]:
        """Power at the margins, and the design's own answer for its standard error and df."""
        rates: dict[str, Any] = {} if control_rate is None else rate_spread(control_rate, true, design)
        if name == "grouped":  # the two tests together use the plug-in df
            rates["method"] = "satterthwaite"
        base = _DESIGNS[name](effect=1e-6, alpha=alpha, alternative="greater", effect_on="assigned", **{**design, **rates, **extra})  # fmt: skip
        assert base.std_error is not None
        return both_tests(true, low, high, base.std_error, base.df, alpha), base

    return _solved(
        "equivalence", name, inputs, limits, margin, true, Test.checked(alpha, "greater").target(power), design, at, alpha
    )


def _design(design: Mapping[str, Any], control_rate: float | None) -> str:
    """The function whose design is meant, from the sizes that were named."""
    if any(k in design for k in ("groups", "group_size")):
        return "grouped"
    if any(k in design for k in ("clusters", "cluster_size")):
        return "clustered"
    if "pairs" in design:
        if control_rate is not None:
            raise UsageError("pairs and control_rate do not go together here.")
        return "paired"
    return "individual"


def _refuse(name: str, design: Mapping[str, Any], text: str) -> None:
    if name in design:
        raise UsageError(text)


def _unknown(name: str, design: Mapping[str, Any]) -> str | None:
    """The size that is left out, or None when all are given."""
    if name == "individual":
        if any(k in design for k in ("n_per_arm", "n")) or all(k in design for k in ("treated", "controls")):
            return None
        for one, other in (("treated", "controls"), ("controls", "treated")):
            if other in design:
                return one
        return "n_per_arm" if shares(design.get("allocation", (1, 1)))[0] == 0.5 else "n"
    both = name == "grouped" and any(k in design for k in _GROUPS_IN_BOTH[2:])
    wanted = [k for k in (_GROUPS_IN_BOTH if both else _SIZES[name]) if k != "groups" or not _listed(design)]
    missing = [k for k in wanted if k not in design]
    if name == "grouped" and "allocation" in design and "controls" in missing:
        missing.remove("controls")
    if name == "clustered" and isinstance(design.get("cluster_size"), (list, tuple)):
        return None
    return missing[0] if len(missing) == 1 else ", ".join(missing) or None


def _solved(
    function: str,
    name: str,
    inputs: dict[str, Any],
    limits: tuple[float, float] | None,
    margin: Any,
    true: float,
    wished: float | None,
    design: Mapping[str, Any],
    at: Callable[[dict[str, Any], float, float], tuple[float, PowerResult]],
    alpha: float,
) -> MarginResult:
    unknown = _unknown(name, design)
    solved_for = left_out(function, 0.0, wished, {"margin": limits is not None, unknown or "size": unknown is None})
    extra: dict[str, Any] = {}
    shown = margin
    if solved_for == "margin":
        assert wished is not None
        shown = root(lambda m: at({}, -m, m)[0], wished, abs(true) + 1e-6, "margin")
        limits = (-shown, shown)
    elif unknown is not None:
        assert wished is not None and limits is not None
        low, high = limits
        extra = {unknown: root(lambda x: at({unknown: x}, low, high)[0], wished, _LOWEST[unknown], unknown)}
    assert limits is not None
    power, base = at(extra, *limits)
    whole = {k: rounded_up(v) for k, v in extra.items()}
    details = {
        **base.details, "function": function, "solved_for": solved_for, "power": power, "margin": shown, "effect": true, "effect_assigned": true,
        "inputs": inputs, "alpha": alpha, "type_s": None, "type_m": None, "effect_standardized": None, "alternative": "within the margins",
        "power_at_design": at(whole, *limits)[0] if whole else power, "design": {**{k: v for k, v in design.items() if k in SIZE_ARGUMENTS}, **whole},
    }  # fmt: skip
    details.pop("power_with_imbalance", None)
    return MarginResult((), notes_of_two_tests(base.notes), details)


def _log_limits(margin: Any) -> tuple[float, float]:
    """Log of the two ratios; one number stands for itself and its inverse."""
    if isinstance(margin, (tuple, list)):
        if len(margin) != 2:
            raise UsageError(f"margin must be a ratio or (low, high); it is {margin!r}.")
        return math.log(real("margin", margin[0], above=0, below=1)), math.log(real("margin", margin[1], above=1))
    one = abs(math.log(real("margin", margin, above=0)))
    if not one:
        raise UsageError("margin=1 leaves no room: give the ratio that is still as good as 1, as 1.25.")
    return -one, one


def _listed(design: Mapping[str, Any]) -> bool:
    return isinstance(design.get("group_size"), (list, tuple))


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments: that of the design."""
    by_design = {
        "grouped": grouped_improvements,
        "clustered": clustered_improvements,
        "paired": paired_improvements,
        "individual": individual_improvements,
    }
    name = _design(arguments, None)
    whole = {"n": ("twenty more people", 20), "n_per_arm": ("ten more people per arm", 10)}
    for key, (words, more) in whole.items():
        if name == "individual" and arguments.get(key) is not None:
            return [(words, {key: arguments[key] + more})]
    return by_design[name](arguments)
