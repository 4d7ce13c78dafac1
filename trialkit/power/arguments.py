"""What a caller may say, checked once: every refusal names the argument, what it is and what it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy import special

from trialkit.errors import UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Alternative, critical_value
from trialkit.power.words import number, percent

EffectOn: TypeAlias = Literal["compliers", "assigned"]
Standardizer: TypeAlias = Literal["control", "treated", "pooled"]
Reference: TypeAlias = Literal["t", "z"]
Side: TypeAlias = Literal["above", "below"]
Pair: TypeAlias = float | Sequence[float]


def said(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a call that were given, in plain types: what a result needs to be computed again."""
    return {k: _plain(v) for k, v in arguments.items() if v is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, np.ndarray, range)):
        return tuple(_plain(v) for v in value)
    return value.item() if isinstance(value, np.generic) else value


def real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """A finite number within its bounds, or an error that names both."""
    if isinstance(value, (list, tuple, range, np.ndarray)):
        raise UsageError(f"{name} must be one number; it is {value!r}. For several values use tk.power.curve.")
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or not math.isfinite(value):
        raise UsageError(f"{name} must be a finite number; it is {value!r}.")
    bounds = [("above", above), ("at least", at_least), ("below", below), ("at most", at_most)]
    broken = (
        (above is not None and value <= above)
        or (at_least is not None and value < at_least)
        or (below is not None and value >= below)
        or (at_most is not None and value > at_most)
    )
    if broken:
        limits = " and ".join(f"{word} {limit:g}" for word, limit in bounds if limit is not None)
        raise UsageError(f"{name} must be {limits}; it is {value:g}.")
    return float(value)


def optional(name: str, value: Any, **bounds: float) -> float | None:
    """A number within its bounds, or None when it was left out."""
    return None if value is None else real(name, value, **bounds)


def both_arms(name: str, value: Any, **bounds: float) -> tuple[float, float]:
    """One number for both arms, or (treated, control)."""
    if isinstance(value, (list, tuple, np.ndarray)):
        if len(value) != 2:
            raise UsageError(f"{name} must be one number or (treated, control); it has {len(value)} values.")
        return real(f"{name} of the treated arm", value[0], **bounds), real(f"{name} of the control arm", value[1], **bounds)
    one = real(name, value, **bounds)
    return one, one


def choice(name: str, value: Any, kind: Any) -> Any:
    """One of the values of a Literal, or an error that proposes the nearest."""
    allowed = get_args(kind)
    if value in allowed:
        return value
    near = nearest(str(value), allowed)
    hint = f" Did you mean '{near}'?" if near else ""
    raise UsageError(f"{name} cannot be {value!r}.{hint} Possible: {shown(allowed)}.")


def shares(allocation: Any) -> tuple[float, float]:
    """Shares of the treated and the control arm from their weights."""
    if not isinstance(allocation, (list, tuple, np.ndarray)) or len(allocation) != 2:
        raise UsageError(f"allocation must be (treated, control) weights, as in (2, 1); it is {allocation!r}.")
    treated, control = both_arms("allocation", allocation, above=0)
    return treated / (treated + control), control / (treated + control)


