"""Time to an event: the log-rank test (Cox model) of two arms.

Power depends on the number of events d: the log hazard ratio has variance 1/(q(1-q) d) (Schoenfeld 1981), or, with the variance under the
alternative, d = z^2 (1 + kappa HR)^2 / (kappa (1 - HR)^2) events with kappa treated per control (Freedman 1982). Freedman takes the ratio of
those at risk as constant, which holds while a minority has had the event; Schoenfeld holds where nearly everyone is followed to it, and near a ratio of
1. With equal arms they hardly differ; with unequal arms by up to .065 (docs/calibration/power.csv).
Expected events: exponential times, uniform accrual over R, then follow-up F, exponential drop-out with hazard w: with l the hazard of an arm and
h = l + w, P(event) = l/h [1 - (exp(-hF) - exp(-h(R+F)))/(h R)], averaged over the arms under the alternative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Alternative, Tails, t_tails
from trialkit.misuse import explained
from trialkit.power.arguments import Pair, Side, TakeUp, Test, choice, optional, real, said, shares, side_of
from trialkit.power.assemble import assemble
from trialkit.power.families.ratio_designs import (
    CLUSTER_SIZES,
    GROUP_SIZES,
    RatioQuestion,
    design_improvements,
    design_of,
    only_with_groups,
    ratio_in_design,
)
from trialkit.power.mean_model import asked_sizes
from trialkit.power.model import Precision, Sizes
from trialkit.power.people import rounded_up
from trialkit.power.result import PowerResult
from trialkit.power.solve import NoSolutionError, Solution, solve, solve_effect
from trialkit.power.words import number, percent, plural
from trialkit.results import Note

EventsMethod: TypeAlias = Literal["schoenfeld", "freedman"]

SIZE_ARGUMENTS = ("events", "n", "controls", *GROUP_SIZES, *CLUSTER_SIZES, "allocation")


@dataclass(frozen=True, slots=True)
class Events:
    """All but effect (log hazard ratio), power and events. `seen` gives the share of people with an event at a log hazard ratio."""

    share: float
    method: EventsMethod
    accrual: _Accrual | _Seen | None
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

    def words(self) -> str:
        lost = f", lost at a rate of {percent(1 - math.exp(-self.dropout))} per unit of time" if self.dropout else ""
        return (
            f"exponential times with median {number(math.log(2) / self.control_hazard)} in the control arm, entry over {number(self.accrual)}, "
            f"{number(self.follow_up)} more of follow-up{lost}"
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The share whose event is seen, whatever the hazard ratio."""

    share: float

    def probability(self, effect: Any, treated: Any) -> Any:
        return self.share

    def words(self) -> str:
        return f"{percent(self.share)} of the people have the event while they are followed"


@dataclass(frozen=True, slots=True)
class Times:
    """Schoenfeld's variance of a log hazard ratio, person by person: 1 / P(event) in both arms."""

    entry: _Accrual | _Seen

    def variances(self, effect: Any, share: Any) -> tuple[Any, Any]:
        each = 1 / self.entry.probability(effect, share)
        return each, each


