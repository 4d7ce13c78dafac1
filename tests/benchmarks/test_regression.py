"""Robust regression at register size, beside statsmodels in the same process.

estimatr took 0.31 s (HC2) and 0.61 s (CR2 with df, 2,000 clusters) for 100,000 rows x 4 columns on a machine of this kind; the
bound here is a third of that. `make benchmark` prints the ratios.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import satterthwaite

N, CLUSTERS = 100_000, 2_000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(N), rng.normal(size=(N, 3))])
    return rng.normal(size=N), X, rng.integers(0, CLUSTERS, N)


def hc2(y, X):
    fit = least_squares(y=y, X=X)
    return np.sqrt(np.diag(covariance(fit, "HC2").matrix))


def cr2(y, X, labels):
    fit = least_squares(y=y, X=X)
    cov = covariance(fit, "CR2", Clusters.from_labels(labels))
    return np.sqrt(np.diag(cov.matrix)), satterthwaite(fit, cov, np.array([0, 1.0, 0, 0])).df


def best(call, *arguments, runs: int = 5) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def test_hc2_in_a_third_of_estimatr(benchmark, data, capsys):
    import statsmodels.api as sm

    y, X, _ = data
    benchmark(hc2, y, X)
    ours, theirs = best(hc2, y, X), best(lambda: sm.OLS(y, X).fit(cov_type="HC2").bse)
    with capsys.disabled():
        print(
            f"\nHC2, n=1e5: {ours * 1e3:.0f} ms; statsmodels {theirs * 1e3:.0f} ms; ratio {ours / theirs:.2f}; share of estimatr {ours / 0.31:.2f}"
        )
    assert ours < 0.31 / 3


def test_cr2_with_df_in_a_third_of_estimatr(benchmark, data, capsys):
    import statsmodels.api as sm

    y, X, labels = data
    benchmark(cr2, y, X, labels)
    ours = best(cr2, y, X, labels)
    theirs = best(lambda: sm.OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": labels}).bse)
    with capsys.disabled():
        print(
            f"\nCR2 with df, n=1e5, 2,000 clusters: {ours * 1e3:.0f} ms; statsmodels CR1 without df {theirs * 1e3:.0f} ms; "
            f"ratio {ours / theirs:.2f}; share of estimatr {ours / 0.61:.2f}"
        )
    assert ours < 0.61 / 3
