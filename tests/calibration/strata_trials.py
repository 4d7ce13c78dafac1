"""Simulated trials with strata: groups in one arm, or clusters in both, with equal or varying shares of the arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import trialkit as tk
from tests.calibration.batch import Batch
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.sample import sample
from trialkit.estimate.strata import centred_indicators, shares_differ, strata_names

# groups (clusters) of the treated arm in each stratum, and clusters of the control arm
ONE_ARM = {
    "equal": {6: (2, 2, 2), 10: (4, 3, 3), 20: (5,) * 4, 40: (8,) * 5},
    "varying": {6: (2, 2, 2), 10: (4, 3, 3), 20: (5,) * 4, 40: (8,) * 5},
    "varying, strata of one group": {6: (1, 2, 3), 10: (1, 2, 3, 4), 20: (1, 1, 4, 6, 8), 40: (1, 1, 2, 6, 10, 20)},
}
CLUSTERS = {
    "equal": {6: ((3, 3),) * 2, 10: ((4, 3, 3),) * 2, 20: ((5,) * 4,) * 2, 40: ((10,) * 4,) * 2},
    "varying": {
        6: ((4, 2), (2, 4)),
        10: ((5, 3, 2), (2, 3, 5)),
        20: ((8, 6, 4, 2), (2, 4, 6, 8)),
        40: ((16, 12, 8, 4), (4, 8, 12, 16)),
    },
    "varying, strata of one cluster": {
        6: ((1, 2, 3), (3, 2, 1)),
        10: ((1, 2, 3, 4), (4, 3, 2, 1)),
        20: ((1, 3, 6, 10), (10, 6, 3, 1)),
        40: ((1, 9, 10, 20), (20, 10, 9, 1)),
    },
}


@dataclass(frozen=True)
class StrataTrial:
    """People of one design: arm (0, 1), unit that shares an effect (-1 alone), stratum, baseline."""

    arm: np.ndarray
    unit: np.ndarray
    stratum: np.ndarray
    baseline: np.ndarray
    clustered: bool

    @property
    def effects(self) -> tuple[np.ndarray, float]:
        """An effect that differs by stratum, of every person when treated, and its average over the sample."""
        by_stratum = np.linspace(-0.3, 0.3, int(self.stratum.max()) + 1)[self.stratum]
        return by_stratum * self.arm, float(by_stratum.mean())

    def outcomes(self, rng: np.random.Generator, icc: float, replicates: int) -> np.ndarray:
        """(R, n) outcomes of unit variance, given the baseline and without an effect of the arm.

        What the baseline explains is left out: the adjusted estimators take it away whatever it is, and for the others it would be
        a chance imbalance common to all replicates of a design.
        """
        n, inside = len(self.arm), self.unit >= 0
        units = int(self.unit.max()) + 1
        y = rng.normal(size=(replicates, n)) * np.where(inside, np.sqrt(1 - icc), 1.0)
        y[:, inside] += (rng.normal(size=(replicates, units)) * np.sqrt(icc))[:, self.unit[inside]]
        return y

    def frame(self, y: np.ndarray) -> pd.DataFrame:
        labels = pd.Series([f"g{u}" if u >= 0 else None for u in self.unit], dtype="object")
        return pd.DataFrame(
            {"id": np.arange(len(y)), "arm": self.arm, "unit": labels, "site": self.stratum, "y0": self.baseline, "y": y}
        )

    def trial(self, y: np.ndarray, *, declared: bool = True) -> tk.Trial:
        """As a user has it; `declared`: with the design, whose probabilities tell whether shares differ by stratum."""
        data = self.frame(y)
        roles = {"cluster": "unit"} if self.clustered else {"group": "unit", "ungrouped": "singleton"}
        if declared and self.clustered:
            design = tk.design.stratified_clustered(
                data, unit="id", strata=["site"], cluster="unit", arms={0: 1, 1: 1}, counts="observed"
            )
        elif declared:
            design = tk.design.stratified(data, unit="id", strata=["site"], arms={0: 1, 1: 1}, counts="observed")
        else:
            design = None
        return tk.Trial(data, arm="arm", control=0, unit="id", strata=["site"], design=design, **roles)

    def shares_differ_without_design(self) -> bool:
        return shares_differ(self.trial(np.zeros(len(self.arm)), declared=False))


def one_arm(groups: int, shares: str, unequal: bool, rng: np.random.Generator) -> StrataTrial:
    """Groups of 12 (unequal: CV .5) in the treated arm, single controls; shares of the treated .3 to .7 over the strata when they vary."""
    per_stratum = ONE_ARM[shares][groups]
    sizes = _sizes(rng, groups, 12, unequal)
    where = np.repeat(np.arange(len(per_stratum)), per_stratum)
    treated = np.bincount(where, weights=sizes).astype(int)
    share = np.full(len(treated), 0.5) if shares == "equal" else np.linspace(0.3, 0.7, len(treated))
    controls = np.maximum(2, np.round(treated * (1 - share) / share)).astype(int)
    unit = np.r_[np.repeat(np.arange(groups), sizes), np.full(controls.sum(), -1)]
    stratum = np.r_[np.repeat(where, sizes), np.repeat(np.arange(len(treated)), controls)]
    arm = (unit >= 0).astype(int)
    return StrataTrial(arm, unit, stratum, rng.normal(size=len(arm)), False)


def clusters(treated: int, shares: str, unequal: bool, rng: np.random.Generator) -> StrataTrial:
    """Clusters of 20 (unequal: CV .5), `treated` of them in each arm."""
    by_arm = CLUSTERS[shares][treated]
    where = np.concatenate([np.repeat(np.arange(len(c)), c) for c in by_arm])
    arm = np.repeat([1, 0], [sum(c) for c in by_arm])
    sizes = _sizes(rng, len(where), 20, unequal)
    unit = np.repeat(np.arange(len(where)), sizes)
    return StrataTrial(arm[unit], unit, where[unit], rng.normal(size=len(unit)), True)


def _sizes(rng: np.random.Generator, count: int, mean: int, unequal: bool) -> np.ndarray:
    return np.maximum(2, np.round(rng.gamma(4, mean / 4, count))).astype(int) if unequal else np.full(count, mean)


def regression(people: StrataTrial, y: np.ndarray, estimator: str, strata_effects: str = "auto") -> Batch:
    """The regression behind an estimator; the difference in means is the interacted one without covariates."""
    trial = people.trial(y)
    if estimator != "difference_in_means":
        found = tk.itt(trial, "y", adjust=["y0"], estimator=estimator, strata_effects=strata_effects)
        return Batch(found.evidence.model, found.evidence.vectors[0])
    s = sample(trial, "y", (), "impute")
    treated = s.arm[:, None].astype(float)
    indicators, used = centred_indicators(s, strata_names(trial))
    columns = np.concatenate([np.ones((s.n, 1)), treated, indicators, indicators * treated], axis=1)
    names = ["constant", "arm", *used, *(f"arm x {u}" for u in used)]
    vector = np.zeros(columns.shape[1])
    vector[1] = 1.0
    batch = Batch(fit_linear(s, columns, names, kind="auto", df="auto"), vector)
    if people.clustered:
        batch.fixed_df = float(s.n_clusters - 2 * (len(used) + 1))
    return batch
