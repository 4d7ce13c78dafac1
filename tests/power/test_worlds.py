"""Worlds of counts, times, ordered outcomes and margins: they are what the plan assumes, and their power is that of the closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

import trialkit as tk
from tests.power.worlds import plan_of
from trialkit.errors import PlanError, UsageError
from trialkit.power.plans.kinds import restricted_mean
from trialkit.power.plans.outcome import scale_of
from trialkit.power.plans.scale import win_odds
from trialkit.power.plans.sizes import planned
from trialkit.power.simulation.kinds import counts_at, latent_share
from trialkit.power.simulation.rules import Rule
from trialkit.power.simulation.simulate import _question

COUNT = 'column = "c"\nmeasure = "rate_ratio"\nbetter = "higher"\nassume = { control_mean = 4, dispersion = 3, effect = 1.35 }'
HAZARD = 'time = "t"\nevent = "e"\nmeasure = "hazard_ratio"\nbetter = "lower"\nassume = { control_median = 10, follow_up = 20, hazard_ratio = 1.6 }'
RMST = 'time = "t"\nevent = "e"\nmeasure = "rmst_difference"\ntau = 18\nbetter = "lower"\nassume = { control_median = 10, follow_up = 20, effect = -2.5, shape = 1.3 }'
ODDS = (
    'column = "c"\nmeasure = "proportional_odds"\nbetter = "{better}"\nassume = {{ shares = [0.1, 0.2, 0.4, 0.3], effect = 2.0 }}'
)
WINS = 'column = "c"\nmeasure = "win_odds"\nbetter = "higher"\nassume = { shares = [0.1, 0.2, 0.4, 0.3], effect = 1.5 }'
SHARES = np.array([0.1, 0.2, 0.4, 0.3])


def question(outcome, effects=(0.0,), **design):
    spec = plan_of(outcome, **design).spec
    chosen = spec.outcome("y")
    scale = scale_of(spec, chosen)
    return _question(spec, chosen, spec.contrasts[0], scale, planned(spec, chosen, spec.contrasts[0], scale), effects, 5)


def made(outcome, effect, replicates=2000, **design):
    q = question(outcome, (effect,), **design)
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    return block, block.outcomes(block.common(np.random.default_rng(2), replicates), effect), q


def group_means(block, values):
    unit = block.unit[block.arm == 1]
    treated = values[:, block.arm == 1]
    return np.stack([treated[:, unit == u].mean(axis=1) for u in np.unique(unit)], axis=1)


@given(st.floats(0.05, 250), st.floats(1.0, 20))
@settings(max_examples=40, deadline=None)
def test_counts_are_quantiles_of_the_negative_binomial(mean, factor):
    u = np.random.default_rng(1).random(200)
    found = counts_at(u, np.full(200, mean), np.full(200, factor))
    law = stats.poisson(mean) if factor == 1 else stats.nbinom(mean / (factor - 1), 1 / factor)
    # at the found count the distribution reaches u, one below it does not; to within the rounding of both sums
    assert (law.cdf(found) >= u - 1e-9).all() and (law.cdf(found - 1) < u + 1e-9).all()


def test_large_counts_are_inverted_by_scipy():
    u = np.random.default_rng(1).random(50)
    for factor, law in ((1.0, stats.poisson(900)), (30.0, stats.nbinom(900 / 29, 1 / 30))):
        assert counts_at(u, np.full(50, 900.0), np.full(50, factor)).tolist() == law.ppf(u).tolist()


def test_counts_have_the_mean_the_dispersion_and_the_icc_in_both_arms():
    block, y, _ = made(COUNT, 0.3, grouped=True, assume="icc = 0.1", replicates=4000)
    for arm, mean in ((0, 4.0), (1, 4 * math.exp(0.3))):
        values = y[:, block.arm == arm]
        assert values.mean() == pytest.approx(mean, rel=0.01)
        assert values.var() == pytest.approx(3 * mean, rel=0.03)
    expected = 3 * 4 * math.exp(0.3) * (0.1 + 0.9 / 10)
    assert group_means(block, y).var() == pytest.approx(expected, rel=0.04)


def test_a_poisson_count_in_groups_keeps_its_icc():
    block, y, _ = made(COUNT.replace("dispersion = 3, ", ""), 0.0, grouped=True, assume="icc = 0.2", replicates=4000)
    treated = y[:, block.arm == 1]
    assert treated.var() == pytest.approx(4 / 0.8, rel=0.03)
    assert group_means(block, y).var() / treated.var() == pytest.approx(0.2 + 0.8 / 10, rel=0.05)


@pytest.mark.parametrize("shape", [1.0, 1.7])
def test_times_are_weibull_and_proportional_and_censored_at_the_horizon(shape):
    text = HAZARD.replace("follow_up = 20", f"follow_up = 20, shape = {shape}")
    block, (time, event), _ = made(text, math.log(1.6), grouped=True, assume="icc = 0.2, attrition = 0.15", replicates=3000)
    assert time.max() <= 20 and set(np.unique(event)) == {0.0, 1.0}
    drop = -math.log(0.85) / 20**shape
    for arm, ratio in ((0, 1.0), (1, 1.6)):
        seen = event[:, block.arm == arm].mean()
        wanted = integrate.quad(
            lambda t, r=ratio: math.exp(-math.log(2) * r * (t / 10) ** shape - drop * t**shape) * math.log(2) * r * shape / 10 * (t / 10) ** (shape - 1),
            0, 20,
        )[0]  # fmt: skip
        assert seen == pytest.approx(wanted, abs=0.008)


def test_no_effect_leaves_the_arms_alike_whatever_the_icc():
    block, (time, event), _ = made(HAZARD, 0.0, grouped=True, assume="icc = 0.3", replicates=4000)
    for values in (time, event):
        assert values[:, block.arm == 1].mean() == pytest.approx(values[:, block.arm == 0].mean(), rel=0.012)


def test_martingale_residuals_have_the_icc():
    block, (time, event), _ = made(HAZARD, 0.0, grouped=True, assume="icc = 0.15", replicates=4000)
    residual = event - math.log(2) * time / 10
    assert group_means(block, residual).var() / residual.var() == pytest.approx(0.15 + 0.85 / 10, rel=0.04)


def test_ranks_have_the_icc_and_categories_their_shares():
    block, y, q = made(ODDS.format(better="higher"), 0.0, grouped=True, assume="icc = 0.15", replicates=4000)
    for arm in (0, 1):
        shares = np.bincount(y[:, block.arm == arm].astype(int).ravel(), minlength=5)[1:] / y[:, block.arm == arm].size
        assert shares == pytest.approx(SHARES, abs=0.005)
    ranks = (np.cumsum(SHARES) - SHARES / 2)[y.astype(int) - 1]
    assert group_means(block, ranks).var() / ranks.var() == pytest.approx(0.15 + 0.85 / 10, rel=0.04)
    assert q.world.kind.latent > 0.15


def test_odds_are_those_of_a_better_category():
    for better, sign in (("higher", 1), ("lower", -1)):
        block, y, _ = made(ODDS.format(better=better), math.log(2), replicates=2000)
        for cut in (1, 2, 3):
            odds = [special.logit((y[:, block.arm == a] > cut).mean()) for a in (1, 0)]
            assert odds[0] - odds[1] == pytest.approx(sign * math.log(2), abs=0.05)


def test_latent_share_of_a_linear_contribution_is_the_icc():
    assert latent_share(lambda z: z, 0.2) == pytest.approx(0.2, abs=1e-5)  # the midpoint rule ends at a probability of 2.5e-6
    assert latent_share(lambda z: z, 0.0) == 0.0
    # a median split: ICC 2/pi arcsin(r)
    assert latent_share(lambda z: (z > 0).astype(float), 0.2) == pytest.approx(math.sin(0.2 * math.pi / 2), abs=1e-3)


def test_restricted_means_and_win_odds_have_their_truth():
    q = question(RMST, (-2.5,))
    b = q.world.kind.log_hazard(-2.5)
    assert restricted_mean(10, 1.3, b, 18) - restricted_mean(10, 1.3, 0, 18) == pytest.approx(-2.5, abs=1e-9)
    scale = scale_of(plan_of(WINS).spec, plan_of(WINS).spec.outcome("y"))
    assert scale.shown(scale.assumed) == pytest.approx(1.5, abs=1e-9)
    assert scale.read(1.5) == pytest.approx(scale.assumed, abs=1e-9)
    tied = win_odds(SHARES, SHARES)
    assert tied == pytest.approx(1)
    block, y, q = made(WINS, scale.assumed, replicates=3000)
    a, b = y[:, block.arm == 1][:, :100], y[:, block.arm == 0][:, :100]
    wins = (a > b).mean() + (a == b).mean() / 2
    assert math.log(wins / (1 - wins)) == pytest.approx(q.world.truth(scale.assumed), abs=0.02)


ALONE = {"count": (COUNT, 200), "hazard": (HAZARD, 200), "odds": (ODDS.format(better="lower"), 200), "wins": (WINS, 200)}


@pytest.mark.parametrize(("outcome", "draws"), ALONE.values(), ids=ALONE)
def test_power_of_people_alone_is_the_closed_forms(outcome, draws):
    found = tk.power.simulate(plan_of(outcome, assume="attrition = 0.1"), n_draws=draws, seed=7)
    null, effect = found.table
    assert null["closed_form"] is None
    assert abs(effect["difference"]) < 3.5 * effect["mc_error"]
    assert null["power"] < 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / draws)
    for r in found.table:
        assert abs(r["bias"]) < 3.5 * r["sd_of_estimates"] / math.sqrt(draws)
        assert r["coverage"] > 0.95 - 3.5 * math.sqrt(0.05 * 0.95 / draws)
        assert r["std_error"] == pytest.approx(r["sd_of_estimates"], rel=0.15)


def test_power_of_counts_in_groups_is_the_closed_forms():
    plan = plan_of(COUNT, grouped=True, assume="icc = 0.1, attrition = 0.1")
    effect = tk.power.simulate(plan, n_draws=200, seed=7).table[1]
    assert abs(effect["difference"]) < 3.5 * effect["mc_error"]


@pytest.mark.parametrize("outcome", [COUNT, HAZARD, RMST, WINS], ids=["count", "hazard", "rmst", "wins"])
def test_groups_widen_the_standard_error_by_their_design_effect(outcome):
    """Half of the people in groups of ten with ICC .1: (1 + 1.9) / 2 times the variance, and no bias."""
    null = (scale_of(plan_of(outcome).spec, plan_of(outcome).spec.outcome("y"))).shown(0.0)
    alone = tk.power.simulate(plan_of(outcome), effects=[null], n_draws=30, seed=3).table[0]
    grouped = tk.power.simulate(plan_of(outcome, grouped=True, assume="icc = 0.1"), effects=[null], n_draws=60, seed=3).table[0]
    assert (grouped["std_error"] / alone["std_error"]) ** 2 == pytest.approx(1.45, abs=0.2)
    assert abs(grouped["bias"]) < 3.5 * grouped["sd_of_estimates"] / math.sqrt(60)
    assert grouped["failures"] == 0


def test_ratios_of_shares_have_logs_as_their_truth():
    text = 'column = "c"\nmeasure = "{m}"\nbetter = "higher"\nassume = {{ control_rate = 0.3, effect = 2.0 }}'
    for measure, truth in (("risk_ratio", math.log(0.45 / 0.3)), ("odds_ratio", special.logit(0.45) - special.logit(0.3))):
        q = question(text.format(m=measure), (0.15,))
        assert q.world.truth(0.15) == pytest.approx(truth)
        found = tk.power.simulate(plan_of(text.format(m=measure)), effects=[0.15], n_draws=200, seed=3).table[0]
        assert abs(found["bias"]) < 3.5 * found["sd_of_estimates"] / math.sqrt(200)
        assert found["coverage"] > 0.89


MARGIN = 'column = "c"\nmeasure = "mean_difference"\nbetter = "{better}"\n{margin}\nassume = {{ sd = 2.0 }}'


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("better", "margin"), [("higher", "noninferiority = 0.8"), ("lower", "noninferiority = 0.8"), ("higher", "equivalence = 1.2")]
)
def test_power_against_a_margin_is_the_closed_forms(better, margin, grouped):
    plan = plan_of(MARGIN.format(better=better, margin=margin), grouped=grouped, assume="icc = 0.05" if grouped else "")
    found = tk.power.simulate(plan, n_draws=2000, seed=5)
    at_margin, none = found.table
    assert abs(at_margin["effect"]) == float(margin.split("= ")[1])
    assert abs(at_margin["power"] - 0.05) < 3.5 * at_margin["mc_error"]
    assert none["effect"] == 0 and abs(none["difference"]) < max(3.5 * none["mc_error"], 0.012)
    assert ("non-inferiority" if "non" in margin else "equivalence") + " is shown at a true effect of 0" in str(found)


def test_the_rule_is_that_of_the_analysis():
    """Each replicate's verdict is the one that itt stores."""
    from trialkit.power.simulation.analysis import analysed, numbers

    q = question(MARGIN.format(better="lower", margin="noninferiority = 0.5"), (0.1,))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(3))
    y = block.outcomes(block.common(np.random.default_rng(4), 12), 0.1)
    for row in y:
        frame = block.frame(q.spec, "c", row)
        one = numbers(analysed(q.spec, q.outcome, frame, q.world.pair))
        own = tk.itt(
            tk.Trial(frame, arm="arm", control="solo", unit="id"), "c", noninferiority=0.5, better="lower"
        ).noninferiority
        assert q.rule.rejects(*(np.array([v]) for v in one))[0] == own.shown


