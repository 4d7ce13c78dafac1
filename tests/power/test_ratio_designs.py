"""Ratios of counts, odds and hazards in groups and clusters: exact inversion, reductions, simulation, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import trialkit as tk
from trialkit.errors import UsageError
from trialkit.power import NoSolutionError

p = tk.power
DRAWS = 20_000
COUNT = {"control_mean": 4.0, "dispersion": 0.5}
TIME = {"control_median": 20.0, "accrual": 5.0, "follow_up": 15.0}
ORDERED = {"control_shares": (0.2, 0.3, 0.3, 0.2)}
KINDS = [(p.count, "rate_ratio", COUNT), (p.time_to_event, "hazard_ratio", TIME), (p.ordinal, "odds_ratio", ORDERED)]
GROUPS = {"groups": 14.0, "group_size": 12.0, "controls": 160.0, "icc": 0.04}
CLUSTERS = {"clusters": 30.0, "cluster_size": 12.0, "icc": 0.04}


@settings(max_examples=6, deadline=None)
@given(target=st.floats(0.35, 0.9), icc=st.floats(0, 0.15), ratio=st.sampled_from([0.6, 1.7]))
@pytest.mark.parametrize(("function", "name", "base"), KINDS)
def test_every_size_inverts(function, name, base, target, icc, ratio):
    for design in (GROUPS, CLUSTERS):
        for unknown in [k for k in design if k != "icc"]:
            fixed = {**base, **{k: v for k, v in design.items() if k != unknown}, "icc": icc, name: ratio}
            try:
                found = function(power=target, **fixed)
            except NoSolutionError as error:
                assert unknown in str(error)
                continue
            again = function(**fixed, **{unknown: found.details[unknown]})
            assert again.power == pytest.approx(target, abs=1e-9)


@pytest.mark.parametrize(("function", "name", "base"), KINDS)
@pytest.mark.parametrize("design", [GROUPS, CLUSTERS, {"people": True}], ids=["groups", "clusters", "people"])
@pytest.mark.parametrize("side", ["above", "below"])
def test_the_ratio_inverts_on_either_side(function, name, base, design, side):
    if "people" in design:
        design = {"n": 300} if function is p.time_to_event else {"n_per_arm": 150}
    found = function(power=0.8, ratio_side=side, **base, **design)
    ratio = found.details[name]
    assert (ratio > 1) == (side == "above") and found.solved_for == name
    assert function(**{name: ratio}, **base, **design).power == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize("allocation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("method", ["schoenfeld", "freedman"])
def test_hazard_ratios_on_both_sides_invert_with_unequal_arms(allocation, method):
    found = p.time_to_event(events=260, allocation=allocation, method=method, power=0.8)
    for ratio in (found.hazard_ratio, found.hazard_ratio_above):
        again = p.time_to_event(events=260, allocation=allocation, method=method, hazard_ratio=ratio)
        assert again.power == pytest.approx(0.8, abs=1e-9)


def test_groups_of_one_are_people():
    """With many people on both sides t is normal, and no group effect is left."""
    alone = {"groups": 4000, "group_size": 1, "controls": 4000, "icc": 0}
    assert p.count(rate_ratio=1.06, **COUNT, **alone).power == pytest.approx(
        p.count(rate_ratio=1.06, **COUNT, n_per_arm=4000).power, abs=5e-4
    )
    assert p.ordinal(odds_ratio=1.12, **ORDERED, **alone).power == pytest.approx(
        p.ordinal(odds_ratio=1.12, **ORDERED, n_per_arm=4000).power, abs=5e-4
    )
    assert p.time_to_event(hazard_ratio=1.1, **TIME, **alone).power == pytest.approx(
        p.time_to_event(hazard_ratio=1.1, **TIME, n=8000).power, abs=5e-4
    )


def test_listed_sizes_that_are_equal_are_one_size():
    one = p.count(rate_ratio=1.4, **COUNT, groups=8, group_size=10, controls=80, icc=0.05)
    assert p.count(rate_ratio=1.4, **COUNT, group_size=[10] * 8, controls=80, icc=0.05).power == one.power
    unequal = p.count(rate_ratio=1.4, **COUNT, group_size=[4, 6, 8, 10, 10, 12, 14, 16], controls=80, icc=0.05)
    assert unequal.power < one.power and "unequal_sizes" in {n.code for n in unequal.notes}
    assert p.count(rate_ratio=1.4, **COUNT, clusters=20, cluster_size=10, icc=0.05, size_cv=0.5).power < p.count(
        rate_ratio=1.4, **COUNT, clusters=20, cluster_size=10, icc=0.05
    ).power  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(ratio=st.floats(1.05, 2), more=st.floats(1.02, 1.5), icc=st.floats(0, 0.2))
def test_power_rises_with_the_ratio_and_the_groups_and_falls_with_the_icc(ratio, more, icc):
    base = {**COUNT, **GROUPS, "icc": icc}
    now = p.count(rate_ratio=ratio, **base).power
    assert p.count(rate_ratio=ratio * more, **base).power > now
    assert p.count(rate_ratio=ratio, **{**base, "groups": 14 * more}).power > now
    assert p.count(rate_ratio=ratio, **{**base, "icc": icc + 0.05}).power < now


def welch(log_ratio, treated, control, a, b):
    """Rejections of Welch's t test, its parts of the variance and their df given."""
    v = treated + control
    df = v**2 / (treated**2 / a + control**2 / b)
    return (np.abs(log_ratio) > -special.stdtrit(df, 0.025) * np.sqrt(v)).mean()


