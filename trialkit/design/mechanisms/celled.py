"""Designs whose people, or clusters of people, are exchangeable within cells: complete, stratified, clustered, factorial.

Such a design is a law of the numbers in each arm per cell (see leftovers.py) and, given the numbers, all allocations inside the
cells equally likely. Its probabilities, pair probabilities and list of assignments follow from the law alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from trialkit.design.base import Design
from trialkit.design.cells.counts import fixed_counts, label_text, looked_up
from trialkit.design.cells.leftovers import CountLaw, JointLaw, Misfits, Shares, exact_shares, law_of
from trialkit.design.cells.units import Units
from trialkit.design.cells.within import Layout, arrangements
from trialkit.design.mechanism import ArmCodes
from trialkit.design.people import People, arm_shares, as_mapping, as_pairs
from trialkit.design.stream import Stream
from trialkit.errors import DesignError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray

MOST_ARMS = 100
MISFITS = ("stratum", "global", "pool")


@dataclass(frozen=True, eq=False, repr=False)
class CellDesign(Design):
    """A design that draws the numbers in each arm per cell, and then any allocation with these numbers alike.

    Attributes
    ----------
    units : what is randomized, and its cells. law : of the numbers; None while counts='observed' waits for data.
    """

    units: Units = None  # type: ignore[assignment]
    law: CountLaw | None = None

    @cached_property
    def _layout(self) -> Layout:
        law = self._known()
        return Layout(self.units.sizes, law.base, law.options(), self.units.cell_of)

    def _known(self) -> CountLaw:
        if self.law is None:
            raise DesignError(
                "the numbers in each arm are those of a trial's data (counts='observed'), which are not there yet: give the design "
                "to the Trial, or say design.resolve(arm_codes)."
            )
        return self.law

    @property
    def resolved(self) -> bool:
        """False while counts='observed' waits for `resolve`."""
        return self.law is not None

    def resolve(self, arm_codes: Any) -> Self:
        """The design with the numbers of an allocation, when it was declared with counts='observed'; else itself.

        Parameters
        ----------
        arm_codes : code into `design.arms` of each person, in the design's order (`codes` and `positions` give them).

        Raises
        ------
        DesignError
            When the codes are not of these people and arms, or divide a cluster.

        Examples
        --------
        >>> import trialkit as tk
        >>> people = {"site": list("aaabbb")}
        >>> d = tk.design.stratified(people, strata=["site"], arms={0: 1, 1: 1}, counts="observed")
        >>> d.resolve([0, 1, 1, 0, 0, 1]).probabilities[1].round(3).tolist()
        [0.667, 0.667, 0.667, 0.333, 0.333, 0.333]
        """
        if self.law is not None:
            return self
        codes, units = np.asarray(arm_codes), self.units
        if codes.shape != (self.n,) or not np.isin(codes, np.arange(len(self.arms))).all():
            raise DesignError(
                f"resolve takes a code 0..{len(self.arms) - 1} (an index into the arms {shown(self.arms)}) for each of the {self.n} people."
            )
        of_unit = np.zeros(units.count, dtype=np.int64)
        of_unit[units.member] = codes
        divided = of_unit[units.member] != codes
        if divided.any():
            raise DesignError(
                f"the people of one cluster of '{units.cluster}' are in different arms: among them {self.people.named(divided)}."
            )
        table = np.zeros((len(units.cells), len(self.arms)), dtype=np.int64)
        np.add.at(table, (units.cell_of, of_unit), 1)
        return dataclasses.replace(self, law=JointLaw(table))

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        codes = self._layout.draw(streams, self._known().extra(streams))
        return (codes if self.units.alone else codes.take(self.units.member, axis=1)).astype(np.int16)

    def _probabilities(self) -> FloatArray:
        of_cell = self._known().means() / self.units.sizes[:, None]
        return np.asarray(of_cell[self.units.cell_of][self.units.member])

    def _pair_probabilities(self, first: int, second: int) -> FloatArray:
        law, cell_of, sizes = self._known(), self.units.cell_of, self.units.sizes.astype(float)
        between = law.across(first, second) / np.outer(sizes, sizes)
        np.fill_diagonal(between, law.within(first, second) / np.maximum(sizes * (sizes - 1), 1))
        pairs = between[np.ix_(cell_of, cell_of)]
        same = law.means()[:, first] / sizes if first == second else np.zeros(len(sizes))
        np.fill_diagonal(pairs, same[cell_of])
        return np.asarray(pairs if self.units.alone else pairs[np.ix_(self.units.member, self.units.member)])

    def _count(self) -> int | None:
        return self._known().count()

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        if self._count() is None:
            return None
        rows, weights = [], []
        places = [np.flatnonzero(self.units.cell_of == cell) for cell in range(len(self.units.cells))]
        for table, probability in self._known().tables():
            lists = [arrangements(row) for row in table.tolist()]
            ways = math.prod(len(found) for found in lists)
            block = np.empty((ways, self.units.count), dtype=np.int16)
            for where, found, chosen in zip(places, lists, np.unravel_index(np.arange(ways), [len(x) for x in lists])):
                block[:, where] = found[chosen]
            rows.append(block)
            weights.append(np.full(ways, probability / ways))
        return np.concatenate(rows)[:, self.units.member], np.concatenate(weights)

    def describe(self) -> str:
        """The mechanism in words."""
        clusters = f" in {self.units.count} clusters" if self.units.cluster is not None else ""
        strata = f", within {len(self.units.cells)} strata of {shown(self.units.strata)}" if self.units.strata else ""
        return f"{self.scheme} randomization of {self.n} people{clusters} to {shown(self.arms, 10)}{strata}"


def cell_parts(
    data: Any,
    *,
    unit: str | None,
    arms: Any,
    strata: Sequence[str] = (),
    cluster: str | None = None,
    counts: Any = None,
    misfits: Misfits = "stratum",
    shares: Any = None,
    order: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Fields of a `CellDesign` from what a user says; see the schemes for the arguments."""
    labels, _ = arm_shares(arms)
    if len(labels) > MOST_ARMS:
        raise DesignError(f"there are {len(labels)} arms, and at most {MOST_ARMS} are possible.")
    _check_options(counts, misfits, shares)
    units = Units.of(People.of(data, unit), strata, cluster)
    law: CountLaw | None = None
    if counts is None:
        units.check_room(labels, pooled=misfits == "pool")
        law = law_of(units.sizes, _shares_by_cell(units, labels, arms, shares), misfits, order)
    elif not isinstance(counts, str):
        table = fixed_counts(
            counts, arms=labels, labels=units.cells, sizes=units.sizes, nouns=units.nouns, stratified=bool(units.strata)
        )
        law = JointLaw(table)
    settings = _settings(unit, arms, units, counts, misfits, shares)
    return {"people": units.people, "arms": labels, "settings": settings, "units": units, "law": law}


