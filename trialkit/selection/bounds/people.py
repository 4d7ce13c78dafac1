"""Everyone randomized to two arms, observed or not, as arrays for bounds."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import MissingDataError, UsageError, nearest
from trialkit.estimate.parts import two_arms
from trialkit.estimate.request import arm_pairs
from trialkit.estimate.response.value_errors import check_units, error_of_values
from trialkit.estimate.sample import Sample, units_of_variance
from trialkit.estimate.strata import shares_differ, strata_codes
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.results import Note
from trialkit.selection.attrition.breakdown import undeclared_codes
from trialkit.trial import ALONE, Trial


@dataclass(frozen=True, slots=True)
class People:
    """Two arms (codes 0 and 1). `sample.y` is 0 where not observed; `weights` are ones without any; `plain` says that they are."""

    sample: Sample
    observed: BoolArray
    weights: FloatArray
    plain: bool

    @property
    def treated(self) -> BoolArray:
        return self.sample.arm == 1

    @property
    def arms(self) -> tuple[Hashable, Hashable]:
        return self.sample.arms[0], self.sample.arms[1]

    def errors(self, values: FloatArray) -> tuple[float, float]:
        """Standard error and df of first-order values, counting groups or clusters (CR2) or people (HC2)."""
        if not np.abs(values).max() > 0:
            return 0.0, math.nan
        std_error, df, _ = error_of_values(self.sample, values)
        return std_error, df

    def row(self, outcome: str) -> dict[str, Any]:
        """What every row says of the people."""
        s, w = self.sample, self.weights
        shares = [float(w[self.observed & a].sum() / w[a].sum()) for a in (~self.treated, self.treated)]
        means = [float(w[who] @ s.y[who] / w[who].sum()) for who in (self.observed & ~self.treated, self.observed & self.treated)]
        return {
            "outcome": outcome, "contrast": f"{s.arms[1]} - {s.arms[0]}", "observed_difference": means[1] - means[0],
            "share_observed_arm": shares[1], "share_observed_control": shares[0], "n": s.n, "n_observed": int(self.observed.sum()),
            "n_clusters": s.n_clusters, "n_groups": s.groups_in(s.arm >= 0),
        }  # fmt: skip


def checked_outcomes(outcome: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    names = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    if not names or not all(isinstance(n, str) for n in names):
        raise UsageError("name the outcome column, or a list of them: tk.selection.lee_bounds(trial, 'y1').")
    return names


def pairs(trial: Trial, contrasts: str) -> list[tuple[int, int]]:
    if contrasts not in ("control", "all"):
        near = nearest(str(contrasts), ("control", "all"))
        raise UsageError(
            f"contrasts={contrasts!r} is unknown: it is 'control' or 'all'.{f' Did you mean {near!r}?' if near else ''}"
        )
    return arm_pairs(len(trial.arms), contrasts)


def checked_outcome(trial: Trial, outcome: str) -> tuple[FloatArray, list[Note]]:
    """The values, and notes on who is missing; refused when nobody is observed."""
    if outcome in (trial.arm, trial.group, trial.unit, trial.weights, trial.cluster):
        raise UsageError(f"the outcome '{outcome}' already has another role in the trial.")
    y = trial.values(outcome)
    if not np.isfinite(y).any():
        raise MissingDataError(
            f"the outcome '{outcome}' is missing for everyone: check the column, or that the follow-up wave is in the file."
        )
    notes = [*trial.notes, *undeclared_codes(trial, outcome)]
    if np.isfinite(y).all():
        notes.append(Note("nobody_lost", f"everyone has '{outcome}': the bounds are the difference itself."))
    return y, notes


def people(trial: Trial, outcome: str, arm: int, reference: int) -> tuple[People, list[Note]]:
    """Everyone of two arms; weighted by 1/share of the arm in the stratum where shares differ by stratum."""
    y, notes = checked_outcome(trial, outcome)
    observed = np.isfinite(y)
    for code in (reference, arm):
        inside = trial.arm_codes == code
        count = int((observed & inside).sum())
        if count < 2:
            raise MissingDataError(
                f"{'nobody' if not count else 'one person'} of {int(inside.sum())} in arm {trial.arms[code]!r} has '{outcome}': these bounds need two. "
                "tk.selection.manski_bounds gives worst cases from the range of the outcome alone."
            )
    weights, said = person_weights(trial)
    rows = np.flatnonzero(np.ones(trial.n, dtype=bool) if weights is None else weights > 0)
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    stratum = strata_codes(trial)[rows] if trial.strata else None
    everyone = Sample(
        outcome, np.where(observed, y, 0.0)[rows], trial.arm_codes[rows], trial.arms, np.empty((len(rows), 0)), (), stratum, cluster, group,
        units_of_variance(trial, cluster, group), None if weights is None else weights[rows], rows, (),
    )  # fmt: skip
    s = two_arms(everyone, arm, reference)
    seen = observed[s.rows]
    said += check_units(s, seen)
    return People(s, seen, np.ones(s.n) if s.weights is None else s.weights, s.weights is None), [*notes, *said]


def person_weights(trial: Trial) -> tuple[FloatArray | None, list[Note]]:
    own = None if trial.weights is None else trial.values(trial.weights)
    if own is not None or not trial.strata or not shares_differ(trial):
        return own, []
    code = strata_codes(trial) * len(trial.arms) + trial.arm_codes
    size = np.bincount(strata_codes(trial))[strata_codes(trial)]
    weights = size / np.bincount(code)[code]
    text = "shares of the arms differ by stratum: people count 1/share of their arm in their stratum, so that strata count by their size."
    return np.asarray(weights, dtype=float), [Note("strata_weighted", text)]


def is_clustered(trial: Trial) -> bool:
    return trial.cluster is not None or bool((trial.group_codes != ALONE).any())
