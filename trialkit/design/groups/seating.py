"""Who is to be seated where: the rules of a formation, and for one draw the people of each arm and stratum with their layout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from trialkit.design.groups.layout import Layout, Room, plan_groups, why_not
from trialkit.design.groups.links import Links
from trialkit.design.groups.starts import packed_sizes, random_starts, ranks
from trialkit.design.people import People
from trialkit.design.stream import Stream
from trialkit.errors import DesignError
from trialkit.inference.arrays import FloatArray, IntArray

Layouts: TypeAlias = dict[tuple[int | bytes, ...], Layout]


@dataclass(frozen=True, slots=True)
class Aim:
    """What the groups of an arm are after: names of traits, features (people, F) and their signs (F,); none for groups at random."""

    alike: tuple[str, ...]
    mixed: tuple[str, ...]
    features: FloatArray
    signs: FloatArray


@dataclass(frozen=True, slots=True)
class Formation:
    """How groups are formed, worked out for everyone; places are those of the canonical order.

    Attributes
    ----------
    aims : by arm code, for the arms in which groups are formed. arm_names : labels of all arms.
    strata : (people,) codes; stratum_names : in words, '' without strata.
    categorical : columns of numbers that are categories.
    availability : (people,) bit s is set when the person can come to session s; None when everyone can come always.
    sessions, leads : capacity by session and by facilitator, for each stratum (the same mapping when shared).
    """

    people: People
    aims: Mapping[int, Aim]
    arm_names: tuple[str, ...]
    size: tuple[int, int]
    strata: IntArray
    stratum_names: tuple[str, ...]
    categorical: tuple[str, ...]
    links: Links
    availability: IntArray | None
    sessions: tuple[Mapping[str, int], ...]
    leads: tuple[Mapping[str, int], ...]
    waiting: bool
    tolerance: float
    restarts: int
    partners: float

    @property
    def cells(self) -> list[tuple[int, int]]:
        """(arm, stratum) of every cell in which groups may be formed."""
        return [(a, s) for a in self.aims for s in range(len(self.stratum_names))]

    def rooms(self) -> dict[int, Room]:
        """The room of each stratum; strata that share sessions and facilitators share one."""
        made: dict[tuple[int, int], Room] = {}
        out = {}
        for s in range(len(self.stratum_names)):
            key = (id(self.sessions[s]), id(self.leads[s]))
            if key not in made:
                seats = np.array(list(self.sessions[s].values()) or [2**40], dtype=np.int64)
                made[key] = Room(seats, tuple(self.leads[s].values()), bool(self.sessions[s]))
            out[s] = made[key]
        return out

    @property
    def size_text(self) -> str:
        """'10 to 15', or '4'."""
        low, high = self.size
        return f"{low} to {high}" if low < high else str(low)

    def named(self, arm: int, stratum: int) -> str:
        """'arm 'peer' of stratum 'north''."""
        of = f" of '{self.stratum_names[stratum]}'" if self.stratum_names[stratum] else ""
        return f"arm '{self.arm_names[arm]}'{of}"


@dataclass(slots=True)
class Cell:
    """The people of one arm and stratum in one draw, on their way into groups.

    Attributes
    ----------
    rows : blocks of people, each an array of places. numbers : after the search, the group (0, 1, ...) of each row.
    label_order : group in the search -> number within the cell.
    """

    draw: int
    arm: int
    stratum: int
    layout: Layout
    rows: list[IntArray]
    stream: Stream
    numbers: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    label_order: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def sessions(self) -> IntArray:
        """(k,) session of each group in the order of their numbers."""
        return self.layout.sessions[np.argsort(self.label_order)]


def check_layout(formation: Formation, arms: IntArray) -> None:
    """Raise when the people of some arm cannot be divided into groups."""
    cells_of(formation, arms, 0, (0,), 0)


def cells_of(
    formation: Formation, arms: IntArray, seed: int, path: tuple[int, ...], draw: int, known: Layouts | None = None
) -> list[Cell]:
    """The cells of one draw with their layouts; those who wait are drawn and left out.

    `known` keeps layouts from draw to draw where they depend on counts alone.
    """
    links = formation.links
    if formation.availability is not None or links.any_together or len(links.apart_sets):
        known = None
    index = formation.cells
    members = {c: np.flatnonzero((arms == a) & (formation.strata == s)) for c, (a, s) in enumerate(index)}
    rooms = formation.rooms()
    layouts: dict[int, Layout] = {}
    for c in sorted((c for c in members if len(members[c])), key=lambda c: (-len(members[c]), c)):
        a, s = index[c]
        others = [len(members[o]) for o in members if o not in layouts and o != c and rooms[index[o][1]] is rooms[s]]
        room = rooms[s]
        booked = (room.booked_people.tobytes(), room.booked_groups.tobytes())
        key: tuple[int | bytes, ...] = (a, s, len(members[c]), *others, *booked)
        if known is None or key not in known:
            layouts[c] = _layout(formation, members[c], a, s, room, others)
        else:
            layouts[c] = known[key]
        if known is not None:
            known[key] = layouts[c]
        room.take(layouts[c])
    _check_some_groups(formation, index, members, layouts)
    out = []
    for c in sorted(layouts):
        a, s = index[c]
        stream = Stream(seed, *path, c)
        rows = _rows(formation.links, members[c])
        placed = _without_waiting(formation, rows, layouts[c], stream)
        out.append(Cell(draw, a, s, layouts[c], placed, stream))
    return out


def _layout(formation: Formation, members: IntArray, arm: int, stratum: int, room: Room, others: list[int]) -> Layout:
    low, high = formation.size
    rows = _rows(formation.links, members)
    patterns = _patterns(formation, members, rows, arm, stratum)
    blocks = np.array([len(r) for r in rows if len(r) > 1], dtype=np.int64)
    singles, apart = len(members) - int(blocks.sum()), formation.links.largest_apart(members)

    def fit(layout: Layout) -> Layout | None:
        if singles < layout.waiting or len(layout.sizes) < len(apart):
            return None
        # a session's seats are counted, so its groups keep their sizes
        limit = high if not formation.sessions[stratum] else 0
        sizes = packed_sizes(layout.sizes, blocks, singles - layout.waiting, low, limit)
        return None if sizes is None else Layout(sizes, layout.sessions, layout.waiting)

    least = sum(-(-n // high) for n in others)
    left, fair = room.groups_left, len(members) / (len(members) + sum(others))
    reserve = least if least < left else left - max(1, math.floor(left * fair))
    found = plan_groups(
        len(members), formation.size, room, patterns=patterns, waiting=formation.waiting, reserve=reserve, fit=fit
    )
    if found is not None:
        return found
    if formation.waiting and (len(members) < low or not (len(blocks) or len(apart) > 1)):
        return Layout(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), len(members))
    raise DesignError(_no_layout(formation, members, arm, stratum, [r for r in rows if len(r) > 1], apart))


def _no_layout(formation: Formation, members: IntArray, arm: int, stratum: int, blocks: list[IntArray], apart: IntArray) -> str:
    low, high = formation.size
    head = f"the {len(members)} people of {formation.named(arm, stratum)} cannot be divided into groups of {formation.size_text}"
    wait = "" if formation.waiting else ", or say waiting_list=True to let those left over wait"
    if len(members) < low and len(formation.stratum_names) == 1:
        return f"{head}: {why_not(len(members), formation.size)}. Make size= smaller, or recruit more people before the draw."
    if not formation.waiting and (len(members) < low or len(members) // low * high < len(members)):
        return f"{head}: {why_not(len(members), formation.size)}. Widen size={wait}."
    seats, leads, people = formation.sessions[stratum], formation.leads[stratum], formation.people
    limits = [
        f"sessions seat {sum(seats.values())}" if seats else "",
        "people are not available in every session" if formation.availability is not None else "",
        f"facilitators lead {sum(leads.values())} groups{', each at most one in a session' if seats else ''}" if leads else "",
        f"{people.named(max(blocks, key=len))} must stay together" if blocks else "",
        f"{len(blocks) - 1} more such sets of people" if len(blocks) > 1 else "",
        f"{people.named(apart)} must all be in different groups" if len(apart) > 1 else "",
    ]
    told = "; ".join(t for t in limits if t)
    return f"{head} with what else is asked ({told}). Make room there, widen size={wait}."


def _check_some_groups(
    formation: Formation, index: list[tuple[int, int]], members: Mapping[int, IntArray], layouts: Mapping[int, Layout]
) -> None:
    for arm in formation.aims:
        inside = [c for c, (a, _) in enumerate(index) if a == arm]
        people = sum(len(members[c]) for c in inside)
        if not any(len(layouts[c].sizes) for c in inside if c in layouts):
            raise DesignError(
                f"arm '{formation.arm_names[arm]}' has {people} people and no group of {formation.size_text} can be formed of them: all would wait. "
                "Make size= smaller, or recruit more people before the draw."
            )


def _patterns(formation: Formation, members: IntArray, rows: list[IntArray], arm: int, stratum: int) -> dict[int, int]:
    """People by the sessions that they, and all who stay with them, can come to."""
    if formation.availability is None:
        return {(1 << max(len(formation.sessions[stratum]), 1)) - 1: len(members)}
    can = _shared_availability(formation.availability, rows)
    for row in (r for r, c in zip(rows, can.tolist()) if c == 0):
        who = f"{formation.people.named(row)} of {formation.named(arm, stratum)}"
        if len(row) > 1:
            raise DesignError(
                f"{who} must stay together, and share no session that all can come to: drop the link, or ask them again."
            )
        if not formation.waiting:
            raise DesignError(f"{who} can come to no session: ask again, or say waiting_list=True.")
    out: dict[int, int] = {}
    for row, pattern in zip(rows, can.tolist()):
        out[pattern] = out.get(pattern, 0) + len(row)
    return out


def _shared_availability(availability: IntArray, rows: list[IntArray]) -> IntArray:
    """(rows,) the sessions that all members of each row can come to, as bits."""
    return np.array([np.bitwise_and.reduce(availability[row]) for row in rows], dtype=np.int64)


def _rows(links: Links, members: IntArray) -> list[IntArray]:
    """Blocks of people who stay together, in the order of their first."""
    if not links.any_together:
        return list(members[:, None])
    roots, inverse = np.unique(links.together[members], return_inverse=True)
    return [members[inverse == r] for r in range(len(roots))]


def _without_waiting(formation: Formation, rows: list[IntArray], layout: Layout, stream: Stream) -> list[IntArray]:
    """The rows that get a group. Who waits is drawn among single people before any group is formed, whatever their traits."""
    if not layout.waiting:
        return rows
    single = np.array([r for r, row in enumerate(rows) if len(row) == 1], dtype=np.int64)
    if not len(layout.sizes):
        return []
    keys = stream.keys(1, len(single))
    if formation.availability is None:
        out = single[ranks(keys)[0][: layout.waiting]]
    else:
        seats, places = np.append(layout.sizes, layout.waiting), np.arange(len(layout.sizes) + 1)
        seats = _seats_of_singles(seats, rows)
        barred = barred_groups(formation, [rows[r] for r in single], np.append(layout.sessions, -1))
        chosen = random_starts(keys, seats, np.ones(len(single), dtype=np.int64), barred)[0]
        out = single[chosen == places[-1]]
    gone = set(out.tolist())
    return [row for r, row in enumerate(rows) if r not in gone]


def _seats_of_singles(seats: IntArray, rows: list[IntArray]) -> IntArray:
    """Seats left when blocks are placed largest first where most room is; the waiting list, last, takes no blocks."""
    left = seats.copy()
    for weight in sorted((len(r) for r in rows if len(r) > 1), reverse=True):
        left[left[:-1].argmax()] -= weight
    return left


def barred_groups(formation: Formation, rows: list[IntArray], sessions: IntArray) -> Any:
    """(k, rows) groups in whose session some member of the row is not available; session -1 suits everyone. None without sessions."""
    if formation.availability is None:
        return None
    can = _shared_availability(formation.availability, rows)
    free = (can[None, :] >> np.maximum(sessions, 0)[:, None]) & 1
    return (free == 0) & (sessions >= 0)[:, None]
