"""Recovery of `tk.measurement.latent_effect`: bias of loadings and effects, coverage of the t interval with 20 % of answers missing.

Groups of ten in one arm and as many controls alone; the change of the factor is alike within groups (ICC 0, .05, .1), items are answered
with error that stays with the item, and answers are missing at random given the first item (tests/measurement/latent_worlds.py).
The latent effect in baseline SDs and in the marker's unit are the same number there.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.calibration.tables import DESIGNS, coverage_inside, grid, mc_error, over_designs
from tests.measurement.latent_worlds import EFFECT, LOADINGS, World
from trialkit.estimate.outcomes.linearized import by_arm
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_quantile
from trialkit.inference.factor.latent_regression import latent_regression

GROUPS, ICCS, MISSING = (6, 10, 20, 40), (0.0, 0.05, 0.1), (0.0, 0.2)
UNITS = ("marker item", "baseline SD")
EACH = 50  # of each design: 2,000 a cell


def one_design(groups: int, icc: float, missing: float, number: int, replicates: int = EACH) -> np.ndarray:
    """(replicates, 9): estimate, standard error and half the interval of both units; the mean loading error, its square, failures."""
    world = World(groups=groups, icc=icc, missing=missing)
    rng = np.random.default_rng([groups, int(100 * icc), int(100 * missing), number])
    return np.array([one_trial(*world.arrays(rng)) for _ in range(replicates)])


def one_trial(x: FloatArray, arm: IntArray, group: IntArray) -> list[float]:
    found = latent_regression(x, arm[:, None].astype(float))
    if not found.fit.converged:
        return [np.nan] * 8 + [1.0]
    unit = np.where(group >= 0, group, group.max() + 1 + np.arange(len(group)))
    people = Sample(
        "t1", np.zeros(len(x)), arm, (0, 1), np.zeros((len(x), 0)), (), None, None, group, unit, None, np.arange(len(x)), ()
    )
    out = []
    for value, influence in ((found.effects, found.influence), (found.standardized, found.standardized_influence)):
        spread = by_arm(people, influence[:, 0], df="auto")
        out += [float(value[0]), spread.std_error, t_quantile(0.975, spread.df) * spread.std_error]
    off = found.fit.point.matrices.loadings[0, :5, 0] - LOADINGS
    return [*out, float(off[1:].mean()), float((off[1:] ** 2).mean()), 0.0]


def rows(groups: int, icc: float, missing: float, draws: np.ndarray) -> list[dict[str, object]]:
    failures, kept = int(draws[:, 8].sum()), draws[draws[:, 8] == 0]
    count = len(kept)
    out = []
    for k, unit in enumerate(UNITS):
        value, error, half = kept[:, 3 * k : 3 * k + 3].T
        covers = float((np.abs(value - EFFECT) <= half).mean())
        out.append(
            {
                "groups": groups,
                "icc": icc,
                "missing": missing,
                "unit": unit,
                "replicates": len(draws),
                "bias": value.mean() - EFFECT,
                "mc_error_bias": value.std(ddof=1) / np.sqrt(count),
                "se_ratio": np.sqrt((error**2).mean()) / value.std(ddof=1),
                "coverage": covers,
                "mc_error": float(mc_error(covers, count)),
                "loading_bias": kept[:, 6].mean(),
                "failures": failures,
                "inside": coverage_inside(covers, groups),
            }
        )
    return out


def cell(groups: int, icc: float, missing: float) -> list[dict[str, object]]:
    return rows(groups, icc, missing, np.concatenate(over_designs(one_design, groups, icc, missing)))


@pytest.mark.calibration
def test_recovery():
    cells = list(product(GROUPS, ICCS, MISSING))
    found = grid("latent_effect", ("groups", "icc", "missing"), cells, cell, replicates=DESIGNS * EACH)
    assert (found["bias"].abs() < 0.02).all()
    assert (found["loading_bias"].abs() < 0.02).all()
    assert (found["failures"] == 0).all()


def test_a_thin_version_of_the_recovery():
    """100 trials of 20 groups: bias within four Monte Carlo errors, standard errors within a quarter, coverage within four errors of 95 %."""
    for row in rows(20, 0.1, 0.2, one_design(20, 0.1, 0.2, 0, replicates=100)):
        assert abs(row["bias"]) < 4 * row["mc_error_bias"]
        assert 0.75 < row["se_ratio"] < 1.25
        assert abs(row["coverage"] - 0.95) < 0.09
        assert abs(row["loading_bias"]) < 0.01
        assert row["failures"] == 0
