"""A plan with other numbers of people, groups or clusters: the question of a search at every size. The file of the plan is never changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trialkit.errors import PlanError, UsageError
from trialkit.power.plans.scale import Scale
from trialkit.power.plans.sizes import DEFAULT_GROUP, Planned, people_of, planned, sizes_of_groups
from trialkit.power.words import plural

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

SizeName = Literal["groups", "n", "clusters"]
NAMES = {"groups": ("group", "groups"), "n": ("person", "people"), "clusters": ("cluster", "clusters")}
MOST_PEOPLE = 20_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a size means in a plan.

    groups : groups of the grouped arm of the contrast, of the plan's size; the other arms keep their allocation to it.
    n : people over all arms of the plan; groups keep their size, clusters their number.
    clusters : clusters over all arms of the plan, of the plan's mean size.
    """

    spec: PlanSpec
    outcome: Outcome
    pair: tuple[str, str]
    scale: Scale
    name: SizeName

    def spec_at(self, size: int) -> PlanSpec:
        """The plan with this size."""
        if self.name == "groups":
            changes = {"units": self._units_of_groups(size)}
        elif self.name == "n":
            changes = {"units": size}
        else:
            changes = {"units": round(size * self.per_size), "clusters": size}
        return self.spec.model_copy(update={"design": self.spec.design.model_copy(update=changes)})

    def planned_at(self, size: int) -> Planned:
        """The closed form's question at this size."""
        return planned(self.spec_at(size), self.outcome, self.pair, self.scale)

    @property
    def per_size(self) -> float:
        """People of the whole plan for each group, person or cluster."""
        d = self.spec.design
        if self.name == "n":
            return 1.0
        if self.name == "clusters":
            assert d.units is not None and d.clusters is not None
            return d.units / d.clusters
        members = DEFAULT_GROUP if d.groups is None else sum(d.groups.size) / 2
        return members * self._total / d.allocation[self.grouped_arm]

    @property
    def grouped_arm(self) -> str:
        return next(arm for arm in self.pair if arm in self.spec.grouped_arms)

    @property
    def groups_fixed(self) -> bool:
        """Whether people come in groups of a planned size."""
        return self.spec.data.cluster is None and any(arm in self.spec.grouped_arms for arm in self.pair)

    @property
    def _total(self) -> float:
        return sum(self.spec.design.allocation[a] for a in self.spec.arm_names)

    def _units_of_groups(self, groups: int) -> int:
        """People over all arms, so that the grouped arm has these groups."""
        wished = round(groups * self.per_size)
        share = self.spec.design.allocation[self.grouped_arm] / self._total
        for units in (wished, *(wished + s * k for k in range(1, 50) for s in (1, -1))):
            if units > 3 and len(sizes_of_groups(self.spec, round(units * share))) == groups:
                return units
        raise PlanError(
            f"[design] allocation leaves no number of people that makes {plural(groups, 'group')} of the planned size."
        )

    def whole(self, size: float) -> int:
        """The smallest whole number from `size` on that the allocation divides without a remainder."""
        found = math.ceil(size - 1e-9)
        if self.name == "groups":
            return found
        weights = self.spec.design.allocation
        for candidate in range(found, found + 1_000):
            shares = [round(candidate * weights[a] / self._total) for a in self.spec.arm_names]
            if sum(shares) == candidate:
                return candidate
        return found

    def smallest(self) -> int:
        """The smallest size that leaves a test."""
        size = self.whole({"groups": 2, "n": 4, "clusters": 4}[self.name])
        problem: Exception | None = None
        for _ in range(2_000):
            try:
                people_of(self.spec_at(size), self.pair)
                question = self.planned_at(size)
                question.ask(effect=1e-6)
                return size
            except (PlanError, UsageError) as error:
                problem, size = error, self.whole(size + 1)
        assert problem is not None
        raise problem

    def largest(self) -> int:
        """Where a search ends unless told otherwise: 20,000 people."""
        return max(self.whole(MOST_PEOPLE / self.per_size), self.smallest())

    def words(self, size: float) -> str:
        return plural(size, *NAMES[self.name])


def sizes_for(spec: PlanSpec, outcome: Outcome, pair: tuple[str, str], scale: Scale, name: SizeName) -> Sizes:
    """The sizes of a plan, or an error that says which of them it has."""
    d = spec.design
    clustered = spec.data.cluster is not None or "clustered" in d.scheme
    if name == "groups" and (clustered or not any(arm in spec.grouped_arms for arm in pair)):
        other = "whole clusters are randomized: say solve_for='clusters'" if clustered else "say solve_for='n'"
        raise UsageError(f"neither '{pair[0]}' nor '{pair[1]}' puts people in groups of their own; {other}.")
    if name == "clusters" and not clustered:
        other = "groups" if any(arm in spec.grouped_arms for arm in pair) else "n"
        raise UsageError(f"the plan randomizes people, not clusters: say solve_for='{other}'.")
    if clustered and d.clusters is None:
        raise PlanError("[design] clusters is missing: whole clusters are randomized, so a search needs their planned number.")
    if name == "clusters" and d.units is None:
        raise PlanError("[design] units is missing: with clusters it gives the number of people in each, which the search keeps.")
    return Sizes(spec, outcome, pair, scale, name)
