"""What every design can do beside drawing: joining, naming, resolving, growing by schemes of the user's own."""

from __future__ import annotations

import doctest
import importlib
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
import trialkit.design
from trialkit import design
from trialkit.design import mechanism, registry
from trialkit.design.cells.leftovers import PooledLaw, exact_shares, law_of
from trialkit.design.cells.rounding import controlled, key_thresholds, systematic
from trialkit.design.cells.within import Alike, ListedCells, arrangements
from trialkit.design.people import People
from trialkit.design.stream import Stream
from trialkit.errors import DesignError, UsageError

TWO = {"a": 1, "b": 1}
MODULES = [
    "base", "mechanism", "people", "registry", "stream", "cells.within", "cells.rounding", "cells.leftovers", "cells.counts",
    "cells.units", "covariates.balance", "mechanisms.celled", "mechanisms.simple", "mechanisms.complete", "mechanisms.stratified",
    "mechanisms.clustered", "mechanisms.stratified_clustered", "mechanisms.factorial", "mechanisms.custom",
]  # fmt: skip


@pytest.mark.parametrize("name", [*MODULES, ""])
def test_examples_run(name):
    module = importlib.import_module(f"trialkit.design.{name}" if name else "trialkit.design")
    assert doctest.testmod(module).failed == 0
    registry._REGISTERED.pop("coin", None)


weights = st.lists(st.integers(1, 9), min_size=2, max_size=5)


@settings(max_examples=150, deadline=None)
@given(weights, st.lists(st.integers(1, 40), min_size=1, max_size=7), st.sampled_from(["stratum", "global", "pool"]))
def test_expected_numbers_are_the_shares(arms, sizes, misfits):
    shares = exact_shares(dict(enumerate(arms)))
    try:
        law = law_of(np.array(sizes), [shares] * len(sizes), misfits)
    except DesignError:
        assert misfits == "pool" and max(sizes) < sum(arms)
        return
    expected = np.outer(sizes, [float(s) for s in shares])
    np.testing.assert_allclose(law.means(), expected, atol=1e-11)
    pairs = sum(law.within(a, b) for a in range(len(arms)) for b in range(len(arms)))
    np.testing.assert_allclose(pairs, np.array(sizes) * (np.array(sizes) - 1), atol=1e-9)
    across = sum(law.across(a, b) for a in range(len(arms)) for b in range(len(arms)))
    off = ~np.eye(len(sizes), dtype=bool)
    np.testing.assert_allclose(across[off], np.outer(sizes, sizes)[off], atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(weights, st.lists(st.integers(0, 60), min_size=1, max_size=9))
def test_controlled_rounding_keeps_margins_and_probabilities(arms, sizes):
    shares = exact_shares(dict(enumerate(arms)))
    table = [[n * s % 1 for s in shares] for n in sizes]
    found = controlled(table)
    mean = sum(
        int(p.numerator) * Fraction(1, p.denominator) * picks.astype(object) for picks, p in zip(found.picks, found.probabilities)
    )
    assert mean.tolist() == table
    assert (found.picks.sum(axis=2) == [int(sum(row)) for row in table]).all()
    totals = np.array([float(sum(column)) for column in zip(*table)])
    assert (np.abs(found.picks.sum(axis=1) - totals) < 1).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fractions(0, Fraction(39, 40), max_denominator=40), min_size=1, max_size=9))
def test_systematic_draws_include_with_the_fractions(fractions):
    found = systematic(fractions)
    assert sum(found.probabilities) == 1
    included = [sum(p for picks, p in zip(found.picks, found.probabilities) if picks[i]) for i in range(len(fractions))]
    assert included == fractions
    assert (np.abs(found.picks.sum(axis=1) - float(sum(fractions))) < 1).all()


def test_weights_with_many_digits_stay_exact():
    shares = exact_shares({"a": 0.12345678901, "b": 3.1415926535897, "c": 1e-3})
    assert sum(shares) == 1
    table = [[n * s % 1 for s in shares] for n in (101, 57, 33)]
    for found in (controlled(table), systematic(table[0])):
        assert sum(found.probabilities) == 1
    mean = sum(p * int(picks[0, 2]) for picks, p in zip(controlled(table).picks, controlled(table).probabilities))
    assert mean == table[0][2]


