"""From codes as they stand in the file to a score: moving the base, turning items around, points, sums and conversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.person_forms import PersonForms

__all__ = ["code_bounds", "convert", "counted", "total_scores"]


def code_bounds(scale: Scale, numbers: Sequence[int], low: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest code of each item in a file whose lowest general code is `low`."""
    codes = [scale.codes_of(n) for n in numbers]
    moved = low - scale.codes.min
    return np.array([c.min + moved for c in codes], dtype=float), np.array([c.max + moved for c in codes], dtype=float)


def counted(
    valid: NDArray[np.float64], scale: Scale, numbers: Sequence[int], *, low: int, already: frozenset[int]
) -> NDArray[np.float64]:
    """What each answer counts in the score. `already` are items that were turned around in the file."""
    form = scale.chosen
    lows, highs = code_bounds(scale, numbers, low)
    steps = np.empty_like(valid)
    for j, item in enumerate(numbers):
        points = form.points_of(item)
        # Items with points are turned back to their own codes first; the points then say which way they count.
        turn = item in already if points else item in form.reversed and item not in already
        from_lowest = highs[j] - valid[:, j] if turn else valid[:, j] - lows[j]
        if points:
            place = np.where(np.isnan(from_lowest), 0, from_lowest).astype(np.intp)
            steps[:, j] = np.where(np.isnan(from_lowest), np.nan, np.array(points.values, dtype=float)[place])
        else:
            steps[:, j] = from_lowest + (scale.codes_of(item).min if form.base is None else form.base)
    return steps


def total_scores(
    counts: NDArray[np.float64], n_answered: NDArray[Any], scorable: NDArray[np.bool_], *, rule: str, filled: bool
) -> NDArray[np.float64]:
    """Sum or mean over the items; `filled` puts the mean of the others in place of a missing answer, else it counts nothing."""
    total = np.nansum(counts, axis=1)
    n_items = counts.shape[1]
    mean = total / np.maximum(n_answered, 1) if filled else total / n_items
    if rule == "sum" and filled:
        # A full sum is added up, not rebuilt from the mean, so that whole numbers stay whole.
        total = np.where(n_answered == n_items, total, mean * n_items)
    return np.where(scorable, total if rule == "sum" else mean, np.nan)


def convert(raw: NDArray[np.float64], scale: Scale, numbers: Sequence[int], people: PersonForms | None) -> NDArray[np.float64]:
    """Raw sums by the published table: that of the chosen form, or each person's own."""
    names = people.names if people else (str(scale.form),)
    which = people.which if people else np.zeros(len(raw), dtype=np.intp)
    made = np.full(len(raw), np.nan)
    for position, name in enumerate(names):
        form = scale.forms[name]
        lowest, _ = scale.raw_range(form, numbers)
        rows = (which == position) & ~np.isnan(raw)
        made[rows] = np.array(form.conversion)[(raw[rows] - lowest).astype(np.intp)] if form.conversion else raw[rows]
    return made
