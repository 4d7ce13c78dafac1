"""The paragraph that answers a plan: family, sizes, assumptions used and supplied, refusals."""

from __future__ import annotations

import json

import pytest

import trialkit as tk
from trialkit.errors import PlanError
from trialkit.plan.reading.load import parse_plan

PLAN = """\
schema_version = 1
[trial]
title = "t"
population = "people"
[arms]
solo = {{ control = true{solo} }}
peer = {{ {peer} }}
{arms}
[data]
unit = "id"
arm = "arm"
{data}
[design]
{design}
{more}
[[outcomes]]
name = "y"
label = "Well-being"
role = "primary"
{outcome}
"""
COLUMN = 'column = "y1"'


def answer(**parts: str) -> tk.power.PowerAnswer:
    filled = {"solo": "", "peer": "", "arms": "", "data": "", "design": "units = 200", "more": "", "outcome": COLUMN} | parts
    return tk.power.answer_for_plan(parse_plan(PLAN.format(**filled)))


def grouped(
    design: str = "units = 288\ngroups = { size = [12, 12] }\nassumptions = { icc = 0.05 }", **parts: str
) -> tk.power.PowerAnswer:
    return answer(peer="grouped = true", data='group = "g"', design=design, **parts)


def test_groups_in_one_arm():
    (one,) = grouped().answers
    found = tk.power.grouped(groups=12, group_size=12, controls=144, icc=0.05, power=0.8)
    more = tk.power.grouped(groups=14, group_size=12, controls=144, icc=0.05, power=0.8)
    larger = tk.power.grouped(groups=12, group_size=17, controls=144, icc=0.05, power=0.8)
    assert one.detectable.effect == pytest.approx(found.effect, abs=1e-12)
    assert one.sentences[0].startswith(
        f"With 12 groups of 12 and 144 controls you detect {found.effect:.2f} SD with 80 % probability; two more groups would bring it to {more.effect:.2f}; "
    )
    assert f"five more members a group to {larger.effect:.2f}" in one.sentences[0]
    assert one.contrast == "peer - solo" and "intracluster correlation 0.05" in one.used


def test_what_is_unsaid_is_named():
    text = str(grouped(design="units = 100"))
    for part in (
        "groups of 12 (design groups)",
        "intracluster correlation 0.05 (icc",
        "nobody lost to follow-up (attrition)",
        "assume sd",
    ):
        assert part in text.split("Not in the plan and supplied here: ")[1]


def test_people_that_do_not_divide_make_groups_that_differ_by_one():
    (one,) = grouped(design="units = 100\ngroups = { size = [10, 15] }").answers
    assert one.detectable.group_size == (13, 13, 12, 12) and one.sentences[0].startswith(
        "With 4 groups of 12 or 13 and 50 controls"
    )


def test_an_outcome_in_its_own_units_with_a_baseline():
    outcome = (
        f'{COLUMN}\nbaseline = "y0"\nsmallest_worthwhile = 2\nassume = {{ effect = -3, sd = 8, baseline_correlation = 0.6 }}'
    )
    (one,) = grouped(outcome=outcome).answers
    assumed = tk.power.grouped(groups=12, group_size=12, controls=144, icc=0.05, sd=8, effect=3, baseline_correlation=0.6)
    assert one.assumed.power == pytest.approx(assumed.power)
    text = str(one)
    assert (
        "you detect a difference of 2.63 (0.33 SD)" in text
        and "The effect you assume, a difference of 3 (0.38 SD), is detected with 89.1 %" in text
    )
    assert "The smallest effect that would matter, a difference of 2 (0.25 SD)" in text and "baseline correlation 0.6" in text


def test_an_effect_in_unknown_units_is_not_judged():
    (one,) = answer(outcome=f"{COLUMN}\nsmallest_worthwhile = 2\nassume = {{ effect = 3 }}").answers
    assert one.assumed is None
    assert str(one).count("add its SD to assume to have it judged") == 2


def test_a_rate_that_falls():
    outcome = f'{COLUMN}\nmeasure = "risk_difference"\nassume = {{ control_rate = 0.3, effect = -0.15 }}'
    (one,) = answer(outcome=outcome).answers
    assert one.detectable.function == "binary"
    assert "a fall from 30 % to 15 %" in str(one)
    same = tk.power.binary(control_rate=0.3, effect=-0.15, n_per_arm=100)
    assert one.assumed.power == pytest.approx(same.power, abs=1e-10)