def test_rules_turn_with_the_direction():
    e, se, df = np.array([-0.3, 0.3]), np.full(2, 0.1), np.full(2, np.inf)
    assert Rule("noninferiority", -0.2, None, 0.05).rejects(e, se, df).tolist() == [False, True]
    assert Rule("noninferiority", None, 0.2, 0.05).rejects(e, se, df).tolist() == [True, False]
    assert Rule("equivalence", -0.5, 0.5, 0.05).rejects(e, se, df).tolist() == [True, True]
    assert Rule("equivalence", -0.4, 0.4, 0.05).rejects(e, se, df).tolist() == [False, False]


def test_take_up_dilutes_what_can_be_diluted():
    text = COUNT.replace("assume", 'estimand = { population = "compliers" }\nassume')
    q = question(text, (0.5,), assume="take_up = 0.6", data='uptake = "came"')
    assert q.world.truth(0.5) == pytest.approx(math.log(1 + 0.6 * (math.exp(0.5) - 1)))
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    y = block.outcomes(block.common(np.random.default_rng(2), 3000), 0.5)
    takers = block.takes[block.arm == 1].mean()
    ratio = y[:, block.arm == 1].mean() / y[:, block.arm == 0].mean()
    assert ratio == pytest.approx(1 + takers * (math.exp(0.5) - 1), rel=0.01)
    hazard = HAZARD.replace("assume", 'estimand = { population = "compliers" }\nassume')
    said = question(hazard, (0.5,), assume="take_up = 0.6", data='uptake = "came"').world
    assert said.truth(0.5) == 0.5 and said.dilution == 1.0
    assert any("of everyone randomized" in a for a in said.assumptions)


