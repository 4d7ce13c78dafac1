"""Scales of counts, times and ordered outcomes of a plan: what the control arm is like, and the effect looked for as the log of a ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import integrate, optimize

from trialkit.errors import PlanError
from trialkit.power.plans.scale import Kind, Scale, log_odds_of_win
from trialkit.power.words import number, percent

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome

RATES = ("risk_difference", "risk_ratio", "odds_ratio")
COUNTS = ("rate_ratio", "mean_ratio")
TIMES = ("hazard_ratio", "rmst_difference")
ORDERED = ("proportional_odds", "win_odds")
DEFAULT_MEAN = 1.0
DEFAULT_SHARES = (0.2, 0.2, 0.2, 0.2, 0.2)


KINDS: dict[str, Kind] = {
    **dict.fromkeys(RATES, "rate"),
    **dict.fromkeys(COUNTS, "count"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys(ORDERED, "ordered"),
    "mean_difference": "mean",
}


def kind_of(outcome: Outcome) -> Kind | None:
    """What the outcome's power is reckoned as; None where nothing is built."""
    kind = KINDS.get(outcome.measure)
    return None if kind == "mean" and outcome.kind == "time" else kind


def count_scale(outcome: Outcome) -> Scale:
    """A count with mean and variance over mean in the control arm."""
    mean, factor = outcome.assume.control_mean, outcome.assume.dispersion
    used, missing = [], []
    if mean is not None and mean <= 0:
        raise PlanError(f"assume.control_mean={mean:g} of '{outcome.name}' is no mean of a count: it is above zero.")
    if mean is None:
        missing.append(f"{number(DEFAULT_MEAN)} expected in the control arm (assume control_mean)")
    else:
        used.append(f"{number(mean)} expected in the control arm")
    if factor is None:
        missing.append("counts that vary as their mean, where most vary more (assume dispersion)")
    else:
        used.append(f"a variance {number(factor)} times the mean")
    given = {"control_mean": DEFAULT_MEAN if mean is None else float(mean), "variance_ratio": 1.0 if factor is None else factor}
    return _scale("count", outcome, given, _log(outcome.assume.effect), used, missing)


def time_scale(outcome: Outcome) -> Scale:
    """A Weibull time with its median in the control arm, followed up to a horizon."""
    a = outcome.assume
    median, horizon, shape = a.control_median, a.follow_up or outcome.tau, a.shape or 1.0
    used, missing = [], []
    if median is not None:
        used.append(f"median time {number(median)} in the control arm")
    if horizon is not None:
        used.append(f"followed up for {number(horizon)}")
    if median is None:
        median = (horizon or 2.0) / 2
        missing.append(f"median time {number(median)} in the control arm (assume control_median)")
    if horizon is None:
        horizon = 2 * median
        missing.append(f"followed up for {number(horizon)}, twice the median (assume follow_up)")
    if outcome.tau is not None and outcome.tau > horizon:
        raise PlanError(
            f"tau={outcome.tau:g} of '{outcome.name}' lies beyond assume.follow_up={horizon:g}: nobody is observed that long."
        )
    if shape != 1:
        used.append(f"Weibull times of shape {number(shape)}")
    given = {"control_median": median, "follow_up": horizon, "shape": shape}
    effect: float | None
    if outcome.measure == "rmst_difference":
        given["tau"] = float(outcome.tau or horizon)
        effect = a.effect
    else:
        effect = _log(a.hazard_ratio if a.hazard_ratio is not None else a.effect)
    return _scale("time", outcome, given, effect, used, missing)


def ordered_scale(outcome: Outcome) -> Scale:
    """Ordered categories by their shares in the control arm, worst first; effects are logs of the odds of a better category."""
    shares = tuple(float(s) for s in outcome.assume.shares)
    words = ", ".join(percent(s) for s in shares or DEFAULT_SHARES)
    used = (f"categories with {words} of the control arm",) if shares else ()
    missing = () if shares else (f"five categories with {words} of the control arm (assume shares)",)
    total = sum(shares)
    ordered = tuple(s / total for s in shares) if shares else DEFAULT_SHARES
    # worst first, whichever direction is better
    given = {"control_shares": ordered[::-1] if outcome.better == "lower" else ordered}
    odds = outcome.assume.odds_ratio
    if outcome.measure == "proportional_odds":
        effect = _log(odds if odds is not None else outcome.assume.effect)
    elif outcome.assume.effect is not None:
        effect = log_odds_of_win(np.asarray(given["control_shares"]), outcome.assume.effect)
    else:
        effect = _log(odds)
    return _scale("ordered", outcome, given, effect, list(used), list(missing))


def _scale(
    kind: Kind, outcome: Outcome, given: dict[str, Any], effect: float | None, used: list[str], missing: list[str]
) -> Scale:
    from trialkit.estimate.measures import better_effect

    asked, smallest, unused = outcome.smallest_worthwhile, None, []
    if isinstance(asked, float):
        smallest = asked if outcome.measure == "rmst_difference" else abs(math.log(asked))
        if outcome.measure == "win_odds":
            smallest = abs(log_odds_of_win(np.asarray(given["control_shares"]), asked))
    if effect == 0:
        effect = None
    falls = effect < 0 if effect else better_effect(outcome.measure, outcome.better) == "lower"
    if asked is not None and not smallest:
        smallest = None
        unused.append("The smallest effect that would matter is no effect, and is left out here.")
    return Scale(
        None, 1.0, False, falls, None if effect is None else abs(effect), smallest, tuple(used), tuple(missing), tuple(unused), kind,
        outcome.measure, given,
    )  # fmt: skip


def _log(ratio: float | None) -> float | None:
    return None if ratio is None else math.log(ratio)


def restricted_mean(median: float, shape: float, log_hazard_ratio: float, tau: float) -> float:
    """Mean time up to tau of Weibull times: the integral of their survival curve."""
    level = math.log(2) * math.exp(log_hazard_ratio)
    return float(integrate.quad(lambda t: math.exp(-level * (t / median) ** shape), 0, tau, epsabs=1e-12)[0])


def log_hazard_of_mean(median: float, shape: float, tau: float, difference: float) -> float:
    """The log hazard ratio that moves the restricted mean time by this difference."""
    wished = restricted_mean(median, shape, 0.0, tau) + difference
    if not 0 < wished < tau:
        raise PlanError(
            f"an effect of {difference:g} takes the mean time up to {tau:g} to {wished:g}; it lies between 0 and {tau:g}."
        )
    return float(optimize.brentq(lambda b: restricted_mean(median, shape, b, tau) - wished, -50, 50, xtol=1e-12))
