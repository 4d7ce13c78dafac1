"""Power by simulation: a plan's own analysis for thousands of trials, beside the loop that a user writes with statsmodels in the same process.

The loop makes the data of a trial with numpy and fits the same regression; it is timed on a few trials and scaled. With groups it gives CR1 and a t of the residual
df, because statsmodels has no CR2 and no df that suits few groups: less than the plan asks for, whose working covariance is fitted by REML in every trial. Bounds: 100,000 trials with groups in one arm in 1 s, 10,000 of an ANCOVA with HC2 at n = 1,400 in 2 s (two effects share their
draws), 10,000 of the primary analysis of klier_2019 with CR2 at two effects in 10 s, 10,000 of a mediation question at two effects in 60 s; one process each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import trialkit as tk

KLIER = Path(__file__).parents[2] / "analyses" / "klier_2019" / "plan.toml"
HEAD = """
schema_version = 1
[trial]
title = "Speed"
population = "people in debt"
[arms]
solo = {{ control = true }}
circle = {{ grouped = {grouped} }}
[data]
unit = "id"
arm = "arm"
{group}
[design]
units = {units}
{groups}
"""
OUTCOME = """
[[outcomes]]
name = "calm"
column = "y1"
{baseline}
role = "primary"
better = "higher"
measure = "mean_difference"
estimator = "{estimator}"
assume = {{ sd = 1.0, effect = {effect}{more} }}
"""
GROUPED = HEAD.format(grouped="true", group='group = "group"', units=240, groups="groups = { size = [10, 12] }") + OUTCOME.format(
    baseline="", estimator="difference_in_means", effect=0.5, more=", icc = 0.1"
)
ANCOVA = HEAD.format(grouped="false", group="", units=1400, groups="") + OUTCOME.format(
    baseline='baseline = "y0"', estimator="ancova", effect=0.15, more=", baseline_correlation = 0.5"
)


MEDIATION = """
[[mediation]]
outcome = "calm"
mediator = {{ column = "m1" }}
seed = 1
assume = {{ a = {a}, b = 0.3 }}
"""


def timed(call: Callable[[], object]) -> float:
    """Seconds of processor time: what else runs on the machine does not count."""
    start = time.process_time()
    call()
    return time.process_time() - start


def people(rng: np.random.Generator, n: int, groups: int, icc: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arm, unit and the part of the outcome that groups share."""
    arm = np.repeat([1, 0], n // 2)
    unit = np.concatenate([np.arange(n // 2) % groups, groups + np.arange(n // 2)]) if groups else np.arange(n)
    common = np.sqrt(icc) * rng.standard_normal(groups)[unit[: n // 2]] if groups else np.zeros(n // 2)
    return arm, unit, np.concatenate([common, np.zeros(n // 2)])


def grouped_loop(replicates: int) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    for _ in range(replicates):
        arm, unit, common = people(rng, 240, 11, 0.1)
        y = 0.5 * arm + common + rng.standard_normal(240)
        _ = sm.OLS(y, sm.add_constant(arm)).fit(cov_type="cluster", cov_kwds={"groups": unit}).pvalues[1]


def ancova_loop(replicates: int) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    for _ in range(replicates):
        arm, _, _ = people(rng, 1400, 0, 0.0)
        baseline = rng.standard_normal(1400)
        y = 0.15 * arm + 0.5 * baseline + np.sqrt(0.75) * rng.standard_normal(1400)
        _ = sm.OLS(y, np.column_stack([np.ones(1400), arm, baseline])).fit(cov_type="HC2", use_t=True).pvalues[1]


def klier_loop(replicates: int) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    for _ in range(replicates):
        arm, unit, _ = people(rng, 1400, 56, 0.0)
        chance = np.full(1400, 0.30)
        chance[:700] = rng.beta(0.45 * 19, 0.55 * 19, 56)[unit[:700]]
        y = (rng.random(1400) < chance).astype(float)
        seen = rng.random(1400) < 0.85
        X = np.column_stack([np.ones(1400), arm, rng.standard_normal((1400, 8))])
        _ = sm.OLS(y[seen], X[seen]).fit(cov_type="cluster", cov_kwds={"groups": unit[seen]}, use_t=True).pvalues[1]


ROWS = {
    "100,000 with groups in one arm": (lambda: tk.Plan.from_text(GROUPED), 100_000, grouped_loop, 1.0, 50),
    "10,000 of an ANCOVA with HC2, n = 1,400": (lambda: tk.Plan.from_text(ANCOVA), 10_000, ancova_loop, 2.0, 8),
    "10,000 of klier_2019, CR2": (lambda: tk.Plan.load(KLIER), 10_000, klier_loop, 10.0, 2),
}


@pytest.mark.parametrize("name", ROWS)
def test_power_by_simulation(benchmark, capsys, name):
    made, n_draws, loop, bound, least = ROWS[name]
    plan = made()
    tk.power.simulate(plan, n_draws=500, seed=1)  # imports
    loop(3)
    seconds: list[float] = []
    found: list[tk.power.SimulatedPower] = []

    def ours() -> None:
        seconds.append(timed(lambda: found.append(tk.power.simulate(plan, n_draws=n_draws, seed=1))))

    benchmark.pedantic(ours, rounds=1, iterations=1)
    assert {r["n_draws"] for r in found[0].table} == {n_draws}
    assert not found[0].table[-1]["failures"]
    trials = len(found[0].table) * n_draws
    theirs = timed(lambda: loop(60)) * trials / 60
    with capsys.disabled():
        print(
            f"\n{name}, {len(found[0].table)} effects: {seconds[0]:.2f} s; statsmodels loop {theirs:.0f} s; ratio {theirs / seconds[0]:.0f}"
        )
    assert seconds[0] < bound
    assert theirs / seconds[0] > least


def mediation_loop(replicates: int) -> None:
    """The bootstrap of two regressions, 999 draws a trial, as a user writes it."""
    rng = np.random.default_rng(1)
    for _ in range(replicates):
        arm, _, _ = people(rng, 1400, 0, 0.0)
        baseline = rng.standard_normal(1400)
        m = 0.15 * arm + rng.standard_normal(1400)
        y = 0.3 * m + 0.5 * baseline + rng.standard_normal(1400)
        base = np.column_stack([np.ones(1400), arm, baseline])
        full = np.column_stack([base, m, arm * m])
        for _ in range(999):
            rows = rng.integers(0, 1400, 1400)
            np.linalg.lstsq(base[rows], m[rows], rcond=None)
            np.linalg.lstsq(full[rows], y[rows], rcond=None)


MEDIATIONS = {
    "10,000 mediations of 1,400 single people, bootstrap": (ANCOVA + MEDIATION.format(a=0.15), 20),
    "10,000 mediations with 11 groups in one arm, Monte Carlo": (GROUPED + MEDIATION.format(a=0.45), None),
}


@pytest.mark.parametrize("name", MEDIATIONS)
def test_power_of_a_mediation_question(capsys, name):
    """10,000 replicates in 60 s, at two effects."""
    text, least = MEDIATIONS[name]
    plan = tk.Plan.from_text(text)
    tk.power.simulate(plan, mediator="m1", n_draws=100, seed=1)  # imports
    found: list[tk.power.SimulatedPower] = []
    seconds = timed(lambda: found.append(tk.power.simulate(plan, mediator="m1", n_draws=10_000, seed=1)))
    assert {r["n_draws"] for r in found[0].table} == {10_000}
    assert not found[0].table[-1]["failures"]
    said = ""
    if least is not None:
        theirs = timed(lambda: mediation_loop(2)) * 20_000 / 2
        assert theirs / seconds > least
        said = f"; numpy loop {theirs:.0f} s; ratio {theirs / seconds:.0f}"
    with capsys.disabled():
        print(f"\n{name}, 2 effects: {seconds:.1f} s{said}")
    assert seconds < 60
