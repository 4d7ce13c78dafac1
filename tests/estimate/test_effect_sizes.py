"""Effect sizes: their definitions in long form, their intervals with groups, conversions there and back."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from trialkit.errors import CombinationError, DataError, EstimationError, UsageError, ValueTypeError
from trialkit.estimate.effect_sizes import analyses as es
from trialkit.estimate.effect_sizes.conversions import SCALES
from trialkit.inference.effect_sizes import clustered_d, placements
from trialkit.results import Result


def simple(seed: int = 1, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"arm": np.where(np.arange(n) % 2 == 0, "peer", "solo"), "y0": rng.normal(size=n)})
    d["y"] = 0.7 * d["y0"] + 0.5 * (d["arm"] == "peer") + rng.normal(size=n)
    d["job"] = (d["y"] > 0.2).astype(int)
    return d


def trial(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, **({"arm": "arm", "control": "solo"} | roles))


def binary_groups(seed: int) -> tk.Trial:
    d = grouped_data(seed, icc=0.2)
    return grouped_trial(d.assign(job=(d["y"] > 0.2).astype(int)))


# --- clusters, from summary numbers


@pytest.mark.parametrize("one_arm", [False, True])
def test_clustered_d_by_the_whole_covariance_matrix(one_arm):
    sizes_1, sizes_0, icc = np.array([3.0, 7, 5]), np.ones(9) if one_arm else np.array([4.0, 2, 6, 3]), 0.3

    def arm(sizes: np.ndarray, between: float) -> tuple[np.ndarray, np.ndarray]:
        label = np.repeat(np.arange(len(sizes)), sizes.astype(int))
        n = len(label)
        return (1 - icc) * np.eye(n) + between * (label[:, None] == label), np.eye(n) - np.full((n, n), 1 / n)

    (v1, m1), (v0, m0) = arm(sizes_1, icc), arm(sizes_0, 0.0 if one_arm else icc)
    trace = np.trace(m1 @ v1) + np.trace(m0 @ v0)
    squares = np.trace(m1 @ v1 @ m1 @ v1) + np.trace(m0 @ v0 @ m0 @ v0)
    n = len(v1) + len(v0)
    pooled = math.sqrt(((len(v1) - 1) * 1.2**2 + (len(v0) - 1) * 0.9**2) / (n - 2))
    found = clustered_d(difference=0.6, sd_1=1.2, sizes_1=sizes_1, sd_0=0.9, sizes_0=sizes_0, icc=icc, one_arm=one_arm)
    assert found.d == pytest.approx(0.6 / pooled * math.sqrt(trace / (n - 2)))
    assert found.df == pytest.approx(trace**2 / squares)
    assert found.variance == pytest.approx(v1.mean() + v0.mean() + found.d**2 / (2 * found.df))


def test_clustered_g_of_equal_clusters_is_the_printed_formula():
    m, icc, n = 20, 0.15, 360
    found = es.clustered_g(mean_1=52.4, sd_1=9.8, sizes_1=[m] * 8, mean_0=49.1, sd_0=10.6, sizes_0=[m] * 10, icc=icc)
    pooled = math.sqrt((159 * 9.8**2 + 199 * 10.6**2) / 358)
    assert found.d == pytest.approx(3.3 / pooled * math.sqrt(1 - 2 * (m - 1) * icc / (n - 2)))
    top = (n - 2 - 2 * (m - 1) * icc) ** 2
    assert found.df == pytest.approx(
        top / ((n - 2) * (1 - icc) ** 2 + m * (n - 2 * m) * icc**2 + 2 * (n - 2 * m) * icc * (1 - icc))
    )
    assert found.g == found.estimate == pytest.approx((1 - 3 / (4 * found.df - 1)) * found.d)
    assert found.std_error == pytest.approx((1 - 3 / (4 * found.df - 1)) * math.sqrt(found.variance))


def test_without_correlation_clusters_are_people():
    none = es.clustered_g(mean_1=1.0, sd_1=2.0, sizes_1=[5] * 6, mean_0=0.0, sd_0=1.5, sizes_0=[3] * 10, icc=0.0)
    pooled = math.sqrt((29 * 4.0 + 29 * 2.25) / 58)
    assert (none.d, none.df) == pytest.approx((1 / pooled, 58))
    assert none.variance == pytest.approx(2 / 30 + none.d**2 / (2 * 58))
    one_arm = es.one_arm_grouped_g(mean_1=1.0, sd_1=2.0, sizes_1=[5] * 6, mean_0=0.0, sd_0=1.5, n_0=30, icc=0.0)
    assert (one_arm.d, one_arm.variance) == pytest.approx((none.d, none.variance))


def test_the_people_of_a_trial_give_the_same_as_their_summary():
    d = grouped_data(4)
    t = grouped_trial(d)
    found = es.clustered_from_trial(t, "y", icc=0.1)
    peer, solo = d.loc[d["arm"] == "peer"], d.loc[d["arm"] == "solo", "y"]
    sizes = peer.groupby("group").size().tolist()
    summary = es.one_arm_grouped_g(
        mean_1=peer["y"].mean(), sd_1=peer["y"].std(), sizes_1=sizes, mean_0=solo.mean(), sd_0=solo.std(), n_0=len(solo), icc=0.1
    )
    assert (found.d, found.variance, found.df) == pytest.approx((summary.d, summary.variance, summary.df))
    swapped = es.clustered_from_trial(grouped_trial(d, control="peer"), "y", icc=0.1)
    assert (swapped.d, swapped.variance) == pytest.approx((-found.d, found.variance))
    assert found.tidy().loc[0, ["n", "n_groups"]].tolist() == [len(d), 10]


# --- change


def test_dppc2_by_its_definition_and_with_groups():
    d = simple()
    found = es.pre_post_control(trial(d), "y", baseline="y0")
    by = d.assign(change=d["y"] - d["y0"]).groupby("arm")
    sd = math.sqrt((by["y0"].var() * (by.size() - 1)).sum() / (len(d) - 2))
    j = 1 - 3 / (4 * (len(d) - 2) - 1)
    means = by["change"].mean()
    assert found.estimate == pytest.approx(j * (means["peer"] - means["solo"]) / sd)
    rho, n, ratio = found.correlation, len(d), 20.0
    inner = 1 + ratio * found.estimate**2 / (2 * (1 - rho))
    assert found.variance == pytest.approx(2 * j**2 * (1 - rho) / ratio * (n - 2) / (n - 4) * inner - found.estimate**2)
    grouped = grouped_data(5, icc=0.4)
    with_groups = es.pre_post_control(grouped_trial(grouped), "y", baseline="y0")
    ignored = es.pre_post_control(tk.Trial(grouped, arm="arm", control="solo"), "y", baseline="y0")
    assert with_groups.estimate == pytest.approx(ignored.estimate)
    assert with_groups.std_error > 1.2 * ignored.std_error and with_groups.estimates[0].df < 30


def test_dppc2_leaves_out_people_without_a_pretest_and_says_so():
    d = simple()
    d.loc[:4, "y0"] = np.nan
    found = es.pre_post_control(trial(d), "y", baseline="y0")
    kept = es.pre_post_control(trial(d[5:]), "y", baseline="y0")
    assert (found.estimate, found.variance) == pytest.approx((kept.estimate, kept.variance))
    assert [n.code for n in found.notes] == ["baseline_missing"] and found.estimates[0].n == 75
    with pytest.raises(EstimationError, match="no SD to standardize by"):
        es.pre_post_control(trial(d.assign(y0=1.0)), "y", baseline="y0")


# --- shares


def test_effects_on_shares_are_those_of_the_arms():
    d = simple()
    p = d.groupby("arm")["job"].mean()
    h = es.cohens_h(trial(d), "job")
    assert h.estimate == pytest.approx(2 * math.asin(math.sqrt(p["peer"])) - 2 * math.asin(math.sqrt(p["solo"])))
    assert h.std_error == pytest.approx(math.sqrt(1 / 39 + 1 / 39))
    odds = math.log(p["peer"] / (1 - p["peer"])) - math.log(p["solo"] / (1 - p["solo"]))
    cox, logit = es.cox_d(trial(d), "job"), es.logit_d(trial(d), "job")
    assert (cox.estimate, logit.estimate) == pytest.approx((odds / 1.65, odds * math.sqrt(3) / math.pi))
    assert cox.p_value == pytest.approx(logit.p_value)


def test_effects_on_shares_have_the_group_aware_error_of_the_delta_method():
    """Cohen's h is the mean difference of outcomes scaled by arm, so its error is that of this difference."""
    t = binary_groups(6)
    p = t.data.groupby("arm")["job"].mean()
    scaled = t.data.assign(job=t.data["job"] / t.data["arm"].map(np.sqrt(p * (1 - p))))
    by_hand = tk.itt(grouped_trial(scaled), "job", estimator="difference_in_means").estimates[0]
    h = es.cohens_h(t, "job")
    assert (h.std_error, h.df) == pytest.approx((by_hand.std_error, by_hand.df))
    ignoring = es.cohens_h(tk.Trial(t.data, arm="arm", control="solo"), "job")
    assert h.df < ignoring.df / 2 and h.estimate == pytest.approx(ignoring.estimate)


