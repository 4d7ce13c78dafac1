"""Trials resampled from a pilot: the plan's numbers, no effect of the pilot's left, its ICC kept, and what a small pilot cannot say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.power.worlds import plan_of
from trialkit.errors import ColumnNotFoundError, DataError, PlanError, UsageError, ValueTypeError
from trialkit.power.simulation.from_data import resampled
from trialkit.power.simulation.pilot import icc_interval

MEAN = 'column = "y1"\nbaseline = "y0"\nmeasure = "mean_difference"\nbetter = "higher"\nassume = { sd = 1.0, effect = 0.5 }'
ASSUMED = "icc = 0.1, attrition = 0.1"


def pilot(
    seed: int = 1, groups: int = 12, size: int = 10, alone: int = 120, icc: float = 0.15, effect: float = 0.7
) -> pd.DataFrame:
    """Outcomes of SD 1 with correlation .5 with the baseline, skewed, with an effect and an imbalance of the baseline."""
    rng = np.random.default_rng(seed)
    n = groups * size + alone
    inside = np.arange(n) < groups * size
    group = np.repeat(np.arange(groups), size)
    y0 = rng.standard_normal(n) + 0.4 * inside
    noise = rng.exponential(size=n) - 1
    y = 0.5 * y0 + np.sqrt(0.75 - icc * inside) * noise
    y[inside] += np.sqrt(icc) * rng.standard_normal(groups)[group] + effect
    labels = pd.Series([f"p{g}" for g in group] + [None] * alone, dtype=object)
    return pd.DataFrame({"id": np.arange(n), "arm": np.where(inside, "circle", "solo"), "group": labels, "y0": y0, "y1": y})


def question(frame, *, units=240, size=10, assume=ASSUMED, effects=(0.0,), outcome=MEAN):
    plan = plan_of(outcome, grouped=True, units=units, assume=assume, size=size)
    return resampled(plan.spec, plan.spec.outcome("y"), ("circle", "solo"), frame, list(effects), 1)[0]


def test_numbers_are_the_plans_and_people_stay_whole():
    frame = pilot()
    made = question(frame, units=300, assume="icc = 0.1").frame(0, 0, 0.0)
    assert made["arm"].value_counts().to_dict() == {"circle": 150, "solo": 150}
    assert made.loc[made["arm"] == "circle", "group"].value_counts().tolist() == [10] * 15
    assert made.loc[made["arm"] == "solo", "group"].isna().all()
    single = made[made["arm"] == "solo"].merge(frame, on="y0", suffixes=("", "_pilot"))
    assert len(single) == 150 and np.allclose(single["y1"], single["y1_pilot"])
    grouped = made[made["arm"] == "circle"].merge(frame, on="y0", suffixes=("", "_pilot"))
    assert (grouped.groupby("group")["group_pilot"].nunique() == 1).all()


def test_the_plans_attrition_is_kept_and_people_without_outcome_are_not_drawn():
    frame = pilot()
    frame.loc[:9, "y1"] = np.nan
    q = question(frame)
    lost = np.mean([q.frame(0, i, 0.0)["y1"].isna().mean() for i in range(40)])
    assert lost == pytest.approx(0.1, abs=0.012)


def test_the_pilots_own_effect_is_gone():
    """No bias, although the pilot has an effect of .7 and its arms differ at baseline."""
    plan = plan_of(MEAN, grouped=True, units=240, assume=ASSUMED)
    found = tk.power.simulate(plan, pilot=pilot(), effects=[0, 0.5], n_draws=150, seed=2)
    table = found.tidy()
    assert abs(table["bias"]).max() < 3.5 * table["sd_of_estimates"].max() / np.sqrt(150)
    assert table["bias"][0] == pytest.approx(table["bias"][1], abs=1e-9)
    assert table["power"][0] < 0.11 and table["coverage"].min() > 0.9
    assert table["closed_form"].isna().all()
    assert any("drawn whole" in a for a in found.assumptions)
    assert "drawn with replacement" in str(found)


def between(q, n=300):
    """Variance of group means of the treated over the resampled trials, and the ICC of the trials' groups."""
    iccs = []
    for i in range(n):
        made = q.frame(0, i, 0.0)
        inside = made[made["arm"] == "circle"]
        iccs.append(icc_interval([g["y1"].to_numpy() for _, g in inside.groupby("group")]))
    return float(np.mean([i[0] for i in iccs]))


