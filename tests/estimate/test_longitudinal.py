"""tk.longitudinal: mmrm's fev_data, identities with regressions at each wave, groups and clusters, contrasts over waves, properties, results."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

import trialkit as tk
from tests.reference.mapping import data, grouped
from trialkit.estimate.longitudinal.long_format import to_wide
from trialkit.results import Result

WAVES = {0: "y0", 1: "y1", 2: "y2"}


def people(seed=0, groups=8, controls=90, waves=3, drop=0.12, icc=0.2, strata=()):
    """One row a person; groups in the treated arm, drop-out and intermittent gaps."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(6, 16, groups))
    n = len(group) + controls
    y = rng.normal(size=(n, waves)) + rng.normal(size=(n, 1))
    y[: len(group), 1:] += (rng.normal(size=(groups, waves - 1)) * np.sqrt(2 * icc))[group] + 0.4
    for j in range(1, waves):
        y[rng.random(n) < drop * j, j] = np.nan
    d = pd.DataFrame(y, columns=[f"y{j}" for j in range(waves)])
    d["id"], d["arm"] = np.arange(n), np.where(np.arange(n) < len(group), "peer", "solo")
    d["group"] = pd.Series([f"g{g:02d}" for g in group] + [None] * controls, dtype=object)
    d["age"], d["sex"] = rng.normal(40, 9, n), rng.choice(["f", "m"], n)
    d["site"] = rng.choice(["A", "B", "C"], n)
    return d


def trial(d, **roles):
    return tk.Trial(d, **({"arm": "arm", "control": "solo", "unit": "id"} | roles))


def with_groups(d, **roles):
    return trial(d, group="group", **roles)


def numbers(result):
    return result.tidy()[["estimate", "std_error", "df", "conf_low", "conf_high", "p_value"]].to_numpy()


def codes(result):
    return {n.code for n in result.notes}


# --- mmrm's fev_data through the public function
def fev_trial():
    d = data("fev_data.csv")
    wide = to_wide(d, unit="USUBJID", wave="AVISIT", outcome=["FEV1", "WEIGHT", "VISITN", "VISITN2"])
    return tk.Trial(wide, arm="ARMCD", control="PBO", unit="USUBJID")


VISITS = {j: f"FEV1_VIS{j}" for j in (1, 2, 3, 4)}


def test_fev_data():
    r = tk.longitudinal(fev_trial(), VISITS, model="mmrm", baseline=None, adjust=["RACE", "SEX"], adjust_by_wave=False)
    first = r.tidy().iloc[0]
    assert (first["estimate"], first["std_error"], first["df"]) == pytest.approx((3.77423, 1.07415, 145.55), rel=1e-4)
    assert (r.deviance, r.aic, r.bic) == pytest.approx((3386.45, 3406.4, 3439.3), abs=0.06)
    assert first["n"] == 197 and r.observed["n"].sum() == 537
    assert "no_wave" in codes(r)
    assert r.tidy()["over_waves"].dropna().tolist() == ["average", "fade_out", "slope"]


@pytest.mark.parametrize("name, parameters", [("us", 10), ("toeph", 7), ("adh", 7), ("csh", 5), ("cs", 2), ("sp_exp", 2)])
def test_every_structure_has_its_parameters(name, parameters):
    r = tk.longitudinal(fev_trial(), VISITS, model="mmrm", baseline=None, covariance_structure=name, over_waves=[])
    assert r.details["n_parameters"] == parameters
    assert r.aic == pytest.approx(r.deviance + 2 * parameters)
    assert len(r.tidy()) == 4


# --- identities
def test_complete_waves_are_regressions_at_each_wave():
    """Unstructured, complete, the same terms at every wave: least squares wave by wave, with its classical standard error and df."""
    d = people(drop=0)
    r = tk.longitudinal(trial(d), WAVES, model="mmrm", adjust=["age", "sex"])
    for row, y in zip(r.tidy().to_dict("records"), ("y1", "y2")):
        e = tk.itt(trial(d), y, adjust=["y0", "age", "sex"], covariance="classical").estimates[0]
        assert (row["estimate"], row["std_error"], row["df"]) == pytest.approx((e.estimate, e.std_error, e.df), rel=1e-7)


