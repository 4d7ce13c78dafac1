"""Allocation that is not random: people who choose their arm, and a programme without a control arm."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from trialkit.simulate.parts import Part, Slopes, register
from trialkit.simulate.people import People

__all__ = ["SelfSelection", "SingleArm"]


@register
class SelfSelection(Part):
    """People find their own way into the treated arm, with a logistic probability of `intercept` + slopes.

    The truth stays that of the potential outcomes of all people; a comparison of the arms is confounded by everything in `on`.
    """

    two_arms: ClassVar[bool] = True

    intercept: float
    on: Slopes

    def draw(self, people: People, rng: np.random.Generator) -> None:
        odds = np.exp(self.intercept + people.linear(self.on))
        arm = (rng.random(people.n) < odds / (1 + odds)).astype(float)
        people.values[self.name] = arm if people.everyone is None else np.full(people.n, float(people.everyone))
        people.labels[self.name] = people.arms


@register
class SingleArm(Part):
    """Everyone is in the treated arm. The control arm exists in the truth only: there is nothing in the data to compare with."""

    two_arms: ClassVar[bool] = True

    def draw(self, people: People, rng: np.random.Generator) -> None:
        people.values[self.name] = np.full(people.n, 1.0 if people.everyone is None else float(people.everyone))
        people.labels[self.name] = people.arms
