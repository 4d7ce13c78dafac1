"""Lives of groups and the list of those that closed, against Weibull's law and the law of truncation."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.stats import kstest

from trialkit.errors import DesignError
from trialkit.simulate import load_scenario
from trialkit.simulate.components.lifetimes import DAYS_A_YEAR, ClosedGroups
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people
from trialkit.simulate.truth import stored_truth

N = 20_000
GIVEN = dict(part="closedgroups", name="life", window=9496, growth=0.06, shape=1.1, scale=4339.1, alive=[5, 10])
PART = ClosedGroups(**GIVEN)


def drawn(part=PART, n=N, everyone=None) -> People:
    made = People(n, ("nobody", "group"), everyone)
    part.draw(made, stream(1, part.name))
    return made


def density(day: float) -> float:
    """Of the day of founding."""
    rate, total = 0.06 / DAYS_A_YEAR, 0.06 * 9496 / DAYS_A_YEAR
    return rate * np.exp(rate * day) / np.expm1(total)


def survival(day: float) -> float:
    return PART.survival(day / DAYS_A_YEAR)


def test_in_the_truth_lives_are_weibull_and_nothing_is_cut():
    people = drawn(everyone=0)
    for years in (5, 10):
        share = PART.survival(years)
        assert people[f"life_alive_{years}"].mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / N))
    assert people["life_closed"].max() > 9496 and not people.tables
    treated = drawn(everyone=1)
    assert all((people[name] == treated[name]).all() for name in people.values)


def test_foundings_grow_as_stated_and_evenly_without_growth():
    total = 0.06 * 9496 / DAYS_A_YEAR
    began = (drawn(everyone=0)["life_founded"] + 0.5) / 9496
    assert kstest(np.expm1(total * began) / np.expm1(total), "uniform").pvalue > 0.001
    even = drawn(ClosedGroups(**(GIVEN | {"growth": 0.0})), everyone=0)["life_founded"]
    assert kstest((even + 0.5) / 9496, "uniform").pvalue > 0.001


def test_the_data_hold_the_closed_and_the_table_the_others():
    people = drawn()
    assert (people["life_closed"] <= 9496).all() and (people["life_closed"] == people["life_founded"] + people["life_days"]).all()
    running = np.array(people.tables["running"]["founded"])
    still = quad(lambda day: density(day) * survival(9496 - day), 0, 9496)[0]
    total = N + len(running)
    assert len(running) / total == pytest.approx(still, abs=4 * np.sqrt(still * (1 - still) / total))
    assert len(set(people.tables["running"]["group"])) == len(running)


def test_closed_groups_look_short_lived_by_as_much_as_the_law_of_truncation_says():
    people, five = drawn(), 5 * DAYS_A_YEAR
    closed = quad(lambda day: density(day) * (1 - survival(9496 - day)), 0, 9496)[0]
    longer = quad(lambda day: density(day) * (survival(five) - survival(9496 - day)), 0, 9496 - five)[0] / closed
    assert longer < PART.survival(5) - 0.2
    assert people["life_alive_5"].mean() == pytest.approx(longer, abs=4 * np.sqrt(longer * (1 - longer) / N))


def test_a_window_in_which_nothing_closes_is_refused():
    with pytest.raises(DesignError, match="widen"):
        drawn(ClosedGroups(**(GIVEN | {"scale": 1e12})), n=10)
    for wrong in ({"window": 0}, {"shape": 0.0}, {"alive": [0]}):
        with pytest.raises(ValidationError):
            ClosedGroups(**(GIVEN | wrong))


def test_the_stored_truth_is_the_closed_form():
    spec = load_scenario("chaudhary_2010")
    part = spec.part("life")
    for years in (5, 10, 20):
        share = part.survival(years)
        stored = stored_truth("chaudhary_2010").context[f"alive_{years}"]["control_mean"]
        assert stored == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 1_000_000))


def test_the_scenario_has_its_rows_whatever_their_number():
    assert simulate_people(load_scenario("chaudhary_2010"), n=37, entropy=1)["life_days"].shape == (37,)