def test_the_interacted_strata_give_the_sample_average_effect():
    d = people(drop=0)
    d["arm"] = np.where(np.random.default_rng(5).random(len(d)) < d["site"].map({"A": 0.2, "B": 0.5, "C": 0.8}), "peer", "solo")
    t = trial(d, strata=["site"])
    r = tk.longitudinal(t, WAVES, model="mmrm", baseline=None, over_waves=[])
    assert "strata_interacted" in codes(r) and "strata interacted" in r.tidy()["method"].iloc[0]
    for row, y in zip(r.tidy().to_dict("records"), ("y0", "y1", "y2")):
        assert row["estimate"] == pytest.approx(tk.itt(t, y).estimates[0].estimate, abs=1e-10)
    overlap = tk.longitudinal(t, WAVES, strata_effects="additive")
    assert overlap.tidy()["estimand"].str.startswith("overlap-weighted ITT").all()


def test_a_shared_baseline_halves_what_a_change_costs():
    """Two complete waves: Var(cLDA) is near that of the ANCOVA, 2 s2 (1 - r2)/m, below that of the change and of the follow-up alone."""
    rng = np.random.default_rng(2)
    y0 = rng.normal(size=4000)
    d = pd.DataFrame({"y0": y0, "y1": 0.6 * y0 + 0.8 * rng.normal(size=4000), "arm": ["solo", "peer"] * 2000})
    se = tk.longitudinal(tk.Trial(d, arm="arm", control="solo"), {0: "y0", 1: "y1"}).estimates[0].std_error
    assert se**2 == pytest.approx((1 - 0.36) / 1000, rel=0.08)
    ancova = tk.itt(tk.Trial(d, arm="arm", control="solo"), "y1", adjust=["y0"], covariance="classical").estimates[0]
    assert se == pytest.approx(ancova.std_error, rel=2e-3)


def test_one_follow_up_without_baseline_information():
    """The joint test of one follow-up is the square of its t."""
    r = tk.longitudinal(with_groups(people()), {0: "y0", 1: "y1"})
    e, joint = r.estimates[0], r.joint_test()
    assert len(r.estimates) == 1
    assert (joint.statistic, joint.df_denom, joint.p_value) == pytest.approx((e.statistic**2, e.df, e.p_value), rel=1e-8)


# --- groups and clusters
def test_groups_enter_the_model_by_themselves():
    d = people()
    r, alone = tk.longitudinal(with_groups(d), WAVES), tk.longitudinal(trial(d), WAVES)
    components = r.variance_components
    assert {"var_resid_0", "cov_resid_02", "var_group_1", "var_group_2", "cov_group_12", "icc_1", "icc_2"} <= set(components)
    assert "var_group_0" not in components
    matrix = r.covariance_matrix("groups", "peer")
    assert matrix.loc[0].abs().max() == 0 and matrix.loc[1, 2] == pytest.approx(components["cov_group_12"])
    assert components["icc_1"] == pytest.approx(
        components["var_group_1"] / (components["var_group_1"] + components["var_resid_1"])
    )
    assert (r.tidy()["df"] < 40).all() and (alone.tidy()["df"][:2] > 100).all()
    assert r.deviance < alone.deviance
    assert r.tidy()["n_groups"].iloc[0] == 8 and r.tidy()["n_clusters"].iloc[0] == 98
    assert r.tidy()["estimand"].iloc[0] == "precision-weighted ITT"
    assert alone.tidy()["estimand"].iloc[0] == "participant-average ITT"
    assert "few_groups" in codes(r)


def test_companions_are_empirical_and_near_the_model():
    r = tk.longitudinal(with_groups(people(3, groups=16)), WAVES)
    beside = r.companions()
    assert beside.tidy()["estimate"].to_numpy() == pytest.approx(r.tidy()["estimate"].to_numpy(), abs=1e-12)
    ratio = beside.tidy()["std_error"] / r.tidy()["std_error"]
    assert ((ratio > 0.7) & (ratio < 1.4)).all()
    asked = tk.longitudinal(with_groups(people(3, groups=16)), WAVES, covariance="CR2")
    np.testing.assert_allclose(numbers(asked), numbers(beside), rtol=1e-10)
    again = Result.from_dict(json.loads(json.dumps(beside.to_dict())))
    pd.testing.assert_frame_equal(again.tidy(), beside.tidy())
    with pytest.raises(tk.errors.UsageError, match="no groups or clusters"):
        tk.longitudinal(trial(people()), WAVES).companions()


