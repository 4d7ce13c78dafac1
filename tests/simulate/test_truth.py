"""The truth: against closed forms, against a fresh computation, and against the mean of simulated trials."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import trialkit as tk
from trialkit.errors import EstimationError
from trialkit.simulate import compute_truth, load_scenario
from trialkit.simulate.truth import stored_truth, truth_text
from trialkit.simulate.tune import reached, tuned


@pytest.fixture(scope="module")
def stored():
    return stored_truth("klier_2019")


def test_closed_form_of_a_probit_with_group_effects(small):
    truth = compute_truth(small, people=400_000, seed=1, batch=20_000)
    control = norm.cdf(-0.5 / math.sqrt(1.25))
    treated = norm.cdf(0.1 / math.sqrt(1.5))  # the group's effect adds .25 to the variance of those who attend
    error = {r["estimand"]: r["mc_error"] for r in truth.rows if r["metric"] == "difference"}
    assert truth.context["people"]["take_up"] == pytest.approx(0.5, abs=0.004)
    assert truth.context["work"]["control_mean"] == pytest.approx(control, abs=0.003)
    assert truth.value("work", "difference", "complier") == pytest.approx(treated - control, abs=4 * error["complier"])
    assert truth.value("work", "difference") == pytest.approx((treated - control) / 2, abs=4 * error["ITT"])
    odds = math.log(treated / (1 - treated)) - math.log(control / (1 - control))
    assert truth.value("work", "log_odds_ratio", "complier") == pytest.approx(odds, abs=0.02)


def test_closed_form_of_the_intraclass_correlation(small):
    # With everybody attending, two members share the group's effect only: a bivariate normal.
    part = small.part("attended").model_copy(update={"intercept": 30.0})
    spec = small.model_copy(update={"parts": tuple(part if p.name == "attended" else p for p in small.parts)})
    truth = compute_truth(spec, people=400_000, seed=2, batch=20_000)
    level, shared = 0.1 / math.sqrt(1.5), 0.25 / 1.5
    share = norm.cdf(level)
    both = multivariate_normal.cdf([level, level], cov=[[1, shared], [shared, 1]])
    assert truth.context["work"]["treated_icc"] == pytest.approx((both - share**2) / (share * (1 - share)), abs=0.006)


def test_stored_truth_is_computed_again(stored):
    thin = compute_truth(load_scenario("klier_2019"), people=150_000, seed=99)
    errors = {(r["outcome"], r["metric"], r["estimand"]): r["mc_error"] for r in stored.rows}
    for row in thin.rows:
        key = (row["outcome"], row["metric"], row["estimand"])
        spread = errors[key] * math.sqrt(1 + stored.people / thin.people)
        assert row["value"] == pytest.approx(stored.value(*key), abs=4 * spread), key


def test_stored_truth_is_large_and_precise(stored):
    assert stored.people >= 2_000_000
    standardized = [r for r in stored.rows if r["metric"] == "standardized"]
    assert len(standardized) == 6
    assert all(r["mc_error"] < 0.001 for r in standardized)


def test_effects_are_those_of_the_review(stored):
    effects = [stored.value(o, "standardized") for o in ("self_efficacy", "search_confidence", "search_intensity")]
    assert all(0.4 <= e <= 0.6 for e in effects) and len(set(effects)) == 3
    assert stored.value("employed", "odds_ratio") == pytest.approx(1.98, abs=0.005)
    assert stored.value("employed", "log_odds_d") == pytest.approx(0.38, abs=0.005)
    assert stored.context["employed"]["control_mean"] == pytest.approx(0.30, abs=0.001)


def test_every_target_is_reached(stored):
    targets = load_scenario("klier_2019").targets
    assert len(targets) == 5
    for target in targets:
        assert reached(stored, target) == pytest.approx(target.value, abs=0.001), target


def test_complier_effect_is_the_itt_over_take_up(stored):
    share = stored.context["people"]["take_up"]
    for outcome in ("self_efficacy", "search_confidence", "search_intensity", "employed"):
        whole, complier = (stored.value(outcome, "difference", e) for e in ("ITT", "complier"))
        assert whole == pytest.approx(share * complier, rel=1e-5)


def test_groups_matter_as_much_as_assumed(stored):
    for outcome in ("self_efficacy", "search_confidence", "search_intensity", "employed"):
        assert 0.045 < stored.context[outcome]["treated_icc"] < 0.06


def test_trials_estimate_the_truth_on_average(stored):
    estimates = []
    for seed in range(1000, 1040):
        data = tk.simulate.scenario("klier_2019", seed=seed).data
        means = data.groupby("arm")["employed_t2"].mean()
        estimates.append(means["peer"] - means["individual"])
    error = np.std(estimates, ddof=1) / math.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(stored.value("employed", "difference"), abs=3.5 * error)


def test_the_table_says_how(klier):
    assert list(klier.truth.columns) == ["outcome", "metric", "estimand", "value", "mc_error", "computed"]
    assert set(klier.truth["estimand"]) == {"ITT", "complier"}
    assert klier.truth["computed"].str.contains("4000000 people, seed 20190001").all()


def test_the_stored_file_is_what_would_be_written(stored):
    from trialkit.simulate.spec import scenario_text

    text = truth_text(load_scenario("klier_2019"), stored)
    assert text == scenario_text("klier_2019.truth.json")


def test_tuning_reaches_its_target(small):
    found = tuned(small, people=40_000, seed=1)
    expected = norm.ppf(0.4) * math.sqrt(1.25)
    assert found["work.intercept"] == pytest.approx(expected, abs=0.02)


def test_an_impossible_target_is_an_error(small):
    target = small.targets[0].model_copy(update={"parameter": "attended.intercept"})
    with pytest.raises(EstimationError, match=r"'attended\.intercept' does not move control_mean of 'work'"):
        tuned(small.model_copy(update={"targets": (target,)}), people=2_000, seed=1)
