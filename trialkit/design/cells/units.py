"""What is randomized: people or whole clusters of them, in strata."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trialkit.design.cells.counts import label_text
from trialkit.design.people import People, sort_key
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import IntArray


@dataclass(frozen=True, eq=False)
class Units:
    """Randomized units and their cells.

    Attributes
    ----------
    people : everyone, in canonical order. member : (people,) the unit of each: the person, or the cluster.
    cell_of : (units,) the stratum of each unit. cells : labels of the strata; one empty label without strata.
    cluster : column of the clusters, or None. strata : columns of the strata.
    """

    people: People
    member: IntArray
    cell_of: IntArray
    cells: tuple[Hashable, ...]
    cluster: str | None
    strata: tuple[str, ...]

    @classmethod
    def of(cls, people: People, strata: Sequence[str] = (), cluster: str | None = None) -> Units:
        """Units from columns of the people.

        Raises
        ------
        DesignError
            For a missing stratum or cluster, and for a cluster in two strata.
        """
        strata = names_of(strata, "strata")
        member = np.arange(people.n)
        if cluster is not None:
            _, member = _coded([(value,) for value in people.complete(cluster, "cluster").tolist()])
        cells, cell_of = _cells(people, strata, member, cluster)
        return cls(people, member, cell_of, cells, cluster, strata)

    @property
    def count(self) -> int:
        return len(self.cell_of)

    @property
    def nouns(self) -> str:
        return "people" if self.cluster is None else "clusters"

    @cached_property
    def sizes(self) -> IntArray:
        """(cells,) units in each."""
        return np.bincount(self.cell_of, minlength=len(self.cells)).astype(np.int64)

    @cached_property
    def alone(self) -> bool:
        """Whether every person is a unit, in the order of the people."""
        return bool(np.array_equal(self.member, np.arange(self.count)))

    def check_room(self, arms: Sequence[Hashable], *, pooled: bool) -> None:
        """Every stratum has a unit for each arm at least; with a pool only the whole trial needs them.

        Raises
        ------
        DesignError
            Naming the strata that are too small and the people in them.
        """
        if self.count < len(arms):
            raise DesignError(
                f"{self._amount(self.count)} cannot fill {len(arms)} arms ({shown(arms)}): each arm needs one at least."
            )
        small = np.flatnonzero(self.sizes < len(arms))
        if pooled or not len(small):
            return
        where = [f"'{label_text(self.cells[s])}' ({self._amount(self.sizes[s])})" for s in small[:5]]
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        stratum, has = ("stratum", "has") if len(small) == 1 else ("strata", "have")
        who = self.people.named(np.isin(self.cell_of[self.member], small))
        raise DesignError(
            f"{stratum} {', '.join(where)}{more} {has} fewer {self.nouns} than the {len(arms)} arms: {who}. Merge with a stratum like "
            "it, leave out a column of strata, or say misfits='pool', which draws such people together."
        )

    def _amount(self, count: int) -> str:
        singular = "person" if self.cluster is None else "cluster"
        return f"{count} {singular if count == 1 else self.nouns}"


def names_of(value: Sequence[str], what: str) -> tuple[str, ...]:
    """Column names from a list of them."""
    if isinstance(value, str):
        raise UsageError(f"{what} takes a list of columns: write {what}=['{value}'].")
    return tuple(value)


def some_names(value: Sequence[str], what: str) -> tuple[str, ...]:
    """Column names from a list that is not empty."""
    names = names_of(value, what)
    if not names:
        raise UsageError(f"{what} is empty: name a column at least, or use the design without {what}.")
    return names


def _coded(rows: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], IntArray]:
    """Distinct rows in their sorted order, and the code of each row."""
    distinct = sorted(dict.fromkeys(rows), key=sort_key)
    code = {row: i for i, row in enumerate(distinct)}
    return distinct, np.array([code[row] for row in rows], dtype=np.int64)


def _cells(
    people: People, strata: tuple[str, ...], member: IntArray, cluster: str | None
) -> tuple[tuple[Hashable, ...], IntArray]:
    cell_of = np.zeros(int(member.max()) + 1, dtype=np.int64)
    if not strata:
        return ((),), cell_of
    columns = [people.complete(name, "stratum").tolist() for name in strata]
    distinct, of_person = _coded(list(zip(*columns)))
    cell_of[member] = of_person
    astray = cell_of[member] != of_person
    if astray.any():
        split = np.isin(member, member[astray])
        names = people.frame.loc[astray, str(cluster)].drop_duplicates().tolist()
        raise DesignError(
            f"cluster {shown(names)} of '{cluster}' lies in more than one stratum of {shown(strata)}: {people.named(split)}. "
            "A cluster is randomized whole, so give all its people one stratum."
        )
    return tuple(row[0] if len(strata) == 1 else row for row in distinct), cell_of
