"""Whose average: every participant counts the same, or every group (cluster) does; and whether it matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.errors import UsageError
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_tail
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.results import Note
from trialkit.trial import ALONE


def estimand_name(average: str) -> str:
    return f"{average}-average ITT"


def apply_average(s: Sample, average: str) -> Sample:
    """With average='group' each member counts 1/size, so that groups (clusters) count the same within their arm."""
    if average == "participant":
        return s
    if not s.clustered:
        raise UsageError("average='group' needs groups or clusters: name them in Trial(group=...) or Trial(cluster=...).")
    if s.weights is not None:
        raise UsageError("average='group' does not combine with weights: choose one.")
    return replace(s, weights=_group_weights(s))


def _group_weights(s: Sample) -> FloatArray:
    """1/size, scaled to mean one within each arm so that residual weights stay comparable between arms."""
    _, codes, sizes = np.unique(s.unit_of_variance, return_inverse=True, return_counts=True)
    weights = 1.0 / sizes[codes]
    for a in range(len(s.arms)):
        inside = s.arm == a
        weights[inside] /= weights[inside].mean()
    return weights


def size_note(s: Sample, columns: FloatArray, request: Request) -> list[Note]:
    """Compare the participant average with the group average of the first arm's effect: a note when they differ (p < .05).

    The difference is linear in the outcome, so its variance is the sum over units of squared differences of scores, with the
    number of groups minus one as df. Where the groups of each arm are of one size the two averages are the same, and what is left is rounding.
    """
    if not s.clustered or s.weights is not None or len(s.arms) != 2:
        return []
    n_groups = s.groups_in(s.arm == 1) if s.cluster is None else s.n_clusters - 1
    if n_groups < 4:
        return []
    by_group = _group_weights(s)
    if np.allclose(by_group, 1.0, rtol=0, atol=1e-12):
        return []
    clusters = s.clusters
    scores, estimates = [], []
    for weights in (None, by_group):
        fit = least_squares(y=s.y, X=columns, weights=weights)
        cov = covariance(fit, "CR2", clusters)
        assert cov.influence is not None
        position = int(np.flatnonzero(fit.kept == 1)[0])
        scores.append(clusters.sum((cov.influence[:, position] * fit.residuals[clusters.order])[:, None])[:, 0])
        estimates.append(float(fit.coef[1]))
    gap = estimates[0] - estimates[1]
    se = float(np.sqrt(((scores[0] - scores[1]) ** 2).sum()))
    if se <= 0 or 2 * t_tail(abs(gap) / se, n_groups - 1) >= 0.05:
        return []
    what = "group" if (s.group != ALONE).any() and s.cluster is None else "cluster"
    return [
        Note(
            "informative_size",
            f"{what} size goes with the outcome: the effect averaged over participants is {estimates[0]:.3g} and over {what}s {estimates[1]:.3g}. "
            f"This row is the {request.average} average; say which you mean.",
        )
    ]
