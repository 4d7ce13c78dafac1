"""Intervals of a quantile effect from resamples of whole groups."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import EstimationError
from trialkit.estimate.analysis import Contrast
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import TTest
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.results import Note

INTERVALS = ("density", "bootstrap", "percentile")
FEW_FOR_PERCENTILE = 10


@dataclass(frozen=True, slots=True)
class Draws:
    """Which interval, from how many resamples of which seed."""

    interval: str
    n_draws: int
    seed: int


def bootstrap_contrast(
    contrast: Contrast,
    draw: Callable[[FloatArray], FloatArray],
    s: Sample,
    stratum: IntArray | None,
    draws: Draws,
    conf_level: float,
) -> tuple[Contrast, list[Note]]:
    """The contrast with the standard error (and the percentile interval) of resamples.

    `draw` gives the effect for resampling weights (draws, n) of the people of `s`.
    """
    unit, cell = resampling_cells(arm=s.arm, stratum=stratum, unit=s.unit_of_variance)
    chunks = bootstrap_weights(cell=cell, n_draws=draws.n_draws, seed=draws.seed, people=s.n)
    found = np.concatenate([draw(w[:, unit]) for w in chunks])
    error = float(found.std(ddof=1))
    if not error > 0:
        raise EstimationError(
            f"every resample of '{s.outcome}' gives the same quantiles: there is no interval. Use another quantile."
        )
    if draws.interval == "bootstrap":
        return replace(contrast, std_error=error), []
    tail = (1 - conf_level) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    below, above = int((found <= 0).sum()) + 1, int((found >= 0).sum()) + 1
    p = min(1.0, 2 * min(below, above) / (draws.n_draws + 1))
    test = TTest(math.nan, p, float(low), float(high))
    return replace(contrast, std_error=error, df=math.nan, test=test), _few(s)


def _few(s: Sample) -> list[Note]:
    what = "clusters" if s.cluster is not None else "groups"
    count = min((len(np.unique(s.unit_of_variance[s.arm == a])) for a in range(len(s.arms))), default=0)
    if not s.clustered or count >= FEW_FOR_PERCENTILE:
        return []
    text = f"percentiles of resamples are too close together with {count} {what} in an arm: interval='bootstrap' keeps the level better."
    return [Note("percentile_few_groups", text)]
