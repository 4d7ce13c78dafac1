"""Nested means E Y(t, M(s)) of a mediator model and an outcome model, averaged over the covariates of the sample.

theta(t, s) = mean over people of  integral E[Y | t, m, x] dF(m | s, x). Nothing is simulated: the integral is a sum over the mediator's values where these
can be listed (0 and 1, ordered categories, counts up to where their probability ends), and a sum over nodes where the mediator is normal about its mean. Closed
forms are E[Y | t, E(M | s, x), x] where the outcome is linear in the mediator, whatever the mediator's distribution, and the mean of a lognormal where a normal
mediator meets a log link. The nodes follow the steepness k, the mediator's slope times its residual SD: 8 of Gauss and Hermite up to k = 0.8, beyond that an even
grid of step 0.95/k, whose error is that of exp(-2 pi^2/(k h)) because the logistic function has its nearest pole at i pi/k; below 1e-7 throughout.
Source: Imai, Keele & Tingley (2010), theorem 1; VanderWeele & Vansteelandt (2010) for the closed forms of rare outcomes, which this replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from trialkit.inference.arrays import FloatArray

MediatorKind = Literal["linear", "logit", "poisson", "ordered"]
OutcomeKind = Literal["linear", "logit", "poisson", "ordered", "piecewise_exponential"]
_FEW_NODES, _FEW_SHARES = np.polynomial.hermite_e.hermegauss(8)
FLAT, STEP, REACH = 0.8, 0.95, 6.5
STEEPEST = 60.0
COUNT_END = 1e-9
MOST_COUNTS = 2000


@dataclass(frozen=True, slots=True)
class MediatorLaw:
    """The mediator given arm and covariates X (n, k).

    Parameters are [constant, arm, X], of 'ordered' [thresholds, arm, X]; `values` (J,) are the scores of ordered categories. `origin` is taken off the
    mediator where it enters the outcome's model.
    """

    kind: MediatorKind
    X: FloatArray
    origin: float
    values: FloatArray | None = None

    def mean(self, theta: FloatArray, arm: int) -> FloatArray:
        """(B, n) mean of the mediator in an arm."""
        if self.kind == "ordered":
            assert self.values is not None
            return _expected_score(
                theta, arm * _arm(theta, self.values)[:, None] + _slopes(theta, self.values) @ self.X.T, self.values
            )
        eta = theta[:, [0]] + arm * theta[:, [1]] + theta[:, 2:] @ self.X.T
        return eta if self.kind == "linear" else special.expit(eta) if self.kind == "logit" else np.exp(np.minimum(eta, 50.0))

    def support(
        self, theta: FloatArray, sigma: FloatArray, arm: int, steepness: float
    ) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Values (B, n) of the mediator less its origin, with their probabilities (B, n); sigma (B,) is the residual SD of a linear mediator.

        `steepness` is the largest slope of the outcome on a linear mediator, in residual SDs.
        """
        from scipy import stats  # slow to import, and most calls of the package do without it

        one = np.ones((1, 1))
        if self.kind == "ordered":
            assert self.values is not None
            eta = arm * _arm(theta, self.values)[:, None] + _slopes(theta, self.values) @ self.X.T
            below = np.zeros_like(eta)
            for j, value in enumerate(self.values):
                upto = special.expit(theta[:, [j]] - eta) if j < len(self.values) - 1 else np.ones_like(eta)
                yield one * (value - self.origin), upto - below
                below = upto
            return
        mean = self.mean(theta, arm)
        if self.kind == "linear":
            for node, share in zip(*normal_nodes(steepness), strict=True):
                yield mean + sigma[:, None] * node - self.origin, one * share
        elif self.kind == "logit":
            yield one * (0.0 - self.origin), 1 - mean
            yield one * (1.0 - self.origin), mean
        else:
            last = int(min(stats.poisson.isf(COUNT_END, mean.max()), MOST_COUNTS))
            probability = np.exp(-mean)
            for count in range(last + 1):
                yield one * (count - self.origin), probability
                probability = probability * mean / (count + 1)


