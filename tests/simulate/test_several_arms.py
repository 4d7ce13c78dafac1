"""More than two arms: one world an arm, truths by arm, targets that name one, and the parts that go with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

import trialkit as tk
from trialkit.errors import DesignError, PlanError, UsageError
from trialkit.simulate import compute_truth, load_scenario, read_scenario
from trialkit.simulate.components.balances import Balance
from trialkit.simulate.components.clusters import Clusters
from trialkit.simulate.components.several_arms import Allocation, ArmEffect
from trialkit.simulate.components.unequal_clusters import UnequalClusters
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people
from trialkit.simulate.truth import stored_truth, truth_table
from trialkit.simulate.tune import reached, tuned

ARMS = ("solo", "peer", "aide")
EFFECTS = {"peer": 0.6, "aide": -0.3}
THREE = """
schema_version = 1
key = "three"
version = "1"
title = "Three"
study = "none"
design = "three arms"
unit = "id"
unit_prefix = "p"
arms = ["solo", "peer", "aide"]
people = { value = 120, status = "assumed" }

[[parts]]
part = "trait"
name = "drive"

[[parts]]
part = "allocation"
name = "arm"
shares = { value = { solo = 0.5, peer = 0.25, aide = 0.25 }, status = "assumed" }

[[parts]]
part = "armeffect"
name = "push"
effects = { value = { peer = 0.6, aide = -0.3 }, status = "assumed" }

[[parts]]
part = "binary"
name = "work"
on = { value = { drive = 0.5, push = 1.0 }, status = "assumed" }
intercept = { value = -0.5, status = "assumed" }

[[columns]]
name = "id"
label = "Person"
kind = "text"

[[columns]]
name = "arm"
label = "Arm"
kind = "text"

[[columns]]
name = "work"
label = "Works"

[[outcomes]]
name = "work"
column = "work"
label = "Works"

[[targets]]
outcome = "work"
metric = "difference"
arm = "peer"
parameter = "push.effects.peer"
value = 0.1
status = "assumed"

