"""Trials with groups in one arm for outcomes that are not averaged: ratings, skewed amounts, any margin with a known truth.

Latent scores have the same variance in both arms and, in the treated arm, a share `icc` of it between groups; an outcome is a function of the
score's place in its distribution, so that its margins do not depend on the groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

import trialkit as tk

MEAN_SIZE = 12


@dataclass(frozen=True)
class OneArm:
    """People of one draw of group sizes (mean 12, CV .5) with as many controls as the average trial has treated."""

    group: np.ndarray
    controls: int

    @classmethod
    def drawn(cls, groups: int, rng: np.random.Generator) -> OneArm:
        sizes = np.maximum(2, np.round(rng.gamma(4, MEAN_SIZE / 4, groups))).astype(int)
        return cls(np.repeat(np.arange(groups), sizes), MEAN_SIZE * groups)

    @property
    def n(self) -> int:
        return len(self.group) + self.controls

    @property
    def arm(self) -> np.ndarray:
        return np.r_[np.ones(len(self.group), dtype=np.int64), np.zeros(self.controls, dtype=np.int64)]

    def scores(self, replicates: int, icc: float, rng: np.random.Generator) -> np.ndarray:
        """(replicates, n) standard normal scores."""
        z = rng.normal(size=(replicates, self.n))
        if icc:
            between = rng.normal(size=(replicates, int(self.group.max()) + 1))
            treated = slice(0, len(self.group))
            z[:, treated] = np.sqrt(1 - icc) * z[:, treated] + np.sqrt(icc) * between[:, self.group]
        return z

    def trial(self, y: np.ndarray, **columns: np.ndarray) -> tk.Trial:
        labels = [f"g{g}" for g in self.group] + [None] * self.controls
        d = pd.DataFrame({"arm": np.where(self.arm == 1, "peer", "solo"), "y": y} | columns)
        d["group"] = pd.Series(labels, dtype="object")
        return tk.Trial(d, arm="arm", control="solo", group="group")


def logistic(score: np.ndarray) -> np.ndarray:
    """The logistic variable at the place of a standard normal score."""
    p = ndtr(score)
    return np.log(p) - np.log1p(-p)
