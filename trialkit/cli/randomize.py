"""`trialkit randomize`: the next batch of a plan's allocation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.design.base import Design
from trialkit.design.record import allocate
from trialkit.errors import DesignError
from trialkit.io import read
from trialkit.plan.plan import Plan
from trialkit.plan.randomization import design_of


@dataclass(frozen=True, slots=True)
class Told:
    """What a command says, as text and as plain tables."""

    text: str
    content: dict[str, Any]


def rehearse(plan_path: Path, people_path: Path, folder: Path) -> Told:
    """What would be drawn, and for whom."""
    plan, people, batch, before = _next(plan_path, people_path, folder, None)
    made = _design(plan, people)
    text = f"{made.describe()}.\nBatch {batch} of {folder}: {len(people)} people{_known(before)}. Nothing was drawn or written."
    return Told(text, {"design": made.describe(), "batch": batch, "people": len(people), "allocated_before": before})


def draw(plan_path: Path, people_path: Path, folder: Path, *, seed: int | None, reason: str | None, by: str | None) -> Told:
    """Draw the people who are not on the list yet as the next batch; with a reason, the last batch again."""
    plan, people, batch, before = _next(plan_path, people_path, folder, reason)
    made = allocate(
        _design(plan, people), folder=folder, seed=seed, batch=batch, reason=reason, balance=_numeric(plan, people), by=by,
        columns=None if plan.spec.data.arm == "arm" else {"arm": plan.spec.data.arm},
    )  # fmt: skip
    return Told(f"{made}{_known(before)}", made.certificate.to_dict())


def _next(plan_path: Path, people_path: Path, folder: Path, reason: str | None) -> tuple[Plan, pd.DataFrame, int, int]:
    """The plan, the people to draw, the number of their batch, and how many of the file stand on the list already."""
    plan = Plan.load(plan_path)
    people = read(people_path, missing_codes=dict(plan.spec.data.missing_codes))
    unit = plan.spec.data.unit
    lists = sorted(folder.glob("allocation*.csv"))
    if not lists:
        return plan, people, 1, 0
    if reason is not None:
        return plan, _only(people, unit, set(read(_latest(lists))[unit].astype(str))), len(lists), 0
    known = {str(v) for path in lists for v in read(path)[unit]}
    fresh = people[~people[unit].astype(str).isin(known)].reset_index(drop=True)
    if not len(fresh):
        raise DesignError(
            f"everyone in {people_path.name} is on the list in {folder} already. To draw the last batch again give --reason; it is logged."
        )
    return plan, fresh, len(lists) + 1, len(people) - len(fresh)


def _latest(lists: list[Path]) -> Path:
    return max(lists, key=lambda path: (len(path.name), path.name))


def _only(people: pd.DataFrame, unit: str, wanted: set[str]) -> pd.DataFrame:
    return people[people[unit].astype(str).isin(wanted)].reset_index(drop=True)


def _design(plan: Plan, people: pd.DataFrame) -> Design:
    return design_of(plan.spec, people)


def _numeric(plan: Plan, people: pd.DataFrame) -> list[str]:
    """Planned baseline numbers that are known at the draw: their balance goes into the certificate."""
    return [c for c in plan.spec.selection.balance if c in people.columns and pd.api.types.is_numeric_dtype(people[c])]


def _known(before: int) -> str:
    return f" ({before} others are on the list already and stay as they are)" if before else ""
