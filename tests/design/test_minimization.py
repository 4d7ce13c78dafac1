"""Minimization: the law of Pocock and Simon, checked against their description taken literally."""

from __future__ import annotations

import hashlib
import itertools
import statistics
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from trialkit.design.stream import Stream
from trialkit.errors import DesignError, UsageError

TWO = {"individual": 1, "peer": 1}


def people(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"sex": rng.choice(["f", "m"], n), "agency": rng.integers(0, 4, n), "week": rng.permutation(n)}
    return pd.DataFrame({"id": [f"p{(11 * i) % n:04d}" for i in range(n)], **columns})


MEASURES = {"range": lambda x: max(x) - min(x), "variance": statistics.variance, "sd": statistics.stdev}


def literal_law(arrivals, *, arms, probability, weights, measure):
    """Probability of every sequence of arms, by the description of Pocock & Simon (1975), with the unequal allocation of Han et al.

    Counts are made anew for every person and every arm that they might be in.
    """
    labels, parts = list(arms), [Fraction(w) for w in arms.values()]
    shares = [p / sum(parts) for p in parts]
    smallest = min(shares)
    factors = list(weights)
    law = {}
    for sequence in itertools.product(range(len(labels)), repeat=len(arrivals)):
        chance = 1.0
        for i, person in enumerate(arrivals):
            totals = []
            for k in range(len(labels)):
                total = 0.0
                for f in factors:
                    alike = [sequence[j] for j in range(i) if arrivals[j][f] == person[f]] + [k]
                    total += weights[f] * float(MEASURES[measure]([alike.count(a) / shares[a] for a in range(len(labels))]))
                totals.append(total)
            least = [k for k in range(len(labels)) if totals[k] <= min(totals) + 1e-9]
            tied = sum(shares[k] for k in least)
            one = 0.0
            for preferred in least:
                high = 1 - (1 - Fraction(probability).limit_denominator(1000)) * (1 - shares[preferred]) / (1 - smallest)
                mine = sequence[i]
                given = high if mine == preferred else (1 - high) * shares[mine] / (1 - shares[preferred])
                one += float(shares[preferred] / tied * given)
            chance *= one
        law[sequence] = chance
    return law


@pytest.mark.parametrize("measure", list(MEASURES))
@pytest.mark.parametrize(
    ("n", "arms", "probability", "weights"),
    [
        (7, TWO, 0.8, {"sex": 1.0, "agency": 1.0}),
        (7, {"individual": 1, "peer": 2}, 0.75, {"sex": 1.0, "agency": 2.5}),
        (5, {"individual": 1, "peer": 1, "coach": 1}, 0.7, {"sex": 2.0, "agency": 1.0}),
        (5, {"individual": 2, "peer": 1, "coach": 1}, 0.9, {"agency": 1.0, "sex": 1.0}),
    ],
)
def test_law_is_the_literal_one(measure, n, arms, probability, weights):
    frame = people(n, seed=n)
    d = tk.design.minimization(
        frame, unit="id", factors=list(weights), arms=arms, probability=probability, weights=weights, measure=measure
    )
    law = literal_law(frame.to_dict("records"), arms=arms, probability=probability, weights=weights, measure=measure)
    assignments, chances = d.enumerate()
    by_arrival = assignments[:, d.positions(frame["id"])]
    assert {tuple(row): pytest.approx(w) for row, w in zip(by_arrival.tolist(), chances)} == {
        k: v for k, v in law.items() if v > 0
    }
    assert chances.sum() == pytest.approx(1) and d.count() == len(arms) ** n
    for a, arm in enumerate(d.arms):
        assert d.probabilities[arm].to_numpy() == pytest.approx(chances @ (assignments == a))
    drawn, found = np.unique(d.draw_many(8000, seed=3).arms, axis=0, return_counts=True)
    chance = {tuple(row): w for row, w in zip(assignments.tolist(), chances)}
    expected = np.array([8000 * chance[tuple(row)] for row in drawn.tolist()])
    statistic = ((found - expected) ** 2 / expected).sum() + 8000 - expected.sum()
    assert stats.chi2.sf(statistic, len(assignments) - 1) > 1e-4


def test_equal_allocation_is_exact_by_symmetry_and_adjusted_unequal_is_not():
    frame = people(30)
    equal = tk.design.minimization(frame, unit="id", factors=["sex"], arms=TWO)
    assert equal.probabilities_exact and (equal.probabilities.to_numpy() == 0.5).all()
    unequal = tk.design.minimization(frame, unit="id", factors=["sex"], arms={"individual": 1, "peer": 2})
    assert not unequal.probabilities_exact
    p = unequal.probabilities["peer"].to_numpy()
    assert 0 < unequal.probabilities_se["peer"].max() < 0.005
    # the first of a level is drawn to the larger arm, the next one to the smaller: the finding of Kuznetsova & Tymofyeyev
    assert p.max() > 0.85 and p.min() < 0.4 and p.mean() == pytest.approx(2 / 3, abs=0.02)
    assert "differ between places in the order of arrival and are simulated" in unequal.describe()


