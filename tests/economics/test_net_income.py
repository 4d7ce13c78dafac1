"""Net income: worked examples, the shape of the function, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialkit.economics import Benefit, Schedule, net_income
from trialkit.errors import UsageError

RULES = Schedule(
    tax=[(0, 0.10), (2000, 0.40)],
    benefits=[Benefit(1200, taper=0.75, disregard=200), Benefit(300, taper=0.2)],
    work_costs=150,
)


@pytest.mark.parametrize(
    ("gross", "net"),
    [
        (0, 1500),  # both benefits whole, no costs of working
        (200, 200 - 20 + 1200 + 260 - 150),
        (1000, 1000 - 100 + 600 + 100 - 150),
        (1800, 1800 - 180 + 0 + 0 - 150),
        (3000, 3000 - 200 - 400 - 150),
    ],
)
def test_by_hand(gross, net):
    assert float(net_income(gross, RULES)) == pytest.approx(net, abs=1e-9)


@given(gross=st.floats(0, 1e5), more=st.floats(0.01, 100))
def test_marginal_rates_lie_between_the_steepest_taper_and_untaxed(gross, more):
    rules = Schedule(tax=RULES.tax, benefits=RULES.benefits)
    gain = float(net_income(gross + more, rules) - net_income(gross, rules))
    assert (1 - 0.40 - 0.75 - 0.2) * more - 1e-6 <= gain <= more + 1e-6


def test_continuous_but_for_the_costs_of_working():
    edge = np.array([1e-9, 200, 1500, 1800, 2000])
    jumps = net_income(edge + 1e-6, RULES) - net_income(np.maximum(edge - 1e-12, 1e-12), RULES)
    assert np.abs(jumps).max() < 1e-4
    assert float(net_income(0, RULES) - net_income(1e-9, RULES)) == pytest.approx(150, abs=1e-6)


def test_without_rules_net_is_gross_and_unknown_stays_unknown():
    given_ = np.array([[0.0, 10.5], [np.nan, 3.0]])
    np.testing.assert_array_equal(net_income(given_, Schedule()), given_)


@pytest.mark.parametrize("gross", [[-99.0], [np.inf], ["much"]])
def test_impossible_earnings(gross):
    with pytest.raises(UsageError, match="gross="):
        net_income(gross, RULES)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Benefit(100, taper=75), "taper=0.75"),
        (lambda: Benefit(-1, taper=0.5), "0 or more"),
        (lambda: Schedule(tax=[(2000, 0.3), (0, 0.1)]), "increase"),
        (lambda: Schedule(tax=[(0, 37)]), "0.37 for 37 %"),
        (lambda: Schedule(work_costs=float("nan")), "work_costs"),
    ],
)
def test_impossible_rules(make, words):
    with pytest.raises(UsageError, match=words):
        make()