def test_strata_of_unequal_shares_do_not_confound():
    """Shares depend on the stratum, the arm does nothing, and the treated are mostly in the better stratum."""
    rows = [("a", "peer", 80, 64), ("a", "solo", 20, 16), ("b", "peer", 20, 4), ("b", "solo", 80, 16)]
    d = pd.DataFrame(
        [{"site": s, "arm": a, "job": int(i < k)} for s, a, n, k in rows for i in range(n)],
    )
    assert es.cohens_h(trial(d), "job").estimate > 0.5
    stratified = trial(d, strata=["site"])
    assert es.cohens_h(stratified, "job").estimate == pytest.approx(0, abs=1e-12)
    assert es.cox_d(stratified, "job").estimate == pytest.approx(0, abs=1e-12)
    assert es.cliffs_delta(stratified, "job").estimate == pytest.approx(0, abs=1e-12)


# --- ranks


def test_common_language_counts_every_pair():
    d = simple().round({"y": 0})
    peer, solo = (d.loc[d["arm"] == a, "y"].to_numpy() for a in ("peer", "solo"))
    pairs = (peer[:, None] > solo) + 0.5 * (peer[:, None] == solo)
    found = es.common_language(trial(d), "y")
    assert found.estimate == pytest.approx(pairs.mean())
    se = math.sqrt(pairs.mean(axis=1).var(ddof=1) / len(peer) + pairs.mean(axis=0).var(ddof=1) / len(solo))
    assert found.std_error == pytest.approx(se)
    delta = es.cliffs_delta(trial(d), "y")
    assert (delta.estimate, delta.std_error) == pytest.approx((2 * found.estimate - 1, 2 * se))
    assert (delta.conf_low, delta.p_value) == pytest.approx((2 * found.conf_low - 1, found.p_value))
    assert found.estimate == pytest.approx(stats.mannwhitneyu(peer, solo).statistic / (len(peer) * len(solo)))


