"""Variances of averages from influence values: arm means after any prediction of the outcome, and differences of them.

theta_a = mean mu_a(x) + mean over arm a of (y - mu_a(x)), mu_a a prediction of the outcome in arm a (g-computation, AIPW), weighted by
1/probability where probabilities differ between people.

- Independent people, one allocation share p_a an arm (Ye, Bannick, Yi & Shao 2023; Bannick, Shao, Liu, Du, Yi & Ye 2025): n Var = diag(v_a/p_a) + Q + Q' - S,
  S_ab = cov(mu_a, mu_b) over all, Q_ab = cov(y, mu_b) within arm a, v_a = var_a(y) + S_aa - 2 Q_aa. Randomization stratified with
  balanced allocation removes sum_z P(z) R_z (diag(p) - pp') R_z, R_z = diag(mean residual of arm a in z / p_a): nothing when the strata are in the model.
- Groups or clusters: influence values f_i (they sum to estimate - truth) times the size of their arm are an outcome whose arm means are
  added up. Regressed on the arms, its CR2 variance is sum_g (sum_i f_i)^2 / (1 - n_g/n_arm), with degrees of freedom under the
  grouped working covariance of the values (small_sample.py) where groups exist in some arms only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray, IntArray
from trialkit.inference.covariance import covariance
from trialkit.inference.grouped_reml import grouped_strata, reml
from trialkit.inference.least_squares import least_squares
from trialkit.inference.small_sample import WorkingCovariance, satterthwaite


@dataclass(frozen=True, slots=True)
class InfluenceVariance:
    """Variance of a sum of influence values, its df, and whether the working covariance could be fitted."""

    variance: float
    df: float
    converged: bool


def marginal_means(*, y: FloatArray, arm: IntArray, predictions: FloatArray, probabilities: FloatArray) -> FloatArray:
    """(A,) means of each arm over everybody; predictions (n, A) and probabilities (n, A).

    The residuals of an arm are averaged with weights 1/probability that are scaled to sum to one.
    """
    out = predictions.mean(axis=0)
    for a in range(predictions.shape[1]):
        inside = arm == a
        out[a] += np.average(y[inside] - predictions[inside, a], weights=1.0 / probabilities[inside, a])
    return out


def influence_values(*, y: FloatArray, arm: IntArray, predictions: FloatArray, probabilities: FloatArray) -> FloatArray:
    """(n, A) values that sum to the error of each arm's mean."""
    n, arms = predictions.shape
    values = (predictions - predictions.mean(axis=0)) / n
    for a in range(arms):
        inside = arm == a
        weights = 1.0 / probabilities[inside, a]
        weights = weights / weights.sum()
        residual = y[inside] - predictions[inside, a]
        values[inside, a] += weights * (residual - weights @ residual)
    return values


def ye_covariance(*, y: FloatArray, arm: IntArray, predictions: FloatArray, stratum: IntArray | None = None) -> FloatArray:
    """(A, A) covariance of the arms' means for independent people; `stratum` (n,) codes of a stratified balanced allocation."""
    n, arms = predictions.shape
    share = np.array([(arm == a).mean() for a in range(arms)])
    S = np.atleast_2d(np.cov(predictions, rowvar=False))
    Q = np.empty((arms, arms))
    for a in range(arms):
        inside = arm == a
        centred = y[inside] - y[inside].mean()
        Q[a] = centred @ (predictions[inside] - predictions[inside].mean(axis=0)) / (inside.sum() - 1)
    own = np.array([y[arm == a].var(ddof=1) for a in range(arms)]) + np.diag(S) - 2 * np.diag(Q)
    matrix = np.diag(own / share) + Q + Q.T - S
    if stratum is not None:
        matrix = matrix - _stratum_term(y - predictions[np.arange(n), arm], arm, stratum, share)
    return matrix / n


def _stratum_term(residual: FloatArray, arm: IntArray, stratum: IntArray, share: FloatArray) -> FloatArray:
    spread = np.diag(share) - np.outer(share, share)
    total = np.zeros_like(spread)
    for z in np.unique(stratum):
        inside = stratum == z
        means = np.array(
            [residual[inside & (arm == a)].mean() if (inside & (arm == a)).any() else 0.0 for a in range(len(share))]
        )
        total += inside.mean() * np.outer(means / share, means / share) * spread
    return total


def influence_variance(*, values: FloatArray, arm: IntArray, unit: IntArray, group: IntArray | None = None) -> InfluenceVariance:
    """Variance of the sum of influence values (n,) of one contrast, from independent units.

    Parameters
    ----------
    arm : (n,) codes. unit : (n,) codes of independent units, each within one arm.
    group : (n,) codes of groups that exist in some arms, -1 alone: df then under the working covariance; None for independence.
    """
    _, codes = np.unique(arm, return_inverse=True)
    codes = codes.reshape(-1).astype(np.int64)
    arms = (codes[:, None] == np.arange(int(codes.max()) + 1)).astype(float)
    outcome = values * arms.sum(axis=0)[codes]
    fit = least_squares(y=outcome, X=arms)
    clusters = Clusters.from_labels(unit)
    cov = covariance(fit, "CR2", clusters)
    ones = np.ones(arms.shape[1])
    variance = float(ones @ cov.matrix @ ones)
    if group is None:
        return InfluenceVariance(variance, satterthwaite(fit, cov, ones).df, True)
    working = _working(outcome, arms, codes, group)
    if working is None:
        counts = [len(np.unique(group[(codes == a) & (group >= 0)])) for a in range(arms.shape[1])]
        return InfluenceVariance(variance, float(min(c for c in counts if c) - 1), False)
    return InfluenceVariance(variance, satterthwaite(fit, cov, ones, working).df, True)


def _working(outcome: FloatArray, arms: FloatArray, codes: IntArray, group: IntArray) -> WorkingCovariance | None:
    """Residual variance by arm and group variance in the arms with groups of two or more, by REML; None without a maximum."""
    sizes = np.bincount(group[group >= 0], minlength=1)
    grouped = [a for a in range(arms.shape[1]) if (sizes[group[(codes == a) & (group >= 0)]] > 1).any()]
    kept = np.where(np.isin(codes, grouped), group, -1)
    fit = reml(grouped_strata(y=outcome, X=arms, part=codes, group=kept))
    if not fit.converged:
        return None
    between = np.zeros(arms.shape[1])
    between[grouped] = fit.theta[arms.shape[1] :]
    return WorkingCovariance(fit.theta[codes], np.where(kept >= 0, between[codes], 0.0))
