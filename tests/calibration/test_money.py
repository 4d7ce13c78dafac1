"""Lee's bounds beside the intensive margin: does the interval cover the effect wherever it lies between the bounds?

Amounts above zero are lognormal; being above zero goes with the amount, and the treated arm raises the share above zero. The interval of Imbens &
Manski is to cover each end of the true bounds in 95 % of trials or a little more. 8,000 replicates a cell; bounds of 4,000,000 people as truth.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

import trialkit as tk
from tests.calibration.one_arm_outcomes import OneArm
from tests.calibration.tables import DESIGNS, coverage_inside, grid, mc_error, over_designs
from tests.calibration.test_quantile import batch_of
from trialkit.inference.bounds.lee_bounds import imbens_manski, lee_bounds

FEW = 200
SHARES = (0.5, 0.6)


def drawn(people: OneArm, icc: float, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Amounts, zero below the arm's cut of a score that correlates .5 with the amount's."""
    amount, other = people.scores(replicates, icc, rng), people.scores(replicates, icc, rng)
    above = 0.5 * amount + np.sqrt(0.75) * other > ndtri(1 - np.array(SHARES))[people.arm]
    return np.where(above, 100 * np.exp(0.8 * amount), 0.0)


def truth(people_an_arm: int = 2_000_000) -> tuple[float, float]:
    people = OneArm(np.arange(people_an_arm), people_an_arm)
    y = drawn(people, 0.0, 1, np.random.default_rng(99))[0]
    found = lee_bounds(y=y, selected=y > 0, treated=people.arm == 1)
    return found.lower, found.upper


def design_run(groups: int, icc: float, bounds: tuple[float, float], design: int) -> np.ndarray:
    """(FEW, 2) whether the interval covers the lower and the upper end."""
    rng = np.random.default_rng([6, groups, int(icc * 100), design])
    people = OneArm.drawn(groups, rng)
    y = drawn(people, icc, FEW, rng)
    sizes = np.bincount(people.arm)[people.arm]
    found = [lee_bounds(y=row, selected=row > 0, treated=people.arm == 1) for row in y]
    ends = []
    for name in ("values_lower", "values_upper"):
        values = np.array([getattr(f, name) for f in found]) * sizes
        ends.append(batch_of(people, values[0], np.ones(2)).run(values))
    covered = np.empty((FEW, 2), dtype=bool)
    for r, f in enumerate(found):
        low, high = imbens_manski(
            lower=f.lower, upper=f.upper, se_lower=ends[0].std_error[r], se_upper=ends[1].std_error[r], conf_level=0.95,
            df=min(ends[0].df[r], ends[1].df[r]),
        )  # fmt: skip
        covered[r] = [low <= b <= high for b in bounds]
    return covered


def cell(groups: int, icc: float, bounds: tuple[float, float]) -> list[dict[str, object]]:
    covered = np.concatenate(over_designs(design_run, groups, icc, bounds))
    lower, upper = (float(v) for v in covered.mean(axis=0))
    row = {
        "groups": groups, "icc": icc, "replicates": len(covered), "coverage_lower": lower, "coverage_upper": upper,
        "mc_error": mc_error(lower, len(covered)), "inside_band": coverage_inside(lower, groups) and coverage_inside(upper, groups),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
def test_lee_bounds_with_groups_in_one_arm():
    bounds = truth()
    cells = {(k, icc): (k, icc, bounds) for k in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3)}
    table = grid("lee_bounds", ("groups", "icc"), cells, cell, replicates=DESIGNS * FEW)
    assert (table[["coverage_lower", "coverage_upper"]] > 0.92).all(axis=None)


def test_a_thin_version_and_that_it_is_what_itt_gives():
    """Both ends are covered in 90 % of 400 trials at least; one replicate equals the public surface."""
    covered = np.concatenate([design_run(20, 0.1, truth(200_000), d) for d in range(2)])
    assert covered.mean(axis=0).min() > 0.9
    people = OneArm.drawn(10, np.random.default_rng(1))
    y = drawn(people, 0.1, 1, np.random.default_rng(2))[0]
    found = tk.itt(people.trial(y), "y", margin="positive").lee_bounds.iloc[0]
    kernel = lee_bounds(y=y, selected=y > 0, treated=people.arm == 1)
    assert [found["lower"], found["upper"]] == pytest.approx([kernel.lower, kernel.upper])
    values = np.stack([kernel.values_lower, kernel.values_upper]) * np.bincount(people.arm)[people.arm]
    se = [batch_of(people, v, np.ones(2)).run(v[None]).std_error[0] for v in values]
    assert [found["se_lower"], found["se_upper"]] == pytest.approx(se)
