"""Matched pairs (triplets, ...): units alike before the study, arms permuted at random within each tuple.

A tuple has as many places as the ratio of the arms has parts: two for 1 : 1, three for three arms or for 2 : 1. Every order of the
arms within a tuple is equally likely and tuples are independent, so probabilities are the shares and pair probabilities have a
closed form: w_a (w_b - [a = b]) / (k (k - 1)) within a tuple of k places that holds w_a of arm a, the product of the shares between
tuples. Units beyond the last full tuple of a stratum form an incomplete one: the arms are permuted over its k places all the same,
and the places without a unit stay empty; a single unit is thus drawn by the shares.

References
----------
Greevy, R., Lu, B., Silber, J. H. & Rosenbaum, P. (2004). Optimal multivariate matching before randomization. Biostatistics 5,
263-275. Imai, K., King, G. & Nall, C. (2009). The essential role of pair matching in cluster-randomized experiments. Statistical
Science 24, 29-53.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from trialkit.design.base import Design
from trialkit.design.cells.counts import label_text
from trialkit.design.cells.ratio import whole_ratio
from trialkit.design.cells.units import Units, names_of, some_names
from trialkit.design.cells.within import compositions
from trialkit.design.covariates.matrix import cluster_means, covariate_matrix, mahalanobis_coordinates
from trialkit.design.matching.tuples import Matching, Progress, match_distances, match_points
from trialkit.design.mechanism import ArmCodes
from trialkit.design.people import People, as_pairs
from trialkit.design.stream import Stream, raw_block
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.misuse import explained

__all__ = ["MatchedPairs", "matched_pairs"]

Distance = Literal["mahalanobis"] | Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MatchedPairs(Design):
    """Arms permuted within tuples of alike units; made by `matched_pairs`.

    Attributes
    ----------
    units : people or clusters. ratio : places of each arm in a tuple. block : tuple of each unit.
    settings : what was declared, and of a matching total_distance, lower_bound, gap (0.05 is 5 % above the bound) and optimal.
    """

    units: Units
    ratio: tuple[int, ...]
    block: IntArray

    scheme: ClassVar[str] = "matched_pairs"

    @property
    def blocks(self) -> pd.DataFrame:
        """Tuple of each person (numbered from 1), indexed by identifier: the strata of the analysis."""
        index = pd.Index(self.people.ids, name=self.people.unit)
        return pd.DataFrame({"block": self.block[self.units.member] + 1}, index=index)

    @property
    def incomplete(self) -> list[list[Any]]:
        """Identifiers of the people (labels of the clusters) in tuples with fewer units than places."""
        return [_names(self.units, self.block == b) for b in np.flatnonzero(self._sizes < self._k)]

    def _allocation_columns(self, codes: ArmCodes) -> dict[str, list[Any]]:
        return {"block": self.blocks["block"].tolist()}

    @property
    def _k(self) -> int:
        return sum(self.ratio)

    @cached_property
    def _sizes(self) -> IntArray:
        return np.bincount(self.block)

    @cached_property
    def _place(self) -> IntArray:
        """Flat place (tuple x k + position) of each person's unit."""
        order = np.argsort(self.block, kind="stable")
        sizes = self._sizes
        starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
        place = np.empty(len(self.block), dtype=np.int64)
        place[order] = np.repeat(np.arange(len(sizes)) * self._k, sizes) + np.arange(len(order)) - starts
        return place[self.units.member]

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        keys = raw_block(streams, len(self._sizes) * self._k).reshape(len(streams), -1, self._k)
        arms = np.empty(keys.shape, dtype=np.int16)
        if self.ratio == (1, 1):
            arms[..., 0] = keys[..., 0] > keys[..., 1]
            arms[..., 1] = 1 - arms[..., 0]
        else:
            ordered = np.repeat(np.arange(len(self.ratio), dtype=np.int16), self.ratio)
            order = np.argsort(keys, axis=-1, kind="stable")
            np.put_along_axis(arms, order, np.broadcast_to(ordered, keys.shape), axis=-1)
        return arms.reshape(len(streams), -1).take(self._place, axis=1)

    def _probabilities(self) -> FloatArray:
        return np.tile(np.array(self.ratio) / self._k, (self.n, 1))

    def _pair_probabilities(self, first: int, second: int) -> FloatArray:
        shares = np.array(self.ratio) / self._k
        same_arm = first == second
        within = self.ratio[first] * (self.ratio[second] - same_arm) / (self._k * (self._k - 1))
        out = np.where(self.block[:, None] == self.block, within, shares[first] * shares[second])
        np.fill_diagonal(out, shares[first] if same_arm else 0.0)
        return out[np.ix_(self.units.member, self.units.member)]

    def _count(self) -> int:
        return math.prod(len(_orders(self.ratio, size)) for size in self._sizes.tolist())

    def _enumerate(self) -> tuple[ArmCodes, FloatArray]:
        codes, weights = np.empty((1, 0), dtype=np.int16), np.ones(1)
        for size in self._sizes.tolist():
            orders = _orders(self.ratio, size)
            rows = np.array(list(orders), dtype=np.int16)
            codes = np.hstack([np.repeat(codes, len(rows), axis=0), np.tile(rows, (len(codes), 1))])
            weights = np.outer(weights, list(orders.values())).ravel()
        place = np.argsort(np.argsort(self.block, kind="stable"), kind="stable")
        return codes[:, place[self.units.member]], weights

    def describe(self) -> str:
        """The tuples, how they were made, how good they are, and who stayed over."""
        s = self.settings
        full = int((self._sizes == self._k).sum())
        name = {2: "pair", 3: "triplet"}.get(self._k, f"tuple of {self._k}")
        names = {2: "pairs", 3: "triplets"}.get(self._k, f"tuples of {self._k}")
        text = f"matched_pairs randomization of {self.n} people to {shown(self.arms, 10)}: {full} {name if full == 1 else names}"
        text += " of clusters" if self.units.cluster else ""
        if "pairs" in s:
            text += f" given in '{s['pairs']}'"
        else:
            text += f" alike in {shown(s['match'])}" + (f" within {shown(s['strata'])}" if "strata" in s else "")
            text += f" ({s['distance']} distance, total {s['total_distance']:.6g}; {_gap_text(s)})"
        over = int(self._sizes[self._sizes < self._k].sum())
        if over:
            # a description is published, so it gives the number and not the names
            text += f". {_number(self.units, over)} in an incomplete {name}: drawn by the shares, over the places of a whole one"
        return text


