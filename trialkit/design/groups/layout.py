"""How many groups, of which sizes, in which sessions, and how many people must wait.

Availability is checked by Hall's condition: people can be seated when, for every set T of sessions, those who can come to sessions
of T only are no more than the seats in T. With lower and upper bounds on the seats of every session the conditions are those of
Frank and Tardos for a base polyhedron within a box; with up to ten sessions all sets are looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from trialkit.errors import DesignError
from trialkit.inference.arrays import BoolArray, IntArray

MOST_SESSIONS = 10
MOST_SPLITS = 100_000
UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class Layout:
    """Groups to be filled.

    Attributes
    ----------
    sizes : (k,) people in each group, all within the range. sessions : (k,) session of each group, 0 without sessions.
    waiting : people for whom there is no place.
    """

    sizes: IntArray
    sessions: IntArray
    waiting: int = 0


@dataclass(slots=True)
class Room:
    """Seats and facilitators shared by several strata or arms; `take` books them.

    Attributes
    ----------
    sessions : (S,) people that fit in each session; one unlimited session when there are none.
    leads : groups that each facilitator can lead, empty when there are no facilitators.
    timed : whether sessions are times, in each of which a facilitator can lead one group.
    """

    sessions: IntArray
    leads: tuple[int, ...]
    timed: bool
    booked_people: IntArray = field(init=False)
    booked_groups: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.booked_people = np.zeros(len(self.sessions), dtype=np.int64)
        self.booked_groups = np.zeros(len(self.sessions), dtype=np.int64)

    @property
    def free(self) -> IntArray:
        """(S,) seats left."""
        return self.sessions - self.booked_people

    @property
    def groups_left(self) -> int:
        """Groups that the facilitators can still lead."""
        return sum(self.leads) - int(self.booked_groups.sum()) if self.leads else UNLIMITED

    def leadable(self, subsets: BoolArray) -> IntArray:
        """(2^S,) groups that can be led in each set of sessions."""
        if not self.leads:
            return np.full(len(subsets), UNLIMITED)
        each = np.array(self.leads)[:, None]
        return (np.minimum(each, subsets.sum(axis=1)) if self.timed else each * subsets.any(axis=1)).sum(axis=0)

    def take(self, layout: Layout) -> None:
        np.add.at(self.booked_people, layout.sessions, layout.sizes)
        np.add.at(self.booked_groups, layout.sessions, 1)


def plan_groups(
    people: int,
    size: tuple[int, int],
    room: Room,
    *,
    patterns: Mapping[int, int],
    waiting: bool,
    reserve: int = 0,
    fit: Callable[[Layout], Layout | None] = lambda layout: layout,
) -> Layout | None:
    """The layout that seats most people, in groups as equal in size as can be; None when there is none.

    The number of groups is the one with a mean size nearest to the middle of the range, of two such the one with all sizes the
    same, and then the smaller one.

    Parameters
    ----------
    patterns : number of people by availability: bit s is set when they can come to session s.
    waiting : whether people may be left over. reserve : groups to leave to others who share the facilitators.
    fit : the layout as it can be filled with the people who stay together, or None.
    """
    subsets = _subsets(len(room.sessions))
    bound = np.array([sum(c for p, c in patterns.items() if not p & ~_bits(t)) for t in subsets])
    for left in range(people - size[0] + 1 if waiting else 1):
        seated = people - left
        if bound[0] > left:
            continue
        most = min(room.groups_left - reserve, seated // size[0])
        for low, high, k in _choices(seated, size, range(-(-seated // size[1]), most + 1), len(room.sessions) > 1):
            seats = _seats(seated, left, k, (low, high), room, subsets, bound)
            fitted = fit(_layout(*seats, left)) if seats is not None else None
            if fitted is not None:
                return fitted
    return None


def _choices(seated: int, size: tuple[int, int], numbers: range, relax: bool) -> Iterator[tuple[int, int, int]]:
    """(smallest, largest, number) of groups in order of preference; with sessions also unequal groups, as a second choice."""
    middle = (size[0] + size[1]) / 2
    ranked = sorted(numbers, key=lambda k: (abs(seated / k - middle), seated % k > 0, k))
    for k in ranked:
        yield seated // k, -(-seated // k), k
    for k in ranked if relax else ():
        yield *size, k


def _seats(
    seated: int, left: int, k: int, size: tuple[int, int], room: Room, subsets: BoolArray, bound: IntArray
) -> tuple[IntArray, IntArray] | None:
    """(groups, people) in each session, as even over the sessions as can be, or None."""
    splits = _splits(k, np.minimum(room.free // size[0], k))
    if not len(splits):
        return None
    low, high = splits * size[0], np.minimum(splits * size[1], room.free)
    led = (splits + room.booked_groups) @ subsets.T <= room.leadable(subsets)
    upper = high @ subsets.T + left >= bound
    lower = low @ subsets.T <= seated + left - bound[::-1]
    possible = np.flatnonzero((led & upper & lower).all(axis=1) & (low.sum(axis=1) <= seated) & (high.sum(axis=1) >= seated))
    if not len(possible):
        return None
    share = k * room.free / room.free.sum()
    best = possible[((splits[possible] - share) ** 2).sum(axis=1).argmin()]
    return splits[best], _filled(low[best], high[best], splits[best], seated, left, subsets, bound)


def _splits(k: int, most: IntArray) -> IntArray:
    """All ways to hold k groups in sessions with at most so many each; near an even split when there are too many."""
    if len(most) == 1:
        return np.array([[k]]) if most[0] >= k else np.zeros((0, 1), dtype=np.int64)
    ranges = [range(int(m) + 1) for m in most]
    spread = k
    while np.prod([float(len(r)) for r in ranges[:-1]]) > MOST_SPLITS and spread > 1:
        spread -= 1
        even = k * most / max(int(most.sum()), 1)
        ranges = [range(max(0, int(e) - spread), min(int(m), int(e) + spread + 1) + 1) for e, m in zip(even, most)]
    head = np.array(list(itertools.product(*ranges[:-1])), dtype=np.int64)
    last = k - head.sum(axis=1)
    fits = (last >= 0) & (last <= most[-1])
    return np.column_stack([head[fits], last[fits]])


def _filled(
    low: IntArray, high: IntArray, groups: IntArray, seated: int, left: int, subsets: BoolArray, bound: IntArray
) -> IntArray:
    """People in each session: from the least upward, one at a time where groups are smallest, as long as everyone can be seated."""
    people = low.copy()
    while people.sum() < seated:
        for s in sorted(np.flatnonzero(people < high).tolist(), key=lambda s: (people[s] / groups[s], s)):
            people[s] += 1
            if (subsets @ people <= seated + left - bound[::-1]).all():
                break
            people[s] -= 1
    return people


def _layout(groups: IntArray, people: IntArray, waiting: int) -> Layout:
    sizes, sessions = [], []
    for s, (k, n) in enumerate(zip(groups.tolist(), people.tolist())):
        sizes += [n // k + (g < n % k) for g in range(k)]
        sessions += [s] * k
    return Layout(np.array(sizes, dtype=np.int64), np.array(sessions, dtype=np.int64), waiting)


def _subsets(sessions: int) -> BoolArray:
    """(2^S, S) all sets of sessions; the complement of row t is row -1 - t."""
    return (np.arange(2**sessions)[:, None] >> np.arange(sessions)) & 1 == 1


def _bits(subset: BoolArray) -> int:
    return int((1 << np.flatnonzero(subset)).sum())


def why_not(people: int, size: tuple[int, int]) -> str:
    """Why so many people cannot be divided, in numbers."""
    low, high = size
    if people < low:
        return f"{people} people are fewer than one group of {low}"
    k = people // low
    if k * high < people:
        more = f"{k + 1} groups of {low} need {(k + 1) * low - people} more"
        return f"{k} group{'s' if k > 1 else ''} of {high} leave{'' if k > 1 else 's'} {people - k * high} over, and {more}"
    return "the sessions or facilitators have too little room"


def facilitators_of(sessions: IntArray, leads: Mapping[str, int], order: IntArray, timed: bool) -> list[str]:
    """A facilitator for every group.

    Parameters
    ----------
    sessions : (k,) of the groups. leads : groups that each can lead. order : a random order of the places (each facilitator as
        often as they can lead), which decides. timed : nobody leads two groups in one session.

    Raises
    ------
    DesignError
        When the groups cannot all be led.
    """
    places = [name for name, most in leads.items() for _ in range(most)]
    shuffled = [places[i] for i in order.tolist()]
    if not timed:
        return shuffled[: len(sessions)]
    out = [""] * len(sessions)
    left = dict(leads)
    first = {name: shuffled.index(name) for name in leads if left[name]}
    counts = np.bincount(sessions)
    for s in np.argsort(-counts, kind="stable").tolist():
        # those with most groups left first: then what remains can be led whenever anything can (Gale and Ryser)
        ready = sorted((n for n in left if left[n]), key=lambda n: (-left[n], first[n]))
        groups = np.flatnonzero(sessions == s).tolist()
        if len(groups) > len(ready):
            raise DesignError(
                f"{len(groups)} groups meet in one session and {len(ready)} facilitators are left to lead them: name more facilitators."
            )
        for g, name in zip(groups, ready):
            out[g] = name
            left[name] -= 1
    return out
