"""ITT by regression: what does not matter, what does, and closed forms."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import (
    CombinationError,
    EstimationError,
    GroupError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.estimate.measures import MEASURES
from trialkit.results import COLUMNS, Result

NUMBERS = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]


def numbers(result: Result) -> np.ndarray:
    return result.tidy()[NUMBERS].to_numpy(dtype=float)[0]


def test_the_table_has_its_columns():
    r = tk.itt(grouped_trial(grouped_data(1)), "y", adjust=["y0"])
    assert list(r.tidy().columns) == COLUMNS
    row = r.tidy().iloc[0]
    assert row["contrast"] == "peer - solo"
    assert row["estimand"] == "participant-average ITT"
    assert row["n_groups"] == 10
    assert row["n_clusters"] == 90
    assert "n = " in str(r)
    assert "peer - solo" in r._repr_html_()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_row_order_and_labels_do_not_matter(seed):
    d = grouped_data(seed)
    a = numbers(tk.itt(grouped_trial(d), "y", adjust=["y0", "female"]))
    shuffled = d.sample(frac=1, random_state=seed)
    shuffled["group"] = shuffled["group"].map(lambda g: None if pd.isna(g) else f"renamed {g[::-1]}")
    np.testing.assert_allclose(numbers(tk.itt(grouped_trial(shuffled), "y", adjust=["y0", "female"])), a, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@example(133, 0.53125, -3.875)
@given(st.integers(0, 1000), st.floats(-3, 3), st.floats(-4, 4))
def test_affine_outcomes(seed, shift, power):
    d = grouped_data(seed)
    scale = 10.0**power
    a = tk.itt(grouped_trial(d), "y", adjust=["y0"])
    d["y"] = shift + scale * d["y"]
    b = tk.itt(grouped_trial(d), "y", adjust=["y0"])
    np.testing.assert_allclose(b.tidy()[["estimate", "std_error"]] / scale, a.tidy()[["estimate", "std_error"]], rtol=1e-7)
    np.testing.assert_allclose(b.tidy()[["df", "p_value"]], a.tidy()[["df", "p_value"]], rtol=1e-5)


def test_swapping_the_control_arm_changes_the_sign_only():
    d = grouped_data(3)
    a = numbers(tk.itt(grouped_trial(d), "y", adjust=["y0"]))
    b = numbers(tk.itt(grouped_trial(d, control="peer"), "y", adjust=["y0"]))
    np.testing.assert_allclose(b[[0, 4, 5]], -a[[0, 5, 4]], rtol=1e-8)
    np.testing.assert_allclose(b[1:4], a[1:4], rtol=1e-6)


def test_zero_weight_is_a_row_that_is_not_there():
    d = grouped_data(4)
    d["w"] = 1.0
    d.loc[[3, 90], "w"] = 0.0
    a = tk.itt(grouped_trial(d, weights="w"), "y", adjust=["y0"])
    b = tk.itt(grouped_trial(d[d["w"] > 0], weights="w"), "y", adjust=["y0"])
    np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-10)
    assert a.estimates[0].n == len(d) - 2
    plain = tk.itt(grouped_trial(d[d["w"] > 0]), "y", adjust=["y0"])
    np.testing.assert_allclose(numbers(a), numbers(plain), rtol=1e-8)


def test_few_equal_groups_have_the_closed_form_df():
    """Unadjusted, equal groups: the working df is Welch's on the group means."""
    rng = np.random.default_rng(0)
    k, m, c = 6, 10, 60
    y = np.r_[np.repeat(rng.normal(size=k), m) + rng.normal(size=k * m), rng.normal(size=c)]
    d = pd.DataFrame(
        {
            "id": range(len(y)),
            "arm": ["peer"] * 60 + ["solo"] * 60,
            "group": [f"g{i // m}" for i in range(60)] + [None] * 60,
            "y": y,
        }
    )
    row = tk.itt(grouped_trial(d), "y").tidy().iloc[0]
    means = y[:60].reshape(k, m).mean(axis=1)
    vt, vc = means.var(ddof=1) / k, y[60:].var(ddof=1) / c
    assert row["std_error"] == pytest.approx(math.sqrt(vt + vc), rel=1e-10)
    assert row["df"] == pytest.approx((vt + vc) ** 2 / (vt**2 / (k - 1) + vc**2 / (c - 1)), rel=1e-6)


