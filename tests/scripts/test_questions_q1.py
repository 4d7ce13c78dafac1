"""The questions answered by trials: the town they share, the guide, and the first six of them."""

from __future__ import annotations

import doctest
import importlib.util
import math
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import UsageError

HERE = Path(__file__).parents[2] / "analyses" / "questions"
SLUGS = ("empowerment", "composition", "institutional_support", "online_or_meeting", "prevention_or_cure", "persistence")


def module(name: str) -> ModuleType:
    """A module of the folder under the name by which the scripts import it, so that answers are kept over tests."""
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert found is not None and found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


telling, town, guide = module("telling"), module("town"), module("guide")


def script(slug: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"question_{slug}", HERE / slug / "run.py")
    assert found is not None and found.loader is not None
    run = importlib.util.module_from_spec(found)
    found.loader.exec_module(run)
    return run


# the town


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    pd.testing.assert_frame_equal(town.people(300, seed=1), town.people(300, seed=1))
    assert not town.people(300, seed=1)["motivation"].equals(town.people(300, seed=2)["motivation"])


def test_the_traits_hang_together_and_stay_in_their_ranges() -> None:
    people = town.people(4000, seed=3)
    for column, low, high in (("motivation", 1, 7), ("self_efficacy_t0", 1, 4), ("online_skill", 1, 5), ("social_t0", 0, 10)):
        assert people[column].between(low, high).all()
    together = people.corr(numeric_only=True)
    assert together.loc["income_t0", "institutional_t0"] > 0.4
    assert together.loc["motivation", "self_efficacy_t0"] > 0.4
    assert together.loc["debt_t0", "income_t0"] < -0.2
    assert people["poorest"].mean() == 0.2
    assert (
        people.loc[people["poorest"] == 1, "would_enrol"].mean() < people.loc[people["poorest"] == 0, "would_enrol"].mean() - 0.1
    )


def test_one_more_outcome_leaves_the_others_as_they_were() -> None:
    people = town.people(200, seed=1)
    alone = town.scores(people, "y", seed=1)
    town.binary(people, "z", seed=1, share=0.4)
    assert (town.scores(people, "y", seed=1) == alone).all()
    # the name of an outcome may be that of a trait without drawing the same numbers
    assert abs(np.corrcoef(town.scores(people, "social", seed=1), people["social_t0"])[0, 1]) < 0.3


def test_groups_are_of_the_treated_only_within_districts_and_of_the_size_asked_for() -> None:
    people = town.people(600, seed=1)
    treated = town.allocate(people, seed=1) == "group"
    labels = pd.Series(town.groups(people, treated, seed=1, size=(8, 12)))
    assert (labels.notna() == treated).all()
    assert labels.value_counts().between(8, 15).all()
    assert people.groupby(labels)["district"].nunique().max() == 1


def test_groups_of_people_alike_differ_from_each_other_and_not_within() -> None:
    people = town.people(400, seed=1)
    everybody = np.ones(400, dtype=bool)
    alike = town.groups(people, everybody, seed=1, by=None, alike="income_t0")
    mixed = town.groups(people, everybody, seed=1, by=None)
    spread = [people.groupby(g)["income_t0"].std().mean() for g in (alike, mixed)]
    assert spread[0] < spread[1] / 4


def test_scores_have_the_effect_the_persistence_and_the_intraclass_correlation_asked_for() -> None:
    people = town.people(20_000, seed=5)
    treated = town.allocate(people, seed=5) == "group"
    group = town.groups(people, treated, seed=5, size=(10, 10))
    y = town.scores(people, "y", seed=5, effect=0.3 * treated, group=group, group_sd=0.5, baseline="social_t0", sd=2, mean=7)
    assert y[~treated].mean() == pytest.approx(7, abs=0.08) and y[~treated].std() == pytest.approx(2, abs=0.05)
    assert np.corrcoef(y[~treated], people["social_t0"][~treated])[0, 1] == pytest.approx(0.6, abs=0.02)
    assert y[treated].mean() - y[~treated].mean() == pytest.approx(0.6, abs=0.15)
    members = pd.Series(y[treated]).groupby(group[treated])
    between = members.mean().var() - members.var().mean() / 10
    assert between / (between + members.var().mean()) == pytest.approx(0.2, abs=0.03)


def test_shares_and_times_are_those_asked_for() -> None:
    people = town.people(20_000, seed=5)
    assert town.binary(people, "b", seed=5, share=0.3, on="motivation").mean() == pytest.approx(0.3, abs=0.01)
    days, seen = town.time_to(people, "t", seed=5, median_days=200, hazard_ratio=np.ones(20_000), horizon=200)
    assert seen.mean() == pytest.approx(0.5, abs=0.015) and days.max() == 200
    assert town.lost(people, seed=5, share=0.2).mean() == pytest.approx(0.2, abs=0.01)