@explained
def matched_pairs(
    people: Any,
    *,
    arms: Mapping[Hashable, float],
    match: Sequence[str] | None = None,
    unit: str | None = None,
    strata: Sequence[str] = (),
    distance: Distance = "mahalanobis",
    cluster: str | None = None,
    pairs: str | None = None,
    progress: Progress | None = None,
) -> MatchedPairs:
    """Match alike units in pairs (triplets, ...) and permute the arms within each.

    Parameters
    ----------
    people
        Data frame, one row a person.
    arms
        Label -> allocation weight, in a ratio of small whole numbers. Their sum is the size of a tuple.
    match
        Covariates, complete. Text counts as one 0/1 column a level.
    unit
        Column with the identifiers.
    strata
        Columns in which the units of a tuple must agree.
    distance
        "mahalanobis" (over all units), or a function of the (units, columns) values that returns the (units, units) distances.
    cluster
        Column with clusters to be matched and assigned whole, on the means of their members' covariates.
    pairs
        Column with tuples that were made elsewhere, instead of `match`.
    progress
        Called with (what, step, steps).

    Returns
    -------
    MatchedPairs
        Pairs of up to 2,000 units in a stratum have the least total distance. Beyond that, and for larger tuples, `settings` and
        `describe()` state how far the total may be above the least possible (`gap`, against `lower_bound`). `blocks` has the tuple
        of each person. Units beyond the last full tuple of a stratum (`incomplete`) are drawn by the shares.

    Raises
    ------
    DesignError
        A covariate that is missing (names who) or the same for all, fewer units in a stratum than places in a tuple, a cluster in
        two strata, given tuples that are too large.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": ["a", "b", "c", "d"], "age": [20, 61, 23, 58]}
    >>> d = tk.design.matched_pairs(people, unit="id", match=["age"], arms={"individual": 1, "peer": 1})
    >>> d.blocks["block"].to_dict()
    {'a': 1, 'b': 2, 'c': 1, 'd': 2}
    """
    labels, ratio = whole_ratio(arms)
    k = sum(ratio)
    if (pairs is None) == (match is None):
        raise UsageError("say either match=[covariates] or pairs='column with given pairs'.")
    if pairs is not None and names_of(strata, "strata"):
        raise UsageError("strata=... belongs to match=...: given pairs already say who is with whom.")
    units = Units.of(People.of(people, unit), strata, cluster)
    settings: dict[str, Any] = {"unit": unit, "arms": as_pairs(arms)} | ({"cluster": cluster} if cluster else {})
    if match is None:
        block = _given(units, str(pairs), k)
        settings["pairs"] = pairs
    else:
        _check_room(units, k)
        names = list(some_names(match, "match"))
        block, quality = _matched(units, names, k, distance, progress)
        settings |= (
            {"match": names, "distance": _name(distance)} | ({"strata": list(units.strata)} if units.strata else {}) | quality
        )
    return MatchedPairs(units.people, labels, settings, units=units, ratio=ratio, block=block)


def _names(units: Units, chosen: Any) -> list[Any]:
    """Identifiers of people or labels of clusters."""
    if units.cluster is None:
        return units.people.ids[chosen].tolist()
    return units.people.column(units.cluster)[chosen[units.member]].drop_duplicates().tolist()


