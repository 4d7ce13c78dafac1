"""Adverse events: how many a person has, and the list of them beside the data."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.simulate.parts import Part, Positive, Slopes, effect_on, register
from trialkit.simulate.people import People

__all__ = ["AdverseEvents"]

MOST_EVENTS = 60


@register
class AdverseEvents(Part):
    """Poisson numbers of events a person, `<name>`, and the table `adverse_events`: person (row number from 1), day, kind, grade.

    Mean `rate` x exp(slopes + log_rate_ratio x attended). Days run evenly over `days`; kinds and grades have fixed shares,
    independent of the arm.
    """

    rate: Positive
    on: Slopes
    log_rate_ratio: float = 0.0
    days: Annotated[int, Field(ge=1)]
    kinds: tuple[str, ...]
    shares: tuple[Positive, ...]
    grades: tuple[Positive, ...] = (1.0,)

    @model_validator(mode="after")
    def _agree(self) -> AdverseEvents:
        if len(self.kinds) != len(self.shares):
            raise ValueError("kinds and shares must be equally many")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        mean = self.rate * np.exp(people.linear(self.on) + effect_on(people, self.name, self.log_rate_ratio))
        counts = poisson(mean, rng.random(people.n))
        total = int(counts.sum())
        day = 1 + np.floor(rng.random(total) * self.days).astype(np.int64)
        kind, grade = chosen(self.shares, rng.random(total)), chosen(self.grades, rng.random(total))
        person = np.repeat(np.arange(1, people.n + 1), counts)
        order = np.lexsort((day, person))
        people.values[self.name] = counts.astype(float)
        people.tables["adverse_events"] = {
            "person": person[order].tolist(),
            "day": day[order].tolist(),
            "kind": [self.kinds[k] for k in kind[order].tolist()],
            "grade": (1 + grade[order]).tolist(),
        }


def poisson(mean: FloatArray, uniform: FloatArray) -> IntArray:
    """Poisson numbers by inversion, so that equal uniforms give ordered numbers in both worlds; at most 60."""
    counts = np.zeros(len(mean), dtype=np.int64)
    mass = np.exp(-mean)
    below = mass.copy()
    for k in range(1, MOST_EVENTS + 1):
        more = uniform >= below
        if not more.any():
            break
        counts += more
        mass = mass * mean / k
        below = below + mass
    return counts


def chosen(weights: tuple[float, ...], uniform: FloatArray) -> IntArray:
    """Categories with the given weights."""
    upper = np.cumsum(np.array(weights))
    return np.asarray(np.searchsorted(upper[:-1] / upper[-1], uniform, side="right"), dtype=np.int64)
