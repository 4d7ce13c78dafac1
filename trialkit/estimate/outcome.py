"""The outcome of an analysis: a column, or a time with its event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.errors import UsageError, ValueTypeError
from trialkit.estimate.measures import MEASURES
from trialkit.trial import Trial, rows_text


@dataclass(frozen=True, slots=True)
class Time:
    """A time until an event, with right censoring.

    Parameters
    ----------
    time : column of the time from randomization until the event or the end of observation, positive.
    event : column that says how observation ended: 1 the event, 0 censored.
    entry : column of the time at which a person came under observation, where that is later than randomization.
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


def check_outcome(trial: Trial, outcome: str | Time, measure: str) -> None:
    """The outcome is of the kind that the measure needs, or an error that names the value and the remedy."""
    kind = MEASURES[measure].outcome if measure in MEASURES else "number"
    if isinstance(outcome, Time) != (kind == "time"):
        if kind == "time":
            raise UsageError(f"measure='{measure}' is for a time with its event: write tk.Time('{outcome}', 'event column').")
        raise UsageError(
            f"a time with its event goes with measure='hazard_ratio', 'rmst_difference' or 'rmst_ratio', not with '{measure}'."
        )
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
