"""Cox regression at trial size (n = 1,400, three covariates) beside statsmodels' PHReg, and restricted means of many replicates beside a loop.

The bound for the Cox fit with its standard errors is 5 ms; the whole of `tk.itt` adds leverage-corrected variances, curves with intervals, the log-rank
test and the check of proportional hazards.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.inference.survival.cox import cox
from trialkit.inference.survival.restricted import restricted

N = 1_400


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.integers(0, 2, N), rng.normal(size=(N, 2))]).astype(float)
    exact, end = rng.exponential(np.exp(-0.3 * X[:, 0])), rng.uniform(0.3, 2.5, N)
    return np.ceil(np.minimum(exact, end) * 52), exact <= end, X


def best(call, runs: int = 15) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def test_cox_in_5_ms(benchmark, people, capsys):
    from statsmodels.duration.hazard_regression import PHReg

    weeks, event, X = people

    def ours():
        return np.sqrt(np.diag(cox(time=weeks, event=event, X=X).covariance))

    def theirs():
        return PHReg(weeks, X, status=event, ties="efron").fit().bse

    np.testing.assert_allclose(benchmark(ours), theirs(), rtol=1e-8)
    mine, other = best(ours), best(theirs, 5)
    with capsys.disabled():
        print(
            f"\nCox, n=1,400, 3 covariates, weekly ties: {mine * 1e3:.1f} ms; PHReg {other * 1e3:.1f} ms; ratio {mine / other:.3f}"
        )
    assert mine < 0.005


def test_whole_analysis(benchmark, people, capsys):
    weeks, event, X = people
    d = pd.DataFrame({"weeks": weeks, "event": event.astype(int), "arm": X[:, 0].astype(int), "x1": X[:, 1], "x2": X[:, 2]})
    trial, outcome = tk.Trial(d, arm="arm", control=0), tk.Time("weeks", "event")

    def ours():
        return tk.itt(trial, outcome, measure="hazard_ratio", adjust=["x1", "x2"])

    benchmark(ours)
    with capsys.disabled():
        print(f"\ntk.itt, hazard ratio with curves and checks, n=1,400: {best(ours) * 1e3:.1f} ms")
    assert best(ours) < 0.1


def test_restricted_means_of_many_replicates(benchmark, capsys):
    rng = np.random.default_rng(2)
    exact, end = rng.exponential(1.0, (1_000, 300)), rng.uniform(0.5, 3, (1_000, 300))
    times, event = np.minimum(exact, end), exact <= end

    def batch():
        return restricted(time=times, event=event, tau=1.5).variance

    def loop():
        return [float(restricted(time=t, event=e, tau=1.5).variance) for t, e in zip(times, event)]

    np.testing.assert_allclose(benchmark(batch), loop(), rtol=1e-9)
    mine, other = best(batch, 5), best(loop, 2)
    with capsys.disabled():
        print(
            f"\nRestricted mean, 1,000 replicates of 300: {mine * 1e3:.0f} ms; one at a time {other * 1e3:.0f} ms; ratio {mine / other:.2f}"
        )
    assert mine < other
