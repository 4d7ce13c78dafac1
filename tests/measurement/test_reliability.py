"""tk.measurement.reliability: properties, sets, scales, groups, draws, results."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.results import Result

ITEMS = ["calm", "glad", "rested", "keen", "firm"]


def people(seed: int = 1, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = 3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, 5))
    return pd.DataFrame(np.clip(np.round(x), 1, 5), columns=ITEMS)


def gaps(data: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    return data.mask(np.random.default_rng(seed).random(data.shape) < 0.08)


def codes(result: tk.measurement.Reliability) -> set[str]:
    return {n.code for n in result.notes}


def same(a: tk.measurement.Reliability, b: tk.measurement.Reliability, tolerance: float = 1e-8) -> None:
    numbers = a.tidy().select_dtypes("number").columns.drop([c for c in a.tidy() if c.startswith("split_")])
    assert a.tidy()[numbers].to_numpy(float) == pytest.approx(b.tidy()[numbers].to_numpy(float), abs=tolerance, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(5)), st.floats(-50, 50))
def test_order_of_items_and_people_and_a_constant_change_nothing(seed, order, constant):
    data = gaps(people(seed, 60), seed)
    moved = data.assign(glad=data["glad"] + constant)[[ITEMS[j] for j in order]].sample(frac=1, random_state=seed % 100)
    same(tk.measurement.reliability(data), tk.measurement.reliability(moved), 1e-6)


def test_units_of_all_items_change_only_the_standard_error():
    data = people()
    a, b = tk.measurement.reliability(data), tk.measurement.reliability(10 * data)
    assert (b.alpha, b.omega, b.alpha_low, b.omega_low) == pytest.approx((a.alpha, a.omega, a.alpha_low, a.omega_low), abs=1e-8)
    assert (b.sem, b.sd) == pytest.approx((10 * a.sem, 10 * a.sd))
    assert a.sem == pytest.approx(a.sd * math.sqrt(1 - a.alpha)) and a.sem_mean == pytest.approx(a.sem / 5)
    assert a.sd == pytest.approx(data.sum(axis=1).std())


def test_parallel_items_are_wholly_reliable():
    score = people()["calm"]
    found = tk.measurement.reliability(pd.DataFrame({k: score + c for c, k in enumerate("abcd")}))
    assert (found.alpha, found.alpha_low, found.alpha_standardized, found.sem) == pytest.approx((1, 1, 1, 0), abs=1e-6)
    assert math.isnan(found.omega) and "omega_undefined" in codes(found)


def test_turning_around_on_the_codes_that_were_offered():
    data = people()
    turned = data.assign(glad=6 - data["glad"], firm=6 - data["firm"])
    found = tk.measurement.reliability(turned, reverse=["glad", "firm"], codes=(1, 5))
    same(found, tk.measurement.reliability(data))
    assert found.items["mean"].tolist() == pytest.approx(data.mean().tolist())


def test_answers_outside_the_codes_are_counted():
    data = people().astype(float)
    data.loc[3, "calm"] = 6
    found = tk.measurement.reliability(data, codes=(1, 5))
    assert found.items["n"].tolist() == [239, 240, 240, 240, 240]
    assert "1 answers outside the codes (6.0) were set missing, in 'calm'." in [n.text for n in found.notes]


def test_a_registered_scale_turns_its_items_around():
    rng = np.random.default_rng(2)
    trait = rng.normal(size=(300, 1))
    x = np.clip(np.round(1.5 + 0.8 * trait + 0.7 * rng.normal(size=(300, 10))), 0, 3)
    scale = tk.measurement.scale("rosenberg", form="reversed_2_5_6_8_9")
    low = scale.codes.min
    x[:, [1, 4, 5, 7, 8]] = 3 - x[:, [1, 4, 5, 7, 8]]
    data = pd.DataFrame(x + low, columns=[f"r{j}" for j in range(1, 11)])
    found = tk.measurement.reliability(data, scale=scale)
    assert found.alpha > 0.85 and "keyed_the_other_way" not in codes(found)
    assert "'r2', 'r5', 'r6', 'r8' and 'r9'" in next(n.text for n in found.notes if n.code == "reversed")
    same(found, tk.measurement.reliability(data, scale="rosenberg", form="reversed_2_5_6_8_9"))
    wrong = tk.measurement.reliability(data)
    assert wrong.alpha < 0.3 and "keyed_the_other_way" in codes(wrong)
    scores = tk.measurement.score(data, scale, items="r{item}").values
    assert found.sd == pytest.approx(scores.std())


def test_waves_and_arms_are_those_of_each_part():
    rng = np.random.default_rng(3)
    wide = pd.concat([people(4).add_prefix("t0_"), people(5).add_prefix("t1_")], axis=1).assign(arm=rng.integers(0, 2, 240))
    waves = {w: [f"{w}_{i}" for i in ITEMS] for w in ("t0", "t1")}
    found = tk.measurement.reliability(wide, waves=waves, by="arm")
    assert found.tidy()[["wave", "by"]].to_numpy().tolist() == [["t0", "0"], ["t0", "1"], ["t1", "0"], ["t1", "1"]]
    mine = wide.loc[wide["arm"] == 1, waves["t1"]]
    same(found["t1", "1"], tk.measurement.reliability(mine))
    assert list(found["t1", "1"].items["item"]) == waves["t1"]
    with pytest.raises(tk.errors.UsageError, match=r"4 sets .* result\['t0', '0'\].alpha"):
        _ = found.alpha
    with pytest.raises(tk.errors.UsageError, match="there is no set"):
        found["t2"]
    long = pd.concat([people(4).assign(wave="t0"), people(5).assign(wave="t1")])
    same(tk.measurement.reliability(long, by="wave")["t1"], tk.measurement.reliability(people(5)))
    assert "t1" in str(found) and "t0" in found._repr_html_()


def test_missing_answers_by_pairs_or_left_out():
    data = gaps(people())
    pairs, whole = tk.measurement.reliability(data), tk.measurement.reliability(data, missing="listwise")
    covariances = data.cov().to_numpy()
    assert pairs.alpha == pytest.approx(1.25 * (1 - np.trace(covariances) / covariances.sum()))
    same(whole, tk.measurement.reliability(data.dropna()))
    assert pairs.n == 240 and pairs.n_complete == whole.n == len(data.dropna())
    assert "pairwise" in codes(pairs) and "listwise" in codes(whole)
    least = int((data.notna().astype(int).T @ data.notna().astype(int)).to_numpy().min())
    assert f"at least {least} people" in next(n.text for n in pairs.notes if n.code == "pairwise")


def test_singleton_groups_are_people_alone():
    data = people(n=90)
    alone = tk.measurement.reliability(data, cluster=np.arange(90))
    nobody = tk.measurement.reliability(data, cluster=np.full(90, np.nan))
    same(alone, nobody)
    plain = tk.measurement.reliability(data)
    assert (alone.omega_low, alone.omega_high) == pytest.approx((plain.omega_low, plain.omega_high))
    assert plain.interval == "Feldt" and alone.interval == "robust to 90 units" and alone.n_units == 90


def test_groups_whose_members_are_copies_count_once():
    """Ten copies of everyone in a group: the interval of the groups is about that of one copy, Feldt's is far too short."""
    data = people(n=60)
    copies = pd.concat([data] * 10, ignore_index=True)
    grouped = tk.measurement.reliability(copies, cluster=np.tile(np.arange(60), 10))
    once = tk.measurement.reliability(data, cluster=np.arange(60))
    assert grouped.alpha_high - grouped.alpha_low == pytest.approx(once.alpha_high - once.alpha_low, rel=0.05)
    naive = tk.measurement.reliability(copies)
    assert naive.alpha_high - naive.alpha_low < 0.5 * (grouped.alpha_high - grouped.alpha_low)


