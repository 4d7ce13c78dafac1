"""The intraclass correlation that a trial achieved, for the report and for planning the next one."""

from __future__ import annotations

from typing import Any

import numpy as np

from trialkit.estimate.linear.working import clustered_variances, grouped_variances
from trialkit.estimate.sample import sample
from trialkit.trial import ALONE, Trial


def achieved_icc(trial: Trial, outcome: str) -> dict[str, Any]:
    """ICC and group (cluster) sizes on the outcome, given the arms only; empty without groups or clusters.

    One entry an arm with groups (REML, residual variance by arm), or one entry 'all arms' for randomized clusters (one
    variance between and one within). Keys: icc (truncated at 0), var_between, var_within, units, size_mean, size_cv.
    """
    s = sample(trial, outcome, (), "impute")
    arms = (s.arm[:, None] == np.arange(len(s.arms))).astype(float)
    if s.cluster is not None:
        within, between = clustered_variances(s, arms)
        return {"all arms": _entry(between, within, s.cluster)}
    if not s.clustered:
        return {}
    variances = grouped_variances(s, arms)
    out = {}
    for code, label in enumerate(s.arms):
        inside = (s.arm == code) & (s.group != ALONE)
        if inside.any():
            between = variances.group.get(code, float("nan")) if variances.converged else float("nan")
            within = variances.resid[code] if variances.converged else float("nan")
            out[str(label)] = _entry(between, within, s.group[inside])
    return out


def _entry(between: float, within: float, units: Any) -> dict[str, Any]:
    _, sizes = np.unique(units, return_counts=True)
    positive = max(between, 0.0) if np.isfinite(between) else float("nan")
    return {
        "icc": positive / (positive + within),
        "var_between": between,
        "var_within": within,
        "units": len(sizes),
        "size_mean": float(sizes.mean()),
        "size_min": int(sizes.min()),
        "size_max": int(sizes.max()),
        "size_cv": float(sizes.std() / sizes.mean()),
    }
