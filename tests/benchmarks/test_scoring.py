"""Scoring at register size."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from trialkit.measurement import score


def test_a_hundred_thousand_people_within_a_second(benchmark):
    draw = np.random.default_rng(1)
    answers = draw.integers(0, 4, size=(100_000, 20)).astype(float)
    data = pd.DataFrame(answers, columns=[f"i{k}" for k in range(1, 21)]).mask(draw.random((100_000, 20)) < 0.03)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = score(data, "ces_d", items="i{item}")
        times.append(time.perf_counter() - start)
    benchmark(score, data, "ces_d", items="i{item}")
    assert min(times) < 1.0
    assert result.n_scored > 99_000