def test_ranks_do_not_know_units_and_turn_with_the_arms():
    t = grouped_trial(grouped_data(7))
    found = es.cliffs_delta(t, "y")
    bent = es.cliffs_delta(grouped_trial(t.data.assign(y=np.exp(t.data["y"]))), "y")
    assert (bent.estimate, bent.std_error, bent.df) == pytest.approx((found.estimate, found.std_error, found.df))
    turned = es.cliffs_delta(grouped_trial(t.data, control="peer"), "y")
    assert (turned.estimate, turned.conf_low) == pytest.approx((-found.estimate, -found.conf_high))
    ignoring = es.cliffs_delta(tk.Trial(t.data, arm="arm", control="solo"), "y")
    assert found.df < ignoring.df and found.estimates[0].n_groups == 10


def test_the_interval_of_superiority_holds_with_groups():
    """Coverage over small trials with six groups: a test that ignores them covers far less than 95 %."""
    covered = {"with": 0, "without": 0}
    for seed in range(150):
        d = grouped_data(seed, groups=6, controls=40, icc=0.3, effect=0.0)
        for name, t in (("with", grouped_trial(d)), ("without", tk.Trial(d, arm="arm", control="solo"))):
            e = es.common_language(t, "y")
            covered[name] += e.conf_low <= 0.5 <= e.conf_high
    assert covered["with"] / 150 > 0.9 > covered["without"] / 150


def test_several_arms_compare_two_at_a_time():
    d = simple(n=120)
    d["arm"] = np.resize(["solo", "peer", "coach"], 120)
    every = es.cliffs_delta(trial(d), "y", contrasts="all").tidy().set_index("contrast")
    assert list(every.index) == ["coach - solo", "peer - solo", "peer - coach"]
    two = es.cliffs_delta(trial(d[d["arm"] != "solo"], control="coach"), "y")
    assert every.loc["peer - coach", ["estimate", "std_error", "n"]].tolist() == pytest.approx([two.estimate, two.std_error, 80])


