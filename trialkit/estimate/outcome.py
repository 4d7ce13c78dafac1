"""The outcome of an analysis: a column, or a time with its event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import ColumnNotFoundError, MissingDataError, UsageError, ValueTypeError, shown
from trialkit.estimate.measures import MEASURES
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.trial import Trial, rows_text


@dataclass(frozen=True, slots=True)
class Time:
    """A time until an event, with right censoring.

    Time runs from randomization. Somebody without a job at the end of the study is censored then; somebody lost before is censored when last seen.
    The time of losing a job, among those who found one, is no such outcome: who has a job to lose was decided after randomization, so the
    arms compare different people. Take the weeks in work of everyone randomized, or having a job at a date ('Job retention' in docs/methods.md).

    Parameters
    ----------
    time : column of the time from randomization until the event or the end of observation, positive.
    event : column that says how observation ended: 1 the event, 0 censored.
    entry : column of the time at which a person came under observation, where that is later than randomization (0 where it is not).
    competing : column that is 1 where another exit ended the observation (moved away, retired); such people have event 0.

    Examples
    --------
    >>> import trialkit as tk
    >>> str(tk.Time("weeks", "event"))
    'weeks'
    """

    time: str
    event: str
    entry: str | None = None
    competing: str | None = None

    def __str__(self) -> str:
        return self.time

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are given."""
        return tuple(c for c in (self.time, self.event, self.entry, self.competing) if c is not None)


def check_outcome(trial: Trial, outcome: str | Time, measure: str) -> None:
    """The outcome is of the kind that the measure needs, or an error that names the value and the remedy."""
    kind = MEASURES[measure].outcome if measure in MEASURES else "number"
    if isinstance(outcome, Time) != (kind == "time"):
        if kind == "time":
            raise UsageError(f"measure='{measure}' is for a time with its event: write tk.Time('{outcome}', 'event column').")
        able = [m.name for m in MEASURES.values() if m.outcome == "time"]
        raise UsageError(f"a time with its event goes with measure={shown(able, 9)}, not with '{measure}'.")
    if isinstance(outcome, Time):
        check_time(trial, outcome)
    if kind not in ("binary", "count"):
        return
    values = trial.values(str(outcome))
    seen = np.isfinite(values)
    other = seen & (values != 0) & (values != 1) if kind == "binary" else seen & (values < 0)
    if other.any():
        needs = "of 0 and 1" if kind == "binary" else "that is nowhere below zero"
        raise ValueTypeError(
            f"measure='{measure}' needs an outcome {needs}, but '{outcome}' is {values[other][0]:g} in {rows_text(other)}: recode it, or use "
            "measure='mean_difference'."
        )


def check_time(trial: Trial, time: Time) -> None:
    """Times, events, entries and other exits agree with each other, or an error that names rows and remedy.

    Raises
    ------
    UsageError, ColumnNotFoundError, ValueTypeError, MissingDataError
        A column named twice or not there; text or dates; codes other than 0 and 1; times below zero or an event at zero; an entry not before the
        time; an event without a time or a time without an event.
    """
    if len(set(time.columns)) < len(time.columns):
        raise UsageError(
            f"tk.Time names a column twice ({shown(time.columns)}): time, event, entry and competing are different columns."
        )
    for name in time.columns:
        if name not in trial.data.columns:
            raise ColumnNotFoundError(name, trial.data.columns)
    times = trial.values(time.time)
    _check_codes(trial, time.event, "the event", "censored")
    events = trial.values(time.event)
    _check_times(time, times, events)
    if time.competing is not None:
        _check_codes(trial, time.competing, "another exit", "no other exit")
        _check_competing(time, times, events, trial.values(time.competing))
    if time.entry is not None:
        _check_entry(time, times, trial.values(time.entry))


def _check_codes(trial: Trial, name: str, one: str, zero: str) -> None:
    values = trial.values(name)
    other = np.isfinite(values) & (values != 0) & (values != 1)
    if not other.any():
        return
    seen = sorted(set(values[np.isfinite(values)].tolist()))
    found = f"'{name}' holds {shown([int(v) if v.is_integer() else v for v in seen], 6)}"
    means = f"1 means {one} and 0 {zero}"
    if seen == [1.0, 2.0]:
        raise ValueTypeError(
            f"{found}; {means}. Where 2 is the event (as in many files), write data['{name}'] = (data['{name}'] == 2).astype(int); where 1 is, == 1."
        )
    if seen == [0.0, 1.0, 2.0]:
        raise ValueTypeError(
            f"{found}; {means}. Where 2 is another exit, give it a column of its own: data['exit'] = (data['{name}'] == 2).astype(int), "
            f"data['{name}'] = (data['{name}'] == 1).astype(int), and tk.Time(..., competing='exit')."
        )
    raise ValueTypeError(
        f"{found}, first in {rows_text(other)}; {means}. Recode it, and set codes for missing answers to missing."
    )


def _check_times(time: Time, times: FloatArray, events: FloatArray) -> None:
    _refuse(
        times < 0,
        times,
        f"'{time.time}' is below zero",
        "Times run from randomization; a code for missing (-99) is set to missing.",
    )
    _refuse(
        (times == 0) & (events == 1), times, f"'{time.time}' is 0 with the event",
        "The event cannot come before the observation: where the time counts whole periods from 0, add 1 to every time (the first period is 1); "
        "where they had the event before randomization, they were not at risk.",
    )  # fmt: skip
    known = np.isfinite(times)
    lost = known & ~np.isfinite(events)
    if lost.any():
        raise MissingDataError(
            f"'{time.event}' is missing in {rows_text(lost)} that have a time: say 1 where the event ended it and 0 where observation did (censored)."
        )
    timeless = ~known & (events == 1)
    if timeless.any():
        raise MissingDataError(
            f"the event is known but '{time.time}' is missing in {rows_text(timeless)}: give the time. Leaving these people out would drop events only; "
            "to leave a person out, empty the event as well."
        )


def _check_competing(time: Time, times: FloatArray, events: FloatArray, other: FloatArray) -> None:
    lost = np.isfinite(times) & ~np.isfinite(other)
    if lost.any():
        raise MissingDataError(
            f"'{time.competing}' is missing in {rows_text(lost)} that have a time: say 1 for another exit and 0 for none."
        )
    both = (events == 1) & (other == 1)
    if both.any():
        raise ValueTypeError(
            f"{rows_text(both)} have the event and another exit: observation ends once, with '{time.event}' or with '{time.competing}', whichever came first."
        )
    _refuse((times == 0) & (other == 1), times, f"'{time.time}' is 0 with another exit", "They left before they were observed.")


def _check_entry(time: Time, times: FloatArray, entry: FloatArray) -> None:
    known = np.isfinite(times)
    lost = known & ~np.isfinite(entry)
    if lost.any():
        raise MissingDataError(
            f"'{time.entry}' is missing in {rows_text(lost)} that have a time: say 0 for people observed from randomization on."
        )
    _refuse(
        known & (entry < 0),
        entry,
        f"'{time.entry}' is below zero",
        "Entries run from randomization; say 0 for people observed from then on.",
    )
    _refuse(
        known & (times > 0) & (entry >= times), entry, f"'{time.entry}' is not before '{time.time}'",
        "Nobody is observed from after the end: check the two columns, or leave these people's times empty.",
    )  # fmt: skip


def _refuse(where: BoolArray, values: FloatArray, what: str, remedy: str) -> None:
    if where.any():
        raise ValueTypeError(f"{what} ({values[where][0]:g}) in {rows_text(where)}. {remedy}")
