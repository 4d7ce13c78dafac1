"""Ratios of counts and rates: Poisson quasi-likelihood, exposure, overdispersion, g-computation of a mean ratio."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.reference.mapping import data, individual
from trialkit.errors import (
    CombinationError,
    DataError,
    EstimationError,
    MissingDataError,
    NotIdentifiedError,
    UsageError,
    ValueTypeError,
)
from trialkit.results import Result


def counted(seed=1, groups=12, controls=120, **options):
    d = grouped_data(seed, groups=groups, controls=controls, **options)
    rng = np.random.default_rng(seed)
    months = rng.uniform(2, 14, len(d))
    return d.assign(months=months, visits=rng.poisson(months / 4 * np.exp(0.4 * d["y"] - 0.1)), logs=np.log(months))


def numbers(trial, outcome="visits", measure="rate_ratio", **options):
    e = tk.itt(trial, outcome, measure=measure, **options).estimates[0]
    return math.log(e.estimate), e.std_error, e.df


def codes(result):
    return [n.code for n in result.notes]


def test_agrees_with_statsmodels():
    import statsmodels.api as sm

    d = counted()
    trial = tk.Trial(d, arm="arm", control="solo")
    X = np.column_stack([np.ones(len(d)), d["arm"] == "peer", d["y0"], d["female"]]).astype(float)
    for options, offset in (({}, None), ({"exposure": "months"}, d["logs"])):
        ref = sm.GLM(d["visits"], X, family=sm.families.Poisson(), offset=offset).fit(cov_type="HC0", tol=1e-14)
        found = numbers(trial, adjust=["y0", "female"], covariance="HC0", **options)
        np.testing.assert_allclose(found[:2], (ref.params.iloc[1], ref.bse.iloc[1]), rtol=1e-8)
        r = tk.itt(trial, "visits", measure="rate_ratio", adjust=["y0", "female"], **options)
        assert r.dispersion == pytest.approx(ref.pearson_chi2 / ref.df_resid, rel=1e-8)


def test_without_covariates_it_is_the_ratio_of_rates():
    d = counted()
    r = tk.itt(tk.Trial(d, arm="arm", control="solo"), "visits", measure="rate_ratio", exposure="months")
    sums = d.groupby("arm")[["visits", "months"]].sum()
    rates = sums["visits"] / sums["months"]
    assert r.estimates[0].estimate == pytest.approx(rates["peer"] / rates["solo"], rel=1e-10)
    assert r.by_arm["rate"].to_dict() == pytest.approx(rates.to_dict())
    assert r.estimates[0].estimand == "participant-average ITT, per months"
    assert "exposure" in codes(r)


def test_an_offset_is_never_ignored():
    trial = tk.Trial(counted(), arm="arm", control="solo")
    plain, exposed = numbers(trial), numbers(trial, exposure="months")
    assert abs(plain[0] - exposed[0]) > 1e-3
    np.testing.assert_allclose(numbers(trial, offset="logs"), exposed, rtol=1e-9)
    moved = tk.Trial(counted().assign(months=lambda x: 12 * x["months"]), arm="arm", control="solo")
    np.testing.assert_allclose(numbers(moved, exposure="months"), exposed, rtol=1e-8)


def test_without_covariates_groups_count_as_in_the_difference_in_means():
    trial = grouped_trial(counted())
    ours, plain = (numbers(trial, measure="mean_ratio", estimator=e) for e in ("poisson", "difference_in_means"))
    np.testing.assert_allclose(ours[:2], plain[:2], rtol=1e-8)
    assert ours[2] == pytest.approx(plain[2], rel=1e-5)
    marginal = numbers(trial, measure="mean_ratio", estimator="g_computation")
    np.testing.assert_allclose(marginal, plain, rtol=1e-5)


def test_with_covariates_both_estimators_give_one_ratio():
    for trial in (grouped_trial(counted()), individual()):
        outcome = "visits" if trial.group else "contacts"
        a = numbers(trial, outcome, "mean_ratio", adjust=["y0"])
        b = numbers(trial, outcome, "mean_ratio", adjust=["y0"], estimator="g_computation")
        assert a[0] == pytest.approx(b[0], rel=1e-9)
        assert a[1] == pytest.approx(b[1], rel=0.05)


@given(seed=st.integers(0, 300), grouped=st.booleans())
@settings(max_examples=12, deadline=None)
def test_units_row_order_and_arms(seed, grouped):
    d = counted(seed, groups=6, controls=50)
    roles = {"group": "group"} if grouped else {}
    base = numbers(tk.Trial(d, arm="arm", control="solo", **roles), adjust=["y0"])
    turned = d.sample(frac=1, random_state=seed).assign(visits=lambda x: 7.5 * x["visits"])
    np.testing.assert_allclose(numbers(tk.Trial(turned, arm="arm", control="solo", **roles), adjust=["y0"]), base, rtol=1e-5)
    back = numbers(tk.Trial(d, arm="arm", control="peer", **roles), adjust=["y0"])
    np.testing.assert_allclose((-back[0], back[1]), base[:2], rtol=1e-7)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_covariances_of_people_alone(kind):
    d = data("individual.csv")
    by_arm = d.groupby("z")["contacts"]
    n, mean, squares = by_arm.count(), by_arm.mean(), by_arm.apply(lambda v: ((v - v.mean()) ** 2).sum())
    factor = {"HC0": 1, "HC1": len(d) / (len(d) - 2), "HC2": n / (n - 1), "HC3": (n / (n - 1)) ** 2}[kind]
    expected = np.sqrt((squares / n**2 / mean**2 * factor).sum())
    assert numbers(individual(), "contacts", covariance=kind)[1] == pytest.approx(expected, rel=1e-9)


def test_group_covariances_differ_as_they_should():
    trial = grouped_trial(counted(icc=0.3))
    se = {k: numbers(trial, adjust=["y0"], covariance=k)[1] for k in ("HC2", "CR0", "CR1", "CR2", "CR3")}
    assert se["CR0"] < se["CR2"] < se["CR3"]
    assert se["CR0"] < se["CR1"]
    assert "dependence_ignored" in codes(tk.itt(trial, "visits", measure="rate_ratio", covariance="HC2"))


def test_strata_enter_and_empty_ones_are_left_out():
    d = counted(strata=3)
    trial = grouped_trial(d, strata=["site"])
    r = tk.itt(trial, "visits", measure="mean_ratio", adjust=["y0"])
    assert r.estimates[0].std_error > 0
    empty = d.assign(visits=d["visits"].where(d["site"] != "2", 0))
    r = tk.itt(grouped_trial(empty, strata=["site"]), "visits", measure="mean_ratio", adjust=["y0"])
    assert "separated" in codes(r)
    rest = empty[empty["site"] != "2"]
    inner = tk.itt(grouped_trial(rest, strata=["site"]), "visits", measure="mean_ratio", adjust=["y0"])
    assert r.estimates[0].estimate == pytest.approx(inner.estimates[0].estimate, rel=1e-8)
    assert r.estimates[0].std_error == pytest.approx(inner.estimates[0].std_error, rel=1e-7)


def test_overdispersion_is_said_and_counted():
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"arm": np.arange(400) % 2, "visits": rng.negative_binomial(1, 0.2, 400)})
    r = tk.itt(tk.Trial(d, arm="arm", control=0), "visits", measure="rate_ratio")
    assert "overdispersion" in codes(r)
    assert r.dispersion > 3
    poisson = math.sqrt(sum(1 / d.loc[d["arm"] == a, "visits"].sum() for a in (0, 1)))
    assert r.estimates[0].std_error > 1.7 * poisson


def test_amounts_with_zeros_and_several_arms():
    r = tk.itt(individual(), "savings", measure="mean_ratio", adjust=["y0"])
    assert "overdispersion" not in codes(r)
    d = data("three_arms.csv").assign(amount=lambda x: x["y"].clip(lower=0))
    trial = tk.Trial(d, arm="arm", control="control")
    for estimator in ("poisson", "g_computation"):
        table = tk.itt(trial, "amount", measure="mean_ratio", estimator=estimator, contrasts="all").tidy()
        assert table["estimate"][2] == pytest.approx(table["estimate"][1] / table["estimate"][0], rel=1e-9)


def test_an_arm_without_events_leaves_its_ratios_undefined():
    d = data("three_arms.csv").assign(falls=lambda x: np.where(x["arm"] == "coach", 0, (x["y"] > 1) * 1))
    trial = tk.Trial(d, arm="arm", control="control")
    for estimator in ("poisson", "g_computation", "difference_in_means"):
        r = tk.itt(trial, "falls", measure="mean_ratio", estimator=estimator, contrasts="all")
        defined = r.tidy().set_index("contrast")["estimate"].notna()
        assert defined.to_dict() == {"coach - control": False, "peer - control": True, "peer - coach": False}
        assert "undefined_ratio" in codes(r)
    two = tk.Trial(d[d["arm"] != "peer"], arm="arm", control="control")
    r = tk.itt(two, "falls", measure="rate_ratio")
    assert math.isnan(r.estimates[0].estimate)
    assert math.isnan(r.dispersion)
    assert Result.from_dict(r.to_dict()).estimates[0].n == r.estimates[0].n


REFUSALS = [
    (dict(exposure="months", offset="logs"), UsageError, "not both"),
    (dict(exposure="months", measure="mean_ratio"), CombinationError, "rate_ratio"),
    (dict(exposure="month"), tk.errors.ColumnNotFoundError, "Did you mean 'months'"),
    (dict(exposure="gap"), MissingDataError, "how long"),
    (dict(exposure="zero"), DataError, "zero or negative in rows 1 and 2"),
    (dict(exposure=12), UsageError, "names a column"),
    (dict(exposure="visits"), UsageError, "another role"),
    (dict(outcome="y"), ValueTypeError, "below zero"),
    (dict(covariance="classical"), CombinationError, "'HC0'"),
    (dict(strata_effects="interacted"), CombinationError, "one ratio"),
    (dict(adjust=["copy"]), NotIdentifiedError, "'copy'"),
    (dict(outcome="none"), EstimationError, "no variation"),
    (dict(weights=1), UsageError, "no option"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSALS)
def test_refusals(call, error, words):
    d = counted().assign(
        copy=lambda x: (x["arm"] == "peer") * 1.0, gap=lambda x: x["months"].where(x.index != 3), zero=lambda x: x["months"] * (x.index > 1),
        none=0,
    )  # fmt: skip
    call = {"outcome": "visits", "measure": "rate_ratio"} | call
    with pytest.raises(error) as caught:
        tk.itt(grouped_trial(d), call.pop("outcome"), **call)
    assert words in str(caught.value)


def test_missing_outcomes_and_unmeasured_exposure_go_together():
    d = counted()
    d = d.assign(visits=d["visits"].astype(float).where(d.index % 9 != 0), months=d["months"].where(d.index % 9 != 0))
    r = tk.itt(grouped_trial(d), "visits", measure="rate_ratio", exposure="months")
    assert "outcome_missing" in codes(r)
    assert r.estimates[0].n == d["visits"].notna().sum()


def test_a_covariate_that_explains_all_zeros_is_refused():
    d = counted().assign(key=lambda x: np.where(x["visits"] > 0, 5.0, 5.0 - np.arange(len(x)) / 100))
    with pytest.raises(EstimationError, match="'key'"):
        tk.itt(grouped_trial(d), "visits", measure="rate_ratio", adjust=["key"])
