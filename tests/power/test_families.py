"""Every power function: exact inversion, reductions to one another, what the notes say."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.power import NoSolutionError

p = tk.power
POWERS = st.floats(0.15, 0.99)


def check_inverse(function, target, unknown, **fixed):
    """The value found gives the target back, at 1e-9."""
    try:
        found = function(power=target, **fixed)
    except NoSolutionError as error:
        assert unknown in str(error) or "out of reach" in str(error) or "smallest possible" in str(error)
        assume(False)
    back = function(**fixed, **{unknown: getattr(found, unknown)})
    assert back.power == pytest.approx(target, abs=1e-9)
    assert found.power_at_design >= target - 1e-9 or unknown in ("effect", "controls")
    return found


@settings(max_examples=40, deadline=None)
@given(target=POWERS, effect=st.floats(0.1, 1.2), attrition=st.floats(0, 0.4), r=st.one_of(st.none(), st.floats(0, 0.9)))
def test_individual_inverts(target, effect, attrition, r):
    fixed = {"attrition": attrition, "baseline_correlation": r}
    check_inverse(p.individual, target, "n_per_arm", effect=effect, **fixed)
    check_inverse(p.individual, target, "effect", n_per_arm=10 + 100 * effect, sd=(1.0, 2.0), **fixed)


@settings(max_examples=25, deadline=None)
@given(target=POWERS, icc=st.floats(0, 0.4), m=st.floats(2, 40), effect=st.floats(0.15, 1))
def test_clustered_inverts(target, icc, m, effect):
    check_inverse(p.clustered, target, "clusters", effect=effect, icc=icc, cluster_size=m)
    check_inverse(p.clustered, target, "cluster_size", effect=effect, icc=icc, clusters=30)
    check_inverse(p.clustered, target, "effect", icc=icc, clusters=12, cluster_size=m, size_cv=0.4)


@settings(max_examples=25, deadline=None)
@given(
    target=st.floats(0.3, 0.95),
    icc=st.floats(0, 0.3),
    k=st.integers(3, 25),
    method=st.sampled_from(["exact", "satterthwaite"]),
    unknown=st.sampled_from(["effect", "groups", "group_size", "controls"]),
)
def test_grouped_inverts(target, icc, k, method, unknown):
    sizes = {"groups": k, "group_size": 9, "controls": 70, "effect": 0.6}
    del sizes[unknown]
    check_inverse(p.grouped, target, unknown, icc=icc, method=method, **sizes)


@settings(max_examples=25, deadline=None)
@given(
    target=POWERS,
    rate=st.floats(0.05, 0.6),
    effect=st.floats(0.05, 0.3),
    method=st.sampled_from(["pooled", "unpooled", "arcsine"]),
)
def test_binary_inverts(target, rate, effect, method):
    check_inverse(p.binary, target, "n_per_arm", control_rate=rate, effect=effect, method=method)
    check_inverse(p.binary, target, "effect", control_rate=rate, n_per_arm=150, method=method)


def test_paired_inverts():
    check_inverse(p.paired, 0.83, "pairs", effect=0.3, correlation=0.4, sd=(1.0, 1.4), attrition=0.1)
    check_inverse(p.paired, 0.83, "effect", pairs=25, alternative="less")


def test_an_effect_looked_for_below_zero_is_negative():
    up, down = (p.individual(n_per_arm=50, power=0.8, alternative=a).effect for a in ("greater", "less"))
    assert down == pytest.approx(-up)
    assert p.binary(control_rate=0.4, n_per_arm=200, power=0.8, alternative="less").effect < 0


def test_one_arm_may_be_solved_for():
    found = p.individual(effect=0.5, power=0.8, treated=50)
    assert found.solved_for == "controls" and found.controls > 50
    assert p.individual(effect=0.5, treated=50, controls=found.controls).power == pytest.approx(0.8)


def test_welch_is_the_pooled_test_where_the_arms_are_alike():
    assert p.individual(effect=0.4, n_per_arm=40, sd=(2, 2)).power == pytest.approx(
        p.individual(effect=0.4, n_per_arm=40, sd=2).power
    )


def test_groups_of_one_are_welch():
    alone = p.grouped(effect=0.5, groups=40, group_size=1, controls=80, icc=0, sd=(1.5, 1), method="satterthwaite")
    assert alone.power == pytest.approx(p.individual(effect=0.5, treated=40, controls=80, sd=(1.5, 1)).power, abs=1e-12)


def test_grouped_anchors_of_the_three_methods():
    design = {"effect": 0.5, "groups": 10, "group_size": 10, "controls": 78, "icc": 0.1}
    assert p.grouped(**design).power == pytest.approx(0.76533, abs=5e-6)
    assert p.grouped(**design, method="satterthwaite").power == pytest.approx(0.76707, abs=5e-6)
    del design["controls"]
    # clusterPower, which counts the upper tail only, has 77.81084
    assert p.grouped(**design, power=0.8, test="z").controls == pytest.approx(77.81084, abs=1e-3)


def test_equal_sizes_listed_are_one_size():
    design = {"effect": 0.5, "controls": 60, "icc": 0.1}
    listed, said = p.grouped(group_size=[8] * 9, **design), p.grouped(groups=9, group_size=8, **design)
    assert listed.power == said.power and listed.group_size == 8 and listed.groups == 9
    sizes = ((12,) * 6, (12,) * 6)
    assert p.clustered(effect=0.5, cluster_size=sizes, icc=0.1).power == pytest.approx(
        p.clustered(effect=0.5, clusters=12, cluster_size=12, icc=0.1).power
    )


def test_unequal_sizes_cost_power():
    equal = p.grouped(effect=0.5, group_size=[10] * 8, controls=60, icc=0.1).power
    unequal = p.grouped(effect=0.5, group_size=[4, 4, 6, 8, 12, 14, 16, 16], controls=60, icc=0.1)
    assert unequal.power < equal
    assert "unequal_sizes" in {n.code for n in unequal.notes}


def test_icc_and_variances_say_the_same():
    one = p.grouped(effect=1.0, groups=8, group_size=10, controls=60, icc=0.2, sd=(3, 2), baseline_correlation=0.5)
    other = p.grouped(
        effect=1.0, groups=8, group_size=10, controls=60, var_group=1.8, var_resid=7.2, var_control=4.0, baseline_correlation=0.5
    )
    assert one.power == pytest.approx(other.power, abs=1e-12)
    assert one.effect_standardized == pytest.approx(0.5) and "control" in one.standardizer


def test_a_baseline_takes_nothing_from_the_group_variance():
    found = p.grouped(effect=0.5, groups=10, group_size=10, controls=100, icc=0.1, baseline_correlation=0.6)
    assert found.std_error**2 == pytest.approx(0.1 / 10 + (0.9 - 0.36) / 100 + 0.64 / 100)


def test_attrition_shrinks_groups_and_never_their_number():
    lost = p.grouped(effect=0.5, groups=10, group_size=12, controls=100, icc=0.1, attrition=(0.25, 0.1))
    left = p.grouped(effect=0.5, groups=10, group_size=9, controls=90, icc=0.1)
    assert lost.power == pytest.approx(left.power, abs=1e-12)
    assert lost.n == 220 and "attrition_optimistic" in {n.code for n in lost.notes}


def test_whose_effect_it_is():
    diluted = p.individual(effect=0.5, n_per_arm=80, take_up=(0.7, 0.1))
    assert diluted.effect_assigned == pytest.approx(0.3)
    assert diluted.power == p.individual(effect=0.3, n_per_arm=80).power
    assigned = p.individual(effect=0.3, n_per_arm=80, take_up=(0.7, 0.1), effect_on="assigned")
    assert assigned.power == diluted.power and any("0.5 on compliers" in a for a in assigned.assumptions)
    assert p.individual(n_per_arm=80, power=0.8, take_up=0.6).effect == pytest.approx(
        p.individual(n_per_arm=80, power=0.8).effect / 0.6
    )


def test_allocation_ties_controls_to_the_treated():
    found = p.grouped(effect=0.5, group_size=10, allocation=(1, 2), icc=0.1, power=0.8)
    assert found.controls == pytest.approx(2 * found.treated)
    assert p.grouped(effect=0.5, groups=10, group_size=10, allocation=(1, 2), icc=0.1).controls == 200


def test_two_roots_and_the_cost_of_more_controls_are_told():
    found = p.grouped(effect=0.6, groups=4, group_size=10, icc=0.05, power=0.59, method="satterthwaite")
    note = next(n for n in found.notes if n.code == "two_roots")
    assert "345.4" in note.text and found.controls < 100
    many = p.grouped(effect=0.6, groups=4, group_size=10, controls=2000, icc=0.05)
    assert "more_controls_lose" in {n.code for n in many.notes}
    few = p.grouped(effect=0.6, groups=4, group_size=10, controls=40, icc=0.05)
    assert few.power < p.grouped(effect=0.6, groups=4, group_size=10, controls=60, icc=0.05).power
    assert "more_controls_lose" not in {n.code for n in few.notes}


def test_a_target_just_below_the_peak_is_found_and_above_it_refused():
    fixed = {"effect": 0.6, "groups": 4, "group_size": 10, "icc": 0.05, "method": "satterthwaite"}
    peak = max(p.grouped(**fixed, controls=c).power for c in range(95, 108))
    near = p.grouped(**fixed, power=peak - 1e-6)
    assert 90 < near.controls < 102
    with pytest.raises(NoSolutionError, match="at about 101"):
        p.grouped(**fixed, power=peak + 1e-4)


def test_groups_in_both_arms_may_change_places():
    one = p.grouped(effect=0.5, groups=10, group_size=8, icc=0.1, control_groups=8, control_group_size=12, control_icc=0.04)
    other = p.grouped(effect=0.5, groups=8, group_size=12, icc=0.04, control_groups=10, control_group_size=8, control_icc=0.1)
    assert one.power == pytest.approx(other.power, abs=1e-11)
    found = p.grouped(effect=0.5, groups=10, group_size=8, icc=0.1, control_group_size=12, power=0.7)
    assert found.solved_for == "control_groups" and found.design["control_groups"] == math.ceil(found.control_groups)


def test_exact_counts_are_whole_and_the_saw_is_told():
    found = p.binary(control_rate=0.1, effect=0.2, power=0.8, method="fisher")
    assert found.n_per_arm == int(found.n_per_arm) and found.power >= 0.8
    assert p.binary(control_rate=0.1, effect=0.2, n_per_arm=found.n_per_arm - 1, method="fisher").power < 0.8
    assert 0 < found.size < 0.05
    dips = p.binary(control_rate=0.3, effect=0.3, power=0.8, method="exact")
    assert any(n.code == "saw" for n in dips.notes) == any(
        p.binary(control_rate=0.3, effect=0.3, n_per_arm=dips.n_per_arm + i, method="exact").power < 0.8 for i in range(1, 13)
    )


def test_rough_normal_formulas_for_counts_say_so():
    assert "few_events" in {n.code for n in p.binary(control_rate=0.05, effect=0.1, n_per_arm=40).notes}
    assert "counts" in {n.code for n in p.binary(control_rate=0.3, effect=0.1, n_per_arm=300).notes}
    assert not p.binary(control_rate=0.3, effect=0.1, n_per_arm=3000).notes


def test_cluster_covariates_said_in_three_ways():
    design = {"effect": 0.3, "clusters": 40, "cluster_size": 20, "icc": 0.05}
    one = p.clustered(**design, baseline_r2=0.36)
    assert p.clustered(**design, baseline_correlation=0.6).power == one.power
    assert p.clustered(**design, individual_r2=0.36, cluster_r2=0.36).power == one.power
    same_people = p.clustered(**design, cluster_autocorrelation=0.6, individual_autocorrelation=0.6)
    assert same_people.power == pytest.approx(one.power) and same_people.correlation_of_means == pytest.approx(0.6)
    assert one.df == 37 and p.clustered(**design, individual_r2=0.36).df == 38


def test_unequal_numbers_of_clusters_are_rounded_by_arm():
    found = p.clustered(effect=0.4, cluster_size=15, icc=0.05, allocation=(1, 2), power=0.8)
    treated, control = found.design["allocation"]
    assert (treated, control) == (math.ceil(found.clusters / 3), math.ceil(2 * found.clusters / 3))
    assert p.clustered(effect=0.4, icc=0.05, **found.design).power == pytest.approx(found.power_at_design)


def test_the_normal_test_is_the_limit():
    assert p.individual(effect=0.5, power=0.8, test="z").n_per_arm == pytest.approx(
        2 * (1.959964 + 0.841621) ** 2 / 0.25, abs=1e-3
    )
    assert math.isinf(p.clustered(effect=0.3, clusters=30, cluster_size=10, icc=0.05, test="z").df)
