"""Each further part on its own, against the law it states."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, poisson

from trialkit.economics import Benefit, Schedule, net_income
from trialkit.errors import DesignError, PlanError
from trialkit.simulate import compute_truth, read_scenario
from trialkit.simulate.components.adverse import AdverseEvents
from trialkit.simulate.components.allocation import SelfSelection, SingleArm
from trialkit.simulate.components.amounts import NetIncome, TwoPart
from trialkit.simulate.components.answers import Attrition, Items
from trialkit.simulate.components.clusters import ClusterAssignment, Clusters
from trialkit.simulate.components.costs import Costs
from trialkit.simulate.components.durations import Censoring, Duration
from trialkit.simulate.components.enrolment import Enrolment, Stage
from trialkit.simulate.components.registry import GroupRegistry
from trialkit.simulate.components.reporting import BiasedItems
from trialkit.simulate.components.spillover import Spillover
from trialkit.simulate.components.traits import Trait
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people

N = 40_000


def drawn(*parts, n=N, everyone=None, **values) -> People:
    made = People(n, ("solo", "peer"), everyone)
    made.values |= {k: np.broadcast_to(np.asarray(v, dtype=float), n).copy() for k, v in values.items()}
    for part in parts:
        part.draw(made, stream(1, part.name))
    return made


HALF = np.arange(N) % 2


def test_self_selection_follows_its_logit_and_truth_overrides_it():
    part = SelfSelection(part="selfselection", name="arm", intercept=-0.5, on={"x": 1.0})
    x = (np.arange(N) % 4 < 2).astype(float)
    made = drawn(part, x=x)
    for level in (0, 1):
        share = 1 / (1 + math.exp(0.5 - level))
        assert made["arm"][x == level].mean() == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) * 2 / N))
    assert (drawn(part, x=x, everyone=1)["arm"] == 1).all() and (drawn(part, x=x, everyone=0)["arm"] == 0).all()
    alone = SingleArm(part="singlearm", name="arm")
    assert (drawn(alone, n=5)["arm"] == 1).all() and (drawn(alone, n=5, everyone=0)["arm"] == 0).all()


def test_clusters_are_whole_in_both_arms_with_effects_of_the_given_size():
    groups = Clusters(part="clusters", name="group", size=(4, 9), effects={"y": 0.7})
    assign = ClusterAssignment(part="clusterassignment", name="arm", clusters="group")
    made = drawn(groups, assign)
    codes = made.codes("group")
    sizes = np.bincount(codes)
    assert sizes.min() >= 4 and sizes.max() <= 9 and sizes.sum() == N
    arms = np.bincount(codes, weights=made["arm"]) / sizes
    assert set(arms) == {0.0, 1.0} and abs(2 * arms.sum() - len(arms)) <= 1
    effect = np.bincount(codes, weights=made["cluster effect on y"]) / sizes
    np.testing.assert_allclose(effect[codes], made["cluster effect on y"], rtol=1e-12)
    assert effect.std() == pytest.approx(0.7, rel=0.04)
    worlds = [drawn(groups, assign, everyone=e) for e in (0, 1)]
    np.testing.assert_array_equal(worlds[0]["cluster effect on y"], worlds[1]["cluster effect on y"])
    with pytest.raises(DesignError, match="one cluster only"):
        drawn(groups, assign, n=5)


def test_spillover_is_the_mean_of_the_others():
    group = np.array([0, 0, 0, 1, 2, 2, np.nan])
    x = np.array([1.0, 2, 6, 5, 3, 4, 9])
    part = Spillover(part="spillover", name="peers", of="x", slope=2.0)
    made = drawn(part, n=7, group=group, x=x, attended=[1, 1, 0, 1, 1, 1, 0])
    np.testing.assert_allclose(made["peers"], [8.0, 7.0, 0.0, 0.0, 8.0, 6.0, 0.0])


ITEMS = dict(scale="jobs_search_self_efficacy", items="j_{item}", trait="t", loading=0.7, thresholds=(-1.5, -0.5, 0.5, 1.5))


def test_biased_items_are_honest_answers_to_a_shifted_trait():
    trait = Trait(part="trait", name="t")
    biased = BiasedItems(part="biaseditems", name="j", bias={"peer": 0.4}, on={"wish": 0.3}, **ITEMS)
    honest = Items(part="items", name="j", **ITEMS)
    wish = np.linspace(-1, 1, N)
    reported = drawn(trait, biased, arm=HALF, wish=wish)
    shifted = drawn(trait, n=N)
    shifted.values["t"] = shifted["t"] + 0.4 * HALF + 0.3 * wish
    honest.draw(shifted, stream(1, "j"))
    for column in honest.columns:
        np.testing.assert_array_equal(reported[column], shifted[column])
    true, world = drawn(trait, honest, arm=HALF), drawn(trait, biased, arm=HALF, wish=wish, everyone=1)
    np.testing.assert_array_equal(world["j_1"], true["j_1"])
    with pytest.raises(PlanError, match="arm 'pear'"):
        drawn(trait, biased.model_copy(update={"bias": {"pear": 1.0}}), arm=HALF, wish=wish)
    with pytest.raises(ValueError, match="the part 'items'"):
        BiasedItems(part="biaseditems", name="j", **ITEMS)


def test_enrolment_selects_on_the_trait_and_keeps_the_funnel():
    stages = (Stage(stage="interested", intercept=0.0, slope=1.0), Stage(stage="enrolled", intercept=0.5, slope=0.5))
    made = drawn(Enrolment(part="enrolment", name="drive", stages=stages))
    grid = np.linspace(-8, 8, 20_001)
    passed = norm.pdf(grid) / (1 + np.exp(-grid)) / (1 + np.exp(-0.5 - 0.5 * grid))
    rate = passed.sum() * (grid[1] - grid[0])
    assert made["drive"].mean() == pytest.approx((grid * passed).sum() / passed.sum(), abs=4 / math.sqrt(N))
    last = np.array(made.tables["funnel"]["last_stage"])
    assert (last == "enrolled").sum() == N and last[-1] == "enrolled"
    assert N / len(last) == pytest.approx(rate, rel=0.02)
    rating = np.array(made.tables["funnel"]["rating"])
    np.testing.assert_array_equal(
        rating[last == "enrolled"], np.searchsorted([-1.5, -0.5, 0.5, 1.5], made["drive"], side="right") + 1
    )
    closed = Enrolment(part="enrolment", name="drive", stages=(Stage(stage="none", intercept=-30.0, slope=0.0),))
    with pytest.raises(DesignError, match="raise the intercepts"):
        drawn(closed, n=10)


def test_two_part_amounts_have_the_stated_zeros_and_mean():
    part = TwoPart(part="twopart", name="saved", intercept=-0.3, effect=0.5, log_mean=5.0, log_effect=0.2, log_sd=0.6)
    made = drawn(part, attended=HALF)
    for came in (0, 1):
        amount = made["saved"][came == HALF]
        share = norm.cdf(-0.3 + 0.5 * came)
        mean = math.exp(5.0 + 0.2 * came + 0.18)
        assert (amount > 0).mean() == pytest.approx(share, abs=4 * math.sqrt(0.25 * 2 / N))
        assert amount[amount > 0].mean() == pytest.approx(mean, rel=0.03)
    assert (made["saved"] == np.round(made["saved"])).all()
    assert drawn(part.model_copy(update={"maximum": 100.0}), attended=HALF)["saved"].max() == 100


def test_net_income_is_that_of_the_public_function():
    part = NetIncome(part="netincome", name="net", gross="pay", tax=((0, 0.2),), benefits=((900, 0.6, 100),), work_costs=50)
    pay = np.linspace(0, 4000, N)
    rules = Schedule([(0, 0.2)], [Benefit(900, taper=0.6, disregard=100)], 50)
    np.testing.assert_array_equal(drawn(part, pay=pay)["net"], np.round(net_income(pay, rules)))
    with pytest.raises(ValueError, match="taper from 0 to 1"):
        NetIncome(part="netincome", name="net", gross="pay", benefits=((900, 60, 100),))


def test_durations_are_weibull_with_the_hazard_ratio():
    part = Duration(part="duration", name="days", shape=1.3, scale=200.0, horizon=365, log_hazard_ratio=math.log(1.6))
    made = drawn(part, attended=HALF)
    for came in (0, 1):
        days, event = made["days"][came == HALF], made["days_event"][came == HALF]
        for day in (30, 120, 250):
            survival = math.exp(-((day / 200) ** 1.3) * 1.6**came)
            assert (days > day).mean() == pytest.approx(survival, abs=4 * math.sqrt(0.25 * 2 / N))
        assert event.mean() == pytest.approx(1 - math.exp(-((365 / 200) ** 1.3) * 1.6**came), abs=0.015)
        assert (days[event == 0] == 365).all() and days.min() >= 1


def test_censoring_hides_only_what_came_later():
    days = Duration(part="duration", name="days", shape=1.0, scale=5000.0, horizon=365)
    loss = Censoring(part="censoring", name="lost", duration="days", monthly=0.05)
    before, after = drawn(days, attended=0), drawn(days, loss, attended=0)
    assert (after["days"] <= before["days"]).all()
    same = after["days"] == before["days"]
    np.testing.assert_array_equal(after["days_event"][same], before["days_event"][same])
    assert (after["days_event"][~same] == 0).all()
    still = (after["days"] > 182).mean()
    assert still == pytest.approx(0.95 ** (182 / 30.4375) * math.exp(-182 / 5000), abs=0.012)


def test_adverse_events_are_poisson_and_listed():
    part = AdverseEvents(
        part="adverseevents",
        name="events",
        rate=0.3,
        log_rate_ratio=math.log(2),
        days=90,
        kinds=("debt", "conflict"),
        shares=(1, 3),
        grades=(3, 1),
    )
    made = drawn(part, attended=HALF)
    for came in (0, 1):
        counts = made["events"][came == HALF]
        for k in range(4):
            assert (counts == k).mean() == pytest.approx(poisson.pmf(k, 0.3 * 2**came), abs=0.014)
    listed = made.tables["adverse_events"]
    np.testing.assert_array_equal(np.bincount(listed["person"], minlength=N + 1)[1:], made["events"])
    assert min(listed["day"]) == 1 and max(listed["day"]) == 90
    assert listed["kind"].count("debt") / len(listed["kind"]) == pytest.approx(0.25, abs=0.015)
    assert listed["grade"].count(1) / len(listed["grade"]) == pytest.approx(0.75, abs=0.015)


def test_group_registry_survival_and_truncation():
    given = dict(part="groupregistry", name="g", founded=N, window=4000, shape=1.2, scale=1500.0)
    every = GroupRegistry(before=0, shown="founded", **given)
    listed = drawn(every, n=4).tables["groups"]
    founded, last, closed = (np.array(listed[k]) for k in ("founded", "last_seen", "closed"))
    early = founded < 2000
    for day in (500, 1500):
        assert (last - founded > day)[early].mean() == pytest.approx(every.survival(day), abs=0.016)
    assert (last[closed == 0] == 4000).all()
    gone = drawn(GroupRegistry(before=0, shown="closed", **given), n=4).tables["groups"]
    lived = np.array(gone["last_seen"]) - np.array(gone["founded"])
    assert (lived > 1500).mean() < every.survival(1500) - 0.05, "only closed groups: survival looks shorter than it is"
    old = drawn(GroupRegistry(before=3000, shown="all", **given), n=4).tables["groups"]
    assert min(old["last_seen"]) >= 1 and min(old["founded"]) < 0


def test_costs_have_their_means_and_groups_share():
    group = np.where(HALF == 1, np.arange(N) // 20, np.nan)
    part = Costs(part="costs", name="cost", everyone=100, attending=50, cv=0.8, per_group=2000, group_log_sd=0.3)
    made = drawn(part, group=group, attended=HALF)
    assert made["cost"][HALF == 0].mean() == pytest.approx(100, rel=0.025)
    assert made["cost"][HALF == 1].mean() == pytest.approx(150 + 200, rel=0.025)
    own = made["cost"][HALF == 0]
    assert own.std() / own.mean() == pytest.approx(0.8, rel=0.06)
    assert np.isnan(made["cost_group"][HALF == 0]).all()
    members = made["cost_group"][group == 7]
    assert len(members) == 10 and np.ptp(members) == 0


def test_loss_may_depend_on_what_is_lost_but_not_on_a_blank():
    y = HALF.astype(float)
    lost = Attrition(part="attrition", name="lost", columns=("y",), intercept=-1.0, on={"y": -1.0})
    made = drawn(lost, y=y)
    for level in (0, 1):
        assert np.isnan(made["y"][level == HALF]).mean() == pytest.approx(1 / (1 + math.exp(1 + level)), abs=0.014)
    again = lost.model_copy(update={"name": "again"})
    with pytest.raises(PlanError, match="left blank; put it before"):
        drawn(lost, again, y=y)


AMOUNT = """
[[parts]]
part = "twopart"
name = "saved"
intercept = { value = 0.0, status = "assumed" }
effect = { value = 0.5, status = "assumed" }
log_mean = { value = 6.0, status = "assumed" }
log_effect = { value = 0.3, status = "assumed" }
log_sd = { value = 0.5, status = "assumed" }

