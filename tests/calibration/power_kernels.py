"""What the simulations of power share: a setting, tests on batches of replicates, REML by profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

import trialkit as tk

Generator = np.random.Generator
Simulator = Callable[[float, Generator, int], np.ndarray]

REPLICATES = 100_000
STEPS = np.linspace(np.log(1e-3), np.log(4.0), 70)  # log of the ratio of variances above its lower limit, for REML by profile


@dataclass(frozen=True)
class Setting:
    """A question to a power function, and a simulator of the test that its answer names.

    Attributes
    ----------
    function, design, target : the call; with `target` (the power asked for) the effect or margin is solved for.
    simulate : effect (or margin), generator, number of replicates -> rejections, True or False each.
    kind : 'exact' (no approximation in the formula), 'approximate', or a class that is known to leave the band.
    chunk : replicates in memory at once. closed : name of the power in the result. at : name of what the simulator takes.
    said : what the simulation has beside the design, for the table.
    """

    function: str
    design: dict[str, Any]
    simulate: Simulator
    target: float | None = 0.8
    kind: str = "exact"
    replicates: int = REPLICATES
    chunk: int = REPLICATES
    closed: str = "power"
    at: str = "effect"
    said: dict[str, Any] = field(default_factory=dict)

    def answer(self) -> Any:
        asked = {} if self.target is None else {"power": self.target}
        return getattr(tk.power, self.function)(**asked, **self.design)

    def closed_form(self, found: Any) -> float:
        value = getattr(found, self.closed)
        return float(value[0] if isinstance(value, tuple) else value)

    def simulated(self, found: Any, rng: Generator, replicates: int | None = None) -> float:
        """Share of rejections."""
        wanted = self.replicates if replicates is None else replicates
        effect, done, rejected = float(getattr(found, self.at)), 0, 0
        while done < wanted:
            draws = min(self.chunk, wanted - done)
            rejections = self.simulate(effect, rng, draws)
            assert rejections.shape == (draws,)
            rejected += int(rejections.sum())
            done += draws
        return rejected / wanted

    def words(self) -> str:
        asked = {} if self.target is None else {"power": self.target}
        return ", ".join(f"{k}={v}" for k, v in {**self.design, **asked, **self.said}.items())


def reject(estimate: np.ndarray, variance: Any, df: Any, alternative: str = "two-sided", alpha: float = 0.05) -> np.ndarray:
    """t test (normal where df is infinite)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / np.sqrt(variance)
    if alternative == "two-sided":
        return 2 * special.stdtr(df, -np.abs(t)) < alpha
    return special.stdtr(df, -t if alternative == "greater" else t) < alpha


def satterthwaite_test(
    estimate: np.ndarray, vt: np.ndarray, vc: np.ndarray, a: Any, b: Any, alternative: str = "two-sided", alpha: float = 0.05
) -> np.ndarray:
    return reject(estimate, vt + vc, (vt + vc) ** 2 / (vt**2 / a + vc**2 / b), alternative, alpha)


def equivalent(estimate: np.ndarray, variance: Any, df: Any, low: float, high: float, alpha: float = 0.05) -> np.ndarray:
    """Two one-sided tests."""
    return reject(estimate - low, variance, df, "greater", alpha) & reject(estimate - high, variance, df, "less", alpha)


def scaled_chi2(rng: Generator, df: Any, scale: Any, draws: int) -> np.ndarray:
    """Estimates of a variance `scale` with df degrees of freedom."""
    return scale * rng.chisquare(df, draws) / df


def profile_reml(
    means: list[np.ndarray], sizes: list[np.ndarray], within: np.ndarray, within_df: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """REML with a common ratio of group to residual variance, maximized over a grid of ratios with a parabola at its top.

    The ratio may be negative down to -1/largest group, as in the package's own fit. `means` holds an array (draws, groups) an arm;
    returns the arms' estimates and their variances.
    """
    df = within_df + sum(m.shape[1] - 1 for m in means)
    limit = 1 / max(m.max() for m in sizes)
    likelihood = np.empty((len(STEPS), len(within)))
    for i, ratio in enumerate(np.exp(STEPS) - limit * (1 - 1e-4)):
        total, logs = within.copy(), 0.0
        for y, m in zip(means, sizes):
            w = m / (1 + ratio * m)
            centre = y @ w / w.sum()
            total += np.square(y - centre[:, None]) @ w
            logs += np.log(1 + ratio * m).sum() + np.log(w.sum())
        likelihood[i] = -(df * np.log(total / df) + logs) / 2
    ratio = np.exp(_top(likelihood)) - limit * (1 - 1e-4)
    estimates, squares = [], within.copy()
    weights = [m[None, :] / (1 + ratio[:, None] * m[None, :]) for m in sizes]
    for y, w in zip(means, weights):
        centre = (y * w).sum(1) / w.sum(1)
        squares += (w * np.square(y - centre[:, None])).sum(1)
        estimates.append(centre)
    return estimates, [squares / df / w.sum(1) for w in weights]


def _top(likelihood: np.ndarray) -> np.ndarray:
    """Where the parabola through the best step and its neighbours has its top."""
    best = np.clip(likelihood.argmax(0), 1, len(STEPS) - 2)
    low, mid, high = (likelihood[best + d, np.arange(likelihood.shape[1])] for d in (-1, 0, 1))
    curvature = np.minimum(low - 2 * mid + high, -1e-12)
    return STEPS[best] + np.clip(0.5 * (low - high) / curvature, -1, 1) * (STEPS[1] - STEPS[0])
