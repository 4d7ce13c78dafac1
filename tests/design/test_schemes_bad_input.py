"""What cannot be drawn is refused, with the people or labels and a remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialkit import design
from trialkit.errors import ColumnNotFoundError, DesignError, IdentifierError, UsageError

TWO = {"a": 1, "b": 1}


def people(**columns):
    n = len(next(iter(columns.values()))) if columns else 6
    return pd.DataFrame({"id": [f"p{i}" for i in range(n)], **columns})


TOWNS = people(town=["n"] * 5 + ["s"])
SCHOOLS = people(town=list("nnnnss"), school=["x", "x", "y", "y", "z", "z"])

CASES = {
    "few people": (
        lambda: design.complete(people(x=[1, 2]), arms={"a": 1, "b": 1, "c": 1}),
        DesignError,
        "2 people cannot fill 3 arms",
    ),
    "few people, simple": (lambda: design.simple(people(x=[1]), arms=TWO), DesignError, "1 person cannot fill 2 arms"),
    "no people": (lambda: design.complete(pd.DataFrame({"id": []}), arms=TWO), DesignError, "no people"),
    "small stratum": (
        lambda: design.stratified(TOWNS, unit="id", strata=["town"], arms=TWO),
        DesignError,
        r"'s' \(1 person\) has fewer people.*'p5' \(row 6\).*misfits='pool'",
    ),
    "small stratum without unit": (lambda: design.stratified(TOWNS, strata=["town"], arms=TWO), DesignError, r"'s'.*row 6\."),
    "small stratum of clusters": (
        lambda: design.stratified_clustered(SCHOOLS, unit="id", cluster="school", strata=["town"], arms=TWO),
        DesignError,
        r"stratum 's' \(1 cluster\) has fewer clusters than the 2 arms: 'p4' and 'p5'",
    ),
    "few clusters": (
        lambda: design.clustered(people(c=["x"] * 6), cluster="c", arms=TWO),
        DesignError,
        "1 cluster cannot fill 2 arms",
    ),
    "pool without sets": (
        lambda: design.stratified(TOWNS, strata=["town"], arms={"a": 37, "b": 63}, misfits="pool"),
        DesignError,
        "complete sets of 100.*largest stratum has 5",
    ),
    "pool with shares": (
        lambda: design.stratified(TOWNS, strata=["town"], arms=TWO, misfits="pool", shares={"n": TWO, "s": TWO}),
        UsageError,
        "leave shares out",
    ),
    "cluster in two strata": (
        lambda: design.stratified_clustered(
            people(town=list("nnssss"), school=list("xxxyyz")), unit="id", cluster="school", strata=["town"], arms=TWO
        ),
        DesignError,
        r"cluster 'x' of 'school'.*'p0', 'p1' and 'p2' \(rows 1, 2 and 3\)",
    ),
    "missing stratum": (
        lambda: design.stratified(people(town=["n", None, "n", "s", "s", np.nan]), unit="id", strata=["town"], arms=TWO),
        DesignError,
        r"stratum 'town' is missing for 'p1' and 'p5' \(rows 2 and 6\)",
    ),
    "missing cluster": (lambda: design.clustered(people(c=["x", "y", None]), cluster="c", arms=TWO), DesignError, "row 3"),
    "duplicate id": (
        lambda: design.complete(pd.DataFrame({"id": ["u", "v", "u"]}), unit="id", arms=TWO),
        IdentifierError,
        "rows 1 and 3",
    ),
    "missing id": (lambda: design.complete(pd.DataFrame({"id": [1, None]}), unit="id", arms=TWO), IdentifierError, "in row 2"),
    "unknown unit": (lambda: design.complete(people(), unit="idd", arms=TWO), ColumnNotFoundError, "Did you mean 'id'"),
    "unknown stratum": (
        lambda: design.stratified(TOWNS, strata=["twon"], arms=TWO),
        ColumnNotFoundError,
        "Did you mean 'town'",
    ),
    "unknown cluster": (lambda: design.clustered(SCHOOLS, cluster="shool", arms=TWO), ColumnNotFoundError, "school"),
    "strata as text": (lambda: design.stratified(TOWNS, strata="town", arms=TWO), UsageError, r"strata=\['town'\]"),
    "no strata": (lambda: design.stratified(TOWNS, strata=[], arms=TWO), UsageError, "empty"),
    "one arm": (lambda: design.complete(people(), arms={"a": 1}), DesignError, "two arms or more"),
    "arms as a list": (lambda: design.complete(people(), arms=["a", "b"]), DesignError, "allocation weights"),
    "zero weight": (lambda: design.complete(people(), arms={"a": 1, "b": 0}), DesignError, "weight of arm 'b'"),
    "misfits": (
        lambda: design.stratified(TOWNS, strata=["town"], arms=TWO, misfits="globl"),
        UsageError,
        "Did you mean 'global'",
    ),
    "counts sum": (
        lambda: design.stratified(TOWNS, strata=["town"], arms=TWO, counts={"n": {"a": 3, "b": 3}, "s": {"a": 0, "b": 1}}),
        DesignError,
        r"stratum 'n' sum to 6 \(a: 3, b: 3\), and there are 5 people",
    ),
    "counts stratum absent": (
        lambda: design.stratified(TOWNS, strata=["town"], arms=TWO, counts={"n": {"a": 3, "b": 2}}),
        DesignError,
        "says nothing about 's'",
    ),
    "counts stratum unknown": (
        lambda: design.stratified(
            TOWNS, strata=["town"], arms=TWO, counts={"n": {"a": 3, "b": 2}, "s": {"a": 0, "b": 1}, "w": {"a": 1, "b": 1}}
        ),
        DesignError,
        "names 'w'",
    ),
    "counts arm absent": (lambda: design.complete(people(), arms=TWO, counts={"a": 6}), DesignError, "says nothing about 'b'"),
    "counts arm unknown": (
        lambda: design.complete(people(), arms=TWO, counts={"a": 3, "b": 2, "c": 1}),
        DesignError,
        "names 'c'",
    ),
    "counts negative": (lambda: design.complete(people(), arms=TWO, counts={"a": 7, "b": -1}), DesignError, "-1"),
    "counts half": (lambda: design.complete(people(), arms=TWO, counts={"a": 2.5, "b": 3.5}), DesignError, "2.5"),
    "counts word": (lambda: design.complete(people(), arms=TWO, counts="seen"), UsageError, "'observed'"),
    "counts number": (lambda: design.complete(people(), arms=TWO, counts=3), UsageError, "counts is a mapping"),
    "counts and shares": (
        lambda: design.stratified(TOWNS, strata=["town"], arms=TWO, counts="observed", shares={}),
        UsageError,
        "one of them",
    ),
    "shares stratum absent": (
        lambda: design.stratified(people(town=list("nnnsss")), strata=["town"], arms=TWO, shares={"n": TWO}),
        DesignError,
        "nothing about 's'",
    ),
    "probability outside": (
        lambda: design.simple(people(p=[0.5, 1.0, 0.2, 0.0, 0.1, 0.3]), unit="id", arms=TWO, probability="p"),
        DesignError,
        r"between 0 and 1 for 'p1' and 'p3' \(rows 2 and 4\)",
    ),
    "probability missing": (
        lambda: design.simple(people(p=[0.5, np.nan]), unit="id", arms=TWO, probability="p"),
        DesignError,
        "'p' is missing for 'p1'",
    ),
    "probability of three arms": (
        lambda: design.simple(people(p=[0.5] * 4), arms={"a": 1, "b": 1, "c": 1}, probability="p"),
        UsageError,
        "a column for each",
    ),
    "probabilities of arms do not sum": (
        lambda: design.simple(people(x=[0.5, 0.4], y=[0.5, 0.5]), unit="id", arms=TWO, probability={"a": "x", "b": "y"}),
        DesignError,
        r"do not sum to one for 'p1' \(row 2\).*0.9",
    ),
    "custom probabilities do not sum": (
        lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"], ["b", "a"]], probabilities=[0.5, 0.4]),
        DesignError,
        "sum to 0.9",
    ),
    "custom probability outside": (
        lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"], ["b", "a"]], probabilities=[1.0, 0.0]),
        DesignError,
        "assignments 1 and 2",
    ),
    "custom probabilities length": (
        lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"], ["b", "a"]], probabilities=[1 / 3] * 3),
        DesignError,
        "3 probabilities for 2",
    ),
    "custom width": (lambda: design.custom(people(), assignments=[["a", "b"], ["b", "a"]]), DesignError, "6 people"),
    "custom one row": (lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"]]), DesignError, "nothing is random"),
    "custom one arm": (lambda: design.custom(people(x=[1]), assignments=[["a"], ["a"]]), DesignError, "one arm only"),
    "custom missing": (
        lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"], ["b", None]]),
        DesignError,
        "rows 2 of assignments",
    ),
    "custom unknown arm": (
        lambda: design.custom(people(x=[1, 2]), assignments=[["a", "b"], ["b", "c"]], arms=TWO),
        DesignError,
        "'c', which is not an arm",
    ),
    "custom neither": (lambda: design.custom(people()), UsageError, "say one of them"),
    "custom draw without arms": (lambda: design.custom(people(), draw=lambda rng: []), UsageError, "needs arms="),
    "custom draw too short": (
        lambda: design.custom(people(), arms=TWO, draw=lambda rng: ["a"]).assign(seed=1),
        DesignError,
        "1 arms for 6 people",
    ),
    "custom draw unknown": (
        lambda: design.custom(people(), arms=TWO, draw=lambda rng: ["q"] * 6).assign(seed=1),
        DesignError,
        "'q' is not an arm",
    ),
    "factor of one level": (lambda: design.factorial(people(), factors={"g": ["no"]}), DesignError, "one level"),
    "factor as text": (lambda: design.factorial(people(), factors={"g": "no"}), UsageError, "list of levels"),
    "no factors": (lambda: design.factorial(people(), factors={}), UsageError, "names the levels"),
    "factor called arm": (lambda: design.factorial(people(), factors={"arm": ["x", "y"]}), DesignError, "'arm'"),
    "levels alike": (
        lambda: design.factorial(people(), factors={"g": ["x/y", "x"], "h": ["z", "y/z"]}),
        DesignError,
        "'x/y/z'",
    ),
    "no draws": (lambda: design.complete(people(), arms=TWO).draw_many(0, seed=1), UsageError, "n_draws=0"),
    "unknown arm of pairs": (
        lambda: design.complete(people(), arms=TWO).pair_probabilities("a", "z"),
        DesignError,
        "'z' is not an arm",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    make, error, message = CASES[name]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("seed", [None, -1, "7", True, 1.5])
@pytest.mark.parametrize("call", ["assign", "draw_many", "balance"])
def test_a_seed_is_said(seed, call):
    made = design.complete(people(x=[1, 2, 3, 4]), unit="id", arms=TWO)
    first = {"assign": (), "draw_many": (3,), "balance": (["x"],)}[call]
    with pytest.raises(UsageError, match="is not a seed"):
        getattr(made, call)(*first, seed=seed)


def test_lists_that_are_too_long_are_refused_before_they_are_made():
    with pytest.raises(DesignError, match=r"about 10\^299 assignments.*use draw_many"):
        design.complete({"id": range(1000)}, arms=TWO).enumerate()
    with pytest.raises(DesignError, match=r"about 10\^6020 assignments"):
        design.simple({"id": range(20_000)}, arms=TWO).enumerate()
    with pytest.raises(DesignError, match=r"about 10\^6 assignments"):
        design.complete({"id": range(24)}, arms=TWO).enumerate()
    with pytest.raises(DesignError, match="cannot be listed"):
        design.custom({"id": range(4)}, arms=TWO, draw=lambda rng: list("aabb")).enumerate()


def test_observed_numbers_wait_for_data():
    made = design.stratified(people(town=list("nnnsss")), unit="id", strata=["town"], arms=TWO, counts="observed")
    assert not made.resolved
    for ask in (
        lambda: made.assign(seed=1),
        lambda: made.draw_many(2, seed=1),
        lambda: made.probabilities,
        lambda: made.count(),
        lambda: made.enumerate(),
        lambda: made.pair_probabilities("a", "b"),
    ):
        with pytest.raises(DesignError, match=r"not there yet.*resolve"):
            ask()
    known = made.resolve([0, 1, 1, 0, 0, 1])
    assert known.resolved
    assert known.draw_many(50, seed=1).arms[:, :3].sum(axis=1).tolist() == [2] * 50
    assert known.resolve([1] * 6) is known
    with pytest.raises(DesignError, match=r"code 0\.\.1"):
        made.resolve([0, 1, 2, 0, 0, 1])
    with pytest.raises(DesignError, match="for each of the 6 people"):
        made.resolve([0, 1])


def test_observed_clusters_are_whole():
    made = design.clustered(people(c=list("xxyyzz")), unit="id", cluster="c", arms=TWO, counts="observed")
    assert made.resolve([0, 0, 1, 1, 1, 1]).probabilities["b"].round(3).tolist() == [0.667] * 6
    with pytest.raises(DesignError, match=r"one cluster of 'c'.*'p0' \(row 1\)"):
        made.resolve([0, 1, 1, 1, 1, 1])


IDS = design.complete({"id": ["b", "a", "c"]}, unit="id", arms=TWO)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "d"], "'d' of 'id' is not among"),
        (["a", "b"], "'c' of 'id' is in the design but not in the data"),
        (["a", "b", "b", "c"], "'b' of 'id' is in the data more than once"),
        (["a", None, "c"], "missing in row 2 of the data"),
        ([1, 2, 3], "text on one side and numbers on the other"),
    ],
)
def test_other_data_are_joined_or_refused(ids, message):
    with pytest.raises(IdentifierError, match=message):
        IDS.positions(ids)


def test_without_a_unit_rows_are_matched_by_position():
    made = design.complete({"x": [1, 2, 3]}, arms=TWO)
    assert made.positions(["q", "q", "q"]).tolist() == [0, 1, 2]
    with pytest.raises(IdentifierError, match="the data have 2 rows and the design 3 people"):
        made.positions([1, 2])


def test_names_of_schemes_are_kept():
    with pytest.raises(UsageError, match="already"):
        design.register("complete")
    with pytest.raises(UsageError, match="letters"):
        design.register("my scheme")
    with pytest.raises(UsageError, match="Did you mean 'stratified'"):
        design.scheme("stratifed")
    with pytest.raises(AttributeError, match="no attribute 'cube'"):
        _ = design.cube