def test_covariances_by_arm():
    r = tk.longitudinal(with_groups(people(4)), WAVES, covariance_by_arm=True)
    assert {"var_resid_1_solo", "var_resid_1_peer", "var_group_1"} <= set(r.variance_components)
    assert r.covariance_matrix("people", "solo").shape == (3, 3)
    with pytest.raises(tk.errors.UsageError, match="each arm has its own"):
        r.covariance_matrix("people")


def test_clusters_have_effects_in_all_arms_and_at_the_baseline():
    d = people(6, groups=10, controls=100)
    d["cluster"] = np.where(d["arm"] == "peer", d["group"], "c" + (d["id"] % 12).astype(str))
    r = tk.longitudinal(trial(d, cluster="cluster"), WAVES)
    assert {"var_cluster_0", "cov_cluster_01", "var_cluster_2", "icc_0"} <= set(r.variance_components)
    assert r.tidy()["n_clusters"].iloc[0] == 22 and r.tidy()["n_groups"].iloc[0] == 0
    assert "cluster_effects_at_baseline" in codes(r)
    both = tk.longitudinal(with_groups(d, cluster="cluster"), WAVES)
    assert "groups_inside_clusters" in codes(both)
    np.testing.assert_allclose(numbers(both), numbers(r), rtol=1e-10)


def test_more_than_three_follow_ups_have_compound_symmetric_groups():
    d = people(7, groups=14, waves=5, drop=0.05)
    waves = {0: "y0", 3: "y1", 6: "y2", 12: "y3", 24: "y4"}
    r = tk.longitudinal(with_groups(d), waves)
    assert r.details["group_structure"] == "cs"
    c = r.variance_components
    assert c["var_group_3"] == pytest.approx(c["var_group_24"]) and c["cov_group_36"] == pytest.approx(c["cov_group_12_24"])
    assert tk.longitudinal(with_groups(d), waves, group_structure="us").deviance < r.deviance
    ar1 = tk.longitudinal(with_groups(d), waves, group_structure="ar1").variance_components
    assert ar1["cov_group_36"] == pytest.approx(ar1["cov_group_6_12"])


def test_few_groups_have_one_variance_and_say_so():
    r = tk.longitudinal(with_groups(people(1, groups=3)), WAVES)
    assert r.details["group_structure"] == "cs" and "group_structure_cs" in codes(r)


def test_a_limit_of_the_group_covariance_is_said():
    d = people(2)
    for y in ("y1", "y2"):
        inside = d["group"].notna()
        d.loc[inside, y] -= d[inside].groupby("group")[y].transform("mean")
    r = tk.longitudinal(with_groups(d), WAVES)
    assert "group_covariance_at_limit" in codes(r)
    assert r.variance_components["var_group_1"] < 0 and r.variance_components["icc_1"] == 0


def test_several_grouped_arms_have_covariances_of_their_own():
    d = people(9, groups=12)
    d.loc[d["group"].isin([f"g{g:02d}" for g in range(6)]), "arm"] = "coach"
    r = tk.longitudinal(with_groups(d), WAVES, contrasts="all")
    assert {"var_group_1_coach", "var_group_1_peer", "icc_2_peer"} <= set(r.variance_components)
    t = r.tidy()
    assert t["contrast"].unique().tolist() == ["coach - solo", "peer - solo", "peer - coach"]
    by = t.set_index(["contrast", "over_waves"])["estimate"]
    average = by.xs("average", level="over_waves")
    assert average["peer - coach"] == pytest.approx(average["peer - solo"] - average["coach - solo"], abs=1e-10)


# --- contrasts over waves and means
def test_contrasts_over_waves_are_weighted_sums():
    d = people(11, waves=4)
    waves = {0: "y0", 1: "y1", 3: "y2", 6: "y3"}
    t = tk.longitudinal(trial(d), waves).tidy()
    e = t["estimate"].to_numpy()
    assert t["over_waves"].tolist()[3:] == ["average", "fade_out", "slope"]
    times = np.array([1, 3, 6.0])
    assert e[3:] == pytest.approx([e[:3].mean(), e[2] - e[0], np.polyfit(times, e[:3], 1)[0]], abs=1e-10)
    own = tk.longitudinal(trial(d), waves, over_waves={"late less early": {1: -1, 3: 0.5, 6: 0.5}}).tidy().iloc[-1]
    assert own["estimate"] == pytest.approx(e[1] / 2 + e[2] / 2 - e[0]) and own["over_waves"] == "late less early"
    assert own["outcome"] == "y1, y2, y3"


