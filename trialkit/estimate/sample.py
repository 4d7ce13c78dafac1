"""The rows that enter an estimate, as arrays: outcome, arms, covariates, strata, clusters, groups, weights."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, MissingDataError, UsageError
from trialkit.estimate.covariates import CovariateMissing, covariates
from trialkit.inference.arrays import BoolArray, Clusters, FloatArray, IntArray
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial


@dataclass(frozen=True, slots=True)
class Sample:
    """Arrays of the n people analysed.

    Attributes
    ----------
    y : (n,). arm : (n,) codes, 0 is the control arm. X : (n, k) covariates named by `terms`.
    stratum : (n,) codes or None. group : (n,) codes, -1 without a group. cluster : (n,) codes of randomized clusters, or None.
    unit_of_variance : (n,) codes of the independent units of the variance (clusters; groups with everyone else alone; people).
    weights : (n,) or None. rows : (n,) positions in the trial's data.
    """

    outcome: str
    y: FloatArray
    arm: IntArray
    arms: tuple[Hashable, ...]
    X: FloatArray
    terms: tuple[str, ...]
    stratum: IntArray | None
    cluster: IntArray | None
    group: IntArray
    unit_of_variance: IntArray
    weights: FloatArray | None
    rows: IntArray
    notes: tuple[Note, ...]

    @property
    def n(self) -> int:
        return len(self.y)

    @property
    def clustered(self) -> bool:
        """Whether some independent unit holds more than one person by design."""
        return self.cluster is not None or bool((self.group != ALONE).any())

    @property
    def dependent(self) -> str:
        """What people depend on each other in, in words."""
        return "groups" if self.cluster is None else "clusters"

    @property
    def arm_indicators(self) -> FloatArray:
        """(n, arms - 1) indicators of every arm but the control."""
        return (self.arm[:, None] == np.arange(1, len(self.arms))).astype(float)

    @property
    def clusters(self) -> Clusters:
        return Clusters.from_labels(self.unit_of_variance)

    @property
    def n_clusters(self) -> int:
        return len(np.unique(self.unit_of_variance))

    def groups_in(self, inside: BoolArray) -> int:
        return len(np.unique(self.group[inside & (self.group != ALONE)]))


def sample(trial: Trial, outcome: str, adjust: tuple[str, ...], covariate_missing: CovariateMissing) -> Sample:
    """Rows with an outcome and a positive weight, with notes on those left out."""
    _check_roles(trial, outcome, adjust)
    y = trial.values(outcome)
    x = covariates(trial, adjust, covariate_missing)
    notes = [*trial.notes, *x.notes]
    keep = np.isfinite(y) & x.complete
    weights = None if trial.weights is None else trial.values(trial.weights)
    if weights is not None and (weights == 0).any():
        notes.append(
            Note("zero_weights", counted_people(int((weights == 0).sum()), "have weight zero and are not in the analysis."))
        )
        keep &= weights > 0
    _check_outcome(trial, outcome, y, keep)
    missing = int(np.isnan(y).sum())
    if missing:
        per_arm = ", ".join(f"{label}: {int(np.isnan(y[trial.arm_codes == c]).sum())}" for c, label in enumerate(trial.arms))
        notes.append(Note("outcome_missing", f"{missing} of {trial.n} people have no '{outcome}' and are left out ({per_arm})."))
    rows = np.flatnonzero(keep)
    stratum = trial.codes(*trial.strata)[rows] if trial.strata else None
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    unit = units_of_variance(trial, cluster, group)
    return Sample(
        outcome, y[rows], trial.arm_codes[rows], trial.arms, x.columns[rows], x.names, stratum, cluster, group, unit,
        None if weights is None else weights[rows], rows, tuple(notes),
    )  # fmt: skip


def units_of_variance(trial: Trial, cluster: IntArray | None, group: IntArray) -> IntArray:
    """Independent unit of each row: its cluster, its group with everyone else alone, or itself."""
    if cluster is not None:
        for g in np.unique(group[group != ALONE]):
            if len(np.unique(cluster[group == g])) > 1:
                raise EstimationError(
                    f"some group of '{trial.group}' lies in more than one cluster of '{trial.cluster}': groups are formed inside "
                    "clusters, or cluster= is the wrong column."
                )
        return cluster
    alone = group == ALONE
    unit = group.copy()
    unit[alone] = group.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    return unit


def _check_roles(trial: Trial, outcome: str, adjust: tuple[str, ...]) -> None:
    taken = {
        trial.arm: "the arm",
        trial.group: "the group",
        trial.unit: "the identifier",
        trial.weights: "the weights",
        outcome: "the outcome",
    }
    taken.pop(None, None)
    for name in adjust:
        if name in taken:
            raise UsageError(f"adjust holds '{name}', which is {taken[name]}: leave it out of adjust.")
    if outcome in (trial.arm, trial.group, trial.unit, trial.weights):
        raise UsageError(f"the outcome '{outcome}' already has another role in the trial.")


def _check_outcome(trial: Trial, outcome: str, y: FloatArray, keep: BoolArray) -> None:
    if np.isnan(y).all():
        raise MissingDataError(
            f"the outcome '{outcome}' is missing for everyone: check the column, or that the follow-up wave is in the file."
        )
    for code, label in enumerate(trial.arms):
        inside = trial.arm_codes == code
        if not inside.any():
            raise MissingDataError(
                f"nobody here is in arm {label!r}: keep the people of every arm (a trial without this arm is made by leaving its rows out before tk.Trial)."
            )
        if not (keep & inside).any():
            raise MissingDataError(
                f"the outcome '{outcome}' is missing for all {counted_people(int(inside.sum()))} in arm {label!r}, so there is nothing to compare: check that the "
                "follow-up of this arm is in the file and is coded like that of the others, or leave the arm out."
            )
        if int((keep & inside).sum()) < 2:
            raise EstimationError(f"arm {label!r} has one person with '{outcome}': its variance cannot be estimated.")
    values = y[keep]
    if np.ptp(values) <= 1e-12 * float(np.abs(values).max()):
        raise EstimationError(
            f"the outcome '{outcome}' is the same ({values[0]:g}) for everyone: there is no variation to analyse."
        )
