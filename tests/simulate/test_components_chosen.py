"""Groups chosen for success, against the law of the best of many."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from trialkit.simulate import load_scenario
from trialkit.simulate.components.chosen import ChosenGroups
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people

GIVEN = dict(part="chosengroups", name="group", size=[4, 6], one_in=8, reliability=0.7)


def drawn(n=40_000, everyone=None, seed=1, **other) -> People:
    made = People(n, ("nobody", "group"), everyone)
    part = ChosenGroups(**(GIVEN | other))
    part.draw(made, stream(seed, part.name))
    return made


def quality(people: People) -> np.ndarray:
    """Of each group."""
    _, first = np.unique(people["group"], return_index=True)
    return people["group quality"][first]


def test_the_chosen_have_the_quality_of_the_best_eighth_times_reliability():
    share = 1 / 8
    mean = 0.7 * norm.pdf(norm.ppf(1 - share)) / share
    groups = quality(drawn())
    assert len(groups) == 8000
    # Variance of a normal above its cut-off, times reliability squared, plus what reputation does not tell.
    cut = norm.ppf(1 - share)
    above = norm.pdf(cut) / share
    variance = 1 - 0.7**2 * above * (above - cut)
    assert groups.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / len(groups)))
    assert groups.var() == pytest.approx(variance, abs=0.05)


@pytest.mark.parametrize("everyone", [0, 1])
def test_in_the_truth_nobody_chooses(everyone):
    groups = quality(drawn(everyone=everyone))
    assert groups.mean() == pytest.approx(0, abs=4 / np.sqrt(len(groups)))
    assert groups.var() == pytest.approx(1, abs=0.07)


def test_both_worlds_are_the_same_and_one_candidate_each_is_no_choice():
    worlds = [drawn(everyone=k) for k in (0, 1)]
    assert all((worlds[0][name] == worlds[1][name]).all() for name in worlds[0].values)
    free = drawn(one_in=1)
    assert (free["group quality"] == worlds[0]["group quality"]).all()


def test_a_useless_reputation_chooses_nothing_and_a_perfect_one_the_best():
    assert quality(drawn(reliability=0)).mean() == pytest.approx(0, abs=4 / np.sqrt(8000))
    assert quality(drawn(reliability=1)).min() == pytest.approx(norm.ppf(7 / 8), abs=0.05)


def test_sizes_labels_and_order_say_nothing_of_quality():
    people = drawn(n=134, size=[24, 30])
    sizes = np.bincount(people["group"].astype(int))
    assert len(sizes) == 5 and sizes.sum() == 134 and sizes.min() >= 24 and sizes.max() <= 30
    assert people.labels["group"] == ("G01", "G02", "G03", "G04", "G05")
    many = drawn()
    by_group = quality(many)
    assert abs(np.corrcoef(np.arange(len(by_group)), by_group)[0, 1]) < 4 / np.sqrt(len(by_group))


def test_impossible_tables_are_refused():
    for wrong in ({"size": [6, 4]}, {"one_in": 0}, {"reliability": 1.2}):
        with pytest.raises(ValidationError):
            ChosenGroups(**(GIVEN | wrong))


def test_other_parts_keep_their_random_numbers():
    spec = load_scenario("venkatesh_2010")
    without = spec.model_copy(update={"parts": tuple(p for p in spec.parts if p.name in ("arm", "age", "years_member"))})
    whole, less = (simulate_people(s, n=134, entropy=1) for s in (spec, without))
    assert (whole["age"] == less["age"]).all() and (whole["years_member"] == less["years_member"]).all()