def test_thresholds_have_64_bits():
    assert key_thresholds([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]).tolist() == [2**63, 2**63 + 2**62]


def test_arrangements_are_complete_and_in_order():
    rows = arrangements([2, 1, 1])
    assert len(rows) == 12
    assert rows.tolist() == sorted(rows.tolist())
    assert len(np.unique(rows, axis=0)) == 12


def test_a_lane_that_would_favour_rows_of_a_list_is_drawn_again():
    cell = ListedCells(Alike(np.array([0]), 3, np.array([1, 2]), ((0, 0),)), [arrangements([1, 2])])
    keys = np.zeros((40, 1), dtype=np.uint32)
    found = cell.fill(keys, None, [Stream(9, draw) for draw in range(40)])
    # 2^32 mod 3 = 1: the key 0 is one too many, and the stream says instead
    assert found.tolist() == [cell.table[Stream(9, draw).below(3)].tolist() for draw in range(40)]
    assert len(np.unique(found, axis=0)) == 3
    kept = cell.fill(np.full((1, 1), 1, dtype=np.uint32), None, [Stream(9, 0)])
    assert kept.tolist() == [[0, 1, 1]]


def test_a_pool_with_sets_too_long_to_list_keeps_its_numbers():
    shares = {"a": 7, "b": 11, "c": 13, "d": 29}
    made = design.stratified({"s": [0] * 70 + [1] * 119 + [2] * 119 + [3] * 119}, strata=["s"], arms=shares, misfits="pool")
    assert isinstance(made.law, PooledLaw)
    assert made.law.options()[1] is None
    assert made.count() is None
    arms = made.draw_many(300, seed=4).arms
    first = np.stack([(arms[:, :70] == a).sum(axis=1) for a in range(4)], axis=1)
    assert (first >= [7, 11, 13, 29]).all()
    total = np.stack([(arms == a).sum(axis=1) for a in range(4)], axis=1)
    assert (np.abs(total - 427 * np.array([7, 11, 13, 29]) / 60) < 1).all()
    with pytest.raises(DesignError, match="cannot be listed"):
        made.enumerate()


def test_identifiers_of_any_kind_have_one_order():
    big = 2**60
    frame = pd.DataFrame({"id": pd.Series(["b", big + 1, big, 2.5, "a"], dtype=object)})
    assert People.of(frame, "id").ids.tolist() == [2.5, big, big + 1, "a", "b"]
    assert People.of(frame.iloc[::-1], "id").ids.tolist() == [2.5, big, big + 1, "a", "b"]
    assert People.of(frame, "id").rows.tolist() == [3, 2, 1, 4, 0]


def test_allocations_are_joined_by_identifier():
    made = design.complete({"id": ["c", "a", "b", "d"]}, unit="id", arms=TWO)
    allocation = made.assign(seed=8)
    assert allocation["id"].tolist() == ["a", "b", "c", "d"]
    shuffled = allocation.iloc[[2, 0, 3, 1]]
    codes = np.empty(4, dtype=int)
    codes[made.positions(shuffled["id"])] = made.codes(shuffled["arm"])
    assert codes.tolist() == made.codes(allocation["arm"]).tolist()


def test_arm_labels_written_as_text_are_known():
    made = design.complete({"id": range(4)}, unit="id", arms={0: 1, 1: 1})
    assert made.codes(["1", "0"]).tolist() == [1, 0]
    assert made.codes([1, 0]).tolist() == [1, 0]
    with pytest.raises(DesignError, match="'2' is not an arm of the design; the arms are 0 and 1"):
        made.codes(["2"])


def test_factors_stand_beside_the_arm():
    made = design.factorial({"id": range(30)}, unit="id", factors={"group": ["no", "yes"], "visits": [0, 4, 8]}, strata=[])
    allocation = made.assign(seed=1)
    assert allocation["arm"].tolist() == [f"{g}/{v}" for g, v in zip(allocation["group"], allocation["visits"])]
    assert allocation["visits"].value_counts().tolist() == [10, 10, 10]
    assert len(made.arms) == 6


