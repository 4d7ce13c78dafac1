"""Effects that differ between people: what attending does more, or less, for some than for others."""

from __future__ import annotations

import numpy as np

from trialkit.simulate.parts import Part, Slopes, register
from trialkit.simulate.people import People

__all__ = ["Moderation"]


@register
class Moderation(Part):
    """`constant` + slopes on traits from before, for people who attend; zero for all others.

    A later trait takes it up with `on = { <name> = 1 }`: its effect of attending is then its own `effect` plus this. Slopes on a trait
    that also draws people into attending make the complier effect differ from the effect on everyone.
    """

    constant: float = 0.0
    on: Slopes

    def draw(self, people: People, rng: np.random.Generator) -> None:
        people.values[self.name] = people["attended"] * (self.constant + people.linear(self.on))
