"""Effects on a share at n = 1,400 with three covariates, beside statsmodels in the same process: GLM and the delta method by hand.

Theirs takes a ready matrix and gives a model-based standard error; ours starts from the data frame and gives Ye et al.'s. The bound is 5 ms.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.inference.outcomes.glm import glm

N = 1_400


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"arm": rng.permutation(np.arange(N) % 2), **{f"x{k}": rng.normal(size=N) for k in range(3)}})
    return d.assign(job=(rng.random(N) < 1 / (1 + np.exp(0.5 - 0.4 * d["arm"] - 0.5 * d["x0"]))).astype(int))


def best(call, runs: int = 30) -> float:
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def by_hand(y: np.ndarray, X: np.ndarray) -> tuple[float, float]:
    import statsmodels.api as sm

    fit = sm.GLM(y, X, family=sm.families.Binomial()).fit()
    one, zero = X.copy(), X.copy()
    one[:, 1], zero[:, 1] = 1, 0
    p1, p0 = fit.predict(one), fit.predict(zero)
    slope = (one * (p1 * (1 - p1))[:, None]).mean(axis=0) - (zero * (p0 * (1 - p0))[:, None]).mean(axis=0)
    return float(p1.mean() - p0.mean()), float(np.sqrt(slope @ fit.cov_params() @ slope))


def test_a_risk_difference_in_five_milliseconds(benchmark, data, capsys):
    trial, adjust = tk.Trial(data, arm="arm", control=0), ["x0", "x1", "x2"]
    y, X = data["job"].to_numpy(float), np.column_stack([np.ones(N), data[["arm", *adjust]]])
    benchmark(lambda: tk.itt(trial, "job", measure="risk_difference", adjust=adjust))
    found = tk.itt(trial, "job", measure="risk_difference", adjust=adjust).estimates[0]
    reference = by_hand(y, X)
    assert found.estimate == pytest.approx(reference[0], abs=1e-8)
    ours = best(lambda: tk.itt(trial, "job", measure="risk_difference", adjust=adjust))
    theirs = best(lambda: by_hand(y, X))
    with capsys.disabled():
        print(
            f"\nrisk difference, n=1,400: {ours * 1e3:.1f} ms from the frame; statsmodels {theirs * 1e3:.1f} ms; ratio {ours / theirs:.1f}"
        )
    assert ours < 0.005


def test_many_logistic_fits_together(benchmark, data, capsys):
    """500 outcomes on one design, as a bootstrap or a simulation needs them, against as many fits."""
    import statsmodels.api as sm

    X = np.column_stack([np.ones(N), data[["arm", "x0", "x1", "x2"]]])
    Y = (np.random.default_rng(2).random((500, N)) < 0.3).astype(float)
    benchmark(lambda: glm(y=Y, X=X, family="logistic"))
    ours = best(lambda: glm(y=Y, X=X, family="logistic"), 3)
    theirs = 50 * best(lambda: [sm.GLM(y, X, family=sm.families.Binomial()).fit() for y in Y[:10]], 3)
    with capsys.disabled():
        print(f"\n500 logistic fits, n=1,400: {ours * 1e3:.0f} ms; statsmodels {theirs * 1e3:.0f} ms; ratio {ours / theirs:.2f}")
    assert ours < theirs
