"""Hedges' g with clusters in both arms or groups in one, on the total variance with a known intraclass correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from trialkit.errors import CombinationError, DataError, UsageError, shown
from trialkit.estimate.effect_sizes.results import EffectSize, summary_row, tested
from trialkit.estimate.request import arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.effect_sizes import ClusteredD, clustered_d
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.trial import ALONE, Trial


@explained
def clustered_g(
    *,
    mean_1: float,
    sd_1: float,
    sizes_1: Sequence[int],
    mean_0: float,
    sd_0: float,
    sizes_0: Sequence[int],
    icc: float,
    conf_level: float = 0.95,
) -> EffectSize:
    """Hedges' g of a cluster-randomized trial from means, SDs, cluster sizes and a known intraclass correlation.

    Standardized by the total SD, between and within clusters; the interval is t on h degrees of freedom.

    Parameters
    ----------
    mean_1, sd_1 : mean and SD over the people of the treated arm (n - 1). mean_0, sd_0 : of the control arm.
    sizes_1, sizes_0 : size of every cluster of an arm, equal or not: [20] * 8.
    icc : intraclass correlation, taken as known.
    conf_level : of the interval.

    Returns
    -------
    EffectSize
        The row is g; `.d .variance` (of d) `.df .g`.

    References
    ----------
    Hedges (2007), total-variance effect size; variance d^2/(2h) as in What Works Clearinghouse (2022), E.21.

    Examples
    --------
    >>> import trialkit as tk
    >>> found = tk.effect_size.clustered_g(mean_1=52.4, sd_1=9.8, sizes_1=[20] * 8, mean_0=49.1, sd_0=10.6, sizes_0=[20] * 10, icc=0.15)
    >>> round(found.d, 4), round(found.g, 4), round(found.df, 1)
    (0.3193, 0.3184, 256.3)
    """
    one, zero = _sizes(sizes_1, "sizes_1"), _sizes(sizes_0, "sizes_0")
    found = _checked_d(mean_1 - mean_0, sd_1, one, sd_0, zero, icc, one_arm=False)
    base = summary_row(one, zero, conf_level, int(len(one) + len(zero)), 0)
    return _clustered_result([(base, found)], icc, "total SD, between and within clusters", "Hedges g, clusters in both arms")


@explained
def one_arm_grouped_g(
    *,
    mean_1: float,
    sd_1: float,
    sizes_1: Sequence[int],
    mean_0: float,
    sd_0: float,
    n_0: int,
    icc: float,
    conf_level: float = 0.95,
) -> EffectSize:
    """Hedges' g of a trial with groups in the treated arm and single people as controls, from summary numbers.

    Standardized by the total SD of the grouped arm, whose within-group part the controls share; arguments and result as in
    `clustered_g`, with `n_0` controls.

    References
    ----------
    Hedges & Citkowicz (2015).

    Examples
    --------
    >>> import trialkit as tk
    >>> found = tk.effect_size.one_arm_grouped_g(mean_1=31.2, sd_1=9.9, sizes_1=[12] * 8, mean_0=27.9, sd_0=9.1, n_0=80, icc=0.1)
    >>> round(found.g, 4), round(found.df, 1)
    (0.3351, 163.9)
    """
    if not n_0 >= 2:
        raise DataError(f"n_0={n_0}: the controls are two people or more.")
    one, zero = _sizes(sizes_1, "sizes_1"), np.ones(int(n_0))
    found = _checked_d(mean_1 - mean_0, sd_1, one, sd_0, zero, icc, one_arm=True)
    base = summary_row(one, zero, conf_level, int(len(one) + len(zero)), len(one))
    return _clustered_result([(base, found)], icc, "total SD of the grouped arm", "Hedges g, groups in one arm")


def clustered_from_trial(
    trial: Trial, outcome: str, *, icc: float, contrasts: Literal["control", "all"] = "control", conf_level: float = 0.95
) -> EffectSize:
    """`clustered_g`, or `one_arm_grouped_g` where groups exist in one arm only, from the people of a trial."""
    s = sample(trial, outcome, (), "impute")
    if not s.clustered:
        raise UsageError("icc= needs clusters or groups: name them in Trial(cluster=...) or Trial(group=...), or leave icc out.")
    if s.weights is not None:
        raise CombinationError("icc= does not combine with weights: leave one of them out.")
    pairs = arm_pairs(len(s.arms), contrasts)
    rows, unit, method = [], "total SD, between and within clusters", "Hedges g, clusters in both arms"
    for arm, reference in pairs:
        inside = np.isin(s.arm, (arm, reference))
        base = replace(
            summary_row(
                np.ones(int(inside.sum())),
                np.empty(0),
                conf_level,
                len(np.unique(s.unit_of_variance[inside])),
                s.groups_in(inside),
            ),
            outcome=outcome,
            contrast=f"{s.arms[arm]} - {s.arms[reference]}",
        )
        found, one_arm = _of_arms(s, arm, reference, icc)
        if one_arm:
            unit, method = "total SD of the grouped arm", "Hedges g, groups in one arm"
        rows.append((base, found))
    result = _clustered_result(rows, icc, unit, method)
    said = (
        [Note("strata_unused", "strata do not enter this effect size: its means and SDs are those of the arms.")]
        if trial.strata
        else []
    )
    return EffectSize(
        result.estimates, (*s.notes, *result.notes, *said), {**result.details, "contrasts": [list(p) for p in pairs]}
    )


def _of_arms(s: Sample, arm: int, reference: int, icc: float) -> tuple[ClusteredD, bool]:
    """d of two arms; the grouped arm stands first where only one is grouped."""
    y, sizes, grouped = [], [], []
    for code in (arm, reference):
        inside = s.arm == code
        y.append(s.y[inside])
        sizes.append(np.unique(s.unit_of_variance[inside], return_counts=True)[1].astype(float))
        grouped.append(s.cluster is not None or bool((s.group[inside] != ALONE).any()))
    if not any(grouped):
        raise UsageError(
            f"neither {s.arms[arm]!r} nor {s.arms[reference]!r} has groups: this contrast has no intraclass correlation."
        )
    order = [0, 1] if grouped[0] else [1, 0]
    one, zero = order
    sign = 1.0 if one == 0 else -1.0
    difference, sds = sign * float(y[0].mean() - y[1].mean()), [float(v.std(ddof=1)) for v in y]
    found = _checked_d(difference, sds[one], sizes[one], sds[zero], sizes[zero], icc, one_arm=not all(grouped))
    return replace(found, d=sign * found.d), not all(grouped)


def _checked_d(
    difference: float, sd_1: float, sizes_1: FloatArray, sd_0: float, sizes_0: FloatArray, icc: float, *, one_arm: bool
) -> ClusteredD:
    if not 0 <= icc < 1:
        raise UsageError(f"icc={icc} must lie between 0 and 1; take a negative estimate as 0.")
    if not (math.isfinite(difference) and sd_1 >= 0 and sd_0 >= 0 and max(sd_1, sd_0) > 0 and math.isfinite(sd_1 + sd_0)):
        raise DataError(
            f"means and SDs must be known, the SDs not negative and not both zero; the difference is {difference:g}, the SDs are {sd_1:g} and {sd_0:g}."
        )
    if sizes_1.sum() < 2 or sizes_0.sum() < 2:
        raise DataError("each arm needs two people or more.")
    return clustered_d(difference=difference, sd_1=sd_1, sizes_1=sizes_1, sd_0=sd_0, sizes_0=sizes_0, icc=icc, one_arm=one_arm)


def _sizes(values: Sequence[int], name: str) -> FloatArray:
    sizes = np.asarray(list(values), dtype=float)
    if len(sizes) < 2 or not (sizes >= 1).all() or not (sizes == np.round(sizes)).all():
        raise DataError(
            f"{name} lists the size of each cluster, two or more clusters of at least one person; got {shown(sizes.tolist())}."
        )
    return sizes


def _clustered_result(rows: Sequence[tuple[Estimate, ClusteredD]], icc: float, unit: str, method: str) -> EffectSize:
    estimates, parts = [], []
    for base, d in rows:
        se = d.j * math.sqrt(d.variance)
        test = t_test(d.g, se, d.df, base.conf_level)
        estimates.append(
            replace(tested(base, d.g, se, test, estimand=f"participant-average ITT in SDs ({unit})", method=method), df=d.df)
        )
        parts.append(
            {
                "contrast": base.contrast, "d": d.d, "variance": d.variance, "variance_printed": d.variance_printed, "df": d.df, "g": d.g,
                "j": d.j, "icc": icc,
            }
        )  # fmt: skip
    note = Note("icc_known", f"the intraclass correlation of {icc:g} is taken as known: its uncertainty is not in the interval.")
    return EffectSize(tuple(estimates), (note,), {"kind": "hedges_g", "parts": parts})