def test_arms_that_do_not_overlap_have_no_interval():
    d = pd.DataFrame({"arm": ["peer"] * 5 + ["solo"] * 5, "y": [6, 7, 8, 9, 10, 1, 2, 3, 4, 5]})
    found = es.common_language(trial(d), "y")
    assert found.estimate == 1 and math.isnan(found.conf_low) and [n.code for n in found.notes] == ["no_overlap"]


def test_placements_weigh_the_other_arm():
    treated = np.array([True, False, False])
    assert placements(y=np.array([2.0, 1.0, 3.0]), treated=treated, weights=np.array([1.0, 0.8, 0.2]))[0] == pytest.approx(0.8)


# --- counts, numbers needed, percentiles


def test_counts_give_walds_estimates():
    found = es.from_counts(events_1=30, n_1=100, events_0=20, n_0=100).tidy().set_index("estimand")
    assert found["estimate"].tolist() == pytest.approx([0.1, 1.5, (30 / 70) / (20 / 80)])
    assert found["std_error"].tolist() == pytest.approx([math.sqrt(0.0021 + 0.0016), math.sqrt(1 / 30 - 0.01 + 1 / 20 - 0.01),
                                                         math.sqrt(1 / 30 + 1 / 70 + 1 / 20 + 1 / 80)])  # fmt: skip
    ratio = found.loc["risk ratio"]
    assert math.log(ratio["conf_high"] / ratio["estimate"]) == pytest.approx(stats.norm.ppf(0.975) * ratio["std_error"])
    empty = es.from_counts(events_1=0, n_1=10, events_0=3, n_0=10)
    assert empty.tidy()["estimate"].isna().tolist() == [False, True, True] and len(empty.notes) == 2


def test_the_number_needed_runs_through_infinity_when_the_interval_covers_zero():
    clear = es.number_needed_to_treat(es.from_counts(events_1=60, n_1=100, events_0=30, n_0=100))
    low, high = 0.3 - stats.norm.ppf(0.975) * math.sqrt(0.0045), 0.3 + stats.norm.ppf(0.975) * math.sqrt(0.0045)
    assert (clear.estimate, clear.at_conf_low, clear.at_conf_high) == pytest.approx((1 / 0.3, 1 / low, 1 / high))
    assert clear.tidy().loc[0, "set"] == f"{1 / high:.1f} to {1 / low:.1f} for one more event"
    unclear = es.number_needed_to_treat(es.from_counts(events_1=30, n_1=100, events_0=25, n_0=100))
    assert unclear.at_conf_low < 0 < unclear.at_conf_high
    assert (
        unclear.tidy().loc[0, "set"]
        == f"{unclear.at_conf_high:.1f} or more for one more event, or {-unclear.at_conf_low:.1f} or more for one fewer event"
    )
    none = es.number_needed_to_treat(es.from_counts(events_1=25, n_1=100, events_0=25, n_0=100))
    again = Result.from_dict(json.loads(json.dumps(none.to_dict())))
    assert isinstance(again, es.NumberNeeded) and math.isinf(none.estimate) and math.isinf(again.estimate)
    harmed = es.number_needed_to_treat(es.from_counts(events_1=20, n_1=100, events_0=60, n_0=100))
    assert harmed.estimate == pytest.approx(-2.5) and "one fewer" in harmed.tidy().loc[0, "set"]


def test_the_number_needed_respects_groups():
    t = binary_groups(8)
    risk = tk.itt(t, "job", measure="risk_difference", estimator="difference_in_means")
    found = es.number_needed_to_treat(risk)
    assert found.estimate == pytest.approx(1 / risk.estimates[0].estimate)
    assert found.at_conf_high == pytest.approx(1 / risk.estimates[0].conf_high)
    with pytest.raises(CombinationError, match="risk difference"):
        es.number_needed_to_treat(tk.itt(t, "y"))


def test_percentile_improvement_converts_the_effect_and_its_interval():
    g = tk.itt(trial(simple()), "y").standardized("hedges_g")
    found = es.percentile_improvement(g)
    row, e = found.tidy().iloc[0], g.estimates[0]
    assert row["estimate"] == pytest.approx(100 * stats.norm.cdf(e.estimate) - 50)
    assert (row["u3_low"], row["conf_high"]) == pytest.approx(
        (100 * stats.norm.cdf(e.conf_low), 100 * stats.norm.cdf(e.conf_high) - 50)
    )
    assert row["p_value"] == e.p_value
    with pytest.raises(CombinationError, match="standardized"):
        es.percentile_improvement(tk.itt(trial(simple()), "y"))


