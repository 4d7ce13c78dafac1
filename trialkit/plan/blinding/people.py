"""Simulated people of a plan: identifiers, strata, covariates, and the arms and groups that its design draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialkit.inference.arrays import BoolArray, IntArray
from trialkit.plan.locking.expected import ExpectedColumn, expected_columns
from trialkit.plan.planned.randomization import design_of

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["drawn_people"]

CLUSTER = 20
LEVELS = 3


def drawn_people(spec: PlanSpec, n: int, seed: int, folder: Path | None) -> tuple[pd.DataFrame, IntArray, BoolArray]:
    """People with their baseline, arms and groups; the group or cluster of each (-1 alone); and who takes up the offer."""
    frame = _people(spec, n, seed, folder)
    with_size = spec if spec.design.groups is not None or not spec.grouped_arms else _grouped(spec)
    design = design_of(with_size, frame)
    drawn = design.draw_many(1, seed=int(np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(1)[0]))
    place = design.positions(frame[spec.data.unit])
    arms = np.array([str(a) for a in design.arms], dtype=object)[drawn.arms[0][place]]
    d, made = spec.data, {spec.data.arm: arms}
    unit = np.full(n, -1, dtype=np.int64) if drawn.groups is None else drawn.groups[0][place].astype(np.int64)
    if d.group is not None and spec.grouped_arms:
        made[d.group] = _named("group", unit)
    if d.facilitator is not None:
        made[d.facilitator] = _named("leader", unit)
    if d.cluster is not None:
        unit = np.unique(frame[d.cluster].astype(str), return_inverse=True)[1].astype(np.int64)
    share = spec.design.assumptions.take_up
    takes = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,))).random(n) < (1.0 if share is None else share)
    if d.uptake is not None:
        made[d.uptake] = ((arms != spec.control) & takes).astype(int)
    return frame.assign(**made), unit, takes


def _grouped(spec: PlanSpec) -> PlanSpec:
    """The plan with groups of a usual size, where it names none."""
    from trialkit.plan.schema.trial import GroupFormation

    return spec.model_copy(update={"design": spec.design.model_copy(update={"groups": GroupFormation(size=(8, 16))})})


def _people(spec: PlanSpec, n: int, seed: int, folder: Path | None) -> pd.DataFrame:
    d, groups = spec.data, spec.design.groups
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    found: dict[str, Any] = {d.unit: [f"s{i + 1:0{len(str(n))}d}" for i in range(n)]}
    if d.cluster is not None:
        count = spec.design.clusters or max(n // CLUSTER, 4)
        found[d.cluster] = [f"c{i % count + 1:0{len(str(count))}d}" for i in range(n)]
    for column in d.strata:
        found[column] = _stratum(spec, column, found, rng, n)
    scores = spec.score_columns()
    for wanted in expected_columns(spec, folder):
        if (
            wanted.name not in found
            and wanted.roles[0] not in ("arm", "group", "facilitator", "uptake")
            and "{item" not in wanted.name
        ):
            found[wanted.name] = _column(wanted, rng, n)
    traits = [*spec.design.match, *spec.design.balance_on, *((*groups.alike, *groups.mixed) if groups else ())]
    for name in traits:
        if name not in found:
            found[name] = rng.standard_normal(n).round(3)
    for name in groups.within if groups else ():
        if name not in found:
            found[name] = rng.choice(["a", "b"], n)
    return pd.DataFrame({k: v for k, v in found.items() if k not in scores})


def _stratum(spec: PlanSpec, column: str, found: dict[str, Any], rng: np.random.Generator, n: int) -> list[str]:
    """Levels that clusters share, where whole clusters are randomized; pairs of neighbours for matched pairs."""
    if spec.design.scheme == "matched_pairs":
        units = found[spec.data.cluster] if spec.data.cluster is not None else found[spec.data.unit]
        order = {u: i for i, u in enumerate(dict.fromkeys(units))}
        return [f"p{order[u] // len(spec.arm_names) + 1}" for u in units]
    if spec.data.cluster is not None:
        order = {u: i for i, u in enumerate(dict.fromkeys(found[spec.data.cluster]))}
        return [f"{column}-{order[u] // max(len(spec.arm_names), 2) % 2 + 1}" for u in found[spec.data.cluster]]
    return [f"{column}-{k + 1}" for k in rng.integers(0, LEVELS, n)]


def _column(column: ExpectedColumn, rng: np.random.Generator, n: int) -> Any:
    """A baseline column of the kind that the plan asks for."""
    if column.allowed:
        return rng.choice(list(column.allowed), n)
    if "weights" in column.roles:
        return rng.uniform(0.5, 1.5, n).round(3)
    if "harms" in column.roles:
        return rng.poisson(0.1, n)
    if column.type == "binary":
        return (rng.random(n) < 0.1).astype(int)
    if column.type in ("category", "label"):
        return rng.choice(["a", "b", "c"], n)
    return rng.standard_normal(n).round(3)


def _named(what: str, unit: IntArray) -> pd.Series:
    return pd.Series([None if u < 0 else f"{what}-{u + 1:03d}" for u in unit.tolist()], dtype=object)