def test_one_stratum_with_one_group_borrows_its_variance():
    d = grouped_data(5, groups=9, controls=90, icc=0.4, strata=3)
    d.loc[d["group"].isin(["g00", "g03"]), "site"] = "1"
    d["site"] = d["site"].where(d["group"] != "g06", "0")
    t = grouped_trial(d, strata=["site"])
    r = tk.itt(t, "y", estimator="difference_in_means")
    assert "group_variance_borrowed" in {n.code for n in r.notes}
    # the same variance from the parts: cells with several groups by CR2, the lone group from the fitted components
    ignoring = tk.itt(t, "y", estimator="difference_in_means", df="independence")
    assert r.estimates[0].std_error > 1.05 * ignoring.estimates[0].std_error
    assert r.estimates[0].df < 8


def test_unequal_shares_are_interacted_and_equal_ones_are_not():
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"site": np.repeat(["a", "b"], 200), "arm": ["t"] * 50 + ["c"] * 150 + ["t"] * 150 + ["c"] * 50})
    d["y"] = (d["site"] == "b") * 2.0 + (d["arm"] == "t") * np.where(d["site"] == "a", 1.0, 0.0) + rng.normal(size=400) * 0.1
    t = tk.Trial(d, arm="arm", control="c", strata=["site"])
    r = tk.itt(t, "y")
    assert r.estimates[0].estimate == pytest.approx(0.5, abs=0.05)
    assert "strata interacted" in r.estimates[0].method
    overlap = tk.itt(t, "y", strata_effects="additive")
    assert overlap.estimates[0].estimand == "overlap-weighted ITT"
    with pytest.raises(EstimationError, match="confounded"):
        tk.itt(t, "y", strata_effects="none")
    d["arm"] = np.tile(["t", "c"], 200)
    equal = tk.itt(tk.Trial(d, arm="arm", control="c", strata=["site"]), "y")
    assert "interacted" not in equal.estimates[0].method


def test_missing_baseline_keeps_everyone():
    d = grouped_data(6)
    d.loc[d.index[::7], "y0"] = np.nan
    r = tk.itt(grouped_trial(d), "y", adjust=["y0"])
    assert r.estimates[0].n == len(d)
    assert any(n.code == "covariate_imputed" for n in r.notes)
    dropped = tk.itt(grouped_trial(d), "y", adjust=["y0"], covariate_missing="drop")
    assert dropped.estimates[0].n == int(d["y0"].notna().sum())
    with pytest.raises(MissingDataError, match="covariate_missing='impute'"):
        tk.itt(grouped_trial(d), "y", adjust=["y0"], covariate_missing="error")


def test_imputed_baseline_is_blind_to_the_arm():
    d = grouped_data(7)
    d.loc[d.index[::5], "y0"] = np.nan
    by_hand = d.assign(y0=d["y0"].fillna(d["y0"].mean()), missing=d["y0"].isna().astype(float))
    a = numbers(tk.itt(grouped_trial(d), "y", adjust=["y0"]))
    b = numbers(tk.itt(grouped_trial(by_hand), "y", adjust=["y0", "missing"]))
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_informative_group_size_is_said():
    d = grouped_data(8, groups=30, controls=200, icc=0.01)
    size = d.groupby("group")["group"].transform("size")
    d.loc[size.notna(), "y"] += 0.4 * (size - 10).fillna(0)
    r = tk.itt(grouped_trial(d), "y")
    assert any(n.code == "informative_size" for n in r.notes)
    group = tk.itt(grouped_trial(d), "y", average="group")
    assert group.estimates[0].estimand == "group-average ITT"
    means = d[d["arm"] == "peer"].groupby("group")["y"].mean()
    assert group.estimates[0].estimate == pytest.approx(means.mean() - d.loc[d["arm"] == "solo", "y"].mean(), abs=1e-10)
    calm = tk.itt(grouped_trial(grouped_data(8, groups=30, controls=200)), "y")
    assert not any(n.code == "informative_size" for n in calm.notes)


