"""Randomization tests with several arms, several outcomes and unequal probabilities: exact by enumeration, and against regressions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import CombinationError, DesignError, EstimationError, UsageError
from trialkit.estimate.draws.assignments import two_arm_law
from trialkit.inference.several.stepdown import romano_wolf

ARMS = {"c": 1, "peer": 1, "coach": 1}


def people(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"id": range(n), "x": rng.normal(size=n), "site": np.arange(n) % 2, "y": rng.normal(size=n), "y2": rng.normal(size=n)}
    )


def trial(n: int = 9, seed: int = 0, *, design=None, coach: float = 0.0, peer: float = 0.0, **roles) -> tk.Trial:
    d = people(n, seed)
    made = design(d) if design is not None else tk.design.complete(d, unit="id", arms=ARMS)
    data = d.merge(made.assign(seed=seed + 1), on="id")
    data["y"] += coach * (data["arm"] == "coach") + peer * (data["arm"] == "peer")
    return tk.Trial(data, arm="arm", control="c", unit="id", design=made, **roles)


DESIGNS = {
    "complete": lambda d: tk.design.complete(d, unit="id", arms={"c": 2, "peer": 1, "coach": 1}),
    "stratified": lambda d: tk.design.stratified(d, unit="id", strata=["site"], arms=ARMS),
    "clustered": lambda d: tk.design.clustered(d.assign(k=d["id"] // 2), unit="id", cluster="k", arms=ARMS),
    "triplets": lambda d: tk.design.matched_pairs(d.assign(t=d["id"] // 3), unit="id", pairs="t", arms=ARMS),
    "independent": lambda d: tk.design.simple(
        d.assign(a=0.2 + d["id"] / 50, b=0.3, z=0.5 - d["id"] / 50), unit="id", arms=ARMS, probability={"c": "a", "peer": "b", "coach": "z"}
    ),
    "rerandomized": lambda d: tk.design.rerandomized(tk.design.complete(d, unit="id", arms=ARMS), ["x"], accept=0.3),
    "listed": lambda d: tk.design.custom(
        d, unit="id", arms=ARMS, assignments=[[0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 2], [1, 0, 0, 1, 2, 2], [2, 0, 1, 0, 1, 2]],
        probabilities=[0.4, 0.3, 0.2, 0.1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(DESIGNS))
def test_the_law_of_two_arms_is_the_conditional_one(name):
    """Given where the coached are, the law of the other two is the design's own list restricted to that."""
    design = DESIGNS[name](people(6 if name != "triplets" else 9))
    listed, weights = design.enumerate()
    observed = listed[int(np.argmax(weights))] if name == "listed" else listed[len(listed) // 3]
    law = two_arm_law(design, observed.astype(np.int64), (0, 1))
    rows, found = law.enumerate()
    stays = observed == 2
    kept = ((listed == 2) == stays).all(axis=1)
    if name not in ("independent", "listed", "rerandomized", "triplets"):  # cells condition on their numbers as well
        kept &= [sorted(r) == sorted(observed) for r in listed.tolist()]
    if name == "stratified":
        site = people(6)["site"].to_numpy()
        kept &= [all(sorted(r[site == s]) == sorted(observed[site == s]) for s in (0, 1)) for r in listed]
    expected = {tuple(r): w / weights[kept].sum() for r, w in zip(listed[kept].tolist(), weights[kept])}
    assert {tuple(r): w for r, w in zip(rows.tolist(), found) if w > 0} == pytest.approx(expected)


def test_each_row_is_the_test_among_its_own_two_arms():
    t = trial(9, coach=5.0)
    r = tk.randomization_test(t, "y", n_draws="all")
    for e in r.estimates:
        arm = e.contrast.split(" - ")[0]
        y, z = t.values("y")[t.data["arm"].isin([arm, "c"])], t.data["arm"][t.data["arm"].isin([arm, "c"])] == arm
        z = z.to_numpy()
        differences = [
            y[list(chosen)].mean() - np.delete(y, list(chosen)).mean() for chosen in itertools.combinations(range(6), 3)
        ]
        observed = y[z].mean() - y[~z].mean()
        assert e.estimate == pytest.approx(observed)
        assert e.p_value == pytest.approx(np.mean(np.abs(differences) >= abs(observed) - 1e-9))


@pytest.mark.parametrize("design", ["complete", "independent"])
@pytest.mark.parametrize("statistic", ["difference", "studentized"])
def test_a_row_is_exact_whatever_the_third_arm_does(design, statistic):
    """Over every assignment that puts two people or more in each arm: the chance of p <= a is at most a, at every level a."""
    d = people(6, 3)
    made = DESIGNS[design](d)
    listed, weights = made.enumerate()
    possible = np.array([(np.bincount(r, minlength=3) >= 2).all() for r in listed]) & (weights > 0)
    if statistic == "studentized" and design == "complete":
        made = tk.design.complete(d, unit="id", arms=ARMS)
        listed, weights = made.enumerate()
        possible = weights > 0
    listed, weights = listed[possible], weights[possible] / weights[possible].sum()
    if design == "independent":  # the draws must know that such assignments were left out
        made = tk.design.custom(d, unit="id", arms=ARMS, assignments=listed, probabilities=weights)
    p = []
    for assignment in listed:
        arm = np.array([made.arms[c] for c in assignment])
        y = d["y"] + np.where(arm == "coach", 7.0, 0.0)  # a large effect, that says nothing on peer - c
        data = tk.Trial(d.assign(y=y, arm=arm), arm="arm", control="c", unit="id", design=made)
        found = tk.randomization_test(data, "y", n_draws="all", statistic=statistic, correction=None)
        p.append(found.tidy().set_index("contrast").loc["peer - c", "p_value"])
    p = np.array(p)
    for level in np.unique(p):
        assert weights[p <= level + 1e-12].sum() <= level + 1e-9


def test_the_joint_test_is_exact_when_no_arm_changes_anything():
    d = people(6, 5)
    made = tk.design.complete(d, unit="id", arms=ARMS)
    listed, weights = made.enumerate()
    found = []
    for assignment in listed:
        data = tk.Trial(d.assign(arm=[made.arms[c] for c in assignment]), arm="arm", control="c", unit="id", design=made)
        r = tk.randomization_test(data, ["y", "y2"], n_draws="all")
        found.append((*r.joint["p_value"], min(e.extra["p_adjusted"] for e in r.estimates)))
    for p in np.array(found).T:
        for level in (0.05, 0.1, 0.2, 0.5):
            assert weights[p <= level + 1e-12].sum() <= level + 1e-9


def hc2_t(y: np.ndarray, arm: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, float]:
    """t of both arms and the F of them together, by the textbook."""
    Z = np.column_stack([arm == 1, arm == 2, np.ones(len(y)), X]).astype(float)
    bread = np.linalg.inv(Z.T @ Z)
    e = y - Z @ (bread @ Z.T @ y)
    h = np.einsum("ij,jk,ik->i", Z, bread, Z)
    V = bread @ (Z.T * (e**2 / (1 - h))) @ Z @ bread
    b = (bread @ Z.T @ y)[:2]
    return b / np.sqrt(np.diag(V)[:2]), float(b @ np.linalg.solve(V[:2, :2], b) / 2)


def test_step_down_and_joint_tests_by_the_textbook():
    t = trial(7, seed=2, peer=1.0)
    r = tk.randomization_test(t, ["y", "y2"], adjust=["x"], n_draws="all")
    listed, weights = t.design.enumerate()
    recode = np.array([t.arms.index(a) for a in t.design.arms])
    x = t.values("x")[:, None]
    draws = [[hc2_t(t.values(o), recode[row], x) for o in ("y", "y2")] for row in listed]
    null = np.array([[*one[0], *two[0]] for (one, _), (two, _) in [[(a, 0), (b, 0)] for a, b in draws]])
    own = np.concatenate([hc2_t(t.values(o), t.arm_codes, x)[0] for o in ("y", "y2")])
    expected = romano_wolf(statistics=own, null=null, probabilities=weights).p_adjusted
    rows = np.array([e.p_value for e in r.estimates])
    np.testing.assert_allclose([e.extra["p_adjusted"] for e in r.estimates], np.maximum(expected, rows), rtol=1e-9)
    for i, outcome in enumerate(("y", "y2")):
        f = np.array([d[i][1] for d in draws])
        mine = hc2_t(t.values(outcome), t.arm_codes, x)[1]
        row = r.joint[(r.joint["outcome"] == outcome) & (r.joint["test"] == "F over arms")].iloc[0]
        assert row["statistic"] == pytest.approx(mine)
        assert row["p_value"] == pytest.approx(weights @ (f >= mine * (1 - 1e-8)))
    largest = r.joint[r.joint["test"] == "largest |t|"].iloc[0]
    assert largest["p_value"] == pytest.approx(weights @ (np.abs(null).max(axis=1) >= np.abs(own).max() * (1 - 1e-8)))


def grouped(seed: int = 1, n: int = 108) -> tk.Trial:
    rng = np.random.default_rng(seed)
    d = people(n, seed)
    made = tk.design.complete(d, unit="id", arms=ARMS).with_groups(["peer", "coach"], size=(6, 6), restarts=1)
    data = d.merge(made.assign(seed=seed), on="id")
    u = {g: rng.normal() for g in sorted(data["group"].dropna().unique())}
    return tk.Trial(
        data.assign(y=data["y"] + 0.4 * data["group"].map(u).fillna(0).astype(float)),
        arm="arm",
        control="c",
        unit="id",
        group="group",
        design=made,
    )


@pytest.mark.parametrize("contrasts", ["control", "all"])
def test_adjusted_statistics_are_those_of_the_regression(contrasts):
    t = trial(60, seed=4)
    r = tk.randomization_test(t, "y", adjust=["x"], statistic="studentized", contrasts=contrasts, n_draws=50, seed=1)
    fitted = tk.itt(t, "y", adjust=["x"], contrasts=contrasts)
    for a, b in zip(r.estimates, fitted.estimates):
        assert (a.contrast, a.estimate) == (b.contrast, pytest.approx(b.estimate, rel=1e-10))
        assert a.statistic == pytest.approx(b.statistic, rel=1e-9)


def test_with_groups_in_two_arms_the_statistics_are_those_of_cr2():
    t = grouped()
    r = tk.randomization_test(t, "y", n_draws=40, seed=1)
    for a, b in zip(r.estimates, tk.itt(t, "y").estimates):
        assert a.statistic == pytest.approx(b.statistic, rel=1e-9)
    assert "studentized by groups" in r.estimates[0].method
    assert "with whom one is in a group" in r.null
    adjusted = tk.randomization_test(t, "y", adjust=["x"], n_draws=40, seed=1)
    assert adjusted.estimates[1].estimate == pytest.approx(tk.itt(t, "y", adjust=["x"]).estimates[1].estimate)


def test_groups_of_an_arm_that_stays_are_the_observed_ones():
    from trialkit.estimate.draws.assignments import Source

    t = grouped()
    drawn = Source.of(t, 5, 3).two_arms(1, 0)
    stays = t.arm_codes == 2
    assert (drawn.arms[:, stays] == 2).all()
    for row in drawn.groups:
        pairs = set(zip(row[stays].tolist(), t.group_codes[stays].tolist()))
        assert len(pairs) == len(np.unique(t.group_codes[stays]))
        assert not set(row[stays]) & set(row[~stays & (row >= 0)])
    sizes = [np.bincount(row[(row >= 0) & ~stays])[np.unique(row[(row >= 0) & ~stays])] for row in drawn.groups[1:]]
    assert all((s == 6).all() for s in sizes)


@pytest.mark.parametrize("adjust", [[], ["x"]])
def test_the_interval_is_the_set_of_effects_not_rejected(adjust):
    t = trial(12, seed=3, coach=3.0)
    r = tk.randomization_test(t, "y", adjust=adjust, n_draws="all", correction=None)
    e = r.estimates[1]
    assert e.contrast == "peer - c"
    for end, inward in ((e.conf_low, 1), (e.conf_high, -1)):
        p = [
            tk.randomization_test(t, "y", adjust=adjust, n_draws="all", correction=None, null_effect={"peer": end + s * inward}).estimates[1].p_value
            for s in (1e-6, -1e-6)
        ]  # fmt: skip
        assert p[0] > 0.05 >= p[1]


def test_a_null_with_an_effect_for_every_arm_is_met_by_its_own_effects():
    t = trial(9, seed=6)
    moved = t.values("y") + np.array([0.0, 2.0, -1.0])[t.arm_codes]
    assert t.arms == ("c", "coach", "peer")
    shifted = tk.Trial(t.data.assign(y=moved), arm="arm", control="c", unit="id", design=t.design)
    zero = tk.randomization_test(t, "y", n_draws="all")
    same = tk.randomization_test(shifted, "y", n_draws="all", null_effect={"coach": 2.0, "peer": -1.0})
    np.testing.assert_allclose(same.tidy()["p_adjusted"], zero.tidy()["p_adjusted"])
    np.testing.assert_allclose(same.tidy()["p_value"], zero.tidy()["p_value"])
    assert "coach by 2" in same.null


def test_a_statistic_of_ones_own_tests_all_arms_at_once():
    t = trial(8, seed=7, peer=1.5)

    def between(y, arms, groups):
        return sum((arms == a).sum() * (y[arms == a].mean() - y.mean()) ** 2 for a in range(3))

    r = tk.randomization_test(t, "y", n_draws="all", statistic=between, alternative="greater")
    (e,) = r.estimates
    listed, weights = t.design.enumerate()
    recode = np.array([t.arms.index(a) for a in t.design.arms])
    null = np.array([between(t.values("y"), recode[row], None) for row in listed])
    own = between(t.values("y"), t.arm_codes, None)
    assert (e.contrast, e.statistic) == ("all arms", pytest.approx(own))
    assert e.p_value == pytest.approx(weights @ (null >= own - 1e-9))
    assert math.isnan(e.estimate) and math.isnan(e.conf_low)
    assert "own_statistic" in {n.code for n in r.notes}
    both = tk.randomization_test(t, ["y", "y2"], n_draws="all", statistic=between, alternative="greater")
    table = both.tidy()
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert both.joint["test"].tolist() == ["smallest p"]
    assert table["p_value"].iloc[0] == e.p_value


def test_several_outcomes_share_their_draws():
    t = trial(60, seed=8)
    copied = tk.Trial(t.data.assign(copy=t.data["y"], turned=-t.data["y"]), arm="arm", control="c", unit="id", design=t.design)
    r = tk.randomization_test(copied, ["y", "copy", "turned"], n_draws=300, seed=2).tidy()
    alone = tk.randomization_test(copied, "y", n_draws=300, seed=2).tidy()
    for name in ("y", "copy", "turned"):  # the same test three times needs no correction for three tests
        np.testing.assert_allclose(r.loc[r["outcome"] == name, "p_adjusted"], alone["p_adjusted"])


def test_outcomes_with_other_people_missing():
    t = trial(60, seed=9)
    t.data.loc[t.data["id"] % 7 == 0, "y2"] = np.nan
    r = tk.randomization_test(t, ["y", "y2"], n_draws=200, seed=2)
    assert [e.n for e in r.estimates] == [60, 60, 51, 51]
    assert any(n.code == "outcome_missing" for n in r.notes)
    alone = tk.randomization_test(t, "y2", n_draws=200, seed=2)
    assert r.estimates[2].p_value == alone.estimates[0].p_value


def test_two_arms_and_two_outcomes_have_a_step_down_too():
    d = people(10, 1)
    made = tk.design.complete(d, unit="id", arms={"c": 1, "t": 1})
    t = tk.Trial(d.merge(made.assign(seed=1), on="id"), arm="arm", control="c", unit="id", design=made)
    r = tk.randomization_test(t, ["y", "y2"], n_draws="all")
    assert (r.tidy()["p_adjusted"] >= r.tidy()["p_value"]).all()
    assert r.joint["outcome"].tolist() == ["all"]
    assert "p_adjusted" not in tk.randomization_test(t, "y", n_draws="all").tidy()
    again = tk.results.Result.from_dict(r.to_dict())
    assert again.to_dict() == r.to_dict()
    assert again.joint.equals(r.joint)


@settings(max_examples=12, deadline=None)
@given(scale=st.sampled_from([1e-12, 1e-6, 3.0, -2.0, 1e9]), shift=st.sampled_from([0.0, 1e4]), seed=st.integers(0, 30))
def test_affine_outcomes_row_order_and_names_of_arms_change_nothing(scale, shift, seed):
    t = trial(12, seed=seed, peer=0.8)
    kwargs = {"n_draws": 60, "seed": 5, "adjust": ["x"]}
    first = tk.randomization_test(t, ["y", "y2"], **kwargs).tidy()
    moved = t.data.assign(y=scale * (t.data["y"] + shift), y2=scale * t.data["y2"]).sample(frac=1, random_state=seed)
    second = tk.randomization_test(
        tk.Trial(moved, arm="arm", control="c", unit="id", design=t.design), ["y", "y2"], **kwargs
    ).tidy()
    for column in ("p_value", "p_adjusted"):
        np.testing.assert_allclose(second[column], first[column])
    np.testing.assert_allclose(second["estimate"], scale * first["estimate"], rtol=1e-6)
    names = {"c": "z", "peer": "m", "coach": "b"}  # the alphabet keeps the order of the treated arms
    d = tk.design.complete(people(12, seed), unit="id", arms={names[a]: 1 for a in ARMS})
    other = tk.Trial(t.data.assign(arm=t.data["arm"].map(names)), arm="arm", control="z", unit="id", design=d)
    np.testing.assert_allclose(tk.randomization_test(other, ["y", "y2"], **kwargs).tidy()["p_adjusted"], first["p_adjusted"])


def test_a_design_without_a_law_for_two_arms_says_so():
    t = trial(60, seed=2, coach=4.0, design=lambda d: tk.design.minimization(d, unit="id", arms=ARMS, factors=["site"]))
    r = tk.randomization_test(t, "y", adjust=["x"], n_draws=150, seed=1)
    assert [n.code for n in r.notes] == ["arms_together"]
    assert r.estimates[0].p_value == pytest.approx(1 / 151)
    assert r.estimates[0].conf_low < 4 < r.estimates[0].conf_high
    assert r.estimates[1].p_value > 0.01
    by_regression = tk.itt(t, "y", adjust=["x"]).estimates
    assert [e.estimate for e in r.estimates] == pytest.approx([e.estimate for e in by_regression])


def unequal(n: int = 8, seed: int = 0, effect: float = 0.0) -> tk.Trial:
    d = people(n, seed)
    d["p"] = np.where(d["id"] % 2 == 0, 0.25, 0.7)
    d["y"] += 3.0 * (d["id"] % 2)
    made = tk.design.simple(d, unit="id", arms={"c": 1, "t": 1}, probability="p")
    data = d.merge(made.assign(seed=seed + 2), on="id")
    return tk.Trial(data.assign(y=data["y"] + effect * (data["arm"] == "t")), arm="arm", control="c", unit="id", design=made)


def test_unequal_probabilities_are_told_and_can_be_weighted_away():
    estimates = {None: [], "inverse_probability": []}
    for seed in range(60):
        t = unequal(80, seed, effect=1.0)
        for weighting, kept in estimates.items():
            r = tk.randomization_test(t, "y", n_draws=20, seed=1, weighting=weighting)
            kept.append(r.estimates[0].estimate)
            assert ("unequal_probabilities" in {n.code for n in r.notes}) == (weighting is None)
    assert np.mean(estimates[None]) > 1.8
    assert np.mean(estimates["inverse_probability"]) == pytest.approx(1.0, abs=0.15)


def test_the_weighted_statistic_is_hajeks():
    t = unequal(40, 3)
    r = tk.randomization_test(t, "y", n_draws=20, seed=1, weighting="inverse_probability")
    assert r.estimates[0].estimate == pytest.approx(tk.itt(t, "y", estimator="hajek").estimates[0].estimate)
    assert "weighted by inverse probabilities" in r.estimates[0].method


@pytest.mark.parametrize("adjust", [[], ["x"]])
@pytest.mark.parametrize("statistic", ["difference", "studentized"])
def test_a_weighted_estimate_moves_with_the_effect(adjust, statistic):
    kwargs = {"n_draws": 99, "seed": 1, "weighting": "inverse_probability", "adjust": adjust, "statistic": statistic}
    a = tk.randomization_test(unequal(40, 3), "y", **kwargs).estimates[0]
    b = tk.randomization_test(unequal(40, 3, effect=2.0), "y", **kwargs).estimates[0]
    for key in ("estimate", "conf_low", "conf_high"):
        assert getattr(b, key) == pytest.approx(getattr(a, key) + 2.0, abs=1e-6)


@pytest.mark.parametrize("weighting", [None, "inverse_probability"])
def test_unequal_probabilities_keep_the_level_exactly(weighting):
    d = unequal(6).data.drop(columns=["arm"])
    design = unequal(6).design
    listed, weights = design.enumerate()
    ends = np.array([0 < r.sum() < 6 for r in listed])
    made = tk.design.custom(
        d, unit="id", arms={"c": 1, "t": 1}, assignments=listed[ends], probabilities=weights[ends] / weights[ends].sum()
    )
    p = []
    for row in listed[ends]:
        if min(row.sum(), 6 - row.sum()) < 2:
            p.append(1.0)
            continue
        t = tk.Trial(d.assign(arm=[made.arms[c] for c in row]), arm="arm", control="c", unit="id", design=made)
        p.append(tk.randomization_test(t, "y", n_draws="all", weighting=weighting).p_value)
    w = weights[ends] / weights[ends].sum()
    for level in (0.05, 0.1, 0.25, 0.5):
        assert w[np.array(p) <= level + 1e-12].sum() <= level + 1e-9


def test_studentized_pairs_use_the_regression_and_have_no_p_of_zero():
    d = people(16, 2)
    made = tk.design.matched_pairs(d.assign(t=d["id"] // 2), unit="id", pairs="t", arms={"c": 1, "t": 1})
    data = d.assign(t=d["id"] // 2).merge(made.assign(seed=1)[["id", "arm"]], on="id")
    trial_ = tk.Trial(data, arm="arm", control="c", unit="id", strata=["t"], design=made)
    r = tk.randomization_test(trial_, "y", statistic="studentized", n_draws="all")
    plain = tk.randomization_test(trial_, "y", n_draws="all")
    assert r.p_value == pytest.approx(plain.p_value)  # with pairs t is a function of |difference|
    assert r.p_value >= 2 / 256


BAD = [
    ({"contrasts": "pairs"}, UsageError, "'control' or 'all'"),
    ({"correction": "holm"}, UsageError, "'step_down' or None"),
    ({"weighting": "ipw"}, UsageError, "'inverse_probability' or None"),
    ({"conf_level": 95}, UsageError, "between 0 and 1"),
    ({"outcome": ["y", "y"]}, UsageError, "different columns"),
    ({"outcome": []}, UsageError, "a column, or a list"),
    ({"statistic": lambda y, a, g: float("nan")}, UsageError, "no finite number"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_refusals(call, error, words):
    arguments = {"outcome": "y", "n_draws": 10, "seed": 1} | call
    with pytest.raises(error, match=words):
        tk.randomization_test(trial(12), arguments.pop("outcome"), **arguments)


def test_what_cannot_be_listed_for_all_arms_can_be_for_two():
    t = trial(30, seed=1)
    few = tk.Trial(t.data, arm="arm", control="c", unit="id", design=tk.design.complete(people(30, 1), unit="id", arms=ARMS))
    with pytest.raises(DesignError, match="correction=None"):
        tk.randomization_test(few, "y", n_draws="all")
    r = tk.randomization_test(few, "y", n_draws="all", correction=None)
    assert r.details["draws"] == [math.comb(20, 10)] * 2


def test_weights_by_probability_do_not_go_with_groups():
    with pytest.raises(CombinationError, match="weighting"):
        tk.randomization_test(grouped(), "y", n_draws=10, seed=1, weighting="inverse_probability")


def test_an_arm_that_nobody_is_in_stays_empty_or_is_said():
    d = people(40)
    made = tk.design.simple(d, unit="id", arms=ARMS)
    t = tk.Trial(d.assign(arm=np.where(d["id"] % 2, "c", "peer")), arm="arm", control="c", unit="id", design=made)
    assert len(tk.randomization_test(t, ["y", "y2"], n_draws=50, seed=1).estimates) == 2
    with pytest.raises(EstimationError, match="nobody of the data"):
        tk.randomization_test(t, "y", n_draws=50, seed=1, statistic=lambda y, a, g: 1.0)


def test_sampling_weights_are_told():
    t = trial(12)
    weighted = tk.Trial(t.data.assign(w=1.0), arm="arm", control="c", unit="id", weights="w", design=t.design)
    assert "weights_unused" in {n.code for n in tk.randomization_test(weighted, "y", n_draws=20, seed=1).notes}


def test_the_text_shows_corrected_p_values_and_the_joint_test():
    text = str(tk.randomization_test(trial(12), ["y", "y2"], n_draws=50, seed=1))
    assert (
        "corrected p" in text
        and "F over arms (y)" in text
        and "largest |t| (all)" in text
        and "whatever the remaining arms do" in text
    )