def _check_options(counts: Any, misfits: str, shares: Any) -> None:
    if misfits not in MISFITS:
        near = nearest(str(misfits), MISFITS)
        remedy = f" Did you mean {near!r}?" if near else ""
        raise UsageError(f"misfits={misfits!r} is unknown: say 'stratum', 'global' or 'pool'.{remedy}")
    if isinstance(counts, str) and counts != "observed":
        raise UsageError(f"counts='{counts}' is unknown: give numbers per arm, or 'observed'.")
    if counts is not None and shares is not None:
        raise UsageError("counts and shares both say how many people each arm gets: give one of them.")
    if shares is not None and misfits == "pool":
        raise UsageError("misfits='pool' mixes people of all strata, so it needs one set of weights: leave shares out.")


def _shares_by_cell(units: Units, labels: Sequence[Hashable], arms: Any, shares: Any) -> list[Shares]:
    if shares is None:
        return [exact_shares(as_mapping(arms))] * len(units.cells)
    given = as_mapping(shares)
    if not isinstance(given, Mapping):
        raise UsageError("shares gives the weights of each stratum, as in shares={'north': {'a': 1, 'b': 2}, ...}.")
    out = []
    for cell, weights in zip(units.cells, looked_up(given, units.cells, "shares")):
        what = f"shares of stratum '{label_text(cell)}'"
        mine = dict(zip(labels, looked_up(as_mapping(weights), labels, what)))
        arm_shares(mine)
        out.append(exact_shares(mine))
    return out


def _settings(unit: str | None, arms: Any, units: Units, counts: Any, misfits: str, shares: Any) -> dict[str, Any]:
    """What was declared, JSON-able and accepted again by the scheme's function."""
    said: dict[str, Any] = {"unit": unit, "arms": as_pairs(arms)}
    if units.strata:
        said |= {"strata": list(units.strata), "misfits": misfits}
    if units.cluster is not None:
        said["cluster"] = units.cluster
    if counts is not None:
        said["counts"] = as_pairs(counts)
    if shares is not None:
        said["shares"] = as_pairs(shares)
    return said
