"""Randomization tests: exact by enumeration, by draws, inverted, and with groups formed anew."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import DesignError, EstimationError, UsageError


def trial(seed: int = 0, n: int = 10, **design) -> tk.Trial:
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"id": range(n), "x": rng.normal(size=n)})
    made = tk.design.complete(people, unit="id", arms={"c": 1, "t": 1}, **design)
    data = people.merge(made.assign(seed=seed), on="id")
    return tk.Trial(
        data.assign(y=rng.normal(size=n) + (data["arm"] == "t") * 0.8), arm="arm", control="c", unit="id", design=made
    )


def test_enumeration_by_hand():
    t = trial(n=8)
    y, z = t.values("y"), t.arm_codes == 1
    observed = y[z].mean() - y[~z].mean()
    count = 0
    for chosen in itertools.combinations(range(8), 4):
        mask = np.isin(np.arange(8), chosen)
        count += abs(y[mask].mean() - y[~mask].mean()) >= abs(observed) - 1e-9
    assert tk.randomization_test(t, "y", n_draws="all").p_value == pytest.approx(count / 70)


@pytest.mark.parametrize("statistic", ["difference", "studentized"])
@pytest.mark.parametrize("adjust", [[], ["x"]])
def test_the_interval_is_the_set_of_effects_not_rejected(statistic, adjust):
    t = trial(seed=3, n=12)
    r = tk.randomization_test(t, "y", adjust=adjust, statistic=statistic, n_draws="all")
    for end, inward in ((r.conf_low, 1), (r.conf_high, -1)):
        step = 1e-6 * inward
        inside = tk.randomization_test(t, "y", adjust=adjust, statistic=statistic, n_draws="all", null_effect=end + step)
        outside = tk.randomization_test(t, "y", adjust=adjust, statistic=statistic, n_draws="all", null_effect=end - step)
        assert inside.p_value > 0.05
        assert outside.p_value <= 0.05


def test_draws_agree_with_enumeration_within_their_error():
    t = trial(seed=5, n=12)
    exact = tk.randomization_test(t, "y", n_draws="all")
    drawn = tk.randomization_test(t, "y", n_draws=4000, seed=1)
    assert abs(drawn.p_value - exact.p_value) < 4 * drawn.mc_error + 1e-3
    assert drawn.p_value >= 1 / 4001
    assert exact.mc_error == 0
    again = tk.randomization_test(t, "y", n_draws=4000, seed=1)
    assert again.p_value == drawn.p_value


def test_an_effect_beyond_all_draws_has_no_p_of_zero():
    t = trial(seed=5, n=40)
    strong = tk.Trial(t.data.assign(y=t.values("y") + 50 * t.arm_codes), arm="arm", control="c", unit="id", design=t.design)
    assert tk.randomization_test(strong, "y", n_draws=200, seed=1).p_value == pytest.approx(1 / 201)


def test_one_sided_tests_split_the_two_sided():
    t = trial(seed=7, n=12)
    up = tk.randomization_test(t, "y", n_draws="all", alternative="greater").p_value
    down = tk.randomization_test(t, "y", n_draws="all", alternative="less").p_value
    ties = up + down - 1
    assert 0 < ties < 0.1


def test_the_test_is_exact_under_the_sharp_null():
    """Every assignment of a small design in turn: the share with p <= .05 is at most .05."""
    people = pd.DataFrame({"id": range(8)})
    design = tk.design.complete(people, unit="id", arms={"c": 1, "t": 1})
    y = np.array([0.3, -1.2, 0.8, 2.0, -0.4, 0.1, 1.4, -0.9])
    listed, weights = design.enumerate()
    rejected = 0.0
    for assignment, weight in zip(listed, weights):
        data = people.assign(y=y, arm=[design.arms[c] for c in assignment])
        p = tk.randomization_test(tk.Trial(data, arm="arm", control="c", unit="id", design=design), "y", n_draws="all").p_value
        rejected += weight * (p <= 0.05 + 1e-12)
    assert rejected <= 0.05


def test_rows_in_another_order_give_the_same_test():
    t = trial(seed=9, n=30)
    shuffled = tk.Trial(t.data.sample(frac=1, random_state=3), arm="arm", control="c", unit="id", design=t.design)
    a = tk.randomization_test(t, "y", adjust=["x"], n_draws=300, seed=2)
    b = tk.randomization_test(shuffled, "y", adjust=["x"], n_draws=300, seed=2)
    assert b.p_value == a.p_value
    assert b.conf_low == pytest.approx(a.conf_low)


def test_thirty_percent_treated_are_thirty_percent_in_every_draw():
    people = pd.DataFrame({"id": range(20)})
    design = tk.design.complete(people, unit="id", arms={"c": 7, "t": 3})
    data = people.merge(design.assign(seed=1), on="id").assign(y=np.arange(20.0))
    seen = []
    tk.randomization_test(
        tk.Trial(data, arm="arm", control="c", unit="id", design=design), "y", n_draws=50, seed=1,
        statistic=lambda y, arms, groups: seen.append((arms == 1).sum()) or 0.0,
    )  # fmt: skip
    assert set(seen) == {6}


def test_a_statistic_of_ones_own_sees_the_outcomes_of_the_null():
    t = trial(seed=11, n=12)
    mine = tk.randomization_test(
        t, "y", n_draws="all", statistic=lambda y, a, g: y[a == 1].mean() - y[a == 0].mean(), null_effect=0.4
    )
    ours = tk.randomization_test(t, "y", n_draws="all", null_effect=0.4)
    assert mine.p_value == pytest.approx(ours.p_value)
    assert math.isnan(mine.conf_low)


def grouped(seed: int, icc: float, n: int = 96) -> tk.Trial:
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"id": range(n)})
    design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=(6, 6), restarts=1)
    data = people.merge(design.assign(seed=seed), on="id")
    u = {g: rng.normal() * np.sqrt(icc) for g in sorted(data["group"].dropna().unique())}
    y = rng.normal(size=n) * np.sqrt(1 - icc) + data["group"].map(u).fillna(0).to_numpy(dtype=float)
    return tk.Trial(data.assign(y=y), arm="arm", control="solo", unit="id", group="group", design=design)


def test_groups_are_formed_anew_and_the_null_says_so():
    r = tk.randomization_test(grouped(1, 0.1), "y", n_draws=99, seed=1)
    assert "studentized by groups" in r.estimates[0].method
    assert "with whom one is in a group" in r.null
    assert r.conf_low < r.estimates[0].estimate < r.conf_high


def test_the_observed_group_statistic_is_the_cr2_t():
    t = grouped(2, 0.2)
    r = tk.randomization_test(t, "y", n_draws=20, seed=1)
    assert r.statistic == pytest.approx(tk.itt(t, "y").estimates[0].statistic, rel=1e-9)


@pytest.mark.calibration
def test_size_with_groups_when_groups_matter():
    """ICC .1, no average effect: the group-studentized test keeps its level, the plain one does not (spec: .115)."""
    rejected = {"auto": 0, "difference": 0}
    for seed in range(600):
        t = grouped(seed, 0.1)
        for statistic in rejected:
            rejected[statistic] += tk.randomization_test(t, "y", n_draws=199, seed=seed, statistic=statistic).p_value <= 0.05
    assert rejected["auto"] / 600 < 0.075
    assert rejected["difference"] > rejected["auto"]


BAD = [
    (dict(n_draws=100), UsageError, "seed=4711"),
    (dict(n_draws=0, seed=1), UsageError, "'all'"),
    (dict(n_draws="every", seed=1), UsageError, "'all'"),
    (dict(n_draws=10, seed=1, statistic="t"), UsageError, "studentized"),
    (dict(n_draws=10, seed=1, alternative="both"), UsageError, "two-sided"),
    (dict(n_draws=10, seed=1, null_effect={"tt": 1}), UsageError, "Did you mean 't'"),
    (dict(n_draws=10, seed=1, adjust="x"), UsageError, "['x']"),
]


@pytest.mark.parametrize("call, error, words", BAD)
def test_refusals(call, error, words):
    with pytest.raises(error) as caught:
        tk.randomization_test(trial(), "y", **call)
    assert words in str(caught.value)


def test_without_a_design_there_is_no_test():
    t = trial()
    with pytest.raises(DesignError, match="design="):
        tk.randomization_test(tk.Trial(t.data, arm="arm", control="c"), "y", n_draws=10, seed=1)


def test_groups_that_the_design_does_not_form_are_refused():
    t = grouped(1, 0.1)
    plain = tk.design.complete(t.data[["id"]], unit="id", arms={"solo": 1, "peer": 1})
    with pytest.raises(DesignError, match="with_groups"):
        tk.randomization_test(
            tk.Trial(t.data, arm="arm", control="solo", unit="id", group="group", design=plain), "y", n_draws=10, seed=1
        )


def test_an_arm_without_outcomes_in_some_draw_is_refused():
    t = trial(seed=1, n=8)
    known = t.data.groupby("arm").cumcount() < 2
    lost = tk.Trial(t.data.assign(y=t.data["y"].where(known)), arm="arm", control="c", unit="id", design=t.design)
    with pytest.raises(EstimationError, match="nobody with the outcome"):
        tk.randomization_test(lost, "y", n_draws="all")
