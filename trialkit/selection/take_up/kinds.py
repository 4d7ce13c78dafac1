"""What the functions on take-up have in common: the people, their assignment and take-up, and spreads over groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import ColumnNotFoundError, MissingDataError, UsageError, ValueTypeError
from trialkit.estimate.sample import units_of_variance
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.influence import influence_variance
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial, rows_text

LEVELS = 50


@dataclass(frozen=True, slots=True)
class Takers:
    """The people whose take-up is known.

    Attributes
    ----------
    rows : (n,) positions in the trial's data. arm : (n,) codes. took : (n,). unit : (n,) independent units. group : (n,) codes, -1 alone.
    """

    rows: IntArray
    arm: IntArray
    took: FloatArray
    unit: IntArray
    group: IntArray
    clustered: bool
    notes: tuple[Note, ...]

    def spread(self, values: FloatArray, inside: BoolArray | None = None) -> tuple[float, float]:
        """Standard error and df of a sum of values (n,), over groups or clusters; of the people `inside` only where others have none."""
        use = np.ones(len(values), dtype=bool) if inside is None else inside
        group = None if self.clustered or not (self.group[use] != ALONE).any() else self.group[use]
        found = influence_variance(values=values[use], arm=self.arm[use], unit=self.unit[use], group=group)
        return math.sqrt(found.variance), found.df


def takers(trial: Trial, uptake: str, *, binary: bool = True, outcome: str | None = None) -> Takers:
    """People with a known take-up (and outcome), after checks; two arms are needed for kinds of people."""
    took = trial.values(uptake)
    wrong = np.isfinite(took) & (((took != 0) & (took != 1)) if binary else (took < 0))
    if wrong.any():
        belongs = "0 or 1" if binary else "zero or more"
        raise ValueTypeError(f"'{uptake}' must be {belongs}, but it is {took[wrong][0]:g} in {rows_text(wrong)}.")
    known = np.isfinite(took)
    notes = list(trial.notes)
    if not known.all():
        per_arm = ", ".join(f"{label}: {int((~known & (trial.arm_codes == c)).sum())}" for c, label in enumerate(trial.arms))
        notes.append(
            Note("uptake_missing", counted_people(int((~known).sum()), f"have no '{uptake}' and are left out ({per_arm})."))
        )
    if outcome is not None:
        seen = np.isfinite(trial.values(outcome))
        if (known & ~seen).any():
            notes.append(
                Note("outcome_missing", counted_people(int((known & ~seen).sum()), f"have no '{outcome}' and are left out."))
            )
        known &= seen
    if trial.weights is not None:
        raise UsageError("take-up is described without sampling weights: give a Trial without weights.")
    rows = np.flatnonzero(known)
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    unit = units_of_variance(trial, cluster, group)
    return Takers(rows, trial.arm_codes[rows], took[rows], unit, group, cluster is not None, tuple(notes))


def strata_of(trial: Trial, by: str | Sequence[str] | None, rows: IntArray) -> tuple[list[str], list[str]]:
    """The stratum of each person, and the strata in order; no strata give none."""
    names = [] if by is None else [by] if isinstance(by, str) else list(by)
    for name in names:
        if name not in trial.data.columns:
            raise ColumnNotFoundError(name, trial.data.columns)
        absent = trial.data[name].isna().to_numpy()
        if absent.any():
            raise MissingDataError(
                f"the stratum '{name}' is missing in {rows_text(absent)}: give these people a stratum of their own, such as 'unknown'."
            )
    if not names:
        return [], []
    values = [", ".join(map(str, v)) for v in trial.data[names].iloc[rows].itertuples(index=False)]
    labels = sorted(set(values))
    if len(labels) > LEVELS:
        raise UsageError(f"{', '.join(names)} has {len(labels)} different values: put the people in a few strata first.")
    return values, labels
