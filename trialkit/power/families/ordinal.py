"""Ordered categories (ratings) of independent people: the proportional-odds model, and with it the Wilcoxon test and win odds.

With mean category shares pbar over the arms, the log odds ratio has variance 3 / (q(1-q) n (1 - sum pbar^3)) (Whitehead 1993). pbar depends on the odds
ratio: the treated's cumulative odds are those of the controls divided by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.noncentral import Alternative
from trialkit.power.arguments import Pair, TakeUp, Test, attrition_words, both_arms, optional, real, said
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import people_model
from trialkit.power.people import People, asked_people
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", "allocation")


def ordinal(
    *,
    odds_ratio: float | None = None,
    control_shares: Sequence[float],
    power: float | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    attrition: Pair = 0.0,
) -> PowerResult:
    """Power, detectable odds ratio or number of people for an ordered outcome.

    Parameters
    ----------
    odds_ratio : odds of a higher category among the treated by those of the controls, the same at every cut; above 1 is higher.
    control_shares : shares of the categories in the control arm, lowest first, adding up to 1.
    n_per_arm, n, treated, controls, allocation, alpha, alternative, attrition : as in `individual`.

    Returns
    -------
    PowerResult
        `.odds_ratio .win_odds .treated_shares .n_per_arm .n .std_error` (of the log odds ratio).

    Raises
    ------
    UsageError, NoSolutionError
        Shares that do not add up to 1, a ratio of 1, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.ordinal(odds_ratio=1.8, control_shares=[0.2, 0.5, 0.2, 0.1], power=0.8)
    >>> round(found.n_per_arm, 1), round(found.win_odds, 2)
    (155.6, 1.41)
    """
    inputs = said(locals())
    test, uptake = Test.checked(alpha, alternative), TakeUp.checked(1.0, "assigned")
    control = _shares(control_shares)
    ratio = optional("odds_ratio", odds_ratio, above=0)
    if ratio == 1:
        raise UsageError("odds_ratio=1 is no effect: nothing detects it. Give the ratio nearest to 1 that would matter.")
    lost = both_arms("attrition", attrition, at_least=0, below=1)

    def spread(n: Any, m: Any, effect: Any) -> tuple[Any, Any]:
        shares = (n[..., None] * _shifted(control, effect) + m[..., None] * control) / (n + m)[..., None]
        variance = 3 * (n + m) / (n * m * (1 - np.sum(shares**3, axis=-1)))
        return variance, np.full(np.shape(variance), math.inf)

    model = people_model(spread, lost, test)
    people = People(n_per_arm=n_per_arm, n=n, treated=treated, controls=controls, allocation=allocation)
    wished, effect = test.target(power), None if ratio is None else math.log(ratio)
    solved_for, known, unknown = asked_people("ordinal", people, effect, wished, lost, test, model)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=test)
    found = assemble(
        "ordinal",
        model,
        solution,
        solved_for="odds_ratio" if solved_for == "effect" else solved_for,
        inputs=inputs,
        test=test,
        take_up=uptake,
        method="proportional odds",
        standardized=None,
        assumptions=(f"control shares {', '.join(percent(s) for s in control)}", attrition_words(lost)),
    )
    shown, moved = math.exp(solution.effect), _shifted(control, solution.effect)
    better = float(moved @ (np.cumsum(control) - control / 2))
    return found.with_details(
        odds_ratio=shown, effect=shown, effect_assigned=solution.effect, win_odds=better / (1 - better), treated_shares=tuple(float(v) for v in moved),
        effect_words=f"an odds ratio of {number(shown)} (win odds {number(better / (1 - better))})",
    )  # fmt: skip


def _shares(values: Any) -> FloatArray:
    if not isinstance(values, (list, tuple, np.ndarray)) or len(values) < 2:
        raise UsageError("control_shares must list the shares of two or more categories, lowest first.")
    found = np.asarray([real("control_shares", v, at_least=0, below=1) for v in values])
    if abs(found.sum() - 1) > 1e-6:
        raise UsageError(f"control_shares add up to {found.sum():g}; they must add up to 1.")
    return found / found.sum()


def _shifted(control: FloatArray, effect: Any) -> FloatArray:
    """(..., categories) shares when the odds of a higher category are multiplied by exp(effect)."""
    below = np.cumsum(control)[:-1]
    odds = below / (1 - below) * np.exp(-np.asarray(effect, dtype=float))[..., None]
    cumulative = odds / (1 + odds)
    edge = np.zeros((*cumulative.shape[:-1], 1))
    return np.diff(np.concatenate([edge, cumulative, edge + 1], axis=-1), axis=-1)


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    return [("ten more people per arm", {k: arguments[k] + 10 for k in ("treated", "controls")})]
