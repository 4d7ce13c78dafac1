"""Adverse events by arm: how many people had them, how many were not asked, and what none at all still leaves open.

The unit is the person: who has had an event at least once. The difference between arms is the group-aware difference in shares; where an arm has no event the
standard error of a difference says nothing, so upper limits by arm stand in its place (the rule of three, see `rare.zero_events`). Nobody looks at harms with
the power to exclude them, so a difference whose interval covers zero is never 'safe': the limits are what can be said (CONSORT Harms 2022, items 17 and 21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError, TrialkitError, UsageError, nearest, shown
from trialkit.estimate.itt import itt
from trialkit.estimate.outcomes.rare import shared_sizes, zero_events
from trialkit.estimate.strata import shares_differ
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, TableResult
from trialkit.trial import Trial

KINDS = ("event", "kind", "type")
SERIOUS = "serious"
ANY, ANY_SERIOUS = "any event", "any serious event"


@dataclass(frozen=True)
class Harms(TableResult):
    """Adverse events: a row an event and arm in `.table`, a row an event and contrast in `.estimates`.

    Table columns: event, arm, people, not_assessed, with_event, events (None for columns of 0 and 1), share, limit (upper limit of the share, one-sided at
    `conf_level`, people of a group or randomized cluster taken to fare alike, where no event was seen).
    """

    kind = "harms"

    def tidy(self) -> pd.DataFrame:
        """The table by event and arm; `.differences()` has the comparisons."""
        return super().tidy()

    def differences(self) -> pd.DataFrame:
        """Difference in the share of people with the event, arm minus control, where both have some."""
        return super(TableResult, self).tidy()

    def _title(self) -> str:
        return "Adverse events by arm"


@explained
def harms(
    trial: Trial,
    *,
    columns: Sequence[str] = (),
    events: pd.DataFrame | None = None,
    unit: str | None = None,
    conf_level: float = 0.95,
) -> Harms:
    """People with adverse events by arm, the difference between arms, and upper limits where there were none.

    Parameters
    ----------
    trial : the trial. columns : columns of its data that count events of a person (or say 0 and 1); missing is 'not assessed'.
    events : a list with one row an event: the person in the trial's `unit` column, the kind in `event` (or `kind`, `type`), and if known `serious` (0 and 1). People
        who are not in it had none, so a list cannot say who was not assessed. unit : name of the person's column in the list; by default that of the trial.
    conf_level : of intervals and of the one-sided limits.

    Returns
    -------
    Harms
        `.tidy()` by event and arm, `.differences()` by event and contrast. A list of events also gives 'any event' and, with `serious`, 'any serious event'.

    Raises
    ------
    UsageError, DataError
        Neither columns nor events; a list without the person's column, or with people who are not in the trial; counts below zero.

    Notes
    -----
    The difference is `tk.itt(..., measure="risk_difference", estimator="difference_in_means")`, group-aware and averaged over strata where the arms' shares
    differ by stratum; otherwise the exact-score interval is used, which also holds when an arm has no event. Nothing is adjusted for several events: harms are described, and a correction would hide them.

    Examples
    --------
    >>> data = pd.DataFrame({"arm": [0, 1] * 30, "loan": [0] * 59 + [1]})
    >>> found = harms(tk.Trial(data, arm="arm", control=0), columns=["loan"])
    >>> found.tidy()[["arm", "with_event", "people"]].to_dict("list")
    {'arm': [0, 1], 'with_event': [0, 1], 'people': [30, 30]}
    """
    columns = [columns] if isinstance(columns, str) else list(columns)
    if not columns and events is None:
        raise UsageError("harms needs columns that count events, or events, a list with one row an event.")
    counted: dict[str, tuple[FloatArray, bool]] = {name: _column(trial, name) for name in columns}
    if events is not None:
        counted |= _listed(trial, events, unit)
    rows: list[dict[str, Any]] = []
    estimates: list[Estimate] = []
    notes: list[Note] = []
    for name, (count, counts) in counted.items():
        mine = [_arm(trial, name, count, counts, a, conf_level) for a in range(len(trial.arms))]
        rows += mine
        found, told = _difference(trial, name, count, conf_level, mine)
        estimates += found
        notes += told
    details = {"conf_level": conf_level, "events": list(counted)}
    return Harms(tuple(estimates), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _column(trial: Trial, name: str) -> tuple[FloatArray, bool]:
    """Counts of a column, NaN where nobody asked, and whether they count more than whether."""
    values = trial.values(name)
    if (values[np.isfinite(values)] < 0).any():
        raise DataError(
            f"'{name}' has counts of events below zero: give such codes as missing, with missing_codes when the file is read."
        )
    return values, bool((values[np.isfinite(values)] > 1).any())


def _listed(trial: Trial, events: pd.DataFrame, unit: str | None) -> dict[str, tuple[FloatArray, bool]]:
    """Counts by kind from a list with one row an event."""
    person = unit or trial.unit
    if person is None:
        raise UsageError("a list of events needs the person of each: name the trial's unit=, or unit= here.")
    if person not in events.columns:
        near = nearest(str(person), [str(c) for c in events.columns])
        raise DataError(
            f"the list of events has no column '{person}'; it has {shown(events.columns)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    place = {_key(v): i for i, v in enumerate(_people(trial, str(person)))}
    rows = [place.get(_key(v), -1) for v in events[person]]
    unknown = [v for v, i in zip(events[person], rows) if i < 0]
    if unknown:
        raise DataError(f"{len(unknown)} events are of people who are not in the trial: {shown(unknown)}. Check '{person}'.")
    at = np.asarray(rows, dtype=np.int64)
    n = trial.n
    found = {ANY: np.bincount(at, minlength=n).astype(float)}
    if SERIOUS in events.columns:
        serious = pd.to_numeric(events[SERIOUS], errors="coerce").to_numpy(dtype=float)
        if not np.isin(serious, (0.0, 1.0)).all():
            raise DataError(
                f"'{SERIOUS}' of the list of events is 0 or 1 in every row; it has {shown(events[SERIOUS].unique())}."
            )
        found[ANY_SERIOUS] = np.bincount(at, weights=serious, minlength=n)
    which = next((k for k in KINDS if k in events.columns), None)
    if which is not None:
        kind = events[which].astype("object").where(events[which].notna(), "not said")
        for name in dict.fromkeys(kind):
            found[str(name)] = np.bincount(at[(kind == name).to_numpy()], minlength=n).astype(float)
    return {name: (count, True) for name, count in found.items()}


def _people(trial: Trial, person: str) -> list[Any]:
    column = trial.unit or person
    if column not in trial.data:
        raise DataError(f"the trial has no column '{column}' to find the people of the list of events by.")
    return list(trial.data[column])


def _key(value: Any) -> str:
    """1, 1.0 and '1' are the same person."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _arm(trial: Trial, name: str, count: FloatArray, counts: bool, arm: int, conf_level: float) -> dict[str, Any]:
    inside = trial.arm_codes == arm
    asked = inside & np.isfinite(count)
    people, who = int(asked.sum()), int((count[asked] > 0).sum())
    return {
        "event": name, "arm": trial.arms[arm], "people": people, "not_assessed": int((inside & ~asked).sum()), "with_event": who,
        "events": int(count[asked].sum()) if counts else None, "share": who / people if people else np.nan,
        "limit": _limit(trial, asked, conf_level) if people and not who else None,
    }  # fmt: skip


