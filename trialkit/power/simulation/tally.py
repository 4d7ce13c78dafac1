"""Counts of what happened in simulated analyses, added up over blocks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy import special

from trialkit.power.simulation.analysis import Estimates


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over the replicates of one effect. `squares` is the sum of squared block shares of rejections, for the Monte Carlo error."""

    blocks: int = 0
    draws: int = 0
    failures: int = 0
    rejected: int = 0
    squares: float = 0.0
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


def tally(found: Estimates, truth: float, alpha: float) -> Tally:
    """What the replicates of a block did at one true effect; a failed fit counts as not rejected and not covered."""
    ok = found.ok
    est, se, df = found.estimate[ok], found.std_error[ok], found.df[ok]
    cut = np.where(np.isinf(df), -special.ndtri(alpha / 2), -special.stdtrit(np.where(np.isinf(df), 1e9, df), alpha / 2))
    significant = np.abs(est) > cut * se
    share = float(significant.sum()) / max(len(ok), 1)
    wrong = significant & (np.sign(est) != np.sign(truth)) if truth else np.zeros_like(significant)
    return Tally(
        1, len(ok), int((~ok).sum()), int(significant.sum()), share**2, int(wrong.sum()), int((np.abs(est - truth) <= cut * se).sum()),
        float(est.sum()), float((est**2).sum()), float(se.sum()), float(np.abs(est[significant]).sum()),
    )  # fmt: skip


def row(t: Tally, effect: float, truth: float) -> dict[str, Any]:
    """The summary of one effect: power, its Monte Carlo error, bias, RMSE, coverage, type S and M, failures."""
    done = t.draws - t.failures
    power = t.rejected / t.draws
    mean = t.estimate / done if done else math.nan
    spread = max(t.squares / t.blocks - power**2, 0.0) / (t.blocks - 1) if t.blocks > 1 else power * (1 - power) / t.draws
    variance = max(t.estimate_squared / done - mean**2, 0.0) if done else math.nan
    return {
        "effect": effect,
        "power": power,
        "mc_error": math.sqrt(max(spread, power * (1 - power) / t.draws)),
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
