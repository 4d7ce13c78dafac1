"""The test of random assignment to peer groups within pools, and the peer slope without exclusion bias."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError, GroupError, UsageError
from trialkit.inference.arrays import BoolArray, IntArray
from trialkit.inference.draws.peers import peer_test, shuffled_statistics
from trialkit.inference.draws.randomization import as_extreme
from trialkit.io.frames import numeric
from trialkit.misuse import explained
from trialkit.printed import counted_people, number, p_text
from trialkit.results import Note, TableResult
from trialkit.selection.comparison.observed import column, frame_of

FEW_POOLS = 30


@dataclass(frozen=True)
class PeerAssignmentResult(TableResult):
    """`.statistic` (standard normal under random assignment), `.p_value`, `.p_permutation`, and the slopes."""

    kind = "peer_assignment"

    @property
    def statistic(self) -> float:
        return self._value("statistic")

    @property
    def p_value(self) -> float:
        """Two-sided, by the normal distribution."""
        return self._value("p_value")

    @property
    def p_permutation(self) -> float:
        """Two-sided, by draws that shuffle people within pools; NaN without draws."""
        return self._value("p_permutation")

    @property
    def slope(self) -> float:
        """Least-squares slope of own x on the mean of the others, pool effects taken out."""
        return self._value("slope")

    @property
    def slope_expected(self) -> float:
        """What that slope is expected to be when peers are assigned at random: below zero, by exclusion bias alone."""
        return self._value("slope_expected")

    @property
    def slope_corrected(self) -> float:
        """The slope with the exclusion bias taken out; expected at zero under random assignment."""
        return self._value("slope_corrected")

    def _value(self, name: str) -> float:
        found = self.table[0].get(name)
        return math.nan if found is None else float(found)

    def _title(self) -> str:
        drawn = f", p {p_text(self.p_permutation)} by shuffling" if math.isfinite(self.p_permutation) else ""
        return (
            f"Random assignment to '{self.details['group']}' by '{self.details['x']}': z = {self.statistic:.2f}, p {p_text(self.p_value)}{drawn}; "
            f"slope {number(self.slope)}, expected {number(self.slope_expected)}"
        )


@explained
def peer_assignment_test(
    data: Any,
    *,
    x: str,
    group: str,
    pool: str | None = None,
    n_draws: int | None = None,
    seed: int | np.random.Generator | None = None,
) -> PeerAssignmentResult:
    """Test whether people were put in their groups at random, given the pool each group was filled from.

    Parameters
    ----------
    data : data frame (or Trial), one row a person. x : a trait known before groups were formed.
    group : label of the group; people without one (controls) are left out. pool : column of the site, start date or stratum within which
        people could have been put in any group; None is one pool.
    n_draws : shuffle people within pools this many times for a p-value that is exact with any number of pools. seed : needed for it.

    Returns
    -------
    PeerAssignmentResult
        `.statistic`, `.p_value`, `.p_permutation`, `.slope`, `.slope_expected`, `.slope_corrected` with its standard error in `.tidy()`.

    Raises
    ------
    GroupError
        A group that lies in two pools. EstimationError : no pool with two groups.

    Notes
    -----
    A plain regression of x on the mean of the peers has a negative slope without any sorting, because nobody is their own peer; the slope
    expected under random assignment is printed beside it. Groups of one and pools of one group say nothing and are left out with a note.
    The normal p-value rests on the number of pools: with few, use draws.

    References
    ----------
    Jochmans (2023), JBES 41(4); Caeyers & Fafchamps (2020), NBER Working Paper 22565.

    Examples
    --------
    >>> data = {"x": [1, 2, 3, 4, 5, 6, 2, 2, 5, 1, 7, 4, 3, 9, 1, 4, 4, 8],
    ...         "group": [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 2, 3, 4, 4, 5, 5, 4, 5], "pool": [0] * 6 + [1] * 6 + [2] * 6}
    >>> round(peer_assignment_test(data, x="x", group="group", pool="pool").statistic, 7)
    -0.2051834
    """
    if n_draws is not None and (isinstance(n_draws, bool) or int(n_draws) != n_draws or n_draws < 1):
        raise UsageError(f"n_draws={n_draws!r} must be a number of draws, for instance 5000.")
    if n_draws is not None and seed is None:
        raise UsageError("shuffling needs a seed: say seed=4711 (any number you choose).")
    frame = frame_of(data)
    values, labels = numeric(column(frame, x), x), column(frame, group)
    pools = column(frame, pool) if pool is not None else pd.Series(0, index=frame.index)
    keep, notes = _kept(labels, pools, np.isfinite(values), x, group, pool)
    group_code = _codes(labels[keep])
    pool_code = _codes(pools[keep])
    mine = values[keep]
    within = mine - (np.bincount(pool_code, weights=mine) / np.bincount(pool_code))[pool_code]
    if float(np.abs(within).max()) <= 1e-12 * max(1.0, float(np.abs(mine).max())):
        raise EstimationError(f"'{x}' is the same for everyone within each pool: it cannot tell how groups were made.")
    mine = mine - mine.mean()
    found = peer_test(x=mine, group=group_code, pool=pool_code)
    count = len(np.bincount(pool_code))
    if count < FEW_POOLS and n_draws is None:
        notes.append(
            Note("few_pools", f"{count} pools: the normal p-value rests on their number. n_draws= and seed= give an exact one.")
        )
    p = math.nan
    if n_draws is not None:
        rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
        drawn = np.concatenate(
            list(shuffled_statistics(x=mine, group=group_code, pool=pool_code, n_draws=int(n_draws), seed=rng))
        )
        centred = drawn + float(within @ (within / (np.bincount(pool_code)[pool_code] - 1.0)))
        p = float(as_extreme(centred, float(centred[0]), "two-sided").mean())
    row: dict[str, Any] = {
        "x": x, "statistic": found.statistic, "p_value": found.p_value, "slope": found.slope,
        "slope_expected": found.slope_expected, "slope_corrected": found.slope_corrected, "std_error": found.std_error,
        "n": len(mine), "n_groups": len(np.bincount(group_code)), "n_pools": count,
    }  # fmt: skip
    if n_draws is not None:
        row["p_permutation"] = p
    error = math.sqrt(p * (1 - p) / n_draws) if n_draws else math.nan
    details = {"x": x, "group": group, "pool": pool, "n_draws": n_draws, "mc_error": error}
    return PeerAssignmentResult((), tuple(notes), details, (row,))


def _kept(
    labels: pd.Series, pools: pd.Series, known: BoolArray, x: str, group: str, pool: str | None
) -> tuple[BoolArray, list[Note]]:
    """People with a group and a trait, in groups of two and more, in pools of two groups and more."""
    member = labels.notna().to_numpy()
    if not member.any():
        raise GroupError(f"nobody has a group in '{group}'.")
    if pools[member].isna().any():
        raise GroupError(f"'{pool}' is missing for people with a group: say from which pool each group was filled.")
    crossing = pools[member].groupby(labels[member].to_numpy()).nunique()
    if (crossing > 1).any():
        raise GroupError(
            f"group {crossing.index[crossing > 1][0]!r} of '{group}' lies in more than one pool of '{pool}': a pool holds whole groups."
        )
    keep, notes = member & known, []
    if (member & ~known).any():
        notes.append(Note("trait_missing", counted_people(int((member & ~known).sum()), f"have no '{x}' and are left out.")))
    sizes = labels[keep].map(labels[keep].value_counts()).to_numpy(dtype=float)
    alone = np.zeros(len(keep), dtype=bool)
    alone[np.flatnonzero(keep)[sizes < 2]] = True
    if alone.any():
        notes.append(Note("alone", counted_people(int(alone.sum()), "are alone in their group and are left out.")))
        keep &= ~alone
    per_pool = labels[keep].groupby(pools[keep].to_numpy()).nunique()
    single = per_pool.index[per_pool < 2]
    if len(single):
        notes.append(Note("single_group_pools", f"{len(single)} pools hold one group only and say nothing: they are left out."))
        keep &= ~pools.isin(single).to_numpy()
    if not keep.any():
        raise EstimationError(
            f"no pool holds two groups of '{group}' with two people each: within a pool of one group nothing was drawn. Name a wider pool."
        )
    return keep, notes


def _codes(values: pd.Series) -> IntArray:
    return np.asarray(pd.factorize(values, sort=True)[0], dtype=np.int64)
