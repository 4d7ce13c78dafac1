"""Romano-Wolf over ten outcomes and 5,000 draws, beside refitting every outcome on every draw in the same process.

The loop is timed on 20 draws and scaled. With a design the draws are its assignments; with groups in one arm they are signs on scores.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk

DRAWS, OUTCOMES = 5_000, 10


def seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def trial(groups: bool) -> tk.Trial:
    rng = np.random.default_rng(4)
    n = 960
    d = pd.DataFrame(rng.normal(size=(n, OUTCOMES)), columns=[f"y{m}" for m in range(OUTCOMES)]).assign(
        id=np.arange(n), x=rng.normal(size=n)
    )
    if groups:
        d["arm"] = np.repeat(["peer", "solo"], n // 2)
        d["group"] = pd.Series([f"g{i // 12}" for i in range(n // 2)] + [None] * (n // 2), dtype="object")
        return tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1})
    d["arm"] = design.assign(seed=2).set_index("id").loc[d["id"], "arm"].to_numpy()
    return tk.Trial(d, arm="arm", control="solo", unit="id", design=design)


def loop(t: tk.Trial, draws: int) -> float:
    """Seconds to refit every outcome on `draws` shuffles with robust t statistics."""
    import statsmodels.api as sm

    rng, fixed = np.random.default_rng(1), np.column_stack([np.ones(t.n), t.data["x"]])
    outcomes = t.data[[f"y{m}" for m in range(OUTCOMES)]].to_numpy()
    start = time.process_time()
    for _ in range(draws):
        X = np.column_stack([rng.permutation(t.arm_codes), fixed])
        _ = [sm.OLS(outcomes[:, m], X).fit(cov_type="HC2").tvalues[0] for m in range(OUTCOMES)]
    return time.process_time() - start


@pytest.mark.parametrize("groups", [False, True], ids=["design", "groups"])
def test_romano_wolf_over_5000_draws(benchmark, capsys, groups):
    t = trial(groups)
    results = [tk.itt(t, f"y{m}", adjust=["x"]) for m in range(OUTCOMES)]

    def ours():
        return tk.family(results, correction="romano_wolf", n_draws=DRAWS, seed=1)

    assert len(benchmark.pedantic(ours, rounds=1).estimates) == OUTCOMES
    mine, refits = seconds(ours), loop(t, 20) * DRAWS / 20
    with capsys.disabled():
        print(
            f"\nRomano-Wolf, {OUTCOMES} outcomes, {DRAWS:,} draws ({'signs on scores' if groups else 'assignments'}): {mine:.2f} s; statsmodels loop "
            f"{refits:.0f} s; ratio {mine / refits:.4f}"
        )
    assert mine < refits / 4
