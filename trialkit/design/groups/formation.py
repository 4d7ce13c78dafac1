"""From arms to groups: the sampling law of `Design.with_groups`, for one draw or a batch.

In every arm and stratum, R independent random starts are improved by exchanges with random partners to local optima of the
criterion (`partition`).
The partition is drawn uniformly from the different ones among them whose criterion J is within the tolerance of the best:
J <= J_best + tolerance * (J_random - J_best), with J_random what groups drawn at random would have on average. The allocation
and every draw for a randomization test follow this law with the same R and tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trialkit.design.groups.layout import facilitators_of
from trialkit.design.groups.links import Links
from trialkit.design.groups.partition import Problem, canonical, criterion, expected_criterion, search, violations
from trialkit.design.groups.seating import Cell, Formation, Layouts, barred_groups, cells_of
from trialkit.design.groups.starts import random_starts, ranks
from trialkit.design.mechanism import ArmCodes
from trialkit.design.stream import Stream
from trialkit.errors import DesignError
from trialkit.inference.arrays import IntArray

NO_GROUP = -1
CELLS_AT_ONCE = 4_000_000

Report = Callable[[int, int], None]


def form(
    formation: Formation, arms: ArmCodes, seed: int, path: tuple[int, ...], first: int = 0, report: Report | None = None
) -> list[list[Cell]]:
    """Form groups in every draw.

    Parameters
    ----------
    arms : (draws, people) arm codes. first : number of the first draw; draw d has the streams (*path, d, cell).

    Returns
    -------
    For each draw its cells.
    """
    layouts: Layouts = {}
    drawn = [cells_of(formation, row, seed, (*path, first + d), d, layouts) for d, row in enumerate(arms)]
    batches: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in (c for cells in drawn for c in cells):
        key = (cell.arm, len(cell.rows), cell.layout.sizes.tobytes(), cell.layout.sessions.tobytes())
        batches.setdefault(key, []).append(cell)
    for batch in batches.values():
        for part in _parts(batch, formation.restarts):
            _fill(formation, part, report)
    return drawn


def group_numbers(drawn: list[list[Cell]], n: int) -> IntArray:
    """(draws, n) numbers 0, 1, ... over all cells of a draw, -1 for people without a group."""
    out = np.full((len(drawn), n), NO_GROUP, dtype=np.int64)
    for d, cells in enumerate(drawn):
        start = 0
        for cell in cells:
            if cell.rows:
                out[d, np.concatenate(cell.rows)] = start + np.repeat(cell.numbers, [len(row) for row in cell.rows])
            start += len(cell.layout.sizes)
    return out


def lead(formation: Formation, cells: list[Cell], stream: Stream) -> list[str]:
    """A facilitator for every group of a draw, over its cells in order."""
    out: dict[tuple[int, int], str] = {}
    pools: dict[int, list[int]] = {}
    for c, cell in enumerate(cells):
        pools.setdefault(id(formation.leads[cell.stratum]), []).append(c)
    for members in pools.values():
        leads = formation.leads[cells[members[0]].stratum]
        timed = bool(formation.sessions[cells[members[0]].stratum])
        sessions = np.concatenate([cells[c].sessions for c in members])
        names = facilitators_of(sessions, leads, stream.order(sum(leads.values())), timed)
        places = [(c, g) for c in members for g in range(len(cells[c].sessions))]
        out.update(zip(places, names))
    return [out[c, g] for c, cell in enumerate(cells) for g in range(len(cell.sessions))]


def _parts(batch: list[Cell], restarts: int) -> Iterator[list[Cell]]:
    """Portions of a batch that fit in memory; a search does not depend on which others run beside it."""
    n, k = len(batch[0].rows), len(batch[0].layout.sizes)
    each = max(n * (k + 8) * restarts, n * n, 1)
    count = max(1, CELLS_AT_ONCE // each)
    for start in range(0, len(batch), count):
        yield batch[start : start + count]


def _fill(formation: Formation, cells: list[Cell], report: Report | None) -> None:
    """Search, choose and number the groups of cells of one shape."""
    k, n = len(cells[0].layout.sizes), len(cells[0].rows)
    if not k:
        return
    problem = _problem(formation, cells)
    free = not len(problem.signs) and problem.barred is None and problem.enemies is None
    searched = k > 1 and not free
    restarts = formation.restarts if searched else 1
    keys = np.stack([c.stream.keys(2, restarts, n) for c in cells])
    starts = np.concatenate(
        [
            random_starts(keys[p, 0], c.layout.sizes, problem.weights[p], None if problem.barred is None else problem.barred[p])
            for p, c in enumerate(cells)
        ]
    )
    which = np.repeat(np.arange(len(cells)), restarts)
    if searched:
        lines = ranks(keys[:, 1]).reshape(-1, n)
        found, wrong = search(problem, which, starts, lines, formation.partners, report)
    else:
        found, wrong = starts, violations(problem, which, starts)
    if free:
        # one start a cell and nothing to compare it with; the choice among one still takes its number from the stream
        for cell, groups in zip(cells, found):
            cell.stream.below(1)
            _number(cell, groups)
        return
    values, expected = criterion(problem, which, found), expected_criterion(problem)
    named = canonical(found, k)
    for p, cell in enumerate(cells):
        rows = slice(p * restarts, (p + 1) * restarts)
        if (wrong[rows] > 0).all():
            raise DesignError(_violated(formation, cell, found[rows][wrong[rows].argmin()]))
        accepted = acceptable(values[rows], wrong[rows], int(expected[p]), formation.tolerance)
        different: dict[bytes, int] = {}
        for r in accepted.tolist():
            different.setdefault(named[rows][r].tobytes(), r)
        _number(cell, found[rows][list(different.values())[cell.stream.below(len(different))]])


def _number(cell: Cell, groups: IntArray) -> None:
    """Random numbers for the groups of the partition chosen."""
    cell.label_order = ranks(cell.stream.keys(len(cell.layout.sizes)))
    cell.numbers = cell.label_order[groups]


def acceptable(values: IntArray, wrong: IntArray, expected: int, tolerance: float) -> IntArray:
    """Places of the local optima from which one is drawn."""
    fine = np.flatnonzero(wrong == 0)
    best = int(values[fine].min())
    limit = best + math.floor(tolerance * max(expected - best, 0))
    return fine[values[fine] <= limit]


def _problem(formation: Formation, cells: list[Cell]) -> Problem:
    aim = formation.aims[cells[0].arm]
    layout = cells[0].layout
    if all(len(row) == 1 for c in cells for row in c.rows):
        places = np.array([c.rows for c in cells], dtype=np.int64)[:, :, 0]
        features, weights = aim.features[places], np.ones(places.shape, dtype=np.int64)
    else:
        features = np.stack([np.stack([aim.features[row].sum(axis=0) for row in c.rows]) for c in cells])
        weights = np.array([[len(row) for row in c.rows] for c in cells], dtype=np.int64)
    barred = (
        None if formation.availability is None else np.stack([barred_groups(formation, c.rows, layout.sessions) for c in cells])
    )
    enemies = np.stack([_enemies(formation.links, c.rows) for c in cells]) if len(formation.links.apart) else None
    return Problem(features, aim.signs, layout.sizes, weights, barred, enemies)


def _enemies(links: Links, rows: list[IntArray]) -> Any:
    """(rows, rows) which may not share a group."""
    row_of = np.full(len(links.together), -1, dtype=np.int64)
    for r, row in enumerate(rows):
        row_of[row] = r
    first, second = row_of[links.apart].T
    both = (first >= 0) & (second >= 0)
    out = np.zeros((len(rows), len(rows)), dtype=bool)
    out[first[both], second[both]] = True
    return out | out.T


def _violated(formation: Formation, cell: Cell, groups: IntArray) -> str:
    """Which links or sessions could not be kept in the best attempt."""
    group_of = {int(m): g for row, g in zip(cell.rows, groups.tolist()) for m in row}
    pairs = [(i, j) for i, j in formation.links.apart.tolist() if i in group_of and group_of[i] == group_of.get(j)]
    told = [f"{formation.people.named(np.array(pair))} stay in one group" for pair in pairs]
    if formation.availability is not None:
        away = [m for m, g in group_of.items() if not formation.availability[m] >> int(cell.layout.sessions[g]) & 1]
        told += [f"{formation.people.named(np.array([m]))} cannot come to the session of the group" for m in away]
    k = len(cell.layout.sizes)
    return (
        f"{formation.named(cell.arm, cell.stratum)} has {k} group{'s' if k > 1 else ''}, and no division of its people was found that keeps "
        f"apart and together what was asked: in the best attempt {'; '.join(told[:4])}. Drop a link, or make groups smaller."
    )