def test_draws_over_whole_groups():
    data = people(6, 160)
    group = np.r_[np.repeat(np.arange(10.0), 8), np.full(80, np.nan)]
    found = tk.measurement.reliability(data, cluster=group, n_draws=600, seed=1)
    again = tk.measurement.reliability(data, cluster=group, n_draws=600, seed=1)
    same(found, again, 0)
    closed = tk.measurement.reliability(data, cluster=group)
    for name in ("alpha", "omega"):
        low, high = getattr(found, f"{name}_low"), getattr(found, f"{name}_high")
        assert low < getattr(found, name) < high
        assert high - low == pytest.approx(getattr(closed, f"{name}_high") - getattr(closed, f"{name}_low"), rel=0.25)
    assert found.interval == "bootstrap of 90 units"


def test_ordinal_numbers_and_their_draws():
    found = tk.measurement.reliability(people(), ordinal=True, n_draws=200, seed=2)
    assert found.alpha < found.ordinal_alpha  # rounding to five answers takes away
    assert found.ordinal_alpha_low < found.ordinal_alpha < found.ordinal_alpha_high
    assert found.ordinal_omega_low < found.ordinal_omega < found.ordinal_omega_high
    assert np.allclose(found.polychoric, found.polychoric.T) and list(found.polychoric.index) == ITEMS
    assert "ordinal_scores" in codes(found)
    assert math.isnan(tk.measurement.reliability(people()).ordinal_alpha)


