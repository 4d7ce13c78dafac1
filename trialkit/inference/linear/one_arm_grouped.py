"""Difference in means with groups in one arm, for many trials at once from sufficient statistics.

Groups of sizes n_j (c_j of each size) are in one arm, N people in all; m people stand alone in the other. With normal outcomes the means of the groups of one
size, the squares between and within them, and the mean and squares of the single people are sufficient, and independent:

    mean_j ~ N(0, (t2 + s2/n_j)/c_j),  between_j ~ (t2 + s2/n_j) chi2(c_j - 1),  within ~ s2 chi2(N - groups),  alone ~ s2_0 chi2(m - 1).

The test is that of least squares on the arm with CR2 and Satterthwaite's df under the REML fit of the grouped working covariance: what `itt` gives by default.
- CR2: V = sum_j a_j^2 n_j^2 [between_j + c_j (mean_j - mean)^2] + alone/(m (m-1)),  a_j^2 = 1/(N^2 (1 - n_j/N)).
- REML: the arms share no parameter. In the grouped arm -2 l_R profiled over s2 is, with g = t2/s2, w_j = n_j/(1 + n_j g), W = sum c_j w_j, centre c,

    f(g) = (N - 1) log Q + sum_j c_j log(1 + n_j g) + log W,   Q = within + sum_j w_j [between_j + c_j (mean_j - c)^2].

- Moments of V in (s2, t2): the sum over groups has variance v_g = n_g s2 + n_g^2 t2 and the scores a_g (T_g - n_g/N sum T) give G; mean = tr G, df = mean^2/tr G^2.
Sources: Bell & McCaffrey (2002); Pustejovsky & Tipton (2018); Roberts & Roberts (2005), Clinical Trials 2(2); grouped_reml.py and small_sample.py for the general case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.mixed.grouped_reml import EDGE

STEPS = 60
TOLERANCE = 1e-11
LONGEST = 1.0


@dataclass(frozen=True, slots=True)
class GroupedStatistics:
    """Of R trials with one set of group sizes.

    Attributes
    ----------
    means, between : (R, J) mean of the group means of each size, and their squares about it.
    within : (R,) squares within groups. alone_mean, alone_squares : (R,) of the single people.
    sizes, counts : (J,) sizes of groups, all different, and the number of each. alone : number of single people.
    """

    means: FloatArray
    between: FloatArray
    within: FloatArray
    alone_mean: FloatArray
    alone_squares: FloatArray
    sizes: FloatArray
    counts: FloatArray
    alone: int

    @property
    def people(self) -> float:
        return float(self.sizes @ self.counts)

    @property
    def groups(self) -> float:
        return float(self.counts.sum())


@dataclass(frozen=True, slots=True)
class GroupedDifferences:
    """(R,) difference of the grouped arm from the single people, its standard error and df, and whether the REML fit has a maximum."""

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    converged: BoolArray


def draw_grouped(
    rng: np.random.Generator,
    replicates: int,
    *,
    sizes: IntArray,
    alone: int,
    within: float,
    between: float,
    alone_variance: float,
) -> GroupedStatistics:
    """Statistics of trials without an effect.

    Parameters
    ----------
    sizes : (G,) people in each group, two groups or more and two people or more in one of them. alone : single people, two or more.
    within, between : variance of people within a group and of the groups' effects. alone_variance : of single people.
    """
    if len(sizes) < 2 or sizes.max() < 2 or sizes.min() < 1 or alone < 2:
        raise ValueError("at least two groups, one of them with two people, and two people who stand alone")
    size, count = (v.astype(float) for v in np.unique(sizes, return_counts=True))
    variance = between + within / size
    free = float(size @ count - count.sum())
    return GroupedStatistics(
        rng.standard_normal((replicates, len(size))) * np.sqrt(variance / count),
        _chi_square(rng, count - 1, (replicates, len(size))) * variance,
        within * rng.chisquare(free, replicates),
        rng.standard_normal(replicates) * np.sqrt(alone_variance / alone),
        alone_variance * rng.chisquare(alone - 1, replicates),
        size, count, alone,
    )  # fmt: skip


def _chi_square(rng: np.random.Generator, df: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """A single group of its size has no square."""
    return np.where(df > 0, rng.chisquare(np.maximum(df, 1.0), shape), 0.0)


def grouped_statistics(*, y: FloatArray, group: IntArray) -> GroupedStatistics:
    """Statistics of outcomes (R, n); group (n,) codes of the people in groups, -1 of the single people."""
    inside = np.flatnonzero(group >= 0)
    _, codes, people = np.unique(group[inside], return_inverse=True, return_counts=True)
    order = inside[np.argsort(codes, kind="stable")]
    starts = np.concatenate(([0], np.cumsum(people)[:-1]))
    own = np.add.reduceat(y[:, order], starts, axis=1) / people
    within = np.square(y[:, order] - np.repeat(own, people, axis=1)).sum(axis=1)
    size, count = np.unique(people, return_counts=True)
    means = np.stack([own[:, people == s].mean(axis=1) for s in size], axis=1)
    between = np.stack([np.square(own[:, people == s] - m[:, None]).sum(axis=1) for s, m in zip(size, means.T)], axis=1)
    single = y[:, group < 0]
    centre = single.mean(axis=1)
    squares = np.square(single - centre[:, None]).sum(axis=1)
    return GroupedStatistics(means, between, within, centre, squares, size.astype(float), count.astype(float), single.shape[1])


def grouped_differences(s: GroupedStatistics) -> GroupedDifferences:
    """The difference in means of each trial with its CR2 standard error and df under the fitted working covariance.

    Where the REML fit has no maximum the df is the number of groups minus one.
    """
    n, m = s.people, float(s.alone)
    share = s.sizes * s.counts / n
    centre = s.means @ share
    squares = s.between + s.counts * np.square(s.means - centre[:, None])
    load = s.sizes**2 / (n**2 * (1 - s.sizes / n))
    alone = s.alone_squares / (m * (m - 1))
    residual, ratio, converged = grouped_ratio(s)
    theta = np.stack([residual, residual * ratio], axis=1)
    first, second = _moments(s)
    mean = theta @ first + alone
    df = mean**2 / (np.einsum("rp,pq,rq->r", theta, second, theta) + alone**2 / (m - 1))
    found = np.where(converged, df, s.groups - 1)
    return GroupedDifferences(centre - s.alone_mean, np.sqrt(squares @ load + alone), found, converged)


def _moments(s: GroupedStatistics) -> tuple[FloatArray, FloatArray]:
    """Coefficients of tr G (2,) and tr G^2 (2, 2) in (residual, group) variance, of the grouped arm."""
    size = np.repeat(s.sizes, s.counts.astype(np.int64))
    share = size / s.people
    scale = 1 / (s.people * np.sqrt(1 - share))
    pieces = []
    for v in (size, size**2):
        own = np.diag(v) - np.outer(v, share) - np.outer(share, v) + np.outer(share, share) * v.sum()
        pieces.append(own * np.outer(scale, scale))
    return np.array([np.trace(p) for p in pieces]), np.array([[np.sum(p * q) for q in pieces] for p in pieces])


def grouped_ratio(s: GroupedStatistics) -> tuple[FloatArray, FloatArray, BoolArray]:
    """REML in the grouped arm: (R,) residual variance, ratio of group to residual variance, and whether that is a maximum.

    Newton steps in log(g + 1/n), n the largest group, from a positive ratio; the lower limit is a hair inside -1/n. With very unequal groups about one trial
    in a thousand has two maxima, of which this may be another than `reml_many` finds.
    """
    largest = s.sizes.max()
    low = np.log(EDGE / largest)
    t = np.log(_start(s) + 1 / largest)
    slope, curve = np.empty_like(t), np.empty_like(t)
    going = np.arange(len(t))
    for _ in range(STEPS):
        shift = np.exp(t[going])
        f1, f2 = _slopes(s, going, shift - 1 / largest)
        slope[going], curve[going] = f1 * shift, f2 * shift**2 + f1 * shift
        step = -slope[going] / np.maximum(np.abs(curve[going]), 1e-12 * s.people)
        new = np.maximum(t[going] + np.clip(step, -LONGEST, LONGEST), low)
        moved = np.abs(new - t[going]) > TOLERANCE
        t[going] = new
        going = going[moved]
        if not len(going):
            break
    held = (t <= low) & (slope > 0)
    converged = held | ((np.abs(slope) < 1e-6 * s.people) & (curve > 0))
    ratio = np.exp(t) - 1 / largest
    w = s.sizes / (1 + s.sizes * ratio[:, None])
    weight = s.counts * w
    centre = (weight * s.means).sum(axis=1) / weight.sum(axis=1)
    quadratic = s.within + (w * (s.between + s.counts * np.square(s.means - centre[:, None]))).sum(axis=1)
    return quadratic / (s.people - 1), ratio, converged


def _start(s: GroupedStatistics) -> FloatArray:
    """The ratio by the mean of squares between groups, at least a twentieth."""
    share = s.sizes * s.counts / s.people
    centre = s.means @ share
    between = (s.sizes * (s.between + s.counts * np.square(s.means - centre[:, None]))).sum(axis=1)
    free = s.people - s.groups
    residual = s.within / free
    spread = float(s.sizes @ s.counts - (s.sizes**2 @ s.counts) / s.people)
    return np.maximum((between / np.maximum(residual, 1e-300) - (s.groups - 1)) / spread, 0.05)


def _slopes(s: GroupedStatistics, rows: IntArray, ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and second derivative of f at the ratios of some trials."""
    w = s.sizes / (1 + s.sizes * ratio[:, None])
    weight = s.counts * w
    total, second, third = weight.sum(axis=1), (weight * w).sum(axis=1), (weight * w**2).sum(axis=1)
    means = s.means[rows]
    away = means - ((weight * means).sum(axis=1) / total)[:, None]
    squares = s.between[rows] + s.counts * away**2
    q = s.within[rows] + (w * squares).sum(axis=1)
    q1 = -(w**2 * squares).sum(axis=1)
    q2 = 2 * (w**3 * squares).sum(axis=1) - 2 * np.square((weight * w * away).sum(axis=1)) / total
    f1 = (s.people - 1) * q1 / q + total - second / total
    f2 = (s.people - 1) * (q2 / q - (q1 / q) ** 2) - second + 2 * third / total - (second / total) ** 2
    return f1, f2
