"""Minimization (Pocock & Simon 1975): everyone goes, with a high probability, to the arm that keeps factors most balanced.

For each arm k the person is put into it in thought; d_fk is the imbalance among the people with their level of factor f, and
G_k = sum_f weight_f d_fk. One of the arms with the smallest G, at random, gets them with probability p, another arm otherwise.
With allocation ratio r the counts are divided by r before the imbalance is taken, and the preferred arm gets the person with
probability 1 - c (1 - w_k), any other arm j with c w_j, where w are the shares and c = (1 - p) / (1 - w_min) (Han, Enas &
McEntegart 2009): p is the probability of the smallest arm when it is preferred, and when all arms tie everyone's chance is w.

With equal allocation the law does not change when arms change names, so everyone's probabilities are exactly equal. With unequal
allocation they depend on the place in the order of arrival, often by a great deal: with 1 : 2 the first person of a level goes to the
larger arm with a probability near p, a later one to the smaller arm (Kuznetsova & Tymofyeyev 2012). They are simulated then.
`unequal="expanded"` keeps everyone's probabilities exactly at the shares: the arms are divided into slots, one for each part of the
ratio, the slots are minimized with equal allocation, and the arm is the one to which the slot belongs (the same paper).

References
----------
Pocock, S. J. & Simon, R. (1975). Sequential treatment assignment with balancing for prognostic factors in the controlled clinical
trial. Biometrics 31, 103-115. Han, B., Enas, N. H. & McEntegart, D. (2009). Randomization by minimization for unbalanced treatment
allocation. Statistics in Medicine 28, 3329-3346. Kuznetsova, O. M. & Tymofyeyev, Y. (2012). Preservation of the allocation ratio
at every allocation with biased coin randomization and minimization in studies with unequal allocation. Statistics in Medicine 31,
701-723.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from trialkit.design.cells.ratio import whole_ratio
from trialkit.design.mechanism import MOST_ENUMERATED, ArmCodes
from trialkit.design.mechanisms.rolling import BITS, RollingDesign, State, declared_levels, in_order_of_arrival, pick, pick_rows
from trialkit.design.people import as_mapping, as_pairs
from trialkit.design.stream import Keys
from trialkit.errors import DesignError, UsageError, nearest, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.misuse import explained

__all__ = ["Minimization", "minimization"]

Measure = Literal["range", "variance", "sd"]
MEASURES = ("range", "variance", "sd")
MOST_LISTED = 100_000
_TIE = 1e-9


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Minimization(RollingDesign):
    """Pocock-Simon minimization in order of arrival; made by `minimization`.

    Attributes
    ----------
    favour : probability that the preferred slot is taken without looking at the shares (1 - c). weights : of the factors.
    measure : of the imbalance. expanded : slots are parts of the ratio; otherwise they are the arms.
    """

    favour: float
    weights: tuple[float, ...]
    measure: Measure
    expanded: bool

    scheme: ClassVar[str] = "minimization"

    @property
    def probabilities_exact(self) -> bool:
        """True with equal allocation of the slots (by symmetry) and when all assignments can be listed."""
        return self._probabilities() is not None

    @property
    def slots(self) -> tuple[int, ...]:
        """Whole allocation weights of the slots."""
        return (1,) * sum(self.ratio) if self.expanded else self.ratio

    @property
    def fold(self) -> tuple[int, ...]:
        """Arm code of each slot."""
        return tuple(np.repeat(np.arange(len(self.arms)), self.ratio).tolist()) if self.expanded else super().fold

    @property
    def steps(self) -> tuple[int, ...]:
        """What one person adds to a slot's ratio-adjusted count."""
        whole = math.lcm(*self.slots)
        return tuple(whole // r for r in self.slots)

    @property
    def coin(self) -> int:
        """The preferred slot is taken when a key of 53 bits is below this."""
        return round(self.favour * 2**BITS)

    def start(self) -> State:
        return _Counts(self)

    def _draw_batch(self, keys: Keys) -> ArmCodes:
        slots = np.empty(keys.shape[:2], dtype=np.int16)
        counts, places = _tables(len(keys), self._codes, len(self.slots))
        ratio, steps = np.array(self.slots), np.array(self.steps)
        rows = np.arange(len(keys))[:, None]
        for i, cells in enumerate(places):
            favoured = (keys[:, i, 0] >> np.uint64(64 - BITS)) < np.uint64(self.coin)
            allowed = self._preferred(counts[:, cells]) | ~favoured[:, None]
            chosen = pick_rows(allowed * ratio, keys[:, i, 1])
            counts[rows, cells, chosen[:, None]] += steps[chosen][:, None]
            slots[:, i] = chosen
        return slots

    def _preferred(self, counts: IntArray) -> Any:
        """(rows, slots) whether a slot has the least imbalance, from counts (rows, factors, slots)."""
        total: Any = 0.0
        steps = np.diag(self.steps)
        for f, weight in enumerate(self.weights):
            with_person = counts[:, f, None, :] + steps
            total = total + weight * _imbalance(with_person, self.measure)
        least = total.min(axis=1, keepdims=True)
        return total <= least + _TIE * np.maximum(1.0, least)

    def _probabilities(self) -> FloatArray | None:
        if len(set(self.slots)) == 1:
            return np.tile(np.array(self.ratio) / sum(self.ratio), (self.n, 1))
        return self._listed_probabilities

    @cached_property
    def _listed_probabilities(self) -> FloatArray | None:
        if len(self.slots) ** self.n > MOST_LISTED:
            return None
        codes, weights = self._sequences()
        return np.stack([weights @ (codes == a) for a in range(len(self.arms))], axis=1)

    def _count(self) -> int | None:
        if self.favour < 1:
            return len(self.arms) ** self.n
        found = self._enumerate()
        return len(found[1]) if found is not None else None

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        return self._sequences() if len(self.slots) ** self.n <= MOST_ENUMERATED else None

    def _sequences(self) -> tuple[ArmCodes, FloatArray]:
        """Every sequence of slots: the sequences of the first people, continued by each slot that is possible next; then their arms."""
        found, weights = np.empty((1, 0), dtype=np.int16), np.ones(1)
        counts, places = _tables(1, self._codes, len(self.slots))
        ratio, steps = np.array(self.slots), np.array(self.steps)
        for cells in places:
            preferred = self._preferred(counts[:, cells]) * ratio
            chance = self.favour * preferred / preferred.sum(axis=1, keepdims=True) + (1 - self.favour) * ratio / ratio.sum()
            before, slot = np.nonzero(chance > 0)
            found = np.hstack([found[before], slot[:, None].astype(np.int16)])
            weights = weights[before] * chance[before, slot]
            counts = counts[before]
            counts[np.arange(len(slot))[:, None], cells, slot[:, None]] += steps[slot][:, None]
        arms = np.array(self.fold, dtype=np.int16)[found[:, self._place]]
        if not self.expanded:
            return arms, weights
        arms, which = np.unique(arms, axis=0, return_inverse=True)
        return arms, np.asarray(np.bincount(which.ravel(), weights=weights), dtype=float)

    def describe(self) -> str:
        """Factors, probability and measure."""
        text = f"minimization of {self.n} people {self._arrival_text()} to {shown(self.arms, 10)}"
        if len(set(self.ratio)) > 1:
            text += f" ({':'.join(map(str, self.ratio))})"
        what = "part of the ratio" if self.expanded else "arm"
        text += f" on {shown(self.levels)} ({self.measure}, probability {self.settings['probability']:g} of the {what} with the least imbalance)"
        if self.n and len(set(self.slots)) > 1:
            text += (
                ". Probabilities differ between places in the order of arrival"
                f"{'' if self.probabilities_exact else ' and are simulated'}; unequal='expanded' keeps them at the shares"
            )
        return text


class _Counts:
    """Ratio-adjusted counts of each slot at each level, for one allocation."""

    def __init__(self, design: Minimization):
        self.ratio, self.steps, self.coin = design.slots, design.steps, design.coin
        self.weights, self.measure = design.weights, design.measure
        self.every = range(len(self.ratio))
        self.counts: list[dict[Hashable, list[int]]] = [{} for _ in design.levels]

    def step(self, values: Sequence[Hashable], first: int, second: int) -> int:
        rows = [table.setdefault(v, [0] * len(self.ratio)) for table, v in zip(self.counts, values)]
        favoured = (first >> (64 - BITS)) < self.coin
        slot = pick(self.ratio, self._preferred(rows) if favoured else self.every, second)
        for row in rows:
            row[slot] += self.steps[slot]
        return slot

    def withdraw(self, values: Sequence[Hashable], slot: int) -> None:
        for table, v in zip(self.counts, values):
            table[v][slot] -= self.steps[slot]

    def _preferred(self, rows: list[list[int]]) -> list[int]:
        totals = []
        for k in self.every:
            total = 0.0
            for row, weight in zip(rows, self.weights):
                row[k] += self.steps[k]
                total += weight * self._imbalance(row)
                row[k] -= self.steps[k]
            totals.append(total)
        least = min(totals)
        limit = least + _TIE * max(1.0, least)
        return [k for k in self.every if totals[k] <= limit]

    def _imbalance(self, row: list[int]) -> float:
        if self.measure == "range":
            return max(row) - min(row)
        spread = len(row) * sum(x * x for x in row) - sum(row) ** 2
        return spread if self.measure == "variance" else math.sqrt(spread)


def _imbalance(counts: IntArray, measure: Measure) -> FloatArray:
    """Of the slots (last axis); variance and standard deviation up to a factor that all comparisons share."""
    if measure == "range":
        return np.asarray(counts.max(axis=-1) - counts.min(axis=-1), dtype=float)
    spread = counts.shape[-1] * (counts**2).sum(axis=-1) - counts.sum(axis=-1) ** 2
    return np.asarray(spread if measure == "variance" else np.sqrt(spread), dtype=float)


def _tables(rows: int, codes: IntArray, slots: int) -> tuple[IntArray, IntArray]:
    """Counts (rows, levels of all factors, slots) of zero, and the places (n, factors) of everyone's levels."""
    sizes = codes.max(axis=0, initial=-1) + 1
    return np.zeros((rows, int(sizes.sum()), slots), dtype=np.int64), codes + np.cumsum(sizes) - sizes


@explained
def minimization(
    people: Any,
    *,
    factors: Sequence[str] | Mapping[str, Sequence[Hashable]],
    arms: Mapping[Hashable, float],
    unit: str | None = None,
    probability: float = 0.8,
    weights: Mapping[str, float] | None = None,
    measure: Measure = "range",
    arrival: str | None = None,
    unequal: Literal["adjusted", "expanded"] = "adjusted",
) -> Minimization:
    """Pocock-Simon minimization for people who arrive one by one.

    Parameters
    ----------
    people
        Data frame in order of arrival, one row a person; or None for an enrolment that is to begin (`Enrolment`).
    factors
        Columns to balance, complete. A mapping names their levels too, as in {"sex": ["m", "f"]}, and another level is then an
        error; with a list a new level is accepted, and `Enrolment` says so.
    arms
        Label -> allocation weight, in a ratio of small whole numbers.
    unit
        Column with the identifiers.
    probability
        Of the arm with the least imbalance (with unequal allocation: when it is the smallest arm). 1 leaves chance to ties only.
    weights
        Factor -> weight of its imbalance, 1 unless said.
    measure
        Imbalance of the counts: "range", "variance" or "sd".
    arrival
        Column with the order of arrival, such as a date; without it the order of the rows counts.

    unequal
        How unequal weights are kept: "adjusted" divides counts by the ratio, and the probability of an arm then depends on the place in
        the order of arrival; "expanded" minimizes over the parts of the ratio and keeps everyone's probability at the shares.

    Returns
    -------
    Minimization

    Raises
    ------
    DesignError
        A missing or undeclared level (names who), a probability that favours no arm.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(6), "sex": list("mmffmf")}
    >>> d = tk.design.minimization(people, unit="id", factors=["sex"], arms={"individual": 1, "peer": 1}, probability=1)
    >>> sorted(d.draw_many(1, seed=1).arms[0].tolist())
    [0, 0, 0, 1, 1, 1]
    """
    labels, ratio = whole_ratio(arms)
    levels = declared_levels(factors, "factors")
    if not levels:
        raise UsageError("factors names no column: minimization balances one or more, as in factors=['agency', 'sex'].")
    if measure not in MEASURES:
        raise UsageError(f"measure={measure!r} is unknown: say 'range', 'variance' or 'sd'.")
    if unequal not in ("adjusted", "expanded"):
        raise UsageError(f"unequal={unequal!r} is unknown: say 'adjusted' or 'expanded'.")
    expanded = unequal == "expanded" and len(set(ratio)) > 1
    smallest = 1 / sum(ratio) if expanded else min(ratio) / sum(ratio)
    if not smallest < probability <= 1:
        raise DesignError(
            f"probability={probability!r} does not favour the arm with the least imbalance: choose more than {smallest:.4g} (its share of "
            "the allocation) and at most 1; 0.8 is usual."
        )
    settings: dict[str, Any] = {
        "unit": unit,
        "factors": list(levels) if all(v is None for v in levels.values()) else as_pairs(dict(levels)),
        "arms": as_pairs(as_mapping(arms)),
        "probability": probability,
        "measure": measure,
    }
    settings |= {"weights": as_pairs(as_mapping(weights))} if weights is not None else {}
    settings |= {"arrival": arrival} if arrival is not None else {}
    settings |= {"unequal": unequal} if len(set(ratio)) > 1 else {}
    listed, order = in_order_of_arrival(people, unit, arrival, levels)
    return Minimization(
        listed,
        labels,
        settings,
        order=order,
        levels=levels,
        ratio=ratio,
        favour=1 - (1 - probability) / (1 - smallest),
        weights=_weights(levels, as_mapping(weights)),
        measure=measure,
        expanded=expanded,
    )


def _weights(levels: Mapping[str, Any], weights: Mapping[str, float] | None) -> tuple[float, ...]:
    given = dict(weights or {})
    for name, weight in given.items():
        if name not in levels:
            near = nearest(name, levels)
            remedy = f"Did you mean '{near}'?" if near else f"The factors are {shown(levels)}."
            raise UsageError(f"weights names '{name}', which is not a factor. {remedy}")
        if not (math.isfinite(weight) and weight > 0):
            raise DesignError(f"the weight of factor '{name}' is {weight!r}: give a positive number, or leave the factor out.")
    return tuple(float(given.get(name, 1.0)) for name in levels)
