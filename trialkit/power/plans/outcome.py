"""How a primary outcome of a plan is measured for power: in SDs, in its own units, as a rate, or as the log of a ratio (kinds.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.power.plans.kinds import count_scale, kind_of, ordered_scale, time_scale
from trialkit.power.plans.scale import Scale
from trialkit.power.words import number, percent

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

DEFAULT_RATE = 0.5


def scale_of(spec: PlanSpec, outcome: Outcome) -> Scale | None:
    """The scale of an outcome, or None for measures that power is not built for."""
    kind = kind_of(outcome)
    return None if kind is None else _SCALES[kind](outcome)


def _rate(outcome: Outcome) -> Scale:
    rate, asked = outcome.assume.control_rate, outcome.smallest_worthwhile
    base = DEFAULT_RATE if rate is None else rate
    said = f"{percent(base)} with the outcome in the control arm"
    wished = _difference(outcome.measure, base, _assumed_effect(outcome))
    falls = wished < 0 if wished else outcome.better == "lower"
    room = base if falls else 1 - base
    assumed = abs(wished) if wished and abs(wished) < room else None
    smallest = asked if isinstance(asked, float) and asked < room and outcome.measure == "risk_difference" else None
    unused = []
    if wished and assumed is None:
        unused.append(f"The effect you assume, {wished:+.3g}, does not fit a rate of {percent(base)} in the control arm.")
    if asked is not None and smallest is None:
        unused.append(
            "The smallest effect that would matter is not a risk difference that this rate has room for, and is left out here."
        )
    return Scale(
        rate=base,
        sd=1.0,
        raw=False,
        falls=falls,
        assumed=assumed,
        smallest=smallest,
        used=() if rate is None else (said,),
        missing=() if rate is not None else (f"{said}, where a rate varies most (assume control_rate)",),
        unused=tuple(unused),
        kind="rate",
        measure="risk_difference",
    )


def _assumed_effect(outcome: Outcome) -> float | None:
    if outcome.measure == "odds_ratio" and outcome.assume.odds_ratio is not None:
        return outcome.assume.odds_ratio
    return outcome.assume.effect


def _difference(measure: str, rate: float, effect: float | None) -> float | None:
    """A risk difference from a difference, a ratio of risks or a ratio of odds."""
    if effect is None or measure == "risk_difference":
        return effect
    if measure == "risk_ratio":
        return rate * (effect - 1)
    odds = effect * rate / (1 - rate)
    return odds / (1 + odds) - rate


def _mean(outcome: Outcome) -> Scale:
    """A scale's effects are in SDs; a column's in its units, if the plan gives their SD."""
    effect, sd = outcome.assume.effect, outcome.assume.sd
    in_sd = outcome.kind == "scale"
    raw = not in_sd and sd is not None
    used, missing, unused = [], [], []
    if sd is not None:
        used.append(f"SD {number(sd)}")
    if not in_sd and sd is None:
        missing.append("effects in SDs, because the outcome's SD is unknown (assume sd)")
        if effect is not None:
            unused.append(
                f"The effect you assume, {number(effect)}, is in the units of the outcome: add its SD to assume to have it judged."
            )
    assumed = abs(effect) if effect and (in_sd or raw) else None
    smallest = _smallest(outcome, sd if raw else None, in_sd, sd)
    if smallest is None and outcome.smallest_worthwhile is not None:
        unused.append(
            "The smallest effect that would matter is in the units of the outcome: add its SD to assume to have it judged."
        )
    falls = effect < 0 if effect else outcome.better == "lower"
    return Scale(
        None, sd if raw and sd is not None else 1.0, raw, falls, assumed, smallest, tuple(used), tuple(missing), tuple(unused)
    )


def _smallest(outcome: Outcome, unit: float | None, in_sd: bool, sd: float | None) -> float | None:
    """The smallest worthwhile effect on the scale of the answer: in raw units where `unit` is their SD, else in SDs."""
    wished = outcome.smallest_worthwhile
    if wished is None:
        return None
    if not isinstance(wished, float):
        return wished.hedges_g * (unit or 1.0)
    if unit is not None:
        return wished
    return wished / sd if in_sd and sd is not None else None


_SCALES = {"mean": _mean, "rate": _rate, "count": count_scale, "time": time_scale, "ordered": ordered_scale}