[[targets]]
outcome = "work"
metric = "control_mean"
parameter = "work.intercept"
value = 0.4
status = "assumed"
"""


@pytest.fixture(scope="module")
def three():
    return read_scenario(THREE, "three")


def drawn(*parts, n=8000, arms=ARMS, everyone=None, **values) -> People:
    made = People(n, arms, everyone)
    made.values |= {k: np.broadcast_to(np.asarray(v, dtype=float), n).copy() for k, v in values.items()}
    for part in parts:
        part.draw(made, stream(1, part.name))
    return made


def test_closed_form_of_a_probit_in_each_arm(three):
    truth = compute_truth(three, people=400_000, seed=1, batch=20_000)
    share = {arm: norm.cdf((-0.5 + EFFECTS.get(arm, 0.0)) / math.sqrt(1.25)) for arm in ARMS}
    assert truth.context["work"]["control_mean"] == pytest.approx(share["solo"], abs=0.003)
    for arm in ARMS[1:]:
        error = next(r["mc_error"] for r in truth.rows if r["arm"] == arm and r["metric"] == "difference")
        assert truth.value("work", "difference", arm=arm) == pytest.approx(share[arm] - share["solo"], abs=4 * error)
        assert truth.context["work"][f"{arm}_mean"] == pytest.approx(share[arm], abs=0.003)
        odds = share[arm] / (1 - share[arm]) / (share["solo"] / (1 - share["solo"]))
        assert truth.value("work", "odds_ratio", arm=arm) == pytest.approx(odds, rel=0.02)
    table = truth_table(truth)
    assert list(table.columns[:5]) == ["outcome", "metric", "estimand", "arm", "value"] and set(table["arm"]) == set(ARMS[1:])


def test_worlds_differ_in_what_the_arm_moves_and_in_nothing_else(three):
    worlds = [simulate_people(three, n=3000, entropy=5, everyone=k) for k in range(3)]
    trial = simulate_people(three, n=3000, entropy=5)
    for k, world in enumerate(worlds):
        assert (world["arm"] == k).all() and (world["drive"] == worlds[0]["drive"]).all()
        mine = trial["arm"] == k
        assert (trial["work"][mine] == world["work"][mine]).all()
    assert (worlds[1]["work"] >= worlds[0]["work"]).all() and (worlds[2]["work"] <= worlds[0]["work"]).all()


def test_tuning_moves_one_entry_of_a_table(three):
    found = tuned(three, people=40_000, seed=3)
    assert set(found) == {"push.effects.peer", "work.intercept"}
    text = THREE.replace("peer = 0.6, aide", f"peer = {found['push.effects.peer']}, aide").replace(
        "value = -0.5,", f"value = {found['work.intercept']},"
    )
    spec = read_scenario(text, "three")
    truth = compute_truth(spec, people=40_000, seed=3)
    assert [reached(truth, t) for t in spec.targets] == pytest.approx([0.1, 0.4], abs=2e-4)
    assert spec.part("push").effects["aide"] == -0.3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('arm = "peer"\nparameter', "parameter", "needs arm, one of"),
        ('arm = "peer"\nparameter', 'arm = "solo"\nparameter', "needs arm, one of"),
        ('arms = ["solo", "peer", "aide"]', 'arms = ["solo", "peer", "peer"]', "different names"),
        ('arms = ["solo", "peer", "aide"]', 'arms = ["solo"]', "at least 2"),
        ('metric = "control_mean"\n', 'metric = "control_mean"\narm = "peer"\n', "leave arm out"),
        (
            '[[parts]]\npart = "armeffect"',
            '[[parts]]\npart = "attendance"\nname = "attended"\nintercept = { value = 0.0, status = "assumed" }\n\n'
            '[[parts]]\npart = "armeffect"',
            "knows two arms and there are 3",
        ),
    ],
)  # fmt: skip
def test_mistakes_have_a_remedy(old, new, words):
    assert old in THREE
    with pytest.raises(PlanError, match=words):
        read_scenario(THREE.replace(old, new, 1), "three")


def test_a_truth_by_arm_says_which_arm_it_needs():
    made = tk.simulate.scenario("kast_2012_groups", seed=1)
    sets = tk.simulate.many("kast_2012_groups", n=2, seed=1, people=300)
    for value in (made.value, sets.value):
        assert value("deposits", "mean_ratio", arm="self_help") == pytest.approx(3.5, abs=0.01)
        with pytest.raises(UsageError, match="several arms: say arm="):
            value("deposits", "mean_ratio")
        with pytest.raises(UsageError, match="no arm 'peer'"):
            value("deposits", "mean_ratio", arm="peer")
    assert "deposits, mean_ratio (self_help): 3.500" in str(made)
    with pytest.raises(UsageError, match="leave arm= out"):
        tk.simulate.scenario("klier_2019", seed=1, people=200).value("self_efficacy", "standardized", arm="peer")


def test_two_arms_are_stored_as_they_were():
    stored = stored_truth("himle_2014")
    assert not any("arm" in row for row in stored.rows)
    spec = load_scenario("himle_2014")
    renamed = spec.model_copy(update={"arms": ("a", "b")})
    assert renamed.world_sha256 == spec.world_sha256
    three = load_scenario("kast_2012_groups")
    assert three.model_copy(update={"arms": ("account", "interest", "self_help")}).world_sha256 != three.world_sha256


def test_allocation_has_exact_numbers_and_whole_clusters():
    part = Allocation(part="allocation", name="arm", shares={"solo": 0.5, "peer": 0.3, "aide": 0.2})
    assert np.bincount(drawn(part, n=1000).codes("arm")).tolist() == [500, 300, 200]
    assert sorted(np.bincount(drawn(part, n=1001).codes("arm")).tolist()) == [200, 300, 501]
    assert (drawn(part, everyone=2)["arm"] == 2).all()
    whole = part.model_copy(update={"clusters": "village"})
    made = drawn(Clusters(part="clusters", name="village", size=(4, 9)), whole)
    village, arm = made.codes("village"), made.codes("arm")
    of = arm[np.unique(village, return_index=True)[1]]
    assert (of[village] == arm).all()
    assert np.abs(np.bincount(of) - len(of) * np.array([0.5, 0.3, 0.2])).max() < 1
    # an odd unit goes to either arm by chance
    even = Allocation(part="allocation", name="arm", shares={"solo": 0.5, "peer": 0.5})
    larger = []
    for seed in range(200):
        people = People(5, ("solo", "peer"), None)
        even.draw(people, stream(seed, "arm"))
        larger.append(people["arm"].sum() == 3)
    assert 70 < sum(larger) < 130


def test_allocation_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="add up to 1"):
        Allocation(part="allocation", name="arm", shares={"solo": 0.5, "peer": 0.4})
    with pytest.raises(PlanError, match="the arms are"):
        drawn(Allocation(part="allocation", name="arm", shares={"solo": 0.5, "other": 0.5}))
    with pytest.raises(DesignError, match="simulate more people"):
        drawn(Allocation(part="allocation", name="arm", shares={"solo": 0.5, "peer": 0.3, "aide": 0.2}), n=2)


def test_an_effect_by_arm_reaches_its_arm_and_may_depend_on_the_person():
    arm = np.arange(8000) % 3
    plain = drawn(ArmEffect(part="armeffect", name="push", effects=EFFECTS), arm=arm)
    assert plain["push"].tolist() == np.array([0.0, 0.6, -0.3])[arm].tolist()
    came = (np.arange(8000) % 2).astype(float)
    scaled = drawn(ArmEffect(part="armeffect", name="push", effects=EFFECTS, times="came"), arm=arm, came=came)
    assert scaled["push"].tolist() == (plain["push"] * came).tolist()
    with pytest.raises(PlanError, match="the arm 'other'"):
        drawn(ArmEffect(part="armeffect", name="push", effects={"other": 1.0}), arm=arm)


def test_unequal_clusters_have_the_number_and_spread_asked_for():
    part = UnequalClusters(part="unequalclusters", name="g", mean_size=12.5, cv=0.8, smallest=3, effects={"y": 0.5})
    made = drawn(part, n=100_000)
    codes = made.codes("g")
    sizes = np.bincount(codes)
    assert len(sizes) == 8000 and sizes.min() >= 3 and len(made.labels["g"]) == 8000
    # multinomial noise: variance of the mean excess over the smallest, on top of that of the weights
    expected = math.sqrt(0.8**2 + (12.5 - 3) / 12.5**2)
    assert sizes.std() / sizes.mean() == pytest.approx(expected, rel=0.06)
    effect = made["cluster effect on y"]
    assert all(np.ptp(effect[codes == k]) == 0 for k in range(20))
    first = effect[np.unique(codes, return_index=True)[1]]
    assert first.std() == pytest.approx(0.5, rel=0.04)
    assert len(np.bincount(drawn(part.model_copy(update={"mean_size": 13.709}), n=2687).codes("g"))) == 196
    with pytest.raises(ValueError, match="below mean_size"):
        UnequalClusters(part="unequalclusters", name="g", mean_size=4, cv=0.8, smallest=4)
    with pytest.raises(DesignError, match="simulate more people"):
        drawn(part, n=10)


def test_a_balance_is_nothing_without_deposits_and_in_proportion_to_them():
    number = np.array([0.0, 1.0, 4.0]).repeat(40_000)
    part = Balance(part="balance", name="b", deposits="d", log_mean=3.0, log_on={"x": 0.5}, log_sd=0.4)
    made = drawn(part, n=120_000, d=number, x=1.0)
    assert (made["b"][number == 0] == 0).all() and (made["b"][number > 0] >= 1).all()
    for k in (1, 4):
        mean = k * math.exp(3.5 + 0.08)
        assert made["b"][number == k].mean() == pytest.approx(mean, rel=4 * 0.417 / 200 + 0.001)
    assert (made["b"] == np.round(made["b"])).all()