@dataclass(frozen=True, slots=True)
class Test:
    """Level, direction and reference distribution of the test."""

    alpha: float
    alternative: Alternative
    reference: Reference = "t"

    __test__ = False  # not a test class for pytest

    @classmethod
    def checked(cls, alpha: Any, alternative: Any, reference: Any = "t") -> Test:
        level = real("alpha", alpha, above=0, below=1)
        return cls(level, choice("alternative", alternative, Alternative), choice("test", reference, Reference))

    @property
    def direction(self) -> int:
        """Sign of the effects looked for when the effect is left out."""
        return -1 if self.alternative == "less" else 1

    def critical(self, df: Any) -> FloatArray:
        return critical_value(df, self.alpha, self.alternative)

    def quantile_sum(self, power: float) -> float:
        """z of the level plus z of the power: the normal formula's multiple of the standard error."""
        return float(self.critical(math.inf) + special.ndtri(power))

    def target(self, power: Any) -> float | None:
        """A power that can be asked for: above alpha, below one."""
        wished = optional("power", power, above=0, below=1)
        if wished is not None and wished <= self.alpha:
            raise UsageError(
                f"power={wished:g} is not above alpha={self.alpha:g}: a test rejects that often without any effect. Ask for more power or a smaller alpha."
            )
        return wished

    def words(self) -> str:
        side = {"two-sided": "two-sided", "greater": "one-sided (greater)", "less": "one-sided (less)"}[self.alternative]
        return f"{side} test at level {number(self.alpha)}"


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Shares that take part in both arms, and whose effect `effect` is."""

    treated: float
    control: float
    effect_on: EffectOn

    @classmethod
    def checked(cls, take_up: Any, effect_on: Any) -> TakeUp:
        """A number x is (x, 0)."""
        on = choice("effect_on", effect_on, EffectOn)
        given = take_up if isinstance(take_up, (list, tuple, np.ndarray)) else (take_up, 0.0)
        treated, control = both_arms("take_up", given, at_least=0, at_most=1)
        if treated <= control:
            raise UsageError(
                f"take_up of the treated arm ({treated:g}) must be above that of the control arm ({control:g}), or the offer changes nothing."
            )
        return cls(treated, control, on)

    @property
    def difference(self) -> float:
        return self.treated - self.control

    @property
    def dilution(self) -> float:
        """Effect on everyone assigned, as a share of `effect`."""
        return self.difference if self.effect_on == "compliers" else 1.0

    def words(self, effect: float) -> str | None:
        """What take-up does to the effect, or None when everyone takes part as assigned."""
        if self.difference == 1:
            return None
        control = f" and {percent(self.control)} of the control arm" if self.control else ""
        shares = f"{percent(self.treated)} of the treated arm{control} take part"
        if self.effect_on == "compliers":
            return f"{shares}; the effect is the one on compliers, {number(effect * self.difference)} on everyone assigned"
        return f"{shares}; the effect is the one on everyone assigned, {number(effect / self.difference)} on compliers"


def side_of(ratio_side: Any) -> int | None:
    """Sign of the log ratio looked for, None where it was left to the alternative."""
    return None if ratio_side is None else 1 if choice("ratio_side", ratio_side, Side) == "above" else -1


def with_strata(strata_r2: Any, baseline_correlation: float | None) -> float | None:
    """The correlation that strata and baseline together stand for: they leave (1 - strata_r2)(1 - r^2) of the variance."""
    explained = optional("strata_r2", strata_r2, at_least=0, below=1)
    if not explained:
        return baseline_correlation
    return math.sqrt(1 - (1 - explained) * (1 - (baseline_correlation or 0.0) ** 2))


def strata_words(strata_r2: float | None) -> str | None:
    """The strata as an assumption."""
    return f"strata explain {percent(strata_r2)} of the variance, and the analysis adjusts for them" if strata_r2 else None


def attrition_words(attrition: tuple[float, float]) -> str | None:
    """Losses in words, or None when nobody is lost."""
    if attrition == (0.0, 0.0):
        return None
    if attrition[0] == attrition[1]:
        return f"{percent(attrition[0])} are lost to follow-up"
    return f"{percent(attrition[0])} of the treated and {percent(attrition[1])} of the controls are lost to follow-up"


def left_out(function: str, effect: float | None, power: float | None, sizes: Mapping[str, bool]) -> str:
    """Which one of effect, power and the sizes a call leaves out; `sizes` says of each whether it was given."""
    missing = [
        name for name, given in (("effect", effect is not None), ("power", power is not None), *sizes.items()) if not given
    ]
    if len(missing) == 1:
        return missing[0]
    if not missing:
        raise UsageError(f"{function} has nothing to solve for: leave out one of {shown(['effect', 'power', *sizes])}.")
    raise UsageError(f"{function} solves for one argument; {shown(missing)} are missing. Give all but the one you want.")
