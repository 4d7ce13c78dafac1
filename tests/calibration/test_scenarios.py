"""Bias and coverage of the planned estimates of each scenario over simulated trials with the seeds 1, 2, ..., so that no seed was picked.

The table goes to docs/calibration/scenarios.csv. Estimates and intervals that ignore the groups are shown beside those of the plan.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed

import trialkit as tk
from tests.calibration.tables import JOBS, grid
from trialkit.io import apply_missing_codes
from trialkit.measurement import score
from trialkit.plan.reading.load import parse_plan
from trialkit.simulate.own_scales import find_scale
from trialkit.simulate.spec import load_scenario, plan_of, scenario_keys

pytestmark = [pytest.mark.calibration, pytest.mark.slow]

SEEDS = range(1, int(os.environ.get("TRIALKIT_CALIBRATION_SCENARIOS", 500)) + 1)
# Scenarios with more than two arms, or whose effect is no difference of means, show their own coverage in analyses/<key>/README.md.
KEYS = [k for k in scenario_keys() if plan_of(k) and len(load_scenario(k).arms) == 2]
METRICS = {"mean_difference": "difference", "risk_difference": "difference", "mean_ratio": "mean_ratio"}


def one_trial(key: str, seed: int) -> list[dict[str, object]]:
    """Every planned estimate of one simulated trial, with the groups and without them."""
    warnings.simplefilter("ignore")
    simulated = tk.simulate.scenario(key, seed=seed)
    plan = parse_plan(simulated.plan_text)
    data = apply_missing_codes(simulated.data, dict(plan.data.missing_codes))
    for column, (name, wave) in plan.score_columns().items():
        use = plan.scale(name)
        data[column] = score(data, find_scale(use.scale), use.items.replace("{wave}", str(wave))).values
    roles = {"arm": plan.data.arm, "control": plan.control, "unit": plan.data.unit, "strata": list(plan.data.strata)}
    trials = {"plan": tk.Trial(data, **roles, group=plan.data.group, cluster=plan.data.cluster), "naive": tk.Trial(data, **roles)}
    rows = []
    for outcome in plan.outcomes:
        if outcome.measure not in METRICS:
            continue
        for analysis, trial in trials.items():
            result = tk.itt(trial, **plan.asked_of_itt(outcome))
            rows.append(row(simulated, outcome.name, METRICS[outcome.measure], analysis, result))
            if outcome.measure == "mean_difference":
                size = result.standardized("hedges_g", standardizer="control")
                rows.append(row(simulated, outcome.name, "standardized", analysis, size))
    return rows


def row(simulated: tk.simulate.Simulated, outcome: str, metric: str, analysis: str, result: tk.Result) -> dict[str, object]:
    truth, e = simulated.value(outcome, metric), result.estimates[0]
    return {
        "outcome": outcome,
        "metric": metric,
        "analysis": analysis,
        "truth": truth,
        "estimate": e.estimate,
        "std_error": e.std_error,
        "covers": e.conf_low <= truth <= e.conf_high,
    }


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return grid("scenarios", ("scenario",), [(k,) for k in KEYS], cell, replicates=len(SEEDS))


def cell(scenario: str) -> list[dict[str, object]]:
    """A row an outcome and metric."""
    found = Parallel(n_jobs=JOBS)(delayed(one_trial)(scenario, seed) for seed in SEEDS)
    rows = pd.DataFrame([r for trial in found for r in trial])
    groups = rows.groupby(["outcome", "metric"], sort=False)
    return [{"scenario": scenario} | summarized(key, g) for key, g in groups]


def summarized(key: tuple[str, str], rows: pd.DataFrame) -> dict[str, object]:
    plan, naive = (rows[rows["analysis"] == a] for a in ("plan", "naive"))
    n, truth = len(plan), float(plan["truth"].iloc[0])
    sd = float(plan["estimate"].std())
    coverage = float(plan["covers"].mean())
    return {
        "outcome": key[0],
        "metric": key[1],
        "replicates": n,
        "truth": truth,
        "mean_estimate": float(plan["estimate"].mean()),
        "bias": float(plan["estimate"].mean()) - truth,
        "bias_mc_error": sd / np.sqrt(n),
        "sd_estimates": sd,
        "mean_std_error": float(plan["std_error"].mean()),
        "coverage": coverage,
        "coverage_mc_error": np.sqrt(coverage * (1 - coverage) / n),
        "mean_std_error_ignoring_groups": float(naive["std_error"].mean()),
        "coverage_ignoring_groups": float(naive["covers"].mean()),
    }


def test_bias_is_within_monte_carlo_error(table):
    # The truth has a Monte Carlo error of its own, about a tenth of this one.
    off = table[table["bias"].abs() > 3.5 * table["bias_mc_error"]]
    assert off.empty, off.to_string()


def test_intervals_that_know_the_groups_cover(table):
    bad = table[~table["coverage"].between(0.915, 0.98)]
    assert bad.empty, bad.to_string()


def test_intervals_that_ignore_the_groups_are_too_short(table):
    large = table[table["scenario"] == "klier_2019"]
    assert (large["mean_std_error_ignoring_groups"] < large["mean_std_error"]).all()
    assert large["coverage_ignoring_groups"].mean() < large["coverage"].mean() - 0.02


def test_effects_lie_in_the_range_of_the_review(table):
    sizes = table[table["metric"] == "standardized"].set_index("scenario")["mean_estimate"]
    assert len(sizes["klier_2019"]) == 3 and sizes["klier_2019"].between(0.4, 0.6).all()
    assert sizes["felgenhauer_2019"].between(0.2, 0.4).all()
