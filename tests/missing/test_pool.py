"""Rubin's rules: published numbers, edges, closed forms, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk


def test_worked_example():
    """Estimates 1, 2, 3 with standard errors .5 and 20 df."""
    found = tk.missing.pool([1, 2, 3], [0.25] * 3, df=20)
    assert found.std_error**2 == pytest.approx(1.583333333, abs=1e-8)
    assert found.df == pytest.approx(1.425728, abs=1e-6)


def test_mice_numbers():
    found = tk.missing.pool([0.31, 0.28, 0.36, 0.33, 0.30], [0.010, 0.011, 0.0095, 0.0102, 0.0105], df=116)
    assert found.estimate == pytest.approx(0.316, abs=1e-12)
    assert found.df == pytest.approx(82.385357520026, abs=1e-9)
    assert found.fmi == pytest.approx(0.1193953655446, abs=1e-10)
    assert found.riv == pytest.approx(0.00093 * 1.2 / 0.01024, abs=1e-12)


def test_infinite_complete_df_gives_rubins_own():
    found = tk.missing.pool([1, 2, 3], [0.25] * 3, df=math.inf)
    lam = (4 / 3) / (0.25 + 4 / 3)
    assert found.df == pytest.approx(2 / lam**2, rel=1e-12)


def test_equal_estimates_give_observed_df():
    found = tk.missing.pool([1.5, 1.5], [0.2, 0.2], df=10)
    assert found.df == pytest.approx(10 * 11 / 13, rel=1e-12)
    assert found.std_error == pytest.approx(math.sqrt(0.2))
    both = tk.missing.pool([1.5, 1.5], [0.2, 0.2], df=math.inf)
    assert math.isinf(both.df)
    assert both.conf_high - both.estimate == pytest.approx(1.959964 * math.sqrt(0.2), rel=1e-6)


def test_no_variance_at_all_is_undefined_with_a_note():
    found = tk.missing.pool([1, 1], [0, 0], df=10)
    assert math.isnan(found.p_value)
    assert "no_variance" in [n.code for n in found.notes]


def test_few_imputations_are_said():
    found = tk.missing.pool([1, 2, 3], [0.25] * 3, df=100)
    assert "few_imputations" in [n.code for n in found.notes]
    assert "few_imputations" not in [n.code for n in tk.missing.pool([1.0, 1.0001, 0.9999] * 10, [1.0] * 30, df=1000).notes]


def test_round_trip():
    found = tk.missing.pool([1, 2, 3], [0.25] * 3, df=20)
    again = tk.Result.from_dict(found.to_dict())
    assert type(again) is type(found)
    assert again.fmi == found.fmi


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=8),
    st.floats(0.1, 5),
    st.floats(-3, 3).filter(lambda b: abs(b) > 0.01),
    st.floats(3, 500),
)
def test_affine_estimates(q, u, slope, df):
    """Pooling in other units is pooling."""
    one = tk.missing.pool(q, [u] * len(q), df=df)
    other = tk.missing.pool([5 + slope * v for v in q], [slope**2 * u] * len(q), df=df)
    assert other.estimate == pytest.approx(5 + slope * one.estimate, abs=1e-9)
    assert other.std_error == pytest.approx(abs(slope) * one.std_error, rel=1e-6)
    assert other.df == pytest.approx(one.df, rel=1e-5)
    assert one.df <= df


@pytest.mark.parametrize(
    ("q", "u", "df", "words"),
    [
        ([1, 2], [1], 10, "a variance for each"),
        ([1], [1], 10, "two completed data sets"),
        ([1, 2], [1, -1], 10, "negative"),
        ([1, np.nan], [1, 1], 10, "place 2"),
        ([1, 2], [1, 1], 0, "degrees of freedom"),
        ([1, 2], [1, 1], math.nan, "degrees of freedom"),
        ([[1, 2], [3, 4]], [[1, 1], [1, 1]], 10, "one contrast at a time"),
        (["a", "b"], [1, 1], 10, "list of numbers"),
    ],
)
def test_refusals(q, u, df, words):
    with pytest.raises(tk.errors.DataError, match=words):
        tk.missing.pool(q, u, df=df)