def test_means_and_effects_belong_together():
    d = people(12)
    r = tk.longitudinal(with_groups(d), WAVES, adjust=["age", "sex"])
    m = r.means.set_index(["arm", "wave"])["estimate"]
    assert m["peer", 0] == m["solo", 0]
    for row in r.tidy().dropna(subset="wave").to_dict("records"):
        assert row["estimate"] == pytest.approx(m["peer", row["wave"]] - m["solo", row["wave"]], abs=1e-10)
    assert (r.means["conf_low"] < r.means["estimate"]).all()
    assert r.means["n"].tolist() == r.observed["n"].tolist()


def test_labels_of_waves_may_be_words():
    r = tk.longitudinal(trial(people()), {"start": "y0", "after": "y1", "year later": "y2"})
    assert r.tidy()["wave"].tolist()[:2] == ["after", "year later"]
    assert "slope" not in r.tidy()["over_waves"].tolist()
    assert "cov_resid_start_after" in r.variance_components
    backwards = tk.longitudinal(trial(people()), {2: "y2", 0: "y0", 1: "y1"})
    np.testing.assert_allclose(numbers(backwards), numbers(tk.longitudinal(trial(people()), WAVES)))


def test_labels_can_be_stored():
    r = tk.longitudinal(trial(people()), {np.int64(0): "y0", np.float64(0.5): "y1", 2: "y2"})
    assert r.details["waves"] == [0, 0.5, 2] and json.dumps(r.to_dict())
    dated = tk.longitudinal(trial(people()), {pd.Timestamp("2024-01-01"): "y0", pd.Timestamp("2025-01-01"): "y1"})
    assert json.loads(json.dumps(dated.to_dict()))["estimates"][0]["wave"].startswith("2025-01-01")


# --- missing data
def test_people_without_a_wave_change_nothing_and_are_counted():
    d = people(13)
    nobody = d.assign(id=d["id"] + 10_000)
    nobody[["y0", "y1", "y2"]] = np.nan
    more = pd.concat([d, nobody.head(20)], ignore_index=True)
    r, plain = tk.longitudinal(with_groups(more), WAVES), tk.longitudinal(with_groups(d), WAVES)
    np.testing.assert_allclose(numbers(r), numbers(plain), rtol=1e-9)
    note = next(n.text for n in r.notes if n.code == "no_wave")
    assert note.startswith("20 of") and "peer: 20" in note
    assert "no_wave" not in codes(plain) and "waves_missing" in codes(plain)


def test_the_baseline_of_those_who_left_is_used():
    """Drop-out that depends on the baseline: the constrained model is unbiased where the complete cases by wave are not."""
    rng = np.random.default_rng(4)
    y0 = rng.normal(size=20_000)
    y1 = 0.7 * y0 + rng.normal(size=20_000)
    arm = rng.integers(0, 2, 20_000)
    gone = (arm == 1) & (rng.random(20_000) < stats.norm.cdf(y0))
    d = pd.DataFrame({"y0": y0, "y1": np.where(gone, np.nan, y1), "arm": np.where(arm == 1, "peer", "solo")})
    t = tk.Trial(d, arm="arm", control="solo")
    assert abs(tk.longitudinal(t, {0: "y0", 1: "y1"}).estimates[0].estimate) < 0.05
    assert tk.itt(t, "y1").estimates[0].estimate < -0.2


def test_a_missing_baseline_is_filled_in_only_by_the_mmrm():
    d = people(14)
    d.loc[d.index[::9], "y0"] = np.nan
    assert "covariate_imputed" in codes(tk.longitudinal(trial(d), WAVES, model="mmrm"))
    assert "covariate_imputed" not in codes(tk.longitudinal(trial(d), WAVES))
    dropped = tk.longitudinal(trial(d), WAVES, model="mmrm", covariate_missing="drop")
    assert dropped.tidy()["n"].iloc[0] <= d["y0"].notna().sum()


# --- properties
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), a=st.floats(0.01, 100), b=st.floats(-1000, 1000))
def test_affine_outcomes_and_row_order(seed, a, b):
    d = people(15)
    moved = d.copy()
    moved[["y0", "y1", "y2"]] = a * d[["y0", "y1", "y2"]] + b
    moved = moved.sample(frac=1, random_state=seed)
    plain, other = numbers(tk.longitudinal(with_groups(d), WAVES)), numbers(tk.longitudinal(with_groups(moved), WAVES))
    np.testing.assert_allclose(other / np.array([a, a, 1, a, a, 1]), plain, rtol=1e-5, atol=1e-7)