# --- conversions


@pytest.mark.parametrize("source", SCALES)
@pytest.mark.parametrize("target", SCALES)
def test_conversions_go_there_and_back(source, target):
    value = {"d": 0.4, "r": 0.2, "odds_ratio": 1.8, "risk_ratio": 1.5, "risk_difference": 0.1}[source]
    there = es.convert(value, source=source, target=target, std_error=0.05, baseline_risk=0.3, logistic="cox", share_treated=0.4)
    back = es.convert(
        there.estimate, source=target, target=source, std_error=there.std_error, conf=(there.conf_low, there.conf_high),
        baseline_risk=0.3, logistic="cox", share_treated=0.4,
    )  # fmt: skip
    assert (back.estimate, back.std_error) == pytest.approx((value, 0.05))
    half = stats.norm.ppf(0.975) * 0.05
    low = value * math.exp(-half) if source.endswith("ratio") else value - half
    assert back.conf_low == pytest.approx(low)


def test_conversions_by_their_formulas():
    assert es.convert(2.0, source="odds_ratio", target="risk_ratio", baseline_risk=0.3).estimate == pytest.approx(2 / (0.7 + 0.6))
    assert es.convert(0.5, source="d", target="r", share_treated=0.25).estimate == pytest.approx(0.5 / math.sqrt(0.25 + 16 / 3))
    assert es.convert(0.5, source="d", target="odds_ratio", logistic="cox").estimate == pytest.approx(math.exp(0.825))
    assert es.convert(0.5, source="d", target="odds_ratio").estimate == pytest.approx(math.exp(0.5 * math.pi / math.sqrt(3)))
    # a derivative by differences
    near = [es.convert(v, source="r", target="risk_difference", baseline_risk=0.2).estimate for v in (0.2 - 1e-6, 0.2 + 1e-6)]
    found = es.convert(0.2, source="r", target="risk_difference", baseline_risk=0.2, std_error=1.0)
    assert found.std_error == pytest.approx((near[1] - near[0]) / 2e-6, rel=1e-6)


def test_limits_that_no_estimate_could_have_are_left_open():
    found = es.convert(2.0, source="risk_ratio", target="odds_ratio", std_error=0.5, baseline_risk=0.3)
    assert math.isnan(found.conf_high) and found.conf_low > 0 and "limit_undefined" in [n.code for n in found.notes]


def test_evalues_take_the_published_approximations():
    smd = es.risk_ratio_for_evalue(0.41, source="d", std_error=0.11)
    assert (smd.estimate, smd.conf_low) == pytest.approx((math.exp(0.91 * 0.41), math.exp(0.91 * 0.41 - 1.78 * 0.11)))
    odds = es.risk_ratio_for_evalue(2.1, source="odds_ratio", conf=(1.3, 3.4))
    assert (odds.estimate, odds.conf_low, odds.conf_high) == pytest.approx((math.sqrt(2.1), math.sqrt(1.3), math.sqrt(3.4)))
    assert es.risk_ratio_for_evalue(2.1, source="odds_ratio", common=False).estimate == 2.1
    hazard = es.risk_ratio_for_evalue(1.5, source="hazard_ratio")
    assert hazard.estimate == pytest.approx((1 - 0.5 ** math.sqrt(1.5)) / (1 - 0.5 ** math.sqrt(1 / 1.5)))


# --- through a result, and what is refused


