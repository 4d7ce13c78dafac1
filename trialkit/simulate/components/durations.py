"""Time until something happens, such as work: Weibull times with an effect on the hazard, and loss on the way."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from trialkit.simulate.parts import Part, Positive, Slopes, effect_on, register
from trialkit.simulate.people import People

__all__ = ["Censoring", "Duration"]


@register
class Duration(Part):
    """Days until an event, observed up to `horizon`, and `<name>_event` (1 when it came by then).

    S(t) = exp(-(t / scale)^shape x exp(slopes + log_hazard_ratio x attended)): proportional hazards given the covariates. The
    group's own effect on `<name>` adds to the log hazard. Times are rounded up to whole days. Outcomes on `<name>` have the
    difference in restricted mean time up to the horizon as their truth, those on `<name>_event` the difference in risk by then.
    """

    shape: Positive
    scale: Positive
    horizon: Annotated[int, Field(ge=1)]
    on: Slopes
    log_hazard_ratio: float = 0.0

    def draw(self, people: People, rng: np.random.Generator) -> None:
        log_hazard = people.linear(self.on) + effect_on(people, self.name, self.log_hazard_ratio)
        exponential = -np.log1p(-rng.random(people.n))
        time = self.scale * (exponential * np.exp(-log_hazard)) ** (1 / self.shape)
        days = np.maximum(np.ceil(time), 1.0)
        people.values[self.name] = np.minimum(days, self.horizon)
        people.values[f"{self.name}_event"] = (days <= self.horizon).astype(float)


@register
class Censoring(Part):
    """Loss on the way: exponential with `monthly` share lost in the average person, times exp(slopes). What came later is not seen.

    Slopes on covariates and arm leave censoring ignorable given these; slopes on `<duration>` itself do not.
    """

    observation: ClassVar[bool] = True

    duration: str
    monthly: Annotated[float, Field(gt=0, lt=1)]
    on: Slopes

    def draw(self, people: People, rng: np.random.Generator) -> None:
        daily = -np.log1p(-self.monthly) / 30.4375 * np.exp(people.linear(self.on))
        lost = np.ceil(-np.log1p(-rng.random(people.n)) / daily)
        time, event = people[self.duration], people[f"{self.duration}_event"]
        earlier = lost < time
        people.values[self.duration] = np.where(earlier, np.maximum(lost, 1.0), time)
        people.values[f"{self.duration}_event"] = np.where(earlier, 0.0, event)
