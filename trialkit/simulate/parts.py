"""Parts of a scenario: what one is, the registry, and the parts that make covariates and latent traits.

A part is a frozen table of parameters with one method that adds named values to the people made so far. A new part is a class
with `@register`, in this file or in another.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from trialkit.inference.arrays import FloatArray
from trialkit.simulate.people import People, random_order

__all__ = ["PARTS", "Discrete", "Lognormal", "Ordinal", "Part", "Spec", "Strata", "Trait", "group_effect_name", "register"]

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


@register
class Strata(Part):
    """A category with fixed shares, such as the agency: sizes by largest remainder, people in random order."""

    labels: tuple[str, ...]
    shares: tuple[Positive, ...]

    @model_validator(mode="after")
    def _agree(self) -> Strata:
        if len(self.labels) != len(self.shares) or abs(sum(self.shares) - 1) > 1e-9:
            raise ValueError("labels and shares must be equally many, and the shares must add up to 1")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        exact = np.array(self.shares) * people.n
        sizes = np.floor(exact).astype(np.int64)
        remainder = np.argsort(sizes - exact, kind="stable")[: people.n - int(sizes.sum())]
        sizes[remainder] += 1
        codes = np.repeat(np.arange(len(sizes)), sizes)
        people.values[self.name] = codes[random_order(rng, people.n)].astype(float)
        people.labels[self.name] = self.labels


@register
class Discrete(Part):
    """Whole numbers with given weights, such as age or a 0/1 trait."""

    outcomes: tuple[int, ...]
    weights: tuple[Positive, ...]

    @model_validator(mode="after")
    def _agree(self) -> Discrete:
        if len(self.outcomes) != len(self.weights):
            raise ValueError("outcomes and weights must be equally many")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        upper = np.cumsum(np.array(self.weights))
        chosen = np.searchsorted(upper[:-1] / upper[-1], rng.random(people.n), side="right")
        people.values[self.name] = np.array(self.outcomes, dtype=float)[chosen]


@register
class Trait(Part):
    """A latent trait: slopes on what came before, an own normal residual, and the effect of attending.

    `effect` (plus the group's own effect, where `groups` has one for this trait) reaches only people who attend: that is the
    exclusion restriction, and it holds exactly.
    """

    on: Slopes
    residual: Annotated[float, Field(ge=0)] = 1.0
    effect: float = 0.0

    def draw(self, people: People, rng: np.random.Generator) -> None:
        own = self.residual * rng.standard_normal(people.n)
        people.values[self.name] = people.linear(self.on) + own + effect_on(people, self.name, self.effect)


@register
class Ordinal(Part):
    """Ordered answers: a latent normal cut at thresholds. With `labels` a category, otherwise numbers from `lowest`."""

    on: Slopes
    residual: Annotated[float, Field(ge=0)] = 1.0
    thresholds: tuple[float, ...]
    lowest: int = 0
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Ordinal:
        if list(self.thresholds) != sorted(self.thresholds):
            raise ValueError("thresholds must increase")
        if self.labels and len(self.labels) != len(self.thresholds) + 1:
            raise ValueError("there is one label more than there are thresholds")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        latent = people.linear(self.on) + self.residual * rng.standard_normal(people.n)
        codes = np.searchsorted(np.array(self.thresholds), latent, side="right").astype(float)
        people.values[self.name] = codes if self.labels else codes + self.lowest
        if self.labels:
            people.labels[self.name] = self.labels


@register
class Lognormal(Part):
    """Whole numbers with a long right tail, such as months without work: rounded down, cut off at `maximum`."""

    log_mean: float
    on: Slopes
    log_sd: Positive
    maximum: int

    def draw(self, people: People, rng: np.random.Generator) -> None:
        logs = self.log_mean + people.linear(self.on) + self.log_sd * rng.standard_normal(people.n)
        people.values[self.name] = np.minimum(np.floor(np.exp(logs)), self.maximum)


def group_effect_name(trait: str) -> str:
    """Under which name a group's own effect on a trait is kept."""
    return f"group effect on {trait}"


def effect_on(people: People, name: str, effect: float) -> FloatArray:
    """What attending adds to a trait: the effect and that of the own group; zero for all who do not attend."""
    pull = people.values.get(group_effect_name(name))
    if not effect and pull is None:
        return np.zeros(people.n)
    return people["attended"] * (effect if pull is None else effect + pull)
