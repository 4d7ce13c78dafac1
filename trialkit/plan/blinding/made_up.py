"""Real data with arms that are made up: the plan's design draws them anew, and what would tell the real ones is taken out first.

Taken out are the arm, the group, the facilitator and the take-up, and every column that the plan does not name. In arms with groups the design forms new ones,
whose members are made alike at the plan's ICC (alike.py): without that, an analysis that ignores groups would pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialkit.design.base import Design
from trialkit.errors import DataError, PlanError, UsageError
from trialkit.inference.arrays import IntArray
from trialkit.io import labels
from trialkit.io.frames import numeric
from trialkit.plan.blinding.alike import made_alike
from trialkit.plan.locking.expected import data_problems, expected_columns
from trialkit.plan.planned.prepare import Prepared, load_data, prepare, with_indices
from trialkit.plan.planned.randomization import design_of
from trialkit.plan.schema.outcomes import Outcome
from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["MadeUp", "made_up", "secret_columns"]


def secret_columns(spec: PlanSpec) -> tuple[str, ...]:
    """Columns whose role in the plan tells the arm: the arm, and what exists in one arm only."""
    d = spec.data
    found = [d.arm, d.facilitator, d.uptake]
    if spec.grouped_arms:
        found.append(d.group)
    return tuple(c for c in found if c is not None)


@dataclass(frozen=True)
class MadeUp:
    """Data from which the real arms are gone, and who can be drawn into new ones.

    Attributes
    ----------
    spec : the plan. base : the data scored, with the arms of the first draw and no groups made alike yet.
    design : who draws. seed : of everything drawn here; draw i follows from it and i alone.
    icc, take_up : of made-up groups, and in made-up arms. left_out : columns of the data that no analysis sees.
    """

    spec: PlanSpec
    base: Prepared
    design: Design
    seed: int
    icc: float
    take_up: float
    left_out: tuple[str, ...]

    def redrawn(self, draw: int) -> Prepared:
        """The data with the arms and groups of this draw."""
        frame = self.base.trial.data.drop(columns=[self.spec.value_column(o) for o in self.spec.outcomes if o.index is not None])
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(draw, 1)))
        frame, unit = _with_arms(self.spec, frame, self.design, self.seed, draw, self.take_up, rng)
        for values, event in _followed(self.spec).items():
            _make_alike(frame, values, event, unit, self.icc, rng)
        trial, made, _ = with_indices(self.spec, frame, self.base.directions)
        return replace(self.base, trial=trial, indices=made)


def made_up(
    spec: PlanSpec,
    data: Any,
    *,
    seed: int,
    folder: Path | None = None,
    icc: float | None = None,
    take_up: float | None = None,
    design: Design | None = None,
) -> MadeUp:
    """Take the real arms out of the data and make ready to draw others.

    Parameters
    ----------
    spec : the plan. data : a path or any data frame; the arm, the group, the facilitator and the take-up may be absent already.
    seed : of everything that is made up.
    folder : where files named in the plan are.
    icc : of made-up groups; unsaid: [design] assumptions. take_up : share of the made-up arm that took part; unsaid: likewise, or everyone.
    design : instead of the plan's [design], on these people and with the plan's arms.

    Raises
    ------
    DataError
        The data lack columns of the plan.
    PlanError
        Groups are to be made up and the plan does not say how large they are, or assumes no ICC.
    """
    loaded = load_data(spec, data)
    frame = loaded.frame
    _check(spec, frame, folder)
    kept = _named_columns(spec, frame, folder)
    left_out = tuple(str(c) for c in frame.columns if c not in kept)
    frame = frame[kept]
    said = _icc(spec, icc)
    share = take_up if take_up is not None else spec.design.assumptions.take_up
    share = 1.0 if share is None else share
    drawn_by = design_of(spec, frame) if design is None else design
    _check_groups(spec, drawn_by)
    first, _ = _with_arms(spec, frame, drawn_by, seed, 0, share, np.random.default_rng(seed))
    ready = prepare(spec, first, folder=folder)
    return MadeUp(spec, replace(ready, source=loaded.source), drawn_by, seed, said, share, left_out)


def _check(spec: PlanSpec, frame: pd.DataFrame, folder: Path | None) -> None:
    secret = secret_columns(spec)
    wanted = [c for c in expected_columns(spec, folder) if c.name not in secret]
    problems = data_problems(wanted, list(frame.columns), labels=labels.variable_labels(frame))
    if problems:
        raise DataError(problems[0] + (f" Also: {' '.join(problems[1:])}" if len(problems) > 1 else ""))


def _named_columns(spec: PlanSpec, frame: pd.DataFrame, folder: Path | None) -> list[str]:
    """Columns that the plan names and that do not tell the arm, in the order of the data."""
    names = {c.name for c in expected_columns(spec, folder)}
    design, groups = spec.design, spec.design.groups
    names |= {*design.match, *design.balance_on}
    if groups is not None:
        names |= {*groups.alike, *groups.mixed, *groups.within}
        names |= {c for c in (groups.keep_together, groups.keep_apart) if c is not None}
    patterns = [re.compile(r"\w+".join(re.escape(p) for p in re.split(r"\{item[^}]*\}", name))) for name in names]
    secret = secret_columns(spec)
    return [c for c in frame.columns if c not in secret and any(p.fullmatch(str(c)) for p in patterns)]


def _icc(spec: PlanSpec, said: float | None) -> float:
    if not spec.grouped_arms:
        return 0.0
    found = said if said is not None else spec.design.assumptions.icc
    if found is None:
        raise PlanError(
            "the plan assumes no intraclass correlation for the groups that are made up: write icc under [design] assumptions, or say icc= (--icc), as in 0.05. "
            "With 0 the run would also pass an analysis that ignores groups."
        )
    if not 0 <= found < 1:
        raise UsageError(f"icc={found:g}: an intraclass correlation lies from 0 up to 1.")
    return float(found)


def _check_groups(spec: PlanSpec, design: Design) -> None:
    if spec.grouped_arms and not hasattr(design, "formation"):
        raise PlanError(
            "new groups are to be formed, and the plan does not say how large they are: write, for instance, groups = { size = [10, 15] } under [design]."
        )


def _with_arms(
    spec: PlanSpec, frame: pd.DataFrame, design: Design, seed: int, draw: int, take_up: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, IntArray]:
    """The data with drawn arms, groups, facilitators and take-up, and the group of each person (-1 without)."""
    d = spec.data
    # a draw of its own stream: nothing is drawn twice, and no draw depends on how many there are
    own = int(np.random.SeedSequence(seed, spawn_key=(draw, 0)).generate_state(1, np.uint64)[0] >> 11)
    drawn = design.draw_many(1, seed=own)
    place = design.positions(frame[d.unit])
    codes = drawn.arms[0][place].astype(np.int64)
    arms = np.array([str(a) for a in design.arms], dtype=object)[codes]
    made: dict[str, Any] = {d.arm: arms}
    unit = np.full(len(frame), -1, dtype=np.int64) if drawn.groups is None else drawn.groups[0][place].astype(np.int64)
    if spec.grouped_arms and d.group is not None:
        made[d.group] = _named("made-up", unit)
    if d.facilitator is not None:
        made[d.facilitator] = _named("leader", unit)
    if d.uptake is not None:
        made[d.uptake] = ((arms != spec.control) & (rng.random(len(frame)) < take_up)).astype(int)
    return frame.assign(**made), unit


def _named(what: str, unit: IntArray) -> pd.Series:
    return pd.Series([None if u < 0 else f"{what}-{u + 1:03d}" for u in unit.tolist()], dtype=object)


def _followed(spec: PlanSpec) -> dict[str, str | None]:
    """Columns measured after groups began to meet, that planned effects are on, each with the event of a time."""
    found: dict[str, str | None] = {}
    for outcome in spec.outcomes:
        if outcome.index is None:
            found[spec.value_column(outcome)] = outcome.event
        found |= {column: None for column, part in spec.components(outcome).items() if part is None}
    found |= dict.fromkeys(spec.mediator_column(m) for m in spec.mediation)
    before = _before(spec, spec.outcomes)
    return {c: e for c, e in found.items() if c not in before}


def _before(spec: PlanSpec, outcomes: Iterable[Outcome]) -> set[str]:
    named = {spec.baseline_column(o) for o in outcomes} | {c for o in outcomes for c in spec.adjust_for(o)}
    return {c for c in named if c is not None}


def _make_alike(
    frame: pd.DataFrame, column: str, event: str | None, unit: IntArray, icc: float, rng: np.random.Generator
) -> None:
    """Give the members of each group outcomes that are alike; a time goes with its event."""
    if icc == 0 or not (unit >= 0).any():
        return
    values = np.asarray(numeric(frame[column], column), dtype=float)
    known = np.isfinite(values)
    if event is not None:
        known &= frame[event].notna().to_numpy()
    rows = np.flatnonzero(known)
    if len(rows) < 2:
        return
    source = rows[made_alike(values[rows], values[rows], unit[rows], icc, rng)]
    moved = values.copy()
    moved[rows] = values[source]
    frame[column] = moved
    if event is not None:
        events = np.asarray(numeric(frame[event], event), dtype=float)
        changed = events.copy()
        changed[rows] = events[source]
        frame[event] = changed
