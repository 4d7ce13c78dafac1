"""The people of a time outcome as arrays: the sample of `sample.py` with events, entries and other exits beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trialkit.errors import EstimationError, UsageError, shown
from trialkit.estimate.averages import apply_average
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.outcome import Time
from trialkit.estimate.parts import kept_rows
from trialkit.estimate.request import Average
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.results import Note
from trialkit.trial import Trial

TIE = 1e-8
MUCH_MISSING = 0.2


@dataclass(frozen=True, slots=True)
class TimeSample:
    """Arrays of the n people with a time.

    Attributes
    ----------
    people : the sample, whose outcome is the time. asked : the columns.
    event, other : (n,) True where the event, or another exit, ended the observation; `other` is None without a column for it.
    entry : (n,) or None.
    """

    people: Sample
    asked: Time
    event: BoolArray
    other: BoolArray | None
    entry: FloatArray | None

    @property
    def time(self) -> FloatArray:
        return self.people.y

    def part(self, inside: BoolArray) -> dict[str, Any]:
        """Keywords of the kernels of one sample, for some of the people."""
        s = self.people
        return {
            "time": s.y[inside], "event": self.event[inside], "other": None if self.other is None else self.other[inside],
            "entry": None if self.entry is None else self.entry[inside], "weights": None if s.weights is None else s.weights[inside],
        }  # fmt: skip

    def averaged(self, average: Average) -> TimeSample:
        """With average='group' every group counts the same."""
        return replace(self, people=apply_average(self.people, average))


def time_sample(trial: Trial, time: Time, adjust: tuple[str, ...], covariate_missing: CovariateMissing) -> TimeSample:
    """People with a time above zero, with notes on those left out."""
    _check_roles(trial, time, adjust)
    s = sample(trial, time.time, adjust, covariate_missing)
    observed = s.y > 0
    notes = list(s.notes) + _missing_notes(trial, time)
    if not observed.all():
        text = f"{int((~observed).sum())} people have time 0 without the event: they were never observed and are left out."
        notes.append(Note("no_follow_up", text))
    s = kept_rows(replace(s, notes=tuple(notes)), observed)
    for code, label in enumerate(s.arms):
        if int((s.arm == code).sum()) < 2:
            raise EstimationError(
                f"arm {label!r} has fewer than two people with a '{time.time}' above zero: there is nothing to compare."
            )
    event = trial.values(time.event)[s.rows] == 1
    other = None if time.competing is None else trial.values(time.competing)[s.rows] == 1
    entry = None if time.entry is None else trial.values(time.entry)[s.rows]
    if not event.any():
        raise EstimationError(f"nobody has the event: '{time.event}' is 0 for everyone, so there is nothing to compare.")
    times, entry = _snapped(s.y, entry)
    return TimeSample(replace(s, y=times), time, event, other, entry)


def _check_roles(trial: Trial, time: Time, adjust: tuple[str, ...]) -> None:
    taken = [a for a in adjust if a in time.columns]
    if taken:
        raise UsageError(f"adjust holds {shown(taken)}, which tk.Time uses for the outcome: leave it out of adjust.")
    roles = [c for c in time.columns if c in (trial.arm, trial.group, trial.unit, trial.weights, trial.cluster)]
    if roles:
        raise UsageError(f"{shown(roles)} of tk.Time already has another role in the trial.")


def _missing_notes(trial: Trial, time: Time) -> list[Note]:
    """Many people without a time: often those to whom something had to happen first."""
    absent = ~np.isfinite(trial.values(time.time))
    shares = [(label, float(absent[trial.arm_codes == c].mean())) for c, label in enumerate(trial.arms)]
    much = [f"{100 * share:.0f} % of {label}" for label, share in shares if share > MUCH_MISSING]
    if not much:
        return []
    text = (
        f"{' and '.join(much)} have no '{time.time}'. Where something had to happen first (a job, before it can be lost), the arms compare people who "
        "were selected after randomization: that is no effect of assignment ('Job retention' in docs/methods.md)."
    )
    return [Note("selected_after_randomization", text)]


def _snapped(times: FloatArray, entry: FloatArray | None) -> tuple[FloatArray, FloatArray | None]:
    """Times closer together than rounding (1e-8 of their size) made equal, so that 0.1 + 0.2 and 0.3 are tied."""
    both = times if entry is None else np.concatenate([times, entry])
    found, place = np.unique(both, return_inverse=True)
    opens = np.diff(found, prepend=-np.inf) > TIE * np.maximum(found, np.median(found))
    first = found[np.flatnonzero(opens)][np.cumsum(opens) - 1][place.reshape(-1)]
    return first[: len(times)], None if entry is None else first[len(times) :]
