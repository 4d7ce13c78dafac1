"""People who must share a group, and people who must not."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.design.people import People
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Links:
    """Links between people, by their place in canonical order.

    Attributes
    ----------
    together : (people,) the first person of everyone's block; a person without links is a block of one.
    apart : (pairs, 2) people who may not share a group. apart_sets : the same as they were said, each set all mutually apart.
    """

    together: IntArray
    apart: IntArray
    apart_sets: tuple[IntArray, ...]

    def largest_apart(self, members: IntArray) -> IntArray:
        """The most of these people who must all be in different groups."""
        inside = np.zeros(len(self.together), dtype=bool)
        inside[members] = True
        return max((s[inside[s]] for s in self.apart_sets), key=len, default=members[:0])

    @property
    def any_together(self) -> bool:
        return bool((self.together != np.arange(len(self.together))).any())


def links(people: People, together: Any, apart: Any, *, largest: int, strata: IntArray, within: Sequence[str]) -> Links:
    """Links from pairs of identifiers, or from a column whose equal values are linked.

    Raises
    ------
    DesignError
        Unknown identifiers, a block larger than a group, a block across strata, people who must be both together and apart.
    """
    blocks = _blocks(people.n, _sets(people, together, "keep_together"))
    _check_blocks(people, blocks, largest, strata, within)
    sets = _sets(people, apart, "keep_apart")
    pairs = sorted({(i, j) for s in sets for k, i in enumerate(s) for j in s[k + 1 :] if i != j})
    contradictory = [(i, j) for i, j in pairs if blocks[i] == blocks[j]]
    if contradictory:
        i, j = contradictory[0]
        raise DesignError(
            f"{people.named(np.array([i, j]))} must be both kept together and kept apart (keep_together links may be indirect): "
            "remove one of the two."
        )
    arrays = tuple(np.array(s, dtype=np.int64) for s in sets)
    return Links(blocks, np.array(pairs, dtype=np.int64).reshape(-1, 2), arrays)


def _sets(people: People, given: Any, what: str) -> list[list[int]]:
    """Sets of places in canonical order, each sorted."""
    if given is None:
        return []
    if isinstance(given, str):
        return _sets_of_column(people, given)
    place = {_plain(v): i for i, v in enumerate(people.ids.tolist())}
    out = []
    for members in given:
        if isinstance(members, str) or not hasattr(members, "__iter__"):
            raise UsageError(f"{what} takes a column, or a list of pairs of identifiers as in {what}=[('p1', 'p2')].")
        named = [_plain(m) for m in members]
        unknown = [m for m in named if m not in place]
        if unknown:
            raise DesignError(f"{what} names {shown(unknown)}, who is not among the people: correct the identifier.")
        if len(set(named)) < 2:
            raise DesignError(f"{what} holds {shown(named)}, which is no pair of two people.")
        out.append(sorted({place[m] for m in named}))
    return out


def _sets_of_column(people: People, name: str) -> list[list[int]]:
    values = people.column(name)
    found: dict[Hashable, list[int]] = {}
    for i, (value, gone) in enumerate(zip(values.tolist(), values.isna().tolist())):
        if not gone:
            found.setdefault(value, []).append(i)
    return [members for members in found.values() if len(members) > 1]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _blocks(n: int, sets: list[list[int]]) -> IntArray:
    """The first member of everyone's connected set."""
    first = np.arange(n)
    for members in sets:
        roots = {int(first[m]) for m in members}
        if len(roots) > 1:
            first[np.isin(first, list(roots))] = min(roots)
    return first


def _check_blocks(people: People, blocks: IntArray, largest: int, strata: IntArray, within: Sequence[str]) -> None:
    roots, counts = np.unique(blocks, return_counts=True)
    for root in roots[counts > 1]:
        inside: BoolArray = blocks == root
        who, count = people.named(inside, 20), int(inside.sum())
        if count > largest:
            raise DesignError(
                f"{who} must stay together, but that is {count} people and a group has at most {largest}: "
                "drop a link of keep_together, or make groups larger."
            )
        if len(np.unique(strata[inside])) > 1:
            raise DesignError(
                f"{who} must stay together, but are in different strata of {shown(within)}, within which groups are formed: "
                "drop the link, or leave the column out of within=."
            )
