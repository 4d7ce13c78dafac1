"""Standard error of an estimate from first-order values of everyone randomized, counting groups or clusters, after a check that there are enough of them."""

from __future__ import annotations

import math

import numpy as np

from trialkit.errors import GroupError
from trialkit.estimate.linear.linear_model import FEW_UNITS
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.linear.influence import influence_variance
from trialkit.results import Note
from trialkit.trial import ALONE


def error_of_values(s: Sample, values: FloatArray) -> tuple[float, float, list[Note]]:
    """CR2 (HC2 for people alone) of the sum of values (n,), its df (under the grouped working covariance with groups), and what to say of the fit."""
    grouped = s.cluster is None and bool((s.group != ALONE).any())
    found = influence_variance(values=values, arm=s.arm, unit=s.unit_of_variance, group=s.group if grouped else None)
    text = "the group variance could not be fitted; the degrees of freedom are the number of groups minus one."
    return math.sqrt(found.variance), found.df, [] if found.converged else [Note("working_df_failed", text)]


def check_units(s: Sample, observed: BoolArray) -> list[Note]:
    """Every arm needs two groups (clusters) with somebody observed; few of them are said so."""
    if not s.clustered:
        return []
    what = "cluster" if s.cluster is not None else "group"
    counts = {}
    for code, label in enumerate(s.arms):
        inside = s.arm == code
        if s.cluster is None and not (s.group[inside] != ALONE).any():
            continue
        counts[label] = len(np.unique(s.unit_of_variance[inside & observed]))
        if counts[label] < 2:
            raise GroupError(
                f"arm {label!r} has one {what} with '{s.outcome}': the variance between {what}s cannot be estimated from one. More {what}s are needed; "
                "ignoring them would claim a precision that is not there."
            )
    few = {a: k for a, k in counts.items() if k < FEW_UNITS}
    if not few:
        return []
    text = ", ".join(f"{k} {what}s in {a}" for a, k in few.items())
    return [Note("few_groups", f"few {what}s ({text}): the interval rests on its small-sample correction.")]
