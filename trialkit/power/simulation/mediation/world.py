"""The world of a mediation question: mediator and outcome of people in the plan's arms and groups, made without any effect of the arm.

In units of the SD within an arm, of the outcome's given the mediator:

    u = r_m z_m + g_m + e_m,    w = r_y z_y + g_y + e_y,    Var(g_m) = icc_m, Var(g_y) = icc, Corr(g_m, g_y) = group_correlation,

groups only where the plan has them; then m = u + a t and y = w + direct t + b m (paths.py). Baselines z_m and z_y are independent unless they are one column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialkit.errors import PlanError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.power.simulation.world import Block, World

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns: mediator, outcome, the baselines of each or None, and the other covariates of both models."""

    mediator: str
    outcome: str
    mediator_baseline: str | None
    outcome_baseline: str | None
    adjust: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediationWorld:
    """`world` has the people and the outcome given the mediator, in SDs; the rest belongs to the mediator."""

    world: World
    columns: Columns
    icc: float
    correlation: float
    group_correlation: float

    def block(self, spec: PlanSpec, outcome: Outcome, rng: np.random.Generator) -> MediationBlock:
        """One randomization with everything that was there before the arm."""
        block = self.world.block(spec, outcome, rng)
        n = len(block.arm)
        before = {c: rng.standard_normal(n) for c in self.columns.adjust}
        own = self.columns.mediator_baseline
        if own is not None:
            before[own] = block.z if own == self.columns.outcome_baseline else rng.standard_normal(n)
        if self.columns.outcome_baseline is not None:
            before[self.columns.outcome_baseline] = block.z
        return MediationBlock(self, block, before)


@dataclass(frozen=True, slots=True)
class MediationBlock:
    """People of one randomization; `before` are their covariates."""

    made: MediationWorld
    block: Block
    before: dict[str, FloatArray]

    def draw(self, rng: np.random.Generator, replicates: int) -> tuple[FloatArray, FloatArray]:
        """Mediators and outcomes (R, n) without an effect of the arm, of everyone: `block.seen` says who is measured."""
        made, w = self.made, self.made.world
        inside = self.block.unit >= 0
        shape = (replicates, len(self.block.arm))
        baseline = self.before.get(str(made.columns.mediator_baseline), np.zeros(shape[1]))
        u = made.correlation * baseline + rng.standard_normal(shape) * _left(made.correlation, made.icc, inside)
        y = w.correlation * self.block.z + rng.standard_normal(shape) * _left(w.correlation, w.icc, inside)
        if inside.any():
            units = int(self.block.unit.max()) + 1
            of_m = rng.standard_normal((replicates, units))
            of_y = made.group_correlation * of_m + math.sqrt(1 - made.group_correlation**2) * rng.standard_normal(of_m.shape)
            seat = self.block.unit[inside]
            u[:, inside] += math.sqrt(made.icc) * of_m[:, seat]
            y[:, inside] += math.sqrt(w.icc) * of_y[:, seat]
        return u, y

    def frame(self, spec: PlanSpec, m: FloatArray, y: FloatArray) -> pd.DataFrame:
        """The data as the plan's trial would hold them, (n,) mediator and outcome with their effects."""
        found = self.block.frame(spec, self.made.columns.outcome, y)
        return found.assign(**self.before, **{self.made.columns.mediator: np.where(self.block.seen, m, np.nan)})


def _left(correlation: float, icc: float, inside: BoolArray) -> FloatArray:
    """(n,) SD of what baseline and group leave."""
    return np.asarray(np.sqrt(1 - correlation**2 - np.where(inside, icc, 0.0)))


def columns_of(spec: PlanSpec, entry: Mediation) -> Columns:
    """The columns that the plan's analysis reads."""
    outcome = spec.outcome(entry.outcome)
    adjust = spec.adjust_for(outcome) if entry.adjust is None else entry.adjust
    own, baseline = spec.mediator_baseline(entry), spec.baseline_column(outcome)
    others = tuple(c for c in adjust if c not in (own, baseline, *spec.data.strata))
    return Columns(spec.mediator_column(entry), spec.value_column(outcome), own, baseline, others)


def checked(icc: float, correlation: float, whose: str) -> None:
    """Baseline and groups leave some variance between people."""
    if correlation**2 + icc >= 1:
        raise PlanError(
            f"baseline_correlation={correlation:g} and icc={icc:g} of the {whose} leave no variance between people: lower one of them."
        )