def test_a_result_comes_back_from_json():
    found = tk.measurement.reliability(people().assign(arm=np.arange(240) % 2), by="arm", ordinal=True)
    back = Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(back) == str(found) and str(back["1"]) == str(found["1"])
    pd.testing.assert_frame_equal(back.tidy(), found.tidy())


def test_two_items():
    found = tk.measurement.reliability(people()[["calm", "glad"]])
    r = people()[["calm", "glad"]].corr().iloc[0, 1]
    assert found.alpha_standardized == pytest.approx(2 * r / (1 + r))
    assert found.split_half.spearman_brown == pytest.approx(found.alpha_standardized)
    assert math.isnan(found.omega) and "omega_two_items" in codes(found) and found.items["alpha_if_dropped"].isna().all()


def test_a_split_of_ones_own():
    data = people()
    found = tk.measurement.reliability(data, split=["calm", "glad"])
    r = np.corrcoef(data["calm"] + data["glad"], data[ITEMS[2:]].sum(axis=1))[0, 1]
    assert found.split_half.correlation == pytest.approx(r)
    assert "unequal_halves" in codes(found)


def test_omega_is_that_of_the_factor_model():
    data = people(9)
    found, model = tk.measurement.reliability(data), tk.measurement.cfa(data, {"f": ITEMS})
    common, rest = model.loadings["f"].sum() ** 2, model.residual_variances["estimate"].sum()
    assert found.omega == pytest.approx(common / (common + rest), abs=1e-9)
    assert found.omega_observed == pytest.approx(common / data.cov(ddof=0).to_numpy().sum(), abs=1e-9)
    assert found.items["loading"].tolist() == pytest.approx(model.standardized_loadings["f"].tolist(), abs=1e-8)
    assert (found.one_factor_rmsea, found.one_factor_p) == pytest.approx((model.rmsea, model.p_value), abs=1e-8)


def test_one_item_on_another_scale_does_not_turn_the_factor():
    found = tk.measurement.reliability(people().assign(firm=lambda d: -40 * d["firm"]))
    assert (found.items["loading"].to_numpy()[:4] > 0).all() and "unequal_spread" in codes(found)


def test_more_than_one_factor_is_said():
    rng = np.random.default_rng(8)
    f = rng.normal(size=(400, 2))
    data = pd.DataFrame(np.repeat(f, 3, axis=1) + 0.7 * rng.normal(size=(400, 6)), columns=list("abcdef"))
    found = tk.measurement.reliability(data)
    assert found.one_factor_rmsea > 0.2 and "not_one_factor" in codes(found)
