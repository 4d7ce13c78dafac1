"""Several arms: assignment of people or clusters with given shares, and effects by arm."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import DesignError, PlanError, shown
from trialkit.simulate.parts import Part, Positive, register
from trialkit.simulate.people import People

__all__ = ["Allocation", "ArmEffect"]


@register
class Allocation(Part):
    """People, or with `clusters` whole clusters, go to two or more arms: numbers by largest remainder of `shares`, at random.

    Where arms have the same remainder chance decides which of them has one unit more.
    """

    shares: dict[str, Positive]
    clusters: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Allocation:
        if not math.isclose(sum(self.shares.values()), 1, abs_tol=1e-9):
            raise ValueError("the shares of the arms must add up to 1")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        if set(self.shares) != set(people.arms):
            raise PlanError(f"part '{self.name}': shares name {shown(self.shares)}, but the arms are {shown(people.arms)}.")
        codes = people.codes(self.clusters) if self.clusters else np.arange(people.n)
        count, arms = int(codes.max()) + 1, len(people.arms)
        if count < arms:
            raise DesignError(
                f"part '{self.name}': {count} units for {arms} arms leave an arm without any; simulate more people."
            )
        order, ties = np.argsort(rng.random(count), kind="stable"), rng.random(arms)
        exact = np.array([self.shares[arm] for arm in people.arms]) * count
        sizes = np.floor(exact + 1e-9).astype(np.int64)
        remainder = np.round(exact - sizes, 9)
        sizes[np.lexsort((ties, -remainder))[: count - int(sizes.sum())]] += 1
        assigned = np.empty(count)
        assigned[order] = np.repeat(np.arange(arms), sizes)
        people.values[self.name] = assigned[codes] if people.everyone is None else np.full(people.n, float(people.everyone))
        people.labels[self.name] = people.arms


@register
class ArmEffect(Part):
    """The value `effects`[own arm], zero for an arm that is not named; with `times` it is multiplied by that earlier value.

    A later part takes it up with `on = { <name> = 1 }`: the effect of being assigned, or with `times` an effect that differs by
    person, such as `times = "attended"` for those who come.
    """

    effects: Annotated[dict[str, float], Field(min_length=1)]
    times: str = ""

    def draw(self, people: People, rng: np.random.Generator) -> None:
        unknown = sorted(set(self.effects) - set(people.arms))
        if unknown:
            raise PlanError(f"part '{self.name}': effects name the arm '{unknown[0]}', but the arms are {shown(people.arms)}.")
        by_arm = np.array([self.effects.get(arm, 0.0) for arm in people.arms])
        value = by_arm[people.codes("arm")]
        people.values[self.name] = value * people[self.times] if self.times else value
