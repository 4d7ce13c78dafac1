"""What group formation reached: traits within groups against random groups of the same sizes, and who meets whom how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.design.groups.seating import Formation
from trialkit.design.groups.starts import ranks
from trialkit.design.groups.traits import trait
from trialkit.design.mechanism import Mechanism
from trialkit.design.stream import Seed, Stream, checked_seed
from trialkit.errors import ColumnNotFoundError, DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import to_pandas
from trialkit.results import Note, TableResult

LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True)
class GroupQuality(TableResult):
    """One row an arm, trait and measure.

    Columns: arm, trait, measure ('level', or 'spread' for the squared deviations), aim ('alike', 'mixed' or ''), within_share (of
    the variance, inside the stratum), random_mean, random_low, random_high (middle 95 percent of random groups), random_as_good
    (share of random groups that reach as much of the aim), groups, people.
    """

    kind = "group_quality"

    def _title(self) -> str:
        return "Share of each trait's variance that lies within groups, reached and in random groups of the same sizes"


def quality(
    design: Mechanism, formation: Formation, allocation: Any, *, n_random: int = 200, seed: Seed, traits: Sequence[str] = ()
) -> GroupQuality:
    """How alike or mixed the groups of an allocation are.

    The share of a trait's variance (within arm and stratum) that lies within groups: near 0 when members are alike, near 1 when
    all groups have the same mean. For numbers also the share of the squared deviations, which is near 1 when all groups have the same
    variance. Random groups have the same sizes, in the same strata.

    Parameters
    ----------
    design, formation : what draws arms, and the rules by which their groups were formed. allocation : what `assign` returned.
    n_random : divisions at random to compare with. traits : further columns to look at.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(48), "age": [18 + i % 23 for i in range(48)]}
    >>> design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=(6, 8), alike=["age"])
    >>> row = design.quality(design.assign(seed=1), seed=2).tidy().iloc[0]
    >>> bool(row["within_share"] < row["random_low"])
    True
    """
    if isinstance(traits, str):
        raise UsageError(f"traits takes a list of columns: write traits=['{traits}'].")
    if n_random < 1:
        raise UsageError(f"n_random={n_random}: at least one random division is needed.")
    groups = groups_of(design, formation, allocation)
    number, rows = checked_seed(seed), []
    for arm, aim in formation.aims.items():
        inside = _in_arm(design, allocation, arm) & (groups >= 0)
        random = _random_groups(groups, inside, formation.strata, n_random, Stream(number, arm))
        for name in dict.fromkeys((*_all_traits(formation), *traits)):
            way = "alike" if name in aim.alike else "mixed" if name in aim.mixed else ""
            made = trait(design.people, name, formation.strata, categorical=name in formation.categorical)
            for measure, features in (("level", made.level), ("spread", made.spread)):
                if features.shape[1]:
                    meant = way if measure == "level" or way == "mixed" else ""
                    rows.append(
                        _row(
                            design, arm, name, measure, meant, features[inside], groups[inside], random, formation.strata[inside]
                        )
                    )
    notes = (Note("random_groups", f"random groups: {n_random} divisions into the same sizes, within arm and stratum."),)
    return GroupQuality((), notes, {"n_random": n_random}, tuple(rows))


def groups_of(design: Mechanism, formation: Formation, allocation: Any) -> IntArray:
    """(people,) codes of the allocation's groups in the design's order, -1 without one.

    Raises
    ------
    ColumnNotFoundError, IdentifierError, DesignError
        For an allocation that is not one of this design.
    """
    frame = to_pandas(allocation)
    place = design.positions(frame[design.people.unit] if design.people.unit else frame.index)
    for name in ("arm", "group"):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the allocation")
    codes, labels = pd.factorize(frame["group"], sort=True)
    out = np.empty(design.n, dtype=np.int64)
    out[place] = codes
    arms = np.empty(design.n, dtype=np.int64)
    arms[place] = design.codes(frame["arm"])
    cells = arms * len(formation.stratum_names) + formation.strata
    mixed = [labels[g] for g in range(len(labels)) if len(np.unique(cells[out == g])) > 1]
    if mixed:
        raise DesignError(
            f"group {shown(mixed)} has members of more than one arm or stratum: this is not an allocation of this design."
        )
    return out


def _in_arm(design: Mechanism, allocation: Any, arm: int) -> NDArray[np.bool_]:
    frame = to_pandas(allocation)
    place = design.positions(frame[design.people.unit] if design.people.unit else frame.index)
    out = np.empty(design.n, dtype=bool)
    out[place] = design.codes(frame["arm"]) == arm
    return out


def _all_traits(formation: Formation) -> list[str]:
    return [name for aim in formation.aims.values() for name in (*aim.alike, *aim.mixed)]


def _random_groups(groups: IntArray, inside: NDArray[np.bool_], strata: IntArray, count: int, stream: Stream) -> IntArray:
    """(count, members) the groups of the members in random order within strata."""
    members, within = groups[inside], strata[inside]
    out = np.empty((count, len(members)), dtype=np.int64)
    for s in np.unique(within):
        here = np.flatnonzero(within == s)
        out[:, here] = members[here][ranks(stream.keys(count, len(here)))]
    return out


def _row(
    design: Mechanism,
    arm: int,
    name: str,
    measure: str,
    way: str,
    features: FloatArray,
    groups: IntArray,
    random: IntArray,
    strata: IntArray,
) -> Mapping[str, Any]:
    reached = float(within_share(features, groups[None, :], strata)[0])
    by_chance = within_share(features, random, strata)
    low, high = np.quantile(by_chance, [LOW, HIGH])
    as_good = {"alike": by_chance <= reached, "mixed": by_chance >= reached}.get(way)
    return {
        "arm": design.arms[arm], "trait": name, "measure": measure, "aim": way, "within_share": reached,
        "random_mean": float(by_chance.mean()), "random_low": float(low), "random_high": float(high),
        "random_as_good": None if as_good is None else float((as_good.sum() + 1) / (len(as_good) + 1)),
        "groups": len(np.unique(groups)), "people": len(groups),
    }  # fmt: skip


def within_share(features: FloatArray, groups: IntArray, strata: IntArray) -> FloatArray:
    """(draws,) share of the sum of squares of (n, F) features, within strata, that lies within (draws, n) groups.

    Groups are nested in strata. NaN when a feature does not vary inside strata.
    """
    centred = features.copy()
    for s in np.unique(strata):
        centred[strata == s] -= features[strata == s].mean(axis=0)
    total = float((centred**2).sum())
    between = np.zeros(len(groups))
    for g in np.unique(groups):
        here = (groups == g).astype(np.float64)
        between += ((here @ centred) ** 2).sum(axis=1) / here.sum(axis=1)
    return np.asarray(1 - between / total) if total > 0 else np.full(len(groups), np.nan)


@dataclass(frozen=True, slots=True)
class CoMembership:
    """How often each two people share a group, over draws of arms and groups.

    Attributes
    ----------
    probability, std_error : (n, n) in the order of `units`, std_error the Monte Carlo error; the diagonal is the probability to be
        in a group at all. A probability of 0 says that the pair never met in `n_draws` draws: below 3/n_draws with 95% confidence.
    """

    units: NDArray[Any]
    probability: FloatArray
    std_error: FloatArray
    n_draws: int

    def frame(self) -> pd.DataFrame:
        """Probabilities with identifiers on both sides."""
        return pd.DataFrame(self.probability, index=list(self.units), columns=list(self.units))

    def __str__(self) -> str:
        pairs = self.probability[np.triu_indices(len(self.units), 1)]
        return (
            f"probability to share a group, {len(pairs)} pairs, {self.n_draws} draws: smallest {pairs.min():.3f}, middle "
            f"{np.median(pairs):.3f}, largest {pairs.max():.3f}; {int((pairs == 0).sum())} pairs never met (below {3 / self.n_draws:.2g})"
        )


def co_membership(design: Mechanism, n_draws: int, *, seed: Seed) -> CoMembership:
    """Probabilities that two people share a group, estimated from further draws of the same law.

    Examples
    --------
    >>> import trialkit as tk
    >>> design = tk.design.complete({"id": range(8)}, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=2)
    >>> design.co_membership(100, seed=1).probability.shape
    (8, 8)
    """
    counts = np.zeros((design.n, design.n))
    groups = design.draw_many(n_draws, seed=seed).groups
    for row in groups if groups is not None else ():
        order = np.argsort(row, kind="stable")[int((row < 0).sum()) :]
        for members in np.split(order, np.flatnonzero(np.diff(row[order])) + 1):
            counts[np.ix_(members, members)] += 1
    p = counts / n_draws
    return CoMembership(design.people.ids, p, np.sqrt(p * (1 - p) / n_draws), n_draws)
