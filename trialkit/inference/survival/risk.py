"""Who is at risk when: the one sorting that every survival kernel shares, for one data set or a batch of replicates.

Places are people sorted by stratum and time, events before censored at the same time. With delayed entry each person has a second place,
at the entry, which is subtracted: a person is at risk at t when entry < t <= time. Sums over the people at risk are then cumulative sums
from the end, and sums over the times at which a person was at risk cumulative sums from the start; nothing loops over times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class RiskSets:
    """M places (n people, or 2n with entries); leading axes are replicates.

    Attributes
    ----------
    person : (..., M) row in the data. sign : (..., M) 1 at a time, -1 at an entry.
    event : (..., M) True where the place is an event.
    first, last : (..., M) first and last place with the same stratum and time.
    opens, closes : (..., M) first place of the stratum and of the next one; None without strata.
    time_place, entry_place : (..., n) the places of a person; entry_place is None without entries.
    time : (..., M) the time (or entry) of the place.
    """

    person: IntArray
    sign: FloatArray
    event: BoolArray
    first: IntArray
    last: IntArray
    opens: IntArray | None
    closes: IntArray | None
    time_place: IntArray
    entry_place: IntArray | None
    time: FloatArray

    @property
    def head(self) -> BoolArray:
        """(..., M) True at the first place of each time with an event, so that tied events count once."""
        return self.event & (self.first == np.arange(self.event.shape[-1]))

    @property
    def rank(self) -> IntArray:
        """(..., M) 0, 1, ... among the events tied at a time."""
        return np.asarray(np.arange(self.event.shape[-1]) - self.first)

    @property
    def tied(self) -> bool:
        """Whether any two events share a time and stratum."""
        return bool((self.event & (self.rank > 0)).any())

    def at(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of people (..., n) at their places (..., M)."""
        return _take(values, self.person)

    def of_time(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of places (..., M) at each person's time (..., n)."""
        return _take(values, self.time_place)

    def at_risk(self, values: FloatArray) -> FloatArray:
        """Sum of people's values (..., n) over those at risk at the time of each place (..., M)."""
        signed = self.at(values)
        if self.entry_place is not None:
            signed = signed * _aligned(self.sign, signed)
        tail = np.zeros((*signed.shape[:-1], signed.shape[-1] + 1))
        np.cumsum(signed[..., ::-1], axis=-1, out=tail[..., 1:])
        tail = tail[..., ::-1]
        found = _take(tail, self.first)
        return found if self.closes is None else found - _take(tail, self.closes)

    def tie_sum(self, values: FloatArray) -> FloatArray:
        """Sum of values of places (..., M) over the events tied at the time of each place."""
        before = _before(np.where(_aligned(self.event, values), values, 0.0))
        return _take(before, self.last + 1) - _take(before, self.first)

    def accumulate(self, increments: FloatArray) -> FloatArray:
        """For each person (..., n) the sum of the increments (..., M) of the events at which the person was at risk."""
        before = _before(np.where(_aligned(self.event, increments), increments, 0.0))
        ends = _take(self.last, self.time_place) + 1
        found = _take(before, ends)
        if self.entry_place is not None:
            return found - _take(before, self.entry_place)
        if self.opens is None:
            return found
        return found - _take(before, _take(self.opens, self.time_place))


def risk_sets(
    *, time: FloatArray, event: NDArray[np.generic], entry: FloatArray | None = None, stratum: IntArray | None = None
) -> RiskSets:
    """Sort once.

    Parameters
    ----------
    time : (..., n) time of the event or of censoring. event : (..., n) true where an event ended the observation.
    entry : (..., n) time at which observation began, below `time`. stratum : (n,) or (..., n) codes; risk sets stay inside a stratum.
    """
    died = np.asarray(event).astype(bool)
    value, kind = np.asarray(time, dtype=float), np.where(died, 0, 1)
    n = value.shape[-1]
    if entry is not None:
        value = np.concatenate([value, np.broadcast_to(entry, value.shape)], axis=-1)
        kind = np.concatenate([kind, np.full_like(kind, 2)], axis=-1)
    keys = [kind, value]
    block = None
    if stratum is not None:
        block = np.broadcast_to(stratum, np.shape(time))
        block = block if entry is None else np.concatenate([block, block], axis=-1)
        keys.append(block)
    order = np.lexsort(keys, axis=-1)
    value, kind = _take(value, order), _take(kind, order)
    changes = (np.diff(value, axis=-1) != 0) | (np.diff(kind == 2, axis=-1) != 0)
    opens = closes = None
    if block is not None:
        turns = np.diff(_take(block, order), axis=-1) != 0
        changes |= turns
        opens, ends = _runs(turns)
        closes = ends + 1
    first, last = _runs(changes)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(order.shape[-1]), order.shape), axis=-1)
    return RiskSets(
        person=order % n, sign=np.where(kind == 2, -1.0, 1.0), event=kind == 0, first=first, last=last, opens=opens, closes=closes,
        time_place=places[..., :n], entry_place=None if entry is None else places[..., n:], time=value,
    )  # fmt: skip


def _runs(changes: BoolArray) -> tuple[IntArray, IntArray]:
    """First and last place of each run, from where the next place differs (..., M - 1)."""
    edge = np.ones((*changes.shape[:-1], 1), dtype=bool)
    index = np.arange(changes.shape[-1] + 1)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, changes], axis=-1), index, 0), axis=-1)
    ends = np.where(np.concatenate([changes, edge], axis=-1), index, len(index))
    return first, np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]


def _before(values: FloatArray) -> FloatArray:
    """(..., M + 1) sum of the values before each place."""
    out = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=out[..., 1:])
    return out


def _take(values: NDArray[Any], index: IntArray) -> NDArray[Any]:
    """values (..., n) at index (..., M); further axes of `values` (terms) stand just before the last one."""
    if index.ndim == 1:
        return np.asarray(values[..., index])
    grown = values.reshape((1,) * max(index.ndim - values.ndim, 0) + values.shape)
    return np.asarray(np.take_along_axis(grown, _aligned(index, values), axis=-1))


def _aligned(index: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """index (replicates, M) with an axis for terms put in where values are (replicates, terms, M)."""
    return index[..., None, :] if values.ndim > index.ndim else index
