"""The families beyond the first five: inversion, reductions to one another and to simulation, refusals that help."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import trialkit as tk
from tests.power.test_families import check_inverse
from trialkit.errors import UsageError
from trialkit.power import NoSolutionError

p = tk.power


@settings(max_examples=20, deadline=None)
@given(target=st.floats(0.2, 0.97), r=st.floats(0, 0.85), pre=st.integers(1, 3), post=st.integers(1, 4))
def test_repeated_inverts(target, r, pre, post):
    for estimator in ("ancova", "change", "post"):
        fixed = {"correlation": r, "pre": pre, "post": post, "estimator": estimator}
        check_inverse(p.repeated, target, "n_per_arm", effect=0.3, **fixed)
        check_inverse(p.repeated, target, "effect", n_per_arm=40, **fixed)


def test_ancova_is_never_worse_than_change_or_post():
    for r in (0.1, 0.5, 0.9):
        factors = {
            k: p.repeated(effect=0.3, correlation=r, pre=2, post=3, estimator=k, power=0.8).variance_factor
            for k in ("ancova", "change", "post")
        }
        assert factors["ancova"] <= min(factors["change"], factors["post"]) + 1e-12


def test_frison_pocock_factors_of_the_spec():
    """(1 + (r-1) rho)/r and so on, for one wave before and one after: 1 - rho^2 = .9375, .75, .51."""
    found = [p.repeated(effect=0.3, correlation=r, power=0.8).variance_factor for r in (0.25, 0.5, 0.7)]
    assert found == pytest.approx([0.9375, 0.75, 0.51])


def test_mmrm_without_losses_is_the_last_wave_alone():
    matrix = [[1, 0.6, 0.4], [0.6, 1, 0.6], [0.4, 0.6, 1]]
    whole = p.repeated(effect=0.4, correlation=matrix, estimator="mmrm", power=0.8, test="z")
    assert whole.variance_factor == pytest.approx(1.0)
    lost = p.repeated(effect=0.4, correlation=matrix, estimator="mmrm", retention=[1, 0.9, 0.8], power=0.8, test="z")
    # knowing earlier waves helps: the loss is smaller than that of complete cases alone
    assert 1.0 < lost.variance_factor < 1 / 0.8


@settings(max_examples=15, deadline=None)
@given(target=st.floats(0.3, 0.95), effects=st.sampled_from(["constant", "fixed", "random"]))
def test_blocked_inverts(target, effects):
    fixed = {"effects": effects, "icc": 0.1, "effect_heterogeneity": 0.3}
    check_inverse(p.blocked, target, "blocks", effect=0.3, block_size=16, **fixed)
    check_inverse(p.blocked, target, "effect", blocks=12, block_size=16, **fixed)


def test_one_block_is_an_individual_trial_without_the_intercept_lost():
    blocked = p.blocked(effect=0.5, blocks=1, block_size=80, effects="fixed")
    single = p.individual(effect=0.5, n_per_arm=40)
    assert blocked.power == pytest.approx(single.power, abs=1e-12)


def test_the_main_effect_beside_an_interaction_within_clusters_is_that_of_clusters():
    """A moderator of people takes no degree of freedom from the comparison of cluster means; one of clusters takes two."""
    design = {"effect": 0.5, "clusters": 12, "cluster_size": 20, "icc": 0.05}
    within = tk.power.interaction(**design)
    assert within.main_effect_power == pytest.approx(tk.power.clustered(**design).power, abs=1e-9)
    ncp, quantile = 0.5 / np.sqrt(4 * (0.05 + 0.95 / 20) / 12), stats.t.ppf(0.975, 8)
    between = tk.power.interaction(**design, moderator_level="cluster")
    assert between.main_effect_power == pytest.approx(stats.nct.sf(quantile, 8, ncp) + stats.nct.cdf(-quantile, 8, ncp), abs=1e-9)


def test_interaction_is_twice_the_main_effect():
    found = p.interaction(effect=0.4, n=300)
    assert found.std_error == pytest.approx(2 * p.individual(effect=0.4, n=300).std_error)
    check_inverse(p.interaction, 0.8, "n", effect=0.4, moderator_share=0.3)
    check_inverse(p.interaction, 0.8, "effect", clusters=40, cluster_size=12, icc=0.1)


def test_factorial_cells_without_groups_are_the_pooled_formula_but_for_df():
    cells = p.factorial(effect=0.3, cells=[{"n": 60}] * 4)
    pooled = p.factorial(effect=0.3, n_per_cell=60)
    assert cells.std_error == pytest.approx(pooled.std_error)
    assert cells.df == pytest.approx(pooled.df)
    check_inverse(p.factorial, 0.8, "n_per_cell", effect=0.3, contrast="interaction")


def test_factorial_with_grouped_cells_simulated():
    """Cells of 8 groups of 8 (ICC .1) against cells of 60: power within .01 of 40,000 simulated trials."""
    found = p.factorial(effect=0.4, cells=[{"n": 60}, {"n": 60}, *[{"groups": 8, "group_size": 8, "icc": 0.1}] * 2])
    rng = np.random.default_rng(3)
    draws = 40_000
    solo = [(rng.normal(0, 1 / math.sqrt(60), draws), rng.chisquare(59, draws) / 59 / 60, 59) for _ in range(2)]
    v = (0.1 + 0.9 / 8) / 8
    peer = [(rng.normal(0.4, math.sqrt(v), draws), v * rng.chisquare(7, draws) / 7, 7) for _ in range(2)]
    estimate = (peer[0][0] + peer[1][0] - solo[0][0] - solo[1][0]) / 2
    parts = [(w[1] / 4, w[2]) for w in (*solo, *peer)]
    variance = sum(x for x, _ in parts)
    df = variance**2 / sum(x**2 / k for x, k in parts)
    rejected = np.abs(estimate) > stats.t.isf(0.025, df) * np.sqrt(variance)
    assert found.power == pytest.approx(rejected.mean(), abs=0.01)


def test_several_arms_reduce_and_order():
    one = p.several_arms(effects=[0.4, 0.4], n_per_arm=60, correction="none")
    assert one.power_any > max(one.power) > one.power_all
    dunnett, bonferroni = (p.several_arms(effects=[0.4, 0.3, 0.2], n_per_arm=60, correction=k) for k in ("dunnett", "bonferroni"))
    assert dunnett.critical < bonferroni.critical
    n = p.several_arms(effects=[0.4, 0.3], power=0.8).n_per_arm
    assert min(p.several_arms(effects=[0.4, 0.3], n_per_arm=n).power) == pytest.approx(0.8, abs=1e-9)
    common = p.several_arms(arms=3, n_per_arm=70, power=0.8)
    assert min(p.several_arms(effects=[common.effect] * 3, n_per_arm=70).power) == pytest.approx(0.8, abs=1e-9)


def test_dunnett_constants_of_the_spec():
    found = [p.several_arms(effects=[0.1] * k, n_per_arm=1e6).critical for k in (2, 3, 4)]
    assert found == pytest.approx([2.2121, 2.3490, 2.4418], abs=1e-4)


def test_events_of_the_spec():
    assert p.time_to_event(hazard_ratio=0.7, power=0.9).events == pytest.approx(330.38, abs=0.01)
    assert p.time_to_event(hazard_ratio=0.7, power=0.9, method="freedman").events == pytest.approx(337.41, abs=0.01)


def test_ratio_above_one_mirrors_one_below():
    below, above = (p.time_to_event(hazard_ratio=h, events=200).power for h in (0.8, 1.25))
    assert below == pytest.approx(above, abs=1e-12)


def test_people_follow_from_accrual():
    found = p.time_to_event(hazard_ratio=0.7, power=0.8, control_median=18, accrual=12, follow_up=12)
    back = p.time_to_event(hazard_ratio=0.7, n=found.n, control_median=18, accrual=12, follow_up=12)
    assert back.power == pytest.approx(0.8, abs=1e-9)
    assert back.events == pytest.approx(found.events)


def test_event_probability_simulated():
    found = p.time_to_event(hazard_ratio=0.7, power=0.8, control_median=18, accrual=12, follow_up=12, dropout=0.01)
    rng = np.random.default_rng(5)
    n = 400_000
    hazard = math.log(2) / 18 * np.where(np.arange(n) % 2, 0.7, 1.0)
    event, lost = rng.exponential(1 / hazard), rng.exponential(100, n)
    end = 24 - rng.random(n) * 12
    assert found.event_probability == pytest.approx(((event < end) & (event < lost)).mean(), abs=0.003)


def test_mediation_is_capped_by_its_weaker_path():
    found = p.mediation(a=0.3, b=5.0, n=160)
    assert found.power == pytest.approx(found.power_a, abs=1e-6)
    with pytest.raises(UsageError, match="path a"):
        p.mediation(a=0.1, n=100, power=0.8)
    check_b = p.mediation(a=0.5, n=200, power=0.7)
    assert p.mediation(a=0.5, b=check_b.b, n=200).power == pytest.approx(0.7, abs=1e-9)
    weaker = p.mediation(a=0.45, b=0.3, n=160, reliability=0.8)
    assert weaker.power < p.mediation(a=0.45, b=0.3, n=160).power


@settings(max_examples=15, deadline=None)
@given(target=st.floats(0.2, 0.95), margin=st.floats(0.15, 0.6))
def test_margins_invert(target, margin):
    for function in (p.noninferiority, p.equivalence):
        n = function(margin=margin, power=target).n_per_arm
        assert function(margin=margin, n_per_arm=n).power == pytest.approx(target, abs=1e-8)
    m = p.equivalence(power=target, n_per_arm=90).margin
    assert p.equivalence(margin=m, n_per_arm=90).power == pytest.approx(target, abs=1e-8)


def test_tost_of_the_spec():
    """delta -4, SD 18, margins +-19.2: .0386, .28871, .69339, .94326, .99458 at 3, 8, 15, 30, 50 an arm."""
    found = [p.equivalence(margin=19.2, effect=-4, sd=18, n_per_arm=n).power for n in (3, 8, 15, 30, 50)]
    assert found == pytest.approx([0.0386, 0.28871, 0.69339, 0.94326, 0.99458], abs=5e-5)


def test_noninferiority_in_groups_is_the_grouped_one_sided_test():
    design = {"groups": 12, "group_size": 10, "controls": 120, "icc": 0.05}
    found = p.noninferiority(margin=0.3, effect=0.05, **design)
    assert found.power == pytest.approx(p.grouped(effect=0.35, alternative="greater", **design).power)


def test_count_and_ordinal_simulated():
    """Wald's tests on 20,000 simulated trials, within .015 of the formula."""
    rng = np.random.default_rng(8)
    found = p.count(rate_ratio=1.3, control_mean=4, dispersion=0.5, n_per_arm=165)
    shape = 1 / 0.5
    t, c = (rng.negative_binomial(shape, shape / (shape + mu), (20_000, 165)).mean(axis=1) for mu in (5.2, 4.0))
    variance = (1 / t + 0.5) / 165 + (1 / c + 0.5) / 165
    assert found.power == pytest.approx((np.abs(np.log(t / c)) > 1.96 * np.sqrt(variance)).mean(), abs=0.015)
    shares = np.array([0.2, 0.5, 0.2, 0.1])
    rating = p.ordinal(odds_ratio=1.8, control_shares=list(shares), n_per_arm=150)
    moved = np.array(rating.treated_shares)
    a, b = (rng.multinomial(150, q, 20_000) for q in (moved, shares))
    total = a + b
    mid = np.cumsum(total, axis=1) - total / 2 + 0.5
    w = (a * mid).sum(axis=1)
    n = 300
    mean, ties = 150 * (n + 1) / 2, (total**3 - total).sum(axis=1)
    var = 150 * 150 / 12 * ((n + 1) - ties / (n * (n - 1)))
    assert rating.power == pytest.approx((np.abs(w - mean) > 1.96 * np.sqrt(var)).mean(), abs=0.015)


