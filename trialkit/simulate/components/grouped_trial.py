"""Parts that carry out the trial: assignment to arms, groups in the treated arm, and who attends."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import DesignError
from trialkit.inference.arrays import IntArray
from trialkit.simulate.parts import Part, Slopes, group_effect_name, register
from trialkit.simulate.people import People, random_order

__all__ = ["Assignment", "Attendance", "Groups", "group_sizes"]


@register
class Assignment(Part):
    """Half of each stratum to the treated arm; the odd person of a stratum goes by a coin."""

    two_arms: ClassVar[bool] = True

    within: str

    def draw(self, people: People, rng: np.random.Generator) -> None:
        strata, keys = people.codes(self.within), rng.random(people.n)
        coins = rng.random(int(strata.max()) + 1)
        order = np.lexsort((keys, strata))
        sizes = np.bincount(strata)
        rank = np.arange(people.n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        treated = (sizes + (coins < 0.5)) // 2
        arm = np.empty(people.n)
        arm[order] = rank < np.repeat(treated, sizes)
        people.values[self.name] = arm if people.everyone is None else np.full(people.n, float(people.everyone))
        people.labels[self.name] = people.arms


@register
class Groups(Part):
    """Groups of the treated arm, formed after randomization: within a stratum, of people of like age, everyone in one.

    `effects` gives the SD of the group's own effect on each trait (zero at baseline by construction, and only for people who
    attend); `shared` is the correlation of a group's effects on different traits.
    """

    two_arms: ClassVar[bool] = True

    within: str
    alike: str
    size: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]]
    effects: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(default_factory=dict)]
    shared: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Groups:
        if self.size[0] > self.size[1]:
            raise ValueError("size is [smallest, largest]")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        groups, labels = self._formed(people, rng)
        people.values[self.name] = np.where(groups < 0, np.nan, groups)
        people.labels[self.name] = tuple(labels)
        common = rng.standard_normal(len(labels))
        for trait, sd in self.effects.items():
            own = rng.standard_normal(len(labels))
            pull = sd * (np.sqrt(self.shared) * common + np.sqrt(1 - self.shared) * own)
            # The appended zero is for people without a group, whose code is -1.
            people.values[group_effect_name(trait)] = np.append(pull, 0.0)[groups]

    def _formed(self, people: People, rng: np.random.Generator) -> tuple[IntArray, list[str]]:
        ties = rng.random(people.n)
        strata, alike, arm = people.codes(self.within), people[self.alike], people["arm"]
        groups = np.full(people.n, -1, dtype=np.int64)
        labels: list[str] = []
        for code, stratum in enumerate(people.labels[self.within]):
            members = np.flatnonzero((strata == code) & (arm == 1))
            if not len(members):
                continue
            members = members[np.lexsort((ties[members], alike[members]))]
            sizes = group_sizes(len(members), self.size, rng)
            groups[members] = np.repeat(np.arange(len(sizes)), sizes) + len(labels)
            labels += [f"{stratum}-{k:02d}" for k in range(1, len(sizes) + 1)]
        return groups, labels


def group_sizes(members: int, size: tuple[int, int], rng: np.random.Generator) -> IntArray:
    """Sizes of as many groups as bring the mean nearest the middle of the range; where no number of groups fits the range,
    the sizes are as equal as they can be."""
    low, high = size
    if members < 2:
        raise DesignError(
            f"a stratum has {members} person in the treated arm: no group of one is formed, so simulate more people."
        )
    fewest, most = -(-members // high), members // low
    nearest = round(2 * members / (low + high))
    if fewest > most:
        count = max(1, min(nearest, members // 2))
        return np.full(count, members // count) + (np.arange(count) < members % count)
    count = min(max(nearest, fewest), most)
    slots = random_order(rng, count * (high - low))[: members - count * low]
    return low + np.bincount(slots // max(high - low, 1), minlength=count)


@register
class Attendance(Part):
    """Who comes when offered a place (logistic); nobody of the control arm can, so take-up is one-sided."""

    two_arms: ClassVar[bool] = True

    intercept: float
    on: Slopes

    def draw(self, people: People, rng: np.random.Generator) -> None:
        odds = np.exp(self.intercept + people.linear(self.on))
        would = rng.random(people.n) < odds / (1 + odds)
        people.values[self.name] = would * people["arm"]