def _number(units: Units, count: int) -> str:
    one = "person" if units.cluster is None else "cluster"
    return f"{count} {one if count == 1 else units.nouns}"


def _given(units: Units, pairs: str, k: int) -> IntArray:
    values = pd.factorize(units.people.complete(pairs, "pair"))[0].astype(np.int64)
    block = np.empty(units.count, dtype=np.int64)
    block[units.member] = values
    astray = block[units.member] != values
    if astray.any():
        raise DesignError(
            f"a cluster of '{units.cluster}' lies in more than one tuple of '{pairs}': {units.people.named(astray)}."
        )
    sizes = np.bincount(block)
    if (sizes > k).any():
        big = int(sizes.argmax())
        raise DesignError(
            f"a tuple of '{pairs}' holds {sizes[big]} units ({shown(_names(units, block == big))}), but the ratio of the arms "
            f"fills {k}: split it, or change the allocation weights."
        )
    if (sizes < k).all():
        raise DesignError(f"no tuple of '{pairs}' has the {k} units that the arms fill: does '{pairs}' hold the pairs?")
    return block


def _check_room(units: Units, k: int) -> None:
    small = np.flatnonzero(units.sizes < k)
    if len(small):
        where = f"stratum '{label_text(units.cells[small[0]])}'" if units.strata else "the design"
        who = units.people.named(units.cell_of[units.member] == small[0])
        remedy = "join it with another stratum, or leave out a column of strata" if units.strata else "it needs more people"
        raise DesignError(
            f"{where} has {_number(units, int(units.sizes[small[0]]))} where one tuple takes {k}: {who}. For this design {remedy}."
        )


def _matched(
    units: Units, names: Sequence[str], k: int, distance: Distance, progress: Progress | None
) -> tuple[IntArray, dict[str, Any]]:
    """Tuple of each unit, and the quality of the matching."""
    values, sources = covariate_matrix(units.people, names)
    if units.cluster is not None:
        values = cluster_means(values, units.member)
    points = mahalanobis_coordinates(values, sources, units.nouns) if distance == "mahalanobis" else values
    tuples: list[IntArray] = []
    results: list[Matching] = []
    for cell in range(len(units.cells)):
        part = np.flatnonzero(units.cell_of == cell)
        if distance == "mahalanobis":
            found = match_points(points[part], k, progress=progress)
        else:
            found = match_distances(_own_distances(distance, points[part]), k, progress=progress)
        results.append(found)
        tuples += [*part[found.tuples], *([part[found.rest]] if len(found.rest) else [])]
    block = np.empty(units.count, dtype=np.int64)
    for number, members in enumerate(sorted(tuples, key=lambda t: int(t.min()))):
        block[members] = number
    return block, _quality_of(results)


def _own_distances(distance: Distance, values: FloatArray) -> FloatArray:
    if not callable(distance):
        raise UsageError(f"distance={distance!r}: give 'mahalanobis' or a function of the covariate values.")
    found = np.asarray(distance(values), dtype=float)
    if found.shape != (len(values), len(values)):
        raise DesignError(f"the distance function returned the shape {found.shape}; expected {(len(values), len(values))}.")
    if not np.all(np.isfinite(found)) or found.min(initial=0.0) < 0 or not np.allclose(found, found.T):
        raise DesignError(
            "the distance function must return finite, non-negative, symmetric distances; use strata to forbid tuples."
        )
    return found


def _quality_of(results: Sequence[Matching]) -> dict[str, Any]:
    total, bound = sum(r.total for r in results), sum(r.bound for r in results)
    optimal = all(r.optimal for r in results)
    gap = 0.0 if optimal or total <= bound else total / bound - 1 if bound > 0 else None
    # six digits: what a certificate prints must not hang on the last bit of a sum
    rounded = {"total_distance": total, "lower_bound": bound, "gap": gap}
    return {k: v if v is None else float(f"{v:.6g}") for k, v in rounded.items()} | {"optimal": optimal}


def _gap_text(quality: Mapping[str, Any]) -> str:
    if quality["optimal"]:
        return "the least possible"
    if quality["gap"] is None:
        return "by a heuristic; the lower bound is zero"
    return f"by a heuristic, at most {100 * quality['gap']:.1f}% above the least possible"


def _name(distance: Distance) -> str:
    return distance if isinstance(distance, str) else getattr(distance, "__name__", "own")


def _orders(ratio: Sequence[int], size: int) -> dict[tuple[int, ...], float]:
    """Arms of the first `size` places of a tuple and their probability."""
    found: dict[tuple[int, ...], tuple[int, ...]] = {(): tuple(ratio)}
    for _ in range(size):
        found = {
            (*arms, a): (*left[:a], left[a] - 1, *left[a + 1 :])
            for arms, left in found.items()
            for a in range(len(ratio))
            if left[a]
        }
    every = compositions(ratio)
    return {arms: compositions(left) / every for arms, left in found.items()}