STRATA = 'column = "c"\nmeasure = "mean_difference"\nbetter = "higher"\nassume = {{ sd = 1.0, effect = 0.4, strata_r2 = {r2} }}'


def test_strata_explain_what_they_are_said_to():
    q = question(STRATA.format(r2=0.3), grouped=True, assume="icc = 0.1", data='strata = ["office"]')
    block = q.world.block(q.spec, q.outcome, np.random.default_rng(1))
    y = block.means(np.random.default_rng(2), 6000)
    assert y.var(axis=0).mean() + y.mean(axis=0).var() == pytest.approx(1.0, abs=0.01)
    means = [y[:, block.stratum == s].mean() for s in range(4)]
    assert np.var(means) == pytest.approx(0.3, abs=0.01)
    inside = y[:, block.arm == 1] - np.array(means)[block.stratum[block.arm == 1]]
    unit = block.unit[block.arm == 1]
    groups = np.stack([inside[:, unit == u].mean(axis=1) for u in np.unique(unit)], axis=1)
    assert groups.var() == pytest.approx(0.1 + 0.6 / 10, rel=0.05)


@pytest.mark.parametrize("grouped", [False, True])
def test_power_with_strata_is_the_closed_forms(grouped):
    plan = plan_of(
        STRATA.format(r2=0.3), grouped=grouped, units=160, assume="icc = 0.05" if grouped else "", data='strata = ["office"]'
    )
    effect = tk.power.simulate(plan, n_draws=2000, seed=5).table[1]
    assert abs(effect["difference"]) < max(3.5 * effect["mc_error"], 0.015)
    assert not any("no strata effects" in a for a in tk.power.simulate(plan, n_draws=100, seed=5).assumptions)


