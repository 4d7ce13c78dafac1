"""Designs whose estimate is (close to) normal: all that matters is the variance of the effect and its df, as functions of the sizes.

The simpler families say those two, how a design is worded and what their sizes are called; solving, rounding and the sentences of the
answer come from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Tails, t_tails
from trialkit.power.arguments import Test, left_out, optional
from trialkit.power.model import Precision, Sizes, Unknown
from trialkit.power.people import people_arguments, people_fields, people_words, rounded_up, whole_people

Spread: TypeAlias = Callable[[Sizes, Any], tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class MeanModel:
    """All but effect, power and sizes.

    Attributes
    ----------
    spread : sizes and effect -> (variance of the effect on everyone assigned, df of its test).
    say : a design as the subject of a sentence. more : further fields of the result. round_up : the design to plan.
    """

    spread: Spread
    test: Test
    say: Callable[[Sizes], str]
    more: Callable[[Sizes], dict[str, Any]]
    round_up: Callable[[Sizes], Sizes]
    as_arguments: Callable[[Sizes], dict[str, Any]] = field(default=dict)

    def _spread(self, sizes: Sizes, effect: Any) -> tuple[Any, Any]:
        variance, df = self.spread(sizes, effect)
        return (variance, np.full(np.shape(variance), math.inf)) if self.test.reference == "z" else (variance, df)

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        variance, df = self._spread(sizes, effect)
        ncp = effect / np.sqrt(variance)
        return t_tails(ncp=ncp, df=df, critical=self.test.critical(df), alternative=self.test.alternative)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        variance, df = self._spread(sizes, effect)
        return Precision(math.sqrt(float(variance)), float(df))

    def effect_limit(self, direction: int) -> float:
        return math.inf

    def whole(self, sizes: Sizes) -> Sizes:
        return self.round_up(sizes)

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        return self.as_arguments(sizes)

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        return self.more(sizes)

    def words(self, sizes: Sizes) -> str:
        return self.say(sizes)


def people_model(
    left: Callable[[Any, Any, Any], tuple[Any, Any]],
    attrition: tuple[float, float],
    test: Test,
    more: Mapping[str, Any] | None = None,
) -> MeanModel:
    """Two arms of people; `left` takes the numbers left in the treated and the control arm and the effect, and gives variance and df."""

    def spread(sizes: Sizes, effect: Any) -> tuple[Any, Any]:
        n, m = (np.asarray(sizes[k]) * (1 - lost) for k, lost in zip(("treated", "controls"), attrition))
        return left(n, m, effect)

    return MeanModel(spread, test, people_words, lambda s: people_fields(s) | dict(more or {}), whole_people, people_arguments)


def asked_sizes(
    function: str,
    given: Mapping[str, Any],
    lowest: Mapping[str, float],
    *,
    effect: float | None,
    power: float | None,
) -> tuple[str, Sizes | None, Unknown | None]:
    """The argument to solve for, with all sizes or the one left out.

    Parameters
    ----------
    given : sizes by name, None where left out; an entry may be a list (sizes that differ), which is never solved for.
    lowest : smallest value of each, where the test begins to exist.
    """
    checked = {k: v if isinstance(v, (list, tuple)) else optional(k, v, at_least=lowest[k]) for k, v in given.items()}
    name = left_out(function, effect, power, {k: v is not None for k, v in checked.items()})
    if name in ("effect", "power"):
        return name, checked, None

    def sizes(x: Any) -> Sizes:
        return {**checked, name: float(x) if np.ndim(x) == 0 else x}

    return name, None, Unknown(name, lowest[name], sizes)


def all_rounded_up(sizes: Sizes) -> Sizes:
    """Every size that is one number, rounded up."""
    return {k: v if isinstance(v, (list, tuple)) else rounded_up(float(v)) for k, v in sizes.items()}


def only_one(what: str, given: Mapping[str, Any]) -> None:
    """Refuses two ways of saying the same."""
    said = [k for k, v in given.items() if v is not None]
    if len(said) > 1:
        raise UsageError(f"say {what} once: {' and '.join(said)} are given together.")