@pytest.mark.parametrize(
    ("measure", "assume", "rate"), [("risk_ratio", "effect = 1.5", "45 %"), ("odds_ratio", "odds_ratio = 2", "46.2 %")]
)
def test_ratios_become_differences(measure, assume, rate):
    (one,) = answer(outcome=f'{COLUMN}\nmeasure = "{measure}"\nassume = {{ control_rate = 0.3, {assume} }}').answers
    assert f"a rise from 30 % to {rate}" in str(one)


def test_an_effect_that_the_rate_has_no_room_for_is_said():
    (one,) = answer(outcome=f'{COLUMN}\nmeasure = "risk_ratio"\nassume = {{ control_rate = 0.6, effect = 2.0 }}').answers
    assert one.assumed is None and "does not fit a rate of 60 %" in str(one)


def test_whole_clusters():
    parts = {"data": 'cluster = "c"', "design": "units = 600\nclusters = 30\nassumptions = { icc = 0.1, attrition = 0.1 }"}
    (one,) = answer(**parts).answers
    assert one.detectable.effect == pytest.approx(
        tk.power.clustered(clusters=30, cluster_size=20, icc=0.1, attrition=0.1, power=0.8).effect
    )
    assert "15 and 15 clusters of 20 people" in str(one) and "one more cluster per arm" in str(one)


def test_several_arms_and_the_correction_for_them():
    text = answer(
        arms="third = { grouped = true }",
        data='group = "g"',
        design="units = 600",
        more='[multiplicity]\nmethod = "holm"\n[analysis]\ncontrasts = "all"',
    )
    assert [a.contrast for a in text.answers] == ["peer - solo", "third - solo", "third - peer"]
    assert [a.detectable.function for a in text.answers] == ["individual", "grouped", "grouped"]
    strict = tk.power.individual(n_per_arm=200, power=0.8, alpha=0.05 / 3).effect
    assert f"for the 3 tests of its family you detect {strict:.2f} at worst" in str(text)


def test_groups_in_both_arms():
    (one,) = grouped(solo=", grouped = true").answers
    both = tk.power.grouped(groups=12, group_size=12, control_groups=12, control_group_size=12, icc=0.05, power=0.8)
    assert one.detectable.effect == pytest.approx(both.effect) and "12 groups of 12 against 12 groups of 12" in str(one)


def test_take_up_translates_the_effect_or_dilutes_it():
    design = "units = 200\nassumptions = { take_up = 0.8 }"
    everyone, among = (
        answer(design=design).answers[0],
        answer(design=design, data='uptake = "came"', outcome=f'{COLUMN}\nestimand = {{ population = "compliers" }}').answers[0],
    )
    assert everyone.detectable.effect == pytest.approx(tk.power.individual(n_per_arm=100, power=0.8).effect)
    assert "it takes 0.50 SD among those who do" in str(everyone)
    assert among.detectable.effect == pytest.approx(everyone.detectable.effect / 0.8)


def test_a_baseline_correlation_without_a_baseline_is_left_aside():
    (one,) = answer(design="units = 200\nassumptions = { baseline_correlation = 0.5 }").answers
    assert "Left aside: baseline correlation 0.5, because the outcome has no baseline" in str(one)
    assert "baseline_correlation" not in one.detectable.inputs


def test_measures_without_power_say_so():
    (one,) = answer(outcome=f'{COLUMN}\nmeasure = "quantile"').answers
    assert one.detectable is None and "No formula is known for power with measure 'quantile'" in str(one)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"design": 'scheme = "complete"'}, "units is missing"),
        ({"data": 'cluster = "c"'}, "clusters is missing"),
        (
            {"peer": "grouped = true", "data": 'group = "g"', "design": "units = 16\ngroups = { size = [12, 12] }"},
            "fewer than two groups of 12",
        ),
        ({"data": 'cluster = "c"', "design": "units = 200\nclusters = 2"}, "fewer than 2 clusters"),
        ({"design": "units = 2"}, "fewer than 2 people"),
    ],
)
def test_designs_without_an_answer(parts, words):
    with pytest.raises(PlanError, match=words):
        answer(**parts)


def test_json(tmp_path):
    written = json.dumps(grouped().to_dict(), allow_nan=False)
    content = json.loads(written)
    (one,) = content["answers"]
    assert one["paragraph"].startswith("With 12 groups") and one["detectable"]["details"]["solved_for"] == "effect"
    assert isinstance(tk.Result.from_dict(one["detectable"]), tk.power.PowerResult)
