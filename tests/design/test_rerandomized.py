"""Rerandomization: the base design given acceptance, its probabilities exact where they can be."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from trialkit.errors import DesignError, UsageError

TWO = {"individual": 1, "peer": 1}
THREE = {"individual": 1, "peer": 1, "coach": 1}


def people(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"age": rng.normal(40, 12, n), "income": rng.gamma(2, 500, n), "sex": rng.choice(["f", "m"], n)}
    return pd.DataFrame({"id": [f"p{i:04d}" for i in range(n)], **columns})


def morgan_rubin(x: np.ndarray, codes: np.ndarray) -> float:
    """n p (1 - p) D' S^-1 D."""
    d = x[codes == 1].mean(axis=0) - x[codes == 0].mean(axis=0)
    p = codes.mean()
    return len(codes) * p * (1 - p) * d @ np.linalg.solve(np.cov(x.T), d)


BASES = {
    "complete": lambda f: tk.design.complete(f, unit="id", arms=TWO),
    "unequal": lambda f: tk.design.complete(f, unit="id", arms={"individual": 1, "peer": 2}),
    "three arms": lambda f: tk.design.complete(f, unit="id", arms=THREE),
    "simple": lambda f: tk.design.simple(f, unit="id", arms=TWO),
    "chances": lambda f: tk.design.simple(f, unit="id", arms=TWO, probability="chance"),
    "stratified": lambda f: tk.design.stratified(f, unit="id", strata=["sex"], arms=TWO),
    "pairs": lambda f: tk.design.matched_pairs(f, unit="id", match=["income"], arms=TWO),
}


@pytest.mark.parametrize("name", BASES)
def test_enumerated_probabilities_and_draws(name):
    frame = people(9, seed=1).assign(sex=list("ffffmmmmm"), chance=[0.3, 0.5, 0.6] * 3)
    base = BASES[name](frame)
    d = tk.design.rerandomized(base, ["age", "income"], accept=0.3)
    every, weights = base.enumerate()
    kept = d.accepts(every)
    assert weights[kept].sum() + 1e-9 >= 0.3 and d.probabilities_exact and d.settings["acceptance"] < 0.6
    assignments, given = d.enumerate()
    assert len(assignments) == d.count() == kept.sum() and given == pytest.approx(weights[kept] / weights[kept].sum())
    for a, arm in enumerate(d.arms):
        assert d.probabilities[arm].to_numpy() == pytest.approx(given @ (assignments == a))
        joint = np.einsum("r,ri,rj->ij", given, (assignments == a) * 1.0, (assignments == 0) * 1.0)
        assert d.pair_probabilities(arm, d.arms[0]) == pytest.approx(joint)
    assert not d.probabilities_se.to_numpy().any()
    drawn, found = np.unique(d.draw_many(6000, seed=2).arms, axis=0, return_counts=True)
    chance = {tuple(row): w for row, w in zip(assignments.tolist(), given)}
    expected = np.array([6000 * chance[tuple(row)] for row in drawn.tolist()])
    statistic = ((found - expected) ** 2 / expected).sum() + 6000 - expected.sum()
    assert stats.chi2.sf(statistic, len(assignments) - 1) > 1e-4


@pytest.mark.parametrize("arms", [TWO, {"individual": 1, "peer": 3}])
def test_distance_is_that_of_morgan_and_rubin(arms):
    frame = people(40, seed=2)
    base = tk.design.complete(frame, unit="id", arms=arms)
    d = tk.design.rerandomized(base, ["age", "income"])
    x = frame[["age", "income"]].to_numpy()
    codes = base.draw_many(5, seed=1).arms
    assert d.settings["covariance"] == "exact"
    assert d.imbalance(codes) == pytest.approx([morgan_rubin(x, c) for c in codes])
    moved = tk.design.rerandomized(
        tk.design.complete(frame.assign(age=5 - frame["age"] * 1e6), unit="id", arms=arms), ["age", "income"]
    )
    assert moved.imbalance(codes) == pytest.approx(d.imbalance(codes))


