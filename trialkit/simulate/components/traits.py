"""Covariates and latent traits: categories, whole numbers, latent traits, ordered answers, long-tailed numbers."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.simulate.parts import Part, Positive, Slopes, effect_on, register
from trialkit.simulate.people import People, random_order

__all__ = ["Discrete", "Lognormal", "Ordinal", "Strata", "Trait"]


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
