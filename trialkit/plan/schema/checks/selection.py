"""Rules for [selection]: which columns can say who was reached, and whether chance formed the groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.plan.schema.base import Problem

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["selection_problems"]


def selection_problems(spec: PlanSpec) -> Iterator[Problem]:
    """Problems of the traits that [selection] names."""
    selection, data = spec.selection, spec.data
    after = {data.unit, data.arm, data.group, data.uptake, *(spec.value_column(o) for o in spec.outcomes)}
    for key in ("vulnerability", "groups_by_chance"):
        for column in getattr(selection, key):
            if column in after:
                yield Problem(("selection", key), f"'{column}' is not a trait people had before randomization; {key} needs those")
    if not selection.groups_by_chance:
        return
    where = ("selection", "groups_by_chance")
    if data.group is None or not spec.grouped_arms:
        yield Problem(
            where, "groups_by_chance is for trials with groups: name the column in [data] group, and the arm that has them"
        )
    if spec.analysis.seed is None:
        yield Problem(where, "groups_by_chance: random draws need a seed; add to [analysis] seed = 20261122")
    formed = spec.design.groups
    if formed is None:
        return
    for column in selection.groups_by_chance:
        if column in (*formed.alike, *formed.mixed):
            yield Problem(
                where, f"groups were formed by '{column}' ([design] groups), so it cannot show chance; name another trait"
            )
    if formed.keep_together or formed.keep_apart:
        key = "keep_together" if formed.keep_together else "keep_apart"
        yield Problem(
            where, f"{key} ties people to each other, and the test takes everyone as placed alone; remove groups_by_chance"
        )
