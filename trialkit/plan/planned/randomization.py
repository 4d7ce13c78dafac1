"""The design that a plan declares, for people in a table: one object for the allocation, the tests and the simulations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trialkit import design as designs
from trialkit.design.base import Design
from trialkit.errors import DesignError
from trialkit.io.frames import to_pandas
from trialkit.plan.schema.plan_spec import PlanSpec

Maker = Callable[[PlanSpec, Any, dict[str, Any]], Design]


def design_of(spec: PlanSpec, people: Any) -> Design:
    """The [design] of a plan on `people` (any data frame with the columns that the design names).

    For the schemes of `ROLLING` people may be None: they are allocated as they come (`tk.design.Enrolment`), without groups,
    which are formed when everyone is in.

    Raises
    ------
    DesignError
        For a scheme that takes more than a plan can say (factorial, custom), or people that the design does not fit.
    """
    frame = None if people is None else to_pandas(people)
    scheme = spec.design.scheme
    if scheme not in MAKERS:
        raise DesignError(
            f"scheme '{scheme}' cannot be drawn from a plan: make it in a script with tk.design.{scheme} and tk.design.allocate."
        )
    common = {"unit": spec.data.unit, "arms": {a: spec.design.allocation[a] for a in spec.arm_names}}
    made = MAKERS[scheme](spec, frame, common)
    formation = spec.design.groups
    if formation is None or frame is None:
        return made
    return made.with_groups(
        list(spec.grouped_arms),
        size=formation.size,
        alike=list(formation.alike),
        mixed=list(formation.mixed),
        within=list(formation.within),
        keep_together=formation.keep_together,
        keep_apart=formation.keep_apart,
        waiting_list=formation.waiting_list,
    )


def _simple(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    return designs.simple(people, **common)


def _complete(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    return designs.complete(people, **common)


def _stratified(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    return designs.stratified(people, strata=list(spec.data.strata), misfits=spec.design.misfits, **common)


def _clustered(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    return designs.clustered(people, cluster=str(spec.data.cluster), **common)


def _stratified_clustered(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    return designs.stratified_clustered(
        people, cluster=str(spec.data.cluster), strata=list(spec.data.strata), misfits=spec.design.misfits, **common
    )


def _matched_pairs(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    """Pairs that stand in the people's table already are kept; otherwise they are made on `match`."""
    pair = spec.data.strata[0]
    if pair in people.columns:
        return designs.matched_pairs(people, pairs=pair, cluster=spec.data.cluster, **common)
    return designs.matched_pairs(people, match=list(spec.design.match), cluster=spec.data.cluster, **common)


def _rerandomized(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    base = _stratified(spec, people, common) if spec.data.strata else _complete(spec, people, common)
    return designs.rerandomized(base, list(spec.design.balance_on), accept=spec.design.accept)


def _minimization(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    given: dict[str, Any] = {} if spec.design.probability is None else {"probability": spec.design.probability}
    return designs.minimization(people, factors=list(spec.design.balance_on), **common, **given)


def _permuted_blocks(spec: PlanSpec, people: Any, common: dict[str, Any]) -> Design:
    given: dict[str, Any] = {"sizes": tuple(spec.design.block_sizes)} if spec.design.block_sizes else {}
    return designs.permuted_blocks(people, strata=list(spec.data.strata) or None, **common, **given)


ROLLING = ("minimization", "permuted_blocks")
MAKERS: dict[str, Maker] = {
    "simple": _simple,
    "complete": _complete,
    "stratified": _stratified,
    "clustered": _clustered,
    "stratified_clustered": _stratified_clustered,
    "matched_pairs": _matched_pairs,
    "rerandomized": _rerandomized,
    "minimization": _minimization,
    "permuted_blocks": _permuted_blocks,
}
