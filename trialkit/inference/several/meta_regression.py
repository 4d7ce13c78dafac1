"""Meta-regression of independent estimates: y_i = x_i'b + u_i + e_i, Var(e_i) = v_i known, Var(u_i) = tau2, w_i = 1/(v_i + tau2).

With e the residuals, h the leverages and q the orthonormal basis of the weighted regression (k estimates, p coefficients):

- DL: tau2 = (Q_E - (k - p)) / sum w (1 - h) at tau2 = 0, cut off at 0;
- PM: the tau2 at which sum w e^2 = k - p;
- REML: Fisher scoring, (sum (w e)^2 - tr P) / tr PP a step, tr P = sum w (1 - h), tr PP = sum w^2 (1 - 2h) + |q'Wq|^2.

Knapp & Hartung (2003): covariance (X'WX)^-1 times sum w e^2 / (k - p), t on k - p df and an F test of the moderators. I2 = tau2 / (tau2 + s2)
with s2 = (k - p) / sum w (1 - h) at tau2 = 0. tau2 is iterated to the end. With a column of ones only this is `pooling.py`.

Source: Raudenbush (2009); Viechtbauer (2005); Viechtbauer, Lopez-Lopez, Sanchez-Meca & Marin-Martinez (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy import optimize

from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.inference.several.between_studies import scored_tau2
from trialkit.inference.several.pooling import TauMethod

_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class MetaRegressionFit:
    """A fitted meta-regression.

    Attributes
    ----------
    fit : the weighted regression at `tau2`; `fit.bread` is the covariance of the coefficients with tau2 taken as known.
    scale : sum w e^2 / (k - p), the factor of Knapp and Hartung.
    tau2, i2 : variance of the true effects that is left, and its share of the variation that is left.
    q, df : homogeneity statistic Q_E at tau2 = 0, and k - p.
    """

    fit: LeastSquares
    scale: float
    tau2: float
    i2: float
    q: float
    df: int


def meta_regress(
    *, estimates: FloatArray, variances: FloatArray, X: FloatArray, method: TauMethod, tolerance: float | None = None
) -> MetaRegressionFit:
    """Regress k estimates (k,) with known variances (k,) on the columns of X (k, p), p < k, of full rank.

    `tolerance` : change of tau2, relative to the typical variance, at which its iteration ends; 1e-10 by default.

    Raises ArithmeticError when the iteration does not settle.

    Examples
    --------
    >>> import numpy as np
    >>> y, X = np.array([0.1, 0.2, 0.6, 0.5]), np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> meta_regress(estimates=y, variances=np.full(4, 0.01), X=X, method="FE").fit.coef.round(3).tolist()
    [0.15, 0.4]
    """
    common = least_squares(y=estimates, X=X, weights=1 / variances)
    q, df = float(common.rss), common.df_resid
    trace = float(((1 - common.leverage) / variances).sum())
    typical = df / trace
    end = (_TOLERANCE if tolerance is None else tolerance) * typical
    tau2 = 0.0
    if method == "DL":
        tau2 = max(0.0, (q - df) / trace)
    elif method == "PM":
        tau2 = _paule_mandel(estimates, variances, X, end)
    elif method == "REML":
        tau2 = _reml(estimates, variances, X, max(0.0, (q - df) / trace), end)
    fit = least_squares(y=estimates, X=X, weights=1 / (variances + tau2))
    i2 = max(0.0, 1 - df / q) if method == "FE" and q > 0 else tau2 / (tau2 + typical)
    return MetaRegressionFit(fit, float(fit.rss) / df, tau2, float(i2), q, df)


def _paule_mandel(y: FloatArray, v: FloatArray, X: FloatArray, end: float) -> float:
    def excess(tau2: float) -> float:
        fit = least_squares(y=y, X=X, weights=1 / (v + tau2))
        return float(fit.rss) - fit.df_resid

    if excess(0.0) <= 0:
        return 0.0
    highest = float(v.max())
    while excess(highest) > 0:
        highest *= 4
    return float(optimize.brentq(excess, 0.0, highest, xtol=end))


def _reml(y: FloatArray, v: FloatArray, X: FloatArray, start: float, end: float) -> float:
    def step(tau2: float) -> float:
        w = 1 / (v + tau2)
        fit = least_squares(y=y, X=X, weights=w)
        inner = fit.q.T @ (fit.q * w[:, None])
        trace = float((w * (1 - fit.leverage)).sum())
        squares = float((w**2 * (1 - 2 * fit.leverage)).sum() + (inner**2).sum())
        return (float(((w * fit.residuals) ** 2).sum()) - trace) / squares

    return scored_tau2(start, step, end)