def test_the_expected_chances_are_the_mean_over_many_groups() -> None:
    people = town.people(20_000, seed=5)
    asked = {"seed": 5, "share": 0.3, "effect": 0.6, "on": "motivation"}
    group = [f"g{i // 5}" for i in range(20_000)]
    drawn = town.chances(people, "b", group=group, group_sd=1.0, **asked)
    assert town.expected_chances(people, "b", group_sd=1.0, **asked).mean() == pytest.approx(drawn.mean(), abs=0.01)


def test_net_income_rises_more_slowly_than_what_is_earned_and_childcare_is_paid_by_those_who_work() -> None:
    net = town.net_income([0, 500, 1500, 3000], lone_parent=[0, 0, 0, 0])
    assert (np.diff(net) < np.diff([0, 500, 1500, 3000])).all()
    assert town.net_income([0, 1500], lone_parent=[1, 1], childcare=250).tolist() == pytest.approx(
        [net[0] + 420, net[2] + 420 - 250]
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda p: town.people(2, seed=1), "at least 5"),
        (lambda p: town.binary(p, "b", seed=1, share=1.2), "between 0 and 1"),
        (lambda p: town.groups(p, [True] * 3, seed=1), "for each row"),
        (lambda p: town.groups(p, np.arange(60) < 5, seed=1), "too few"),
        (lambda p: town.scores(p.assign(same=1), "y", seed=1, baseline="same"), "one value only"),
    ],
)
def test_what_cannot_be_made_is_refused(call, said) -> None:
    with pytest.raises(UsageError, match=said):
        call(town.people(60, seed=1))


@pytest.mark.parametrize("file", [town, telling], ids=lambda m: m.__name__)
def test_its_examples_run(file) -> None:
    assert doctest.testmod(file).failed == 0


# words


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.25, 0.5, "is there, and large enough to matter."),
        (0.05, 0.15, "is there, but too small to matter."),
        (0.05, 0.4, "stays open."),
        (-0.4, -0.1, "goes the wrong way"),
        (-0.1, 0.1, "may be nothing at all."),
        (-0.1, 0.4, "is not settled"),
    ],
)
def test_a_verdict_never_says_more_than_its_interval(low, high, said) -> None:
    assert said in telling.verdict(low, high, 0.2, of="It")


@pytest.mark.parametrize(
    ("value", "said"), [(1234.5, "1,234"), (-0.004, "-0.004"), (0.0, "0.00"), (-0.0001, "0.000"), (0.126, "0.13")]
)
def test_numbers_are_rounded_for_reading(value, said) -> None:
    assert telling.number(value) == said


# the questions


@pytest.mark.parametrize("slug", SLUGS)
def test_it_answers(slug, capsys) -> None:
    answer = guide.answer(slug)
    assert answer["low"] < answer["estimate"] < answer["high"]
    assert answer["low"] <= answer["truth"] <= answer["high"]
    assert not answer["low"] <= answer["naive"] <= answer["high"] or slug == "composition"
    telling.show(answer)
    printed = capsys.readouterr().out
    assert answer["conclusion"] in printed and telling.interval(answer) in printed


@pytest.mark.parametrize("slug", SLUGS)
def test_its_plan_loads_and_can_be_run_in_full(slug) -> None:
    plan = tk.Plan.load(HERE / slug / "plan.toml")
    frame = script(slug).data()
    assert plan.spec.design.units == len(frame)
    assert plan.run(frame).not_run == ()


def test_a_script_run_from_the_shell_prints_its_answer_and_refuses_arguments(capsys) -> None:
    run = script("composition")
    assert run.main(["--seed", "2"]) == 2
    assert run.main([]) == 0
    assert "inverted U" in capsys.readouterr().out


def ends(row: dict[str, str]) -> tuple[float, ...]:
    low, high = row["interval"].split(" to ")
    return tuple(float(v.replace(",", "")) for v in (low, row["truth"], high))


def test_empowerment_the_short_cut_takes_time_and_talent_for_the_programme() -> None:
    answer = guide.answer("empowerment")
    assert answer["naive"] > 1.5 * answer["truth"]
    assert 0 < answer["breakpoint"] < 1
    # the section says so
    missed = [r["what"] for r in answer["rows"] if not ends(r)[0] <= ends(r)[1] <= ends(r)[2]]
    assert missed == ["social capital, all randomized"]


