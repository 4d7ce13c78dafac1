"""Win probabilities against every pair counted, and DeLong's variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialkit.inference.outcomes.win_odds import tied_levels, win_probability


def by_pairs(y: np.ndarray, treated: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    pairs = np.outer(w[treated], w[~treated])
    gap = y[treated][:, None] - y[~treated][None, :]
    total = pairs.sum()
    return ((gap > 0) * pairs).sum() / total, ((gap == 0) * pairs).sum() / total, ((gap < 0) * pairs).sum() / total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30), st.integers(1, 8), st.booleans())
def test_equals_all_pairs(seed: int, treated: int, controls: int, levels: int, weighted: bool):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, levels, treated + controls) / 3
    arm = np.r_[np.ones(treated, bool), np.zeros(controls, bool)]
    w = rng.random(len(y)) + 0.1 if weighted else np.ones(len(y))
    found = win_probability(y=y, treated=arm, weights=w if weighted else None)
    wins, ties, losses = by_pairs(y, arm, w)
    assert (found.wins, found.ties, found.losses) == pytest.approx((wins, ties, losses), abs=1e-12)
    assert found.probability == pytest.approx(wins + ties / 2, abs=1e-12)
    for inside in (arm, ~arm):
        assert np.average(found.placements[inside], weights=w[inside]) == pytest.approx(found.probability, abs=1e-12)


def test_other_direction_and_other_arm():
    rng = np.random.default_rng(1)
    y, arm = np.round(rng.normal(size=50), 1), rng.random(50) < 0.4
    p = win_probability(y=y, treated=arm).probability
    assert win_probability(y=-y, treated=arm).probability == pytest.approx(1 - p)
    assert win_probability(y=y, treated=~arm).probability == pytest.approx(1 - p)
    assert win_probability(y=np.exp(y), treated=arm).probability == p


def test_values_equal_but_for_rounding_are_ties():
    """Means of the same item answers, added up in another order."""
    y = np.array([0.1 + 0.2, 0.3, 1.0, 2.0])
    assert y[0] != y[1]
    found = win_probability(y=y, treated=np.array([True, False, True, False]))
    assert found.ties == 0.25
    codes, values = tied_levels(y)
    assert codes.tolist() == [0, 0, 1, 2] and len(values) == 3
    far = win_probability(y=y + 1e6, treated=np.array([True, False, True, False]))
    assert far.ties == 0.25 and far.wins == found.wins


def test_a_hundred_thousand_people_at_once():
    rng = np.random.default_rng(2)
    y, arm = rng.normal(size=100_000), rng.random(100_000) < 0.5
    ranks = np.empty(len(y))
    ranks[np.argsort(y)] = np.arange(1, len(y) + 1)
    n1, n0 = arm.sum(), (~arm).sum()
    u = ranks[arm].sum() - n1 * (n1 + 1) / 2
    assert win_probability(y=y, treated=arm).probability == pytest.approx(u / (n1 * n0), abs=1e-12)
