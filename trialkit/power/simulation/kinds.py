"""Counts, times and ordered outcomes of a simulated trial.

Effects are logs of ratios (of means, hazards, odds of a better category). The arms have exactly the distributions that the plan assumes, whatever the ICC:
groups make their members alike and leave the distribution of the arm as it is, so that no effect is no effect also where one arm alone has groups. A frailty
on the hazards of one arm would change that arm's survival curve and make an effect of its own.

Shares of those who take up the offer move counts alone: odds and hazards of takers have no counterpart among everyone assigned.

    counts           negative binomial with variance f mu; a lognormal rate for a group that has the share icc of that variance
    times, ordered   quantiles of normal scores, those of a group with a common part (a Gaussian copula); its share is chosen such that the contributions to
                     the test (martingale residuals, ranks) have the ICC among the controls, as in power/families/ratio_scales.py
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy import optimize, special

from trialkit.inference.arrays import FloatArray
from trialkit.power.plans.kinds import log_hazard_of_mean
from trialkit.power.plans.scale import shifted, win_odds

if TYPE_CHECKING:
    from trialkit.power.simulation.world import Block

Outcomes = FloatArray | tuple[FloatArray, FloatArray]
_LARGE = 300.0  # mean from which counts are inverted by scipy instead of by running through them


class Kind(Protocol):
    """How outcomes of one kind are made."""

    def common(self, block: Block, rng: np.random.Generator, replicates: int) -> Any:
        """Random numbers that serve every effect."""

    def outcomes(self, block: Block, common: Any, effect: float) -> Outcomes:
        """(R, n) outcomes, of a time with its event a pair of them."""

    def truth(self, effect: float, takers: float) -> float:
        """What the analysis estimates when this share of the arm has the effect."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts with a mean and a variance by the mean in the control arm."""

    mean: float
    factor: float
    icc: float

    def common(self, block: Block, rng: np.random.Generator, replicates: int) -> Any:
        n, units = len(block.arm), int(block.unit.max()) + 1
        return rng.random((replicates, n)), rng.standard_normal((replicates, max(units, 1)))

    def outcomes(self, block: Block, common: Any, effect: float) -> Outcomes:
        chance, own = common
        mean = np.broadcast_to(self.mean * np.exp(effect * block.moved), chance.shape)
        factor = np.full(len(block.arm), self.factor)
        inside = block.unit >= 0
        if self.icc and inside.any():
            # people inside a group keep the rest of the variance, but no less than a Poisson count has
            factor[inside] = max(self.factor * (1 - self.icc), 1.0)
            between = np.log1p(self.icc / (1 - self.icc) * factor[inside] / mean[0, inside])
            mean = mean.copy()
            mean[:, inside] *= np.exp(np.sqrt(between) * own[:, block.unit[inside]] - between / 2)
        return counts_at(chance, mean, np.broadcast_to(factor, chance.shape))

    def truth(self, effect: float, takers: float) -> float:
        return math.log1p(takers * math.expm1(effect))


def counts_at(chance: FloatArray, mean: FloatArray, factor: FloatArray) -> FloatArray:
    """Quantiles of negative binomial (where the factor is 1, Poisson) counts with these means and variances factor x mean."""
    shape, u, m, f = chance.shape, chance.ravel(), mean.ravel(), factor.ravel()
    found = np.zeros(len(u))
    large = m > _LARGE
    if large.any():
        from scipy import stats

        spread = large & (f > 1)
        found[spread] = stats.nbinom.ppf(u[spread], m[spread] / (f[spread] - 1), 1 / f[spread])
        plain = large & (f <= 1)
        found[plain] = stats.poisson.ppf(u[plain], m[plain])
    left = np.flatnonzero(~large)
    u, m, f = u[left], m[left], f[left]
    with np.errstate(divide="ignore", invalid="ignore"):
        chance_now = np.exp(np.where(f > 1, -m * np.log(f) / (f - 1), -m))
    below, k = chance_now.copy(), 0
    while True:
        more = (u > below) & (chance_now > 0)
        if not more.any():
            return found.reshape(shape)
        left, u, m, f, chance_now, below = left[more], u[more], m[more], f[more], chance_now[more], below[more]
        k += 1
        found[left] = k
        # negative binomial with size m/(f-1) and success 1/f; f = 1 is its limit, the Poisson
        chance_now = chance_now * (m + (k - 1) * (f - 1)) / (k * f)
        below = below + chance_now


