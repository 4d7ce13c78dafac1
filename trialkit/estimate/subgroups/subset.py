"""Part of a sample, and part of a trial: everyone keeps the arm, the group and the place in the design that the whole trial gave."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import BoolArray
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


def restricted(trial: Trial, keep: BoolArray) -> Trial:
    """The trial of the people where `keep` (n,) is True.

    It is cut out, not made anew: a group of which one member is left is still that group, and arms keep their codes.
    """
    rows = np.flatnonzero(keep)
    part = object.__new__(Trial)
    values = {f.name: getattr(trial, f.name) for f in fields(trial)}
    values["data"] = trial.data.iloc[rows].reset_index(drop=True)
    for name in ("arm_codes", "group_codes", "places"):
        values[name] = None if values[name] is None else values[name][rows]
    for name, value in values.items():
        object.__setattr__(part, name, value)
    return part
