"""How a primary outcome of a plan is measured for power: in SDs, in its own units, or as a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialkit.power.words import decimals, number, percent

if TYPE_CHECKING:
    from trialkit.plan.schema import PlanSpec
    from trialkit.plan.schema_outcomes import Outcome

_RATES = ("risk_difference", "risk_ratio", "odds_ratio")
DEFAULT_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """Units of an outcome.

    Attributes
    ----------
    rate : share in the control arm for a rate, else None.
    sd : standard deviation in the outcome's units; 1 where effects are in SDs.
    raw : whether those units are the outcome's own.
    falls : whether the effect looked for is a fall. Effects are sizes in that direction.
    assumed, smallest : the effect assumed and the smallest that would matter, on this scale, or None.
    used, missing : what was taken from the plan, and what had to be supplied.
    unused : sentences about what could not be used.
    """

    rate: float | None
    sd: float
    raw: bool
    falls: bool
    assumed: float | None
    smallest: float | None
    used: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        """Keywords of a power function. A fall of a rate is a rise of its complement, with the same variances."""
        if self.rate is None:
            return {"sd": self.sd}
        return {"control_rate": 1 - self.rate if self.falls else self.rate}

    def words(self, effect: float) -> str:
        """An effect as in 'you detect ...': '0.38 SD', 'a rise from 30 % to 38.2 %'."""
        if self.rate is not None:
            reached = self.rate - effect if self.falls else self.rate + effect
            if not 0 < reached < 1:
                return f"{self.amount(effect)} (more than there is room for)"
            return f"a {'fall' if self.falls else 'rise'} from {percent(self.rate)} to {percent(reached)}"
        if not self.raw:
            return f"{decimals(effect)} SD"
        return f"a difference of {number(effect)} ({decimals(effect / self.sd)} SD)"

    def amount(self, effect: float) -> str:
        """The size of an effect alone: '0.48 SD', '10.8 percentage points'."""
        return f"{number(100 * effect)} percentage points" if self.rate is not None else self.words(effect)

    def short(self, effect: float) -> str:
        """The same where the units are known from before: '0.35', '37.5 %'."""
        if self.rate is not None:
            return percent(self.rate - effect if self.falls else self.rate + effect)
        return number(effect) if self.raw else decimals(effect)


def scale_of(spec: PlanSpec, outcome: Outcome) -> Scale | None:
    """The scale of an outcome, or None for measures that power is not built for."""
    if outcome.measure in _RATES:
        return _rate(outcome)
    if outcome.measure == "mean_difference" and outcome.kind != "time":
        return _mean(outcome)
    return None


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