@dataclass(frozen=True, slots=True)
class Times:
    """Weibull times until an event, followed up to a horizon and lost by a hazard of the same shape, as in power/plans/sizes.py."""

    median: float
    shape: float
    follow_up: float
    attrition: float
    tau: float | None
    latent: float

    def common(self, block: Block, rng: np.random.Generator, replicates: int) -> Any:
        chance = special.ndtr(_scores(block, rng, replicates, self.latent))
        end = np.full(chance.shape, self.follow_up)
        if self.attrition:
            lost = rng.standard_exponential(chance.shape) / -math.log1p(-self.attrition)
            end = np.minimum(end, self.follow_up * lost ** (1 / self.shape))
        return -np.log(chance), end

    def outcomes(self, block: Block, common: Any, effect: float) -> Outcomes:
        hazards, end = common
        ratio = np.exp(self.log_hazard(effect) * block.moved)
        time = self.median * (hazards / (math.log(2) * ratio)) ** (1 / self.shape)
        return np.minimum(time, end), (time <= end).astype(float)

    def log_hazard(self, effect: float) -> float:
        """The log hazard ratio of an effect, which for restricted means is a time."""
        if self.tau is None or effect == 0:
            return effect
        return log_hazard_of_mean(self.median, self.shape, self.tau, effect)

    def truth(self, effect: float, takers: float) -> float:
        return effect


def times_kind(outcome_tau: float | None, given: Any, icc: float, attrition: float) -> Times:
    """Times with the share of the normal scores that gives martingale residuals their ICC."""
    median, shape, end = given["control_median"], given["shape"], given["follow_up"]
    last = math.log(2) * (end / median) ** shape

    def residual(scores: FloatArray) -> FloatArray:
        hazard = -special.log_ndtr(scores)
        return (hazard <= last) - np.minimum(hazard, last)

    return Times(median, shape, end, attrition, outcome_tau, latent_share(residual, icc))


@dataclass(frozen=True, slots=True)
class Ordered:
    """Ordered categories 1, 2, ...; `shares` of the control arm, worst first."""

    shares: tuple[float, ...]
    better: str
    wins: bool
    latent: float

    def common(self, block: Block, rng: np.random.Generator, replicates: int) -> Any:
        return special.ndtr(_scores(block, rng, replicates, self.latent))

    def outcomes(self, block: Block, common: Any, effect: float) -> Outcomes:
        control = np.asarray(self.shares)
        category = np.searchsorted(np.cumsum(control)[:-1], common, side="right")
        moved = block.moved > 0
        if effect and moved.any():
            category[:, moved] = np.searchsorted(np.cumsum(shifted(control, effect))[:-1], common[:, moved], side="right")
        return (len(control) - category if self.better == "lower" else category + 1).astype(float)

    def truth(self, effect: float, takers: float) -> float:
        control = np.asarray(self.shares)
        return math.log(win_odds(shifted(control, effect), control)) if self.wins else effect


def ordered_kind(measure: str, better: str | None, given: Any, icc: float) -> Ordered:
    """Ordered categories with the share of the normal scores that gives ranks their ICC."""
    shares = np.asarray(given["control_shares"])
    middle = np.cumsum(shares) - shares / 2

    def rank(scores: FloatArray) -> FloatArray:
        ranks: FloatArray = middle[np.searchsorted(np.cumsum(shares)[:-1], special.ndtr(scores), side="right")]
        return ranks

    return Ordered(given["control_shares"], better or "higher", measure == "win_odds", latent_share(rank, icc))


def latent_share(contribution: Callable[[FloatArray], FloatArray], icc: float) -> float:
    """The share of normal scores common to a group at which a function of them has this ICC, from its Hermite expansion."""
    if not icc:
        return 0.0
    # a fine midpoint rule in probability: the functions have jumps, on which Gauss's rule is poor
    scores = special.ndtri((np.arange(200_000) + 0.5) / 200_000)
    values = contribution(scores)
    values = values - values.mean()
    before, now, shares = np.zeros_like(scores), np.ones_like(scores), []
    for k in range(1, 40):
        before, now = now, (scores * now - math.sqrt(k - 1) * before) / math.sqrt(k)
        shares.append(float((values * now).mean()) ** 2)
    power = np.arange(1, 40)
    total = float((values**2).mean())
    return float(optimize.brentq(lambda r: float(np.sum(np.asarray(shares) / total * r**power)) - icc, 0, 1))


def _scores(block: Block, rng: np.random.Generator, replicates: int, latent: float) -> FloatArray:
    """(R, n) normal scores, those of a group with a common part."""
    scores = rng.standard_normal((replicates, len(block.arm)))
    inside = block.unit >= 0
    if latent and inside.any():
        own = rng.standard_normal((replicates, int(block.unit.max()) + 1))
        scores[:, inside] = math.sqrt(latent) * own[:, block.unit[inside]] + math.sqrt(1 - latent) * scores[:, inside]
    return scores
