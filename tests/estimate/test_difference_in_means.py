"""Differences in means: the design decides, not the complete cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import EstimationError


def pairs(n: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"pair": np.repeat(np.arange(n), 2), "z": np.tile([0, 1], n), "y": rng.normal(size=2 * n)})


def dim(d: pd.DataFrame, **roles):
    return tk.itt(tk.Trial(d, arm="z", control=0, **roles), "y", estimator="difference_in_means")


def test_a_pair_that_lost_a_member_is_left_out_whole():
    d = pairs()
    d.loc[3, "y"] = np.nan
    r = dim(d, strata=["pair"])
    assert "matched pairs" in r.estimates[0].method
    assert r.estimates[0].df == 10
    full = dim(d[d["pair"] != 1], strata=["pair"])
    assert r.estimates[0].std_error == pytest.approx(full.estimates[0].std_error)
    assert any(n.code == "pairs_incomplete" for n in r.notes)


def test_one_pair_does_not_turn_blocks_into_matched_pairs():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"block": np.repeat(np.arange(17), 6), "z": np.tile([0, 1], 51), "y": rng.normal(size=102)})
    one = d[(d["block"] > 0) | (d.index < 2)]
    with pytest.raises(EstimationError, match="exactly one block"):
        dim(one, strata=["block"])
    two = d[(d["block"] > 1) | d.index.isin([0, 1, 6, 7])]
    assert "hybrid" in dim(two, strata=["block"]).estimates[0].method


def test_blocks_that_shrink_to_pairs_by_attrition_stay_blocks():
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"block": np.repeat(np.arange(8), 4), "z": np.tile([0, 0, 1, 1], 8), "y": rng.normal(size=32)})
    d.loc[d.index % 2 == 0, "y"] = np.nan
    r = dim(d, strata=["block"])
    assert "matched pairs" not in r.estimates[0].method


def test_a_block_with_one_arm_is_refused_by_name():
    d = pairs(20).assign(block=lambda x: x["pair"] // 5)
    d.loc[(d["block"] == 2) & (d["z"] == 1), "y"] = np.nan
    with pytest.raises(EstimationError, match="block=2"):
        dim(d, strata=["block"])


def test_singleton_clusters_in_blocks_are_refused():
    d = pairs(12).assign(
        block=lambda x: x["pair"] // 3, cluster=lambda x: x["z"] * 100 + x["pair"] // 3 * 10 + (x["pair"] % 3 > 1)
    )
    d = d[(d["block"] > 0) | (d["z"] == 0) | (d["cluster"] % 10 == 0)]
    with pytest.raises(EstimationError, match="fewer than two clusters"):
        dim(d, strata=["block"], cluster="cluster")


def test_groups_in_one_arm_never_count_controls_as_blocks_do():
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"site": np.tile(["a", "b"], 60), "z": np.repeat([1, 0], 60)})
    d["group"] = [f"{s}{i // 20}" if z else None for i, (s, z) in enumerate(zip(d["site"], d["z"]))]
    d["y"] = rng.normal(size=120)
    r = dim(d, strata=["site"], group="group")
    assert r.estimates[0].n_groups == 6
    assert r.estimates[0].df < 60
    assert r.estimates[0].covariance.startswith("CR2")


def test_weighted_difference_counts_rows_not_weights():
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"z": np.tile([0, 1], 40), "y": rng.normal(size=80), "w": rng.uniform(0.5, 2, 80)})
    r = dim(d, weights="w")
    t, c = d[d["z"] == 1], d[d["z"] == 0]
    assert r.estimates[0].estimate == pytest.approx(np.average(t["y"], weights=t["w"]) - np.average(c["y"], weights=c["w"]))
    doubled = dim(d.assign(w=d["w"] * 1000), weights="w")
    assert doubled.estimates[0].std_error == pytest.approx(r.estimates[0].std_error)
