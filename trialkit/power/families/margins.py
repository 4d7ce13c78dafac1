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
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import optimize, special

from trialkit.errors import UsageError
from trialkit.power.arguments import Pair, Test, both_arms, choice, left_out, optional, real, said, shares
from trialkit.power.families.clustered import clustered
from trialkit.power.families.grouped import grouped
from trialkit.power.families.individual import individual
from trialkit.power.families.paired import paired
from trialkit.power.people import rounded_up
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import number, percent, plural, size

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
    "allocation",
)
_DROP = 41.0  # log of the density of log S below its maximum at which the integral begins: 1e-18
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)

RateMethod: TypeAlias = Literal["unpooled", "farrington_manning"]
Margin: TypeAlias = float | tuple[float, float]

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
# where the search for a size begins
_LOWEST = {
    "groups": 2.0, "group_size": 1.0, "controls": 3.0, "clusters": 4.0, "cluster_size": 1.0, "pairs": 3.0, "n_per_arm": 3.0, "n": 8.0, "treated": 3.0,
}  # fmt: skip


class MarginResult(PowerResult):
    """Power to show non-inferiority or equivalence; `.margin` is what was asked or found."""

    kind = "power_margin"

    def paragraph(self, *, gains: bool = True) -> str:
        d = self.details
        aim = "non-inferiority" if d["function"] == "noninferiority" else "equivalence"
        m = d["margin"]
        margin = (
            f"the margin {number(m)}" if not isinstance(m, (list, tuple)) else f"the margins {number(m[0])} and {number(m[1])}"
        )
        text = f"With {d['words']} and a true effect of {number(d['effect'])}, {aim} within {margin} is shown with probability {percent(d['power'])}."
        reference = "normal test" if math.isinf(d["df"]) else f"t with {number(d['df'])} df"
        sides = "one one-sided test" if d["function"] == "noninferiority" else "two one-sided tests, each"
        assumed = f" Assumed: {'; '.join(d['assumptions'])}." if d["assumptions"] else ""
        return f"{text} {sides.capitalize()} at level {number(d['alpha'])} ({reference}, standard error {number(d['std_error'])}, {d['method']}).{assumed}"


def noninferiority(
    *,
    margin: float | None = None,
    effect: float = 0.0,
    power: float | None = None,
    control_rate: float | None = None,
    method: RateMethod = "unpooled",
    alpha: float = 0.05,
    **design: Any,
) -> MarginResult:
    """Power, size or margin of a non-inferiority trial; higher is better.

    Parameters
    ----------
    margin : distance below zero that is still acceptable, positive. effect : true effect, 0 by default.
    power : of one one-sided test at level `alpha` (.05 by default; .025 is common with rates).
    control_rate : makes effect and margin differences of rates of independent people; method 'unpooled' or 'farrington_manning'.
    design : the sizes and other arguments of `individual`, `paired` (pairs), `clustered` (clusters, cluster_size, icc) or `grouped` (groups,
        group_size, controls, icc): which of them is meant follows from the sizes.

    Returns
    -------
    MarginResult
        `.power .margin .n .n_per_arm ...` as of the design's own function, `.df .std_error`.

    Raises
    ------
    UsageError, NoSolutionError
        A true effect at or beyond the margin, or no size that reaches the power.

    Examples
    --------
    >>> round(tk.power.noninferiority(margin=0.2, power=0.8).n_per_arm, 3)
    309.806
    """
    inputs = said({k: v for k, v in locals().items() if k != "design"} | design)
    true = real("effect", effect)
    m = optional("margin", margin, above=0)
    if m is not None and true <= -m:
        raise NoSolutionError(
            f"effect={true:g} lies at or beyond margin={m:g}: non-inferiority does not hold, so no size shows it."
        )
    _refuse("alternative", design, "non-inferiority is one-sided: leave out alternative, and give an effect towards better.")
    name = _design(design, control_rate)
    if control_rate is not None and name == "individual":
        return _rates(
            "noninferiority", inputs, m, true, power, real("control_rate", control_rate, above=0, below=1), method, alpha, design
        )
    base: dict[str, Any] = dict(design) | ({} if control_rate is None else {"control_rate": control_rate})
    if m is not None:
        base["effect"] = m + true
    found = _DESIGNS[name](power=power, alpha=alpha, alternative="greater", effect_on="assigned", **base)
    shown = found.effect - true if m is None else m
    details = {
        **found.details,
        "function": "noninferiority",
        "margin": shown,
        "effect": true,
        "effect_assigned": true,
        "inputs": inputs,
    }
    details |= {"solved_for": "margin" if found.solved_for == "effect" else found.solved_for, "type_s": None, "type_m": None}
    details |= {"effect_standardized": None, "method": found.method}
    return MarginResult((), found.notes, details)


