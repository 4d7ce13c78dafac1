"""Size of the default test with groups in one arm: ANCOVA, CR2, working df, unequal groups.

The regression is equivariant (adding a constant effect to the treated shifts the estimate and nothing else), so one minus the
size is the coverage at any constant effect. Bands: 4-6 % at 10 groups or more, at most 6.5 % at 6.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.tables import DESIGNS, REPLICATES, grid, mc_error, over_designs, p_values, size_inside

CELLS = [(k, icc, ratio) for k in (6, 10, 20, 40) for icc in (0.0, 0.05, 0.2, 0.3) for ratio in (1.0, 2.0)]


def one_design(groups: int, icc: float, ratio: float, design: int) -> tuple[int, int, float]:
    """Rejections, REML failures and the mean df over the replicates of one set of group sizes (mean 12, CV .5)."""
    rng = np.random.default_rng([groups, int(icc * 100), int(ratio * 10), design])
    sizes = np.maximum(2, np.round(rng.gamma(4, 3, groups))).astype(int)
    group = np.repeat(np.arange(groups), sizes)
    treated, controls = len(group), 12 * groups
    arm = np.r_[np.ones(treated, int), np.zeros(controls, int)]
    baseline = rng.normal(size=treated + controls)
    effects = rng.normal(size=(REPLICATES, groups)) * np.sqrt(icc)
    y = 0.5 * baseline + rng.normal(size=(REPLICATES, treated + controls)) * np.sqrt(np.where(arm == 1, ratio * (1 - icc), 1.0))
    y[:, :treated] += effects[:, group]
    labels = pd.Series([f"g{g}" for g in group] + [None] * controls, dtype="object")
    data = pd.DataFrame({"arm": arm, "group": labels, "y0": baseline, "y": y[0]})
    analysis = tk.itt(tk.Trial(data, arm="arm", control=0, group="group"), "y", adjust=["y0"]).evidence
    found = Batch(analysis.model, analysis.vectors[0]).run(y)
    rejected = p_values(found.estimate, found.std_error, found.df) < 0.05
    return int(rejected.sum()), found.failures, float(found.df.mean())


def cell(groups: int, icc: float, ratio: float) -> list[dict]:
    parts, total = over_designs(one_design, groups, icc, ratio), DESIGNS * REPLICATES
    size = sum(p[0] for p in parts) / total
    row = {
        "groups": groups, "icc": icc, "variance_ratio": ratio, "controls": 12 * groups, "replicates": total, "size": size,
        "mc_error": mc_error(size, total), "coverage": 1 - size, "mean_df": round(float(np.mean([p[2] for p in parts])), 2),
        "reml_failures": sum(p[1] for p in parts), "inside_band": size_inside(size, groups),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
def test_size_with_groups_in_one_arm():
    table = grid("itt_groups", ("groups", "icc", "variance_ratio"), CELLS, cell)
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band:\n{outside.to_string(index=False)}"


def test_a_thin_version_of_the_size():
    """2,000 replicates at 10 groups: within five Monte Carlo errors of the nominal level."""
    parts = [one_design(10, 0.05, 1.0, d) for d in range(4)]
    size = sum(p[0] for p in parts) / (4 * REPLICATES)
    assert abs(size - 0.05) < 5 * np.sqrt(0.05 * 0.95 / (4 * REPLICATES))
    assert sum(p[1] for p in parts) == 0
