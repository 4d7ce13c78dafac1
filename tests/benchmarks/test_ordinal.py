"""Ordinal and quantile effects beside what a user would run instead, in one process."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.inference.draws.group_bootstrap import bootstrap_weights, resampling_cells
from trialkit.inference.outcomes.proportional_odds import cumulative_logit
from trialkit.inference.outcomes.quantile_regression import quantile_regression
from trialkit.inference.outcomes.quantiles import sample_quantile
from trialkit.inference.outcomes.win_odds import win_probability


def best(call, *arguments, runs: int = 5, **keywords) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call(*arguments, **keywords)
        times.append(time.perf_counter() - start)
    return min(times)


def people(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    treated = np.arange(n) < n // 2
    x = rng.normal(size=n)
    return x + rng.normal(size=n) + 0.3 * treated, treated, x


def by_pairs(y: np.ndarray, treated: np.ndarray) -> tuple[float, float]:
    gap = y[treated][:, None] - y[~treated][None, :]
    wins = (gap > 0) + 0.5 * (gap == 0)
    p = wins.mean()
    return p, float(np.sqrt(wins.mean(axis=1).var(ddof=1) / treated.sum() + wins.mean(axis=0).var(ddof=1) / (~treated).sum()))


def test_win_probability(benchmark, capsys):
    y, treated, _ = people(1400)
    benchmark(win_probability, y=y, treated=treated)
    ours, pairs = best(win_probability, y=y, treated=treated), best(by_pairs, y, treated)
    large, arm, _ = people(100_000)
    big = best(win_probability, y=large, treated=arm)
    with capsys.disabled():
        print(
            f"\nwin probability: n=1,400 {ours * 1e3:.2f} ms, all pairs {pairs * 1e3:.0f} ms, ratio {ours / pairs:.3f}; n=1e5 {big * 1e3:.0f} ms"
        )
    assert ours < 0.002 and big < 0.2


def test_win_odds_from_end_to_end(benchmark, capsys):
    y, treated, _ = people(1400)
    d = pd.DataFrame({"arm": np.where(treated, "peer", "solo"), "y": y})
    d["group"] = pd.Series([f"g{i // 12}" if t else None for i, t in enumerate(treated)], dtype="object")
    trial = tk.Trial(d, arm="arm", control="solo", group="group")
    benchmark(tk.itt, trial, "y", measure="win_odds")
    with capsys.disabled():
        print(f"\nitt(measure='win_odds'), 1,400 people, 58 groups: {best(tk.itt, trial, 'y', measure='win_odds') * 1e3:.0f} ms")


def test_proportional_odds(benchmark, capsys):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    y, treated, x = people(1400)
    category, X = np.digitize(y, [-1, 0, 1]), np.column_stack([treated, x]).astype(float)
    benchmark(cumulative_logit, category=category, X=X)
    ours = best(cumulative_logit, category=category, X=X)
    theirs = best(lambda: OrderedModel(category, X, distr="logit").fit(method="bfgs", disp=0), runs=2)
    with capsys.disabled():
        print(f"\nproportional odds, n=1,400: {ours * 1e3:.1f} ms; statsmodels {theirs * 1e3:.0f} ms; ratio {ours / theirs:.3f}")
    assert ours < theirs / 5


def test_bootstrap_of_a_median(benchmark, capsys):
    y, treated, _ = people(1400)
    unit = np.where(treated, np.arange(1400) // 12, np.arange(1400))
    arm = treated.astype(np.int64)
    frames = [y[treated], y[~treated]]
    groups = [y[unit == u] for u in np.unique(unit[treated])]

    def ours() -> float:
        code, cell = resampling_cells(arm=arm, stratum=None, unit=unit)
        weights = np.concatenate(list(bootstrap_weights(cell=cell, n_draws=2000, seed=1, people=1400)))[:, code]
        ends = []
        for inside in (~treated, treated):
            order = np.argsort(y[inside])
            ends.append(sample_quantile(y=y[inside][order], weights=np.ones(700), q=0.5, copies=weights[:, inside][:, order]))
        return float((ends[1] - ends[0]).std(ddof=1))

    def loop() -> float:
        rng = np.random.default_rng(1)
        found = []
        for _ in range(2000):
            picked = np.concatenate([groups[g] for g in rng.integers(0, len(groups), len(groups))])
            found.append(np.median(picked) - np.median(rng.choice(frames[1], 700)))
        return float(np.std(found))

    benchmark(ours)
    a, b = best(ours, runs=3), best(loop, runs=2)
    with capsys.disabled():
        print(f"\n2,000 group resamples of a median, n=1,400: {a * 1e3:.0f} ms; a loop {b * 1e3:.0f} ms; ratio {a / b:.2f}")


def test_quantile_regression(benchmark, capsys):
    import statsmodels.api as sm

    y, treated, x = people(1400)
    X = np.column_stack([np.ones(1400), treated, x])
    benchmark(quantile_regression, y=y, X=X, q=0.5)
    ours = best(quantile_regression, y=y, X=X, q=0.5)
    theirs = best(lambda: sm.QuantReg(y, X).fit(0.5), runs=3)
    with capsys.disabled():
        print(
            f"\nquantile regression, n=1,400: {ours * 1e3:.0f} ms (exact); statsmodels (iterated weights) {theirs * 1e3:.0f} ms; ratio {ours / theirs:.2f}"
        )
