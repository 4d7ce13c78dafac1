"""Pairs: a person before and after, or two matched people of whom one is treated. t test of the differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.inference.power.noncentral import Alternative, Tails, t_tails
from trialkit.misuse import explained
from trialkit.power.arguments import EffectOn, Pair, Reference, TakeUp, Test, both_arms, left_out, optional, real, said
from trialkit.power.assemble import assemble
from trialkit.power.model import Precision, Sizes, Unknown
from trialkit.power.people import rounded_up
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural

SIZE_ARGUMENTS = ("pairs",)


@dataclass(frozen=True, slots=True)
class Paired:
    """All but effect, power and pairs; `sd` is that of the differences."""

    sd: float
    attrition: float
    test: Test

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        left = np.asarray(sizes["pairs"]) * (1 - self.attrition)
        df = np.full(np.shape(left), math.inf) if self.test.reference == "z" else left - 1
        ncp = effect * np.sqrt(left) / self.sd
        return t_tails(ncp=ncp, df=df, critical=self.test.critical(df), alternative=self.test.alternative)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        left = float(sizes["pairs"]) * (1 - self.attrition)
        return Precision(self.sd / math.sqrt(left), math.inf if self.test.reference == "z" else left - 1)

    def effect_limit(self, direction: int) -> float:
        return math.inf

    def whole(self, sizes: Sizes) -> Sizes:
        return {"pairs": rounded_up(sizes["pairs"])}

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        return {"pairs": sizes["pairs"]}

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        return {"pairs": float(sizes["pairs"])}

    def words(self, sizes: Sizes) -> str:
        return plural(sizes["pairs"], "pair")


@explained
def paired(
    *,
    effect: float | None = None,
    power: float | None = None,
    pairs: float | None = None,
    correlation: float | None = None,
    sd: Pair = 1.0,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: float = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable effect or number of pairs of a t test of differences.

    Parameters
    ----------
    effect : mean difference, in the units of `sd`.
    power : probability of rejecting; both tails count when two-sided.
    pairs : pairs to begin with.
    correlation : of the two members of a pair. Without it `sd` is the SD of the differences; with it `sd` is the raw SD (a number
        or one for each member), and the differences have variance s1^2 + s2^2 - 2 r s1 s2.
    sd, alpha, alternative, test, take_up, effect_on : as in `individual`.
    attrition : share of pairs that lose a member.

    Returns
    -------
    PowerResult
        `.pairs .df .std_error`.

    Raises
    ------
    UsageError
        An argument out of its bounds, or not exactly one left out.

    Notes
    -----
    Source: noncentral t with pairs - 1 df, as in R's pwr.

    Examples
    --------
    >>> round(tk.power.paired(effect=0.3, correlation=0.6, power=0.8).pairs, 4)
    71.7121
    """
    inputs = said(locals())
    checked = Test.checked(alpha, alternative, test)
    uptake = TakeUp.checked(take_up, effect_on)
    spread, standardizer = _spread(sd, correlation)
    lost = real("attrition", attrition, at_least=0, below=1)
    model = Paired(spread, lost, checked)
    wished, effect, pairs = checked.target(power), optional("effect", effect), optional("pairs", pairs, above=1 / (1 - lost))
    solved_for = left_out("paired", effect, wished, {"pairs": pairs is not None})
    known = None if pairs is None else {"pairs": pairs}
    unknown = Unknown("pairs", 2 / (1 - lost), lambda x: {"pairs": float(x) if np.ndim(x) == 0 else x})
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    scale = float(np.mean(both_arms("sd", sd))) if correlation is not None else spread
    return assemble(
        "paired",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method="normal formula" if test == "z" else "paired differences",
        standardized=(solution.effect / scale, standardizer),
        assumptions=(f"differences with SD {number(spread)}", f"{percent(lost)} of the pairs are lost" if lost else None),
    )


def _spread(sd: Pair, correlation: float | None) -> tuple[float, str]:
    """SD of the differences, and the standardizer in words."""
    if correlation is None:
        return real("sd", sd, above=0), "the SD of the differences"
    first, second = both_arms("sd", sd, above=0)
    r = real("correlation", correlation, above=-1, below=1)
    return math.sqrt(first**2 + second**2 - 2 * r * first * second), "the raw SD"


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found = [("ten more pairs", {"pairs": arguments["pairs"] + 10})]
    r = arguments.get("correlation")
    if r is not None and r < 0.85:
        found.append((f"pairs that correlate {r + 0.1:.2g}", {"correlation": r + 0.1}))
    return found
