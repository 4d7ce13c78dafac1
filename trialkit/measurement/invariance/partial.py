"""Partial invariance: let the number go free that the data speak against most, refit, and stop when the level holds.

An item whose loading is free has its intercept free too: without a common unit its answers cannot be compared (Byrne, Shavelson
& Muthen 1989). Two items of every wave and group stay equal, without which nothing ties the factors together. The search looks
at many places and takes the worst: what it frees is a finding to repeat, not a proof (MacCallum, Roznowski & Necowitz 1992).
"""

from __future__ import annotations

from trialkit.inference.factor.invariant import EQUAL, Level, Place, largest_release
from trialkit.measurement.invariance.data import Answers
from trialkit.measurement.invariance.ladder import Step, bounds, compare, fit_level, holds, step_of

FEWEST_EQUAL = 2


def search(answers: Answers, level: Level, freer: Step, *, robust: bool) -> Step | None:
    """The partial form of a level that holds against `freer`, or None when two items are left and it does not."""
    kind = EQUAL[level][-1]
    freed = inherited(freer, level)
    limit = bounds(level)
    while True:
        if len(touched(freed)) > answers.n_items - FEWEST_EQUAL:
            return None
        found = fit_level(answers, level, freed)
        if found is None:
            return None
        step = step_of(answers, found, level, freed, robust=robust)
        if freed and holds(compare(step, freer), limit):
            return step
        worst = largest_release(found, kind, answers.n_items, _last_equal(answers, freed))
        if worst is None:
            return None
        freed = freed | {worst[0]}


def inherited(freer: Step, level: Level) -> frozenset[Place]:
    """What the freer model has free, and whatever else of an item has no common unit because its loading is free."""
    apart = {p for p in freer.freed if p.kind == "loading"}
    return freer.freed | {Place(kind, p.item, p.wave, p.group) for p in apart for kind in EQUAL[level]}


def touched(freed: frozenset[Place]) -> set[int]:
    """Items with a free place of any kind but a residual variance."""
    return {p.item for p in freed if p.kind != "residual"} or {p.item for p in freed}


def _last_equal(answers: Answers, freed: frozenset[Place]) -> set[int]:
    """Items that may not go free any more."""
    gone = touched(freed)
    if len(gone) < answers.n_items - FEWEST_EQUAL:
        return set()
    return set(range(answers.n_items)) - gone
