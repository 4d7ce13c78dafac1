"""What a design family says about itself, so that solving, rounding and wording are written once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Tails

# Sizes by name, in the words of the family: {"groups": 10.0, "group_size": 12.0, "controls": 120.0}. One of them may be an array.
Sizes: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Precision:
    """Standard error of the estimated effect on everyone assigned, and the degrees of freedom of its test."""

    std_error: float
    df: float


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A target that no size reaches: the highest power, and the size that has it (infinite when it is a limit)."""

    target: float
    peak: float
    peak_at: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """A size that was left out.

    Attributes
    ----------
    name : the argument.
    lowest : where the search begins: the smallest design that the test exists for.
    sizes : the design at a value (or an array of values) of it.
    explain : the sentences of the error when no value reaches the target.
    whole : solved over whole numbers, because power is a saw (exact tests of counts).
    """

    name: str
    lowest: float
    sizes: Callable[[Any], Sizes]
    explain: Callable[[Shortfall, float], str] | None = None
    whole: bool = False


class Model(Protocol):
    """A family with all but effect, power and sizes fixed. `effect` is the one on everyone assigned, in raw units."""

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        """Rejections; effect or one of the sizes may be an array."""

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        """Standard error and df as the test has them at the population values."""

    def effect_limit(self, direction: int) -> float:
        """Largest effect there can be in that direction; infinite for means."""

    def whole(self, sizes: Sizes) -> Sizes:
        """The design to plan: every size rounded up."""

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        """The keyword arguments that ask for this design."""

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        """Numbers of the result that follow from the sizes: n, treated, controls, design_effect ..."""

    def words(self, sizes: Sizes) -> str:
        """The design as the subject of a sentence: '10 groups of 10 and 78 controls'."""


Grid: TypeAlias = Callable[[FloatArray], FloatArray]
