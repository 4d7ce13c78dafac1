"""Closed-form power: a curve of exact grouped power, a thousand inversions, assurance; beside statsmodels.stats.power in the same process where it has the function.

Statsmodels gives a number; ours gives a result with notes, the whole-number design, type S and type M. Simulation has a benchmark of its own.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

import trialkit as tk

EFFECTS = np.linspace(0.1, 1.0, 1_000)


def best(call, runs: int = 3) -> float:
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def told(capsys, what: str, ours: float, theirs: float | None = None) -> None:
    beside = "" if theirs is None else f"; statsmodels {theirs * 1e3:.0f} ms; ratio {ours / theirs:.2f}"
    with capsys.disabled():
        print(f"\n{what}: {ours * 1e3:.0f} ms{beside}")


def grouped_curve() -> tk.power.PowerCurve:
    return tk.power.curve(tk.power.grouped, effect=[0.2, 0.3, 0.4], groups=range(6, 31), group_size=12, controls=144, icc=0.05)


def test_a_curve_of_exact_grouped_power(benchmark, capsys):
    """75 designs, each an integral over the ratio of two estimated variances; statsmodels has no groups."""
    benchmark(grouped_curve)
    assert len(grouped_curve().tidy()) == 75
    ours = best(grouped_curve)
    told(capsys, "3 x 25 exact grouped curve", ours)
    assert ours < 1.0


def test_a_thousand_sizes(benchmark, capsys):
    """People per arm of a t test, inverted from the power."""
    from statsmodels.stats.power import TTestIndPower

    solver = TTestIndPower()

    def mine() -> list[float]:
        return [tk.power.individual(effect=e, power=0.8).n_per_arm for e in EFFECTS]

    def statsmodels() -> list[float]:
        return [float(solver.solve_power(effect_size=e, power=0.8, alpha=0.05)) for e in EFFECTS]

    benchmark.pedantic(mine, rounds=2)
    assert mine() == pytest.approx(statsmodels(), rel=1e-5)
    ours, theirs = best(mine, 2), best(statsmodels, 2)
    told(capsys, "1,000 sizes of a t test", ours, theirs)
    assert ours < 2.0 * theirs


def test_a_thousand_powers(benchmark, capsys):
    from statsmodels.stats.power import TTestIndPower

    solver = TTestIndPower()

    def mine() -> list[float]:
        return [tk.power.individual(effect=e, n_per_arm=64).power for e in EFFECTS]

    def statsmodels() -> list[float]:
        return [float(solver.power(e, 64, 0.05)) for e in EFFECTS]

    benchmark.pedantic(mine, rounds=2)
    assert mine() == pytest.approx(statsmodels(), abs=1e-9)
    told(capsys, "1,000 powers of a t test", best(mine, 2), best(statsmodels, 2))


def test_a_thousand_detectable_effects_of_groups(benchmark, capsys):
    """The smallest effect that 6 to 40 groups detect, exactly; statsmodels has no groups."""

    def mine() -> list[float]:
        return [
            tk.power.grouped(power=0.8, groups=k, group_size=12, controls=144, icc=icc).effect
            for k in range(6, 41)
            for icc in (0.02, 0.05, 0.1)
        ]

    benchmark.pedantic(mine, rounds=2)
    ours = best(mine, 2)
    told(capsys, f"{len(mine())} exact detectable effects of groups", ours)
    assert ours < 4.0


def test_assurance(benchmark, capsys):
    """Power averaged over 256 points of a prior, beside 256 plain powers of statsmodels without corners, quantiles or sentences."""
    from statsmodels.stats.power import TTestIndPower

    solver = TTestIndPower()
    effects = np.random.default_rng(1).normal(0.5, 0.1, 256)

    def mine() -> tk.power.Assurance:
        return tk.power.assurance(tk.power.individual, priors={"effect": ("normal", 0.5, 0.1)}, n_per_arm=64)

    def statsmodels() -> float:
        return float(np.mean([solver.power(e, 64, 0.05) for e in effects]))

    benchmark(mine)
    assert mine().assurance == pytest.approx(statsmodels(), abs=0.02)
    told(capsys, "assurance over 256 points", best(mine), best(statsmodels))


def test_assurance_of_groups(benchmark, capsys):
    def mine() -> tk.power.Assurance:
        return tk.power.assurance(
            tk.power.grouped,
            priors={"icc": ("uniform", 0.0, 0.15), "effect": ("normal", 0.4, 0.05)},
            groups=12,
            group_size=10,
            controls=120,
        )

    benchmark(mine)
    ours = best(mine)
    told(capsys, "assurance of exact grouped power over 256 points", ours)
    assert ours < 4.0
