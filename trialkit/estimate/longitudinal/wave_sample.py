"""The people and waves of a longitudinal analysis as arrays, and what may not go unsaid about them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from trialkit.errors import ColumnNotFoundError, EstimationError, GroupError, MissingDataError, UsageError, shown
from trialkit.estimate.covariates import CovariateMissing, covariates
from trialkit.estimate.longitudinal.long_format import HOW_TO
from trialkit.estimate.sample import units_of_variance
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.io.suspicions import suspicions
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial, rows_text

FEW_UNITS = 10
BASELINE_P = 0.001


@dataclass(frozen=True, slots=True)
class WaveSample:
    """Arrays of the n people analysed at the T waves of the model.

    Attributes
    ----------
    labels, columns : the T waves and their columns in the data; `first` is the position of the first wave after the start.
    y : (n, T), NaN where missing. arm : (n,) codes, 0 is the control arm. X : (n, k) covariates named by `terms`.
    stratum : (n,) codes or None. cluster : (n,) codes or None. group : (n,) codes, -1 without a group. unit : (n,) independent units.
    rows : (n,) positions in the trial's data.
    """

    labels: tuple[Hashable, ...]
    columns: tuple[str, ...]
    first: int
    y: FloatArray
    arm: IntArray
    arms: tuple[Hashable, ...]
    X: FloatArray
    terms: tuple[str, ...]
    stratum: IntArray | None
    cluster: IntArray | None
    group: IntArray
    unit: IntArray
    rows: IntArray
    notes: tuple[Note, ...]

    @property
    def n(self) -> int:
        return len(self.arm)

    @property
    def waves(self) -> int:
        return len(self.labels)

    @property
    def follow_ups(self) -> range:
        return range(self.first, self.waves)

    @property
    def seen(self) -> BoolArray:
        return np.isfinite(self.y)

    @property
    def n_clusters(self) -> int:
        return len(np.unique(self.unit))

    @property
    def grouped(self) -> bool:
        """Whether groups (in some arms) or clusters (in all) have effects of their own."""
        return self.cluster is not None or bool((self.group != ALONE).any())

    @property
    def n_groups(self) -> int:
        return len(np.unique(self.group[self.group != ALONE]))


def ordered_waves(waves: Any) -> dict[Hashable, str]:
    """Waves in the order of time: numbers by size, other labels as they are listed."""
    if isinstance(waves, str):
        raise UsageError(f"waves={waves!r} names one column: {HOW_TO}")
    if not isinstance(waves, Mapping):
        raise UsageError(
            "waves takes a mapping from each wave to its column, the baseline first: waves={0: 'y0', 1: 'y1', 2: 'y2'}."
        )
    if len(waves) < 2:
        raise UsageError(
            f"{len(waves)} wave is too few: with one follow-up and no baseline use tk.itt; otherwise name the columns of all waves."
        )
    columns = list(waves.values())
    for c in columns:
        if not isinstance(c, str):
            raise UsageError(f"waves maps each wave to the name of a column; {c!r} is not one.")
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice:
        where = [k for k, v in waves.items() if v == twice[0]]
        raise UsageError(f"the column '{twice[0]}' stands for the waves {shown(where)}: each wave has a column of its own.")
    numbers = all(isinstance(k, Real) and not isinstance(k, bool) for k in waves)
    if numbers and not all(isfinite(float(k)) for k in waves):
        raise UsageError("a wave has a label that is not a finite number: label waves by numbers or words.")
    keys = sorted(waves) if numbers else list(waves)
    return {_label(k): waves[k] for k in keys}


def _label(key: Any) -> int | float | str:
    """A label that can be stored: numbers as they are, everything else as words."""
    if isinstance(key, Real) and not isinstance(key, bool):
        number = float(key)
        return int(number) if number.is_integer() else number
    return str(key)


def wave_sample(
    trial: Trial, waves: Mapping[Hashable, str], *, model: str, baseline: bool, adjust: tuple[str, ...], missing: CovariateMissing
) -> WaveSample:
    """People with at least one wave of the model; in an MMRM the baseline is a covariate and not a wave."""
    _check_roles(trial, waves, adjust)
    start = baseline and model == "mmrm"
    modelled = dict(list(waves.items())[1:]) if start else dict(waves)
    columns = tuple(modelled.values())
    y = np.column_stack([trial.values(c) for c in columns])
    notes = [*trial.notes, *(Note("suspicious_values", f"{s}.") for s in suspicions(trial.data[list(waves.values())]))]
    x = covariates(trial, adjust, missing)
    notes += x.notes
    X, terms, keep = x.columns, x.names, x.complete
    if start:
        column, names, complete, found = _baseline_covariate(trial, next(iter(waves.values())), missing)
        X, terms, keep = np.column_stack([column, X]), (*names, *terms), keep & complete
        notes += found
    keep = keep & _weighted(trial, notes)
    first = 1 if baseline and not start else 0
    _check_waves(trial, modelled, y, keep, first)
    _check_copies(modelled, y[keep])
    present = keep & np.isfinite(y).any(axis=1)
    notes += _missing_notes(trial, modelled, y, keep)
    rows = np.flatnonzero(present)
    stratum = trial.codes(*trial.strata)[rows] if trial.strata else None
    cluster = trial.codes(trial.cluster)[rows] if trial.cluster else None
    group = trial.group_codes[rows]
    if cluster is not None and (group != ALONE).any():
        units_of_variance(trial, cluster, group)
        notes.append(
            Note(
                "groups_inside_clusters",
                "the groups lie inside the randomized clusters: effects of clusters are modelled, those of groups are not.",
            )
        )
        group = np.full(len(rows), ALONE, dtype=np.int64)
    s = WaveSample(
        tuple(modelled), columns, first, y[rows], trial.arm_codes[rows], trial.arms, X[rows], tuple(terms), stratum,
        cluster, group, units_of_variance(trial, cluster, group), rows, (),
    )  # fmt: skip
    notes += _unit_notes(s)
    return WaveSample(**{f: getattr(s, f) for f in s.__slots__} | {"notes": tuple(notes)})


def _check_roles(trial: Trial, waves: Mapping[Hashable, str], adjust: tuple[str, ...]) -> None:
    taken = {
        trial.arm: "the arm",
        trial.group: "the group",
        trial.unit: "the identifier",
        trial.weights: "the weights",
        trial.cluster: "the cluster",
    }
    taken |= dict.fromkeys(trial.strata, "a stratum")
    taken.pop(None, None)
    absent = [c for c in waves.values() if c not in trial.data.columns]
    if len(absent) == len(waves):
        where = "the data. If they have one row a measurement, make one row a person of them first, with to_wide of trialkit.estimate.longitudinal.long_format"
        raise ColumnNotFoundError(absent[0], trial.data.columns, where)
    for column in waves.values():
        trial.column(column)
        if column in taken:
            raise UsageError(f"the wave '{column}' is {taken[column]}: a wave is a column of outcomes.")
    for name in adjust:
        if name in waves.values():
            raise UsageError(
                f"adjust holds '{name}', which is a wave of the model: it is used as an outcome or as the baseline already. Leave it out of adjust."
            )
        if name in taken and name not in trial.strata:
            raise UsageError(f"adjust holds '{name}', which is {taken[name]}: leave it out of adjust.")


def _baseline_covariate(
    trial: Trial, column: str, missing: CovariateMissing
) -> tuple[FloatArray, tuple[str, ...], BoolArray, list[Note]]:
    """The baseline as a covariate: the mean over both arms stands in for missing values, with an indicator."""
    values = trial.values(column)
    absent = ~np.isfinite(values)
    if absent.all():
        raise MissingDataError(f"the baseline '{column}' has no values at all: check the column, or say baseline=None.")
    if not absent.any():
        return values[:, None], (column,), ~absent, []
    if missing == "error":
        raise MissingDataError(
            f"the baseline '{column}' is missing in {rows_text(absent)}: model='clda' uses these people without filling it in."
        )
    if missing == "drop":
        text = counted_people(int(absent.sum()), f"without the baseline '{column}' are left out (covariate_missing='drop').")
        return np.where(absent, 0.0, values)[:, None], (column,), ~absent, [Note("covariate_rows_dropped", text)]
    filled = np.where(absent, values[~absent].mean(), values)
    text = f"the baseline '{column}' is missing for {int(absent.sum())} people: the mean over both arms was filled in and an indicator added."
    names = (column, f"{column}: missing")
    return np.column_stack([filled, absent.astype(float)]), names, np.ones(trial.n, dtype=bool), [Note("covariate_imputed", text)]


def _weighted(trial: Trial, notes: list[Note]) -> BoolArray:
    """People with a positive weight; weights that differ are refused."""
    if trial.weights is None:
        return np.ones(trial.n, dtype=bool)
    weights = trial.values(trial.weights)
    positive = weights > 0
    if np.ptp(weights[positive]) > 1e-12 * weights.max():
        raise UsageError(
            f"the weights in '{trial.weights}' differ between people, and a likelihood of repeated measures has no agreed use for sampling weights. Adjust for what "
            "they were made of, or analyse each wave with tk.itt, which takes weights."
        )
    if not positive.all():
        notes.append(
            Note("zero_weights", counted_people(int((~positive).sum()), "have weight zero and are not in the analysis."))
        )
    return positive


def _check_waves(trial: Trial, waves: Mapping[Hashable, str], y: FloatArray, keep: BoolArray, first: int) -> None:
    seen = np.isfinite(y) & keep[:, None]
    if not seen[:, first:].any():
        follow = list(waves.values())[first:]
        raise MissingDataError(
            f"there is no follow-up: {shown(follow)} {'is' if len(follow) == 1 else 'are'} missing for everyone: check the columns, or that the follow-up waves are in the file."
        )
    for t, (label, column) in enumerate(waves.items()):
        if not seen[:, t].any():
            raise MissingDataError(
                f"the wave {label!r} ('{column}') is missing for everyone: leave it out of waves, or check the column."
            )
        for code, arm in enumerate(trial.arms):
            inside = seen[:, t] & (trial.arm_codes == code)
            if not inside.any():
                raise MissingDataError(
                    f"the wave {label!r} ('{column}') is missing for everyone in arm {arm!r}: at that wave there is nothing to compare. Leave it out of waves."
                )
            if inside.sum() < 2:
                raise EstimationError(
                    f"one person in arm {arm!r} has the wave {label!r} ('{column}'): its variance cannot be estimated. Leave the wave out."
                )
        values = y[seen[:, t], t]
        if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            raise EstimationError(
                f"the wave {label!r} ('{column}') is the same ({values[0]:g}) for everyone: there is no variation to analyse."
            )


def _check_copies(waves: Mapping[Hashable, str], y: FloatArray) -> None:
    """Two waves that are one wave in another unit, whatever the structure of the covariance."""
    for (i, a), (j, b) in combinations(enumerate(waves.values()), 2):
        both = np.isfinite(y[:, i]) & np.isfinite(y[:, j])
        if both.sum() < 3 or min(np.ptp(y[both, i]), np.ptp(y[both, j])) == 0:
            continue
        if abs(float(np.corrcoef(y[both, i], y[both, j])[0, 1])) > 1 - 1e-10:
            raise EstimationError(
                f"'{a}' and '{b}' determine each other: one is a copy of the other, or the same in another unit. Check the columns of the waves."
            )


def _missing_notes(trial: Trial, waves: Mapping[Hashable, str], y: FloatArray, keep: BoolArray) -> list[Note]:
    seen = np.isfinite(y)
    never = keep & ~seen.any(axis=1)
    notes = []

    def by_arm(mask: BoolArray) -> str:
        return ", ".join(f"{a}: {int((mask & (trial.arm_codes == c)).sum())}" for c, a in enumerate(trial.arms))

    if never.any():
        notes.append(
            Note(
                "no_wave",
                f"{int(never.sum())} of {trial.n} people have none of {shown(waves.values())} and are not in the analysis ({by_arm(never)}).",
            )
        )
    partly = keep & seen.any(axis=1) & ~seen.all(axis=1)
    if partly.any():
        counts = "; ".join(
            f"{c} {int((keep & ~never & ~seen[:, t]).sum())} ({by_arm(keep & ~never & ~seen[:, t])})"
            for t, c in enumerate(waves.values())
        )
        text = (
            f"{int(partly.sum())} people miss a wave and are used with the waves they have; missing by wave: {counts}. This holds when what is missing depends only "
            "on what was observed (missing at random)."
        )
        notes.append(Note("waves_missing", text))
    return notes


def _unit_notes(s: WaveSample) -> list[Note]:
    """Every grouped arm needs two groups (every arm two clusters) with a follow-up; few of them are said so."""
    if not s.grouped:
        return []
    what, codes = ("cluster", s.cluster) if s.cluster is not None else ("group", s.group)
    assert codes is not None
    followed = s.seen[:, s.first :].any(axis=1)
    counts = {}
    for code, label in enumerate(s.arms):
        inside = (s.arm == code) & (codes != ALONE)
        if inside.any():
            counts[label] = len(np.unique(codes[inside & followed]))
            if counts[label] < 2:
                raise GroupError(
                    f"arm {label!r} has {counts[label]} {what} with a follow-up: the variance between {what}s cannot be estimated from one. "
                    f"More {what}s are needed; ignoring them would claim a precision that is not there."
                )
    few = {a: k for a, k in counts.items() if k < FEW_UNITS}
    if not few:
        return []
    text = ", ".join(f"{k} {what}s in {a}" for a, k in few.items())
    return [
        Note(
            "few_groups",
            f"few {what}s ({text}): the degrees of freedom rest on a rough estimate of their variance; read this beside tk.itt at each wave.",
        )
    ]
