"""Lee's bounds: a difference in means among those observed (or above zero) under either arm, when the arms' shares differ.

The arm with the larger share is trimmed by q = (p1 - p0)/p1, its highest values for one bound and its lowest for the other; under monotonicity (the
arm moves selection one way for everybody) the trimmed means bracket the effect for those selected under both arms. Values at the threshold
are kept in the fraction that makes the kept number exactly n1 (1 - q). With M the trimmed mean and y_q the threshold

    Var = Var_trim/(n1 (1-q)) + (y_q - M)^2 q/(n1 (1-q)) + ((y_q - M)/(1-q))^2 V_q + s0^2/n0,
    V_q = (1-q)^2 [(1-p1)/(p1 N1) + (1-p0)/(p0 N0)].

Since M = y_q + mean (Y - y_q)^+/(1-q), whose derivative in y_q is zero, the bound is to first order a sum over people of

    arm 1: S (U - mean U)/((1-q) n1) + (M - y_q)(S - p1)/(p1 N1),   arm 0: -S (Y - m0)/n0 - (M - y_q)(S - p0)/(p0 N0),   U = (Y - y_q)^+,

whose squares sum to Var; their sums over groups give the variance where groups exist. Sources: Lee (2009), Review of Economic Studies 76; Tauchmann (2014), Stata
Journal 14(4) for ties and Var_trim, which divides by n where a threshold value is kept in part and by n - 1 otherwise; Imbens & Manski (2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.distributions import t_quantile, t_tail


@dataclass(frozen=True, slots=True)
class LeeBounds:
    """Bounds of the effect (treated - control) for those selected under both arms.

    Attributes
    ----------
    se_lower, se_upper : for people alone. trim : share of the trimmed arm that is cut. trimmed_treated : whether that arm is the treated one.
    values_lower, values_upper : (n,) values that sum to the errors of the bounds.
    """

    lower: float
    upper: float
    se_lower: float
    se_upper: float
    trim: float
    trimmed_treated: bool
    values_lower: FloatArray
    values_upper: FloatArray


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """A trimmed mean, its threshold, and the variance of what is kept."""

    mean: float
    threshold: float
    variance: float


def lee_bounds(*, y: FloatArray, selected: BoolArray, treated: BoolArray) -> LeeBounds:
    """Bounds from y (n,), read where `selected`; both arms need two people selected.

    Raises ValueError when an arm has fewer.
    """
    counts = [int((selected & inside).sum()) for inside in (~treated, treated)]
    if min(counts) < 2:
        raise ValueError("an arm has fewer than two people selected")
    shares = [float(selected[inside].mean()) for inside in (~treated, treated)]
    trimmed_treated = shares[1] >= shares[0]
    more, less = (treated, ~treated) if trimmed_treated else (~treated, treated)
    p1, p0 = max(shares), min(shares)
    q = (p1 - p0) / p1
    outcome, others = y[more & selected], y[less & selected]
    n1, n0 = len(outcome), len(others)
    keep = n1 * (1 - q)
    v_q = (1 - q) ** 2 * ((1 - p1) / (p1 * int(more.sum())) + (1 - p0) / (p0 * int(less.sum())))
    rest = float(others.var(ddof=1)) / n0
    ends = []
    for highest in (False, True):
        found = _trim(outcome, keep, highest)
        gap = found.threshold - found.mean
        variance = found.variance / keep + gap**2 * q / keep + (gap / (1 - q)) ** 2 * v_q + rest
        values = _values(y, selected, more, less, found, highest, q, p1, p0, float(others.mean()))
        sign = 1.0 if trimmed_treated else -1.0
        ends.append((sign * (found.mean - float(others.mean())), math.sqrt(variance), sign * values))
    low, high = ends if trimmed_treated else ends[::-1]
    return LeeBounds(low[0], high[0], low[1], high[1], q, trimmed_treated, low[2], high[2])


def _trim(y: FloatArray, keep: float, highest: bool) -> _Trimmed:
    """Mean of the `keep` highest (lowest) values, the last of them in part."""
    order = np.sort(y)[::-1] if highest else np.sort(y)
    threshold = float(order[min(math.ceil(keep - 1e-9), len(order)) - 1])
    beyond = order[order > threshold] if highest else order[order < threshold]
    ties = int((order == threshold).sum())
    part = (keep - len(beyond)) / ties
    mean = (float(beyond.sum()) + part * ties * threshold) / keep
    squares = float(((beyond - mean) ** 2).sum()) + part * ties * (threshold - mean) ** 2
    whole = abs(part - 1) < 1e-9
    return _Trimmed(mean, threshold, squares / (keep - 1 if whole and keep > 1 else keep))


def _values(
    y: FloatArray,
    selected: BoolArray,
    more: BoolArray,
    less: BoolArray,
    found: _Trimmed,
    highest: bool,
    q: float,
    p1: float,
    p0: float,
    mean: float,
) -> FloatArray:
    s = selected.astype(float)
    out = np.zeros(len(y))
    excess = np.where(selected, np.maximum((y - found.threshold) * (1.0 if highest else -1.0), 0.0), 0.0)
    n1, n0 = int((more & selected).sum()), int((less & selected).sum())
    centred = s * (excess - excess[more & selected].mean()) * (1.0 if highest else -1.0) / ((1 - q) * n1)
    moved = found.mean - found.threshold
    out[more] = (centred + moved * (s - p1) / n1)[more]
    out[less] = (-np.where(selected, y - mean, 0.0) / n0 - moved * (s - p0) / n0)[less]
    return out


def imbens_manski(
    *, lower: float, upper: float, se_lower: float, se_upper: float, conf_level: float, df: float = math.inf
) -> tuple[float, float]:
    """Interval that covers the effect, not the whole set of bounds: c with P(T < c + width/max se) - P(T < -c) = conf_level."""
    width = (upper - lower) / max(se_lower, se_upper)
    top = t_quantile(1 - (1 - conf_level) / 2, df) + 1e-9
    c = float(optimize.brentq(lambda v: 1 - t_tail(v + width, df) - t_tail(v, df) - conf_level, 0.0, top, xtol=1e-13))
    return lower - c * se_lower, upper + c * se_upper
