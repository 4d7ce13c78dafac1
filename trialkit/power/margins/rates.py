"""Non-inferiority and equivalence of two rates of independent people: the risk difference.

Wald's z with unpooled variances, or for non-inferiority Farrington & Manning's (1990) with the null variance at the restricted maximum-likelihood rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from scipy import special

from trialkit.errors import UsageError
from trialkit.power.arguments import Pair, Test, both_arms, choice, left_out, real, shares
from trialkit.power.margins.tests import MarginResult, both_tests, limits_of, root
from trialkit.power.people import rounded_up
from trialkit.power.words import percent, plural, size

RateMethod: TypeAlias = Literal["unpooled", "farrington_manning"]


def rates(
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
    if ("treated" in design) != ("controls" in design):
        raise UsageError("for rates give both treated and controls, or neither (with n or n_per_arm, or to find them).")
    test = Test.checked(alpha, "greater")
    lost = both_arms("attrition", design.get("attrition", 0.0), at_least=0, below=1)
    share = share_of(design)

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
        low, high = limits_of(m)
        return both_tests(true, low, high, truth, math.inf, alpha)

    given = total_of(design)
    total = 0.0 if given is None else given
    wished = test.target(power)
    solved_for = left_out(
        function, 0.0, wished, {"margin": margin is not None, "n_per_arm" if share[0] == share[1] else "n": given is not None}
    )
    if solved_for == "margin":
        assert wished is not None
        margin = root(lambda m: power_at(total, m), wished, max(abs(true), 1e-6), "margin")
    elif given is None:
        assert wished is not None
        total = root(lambda n: power_at(n, margin), wished, 4.0, "n")
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


def share_of(design: Mapping[str, Any]) -> tuple[float, float]:
    if "treated" in design and "controls" in design:
        return shares((design["treated"], design["controls"]))
    allocation: Pair = design.get("allocation", (1, 1))
    return shares(allocation)


def total_of(design: Mapping[str, Any]) -> float | None:
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
