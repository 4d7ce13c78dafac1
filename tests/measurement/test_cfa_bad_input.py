"""What tk.measurement.cfa refuses, and solutions that it says are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import (
    ColumnNotFoundError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)

ONE = {"f": list("abcdef")}
cfa = tk.measurement.cfa


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(5)
    return pd.DataFrame(rng.normal(size=(300, 1)) + rng.normal(size=(300, 6)), columns=list("abcdef"))


def codes(items):
    return items.round().clip(-2, 2) + 3


def with_correlations(r, n=200):
    z = np.random.default_rng(0).normal(size=(n, len(r)))
    z -= z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T @ np.linalg.cholesky(r).T
    return pd.DataFrame(z, columns=list("abcdef")[: len(r)])


class TestItems:
    def test_constant(self, items):
        with pytest.raises(DataError, match=r"item 'c' has the same answer \(3\) from everyone"):
            cfa(items.assign(c=3), ONE)

    def test_constant_in_one_group(self, items):
        odd = np.arange(300) % 2
        with pytest.raises(DataError, match=r"item 'c' .* from everyone in group '1'"):
            cfa(items.assign(c=items["c"].where(odd == 0, 2), g=odd), ONE, groups="g")

    def test_text(self, items):
        with pytest.raises(ValueTypeError, match="item 'c' holds text \\('often'\\), not numbers"):
            cfa(items.assign(c="often"), ONE)

    def test_categories(self, items):
        with pytest.raises(ValueTypeError, match="item 'c' holds categories"):
            cfa(items.assign(c=pd.Categorical(["a"] * 300)), ONE)

    def test_infinite(self, items):
        with pytest.raises(ValueTypeError, match="item 'a' holds infinite values"):
            cfa(items.assign(a=np.inf), ONE)

    @pytest.mark.parametrize("code", [-99, 99, 999, -1])
    def test_codes_for_missing(self, items, code):
        d = codes(items)
        d.loc[::20, "d"] = code
        with pytest.raises(ValueTypeError, match=f"item 'd' holds {code} \\(15 times\\) beside answers from 1 to 5"):
            cfa(d, ONE)

    def test_near_codes_are_remarked_on(self, items):
        d = codes(items)
        d.loc[::20, "d"] = 9
        assert any(n.code == "stray_code" and "'d' holds 9" in n.text for n in cfa(d, ONE).notes)

    def test_missing_column(self, items):
        with pytest.raises(ColumnNotFoundError, match="no column 'zz' in the items"):
            cfa(items, {"f": ["a", "b", "zz"]})

    def test_copies_and_totals(self, items):
        with pytest.raises(DataError, match="items 'a' and 'g' determine each other"):
            cfa(items.assign(g=items["a"]), {"f": list("abcdefg")})
        with pytest.raises(DataError, match="items 'a', 'b' and 'g' determine each other"):
            cfa(items.assign(g=items["a"] + items["b"]), {"f": list("abcdefg")})

    def test_too_few_people(self, items):
        with pytest.raises(EstimationError, match="6 people and 6 items"):
            cfa(items[:6], ONE)

    def test_no_answers(self, items):
        with pytest.raises(MissingDataError, match="no person is left"):
            cfa(items * np.nan, ONE)

    def test_never_answered_together(self, items):
        first = np.arange(300) < 150
        with pytest.raises(MissingDataError, match="items 'a' and 'b' are answered together by 0 people"):
            cfa(items.assign(a=items["a"].where(first), b=items["b"].where(~first)), ONE)

    def test_people_without_answers_are_left_out(self, items):
        d = items.copy()
        d.iloc[:4] = np.nan
        found = cfa(d, ONE)
        assert found.n == 296
        assert "4 people without any answer left out." in [n.text for n in found.notes]
        assert found.factor_scores["f"].isna().sum() == 4
        assert found.chisq == pytest.approx(cfa(items.iloc[4:], ONE).chisq)

    def test_not_a_frame(self, items):
        with pytest.raises(UsageError, match="must be a data frame"):
            cfa(items.to_numpy(), ONE)


class TestModels:
    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ({"f": ["a", "b"]}, "only 'a' and 'b' has 4 free numbers and 3 variances"),
            ({"f": ["a", "b", "c"], "g": ["d"]}, "factor 'g' has the single item 'd'"),
            (
                {"f": ["a", "b", "c"], "g": ["c", "b", "a"]},
                "10 free numbers, .* only 6 .* Items in several factors: 'a', 'b' and 'c'",
            ),
            ({"f": list("abcdef"), "g": list("abcdef")}, "cannot tell these numbers apart: 'loading of . on f'"),
        ],
    )
    def test_not_identified(self, items, model, message):
        with pytest.raises(NotIdentifiedError, match=message):
            cfa(items, model)

    def test_too_many_residual_covariances(self, items):
        with pytest.raises(NotIdentifiedError, match="11 free numbers, but the 4 items have only 10"):
            cfa(items, {"f": list("abcd")}, residual_covariances=[("a", "b"), ("c", "d"), ("a", "c")])

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ({}, "model says which items"),
            ({"f": "abc"}, "must be a list of item columns"),
            ({"f": ["a", "a", "b"]}, "lists 'a' more than once"),
        ],
    )
    def test_malformed(self, items, model, message):
        with pytest.raises(UsageError, match=message):
            cfa(items, model)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"equal": ["loadings"]}, "there are no groups"),
            ({"groups": "g", "equal": ["loading"]}, "Did you mean 'loadings'"),
            ({"groups": "g", "equal": "loadings"}, r"write equal=\['loadings'\]"),
            ({"groups": "g", "equal": ["loadings", "means"]}, "add 'intercepts'"),
            ({"missing": "drop"}, "use 'fiml' or 'listwise'"),
            ({"robust": True}, "use False or 'mlr'"),
            ({"residual_covariances": [("a", "z")]}, "names 'z', which is no item"),
            ({"residual_covariances": [("a", "b"), ("b", "a")]}, "twice"),
            ({"groups": [1, 2]}, "groups has 2 values and the items have 300 rows"),
        ],
    )
    def test_options(self, items, options, message):
        with pytest.raises(UsageError, match=message):
            cfa(items.assign(g=np.arange(300) % 2), ONE, **options)

    def test_one_group_and_many_groups(self, items):
        with pytest.raises(DataError, match="groups has one value only"):
            cfa(items.assign(g=1), ONE, groups="g")
        with pytest.raises(UsageError, match=r"use cluster=, not groups="):
            cfa(items.assign(g=np.arange(300) % 25), ONE, groups="g")


class TestSolutions:
    def test_negative_residual_variance(self):
        found = cfa(with_correlations(np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])), {"f": list("abc")})
        assert found.fits is None
        assert found.verdict.startswith("improper solution: the residual variance of 'a' is negative (-0.2")
        assert "improper" in {n.code for n in found.notes}
        assert "improper solution" in str(found).splitlines()[1]

    def test_factors_beyond_a_correlation_of_one(self):
        r = np.full((4, 4), 0.6)
        r[:2, :2] = r[2:, 2:] = 0.5
        np.fill_diagonal(r, 1)
        found = cfa(with_correlations(r), {"f": ["a", "b"], "g": ["c", "d"]})
        assert found.verdict.startswith("improper solution: factors 'f' and 'g' correlate 1.2")

    def test_no_convergence_names_what_drifts(self):
        r = np.array([[1, 0.5, 0.0, 0.0], [0.5, 1, 0.02, 0.0], [0, 0.02, 1, 0.5], [0, 0, 0.5, 1]])
        with pytest.raises(EstimationError, match=r"did not converge .* drifts is: .*residual variance of c"):
            cfa(with_correlations(r), {"f": ["a", "b"], "g": ["c", "d"]})

    def test_items_that_do_not_correlate_say_nothing(self):
        found = cfa(with_correlations(np.eye(6) + 0.02 * (1 - np.eye(6))), ONE)
        assert found.fits is None
        assert found.verdict.startswith("fit says nothing: the items are not shown to correlate at all")

    def test_item_not_recoded(self, items):
        found = cfa(items.assign(f=-items["f"]), ONE)
        assert [n.text for n in found.notes if n.code == "runs_against"] == [
            "'f' runs against the other items of 'f': not recoded?"
        ]

    def test_two_factors_that_are_one(self, items):
        found = cfa(items, {"f": list("abc"), "g": list("def")})
        assert any(n.code == "one_factor" and "hardly two" in n.text for n in found.notes)

    def test_few_clusters(self, items):
        found = cfa(items, ONE, cluster=np.where(np.arange(300) < 60, np.arange(300) // 6, np.nan))
        assert any("10 clusters have more than one person" in n.text for n in found.notes)

    def test_units_of_the_items_do_not_matter(self, items):
        found = cfa(items * np.array([1e-6, 1e6, 1, 10, 0.1, 1000]), ONE)
        assert found.chisq == pytest.approx(cfa(items, ONE).chisq, abs=1e-5)
