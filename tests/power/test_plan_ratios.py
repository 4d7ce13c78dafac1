"""The paragraph of a plan for counts, times, ordered outcomes and margins: the family asked, its words, what is left aside."""

from __future__ import annotations

import math

import pytest

import trialkit as tk
from tests.power.test_plan_answer import COLUMN, answer, grouped

p = tk.power
DESIGN = "units = 288\ngroups = { size = [12, 12] }\nassumptions = { icc = 0.05, attrition = 0.1 }"
SIZES = {"group_size": (12,) * 12, "controls": 144, "icc": 0.05}
TIME = 'time = "w"\nevent = "e"\nmeasure = "hazard_ratio"\nbetter = "lower"\n'


def test_counts_in_groups():
    outcome = f'{COLUMN}\nmeasure = "rate_ratio"\nassume = {{ control_mean = 4, dispersion = 2, effect = 1.4 }}'
    (one,) = grouped(design=DESIGN, outcome=outcome).answers
    base = {"control_mean": 4, "variance_ratio": 2, **SIZES, "attrition": 0.1}
    assert one.detectable.rate_ratio == pytest.approx(p.count(**base, power=0.8).rate_ratio)
    assert one.assumed.power == pytest.approx(p.count(**base, rate_ratio=1.4).power)
    more = p.count(**{**base, "group_size": (12,) * 14}, power=0.8).rate_ratio
    assert (
        f"you detect a rate ratio of {one.detectable.rate_ratio:.3g} with 80 % probability; two more groups would bring it to {more:.3g}"
        in str(one)
    )
    assert "a variance 2 times the mean" in str(one) and "intracluster correlation 0.05" in one.used


def test_a_fall_is_looked_for_below_one():
    outcome = f'{COLUMN}\nmeasure = "rate_ratio"\nbetter = "lower"\nassume = {{ control_mean = 4 }}'
    (one,) = answer(outcome=outcome).answers
    assert one.detectable.rate_ratio < 1
    assert p.count(rate_ratio=one.detectable.rate_ratio, control_mean=4, n_per_arm=100).power == pytest.approx(0.8)


def test_take_up_of_counts_is_turned_into_that_of_takers():
    outcome = f'{COLUMN}\nmeasure = "rate_ratio"\nbetter = "higher"\nassume = {{ control_mean = 4 }}'
    (one,) = answer(outcome=outcome, design="units = 200\nassumptions = { take_up = 0.8 }").answers
    among = 1 + (one.detectable.rate_ratio - 1) / 0.8
    assert f"it takes {among:.3g} among those who do" in str(one)
    (compliers,) = answer(
        outcome=f'{outcome}\nestimand = {{ population = "compliers" }}',
        data='uptake = "came"',
        design="units = 200\nassumptions = { take_up = 0.8 }",
    ).answers
    assert compliers.detectable.rate_ratio == pytest.approx(among)


@pytest.mark.parametrize("shape", [1.0, 1.6])
def test_times_in_groups_and_alone(shape):
    """A Weibull time has the events of an exponential one on the scale of time to the power of its shape."""
    outcome = TIME + f"assume = {{ control_median = 20, follow_up = 30, hazard_ratio = 1.5, shape = {shape} }}"
    seen = [1 - math.exp(-math.log(2) * h * 1.5**shape) for h in (1.0, 1.5)]
    (alone,) = answer(outcome=outcome).answers
    by_hand = p.time_to_event(hazard_ratio=1.5, n=200, event_probability=sum(seen) / 2)
    assert alone.assumed.power == pytest.approx(by_hand.power, abs=1e-9)
    (one,) = grouped(outcome=outcome).answers
    assert one.assumed.power < p.time_to_event(hazard_ratio=1.5, n=288, event_probability=sum(seen) / 2).power
    assert one.detectable.hazard_ratio > 1 and "you detect a hazard ratio of" in str(one) and "median time 20" in str(one)


def test_ordered_outcomes_in_clusters():
    outcome = (
        f'{COLUMN}\nmeasure = "proportional_odds"\nbetter = "higher"\nassume = {{ shares = [0.2, 0.3, 0.5], odds_ratio = 1.8 }}'
    )
    (one,) = answer(outcome=outcome, data='cluster = "c"', design="units = 600\nclusters = 30").answers
    same = p.ordinal(odds_ratio=1.8, control_shares=(0.2, 0.3, 0.5), clusters=30, cluster_size=20, icc=0.05)
    assert one.assumed.power == pytest.approx(same.power)
    assert "one more cluster per arm" in str(one)


