"""Groups of one share nothing: the variance of influence values is that of people alone."""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.inference.linear.influence import influence_variance


def test_groups_reduced_to_one_member_are_people_alone():
    rng = np.random.default_rng(1)
    values, arm, unit = rng.normal(size=40), np.repeat([0, 1], 20), np.arange(40)
    alone = influence_variance(values=values, arm=arm, unit=unit)
    found = influence_variance(values=values, arm=arm, unit=unit, group=np.r_[np.full(20, -1), np.arange(20)])
    assert found.variance == pytest.approx(alone.variance)
    assert found.df == pytest.approx(alone.df)
