"""The test of an effect against margins, as numbers with their sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trialkit.estimate.request import Better
from trialkit.inference.distributions import t_test


def log_or_nan(value: float) -> float:
    """The log of a ratio; undefined where the ratio is not above zero."""
    return math.log(value) if value > 0 else math.nan


@dataclass(frozen=True, slots=True)
class MarginTest:
    """What the tests against a margin have in common.

    `conf_low` and `conf_high` are the limits of the interval at `conf_level` = 1 - 2 alpha; `.conf_low_90`, `.conf_high_95` and so on are the
    limits at the level they name. All in the units of the effect: ratios are ratios.
    """

    contrast: str
    estimate: float
    std_error: float
    df: float
    ratio: bool
    alpha: float
    conf_level: float
    conf_low: float
    conf_high: float
    p_value: float
    shown: bool | None
    sentence: str

    def limits(self, conf_level: float) -> tuple[float, float]:
        """The t interval of the effect at a level."""
        centre = log_or_nan(self.estimate) if self.ratio else self.estimate
        found = t_test(centre, self.std_error, self.df, conf_level)
        return (math.exp(found.conf_low), math.exp(found.conf_high)) if self.ratio else (found.conf_low, found.conf_high)

    def __getattr__(self, name: str) -> float:
        side, _, level = name.removeprefix("conf_").partition("_")
        percent = level.replace("_", ".")
        if (
            name.startswith("conf_")
            and side in ("low", "high")
            and percent.replace(".", "", 1).isdigit()
            and 0 < float(percent) < 100
        ):
            return self.limits(float(percent) / 100)[side == "high"]
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}'")

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class EquivalenceTest(MarginTest):
    """Two one-sided tests: the effect lies above `lower` (`p_lower`) and below `upper` (`p_upper`); `p_value` is the larger."""

    lower: float
    upper: float
    p_lower: float
    p_upper: float


@dataclass(frozen=True, slots=True)
class NoninferiorityTest(MarginTest):
    """One one-sided test: the effect lies on the better side of `bound`, which is its upper side when `better` is 'higher'."""

    bound: float
    better: Better