@pytest.mark.parametrize("role", ["group", "cluster"])
def test_groups_of_one_size_have_one_average(role):
    """What differs is rounding then, and rounding over rounding is no t statistic."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        d = pd.DataFrame({"arm": ["solo", "peer"] * 60, "x": rng.normal(size=120)})
        unit = np.where((d["arm"] == "peer") | (role == "cluster"), d["arm"] + (d.index // 12).astype(str), None)
        d["y"] = 6 + 0.3 * d["x"] + 0.2 * (d["arm"] == "peer") + rng.normal(size=120)
        r = tk.itt(tk.Trial(d.assign(unit=unit), arm="arm", control="solo", **{role: "unit"}), "y", adjust=["x"])
        assert not any(n.code == "informative_size" for n in r.notes)


def test_round_trip():
    r = tk.itt(grouped_trial(grouped_data(9)), "y", adjust=["y0"])
    back = Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert type(back) is type(r)
    pd.testing.assert_frame_equal(back.tidy(), r.tidy())
    assert back.notes == r.notes
    pd.testing.assert_frame_equal(back.standardized().tidy(), r.standardized().tidy())
    with pytest.raises(AttributeError):
        r.notes = ()
    with pytest.raises(UsageError, match="schema_version"):
        Result.from_dict({"schema_version": 99})


def test_three_arms_two_of_them_grouped():
    a, b = grouped_data(1), grouped_data(2)
    b = b[b["arm"] == "peer"].assign(arm="coach", id=lambda x: x["id"] + 10_000, group=lambda x: "c" + x["group"])
    r = tk.itt(grouped_trial(pd.concat([a, b])), "y", adjust=["y0"], contrasts="all")
    assert r.tidy()["contrast"].tolist() == ["coach - solo", "peer - solo", "peer - coach"]
    e = r.tidy()["estimate"]
    assert e[2] == pytest.approx(e[1] - e[0])
    assert (r.tidy()["df"] < 40).all()


def test_standardized_by_the_control_arm_with_groups_and_pooled_without():
    d = grouped_data(10)
    r = tk.itt(grouped_trial(d), "y", adjust=["y0"])
    g = r.standardized("hedges_g")
    sd = d.loc[d["arm"] == "solo", "y"].std()
    assert g.estimates[0].estimate == pytest.approx(r.estimates[0].estimate / sd * (1 - 3 / (4 * 79 - 1)), rel=1e-12)
    assert "SD of solo" in g.estimates[0].estimand
    assert r.standardized(standardizer=2.0).estimates[0].estimate == pytest.approx(r.estimates[0].estimate / 2)
    with pytest.raises(CombinationError, match="noncentral"):
        r.standardized(interval="noncentral")
    plain = tk.itt(tk.Trial(d, arm="arm", control="solo"), "y")
    assert "pooled SD" in plain.standardized().estimates[0].estimand


REFUSALS = [
    (dict(outcome="y2"), tk.errors.ColumnNotFoundError, "y2"),
    (dict(adjust=["yo"]), tk.errors.ColumnNotFoundError, "Did you mean 'y'"),
    (dict(adjust="y0"), UsageError, "['y0']"),
    (dict(adjust=["y"]), UsageError, "the outcome"),
    (dict(adjust=["arm"]), UsageError, "the arm"),
    (dict(adjust=["y0", "y0"]), UsageError, "twice"),
    (dict(estimator="anova"), CombinationError, "Did you mean 'ancova'"),
    (dict(covariance="CR4"), CombinationError, "CR3"),
    (dict(measure="risk_diff"), CombinationError, "Did you mean 'risk_difference'"),
    (dict(estimator="difference_in_means", adjust=["y0"]), CombinationError, "ancova"),
    (dict(measure="risk_difference"), ValueTypeError, "0 and 1"),
    (dict(conf_level=95), UsageError, "0.95"),
    (dict(strata_effects="additive"), UsageError, "strata"),
    (dict(df="working", covariance="classical"), CombinationError, "classical"),
]


@pytest.mark.parametrize("call, error, words", REFUSALS)
def test_refusals(call, error, words):
    call = {"outcome": "y"} | call
    with pytest.raises(error) as caught:
        tk.itt(grouped_trial(grouped_data(1)), call.pop("outcome"), **call)
    assert words in str(caught.value)


BROKEN = [
    (lambda d: d.assign(y=np.nan), MissingDataError, "missing for everyone"),
    (
        lambda d: d.assign(y=d["y"].where(d["arm"] == "solo")),
        MissingDataError,
        "arm 'peer', so there is nothing to compare: check that the follow-up",
    ),
    (lambda d: d.assign(y=1.0), EstimationError, "no variation"),
    (lambda d: d.assign(y=d["y0"] * 2), EstimationError, "exactly"),
    (lambda d: d.assign(y0=(d["arm"] == "peer") * 1.0), NotIdentifiedError, "'y0'"),
    (lambda d: d.assign(y=d["y"].where((d["group"] == "g01") | (d["arm"] == "solo"))), GroupError, "one group"),
    (lambda d: d.assign(y=[*["n.v.t."] * 3, *d["y"][3:].astype(str)]), ValueTypeError, "n.v.t."),
    (lambda d: d.assign(y=d["y"].where(d.index != 4, np.inf)), ValueTypeError, "row 5"),
]


@pytest.mark.parametrize("change, error, words", BROKEN)
def test_data_that_cannot_answer(change, error, words):
    with pytest.raises(error) as caught:
        tk.itt(grouped_trial(change(grouped_data(1))), "y", adjust=["y0"])
    assert words in str(caught.value)


def test_collinear_and_constant_covariates_are_reported():
    d = grouped_data(2).assign(copy=lambda x: 2 * x["y0"] + 1, constant=3.0)
    a = tk.itt(grouped_trial(d), "y", adjust=["y0", "copy", "constant"])
    b = tk.itt(grouped_trial(d), "y", adjust=["y0"])
    np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-8)
    note = next(n.text for n in a.notes if n.code == "collinear")
    assert "copy" in note
    assert "constant" in note


def test_ignoring_groups_is_said():
    r = tk.itt(grouped_trial(grouped_data(2)), "y", covariance="HC2")
    assert any(n.code == "dependence_ignored" for n in r.notes)


def test_one_cluster_in_an_arm_is_refused():
    d = grouped_data(1).assign(village=lambda x: np.where(x["arm"] == "peer", "v0", (x["id"] % 5).astype(str)))
    with pytest.raises(GroupError, match="one cluster"):
        tk.itt(tk.Trial(d, arm="arm", control="solo", cluster="village"), "y")


def test_combinations_exist():
    table = tk.combinations()
    data = grouped_data(3).assign(
        number=lambda x: x["y"], binary=lambda x: (x["y"] > 0) * 1, count=lambda x: x["y"].clip(lower=0).round(),
        ordered=lambda x: x["y"].clip(-2, 2).round(), weeks=lambda x: np.exp(x["y"]), event=lambda x: (x["y0"] > -1) * 1,
    )  # fmt: skip
    trial = grouped_trial(data)
    drawn = tk.Trial(
        data,
        arm="arm",
        control="solo",
        unit="id",
        design=tk.design.complete(data, unit="id", arms={"solo": 1, "peer": 1}, counts="observed"),
    )
    for row in table.to_dict("records"):
        kind = MEASURES[row["measure"]].outcome
        options = {"tau": 2.0} if row["measure"].startswith("rmst") else {}
        for covariance in row["covariance"].split(", "):
            alone = row["estimator"] in ("horvitz_thompson", "hajek", "exact") or covariance[:2] in ("HC", "cl", "wa")
            r = tk.itt(
                drawn if alone else trial, tk.Time("weeks", "event") if kind == "time" else kind, estimator=row["estimator"],
                measure=row["measure"], covariance=covariance, **options,
            )  # fmt: skip
            assert r.estimates[0].std_error > 0 or row["estimator"] == "exact"
            assert 0 < r.estimates[0].p_value <= 1


@pytest.mark.parametrize("covariance", ["HC2", "CR2", "CR3", "classical"])
@pytest.mark.parametrize("grouped", [False, True])
def test_absorbed_strata_give_the_numbers_of_columns(covariance, grouped, monkeypatch):
    from trialkit.estimate.linear import ancova

    rng = np.random.default_rng(3)
    d = grouped_data(4, groups=12, controls=150)
    d["block"] = rng.permutation(np.arange(len(d)) % 9)
    t = grouped_trial(d, strata=["block"]) if grouped else tk.Trial(d, arm="arm", control="solo", unit="id", strata=["block"])
    by_columns = tk.itt(t, "y", adjust=["y0"], covariance=covariance, strata_effects="additive")
    monkeypatch.setattr(ancova, "ABSORB_FROM", 3)
    absorbed = tk.itt(t, "y", adjust=["y0"], covariance=covariance, strata_effects="additive")
    assert "strata absorbed" in absorbed.estimates[0].method
    a, b = (r.tidy()[["estimate", "std_error", "df"]].to_numpy(dtype=float)[0] for r in (by_columns, absorbed))
    np.testing.assert_allclose(b[:2], a[:2], rtol=1e-9)
    # the working covariance of an absorbed fit is fitted on demeaned outcomes, so its df agrees closely, the others exactly
    np.testing.assert_allclose(b[2], a[2], rtol=0.05 if grouped and covariance.startswith("CR") else 1e-8)


def test_a_handful_of_people_in_an_arm_is_said():
    d = grouped_data(1)
    few = d[(d["arm"] == "solo") | (d.index < 12)].reset_index(drop=True)
    r = tk.itt(tk.Trial(few, arm="arm", control="solo"), "y")
    assert any(n.code == "small_arm" and "12 in peer" in n.text for n in r.notes)
    careful = tk.itt(tk.Trial(few, arm="arm", control="solo"), "y", df="independence")
    assert careful.estimates[0].df < 25
    assert not any(n.code == "small_arm" for n in careful.notes)


def three_arms() -> tk.Trial:
    a, b = grouped_data(1), grouped_data(2)
    b = b[b["arm"] == "peer"].assign(arm="coach", id=lambda x: x["id"] + 10_000, group=lambda x: "c" + x["group"])
    return grouped_trial(pd.concat([a, b]))


def test_contrasts_of_ones_own():
    trial = three_arms()
    pairs = tk.itt(trial, "y", adjust=["y0"], contrasts="all").tidy()
    own = tk.itt(trial, "y", adjust=["y0"], contrasts=[{"peer": 1, "coach": -1}, {"peer": 0.5, "coach": 0.5, "solo": -1}])
    table = own.tidy()
    assert table["contrast"].tolist() == ["peer - coach", "0.5 peer + 0.5 coach - solo"]
    np.testing.assert_allclose(table.loc[0, NUMBERS].astype(float), pairs.loc[2, NUMBERS].astype(float), rtol=1e-9)
    assert table.loc[1, "estimate"] == pytest.approx(pairs["estimate"][:2].mean())
    assert own.standardized(standardizer=2.0).estimates[1].estimate == pytest.approx(table.loc[1, "estimate"] / 2)
    with pytest.raises(CombinationError, match="standardizer"):
        own.standardized()


@pytest.mark.parametrize(
    "contrasts, words",
    [
        ([{"peer": 1, "coach": 1}], "sum to zero"),
        ([{"pear": 1, "coach": -1}], "pear"),
        ("every", "'all'"),
        ([{}], "weights"),
        ([{"solo": 0, "peer": 0}], "other than zero"),
    ],
)
def test_contrasts_that_are_none(contrasts, words):
    with pytest.raises(UsageError) as caught:
        tk.itt(three_arms(), "y", contrasts=contrasts)
    assert words in str(caught.value)


def test_contrasts_of_ones_own_need_a_regression():
    with pytest.raises(CombinationError, match="ancova"):
        tk.itt(three_arms(), "y", estimator="difference_in_means", contrasts=[{"peer": 1, "coach": -1}])


def test_options_of_an_estimator_reach_it():
    """A seed given to `itt` draws the folds; another seed draws others, and no folds give another estimate."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"arm": ["a", "b"] * 30, "x": rng.normal(size=60)})
    d["y"] = d["x"] + rng.normal(size=60)
    trial = tk.Trial(d, arm="arm", control="a")
    found = [
        tk.itt(trial, "y", adjust=["x"], estimator="aipw", **options).estimates[0].estimate
        for options in ({}, {"n_folds": 5, "seed": 1}, {"n_folds": 5, "seed": 1}, {"n_folds": 5, "seed": 2})
    ]
    assert found[1] == found[2]
    assert len(set(found)) == 3
