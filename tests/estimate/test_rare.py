"""The rule of three and its group-aware forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialkit.errors import UsageError
from trialkit.estimate.outcomes.rare import zero_events


@given(n=st.integers(1, 5000), conf_level=st.sampled_from([0.9, 0.95, 0.975]))
def test_the_limit_is_where_no_event_is_as_rare_as_the_level_allows(n, conf_level):
    found = zero_events(n, conf_level=conf_level)
    assert (1 - found.upper) ** n == pytest.approx(1 - conf_level, rel=1e-9)
    assert found.upper == pytest.approx(stats.beta.ppf(conf_level, 1, n), rel=1e-9)
    assert found.upper_groups == found.upper


def test_three_over_n():
    assert zero_events(300).upper == pytest.approx(3 / 300, rel=0.01)


def test_groups_say_less():
    sizes = [5, 8, 12, 15]
    found = zero_events(60, sizes=sizes, icc=0.05)
    kish = (sum(v * v for v in sizes) + 20) / 60
    assert found.effective_n == pytest.approx(60 / (1 + (kish - 1) * 0.05))
    assert found.upper < found.upper_icc < found.upper_groups
    assert found.groups == 24
    assert zero_events(60, sizes=sizes, icc=0).upper_icc == pytest.approx(found.upper)
    whole = zero_events(40, sizes=[10] * 4, icc=1)
    assert whole.upper_icc == pytest.approx(whole.upper_groups)
    assert "intraclass correlation of 0.05" in str(found)
    assert "fared alike (24 groups and people alone)" in str(zero_events(60, sizes=sizes))
    assert "fared" not in str(zero_events(60))


@pytest.mark.parametrize("icc", [0.02, 0.05, 0.2])
def test_the_limit_covers_when_groups_are_beta_binomial(icc):
    """At the limit no event is as rare as the level allows, or rarer; at the limit for independent people it is not."""
    found = zero_events(120, sizes=[12] * 10, icc=icc)
    total = 1 / icc - 1
    none = [stats.betabinom.pmf(0, 12, p * total, (1 - p) * total) ** 10 for p in (found.upper_icc, found.upper)]
    assert 0.001 < none[0] <= 0.05 < none[1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (dict(n=0), "at least one"),
        (dict(n=10, conf_level=95), "0.95"),
        (dict(n=10, icc=2), "icc=2"),
        (dict(n=10, sizes=[8, 8]), "n=10"),
        (dict(n=10, sizes=[0, 8]), "n=10"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(UsageError, match=words):
        zero_events(**call)


def test_limits_do_not_overflow():
    assert np.isfinite(zero_events(10**9).upper)