@pytest.mark.parametrize(("n", "arms"), [(6, {"individual": 1, "peer": 2}), (5, {"individual": 1, "peer": 2, "coach": 1})])
def test_expanded_keeps_everyone_at_the_shares(n, arms):
    frame = people(n, seed=n)
    d = tk.design.minimization(frame, unit="id", factors=["sex", "agency"], arms=arms, unequal="expanded")
    # the same description with one arm for each part of the ratio, and then the parts of an arm together
    parts = [f"{arm} {i}" for arm, w in arms.items() for i in range(w)]
    law: dict[tuple[int, ...], float] = {}
    literal = literal_law(
        frame.to_dict("records"),
        arms=dict.fromkeys(parts, 1),
        probability=0.8,
        weights={"sex": 1.0, "agency": 1.0},
        measure="range",
    )
    for sequence, chance in literal.items():
        folded = tuple(d.fold[slot] for slot in sequence)
        law[folded] = law.get(folded, 0.0) + chance
    assignments, chances = d.enumerate()
    by_arrival = assignments[:, d.positions(frame["id"])]
    assert {tuple(row): pytest.approx(w) for row, w in zip(by_arrival.tolist(), chances)} == law
    shares = np.array(list(arms.values())) / sum(arms.values())
    assert d.probabilities_exact and d.count() == len(arms) ** n
    for a, arm in enumerate(d.arms):
        assert chances @ (assignments == a) == pytest.approx(np.full(n, shares[a]))
        assert d.probabilities[arm].to_numpy() == pytest.approx(np.full(n, shares[a]))
    many = d.draw_many(8000, seed=3).arms
    assert np.array_equal(d._draw([Stream(3, 1, 5)])[0], many[5])
    drawn, found = np.unique(many, axis=0, return_counts=True)
    chance = {tuple(row): w for row, w in zip(assignments.tolist(), chances)}
    expected = np.array([8000 * chance[tuple(row)] for row in drawn.tolist()])
    statistic = ((found - expected) ** 2 / expected).sum() + 8000 - expected.sum()
    assert stats.chi2.sf(statistic, len(assignments) - 1) > 1e-4


@pytest.mark.parametrize("measure", list(MEASURES))
def test_one_draw_and_many_are_the_same_steps(measure):
    frame = people(60, seed=1)
    for arms in (TWO, {"individual": 3, "peer": 1, "coach": 2}):
        weights = {"sex": 1.5, "agency": 1}
        d = tk.design.minimization(frame, unit="id", factors=["sex", "agency"], arms=arms, measure=measure, weights=weights)
        many = d.draw_many(40, seed=9).arms
        for i in (0, 3, 39):
            assert np.array_equal(d._draw([Stream(9, 1, i)])[0], many[i])


def test_without_chance_but_in_ties_counts_never_differ_by_more_than_one():
    frame = people(200, seed=2)
    d = tk.design.minimization(frame, unit="id", factors=["sex"], arms=TWO, probability=1)
    table = pd.crosstab(d.assign(seed=1).merge(frame, on="id")["sex"], d.assign(seed=1).merge(frame, on="id")["arm"])
    assert np.abs(table["peer"] - table["individual"]).max() <= 1
    small = tk.design.minimization(frame.iloc[:6], unit="id", factors=["sex"], arms=TWO, probability=1)
    assert small.count() < 64 and small.enumerate()[1].sum() == pytest.approx(1)


def test_factors_are_balanced_better_than_by_simple_randomization():
    frame = people(200, seed=3)
    minimized = tk.design.minimization(frame, unit="id", factors=["sex", "agency"], arms=TWO)
    simple = tk.design.simple(frame, unit="id", arms=TWO)
    level = pd.get_dummies(frame.set_index("id").loc[minimized.people.ids, ["sex", "agency"]].astype(str)).to_numpy(float)

    def imbalance(d):
        return np.abs((2.0 * d.draw_many(300, seed=1).arms - 1) @ level).mean()

    assert imbalance(minimized) < 0.4 * imbalance(simple)
    weighted = tk.design.minimization(frame, unit="id", factors=["sex", "agency"], arms={"individual": 1, "peer": 3})
    assert weighted.draw_many(300, seed=1).arms.mean() == pytest.approx(0.75, abs=0.01)


