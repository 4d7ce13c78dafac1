"""Randomization tests by 5,000 draws of the design, beside a loop of regressions in the same process.

The loop is what a user writes with statsmodels: an assignment, OLS, the coefficient (or the t with errors clustered by the draw's groups). It
is timed on 40 draws and scaled; it makes no interval, which the times here include. The time for drawing assignments, which is the same for
both, is printed and left out of the ratio.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk

DRAWS = 5_000


def seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def stratified() -> tuple[tk.Trial, np.ndarray]:
    rng = np.random.default_rng(1)
    d = pd.DataFrame(
        {"id": np.arange(1_000), "site": np.arange(1_000) % 8, "x": rng.normal(size=1_000), "y": rng.normal(size=1_000)}
    )
    design = tk.design.stratified(d, unit="id", strata=["site"], arms={"solo": 1, "peer": 1})
    d["arm"] = design.assign(seed=3).set_index("id").loc[d["id"], "arm"].to_numpy()
    return tk.Trial(d, arm="arm", control="solo", unit="id", strata=["site"], design=design), d["y"].to_numpy()


def grouped() -> tuple[tk.Trial, np.ndarray]:
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"id": np.arange(480), "x": rng.normal(size=480), "y": rng.normal(size=480)})
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=(12, 12))
    drawn = design.assign(seed=3).set_index("id").loc[d["id"]]
    d["arm"], d["group"] = drawn["arm"].to_numpy(), drawn["group"].astype("object").to_numpy()
    return tk.Trial(d, arm="arm", control="solo", unit="id", group="group", design=design), d["y"].to_numpy()


def loop(trial: tk.Trial, y: np.ndarray, draws: int) -> float:
    """Seconds for `draws` refits with the covariate, and strata or clustered errors."""
    import statsmodels.api as sm

    drawn = trial.design.draw_many(draws, seed=9)
    fixed = [np.ones(trial.n), trial.data["x"].to_numpy()]
    if trial.strata:
        fixed += list((trial.data["site"].to_numpy()[:, None] == np.arange(1, 8)).T.astype(float))
    start = time.process_time()
    for b in range(draws):
        model = sm.OLS(y, np.column_stack([drawn.arms[b] == 1, *fixed]))
        if drawn.groups is None:
            _ = model.fit().params[0]
        else:
            units = np.where(drawn.groups[b] >= 0, drawn.groups[b], 1000 + np.arange(trial.n))
            _ = model.fit(cov_type="cluster", cov_kwds={"groups": units}).tvalues[0]
    return time.process_time() - start


@pytest.mark.parametrize("make", [stratified, grouped])
def test_5000_draws_of_the_design(benchmark, capsys, make):
    trial, y = make()

    def ours():
        return tk.randomization_test(trial, "y", adjust=["x"], n_draws=DRAWS, seed=1)

    found = benchmark.pedantic(ours, rounds=1)
    assert 1 / (DRAWS + 1) <= found.p_value <= 1
    mine, refits = seconds(ours), loop(trial, y, 40) * DRAWS / 40
    drawing = seconds(lambda: trial.design.draw_many(DRAWS, seed=1))
    with capsys.disabled():
        print(
            f"\nRandomization test, {make.__name__}, {DRAWS:,} draws with interval: {mine - drawing:.2f} s, and {drawing:.2f} s for drawing; "
            f"statsmodels loop {refits:.1f} s; ratio {(mine - drawing) / refits:.3f}"
        )
    assert mine - drawing < refits / 4
