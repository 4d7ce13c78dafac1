"""1,000 draws of 30 specifications at n = 1,400, beside a loop that fits every specification to every draw in the same process.

The loop is what a user writes: an assignment, least squares with robust standard errors, for every specification. It is timed on 6 draws and scaled.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.estimate.draws.assignments import Source
from trialkit.estimate.multiverse.joint import redrawn

DRAWS, TIMED = 1_000, 6
ASKED = {
    "adjust": [["y0"], ["y0", "age"], ["y0", "age", "sex"], ["y0", "m"], []],
    "estimators": ["ancova", "lin"],
    "caps": [None, 0.99, 0.95],
}


def trial(groups: bool) -> tk.Trial:
    rng = np.random.default_rng(1)
    n = 1_400
    d = pd.DataFrame(
        {
            "id": range(n),
            "y0": rng.normal(size=n),
            "age": rng.normal(40, 9, n),
            "sex": rng.integers(0, 2, n),
            "m": rng.normal(size=n),
        }
    )
    d["site"] = rng.integers(0, 4, n)
    design = tk.design.stratified(d, unit="id", strata=["site"], arms={"solo": 1, "peer": 1})
    if groups:
        design = design.with_groups(arm="peer", size=(10, 15))
    d = d.merge(design.assign(seed=2).reset_index(drop=True), on="id")
    d["y1"] = d["y0"] / 2 + rng.normal(size=n)
    return tk.Trial(d, arm="arm", control="solo", unit="id", strata=["site"], group="group" if groups else None, design=design)


@pytest.mark.parametrize("groups", [False, True])
def test_thirty_specifications(groups):
    t = trial(groups)
    start = time.process_time()
    found = tk.specification_curve(t, "y1", n_draws=DRAWS, seed=1, **ASKED)
    took = time.process_time() - start
    assert len(found.details["in_joint"]) == 30
    drawn = Source.of(t, TIMED, 1).all_arms()
    start = time.process_time()
    for b in range(TIMED):
        tk.specification_curve(redrawn(t, drawn, b + 1), "y1", n_draws=0, **ASKED)
    loop = (time.process_time() - start) / TIMED * DRAWS
    print(f"{'groups' if groups else 'people'}: {took:.1f} s, a loop {loop:.0f} s, ratio {loop / took:.0f}")
    assert loop > 20 * took
