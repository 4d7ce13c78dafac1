"""Time to an event: the log-rank test (Cox model) of two arms.

Power depends on the number of events d: the log hazard ratio has variance 1/(q(1-q) d) (Schoenfeld 1981), or, with the variance under the
alternative, d = z^2 (1 + kappa HR)^2 / (kappa (1 - HR)^2) events with kappa treated per control (Freedman 1982). Freedman is right when nearly
everyone is followed to the event, Schoenfeld when a minority has it.
Expected events: exponential times, uniform accrual over R, then follow-up F, exponential drop-out with hazard w: with l the hazard of an arm and
h = l + w, P(event) = l/h [1 - (exp(-hF) - exp(-h(R+F)))/(h R)], averaged over the arms under the alternative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.noncentral import Alternative, Tails, t_tails
from trialkit.power.arguments import Pair, TakeUp, Test, choice, optional, real, said, shares
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import asked_sizes
from trialkit.power.model import Precision, Sizes
from trialkit.power.people import rounded_up
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural

EventsMethod: TypeAlias = Literal["schoenfeld", "freedman"]

SIZE_ARGUMENTS = ("events", "n")


@dataclass(frozen=True, slots=True)
class Events:
    """All but effect (log hazard ratio), power and events. `seen` gives the share of people with an event at a log hazard ratio."""

    share: float
    method: EventsMethod
    accrual: _Accrual | None
    test: Test

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        d = self._events(effect, sizes)
        ncp = np.asarray(self._drift(effect)) * np.sqrt(d)
        return t_tails(ncp=ncp, df=math.inf, critical=self.test.critical(math.inf), alternative=self.test.alternative)

    def _drift(self, effect: Any) -> Any:
        """Noncentrality per root event."""
        if self.method == "schoenfeld":
            return effect * math.sqrt(self.share * (1 - self.share))
        kappa, hr = self.share / (1 - self.share), np.exp(effect)
        return math.sqrt(kappa) * (hr - 1) / (1 + kappa * hr)

    def _events(self, effect: Any, sizes: Sizes) -> Any:
        if "events" in sizes:
            return np.asarray(sizes["events"])
        assert self.accrual is not None
        return np.asarray(sizes["n"]) * self.accrual.probability(effect, self.share)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        return Precision(1 / math.sqrt(self.share * (1 - self.share) * float(self._events(effect, sizes))), math.inf)

    def effect_limit(self, direction: int) -> float:
        return math.inf

    def whole(self, sizes: Sizes) -> Sizes:
        return {k: rounded_up(v) for k, v in sizes.items()}

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        return dict(sizes)

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        return {k: float(v) for k, v in sizes.items()}

    def words(self, sizes: Sizes) -> str:
        return plural(sizes["events"], "event") if "events" in sizes else plural(sizes["n"], "person", "people")


@dataclass(frozen=True, slots=True)
class _Accrual:
    """How people enter and leave."""

    control_hazard: float
    accrual: float
    follow_up: float
    dropout: float

    def probability(self, effect: Any, treated: float) -> Any:
        """Share of all people whose event is seen, at a log hazard ratio."""
        return treated * self._arm(self.control_hazard * np.exp(effect)) + (1 - treated) * self._arm(self.control_hazard)

    def _arm(self, hazard: Any) -> Any:
        out = hazard + self.dropout
        if self.accrual == 0:
            staying = np.exp(-out * self.follow_up)
        else:
            staying = (np.exp(-out * self.follow_up) - np.exp(-out * (self.accrual + self.follow_up))) / (out * self.accrual)
        return hazard / out * (1 - staying)


def time_to_event(
    *,
    hazard_ratio: float | None = None,
    power: float | None = None,
    events: float | None = None,
    n: float | None = None,
    method: EventsMethod = "schoenfeld",
    control_median: float | None = None,
    accrual: float | None = None,
    follow_up: float | None = None,
    dropout: float = 0.0,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> PowerResult:
    """Power, detectable hazard ratio, events or people for a time to an event, as finding work.

    Parameters
    ----------
    hazard_ratio : treated by control; above 1 when the programme brings the event sooner.
    events : events over both arms. With `control_median`, `accrual` and `follow_up` the people to randomize follow, or are given as `n`.
    method : 'schoenfeld' (default) or 'freedman'.
    control_median : median time in the control arm; accrual : length of recruitment; follow_up : after the last person entered; dropout : hazard of
        being lost, per unit of time, in both arms. All in one unit.
    allocation : (treated, control) weights. alpha, alternative : as in `individual`; 'greater' looks for ratios above 1.

    Returns
    -------
    PowerResult
        `.events .n .event_probability .hazard_ratio .std_error` (of the log hazard ratio); when the ratio was left out, `.hazard_ratio` is the one
        below 1 and `.hazard_ratio_above` its reciprocal.

    Raises
    ------
    UsageError, NoSolutionError
        A ratio of 1 or below 0, half of what accrual needs, or no number that reaches the power.

    Notes
    -----
    Source: Schoenfeld (1981), Freedman (1982). Groups in one arm are not in the formula: multiply the events of the treated by the design effect, or
    simulate the plan.

    Examples
    --------
    >>> found = tk.power.time_to_event(hazard_ratio=0.7, power=0.9)
    >>> round(found.events, 2)
    330.38
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative), TakeUp.checked(1.0, "assigned")
    ratio = optional("hazard_ratio", hazard_ratio, above=0)
    if ratio == 1:
        raise UsageError("hazard_ratio=1 is no effect: nothing detects it. Give the ratio nearest to 1 that would matter.")
    share = shares(allocation)[0]
    entry = _entry(control_median, accrual, follow_up, dropout)
    if n is not None and (events is not None or entry is None):
        raise UsageError(
            "n needs control_median, accrual and follow_up (and no events): they say how many of the n have the event."
        )
    model = Events(share, choice("method", method, EventsMethod), entry, checked)
    wished = checked.target(power)
    effect = None if ratio is None else math.log(ratio)
    given = {"n": n} if n is not None else {"events": events}
    solved_for, known, unknown = asked_sizes("time_to_event", given, {"n": 1.0, "events": 0.01}, effect=effect, power=wished)
    below_one = -1 if solved_for == "effect" and alternative == "two-sided" else 1
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    log_ratio = solution.effect * below_one
    found = assemble(
        "time_to_event",
        model,
        solution,
        solved_for="hazard_ratio" if solved_for == "effect" else solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method={"schoenfeld": "Schoenfeld's formula", "freedman": "Freedman's formula"}[model.method],
        standardized=None,
        assumptions=("proportional hazards", None if entry is None else _entry_words(entry)),
    )
    d = float(model._events(log_ratio, solution.sizes))
    more: dict[str, Any] = {
        "events": d,
        "hazard_ratio": math.exp(log_ratio),
        "effect": math.exp(log_ratio),
        "effect_assigned": log_ratio,
        "effect_words": f"a hazard ratio of {number(math.exp(log_ratio))}",
    }
    if solved_for == "effect":
        more["hazard_ratio_above"] = math.exp(-log_ratio)
    if entry is not None:
        seen = float(entry.probability(log_ratio, share))
        more |= {"event_probability": seen, "n": d / seen, "treated": share * d / seen, "controls": (1 - share) * d / seen}
    return found.with_details(**more)


