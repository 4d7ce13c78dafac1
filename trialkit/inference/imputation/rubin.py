"""Rubin's rules with the degrees of freedom of Barnard and Rubin.

With M estimates q_m of variance u_m: U = mean u, B = variance of q (divisor M - 1), T = U + (1 + 1/M) B. With lam = (1 + 1/M) B / T,

    nu_old = (M - 1) / lam^2,   nu_obs = nu_com (nu_com + 1) / (nu_com + 3) (1 - lam),   nu = nu_old nu_obs / (nu_old + nu_obs),

nu_com the degrees of freedom the analysis would have on complete data. riv = (1 + 1/M) B / U and fmi = (riv + 2/(nu + 3)) / (riv + 1).
Sources: Rubin (1987, sections 3.1-3.3); Barnard & Rubin (1999), Biometrika 86, 948-955.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class RubinPooled:
    """Pooled numbers, all of shape (k,).

    Attributes
    ----------
    estimate, variance, df : mean of the estimates, T, and nu.
    within, between : U and B. riv : relative increase in variance. lam : share of T due to missingness.
    fmi : fraction of missing information. mc_error : Monte Carlo standard error of the estimate, sqrt(B/M).
    """

    estimate: FloatArray
    variance: FloatArray
    df: FloatArray
    within: FloatArray
    between: FloatArray
    riv: FloatArray
    lam: FloatArray
    fmi: FloatArray
    mc_error: FloatArray


def rubin(*, estimates: FloatArray, variances: FloatArray, df: FloatArray) -> RubinPooled:
    """Pool (M, k) estimates and variances, M >= 2, with complete-data degrees of freedom (k,), which may be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> found = rubin(estimates=np.array([[1.0], [2.0], [3.0]]), variances=np.full((3, 1), 0.25), df=np.array([20.0]))
    >>> found.variance.round(6).tolist(), found.df.round(6).tolist()
    ([1.583333], [1.425728])
    """
    m = len(estimates)
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    added = (1 + 1 / m) * between
    total = within + added
    with np.errstate(divide="ignore", invalid="ignore"):
        lam = np.where(total > 0, added / total, 0.0)
        riv = np.where(within > 0, added / within, np.where(added > 0, np.inf, 0.0))
    nu = np.array([degrees_of_freedom(m, float(a), float(b)) for a, b in zip(lam, df)])
    # (riv + 2/(nu+3)) / (riv + 1) with lam = riv / (riv + 1), which also holds where U = 0
    fmi = lam + (1 - lam) * 2 / (nu + 3)
    return RubinPooled(estimates.mean(axis=0), total, nu, within, between, riv, lam, fmi, np.sqrt(between / m))


def degrees_of_freedom(m: int, lam: float, df: float) -> float:
    """nu of Barnard and Rubin; nu_old where df is infinite, nu_obs where the estimates do not differ."""
    old = math.inf if lam < 1e-150 else (m - 1) / lam**2
    observed = math.inf if math.isinf(df) else df * (df + 1) / (df + 3) * (1 - lam)
    if math.isinf(old):
        return observed
    return old if math.isinf(observed) else old * observed / (old + observed)
