"""Matched pairs: optimal, exact in their probabilities, and better balanced than no pairs."""

from __future__ import annotations

import hashlib
import itertools
import time
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from trialkit.design.matching import tuples
from trialkit.design.matching.blossom import even_costs, minimum_matching
from trialkit.design.matching.tuples import match_distances, match_points
from trialkit.errors import DesignError, UsageError

TWO = {"individual": 1, "peer": 1}
THREE = {"individual": 1, "peer": 1, "coach": 1}


def people(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"age": rng.normal(40, 12, n), "income": rng.gamma(2, 500, n), "sex": rng.choice(["f", "m"], n)}
    return pd.DataFrame({"id": [f"p{i:04d}" for i in range(n)], **columns})


def least(cost: np.ndarray, k: int) -> float:
    """The smallest total over all ways to make tuples of k, by going through them; leftover units are free."""
    n = len(cost)

    @cache
    def best(left: frozenset[int], spare: int) -> float:
        if not left:
            return 0.0
        first = min(left)
        found = [best(left - {first}, spare - 1)] if spare else []
        for others in itertools.combinations(sorted(left - {first}), k - 1):
            inside = sum(cost[a, b] for a, b in itertools.combinations((first, *others), 2))
            found.append(inside + best(left - {first, *others}, spare))
        return min(found)

    return best(frozenset(range(n)), n % k)


def proven(cost: np.ndarray) -> int:
    """The cost of a matching after checking its proof of optimality."""
    found = minimum_matching(cost)
    everyone = np.arange(len(cost))
    assert np.array_equal(found.mate[found.mate], everyone) and not (found.mate == everyone).any()
    slack = found.slack(cost)
    np.fill_diagonal(slack, 0)
    assert slack.min() >= 0 and not slack[everyone, found.mate].any() and all(v >= 0 for _, v in found.blossoms)
    total = int(cost[everyone, found.mate].sum()) // 2
    assert found.dual == total
    return total


@pytest.mark.parametrize("largest", [2, 5, 40, 10**6])
def test_matching_is_the_least_of_all(largest):
    rng = np.random.default_rng(largest)
    for n in (2, 4, 6, 8, 10):
        for _ in range(25):
            half = rng.integers(0, largest, (n, n))
            cost = 2 * (half + half.T)
            assert proven(cost) == least(cost, 2)


def test_matching_of_hundreds_carries_its_proof_and_takes_seconds():
    rng = np.random.default_rng(1)
    started = time.process_time()
    blossoms = 0
    for points in (rng.normal(size=(400, 1)), rng.normal(size=(400, 4)), rng.integers(0, 3, (300, 4)).astype(float)):
        distance = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
        cost = even_costs(distance)
        assert proven(cost) > 0
        blossoms += len(minimum_matching(cost).blossoms)
    assert blossoms > 0
    assert time.process_time() - started < 20


def test_odd_unit_out_is_the_one_whose_absence_costs_least():
    rng = np.random.default_rng(2)
    for n in (3, 5, 7, 9):
        points = rng.normal(size=(n, 2))
        distance = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
        found = match_distances(distance, 2)
        assert found.optimal and len(found.rest) == 1 and len(found.tuples) == n // 2
        assert found.total == pytest.approx(least(distance, 2), rel=1e-6)


@pytest.mark.parametrize("k", [3, 4])
def test_larger_tuples_lie_between_bound_and_what_is_reported(k):
    rng = np.random.default_rng(k)
    best = 0
    for n in (k, 2 * k, 2 * k + 1, 3 * k - 1):
        points = rng.normal(size=(n, 2))
        distance = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
        found = match_distances(distance, k)
        smallest = least(distance, k)
        assert found.bound <= smallest + 1e-9 and smallest <= found.total + 1e-9
        assert len(found.rest) == n % k and len(set(found.tuples.ravel()) | set(found.rest)) == n
        best += found.total <= smallest * (1 + 1e-6)
    assert best >= 2


