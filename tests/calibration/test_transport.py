"""Coverage of transported effects with groups in one arm: four methods, 6 to 40 groups, a population half an SD and a whole SD away.

The effect is .3 + .3 x: that of the population is .3 + .3 shift. Outcomes are linear in the covariates and participation is logistic in them, so that every method is
right; what is measured is its standard error and df.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.influence import influence_variance
from trialkit.inference.reach.inverse_odds import participation
from trialkit.inference.reach.transport import People, transport

METHODS = ("doubly_robust", "outcome_model", "inverse_odds", "entropy_balancing")
GROUPS, SIZE, OTHERS, ICC = (6, 10, 20, 40), 12, 600, 0.1
SHIFTS = (0.5, 1.0)


def one_sample(rng: np.random.Generator, method: Any, groups: int, shift: float) -> tuple[float, float, bool]:
    """Error, standard error and whether the interval covers."""
    n = groups * SIZE
    arm = np.r_[np.ones(n, dtype=np.int64), np.zeros(n, dtype=np.int64)]
    x, w = rng.normal(size=2 * n), (rng.random(2 * n) < 0.5) * 1.0
    e = rng.normal(size=2 * n)
    e[:n] = np.sqrt(1 - ICC) * e[:n] + np.sqrt(ICC) * np.repeat(rng.normal(size=groups), SIZE)
    y = 0.5 * x + 0.3 * w + arm * (0.3 + 0.3 * x) + e
    X = np.column_stack([np.ones(2 * n), x, w])
    others = np.column_stack([np.ones(OTHERS), rng.normal(shift, 1, OTHERS), rng.random(OTHERS) < 0.6])
    people = People(y, arm, np.full(2 * n, 0.5), X, others, np.ones(OTHERS), "outside")
    model = participation(X=X, outside=others) if method in ("doubly_robust", "inverse_odds") else None
    found = transport(people, method=method, model=model)
    group = np.r_[np.repeat(np.arange(groups), SIZE), np.full(n + OTHERS, -1)]
    unit = np.r_[np.repeat(np.arange(groups), SIZE), groups + np.arange(n + OTHERS)]
    values = found.influence[:, 1] - found.influence[:, 0]
    spread = influence_variance(values=values, arm=np.r_[arm, np.full(OTHERS, 2)], unit=unit, group=group)
    error = float(found.means[1] - found.means[0]) - (0.3 + 0.3 * shift)
    test = t_test(error, float(np.sqrt(spread.variance)), spread.df, 0.95)
    return error, float(np.sqrt(spread.variance)), bool(test.conf_low <= 0 <= test.conf_high)


def one_design(method: str, groups: int, shift: float, design: int, replicates: int = REPLICATES) -> pd.DataFrame:
    rng = np.random.default_rng([17, METHODS.index(method), groups, int(10 * shift), design])
    return pd.DataFrame([one_sample(rng, method, groups, shift) for _ in range(replicates)], columns=["error", "se", "covers"])


def cell(method: str, groups: int, shift: float) -> list[dict[str, object]]:
    found = pd.concat(over_designs(one_design, method, groups, shift))
    coverage = float(found["covers"].mean())
    row = {
        "method": method, "groups": groups, "shift": shift, "icc": ICC, "replicates": DESIGNS * REPLICATES, "bias": float(found["error"].mean()),
        "sd": float(found["error"].std()), "mean_se": float(found["se"].mean()), "coverage": coverage, "mc_error": mc_error(coverage, len(found)),
        "inside_band": coverage_inside(coverage, groups),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
@pytest.mark.slow
def test_coverage_of_transported_effects() -> None:
    table = grid("transport", ("method", "groups", "shift"), list(product(METHODS, GROUPS, SHIFTS)), cell)
    assert (table["coverage"] >= 0.92).all()


def test_a_thin_version_of_the_coverage() -> None:
    """200 samples with 10 groups: within four Monte Carlo errors of 95 %."""
    found = one_design("doubly_robust", 10, 0.5, 0, replicates=200)
    assert abs(found["covers"].mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 200)
