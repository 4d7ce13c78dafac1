"""How much of the programme people had: attendance by arm and stratum, and what an instrumented dose would average.

An instrumental-variable slope on a dose is not a dose-response curve: it is a weighted average of the effects of one more session, over levels j with weights
proportional to P(dose >= j | assigned) - P(dose >= j | control) (average causal response). The weights are tabled. Source: Angrist & Imbens (1995), Journal of the
American Statistical Association 90, theorem 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import DataError, MissingDataError, UsageError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.distributions import t_quantile
from trialkit.misuse import explained
from trialkit.results import Note, TableResult
from trialkit.selection.take_up.kinds import Takers, strata_of, takers
from trialkit.trial import ALONE, Trial, rows_text

ALL = "all"
LEVELS = 100


@dataclass(frozen=True)
class DoseResult(TableResult):
    """`.tidy()`: a row an arm and stratum. `.weights`: per level the difference of shares between the arms, and the weight it would have in an IV slope."""

    kind = "dose"

    @property
    def weights(self) -> pd.DataFrame:
        return pd.DataFrame(self.details["weights"], columns=["contrast", "at_least", "share_arm", "share_control", "weight"])

    def _title(self) -> str:
        d = self.details
        return f"Attendance ('{d['dose']}')" + (f" by {', '.join(d['by'])}" if d["by"] else "")


@explained
def dose(
    trial: Trial,
    sessions: str,
    *,
    by: str | Sequence[str] | None = None,
    planned: float | None = None,
    enough: float | None = None,
    conf_level: float = 0.95,
) -> DoseResult:
    """Attendance by arm and stratum: how many came, how often, and how it differs between groups.

    Parameters
    ----------
    sessions : column with the number of sessions (hours, meetings) that each person attended, zero or more. An arm in which all are missing was not offered any.
    by : baseline columns of the strata.
    planned : sessions on offer; more than that is an error.
    enough : sessions that count as having followed the programme.
    conf_level : of the interval of the mean, group-aware.

    Returns
    -------
    DoseResult
        Columns arm, stratum, n, none (share without a session), mean with std_error, df, conf_low, conf_high, sd, p25, median, p75, share_of_planned and enough (share)
        where asked, n_groups and the lowest and highest mean of a group.

    Raises
    ------
    ValueTypeError, DataError, MissingDataError
        Negative sessions, more than planned, or nobody with a value.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 4, "came": [0, 3, 0, 8, 0, 0, 0, 9]})
    >>> found = tk.selection.dose(tk.Trial(d, arm="arm", control="solo"), "came", planned=10)
    >>> found.tidy().set_index("arm").loc["peer", ["none", "mean"]].tolist()
    [0.25, 5.0]
    """
    people = takers(trial, sessions, binary=False)
    if not len(people.rows):
        raise MissingDataError(f"'{sessions}' is missing for everyone: there is no attendance to describe.")
    if planned is not None and not planned > 0:
        raise UsageError(f"planned={planned} must be the number of sessions on offer, above zero.")
    if planned is not None and (trial.values(sessions) > planned).any():
        over = trial.values(sessions) > planned
        raise DataError(
            f"'{sessions}' is above planned={planned:g} in {rows_text(over)}: correct the counts, or the number planned."
        )
    values, labels = strata_of(trial, by, people.rows)
    place = np.array(values)
    notes = list(people.notes)
    rows = []
    for code, label in enumerate(trial.arms):
        inside = people.arm == code
        if not inside.any():
            notes.append(Note("not_offered", f"'{sessions}' is missing for all of arm {label!r}: they count as not offered any."))
            continue
        rows.append(_row(people, inside, str(label), ALL, planned, enough, conf_level))
        rows += [
            _row(people, inside & (place == s), str(label), s, planned, enough, conf_level)
            for s in labels
            if (inside & (place == s)).any()
        ]
    weights = _weights(trial, people, notes)
    text = "who attended more chose to: outcomes by attendance are no effects of it, and an instrumented slope averages the weights given, it is no dose-response."
    notes.append(Note("not_a_dose_response", text))
    names = [by] if isinstance(by, str) else list(by or ())
    details = {"dose": sessions, "by": names, "planned": planned, "enough": enough, "conf_level": conf_level, "weights": weights}
    return DoseResult((), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _row(
    people: Takers, inside: BoolArray, arm: str, stratum: str, planned: float | None, enough: float | None, conf_level: float
) -> Mapping[str, Any]:
    x = people.took[inside]
    mean = float(x.mean())
    se, df = people.spread(np.where(inside, (people.took - mean) / len(x), 0.0), inside) if len(x) > 1 else (math.nan, math.nan)
    half = t_quantile(1 - (1 - conf_level) / 2, df) * se if se > 0 and df > 0 else math.nan
    p25, median, p75 = (float(v) for v in np.quantile(x, (0.25, 0.5, 0.75)))
    row: dict[str, Any] = {
        "arm": arm, "stratum": stratum, "n": len(x), "none": float((x == 0).mean()), "mean": mean, "std_error": se, "df": df, "conf_low": mean - half,
        "conf_high": mean + half, "sd": float(x.std(ddof=1)) if len(x) > 1 else math.nan, "p25": p25, "median": median, "p75": p75,
    }  # fmt: skip
    if planned is not None:
        row["share_of_planned"] = mean / planned
    if enough is not None:
        row["enough"] = float((x >= enough).mean())
    means = _group_means(people, inside)
    low, high = (float(means.min()), float(means.max())) if len(means) else (math.nan, math.nan)
    return row | {"n_groups": len(means), "group_low": low, "group_high": high}


def _group_means(people: Takers, inside: BoolArray) -> FloatArray:
    member = inside & (people.group != ALONE)
    if not member.any():
        return np.empty(0)
    _, codes = np.unique(people.group[member], return_inverse=True)
    return np.asarray(np.bincount(codes.reshape(-1), weights=people.took[member]) / np.bincount(codes.reshape(-1)))


def _weights(trial: Trial, people: Takers, notes: list[Note]) -> list[dict[str, Any]]:
    """Weights of each level in an instrumented slope; arms without values had no sessions."""
    levels = np.unique(people.took[people.took > 0])
    if len(levels) > LEVELS:
        notes.append(
            Note("many_levels", f"'{len(levels)}' different doses: the weights of an instrumented slope are not tabled.")
        )
        return []
    steps = np.diff(np.r_[0.0, levels])
    control = people.took[people.arm == 0] if (people.arm == 0).any() else np.zeros(1)
    rows = []
    for code in range(1, len(trial.arms)):
        x = people.took[people.arm == code] if (people.arm == code).any() else np.zeros(1)
        shares = [(float((x >= v).mean()), float((control >= v).mean())) for v in levels]
        gaps = np.array([a - b for a, b in shares])
        total = float(gaps @ steps)
        name = f"{trial.arms[code]} - {trial.arms[0]}"
        if len(gaps) and gaps.min() < 0:
            text = f"fewer of {trial.arms[code]!r} than of {trial.arms[0]!r} had some doses: a weight below zero, by chance or because the offer lowers some people's dose."
            notes.append(Note("negative_weight", text))
        rows += [
            {
                "contrast": name,
                "at_least": float(v),
                "share_arm": a,
                "share_control": b,
                "weight": float(g * s / total) if total > 0 else math.nan,
            }
            for v, (a, b), g, s in zip(levels, shares, gaps, steps)
        ]
    return rows
