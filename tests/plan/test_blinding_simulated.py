"""Stage 1 of blinding: the plan on data that are made from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trialkit as tk
from tests.plan.blinding import PLAN, planned
from trialkit.errors import PlanError, UsageError
from trialkit.estimate.icc import achieved_icc
from trialkit.plan.blinding.simulated import run_simulated, simulated_data
from trialkit.plan.planned.prepare import prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plan(tmp_path) -> tk.Plan:
    return planned(tmp_path)


def _means(plan: tk.Plan, truth: str, draws: int = 40) -> np.ndarray:
    found = []
    for seed in range(draws):
        d = simulated_data(plan, seed=seed, truth=truth)
        arms = d.groupby("arm")[["y", "job"]].mean()
        found.append((arms.loc["peer"] - arms.loc["solo"]).to_numpy())
    return np.array(found)


def test_effects_are_those_of_the_plan_or_none(plan):
    for truth, wanted in (("target", (1.5, 0.2)), ("null", (0.0, 0.0))):
        found = _means(plan, truth)
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - wanted) < 3.5 * error).all()


def test_people_groups_and_losses_are_as_assumed(plan):
    d = simulated_data(plan, seed=1)
    assert len(d) == 240
    assert (d["arm"] == "peer").sum() == 120
    sizes = d.loc[d["arm"] == "peer"].groupby("group").size()
    assert sizes.between(6, 9).all()
    assert d.loc[d["arm"] == "solo", "group"].isna().all()
    assert d.loc[d["arm"] == "solo", "came"].eq(0).all()
    assert d.loc[d["arm"] == "peer", "came"].mean() == pytest.approx(0.7, abs=0.13)
    lost = [simulated_data(plan, seed=s)["y"].isna().mean() for s in range(20)]
    assert np.mean(lost) == pytest.approx(0.1, abs=0.02)
    assert d[["y0", "y"]].corr().iloc[0, 1] == pytest.approx(0.5, abs=0.15)


def test_groups_have_the_assumed_icc(tmp_path):
    plan = planned(tmp_path, PLAN.replace("icc = 0.1", "icc = 0.3").replace("attrition = 0.1", "attrition = 0.0"))
    found = []
    for seed in range(25):
        ready = prepare(plan.spec, simulated_data(plan, seed=seed), folder=plan.folder)
        found.append(achieved_icc(ready.trial, "y")["peer"]["icc"])
    assert np.mean(found) == pytest.approx(0.3, abs=0.06)


def test_a_seed_gives_the_same_data_and_both_truths_share_their_people(plan):
    one, two = (simulated_data(plan, seed=3, truth=t) for t in ("null", "target"))
    assert one.equals(simulated_data(plan, seed=3, truth="null"))
    same = ["id", "arm", "group", "y0", "female"]
    assert one[same].equals(two[same])
    treated = (one["arm"] == "peer") & one["y"].notna()
    np.testing.assert_allclose((two["y"] - one["y"])[treated], 1.5)
    np.testing.assert_allclose((two["y"] - one["y"])[~treated].dropna(), 0.0)


def test_the_whole_plan_with_questionnaires_runs_and_is_marked(recwarn):
    plan = tk.Plan.load(ROOT / "analyses" / "klier_2019" / "plan.toml")
    content = run_simulated(plan, seed=1, people=300)
    assert content.blinding["mark"] == "simulated"
    assert [o.name for o in content.outcomes] == ["employed", "self_efficacy", "search_confidence", "search_intensity"]
    assert all(np.isfinite(o.result.estimates[0].estimate) for o in content.outcomes)
    assert content.data["file"] == "simulated data"
    sizes = [o.effect_size.estimates[0].estimate for o in content.outcomes[1:]]
    assert np.mean(sizes) == pytest.approx(0.4, abs=0.25)
    assert all(s.counts["out_of_range"] == 0 for s in content.scales)


MORE = """
[[outcomes]]
name = "calls"
column = "calls"
role = "secondary"
measure = "rate_ratio"
better = "higher"
assume = { control_mean = 3, effect = 1.5 }
[[outcomes]]
name = "weeks"
time = "weeks"
event = "found"
role = "secondary"
measure = "hazard_ratio"
better = "lower"
assume = { control_median = 20, hazard_ratio = 1.5, follow_up = 40 }
[[outcomes]]
name = "step"
column = "step"
role = "secondary"
measure = "proportional_odds"
better = "higher"
assume = { effect = 2, shares = [0.3, 0.4, 0.3] }
[[outcomes]]
name = "pay"
column = "pay"
role = "exploratory"
measure = "quantile"
q = 0.5
[analysis]
"""


def test_counts_times_and_ordered_outcomes_are_of_their_kind(tmp_path):
    plan = planned(tmp_path, PLAN.replace("[analysis]", MORE))
    d = simulated_data(plan, seed=1)
    assert (d["calls"].dropna() % 1 == 0).all()
    assert set(d["found"].dropna()) == {0, 1}
    assert d["weeks"].max() <= 40
    assert d["step"].nunique() == 3
    content = run_simulated(plan, seed=1)
    assert {o.name for o in content.outcomes} == {"mood", "job", "calls", "weeks", "step", "pay"}
    assert any("'pay'" in n.text for n in content.notes)


def test_clusters_keep_whole_in_their_arm(tmp_path):
    text = PLAN.replace('group = "group"', 'cluster = "school"').replace(", grouped = true", "").replace('strata = ["site"]', "")
    text = text.replace('groups = { size = [6, 9], within = ["site"] }', "clusters = 24").replace('facilitator = "leader"', "")
    d = simulated_data(planned(tmp_path, text), seed=1)
    assert d.groupby("school")["arm"].nunique().eq(1).all()
    assert d["school"].nunique() == 24


def test_an_effect_that_makes_things_worse_is_told(tmp_path):
    plan = planned(
        tmp_path, PLAN.replace('better = "higher"\nassume = { effect = 1.5', 'better = "lower"\nassume = { effect = 1.5')
    )
    assert any("against what is better" in n.text for n in run_simulated(plan, seed=1).notes)


def test_bad_input_is_an_error_with_its_remedy(tmp_path, plan):
    with pytest.raises(UsageError, match="null"):
        simulated_data(plan, seed=1, truth="none")
    with pytest.raises(PlanError, match="units"):
        simulated_data(planned(tmp_path, PLAN.replace("units = 240", "")), seed=1)
    assert len(simulated_data(planned(tmp_path, PLAN.replace("units = 240", "")), seed=1, people=100)) == 100
