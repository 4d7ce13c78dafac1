"""Outcomes that a plan assumes, for people who were drawn by somebody else: one data set for the whole plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.sizes import planned
from trialkit.power.simulation.analysis import one_of
from trialkit.power.simulation.simulate import _question, _without_strata
from trialkit.power.simulation.world import Block

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["Assumed", "assumed_outcome"]


@dataclass(frozen=True, slots=True)
class Assumed:
    """Values of an outcome, of a time its events too; the SD by which they are made, and whether the plan assumes an effect."""

    values: FloatArray
    events: FloatArray | None
    sd: float
    has_effect: bool


def assumed_outcome(
    spec: PlanSpec,
    outcome: Outcome,
    *,
    arms: np.ndarray,
    unit: IntArray,
    z: FloatArray,
    takes: BoolArray,
    seed: np.random.SeedSequence,
    effect: bool,
) -> Assumed | None:
    """The outcome of everyone as the plan's design and `assume` make it (world.py); None for measures that have no simulation.

    Parameters
    ----------
    spec, outcome : the plan, with [design] units. arms : (n,) arm of each person. unit : (n,) group or cluster, -1 alone.
    z : (n,) baseline in SDs. takes : (n,) who takes up the offer. seed : of the outcome. effect : the assumed effect, or none.
    """
    scale = scale_of(spec, outcome)
    if scale is None:
        return None
    true = 0.0 if scale.assumed is None or not effect else (-1 if scale.falls else 1) * scale.assumed
    values, events, sd = np.full(len(arms), np.nan), None, 1.0
    for pair in ((a, spec.control) for a in spec.arm_names if a != spec.control):
        closed = _without_strata(planned(spec, outcome, pair, scale), scale)
        world = _question(spec, outcome, pair, scale, closed, (0.0, true), 0).world
        if outcome.kind == "time" and world.kind is not None:
            world = replace(world, take_up=1.0)
        here = (arms == pair[0]).astype(np.int64)
        block = Block(world, here, unit, np.zeros(len(arms), dtype=np.int64), z, np.ones(len(arms), dtype=bool), takes, {}, None)
        # the same random numbers for every arm, so that controls are the same people in each comparison
        made = one_of(block.outcomes(block.common(np.random.default_rng(seed), 1), true), 0)
        rows = (arms == pair[0]) | ((arms == spec.control) & np.isnan(values))
        y, event = made if isinstance(made, tuple) else (made, None)
        values[rows], sd = y[rows], world.sd
        if event is not None:
            events = np.full(len(arms), np.nan) if events is None else events
            events[rows] = event[rows]
    return Assumed(values, events, sd, scale.assumed is not None)
