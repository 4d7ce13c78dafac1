"""Variances of averages from influence values: arm means after any prediction of the outcome, and differences of them.

theta_a = mean mu_a(x) + mean over arm a of (y - mu_a(x)), mu_a a prediction of the outcome in arm a (g-computation, AIPW), weighted by
1/probability where probabilities differ between people.

- Independent people, one allocation share p_a an arm (Ye, Bannick, Yi & Shao 2023; Bannick, Shao, Liu, Du, Yi & Ye 2025): n Var = diag(v_a/p_a) + Q + Q' - S,
  S_ab = cov(mu_a, mu_b) over all, Q_ab = cov(y, mu_b) within arm a, v_a = var_a(y) + S_aa - 2 Q_aa. Randomization stratified with
  balanced allocation removes sum_z P(z) R_z (diag(p) - pp') R_z, R_z = diag(mean residual of arm a in z / p_a): nothing when the strata are in the model.
  The means carry noise, so that a share J/n of the variance is lost with J strata (half of it in pairs): callers use it for large strata only.
- Groups or clusters: influence values f_i (they sum to estimate - truth) times the size of their arm are an outcome whose arm means are
  added up. Regressed on the arms, its CR2 variance is sum_g (sum_i f_i)^2 / (1 - n_g/n_arm), with degrees of freedom under the
  grouped working covariance of the values (small_sample.py) where groups exist in some arms only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray, IntArray
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance, satterthwaite
from trialkit.inference.mixed.grouped_reml import grouped_strata, reml

NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class InfluenceVariance:
    """Variance of a sum of influence values, its df, and whether the working covariance could be fitted."""

    variance: float
    df: float
    converged: bool


def marginal_means(
    *, y: FloatArray, arm: IntArray, predictions: FloatArray, probabilities: FloatArray, weights: FloatArray | None = None
) -> FloatArray:
    """(..., A) means of each arm over everybody; y (..., n), predictions (..., n, A) and probabilities (n, A).

    The residuals of an arm are averaged with weights 1/probability that are scaled to sum to one. `weights` (n,) count people in both
    averages; None counts each the same.
    """
    own = _residual_weights(arm, probabilities, weights)
    everyone = _shares_of_people(len(arm), weights)
    return np.asarray(everyone @ predictions + np.einsum("na,...na->...a", own, y[..., None] - predictions))


def influence_values(
    *, y: FloatArray, arm: IntArray, predictions: FloatArray, probabilities: FloatArray, weights: FloatArray | None = None
) -> FloatArray:
    """(..., n, A) values that sum to the error of each arm's mean; arguments as in `marginal_means`."""
    own = _residual_weights(arm, probabilities, weights)
    everyone = _shares_of_people(len(arm), weights)
    residual = y[..., None] - predictions
    centre = np.einsum("na,...na->...a", own, residual)
    means = everyone @ predictions
    return np.asarray(everyone[:, None] * (predictions - means[..., None, :]) + own * (residual - centre[..., None, :]))


def linearized_outcome(
    *, y: FloatArray, arm: IntArray, predictions: FloatArray, gradient: FloatArray, weights: FloatArray | None = None
) -> FloatArray:
    """(..., n) an outcome whose regression on the arms has, in the sum of the arms' coefficients, the variance of a contrast.

    The contrast has the derivative `gradient` (..., A) in the arms' means. A person of arm a has g_a (y - mu_a(x)), and for the means over x
    the share of arm a times sum_b g_b (mu_b(x) - mean mu_b). With an indicator of each arm, and strata centred and interacted with them,
    its CR2 (HC2) variance and df are those of the estimate; without covariates it is g_a (y - mean_a).
    """
    people = _shares_of_people(len(arm), weights)
    arms = np.arange(predictions.shape[-1])
    share = np.array([people[arm == a].sum() for a in arms])[arm]
    rows = np.arange(len(arm))
    residual = y - predictions[..., rows, arm]
    spread = np.einsum("...na,...a->...n", predictions, gradient)
    spread = spread - (spread @ people)[..., None]
    return np.asarray(gradient[..., arm] * residual + share * spread)


def _residual_weights(arm: IntArray, probabilities: FloatArray, weights: FloatArray | None) -> FloatArray:
    """(n, A) weights of the residuals, zero outside an arm and of sum one in it."""
    inside = arm[:, None] == np.arange(probabilities.shape[1])
    own = np.where(inside, 1.0 / np.where(inside, probabilities, 1.0), 0.0)
    if weights is not None:
        own = own * weights[:, None]
    return np.asarray(own / own.sum(axis=0))


def _shares_of_people(n: int, weights: FloatArray | None) -> FloatArray:
    return np.full(n, 1.0 / n) if weights is None else weights / weights.sum()


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
    outcome = values * np.bincount(codes)[codes]
    varies = np.array([np.ptp(outcome[codes == a]) > NOTHING * np.abs(outcome).max() for a in range(int(codes.max()) + 1)])
    if not varies.all():  # arms outside the contrast, or without a single event, add nothing and have no variance to fit
        if not varies.any():
            return InfluenceVariance(0.0, float("nan"), True)
        kept = varies[codes]
        return influence_variance(
            values=values[kept], arm=arm[kept], unit=unit[kept], group=None if group is None else group[kept]
        )
    arms = (codes[:, None] == np.arange(int(codes.max()) + 1)).astype(float)
    fit = least_squares(y=outcome, X=arms)
    clusters = Clusters.from_labels(unit)
    cov = covariance(fit, "CR2", clusters)
    ones = np.ones(arms.shape[1])
    variance = float(ones @ cov.matrix @ ones)
    if group is None or np.bincount(group[group >= 0], minlength=1).max() < 2:  # a group of one shares nothing with anybody
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
    try:
        fit = reml(grouped_strata(y=outcome, X=arms, part=codes, group=kept))
    except np.linalg.LinAlgError:  # an arm with next to no variance
        return None
    if not fit.converged:
        return None
    between = np.zeros(arms.shape[1])
    between[grouped] = fit.theta[arms.shape[1] :]
    return WorkingCovariance(fit.theta[codes], np.where(kept >= 0, between[codes], 0.0))
