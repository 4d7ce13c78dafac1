"""The mixed model at n = 1,400 with 60 groups in one arm: one fit with Satterthwaite's df, and 1,000 side by side; statsmodels beside it.

statsmodels' MixedLM fits one residual variance, gives no df, and tests with z; it stands here for time only.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.inference.mixed.grouped import grouped_mixed, grouped_mixed_designs
from trialkit.inference.mixed.satterthwaite import satterthwaite_contrasts

N, GROUPS, REPLICATES = 1400, 60, 1000
ARM = np.array([[0, 1.0, 0]])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    member = np.repeat(np.arange(GROUPS), rng.integers(4, 21, GROUPS))
    group = np.r_[member, -np.ones(N - len(member), int)]
    part = (group >= 0).astype(int)
    x = rng.normal(size=N)
    y = 0.5 * x + rng.normal(size=(REPLICATES, N)) + np.where(part == 1, 0.3 * rng.normal(size=(REPLICATES, GROUPS))[:, group], 0)
    return {"y": y, "X": np.column_stack([np.ones(N), part, x]), "part": part, "group": group}


def one(data, y):
    return satterthwaite_contrasts(grouped_mixed(**(data | {"y": y}), second=False), ARM)


def best(call, *arguments, runs: int = 5) -> float:
    """CPU time, so that neighbours on the machine do not count."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        call(*arguments)
        times.append(time.process_time() - start)
    return min(times)


def test_one_fit(benchmark, data, capsys):
    from statsmodels.regression.mixed_linear_model import MixedLM

    y = data["y"][0]
    benchmark(one, data, y)
    labels = np.where(data["group"] >= 0, data["group"], GROUPS + np.arange(N))
    frame = pd.DataFrame(
        {"arm": data["part"], "group": [f"g{g}" if g >= 0 else None for g in data["group"]], "x": data["X"][:, 2], "y": y}
    )
    trial = tk.Trial(frame, arm="arm", control=0, group="group")

    def theirs():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return MixedLM(y, data["X"], groups=labels, exog_re=data["X"][:, [1]]).fit().bse

    kernel, through, other = (
        best(one, data, y, runs=20),
        best(lambda: tk.itt(trial, "y", adjust=["x"], estimator="mixed")),
        best(theirs, runs=2),
    )
    with capsys.disabled():
        print(
            f"\nmixed, n=1,400, 60 groups: kernel {kernel * 1e3:.1f} ms, tk.itt {through * 1e3:.0f} ms; statsmodels MixedLM without df "
            f"{other * 1e3:.0f} ms; ratio {kernel / other:.4f}"
        )
    assert kernel < 0.006  # 3 ms on an idle machine
    assert kernel < other / 10


def test_a_thousand_fits(benchmark, data, capsys):
    benchmark.pedantic(one, args=(data, data["y"]), rounds=2)
    shared = best(one, data, data["y"], runs=2)
    repeated = {k: np.broadcast_to(data[k], (REPLICATES, *data[k].shape)) for k in ("X", "part", "group")}
    apart = best(lambda: satterthwaite_contrasts(grouped_mixed_designs(y=data["y"], **repeated, second=False), ARM), runs=2)
    with capsys.disabled():
        print(f"\n1,000 mixed fits: {shared:.2f} s with one design, {apart:.2f} s with a design each")
    assert shared < 1.0
