"""What the programme costs: per person, and per group shared by its members."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from trialkit.simulate.parts import Part, Positive, Slopes, register
from trialkit.simulate.people import People

__all__ = ["Costs"]


@register
class Costs(Part):
    """Costs in whole units: `<name>` in total and `<name>_group`, the own share of the group's cost (blank without a group).

    Own costs are lognormal with mean (`everyone` + `attending` x attended) x exp(slopes) and coefficient of variation `cv`. A group
    costs `per_group` times a lognormal factor of mean one and log SD `group_log_sd`, divided evenly among those assigned to it.
    """

    everyone: Positive
    attending: Annotated[float, Field(ge=0)] = 0.0
    on: Slopes
    cv: Positive
    per_group: Annotated[float, Field(ge=0)] = 0.0
    group_log_sd: Annotated[float, Field(ge=0)] = 0.0
    group: str = "group"

    def draw(self, people: People, rng: np.random.Generator) -> None:
        attended = people.values.get("attended", np.zeros(people.n))
        mean = (self.everyone + self.attending * attended) * np.exp(people.linear(self.on))
        variance = np.log1p(self.cv**2)
        own = mean * np.exp(np.sqrt(variance) * rng.standard_normal(people.n) - variance / 2)
        share = np.full(people.n, np.nan)
        if self.per_group:
            codes = people[self.group]
            inside = ~np.isnan(codes)
            index = codes[inside].astype(np.int64)
            count = int(index.max()) + 1 if len(index) else 0
            factor = np.exp(self.group_log_sd * rng.standard_normal(count) - self.group_log_sd**2 / 2)
            share[inside] = (self.per_group * factor / np.maximum(np.bincount(index, minlength=count), 1))[index]
        people.values[self.name] = np.round(own + np.nan_to_num(share))
        people.values[f"{self.name}_group"] = np.round(share)
