"""What a replicate must show: a difference, or with a margin in the plan non-inferiority or equivalence (estimate/margins/equivalence.py)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import special

from trialkit.errors import PlanError, UsageError
from trialkit.estimate.margins.equivalence import margins
from trialkit.estimate.measures import is_ratio
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.power.families.margins import equivalence, noninferiority
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import Planned
from trialkit.power.solve import NoSolutionError

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome

Aim = Literal["noninferiority", "equivalence"]


@dataclass(frozen=True, slots=True)
class Rule:
    """The plan's margins on the scale of the estimate (of ratios the log); `low` or `high` is None where the effect may go that way."""

    aim: Aim
    low: float | None
    high: float | None
    alpha: float

    @property
    def words(self) -> str:
        return "non-inferiority" if self.aim == "noninferiority" else "equivalence"

    def rejects(self, estimate: FloatArray, std_error: FloatArray, df: FloatArray) -> BoolArray:
        """Whether every one-sided test against a margin rejects at alpha."""
        cut = np.where(np.isinf(df), -special.ndtri(self.alpha), -special.stdtrit(np.where(np.isinf(df), 1e9, df), self.alpha))
        found = np.ones(len(estimate), dtype=bool)
        if self.low is not None:
            found &= estimate - self.low >= cut * std_error
        if self.high is not None:
            found &= self.high - estimate >= cut * std_error
        return found

    @property
    def bound(self) -> float:
        """A margin: the true effect at which showing the aim is an error."""
        return self.low if self.low is not None else float(self.high or 0.0)


def bounds_of(outcome: Outcome, alpha: float, unit: float) -> Rule | None:
    """The rule of an outcome whose margin is divided by `unit`; None without a margin."""
    if outcome.equivalence is None and outcome.noninferiority is None:
        return None
    asked = margins(
        measure=outcome.measure, equivalence=outcome.equivalence, noninferiority=outcome.noninferiority, better=outcome.better,
        conf_level=1 - alpha,
    )  # fmt: skip

    def on_scale(value: float) -> float:
        return math.log(value) if is_ratio(outcome.measure) else value / unit

    if asked.equivalence is not None:
        low, high = asked.equivalence
        return Rule("equivalence", on_scale(low), on_scale(high), asked.alpha)
    assert asked.bound is not None
    worst = on_scale(asked.bound)
    higher = asked.better == "higher"
    return Rule("noninferiority", worst if higher else None, None if higher else worst, asked.alpha)


def rule_of(outcome: Outcome, scale: Scale, alpha: float) -> Rule | None:
    """The rule of an outcome with a margin, in the units of simulated estimates; None without one."""
    unit = 1.0
    if (outcome.equivalence is not None or outcome.noninferiority is not None) and scale.kind == "mean" and not scale.raw:
        # estimates are in SDs here, the plan's margin in the units of the outcome
        if outcome.assume.sd is None:
            raise PlanError(f"the margin of '{outcome.name}' is in its own units and their SD is unknown: add assume.sd.")
        unit = outcome.assume.sd
    return bounds_of(outcome, alpha, unit)


def margin_power(rule: Rule, closed: Planned, scale: Scale, effect: float) -> float | None:
    """The closed form of the same question for differences of means and shares; None where there is none."""
    if closed.family not in ("individual", "binary", "clustered", "grouped") or "take_up" in closed.arguments or scale.ratio:
        return None
    turned = rule.aim == "noninferiority" and rule.low is None
    arguments: dict[str, Any] = {**closed.arguments, "effect": -effect if turned else effect}
    if scale.rate is not None:
        arguments["control_rate"] = 1 - scale.rate if turned else scale.rate
    try:
        if rule.aim == "noninferiority":
            return float(noninferiority(margin=abs(rule.bound), **arguments).power)
        assert rule.low is not None and rule.high is not None
        return float(equivalence(margin=(rule.low, rule.high), **arguments).power)
    except (NoSolutionError, UsageError):  # at or beyond the margin, or a design that the formula does not know
        return None
