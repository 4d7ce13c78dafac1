"""Margins on every scale, moderators in groups, the Monte Carlo test of mediation, strata: inversion, simulation, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import trialkit as tk
from tests.power.test_ratio_designs import DRAWS, agrees
from trialkit.errors import UsageError
from trialkit.power import NoSolutionError

p = tk.power
GROUPS = {"groups": 16, "group_size": 10, "controls": 160, "icc": 0.03}
CLUSTERS = {"clusters": 40, "cluster_size": 10, "icc": 0.03}
SCALES = {
    "difference": {},
    "risk difference": {"control_rate": 0.3},
    "counts": {"control_mean": 3.0, "dispersion": 0.2},
    "times": {"event_probability": 0.7},
    "ordered": {"control_shares": (0.2, 0.5, 0.3)},
    "risk ratio": {"control_rate": 0.6, "measure": "risk_ratio"},
    "odds ratio": {"control_rate": 0.4, "measure": "odds_ratio"},
}


def margin_of(scale):
    return {"difference": 0.35, "risk difference": 0.12}.get(scale, 0.7)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("design", [GROUPS, CLUSTERS, {"n_per_arm": 180}], ids=["groups", "clusters", "people"])
def test_margins_invert_on_every_scale_and_design(scale, design):
    base, margin = SCALES[scale], margin_of(scale)
    for function, level in ((p.noninferiority, 0.8), (p.equivalence, 0.6)):
        solved = [k for k in design if k != "icc"]
        for unknown in solved:
            fixed = {k: v for k, v in design.items() if k != unknown}
            try:
                found = function(margin=margin, power=level, **base, **fixed)
            except NoSolutionError as error:
                assert (
                    "out of reach" in str(error)
                    or "no number" in str(error)
                    or "no group_size" in str(error)
                    or "no cluster_size" in str(error)
                )
                continue
            again = function(margin=margin, **base, **fixed, **{unknown: found.details[unknown]})
            assert again.power == pytest.approx(level, abs=1e-9)
            assert found.power_at_design >= level - 1e-9 or unknown == "controls"
        found = function(power=level, **base, **design)
        assert function(margin=found.margin, **base, **design).power == pytest.approx(level, abs=1e-9)
        assert isinstance(str(found), str) and "margin" in str(found)


@settings(max_examples=10, deadline=None)
@given(ratio=st.floats(0.85, 1.2), margin=st.floats(0.5, 0.75))
def test_ratios_turned_around_have_the_same_power(ratio, margin):
    """An odds ratio of 1.25 the other way round is one of .8 of the complement."""
    up = p.noninferiority(margin=margin, ratio=ratio, control_rate=0.4, measure="odds_ratio", n_per_arm=300)
    down = p.noninferiority(margin=1 / margin, ratio=1 / ratio, control_rate=0.6, measure="odds_ratio", n_per_arm=300)
    assert up.power == pytest.approx(down.power, abs=1e-12)
    assert (
        p.noninferiority(margin=margin * 0.95, ratio=ratio, control_rate=0.4, measure="odds_ratio", n_per_arm=300).power
        > up.power
    )


def test_a_margin_and_its_inverse_are_one_number():
    one = p.equivalence(margin=1.25, control_mean=5, n_per_arm=400)
    assert p.equivalence(margin=(0.8, 1.25), control_mean=5, n_per_arm=400).power == one.power
    assert p.equivalence(margin=0.8, control_mean=5, n_per_arm=400).power == pytest.approx(one.power, abs=1e-12)
    assert one.margin == pytest.approx((0.8, 1.25))


def rates_in_groups(rng, rate, icc, k, m):
    """(draws, k) shares of groups of m: beta-binomial."""
    scale = (1 - icc) / icc
    return rng.binomial(m, rng.beta(rate * scale, (1 - rate) * scale, (DRAWS, k))) / m


@pytest.mark.parametrize("rate", [0.3, 0.8])
def test_noninferiority_of_rates_in_groups_is_judged_at_the_truth(rate):
    rng, k, m, n, icc, margin = np.random.default_rng(2), 20, 12, 240, 0.05, 0.12
    treated, control = rates_in_groups(rng, rate, icc, k, m), rng.binomial(n, rate, DRAWS) / n
    vt, vc = treated.var(1, ddof=1) / k, control * (1 - control) / (n - 1)
    df = (vt + vc) ** 2 / (vt**2 / (k - 1) + vc**2 / (n - 1))
    seen = (treated.mean(1) - control + margin > -special.stdtrit(df, 0.05) * np.sqrt(vt + vc)).mean()
    found = p.noninferiority(margin=margin, control_rate=rate, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen), (found.power, seen)
    assert found.std_error**2 == pytest.approx(rate * (1 - rate) * ((icc + (1 - icc) / m) / k + 1 / n))


def test_noninferiority_of_counts_in_groups_against_simulation():
    rng, k, m, n, mu, vg, margin = np.random.default_rng(3), 16, 10, 160, 4.0, 0.04, 0.8
    sums = rng.poisson(m * mu * rng.gamma(1 / vg, vg, (DRAWS, k)))
    alone = rng.gamma(1 / vg, vg, (DRAWS, n))
    alone = rng.poisson(mu * alone)
    first, second = sums.mean(1) / m, alone.mean(1)
    vt, vc = sums.var(1, ddof=1) / m**2 / k / first**2, alone.var(1, ddof=1) / n / second**2
    df = (vt + vc) ** 2 / (vt**2 / (k - 1) + vc**2 / (n - 1))
    seen = (np.log(first / second) - math.log(margin) > -special.stdtrit(df, 0.05) * np.sqrt(vt + vc)).mean()
    icc = vg * mu**2 / (mu + vg * mu**2)
    found = p.noninferiority(margin=margin, control_mean=mu, dispersion=vg, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen, 0.02), (found.power, seen)


def test_equivalence_of_risk_ratios_against_simulation():
    rng, n, rate = np.random.default_rng(4), 500, 0.5
    a, b = (rng.binomial(n, rate, DRAWS) / n for _ in range(2))
    se = np.sqrt((1 - a) / (a * n) + (1 - b) / (b * n))
    seen = (np.abs(np.log(a / b)) + 1.6448536 * se < math.log(1.25)).mean()
    found = p.equivalence(margin=1.25, control_rate=rate, measure="risk_ratio", n_per_arm=n)
    assert agrees(found.power, seen), (found.power, seen)


def test_the_answer_of_a_margin_says_what_more_would_buy():
    found = p.noninferiority(margin=0.2, **GROUPS, baseline_correlation=0.5)
    assert {g["change"] for g in found.gains} >= {"one more group", "a baseline that correlates 0.6"}
    assert all(g["power"] > found.power for g in found.gains) and "would bring power to" in str(found)
    wider = p.equivalence(power=0.8, control_mean=3, n_per_arm=200)
    assert wider.gains[0]["margin"][1] < wider.margin[1] and "would bring the margin to" in str(wider)


@settings(max_examples=12, deadline=None)
@given(target=st.floats(0.2, 0.95), icc=st.floats(0, 0.3), share=st.floats(0.2, 0.8))
@pytest.mark.parametrize("unknown", ["groups", "group_size", "controls", "effect"])
def test_moderators_in_groups_invert(unknown, target, icc, share):
    design = {"groups": 14, "group_size": 12, "controls": 170, "effect": 0.7}
    del design[unknown]
    try:
        found = p.interaction(power=target, icc=icc, moderator_share=share, **design)
    except NoSolutionError:
        return
    again = p.interaction(icc=icc, moderator_share=share, **design, **{unknown: found.details[unknown]})
    assert again.power == pytest.approx(target, abs=1e-9)


def test_moderators_without_group_effects_are_those_of_people():
    alone = p.interaction(effect=0.4, groups=3000, group_size=2, controls=6000, icc=0)
    assert alone.std_error == pytest.approx(p.interaction(effect=0.4, n=12_000).std_error, rel=1e-12)


def test_a_moderator_in_groups_against_simulation():
    """The known-variance GLS slope of each arm: its variance against the formula's."""
    rng, k, m, n, icc, effect, draws = np.random.default_rng(8), 12, 10, 120, 0.15, 0.65, 10_000
    z, w = rng.random((draws, k, m)) < 0.5, rng.random((draws, n)) < 0.5
    y = math.sqrt(icc) * rng.standard_normal((draws, k, 1)) + math.sqrt(1 - icc) * rng.standard_normal((draws, k, m)) + effect * z
    a = 1 - math.sqrt((1 - icc) / (1 - icc + m * icc))
    zs, ys, one = (x - a * x.mean(2, keepdims=True) for x in (z.astype(float), y, np.ones_like(y)))
    slope, vt = least_squares(*(x.reshape(draws, -1) for x in (one, zs, ys)), k * (m - 1) - 1, k * m - 2)
    other, vc = least_squares(np.ones((draws, n)), w.astype(float), rng.standard_normal((draws, n)), n - 2, n - 2)
    df = (vt + vc) ** 2 / (vt**2 / (k * (m - 1) - 1) + vc**2 / (n - 2))
    seen = (np.abs(slope - other) > -special.stdtrit(df, 0.025) * np.sqrt(vt + vc)).mean()
    found = p.interaction(effect=effect, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen), (found.power, seen)


