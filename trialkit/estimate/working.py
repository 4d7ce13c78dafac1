"""The working covariance of a trial with groups in some arms: fitted by REML, used for degrees of freedom and ICCs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.grouped_reml import grouped_strata, reml
from trialkit.inference.small_sample import WorkingCovariance
from trialkit.trial import ALONE


@dataclass(frozen=True, slots=True)
class GroupedVariances:
    """Residual variance by arm code and group variance by grouped arm code."""

    resid: dict[int, float]
    group: dict[int, float]
    converged: bool

    def icc(self, arm: int) -> float:
        """Share of the group variance in the arm's total, truncated at 0."""
        group = max(self.group[arm], 0.0)
        return group / (group + self.resid[arm])

    def per_row(self, sample: Sample) -> WorkingCovariance:
        resid = np.array([self.resid[int(a)] for a in sample.arm])
        group = np.array([self.group.get(int(a), 0.0) for a in sample.arm])
        return WorkingCovariance(resid, np.where(sample.group == ALONE, 0.0, group))


def grouped_variances(sample: Sample, X: FloatArray) -> GroupedVariances:
    """REML of the outcome on X (full rank) with group variance in the grouped arms and residual variance by arm."""
    arms, part = np.unique(sample.arm, return_inverse=True)
    group = sample.group.copy()
    grouped = []
    for code, arm in enumerate(arms):
        inside = part == code
        sizes = np.bincount(group[inside & (group != ALONE)]) if (group[inside] != ALONE).any() else np.zeros(1, int)
        if sizes.max() > 1:
            grouped.append(int(arm))
        else:
            group[inside] = ALONE
    fit = reml(grouped_strata(y=sample.y, X=X, part=part.astype(np.int64), group=group))
    resid = {int(a): float(fit.theta[i]) for i, a in enumerate(arms)}
    between = {a: float(fit.theta[len(arms) + i]) for i, a in enumerate(grouped)}
    return GroupedVariances(resid, between, fit.converged)