def test_simulated_covariance_is_near_the_exact_one():
    frame = people(41, seed=3)
    base = tk.design.complete(frame, unit="id", arms=TWO)
    d = tk.design.rerandomized(base, ["age", "income"])
    assert d.settings["covariance"] == "simulated"
    x, codes = frame[["age", "income"]].to_numpy(), base.draw_many(5, seed=1).arms
    assert d.imbalance(codes) == pytest.approx([morgan_rubin(x, c) for c in codes], rel=0.06)


def test_chi_square_quantile_and_simulated_one_agree_in_large_samples():
    frame = people(200, seed=4)
    base = tk.design.complete(frame, unit="id", arms=TWO)
    simulated = tk.design.rerandomized(base, ["age", "income"], accept=0.1)
    large = tk.design.rerandomized(base, ["age", "income"], accept=0.1, quantile="chi_square")
    assert large.threshold == pytest.approx(stats.chi2.ppf(0.1, 2))
    assert simulated.threshold == pytest.approx(large.threshold, rel=0.1)
    assert simulated.settings["acceptance"] == pytest.approx(0.1, abs=0.001)


def test_every_draw_is_accepted_and_balance_improves():
    frame = people(120, seed=5)
    base = tk.design.complete(frame, unit="id", arms=TWO)
    d = tk.design.rerandomized(base, ["age", "income"], accept=0.05)
    x = frame[["age", "income"]].to_numpy()
    arms = d.draw_many(400, seed=1).arms
    assert (d.imbalance(arms) <= d.threshold * (1 + 1e-9)).all()
    before = ((2.0 * base.draw_many(400, seed=1).arms - 1) @ x).std(axis=0)
    after = ((2.0 * arms - 1) @ x).std(axis=0)
    assert (after < 0.3 * before).all()


def test_a_draw_depends_on_seed_and_number_only():
    d = tk.design.rerandomized(
        tk.design.stratified(people(50, seed=6), unit="id", strata=["sex"], arms=THREE), ["age"], accept=0.02
    )
    many = d.draw_many(60, seed=7).arms
    assert np.array_equal(d.draw_many(9, seed=7).arms, many[:9])
    shuffled = people(50, seed=6).sample(frac=1, random_state=1)
    other = tk.design.rerandomized(tk.design.stratified(shuffled, unit="id", strata=["sex"], arms=THREE), ["age"], accept=0.02)
    assert np.array_equal(other.draw_many(9, seed=7).arms, many[:9])


def test_symmetry_gives_exactly_one_half():
    d = tk.design.rerandomized(tk.design.complete(people(60), unit="id", arms=TWO), ["age"], accept=0.1)
    assert d.count() is None and d.probabilities_exact and (d.probabilities.to_numpy() == 0.5).all()
    assert "stays 1/2" in d.describe()
    with pytest.raises(DesignError, match="cannot be listed"):
        d.enumerate()
    means = d.draw_many(3000, seed=1).arms.mean(axis=0)
    assert np.abs(means - 0.5).max() < 5 * 0.5 / np.sqrt(3000)


@pytest.mark.parametrize(
    "scheme", ["simple", "complete", "stratified", "clustered", "stratified_clustered", "pairs", "blocks", "minimization"]
)
def test_schemes_called_symmetric_are(scheme):
    frame = people(9, seed=7).assign(sex=list("ffmfmmmfm"), club=[f"c{i // 2}" for i in range(9)], town=list("xxxxyyyyy"))
    made = {
        "simple": lambda: tk.design.simple(frame, unit="id", arms=TWO),
        "complete": lambda: tk.design.complete(frame, unit="id", arms=TWO),
        "stratified": lambda: tk.design.stratified(frame, unit="id", strata=["sex"], arms=TWO, misfits="global"),
        "clustered": lambda: tk.design.clustered(frame, unit="id", cluster="club", arms=TWO),
        "stratified_clustered": lambda: tk.design.stratified_clustered(
            frame, unit="id", cluster="club", strata=["town"], arms=TWO
        ),
        "pairs": lambda: tk.design.matched_pairs(frame, unit="id", match=["age"], arms=TWO),
        "blocks": lambda: tk.design.permuted_blocks(frame, unit="id", strata=["sex"], arms=TWO, sizes=[2, 4]),
        "minimization": lambda: tk.design.minimization(frame, unit="id", factors=["sex", "town"], arms=TWO),
    }[scheme]()
    assignments, weights = made.enumerate()
    law = {tuple(row): w for row, w in zip(assignments.tolist(), weights)}
    swapped = {tuple(row): w for row, w in zip((1 - assignments).tolist(), weights)}
    assert law.keys() == swapped.keys() and all(law[k] == pytest.approx(swapped[k]) for k in law)


