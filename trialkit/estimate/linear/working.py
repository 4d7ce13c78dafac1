"""The working covariance of a trial with groups or clusters: fitted by REML, used for degrees of freedom, strata with one group, and ICCs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.mixed.grouped_reml import VarianceFit, grouped_strata, reml
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
    try:
        fit, scale = _fitted(sample, X, part.astype(np.int64), group)
    except np.linalg.LinAlgError:
        # where nobody of an arm differs its variance goes to zero, and the likelihood has no maximum
        return GroupedVariances(dict.fromkeys(map(int, arms), np.nan), dict.fromkeys(grouped, np.nan), False)
    theta = fit.theta * scale**2
    resid = {int(a): float(theta[i]) for i, a in enumerate(arms)}
    between = {a: float(theta[len(arms) + i]) for i, a in enumerate(grouped)}
    return GroupedVariances(resid, between, fit.converged)


def clustered_variances(sample: Sample, X: FloatArray) -> tuple[float, float]:
    """Variance within and between randomized clusters, one of each for all arms; NaN when the fit does not converge."""
    assert sample.cluster is not None
    fit, scale = _fitted(sample, X, np.zeros(sample.n, dtype=np.int64), sample.cluster)
    if not fit.converged:
        return float("nan"), float("nan")
    return float(fit.theta[0] * scale**2), float(fit.theta[1] * scale**2)


def working_covariance(sample: Sample, X: FloatArray) -> WorkingCovariance | None:
    """The fitted covariance of the outcomes given X: groups in some arms, or randomized clusters; None when the fit does not converge."""
    if sample.cluster is None:
        variances = grouped_variances(sample, X)
        return variances.per_row(sample) if variances.converged else None
    within, between = clustered_variances(sample, X)
    if not np.isfinite(within + between):
        return None
    return WorkingCovariance(np.full(sample.n, within), np.full(sample.n, between))


def _fitted(sample: Sample, X: FloatArray, part: IntArray, group: IntArray) -> tuple[VarianceFit, float]:
    """REML of the residuals in units of their SD, and that SD.

    The likelihood does not change when a combination of X is taken out of y, and cross-products of what is left, and of an
    orthonormal basis of X, lose no digits, whatever the origins and units of outcome and covariates.
    """
    fit = least_squares(y=sample.y, X=X)
    rest = fit.residuals
    scale = float(np.sqrt(rest @ rest / len(rest)))
    return reml(grouped_strata(y=rest / scale, X=fit.q, part=part, group=group)), scale
