"""Exact inversion: the effect or the size at which power equals its target, or an error that says what stands in the way.

Power is looked at over the whole range first, because it is not monotone in every size (with few groups, more controls can cost
power). The smallest solution is refined by Brent's method. The end of a bracket is never returned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Tails
from trialkit.power.arguments import TakeUp, Test
from trialkit.power.model import Grid, Model, Shortfall, Sizes, Unknown
from trialkit.power.words import number, percent
from trialkit.results import Note

_WIDEST = 1e9
_GRID = 97
_TEETH = 12
_MOST_COUNTED = 10_000
_DOUBLINGS = 12


class NoSolutionError(UsageError):
    """No value of the argument left out gives the power that was asked for; names the binding arguments and the bound."""


@dataclass(frozen=True, slots=True)
class Root:
    """The smallest solution, and the next one where power falls through the target again."""

    value: float
    second: float | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """All three of effect (as stated), power and sizes, with what happens in the test there."""

    effect: float
    power: float
    sizes: Sizes
    tails: Tails
    notes: tuple[Note, ...] = ()


def solve(
    model: Model,
    *,
    effect: float | None,
    power: float | None,
    known: Sizes | None,
    unknown: Unknown | None,
    take_up: TakeUp,
    test: Test,
    direction: int | None = None,
) -> Solution:
    """The one of effect, power and size that was left out.

    `known` holds the sizes when all were given, `unknown` the one to find otherwise. `direction` is the sign of the effect looked
    for; unsaid: the alternative's, which for a two-sided test is above zero.
    """
    notes: tuple[Note, ...] = ()
    if known is not None:
        _check_df(model, known)
    if effect is not None:
        check_effect(model, effect * take_up.dilution)
    if effect is None:
        assert known is not None and power is not None
        effect = solve_effect(model, power, known, test, direction) / take_up.dilution
    elif known is None:
        assert unknown is not None and power is not None
        known, notes = solve_size(model, power, effect * take_up.dilution, unknown, test)
    tails = model.tails(effect * take_up.dilution, known)
    return Solution(effect, float(tails.power), known, tails, notes)


def check_effect(model: Model, assigned: float) -> None:
    """Refuses an effect that a rate cannot have."""
    direction = -1 if assigned < 0 else 1
    if abs(assigned) >= model.effect_limit(direction):
        rate = model.effect_limit(-1)
        raise UsageError(
            f"effect: a difference of {assigned:g} on everyone assigned takes control_rate={rate:g} to {rate + assigned:g}; "
            f"a rate lies between 0 and 1. Give an effect between {-rate:g} and {1 - rate:g}."
        )


def _check_df(model: Model, sizes: Sizes) -> None:
    df = model.precision(0.0, sizes).df
    if not df > 0:
        raise UsageError(
            f"{model.words(sizes)} leave {number(df)} degrees of freedom: too few people for a test. Plan for more, or for fewer covariates."
        )


def solve_effect(model: Model, power: float, sizes: Sizes, test: Test, direction: int | None = None) -> float:
    """Smallest effect on everyone assigned, in the direction of the alternative, that has this power."""
    sign = test.direction if direction is None else direction
    limit = model.effect_limit(sign)

    def power_at(size: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # far out a rate can be as good as zero and its variance unlimited
            return np.nan_to_num(model.tails(sign * size, sizes).power)

    if math.isinf(limit):
        start = test.quantile_sum(power) * model.precision(0.0, sizes).std_error
        found = first_crossing(power_at, power, _effects(power_at, power, start))
    else:
        found = first_crossing(power_at, power, limit * np.linspace(0.0, 1 - 1e-9, 65))
    if isinstance(found, Shortfall):
        why = "beyond some size the standard error grows faster than the effect"
        if not math.isinf(limit):
            why = f"an effect cannot exceed {limit:g} with this control_rate"
        raise NoSolutionError(
            f"power={power:g} is out of reach for any effect: {model.words(sizes)} reach {percent(found.peak)} at most, "
            f"because {why}. Plan for more people, or ask for less power."
        )
    return sign * found.value


def _effects(power_at: Grid, power: float, start: float) -> np.ndarray:
    """Effects from zero to where the power is reached; a fine grid over a wide range where doubling passes no such place."""
    high = start
    for _ in range(_DOUBLINGS):
        if float(power_at(np.asarray(high))) >= power:
            return np.linspace(0.0, high, 9)
        high *= 2
    return np.concatenate([np.linspace(0.0, 16 * start, 193), np.geomspace(16 * start, high, 25)[1:]])


def solve_size(model: Model, power: float, effect: float, unknown: Unknown, test: Test) -> tuple[Sizes, tuple[Note, ...]]:
    """The smallest size that reaches the power, as a full set of sizes."""
    _refuse_hopeless(effect, test, unknown.name)

    def power_at(x: np.ndarray) -> np.ndarray:
        return model.tails(effect, unknown.sizes(x)).power

    if unknown.whole:
        return _whole_size(power_at, power, unknown)
    grid = np.geomspace(unknown.lowest, _WIDEST, _GRID)
    found = first_crossing(power_at, power, grid)
    if isinstance(found, Shortfall):
        raise NoSolutionError(_shortfall_words(found, effect, unknown))
    if found.value <= unknown.lowest:
        raise NoSolutionError(_too_easy(power_at, power, unknown))
    return unknown.sizes(found.value), _root_notes(found, unknown.name, power)


def first_crossing(power_at: Grid, target: float, grid: np.ndarray) -> Root | Shortfall:
    """Where power first reaches the target on an increasing grid, refined; and where it next falls through it."""
    values = power_at(grid)
    if not (values >= target).any():
        top = int(np.argmax(values))
        peak_at, peak = _refined_peak(power_at, grid, top)
        if peak < target:
            return Shortfall(target, peak, peak_at if 0 < top < len(grid) - 1 else math.inf if top else float(grid[0]))
        grid, values = np.insert(grid, top + (peak_at > grid[top]), peak_at), np.insert(values, top + (peak_at > grid[top]), peak)
    first = int(np.argmax(values >= target))
    if first == 0:
        return Root(float(grid[0]))
    value = _brent(power_at, target, float(grid[first - 1]), float(grid[first]))
    below = np.flatnonzero(values[first:] < target)
    if not len(below):
        return Root(value)
    fall = first + int(below[0])
    return Root(value, _brent(power_at, target, float(grid[fall - 1]), float(grid[fall])))


def _brent(power_at: Grid, target: float, low: float, high: float) -> float:
    found = optimize.brentq(
        lambda x: float(power_at(np.asarray(x))) - target, low, high, xtol=1e-13 * max(high, 1e-3), rtol=1e-13
    )
    return float(found)


def _refined_peak(power_at: Grid, grid: np.ndarray, top: int) -> tuple[float, float]:
    """The maximum between the neighbours of the highest point of the grid."""
    low, high = float(grid[max(top - 1, 0)]), float(grid[min(top + 1, len(grid) - 1)])
    # a flat maximum is judged on the log scale of the grid
    found = optimize.minimize_scalar(
        lambda x: -float(power_at(np.asarray(math.exp(x)))),
        bounds=(math.log(max(low, 1e-9 * high)), math.log(high)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(math.exp(found.x)), float(-found.fun)


def _whole_size(power_at: Grid, target: float, unknown: Unknown) -> tuple[Sizes, tuple[Note, ...]]:
    """A whole number at which the saw of exact power first reaches the target: none of the dozen before it does."""

    def reaches(x: int) -> bool:
        return float(power_at(np.asarray(float(x)))) >= target

    smallest = int(unknown.lowest)
    if reaches(smallest):
        raise NoSolutionError(_too_easy(power_at, target, unknown))
    low, high = smallest, 2 * smallest
    while not reaches(high):
        low, high = high, 2 * high
        if high > _MOST_COUNTED:
            raise NoSolutionError(
                f"power={target:g} needs {unknown.name} above {_MOST_COUNTED:,}, where the enumeration of an exact test ends. Use method='pooled'."
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    found = next(x for x in range(max(high - _TEETH, smallest), high + 1) if reaches(x))
    dips = [x for x in range(found + 1, found + _TEETH + 1) if not reaches(x)]
    if not dips:
        return unknown.sizes(float(found)), ()
    text = f"exact power is a saw: it falls below {percent(target)} again at {unknown.name}={', '.join(map(str, dips))}."
    return unknown.sizes(float(found)), (Note("saw", text),)


def _too_easy(power_at: Grid, power: float, unknown: Unknown) -> str:
    reached = percent(float(power_at(np.asarray(float(unknown.lowest)))))
    return (
        f"power={power:g} is below what the smallest possible design has: {unknown.name}={unknown.lowest:g} gives {reached} for this effect. "
        f"Give {unknown.name} and leave out power instead."
    )


def _refuse_hopeless(effect: float, test: Test, name: str) -> None:
    if effect == 0:
        raise NoSolutionError(
            f"effect=0 cannot be detected: no {name} gives power above alpha. Give the smallest effect that would matter."
        )
    if test.alternative != "two-sided" and math.copysign(1, effect) != test.direction:
        raise NoSolutionError(
            f"effect={effect:g} lies in the other direction than alternative='{test.alternative}': power stays below alpha for any {name}. "
            "Turn the sign of the effect or the alternative."
        )


def _shortfall_words(found: Shortfall, effect: float, unknown: Unknown) -> str:
    if unknown.explain is not None:
        return unknown.explain(found, effect)
    return f"power={found.target:g} is out of reach for any {unknown.name}: it is {percent(found.peak)} at most."


def _root_notes(found: Root, name: str, power: float) -> tuple[Note, ...]:
    if found.second is None:
        return ()
    text = (
        f"two values of {name} have power {percent(power)}: {number(found.value)} and {number(found.second)}; the smaller one is given. "
        f"Beyond {number(found.second)} more {name} cost power, because the degrees of freedom fall."
    )
    return (Note("two_roots", text),)
