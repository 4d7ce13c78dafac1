"""Designs for people who arrive one by one: the order of arrival is part of the design.

Every arrival takes two numbers of 64 bits from the stream, whatever they are used for, and moves a small state on. One allocation,
the draws of an analysis and an enrolment that is kept between sittings (`trialkit.design.enrolment.enrolment`) are the same steps.

The order of arrival is that of the rows, or of a column (`arrival`); people with the same value there come in the order of their
identifiers. With the column nothing depends on the order of the rows; without it the order of the rows is a part of the data that
must be kept. Tables and draws are in the order of the identifiers, as those of every design.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from trialkit.design.base import Design
from trialkit.design.mechanism import ArmCodes
from trialkit.design.people import People, as_mapping
from trialkit.design.stream import Keys, Stream, raw_block
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import IntArray

__all__ = ["KEYS", "Levels", "RollingDesign", "State", "in_order_of_arrival"]

KEYS = 2
BITS = 53
Levels = Mapping[str, tuple[Hashable, ...] | None]


class State(Protocol):
    """What is remembered between arrivals."""

    def step(self, values: Sequence[Hashable], first: int, second: int) -> int:
        """Slot of the next person, from their values of the design's columns and two keys of 64 bits."""

    def withdraw(self, values: Sequence[Hashable], slot: int) -> None:
        """Take back an allocation as far as the scheme counts allocations."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RollingDesign(Design):
    """Base of designs in order of arrival.

    Attributes
    ----------
    order : the place among `people` of the first arrival, of the second, and so on.
    levels : columns that steer the allocation, with the levels they may have (None: any). ratio : whole allocation weights.
    """

    order: IntArray
    levels: Levels
    ratio: tuple[int, ...]

    @abstractmethod
    def start(self) -> State:
        """The state before the first arrival."""

    @abstractmethod
    def _draw_batch(self, keys: Keys) -> ArmCodes:
        """Slots (draws, n) from keys (draws, n, 2), people one after the other as they arrive."""

    @property
    def fold(self) -> tuple[int, ...]:
        """Arm code of each slot; slots are the arms themselves unless a scheme divides arms."""
        return tuple(range(len(self.arms)))

    def with_people(self, people: Any) -> Self:
        """The same design on a list of people."""
        listed, order = in_order_of_arrival(people, self.people.unit, self.settings.get("arrival"), self.levels)
        return replace(self, people=listed, order=order)

    @cached_property
    def _place(self) -> IntArray:
        """When everyone arrived: 0, 1, ..."""
        return np.argsort(self.order)

    @cached_property
    def _codes(self) -> IntArray:
        """(n, columns) level codes in order of arrival, a level numbered when it first occurs."""
        columns = [pd.factorize(self.people.frame[name].iloc[self.order])[0] for name in self.levels]
        return np.array(columns, dtype=np.int64).reshape(len(columns), self.n).T

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        if not self.n:
            raise DesignError("nobody has been enrolled in this design: give it people (with_people), or use an Enrolment.")
        keys = raw_block(streams, KEYS * self.n).reshape(len(streams), self.n, KEYS)
        slots = self._draw_batch(keys) if len(streams) > 1 else self._draw_one(keys[0])
        return np.array(self.fold, dtype=np.int16)[slots.take(self._place, axis=1)]

    def _draw_one(self, keys: Keys) -> ArmCodes:
        state = self.start()
        pairs = zip(self._codes.tolist(), keys.tolist())
        return np.array([[state.step(values, first, second) for values, (first, second) in pairs]], dtype=np.int16)

    def _arrival_text(self) -> str:
        column = self.settings.get("arrival")
        return "in order of arrival" + (f" ('{column}')" if column else "")


def pick(ratio: Sequence[int], allowed: Sequence[int], key: int) -> int:
    """An arm from `allowed` with probabilities in the ratio, from a key of 64 bits."""
    place = ((key >> (64 - BITS)) * sum(ratio[k] for k in allowed)) >> BITS
    for k in allowed:
        place -= ratio[k]
        if place < 0:
            return k
    raise AssertionError("unreachable: the place is below the sum")


def pick_rows(weights: IntArray, keys: Keys) -> IntArray:
    """The same for rows: a column of (rows, arms) whole weights with probabilities in their ratio."""
    below = weights.cumsum(axis=1)
    place = ((keys >> np.uint64(64 - BITS)) * below[:, -1].astype(np.uint64)) >> np.uint64(BITS)
    return np.asarray((below <= place.astype(np.int64)[:, None]).sum(axis=1), dtype=np.int64)


def in_order_of_arrival(data: Any, unit: str | None, arrival: str | None, levels: Levels) -> tuple[People, IntArray]:
    """People, their columns complete and of known levels, and the order in which they arrived; nobody when `data` is None.

    Raises
    ------
    DesignError
        A missing value or an unknown level (names who).
    """
    if data is None:
        if unit is None:
            raise UsageError("without people the design needs unit='column with their identifiers'.")
        return People(pd.DataFrame({name: [] for name in dict.fromkeys([unit, *levels])}), unit), np.empty(0, dtype=np.int64)
    people = People.of(data, unit)
    for name, known in levels.items():
        check_levels(people, name, known)
    if arrival is None:
        return people, np.argsort(people.rows)
    try:
        return people, np.argsort(people.complete(arrival, "order of arrival").to_numpy(), kind="stable")
    except TypeError:
        raise DesignError(f"the order of arrival '{arrival}' mixes numbers and text: use one kind of value.") from None


def check_levels(people: People, name: str, known: tuple[Hashable, ...] | None) -> None:
    """Every value is there and, when levels were declared, is one of them."""
    values = people.complete(name, "column")
    if known is None:
        return
    strange = ~values.isin(list(known)).to_numpy(dtype=bool)
    if strange.any():
        found = values[strange].drop_duplicates().tolist()
        raise DesignError(
            f"{shown(found)} is not a declared level of '{name}' ({shown(known, 12)}), for {people.named(strange)}: correct the value, or "
            f"declare no levels (then a new one is accepted, and said)."
        )


def declared_levels(columns: Any, keyword: str) -> Levels:
    """Columns with or without their levels: ["sex"] or {"sex": ["m", "f"]}."""
    columns = as_mapping(columns if columns is not None else ())
    if isinstance(columns, str):
        raise UsageError(f"{keyword} takes a list of columns: write {keyword}=['{columns}'].")
    if isinstance(columns, Mapping):
        return {str(name): None if levels is None else tuple(levels) for name, levels in columns.items()}
    names = [str(name) for name in columns]
    if len(set(names)) < len(names):
        raise UsageError(f"{keyword} names a column more than once: {shown(names)}.")
    return dict.fromkeys(names)
