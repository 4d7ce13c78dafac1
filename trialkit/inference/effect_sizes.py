"""Effect sizes from summary numbers and from ranks.

- Clustered standardized difference on the total variance with a known ICC (Hedges 2007), and its form for groups in one arm (Hedges & Citkowicz
  2015). With V the covariance of the outcomes in units of the total variance and M the centring within arms, E[S^2] = s^2 tr(MV)/(N - 2), so

      d = (m1 - m0)/S sqrt(tr(MV)/(N - 2)),  h = tr(MV)^2 / tr(MVMV),  Var d = Var(m1 - m0)/s^2 + d^2/(2h),  g = (1 - 3/(4h - 1)) d,

  for clusters of any sizes. With groups in one arm that arm's total variance is the unit and the controls have its within part, 1 - ICC.
- Pretest-posttest-control d_ppc2 (Morris 2008, equations 8 and 25).
- Two by two tables: risk difference, log risk ratio and log odds ratio with Wald's standard errors.
- Placements (DeLong, DeLong & Clarke-Pearson 1988): the mean difference of placements is Cliff's delta, and its variance that of the
  probability of superiority, so that any estimator of a mean difference gives both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class ClusteredD:
    """d with its variance, df h, and g = j d; `variance_printed` has the second term as printed in Hedges (2007), equation 16."""

    d: float
    variance: float
    variance_printed: float
    df: float
    j: float

    @property
    def g(self) -> float:
        return self.j * self.d


@dataclass(frozen=True, slots=True)
class PrePostD:
    """d_ppc2, its variance for independent people, the correlation of pretest and posttest within arms, and the pretest SD."""

    d: float
    j: float
    variance: float
    correlation: float
    sd: float
    df: float


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Wald's estimates; NaN where an empty cell leaves one undefined."""

    risk_difference: float
    se_risk_difference: float
    log_risk_ratio: float
    se_log_risk_ratio: float
    log_odds_ratio: float
    se_log_odds_ratio: float


def clustered_d(
    *,
    difference: float,
    sd_1: float,
    sizes_1: FloatArray,
    sd_0: float,
    sizes_0: FloatArray,
    icc: float,
    one_arm: bool = False,
) -> ClusteredD:
    """Clustered d from a raw mean difference, each arm's SD over people (n - 1), and the cluster sizes of each arm.

    `one_arm`: the groups and the ICC are those of arm 1; `sizes_0` is then ones.

    Examples
    --------
    >>> import numpy as np
    >>> found = clustered_d(difference=3.3, sd_1=9.8, sizes_1=np.full(8, 20.0), sd_0=10.6, sizes_0=np.full(10, 20.0), icc=0.15)
    >>> round(found.g, 4)
    0.3184
    """
    n1, n0 = float(sizes_1.sum()), float(sizes_0.sum())
    free = n1 + n0 - 2
    pooled = math.sqrt(((n1 - 1) * sd_1**2 + (n0 - 1) * sd_0**2) / free)
    first, zero = _traces(sizes_1, 1 - icc, icc), _traces(sizes_0, 1 - icc, 0.0 if one_arm else icc)
    trace, squares, mean = (a + b for a, b in zip(first, zero))
    d = difference / pooled * math.sqrt(trace / free)
    h = trace**2 / squares
    return ClusteredD(d, mean + d**2 / (2 * h), mean + d**2 * squares / (2 * free * trace), h, 1 - 3 / (4 * h - 1))


def _traces(sizes: FloatArray, within: float, between: float) -> tuple[float, float, float]:
    """tr(MV), tr(MVMV) and Var(mean) of one arm, V = within I + between J in blocks, M = I - 11'/n."""
    n = float(sizes.sum())
    block = within + between * sizes
    total, total_squares = float(sizes @ block), float(sizes @ block**2)
    squares = float(np.sum((sizes - 1) * within**2 + block**2))
    return (
        within * (n - 1) + between * (n - float(sizes @ sizes) / n),
        squares - 2 * total_squares / n + total**2 / n**2,
        total / n**2,
    )


def pre_post_d(*, pre: FloatArray, post: FloatArray, treated: BoolArray) -> PrePostD:
    """d_ppc2 of people with both measures: difference in mean change over the pooled pretest SD, small-sample corrected."""
    n1, n0 = int(treated.sum()), int((~treated).sum())
    n = n1 + n0
    centred = [np.where(treated, x - x[treated].mean(), x - x[~treated].mean()) for x in (pre, post)]
    sd = math.sqrt(float(centred[0] @ centred[0]) / (n - 2))
    rho = float(centred[0] @ centred[1]) / math.sqrt(float(centred[0] @ centred[0]) * float(centred[1] @ centred[1]))
    change = post - pre
    j = 1 - 3 / (4 * (n - 2) - 1)
    d = j * float(change[treated].mean() - change[~treated].mean()) / sd
    ratio = n1 * n0 / n
    inner = 1 + d**2 * ratio / (2 * (1 - rho)) if rho < 1 else math.nan
    variance = 2 * j**2 * (1 - rho) / ratio * (n - 2) / (n - 4) * inner - d**2
    return PrePostD(d, j, variance, rho, sd, n - 2.0)


def two_by_two(*, events_1: float, n_1: float, events_0: float, n_0: float) -> TwoByTwo:
    """Wald's estimates of a two by two table, without continuity correction.

    Examples
    --------
    >>> round(two_by_two(events_1=30, n_1=100, events_0=20, n_0=100).risk_difference, 3)
    0.1
    """
    a, c = events_1, events_0
    p1, p0 = a / n_1, c / n_0
    difference = math.sqrt(p1 * (1 - p1) / n_1 + p0 * (1 - p0) / n_0)
    rr = lrr = odds = lor = math.nan
    if a > 0 and c > 0:
        rr, lrr = math.log(p1 / p0), math.sqrt(1 / a - 1 / n_1 + 1 / c - 1 / n_0)
    if 0 < a < n_1 and 0 < c < n_0:
        odds, lor = math.log(a / (n_1 - a)) - math.log(c / (n_0 - c)), math.sqrt(1 / a + 1 / (n_1 - a) + 1 / c + 1 / (n_0 - c))
    return TwoByTwo(p1 - p0, difference, rr, lrr, odds, lor)


def placements(*, y: FloatArray, treated: BoolArray, weights: FloatArray) -> FloatArray:
    """(n,) for each person the share of the other arm that scores lower, ties counted half.

    `weights` (n,) sum to one within each arm. The weighted mean of the treated less that of the controls is Cliff's delta.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.array([True, True, False, False])
    >>> placements(y=np.array([3.0, 1, 1, 0]), treated=t, weights=np.full(4, 0.5)).tolist()
    [1.0, 0.75, 0.25, 0.0]
    """
    out = np.empty(len(y))
    for inside in (treated, ~treated):
        order = np.argsort(y[~inside], kind="stable")
        other = y[~inside][order]
        below = np.concatenate([[0.0], np.cumsum(weights[~inside][order])])
        own = y[inside]
        left, right = np.searchsorted(other, own, "left"), np.searchsorted(other, own, "right")
        out[inside] = (below[left] + below[right]) / 2
    return out
