"""Effects on outcomes of 0 and 1: g-computation, logistic regression, exact tests, ratios of unadjusted means."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import cluster_outcomes, data, grouped_outcomes, individual
from trialkit.errors import (
    CombinationError,
    DataError,
    EstimationError,
    GroupError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.results import Result

MEASURES = ("risk_difference", "risk_ratio", "odds_ratio")
NUMBERS = ["estimate", "std_error", "df"]


def binary(seed=1, groups=12, controls=120, rate=0.0, **options):
    d = grouped_data(seed, groups=groups, controls=controls, **options)
    return d.assign(job=(d["y"] > rate).astype(int))


def numbers(trial, outcome="job", measure="risk_difference", **options):
    e = tk.itt(trial, outcome, measure=measure, **options).estimates[0]
    return e.estimate, e.std_error, e.df


def log_numbers(*arguments, **options):
    estimate, se, df = numbers(*arguments, **options)
    return math.log(estimate), se, df


def codes(result):
    return [n.code for n in result.notes]


def text(result, code):
    return next(n.text for n in result.notes if n.code == code)


def test_without_covariates_the_risk_difference_is_the_difference_in_means():
    for trial in (grouped_outcomes(), cluster_outcomes(), grouped_trial(binary(strata=3), strata=["site"])):
        ours, plain = numbers(trial), numbers(trial, estimator="difference_in_means")
        assert ours[:2] == pytest.approx(plain[:2], rel=1e-9)
        assert ours[2] == pytest.approx(plain[2], rel=1e-6)
    people = numbers(individual())
    assert people[:2] == pytest.approx(numbers(individual(), estimator="difference_in_means")[:2], rel=1e-9)
    assert people[2] == math.inf
    careful = numbers(individual(), df="independence")
    assert careful == pytest.approx(numbers(individual(), estimator="difference_in_means", df="independence"), rel=1e-9)


@pytest.mark.parametrize("measure", ["risk_ratio", "odds_ratio"])
def test_unadjusted_ratios_agree_between_estimators(measure):
    for trial in (grouped_outcomes(), cluster_outcomes(), grouped_trial(binary(strata=3), strata=["site"])):
        a = log_numbers(trial, measure=measure)
        b = log_numbers(trial, measure=measure, estimator="difference_in_means")
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_group_average_and_weights_agree_with_the_difference_in_means():
    for measure in MEASURES:
        for trial, average in ((grouped_outcomes(), "group"), (individual(weights="weight"), "participant")):
            a = numbers(trial, measure=measure, average=average)
            b = numbers(trial, measure=measure, average=average, estimator="difference_in_means")
            np.testing.assert_allclose(a[:2], b[:2], rtol=1e-7)
            assert a[2] == pytest.approx(b[2], rel=1e-4)


def test_singleton_groups_are_no_groups():
    d = binary(3)
    d["own"] = [f"s{i}" for i in d["id"]]
    alone = d.assign(own=d["own"].where(d["arm"] == "peer"))
    pair = alone.assign(own=alone["own"].where(alone.index != 1, alone["own"][0]))
    trial = tk.Trial(pair, arm="arm", control="solo", group="own", ungrouped="singleton")
    plain = tk.Trial(d, arm="arm", control="solo")
    for measure in MEASURES:
        a = numbers(plain, measure=measure, adjust=["y0"], df="independence")
        b = numbers(trial, measure=measure, adjust=["y0"])
        assert b[0] == pytest.approx(a[0], rel=1e-12)
        assert b[1] == pytest.approx(a[1], rel=0.02)


@given(seed=st.integers(0, 500), measure=st.sampled_from(MEASURES), grouped=st.booleans())
@settings(max_examples=15, deadline=None)
def test_relabelling_events_and_arms_and_row_order(seed, measure, grouped):
    d = binary(seed, groups=6, controls=60)
    roles = {"group": "group"} if grouped else {}
    base = tk.itt(tk.Trial(d, arm="arm", control="solo", **roles), "job", measure=measure, adjust=["y0", "female"]).estimates[0]
    turned = d.sample(frac=1, random_state=seed).assign(job=lambda x: 1 - x["job"])
    other = tk.itt(
        tk.Trial(turned, arm="arm", control="solo", **roles), "job", measure=measure, adjust=["y0", "female"]
    ).estimates[0]
    swapped = tk.itt(tk.Trial(d, arm="arm", control="peer", **roles), "job", measure=measure, adjust=["y0", "female"]).estimates[
        0
    ]
    assert swapped.std_error == pytest.approx(base.std_error, rel=1e-7)
    assert swapped.df == pytest.approx(base.df, rel=1e-4)
    if measure == "risk_difference":
        assert other.estimate == pytest.approx(-base.estimate, abs=1e-9)
        assert swapped.estimate == pytest.approx(-base.estimate, abs=1e-9)
        assert other.std_error == pytest.approx(base.std_error, rel=1e-7)
        return
    assert swapped.estimate == pytest.approx(1 / base.estimate, rel=1e-8)
    assert swapped.conf_low == pytest.approx(1 / base.conf_high, rel=1e-4)
    if measure == "odds_ratio":
        assert other.estimate == pytest.approx(1 / base.estimate, rel=1e-8)
        assert other.std_error == pytest.approx(base.std_error, rel=1e-7)


def test_covariates_change_nothing_by_their_units():
    d = data("individual.csv")
    moved = d.assign(y0=1e6 * d["y0"] - 7e8)
    for measure in MEASURES:
        a = numbers(tk.Trial(d, arm="arm", control="control"), measure=measure, adjust=["y0"])
        b = numbers(tk.Trial(moved, arm="arm", control="control"), measure=measure, adjust=["y0"])
        np.testing.assert_allclose(a[:2], b[:2], rtol=1e-6)


def test_a_weight_of_zero_is_a_row_that_is_not_there():
    d = data("individual.csv").assign(w=lambda x: np.where(x["id"] % 5 == 0, 0.0, 1.0 + x["age"] % 3))
    kept = d[d["w"] > 0]
    for estimator, measure in (("g_computation", "risk_ratio"), ("logit", "odds_ratio")):
        a, b = (
            numbers(tk.Trial(x, arm="arm", control="control", weights="w"), measure=measure, estimator=estimator, adjust=["y0"])
            for x in (d, kept)
        )
        assert a == b


def test_weights_that_count_people_twice():
    """A logistic fit with weight 2 is the fit to doubled rows; its standard error is not."""
    d = data("individual.csv")
    double = pd.concat([d, d[d["female"] == 1]])
    weighted = numbers(tk.Trial(d.assign(w=1.0 + (d["female"] == 1)), arm="arm", control="control", weights="w"), adjust=["y0"])
    assert weighted[0] == pytest.approx(numbers(tk.Trial(double, arm="arm", control="control"), adjust=["y0"])[0], rel=1e-9)


def test_the_null_by_permutation_of_arms():
    """Over 400 assignments the mean effect is nothing, and z has a variance of about one."""
    rng = np.random.default_rng(5)
    d = data("individual.csv").head(160)
    drawn = []
    for _ in range(400):
        arms = rng.permutation(np.arange(160) % 2)
        e = tk.itt(tk.Trial(d.assign(arm=arms), arm="arm", control=0), "job", measure="risk_ratio", adjust=["y0"]).estimates[0]
        drawn.append((math.log(e.estimate), e.statistic))
    estimates, statistics = np.array(drawn).T
    assert abs(estimates.mean()) < 4 * estimates.std() / 20
    assert statistics.std() == pytest.approx(1.0, abs=0.15)


def test_several_arms():
    d = data("three_arms.csv").assign(job=lambda x: (x["y"] > x["y"].median()).astype(int))
    trial = tk.Trial(d, arm="arm", control="control")
    for measure in MEASURES:
        table = tk.itt(trial, "job", measure=measure, adjust=["x"], contrasts="all").tidy()
        value = table["estimate"] if measure == "risk_difference" else np.log(table["estimate"])
        assert value[2] == pytest.approx(value[1] - value[0], rel=1e-9)
        own = tk.itt(trial, "job", measure=measure, adjust=["x"], contrasts=[{"peer": 1, "coach": -1}]).tidy()
        np.testing.assert_allclose(own[NUMBERS].to_numpy(float)[0], table[NUMBERS].to_numpy(float)[2], rtol=1e-9)
        assert own["contrast"][0] == "peer - coach"
    means = tk.itt(trial, "job", measure="odds_ratio", adjust=["x"]).by_arm
    assert means["adjusted_mean"].tolist() == pytest.approx(means["mean"].tolist(), abs=0.05)
    assert (means["std_error"] > 0).all()


def test_three_arms_of_which_one_has_groups():
    a, b = binary(1), binary(2)
    b = b[b["arm"] == "peer"].assign(arm="coach", id=lambda x: x["id"] + 10_000, group=None)
    trial = grouped_trial(pd.concat([a, b]), grouped_arms=["peer"])
    for adjust in ([], ["y0"]):
        table = tk.itt(trial, "job", measure="risk_ratio", adjust=adjust, contrasts="all").tidy()
        assert (table["std_error"] > 0).all()
        assert (table["df"] > 2).all()
    two = a[a["arm"].isin(["peer", "solo"])]
    plain = numbers(grouped_trial(two), measure="risk_ratio")
    assert table["df"].iloc[1] == pytest.approx(plain[2], rel=0.2)


def test_small_strata_keep_the_variance_of_their_design():
    """In matched pairs Ye et al.'s stratum term would take half the variance away."""
    rng = np.random.default_rng(4)
    pairs = 60
    shared, arm = np.repeat(rng.normal(size=pairs), 2), np.tile([0, 1], pairs)
    d = pd.DataFrame({"pair": np.repeat(np.arange(pairs), 2), "arm": arm, "x": rng.normal(size=2 * pairs)})
    d["job"] = (shared + 0.4 * arm + 0.5 * d["x"] + rng.normal(size=2 * pairs) > 0).astype(int)
    trial = tk.Trial(d, arm="arm", control=0, strata=["pair"])
    assert numbers(trial) == pytest.approx(numbers(trial, estimator="difference_in_means"), rel=1e-9)
    adjusted = tk.itt(trial, "job", measure="risk_difference", adjust=["x"])
    assert adjusted.estimates[0].df == pairs - 1
    assert adjusted.by_arm["std_error"].isna().all()
    for measure in ("risk_ratio", "odds_ratio"):
        ours, plain = (numbers(trial, measure=measure, estimator=e) for e in ("g_computation", "difference_in_means"))
        np.testing.assert_allclose(ours, plain, rtol=1e-9)
    lost = d.assign(job=d["job"].astype(float).where(d.index != 7))
    r = tk.itt(tk.Trial(lost, arm="arm", control=0, strata=["pair"]), "job", measure="risk_ratio", adjust=["x"])
    assert r.estimates[0].n == 2 * pairs - 2
    assert "pairs_incomplete" in codes(r)
    with pytest.raises(CombinationError, match="strata of 2 people"):
        tk.itt(trial, "job", measure="risk_ratio", strata_effects="additive")
    blocks = d.assign(pair=d["pair"] // 4)
    trial = tk.Trial(blocks, arm="arm", control=0, strata=["pair"])
    assert numbers(trial) == pytest.approx(numbers(trial, estimator="difference_in_means"), rel=1e-9)


def test_strata_with_unequal_shares_are_not_confounded():
    rng = np.random.default_rng(8)
    site = np.repeat([0, 1], 1000)
    arm = np.r_[rng.permutation(np.arange(1000) < 250), rng.permutation(np.arange(1000) < 750)].astype(int)
    job = (rng.random(2000) < np.where(site == 1, 0.7, 0.2)).astype(int)
    d = pd.DataFrame({"site": site, "arm": arm, "job": job})
    trial = tk.Trial(d, arm="arm", control=0, strata=["site"])
    r = tk.itt(trial, "job", measure="risk_difference")
    assert abs(r.estimates[0].estimate) < 0.06
    assert d.groupby("arm")["job"].mean().diff().iloc[1] > 0.15
    assert "shares_by_stratum" in codes(r)
    assert numbers(trial) == pytest.approx(numbers(trial, estimator="difference_in_means"), rel=1e-9)
    logit = tk.itt(trial, "job", measure="odds_ratio", estimator="logit").estimates[0]
    assert abs(math.log(logit.estimate)) < 0.3


def test_missing_covariates_never_drop_a_person():
    d = data("individual.csv").assign(y0=lambda x: x["y0"].where(x["id"] % 7 != 0))
    trial = tk.Trial(d, arm="arm", control="control")
    r = tk.itt(trial, "job", measure="risk_ratio", adjust=["y0"])
    assert r.estimates[0].n == len(d)
    assert "covariate_imputed" in codes(r)
    assert tk.itt(trial, "job", measure="risk_ratio", adjust=["y0"], covariate_missing="drop").estimates[0].n < len(d)
    with pytest.raises(MissingDataError, match="y0"):
        tk.itt(trial, "job", measure="risk_ratio", adjust=["y0"], covariate_missing="error")


def test_an_arm_without_events():
    d = data("individual.csv").assign(ill=lambda x: np.where(x["arm"] == "peer", (x["id"] % 20 == 0) * 1, 0))
    trial = tk.Trial(d, arm="arm", control="control")
    for adjust in ([], ["y0"]):
        r = tk.itt(trial, "ill", measure="risk_difference", adjust=adjust)
        assert r.estimates[0].estimate == pytest.approx(d.loc[d["arm"] == "peer", "ill"].mean(), abs=0.004)
        assert "1.6 % (95 % limit)" in text(r, "zero_events")
        assert r.estimates[0].std_error > 0
        for measure in ("risk_ratio", "odds_ratio"):
            r = tk.itt(trial, "ill", measure=measure, adjust=adjust)
            assert math.isnan(r.estimates[0].estimate)
            assert "estimator='exact'" in text(r, "undefined_ratio")
    for estimator in ("logit", "difference_in_means"):
        r = tk.itt(trial, "ill", measure="odds_ratio", estimator=estimator)
        assert math.isnan(r.estimates[0].estimate)
        assert "undefined_ratio" in codes(r)
    exact = tk.itt(trial, "ill", measure="risk_ratio", estimator="exact").estimates[0]
    assert exact.conf_low > 1
    assert exact.conf_high == math.inf


def test_no_event_at_all_says_the_rule_of_three():
    d = binary(1).assign(ill=0)
    with pytest.raises(EstimationError, match=r"none among 120 people: at most 2.5 % \(95 % limit\)"):
        tk.itt(tk.Trial(d, arm="arm", control="solo"), "ill", measure="risk_difference")
    with pytest.raises(EstimationError, match="if all members of a group fared alike"):
        tk.itt(grouped_trial(d), "ill", measure="risk_ratio")


def test_few_events_are_said():
    d = data("individual.csv").assign(ill=lambda x: (x["id"] % 90 == 1) * 1)
    r = tk.itt(tk.Trial(d, arm="arm", control="control"), "ill", measure="risk_difference")
    assert "estimator='exact'" in text(r, "few_events")
    many = tk.itt(tk.Trial(d, arm="arm", control="control"), "ill", measure="risk_difference", adjust=["y0", "age", "female"])
    assert "many_terms" in codes(many)


def test_a_level_without_events_is_taken_to_its_limit():
    d = data("individual.csv")
    d = d.assign(job=d["job"].where(d["site"] != "C", 0))
    r = tk.itt(tk.Trial(d, arm="arm", control="control"), "job", measure="risk_difference", adjust=["site", "y0"])
    assert "separated" in codes(r)
    rest = d[d["site"] != "C"]
    inner = tk.itt(tk.Trial(rest, arm="arm", control="control"), "job", measure="risk_difference", adjust=["site", "y0"])
    by_hand = inner.by_arm["adjusted_mean"].diff().iloc[1]
    assert r.estimates[0].estimate == pytest.approx(by_hand * len(rest) / len(d), abs=0.01)
    logit, within = (
        tk.itt(tk.Trial(x, arm="arm", control="control"), "job", measure="odds_ratio", estimator="logit", adjust=["site", "y0"])
        for x in (d, rest)
    )
    assert logit.estimates[0].estimate == pytest.approx(within.estimates[0].estimate, rel=1e-8)
    assert logit.estimates[0].std_error == pytest.approx(within.estimates[0].std_error, rel=1e-6)
    assert "separated" in codes(logit)


def test_covariates_that_tell_outcomes_apart_are_refused_or_penalized():
    d = data("individual.csv")
    d = d.assign(job=(d["y0"] > d["y0"].median()).astype(int))
    trial = tk.Trial(d, arm="arm", control="control")
    for estimator, measure in (("g_computation", "risk_ratio"), ("logit", "odds_ratio")):
        with pytest.raises(EstimationError, match=r"'y0'.*apart.*penalty='firth'"):
            tk.itt(trial, "job", measure=measure, estimator=estimator, adjust=["y0"])
        penalized = tk.itt(trial, "job", measure=measure, estimator=estimator, adjust=["y0"], penalty="firth").estimates[0]
        assert penalized.std_error > 0
        assert "Firth" in penalized.method


def test_firth_is_near_the_plain_fit_where_both_exist():
    a = log_numbers(individual(), measure="odds_ratio", estimator="logit", adjust=["y0"])
    b = log_numbers(individual(), measure="odds_ratio", estimator="logit", adjust=["y0"], penalty="firth")
    assert b[0] == pytest.approx(a[0], rel=0.03)
    assert 0 < b[0] < a[0]


def test_logit_agrees_with_statsmodels():
    import statsmodels.api as sm

    d = data("individual.csv")
    X = np.column_stack([np.ones(len(d)), d["z"], d["y0"], d["age"]])
    ref = sm.GLM(d["job"], X, family=sm.families.Binomial()).fit(cov_type="HC0", tol=1e-14)
    found = log_numbers(individual(), measure="odds_ratio", estimator="logit", adjust=["y0", "age"], covariance="HC0")
    np.testing.assert_allclose(found[:2], (ref.params.iloc[1], ref.bse.iloc[1]), rtol=1e-8)
    classical = log_numbers(individual(), measure="odds_ratio", estimator="logit", adjust=["y0", "age"], covariance="classical")
    plain = sm.GLM(d["job"], X, family=sm.families.Binomial()).fit(tol=1e-14)
    assert classical[1] == pytest.approx(plain.bse.iloc[1], rel=1e-8)


def test_the_conditional_odds_ratio_is_labelled():
    adjusted = tk.itt(grouped_outcomes(), "job", measure="odds_ratio", estimator="logit", adjust=["y0"])
    assert adjusted.estimates[0].estimand == "covariate-conditional ITT"
    assert "conditional_odds_ratio" in codes(adjusted)
    plain = tk.itt(grouped_outcomes(), "job", measure="odds_ratio", estimator="logit")
    assert plain.estimates[0].estimand == "participant-average ITT"
    np.testing.assert_allclose(
        log_numbers(grouped_outcomes(), measure="odds_ratio", estimator="logit"),
        log_numbers(grouped_outcomes(), measure="odds_ratio", estimator="difference_in_means"),
        rtol=1e-5,
    )
    test = tk.itt(cluster_outcomes(), "job", measure="odds_ratio", estimator="logit", adjust=["x"]).joint_test(["x"])
    assert 0 < test.p_value < 1


def test_several_arms_with_dunnett():
    d = data("three_arms.csv").assign(job=lambda x: (x["y"] > x["y"].median()).astype(int))
    r = tk.itt(tk.Trial(d, arm="arm", control="control"), "job", measure="odds_ratio", estimator="logit", correction="dunnett")
    assert (r.tidy()["p_adjusted"] >= r.tidy()["p_value"]).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_exact_intervals_go_through_itt(measure):
    d = data("individual.csv").head(60)
    trial = tk.Trial(d, arm="arm", control="control")
    e = tk.itt(trial, "job", measure=measure, estimator="exact").estimates[0]
    normal = tk.itt(trial, "job", measure=measure).estimates[0]
    assert e.conf_low < normal.estimate < e.conf_high
    assert math.isnan(e.std_error)
    assert 0 < e.p_value <= 1
    restored = Result.from_dict(tk.itt(trial, "job", measure=measure, estimator="exact").to_dict())
    assert restored.estimates[0].p_value == e.p_value
    score = tk.itt(trial, "job", measure=measure, estimator="exact", interval="score").estimates[0]
    assert score.df == math.inf
    assert score.p_value == pytest.approx(math.erfc(abs(score.statistic) / math.sqrt(2)))


def test_number_needed_to_treat_and_family_and_round_trip():
    r = tk.itt(individual(), "job", measure="risk_difference", adjust=["y0"])
    assert r.number_needed_to_treat().estimate == pytest.approx(1 / r.estimates[0].estimate)
    trial = grouped_outcomes()
    members = [tk.itt(trial, "job", measure=m, adjust=["y0"]) for m in MEASURES] + [tk.itt(trial, "y1", adjust=["y0"])]
    corrected = tk.family(members, n_draws=2000, seed=1).tidy()
    assert corrected["p_adjusted"][0] < 2.5 * corrected["p_value"][:3].max()  # three measures of one thing cost little
    assert Result.from_dict(r.to_dict()).by_arm.equals(r.by_arm)


def test_informative_group_size_is_said():
    d = binary(6, groups=30, controls=200)
    size = d.groupby("group")["id"].transform("count")
    d = d.assign(job=np.where(d["arm"] == "peer", (size > 10) * 1, d["job"]))
    for measure, estimator in (
        ("risk_difference", "g_computation"),
        ("risk_ratio", "g_computation"),
        ("risk_ratio", "difference_in_means"),
    ):
        r = tk.itt(grouped_trial(d), "job", measure=measure, estimator=estimator)
        assert ("not ratios" in text(r, "informative_size")) == (measure == "risk_ratio")


def test_influence_values_add_to_the_variance():
    for trial in (individual(), grouped_outcomes(), cluster_outcomes()):
        for estimator in ("g_computation", "difference_in_means"):
            r = tk.itt(trial, "job", measure="risk_ratio", estimator=estimator)
            values, unit = r.evidence.influence[0], r.evidence.sample.unit_of_variance
            sums = pd.Series(values).groupby(unit).sum()
            assert math.sqrt((sums**2).sum()) == pytest.approx(r.estimates[0].std_error, rel=1e-9)


REFUSALS = [
    (dict(measure="risk_ratio", working_model="linear"), CombinationError, "'logistic'"),
    (dict(measure="risk_ratio", working_model="logistc"), UsageError, "Did you mean 'logistic'"),
    (dict(measure="risk_ratio", penalty="ridge"), UsageError, "'firth'"),
    (dict(measure="risk_difference", working_model="linear", penalty="firth"), CombinationError, "linear"),
    (dict(measure="risk_ratio", adjust=["y0"], covariance="wald"), CombinationError, "textbook"),
    (dict(measure="risk_ratio", covariance="wald"), CombinationError, "groups"),
    (dict(measure="risk_ratio", estimator="exact"), CombinationError, "groups"),
    (dict(measure="risk_ratio", estimator="exact", adjust=["y0"]), CombinationError, "g_computation"),
    (dict(measure="risk_ratio", estimator="difference_in_means", adjust=["y0"]), CombinationError, "g_computation"),
    (dict(measure="risk_ratio", covariance="HC2"), CombinationError, "'wald'"),
    (dict(measure="odds_ratio", estimator="logit", covariance="wald"), CombinationError, "'CR2'"),
    (dict(measure="odds_ratio", estimator="logit", strata_effects="interacted"), CombinationError, "one odds ratio"),
    (dict(measure="risk_difference", outcome="y"), ValueTypeError, "0 and 1"),
    (dict(measure="risk_ratio", adjust=["copy"]), NotIdentifiedError, "'copy'"),
    (dict(measure="risk_ratio", adjust=["job"]), UsageError, "the outcome"),
    (dict(measure="risk_ratio", strata_effects=True), UsageError, "strata_effects"),
    (dict(measure="risk_ratio", contrasts=[{"peer": 1, "solo": 1}]), UsageError, "sum to zero"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSALS)
def test_refusals(call, error, words):
    trial = grouped_trial(binary().assign(copy=lambda x: (x["arm"] == "peer") * 2.0))
    call = {"outcome": "job"} | call
    with pytest.raises(error) as caught:
        tk.itt(trial, call.pop("outcome"), **call)
    assert words in str(caught.value)


BROKEN = [
    (lambda d: d.assign(job=np.nan), MissingDataError, "missing for everyone"),
    (lambda d: d.assign(job=d["job"].where(d["arm"] == "solo")), MissingDataError, "arm 'peer'"),
    (lambda d: d.assign(job=1), EstimationError, "everyone has 'job'"),
    (lambda d: d.assign(job=d["job"].where(d.index != 2, -99)), ValueTypeError, "-99 in row 3"),
    (lambda d: d.assign(job=d["job"] + 1), ValueTypeError, "0 and 1"),
    (lambda d: d.assign(job=d["job"].map({0: "nee", 1: "ja"})), ValueTypeError, "nee"),
    (lambda d: d.assign(job=(d["arm"] == "peer") * 1), EstimationError, "exactly"),
    (lambda d: d.assign(job=d["job"].where((d["group"] == "g01") | (d["arm"] == "solo"))), GroupError, "one group"),
]


@pytest.mark.parametrize("estimator", ["g_computation", "difference_in_means"])
@pytest.mark.parametrize(("change", "error", "words"), BROKEN)
def test_data_that_cannot_answer(change, error, words, estimator):
    with pytest.raises(error) as caught:
        tk.itt(grouped_trial(change(binary())), "job", measure="risk_difference", estimator=estimator)
    assert words in str(caught.value) or (words == "exactly" and "no residual variation" in str(caught.value))


def test_weights_that_are_missing_are_refused():
    with pytest.raises(DataError, match="weights"):
        tk.Trial(binary().assign(w=np.nan), arm="arm", control="solo", weights="w")
