"""Bounds of the effect of assignment on compliers, never-takers and always-takers, without an exclusion restriction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, UsageError
from trialkit.estimate.strata import shares_differ
from trialkit.inference.bounds.lee_bounds import imbens_manski
from trialkit.inference.take_up.principal_strata import KindBounds, principal_bounds
from trialkit.misuse import explained
from trialkit.results import Note, TableResult
from trialkit.selection.take_up.kinds import Takers, takers
from trialkit.trial import Trial


@dataclass(frozen=True)
class PrincipalStrata(TableResult):
    """`.tidy()`: a row a kind of person with its share and the bounds of the effect of assignment on it."""

    kind = "principal_strata"

    def bounds(self, kind: str) -> tuple[float, float]:
        """Lower and upper bound for 'complier', 'never_taker' or 'always_taker'."""
        row = next(r for r in self.table if r["kind"] == kind)
        return float(row["lower"]), float(row["upper"])

    def _title(self) -> str:
        d = self.details
        return (
            f"Effect of {d['contrast']} on {d['outcome']} by kind of person (take-up '{d['uptake']}'): bounds under monotonicity"
        )


@explained
def principal_strata(trial: Trial, outcome: str, *, uptake: str, conf_level: float = 0.95) -> PrincipalStrata:
    """Bounds of the intention-to-treat effect on compliers, never-takers and always-takers.

    Nothing is assumed about whether the offer does something to people who do not change what they do (no exclusion restriction), only that it keeps nobody
    away. `tk.cace` assumes that effects on never- and always-takers are zero; where their bounds exclude zero that assumption fails.

    Parameters
    ----------
    trial : two arms. outcome : numeric column. uptake : column of 0 and 1.
    conf_level : of the interval for the effect itself (Imbens & Manski), not for the whole set of bounds.

    Returns
    -------
    PrincipalStrata
        Columns kind, share, share_se, lower, upper, se_lower, se_upper, conf_low, conf_high, df. People without outcome or take-up are left out, with a note.

    Raises
    ------
    NotIdentifiedError
        Take-up that is not higher among the assigned.
    UsageError, EstimationError, ValueTypeError
        More than two arms, shares of arms that differ between strata, an outcome without variation, take-up that is not 0 and 1.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 200, "y": rng.normal(size=400)})
    >>> d["came"] = ((d["arm"] == "peer") & (rng.random(400) < 0.7)) * 1
    >>> found = tk.selection.principal_strata(tk.Trial(d, arm="arm", control="solo"), "y", uptake="came")
    >>> low, high = found.bounds("never_taker")
    >>> low < 0 < high
    True
    """
    if len(trial.arms) != 2:
        raise UsageError("kinds of people are told apart by two arms: make a Trial of the two you mean.")
    people = takers(trial, uptake, outcome=outcome)
    y = trial.values(outcome)[people.rows]
    if len(y) < 4 or np.ptp(y) <= 1e-12 * max(1.0, float(np.abs(y).max())):
        raise EstimationError(
            f"'{outcome}' does not vary among the {len(y)} people whose take-up is known: there is nothing to bound."
        )
    if trial.strata and shares_differ(trial):
        raise UsageError(
            "the shares of the arms differ between strata: bounds mix them up. Make a Trial of each stratum, or of those with the same shares."
        )
    try:
        kinds = principal_bounds(y=y, assigned=people.arm == 1, took=people.took == 1)
    except ValueError as error:
        raise NotIdentifiedError(f"'{uptake}' is not higher in {trial.arms[1]!r} than in {trial.arms[0]!r}: without compliers the kinds cannot be told apart.") from error  # fmt: skip
    notes = [*people.notes, Note("monotonicity", "assumed: nobody who would take part unassigned stays away when assigned.")]
    rows = [_row(people, k, conf_level, notes) for k in kinds]
    details = {
        "outcome": outcome,
        "uptake": uptake,
        "contrast": f"{trial.arms[1]} - {trial.arms[0]}",
        "conf_level": conf_level,
        "n": len(y),
    }
    return PrincipalStrata((), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _row(people: Takers, k: KindBounds, conf_level: float, notes: list[Note]) -> Mapping[str, Any]:
    share_se, _ = people.spread(k.share_values)
    row = {"kind": k.kind, "share": k.share, "share_se": share_se, "lower": k.lower, "upper": k.upper}
    empty = dict.fromkeys(("se_lower", "se_upper", "conf_low", "conf_high", "df"), math.nan)
    if not (math.isfinite(k.lower) and math.isfinite(k.upper)):
        if k.share > 0:
            notes.append(Note("too_few", f"too few people are seen as {k.kind.replace('_', '-')}s to bound the effect on them."))
        else:
            notes.append(Note("no_such_people", f"there are no {k.kind.replace('_', '-')}s among these people."))
        return row | empty
    (se_low, df_low), (se_high, df_high) = people.spread(k.lower_values), people.spread(k.upper_values)
    if not (se_low > 0 and se_high > 0):
        notes.append(Note("no_interval", f"outcomes of {k.kind.replace('_', '-')}s do not vary: their bounds have no interval."))
        return row | empty
    df = min(df_low, df_high)
    low, high = imbens_manski(lower=k.lower, upper=k.upper, se_lower=se_low, se_upper=se_high, conf_level=conf_level, df=df)
    return row | {"se_lower": se_low, "se_upper": se_high, "conf_low": low, "conf_high": high, "df": df}
