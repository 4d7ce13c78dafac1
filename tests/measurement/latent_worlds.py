"""Answers to items at two waves in a trial with groups in one arm, with a known effect on the factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import trialkit as tk

LOADINGS = np.array([1.0, 0.8, 1.1, 0.7, 0.9])
INTERCEPTS = np.array([3.0, 2.5, 3.5, 2.8, 3.2])
SLOPE, EFFECT, TREND = 0.6, 0.4, 0.3
WAVES = {f"t{w}": [f"t{w}_i{j}" for j in range(1, 6)] for w in (0, 1)}


@dataclass(frozen=True)
class World:
    """`groups` groups of `size` in the treated arm and as many controls alone; `icc` of the change within the treated arm.

    `missing`: share of answers missing, at follow-up more often for people low on the first item at baseline (at random given the answers).
    """

    groups: int = 20
    size: int = 10
    icc: float = 0.1
    missing: float = 0.2
    effect: float = EFFECT

    def arrays(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Answers (n, 10), arm, group (-1 alone)."""
        treated = self.groups * self.size
        arm = np.repeat([1, 0], treated)
        group = np.r_[np.repeat(np.arange(self.groups), self.size), np.full(treated, -1)]
        shared = np.sqrt(self.icc) * rng.normal(size=self.groups)
        change = rng.normal(size=2 * treated)
        change[arm == 1] = np.sqrt(1 - self.icc) * change[arm == 1] + shared[group[arm == 1]]
        before = rng.normal(size=2 * treated)
        after = TREND + SLOPE * before + self.effect * arm + np.sqrt(1 - SLOPE**2) * change
        own = 0.4 * rng.normal(size=(2 * treated, 5))
        x = np.hstack([INTERCEPTS + f[:, None] * LOADINGS + own + 0.6 * rng.normal(size=own.shape) for f in (before, after)])
        low = x[:, 0] < INTERCEPTS[0]
        share = self.missing * np.where(low, 1.4, 0.6)[:, None]
        gone = rng.random(x.shape) < np.hstack([np.full((len(x), 5), self.missing), np.repeat(share, 5, axis=1)])
        gone[:, 0] = False
        return np.where(gone, np.nan, x), arm, group


def frame(x: np.ndarray, arm: np.ndarray, group: np.ndarray) -> pd.DataFrame:
    labels = pd.Series([f"g{g}" if g >= 0 else None for g in group], dtype="object")
    return pd.DataFrame(x, columns=[c for w in WAVES.values() for c in w]).assign(
        arm=np.where(arm == 1, "peer", "solo"), group=labels
    )


def trial(data: pd.DataFrame, **roles: object) -> tk.Trial:
    return tk.Trial(data, **({"arm": "arm", "control": "solo", "group": "group"} | roles))