def equivalence(
    *,
    margin: Margin | None = None,
    effect: float = 0.0,
    power: float | None = None,
    control_rate: float | None = None,
    alpha: float = 0.05,
    **design: Any,
) -> MarginResult:
    """Power, size or margin of an equivalence trial: two one-sided tests, exact.

    Parameters
    ----------
    margin : a number for -margin to margin, or (low, high). effect : true effect, 0 by default.
    power : that both one-sided tests reject, each at level `alpha`: the 1 - 2 alpha interval lies inside the margins.
    control_rate : makes effect and margin differences of rates of independent people.
    design : sizes and other arguments of `individual`, `paired`, `clustered` or `grouped`, as in `noninferiority`.

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
    true = real("effect", effect)
    limits = None if margin is None else _limits(margin)
    if limits is not None and not limits[0] < true < limits[1]:
        raise NoSolutionError(f"effect={true:g} does not lie inside margin={margin}: power stays below alpha, whatever the size.")
    _refuse("alternative", design, "equivalence has two one-sided tests: leave out alternative.")
    name = _design(design, control_rate)
    if control_rate is not None and name == "individual":
        rate = real("control_rate", control_rate, above=0, below=1)
        return _rates(
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
        rates: dict[str, Any] = {} if control_rate is None else {"control_rate": control_rate}
        if name == "grouped":  # the two tests together use the plug-in df
            rates["method"] = "satterthwaite"
        base = _DESIGNS[name](effect=true if control_rate is not None and true != 0 else 1e-6, alpha=alpha, alternative="greater", effect_on="assigned", **design, **rates, **extra)  # fmt: skip
        assert base.std_error is not None
        return _both(true, low, high, base.std_error, base.df, alpha), base

    return _solved(
        "equivalence", name, inputs, limits, margin, true, Test.checked(alpha, "greater").target(power), design, at, alpha
    )


def _both(effect: float, low: float, high: float, se: float, df: float, alpha: float) -> float:
    """Exact power of two one-sided t tests."""
    cut = float(Test.checked(alpha, "greater").critical(df))
    above, below = (high - effect) / se, (low - effect) / se
    if math.isinf(df):
        return max(0.0, float(special.ndtr(above - cut) - special.ndtr(below + cut)))
    # given S both tests can reject up to the S at which the cut-offs meet: the integral over log S ends there
    lowest = -(_DROP / df + math.sqrt((_DROP / df) ** 2 + 4 * _DROP / df)) / 2
    upper = min(math.log((above - below) / (2 * cut)), math.sqrt(_DROP / df))
    if upper <= lowest:
        return 0.0
    x = lowest + (upper - lowest) * (_NODES + 1) / 2
    height = math.log(2) + df / 2 * math.log(df / 2) - float(special.gammaln(df / 2)) - df / 2
    density = np.exp(height - df * (np.expm1(2 * x) - 2 * x) / 2)
    inside = special.ndtr(above - cut * np.exp(x)) - special.ndtr(below + cut * np.exp(x))
    return float(np.sum(_WEIGHTS * density * inside) * (upper - lowest) / 2)


def _limits(margin: Any) -> tuple[float, float]:
    if isinstance(margin, (tuple, list)):
        if len(margin) != 2:
            raise UsageError(f"margin must be a number or (low, high); it is {margin!r}.")
        low, high = real("margin", margin[0], below=0), real("margin", margin[1], above=0)
        return low, high
    m = real("margin", margin, above=0)
    return -m, m


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
    missing = [k for k in _SIZES[name] if k not in design]
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
        shown = _root(lambda m: at({}, -m, m)[0], wished, abs(true) + 1e-6, "margin")
        limits = (-shown, shown)
    elif unknown is not None:
        assert wished is not None and limits is not None
        low, high = limits
        extra = {unknown: _root(lambda x: at({unknown: x}, low, high)[0], wished, _LOWEST[unknown], unknown)}
    assert limits is not None
    power, base = at(extra, *limits)
    whole = {k: rounded_up(v) for k, v in extra.items()}
    details = {
        **base.details, "function": function, "solved_for": solved_for, "power": power, "margin": shown, "effect": true, "effect_assigned": true,
        "inputs": inputs, "alpha": alpha, "type_s": None, "type_m": None, "effect_standardized": None, "alternative": "within the margins",
        "power_at_design": at(whole, *limits)[0] if whole else power, "design": {**{k: v for k, v in design.items() if k in _SIZES[name]}, **whole},
    }  # fmt: skip
    return MarginResult((), base.notes, details)


def _root(power_at: Callable[[float], float], target: float, lowest: float, name: str) -> float:
    """Where the power is reached, between doublings."""
    low = high = lowest
    for _ in range(60):
        if power_at(high) >= target:
            break
        low, high = high, 2 * high
        if high > 1e9:
            break
    if high > 1e9:
        raise NoSolutionError(f"power={target:g} is out of reach for any {name} with this margin and effect.")
    if low == high:
        raise NoSolutionError(f"power={target:g} is below what {name}={number(low)} has: give {name} and leave out power.")
    return float(optimize.brentq(lambda x: power_at(x) - target, low, high, xtol=1e-10 * high, rtol=1e-13))


def _rates(
    function: str,
    inputs: dict[str, Any],
    margin: Any,
    true: float,
    power: Any,
    rate: float,
    method: str,
    alpha: float,
    design: Mapping[str, Any],
) -> MarginResult:
    """Rates of independent people."""
    kind = choice("method", method, RateMethod)
    known = {"n", "n_per_arm", "treated", "controls", "allocation", "attrition"}
    unknown_words = sorted(set(design) - known)
    if unknown_words:
        raise UsageError(
            f"{', '.join(unknown_words)} do not belong to a difference of rates; its sizes are n, n_per_arm, treated and controls."
        )
    if not 0 < rate + true < 1:
        raise UsageError(f"effect={true:g} takes control_rate={rate:g} to {rate + true:g}; a rate lies between 0 and 1.")
    test = Test.checked(alpha, "greater")
    lost = both_arms("attrition", design.get("attrition", 0.0), at_least=0, below=1)
    share = _share(design)

    def variances(n: float, m: Any) -> tuple[float, float]:
        """Standard errors at the truth and, for the test, under the null."""
        a, b = n * share[0] * (1 - lost[0]), n * share[1] * (1 - lost[1])
        truth = math.sqrt((rate + true) * (1 - rate - true) / a + rate * (1 - rate) / b)
        if kind == "unpooled":
            return truth, truth
        p, q = restricted_rates(treated=rate + true, control=rate, margin=float(m), ratio=b / a)
        return truth, math.sqrt(p * (1 - p) / a + q * (1 - q) / b)

    def power_at(n: float, m: Any) -> float:
        truth, null = variances(n, m)
        cut = float(test.critical(math.inf))
        if function == "noninferiority":
            return float(special.ndtr((true + m - cut * null) / truth))
        low, high = _limits(m)
        return _both(true, low, high, truth, math.inf, alpha)

    given = _total(design)
    total = 0.0 if given is None else given
    wished = test.target(power)
    solved_for = left_out(
        function, 0.0, wished, {"margin": margin is not None, "n_per_arm" if share[0] == share[1] else "n": given is not None}
    )
    if solved_for == "margin":
        assert wished is not None
        margin = _root(lambda m: power_at(total, m), wished, max(abs(true), 1e-6), "margin")
    elif given is None:
        assert wished is not None
        total = _root(lambda n: power_at(n, margin), wished, 4.0, "n")
    found, whole = power_at(total, margin), rounded_up(total / 2) * 2 if share[0] == share[1] else rounded_up(total)
    details = {
        "function": function, "solved_for": solved_for, "power": found, "margin": margin, "effect": true, "effect_assigned": true, "n": total,
        "n_per_arm": total / 2 if share[0] == share[1] else None, "treated": total * share[0], "controls": total * share[1], "df": math.inf,
        "std_error": variances(total, margin)[0], "alpha": test.alpha, "alternative": "one-sided", "method": _RATE_WORDS[kind], "inputs": inputs,
        "design": {"n": whole}, "power_at_design": power_at(float(whole), margin), "as_asked": {"n": total}, "type_s": None, "type_m": None,
        "words": f"{size(total / 2)} people per arm" if share[0] == share[1] else plural(total, "person", "people"),
        "assumptions": (f"{percent(rate)} with the outcome in the control arm",), "test_words": "one-sided",
    }  # fmt: skip
    return MarginResult((), (), details)


_RATE_WORDS = {"unpooled": "Wald, unpooled variance", "farrington_manning": "Farrington and Manning's test"}


def _share(design: Mapping[str, Any]) -> tuple[float, float]:
    if "treated" in design and "controls" in design:
        return shares((design["treated"], design["controls"]))
    allocation: Pair = design.get("allocation", (1, 1))
    return shares(allocation)


def _total(design: Mapping[str, Any]) -> float | None:
    if "n" in design:
        return real("n", design["n"], above=2)
    if "n_per_arm" in design:
        return 2 * real("n_per_arm", design["n_per_arm"], above=1)
    if "treated" in design and "controls" in design:
        return real("treated", design["treated"], above=1) + real("controls", design["controls"], above=1)
    return None


def restricted_rates(*, treated: float, control: float, margin: float, ratio: float) -> tuple[float, float]:
    """Maximum-likelihood rates with difference -margin; `ratio` is controls per treated. Source: Farrington & Manning (1990)."""
    s = -margin
    a = 1 + ratio
    b = -(1 + ratio + treated + ratio * control + s * (ratio + 2))
    c = s**2 + s * (2 * treated + ratio + 1) + treated + ratio * control
    d = -treated * s * (1 + s)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = math.copysign(math.sqrt(max(b**2 / (3 * a) ** 2 - c / (3 * a), 0.0)), v)
    w = (math.pi + math.acos(min(max(v / u**3, -1.0), 1.0))) / 3 if u else math.pi / 3
    p = 2 * u * math.cos(w) - b / (3 * a)
    return p, p - s


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Nothing is offered here: use the design's own function at effect + margin."""
    return []
