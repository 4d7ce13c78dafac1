"""Coverage of the plan's primary analysis by imputation and by weights: 10 groups in one arm, losses that depend on baseline and arm.

The worse off leave the control arm and the better off the groups, so that a difference between the people who stayed is far off; y1 = y0 / 2 + 0.3 arm + error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.tables import DESIGNS, coverage_inside, grid, mc_error, over_designs
from tests.estimate.helpers import grouped_data
from trialkit.plan.planned.prepare import prepare
from trialkit.plan.planned.primary_missing import by_rule

TRUTH, TRIALS, IMPUTATIONS, GROUPS = 0.3, 25, 20, 10
PLAN = """
schema_version = 1
[trial]
title = "t"
population = "people"
[arms]
solo = {{ control = true }}
peer = {{ grouped = true }}
[data]
unit = "id"
arm = "arm"
group = "group"
[[outcomes]]
name = "y"
column = "y"
baseline = "y0"
role = "primary"
[missing]
primary = "{rule}"
imputations = {imputations}
seed = {seed}
"""
ANALYSES = ("multiple_imputation", "inverse_probability_weights", "ANCOVA of available cases", "difference of available cases")


def lost(number: int) -> pd.DataFrame:
    d = grouped_data(number, groups=GROUPS, controls=100, icc=0.1, effect=TRUTH)
    towards = np.where(d["arm"] == "peer", 1.0, -1.0)
    gone = np.random.default_rng([number, 2]).random(len(d)) < 1 / (1 + np.exp(1.4 - towards * d["y0"].to_numpy()))
    return d.assign(y=d["y"].mask(gone))


def one_trial(number: int) -> list[tuple[float, ...]]:
    d, rows = lost(number), []
    for rule in ANALYSES[:2]:
        spec = tk.Plan.from_text(PLAN.format(rule=rule, seed=number + 1, imputations=IMPUTATIONS)).spec
        ready, outcome = prepare(spec, d), spec.outcomes[0]
        available = tk.itt(ready.trial, **spec.asked_of_itt(outcome))
        found = by_rule(spec, ready, outcome, available)
        assert found is not None
        rows.append(found.result.estimates[0])
    rows += [available.estimates[0], tk.itt(ready.trial, "y", estimator="difference_in_means").estimates[0]]
    return [(e.estimate, e.std_error, e.df, e.conf_low <= TRUTH <= e.conf_high) for e in rows]


def one_design(number: int) -> np.ndarray:
    return np.array([one_trial(TRIALS * number + i) for i in range(TRIALS)], dtype=float)


def rows_of(*_: int) -> list[dict]:
    draws = np.concatenate(over_designs(one_design))
    rows = []
    for k, name in enumerate(ANALYSES):
        estimate, error, df, covers = draws[:, k].T
        n, coverage = len(draws), float(covers.mean())
        rows.append(
            {
                "groups": GROUPS, "analysis": name, "replicates": n, "bias": float(estimate.mean() - TRUTH), "bias_mc_error": float(estimate.std(ddof=1) / np.sqrt(n)),
                "sd": float(estimate.std(ddof=1)), "mean_std_error": float(error.mean()), "mean_df": float(df.mean()), "coverage": coverage,
                "mc_error": mc_error(coverage, n), "inside_band": coverage_inside(coverage, GROUPS),
            }
        )  # fmt: skip
    return rows


@pytest.mark.calibration
def test_coverage_with_losses_by_baseline():
    table = grid("primary_missing", ("groups",), [(GROUPS,)], rows_of, replicates=DESIGNS * TRIALS)
    for row in table.iloc[:3].to_dict("records"):
        assert abs(row["bias"]) < 3.5 * row["bias_mc_error"] + 0.01
        assert abs(row["coverage"] - 0.95) < 3.5 * row["mc_error"] + 0.01
    assert table.iloc[3]["coverage"] < 0.9
