"""A person with a level of a covariate of their own, and covariates far from their origin: neither moves a standard error or its df."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk


def grouped(seed: int, control: str = "solo", **roles) -> tuple[pd.DataFrame, dict]:
    rng = np.random.default_rng(seed)
    group = np.r_[np.repeat([f"g{j}" for j in range(8)], [7, 9, 6, 8, 10, 5, 8, 7]), np.full(60, None)]
    arm = np.where(pd.isna(group), "solo", "peer")
    u = dict(zip([f"g{j}" for j in range(8)], rng.normal(0, 0.5, 8)))
    d = pd.DataFrame(
        {"arm": arm, "group": group, "x": rng.normal(size=120), "site": rng.integers(0, 3, 120), "w": rng.uniform(0.5, 2, 120)}
    )
    d["y"] = d["x"] / 2 + d["group"].map(u).astype(float).fillna(0) + rng.normal(size=120)
    d["count"] = rng.poisson(np.exp(d["y"] / 3))
    d["level"] = "usual"
    return d, {"arm": "arm", "control": control, "group": "group", **roles}


@pytest.mark.parametrize("arm", ["peer", "solo"])
@pytest.mark.parametrize("roles", [{}, {"strata": ["site"]}, {"weights": "w"}])
def test_a_person_with_a_level_of_their_own_counts_as_one_left_out(arm, roles):
    d, said = grouped(1, **roles)
    one = d.index[d["arm"] == arm][3]
    d.loc[one, "level"] = "rare"
    found = tk.itt(tk.Trial(d, **said), "y", adjust=["x", "level"])
    without = d.drop(index=one)
    expected = tk.itt(tk.Trial(without, **said), "y", adjust=["x"]).estimates[0]
    e = found.estimates[0]
    assert (e.estimate, e.std_error, e.df) == pytest.approx((expected.estimate, expected.std_error, expected.df), rel=1e-6)
    assert not {"group_variance_borrowed", "full_leverage"} & {n.code for n in found.notes}


def test_a_person_with_a_level_of_their_own_in_a_regression_of_counts():
    d, said = grouped(2)
    one = d.index[(d["arm"] == "peer") & (d["count"] > 0)][0]
    d.loc[one, "level"] = "rare"
    found = tk.itt(tk.Trial(d, **said), "count", measure="rate_ratio", adjust=["x", "level"])
    expected = tk.itt(tk.Trial(d.drop(index=one), **said), "count", measure="rate_ratio", adjust=["x"]).estimates[0]
    e = found.estimates[0]
    assert (e.estimate, e.std_error, e.df) == pytest.approx((expected.estimate, expected.std_error, expected.df), rel=1e-5)
    assert "group_variance_borrowed" not in {n.code for n in found.notes}


@pytest.mark.parametrize("roles", [{}, {"weights": "w"}])
@pytest.mark.parametrize(("outcome", "measure"), [("y", "mean_difference"), ("count", "rate_ratio")])
def test_a_covariate_far_from_its_origin_changes_nothing(outcome, measure, roles):
    d, said = grouped(3, **roles)
    near = tk.itt(tk.Trial(d, **said), outcome, measure=measure, adjust=["x"])
    far = tk.itt(tk.Trial(d.assign(x=d["x"] + 1e6), **said), outcome, measure=measure, adjust=["x"])
    assert [n.code for n in near.notes] == [n.code for n in far.notes]
    for a, b in zip(near.estimates, far.estimates):
        assert (a.estimate, a.std_error, a.df) == pytest.approx((b.estimate, b.std_error, b.df), rel=1e-6)


def test_the_df_of_whole_clusters_does_not_depend_on_the_origin_of_a_covariate():
    rng = np.random.default_rng(5)
    cluster = np.arange(160) % 20
    d = pd.DataFrame({"arm": np.where(cluster % 2, "peer", "solo"), "cluster": cluster, "x": rng.normal(size=160)})
    d["y"] = d["x"] / 2 + rng.normal(0, 0.5, 20)[cluster] + rng.normal(size=160)
    near, far = (
        tk.itt(tk.Trial(v, arm="arm", control="solo", cluster="cluster"), "y", adjust=["x"]).estimates[0]
        for v in (d, d.assign(x=d["x"] + 1e6))
    )
    assert far.df == pytest.approx(near.df, rel=1e-6)


def test_groups_with_one_observed_member_each_are_compared_as_people():
    d, said = grouped(6)
    first = d.groupby("group").head(1).index
    d.loc[d["group"].notna() & ~d.index.isin(first), "y"] = np.nan
    e = tk.itt(tk.Trial(d, **said), "y").estimates[0]
    peer, solo = d.loc[first, "y"], d.loc[d["arm"] == "solo", "y"]
    parts = [v.var(ddof=1) / len(v) for v in (peer, solo)]
    welch = sum(parts) ** 2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (peer, solo)))
    assert (e.estimate, e.std_error) == pytest.approx((peer.mean() - solo.mean(), sum(parts) ** 0.5), rel=1e-9)
    assert e.df == pytest.approx(welch, rel=1e-6)
