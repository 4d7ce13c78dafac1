"""Random assignment to peers, exclusion bias and composition: published numbers, size under random draws, closed forms, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import EstimationError, GroupError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.inference.draws.peers import peer_mean, peer_test
from trialkit.results import Result

SPEC = pd.DataFrame(
    {
        "x": [1, 2, 3, 4, 5, 6, 2, 2, 5, 1, 7, 4, 3, 9, 1, 4, 4, 8],
        "group": [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 2, 3, 4, 4, 5, 5, 4, 5],
        "pool": np.repeat([0, 1, 2], 6),
    }
)


def test_the_spec():
    found = tk.selection.peer_assignment_test(SPEC, x="x", group="group", pool="pool")
    assert found.statistic == pytest.approx(-0.2051834, abs=5e-8)


@pytest.mark.parametrize(("pool", "group", "expected"), [(10, 5, -0.667), (20, 5, -0.25), (12, 3, -0.2)])
def test_exclusion_bias_of_equal_groups(pool, group, expected):
    """Caeyers & Fafchamps (2020): -(K - 1)/(L - K + 1)."""
    labels = np.repeat(np.arange(pool // group), group)
    d = pd.DataFrame({"x": np.random.default_rng(1).normal(size=pool), "g": labels})
    found = tk.selection.peer_assignment_test(d, x="x", group="g")
    assert found.slope_expected == pytest.approx(-(group - 1) / (pool - group + 1))
    assert found.slope_expected == pytest.approx(expected, abs=5e-4)


def test_expectations_hold_over_random_draws_of_unequal_groups():
    """The mean numerator and denominator of the slope over shuffles are those that slope_expected divides, and the corrected numerator has mean zero."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=11)
    group, pool = np.repeat([0, 1, 2], [2, 4, 5]), np.zeros(11, dtype=np.int64)
    own = x - x.mean()
    tops, bottoms = [], []
    for _ in range(20_000):
        mine = rng.permutation(own)
        others = peer_mean(x=mine, group=group)
        tops.append(mine @ others)
        bottoms.append(((others - others.mean()) ** 2).sum())
    expected = peer_test(x=x, group=group, pool=pool).slope_expected
    assert np.mean(tops) / np.mean(bottoms) == pytest.approx(expected, rel=0.02)
    assert np.mean(tops) == pytest.approx(-own @ own / 10, rel=0.03)


def test_size_under_random_groups_and_power_under_sorting():
    rng = np.random.default_rng(3)
    pool, group = np.repeat(np.arange(60), 12), np.repeat(np.arange(180), 4)
    p = np.array([peer_test(x=rng.normal(size=720) + 3 * (pool % 4), group=group, pool=pool).p_value for _ in range(1500)])
    assert 0.035 < (p < 0.05).mean() < 0.068
    sorted_x = rng.normal(size=720) + 0.7 * rng.normal(size=180)[group]
    assert peer_test(x=sorted_x, group=group, pool=pool).p_value < 1e-3


def test_shuffling_is_uniform_with_three_pools_and_agrees_in_form():
    rng = np.random.default_rng(4)
    p = []
    for i in range(200):
        d = SPEC.assign(x=rng.exponential(size=18))
        p.append(tk.selection.peer_assignment_test(d, x="x", group="group", pool="pool", n_draws=99, seed=i).p_permutation)
    assert min(p) >= 0.01
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.10
    assert np.mean(p) == pytest.approx(0.5, abs=0.07)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_units_labels_and_order(seed, scale, shift):
    rng = np.random.default_rng(seed)
    d = SPEC.assign(x=rng.normal(size=18))
    other = d.sample(frac=1, random_state=seed).assign(
        x=lambda t: shift - scale * t["x"], group=lambda t: "g" + t["group"].astype(str)
    )
    one, two = (tk.selection.peer_assignment_test(t, x="x", group="group", pool="pool") for t in (d, other))
    for name in ("statistic", "slope", "slope_expected", "slope_corrected"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-6, abs=1e-8)


def test_people_who_say_nothing_are_left_out_with_a_note():
    extra = pd.DataFrame({"x": [1.0, 2, 3, 4, np.nan], "group": [90, 91, 91, None, 0], "pool": [0, 7, 7, 0, 0]})
    found = tk.selection.peer_assignment_test(pd.concat([SPEC, extra], ignore_index=True), x="x", group="group", pool="pool")
    assert found.statistic == pytest.approx(-0.2051834, abs=5e-8)
    assert {"alone", "single_group_pools", "trait_missing"} <= {n.code for n in found.notes}
    back = Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(back) == str(found)