def least_squares(one, x, y, df, left):
    """Slope and its estimated variance of y on (one, x), by row."""
    s11, s1x, sxx = (one * one).sum(1), (one * x).sum(1), (x * x).sum(1)
    s1y, sxy = (one * y).sum(1), (x * y).sum(1)
    det = s11 * sxx - s1x**2
    slope, level = (s11 * sxy - s1x * s1y) / det, (sxx * s1y - s1x * sxy) / det
    residual = y - level[:, None] * one - slope[:, None] * x
    return slope, (residual**2).sum(1) / left * s11 / det


def test_the_monte_carlo_test_of_mediation_inverts():
    for unknown, fixed in (("n", {"a": 0.4, "b": 0.35}), ("b", {"a": 0.5, "n": 220})):
        found = p.mediation(power=0.8, method="monte_carlo", **fixed)
        again = p.mediation(method="monte_carlo", **fixed, **{unknown: found.details[unknown]})
        assert again.power == pytest.approx(0.8, abs=1e-9)


def test_the_monte_carlo_test_of_mediation_against_simulation():
    rng, n, a, b = np.random.default_rng(9), 120, 0.45, 0.3
    x = np.repeat([-0.5, 0.5], n // 2)
    m = a * x + rng.standard_normal((DRAWS, n))
    y = b * m + rng.standard_normal((DRAWS, n))
    first = m @ x / (x @ x)
    m, y = (v - v.mean(1, keepdims=True) - (v @ x / (x @ x))[:, None] * x for v in (m, y))
    ssm = (m**2).sum(1)
    ta = first / np.sqrt(ssm / (n - 2) / (x @ x))
    second = (m * y).sum(1) / ssm
    tb = second / np.sqrt(((y - second[:, None] * m) ** 2).sum(1) / (n - 3) / ssm)
    u, v = special.ndtr(-np.abs(ta)), special.ndtr(-np.abs(tb))
    seen = (u * (1 - v) + (1 - u) * v < 0.025).mean()
    found = p.mediation(a=a, b=b, n=n, method="monte_carlo")
    assert agrees(found.power, seen, 0.003), (found.power, seen)
    assert abs(found.power - p.mediation(a=a, b=b, n=n).power) < 0.02


def test_strata_against_simulation():
    rng, n, strata, explained, effect = np.random.default_rng(10), 80, 4, 0.3, 0.35
    spread = np.array([-1, -1 / 3, 1 / 3, 1])
    means = spread * math.sqrt(explained / (spread**2).mean())
    arm = np.tile(np.repeat([-0.5, 0.5], n // 4), 4)
    stratum = np.repeat(np.arange(4), n // 2)
    y = means[stratum] + math.sqrt(1 - explained) * rng.standard_normal((DRAWS, 2 * n)) + effect * arm
    y -= y.reshape(DRAWS, 4, n // 2).mean(2)[:, stratum]
    found_effect = y @ arm / (arm @ arm)
    residual = ((y - found_effect[:, None] * arm) ** 2).sum(1) / (2 * n - 5)
    seen = (np.abs(found_effect) > -special.stdtrit(2 * n - 5, 0.025) * np.sqrt(residual / (arm @ arm))).mean()
    found = p.individual(effect=effect, n_per_arm=n, strata_r2=explained, n_strata=strata)
    assert found.df == 2 * n - 5 and agrees(found.power, seen), (found.power, seen)


def test_strata_and_baseline_together_leave_the_product():
    for function, design in (
        (p.individual, {"n_per_arm": 80}),
        (p.grouped, {"groups": 10, "group_size": 9, "controls": 90, "icc": 0.05}),
    ):
        both = function(effect=0.3, **design, strata_r2=0.2, baseline_correlation=0.5)
        r = math.sqrt(1 - 0.8 * 0.75)
        assert both.power == pytest.approx(function(effect=0.3, **design, baseline_correlation=r).power, abs=1e-12)
        assert any("strata explain 20 %" in a for a in both.assumptions)
        assert both.effect_standardized == pytest.approx(0.3)
    assert p.binary(control_rate=0.3, effect=0.15, n_per_arm=90, strata_r2=0.2).power > p.binary(
        control_rate=0.3, effect=0.15, n_per_arm=90
    ).power  # fmt: skip


def test_multisite_is_the_blocked_family_under_its_other_name():
    said = {"effect": 0.25, "block_size": 18, "effects": "random", "icc": 0.12, "effect_heterogeneity": 0.3, "power": 0.8}
    assert p.multisite(**said).blocks == p.blocked(**said).blocks


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: p.noninferiority(margin=1.2, better="higher", control_mean=3, n_per_arm=90), "margin=1.2 must be below 1"),
        (lambda: p.noninferiority(margin=0.8, ratio=0.75, control_mean=3, n_per_arm=90), "lies at or beyond margin=0.8"),
        (lambda: p.noninferiority(margin=0.8, effect=0.1, control_mean=3, n_per_arm=90), "true ratio is said as ratio"),
        (lambda: p.noninferiority(margin=0.2, ratio=0.9, n_per_arm=90), "ratio and better belong to ratios"),
        (lambda: p.noninferiority(margin=0.8, measure="risk_ratio", n_per_arm=90), "needs control_rate"),
        (lambda: p.noninferiority(margin=0.5, ratio=2.5, measure="risk_ratio", control_rate=0.5, n_per_arm=90), "must stay below 2"),
        (lambda: p.noninferiority(margin=0.8, control_mean=3, n_per_arm=90, baseline_correlation=0.5), "no formula for the log of a ratio"),
        (lambda: p.noninferiority(margin=0.8, control_mean=3, event_probability=0.5, n_per_arm=90), "say what is compared once"),
        (lambda: p.noninferiority(margin=0.1, control_rate=0.3, treated=90, power=0.8), "give both treated and controls"),
        (lambda: p.noninferiority(margin=0.1, control_rate=0.3, effect=0.8, **GROUPS), "takes control_rate=0.3 to 1.1"),
        (lambda: p.equivalence(margin=1, control_mean=3, n_per_arm=90), "margin=1 leaves no room"),
        (lambda: p.equivalence(margin=(1.1, 1.3), control_mean=3, n_per_arm=90), "margin must be above 0 and below 1"),
        (lambda: p.interaction(effect=0.4, **GROUPS, moderator_level="group"), "controls have no such moderator"),
        (lambda: p.interaction(effect=0.4, groups=9, group_size=9, controls=80), "icc is missing"),
        (lambda: p.interaction(effect=0.4, n=90, groups=9, group_size=9, controls=80, icc=0.1), "no n, clusters or allocation"),
        (lambda: p.interaction(effect=0.4, icc=1.1, groups=9, group_size=9, controls=80), "icc must be"),
        (lambda: p.mediation(a=0.4, b=0.3, n=90, method="montecarlo"), "Did you mean 'monte_carlo'"),
        (lambda: p.individual(effect=0.4, n=90, strata_r2=1.0), "strata_r2 must be"),
        (lambda: p.individual(effect=0.4, n=90, n_strata=4), "n_strata without strata_r2"),
        (lambda: p.binary(control_rate=0.3, effect=0.1, n=90, strata_r2=0.2, method="fisher"), "strata_r2 has no meaning"),
    ],
)  # fmt: skip
def test_refusals_name_the_argument(call, words):
    with pytest.raises((UsageError, NoSolutionError), match=words):
        call()