def test_a_baseline_of_a_ratio_is_left_aside():
    outcome = f'{COLUMN}\nmeasure = "rate_ratio"\nassume = {{ control_mean = 4, baseline_correlation = 0.5 }}'
    assert "Left aside: baseline correlation 0.5, because the formula of a ratio has none" in str(answer(outcome=outcome))


def test_restricted_means_point_to_simulation():
    outcome = 'time = "w"\nevent = "e"\nmeasure = "rmst_difference"\ntau = 20\nbetter = "lower"'
    (one,) = answer(outcome=outcome).answers
    assert one.detectable is None and "simulate the plan" in str(one)


def test_strata_that_explain_something():
    text = {"design": 'units = 200\nscheme = "stratified"', "data": 'strata = ["agency"]'}
    (one,) = answer(**text, outcome=f"{COLUMN}\nassume = {{ strata_r2 = 0.2 }}").answers
    assert one.detectable.effect == pytest.approx(p.individual(n_per_arm=100, power=0.8, strata_r2=0.2).effect)
    assert "strata that explain 20 % of the variance" in one.used and "what strata explain" not in str(one)
    assert "Left aside: what strata explain" in str(answer(**text))


def margin_text(outcome, **parts):
    return next(
        s for s in grouped(outcome=outcome, **parts).answers[0].sentences if s.startswith(("Non-inf", "Equiv", "Power against"))
    )


def percent(power):
    return f"{100 * power:.1f}".removesuffix(".0") + " %"


def test_a_margin_of_means_in_groups():
    text = margin_text(f'{COLUMN}\nbetter = "higher"\nnoninferiority = 2\nassume = {{ sd = 8, effect = 1 }}')
    base = {"sd": 8, "group_size": (12,) * 12, "controls": 144, "icc": 0.05}
    for effect in (0, 1):
        assert percent(p.noninferiority(margin=2, effect=effect, **base).power) in text
    assert f"80 % needs a margin of {p.noninferiority(power=0.8, **base).margin:.3g}" in text
    worse = margin_text(f'{COLUMN}\nbetter = "lower"\nnoninferiority = 2\nassume = {{ sd = 8, effect = 1 }}')
    assert percent(p.noninferiority(margin=2, effect=-1, **base).power) in worse


def test_a_margin_of_means_in_unknown_units_is_left_out():
    assert "Add its SD to assume" in margin_text(f'{COLUMN}\nbetter = "higher"\nnoninferiority = 2')


def test_equivalence_of_rates_in_groups():
    text = margin_text(f'{COLUMN}\nmeasure = "risk_difference"\nequivalence = 0.15\nassume = {{ control_rate = 0.3 }}')
    found = p.equivalence(margin=0.15, control_rate=0.3, group_size=(12,) * 12, controls=144, icc=0.05)
    assert f"Equivalence within 15 percentage points is shown with {percent(found.power)} probability" in text


def test_margins_of_ratios():
    text = margin_text(
        f'{COLUMN}\nmeasure = "rate_ratio"\nbetter = "higher"\nnoninferiority = 0.8\nassume = {{ control_mean = 4, effect = 1.1 }}'
    )
    base = {"margin": 0.8, "control_mean": 4, **SIZES}
    for ratio in (1, 1.1):
        assert percent(p.noninferiority(ratio=ratio, **base).power) in text
    assert "Non-inferiority within a rate ratio of 0.8" in text
    rates = margin_text(
        f'{COLUMN}\nmeasure = "risk_ratio"\nbetter = "lower"\nnoninferiority = 1.3\nassume = {{ control_rate = 0.3 }}'
    )
    assert "within a risk ratio of 1.3" in rates
    hazards = margin_text(TIME + "noninferiority = 0.8\nassume = { control_median = 20, follow_up = 30 }")
    assert "within a hazard ratio of 0.8" in hazards
    wins = margin_text(
        f'{COLUMN}\nmeasure = "win_odds"\nbetter = "higher"\nnoninferiority = 0.8\nassume = {{ shares = [0.2, 0.3, 0.5] }}'
    )
    assert "within win odds of 0.8" in wins


def test_a_margin_of_compliers_is_diluted():
    design = DESIGN.replace("attrition = 0.1", "take_up = 0.8")
    outcome = f'{COLUMN}\nbetter = "higher"\nnoninferiority = 2\nassume = {{ sd = 8 }}\nestimand = {{ population = "compliers" }}'
    (one,) = answer(peer="grouped = true", data='group = "g"\nuptake = "came"', design=design, outcome=outcome).answers
    base = {"sd": 8, "group_size": (12,) * 12, "controls": 144, "icc": 0.05}
    assert percent(p.noninferiority(margin=1.6, **base).power) in str(one)
    assert f"a margin of {p.noninferiority(power=0.8, **base).margin / 0.8:.3g}" in str(one)
