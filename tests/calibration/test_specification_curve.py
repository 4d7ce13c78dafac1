"""Size of the joint test of a specification curve: groups of ten in one arm, formed by the design, and as many people alone.

Twelve specifications (three sets of covariates, ANCOVA and Lin's estimator, as measured and winsorized at 95 %), 199 draws. Nothing has an effect on average; at ICC 0 the
sharp null holds, otherwise the groups differ and it is false although the average effect is zero.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed

import trialkit as tk
from tests.calibration.tables import JOBS, grid, mc_error, size_inside

TRIALS = int(os.environ.get("TRIALKIT_CALIBRATION_CURVES", 4000))
SIZE, DRAWS = 10, 199
ASKED = {"adjust": [["y0"], ["y0", "age"], []], "estimators": ["ancova", "lin"], "caps": [None, 0.95], "n_draws": DRAWS}
TESTED = ("median_t", "mean_abs_t", "share_significant")
GROUPS, ICCS = (6, 10, 20), (0.0, 0.1)


def trial(groups: int, icc: float, rng: np.random.Generator) -> tk.Trial:
    n = 2 * SIZE * groups
    d = pd.DataFrame({"id": range(n), "y0": rng.normal(size=n), "age": rng.normal(size=n)})
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1}).with_groups(arm="peer", size=(SIZE, SIZE), restarts=1)
    d = d.merge(design.assign(seed=int(rng.integers(2**40))), on="id")
    effects = {g: rng.normal() * np.sqrt(icc) for g in sorted(d["group"].dropna().unique())}
    own = rng.normal(size=n) * np.where(d["group"].notna(), np.sqrt(1 - icc), 1.0)
    d["y"] = 0.5 * d["y0"] + 0.2 * d["age"] + d["group"].map(effects).fillna(0.0).astype(float) + own
    return tk.Trial(d, arm="arm", control="solo", unit="id", group="group", design=design)


def one(groups: int, icc: float, replicate: int) -> list[float]:
    """p-values of the joint statistics, and of the registered specification by its own t test."""
    rng = np.random.default_rng([31, groups, int(100 * icc), replicate])
    found = tk.specification_curve(trial(groups, icc, rng), "y", seed=replicate, **ASKED)
    joint = found.joint.set_index("statistic")["p_value"]
    return [*(float(joint[s]) for s in TESTED), float(found.tidy()["p_value"].iloc[0])]


def cell(groups: int, icc: float, replicates: int) -> list[dict[str, object]]:
    """A row a statistic."""
    p = np.array(Parallel(n_jobs=JOBS)(delayed(one)(groups, icc, r) for r in range(replicates)))
    rows = []
    for k, statistic in enumerate((*TESTED, "registered specification, its own test")):
        size = float((p[:, k] <= 0.05).mean())
        rows.append(
            {
                "groups": groups, "icc": icc, "statistic": statistic, "draws": DRAWS, "replicates": replicates, "size": size,
                "mc_error": mc_error(size, replicates), "inside_band": size_inside(size, groups),
            }
        )  # fmt: skip
    return rows


@pytest.mark.calibration
@pytest.mark.slow
def test_size_of_the_joint_test():
    cells = {(k, icc): (k, icc, TRIALS) for k in GROUPS for icc in ICCS}
    table = grid("specification_curve", ("groups", "icc"), cells, cell, replicates=TRIALS)
    exact = table[(table["icc"] == 0) & table["statistic"].isin(TESTED[:2])]
    assert ((exact["size"] - 0.05).abs() < 4 * np.sqrt(0.05 * 0.95 / TRIALS)).all()


def test_a_thin_version_of_the_size():
    """60 trials of 6 groups: far from rejecting everything, and the curve has all its specifications."""
    rng = np.random.default_rng(4)
    found = tk.specification_curve(trial(6, 0.1, rng), "y", seed=1, **ASKED)
    assert found.summary["specifications"] == len(found.details["in_joint"]) == 12
    assert cell(6, 0.0, 60)[0]["size"] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 60)