def test_custom_lists_take_labels_or_codes():
    people = {"id": ["z", "y"]}
    labelled = design.custom(people, unit="id", assignments=[["x", "w"], ["w", "x"]], arms={"x": 1, "w": 1})
    coded = design.custom(people, unit="id", assignments=[[0, 1], [1, 0]], arms={"x": 1, "w": 1})
    assert labelled.enumerate()[0].tolist() == coded.enumerate()[0].tolist() == [[1, 0], [0, 1]]
    numbers = design.custom(people, assignments=np.array([[1, 0], [0, 1]]))
    assert numbers.arms == (0, 1)
    assert numbers.enumerate()[0].tolist() == [[1, 0], [0, 1]]


def test_a_draw_function_gives_simulated_probabilities_in_the_order_of_identifiers(monkeypatch):
    def draw(rng):
        first = rng.random() < 0.25
        return ["b", "a", "a"] if first else ["a", "b", "b"]

    monkeypatch.setattr(mechanism, "PROBABILITY_DRAWS", 4000)
    made = design.custom({"id": ["z", "y", "x"]}, unit="id", arms=TWO, draw=draw)
    assert not made.probabilities_exact
    p, se = made.probabilities["b"], made.probabilities_se["b"]
    assert p.index.tolist() == ["x", "y", "z"]
    assert 0 < se.max() < 0.008
    assert (np.abs(p - [0.75, 0.75, 0.25]) < 4 * se).all()
    pd.testing.assert_frame_equal(made.probabilities, made.probabilities)
    arms = made.draw_many(50, seed=2).arms
    assert {tuple(row) for row in arms.tolist()} == {(0, 0, 1), (1, 1, 0)}
    np.testing.assert_array_equal(arms, made.draw_many(50, seed=2).arms)


def test_exact_probabilities_have_no_error():
    made = design.complete({"id": range(3)}, unit="id", arms=TWO)
    assert made.probabilities_exact
    assert made.probabilities_se.to_numpy().max() == 0
    assert made.probabilities.index.name == "id"


def test_the_name_of_a_scheme_is_its_function_after_its_module_was_imported():
    importlib.import_module("trialkit.design.mechanisms.complete")
    assert callable(design.complete)
    assert callable(tk.design.complete)
    assert set(design.schemes()) <= set(dir(design))


@pytest.mark.parametrize("name", ["groups", "people", "complete", "allocate", "schemes", "two words", "_own"])
def test_names_that_are_taken_are_no_schemes(name):
    with pytest.raises(UsageError, match="name"):
        design.register(name)


def test_a_scheme_of_the_users_own():
    @design.register("first_half")
    def first_half(data, *, unit=None):
        n = len(data["id"])
        half = [["a"] * (n // 2) + ["b"] * (n - n // 2)]
        return design.custom(data, unit=unit, assignments=half + [row[::-1] for row in half])

    try:
        assert design.scheme("first_half") is design.first_half
        assert "first_half" in design.schemes()
        assert design.first_half({"id": [1, 2]}, unit="id").count() == 2
    finally:
        registry._REGISTERED.pop("first_half")


def test_a_design_says_what_it_is():
    people = {"id": range(6), "town": list("nnnsss")}
    made = design.stratified(people, unit="id", strata=["town"], arms={"individual": 1, "peer": 1})
    text = "stratified randomization of 6 people to 'individual' and 'peer', within 2 strata of 'town'"
    assert str(made) == text
    assert repr(made) == f"<{text}>"
    assert "&#x27;peer&#x27;" in made._repr_html_()
    assert "in 2 clusters" in str(design.clustered(people, cluster="town", arms=TWO))


def test_ten_thousand_draws_of_ten_thousand_people_take_less_than_two_seconds():
    rng = np.random.default_rng(1)
    people = {"id": np.arange(10_000), "town": rng.integers(0, 40, 10_000)}
    made = design.stratified(people, unit="id", strata=["town"], arms=TWO)
    start = time.process_time()
    arms = made.draw_many(2_000, seed=1).arms
    assert arms.shape == (2_000, 10_000)
    # a fifth of the draws; processor time, because other work on the machine is not the question
    assert time.process_time() - start < 2 / 5
