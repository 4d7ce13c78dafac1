"""Who gets into a trial: a funnel of stages that the motivated pass more often."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import DesignError
from trialkit.simulate.parts import Part, Spec, register
from trialkit.simulate.people import People

__all__ = ["Enrolment", "Stage"]

# A funnel that lets fewer than one in this many through is a mistake in its parameters.
MOST_APPROACHED = 1000


class Stage(Spec):
    """A stage: its name, and the logistic probability of passing it, `intercept` + `slope` times the trait."""

    stage: str
    intercept: float
    slope: float


@register
class Enrolment(Part):
    """A standard normal trait (motivation) of people who came through a funnel; put it first among the parts.

    People of the target population are approached in random order until enough are enrolled. `<name>` is the trait of the
    enrolled, which is therefore selected. The table `funnel` has one row an approached person: the last stage passed and a
    rating of the trait (`thresholds`, counted from 1), so that a participation model can be fitted. In the truth the same
    people are enrolled: effects are those among the enrolled.
    """

    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    thresholds: tuple[float, ...] = (-1.5, -0.5, 0.5, 1.5)

    @model_validator(mode="after")
    def _agree(self) -> Enrolment:
        if list(self.thresholds) != sorted(self.thresholds):
            raise ValueError("thresholds must increase")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        traits, passed, enrolled, approached = [], [], 0, 0
        while enrolled < people.n:
            if approached > MOST_APPROACHED * people.n:
                raise DesignError(
                    f"part '{self.name}': fewer than one in {MOST_APPROACHED} pass the funnel; raise the intercepts."
                )
            trait, stages = self._approached(max(people.n, 256), rng)
            traits.append(trait)
            passed.append(stages)
            enrolled += int((stages == len(self.stages)).sum())
            approached += len(trait)
        trait, stage = np.concatenate(traits), np.concatenate(passed)
        last = np.flatnonzero(stage == len(self.stages))[people.n - 1]
        trait, stage = trait[: last + 1], stage[: last + 1]
        people.values[self.name] = trait[stage == len(self.stages)]
        names = ("approached", *(s.stage for s in self.stages))
        rating = np.searchsorted(np.array(self.thresholds), trait, side="right") + 1
        people.tables["funnel"] = {"last_stage": [names[k] for k in stage.tolist()], "rating": rating.tolist()}

    def _approached(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        trait, still = rng.standard_normal(n), np.ones(n, dtype=bool)
        passed = np.zeros(n, dtype=np.int64)
        for stage in self.stages:
            odds = np.exp(stage.intercept + stage.slope * trait)
            still &= rng.random(n) < odds / (1 + odds)
            passed += still
        return trait, passed