[[outcomes]]
name = "saved"
column = "saved"
label = "Savings"
kind = "number"
"""


def test_truth_of_amounts_in_closed_form(small_text):
    spec = read_scenario(small_text + AMOUNT, "small.toml")
    truth = compute_truth(spec, people=200_000, seed=1, batch=20_000)
    level = math.exp(6 + 0.125)
    never, always = 0.5 * level, norm.cdf(0.5) * math.exp(0.3) * level
    assert truth.value("saved", "difference", "complier") == pytest.approx(always - never, rel=0.02)
    assert truth.value("saved", "mean_ratio") == pytest.approx((never + always) / 2 / never, rel=0.01)
    assert not any(r["metric"] == "odds_ratio" for r in truth.rows if r["outcome"] == "saved")


def test_truth_without_attendance_or_groups_has_intention_to_treat_only(small_text):
    start, end = small_text.index('[[parts]]\npart = "groups"'), small_text.index('[[parts]]\npart = "binary"')
    spec = read_scenario(
        (small_text[:start] + small_text[end:]).replace("effect = { value = 0.6", "effect = { value = 0.0"), "small.toml"
    )
    truth = compute_truth(spec, people=20_000, seed=1, batch=10_000)
    assert {r["estimand"] for r in truth.rows} == {"ITT"} and "people" not in truth.context
    assert "treated_icc" not in truth.context["work"] and truth.value("work", "difference") == 0
    assert simulate_people(spec, n=50, entropy=1)["work"].mean() < 1
