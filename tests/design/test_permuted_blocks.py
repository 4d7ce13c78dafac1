"""Permuted blocks of random sizes, against all block sizes and permutations written out."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from trialkit.design.stream import Stream
from trialkit.errors import DesignError, UsageError

TWO = {"individual": 1, "peer": 1}


def people(n: int) -> pd.DataFrame:
    ids = [f"p{(11 * i) % n:03d}" for i in range(n)]
    return pd.DataFrame({"id": ids, "sex": [("f", "m", "m")[i % 3] for i in range(n)], "week": [(3 * i) % n for i in range(n)]})


def written_out(n, ratio, sizes):
    """Probability of every sequence of n arms: all sizes of the blocks that are needed, and all their permutations."""
    law = defaultdict(float)

    def go(prefix, chance):
        if len(prefix) >= n:
            law[prefix[:n]] += chance
            return
        for size in sizes:
            block = [a for a, r in enumerate(ratio) for _ in range(r * size // sum(ratio))]
            orders = set(itertools.permutations(block))
            for order in orders:
                go(prefix + order, chance / len(sizes) / len(orders))

    go((), 1.0)
    return dict(law)


@pytest.mark.parametrize(
    ("n", "arms", "sizes"),
    [
        (5, TWO, [2, 4]),
        (7, TWO, [4, 6]),
        (6, TWO, [4]),
        (5, {"individual": 1, "peer": 2}, [3, 6]),
        (5, {"individual": 1, "peer": 1, "coach": 1}, [3, 6]),
        (6, {"individual": 0.25, "peer": 0.75}, [4]),
    ],
)
def test_law_of_one_stratum(n, arms, sizes):
    frame = people(n)
    d = tk.design.permuted_blocks(frame, unit="id", arms=arms, sizes=sizes)
    law = written_out(n, d.ratio, sizes)
    assignments, chances = d.enumerate()
    by_arrival = assignments[:, d.positions(frame["id"])]
    assert {tuple(row): pytest.approx(w) for row, w in zip(by_arrival.tolist(), chances)} == law
    assert d.count() == len(law)
    drawn, found = np.unique(d.draw_many(8000, seed=3).arms, axis=0, return_counts=True)
    chance = {tuple(row): w for row, w in zip(assignments.tolist(), chances)}
    expected = np.array([8000 * chance[tuple(row)] for row in drawn.tolist()])
    statistic = ((found - expected) ** 2 / expected).sum() + 8000 - expected.sum()
    assert stats.chi2.sf(statistic, len(assignments) - 1) > 1e-4


@pytest.mark.parametrize(
    ("n", "arms", "sizes", "strata"),
    [
        (9, TWO, [2, 4], None),
        (9, TWO, [2, 4, 6], ["sex"]),
        (9, {"individual": 1, "peer": 2}, [3, 6], ["sex"]),
        (6, {"individual": 1, "peer": 1, "coach": 1}, [3, 6], ["sex"]),
        (1, TWO, None, None),
    ],
)
def test_probabilities_by_enumeration(n, arms, sizes, strata):
    d = tk.design.permuted_blocks(people(n), unit="id", arms=arms, sizes=sizes, strata=strata, arrival="week")
    assignments, chances = d.enumerate()
    assert chances.sum() == pytest.approx(1) and d.probabilities_exact
    assert d.count() == len(assignments) == len(np.unique(assignments, axis=0))
    shares = np.array(list(arms.values())) / sum(arms.values())
    for a, first in enumerate(d.arms):
        assert chances @ (assignments == a) == pytest.approx(np.full(n, shares[a]))
        assert d.probabilities[first].to_numpy() == pytest.approx(np.full(n, shares[a]))
        for b, second in enumerate(d.arms):
            joint = np.einsum("r,ri,rj->ij", chances, (assignments == a) * 1.0, (assignments == b) * 1.0)
            assert d.pair_probabilities(first, second) == pytest.approx(joint)


def test_arms_stay_close_all_along():
    frame = people(200)
    d = tk.design.permuted_blocks(frame, unit="id", arms=TWO, strata=["sex"])
    assert d.settings["sizes"] == [4, 6, 8]
    arms = d.draw_many(200, seed=1).arms[:, d.positions(frame["id"])]
    for level in ("f", "m"):
        steps = 2 * arms[:, (frame["sex"] == level).to_numpy()].astype(int) - 1
        assert np.abs(np.cumsum(steps, axis=1)).max() == 4
    returns = [np.flatnonzero(np.cumsum(row) == 0) + 1 for row in 2 * arms[:, (frame["sex"] == "m").to_numpy()].astype(int) - 1]
    assert len({tuple(r) for r in returns}) > 100


def test_one_draw_and_many_are_the_same_steps():
    d = tk.design.permuted_blocks(people(60), unit="id", arms={"a": 2, "b": 1}, strata=["sex"])
    many = d.draw_many(40, seed=9).arms
    for i in (0, 3, 39):
        assert np.array_equal(d._draw([Stream(9, 1, i)])[0], many[i])


def test_order_of_arrival_and_strata_of_several_columns():
    frame = people(40).assign(site=list("abcd") * 10)
    by_week = tk.design.permuted_blocks(frame, unit="id", arms=TWO, strata=["sex", "site"], arrival="week")
    shuffled = tk.design.permuted_blocks(
        frame.sample(frac=1, random_state=2), unit="id", arms=TWO, strata=["sex", "site"], arrival="week"
    )
    assert np.array_equal(by_week.draw_many(5, seed=1).arms, shuffled.draw_many(5, seed=1).arms)
    assert "within 'sex' and 'site'" in by_week.describe() and "4, 6 or 8, at random" in by_week.describe()
    again = tk.design.permuted_blocks(frame, **by_week.settings)
    assert again.settings == by_week.settings and np.array_equal(
        again.draw_many(5, seed=1).arms, by_week.draw_many(5, seed=1).arms
    )


def test_large_designs_are_counted_or_refused():
    d = tk.design.permuted_blocks(people(300), unit="id", arms=TWO)
    assert d.count() > 10**50
    with pytest.raises(DesignError, match="too many to list"):
        d.enumerate()


def test_draws_are_frozen():
    frame = people(41)
    made = [
        tk.design.permuted_blocks(frame, unit="id", arms=TWO),
        tk.design.permuted_blocks(frame, unit="id", arms={"x": 1, "y": 2, "z": 1}, strata=["sex"]),
    ]
    text = [hashlib.sha256(d.draw_many(300, seed=20240229).arms.astype("<i2").tobytes()).hexdigest()[:16] for d in made]
    assert text == FROZEN


FROZEN = ["4db3a5a4a9a900ba", "29b64455c5fdca69"]


def test_bad_input():
    frame = people(10)

    def make(data=frame, **given):
        return tk.design.permuted_blocks(data, **({"unit": "id", "arms": TWO} | given))

    with pytest.raises(
        DesignError, match=r"a block of 5 cannot hold the allocation 1:1: sizes must be multiples of 2, such as 4 and 6"
    ):
        make(sizes=[4, 5])
    with pytest.raises(DesignError, match=r"multiples of 3, such as .*6 and 9"):
        make(arms={"a": 1, "b": 2}, sizes=[4, 6, 8])
    for wrong in (-4, 0, 4.5, True, "4"):
        with pytest.raises(DesignError, match="multiples of 2"):
            make(sizes=[wrong])
    with pytest.raises(UsageError, match="empty"):
        make(sizes=[])
    with pytest.raises(UsageError, match="more than once"):
        make(sizes=[4, 4])
    with pytest.raises(UsageError, match=r"strata=\['sex'\]"):
        make(strata="sex")
    with pytest.raises(DesignError, match="'sex' is missing for 'p002'"):
        make(frame.assign(sex=["f", "m", None, *["f"] * 7]), strata=["sex"])
    with pytest.raises(DesignError, match="'q' is not a declared level"):
        make(frame.assign(sex=["f", "m", "q", *["f"] * 7]), strata={"sex": ["f", "m"]})
    with pytest.raises(DesignError, match="no ratio of small whole numbers"):
        make(arms={"a": 1, "b": 1.37})
