"""Which cells of a table to withhold so that no small count can be worked out from the margins that remain.

A cell below the least count is withheld (primary suppression). Where what is left still pins it down, further cells are withheld
(secondary suppression; Willenborg and de Waal 2001, Elements of Statistical Disclosure Control, chapter 6), until for every small
count at least two values fit everything that is printed. Whether they do is found by the smallest and the largest value that the
linear equations between cells leave open: the attack of a reader who knows every equation.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

__all__ = ["SECONDARY", "Equation", "possible_values", "suppressed"]

SECONDARY = "*"
Equation = Mapping[Hashable, int]
_TOLERANCE = 1e-6


def suppressed(
    counts: Mapping[Hashable, int],
    equations: Sequence[Equation],
    least: int,
    *,
    hidden: frozenset[Hashable] = frozenset(),
    last: frozenset[Hashable] = frozenset(),
) -> dict[Hashable, str]:
    """The cells to withhold, each with what is printed in its place: '<5' for a small count, '*' for one that would give another away.

    Parameters
    ----------
    counts : people in every cell. equations : coefficients of cells whose sum is zero, as in {"a": 1, "b": 1, "total": -1}.
    least : counts of 1 up to this are withheld; zeros are printed.
    hidden : cells that are printed nowhere, such as the people who are not in a count; they are protected all the same.
    last : cells that readers need most, such as the people randomized; withheld only where nothing else helps.

    Examples
    --------
    >>> found = suppressed({"a": 3, "b": 40, "c": 60, "all": 103}, [{"a": 1, "b": 1, "c": 1, "all": -1}], 5)
    >>> found == {"a": "<5", "b": "*"}
    True
    """
    unsafe = [k for k, v in counts.items() if 1 <= v < least]
    withheld = {k: f"<{least}" for k in unsafe if k not in hidden}
    system = _System(counts, equations, least, hidden, last)
    # one pass will do: a cell that is withheld later only widens what is possible for those before it
    for cell in unsafe:
        while system.exposed(cell, withheld):
            withheld[system.next(cell, withheld)] = SECONDARY
    return _without_spare(withheld, system, frozenset(unsafe))


def _without_spare(withheld: dict[Hashable, str], system: _System, unsafe: frozenset[Hashable]) -> dict[Hashable, str]:
    """Print what need not have been withheld, the largest counts first: a choice made early is often made idle by a later one."""
    second = [k for k, mark in withheld.items() if mark == SECONDARY and k not in unsafe]
    for k in sorted(second, key=lambda k: (k not in system.last, -system.counts[k], str(k))):
        beside = [u for u in system.connected(k, withheld)[0] if u in unsafe]
        without = {m: mark for m, mark in withheld.items() if m != k}
        if not any(system.exposed(u, without) for u in beside):
            withheld = without
    return withheld


def possible_values(
    cell: Hashable,
    counts: Mapping[Hashable, int],
    equations: Sequence[Equation],
    least: int,
    withheld: Mapping[Hashable, str],
    hidden: frozenset[Hashable] = frozenset(),
) -> tuple[float, float]:
    """The smallest and largest count that fit everything printed, for a reader who knows all equations and what '<5' means."""
    return _System(counts, equations, least, hidden).possible(cell, withheld)


class _System:
    """The equations between cells, and what they leave open."""

    def __init__(
        self,
        counts: Mapping[Hashable, int],
        equations: Sequence[Equation],
        least: int,
        hidden: frozenset[Hashable],
        last: frozenset[Hashable] = frozenset(),
    ) -> None:
        self.counts, self.equations, self.least = counts, equations, least
        self.hidden, self.last = hidden, last
        self.of: dict[Hashable, list[int]] = {}
        for i, equation in enumerate(equations):
            for k in equation:
                self.of.setdefault(k, []).append(i)

    def connected(self, cell: Hashable, withheld: Mapping[Hashable, str]) -> tuple[list[Hashable], list[int]]:
        """The unknown cells that equations connect with this one, and those equations."""
        unknown: dict[Hashable, None] = {cell: None}
        used: dict[int, None] = {}
        todo = [cell]
        while todo:
            for i in self.of.get(todo.pop(), ()):
                if i not in used:
                    used[i] = None
                    found = [k for k in self.equations[i] if (k in withheld or k in self.hidden) and k not in unknown]
                    unknown.update(dict.fromkeys(found))
                    todo += found
        return list(unknown), list(used)

    def possible(self, cell: Hashable, withheld: Mapping[Hashable, str]) -> tuple[float, float]:
        unknown, used = self.connected(cell, withheld)
        place = {k: i for i, k in enumerate(unknown)}
        bounds = [(1, self.least - 1) if withheld.get(k, "").startswith("<") else (0, None) for k in unknown]
        if not used:
            low, high = bounds[0]
            return float(low or 0), math.inf if high is None else float(high)
        left, right = np.zeros((len(used), len(unknown))), np.zeros(len(used))
        for row, i in enumerate(used):
            for k, coefficient in self.equations[i].items():
                if k in place:
                    left[row, place[k]] = coefficient
                else:
                    right[row] -= coefficient * self.counts[k]
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(unknown))
            goal[place[cell]] = sign
            solved = linprog(goal, A_eq=left, b_eq=right, bounds=bounds, method="highs")
            ends.append(sign * solved.fun if solved.status == 0 else sign * -math.inf)
        return (
            math.ceil(ends[0] - _TOLERANCE) if math.isfinite(ends[0]) else 0.0,
            math.floor(ends[1] + _TOLERANCE) if math.isfinite(ends[1]) else math.inf,
        )

    def exposed(self, cell: Hashable, withheld: Mapping[Hashable, str]) -> bool:
        low, high = self.possible(cell, withheld)
        # '<2' says itself that it is one: nothing more is given away
        return low >= high and not (self.least == 2 and cell in withheld)

    def next(self, cell: Hashable, withheld: Mapping[Hashable, str]) -> Hashable:
        """The smallest printed count in an equation that pins the cell down; zeros only where there is nothing else."""
        own, used = self.of.get(cell, []), self.connected(cell, withheld)[1]
        for among in (own, used):
            free = {k for i in among for k in self.equations[i] if k not in withheld and k not in self.hidden}
            if free - self.last or (among is used and free):
                return min(free, key=lambda k: (k in self.last, self.counts[k] == 0, self.counts[k], str(k)))
        # all are withheld, and it is the marks that say too much: '<5' of a total is '*' then
        labelled = [k for i in used for k in self.equations[i] if withheld.get(k, SECONDARY) != SECONDARY]
        return max(labelled, key=lambda k: (k != cell, self.counts[k], str(k)))