def test_odds_ratio_of_two_categories_is_the_logit():
    found = p.ordinal(odds_ratio=2.0, control_shares=[0.7, 0.3], n_per_arm=100)
    odds = 0.3 / 0.7 * 2
    assert found.treated_shares[1] == pytest.approx(odds / (1 + odds))


def test_optimum_beats_its_neighbours():
    found = p.optimal_grouped(effect=0.5, icc=0.1, cost_group=600, cost_member=120, cost_control=80, budget=30000)

    def variance(m, ratio):
        controls = 30000 / (80 + ratio * (600 + m * 120))
        return (0.1 + 0.9 / m) / (ratio * controls) + 1 / controls

    best = variance(found.group_size, found.groups / found.controls)
    for m in (0.9, 1.1):
        for r in (0.9, 1.1):
            assert variance(found.group_size * m, found.groups / found.controls * r) > best
    assert math.sqrt(best) == pytest.approx(found.std_error)


REFUSED = [
    (
        p.repeated,
        {"effect": 0.3, "power": 0.8, "correlation": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], "pre": 1, "post": 2},
        "positive definite",
    ),
    (p.repeated, {"effect": 0.3, "power": 0.8, "correlation": 0.5, "retention": [1, 0.9]}, "mmrm"),
    (p.repeated, {"effect": 0.3, "power": 0.8, "estimator": "slope"}, "times"),
    (p.repeated, {"effect": 0.3, "power": 0.8, "correlation": 0.5, "pre": 0}, "pre=1"),
    (p.blocked, {"effect": 0.3, "blocks": 10, "block_size": 20, "effects": "random", "icc": 0.1}, "effect_heterogeneity"),
    (p.blocked, {"effect": 0.3, "blocks": 10, "cluster_size": 20, "superblocks": 3}, "two designs"),
    (p.interaction, {"effect": 0.3, "clusters": 20, "cluster_size": 10}, "icc"),
    (p.interaction, {"effect": 0.3, "n": 100, "moderator_share": 0.3, "moderator_sd": 1}, "given together"),
    (p.factorial, {"effect": 0.3, "cells": [{"n": 10}] * 3}, "four cells"),
    (p.factorial, {"effect": 0.3, "cells": [{"groups": 4, "group_size": 8}] * 4}, "icc"),
    (p.time_to_event, {"hazard_ratio": 1, "power": 0.8}, "no effect"),
    (p.time_to_event, {"hazard_ratio": 0.7, "power": 0.8, "accrual": 12}, "belong together"),
    (p.several_arms, {"effects": [0.3], "n_per_arm": 50}, "two or more"),
    (p.mediation, {"a": 0.3, "b": 0.3, "clusters": 20, "cluster_size": 5}, "icc"),
    (p.noninferiority, {"margin": 0.2, "effect": -0.3, "power": 0.8}, "margin"),
    (p.equivalence, {"margin": 0.3, "effect": 0.3, "power": 0.8}, "margin"),
    (p.equivalence, {"margin": (0.1, 0.5), "power": 0.8}, "margin"),
    (p.count, {"rate_ratio": 1.0, "control_mean": 3, "power": 0.8}, "no effect"),
    (p.ordinal, {"odds_ratio": 2, "control_shares": [0.5, 0.4], "power": 0.8}, "add up to"),
    (p.type_s_m, {"effect": 0, "std_error": 1}, "effect=0"),
    (p.optimal_grouped, {"icc": 0, "cost_group": 5, "cost_member": 1, "cost_control": 1}, "icc above 0"),
]


@pytest.mark.parametrize(("function", "arguments", "words"), REFUSED)
def test_refusals_name_the_remedy(function, arguments, words):
    with pytest.raises((UsageError, NoSolutionError), match=words):
        function(**arguments)


def test_results_read_back():
    for found in (
        p.repeated(effect=0.35, correlation=0.5, power=0.8),
        p.blocked(effect=0.3, blocks=10, block_size=20),
        p.several_arms(effects=[0.4, 0.3], n_per_arm=50),
        p.time_to_event(events=300, power=0.8),
        p.noninferiority(margin=0.2, power=0.8),
        p.equivalence(margin=0.4, power=0.8),
        p.type_s_m(effect=0.2, std_error=0.15),
        p.optimal_clustered(icc=0.05, cost_cluster=1500, cost_member=60, budget=120000, effect=0.3),
    ):
        back = tk.Result.from_dict(found.to_dict())
        assert type(back) is type(found)
        assert str(back) == str(found)
        assert "nan" not in str(found)