def test_strata_r2_without_strata_is_a_problem_of_the_plan():
    with pytest.raises(tk.errors.TrialkitError, match="names none"):
        plan_of(STRATA.format(r2=0.3))


def test_what_is_unsaid_is_named():
    text = 'time = "t"\nevent = "e"\nmeasure = "hazard_ratio"\nbetter = "higher"'
    found = tk.power.simulate(plan_of(text), effects=[1, 0.5], n_draws=10, seed=1)
    assert any("assume control_median" in a for a in found.assumptions) and any(
        "assume follow_up" in a for a in found.assumptions
    )
    text = 'column = "c"\nmeasure = "rate_ratio"\nbetter = "higher"'
    found = tk.power.simulate(plan_of(text), effects=[1, 1.5], n_draws=10, seed=1)
    assert any("assume dispersion" in a for a in found.assumptions)
    assert [r["effect"] for r in found.table] == [1.0, 1.5]


@pytest.mark.parametrize(
    ("outcome", "options", "kind", "words"),
    [
        (COUNT, {"effects": [0, 1.3]}, UsageError, "above 0"),
        (RMST, {"effects": [-30.0]}, PlanError, "mean time up to"),
        (RMST.replace("follow_up = 20", "follow_up = 12"), {}, PlanError, "beyond"),
        (MARGIN.format(better="higher", margin="noninferiority = 0.8").replace("sd = 2.0", "effect = 0.1"), {}, PlanError, "add assume.sd"),
        (COUNT.replace("control_mean = 4", "control_mean = -1"), {}, PlanError, "above zero"),
    ],
)  # fmt: skip
def test_impossible_worlds_are_refused(outcome, options, kind, words):
    with pytest.raises(kind, match=words):
        tk.power.simulate(plan_of(outcome), n_draws=10, seed=1, **options)


def test_shares_that_do_not_add_up_are_a_problem_of_the_plan():
    with pytest.raises(tk.errors.TrialkitError, match="add up to"):
        plan_of(WINS.replace("0.3]", "0.2]"))
