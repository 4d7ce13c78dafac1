"""Parts of a scenario: what one is, and the registry.

A part is a frozen table of parameters with one method that adds named values to the people made so far. A new part is a class
with `@register` in a file of `components`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from trialkit.inference.arrays import FloatArray
from trialkit.simulate.people import People

__all__ = ["PARTS", "Part", "Positive", "Slopes", "Spec", "effect_on", "group_effect_name", "register"]

Positive = Annotated[float, Field(gt=0)]
Slopes = Annotated[dict[str, float], Field(default_factory=dict)]


class Spec(BaseModel):
    """Base of the tables in a scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Spec):
    """One step of the simulation. `observation` parts change what is seen of people, not what happens to them; `two_arms` parts
    know a control arm and one treated arm only."""

    observation: ClassVar[bool] = False
    two_arms: ClassVar[bool] = False

    part: str
    name: str

    @abstractmethod
    def draw(self, people: People, rng: np.random.Generator) -> None:
        """Add this part's values to the people."""


PARTS: dict[str, type[Part]] = {}
P = TypeVar("P", bound=type[Part])


def register(kind: P) -> P:
    """Make a part known under its class name in lower case."""
    PARTS[kind.__name__.lower()] = kind
    return kind


def group_effect_name(trait: str) -> str:
    """Under which name a group's own effect on a trait is kept."""
    return f"group effect on {trait}"


def effect_on(people: People, name: str, effect: float) -> FloatArray:
    """What attending adds to a trait: the effect and that of the own group; zero for all who do not attend."""
    pull = people.values.get(group_effect_name(name))
    if not effect and pull is None:
        return np.zeros(people.n)
    return people["attended"] * (effect if pull is None else effect + pull)
