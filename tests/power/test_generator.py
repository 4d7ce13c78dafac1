"""A user's own generator: run through the plan's analysis, with the same random numbers for every effect, and checked."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.power.worlds import plan_of
from trialkit.errors import ColumnNotFoundError, UsageError, ValueTypeError

MEAN = 'column = "y1"\nbaseline = "y0"\nmeasure = "mean_difference"\nbetter = "higher"\nassume = { sd = 2.0, effect = 1.0 }'
COUNT = 'column = "c"\nmeasure = "rate_ratio"\nbetter = "higher"\nassume = { effect = 1.5 }'
THREE = tk.Plan.from_text(
    """
schema_version = 1
[trial]
title = "t"
population = "p"
[arms]
solo = { control = true }
coach = {}
circle = { grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
missing_codes = { -99 = "refused" }
[[outcomes]]
name = "y"
column = "y1"
baseline = "y0"
role = "primary"
better = "higher"
[analysis]
contrasts = "all"
"""
)


def trial(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """120 people, half of them in ten groups of six, ICC .1."""
    n, group = 120, np.repeat(np.arange(10), 6)
    y0 = rng.standard_normal(n)
    y = 0.5 * y0 + 0.8 * rng.standard_normal(n)
    treated = np.arange(n) < 60
    y[:60] += 0.3 * rng.standard_normal(10)[group] + effect
    labels = pd.Series([f"g{g}" for g in group] + [None] * 60, dtype=object)
    return pd.DataFrame({"id": np.arange(n), "arm": np.where(treated, "circle", "solo"), "group": labels, "y0": y0, "y1": y})


def three(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    more = trial(rng, effect)
    coach = pd.DataFrame({"id": np.arange(120, 180), "arm": "coach", "group": None, "y0": rng.standard_normal(60)})
    coach["y1"] = 0.5 * coach["y0"] + 0.8 * rng.standard_normal(60) + 0.3
    return pd.concat([more, coach], ignore_index=True)


def counts(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    arm = np.where(np.arange(100) < 50, "circle", "solo")
    return pd.DataFrame({"id": np.arange(100), "arm": arm, "c": rng.poisson(np.where(arm == "circle", 2 * effect, 2.0))})


def test_the_analysis_is_the_plans_and_the_truth_is_the_effect():
    plan = plan_of(MEAN, grouped=True, units=120)
    found = tk.power.simulate(plan, generator=trial, effects=[0, 0.8], n_draws=200, seed=3).tidy()
    assert abs(found["bias"]).max() < 0.06
    assert found["bias"][0] == pytest.approx(found["bias"][1], abs=1e-9)  # the same random numbers for both effects
    assert found["power"][0] < 0.12 < 0.9 < found["power"][1]
    assert found["coverage"].between(0.9, 0.995).all()
    assert found["failures"].sum() == 0


def test_first_replicate_is_itt_on_its_data():
    from trialkit.power.simulation.generated import effect_of

    plan = plan_of(MEAN, grouped=True, units=120)
    frame = trial(np.random.default_rng(1), 0.4)
    own = tk.itt(
        tk.Trial(frame, arm="arm", control="solo", unit="id", group="group", grouped_arms=["circle"]), "y1", adjust=["y0"]
    ).estimates[0]  # fmt: skip
    got = effect_of(plan.spec, plan.spec.outcome("y"), frame, ("circle", "solo"))
    assert got == pytest.approx((own.estimate, own.std_error, own.df), rel=1e-12)


@pytest.mark.parametrize(
    ("pair", "truth"),
    [(("circle", "coach"), lambda e: e - 0.3), (("coach", "circle"), lambda e: 0.3 - e), (("coach", "solo"), 0.3)],
)
def test_all_arms_are_allowed_and_a_truth_can_be_said(pair, truth):
    found = tk.power.simulate(THREE, generator=three, effects=[0.3, 0.8], n_draws=80, seed=5, contrast=pair, truth=truth).tidy()
    assert abs(found["bias"]).max() < 4 * found["sd_of_estimates"].max() / np.sqrt(80)
    assert found["coverage"].min() > 0.86


def test_ratios_are_given_as_ratios():
    found = tk.power.simulate(plan_of(COUNT), generator=counts, n_draws=200, seed=1)
    table = found.tidy()
    assert table["effect"].tolist() == [1.0, 1.5]
    assert abs(table["bias"]).max() < 0.05
    assert "rejects without an effect" in str(found)
    assert str(tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))) == str(found)
    with pytest.raises(UsageError, match="above 0"):
        tk.power.simulate(plan_of(COUNT), generator=counts, effects=[0, 1.5], n_draws=10, seed=1)


def test_workers_and_checkpoint_do_not_change_a_number(tmp_path):
    ask = {"generator": trial, "effects": [0.5], "n_draws": 40, "seed": 9}
    plan = plan_of(MEAN, grouped=True, units=120)
    one = tk.power.simulate(plan, **ask).to_dict()
    assert tk.power.simulate(plan, **ask, workers=2).to_dict() == one
    file = tmp_path / "blocks.jsonl"
    tk.power.simulate(plan, **(ask | {"n_draws": 20}), checkpoint=file)
    assert tk.power.simulate(plan, **ask, checkpoint=file).to_dict() == one
    with pytest.raises(UsageError, match="another simulation"):
        tk.power.simulate(plan, **(ask | {"generator": lambda rng, e: trial(rng, 2 * e)}), checkpoint=file)


def drop(column):
    return lambda rng, e: trial(rng, e).drop(columns=column)


def with_value(column, value):
    return lambda rng, e: trial(rng, e).assign(**{column: value})


@pytest.mark.parametrize(
    ("generator", "kind", "words"),
    [
        (drop("y1"), ColumnNotFoundError, "outcome 'y'"),
        (drop("y0"), ColumnNotFoundError, "baseline"),
        (drop("group"), ColumnNotFoundError, "the group"),
        (with_value("arm", "circle"), UsageError, "nobody in solo|nobody in 'solo'"),
        (with_value("arm", "Solo"), UsageError, "the arms of the plan are"),
        (with_value("y1", "much"), ValueTypeError, "text in 'y1'"),
        (lambda rng, e: trial(rng, e).to_dict(), UsageError, "DataFrame"),
        (lambda rng, e: None, UsageError, "DataFrame"),
        ("trial", UsageError, "function"),
    ],
)
def test_bad_generators_are_refused(generator, kind, words):
    with pytest.raises(kind, match=words):
        tk.power.simulate(plan_of(MEAN, grouped=True, units=120), generator=generator, effects=[0], n_draws=10, seed=1)


def test_codes_of_missing_values_are_refused():
    with pytest.raises(ValueTypeError, match="NaN"):
        tk.power.simulate(THREE, generator=lambda rng, e: three(rng, e).assign(y1=-99.0), effects=[0], n_draws=10, seed=1)


def test_data_that_cannot_be_analysed_say_why_at_once():
    with pytest.raises(tk.errors.TrialkitError, match="y1"):
        tk.power.simulate(
            plan_of(MEAN, grouped=True, units=120), generator=with_value("y1", np.nan), effects=[0], n_draws=10, seed=1
        )


def test_one_source_of_data():
    with pytest.raises(UsageError, match="two sources"):
        tk.power.simulate(plan_of(MEAN, units=120), generator=trial, pilot=trial(np.random.default_rng(1), 0), n_draws=10, seed=1)
    with pytest.raises(UsageError, match="truth"):
        tk.power.simulate(plan_of(MEAN, units=120), truth=0.3, n_draws=10, seed=1)
