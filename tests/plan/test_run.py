"""From a plan and data to everything a report holds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data
from trialkit.errors import (
    ArmError,
    DataError,
    EstimationError,
    GroupError,
    IdentifierError,
    LockError,
    MissingDataError,
    ValueTypeError,
)
from trialkit.plan.words.verdict import verdict
from trialkit.report.save import Report

PLAN = """
schema_version = 1
[trial]
title = "A small trial"
population = "people who applied"
[arms]
solo = { label = "Counselling", control = true }
peer = { label = "Counselling plus a group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
missing_codes = { -99 = "refused" }
[[outcomes]]
name = "mood"
column = "y"
baseline = "y0"
role = "primary"
better = "higher"
smallest_worthwhile = { hedges_g = 0.2 }
[[outcomes]]
name = "job"
column = "job"
role = "secondary"
family = "work"
measure = "risk_difference"
better = "higher"
smallest_worthwhile = 0.05
[outcomes.intercurrent]
died = { strategy = "composite", value = 0, column = "died" }
[[outcomes]]
name = "calls"
column = "calls"
role = "secondary"
family = "work"
[analysis]
adjust = ["female"]
companions = ["difference_in_means", "lin"]
[selection]
balance = ["y0", "female"]
"""


def data(seed: int = 1) -> pd.DataFrame:
    d = grouped_data(seed)
    rng = np.random.default_rng(seed + 100)
    return d.assign(job=(d["y"] > 0.2) * 1.0, calls=rng.poisson(3, len(d)) * 1.0, died=(rng.random(len(d)) < 0.03) * 1)


@pytest.fixture
def plan(tmp_path) -> tk.Plan:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return tk.Plan.load(path)


def test_a_run_is_the_analyses_it_names(plan):
    d = data()
    content = plan.run(d)
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    by_hand = tk.itt(trial, "y", adjust=["y0", "female"]).tidy().iloc[0]
    row = content.tidy().set_index("name").loc["mood"]
    for column in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n_groups"):
        assert row[column] == pytest.approx(by_hand[column], rel=1e-9)
    assert row["outcome"] == "mood"
    assert content.outcomes[0].companions["difference_in_means"].estimates[0].estimate == pytest.approx(
        d.loc[d["arm"] == "peer", "y"].mean() - d.loc[d["arm"] == "solo", "y"].mean()
    )
    g = content.outcomes[0].effect_size
    assert content.outcomes[0].worthwhile == pytest.approx(0.2 * g.details["standardizer"][0]["sd"])


def test_p_values_are_corrected_within_families(plan):
    rows = plan.run(data()).tidy().set_index("name")
    p = rows.loc[["job", "calls"], "p_value"].to_numpy()
    np.testing.assert_allclose(rows.loc[["job", "calls"], "p_adjusted"], tk.adjust_p(p, method="holm"))
    assert rows.loc["mood", "p_adjusted"] == rows.loc["mood", "p_value"]


def test_composite_events_take_their_value(plan):
    d = data()
    content = plan.run(d)
    expected = d["job"].where(d["died"] == 0, 0.0)
    arms = next(o for o in content.outcomes if o.name == "job").result.details["arms"]
    assert arms[1]["mean"] == pytest.approx(expected[d["arm"] == "peer"].mean())
    assert any(n.code == "composite" for n in content.notes)


def test_missing_codes_are_missing(plan):
    d = data()
    d.loc[:4, "y"] = -99
    assert plan.run(d).outcomes[0].result.estimates[0].n == len(d) - 5


def test_the_content_survives_json(plan):
    content = plan.run(data())
    text = json.dumps(content.to_dict(), allow_nan=False)
    assert Report.from_dict(json.loads(text)).to_dict() == content.to_dict()


def test_flow_reconciles_with_results(plan):
    content = plan.run(data().assign(y=lambda x: x["y"].where(x.index % 9 != 0)))
    flow = content.flow.tidy()
    for o in content.outcomes:
        analysed = flow[(flow["stage"] == "outcome") & (flow["outcome"] == o.column)]["people"].sum()
        assert analysed == o.result.estimates[0].n


def test_icc_is_the_truth_within_reason():
    iccs = []
    plan = tk.Plan.from_text(PLAN)
    for seed in range(10):
        d = grouped_data(seed, groups=40, controls=300, icc=0.2).assign(
            job=lambda x: (x["y"] > 0) * 1.0, calls=lambda x: x["y0"], died=0
        )
        d["y"] -= 0.5 * d["y0"]
        iccs.append(plan.run(d).outcomes[0].icc["peer"]["icc"])
    assert np.mean(iccs) == pytest.approx(0.2, abs=0.03)


def test_progress_counts_up(plan):
    seen = []
    plan.run(data(), progress=lambda what, step, steps: seen.append((what, step, steps)))
    assert [s for _, s, _ in seen] == sorted(s for _, s, _ in seen)
    assert seen[-1][1] == seen[-1][2]


def test_a_lock_beside_the_plan_is_held_against_it(plan):
    assert plan.run(data()).lock.state == "unlocked"
    plan.lock()
    assert plan.run(data()).lock.state == "locked"
    plan.path.write_text(PLAN.replace("hedges_g = 0.2", "hedges_g = 0.1"))
    with pytest.raises(LockError, match="smallest_worthwhile"):
        tk.Plan.load(plan.path).run(data())


BAD = [
    (lambda d: d.rename(columns={"y0": "y_0"}), DataError, "Did you mean 'y_0'"),
    (lambda d: d.assign(arm=d["arm"].replace("peer", "peers")), ArmError, "Did you mean 'peer'"),
    (lambda d: d[d["arm"] == "peer"], DataError, "no row of the data is in arm 'solo'"),
    (lambda d: d.assign(group=d["group"].where(d["group"] != "g00", "g01").where(d.index != 3, "x")), GroupError, "1 member"),
    (lambda d: d.assign(y=np.nan), MissingDataError, "outcome 'mood'"),
    (lambda d: d.assign(id=0), IdentifierError, "repeated"),
    (lambda d: d.assign(y=d["y"].astype(str) + "?"), ValueTypeError, "text where numbers belong"),
]


@pytest.mark.parametrize("change, error, words", BAD)
def test_bad_data_get_a_sentence(plan, change, error, words):
    with pytest.raises(error) as caught:
        plan.run(change(data()))
    assert words in str(caught.value)


def test_no_primary_outcome_to_run():
    text = PLAN.replace(
        'better = "higher"\nsmallest_worthwhile',
        'better = "higher"\nestimand = { population = "compliers" }\nsmallest_worthwhile',
        1,
    )
    text = text.replace("[data]\n", '[data]\nuptake = "came"\n', 1)
    with pytest.raises(EstimationError, match="compliers"):
        tk.Plan.from_text(text).run(data())


def test_what_cannot_be_run_is_named(plan):
    text = PLAN.replace(
        "[analysis]\n",
        '[missing]\nprimary = "multiple_imputation"\nseed = 1\n[multiplicity]\nmethod = "romano_wolf"\nseed = 1\n[analysis]\n',
    )
    content = tk.Plan.from_text(text).run(data())
    assert any("romano_wolf" in part for part in content.not_run)


VERDICTS = [
    ((0.3, 0.5, "higher", 0.2), "worthwhile_benefit"),
    ((0.1, 0.5, "higher", 0.2), "benefit_size_uncertain"),
    ((0.1, 0.5, "higher", None), "benefit_size_uncertain"),
    ((0.05, 0.15, "higher", 0.2), "benefit_too_small"),
    ((-0.1, 0.15, "higher", 0.2), "no_worthwhile_difference"),
    ((-0.1, 0.3, "higher", 0.2), "inconclusive"),
    ((-0.3, 0.1, "higher", 0.2), "inconclusive"),
    ((-0.1, 0.1, "higher", None), "inconclusive"),
    ((-0.5, -0.1, "higher", 0.2), "harm"),
    ((-0.5, -0.3, "lower", 0.2), "worthwhile_benefit"),
    ((0.1, 0.3, "lower", 0.2), "harm"),
    ((float("nan"), 1.0, "higher", 0.2), "inconclusive"),
]


@pytest.mark.parametrize("call, expected", VERDICTS)
def test_verdicts(call, expected):
    assert verdict(*call) == expected


def test_a_plan_can_say_that_members_without_a_group_stand_alone():
    d = data()
    d.loc[0, "group"] = None
    with pytest.raises(GroupError, match="ungrouped"):
        tk.Plan.from_text(PLAN).run(d)
    content = tk.Plan.from_text(PLAN.replace('group = "group"\n', 'group = "group"\nungrouped = "singleton"\n', 1)).run(d)
    assert any(n.code == "ungrouped_singletons" for n in content.notes)


def with_design(text: str = PLAN) -> str:
    return text.replace("[[outcomes]]", '[design]\nscheme = "complete"\ngroups = { size = [2, 20] }\n[[outcomes]]', 1)


def test_corrections_by_draws_are_those_of_the_family():
    text = PLAN + '[multiplicity]\nmethod = "romano_wolf"\ndraws = 400\nseed = 7\n'
    content = tk.Plan.from_text(text).run(data())
    inside = [o.result for o in content.outcomes if o.family == "work"]
    by_hand = tk.family(inside, correction="romano_wolf", n_draws=400, seed=7)
    found = content.tidy().set_index("name")["p_adjusted"]
    for e in by_hand.estimates:
        assert found[e.outcome] == e.extra["p_adjusted"]


def test_a_randomization_test_stands_beside_the_primary_outcome_only():
    text = with_design().replace(
        'companions = ["difference_in_means", "lin"]', 'companions = ["randomization_test"]\ndraws = 100\nseed = 3'
    )
    content = tk.Plan.from_text(text).run(data())
    assert "randomization_test" in content.outcomes[0].companions
    assert all(not o.companions for o in content.outcomes[1:])
    found = content.outcomes[0].companions["randomization_test"]
    assert "studentized by groups" in found.estimates[0].method
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()


def test_a_randomization_test_with_groups_needs_their_formation():
    text = PLAN.replace(
        'companions = ["difference_in_means", "lin"]', 'companions = ["randomization_test"]\ndraws = 100\nseed = 3'
    )
    with pytest.raises(tk.errors.PlanError, match=r"\[design\] groups"):
        tk.Plan.from_text(text)


def test_other_companions_run():
    text = PLAN.replace('group = "group"\n', 'group = "group"\nuptake = "came"\n', 1)
    text = text.replace(
        'companions = ["difference_in_means", "lin"]', 'companions = ["wild_bootstrap", "cace", "aipw"]\ndraws = 199\nseed = 3'
    )
    d = data().assign(came=lambda x: ((x["arm"] == "peer") & (x["id"] % 4 > 0)) * 1)
    primary = tk.Plan.from_text(text).run(d).outcomes[0]
    assert set(primary.companions) == {"wild_bootstrap", "cace", "aipw"}
    assert abs(primary.companions["cace"].estimates[0].estimate) > abs(primary.result.estimates[0].estimate)
    with pytest.raises(tk.errors.PlanError, match="uptake"):
        tk.Plan.from_text(text.replace('uptake = "came"\n', ""))
