"""One and two one-sided tests against margins: their exact power, the result, and the search for a size or a margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from scipy import optimize, special

from trialkit.errors import UsageError
from trialkit.power.arguments import Test, real
from trialkit.power.result import PowerResult, gains_sentence
from trialkit.power.solve import NoSolutionError
from trialkit.power.words import decimals, number, percent

Margin: TypeAlias = float | tuple[float, float]

_DROP = 41.0  # log of the density of log S below its maximum at which the integral begins: 1e-18
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


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
        if d.get("margin_standardized") is not None:
            margin += f" ({decimals(d['margin_standardized'])} in units of {d['standardizer']})"
        text = f"With {d['words']} and a true {d.get('effect_name', 'effect')} of {number(d['effect'])}, {aim} within {margin} is shown with probability {percent(d['power'])}."
        reference = "normal test" if math.isinf(d["df"]) else f"t with {number(d['df'])} df"
        sides = "one one-sided test" if d["function"] == "noninferiority" else "two one-sided tests, each"
        assumed = f" Assumed: {'; '.join(d['assumptions'])}." if d["assumptions"] else ""
        return (
            f"{text} {sides.capitalize()} at level {number(d['alpha'])} ({reference}, standard error {number(d['std_error'])}, {d['method']}).{assumed}"
            + (f" {gains_sentence(self)}" if gains and self.gains else "")
        )


def both_tests(effect: float, low: float, high: float, se: float, df: float, alpha: float) -> float:
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


def limits_of(margin: Any) -> tuple[float, float]:
    if isinstance(margin, (tuple, list)):
        if len(margin) != 2:
            raise UsageError(f"margin must be a number or (low, high); it is {margin!r}.")
        low, high = real("margin", margin[0], below=0), real("margin", margin[1], above=0)
        return low, high
    m = real("margin", margin, above=0)
    return -m, m


def root(power_at: Callable[[float], float], target: float, lowest: float, name: str) -> float:
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