def test_the_icc_is_the_pilots():
    """The variance between groups of resampled trials is that of the pilot, without the (G-1)/G of a bootstrap."""
    frame = pilot(seed=3, groups=8, icc=0.3)
    q = question(frame, units=1600, assume="icc = 0.1")
    own = icc_interval([g["y1"].to_numpy() for _, g in frame[frame["arm"] == "circle"].groupby("group")])[0]
    assert between(q, 60) == pytest.approx(own, abs=0.03)


def test_without_groups_the_icc_is_the_plans():
    frame = pilot(groups=12, icc=0.0).drop(columns="group")
    q = question(frame, units=1600, assume="icc = 0.25")
    assert between(q, 60) == pytest.approx(0.25, abs=0.02)
    made = pd.concat([q.frame(0, i, 0.0) for i in range(30)])
    spread = made.groupby("arm")["y1"].var()
    own = q.generator
    assert spread["circle"] == pytest.approx(own.y[own.sides[0].rows].var(ddof=1), rel=0.06)
    assert np.corrcoef(made.loc[made["arm"] == "circle", "y0"], made.loc[made["arm"] == "circle", "y1"])[0, 1] == pytest.approx(
        np.corrcoef(frame.loc[:119, "y0"], frame.loc[:119, "y1"])[0, 1], abs=0.03
    )


def test_one_arm_serves_both_and_says_so():
    frame = pilot().query("arm == 'solo'").drop(columns=["arm", "group"])
    found = tk.power.simulate(plan_of(MEAN, grouped=True, units=240, assume=ASSUMED), pilot=frame, n_draws=100, seed=4)
    table = found.tidy()
    assert table["effect"].tolist() == [0, 0.5]
    assert abs(table["bias"]).max() < 3.5 * table["sd_of_estimates"].max() / np.sqrt(100)
    assert any("plan's intracluster correlation 0.1" in a for a in found.assumptions)


def test_power_is_near_the_closed_form_of_the_same_numbers():
    """A pilot of 4,000 normal people with the plan's correlation has the power of the plan's own world."""
    rng = np.random.default_rng(8)
    y0 = rng.standard_normal(4000)
    frame = pd.DataFrame({"id": range(4000), "y0": y0, "y1": 0.5 * y0 + np.sqrt(0.75) * rng.standard_normal(4000)})
    frame["y1"] /= frame["y1"].std()
    plan = plan_of(MEAN, grouped=True, units=160, assume="icc = 0.1, baseline_correlation = 0.5")
    found = tk.power.simulate(plan, pilot=frame, effects=[0.5], n_draws=300, seed=4).table[0]
    closed = tk.power.grouped(effect=0.5, group_size=(10,) * 8, controls=80, icc=0.1, baseline_correlation=0.5).power
    assert abs(found["power"] - closed) < 3.5 * found["mc_error"]


def test_a_small_pilot_hardly_knows_its_icc():
    found = tk.power.simulate(plan_of(MEAN, grouped=True, units=120, assume=ASSUMED), pilot=pilot(groups=5), n_draws=10, seed=1)
    (note,) = [n for n in found.notes if n.code == "pilot_icc"]
    assert "5 groups" in note.text and "95 %" in note.text
    assert any(n.code == "pilot" for n in found.notes)
    small = tk.power.simulate(plan_of(MEAN, grouped=True, units=120, assume=ASSUMED), pilot=pilot(size=6), n_draws=10, seed=1)
    assert any(n.code == "pilot_small_groups" for n in small.notes)


