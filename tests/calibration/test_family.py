"""Family-wise error of Romano-Wolf and Westfall-Young with groups in one arm: normal draws with the correlation of the groups' scores.

All hypotheses are true. Every outcome is analysed by the default ANCOVA; outcomes share a factor, between groups and between people. The
two corrections order draws alike, because each statistic stands on the scale of its own p-value, so one column serves both.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.tables import DESIGNS, REPLICATES, grid, mc_error, over_designs, p_values, size_inside
from trialkit.inference.draws.joint_null import normal_draws, shrunk, square_root
from trialkit.inference.several.stepdown import romano_wolf

GROUPS, OUTCOMES, CORRELATIONS, ICC = (6, 10, 20, 40), (3, 10), (0.0, 0.6), 0.1
DRAWS, SEED = 499, 4711


class Families:
    """One design: groups (mean 12, CV .5) in the treated arm and 12 times as many controls alone."""

    def __init__(self, groups: int, rng: np.random.Generator) -> None:
        sizes = np.maximum(2, np.round(rng.gamma(4, 3, groups))).astype(int)
        self.group = np.r_[np.repeat(np.arange(groups), sizes), np.full(12 * groups, -1)]
        self.arm = (self.group >= 0).astype(int)
        self.baseline = rng.normal(size=len(self.arm))
        found = tk.itt(self.trial(rng.normal(size=(1, len(self.arm)))), "y0_", adjust=["x"])
        self.batch = Batch(found.evidence.model, found.evidence.vectors[0])

    def trial(self, y: np.ndarray) -> tk.Trial:
        """With the outcomes y (M, n) as columns y0_, y1_, ..."""
        labels = pd.Series([f"g{g:03d}" if g >= 0 else None for g in self.group], dtype="object")
        columns = {f"y{m}_": v for m, v in enumerate(y)}
        return tk.Trial(
            pd.DataFrame({"arm": self.arm, "g": labels, "x": self.baseline} | columns), arm="arm", control=0, group="g"
        )

    def outcomes(self, rng: np.random.Generator, outcomes: int, correlation: float, replicates: int) -> np.ndarray:
        """(R, M, n) of unit variance."""
        inside = self.group >= 0
        y = _correlated(rng, (replicates, outcomes, len(self.arm)), correlation)
        between = _correlated(rng, (replicates, outcomes, int(self.group.max()) + 1), correlation)
        y[..., inside] = np.sqrt(1 - ICC) * y[..., inside] + np.sqrt(ICC) * between[..., self.group[inside]]
        return y

    def adjusted(self, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(R, M) adjusted p-values of `tk.family` and plain ones."""
        replicates, outcomes, n = y.shape
        flat = y.reshape(-1, n)
        found = self.batch.run(flat)
        p = p_values(found.estimate, found.std_error, found.df).reshape(replicates, outcomes)
        scores = self.batch.scores(flat)[1].reshape(replicates, outcomes, -1)
        df = np.broadcast_to(found.df, len(flat)).reshape(replicates, outcomes).min(axis=1)
        root = square_root(shrunk(scores=np.swapaxes(scores, -1, -2), df=df))
        null = normal_draws(scores=np.eye(outcomes), df=np.inf, n_draws=DRAWS, seed=seed) @ root
        return romano_wolf(statistics=-ndtri(np.maximum(p, 1e-300) / 2), null=null).p_adjusted, p


def _correlated(rng: np.random.Generator, shape: tuple[int, int, int], correlation: float) -> np.ndarray:
    common = rng.normal(size=(shape[0], 1, shape[2]))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=shape)


def one_design(groups: int, outcomes: int, correlation: float, number: int, replicates: int = REPLICATES) -> np.ndarray:
    """Trials with some rejection: corrected, by Bonferroni, uncorrected."""
    rng = np.random.default_rng([groups, outcomes, int(correlation * 10), number])
    families = Families(groups, rng)
    found = np.zeros(3)
    for _ in range(replicates // 100):
        adjusted, p = families.adjusted(families.outcomes(rng, outcomes, correlation, 100), SEED + number)
        found += [(v.min(axis=1) <= 0.05).sum() for v in (adjusted, p * outcomes, p)]
    return found


def cell(groups: int, outcomes: int, correlation: float) -> list[dict[str, object]]:
    total = DESIGNS * REPLICATES
    stepped, bonferroni, plain = np.sum(over_designs(one_design, groups, outcomes, correlation), axis=0) / total
    row = {
        "groups": groups, "outcomes": outcomes, "correlation": correlation, "icc": ICC, "draws": DRAWS, "replicates": total,
        "family_wise_error": stepped, "mc_error": mc_error(stepped, total), "bonferroni": bonferroni, "uncorrected": plain,
        "inside_band": size_inside(stepped, groups),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
@pytest.mark.slow
def test_family_wise_error_with_groups_in_one_arm():
    table = grid("family", ("groups", "outcomes", "correlation"), list(product(GROUPS, OUTCOMES, CORRELATIONS)), cell)
    assert (table.loc[table["groups"] >= 10, "family_wise_error"] <= 0.07).all()
    assert (table["family_wise_error"] <= 0.095).all()


def test_the_batched_path_is_the_package():
    rng = np.random.default_rng(3)
    families = Families(10, rng)
    y = families.outcomes(rng, 3, 0.5, 12)
    mine, plain = families.adjusted(y, 99)
    for r in (0, 5, 11):
        trial = families.trial(y[r])
        results = [tk.itt(trial, f"y{m}_", adjust=["x"]) for m in range(3)]
        assert plain[r] == pytest.approx([e.estimates[0].p_value for e in results], abs=1e-9)
        for correction in ("romano_wolf", "westfall_young"):
            found = tk.family(results, correction=correction, n_draws=DRAWS, seed=99)
            assert mine[r] == pytest.approx([e.extra["p_adjusted"] for e in found.estimates], abs=1e-12)


def test_a_thin_version_of_the_error():
    """1,000 families of 3 outcomes, 10 groups: within five Monte Carlo errors of 5 %."""
    error = sum(one_design(10, 3, 0.6, d, replicates=200)[0] for d in range(5)) / 1000
    assert abs(error - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 1000)
