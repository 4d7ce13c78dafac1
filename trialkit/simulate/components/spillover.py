"""Peers that matter: what the others in one's group bring."""

from __future__ import annotations

import numpy as np

from trialkit.simulate.parts import Part, register
from trialkit.simulate.people import People

__all__ = ["Spillover"]


@register
class Spillover(Part):
    """`slope` times the mean of `of` among the other members of the own group, for people who attend; zero for all others.

    Linear in means and exogenous (Manski 1993): peers matter through what they brought before the trial. All who were assigned
    to the group count as peers. A later trait takes it up with `on = { <name> = 1 }`.
    """

    of: str
    group: str = "group"
    slope: float

    def draw(self, people: People, rng: np.random.Generator) -> None:
        group, values = people[self.group], people[self.of]
        inside = ~np.isnan(group)
        codes = group[inside].astype(np.int64)
        others = np.bincount(codes)[codes] - 1
        total = np.bincount(codes, weights=values[inside])[codes] - values[inside]
        mean = np.zeros(people.n)
        mean[inside] = np.divide(total, others, out=np.zeros(len(codes)), where=others > 0)
        people.values[self.name] = self.slope * mean * people["attended"]
