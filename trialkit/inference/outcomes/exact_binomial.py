"""Exact tests and intervals for two independent proportions: conditional for the odds ratio, unconditional for difference and ratio.

Conditional (Fisher 1935; Cornfield 1956): given the margins the events of arm 1 have weights C(n1, t) C(n0, m - t) psi^t. The p-value is
twice the smaller tail, so that it agrees with the interval, which holds the odds ratios with both tails above alpha/2 (Fay 2010); with
mid_p half the probability of the observed table is left out of its tail (Lancaster 1961): nearer to the level, no longer guaranteed.

Unconditional (Chan & Zhang 1999; Agresti & Min 2001): tables are ordered by the score statistic at the value v tested, and the tail
probability is the largest over the other proportion. The interval holds the values that neither one-sided test rejects at alpha/2; its
coverage is at least the level for every pair of proportions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.outcomes.score_binomial import Kind, limits_of, score_interval, score_statistic

TIES = 1e-9
GRID, ROUNDS = 81, 3
SCAN = 48
TABLES = 100_000


@dataclass(frozen=True, slots=True)
class ExactTest:
    """Estimate of the measure itself, two-sided p of no effect, and interval; infinite or 0 where no value in a direction is ruled out."""

    estimate: float
    p_value: float
    conf_low: float
    conf_high: float


def conditional_odds_ratio(*, x1: int, n1: int, x0: int, n0: int, conf_level: float, mid_p: bool = False) -> ExactTest:
    """Conditional maximum likelihood estimate of the odds ratio, Fisher's central p and the interval.

    Examples
    --------
    >>> found = conditional_odds_ratio(x1=2, n1=12, x0=15, n0=18, conf_level=0.95)
    >>> round(found.estimate, 6), round(found.conf_low, 6), round(found.conf_high, 6)
    (0.046937, 0.003317, 0.36319)
    """
    m = x1 + x0
    t = np.arange(max(0, m - n0), min(n1, m) + 1, dtype=float)
    base = _log_choose(n1, t) + _log_choose(n0, m - t)
    if len(t) == 1:
        return ExactTest(math.nan, 1.0, 0.0, math.inf)
    seen = np.where(t == x1, 0.5 if mid_p else 1.0, 0.0)
    above, below = np.asarray((t > x1) + seen, dtype=float), np.asarray((t < x1) + seen, dtype=float)

    def tail(inside: FloatArray, log_psi: float) -> float:
        weight = base + t * log_psi
        weight = np.exp(weight - weight.max())
        return float(inside @ weight / weight.sum())

    def centre(log_psi: float) -> float:
        return tail(t, log_psi) - x1

    alpha = (1 - conf_level) / 2
    span = float(np.abs(np.diff(base)).max()) + 60.0
    first, last = x1 == t[0], x1 == t[-1]
    estimate = -math.inf if first else math.inf if last else _solve(centre, -span, span)
    low = -math.inf if first else _solve(lambda v: tail(above, v) - alpha, -span, span)
    high = math.inf if last else _solve(lambda v: tail(below, v) - alpha, -span, span)
    p = min(1.0, 2 * min(tail(above, 0.0), tail(below, 0.0)))
    return ExactTest(_exp(estimate), p, _exp(low), _exp(high))


def unconditional(*, x1: int, n1: int, x0: int, n0: int, kind: Kind, conf_level: float) -> ExactTest:
    """Exact unconditional p of no effect and interval for a difference or ratio of proportions.

    Raises ValueError when there are more than 100,000 tables, where the search takes long and the score interval serves.

    Examples
    --------
    >>> found = unconditional(x1=0, n1=12, x0=4, n0=12, kind="difference", conf_level=0.95)
    >>> bool(found.conf_low < -1 / 3 < found.conf_high)
    True
    """
    if kind == "odds":
        raise ValueError("the exact interval of an odds ratio is conditional")
    if (n1 + 1) * (n0 + 1) > TABLES:
        raise ValueError("too many tables")
    search = _Search(x1, n1, x0, n0, kind)
    alpha = (1 - conf_level) / 2
    null = 0.0 if kind == "difference" else 1.0
    p = min(1.0, 2 * min(search.tail(null, 1), search.tail(null, -1)))
    near = score_interval(x1=x1, n1=n1, x0=x0, n0=n0, kind=kind, conf_level=conf_level)
    estimate = x1 / n1 - x0 / n0 if kind == "difference" else (x1 / n1) / (x0 / n0) if x0 else (math.inf if x1 else math.nan)
    return ExactTest(estimate, p, search.limit(near[0], alpha, 1), search.limit(near[1], alpha, -1))


class _Search:
    """Tail probabilities of one observed table, and the limits they give."""

    def __init__(self, x1: int, n1: int, x0: int, n0: int, kind: Kind) -> None:
        self.x1, self.n1, self.x0, self.n0, self.kind = x1, n1, x0, n0, kind
        self.rows, self.columns = np.arange(n1 + 1.0), np.arange(n0 + 1.0)
        self.choose1, self.choose0 = _log_choose(n1, self.rows), _log_choose(n0, self.columns)

    def tail(self, value: float, side: int) -> float:
        """Largest probability of a statistic as large (side 1) or as small (side -1) as the observed one at `value`."""
        found = score_statistic(
            x1=self.rows[:, None], n1=self.n1, x0=self.columns[None, :], n0=self.n0, kind=self.kind, value=value
        )
        found = np.where(np.isnan(found), 0.0, found) * side
        inside = found >= found[self.x1, self.x0] - TIES * max(1.0, abs(float(found[self.x1, self.x0])))
        low, high = self._nuisance(value)
        best = 0.0
        for _ in range(ROUNDS):
            p0 = np.linspace(low, high, GRID)
            chances = self._chances(inside, value, p0)
            top = int(chances.argmax())
            best = max(best, float(chances[top]))
            low, high = float(p0[max(top - 1, 0)]), float(p0[min(top + 1, GRID - 1)])
        return best

    def limit(self, near: float, alpha: float, side: int) -> float:
        """The outermost value that the one-sided test does not reject, scanned from outside inwards and then halved."""
        least, most = limits_of(self.kind)
        end = least if side == 1 else most
        if (side == 1 and self._at_bound(low=True)) or (side == -1 and self._at_bound(low=False)):
            return end
        points = self._scan(near, side)
        kept = next((i for i, v in enumerate(points) if self.tail(v, side) > alpha), None)
        if kept is None:
            raise ArithmeticError("the exact interval did not close")
        if kept == 0:
            return end
        outside, inside = float(points[kept - 1]), float(points[kept])
        while abs(inside - outside) > 1e-7 * max(1.0, abs(inside)):
            middle = (inside + outside) / 2 if self.kind == "difference" else math.sqrt(inside * outside)
            if self.tail(middle, side) > alpha:
                inside = middle
            else:
                outside = middle
        return inside

    def _at_bound(self, *, low: bool) -> bool:
        """Tables that no value in one direction contradicts."""
        if self.kind == "difference":
            return (self.x1 == 0 and self.x0 == self.n0) if low else (self.x1 == self.n1 and self.x0 == 0)
        return self.x1 == 0 if low else self.x0 == 0

    def _scan(self, near: float, side: int) -> FloatArray:
        if self.kind == "difference":
            estimate = self.x1 / self.n1 - self.x0 / self.n0
            return np.linspace(-side * (1 - 1e-9), estimate, SCAN)
        estimate = (self.x1 + 0.5) / (self.n1 + 1) / ((self.x0 + 0.5) / (self.n0 + 1))
        outer = near * math.exp(-side * 6.0) if 0 < near < math.inf else estimate * math.exp(-side * 12.0)
        return np.asarray(np.exp(np.linspace(math.log(outer), math.log(estimate), SCAN)))

    def _nuisance(self, value: float) -> tuple[float, float]:
        """The range of the control proportion at a value of the measure."""
        if self.kind == "difference":
            return max(0.0, -value), min(1.0, 1.0 - value)
        return 0.0, min(1.0, 1.0 / value)

    def _chances(self, inside: BoolArray, value: float, p0: FloatArray) -> FloatArray:
        p1 = np.clip(p0 + value if self.kind == "difference" else p0 * value, 0.0, 1.0)
        one = _binomial(self.choose1, self.rows, self.n1, p1)
        zero = _binomial(self.choose0, self.columns, self.n0, p0)
        return np.asarray(np.einsum("gi,gi->g", one @ inside, zero))


def _binomial(choose: FloatArray, x: FloatArray, n: int, p: FloatArray) -> FloatArray:
    """(len(p), n + 1) probabilities."""
    return np.asarray(np.exp(choose + special.xlogy(x, p[:, None]) + special.xlog1py(n - x, -p[:, None])))


def _log_choose(n: int, k: FloatArray) -> FloatArray:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _solve(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-13))
