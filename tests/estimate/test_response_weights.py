"""Respondents weighted by 1/probability of responding: recovery, stacked variance, groups, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import ColumnNotFoundError, CombinationError, NotIdentifiedError, UsageError
from trialkit.inference.attrition.response import response_weighted
from trialkit.results import Result


def people(seed: int, n: int = 400, effect: float = 0.4) -> pd.DataFrame:
    """Responding depends on the baseline, and in the treated arm the effect grows with it."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"arm": rng.permutation(["solo", "peer"] * (n // 2)), "y0": rng.normal(size=n), "age": rng.normal(40, 9, n)})
    treated = d["arm"] == "peer"
    d["full"] = d["y0"] + treated * (effect + 0.5 * d["y0"]) + rng.normal(size=n)
    d["y"] = d["full"].where(rng.random(n) < 1 / (1 + np.exp(-0.8 - d["y0"])))
    return d


def trial(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, arm="arm", control="solo", **roles)


def weighted(d: pd.DataFrame, names=("y0",), roles=None, **options):
    return tk.itt(trial(d, **(roles or {})), "y", response_weights=list(names), **options)


def test_weights_recover_what_complete_cases_miss():
    d = people(1, 60_000)
    e = weighted(d).estimates[0]
    assert e.estimate == pytest.approx(0.4, abs=3.5 * e.std_error)
    plain = tk.itt(trial(d), "y").estimates[0]
    assert plain.estimate > 0.4 + 5 * plain.std_error


def test_values_are_the_derivative_in_the_weights():
    d = people(2, 120)
    y, seen = d["y"].fillna(0).to_numpy(), d["y"].notna().to_numpy()
    arm = (d["arm"] == "peer").to_numpy().astype(float)
    X, Z = np.column_stack([np.ones(120), arm]), np.column_stack([np.ones(120), arm, d["y0"]])
    none = np.zeros(120, bool)
    base = response_weighted(y=y, observed=seen, X=X, Z=Z, certain=none, weights=np.ones(120))
    for i in (0, 17, 60, 119):
        up, down = (
            response_weighted(y=y, observed=seen, X=X, Z=Z, certain=none, weights=np.ones(120) + step * np.eye(120)[i]).coef[1]
            for step in (1e-4, -1e-4)
        )
        assert (up - down) / 2e-4 == pytest.approx(base.values[i, 1], rel=1e-4, abs=1e-8)
    assert base.values.sum(axis=0) == pytest.approx([0, 0], abs=1e-8)


def test_standard_errors_are_those_of_repeated_samples():
    found = [weighted(people(s, 300)) for s in range(250)]
    rows = pd.DataFrame([r.tidy().iloc[0] for r in found])
    assert rows["std_error"].mean() == pytest.approx(rows["estimate"].std(), rel=0.12)
    assert ((rows["conf_low"] <= 0.4) & (rows["conf_high"] >= 0.4)).mean() == pytest.approx(0.95, abs=0.035)
    assert np.mean([r.std_error_fixed for r in found]) > rows["std_error"].mean()


def test_nobody_lost_is_ancova():
    d = people(3).assign(y=lambda x: x["full"])
    r, plain = weighted(d, adjust=["y0"]), tk.itt(trial(d), "y", adjust=["y0"], covariance="HC0")
    assert r.estimates[0].estimate == pytest.approx(plain.estimates[0].estimate)
    assert r.estimates[0].std_error == pytest.approx(plain.estimates[0].std_error)
    assert "nobody_lost" in [n.code for n in r.notes] and r.effective_n == pytest.approx(len(d))


def test_an_arm_without_losses_counts_one_a_person():
    d = people(4)
    d["y"] = d["full"].where((d["arm"] == "peer") | d["y"].notna())
    r = weighted(d)
    assert "arm_complete" in [n.code for n in r.notes] and r.estimates[0].estimate == pytest.approx(0.4, abs=0.4)
    assert np.isfinite(r.estimates[0].std_error)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-50, 50))
def test_order_scale_and_labels(seed: int, scale: float, shift: float):
    d = people(seed % 5, 150)
    base = weighted(d, ["y0", "age"], adjust=["y0"]).estimates[0]
    moved = weighted(
        d.assign(y=shift + scale * d["y"]).sample(frac=1, random_state=seed), ["age", "y0"], adjust=["y0"]
    ).estimates[0]
    assert (moved.estimate, moved.std_error) == pytest.approx((scale * base.estimate, scale * base.std_error), rel=1e-6)
    turned = weighted(d.assign(arm=d["arm"].map({"solo": "peer", "peer": "solo"})), ["y0", "age"], adjust=["y0"]).estimates[0]
    assert (turned.estimate, turned.std_error) == pytest.approx((-base.estimate, base.std_error), rel=1e-6)