def composed(seed: int = 1, groups: int = 40, size: int = 6, slope: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    y0 = rng.normal(size=groups * size) * (0.5 + (g % 3))
    others = peer_mean(x=y0, group=g)
    y = y0 + slope * others + 0.3 * rng.normal(size=groups)[g] + rng.normal(size=len(g))
    d = pd.DataFrame({"group": [f"g{i}" for i in g], "y0": y0, "y": y, "arm": np.where(g < groups // 2, "alike", "mixed")})
    control = pd.DataFrame({"group": None, "y0": rng.normal(size=60), "y": rng.normal(size=60), "arm": "solo"})
    return pd.concat([d.astype({"group": object}), control.astype({"group": object})], ignore_index=True)


def made(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, **({"arm": "arm", "control": "solo", "group": "group"} | roles))


def test_composition_finds_the_slope_and_holds_its_level():
    found = tk.selection.peer_composition(made(composed(groups=400)), "y", baseline="y0")
    assert found.row("mean of peers").estimate == pytest.approx(0.5, abs=0.12)
    assert found.row("own baseline").estimate == pytest.approx(1, abs=0.1)
    assert found.row("spread").df < 400
    names = [e.contrast for e in found.estimates]
    assert "mixed - alike, lowest third" in names and "mean of peers, highest - lowest third" in names
    p = []
    for i in range(150):
        null = tk.selection.peer_composition(made(composed(i, groups=24, slope=0)), "y", baseline="y0")
        p.append([null.row("mean of peers").p_value, null.row("spread").p_value])
    assert (np.array(p) < 0.05).mean() == pytest.approx(0.05, abs=0.035)


def test_composition_is_least_squares():
    d = composed()
    found = tk.selection.peer_composition(made(d), "y", baseline="y0")
    members = d[d["group"].notna()].copy()
    g = pd.factorize(members["group"])[0]
    spread = members.groupby("group")["y0"].transform("std")
    c = spread - spread.mean()
    X = np.column_stack(
        [np.ones(240), members["arm"] == "mixed", members["y0"], peer_mean(x=members["y0"].to_numpy(), group=g), c, c**2]
    )
    b = np.linalg.lstsq(X, members["y"], rcond=None)[0]
    names = ("own baseline", "mean of peers", "spread", "spread squared")
    assert [found.row(n).estimate for n in names] == pytest.approx(b[2:].tolist())
    gap = found.row("mean of peers, highest third").estimate - found.row("mean of peers, lowest third").estimate
    assert found.row("mean of peers, highest - lowest third").estimate == pytest.approx(gap)


def test_people_without_the_outcome_stay_peers():
    d = composed()
    lost = d.assign(y=d["y"].where(d.index % 9 != 0))
    found = tk.selection.peer_composition(made(lost), "y", baseline="y0")
    assert "outcome_missing" in [n.code for n in found.notes]
    assert found.row("spread").n == int(lost.loc[d["group"].notna(), "y"].notna().sum())


def test_weight_zero_is_not_there_and_other_weights_are_said_not_to_count():
    d = composed().assign(w=lambda f: np.where(f.index % 7 == 0, 0.0, 2.0))
    found = tk.selection.peer_composition(made(d, weights="w", ungrouped="singleton"), "y", baseline="y0")
    kept = tk.selection.peer_composition(made(d[d["w"] > 0], ungrouped="singleton"), "y", baseline="y0")
    assert found.tidy()["estimate"].to_numpy() == pytest.approx(kept.tidy()["estimate"].to_numpy())
    assert [n.code for n in found.notes if n.code not in {k.code for k in kept.notes}] == ["weights_unused"]


def test_refusals():
    with pytest.raises(GroupError, match="more than one pool"):
        tk.selection.peer_assignment_test(SPEC.assign(pool=np.resize([0, 1], 18)), x="x", group="group", pool="pool")
    with pytest.raises(EstimationError, match="wider pool"):
        tk.selection.peer_assignment_test(SPEC.assign(pool=SPEC["group"]), x="x", group="group", pool="pool")
    with pytest.raises(EstimationError, match="same"):
        tk.selection.peer_assignment_test(SPEC.assign(x=1), x="x", group="group", pool="pool")
    with pytest.raises(ValueTypeError, match="text"):
        tk.selection.peer_assignment_test(SPEC.assign(x="a"), x="x", group="group", pool="pool")
    with pytest.raises(UsageError, match="seed"):
        tk.selection.peer_assignment_test(SPEC, x="x", group="group", pool="pool", n_draws=99)
    d = composed()
    with pytest.raises(GroupError, match="no groups"):
        tk.selection.peer_composition(made(d, group=None), "y", baseline="y0")
    with pytest.raises(EstimationError, match="same for everyone"):
        tk.selection.peer_composition(made(d.assign(y=1.0)), "y", baseline="y0")
    alike = d.assign(y0=np.resize([0.0, 1, 2, 3, 4, 5], len(d)))
    with pytest.raises(NotIdentifiedError, match="same spread"):
        tk.selection.peer_composition(made(alike), "y", baseline="y0")
    with pytest.raises(UsageError, match="different columns"):
        tk.selection.peer_composition(made(d), "y", baseline="y")
