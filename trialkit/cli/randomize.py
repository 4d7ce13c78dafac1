"""`trialkit randomize`: the next batch of a plan's allocation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import pandas as pd

from trialkit.cli.show import Told
from trialkit.design.base import Design
from trialkit.design.enrolment.enrolment import Enrolment
from trialkit.design.mechanisms.rolling import RollingDesign
from trialkit.design.record.allocate import allocate
from trialkit.errors import ColumnNotFoundError, DesignError, UsageError
from trialkit.io import read, write_csv
from trialkit.plan.plan import Plan
from trialkit.plan.planned.randomization import ROLLING, design_of


def rehearse(plan_path: Path, people_path: Path, folder: Path) -> Told:
    """What would be drawn, and for whom."""
    plan, people, batch, before = _next(plan_path, people_path, folder, None)
    made = _design(plan, people)
    text = f"{made.describe()}.\nBatch {batch} of {folder}: {len(people)} people{_known(before)}. Nothing was drawn or written."
    return Told(text, {"design": made.describe(), "batch": batch, "people": len(people), "allocated_before": before})


def draw(plan_path: Path, people_path: Path, folder: Path, *, seed: int | None, reason: str | None, by: str | None) -> Told:
    """Draw the people who are not on the list yet as the next batch; with a reason, the last batch again."""
    plan = Plan.load(plan_path)
    if plan.spec.design.scheme in ROLLING:
        return _enrol(plan, people_path, folder, seed=seed, reason=reason, by=by)
    plan, people, batch, before = _next(plan_path, people_path, folder, reason)
    made = allocate(
        _design(plan, people), folder=folder, seed=seed, batch=batch, reason=reason, balance=_numeric(plan, people), by=by,
        columns=None if plan.spec.data.arm == "arm" else {"arm": plan.spec.data.arm},
    )  # fmt: skip
    return Told(f"{made}{_known(before)}", made.certificate.to_dict())


def _enrol(plan: Plan, people_path: Path, folder: Path, *, seed: int | None, reason: str | None, by: str | None) -> Told:
    """Go on with a rolling enrolment: people who are not in it yet, in the order of the file."""
    if reason is not None:
        raise UsageError(
            "people of a rolling enrolment are drawn again one by one, in a script: tk.design.Enrolment(...).redraw(unit, reason=...)."
        )
    unit = plan.spec.data.unit
    people = read(people_path, missing_codes=dict(plan.spec.data.missing_codes))
    if unit not in people.columns:
        raise ColumnNotFoundError(unit, people.columns)
    with _sitting(cast(RollingDesign, design_of(plan.spec, None)), folder, seed, by) as sitting:
        known = set(sitting.allocation[unit].astype(str)) if sitting.n else set()
        fresh = people[~people[unit].astype(str).isin(known)].reset_index(drop=True)
        if not len(fresh):
            return _everyone_enrolled(sitting, people_path, folder)
        rows = sitting.add(fresh)
        listed = sitting.allocation
        write_csv(listed, folder / "allocation.csv")
        head = sitting.head
    lines = [f"  {row[unit]}: {row['arm']}" for row in rows.to_dict("records")[:20]]
    more = [f"  ... and {len(rows) - 20} more in {folder / 'allocation.csv'}"] if len(rows) > 20 else []
    text = [f"{len(rows)} people allocated, {len(listed)} in all{_known(len(people) - len(fresh))}", *lines, *more]
    text.append(
        f"The enrolment stands in {folder / 'enrolment.jsonl'} (head {head}); give the head to someone outside the trial."
    )
    return Told("\n".join(text), {"allocated": rows.to_dict("records"), "enrolled": len(listed), "head": head})


@contextmanager
def _sitting(design: RollingDesign, folder: Path, seed: int | None, by: str | None) -> Iterator[Enrolment]:
    """A sitting of the enrolment in a folder; one that begins and enrols nobody is gone again, as it would stand in the way of the next."""
    made, place, secret = not folder.exists(), folder / "enrolment.jsonl", folder / "enrolment.seed.json"
    new = not place.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Enrolment.open(place, design, seed_file=secret, seed=seed, by=by) as sitting:
            try:
                yield sitting
            except BaseException:
                if new and place.read_bytes().count(b"\n") <= 1:
                    for path in (place, place.with_name(f"{place.name}.head"), secret):
                        path.unlink(missing_ok=True)
                raise
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise


def _everyone_enrolled(sitting: Enrolment, people_path: Path, folder: Path) -> Told:
    """A list that was not written, because the computer stopped after the enrolment was, is written now.

    Raises
    ------
    DesignError
        When the list holds everyone: there is nothing to do.
    """
    place, enrolled = folder / "allocation.csv", sitting.allocation
    unit = str(enrolled.columns[0])
    if place.exists() and _listed(place, unit) == enrolled[unit].astype(str).tolist():
        raise DesignError(f"everyone in {people_path.name} is enrolled in {folder} already.")
    write_csv(enrolled, place)
    text = f"everyone in {people_path.name} is enrolled in {folder} already; the list {place.name} lacked people of the enrolment and was written again."
    return Told(text, {"allocated": [], "enrolled": len(enrolled), "head": sitting.head})


def _next(plan_path: Path, people_path: Path, folder: Path, reason: str | None) -> tuple[Plan, pd.DataFrame, int, int]:
    """The plan, the people to draw, the number of their batch, and how many of the file stand on the list already."""
    plan = Plan.load(plan_path)
    people = read(people_path, missing_codes=dict(plan.spec.data.missing_codes))
    unit = plan.spec.data.unit
    if unit not in people.columns:
        raise ColumnNotFoundError(unit, people.columns, "the people")
    lists = sorted(folder.glob("allocation*.csv"))
    if not lists:
        if reason is not None:
            raise UsageError(
                f"--reason is for a last batch that is drawn again, and {folder} holds no allocation yet: leave it out."
            )
        return plan, people, 1, 0
    if reason is not None:
        return plan, _only(people, unit, set(_listed(_latest(lists), unit))), len(lists), 0
    known = {v for path in lists for v in _listed(path, unit)}
    fresh = people[~people[unit].astype(str).isin(known)].reset_index(drop=True)
    if not len(fresh):
        raise DesignError(
            f"everyone in {people_path.name} is on the list in {folder} already. To draw the last batch again give --reason; it is logged."
        )
    return plan, fresh, len(lists) + 1, len(people) - len(fresh)


def _listed(path: Path, unit: str) -> list[str]:
    found = read(path)
    if unit not in found.columns:
        raise ColumnNotFoundError(unit, found.columns, f"the list {path.name}")
    return found[unit].astype(str).tolist()


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
