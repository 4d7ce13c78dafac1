"""Power of several arms tested against one control, whose mean and variance estimate they share.

T_i = (X_i + d_i)/S with X_i = sqrt(1 - b_i^2) Z_i + b_i Z_0, b_i^2 = n_i/(n_i + n_0), S = sqrt(chi2_v/v). Given Z_0 and S the comparisons are
independent, so that P(none rejects) and P(all reject) are double integrals of products; trapezoidal sums over both (noncentral.py).
Source: Dunnett (1955).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Alternative, chi_nodes, t_tails


@dataclass(frozen=True, slots=True)
class ManyToOne:
    """Power of each comparison (k,), of at least one and of all of them."""

    each: FloatArray
    some: float
    every: float


def many_to_one_power(
    *, ncp: FloatArray, loadings: FloatArray, df: float, critical: float, alternative: Alternative
) -> ManyToOne:
    """Power of k comparisons at one critical value.

    Parameters
    ----------
    ncp : (k,) noncentralities. loadings : (k,) b_i. df : of the pooled variance. critical : positive.

    Examples
    --------
    >>> found = many_to_one_power(ncp=np.full(2, 2.8), loadings=np.full(2, 0.5**0.5), df=150, critical=2.2, alternative="greater")
    >>> bool(found.every < found.each[0] < found.some)
    True
    """
    d, b = np.asarray(ncp, dtype=float), np.asarray(loadings, dtype=float)
    z = np.linspace(-8.5, 8.5, 201)
    z_weights = np.exp(-0.5 * z**2)
    z_weights /= z_weights.sum()
    s, s_weights = chi_nodes(np.array([df]), np.array([float(np.abs(d).max())]), np.array([critical]))
    cut = critical * s[0][None, :, None]
    mean = (d + b * z[:, None])[:, None, :]
    own = np.sqrt(1 - b**2)
    above, below = special.ndtr((mean - cut) / own), special.ndtr((-mean - cut) / own)
    rejected = {"two-sided": above + below, "greater": above, "less": below}[alternative]
    weights = z_weights[:, None] * s_weights[0][None, :]
    some = 1 - float(np.sum(weights * np.prod(1 - rejected, axis=2)))
    every = float(np.sum(weights * np.prod(rejected, axis=2)))
    each = t_tails(ncp=d, df=df, critical=critical, alternative=alternative).power
    return ManyToOne(np.asarray(each), some, every)
