"""Declared = realised: small designs of every scheme listed completely, and held against what the scheme says and draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialkit import design
from trialkit.design.base import Design
from trialkit.design.cells import within

TWO = {"a": 1, "b": 1}
UNEVEN = {"a": 1, "b": 2}
THREE = {"a": 1, "b": 1, "c": 1}
EACH = {"a": 0.2, "b": 0.2, "c": 0.6}
FOUR = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
DRAWS = 4000


def people(n: int, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"p{i:02d}" for i in range(n)], **columns})


def strata(*sizes: int) -> pd.DataFrame:
    return people(sum(sizes), s=np.repeat([f"s{i}" for i in range(len(sizes))], sizes))


def clusters(*sizes: int) -> pd.DataFrame:
    return people(sum(sizes), c=np.repeat([f"c{i}" for i in range(len(sizes))], sizes))


def nested(*towns: tuple[int, ...]) -> pd.DataFrame:
    frame = clusters(*(size for town in towns for size in town))
    return frame.assign(s=np.repeat([f"t{i}" for i in range(len(towns))], [sum(town) for town in towns]))


def _stratified(sizes, arms, misfits="stratum", **more):
    return design.stratified(strata(*sizes), unit="id", strata=["s"], arms=arms, misfits=misfits, **more)


def _clustered_in(towns, arms, misfits):
    return design.stratified_clustered(nested(*towns), unit="id", cluster="c", strata=["s"], arms=arms, misfits=misfits)


LISTED = {
    "simple 1:2": lambda: design.simple(people(5), unit="id", arms=UNEVEN),
    "simple (.2,.2,.6)": lambda: design.simple(people(4), unit="id", arms=EACH),
    "simple column": lambda: design.simple(people(4, p=[0.1, 0.5, 0.7, 0.9]), unit="id", arms=TWO, probability="p"),
    "simple columns": lambda: design.simple(
        people(3, x=[0.2, 0.5, 0.1], y=[0.3, 0.25, 0.1], z=[0.5, 0.25, 0.8]),
        unit="id",
        arms=THREE,
        probability={"a": "x", "b": "y", "c": "z"},
    ),
    "complete N=4 (.2,.2,.6)": lambda: design.complete(people(4), unit="id", arms=EACH),
    "complete N=7 (.1,.2,.3,.4)": lambda: design.complete(people(7), unit="id", arms=FOUR),
    "complete N=5 1:1": lambda: design.complete(people(5), unit="id", arms=TWO),
    "complete N=5 1:1:1": lambda: design.complete(people(5), unit="id", arms=THREE),
    "complete N=6 1:2": lambda: design.complete(people(6), unit="id", arms=UNEVEN),
    "complete counts": lambda: design.complete(people(6), unit="id", arms=THREE, counts={"a": 3, "b": 1, "c": 2}),
    "complete observed": lambda: design.complete(people(5), unit="id", arms=TWO, counts="observed").resolve([0, 1, 1, 1, 0]),
    "stratified stratum 1:1": lambda: _stratified((3, 4, 5), TWO),
    "stratified stratum 1:2": lambda: _stratified((2, 4, 3), UNEVEN),
    "stratified stratum (.2,.2,.6)": lambda: _stratified((4, 3), EACH),
    "stratified global 1:1": lambda: _stratified((3, 4, 5), TWO, "global"),
    "stratified global 1:2": lambda: _stratified((2, 4, 5), UNEVEN, "global"),
    "stratified global (.2,.2,.6)": lambda: _stratified((4, 3, 3), EACH, "global"),
    "stratified global 1:1:1": lambda: _stratified((4, 4, 3), THREE, "global"),
    "stratified global four arms": lambda: _stratified((4, 5), FOUR, "global"),
    "stratified pool 1:1": lambda: _stratified((3, 4, 5), TWO, "pool"),
    "stratified pool 1:2": lambda: _stratified((2, 4, 5), UNEVEN, "pool"),
    "stratified pool 1:1:1": lambda: _stratified((4, 1, 5), THREE, "pool"),
    "stratified pool tiny strata": lambda: _stratified((1, 1, 2, 1, 3), TWO, "pool"),
    "stratified pool without leftovers": lambda: _stratified((2, 4), TWO, "pool"),
    "stratified counts": lambda: _stratified((4, 5), TWO, counts={"s0": {"a": 1, "b": 3}, "s1": {"a": 3, "b": 2}}),
    "stratified shares": lambda: _stratified((4, 5), TWO, shares={"s0": {"a": 1, "b": 2}, "s1": {"a": 2, "b": 1}}),
    "stratified shares global": lambda: _stratified(
        (4, 5, 4), TWO, "global", shares={"s0": {"a": 1, "b": 2}, "s1": {"a": 2, "b": 1}, "s2": {"a": 3, "b": 1}}
    ),
    "clustered unequal 1:1": lambda: design.clustered(clusters(1, 3, 2, 4, 1), unit="id", cluster="c", arms=TWO),
    "clustered unequal 1:1:1": lambda: design.clustered(clusters(2, 1, 3, 1), unit="id", cluster="c", arms=THREE),
    "clustered counts": lambda: design.clustered(clusters(2, 1, 3, 1), unit="id", cluster="c", arms=TWO, counts={"a": 1, "b": 3}),
    "stratified_clustered stratum": lambda: _clustered_in(((1, 2, 3), (2, 1, 1, 2)), TWO, "stratum"),
    "stratified_clustered global": lambda: _clustered_in(((1, 2, 3), (2, 1, 1), (3, 1, 1, 1)), UNEVEN, "global"),
    "stratified_clustered pool": lambda: _clustered_in(((1, 2, 3), (2, 1, 1), (2, 1)), TWO, "pool"),
    "factorial 2x2 N=6": lambda: design.factorial(people(6), unit="id", factors={"group": ["no", "yes"], "coach": ["no", "yes"]}),
    "factorial 2x2 weights": lambda: design.factorial(
        people(5), unit="id", factors={"group": {"no": 1, "yes": 2}, "coach": ["no", "yes"]}
    ),
    "factorial in strata": lambda: design.factorial(
        strata(5, 4), unit="id", factors={"group": ["no", "yes"], "coach": ["no", "yes"]}, strata=["s"], misfits="global"
    ),
    "custom list": lambda: design.custom(
        people(3), unit="id", assignments=[["a", "b", "a"], ["b", "b", "a"], ["a", "a", "b"]], probabilities=[0.5, 0.2, 0.3]
    ),
}

DECLARED = {
    "simple 1:2": [1 / 3, 2 / 3], "simple (.2,.2,.6)": [0.2, 0.2, 0.6], "simple column": None, "simple columns": None,
    "complete N=4 (.2,.2,.6)": [0.2, 0.2, 0.6], "complete N=7 (.1,.2,.3,.4)": [0.1, 0.2, 0.3, 0.4],
    "complete N=5 1:1": [0.5, 0.5], "complete N=5 1:1:1": [1 / 3] * 3, "complete N=6 1:2": [1 / 3, 2 / 3],
    "complete counts": [1 / 2, 1 / 6, 1 / 3], "complete observed": [0.4, 0.6], "stratified stratum 1:1": [0.5, 0.5],
    "stratified stratum 1:2": [1 / 3, 2 / 3], "stratified stratum (.2,.2,.6)": [0.2, 0.2, 0.6],
    "stratified global 1:1": [0.5, 0.5], "stratified global 1:2": [1 / 3, 2 / 3],
    "stratified global (.2,.2,.6)": [0.2, 0.2, 0.6], "stratified global 1:1:1": [1 / 3] * 3,
    "stratified global four arms": [0.1, 0.2, 0.3, 0.4], "stratified pool 1:1": [0.5, 0.5],
    "stratified pool 1:2": [1 / 3, 2 / 3], "stratified pool 1:1:1": [1 / 3] * 3, "stratified pool tiny strata": [0.5, 0.5],
    "stratified pool without leftovers": [0.5, 0.5], "stratified counts": None, "stratified shares": None,
    "stratified shares global": None, "clustered unequal 1:1": [0.5, 0.5], "clustered unequal 1:1:1": [1 / 3] * 3,
    "clustered counts": [0.25, 0.75], "stratified_clustered stratum": [0.5, 0.5],
    "stratified_clustered global": [1 / 3, 2 / 3], "stratified_clustered pool": [0.5, 0.5], "factorial 2x2 N=6": [0.25] * 4,
    "factorial 2x2 weights": [1 / 6, 1 / 6, 1 / 3, 1 / 3], "factorial in strata": [0.25] * 4, "custom list": None,
}  # fmt: skip

BY_PERSON = {
    "simple column": [[0.9, 0.1], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]],
    "simple columns": [[0.2, 0.3, 0.5], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]],
    "stratified counts": [[0.25, 0.75]] * 4 + [[0.6, 0.4]] * 5,
    "stratified shares": [[1 / 3, 2 / 3]] * 4 + [[2 / 3, 1 / 3]] * 5,
    "stratified shares global": [[1 / 3, 2 / 3]] * 4 + [[2 / 3, 1 / 3]] * 5 + [[0.75, 0.25]] * 4,
    "custom list": [[0.8, 0.2], [0.3, 0.7], [0.7, 0.3]],
}


def deviation(name: str, made: Design) -> float:
    """Largest difference between the complete list and what the design says: total, margins, pairs of every two arms."""
    rows, weights = made.enumerate()
    assert len(rows) == made.count() == len(np.unique(rows, axis=0))
    assert (weights > 0).all()
    declared = np.array(BY_PERSON.get(name) or [DECLARED[name]] * made.n)
    margins = np.column_stack([weights @ (rows == code) for code in range(len(made.arms))])
    found = [abs(weights.sum() - 1), np.abs(margins - declared).max(), np.abs(made.probability_matrix - declared).max()]
    for a, first in enumerate(made.arms):
        for b, second in enumerate(made.arms):
            listed = np.einsum("r,ri,rj->ij", weights, (rows == a) * 1.0, (rows == b) * 1.0)
            found.append(np.abs(made.pair_probabilities(first, second) - listed).max())
    return float(max(found))


def chi_square(made: Design, n_draws: int = DRAWS) -> float:
    """p-value of draws against the complete list; rare assignments are taken together."""
    rows, weights = made.enumerate()
    place = len(made.arms) ** np.arange(made.n, dtype=np.int64)
    keys = rows @ place
    order = np.argsort(keys)
    drawn = made.draw_many(n_draws, seed=11).arms @ place
    index = np.searchsorted(keys[order], drawn)
    np.testing.assert_array_equal(keys[order][np.minimum(index, len(keys) - 1)], drawn)
    observed, expected = np.bincount(index, minlength=len(keys)), weights[order] * n_draws
    # cells of 20 expected draws: neighbours in the list are added together until there are as many
    step = np.floor(np.cumsum(expected) / 20).astype(int)
    observed, expected = np.bincount(step, observed), np.bincount(step, expected)
    kept = expected > 5
    observed, expected = observed[kept], expected[kept]
    return float(stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue)


@pytest.mark.parametrize("name", LISTED)
def test_listed_declared_and_closed_forms_agree(name):
    assert deviation(name, LISTED[name]()) < 1e-12


@pytest.mark.parametrize("name", LISTED)
def test_draws_follow_the_list(name):
    assert chi_square(LISTED[name]()) > 0.001


CELLS = [name for name in LISTED if not name.startswith(("simple", "custom"))]


@pytest.mark.parametrize("name", CELLS)
def test_draws_by_keys_follow_the_list(name, monkeypatch):
    monkeypatch.setattr(within, "LISTED", 0)
    made = LISTED[name]()
    assert all(isinstance(part, within.KeyedCells) for part in made._layout.parts)
    assert chi_square(made) > 0.001


@pytest.mark.parametrize("name", ["complete N=5 1:1", "complete N=4 (.2,.2,.6)", "complete N=6 1:2", "stratified pool 1:1:1"])
def test_ties_of_keys_leave_all_allocations_equally_likely(name, monkeypatch):
    monkeypatch.setattr(within, "LISTED", 0)
    lanes = within.lanes
    monkeypatch.setattr(within, "lanes", lambda streams, count: lanes(streams, count) >> np.uint32(29))
    assert chi_square(LISTED[name]()) > 0.001


@pytest.mark.parametrize(
    ("sizes", "arms", "misfits"),
    [
        ((3, 4, 5, 7), TWO, "stratum"),
        ((3, 5, 7, 9), UNEVEN, "global"),
        ((4, 5, 7, 3), EACH, "global"),
        ((9, 7, 5), FOUR, "global"),
    ],
)
def test_numbers_are_within_one_of_their_share(sizes, arms, misfits):
    made = _stratified(sizes, arms, misfits)
    arms_drawn = made.draw_many(500, seed=3).arms
    where = np.repeat(np.arange(len(sizes)), sizes)
    weights = np.array(list(arms.values())) / sum(arms.values())
    counts = np.stack([[(arms_drawn[:, where == s] == a).sum(axis=1) for a in range(len(arms))] for s in range(len(sizes))])
    off = counts - np.array(sizes)[:, None, None] * weights[None, :, None]
    assert np.abs(off).max() < 1
    if misfits == "global":
        assert np.abs(off.sum(axis=0)).max() < 1


def test_independent_strata_can_add_up_where_global_cannot():
    sizes = (3, 5, 7, 9)
    totals = {m: _stratified(sizes, TWO, m).draw_many(400, seed=3).arms.sum(axis=1) for m in ("stratum", "global")}
    assert set(totals["global"].tolist()) == {12}
    assert set(totals["stratum"].tolist()) == {10, 11, 12, 13, 14}


def test_pool_keeps_complete_sets_in_every_stratum():
    made = _stratified((5, 7, 4), UNEVEN, "pool")
    arms = made.draw_many(500, seed=3).arms
    assert arms[:, :5].sum(axis=1).min() == 2
    assert arms[:, :5].sum(axis=1).max() == 4
    # four sets hold 8 of arm b, and of the four people left over two or three are in it
    assert set(arms.sum(axis=1).tolist()) == {10, 11}


def test_clusters_are_never_divided():
    arms = LISTED["stratified_clustered global"]().draw_many(200, seed=1).arms
    first = np.concatenate(([0], np.cumsum([1, 2, 3, 2, 1, 1, 3, 1, 1, 1])[:-1]))
    np.testing.assert_array_equal(arms, np.repeat(arms[:, first], [1, 2, 3, 2, 1, 1, 3, 1, 1, 1], axis=1))


def test_leftovers_of_a_factorial_spread_over_each_factor():
    made = LISTED["factorial 2x2 N=6"]()
    arms = made.draw_many(300, seed=2).arms
    for levels in made.factors.values():
        treated = np.isin(arms, [code for code, level in enumerate(levels) if level == "yes"]).sum(axis=1)
        assert set(treated.tolist()) == {3}


def table() -> pd.DataFrame:
    """Schemes x (designs listed, assignments, largest deviation)."""
    rows = [
        {"scheme": name.split()[0], "assignments": made.count(), "deviation": deviation(name, made)}
        for name, made in ((name, make()) for name, make in LISTED.items())
    ]
    grouped = pd.DataFrame(rows).groupby("scheme", sort=False)
    return grouped.agg(designs=("assignments", "size"), assignments=("assignments", "sum"), deviation=("deviation", "max"))


if __name__ == "__main__":
    print(table())
