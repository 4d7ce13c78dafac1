"""Winsorizing: values beyond pooled percentiles are set to them, blind to the arm.

The percentile is the sample quantile of type 7 (linear interpolation) of everybody observed. Source: Tukey (1962), Annals of Mathematical Statistics 33.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialkit.inference.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Winsorized:
    """Values (n,), NaN as given; the limits (infinite where there is none) and how many people lay beyond them."""

    values: FloatArray
    low: float
    high: float
    n_below: int
    n_above: int


def winsorize(*, y: FloatArray, lower: float | None = None, upper: float | None = None) -> Winsorized:
    """Cap y (n,) at its quantiles `lower` and `upper`, each a share between 0 and 1 or None."""
    seen = y[np.isfinite(y)]
    low = -math.inf if lower is None else float(np.quantile(seen, lower))
    high = math.inf if upper is None else float(np.quantile(seen, upper))
    return Winsorized(np.clip(y, low, high), low, high, int((seen < low).sum()), int((seen > high).sum()))