def test_zero_weights_are_dropped_rows_and_weights_are_counted():
    d = people(5)
    d["w"] = np.random.default_rng(5).integers(0, 3, len(d))
    r = weighted(d, roles={"weights": "w"}).estimates[0]
    dropped = weighted(d[d["w"] > 0], roles={"weights": "w"}).estimates[0]
    copies = weighted(d.loc[d.index.repeat(d["w"])]).estimates[0]
    assert (r.estimate, r.std_error) == pytest.approx((dropped.estimate, dropped.std_error))
    assert r.estimate == pytest.approx(copies.estimate)


def grouped(seed: int, **options) -> pd.DataFrame:
    d = grouped_data(seed, **options)
    lost = np.random.default_rng(seed).random(len(d)) < 0.25
    return d.assign(y=d["y"].where(~lost))


def test_groups_and_clusters_are_counted():
    d = grouped(6, groups=12, icc=0.5)
    r = tk.itt(grouped_trial(d), "y", response_weights=["y0"])
    alone = tk.itt(trial(d), "y", response_weights=["y0"])
    assert r.estimates[0].std_error > 1.2 * alone.estimates[0].std_error
    assert r.estimates[0].df < 40 and r.estimates[0].n_groups == 12
    near = tk.itt(grouped_trial(d), "y").estimates[0]
    assert r.estimates[0].df == pytest.approx(near.df, rel=0.4)
    family = tk.family([r, tk.itt(r.evidence.trial, "y0")], correction="romano_wolf", n_draws=20_000, seed=1)
    assert (family.tidy()["p_adjusted"] >= family.tidy()["p_value"] - 0.03).all()


def test_the_interval_covers_with_groups():
    covered = []
    for seed in range(150):
        d = grouped_data(seed, groups=12, icc=0.1, effect=0.4)
        rng = np.random.default_rng(seed)
        d["y"] = d["y"].where(rng.random(len(d)) < 1 / (1 + np.exp(-1 - 0.7 * d["y0"] + 0.4 * (d["arm"] == "peer"))))
        e = tk.itt(grouped_trial(d), "y", response_weights=["y0"]).estimates[0]
        covered.append(e.conf_low <= 0.4 <= e.conf_high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.045)


def test_strata_with_unequal_shares_and_three_arms():
    rng = np.random.default_rng(7)
    n = 6000
    site = rng.choice(["a", "b"], n)
    arm = np.where(rng.random(n) < np.where(site == "a", 0.2, 0.6), rng.choice(["peer", "coach"], n), "solo")
    d = pd.DataFrame({"arm": arm, "site": site, "y0": rng.normal(size=n)})
    d["y"] = (site == "b") * 2 + (arm == "peer") * 0.5 + d["y0"] + rng.normal(size=n)
    d["y"] = d["y"].where(rng.random(n) < 1 / (1 + np.exp(-1 - d["y0"] + (site == "b"))))
    r = weighted(d, ["y0", "site"], roles={"strata": ["site"]}, contrasts="all")
    table = r.tidy().set_index("contrast")
    assert table.loc["peer - solo", "estimate"] == pytest.approx(0.5, abs=4 * table.loc["peer - solo", "std_error"])
    assert table.loc["peer - coach", "estimate"] == pytest.approx(
        table.loc["peer - solo", "estimate"] - table.loc["coach - solo", "estimate"]
    )


def test_refusals():
    d = people(8)
    with pytest.raises(ColumnNotFoundError):
        weighted(d, ["yy"])
    with pytest.raises(UsageError, match=r"response_weights=\['y0'\]"):
        tk.itt(trial(d), "y", response_weights="y0")
    with pytest.raises(UsageError, match="always in it"):
        weighted(d, ["arm"])
    with pytest.raises(UsageError, match="the outcome"):
        weighted(d, ["y"])
    with pytest.raises(CombinationError):
        weighted(d, average="group")
    d["told"] = d["y"].notna().astype(int)
    with pytest.raises(NotIdentifiedError, match="lee_bounds"):
        weighted(d, ["told"])
    d["gone"] = (d["y0"] < -1).astype(int)
    with pytest.raises(NotIdentifiedError):
        weighted(d.assign(y=d["y"].where(d["gone"] == 0)), ["gone"])
    missing = weighted(d.assign(age=d["age"].where(d.index > 5)), ["age"])
    assert "covariate_imputed" in [n.code for n in missing.notes]


def test_json():
    r = weighted(people(9), adjust=["y0"])
    back = Result.from_dict(json.loads(json.dumps(r.to_dict(), allow_nan=False)))
    assert type(back) is type(r) and back.std_error_fixed == r.std_error_fixed and len(back.response) == 3
