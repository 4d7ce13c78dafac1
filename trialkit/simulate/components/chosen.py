"""Groups that are studied because they do well."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.simulate.components.grouped_trial import group_sizes
from trialkit.simulate.parts import Part, register
from trialkit.simulate.people import People, random_order

__all__ = ["ChosenGroups"]


@register
class ChosenGroups(Part):
    """Existing groups of which only those with the best name are studied: all people are members of these.

    `<name>` is the group and `<name> quality` its standard normal quality. For each group that is studied there are `one_in`
    candidates; those with the highest reputation are chosen, whose correlation with quality is `reliability`. In the truth no
    group is chosen: people are members of groups at random, so means stand for all candidates. With one_in = 1 the data are too.
    """

    size: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]]
    one_in: Annotated[int, Field(ge=1)]
    reliability: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _ordered(self) -> ChosenGroups:
        if self.size[0] > self.size[1]:
            raise ValueError("size is [smallest, largest]")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        sizes = group_sizes(people.n, self.size, rng)
        count = len(sizes)
        order = random_order(rng, people.n)
        candidates = count if people.everyone is not None else count * self.one_in
        quality = rng.standard_normal(candidates)
        reputation = self.reliability * quality + np.sqrt(1 - self.reliability**2) * rng.standard_normal(candidates)
        # In the order in which candidates were drawn, so that a label says nothing of reputation.
        chosen = np.sort(np.argsort(-reputation, kind="stable")[:count])
        codes = np.repeat(np.arange(count), sizes)[order]
        width = max(2, len(str(count)))
        people.values[self.name] = codes.astype(float)
        people.labels[self.name] = tuple(f"G{k:0{width}d}" for k in range(1, count + 1))
        people.values[f"{self.name} quality"] = quality[chosen][codes]
