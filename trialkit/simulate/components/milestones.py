"""Where people stand at a fixed time on the way of a duration, such as at work by six months."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from trialkit.simulate.parts import Part, register
from trialkit.simulate.people import People

__all__ = ["Milestone"]


@register
class Milestone(Part):
    """1 when the event of `duration` came within `by` days, else 0; put it before a part that censors the duration."""

    duration: str
    by: Annotated[int, Field(ge=1)]

    def draw(self, people: People, rng: np.random.Generator) -> None:
        came = people[f"{self.duration}_event"] * (people[self.duration] <= self.by)
        people.values[self.name] = came