def test_probabilities_by_simulation_carry_their_error():
    d = tk.design.rerandomized(tk.design.complete(people(24), unit="id", arms={"individual": 1, "peer": 2}), ["age"], accept=0.2)
    assert not d.probabilities_exact and "simulated" in d.describe()
    error = d.probabilities_se.to_numpy()
    p = d.probabilities.to_numpy()
    assert error == pytest.approx(np.sqrt(p * (1 - p) / 20_000)) and p.sum(axis=1) == pytest.approx(np.ones(24))


def test_several_arms_take_the_worst_comparison():
    frame = people(30, seed=8)
    base = tk.design.complete(frame, unit="id", arms=THREE)
    pairs = tk.design.rerandomized(base, ["age", "income"])
    rest = tk.design.rerandomized(base, ["age", "income"], compare="rest")
    x, codes = frame[["age", "income"]].to_numpy(), base.draw_many(4, seed=1).arms
    worst_pair, worst_rest = [], []
    for c in codes:
        found = []
        for a, b in ((0, 1), (0, 2), (1, 2)):
            d = x[c == b].mean(axis=0) - x[c == a].mean(axis=0)
            found.append(d @ np.linalg.solve(np.cov(x.T) * (1 / 10 + 1 / 10), d))
        worst_pair.append(max(found))
        worst_rest.append(max(morgan_rubin(x, (c == a).astype(int)) for a in range(3)))
    assert pairs.imbalance(codes) == pytest.approx(worst_pair)
    assert rest.imbalance(codes) == pytest.approx(worst_rest)


def test_an_empty_arm_is_never_balanced():
    base = tk.design.simple(people(6, seed=13), unit="id", arms=TWO)
    d = tk.design.rerandomized(base, ["age"], accept=0.5)
    every, _ = base.enumerate()
    alone = (every == every[:, :1]).all(axis=1)
    assert alone.sum() == 2 and np.isinf(d.imbalance(every[alone])).all() and not d.accepts(every[alone]).any()
    assert tk.design.rerandomized(base, ["age"], accept=1).count() == 64


def test_clusters_are_compared_by_their_means():
    frame = people(40, seed=9).assign(club=[f"c{i % 10}" for i in range(40)])
    d = tk.design.rerandomized(tk.design.clustered(frame, unit="id", cluster="club", arms=TWO), ["age"], accept=0.2)
    means = frame.groupby("club")[["age"]].mean().to_numpy()
    allocation = d.assign(seed=3).merge(frame, on="id")
    by_club = (allocation.groupby("club")["arm"].first() == "peer").to_numpy().astype(int)
    codes = d.codes(allocation["arm"]).astype(np.int16)[None]
    gap = means[by_club == 1].mean() - means[by_club == 0].mean()
    assert d.imbalance(codes)[0] == pytest.approx(2.5 * gap**2 / means.var(ddof=1))
    assert d.imbalance(codes)[0] <= d.threshold * (1 + 1e-9) and d.count() < 252


def test_a_criterion_of_your_own():
    def years_apart(codes, covariates):
        age = covariates["age"].to_numpy()
        return abs(age[codes == 1].mean() - age[codes == 0].mean())

    frame = people(10, seed=10)
    base = tk.design.complete(frame, unit="id", arms=TWO)
    d = tk.design.rerandomized(base, ["age"], criterion=years_apart, threshold=2.0)
    every, _ = base.enumerate()
    age = frame["age"].to_numpy()
    near = [abs(age[c == 1].mean() - age[c == 0].mean()) <= 2 for c in every]
    assert d.count() == sum(near) and "years_apart" in d.describe()
    with pytest.raises(DesignError, match="returned NaN"):
        tk.design.rerandomized(base, ["age"], criterion=lambda codes, x: np.nan)


