"""Bounds: against Lee's kernel and brute force, properties, what they bracket, and refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import ColumnNotFoundError, EstimationError, GroupError, MissingDataError, UsageError, ValueTypeError
from trialkit.inference.bounds.assumed_means import assumed_mean
from trialkit.inference.bounds.lee_bounds import lee_bounds as kernel
from trialkit.inference.bounds.trimming import lee_batch, lee_in_cells, sorted_people
from trialkit.results import Result

lee, manski, kling = tk.selection.lee_bounds, tk.selection.manski_bounds, tk.selection.kling_liebman


def people(seed: int, n: int = 200, keep: tuple[float, float] = (0.7, 0.85), ties: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"arm": rng.permutation(["solo", "peer"] * (n // 2)), "y0": rng.normal(size=n)})
    d["y"] = d["y0"] / 2 + rng.normal(size=n) + 0.3 * (d["arm"] == "peer")
    if ties:
        d["y"] = d["y"].round()
    chance = np.where(d["arm"] == "peer", keep[1], keep[0])
    d.loc[rng.random(n) > chance, "y"] = np.nan
    d["site"], d["weight"] = rng.choice(["a", "b"], n), rng.integers(1, 4, n)
    return d


def trial(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, arm="arm", control="solo", **roles)


def lossy(seed: int, **options) -> pd.DataFrame:
    d = grouped_data(seed, **options)
    keep = np.where(d["arm"] == "peer", 0.9, 0.7)
    d.loc[np.random.default_rng(seed).random(len(d)) > keep, "y"] = np.nan
    return d


def arrays(d: pd.DataFrame):
    return {"y": d["y"].fillna(0.0).to_numpy(), "selected": d["y"].notna().to_numpy(), "treated": (d["arm"] == "peer").to_numpy()}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("keep", [(0.7, 0.85), (0.9, 0.6), (0.8, 1.0)])
def test_weights_of_one_give_lees_numbers_and_first_order_values(ties: bool, keep: tuple[float, float]):
    a = arrays(people(1, keep=keep, ties=ties))
    one, _ = lee_in_cells(**a, weights=np.ones(200), cell=np.zeros(200, int))
    plain = kernel(**a)
    for name in ("lower", "upper", "trim", "trimmed_treated", "values_lower", "values_upper"):
        assert getattr(one, name) == pytest.approx(getattr(plain, name), abs=1e-10)
    order = sorted_people(**a, cell=np.zeros(200, int))
    low, high = lee_batch(people=order, weights=np.ones((1, 200)))
    assert (low[0], high[0]) == pytest.approx((plain.lower, plain.upper), abs=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_weights_are_copies_and_zero_weights_are_left_out(seed: int, cells: bool):
    d = people(seed, 160, ties=True)
    cell = (d["site"] == "a").to_numpy().astype(int) * cells
    weights = np.random.default_rng(seed).integers(0, 4, len(d)).astype(float)
    copies = d.loc[d.index.repeat(weights.astype(int))]
    try:
        found, _ = lee_in_cells(**arrays(d), weights=weights, cell=cell)
        repeated, _ = lee_in_cells(**arrays(copies), weights=np.ones(len(copies)), cell=np.repeat(cell, weights.astype(int)))
    except ValueError:  # nobody of an arm observed in a cell
        return
    assert (found.lower, found.upper, found.trim) == pytest.approx((repeated.lower, repeated.upper, repeated.trim), abs=1e-9)
    batch = lee_batch(people=sorted_people(**arrays(d), cell=cell), weights=np.vstack([weights, weights]))
    assert np.concatenate(batch).tolist() == pytest.approx([found.lower] * 2 + [found.upper] * 2, abs=1e-9)


def test_first_order_values_are_the_derivative_in_the_weights():
    d = people(3, 400)
    d.loc[(d["site"] == "a") & (d["arm"] == "peer") & (d.index % 3 == 0), "y"] = np.nan  # there the other arm keeps more
    cell = (d["site"] == "a").to_numpy().astype(int)
    a, w = arrays(d), np.ones(400)
    found, mixed = lee_in_cells(**a, weights=w, cell=cell)
    assert mixed
    order = sorted_people(**a, cell=cell)
    bumps = np.vstack([w + 1e-6 * np.eye(400)[i] for i in range(400)])
    low, high = lee_batch(people=order, weights=bumps)
    assert (low - found.lower) / 1e-6 == pytest.approx(found.values_lower, abs=2e-4)
    assert (high - found.upper) / 1e-6 == pytest.approx(found.values_upper, abs=2e-4)
    b = kling(trial(d), "y", sd=0.5).tidy()
    mean = assumed_mean(y=a["y"], observed=a["selected"], inside=a["treated"], weights=w, distance=-0.5)
    again = [
        assumed_mean(y=a["y"], observed=a["selected"], inside=a["treated"], weights=row, distance=-0.5).mean for row in bumps[:40]
    ]
    assert (np.array(again) - mean.mean) / 1e-6 == pytest.approx(mean.values[:40], abs=2e-3)
    assert b["lower"][0] < b["observed_difference"][0] < b["upper"][0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-100, 100))
def test_order_scale_and_labels(seed: int, scale: float, shift: float):
    d = people(seed % 11)
    moved = d.assign(y=shift + scale * d["y"]).sample(frac=1, random_state=seed)
    turned = d.assign(arm=d["arm"].map({"solo": "peer", "peer": "solo"}))
    for bounds in (lee, kling):
        base, other, back = (bounds(trial(x), "y").table[0] for x in (d, moved, turned))
        for k in ("lower", "upper", "se_lower", "se_upper", "effect_conf_low", "effect_conf_high"):
            assert other[k] == pytest.approx(scale * base[k], rel=1e-5, abs=1e-7)
        assert (back["lower"], back["upper"]) == pytest.approx((-base["upper"], -base["lower"]))
        assert (back["effect_conf_low"], back["se_lower"]) == pytest.approx((-base["effect_conf_high"], base["se_upper"]))


def test_bounds_nest_by_the_strength_of_their_assumption():
    t = trial(people(4).assign(y=lambda x: x["y"].clip(-3, 3)))
    worst = manski(t, "y", support=(-3, 3))
    near, far = (r for r in kling(t, "y").table)
    assert worst.lower < far["lower"] < near["lower"] < near["upper"] < far["upper"] < worst.upper


def test_cells_tighten_and_strata_with_unequal_shares_are_weighted():
    rng = np.random.default_rng(5)
    n = 4000
    site = rng.choice(["a", "b"], n)
    arm = rng.random(n) < np.where(site == "a", 0.25, 0.6)
    level = np.where(site == "a", -1.0, 1.0)
    keep = np.where(arm, 0.9, np.where(site == "a", 0.5, 0.85))
    d = pd.DataFrame({"arm": np.where(arm, "peer", "solo"), "site": site, "y": level + rng.normal(size=n)})
    d.loc[rng.random(n) > keep, "y"] = np.nan
    t = trial(d, strata=["site"])
    plain, tight = lee(t, "y"), lee(t, "y", cells=["site"])
    assert plain.lower < tight.lower < 0 < tight.upper < plain.upper
    assert "strata_weighted" in [n.code for n in plain.notes]
    confounded = lee(trial(d), "y").tidy()["observed_difference"][0]
    assert confounded > 0.4 > plain.tidy()["observed_difference"][0]


def test_standard_errors_count_groups_and_agree_with_the_bootstrap():
    d = lossy(6, groups=30, controls=200, icc=0.4)
    with_groups, without = lee(grouped_trial(d), "y"), lee(trial(d), "y")
    assert with_groups.se_lower > 1.2 * without.se_lower
    assert with_groups.tidy()["df"][0] < 100 and np.isinf(without.tidy()["df"][0])
    drawn = lee(grouped_trial(d), "y", n_draws=1000, seed=1)
    assert drawn.lower == with_groups.lower
    assert drawn.se_lower == pytest.approx(with_groups.se_lower, rel=0.15)
    assert drawn.se_upper == pytest.approx(with_groups.se_upper, rel=0.15)
    several = lee(grouped_trial(d.assign(z=d["y"])), ["y", "z"], n_draws=1000, seed=1).tidy()
    assert several["se_lower"].tolist() == [drawn.se_lower] * 2


def test_ten_outcomes_with_a_thousand_group_bootstraps_are_quick():
    import time

    d = lossy(7, groups=20, controls=200)
    names = [f"o{k}" for k in range(10)]
    d = d.assign(**{name: d["y"] + k for k, name in enumerate(names)})
    start = time.process_time()
    lee(grouped_trial(d), names, n_draws=1000, seed=1)
    assert time.process_time() - start < 2


def test_notes_say_when_the_bounds_are_a_point_or_for_whom():
    full = people(8, keep=(1.0, 1.0))
    r = lee(trial(full), "y")
    assert r.lower == pytest.approx(r.upper) and "nobody_lost" in [n.code for n in r.notes]
    assert tk.itt(trial(full), "y", estimator="difference_in_means").estimates[0].estimate == pytest.approx(r.lower)
    one = lee(trial(people(8, keep=(0.6, 1.0))), "y")
    assert "one_arm_complete" in [n.code for n in one.notes] and "observed in solo" in str(one)
    equal = full.copy()
    equal.loc[[*equal.index[equal["arm"] == "peer"][:10], *equal.index[equal["arm"] == "solo"][:10]], "y"] = np.nan
    same = lee(trial(equal), "y")
    assert same.lower == pytest.approx(same.upper) and "equal_shares" in [n.code for n in same.notes]
    close = lee(trial(people(9, keep=(0.8, 0.82))), "y")
    assert "direction_unsure" in [n.code for n in close.notes]


def test_three_arms_and_clusters():
    rng = np.random.default_rng(10)
    d = pd.DataFrame(
        {"arm": np.repeat(["solo", "peer", "coach"], 80), "school": np.repeat(np.arange(24), 10), "y": rng.normal(size=240)}
    )
    d["y"] = (d["y"] + np.repeat(rng.normal(size=24), 10)).where(rng.random(240) < 0.8)
    t = trial(d, cluster="school")
    for bounds in (lee, kling, lambda *a, **k: manski(*a, support=(-9, 9), **k)):
        table = bounds(t, "y", contrasts="all").tidy()
        assert table["contrast"].drop_duplicates().tolist() == ["coach - solo", "peer - solo", "peer - coach"]
        assert (table["n_clusters"] == (24 if bounds not in (lee, kling) else 16)).all()
        assert (table["df"] < 24).all() and (table["effect_conf_low"] < table["lower"]).all()


def test_an_arm_or_a_group_without_anybody_observed():
    d = people(11)
    d.loc[d["arm"] == "solo", "y"] = np.nan
    with pytest.raises(MissingDataError, match=r"nobody of 100 in arm 'solo'.*manski_bounds"):
        lee(trial(d), "y")
    worst = manski(trial(d), "y", support=(-5, 5))
    assert worst.upper - worst.lower > 10 and np.isnan(worst.tidy()["observed_difference"][0])
    grouped = lossy(12)
    grouped.loc[grouped["group"] == "g00", "y"] = np.nan
    r = lee(grouped_trial(grouped), "y")
    assert np.isfinite(r.effect_conf_low) and r.tidy()["n_groups"][0] == 10
    lone = lossy(13, groups=1)
    with pytest.raises(GroupError, match="one group"):
        lee(grouped_trial(lone), "y")


def test_groups_in_one_arm_and_nobody_lost_in_the_other():
    d = lossy(17).assign(full=grouped_data(17)["y"])
    d.loc[d["arm"] == "solo", "y"] = d["full"]
    for r in (lee(grouped_trial(d), "y"), kling(grouped_trial(d), "y"), manski(grouped_trial(d), "y", support=(-9, 9))):
        assert np.isfinite(r.se_lower) and r.effect_conf_low < r.lower and r.tidy()["df"][0] < 100
    assert "one_arm_complete" in [n.code for n in lee(grouped_trial(d), "y").notes]


def test_one_group_left_with_anybody_observed_is_refused():
    d = lossy(18)
    d.loc[d["group"].notna() & (d["group"] != "g03"), "y"] = np.nan
    for run in (lee, kling, lambda t, y: tk.itt(t, y, response_weights=["y0"])):
        with pytest.raises(GroupError, match="one group"):
            run(grouped_trial(d), "y")


def test_refusals():
    d = people(14)
    t = trial(d.assign(job=(d["y"] > 0).astype(float).where(d["y"].notna()), text="x", gone=np.nan))
    with pytest.raises(ColumnNotFoundError):
        lee(t, "yy")
    with pytest.raises(MissingDataError, match="missing for everyone"):
        kling(t, "gone")
    with pytest.raises(UsageError, match="range"):
        manski(t, "y")
    assert manski(t, "job").lower == manski(t, "job", support=(0, 1)).lower
    with pytest.raises(ValueTypeError, match="outside support"):
        manski(t, "y", support=(0, 1))
    with pytest.raises(UsageError, match="least first"):
        manski(t, "job", support=(1, 0))
    with pytest.raises(ValueTypeError):
        lee(t, "text")
    with pytest.raises(UsageError, match="seed"):
        lee(t, "y", n_draws=100)
    with pytest.raises(UsageError, match="list of columns"):
        lee(t, "y", cells="site")
    with pytest.raises(EstimationError, match="coarser cells"):
        lee(t, "y", cells=["y0"])
    with pytest.raises(UsageError, match="missing values"):
        lee(trial(d.assign(site=d["site"].where(d.index > 3))), "y", cells=["site"])
    with pytest.raises(UsageError, match="above zero"):
        kling(t, "y", sd=0)
    with pytest.raises(UsageError, match="conf_level"):
        lee(t, "y", conf_level=95)
    with pytest.raises(UsageError, match="another role"):
        lee(t, "arm")
    with pytest.raises(UsageError, match="'control' or 'all'"):
        lee(t, "y", contrasts="each")
    constant = lee(trial(d.assign(y=d["y"] * 0 + 1)), "y")
    assert (constant.lower, constant.upper) == (0, 0) and "no_interval" in [n.code for n in constant.notes]


def test_weights_of_the_trial_and_json():
    d = people(15)
    weighted = lee(trial(d, weights="weight"), "y")
    copies = d.loc[d.index.repeat(d["weight"])]
    assert (weighted.lower, weighted.upper) == pytest.approx((lee(trial(copies), "y").lower, lee(trial(copies), "y").upper))
    for r in (weighted, lee(trial(d), "y"), manski(trial(d), "y", support=(-9, 9)), kling(trial(d), "y")):
        back = Result.from_dict(json.loads(json.dumps(r.to_dict(), allow_nan=False)))
        pd.testing.assert_frame_equal(back.tidy(), r.tidy(), check_dtype=False)
        assert str(back) == str(r) and back.effect_conf_low == r.effect_conf_low


def test_people_of_weight_zero_are_not_counted_in_any_bounds():
    d = people(17).assign(weight=lambda f: np.where(f.index % 5 == 0, 0.0, 1.0))
    kept, numbers = d[d["weight"] > 0], ["n", "n_observed", "lower", "upper"]
    for run in (lee, kling, lambda t, y: manski(t, y, support=(-9, 9))):
        whole, part = (run(t, "y").tidy()[numbers] for t in (trial(d, weights="weight"), trial(kept)))
        assert whole.to_numpy() == pytest.approx(part.to_numpy())


def test_figure():
    t = trial(people(16))
    ax = tk.plot.bounds(lee(t, "y"), kling(t, "y"))
    assert len(ax.lines) == 1 + 3 * 4
    with pytest.raises(UsageError, match="lee_bounds"):
        tk.plot.bounds(tk.selection.attrition(t, "y"))
