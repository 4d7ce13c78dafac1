"""Bootstraps of reliability over whole groups, and the one-factor model against one fit at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.inference.factor.one_factor import one_factor
from trialkit.inference.reliability.item_moments import item_sums


def trial(n: int = 1400) -> tuple[pd.DataFrame, np.ndarray]:
    """Ten items of 1,400 people, half of them in 70 groups."""
    rng = np.random.default_rng(1)
    group = np.where(np.arange(n) < n // 2, np.arange(n) % 70, np.nan)
    x = np.clip(np.round(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, 10))), 1, 5)
    return pd.DataFrame(x, columns=[f"i{j}" for j in range(1, 11)]), group


def test_omega_with_a_thousand_draws_within_five_seconds(benchmark):
    data, group = trial()
    start = time.perf_counter()
    found = tk.measurement.reliability(data, cluster=group, n_draws=1000, seed=1)
    assert time.perf_counter() - start < 5
    assert found.omega_low < found.omega < found.omega_high
    benchmark(tk.measurement.reliability, data, cluster=group, n_draws=1000, seed=1)


def test_ordinal_numbers_with_a_thousand_draws_within_ten_seconds():
    data, group = trial()
    start = time.perf_counter()
    found = tk.measurement.reliability(data, cluster=group, n_draws=1000, seed=1, ordinal=True)
    assert time.perf_counter() - start < 10
    assert found.ordinal_alpha_low < found.ordinal_alpha < found.ordinal_alpha_high


def best_of_three(action: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def test_a_batch_of_fits_is_three_times_as_fast_as_one_by_one():
    data, group = trial()
    unit = np.where(np.isnan(group), np.arange(len(group)) + 100, group).astype(int)
    covariances = item_sums(data.to_numpy(), np.unique(unit, return_inverse=True)[1]).without_each()[:200]
    together = one_factor(covariances).omega
    apart = [one_factor(s[None]).omega[0] for s in covariances]
    assert np.abs(together - apart).max() < 1e-6
    ratio = best_of_three(lambda: [one_factor(s[None]) for s in covariances]) / best_of_three(lambda: one_factor(covariances))
    assert ratio > 3
