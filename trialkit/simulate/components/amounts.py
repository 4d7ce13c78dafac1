"""Amounts with many zeros, such as savings, deposits, hours or earnings, and what is left of earnings."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from trialkit.economics.net_income import Benefit, Schedule, net_income
from trialkit.simulate.parts import Part, Positive, Slopes, effect_on, register
from trialkit.simulate.people import People

__all__ = ["NetIncome", "TwoPart"]


@register
class TwoPart(Part):
    """Zero or a lognormal amount in whole units, never above `maximum`.

    Anything at all: probit of `intercept` + slopes `on` + `effect` of attending. How much: logarithm normal with mean `log_mean`
    + slopes `log_on` + `log_effect` of attending and SD `log_sd`; the group's own effect on `<name>` moves the first and its
    effect on `<name>_log` the second. An amount below one half is set to one: who has something has at least one unit.
    """

    intercept: float
    on: Slopes
    effect: float = 0.0
    log_mean: float
    log_on: Slopes
    log_effect: float = 0.0
    log_sd: Positive
    maximum: Positive = 1_000_000

    def draw(self, people: People, rng: np.random.Generator) -> None:
        index = self.intercept + people.linear(self.on) + effect_on(people, self.name, self.effect)
        some = index + rng.standard_normal(people.n) > 0
        logs = self.log_mean + people.linear(self.log_on) + effect_on(people, f"{self.name}_log", self.log_effect)
        amount = np.clip(np.round(np.exp(logs + self.log_sd * rng.standard_normal(people.n))), 1.0, self.maximum)
        people.values[self.name] = np.where(some, amount, 0.0)


@register
class NetIncome(Part):
    """Net income in whole units from gross earnings by `tk.economics.net_income`: taxes, benefit tapers, costs of working.

    `tax` holds brackets [from, rate]; `benefits` holds [amount, taper, disregard].
    """

    gross: str
    tax: tuple[tuple[float, float], ...] = ()
    benefits: tuple[tuple[float, float, float], ...] = ()
    work_costs: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("benefits")
    @classmethod
    def _possible(cls, given: Any) -> Any:
        for amount, taper, disregard in given:
            if not (amount >= 0 and 0 <= taper <= 1 and disregard >= 0):
                raise ValueError("a benefit is [amount, taper, disregard] with a taper from 0 to 1")
        return given

    @property
    def schedule(self) -> Schedule:
        """The rules as `tk.economics` has them."""
        return Schedule(self.tax, tuple(Benefit(a, taper=t, disregard=d) for a, t, d in self.benefits), self.work_costs)

    def draw(self, people: People, rng: np.random.Generator) -> None:
        people.values[self.name] = np.round(net_income(people[self.gross], self.schedule))
