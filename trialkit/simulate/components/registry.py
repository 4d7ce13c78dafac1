"""A registry of groups: when each began and ended, and which of them a register shows."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from trialkit.simulate.parts import Part, Positive, register
from trialkit.simulate.people import People

__all__ = ["GroupRegistry"]


@register
class GroupRegistry(Part):
    """The table `groups`: group, founded, last_seen (days from the start of the window), closed (1) or still running (0).

    `founded` groups begin evenly between day -`before` and day `window`, and live Weibull(shape, scale) days. What is shown:
    'all' groups alive at some time of the window or founded in it, seen from day 0 (left truncation: groups that closed before
    are unknown); 'closed', only those that closed inside the window (right truncation as well), from which a Kaplan-Meier
    curve is biased; 'founded', every group ever founded. Survival in the truth is exp(-(t / scale)^shape).
    """

    founded: Annotated[int, Field(ge=1)]
    before: Annotated[int, Field(ge=0)]
    window: Annotated[int, Field(ge=1)]
    shape: Positive
    scale: Positive
    shown: Literal["all", "closed", "founded"] = "all"

    @model_validator(mode="after")
    def _table(self) -> GroupRegistry:
        if self.shown == "founded" and self.before:
            raise ValueError("groups founded before the window can only all be shown when before = 0")
        return self

    def survival(self, day: float) -> float:
        """The share of groups that live longer than `day` days."""
        return float(np.exp(-((day / self.scale) ** self.shape)))

    def draw(self, people: People, rng: np.random.Generator) -> None:
        began = np.floor(rng.random(self.founded) * (self.before + self.window)) - self.before
        lived = np.ceil(self.scale * (-np.log1p(-rng.random(self.founded))) ** (1 / self.shape))
        ended = began + np.maximum(lived, 1.0)
        closed = ended <= self.window
        seen = ended > 0
        if self.shown == "closed":
            seen &= closed
        last = np.minimum(ended, self.window)
        people.tables["groups"] = {
            "group": [f"G{k:04d}" for k in range(1, int(seen.sum()) + 1)],
            "founded": began[seen].astype(np.int64).tolist(),
            "last_seen": last[seen].astype(np.int64).tolist(),
            "closed": closed[seen].astype(np.int64).tolist(),
        }