def test_many_units_report_a_gap():
    points = np.random.default_rng(3).normal(size=(2301, 3))
    calls = []
    found = match_points(points, 2, progress=lambda what, step, of: calls.append((what, step <= of)))
    assert not found.optimal and len(found.rest) == 1 and len(found.tuples) == 1150
    assert sorted([*found.tuples.ravel(), *found.rest]) == list(range(2301))
    distance = np.linalg.norm(points[found.tuples[:, 0]] - points[found.tuples[:, 1]], axis=1)
    assert found.total == pytest.approx(distance.sum()) and 0 < found.gap < 0.3
    assert calls and all(ok for _, ok in calls)


def test_a_distance_of_your_own_between_many_units_lies_within_its_bound(monkeypatch):
    rng = np.random.default_rng(11)
    for n in (40, 41):
        points = rng.normal(size=(n, 2))
        distance = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
        exact = match_distances(distance, 2)
        with monkeypatch.context() as patch:
            patch.setattr(tuples, "MOST_EXACT", 10)
            rough = match_distances(distance, 2)
        assert exact.optimal and exact.gap == 0 and not rough.optimal and len(rough.rest) == n % 2
        assert rough.bound <= exact.total + 1e-9 <= rough.total + 1e-6 and rough.total < 1.5 * exact.total
    monkeypatch.setattr(tuples, "MOST_DENSE", 30)
    with pytest.raises(DesignError, match=r"too many for a distance of your own.*name strata"):
        match_distances(distance, 2)


def test_large_designs_say_their_gap():
    frame = people(2100)
    d = tk.design.matched_pairs(frame, unit="id", match=["age", "income"], arms=TWO)
    assert not d.settings["optimal"] and 0 < d.settings["gap"] < 0.3
    assert f"at most {100 * d.settings['gap']:.1f}% above the least possible" in d.describe()


CASES = [
    (6, TWO, {}, 8),
    (7, TWO, {}, 16),
    (2, TWO, {}, 2),
    (6, THREE, {}, 36),
    (8, THREE, {}, 216),
    (7, {"individual": 1, "peer": 2}, {}, 18),
    (6, {"individual": 1, "peer": 3}, {}, 12),
    (9, TWO, {"strata": ["sex"]}, 32),
    (9, TWO, {"cluster": "club"}, 8),
]


