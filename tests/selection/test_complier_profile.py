"""Complier profiles: recovery of known types, standard errors against the bootstrap, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import NotIdentifiedError, UsageError, ValueTypeError


def people(seed: int, n: int = 2000, always: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(["c", "n", "a"], n, p=[0.5, 0.35, 0.15] if always else [0.6, 0.4, 0.0])
    age = 40 + 5 * (kind == "c") - 5 * (kind == "n") + rng.normal(0, 8, n)
    site = rng.integers(0, 3, n)
    arm = rng.random(n) < np.array([0.3, 0.5, 0.7])[site]
    took = (kind == "a") | ((kind == "c") & arm)
    return pd.DataFrame(
        {"arm": np.where(arm, "peer", "solo"), "age": age, "took": took * 1, "site": site.astype(str), "kind": kind}
    )


def found(d, covariates=("age",), **roles):
    return tk.selection.complier_profile(
        tk.Trial(d, arm="arm", control="solo", **roles), uptake="took", covariates=list(covariates)
    )


def test_types_are_recovered():
    d = people(1, 40_000)
    r = found(d, strata=["site"])
    assert [r.share_complier, r.share_never, r.share_always] == pytest.approx([0.5, 0.35, 0.15], abs=0.02)
    row = r.tidy().iloc[0]
    truth = d.groupby("kind")["age"].mean()
    assert [row["complier"], row["never_taker"], row["always_taker"]] == pytest.approx(
        [truth["c"], truth["n"], truth["a"]], abs=0.4
    )


def test_standard_errors_are_those_of_repeated_samples():
    table = pd.concat([found(people(s, 600), strata=["site"]).tidy() for s in range(300)])
    for kind in ("complier", "never_taker", "always_taker", "difference"):
        assert table[f"{kind}_se"].mean() == pytest.approx(table[kind].std(), rel=0.12)


def test_group_people_alike_widen_the_interval():
    d = people(3, 1200, always=False)
    peers = d.index[d["arm"] == "peer"]
    order = d.loc[peers, "age"].sort_values().index
    d["group"] = None
    d.loc[order, "group"] = [f"g{i // 12}" for i in range(len(order))]
    last = d["group"].value_counts()
    d.loc[d["group"].isin(last[last < 2].index), "group"] = "g0"
    assert found(d, group="group").table[0]["complier_se"] > 1.3 * found(d).table[0]["complier_se"]


def test_intervals_are_simultaneous_and_survive_json():
    d = people(4).assign(x=lambda f: np.arange(len(f)) % 7)
    one, two = found(d).tidy().iloc[0], found(d, ("age", "x")).tidy().iloc[0]
    assert two["complier_high"] - two["complier_low"] > one["complier_high"] - one["complier_low"]
    r = found(d, ("age", "x"))
    assert str(tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))) == str(r)


def test_refusals():
    d = people(5)
    with pytest.raises(UsageError, match="list"):
        tk.selection.complier_profile(tk.Trial(d, arm="arm", control="solo"), uptake="took", covariates="age")
    with pytest.raises(ValueTypeError, match="0 or 1"):
        found(d.assign(took=d["took"] + 1))
    with pytest.raises(NotIdentifiedError, match="compliers"):
        found(d.assign(took=(d["arm"] == "solo") * 1))
    with pytest.raises(NotIdentifiedError, match="one arm"):
        found(d.assign(site=d["arm"]), strata=["site"])
    with pytest.raises(UsageError, match="without sampling weights"):
        found(d.assign(w=np.where(d.index % 3, 1.0, 0.0)), weights="w")


def test_missing_values_are_noted():
    d = people(6)
    d.loc[:9, "age"] = np.nan
    d["took"] = d["took"].astype(float)
    d.loc[10:12, "took"] = np.nan
    codes = {n.code for n in found(d).notes}
    assert {"uptake_missing", "covariate_missing"} <= codes
