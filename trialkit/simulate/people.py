"""Simulated people while they are being made: named values, and one stream of random numbers a part.

Every part draws from a stream of its own, derived from the seed and the part's name. A part that is added, removed or run in
another world (everyone treated, nobody treated) leaves the draws of all other parts as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trialkit.errors import PlanError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray, IntArray

__all__ = ["People", "checked_seed", "random_order", "stream"]

Entropy = int | tuple[int, ...]


@dataclass(slots=True)
class People:
    """A sample in the making. All values are float arrays of length `n`; categories are codes 0, 1, ... with `labels`.

    Attributes
    ----------
    n : number of people.
    arms : names of the arms, the control arm first.
    everyone : the number of an arm (0 is control) puts all people in it, for potential outcomes; None lets the assignment decide.
    values : what is known of each person, observed or latent, by name.
    labels : words of the codes of categories; labels of groups.
    tables : lists beside the data, such as adverse events, by name: columns of equal length.
    """

    n: int
    arms: tuple[str, ...]
    everyone: int | None = None
    values: dict[str, FloatArray] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tables: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self.values:
            near = nearest(name, self.values)
            remedy = f"Did you mean '{near}'?" if near else f"Known by then: {shown(self.values, 12)}."
            raise PlanError(f"a part of the scenario uses '{name}', which no earlier part made. {remedy}")
        return self.values[name]

    def codes(self, name: str) -> IntArray:
        """A category without missing values as integers."""
        return self[name].astype(np.int64)

    def linear(self, on: Mapping[str, float]) -> FloatArray:
        """Sum of slopes times values."""
        total = np.zeros(self.n)
        for name, slope in on.items():
            total += slope * self[name]
        return total


def stream(entropy: Entropy, part: str) -> np.random.Generator:
    """The random numbers of one part: PCG64 from the seed and the part's name."""
    sequence = np.random.SeedSequence(entropy, spawn_key=(zlib.crc32(part.encode()),))
    return np.random.Generator(np.random.PCG64(sequence))


def checked_seed(seed: int | np.random.Generator) -> int:
    """A seed as a whole number; a generator gives one."""
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**63 - 1))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"seed={seed!r} must be a whole number of 0 or more (or a numpy Generator), such as seed=1.")
    return int(seed)


def random_order(rng: np.random.Generator, n: int) -> IntArray:
    """A random permutation from uniform draws only, because those are the most stable of numpy's streams."""
    return np.argsort(rng.random(n), kind="stable")
