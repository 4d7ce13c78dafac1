"""Groups that exist before the trial, in all arms, and randomization of whole groups."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import DesignError
from trialkit.simulate.components.grouped_trial import group_sizes
from trialkit.simulate.parts import Part, register
from trialkit.simulate.people import People, random_order

__all__ = ["ClusterAssignment", "Clusters"]


@register
class Clusters(Part):
    """Existing groups of `size` members, everyone in one, people in random order.

    For each trait of `effects` it makes the value 'cluster effect on <trait>', normal with the given SD and the same for all
    members in every world; a trait takes it up with `on = { "cluster effect on <trait>" = 1 }`.
    """

    size: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]]
    effects: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _ordered(self) -> Clusters:
        if self.size[0] > self.size[1]:
            raise ValueError("size is [smallest, largest]")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        sizes = group_sizes(people.n, self.size, rng)
        codes = np.repeat(np.arange(len(sizes)), sizes)[random_order(rng, people.n)]
        width = max(2, len(str(len(sizes))))
        people.values[self.name] = codes.astype(float)
        people.labels[self.name] = tuple(f"C{k:0{width}d}" for k in range(1, len(sizes) + 1))
        for trait, sd in self.effects.items():
            people.values[f"cluster effect on {trait}"] = sd * rng.standard_normal(len(sizes))[codes]


@register
class ClusterAssignment(Part):
    """Half of the clusters to the treated arm, all members with them; the odd cluster goes by a coin."""

    two_arms: ClassVar[bool] = True

    clusters: str

    def draw(self, people: People, rng: np.random.Generator) -> None:
        codes = people.codes(self.clusters)
        count = int(codes.max()) + 1
        if count < 2:
            raise DesignError(f"part '{self.name}': there is one cluster only, so nothing to randomize; simulate more people.")
        keys, coin = rng.random(count), rng.random()
        treated = np.zeros(count)
        treated[np.argsort(keys, kind="stable")[: (count + (coin < 0.5)) // 2]] = 1.0
        people.values[self.name] = treated[codes] if people.everyone is None else np.full(people.n, float(people.everyone))
        people.labels[self.name] = people.arms