def test_order_of_arrival():
    frame = people(50, seed=4)
    given = {"unit": "id", "factors": ["sex", "agency"], "arms": TWO}
    by_week = tk.design.minimization(frame, arrival="week", **given)
    shuffled = tk.design.minimization(frame.sample(frac=1, random_state=1), arrival="week", **given)
    assert np.array_equal(by_week.draw_many(5, seed=1).arms, shuffled.draw_many(5, seed=1).arms)
    in_order = tk.design.minimization(frame.sort_values("week"), **given)
    assert np.array_equal(by_week.draw_many(5, seed=1).arms, in_order.draw_many(5, seed=1).arms)
    assert not np.array_equal(by_week.draw_many(5, seed=1).arms, tk.design.minimization(frame, **given).draw_many(5, seed=1).arms)
    ties = tk.design.minimization(frame.assign(week=0), arrival="week", **given)
    assert np.array_equal(ties.order, np.arange(50)) and "('week')" in ties.describe()
    assert in_order.assign(seed=1)["id"].tolist() == sorted(frame["id"])


def test_a_hundred_thousand_people_in_ten_seconds():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.arange(100_000), "sex": rng.integers(0, 2, 100_000), "agency": rng.integers(0, 20, 100_000)})
    frame["age"] = rng.integers(0, 5, 100_000)
    d = tk.design.minimization(frame, unit="id", factors=["sex", "agency", "age"], arms=TWO)
    started = time.process_time()
    allocation = d.assign(seed=1)
    assert time.process_time() - started < 10
    assert abs((allocation["arm"] == "peer").sum() - 50_000) < 50


def test_settings_make_the_same_design_again():
    frame = people(20)
    for factors in (["sex", "agency"], {"sex": ["f", "m"], "agency": [0, 1, 2, 3]}):
        d = tk.design.minimization(frame, unit="id", factors=factors, arms={"a": 1, "b": 2}, weights={"sex": 2}, arrival="week")
        again = tk.design.minimization(frame, **d.settings)
        assert again.settings == d.settings and np.array_equal(again.draw_many(5, seed=1).arms, d.draw_many(5, seed=1).arms)


def test_draws_are_frozen():
    frame = pd.DataFrame({"id": [f"p{(7 * i) % 41:02d}" for i in range(41)], "a": [i % 2 for i in range(41)]})
    frame["b"] = [(i * i) % 5 for i in range(41)]
    made = [
        tk.design.minimization(frame, unit="id", factors=["a", "b"], arms=TWO),
        tk.design.minimization(frame, unit="id", factors=["a", "b"], arms={"x": 1, "y": 2, "z": 1}, measure="variance"),
    ]
    text = [hashlib.sha256(d.draw_many(300, seed=20240229).arms.astype("<i2").tobytes()).hexdigest()[:16] for d in made]
    assert text == FROZEN


FROZEN = ["439146dedf02db87", "4ccda725e5e84f56"]


def test_bad_input():
    frame = people(10)

    def make(data=frame, **given):
        return tk.design.minimization(data, **({"unit": "id", "factors": ["sex"], "arms": TWO} | given))

    with pytest.raises(DesignError, match=r"'sex' is missing for 'p0002' \(row 3\)"):
        make(frame.assign(sex=["f", "m", None, *["f"] * 7]))
    with pytest.raises(DesignError, match=r"'x' is not a declared level of 'sex' .*for 'p0002'"):
        make(frame.assign(sex=["f", "m", "x", *["f"] * 7]), factors={"sex": ["f", "m"]})
    with pytest.raises(DesignError, match=r"choose more than 0.5"):
        make(probability=0.5)
    with pytest.raises(DesignError, match="at most 1"):
        make(probability=1.2)
    with pytest.raises(DesignError, match="weight of factor 'sex' is 0"):
        make(weights={"sex": 0})
    with pytest.raises(UsageError, match="Did you mean 'sex'"):
        make(weights={"sxe": 1})
    with pytest.raises(UsageError, match="'range', 'variance' or 'sd'"):
        make(measure="mean")
    with pytest.raises(UsageError, match="'adjusted' or 'expanded'"):
        make(arms={"a": 1, "b": 2}, unequal="both")
    with pytest.raises(UsageError, match="names no column"):
        make(factors=[])
    with pytest.raises(UsageError, match=r"factors=\['sex'\]"):
        make(factors="sex")
    with pytest.raises(UsageError, match="more than once"):
        make(factors=["sex", "sex"])
    with pytest.raises(DesignError, match="mixes numbers and text"):
        make(frame.assign(week=[1, "x"] * 5), arrival="week")
    with pytest.raises(UsageError, match="needs unit="):
        make(None, unit=None)
    with pytest.raises(DesignError, match="nobody has been enrolled"):
        make(None).draw_many(1, seed=1)
