"""When a run sets the methods for few groups side by side, and with which trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trialkit.estimate.draws.few_groups import FewGroupsResult
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.trial import Trial

__all__ = ["FEW_GROUPS", "FEW_GROUPS_DRAWS", "drawable", "side_by_side", "when_few"]

FEW_GROUPS = 20
FEW_GROUPS_DRAWS = 1999
MEASURES = ("mean_difference", "risk_difference")


def when_few(spec: PlanSpec) -> bool:
    """Whether the plan leaves it to the number of groups: two arms, groups or clusters, and a companion that draws."""
    grouped = bool(spec.grouped_arms) or spec.data.cluster is not None
    drawing = {"randomization_test", "wild_bootstrap"} & set(spec.analysis.companions)
    return spec.analysis.few_groups is None and grouped and len(spec.arms) == 2 and bool(drawing)


def side_by_side(spec: PlanSpec, ready: Prepared, outcome: Outcome) -> FewGroupsResult | None:
    """The effect on a primary outcome by every method for few groups, where the plan asks for it or the groups are few."""
    from trialkit.estimate.draws.few_groups import few_groups

    if outcome.role != "primary" or outcome.measure not in MEASURES:
        return None
    if not spec.analysis.few_groups and not (when_few(spec) and smallest_number(ready.trial) < FEW_GROUPS):
        return None
    trial = ready.designed(spec) if drawable(spec) else ready.trial
    return few_groups(
        trial,
        spec.value_column(outcome),
        adjust=spec.adjust_for(outcome),
        n_draws=min(spec.analysis.draws, FEW_GROUPS_DRAWS),
        seed=spec.analysis.seed,
        covariate_missing=spec.analysis.covariate_missing,
        conf_level=spec.analysis.conf_level,
    )


def smallest_number(trial: Trial) -> int:
    """Groups (or clusters) of the arm that has fewest of them, among the arms that have any."""
    from trialkit.estimate.draws.few_groups import counted

    return min(int(c["count"]) for c in counted(trial).values())


def drawable(spec: PlanSpec) -> bool:
    """Whether the plan says enough to draw other assignments, groups included."""
    from trialkit.plan.planned.randomization import MAKERS

    return spec.design.scheme in MAKERS and (not spec.grouped_arms or spec.design.groups is not None)
