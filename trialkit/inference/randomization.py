"""Randomization tests: a statistic over many assignments at once, p-values by weight, intervals by exact inversion.

For a two-arm contrast every statistic here is linear in the outcome given the assignment, T(y) = A for the outcome and C for the
observed treatment. Under a constant effect tau the outcome without treatment is y - tau z_obs, so a draw has T = A - tau C and
the observed assignment T_obs - tau. A draw is as extreme as the observed where (A - tau C)^2 >= (T_obs - tau)^2: the roots of a
quadratic per draw give the p-value at every tau and the interval exactly, without a grid.

Studentized statistics divide by standard errors whose squares are quadratic in tau; their interval is found by bisection.
Sources: Fisher (1935); Rosenbaum (2002); Wu & Ding (2021) for studentization; Young (2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

ArmArray: TypeAlias = "IntArray | NDArray[np.int8]"

Alternative = Literal["two-sided", "greater", "less"]
TIE = 1.5e-8
CHUNK = 256


@dataclass(frozen=True, slots=True)
class Reference:
    """A statistic over draws, as a function of the effect under test.

    Attributes
    ----------
    outcome, treatment : (B,) A and C of each draw. observed : T of the observed assignment.
    variance : None, or (B, 3) coefficients of the squared standard error 1, tau, tau^2; observed_variance its observed value.
    weights : (B,) probabilities that sum to one, the observed assignment included.
    """

    outcome: FloatArray
    treatment: FloatArray
    observed: float
    variance: FloatArray | None
    observed_variance: float
    weights: FloatArray

    def statistics(self, tau: float = 0.0) -> tuple[FloatArray, float]:
        """Statistics of the draws and of the observed assignment when the effect is `tau`."""
        value, own = self.outcome - tau * self.treatment, self.observed - tau
        if self.variance is None:
            return value, own
        v = self.variance @ np.array([1.0, tau, tau**2])
        # a draw whose standard error is zero separates the arms exactly: as extreme as can be unless it shows no difference
        scaled = np.divide(
            value, np.sqrt(np.maximum(v, 0.0)), out=np.where(np.abs(value) > 0, np.inf * np.sign(value), 0.0), where=v > 0
        )
        return scaled, own / math.sqrt(self.observed_variance)

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
        same = (np.abs(c - 1) <= TIE) & (np.abs(a - own) <= TIE * max(1.0, abs(own)))
        opposite = (np.abs(c + 1) <= TIE) & (np.abs(a + own) <= TIE * max(1.0, abs(own)))
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
        step = max(math.sqrt(self.observed_variance), 1e-12)
        inner, outer = self.observed, self.observed + side * step
        for _ in range(60):
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
    slack = TIE * max(1.0, abs(own)) if math.isfinite(own) else 0.0
    if alternative == "greater":
        return np.asarray(value >= own - slack)
    if alternative == "less":
        return np.asarray(value <= own + slack)
    return np.asarray(np.abs(value) >= abs(own) - slack)


def blocked_difference(
    *,
    y: FloatArray,
    observed: IntArray,
    draws: ArmArray,
    arm: int,
    reference: int,
    block: IntArray,
    studentize: bool,
    weights: FloatArray,
) -> Reference:
    """The difference in means weighted by block size, over draws (B, n) of arm codes; optionally over its Neyman error."""
    outcome, treatment, variance = _blocked(y, (observed == arm).astype(float), draws, arm, reference, block, studentize)
    own, _, own_variance = _blocked(y, np.zeros_like(y), observed[None, :], arm, reference, block, studentize)
    return Reference(
        outcome, treatment, float(own[0]), variance, math.nan if own_variance is None else float(own_variance[0, 0]), weights
    )


def _blocked(
    y: FloatArray, z: FloatArray, draws: ArmArray, arm: int, reference: int, block: IntArray, studentize: bool
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    labels = np.unique(block)
    B = len(draws)
    outcome, treatment = np.zeros(B), np.zeros(B)
    variance = np.zeros((B, 3)) if studentize else None
    for j in labels:
        inside = block == j
        share = inside.sum() / len(y)
        columns = np.column_stack(
            [np.ones(int(inside.sum())), y[inside], z[inside], y[inside] ** 2, y[inside] * z[inside], z[inside] ** 2]
        )
        for code, sign in ((arm, 1.0), (reference, -1.0)):
            n, sy, sz, syy, syz, szz = ((draws[:, inside] == code).astype(float) @ columns).T
            with np.errstate(divide="ignore", invalid="ignore"):
                outcome += sign * share * sy / n
                treatment += sign * share * sz / n
                if variance is not None:
                    scale = share**2 / (n * (n - 1))
                    variance[:, 0] += scale * (syy - sy**2 / n)
                    variance[:, 1] += -2 * scale * (syz - sy * sz / n)
                    variance[:, 2] += scale * (szz - sz**2 / n)
    return outcome, treatment, variance


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
    rows = [_coefficient_chunk(y, observed, draws[s : s + CHUNK], basis, studentize, None if groups is None else groups[s : s + CHUNK])
            for s in range(0, len(draws), CHUNK)]  # fmt: skip
    outcome, treatment, variance = (np.concatenate([r[k] for r in rows]) for k in range(3))
    own_groups = None if observed_groups is None else observed_groups[None, :]
    own = _coefficient_chunk(y, np.zeros_like(observed), observed[None, :], basis, studentize, own_groups)
    return Reference(outcome, treatment, float(own[0][0]), variance if studentize else None, float(own[2][0, 0]), weights)


def _coefficient_chunk(
    y: FloatArray, z_observed: IntArray, draws: ArmArray, basis: FloatArray, studentize: bool, groups: IntArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    Z = draws.astype(float)
    targets = np.column_stack([y, z_observed.astype(float)])
    residual = targets - basis @ (basis.T @ targets)
    # one product serves every quantity: the draws are the only large array
    products = Z @ np.column_stack([basis, residual])
    projected = products[:, : basis.shape[1]]
    squares = (draws == 1).sum(axis=1) - np.einsum("bi,bi->b", projected, projected)
    slopes = products[:, basis.shape[1] :] / squares[:, None]
    if not studentize:
        return slopes[:, 0], slopes[:, 1], np.zeros((len(Z), 3))
    partial = Z - projected @ basis.T
    left = partial[:, :, None] * (residual[None, :, :] - partial[:, :, None] * slopes[:, None, :])
    if groups is None:
        leverage = np.einsum("ij,ij->i", basis, basis) + partial**2 / squares[:, None]
        left /= np.sqrt(np.maximum(1 - leverage, 1e-12))[:, :, None]
        scores = left
    else:
        scores = _group_scores(left, draws, groups)
    v = np.einsum("bsk,bsl->bkl", scores, scores) / (squares**2)[:, None, None]
    return slopes[:, 0], slopes[:, 1], np.column_stack([v[:, 0, 0], -2 * v[:, 0, 1], v[:, 1, 1]])


def _group_scores(left: FloatArray, draws: ArmArray, groups: IntArray) -> FloatArray:
    """Sums over groups, each times 1/sqrt(1 - n_g/n_arm); people alone count as groups of one."""
    B, n = draws.shape
    width = int(groups.max(initial=-1)) + 1
    rows = np.arange(B)[:, None]
    per_arm = np.stack([(draws == code).sum(axis=1) for code in (0, 1)], axis=1)
    own = per_arm[rows, draws]
    member = groups >= 0
    alone = np.where(member, 0.0, 1 / np.sqrt(1 - 1 / np.maximum(own, 2)))
    out = np.zeros((B, width + n, 2))
    out[:, width:] = left * alone[:, :, None]
    index = np.where(member, groups, 0) + rows * max(width, 1)
    size = np.bincount(index[member], minlength=B * max(width, 1)).reshape(B, -1)
    arm_size = np.zeros_like(size)
    arm_size.reshape(-1)[index[member]] = own[member]
    factor = 1 / np.sqrt(np.maximum(1 - size / np.maximum(arm_size, 1), 1e-12))
    for k in range(2):
        sums = np.bincount(index[member], weights=left[:, :, k][member], minlength=B * max(width, 1)).reshape(B, -1)
        out[:, :width, k] = (sums * factor)[:, :width]
    return out


def custom(statistic: Callable[[IntArray, IntArray | None], float], draws: ArmArray, groups: IntArray | None) -> FloatArray:
    """A user's statistic, one draw at a time."""
    return np.array([float(statistic(draws[b], None if groups is None else groups[b])) for b in range(len(draws))])
