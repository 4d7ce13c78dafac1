"""The units in which the power of an outcome is reckoned and told: SDs, the outcome's own, a rate, or the log of a ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import optimize

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.power.words import decimals, number, percent

__all__ = ["RATIO_WORDS", "Kind", "Scale", "log_odds_of_win", "shifted", "win_odds"]

Kind = Literal["mean", "rate", "count", "time", "ordered"]
RATIO_WORDS = {
    "rate_ratio": "a rate ratio", "mean_ratio": "a ratio of means", "hazard_ratio": "a hazard ratio", "proportional_odds": "an odds ratio",
    "win_odds": "win odds",
}  # fmt: skip


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


def shifted(control: FloatArray, log_odds: float) -> FloatArray:
    """Shares of the categories when the odds of a higher one are multiplied by exp(log_odds)."""
    below = np.cumsum(control)[:-1]
    with np.errstate(divide="ignore"):
        odds = below / (1 - below) * math.exp(-log_odds)
    return np.diff(np.concatenate([[0.0], np.where(np.isinf(odds), 1.0, odds / (1 + odds)), [1.0]]))


def win_odds(treated: FloatArray, control: FloatArray) -> float:
    """Odds that a treated person does better than a control, ties split; categories worst first."""
    wins = float(treated @ (np.cumsum(control) - control / 2))
    return wins / (1 - wins)


def log_odds_of_win(control: FloatArray, wished: float) -> float:
    """The log odds ratio of a better category that gives these win odds."""
    return float(optimize.brentq(lambda b: math.log(win_odds(shifted(control, b), control) / wished), -30, 30, xtol=1e-12))