def _limit(trial: Trial, asked: np.ndarray, conf_level: float) -> float:
    return zero_events(int(asked.sum()), sizes=shared_sizes(trial, asked), conf_level=conf_level).upper_groups


def _difference(
    trial: Trial, name: str, count: FloatArray, conf_level: float, arms: list[dict[str, Any]]
) -> tuple[list[Estimate], list[Note]]:
    """The difference in shares, or a note why there is none."""
    by_parts = trial.group is not None or trial.cluster is not None or (bool(trial.strata) and shares_differ(trial))
    none = [a for a in arms if not a["with_event"]]
    not_asked = [a["arm"] for a in arms if not a["people"]]
    if not_asked:
        return [], [Note("not_assessed", f"'{name}' was not assessed in {shown(not_asked)}.")]
    if len(none) == len(arms) or (none and by_parts):
        who = "in any arm" if len(none) == len(arms) else f"in {shown([a['arm'] for a in none])}"
        limits = "; ".join(f"{a['arm']}: at most {100 * a['limit']:.2g} %" for a in none)
        return [], [
            Note(
                "zero_events",
                f"no one {who} had '{name}': no difference is estimated; limits of the share, one-sided at {100 * conf_level:g} %: {limits}.",
            )
        ]
    had = trial.with_columns({name: np.where(np.isfinite(count), (count > 0).astype(float), np.nan)})
    try:
        found = itt(
            had, name, estimator="difference_in_means" if by_parts else "exact", measure="risk_difference", conf_level=conf_level
        )
    except TrialkitError as error:
        return [], [Note("no_difference", f"no difference in '{name}': {error}")]
    return [replace(e, outcome=name) for e in found.estimates], list(found.notes)