def agrees(formula, simulated, within=0.01):
    return abs(formula - simulated) < within + 3 * math.sqrt(simulated * (1 - simulated) / DRAWS)


@pytest.mark.parametrize(("k", "ratio"), [(10, 1.4), (16, 0.75)])
def test_counts_in_groups_against_simulation(k, ratio):
    """Gamma groups and gamma people: group sums of people are negative binomial given the group."""
    rng, m, n, mu, vg, ve = np.random.default_rng(5), 12, 120, 4.0, 0.06, 0.4
    total = (1 + vg) * (1 + ve) - 1
    icc = vg * (mu * ratio) ** 2 / (mu * ratio + total * (mu * ratio) ** 2)
    group = rng.gamma(1 / vg, vg, (DRAWS, k))
    sums = rng.poisson(rng.gamma(m / ve, ve, (DRAWS, k)) * mu * ratio * group)
    alone = rng.poisson(rng.gamma(1 / total, total, (DRAWS, n)) * mu)
    first, second = sums.mean(1) / m, alone.mean(1)
    treated = sums.var(1, ddof=1) / m**2 / k / first**2
    control = alone.var(1, ddof=1) / n / second**2
    seen = welch(np.log(first / second), treated, control, k - 1, n - 1)
    found = p.count(rate_ratio=ratio, control_mean=mu, dispersion=total, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen, 0.02), (found.power, seen)