def test_the_icc_interval_is_searles():
    """Five groups of four by hand: F = MSB/MSW, (F - 1)/(F + m - 1) at F over its quantiles."""
    rng = np.random.default_rng(5)
    groups = [rng.standard_normal(4) + rng.standard_normal() for _ in range(5)]
    from scipy import stats

    f = stats.f_oneway(*groups).statistic
    low, high = (f / stats.f.ppf(q, 4, 15) for q in (0.975, 0.025))
    wanted = tuple(min(max((x - 1) / (x + 3), 0), 1) for x in (f, low, high))
    assert icc_interval(groups) == pytest.approx(wanted, rel=1e-12)


def test_row_order_of_the_pilot_does_not_matter_for_its_effect():
    frame = pilot()
    one, two = question(frame), question(frame.sample(frac=1, random_state=1))
    assert np.sort(one.generator.y) == pytest.approx(np.sort(two.generator.y), abs=1e-10)


def test_whole_clusters_are_drawn():
    plan = tk.Plan.from_text(
        """
schema_version = 1
[trial]
title = "t"
population = "p"
[arms]
solo = { control = true }
circle = {}
[data]
unit = "id"
arm = "arm"
cluster = "site"
[design]
units = 160
clusters = 16
assumptions = { icc = 0.05 }
[[outcomes]]
name = "y"
column = "y1"
baseline = "y0"
role = "primary"
better = "higher"
assume = { sd = 1.0, effect = 0.5 }
"""
    )
    frame = pilot(groups=24, alone=0)
    frame["arm"] = np.where(np.arange(len(frame)) < 120, "circle", "solo")
    frame = frame.rename(columns={"group": "site"})
    found = tk.power.simulate(plan, pilot=frame, n_draws=60, seed=4)
    assert found.tidy()["failures"].sum() == 0
    made = resampled(plan.spec, plan.spec.outcome("y"), ("circle", "solo"), frame, [0.0], 1)[0].frame(0, 0, 0.0)
    assert made["site"].nunique() == 16 and made.groupby("site")["arm"].nunique().max() == 1


@pytest.mark.parametrize(
    ("frame", "kind", "words"),
    [
        (pilot().drop(columns="y1"), ColumnNotFoundError, "y1"),
        (pilot().drop(columns="y0"), ColumnNotFoundError, "y0"),
        (pilot().assign(y1="a lot"), ValueTypeError, "text"),
        (pilot().assign(y1=np.nan), DataError, "0 people"),
        (pilot(groups=2, size=3), DataError, "at least 10"),
        (pilot().to_dict(), UsageError, "DataFrame"),
    ],
)
def test_bad_pilots_are_refused(frame, kind, words):
    with pytest.raises(kind, match=words):
        tk.power.simulate(plan_of(MEAN, grouped=True, units=120, assume=ASSUMED), pilot=frame, n_draws=10, seed=1)


def test_what_a_pilot_cannot_do_is_refused():
    rate = 'column = "y1"\nmeasure = "risk_difference"\nbetter = "higher"\nassume = { control_rate = 0.3, effect = 0.1 }'
    with pytest.raises(UsageError, match="cannot be added"):
        tk.power.simulate(plan_of(rate, units=120), pilot=pilot(), n_draws=10, seed=1)
    with pytest.raises(PlanError, match="more than what covariates leave"):
        frame = pilot(icc=0.0).drop(columns="group")
        tk.power.simulate(plan_of(MEAN, grouped=True, units=120, assume="icc = 0.9"), pilot=frame, n_draws=10, seed=1)


def test_margins_are_held_against_resampled_trials():
    text = MEAN.replace('better = "higher"', 'better = "higher"\nnoninferiority = 0.5')
    q = question(pilot(), outcome=text, effects=(-0.5,))
    assert q.rule is not None and q.rule.low == -0.5
    tally = replace(q, replicates=60).block(0)[0]
    assert tally.rejected / tally.draws < 0.2
