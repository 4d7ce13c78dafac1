"""How a primary outcome of a plan is measured for power: in SDs, in its own units, as a rate, or as the log of a ratio (plan_kinds.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.power.plans.kinds import (
    RATIO_WORDS,
    Kind,
    count_scale,
    kind_of,
    log_odds_of_win,
    ordered_scale,
    shifted,
    time_scale,
    win_odds,
)
from trialkit.power.words import decimals, number, percent

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

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
    kind, measure : 'mean', 'rate', 'count', 'time' or 'ordered', and for the last three the measure. Effects of these are logs of ratios (of the odds of
        a better category for ordered outcomes), but for restricted mean times, whose effects are times.
    given : what is assumed of the control arm for these: control_mean and variance_ratio; control_median, follow_up, shape and tau; control_shares.
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
    kind: Kind = "mean"
    measure: str = "mean_difference"
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> bool:
        """Whether effects are logs and are shown as ratios."""
        return self.measure in RATIO_WORDS

    def shown(self, effect: float) -> float:
        """A signed effect as a reader meets it: ratios instead of logs."""
        if self.measure == "win_odds":
            control = np.asarray(self.given["control_shares"])
            return win_odds(shifted(control, effect), control)
        return math.exp(effect) if self.ratio else effect

    def read(self, shown: float) -> float:
        """The signed effect that is shown as this: of a ratio the log."""
        if not self.ratio:
            return shown
        if shown <= 0:
            raise UsageError(
                f"effects of {self.measure} are ratios above 0, with 1 for no effect; {shown:g} is none: write effects=[1, 1.5]."
            )
        return log_odds_of_win(np.asarray(self.given["control_shares"]), shown) if self.measure == "win_odds" else math.log(shown)

    def arguments(self) -> dict[str, Any]:
        """Keywords of a power function. A fall of a rate is a rise of its complement, with the same variances."""
        if self.kind not in ("mean", "rate"):
            return dict(self.given)
        if self.rate is None:
            return {"sd": self.sd}
        return {"control_rate": 1 - self.rate if self.falls else self.rate}

    def words(self, effect: float) -> str:
        """An effect as in 'you detect ...': '0.38 SD', 'a rise from 30 % to 38.2 %', 'a rate ratio of 1.3'."""
        if self.ratio:
            return f"{RATIO_WORDS[self.measure]} of {self.short(effect)}"
        if self.kind == "time":
            return (
                f"a mean time up to {number(self.given['tau'])} that is {number(effect)} {'shorter' if self.falls else 'longer'}"
            )
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
        """The same where the units are known from before: '0.35', '37.5 %', '1.3'."""
        if self.ratio:
            return number(self.shown(-effect if self.falls else effect))
        if self.kind == "time":
            return number(effect)
        if self.rate is not None:
            return percent(self.rate - effect if self.falls else self.rate + effect)
        return number(effect) if self.raw else decimals(effect)


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