def test_times_in_groups_against_simulation():
    """Gamma frailties of groups, one length of follow-up: the ratio of exponential rates with variances from the groups' martingale residuals."""
    rng, k, m, n, horizon, ratio = np.random.default_rng(6), 14, 12, 160, 1.0, 1.5
    frailty = rng.gamma(1 / 0.05, 0.05, (DRAWS // 2, k, 1))
    times = rng.exponential(size=(DRAWS // 2, k, m)) / (ratio * frailty)
    other = rng.exponential(size=(DRAWS // 2, n))
    (t, d), (s, e) = ((np.minimum(x, horizon), x < horizon) for x in (times, other))
    first, second = d.sum((1, 2)) / t.sum((1, 2)), e.sum(1) / s.sum(1)
    residual = d - first[:, None, None] * t
    sums = residual.sum(2)
    treated = k / (k - 1) * (sums**2).sum(1) / d.sum((1, 2)) ** 2
    control = ((e - second[:, None] * s) ** 2).sum(1) / e.sum(1) ** 2
    seen = welch(np.log(first / second), treated, control, k - 1, n - 1)
    within = (residual**2).mean()
    # the rate was estimated from k groups
    icc = (k / (k - 1) * (sums**2).mean() / m - within) / (within * (m - 1))
    share = (k * m * d.mean() + n * e.mean()) / (k * m + n)
    marginal = math.exp(np.log(first / second).mean())  # frailty takes the ratio of the arms' hazards towards 1
    assert 1.4 < marginal < ratio
    found = p.time_to_event(hazard_ratio=marginal, event_probability=share, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen, 0.02), (found.power, seen, icc)


def test_ordered_outcomes_in_groups_against_simulation():
    """Latent logistic outcomes with normal group effects; mean ranks against the controls by Welch's test of group means."""
    rng, k, m, n, ratio = np.random.default_rng(7), 14, 10, 140, 1.9
    control = np.array(ORDERED["control_shares"])
    cuts = special.logit(np.cumsum(control)[:-1])
    effect = 0.35 * rng.standard_normal((DRAWS // 2, k, 1))
    latent = math.log(ratio) + effect + rng.logistic(size=(DRAWS // 2, k, m))
    scores = np.cumsum(control) - control / 2
    treated = scores[np.searchsorted(cuts, latent)]
    alone = scores[rng.choice(4, size=(DRAWS // 2, n), p=control)]
    means = treated.mean(2)
    seen = welch(means.mean(1) - alone.mean(1), means.var(1, ddof=1) / k, alone.var(1, ddof=1) / n, k - 1, n - 1)
    centred = treated - treated.mean()
    icc = ((centred.mean(2) ** 2).mean() * m - (centred**2).mean()) / ((centred**2).mean() * (m - 1))
    marginal = p.ordinal(odds_ratio=ratio, **ORDERED, n_per_arm=100).treated_shares
    assert marginal == pytest.approx(np.bincount(np.searchsorted(cuts, latent).ravel(), minlength=4) / latent.size, abs=0.012)
    found = p.ordinal(odds_ratio=ratio, **ORDERED, groups=k, group_size=m, controls=n, icc=icc)
    assert agrees(found.power, seen, 0.03), (found.power, seen, icc)


def test_take_up_of_counts_mixes_means():
    found = p.count(rate_ratio=1.5, **COUNT, n_per_arm=120, take_up=(0.8, 0.1))
    assigned = (1 + 0.8 * 0.5) / (1 + 0.1 * 0.5)
    assert found.power == pytest.approx(p.count(rate_ratio=assigned, **COUNT, n_per_arm=120).power, abs=1e-12)
    assert found.rate_ratio == pytest.approx(1.5) and found.effect_assigned == pytest.approx(math.log(assigned))
    solved = p.count(power=0.8, **COUNT, n_per_arm=120, take_up=(0.8, 0.1))
    assert p.count(rate_ratio=solved.rate_ratio, **COUNT, n_per_arm=120, take_up=(0.8, 0.1)).power == pytest.approx(0.8, abs=1e-9)
    stated = p.count(rate_ratio=1.3, **COUNT, n_per_arm=120, take_up=0.5, effect_on="assigned")
    assert any("1.6 among those who do" in a for a in stated.assumptions)


def test_a_fall_that_no_count_can_show_is_refused():
    with pytest.raises(NoSolutionError, match="10 people per arm reach 71 % at most"):
        p.count(control_mean=1, n_per_arm=10, power=0.95, alternative="less")
    with pytest.raises(NoSolutionError, match="no ratio among those who take part"):
        p.count(control_mean=1, n_per_arm=30, power=0.8, alternative="less", take_up=0.3)


def test_what_an_answer_says():
    text = str(p.count(rate_ratio=1.5, **COUNT, **GROUPS))
    for part in (
        "a rate ratio of 1.5",
        "intracluster correlation 0.04",
        "type M",
        "One more group would bring power to",
        "holds to first order",
    ):
        assert part in text
    gains = {g["change"] for g in p.time_to_event(hazard_ratio=1.5, **TIME, **GROUPS).gains}
    assert gains == {"one more group", "one more member per group", "ten more controls", "a quarter more follow-up"}
    found = p.time_to_event(hazard_ratio=1.5, event_probability=0.6, **GROUPS)
    assert found.events == pytest.approx(0.6 * found.n) and 0 < found.type_s < 0.05


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        (p.count, {"rate_ratio": 1.3, "control_mean": 4, "groups": 10, "group_size": 9, "controls": 90}, "icc is missing"),
        (p.count, {"rate_ratio": 1.3, "control_mean": 4, "n_per_arm": 50, "icc": 0.1}, "icc: independent people have none"),
        (p.count, {"rate_ratio": 1.3, "control_mean": 4, "groups": 10, "group_size": 9, "treated": 90, "icc": 0.1, "power": 0.8}, "treated do not go with groups"),
        (p.count, {"rate_ratio": 1.3, "control_mean": 4, "groups": 10, "clusters": 9, "icc": 0.1}, "two designs"),
        (p.count, {"rate_ratio": 1.3, "control_mean": 4, "groups": 10, "group_size": 9, "controls": 90, "icc": 1.1}, "icc must be"),
        (p.count, {"rate_ratio": 1.05, "control_mean": 1, "groups": 4, "group_size": 9, "icc": 0.1, "power": 0.8}, "no number of controls reaches"),
        (p.ordinal, {"odds_ratio": 1.3, "control_shares": (0.5, 0.5), "n_per_arm": 90, "ratio_side": "up", "power": None}, "ratio_side cannot be"),
        (p.time_to_event, {"hazard_ratio": 1.3, "groups": 10, "group_size": 9, "controls": 90, "icc": 0.1}, "say event_probability"),
        (p.time_to_event, {"hazard_ratio": 1.3, "n": 90, "event_probability": 0.4, "control_median": 4}, "say one or the others"),
        (p.time_to_event, {"hazard_ratio": 1.3, "events": 90, "controls": 40}, "controls: independent people have none"),
        (p.time_to_event, {"hazard_ratio": 1.3, "event_probability": 1.2, "n": 40}, "event_probability must be"),
    ],
)  # fmt: skip
def test_refusals_name_the_argument(function, arguments, words):
    with pytest.raises(UsageError, match=words):
        function(**arguments)
