"""Trials whose planned analysis is a function of sufficient statistics: normal outcomes, groups in one arm, the difference in means with nothing adjusted for.

The statistics are drawn instead of the people (inference/linear/one_arm_grouped.py); the numbers of people seen in each group come from the block as always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.one_arm_grouped import GroupedDifferences, draw_grouped, grouped_differences
from trialkit.power.simulation.world import Block, World

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

UNADJUSTED = ("difference_in_means", "ancova", "lin")


def sufficient(spec: PlanSpec, outcome: Outcome, world: World) -> bool:
    """Whether the plan's analysis is exactly that: least squares on the arm alone, CR2, df under the working covariance."""
    asked, estimator = spec.analysis, spec.estimator_for(outcome)
    plain = (
        estimator in UNADJUSTED and (estimator == "difference_in_means" or not spec.adjust_for(outcome)) and not spec.data.strata
    )
    auto = (estimator == "difference_in_means" or asked.covariance in ("auto", "CR2")) and asked.df in ("auto", "working")
    normal = (
        type(world) is World and world.kind is None and world.rate is None and not world.on_compliers and not world.correlation
    )
    return (
        plain and auto and normal and outcome.measure == "mean_difference" and outcome.estimand.average == "participant"
        and world.clusters is None and sum(bool(g) for g in world.groups) == 1
    )  # fmt: skip


def from_statistics(block: Block, rng: np.random.Generator, replicates: int) -> tuple[FloatArray, GroupedDifferences] | None:
    """(R,) estimates without an effect, arm less reference, with what belongs to them; None where the people seen leave nothing to analyse."""
    w = block.world
    unit = block.unit[block.seen]
    sizes, alone = np.bincount(unit[unit >= 0]), int((unit < 0).sum())
    sizes = sizes[sizes > 0]
    if len(sizes) < 2 or sizes.max() < 2 or alone < 2:
        return None
    drawn = draw_grouped(
        rng, replicates, sizes=sizes, alone=alone, within=w.sd**2 * (1 - w.icc), between=w.sd**2 * w.icc, alone_variance=w.sd**2
    )
    found = grouped_differences(drawn)
    return found.estimate if w.groups[0] else -found.estimate, found