def test_settings_make_the_same_design_again():
    frame = people(20, seed=11)
    d = tk.design.rerandomized(tk.design.stratified(frame, unit="id", strata=["sex"], arms=TWO), ["age"], accept=0.1)
    s = d.settings
    again = tk.design.rerandomized(frame, s["covariates"], accept=s["accept"], base=s["base"], base_settings=s["base_settings"])
    assert again.settings == s and np.array_equal(again.draw_many(10, seed=1).arms, d.draw_many(10, seed=1).arms)


def test_draws_are_frozen():
    frame = pd.DataFrame({"id": [f"p{(7 * i) % 41:02d}" for i in range(41)], "age": [(i * i) % 37 for i in range(41)]})
    made = [tk.design.rerandomized(tk.design.complete(frame, unit="id", arms=arms), ["age"], accept=0.1) for arms in (TWO, THREE)]
    text = [hashlib.sha256(d.draw_many(300, seed=20240229).arms.astype("<i2").tobytes()).hexdigest()[:16] for d in made]
    assert text == FROZEN


FROZEN = ["6d5d1cbc1d5aef79", "fcf0cb9ab7e17c09"]


def test_bad_input():
    frame = people(10, seed=12)
    base = tk.design.complete(frame, unit="id", arms=TWO)
    with pytest.raises(DesignError, match="'age' is missing for 'p0002'"):
        holed = frame.assign(age=[np.nan if i == 2 else float(i) for i in range(10)])
        tk.design.rerandomized(tk.design.complete(holed, unit="id", arms=TWO), ["age"])
    with pytest.raises(DesignError, match="'flat' is the same for everyone"):
        tk.design.rerandomized(tk.design.complete(frame.assign(flat=1), unit="id", arms=TWO), ["flat"])
    with pytest.raises(DesignError, match="balances sex exactly already"):
        even = frame.assign(sex=list("ffffffmmmm"))
        tk.design.rerandomized(tk.design.stratified(even, unit="id", strata=["sex"], arms=TWO), ["sex"])
    with pytest.raises(DesignError, match=r"in none of them could .* accept more"):
        tk.design.rerandomized(tk.design.complete(frame, unit="id", arms={"a": 1, "b": 4}), ["age"], accept=0.01)
    with pytest.raises(DesignError, match="no assignment has an imbalance of 1e-09 or less among the 252"):
        tk.design.rerandomized(base, ["age"], threshold=1e-9)
    with pytest.raises(DesignError, match="3 people are too few for 2 covariate columns"):
        tk.design.rerandomized(tk.design.complete(frame.iloc[:3], unit="id", arms=TWO), ["age", "income"])
    assert tk.design.rerandomized(tk.design.complete(frame.iloc[:2], unit="id", arms=TWO), ["age"]).count() == 2
    rare = tk.design.rerandomized(
        tk.design.complete(people(40), unit="id", arms=TWO), ["age", "income"], threshold=0.002, most_attempts=20
    )
    with pytest.raises(DesignError, match=r"no assignment was accepted in .* attempts.*fewer than 1 in"):
        rare.draw_many(200, seed=1)
    for given in ({"accept": 0.1, "threshold": 1}, {"accept": 0}, {"accept": 1.5}, {"compare": "all"}, {"most_attempts": 0}):
        with pytest.raises(UsageError):
            tk.design.rerandomized(base, ["age"], **given)
    with pytest.raises(UsageError, match="starts from a design"):
        tk.design.rerandomized(frame, ["age"])
    with pytest.raises(UsageError, match="form groups afterwards"):
        tk.design.rerandomized(base.with_groups(arm="peer", size=(2, 3)), ["age"])
    with pytest.raises(UsageError, match="chi_square"):
        tk.design.rerandomized(tk.design.complete(frame, unit="id", arms=THREE), ["age"], quantile="chi_square")
