"""Options of a quantile effect, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import UsageError
from trialkit.estimate.outcomes.quantile_draws import INTERVALS, Draws
from trialkit.estimate.sample import Sample
from trialkit.results import Note

COARSE = 10


@dataclass(frozen=True, slots=True)
class QuantileOptions:
    """Options of the estimator.

    Attributes
    ----------
    q : the quantile, 0.5 for the median.
    interval : 'density', 'bootstrap' or 'percentile'.
    n_draws : resamples. seed : needed where resamples are drawn.
    """

    q: float = 0.5
    interval: str = "density"
    n_draws: int = 2000
    seed: Seed | None = None

    def __post_init__(self) -> None:
        if isinstance(self.q, bool) or not isinstance(self.q, (int, float, np.integer, np.floating)) or not 0 < self.q < 1:
            raise UsageError(
                f"q={self.q!r} is not a quantile: it lies between 0 and 1, as 0.5 for the median or 0.9 for the ninth decile."
            )
        if self.interval not in INTERVALS:
            raise UsageError(f"interval={self.interval!r} is unknown: it is {', '.join(repr(i) for i in INTERVALS)}.")
        if self.interval == "density":
            if self.seed is not None:
                raise UsageError(
                    "interval='density' draws nothing and takes no seed: leave seed out, or say interval='bootstrap'."
                )
            return
        if isinstance(self.n_draws, bool) or not isinstance(self.n_draws, (int, np.integer)) or self.n_draws < 200:
            raise UsageError(f"n_draws={self.n_draws!r} must be a whole number of resamples, at least 200.")
        if self.seed is None:
            raise UsageError(
                f"interval='{self.interval}' draws resamples: say seed=4711 (any number you choose), or interval='density'."
            )

    @property
    def draws(self) -> Draws | None:
        return None if self.interval == "density" else Draws(self.interval, int(self.n_draws), checked_seed(self.seed))  # type: ignore[arg-type]


def estimand(q: float, average: str, *, conditional: bool = False, overlap: bool = False) -> str:
    """'difference in medians', 'conditional difference in quantiles (q = 0.9), every group the same'."""
    which = "medians" if q == 0.5 else f"quantiles (q = {q:g})"
    kind = "conditional " if conditional else "overlap-weighted " if overlap else ""
    return f"{kind}difference in {which}{', every group the same' if average == 'group' else ''}"


def details_of(q: float, draws: Draws | None) -> dict[str, Any]:
    """What reproduces the interval."""
    if draws is None:
        return {"q": q, "interval": "density"}
    return {"q": q, "interval": draws.interval, "n_draws": draws.n_draws, "seed": draws.seed}


def few_values(s: Sample) -> list[Note]:
    """Quantiles of a coarse scale jump from one answer to the next."""
    count = len(np.unique(s.y))
    if count > COARSE:
        return []
    text = f"'{s.outcome}' has {count} different values, so its quantiles jump by whole steps: measure='win_odds' compares everybody."
    return [Note("coarse_quantile", text)]