@explained
def time_to_event(
    *,
    hazard_ratio: float | None = None,
    power: float | None = None,
    events: float | None = None,
    n: float | None = None,
    groups: float | None = None,
    group_size: float | Sequence[float] | None = None,
    controls: float | None = None,
    control_groups: float | None = None,
    control_group_size: float | None = None,
    clusters: float | None = None,
    cluster_size: float | Sequence[Sequence[float]] | None = None,
    icc: float | None = None,
    control_icc: float | None = None,
    size_cv: float = 0.0,
    event_probability: float | None = None,
    method: EventsMethod = "schoenfeld",
    control_median: float | None = None,
    accrual: float | None = None,
    follow_up: float | None = None,
    dropout: float = 0.0,
    allocation: Pair | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    ratio_side: Side = "below",
) -> PowerResult:
    """Power, detectable hazard ratio, events or people for a time to an event, as finding work.

    Parameters
    ----------
    hazard_ratio : treated by control; above 1 when the programme brings the event sooner. With groups or clusters the one of the arms as wholes, which
        lies nearer to 1 than the one within groups that differ.
    events : events over both arms. With `control_median`, `accrual` and `follow_up` the people to randomize follow, or are given as `n`.
    method : 'schoenfeld' (default) or 'freedman'.
    control_median : median time in the control arm; accrual : length of recruitment; follow_up : after the last person entered; dropout : hazard of
        being lost, per unit of time, in both arms. All in one unit.
    event_probability : share of all people whose event is seen, instead of those four.
    groups, group_size, controls, control_groups, control_group_size : people treated in groups, as in `grouped`; clusters, cluster_size, size_cv : whole
        clusters randomized, as in `clustered`. Both need `icc`, that of the martingale residuals (near that of having the event), and the share that
        has the event; the log hazard ratio is then tested by t, its variance by Schoenfeld times the design effect of the arm with groups.
    allocation : (treated, control) weights, (1, 1) by default. alpha, alternative : as in `individual`; 'greater' looks for ratios above 1.

    ratio_side : when the ratio is looked for by a two-sided test, 'below' (default) or 'above' 1.

    Returns
    -------
    PowerResult
        `.events .n .event_probability .hazard_ratio .std_error` (of the log hazard ratio); when the ratio was left out, `.hazard_ratio` is the one
        below 1 and `.hazard_ratio_above` the one above.

    Raises
    ------
    UsageError, NoSolutionError
        A ratio of 1 or below 0, half of what accrual needs, or no number that reaches the power.

    Notes
    -----
    Source: Schoenfeld (1981), Freedman (1982); Xie & Waksman (2003) for the design effect on events. The design effect holds near a hazard ratio of
    1 and where people of one group share their follow-up; with strong group effects hazards are no longer proportional. Simulate the plan then.

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
    share = shares((1, 1) if allocation is None else allocation)[0]
    entry = entry_of(control_median, accrual, follow_up, dropout, event_probability)
    sizes = {k: inputs.get(k) for k in SIZE_ARGUMENTS if k not in ("allocation", "events")}
    design = design_of(sizes)
    only_with_groups(design, {"icc": icc, "control_icc": control_icc, "size_cv": size_cv or None, "controls": controls})
    if n is not None and (events is not None or entry is None):
        raise UsageError(
            "n needs control_median, accrual and follow_up, or event_probability (and no events): they say how many of the n have the event."
        )
    wished, log_ratio = checked.target(power), None if ratio is None else math.log(ratio)
    if design != "people":
        if entry is None or events is not None or method != "schoenfeld":
            raise UsageError(
                "with groups or clusters say event_probability (or control_median, accrual and follow_up), no events, and method='schoenfeld'."
            )
        asked = RatioQuestion(
            function="time_to_event",
            ratio_name="hazard_ratio",
            scale=Times(entry),
            log_ratio=log_ratio,
            power=wished,
            sizes=sizes,
            icc=icc,
            control_icc=control_icc,
            size_cv=size_cv,
            allocation=allocation,
            attrition=(0.0, 0.0),
            take_up=uptake,
            test=checked,
            direction=side_of(ratio_side) if alternative == "two-sided" else None,
        )
        return _of_groups(ratio_in_design(asked, inputs=inputs, assumptions=("proportional hazards", entry.words())), entry)
    model = Events(share, choice("method", method, EventsMethod), entry, checked)
    given = {"n": n} if n is not None else {"events": events}
    solved_for, known, unknown = asked_sizes("time_to_event", given, {"n": 1.0, "events": 0.01}, effect=log_ratio, power=wished)
    side = side_of(ratio_side) if solved_for == "effect" and alternative == "two-sided" else None
    solution = solve(
        model, effect=log_ratio, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked, direction=side
    )
    log_ratio = solution.effect
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
        assumptions=("proportional hazards", None if entry is None else entry.words()),
        notes=_notes(model, solution),
    )
    d = float(model._events(log_ratio, solution.sizes))
    more: dict[str, Any] = {
        "events": d,
        "hazard_ratio": math.exp(log_ratio),
        "effect": math.exp(log_ratio),
        "effect_assigned": log_ratio,
        "effect_words": f"a hazard ratio of {number(math.exp(log_ratio))}",
    }
    if side is not None:
        assert wished is not None and known is not None
        more["hazard_ratio_above"] = _above(model, wished, known, checked)
    if entry is not None:
        seen = float(entry.probability(log_ratio, share))
        more |= {"event_probability": seen, "n": d / seen, "treated": share * d / seen, "controls": (1 - share) * d / seen}
    return found.with_details(**more)


def _notes(model: Events, solution: Solution) -> list[Note]:
    """Where the two formulas part, simulation lies with one or the other (docs/calibration/power.csv)."""
    both = {m: float(replace(model, method=m).tails(solution.effect, solution.sizes).power) for m in ("schoenfeld", "freedman")}
    if abs(both["schoenfeld"] - both["freedman"]) < 0.005:
        return []
    text = (
        f"Schoenfeld's formula gives {percent(both['schoenfeld'])} here and Freedman's {percent(both['freedman'])}. With equal arms both are within .025 "
        "from 60 events on; with unequal arms Schoenfeld's is within .04 where almost everyone is followed to the event, Freedman's within .03 where a "
        "minority has it, and the other one is up to .065 off."
    )
    return [Note("events_formulas", text)]


def _above(model: Events, power: float, known: Sizes, test: Test) -> float | None:
    """The detectable ratio above 1; None where there is none (events may not suffice on that side)."""
    try:
        return math.exp(solve_effect(model, power, known, test, 1))
    except NoSolutionError:
        return None


def _of_groups(found: PowerResult, entry: _Accrual | _Seen) -> PowerResult:
    """Events and ratio of a design with groups or clusters."""
    log_ratio, people = found.effect, found.details["treated"] + found.details["controls"]
    seen = float(entry.probability(log_ratio, found.details["treated"] / people))
    return found.with_details(
        hazard_ratio=math.exp(log_ratio),
        effect=math.exp(log_ratio),
        effect_assigned=log_ratio,
        effect_words=f"a hazard ratio of {number(math.exp(log_ratio))}",
        events=people * seen,
        event_probability=seen,
    )


def entry_of(median: Any, accrual: Any, follow_up: Any, dropout: Any, seen: Any) -> _Accrual | _Seen | None:
    given = {"control_median": median, "accrual": accrual, "follow_up": follow_up}
    missing = [k for k, v in given.items() if v is None]
    if seen is not None:
        if len(missing) < 3 or dropout:
            raise UsageError(
                "event_probability stands for control_median, accrual, follow_up and dropout: say one or the others."
            )
        return _Seen(real("event_probability", seen, above=0, at_most=1))
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


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    if "events" in arguments:
        return [("ten more events", {"events": arguments["events"] + 10})]
    found = design_improvements(arguments) or [("twenty more people", {"n": arguments["n"] + 20})]
    if arguments.get("follow_up") is None:
        return found
    return [*found, ("a quarter more follow-up", {"follow_up": 1.25 * arguments["follow_up"]})]
