"""Randomization tests: a statistic over many assignments at once, p-values by weight, intervals by exact inversion.

For a contrast of two arms every statistic here is linear in the outcome given the assignment, T(y) = A for the outcome and C for
the observed treatment. Under a constant effect tau the outcome without treatment is y - tau z_obs, so a draw has T = A - tau C and
the observed assignment T_obs - tau. A draw is as extreme as the observed where (A - tau C)^2 >= (T_obs - tau)^2: the roots of a
quadratic per draw give the p-value at every tau and the interval exactly, without a grid.

Studentized statistics divide by standard errors whose squares are quadratic in tau; their interval is found by bisection.
Sources: Fisher (1935); Rosenbaum (2002); Wu & Ding (2021) for studentization; Young (2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.arm_effects import ArmArray, ArmEffects, regression_effects

Alternative = Literal["two-sided", "greater", "less"]
TIE = 1.5e-8
DOUBLINGS = 36  # of the standard error; beyond that rounding decides and not the draws


@dataclass(frozen=True, slots=True)
class Reference:
    """A statistic over draws, as a function of the effect under test.

    Attributes
    ----------
    outcome, treatment : (B,) A and C of each draw. observed : T of the observed assignment.
    variance, observed_variance : None, or (B, 3) and (3,) coefficients of the squared standard error in 1, tau, tau^2.
    weights : (B,) probabilities that sum to one, the observed assignment included.
    """

    outcome: FloatArray
    treatment: FloatArray
    observed: float
    variance: FloatArray | None
    observed_variance: FloatArray | None
    weights: FloatArray

    def statistics(self, tau: float = 0.0) -> tuple[FloatArray, float]:
        """Statistics of the draws and of the observed assignment when the effect is `tau`."""
        value, own = self.outcome - tau * self.treatment, self.observed - tau
        if self.variance is None or self.observed_variance is None:
            return value, own
        powers = np.array([1.0, tau, tau**2])
        v = self.variance @ powers
        # a draw whose standard error is zero separates the arms exactly: as extreme as can be unless it shows no difference
        scaled = np.divide(
            value, np.sqrt(np.maximum(v, 0.0)), out=np.where(np.abs(value) > 0, np.inf * np.sign(value), 0.0), where=v > 0
        )
        spread = float(self.observed_variance @ powers)
        return scaled, own / math.sqrt(spread) if spread > 0 else math.copysign(math.inf, own) if own else 0.0

    def p_value(self, tau: float = 0.0, alternative: Alternative = "two-sided") -> float:
        """Probability of a statistic as extreme as the observed one, ties (to 1.5e-8) counted."""
        value, own = self.statistics(tau)
        return float(min(self.weights[as_extreme(value, own, alternative)].sum(), 1.0))

    def interval(self, conf_level: float) -> tuple[float, float]:
        """Ends of the set of effects with a two-sided p above 1 - conf_level; infinite where it does not end."""
        alpha = 1 - conf_level
        if self.variance is None:
            return self._by_roots(alpha)
        return self._by_bisection(alpha, -1.0), self._by_bisection(alpha, 1.0)

    def _by_roots(self, alpha: float) -> tuple[float, float]:
        """Sweep over the ends of the sets on which each draw is as extreme as the observed assignment."""
        a, c, own = self.outcome, self.treatment, self.observed
        slack = _slack(a, own)
        same = (np.abs(c - 1) <= TIE) & (np.abs(a - own) <= slack)
        opposite = (np.abs(c + 1) <= TIE) & (np.abs(a + own) <= slack)
        always = float(self.weights[same | opposite].sum())
        rest = ~(same | opposite)
        a, c, w = a[rest], c[rest], self.weights[rest]
        with np.errstate(divide="ignore", invalid="ignore"):
            first = np.where(np.abs(c - 1) > TIE, (own - a) / (1 - c), np.inf * np.sign(own - a))
            second = np.where(np.abs(c + 1) > TIE, (own + a) / (1 + c), np.inf * np.sign(own + a))
        low, high = np.minimum(first, second), np.maximum(first, second)
        inside = np.abs(c) <= 1  # the set lies between the roots; otherwise outside them
        total = always + float(w[~inside].sum())
        points = np.concatenate([low, high])
        jumps = np.concatenate([np.where(inside, w, -w), np.where(inside, -w, w)])
        order = np.argsort(points, kind="stable")
        points, level = points[order], total + np.cumsum(jumps[order])
        above = level > alpha + 1e-12
        if total > alpha + 1e-12:
            return -math.inf, math.inf
        if not above.any():
            return own, own
        start, end = int(np.argmax(above)), len(above) - 1 - int(np.argmax(above[::-1]))
        upper = math.inf if end + 1 >= len(points) else float(points[end + 1])
        return float(points[start]), upper

    def _by_bisection(self, alpha: float, side: float) -> float:
        """The effect beyond which p falls to alpha, on one side of the estimate."""
        assert self.observed_variance is not None
        step = max(math.sqrt(float(self.observed_variance @ np.array([1.0, self.observed, self.observed**2]))), 1e-12)
        inner, outer = self.observed, self.observed + side * step
        for _ in range(DOUBLINGS):
            if self.p_value(outer) <= alpha:
                break
            inner, step = outer, step * 2
            outer = self.observed + side * step
        else:
            return side * math.inf
        for _ in range(80):
            middle = (inner + outer) / 2
            if self.p_value(middle) > alpha:
                inner = middle
            else:
                outer = middle
            if abs(outer - inner) <= 1e-10 * max(1.0, abs(middle)):
                break
        return inner


def as_extreme(value: FloatArray, own: float, alternative: Alternative) -> BoolArray:
    """Draws at least as extreme as the observed statistic, within a relative tolerance for ties."""
    slack = _slack(value, own)
    if alternative == "greater":
        return np.asarray(value >= own - slack)
    if alternative == "less":
        return np.asarray(value <= own + slack)
    return np.asarray(np.abs(value) >= abs(own) - slack)


def extremeness(t: FloatArray, alternative: Alternative) -> FloatArray:
    """Statistics so turned that larger is more extreme and nothing lies below zero."""
    return np.abs(t) if alternative == "two-sided" else np.maximum(t if alternative == "greater" else -t, 0.0)


def rank_p(own: FloatArray, null: FloatArray, weights: FloatArray, alternative: Alternative) -> tuple[FloatArray, FloatArray]:
    """p-values of the observed statistics (M,) and of those of every draw (B, M), each among the draws of its own column."""
    p, draws = np.empty(len(own)), np.empty_like(null)
    for j, value in enumerate(own):
        p[j] = min(float(weights[as_extreme(null[:, j], float(value), alternative)].sum()), 1.0)
        extreme = np.abs(null[:, j]) if alternative == "two-sided" else null[:, j] if alternative == "greater" else -null[:, j]
        order = np.argsort(extreme)
        below = np.concatenate([[0.0], np.cumsum(weights[order])])
        first = np.searchsorted(extreme[order], extreme - _slack(extreme, float(value)), side="left")
        draws[:, j] = np.clip(below[-1] - below[first], 0.0, 1.0)
    return p, draws


def _slack(value: FloatArray, own: float) -> float:
    """What still counts as a tie, in proportion to the statistics themselves: outcomes may be counted in any unit."""
    finite = np.abs(value[np.isfinite(value)])
    return TIE * max(abs(own), float(finite.max(initial=0.0))) if math.isfinite(own) else 0.0


def contrast_reference(drawn: ArmEffects, own: ArmEffects, arm: int, reference: int, weights: FloatArray) -> Reference:
    """The contrast arm - reference over draws; both effects are of two targets, the outcome and the observed treatment.

    Everything is divided by the observed effect on the treatment itself. That is one, but for an outcome from which covariates
    were taken out beforehand: there it makes the estimate the constant effect that leaves no difference.
    """
    value, spread = drawn.contrast(arm, reference)
    observed, observed_spread = own.contrast(arm, reference)
    unit = float(observed[0, 1])
    own_squares = None if observed_spread is None else _in_tau(observed_spread)[0] / unit**2
    if abs(unit - 1) <= TIE:  # a constant effect on the treated then changes no residual
        unit = 1.0
        own_squares = None if own_squares is None else own_squares * np.array([1.0, 0.0, 0.0])
    squares = None if spread is None else _in_tau(spread) / unit**2
    return Reference(value[:, 0] / unit, value[:, 1] / unit, float(observed[0, 0]) / unit, squares, own_squares, weights)


def _in_tau(spread: FloatArray) -> FloatArray:
    """(B, 3) coefficients of the variance of y - tau z in 1, tau, tau^2."""
    return np.column_stack([spread[:, 0, 0], -2 * spread[:, 0, 1], spread[:, 1, 1]])


def coefficient(
    *,
    y: FloatArray,
    observed: IntArray,
    draws: ArmArray,
    basis: FloatArray,
    studentize: bool,
    weights: FloatArray,
    groups: IntArray | None = None,
    observed_groups: IntArray | None = None,
) -> Reference:
    """The least-squares coefficient of a two-arm treatment (codes 0 and 1) given covariates, over draws (B, n).

    `basis` (n, r) is orthonormal and spans the constant, covariates and strata. Studentized by HC2 or, with `groups` (B, n; -1
    alone), by sums over the groups of each draw with the factors 1/(1 - n_g/n_arm).
    """
    targets = np.column_stack([y, (observed == 1).astype(float)])
    drawn = regression_effects(targets=targets, draws=draws, n_arms=2, basis=basis, studentize=studentize, groups=groups)
    own_groups = None if observed_groups is None else observed_groups[None, :]
    own = regression_effects(
        targets=targets, draws=observed[None, :], n_arms=2, basis=basis, studentize=studentize, groups=own_groups
    )
    return contrast_reference(drawn, own, 1, 0, weights)


def custom(statistic: Callable[[IntArray, IntArray | None], float], draws: ArmArray, groups: IntArray | None) -> FloatArray:
    """A user's statistic, one draw at a time."""
    return np.array([float(statistic(draws[b], None if groups is None else groups[b])) for b in range(len(draws))])
