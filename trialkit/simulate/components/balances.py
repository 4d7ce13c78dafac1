"""What is in an account: nothing without deposits, and otherwise their number times an amount."""

from __future__ import annotations

import numpy as np

from trialkit.simulate.parts import Part, Positive, Slopes, register
from trialkit.simulate.people import People

__all__ = ["Balance"]


@register
class Balance(Part):
    """`deposits` times a lognormal amount each, in whole units and never above `maximum`; zero without a deposit, else at least 1.

    The logarithm of the amount has mean `log_mean` + slopes `log_on` and SD `log_sd`; it is what is left after withdrawals.
    """

    deposits: str
    log_mean: float
    log_on: Slopes
    log_sd: Positive
    maximum: Positive = 1_000_000

    def draw(self, people: People, rng: np.random.Generator) -> None:
        logs = self.log_mean + people.linear(self.log_on) + self.log_sd * rng.standard_normal(people.n)
        number = people[self.deposits]
        left = np.clip(np.round(number * np.exp(logs)), 1.0, self.maximum)
        people.values[self.name] = np.where(number > 0, left, 0.0)
