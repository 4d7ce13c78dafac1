"""A simultaneous band for a straight line over an interval.

For b ~ N(beta, s^2 V), the band c(m)'b +- w se(m), c(m) = (1, m), covers the whole line on [low, high] when the largest |t(m)| on it is at most w. In coordinates
with V = I, b - beta has radius R, P(R > r) = (1 + r^2/df)^(-df/2), and a uniform direction; c(m) sweeps an arc whose angle has the correlation of
the two ends' estimates as cosine. The largest |t| is R when the direction falls in the arc (or its mirror image) and R cos d when it
misses it by d:

    P(max |t| > w) = angle/pi P(R > w) + 2/pi int_0^{(pi - angle)/2} P(R > w / cos d) dd.

Angle 0 gives the t quantile of one point, angle pi the Working-Hotelling-Scheffe band. Source: Wynn & Bloomfield (1971), Journal of the
Royal Statistical Society B 33; Liu, Hayter & Wynn (2007), Biometrika 94.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def exceedance(width: float, *, angle: float, df: float) -> float:
    """P(max |t| > width) over the arc."""
    half = (math.pi - angle) / 2
    d = half * (_NODES + 1) / 2
    missed = float(_beyond(width / np.cos(d), df) @ _WEIGHTS) * half / 2
    return angle / math.pi * float(_beyond(np.array([width]), df)[0]) + 2 / math.pi * missed


def band_width(*, correlation: float, df: float, conf_level: float) -> float:
    """The multiple w of the standard error; `correlation` is that of the estimates at the two ends of the interval."""
    angle = math.acos(min(max(correlation, -1.0), 1.0))
    high = 4.0
    while exceedance(high, angle=angle, df=df) > 1 - conf_level:
        high *= 2
    return float(optimize.brentq(lambda w: exceedance(w, angle=angle, df=df) - (1 - conf_level), 1e-9, high, xtol=1e-10))


def _beyond(radius: FloatArray, df: float) -> FloatArray:
    if math.isinf(df):
        return np.asarray(np.exp(-(radius**2) / 2))
    return np.asarray(np.exp(-df / 2 * np.log1p(radius**2 / df)))
