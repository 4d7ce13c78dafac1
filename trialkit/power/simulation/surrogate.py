"""The curve through simulated powers: probit(power) = a + b g(x), with g(x) = sqrt(x) for sizes and g(x) = x for effects.

Power of a test whose statistic is t with noncentrality proportional to sqrt(n) or to the effect is a straight line on this scale, but for small sizes and
low power. The line is fitted by weighted least squares on the working response of a binomial probit model (McCullagh & Nelder 1989, 2.5), each point with
the number of draws that its Monte Carlo error is worth, to the points near the root. The root and its interval follow by the delta method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray

WINDOW = 1.0
_TWO_SIDED_95 = 1.959963984540054
_FLATTEST = 3.0


@dataclass(frozen=True, slots=True)
class Point:
    """Power as simulated at one size or effect: `draws` replicates with this Monte Carlo error."""

    x: float
    power: float
    mc_error: float
    draws: int

    @property
    def worth(self) -> float:
        """The number of independent draws with the same error; replicates of a block share a randomization."""
        spread = self.power * (1 - self.power)
        return self.draws if spread <= 0 or self.mc_error <= 0 else min(spread / self.mc_error**2, self.draws)


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The fitted line, its root and what is not known about them.

    Attributes
    ----------
    intercept, slope : of probit(power) on g(x). covariance : (2, 2) of the two, times the dispersion where points lie off the line.
    root : x at the target. conf_low, conf_high : 95 % interval of the root.
    half_width : half of the 95 % interval of power at the root.
    """

    intercept: float
    slope: float
    covariance: FloatArray
    root: float
    conf_low: float
    conf_high: float
    half_width: float
    sizes: bool

    def power(self, x: FloatArray | float) -> FloatArray:
        """Power on the line."""
        found: FloatArray = special.ndtr(self.intercept + self.slope * transformed(np.asarray(x, dtype=float), self.sizes))
        return found

    def at(self, probit: float) -> float:
        """x at which the line has this value."""
        return back((probit - self.intercept) / self.slope, self.sizes)


def transformed(x: FloatArray, sizes: bool) -> FloatArray:
    return np.sqrt(x) if sizes else x


def back(g: float, sizes: bool) -> float:
    return max(g, 0.0) ** 2 if sizes else g


def surrogate(points: Sequence[Point], *, target: float, sizes: bool, shared: bool = False) -> Surrogate | None:
    """The line through the points near the target, or None where it does not rise.

    Parameters
    ----------
    points : simulated powers at two or more x. target : power looked for.
    sizes : g is the square root (sizes) or the identity (effects).
    shared : the points have the same random numbers, so that together they say no more about the level than the one nearest to the root.
    """
    x = np.array([p.x for p in points])
    if len(np.unique(x)) < 2:
        return None
    g, power, worth = transformed(x, sizes), np.array([p.power for p in points]), np.array([p.worth for p in points])
    probit = float(special.ndtri(target))
    b, covariance = _fitted(g, power, worth)
    if not _rises(b, covariance):
        return None
    near = np.abs(b[0] + b[1] * g - probit) <= WINDOW
    if len(np.unique(x[near])) > 2 and not near.all():
        local = _fitted(g[near], power[near], worth[near])
        if _rises(*local):
            b, covariance = local
    root = float((probit - b[0]) / b[1])
    gradient = np.array([1.0, root])
    error = math.sqrt(float(gradient @ covariance @ gradient))
    density = math.exp(-(probit**2) / 2) / math.sqrt(2 * math.pi)
    if shared:
        nearest = points[int(np.argmin(np.abs(g - root)))]
        error = max(error, math.sqrt(target * (1 - target) / nearest.worth) / density)
    wide = _TWO_SIDED_95 * error
    low, high = (back(root + side * wide / float(b[1]), sizes) for side in (-1, 1))
    return Surrogate(float(b[0]), float(b[1]), covariance, back(root, sizes), low, high, density * wide, sizes)


def _rises(b: FloatArray, covariance: FloatArray) -> bool:
    return bool(np.isfinite(b).all() and b[1] > _FLATTEST * math.sqrt(covariance[1, 1]))


def _fitted(g: FloatArray, power: FloatArray, worth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Intercept and slope with their covariance."""
    X = np.column_stack([np.ones_like(g), g])
    eta = special.ndtri(np.clip((power * worth + 0.5) / (worth + 1), 1e-6, 1 - 1e-6))
    b = inverse = np.zeros(0)
    for _ in range(12):
        expected = special.ndtr(np.clip(eta, -5, 5))
        density = np.exp(-(np.clip(eta, -5, 5) ** 2) / 2) / math.sqrt(2 * math.pi)
        w = worth * density**2 / (expected * (1 - expected))
        inverse = np.linalg.pinv(X.T @ (w[:, None] * X))
        b = inverse @ (X.T @ (w * (eta + (power - expected) / density)))
        eta = X @ b
    expected = np.clip(special.ndtr(eta), 1e-9, 1 - 1e-9)
    off = float(np.sum(worth * (power - expected) ** 2 / (expected * (1 - expected))))
    beyond = len(np.unique(g)) - 2
    return b, inverse * (max(1.0, off / (len(g) - 2)) if beyond > 0 else 1.0)
