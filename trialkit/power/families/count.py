"""Counts (contacts, applications) of independent people: the ratio of two rates, Poisson or overdispersed.

log RR has variance (1/muT + k)/nT + (1/muC + k)/nC, mu the expected count of a person and k the negative binomial's dispersion (Var = mu + k mu^2);
with a quasi-Poisson factor f (Var = f mu) it is f/(mu n). The test is Wald's on the log scale. Source: Zhu & Lakkis (2014), variance under the
alternative.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.noncentral import Alternative
from trialkit.power.arguments import Pair, TakeUp, Test, attrition_words, both_arms, optional, real, said
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import only_one, people_model
from trialkit.power.people import People, asked_people
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", "allocation")


def count(
    *,
    rate_ratio: float | None = None,
    control_mean: float,
    power: float | None = None,
    dispersion: float | None = None,
    variance_ratio: float | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    attrition: Pair = 0.0,
) -> PowerResult:
    """Power, detectable rate ratio or number of people for a count.

    Parameters
    ----------
    rate_ratio : mean count of the treated by that of the controls. control_mean : expected count of a control over the follow-up.
    dispersion : k of the negative binomial, Var = mu + k mu^2; or variance_ratio : Var / mu, the same in both arms. Unsaid: Poisson.
    n_per_arm, n, treated, controls, allocation, alpha, alternative, attrition : as in `individual`; 'greater' looks for ratios above 1.

    Returns
    -------
    PowerResult
        `.rate_ratio .n_per_arm .n .std_error` (of the log ratio).

    Raises
    ------
    UsageError, NoSolutionError
        A ratio of 1, two ways of saying the spread, or no size that reaches the power.

    Examples
    --------
    >>> round(tk.power.count(rate_ratio=1.3, control_mean=4, dispersion=0.5, power=0.8).n_per_arm, 1)
    164.5
    """
    inputs = said(locals())
    test, uptake = Test.checked(alpha, alternative), TakeUp.checked(1.0, "assigned")
    only_one("how counts spread", {"dispersion": dispersion, "variance_ratio": variance_ratio})
    mean = real("control_mean", control_mean, above=0)
    k, factor = real("dispersion", dispersion or 0.0, at_least=0), real("variance_ratio", variance_ratio or 1.0, above=0)
    ratio = optional("rate_ratio", rate_ratio, above=0)
    if ratio == 1:
        raise UsageError("rate_ratio=1 is no effect: nothing detects it. Give the ratio nearest to 1 that would matter.")
    lost = both_arms("attrition", attrition, at_least=0, below=1)

    def spread(n: Any, m: Any, effect: Any) -> tuple[Any, Any]:
        variance = (factor / (mean * np.exp(effect)) + k) / n + (factor / mean + k) / m
        return variance, np.full(np.shape(variance), math.inf)

    model = people_model(spread, lost, test, {"control_mean": mean})
    people = People(n_per_arm=n_per_arm, n=n, treated=treated, controls=controls, allocation=allocation)
    wished, effect = test.target(power), None if ratio is None else math.log(ratio)
    solved_for, known, unknown = asked_people("count", people, effect, wished, lost, test, model)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=test)
    found = assemble(
        "count",
        model,
        solution,
        solved_for="rate_ratio" if solved_for == "effect" else solved_for,
        inputs=inputs,
        test=test,
        take_up=uptake,
        method="Wald test of the log rate ratio",
        standardized=None,
        assumptions=(f"{number(mean)} expected in the control arm", _spread_words(k, factor), attrition_words(lost)),
    )
    shown = math.exp(solution.effect)
    return found.with_details(
        rate_ratio=shown, effect=shown, effect_assigned=solution.effect, effect_words=f"a rate ratio of {number(shown)}"
    )


def _spread_words(k: float, factor: float) -> str:
    if k:
        return f"negative binomial with dispersion {number(k)}"
    return "Poisson" if factor == 1 else f"a variance {number(factor)} times the mean"


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    more = {k: arguments[k] + 10 for k in ("treated", "controls")}
    return [("ten more people per arm", more), ("a follow-up twice as long", {"control_mean": 2 * arguments["control_mean"]})]