def test_an_itt_result_asks_for_them_by_name():
    d = simple()
    y, job = tk.itt(trial(d), "y"), tk.itt(trial(d), "job", measure="risk_difference")
    t = trial(d)
    for kind, found in (("cliffs_delta", y), ("common_language", y), ("cohens_h", job), ("cox_d", job), ("logit_d", job)):
        direct = getattr(es, kind)(t, found.estimates[0].outcome)
        assert es.standardize_more(found, kind, trial=t).tidy().equals(direct.tidy())
    assert (
        es.standardize_more(y, "dppc2", trial=t, baseline="y0").tidy().equals(es.pre_post_control(t, "y", baseline="y0").tidy())
    )
    adjusted = tk.itt(t, "y", adjust=["y0"])
    improvement = es.standardize_more(adjusted, "percentile_improvement", trial=t)
    assert improvement.tidy().equals(es.percentile_improvement(adjusted.standardized("hedges_g")).tidy())
    for kind, options, words in (
        ("dppc2", {}, "baseline='y0'"),
        ("cohens_d", {"icc": 0.1}, "goes with 'hedges_g'"),
        ("hedges_g", {}, "icc=0.1"),
        ("cohen_h", {}, "Did you mean 'cohens_h'"),
    ):
        with pytest.raises(CombinationError, match=words):
            es.standardize_more(y, kind, trial=t, **options)
    with pytest.raises(UsageError, match="read from a file"):
        es.standardize_more(y, "cliffs_delta", trial=None)
    with pytest.raises(CombinationError, match="without adjust"):
        es.standardize_more(adjusted, "cliffs_delta", trial=t)
    with pytest.raises(UsageError, match="needs clusters or groups"):
        es.standardize_more(y, "hedges_g", trial=t, icc=0.1)


def test_results_survive_json():
    d = simple()
    for found in (
        es.pre_post_control(trial(d), "y", baseline="y0"),
        es.cliffs_delta(trial(d), "y"),
        es.convert(0.5, source="d", target="r", std_error=0.1),
        es.clustered_g(mean_1=1.0, sd_1=2.0, sizes_1=[5] * 6, mean_0=0.0, sd_0=1.5, sizes_0=[3] * 10, icc=0.1),
    ):
        again = Result.from_dict(json.loads(json.dumps(found.to_dict())))
        assert type(again) is type(found) and again.tidy().equals(found.tidy())
        assert again.estimate == found.estimate and found.tidy().shape[0] == 1 and str(again) == str(found)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: es.cohens_h(trial(simple()), "y"), ValueTypeError, "0 and 1"),
        (
            lambda: es.cox_d(trial(simple().assign(job=lambda d: (d["arm"] == "peer").astype(int))), "job"),
            EstimationError,
            "everyone in arm",
        ),
        (lambda: es.from_counts(events_1=11, n_1=10, events_0=1, n_0=10), DataError, "11 events among 10"),
        (
            lambda: es.clustered_g(mean_1=1, sd_1=1, sizes_1=[5], mean_0=0, sd_0=1, sizes_0=[5, 5], icc=0.1),
            DataError,
            "two or more clusters",
        ),
        (
            lambda: es.clustered_g(mean_1=1, sd_1=1, sizes_1=[5, 5], mean_0=0, sd_0=1, sizes_0=[5, 5], icc=-0.1),
            UsageError,
            "icc=-0.1",
        ),
        (
            lambda: es.clustered_g(mean_1=1, sd_1=0, sizes_1=[5, 5], mean_0=0, sd_0=0, sizes_0=[5, 5], icc=0.1),
            DataError,
            "both zero",
        ),
        (lambda: es.convert(1.0, source="d", target="risk_ratio"), CombinationError, "baseline_risk"),
        (lambda: es.convert(1.0, source="g", target="d"), UsageError, "no scale"),
        (lambda: es.convert(-1.0, source="odds_ratio", target="d"), UsageError, "positive"),
        (lambda: es.convert(1.5, source="r", target="d"), UsageError, "between -1 and 1"),
        (lambda: es.convert(4.0, source="risk_ratio", target="odds_ratio", baseline_risk=0.3), UsageError, "do not go together"),
        (lambda: es.convert(1.0, source="d", target="odds_ratio", logistic="probit"), UsageError, "'logit' or 'cox'"),
        (lambda: es.risk_ratio_for_evalue(1.0, source="r"), UsageError, "source='r'"),
    ],
)
def test_what_is_no_effect_size_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("kind", ["cohens_h", "cox_d", "logit_d", "common_language", "cliffs_delta"])
@pytest.mark.parametrize("contrasts", ["every pair", [{"peer": 1, "solo": -1}]])
def test_contrasts_that_do_not_exist_are_not_taken_for_control(kind, contrasts):
    trial = tk.Trial(pd.DataFrame({"arm": ["peer", "solo"] * 10, "y": [1, 0, 0, 1, 1] * 4}), arm="arm", control="solo")
    with pytest.raises(UsageError, match="'control' or for 'all'"):
        getattr(es, kind)(trial, "y", contrasts=contrasts)