def _entry(median: Any, accrual: Any, follow_up: Any, dropout: Any) -> _Accrual | None:
    given = {"control_median": median, "accrual": accrual, "follow_up": follow_up}
    missing = [k for k, v in given.items() if v is None]
    if len(missing) == 3:
        return None
    if missing:
        raise UsageError(f"{', '.join(missing)} missing: control_median, accrual and follow_up belong together.")
    return _Accrual(
        math.log(2) / real("control_median", median, above=0),
        real("accrual", accrual, at_least=0),
        real("follow_up", follow_up, at_least=0),
        real("dropout", dropout, at_least=0),
    )


def _entry_words(entry: _Accrual) -> str:
    lost = f", lost at a rate of {percent(1 - math.exp(-entry.dropout))} per unit of time" if entry.dropout else ""
    return (
        f"exponential times with median {number(math.log(2) / entry.control_hazard)} in the control arm, entry over {number(entry.accrual)}, "
        f"{number(entry.follow_up)} more of follow-up{lost}"
    )


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    if "n" in arguments:
        found = [("twenty more people", {"n": arguments["n"] + 20})]
        return [*found, ("a quarter more follow-up", {"follow_up": 1.25 * arguments["follow_up"]})]
    return [("ten more events", {"events": arguments["events"] + 10})]