def test_composition_spread_is_what_was_randomized_and_the_straight_line_is_not_the_hump() -> None:
    answer = guide.answer("composition")
    spread = answer["spread"]
    assert spread["alike"] < 0.5 * spread["moderate"] < 0.5 * spread["wide"]
    hump, line = answer["rows"][0], answer["rows"][2]
    assert hump["truth"] == "0.30" and line["truth"] == "0.05"
    # both comparisons must show an inverted U before the sentence says there is one
    both = all(not r["interval"].startswith("-") for r in answer["rows"][:2])
    assert ("as an inverted U has it" in answer["conclusion"]) == both


def test_support_the_turn_needs_both_steps() -> None:
    run = script("institutional_support")

    class Step:
        def __init__(self, estimate: float, p_value: float):
            self.estimate, self.p_value = estimate, p_value

    assert run.turn(Step(0.3, 0.02), Step(-0.2, 0.04)) == pytest.approx(0.02)
    assert run.turn(Step(0.3, 0.02), Step(0.2, 0.04)) == pytest.approx(0.98)
    assert run.turn(Step(-0.3, 0.001), Step(-0.2, 0.001)) == pytest.approx(0.9995)


def test_support_an_analysis_without_clubs_is_too_sure() -> None:
    with_clubs, without = (
        r["interval"].split(" to ") for r in (guide.answer("institutional_support")["rows"][i] for i in (0, 4))
    )
    width = [float(high) - float(low) for low, high in (with_clubs, without)]
    assert width[1] < 0.85 * width[0]


def test_online_is_as_good_only_if_both_analyses_stay_within_the_margin() -> None:
    answer = guide.answer("online_or_meeting")
    within = min(answer["low"], answer["complier_low"]) > -0.2
    assert answer["conclusion"].startswith("Online loses less than the margin") == within
    # those who choose online would have done well anyway
    assert answer["naive"] > answer["truth"] + 0.05


def test_prevention_or_cure_says_which_is_larger_by_the_interaction_only() -> None:
    answer = guide.answer("prevention_or_cure")
    low, high = (float(v) for v in answer["rows"][2]["interval"].split(" to "))
    settled = low > 0 or high < 0
    assert ("is not settled" not in answer["conclusion"]) == settled
    assert answer["naive"] > 2 * answer["truth"]


def test_persistence_truth_is_that_of_many_people() -> None:
    run, rng, n = script("persistence"), np.random.default_rng(1), 400_000
    rate = math.log(2) / run.MEDIAN_DAYS * run.HAZARD_RATIO * np.exp(run.GROUP_SD * rng.standard_normal(n))
    start, kept = rng.exponential(1 / rate), rng.exponential(run.KEPT_DAYS, n)
    there = (start < run.HORIZON) & (start + kept > run.HORIZON)
    assert run.in_work(True) == pytest.approx(there.mean(), abs=0.003)
    spent = np.clip(np.minimum(start + kept, run.HORIZON) - start, 0, None)
    assert run.days_in_work(True) == pytest.approx(spent.mean(), abs=1.0)


# the guide


@pytest.mark.parametrize("slug", guide.slugs())
def test_the_guide_says_what_the_script_finds(slug) -> None:
    readme = (HERE / "README.md").read_text("utf-8")
    assert guide.row(slug) in readme, "python analyses/questions/guide.py writes it anew"
    assert guide.part(slug) in readme, "python analyses/questions/guide.py writes it anew"


def test_the_guide_is_whole_and_its_links_lead_somewhere() -> None:
    readme = (HERE / "README.md").read_text("utf-8")
    assert readme.startswith(guide.INTRODUCTION)
    assert len(re.findall(r"^\| \[", readme, re.MULTILINE)) == len(guide.slugs())
    headings = {guide.anchor(line.lstrip("# ")) for line in readme.splitlines() if line.startswith("#")}
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif "://" not in link:
            assert (HERE / link).exists(), link


@pytest.mark.parametrize("slug", SLUGS)
def test_its_section_is_for_a_reader_in_a_hurry(slug) -> None:
    section = (HERE / slug / "README.md").read_text("utf-8")
    assert 15 <= len(section.splitlines()) <= 45
    for part in ("The question", "The trial", "Its size", "Its analysis", "What it cannot tell"):
        assert f"**{part}.**" in section


def test_a_question_that_is_not_there_is_refused(capsys) -> None:
    assert guide.main(["no_such_question"]) == 2
    assert "no question 'no_such_question'" in capsys.readouterr().err
