"""Counts of what happened in simulated analyses, added up over blocks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy import special

from trialkit.power.simulation.analysis import Estimates
from trialkit.power.simulation.rules import Rule


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over the replicates of one effect, and over the blocks they come in of the squares and products of rejections and draws.

    Power is a ratio of sums over blocks, rejections over draws. Replicates of a block share a randomization, so its Monte Carlo error is taken between blocks.
    """

    blocks: int = 0
    draws: int = 0
    failures: int = 0
    rejected: int = 0
    rejected_squared: int = 0
    rejected_draws: int = 0
    draws_squared: int = 0
    wrong_sign: int = 0
    covered: int = 0
    estimate: float = 0.0
    estimate_squared: float = 0.0
    std_error: float = 0.0
    size_when_significant: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def tally(found: Estimates, truth: float, alpha: float, rule: Rule | None = None) -> Tally:
    """What the replicates of a block did at one true effect; a failed fit counts as not rejected and not covered. `rule` says what is shown with a margin."""
    ok = found.ok
    est, se, df = found.estimate[ok], found.std_error[ok], found.df[ok]
    cut = np.where(np.isinf(df), -special.ndtri(alpha / 2), -special.stdtrit(np.where(np.isinf(df), 1e9, df), alpha / 2))
    significant = np.abs(est) > cut * se if rule is None else rule.rejects(est, se, df)
    draws, rejected = len(ok), int(significant.sum())
    wrong = significant & (np.sign(est) != np.sign(truth)) if truth else np.zeros_like(significant)
    return Tally(
        1, draws, int((~ok).sum()), rejected, rejected**2, rejected * draws, draws**2, int(wrong.sum()), int((np.abs(est - truth) <= cut * se).sum()),
        float(est.sum()), float((est**2).sum()), float(se.sum()), float(np.abs(est[significant]).sum()),
    )  # fmt: skip


def row(t: Tally, effect: float, truth: float) -> dict[str, Any]:
    """The summary of one effect: power, its Monte Carlo error, bias, RMSE, coverage, type S and M, failures."""
    done = t.draws - t.failures
    power = t.rejected / t.draws
    mean = t.estimate / done if done else math.nan
    chance = power * (1 - power) / t.draws
    between = t.rejected_squared - 2 * power * t.rejected_draws + power**2 * t.draws_squared
    spread = max(between, 0.0) * t.blocks / (t.blocks - 1) / t.draws**2 if t.blocks > 1 else chance
    variance = max(t.estimate_squared / done - mean**2, 0.0) if done else math.nan
    return {
        "effect": effect,
        "power": power,
        "mc_error": math.sqrt(max(spread, chance)),
        "bias": mean - truth,
        "rmse": math.sqrt(variance + (mean - truth) ** 2),
        "coverage": t.covered / t.draws,
        "std_error": t.std_error / done if done else math.nan,
        "sd_of_estimates": math.sqrt(variance),
        "type_s": t.wrong_sign / t.rejected if t.rejected and truth else math.nan,
        "type_m": t.size_when_significant / t.rejected / abs(truth) if t.rejected and truth else math.nan,
        "failures": t.failures,
        "n_draws": t.draws,
    }
