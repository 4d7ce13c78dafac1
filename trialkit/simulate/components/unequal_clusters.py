"""Existing groups of very unequal size."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import DesignError
from trialkit.simulate.parts import Part, register
from trialkit.simulate.people import People, random_order

__all__ = ["UnequalClusters"]


@register
class UnequalClusters(Part):
    """Existing groups whose sizes vary with a coefficient of variation of `cv` around `mean_size`; everyone is in one.

    There are n / `mean_size` groups (rounded) of at least `smallest` members; the rest go to groups with lognormal weights, so
    that a few are large. Chance in who goes where adds a little to `cv`. `effects` are as in `clusters`: 'cluster effect on <trait>'.
    """

    mean_size: Annotated[float, Field(ge=2)]
    cv: Annotated[float, Field(ge=0)]
    smallest: Annotated[int, Field(ge=1)] = 2
    effects: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _possible(self) -> UnequalClusters:
        if self.smallest >= self.mean_size:
            raise ValueError("smallest must lie below mean_size")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        sizes = self._sizes(people.n, rng)
        codes = np.repeat(np.arange(len(sizes)), sizes)[random_order(rng, people.n)]
        width = max(2, len(str(len(sizes))))
        people.values[self.name] = codes.astype(float)
        people.labels[self.name] = tuple(f"C{k:0{width}d}" for k in range(1, len(sizes) + 1))
        for trait, sd in self.effects.items():
            people.values[f"cluster effect on {trait}"] = sd * rng.standard_normal(len(sizes))[codes]

    def _sizes(self, n: int, rng: np.random.Generator) -> np.ndarray:
        count = round(n / self.mean_size)
        rest = n - count * self.smallest
        if count < 2 or rest < 0:
            raise DesignError(
                f"part '{self.name}': {n} people make {count} groups of at least {self.smallest}; simulate more people."
            )
        relative = self.cv * self.mean_size / (self.mean_size - self.smallest)
        weights = np.exp(np.sqrt(np.log1p(relative**2)) * rng.standard_normal(count))
        upper = np.cumsum(weights)
        joined = np.searchsorted(upper[:-1] / upper[-1], rng.random(rest), side="right")
        return self.smallest + np.bincount(joined, minlength=count)