@pytest.mark.parametrize(("n", "arms", "more", "count"), CASES)
def test_probabilities_by_enumeration(n, arms, more, count):
    frame = people(n, seed=4)
    frame["sex"] = ["f", "m", "m"] * (n // 3) + ["f"] * (n % 3)
    frame["club"] = [f"c{i // 2}" for i in range(n)]
    d = tk.design.matched_pairs(frame, unit="id", match=["age"], arms=arms, **more)
    assignments, weights = d.enumerate()
    assert len(assignments) == d.count() == count == len(np.unique(assignments, axis=0))
    assert weights.sum() == pytest.approx(1) and d.probabilities_exact
    shares = np.array(list(arms.values())) / sum(arms.values())
    for a, first in enumerate(d.arms):
        assert weights @ (assignments == a) == pytest.approx(np.full(n, shares[a]))
        assert d.probabilities[first].to_numpy() == pytest.approx(np.full(n, shares[a]))
        for b, second in enumerate(d.arms):
            joint = np.einsum("r,ri,rj->ij", weights, (assignments == a) * 1.0, (assignments == b) * 1.0)
            assert d.pair_probabilities(first, second) == pytest.approx(joint)
    drawn, found = np.unique(d.draw_many(6000, seed=1).arms, axis=0, return_counts=True)
    chance = {tuple(row): w for row, w in zip(assignments.tolist(), weights)}
    expected = np.array([6000 * chance[tuple(row)] for row in drawn.tolist()])
    assert len(drawn) == count
    assert stats.chi2.sf(((found - expected) ** 2 / expected).sum(), count - 1) > 1e-4


def test_pairs_stay_together_in_strata_and_cluster_members_share_an_arm():
    frame = people(60, seed=5).assign(club=[f"c{i % 15}" for i in range(60)])
    d = tk.design.matched_pairs(frame, unit="id", match=["age", "income"], strata=["sex"], arms=TWO)
    by_block = d.blocks.join(frame.set_index("id"))
    assert (by_block.groupby("block")["sex"].nunique() == 1).all()
    assert sum(len(part) for part in d.incomplete) == sum(frame["sex"].value_counts() % 2)
    clubs = tk.design.matched_pairs(frame, unit="id", match=["age"], cluster="club", arms=TWO)
    allocation = clubs.assign(seed=1).merge(frame, on="id")
    assert (allocation.groupby("club")["arm"].nunique() == 1).all() and (allocation.groupby("club")["block"].nunique() == 1).all()
    assert "1 cluster in an incomplete pair" in clubs.describe() and len(clubs.incomplete) == 1


def test_neither_rows_nor_scales_matter():
    frame = people(40, seed=6)
    d = tk.design.matched_pairs(frame, unit="id", match=["age", "income"], arms=TWO)
    moved = frame.sample(frac=1, random_state=1).assign(age=lambda f: 3 + 1e6 * f["age"], income=lambda f: f["income"] / 1e5)
    other = tk.design.matched_pairs(moved, unit="id", match=["age", "income"], arms=TWO)
    pd.testing.assert_frame_equal(d.blocks, other.blocks)
    assert np.array_equal(d.draw_many(20, seed=3).arms, other.draw_many(20, seed=3).arms)
    doubled = tk.design.matched_pairs(frame.assign(again=2 * frame["age"]), unit="id", match=["age", "again", "income"], arms=TWO)
    assert doubled.settings["total_distance"] == d.settings["total_distance"]


def test_mahalanobis_total_is_that_of_numpy():
    frame = people(30, seed=7)
    d = tk.design.matched_pairs(frame, unit="id", match=["age", "income"], arms=TWO)
    x = frame.set_index("id")[["age", "income"]]
    inverse = np.linalg.inv(np.cov(x.T))
    total = 0.0
    for _, members in d.blocks.groupby("block"):
        gap = np.subtract(*x.loc[members.index].to_numpy())
        total += np.sqrt(gap @ inverse @ gap)
    assert d.settings["total_distance"] == pytest.approx(total, rel=1e-5)


def test_a_distance_of_your_own():
    def years_apart(values):
        return np.abs(values[:, [0]] - values[:, 0])

    frame = people(12, seed=8)
    d = tk.design.matched_pairs(frame, unit="id", match=["age"], arms=TWO, distance=years_apart)
    order = frame.sort_values("age")["id"].tolist()
    blocks = d.blocks["block"]
    assert all(blocks[a] == blocks[b] for a, b in zip(order[::2], order[1::2]))
    assert d.settings["distance"] == "years_apart"
    with pytest.raises(DesignError, match="symmetric"):
        tk.design.matched_pairs(frame, unit="id", match=["age"], arms=TWO, distance=lambda v: v @ np.ones((1, len(v))))
    with pytest.raises(DesignError, match=r"shape \(3,\)"):
        tk.design.matched_pairs(frame, unit="id", match=["age"], arms=TWO, distance=lambda v: np.zeros(3))
    with pytest.raises(UsageError, match="mahalanobis"):
        tk.design.matched_pairs(frame, unit="id", match=["age"], arms=TWO, distance="euclid")


def test_given_pairs():
    frame = pd.DataFrame({"id": range(7), "twin": ["x", "y", "x", "z", "y", "z", "w"]})
    d = tk.design.matched_pairs(frame, unit="id", pairs="twin", arms=TWO)
    assert d.count() == 16 and d.incomplete == [[6]] and "given in 'twin'" in d.describe()
    arms = d.draw_many(50, seed=1).arms
    assert (arms[:, 0] != arms[:, 2]).all() and (arms[:, 1] != arms[:, 4]).all()


def test_pairs_balance_better_than_none():
    frame = people(100, seed=9)
    pairs = tk.design.matched_pairs(frame, unit="id", match=["age", "income"], arms=TWO)
    alone = tk.design.complete(frame, unit="id", arms=TWO)
    x = frame[["age", "income"]].to_numpy()

    def spread(d):
        arms = d.draw_many(500, seed=1).arms
        return ((2.0 * arms - 1) @ x / 50).std(axis=0)

    assert (spread(pairs) < 0.4 * spread(alone)).all()


def test_draws_are_frozen():
    frame = pd.DataFrame({"id": [f"p{(7 * i) % 41:02d}" for i in range(41)], "age": [(i * i) % 37 for i in range(41)]})
    made = [tk.design.matched_pairs(frame, unit="id", match=["age"], arms=arms) for arms in (TWO, THREE)]
    text = [hashlib.sha256(d.draw_many(300, seed=20240229).arms.astype("<i2").tobytes()).hexdigest()[:16] for d in made]
    assert text == FROZEN


FROZEN = ["2a467560e07482ef", "94c5c2b33484ccd9"]


def test_bad_input():
    frame = people(10, seed=10)

    def make(data=frame, **given):
        return tk.design.matched_pairs(data, **({"unit": "id", "match": ["age"], "arms": TWO} | given))

    with pytest.raises(DesignError, match=r"'age' is missing for 'p0003' \(row 4\).*fill it in"):
        make(frame.assign(age=[1.0, 2, 3, np.nan, 5, 6, 7, 8, 9, 10]))
    with pytest.raises(DesignError, match=r"'flat' is the same for everyone.*leave it out"):
        make(frame.assign(flat=3), match=["age", "flat"])
    with pytest.raises(DesignError, match="'even' does not differ between the clusters"):
        make(frame.assign(even=[0, 1] * 5, club=[f"c{i // 2}" for i in range(10)]), match=["even"], cluster="club")
    with pytest.raises(DesignError, match="has 1 person where one tuple takes 2: 'p0000'"):
        make(frame.iloc[:1].assign(age=1.0))
    with pytest.raises(DesignError, match=r"stratum 'x' has 1 person.*'p0004'.*join it"):
        make(frame.assign(site=["a"] * 4 + ["x"] + ["a"] * 5), strata=["site"])
    with pytest.raises(DesignError, match="cluster 'c0' of 'club' lies in more than one stratum"):
        make(frame.assign(site=list("abaaaabbbb"), club=[f"c{i // 2}" for i in range(10)]), strata=["site"], cluster="club")
    with pytest.raises(DesignError, match=r"holds 10 units.*fills 2"):
        make(frame.assign(pair=1), match=None, pairs="pair")
    with pytest.raises(DesignError, match="no tuple of 'id' has the 2 units"):
        make(match=None, pairs="id")
    with pytest.raises(DesignError, match=r"1 : 1\.37 is no ratio"):
        make(arms={"a": 1, "b": 1.37})
    with pytest.raises(DesignError, match="too few for 4 covariate columns"):
        make(frame.iloc[:4].assign(a=[1, 2, 3, 5.0], b=[2, 1, 1, 7.0], c=[4, 9, 1, 1]), match=["age", "a", "b", "c"])
    with pytest.raises(DesignError, match="text with 30 different values"):
        make(people(30).assign(name=[f"n{i}" for i in range(30)]), match=["name"])
    for given in (
        {"match": None},
        {"pairs": "sex"},
        {"match": None, "pairs": "sex", "strata": ["sex"]},
        {"match": []},
        {"match": "age"},
    ):
        with pytest.raises(UsageError):
            make(**given)
    with pytest.raises(UsageError, match="more than once"):
        make(match=["age", "age"])
