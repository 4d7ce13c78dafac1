"""Shares of compliers, never-takers and always-takers, overall and by stratum of vulnerability.

Among the assigned of a stratum the share without take-up are never-takers, among the controls the share with take-up always-takers, and the rest are compliers
(monotonicity: nobody is kept away by the offer). Where allocation shares differ between strata of the randomization people count 1/share. Standard errors come from
influence values summed over groups or clusters (inference/linear/influence.py). Source: Imbens & Angrist (1994), Econometrica 62; Abadie (2003).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.misuse import explained
from trialkit.results import Note, TableResult
from trialkit.selection.take_up.kinds import Takers, strata_of, takers
from trialkit.trial import Trial

KINDS = ("complier", "never_taker", "always_taker")
ALL = "all"


@dataclass(frozen=True)
class TakeUpResult(TableResult):
    """`.tidy()`: a row a stratum and kind of person, everyone first under the stratum 'all'."""

    kind = "take_up"

    def share(self, kind: str, stratum: str = ALL) -> float:
        """The share of 'complier', 'never_taker' or 'always_taker' in a stratum."""
        return float(next(r["share"] for r in self.table if r["kind"] == kind and r["stratum"] == stratum))

    def _title(self) -> str:
        d = self.details
        return f"Take-up of '{d['uptake']}'" + (f" by {', '.join(d['by'])}" if d["by"] else "")


@explained
def take_up(trial: Trial, uptake: str, *, by: str | Sequence[str] | None = None, conf_level: float = 0.95) -> TakeUpResult:
    """Shares of compliers, never-takers and always-takers, by stratum, with simultaneous bands.

    Parameters
    ----------
    trial : two arms. uptake : column of 0 and 1; ones in the control arm make the non-compliance two-sided.
    by : baseline columns of the strata; by default none.
    conf_level : of the band of each kind of person, simultaneous over the strata (Sidak).

    Returns
    -------
    TakeUpResult
        Columns stratum, kind, n_assigned, n_control, share, std_error, df, conf_low, conf_high, and difference (from the other strata together) with difference_se,
        difference_low, difference_high (simultaneous too) and p_value (not corrected for the number of strata). Bands are cut at 0 and 1.

    Raises
    ------
    UsageError, ValueTypeError, MissingDataError, ColumnNotFoundError
        More than two arms, take-up that is not 0 and 1, strata that are missing.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "came": [0, 1, 0, 0, 0, 1, 0, 1] * 25, "debts": ["yes", "yes", "no", "no"] * 50})
    >>> found = tk.selection.take_up(tk.Trial(d, arm="arm", control="solo"), "came", by="debts")
    >>> [round(found.share("never_taker", debts), 3) for debts in ("no", "yes")]
    [0.5, 0.0]
    """
    if len(trial.arms) != 2:
        raise UsageError("kinds of people are told apart by two arms: make a Trial of the two you mean.")
    people = takers(trial, uptake)
    values, labels = strata_of(trial, by, people.rows)
    weights = _weights(trial, people)
    place = np.array(values) if labels else np.zeros(len(people.arm))
    level = conf_level ** (1 / max(len(labels), 1))
    notes = list(people.notes)
    everyone = np.ones(len(people.arm), dtype=bool)
    rows = _rows(people, weights, ALL, everyone, None, conf_level, notes)
    for label in labels:
        inside = place == label
        rows += _rows(people, weights, label, inside, ~inside if len(labels) > 1 else None, level, notes)
    names = [by] if isinstance(by, str) else list(by or ())
    details = {"uptake": uptake, "by": names, "conf_level": conf_level, "level_each": level, "n": len(people.arm)}
    return TakeUpResult((), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _weights(trial: Trial, people: Takers) -> FloatArray:
    """1/share of the own arm in the stratum of the randomization."""
    stratum: IntArray = trial.codes(*trial.strata)[people.rows] if trial.strata else np.zeros(len(people.rows), dtype=np.int64)
    size = int(stratum.max()) + 1
    counts = np.column_stack([np.bincount(stratum[people.arm == a], minlength=size) for a in (0, 1)])
    if (counts[counts.sum(axis=1) > 0] == 0).any():
        return np.ones(len(stratum))
    return np.asarray(1 / (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[stratum, people.arm])


def _rows(
    people: Takers, weights: FloatArray, label: str, inside: BoolArray, others: BoolArray | None, level: float, notes: list[Note]
) -> list[Mapping[str, Any]]:
    arms = [int((inside & (people.arm == a)).sum()) for a in (0, 1)]
    size = {"n_assigned": arms[1], "n_control": arms[0]}
    if min(arms) == 0:
        notes.append(
            Note("stratum_one_arm", f"stratum '{label}' has people of one arm only: kinds of people cannot be told apart there.")
        )
        return [{"stratum": label, "kind": k, **size, **_interval(math.nan, math.nan, math.nan, level)} for k in KINDS]
    here = _shares(people, weights, inside)
    compared = others is not None and min(int((others & (people.arm == a)).sum()) for a in (0, 1)) > 0
    there = _shares(people, weights, others) if others is not None and compared else None
    if here["complier"][0] < 0:
        text = f"take-up is lower among the assigned in stratum '{label}': the share of compliers below zero is chance, or the offer kept people away."
        notes.append(Note("negative_share", text))
    rows: list[Mapping[str, Any]] = []
    for kind in KINDS:
        share, influence = here[kind]
        se, df = people.spread(influence, inside)
        row = {"stratum": label, "kind": kind, **size, **_interval(share, se, df, level)}
        if not se > 0 and kind != "always_taker":
            notes.append(
                Note(
                    "no_interval",
                    f"the share of {kind.replace('_', '-')}s is {round(share, 10):g} without variation in stratum '{label}': it has no interval, and no test against the others.",
                )
            )
        if there is not None:
            gap = share - there[kind][0]
            known = se > 0  # without variation in the stratum its own share of the error is missing, not zero
            se, df = people.spread(influence - there[kind][1]) if known else (math.nan, math.nan)
            test = t_test(gap, se, df, level)
            row |= {"difference": gap, "difference_se": se, "difference_low": test.conf_low, "difference_high": test.conf_high, "p_value": test.p_value}  # fmt: skip
        rows.append(row)
    return rows


def _shares(people: Takers, weights: FloatArray, inside: BoolArray) -> dict[str, tuple[float, FloatArray]]:
    """Each share and the values (n,) that sum to its error."""
    parts = []
    for arm in (0, 1):
        w = np.where(inside & (people.arm == arm), weights, 0.0)
        w = w / w.sum()
        share = float(w @ people.took)
        parts.append((share, w * (people.took - share)))
    (always, a), (came, c) = parts
    return {"complier": (came - always, c - a), "never_taker": (1 - came, -c), "always_taker": (always, a)}


def _interval(share: float, se: float, df: float, level: float) -> dict[str, float]:
    half = t_quantile(1 - (1 - level) / 2, df) * se if se > 0 and df > 0 else math.nan
    low, high = share - half, share + half
    return {"share": share, "std_error": se, "df": df, "conf_low": float(np.maximum(low, 0.0)), "conf_high": float(np.minimum(high, 1.0))}  # fmt: skip