@settings(max_examples=4, deadline=None)
@given(structure=st.sampled_from(["us", "csh", "ar1", "toeph", "adh"]), seed=st.integers(0, 50))
def test_relabelled_arms_change_the_sign(structure, seed):
    d = people(seed)
    one = tk.longitudinal(trial(d), WAVES, covariance_structure=structure).tidy()
    two = tk.longitudinal(tk.Trial(d, arm="arm", control="peer", unit="id"), WAVES, covariance_structure=structure).tidy()
    np.testing.assert_allclose(two["estimate"], -one["estimate"], atol=1e-8)
    np.testing.assert_allclose(two[["std_error", "df"]], one[["std_error", "df"]], rtol=1e-6)


def test_weight_zero_is_a_row_that_is_not_there():
    d = people(16)
    d["w"] = np.where(d["id"] % 7 == 3, 0.0, 2.0)
    r = tk.longitudinal(trial(d, weights="w"), WAVES)
    np.testing.assert_allclose(numbers(r), numbers(tk.longitudinal(trial(d[d["w"] > 0]), WAVES)), rtol=1e-10)
    assert "zero_weights" in codes(r)


def test_ml_and_reml():
    t = with_groups(people(17))
    ml = tk.longitudinal(t, WAVES, reml=False)
    assert ml.aic == pytest.approx(ml.deviance + 2 * (9 + 5))
    assert ml.tidy()["std_error"].iloc[0] < tk.longitudinal(t, WAVES).tidy()["std_error"].iloc[0]
    assert "ML" in ml.tidy()["method"].iloc[0]


# --- the result
def test_round_trip_and_words():
    r = tk.longitudinal(grouped(), WAVES)
    again = Result.from_dict(json.loads(json.dumps(r.to_dict())))
    pd.testing.assert_frame_equal(again.tidy(), r.tidy())
    assert str(again) == str(r)
    assert again.joint_test() == r.joint_test() and again.deviance == r.deviance
    pd.testing.assert_frame_equal(again.means, r.means, check_dtype=False)
    pd.testing.assert_frame_equal(again.companions().tidy(), r.companions().tidy())
    text = str(r)
    for words in ("wave 1: 0.232", "t(19.2)", "average:", "fade-out:", "at any wave: F(2, 22.9)", "13 groups"):
        assert words in text
    assert "<table" in r._repr_html_()
    assert set(r.tidy().columns[-3:]) == {"wave", "over_waves", "n_observed"}


def test_kenward_roger_is_as_wide_as_satterthwaite_or_wider():
    t = with_groups(people(18))
    plain, kr = tk.longitudinal(t, WAVES).tidy(), tk.longitudinal(t, WAVES, df="kenward_roger").tidy()
    np.testing.assert_allclose(kr["df"], plain["df"], rtol=1e-7)
    assert (kr["std_error"] >= plain["std_error"]).all()
    assert kr["covariance"].iloc[0] == "Kenward-Roger (linear)"
    assert (
        tk.longitudinal(t, WAVES, df="kenward_roger", covariance="kenward_roger").tidy()["covariance"].iloc[0] == "Kenward-Roger"
    )


def test_residual_df_count_measurements():
    d = people(19, drop=0)
    r = tk.longitudinal(trial(d), WAVES, df="residual")
    assert r.tidy()["df"].iloc[0] == 3 * len(d) - 5


# --- long to wide
def test_to_wide_takes_one_row_a_measurement():
    d = people(20)
    rows = d.melt(
        id_vars=["id", "arm", "group", "age", "sex", "site"], value_vars=["y0", "y1", "y2"], var_name="wave", value_name="y"
    ).dropna(subset="y")
    rows["wave"] = rows["wave"].str[1:].astype(int)
    wide = to_wide(rows.sample(frac=1, random_state=1), unit="id", wave="wave", outcome="y")
    found = tk.longitudinal(with_groups(wide), {0: "y_0", 1: "y_1", 2: "y_2"})
    np.testing.assert_allclose(numbers(found), numbers(tk.longitudinal(with_groups(d), WAVES)), rtol=1e-7)