@dataclass(frozen=True, slots=True)
class OutcomeLaw:
    """The outcome given arm, covariates and mediator.

    Parameters are [constant, arm, X, mediator, arm x mediator (with `interaction`)], of 'ordered' with thresholds in place of the constant, and of
    'piecewise_exponential' with the log rate ratios of the later pieces behind; `widths` (J,) are the pieces' lengths, up to tau.
    """

    kind: OutcomeKind
    X: FloatArray
    interaction: bool
    values: FloatArray | None = None
    widths: FloatArray | None = None

    def base(self, theta: FloatArray, arm: int) -> tuple[FloatArray, FloatArray]:
        """(B, n) linear predictor where the mediator is at its origin, and (B, 1) the mediator's slope."""
        first = 0 if self.values is None else len(self.values) - 2
        k = self.X.shape[1]
        eta = arm * theta[:, [first + 1]] + theta[:, first + 2 : first + 2 + k] @ self.X.T
        if self.values is None:
            eta = eta + theta[:, [0]]
        slope = theta[:, [first + 2 + k]]
        return eta, slope + arm * theta[:, [first + 3 + k]] if self.interaction else slope

    def mean(self, theta: FloatArray, eta: FloatArray) -> FloatArray:
        """(B, n) mean of the outcome at a linear predictor; of a time its mean up to tau."""
        if self.kind == "linear":
            return eta
        if self.kind == "logit":
            return np.asarray(special.expit(eta))
        if self.kind == "poisson":
            return np.exp(np.minimum(eta, 50.0))
        if self.kind == "ordered":
            assert self.values is not None
            return _expected_score(theta, eta, self.values)
        assert self.widths is not None
        later = theta[:, theta.shape[1] - len(self.widths) + 1 :]
        total, alive = np.zeros_like(eta), np.ones_like(eta)
        for j, width in enumerate(self.widths):
            rate = np.exp(np.clip(eta + (later[:, [j - 1]] if j else 0.0), -50.0, 50.0))
            total += alive * -np.expm1(-rate * width) / rate
            alive = alive * np.exp(-rate * width)
        return total


def normal_nodes(steepness: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and shares of a standard normal for functions as steep as a logistic one of this slope."""
    if steepness <= FLAT:
        return _FEW_NODES, _FEW_SHARES / _FEW_SHARES.sum()
    step = STEP / min(max(steepness, 1.0), STEEPEST)
    nodes = step * np.arange(-np.ceil(REACH / step), np.ceil(REACH / step) + 1)
    density = np.exp(-(nodes**2) / 2)
    return nodes, density / density.sum()


def nested_means(
    *,
    mediator: MediatorLaw,
    outcome: OutcomeLaw,
    theta_m: FloatArray,
    sigma: FloatArray,
    theta_y: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """(B, 4) means theta(0,0), theta(0,1), theta(1,0), theta(1,1) at parameters (B, K); weights (n,) or (B, n) of the people."""
    share = weights / weights.sum(axis=-1, keepdims=True)
    out = np.empty((len(theta_m), 4))
    bases = [outcome.base(theta_y, t) for t in (0, 1)]
    lognormal = mediator.kind == "linear" and outcome.kind == "poisson"
    steepness = max(float(np.abs(slope[:, 0] * sigma).max()) for _, slope in bases) if mediator.kind == "linear" else 0.0
    if outcome.kind == "piecewise_exponential":  # the survival function bends twice as fast as a logistic one
        steepness *= 2
    for s in (0, 1):
        if outcome.kind == "linear" or lognormal:
            centred = mediator.mean(theta_m, s) - mediator.origin
            for t, (eta, slope) in enumerate(bases):
                more = (slope * sigma[:, None]) ** 2 / 2 if lognormal else 0.0
                out[:, 2 * t + s] = _average(outcome.mean(theta_y, eta + slope * centred + more), share)
            continue
        sums = [np.zeros_like(eta) for eta, _ in bases]
        for value, probability in mediator.support(theta_m, sigma, s, steepness):
            for t, (eta, slope) in enumerate(bases):
                sums[t] += probability * outcome.mean(theta_y, eta + slope * value)
        for t in (0, 1):
            out[:, 2 * t + s] = _average(sums[t], share)
    return out


def _average(values: FloatArray, share: FloatArray) -> FloatArray:
    return np.asarray(values @ share if share.ndim == 1 else np.einsum("bn,bn->b", values, share))


def _arm(theta: FloatArray, values: FloatArray) -> FloatArray:
    return theta[:, len(values) - 1]


def _slopes(theta: FloatArray, values: FloatArray) -> FloatArray:
    return theta[:, len(values) :]


def _expected_score(theta: FloatArray, eta: FloatArray, values: FloatArray) -> FloatArray:
    """(B, n) mean score of ordered categories: the highest less each step's chance of staying below it."""
    out = np.full_like(eta, values[-1])
    for j, step in enumerate(np.diff(values)):
        out -= step * special.expit(theta[:, [j]] - eta)
    return out
