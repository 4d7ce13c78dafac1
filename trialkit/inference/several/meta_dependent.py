"""Meta-regression with several estimates a study: robust variance with correlated-effects weights.

The estimates of a study come from the same people and share the study's true effect. The working covariance of study j with k_j
estimates of mean variance v_j is v_j [(1 - rho) I + rho J] + tau2 J, and every estimate has the weight 1 / (k_j (v_j + tau2)), so that a study
does not count for more because it reports more. tau2 solves E Q = Q by moments for the weights 1 / (k_j v_j),

    tau2 = (Q - tr P S) / tr P J,   P = W - W X (X'WX)^-1 X'W,   S_j = v_j [(1 - rho) I + rho J],

cut off at 0. The covariance of the coefficients is CR2 by study, which holds whatever the true dependence; df are Satterthwaite's, the joint
test is the approximate Hotelling test. Both are those of the regression in which rows are multiplied by the root of their weights, because a
study's estimates have one weight.

Source: Hedges, Tipton & Johnson (2010); Tipton (2015); Tipton & Pustejovsky (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import Clusters, FloatArray
from trialkit.inference.linear.covariance import Covariance, covariance
from trialkit.inference.linear.least_squares import LeastSquares, least_squares


@dataclass(frozen=True, slots=True)
class DependentFit:
    """A fitted meta-regression of studies with several estimates.

    Attributes
    ----------
    fit : unweighted regression of the rows multiplied by the root of their weight.
    cov : CR2 by study.
    tau2 : variance between studies' true effects.
    weights : (n,) of the estimates.
    """

    fit: LeastSquares
    cov: Covariance
    tau2: float
    weights: FloatArray


def regress_dependent(
    *,
    estimates: FloatArray,
    variances: FloatArray,
    X: FloatArray,
    clusters: Clusters,
    rho: float = 0.8,
    tau2: float | None = None,
) -> DependentFit:
    """Regress n estimates (n,) with known variances (n,) on X (n, p), studies as `clusters`.

    `rho` : correlation of the errors of a study's estimates, which matters for tau2 only and little there. `tau2` : given, it is not estimated.

    Examples
    --------
    >>> import numpy as np
    >>> y, v = np.array([0.1, 0.3, 0.4, 0.5]), np.full(4, 0.01)
    >>> found = regress_dependent(estimates=y, variances=v, X=np.ones((4, 1)), clusters=Clusters.from_labels(np.array([1, 1, 2, 3])))
    >>> round(float(found.fit.coef[0]), 4), round(found.tau2, 4)
    (0.3667, 0.0182)
    """
    size, mean = _by_study(variances, clusters)
    if tau2 is None:
        tau2 = _moments(estimates, X, 1 / (size * mean), mean, clusters, rho)
    weights = 1 / (size * (mean + tau2))
    root = np.sqrt(weights)
    fit = least_squares(y=estimates * root, X=X * root[:, None])
    return DependentFit(fit, covariance(fit, "CR2", clusters), tau2, weights)


def _by_study(variances: FloatArray, clusters: Clusters) -> tuple[FloatArray, FloatArray]:
    """Number and mean variance of the estimates of the own study, by row."""
    sums = clusters.sum(variances[clusters.order, None])[:, 0]
    size, mean = np.empty(len(variances)), np.empty(len(variances))
    size[clusters.order] = np.repeat(clusters.sizes, clusters.sizes)
    mean[clusters.order] = np.repeat(sums / clusters.sizes, clusters.sizes)
    return size, mean


def _moments(y: FloatArray, X: FloatArray, w: FloatArray, v: FloatArray, clusters: Clusters, rho: float) -> float:
    fit = least_squares(y=y, X=X, weights=w)
    sums = clusters.sum((fit.X * w[:, None])[clusters.order])
    spread = v[clusters.order][clusters.starts]
    own = fit.X.T @ (fit.X * (w**2 * v)[:, None])
    shared = sums.T @ (sums * spread[:, None])
    errors = float(w @ v - np.sum(fit.bread * ((1 - rho) * own + rho * shared)))
    between = float(w.sum() - np.sum(fit.bread * (sums.T @ sums)))
    return max(0.0, (float(fit.rss) - errors) / between) if between > 0 else 0.0
