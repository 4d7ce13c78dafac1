"""Part of a sample, part of a trial, and a trial with another outcome: everyone keeps the arm, the group and the place in the design."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.trial import Trial


def kept_rows(s: Sample, keep: BoolArray) -> Sample:
    """The people of a sample where `keep` (n,) is True."""
    if keep.all():
        return s
    return replace(
        s,
        y=s.y[keep],
        arm=s.arm[keep],
        X=s.X[keep],
        stratum=None if s.stratum is None else s.stratum[keep],
        cluster=None if s.cluster is None else s.cluster[keep],
        group=s.group[keep],
        unit_of_variance=s.unit_of_variance[keep],
        weights=None if s.weights is None else s.weights[keep],
        rows=s.rows[keep],
    )


def two_arms(s: Sample, arm: int, reference: int) -> Sample:
    """The people of two arms, recoded 1 and 0."""
    part = kept_rows(s, (s.arm == arm) | (s.arm == reference))
    return replace(part, arm=(part.arm == arm).astype(np.int64), arms=(s.arms[reference], s.arms[arm]))


def restricted(trial: Trial, keep: BoolArray) -> Trial:
    """The trial of the people where `keep` (n,) is True.

    It is cut out, not made anew: a group of which one member is left is still that group, and arms keep their codes.
    """
    rows = np.flatnonzero(keep)
    codes = {name: getattr(trial, name) for name in ("arm_codes", "group_codes", "places")}
    cut = {name: None if values is None else values[rows] for name, values in codes.items()}
    return changed(trial, data=trial.data.iloc[rows].reset_index(drop=True), **cut)


def two_arm_trial(trial: Trial, arm: int, reference: int) -> Trial:
    """The people of two arms only, as a trial of its own without a design; the arms are recoded 1 and 0."""
    if len(trial.arms) == 2:
        return trial
    keep = np.isin(trial.arm_codes, (arm, reference))
    labels = (trial.arms[reference], trial.arms[arm])
    return changed(
        trial, data=trial.data[keep].reset_index(drop=True), control=labels[0], arms=labels, design=None, places=None,
        arm_codes=(trial.arm_codes[keep] == arm).astype(np.int64), group_codes=trial.group_codes[keep],
        grouped_arms=tuple(a for a in trial.grouped_arms if a in labels),
    )  # fmt: skip


def with_outcome(trial: Trial, outcome: str, values: FloatArray) -> Trial:
    """The trial with other values (n,) in the place of an outcome."""
    return changed(trial, data=trial.data.assign(**{outcome: values}))


def changed(trial: Trial, **fields: Any) -> Trial:
    """A copy of the trial with other fields. Nothing is checked again: what is given must be as `Trial` would have made it."""
    other = copy.copy(trial)
    for name, value in fields.items():
        object.__setattr__(other, name, value)
    return other
