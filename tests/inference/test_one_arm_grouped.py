"""Differences in means from sufficient statistics: equal to `tk.itt` on the people, to the closed form for equal groups, and drawn from the right laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import trialkit as tk
from trialkit.inference.linear.one_arm_grouped import draw_grouped, grouped_differences, grouped_ratio, grouped_statistics
from trialkit.inference.mixed.grouped_reml import grouped_strata, reml_many

DESIGNS = [
    ([10] * 8, 60, 0.1),
    ([10, 10, 11, 11, 11], 50, 0.05),
    ([3, 5, 9, 12, 20], 40, 0.0),
    ([2, 2, 3], 5, 0.3),
    ([4, 12, 1, 7, 7, 9], 30, 0.1),
]


def people(sizes: list[int], alone: int, icc: float, replicates: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes (R, n) and groups (n,)."""
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(alone, -1)])
    y = rng.standard_normal((replicates, len(group))) * np.where(group >= 0, np.sqrt(1 - icc), 1.0)
    y[:, group >= 0] += np.sqrt(icc) * rng.standard_normal((replicates, len(sizes)))[:, group[group >= 0]]
    return y, group


@pytest.mark.parametrize(("sizes", "alone", "icc"), DESIGNS)
def test_equals_itt_on_the_people(sizes, alone, icc):
    y, group = people(sizes, alone, icc, 6)
    found = grouped_differences(grouped_statistics(y=y, group=group))
    lost = np.append(
        group, np.unique(group[group >= 0])
    )  # someone of each group has no outcome: a group of one is what is left of two
    for i, values in enumerate(y):
        d = pd.DataFrame({"arm": np.where(lost >= 0, "circle", "solo"), "group": [None if g < 0 else f"g{g}" for g in lost]})
        d["y"] = np.append(values, np.full(len(lost) - len(group), np.nan))
        trial = tk.Trial(d, arm="arm", control="solo", group="group", grouped_arms=["circle"])
        e = tk.itt(trial, "y", estimator="difference_in_means").estimates[0]
        assert [found.estimate[i], found.std_error[i]] == pytest.approx([e.estimate, e.std_error], rel=1e-10)
        assert found.df[i] == pytest.approx(e.df, rel=1e-6)


@pytest.mark.parametrize(("sizes", "alone", "icc"), DESIGNS)
def test_variances_are_those_of_the_general_reml(sizes, alone, icc):
    """1,000 trials; one in a thousand may have two maxima, of which the two climbs take a different one."""
    y, group = people(sizes, alone, icc, 1000)
    arm = (group >= 0).astype(np.int64)
    general = reml_many(grouped_strata(y=y, X=np.column_stack([np.ones(len(arm)), arm]), part=arm, group=group))
    residual, ratio, converged = grouped_ratio(grouped_statistics(y=y, group=group))
    assert (converged == general.converged).all()
    off = np.abs(np.stack([residual, residual * ratio]) - general.theta[:, 1:].T).max(axis=0)
    assert np.sort(off)[-2] < 1e-6


def test_equal_groups_are_welch_on_group_means():
    y, group = people([10] * 8, 60, 0.3, 200)
    found = grouped_differences(grouped_statistics(y=y, group=group))
    means = np.stack([y[:, group == g].mean(axis=1) for g in range(8)], axis=1)
    vt, vc = means.var(axis=1, ddof=1) / 8, y[:, group < 0].var(axis=1, ddof=1) / 60
    assert found.std_error == pytest.approx(np.sqrt(vt + vc), rel=1e-12)
    welch = (vt + vc) ** 2 / (vt**2 / 7 + vc**2 / 59)
    inside = grouped_ratio(grouped_statistics(y=y, group=group))[1] > -0.09
    assert inside.mean() > 0.9
    assert found.df[inside] == pytest.approx(welch[inside], rel=1e-8)


@pytest.mark.parametrize(("sizes", "alone", "icc"), DESIGNS)
def test_drawn_statistics_have_the_laws_of_those_of_people(sizes, alone, icc):
    drawn = draw_grouped(
        np.random.default_rng(2), 40_000, sizes=np.array(sizes), alone=alone, within=1 - icc, between=icc, alone_variance=1.0
    )
    made = grouped_statistics(y=people(sizes, alone, icc, 10_000)[0], group=people(sizes, alone, icc, 1)[1])
    for name in ("means", "between", "within", "alone_mean", "alone_squares"):
        a, b = getattr(drawn, name), getattr(made, name)
        spread = np.maximum(b.std(axis=0), 1e-12)
        assert np.abs(a.mean(axis=0) - b.mean(axis=0)).max() < (5 * spread / 100).max(), name
        assert a.std(axis=0) == pytest.approx(b.std(axis=0), rel=0.06, abs=1e-9), name


def test_a_hundred_thousand_trials_keep_their_level():
    drawn = draw_grouped(
        np.random.default_rng(3),
        100_000,
        sizes=np.array([10] * 5 + [11] * 5),
        alone=105,
        within=0.9,
        between=0.1,
        alone_variance=1.0,
    )
    found = grouped_differences(drawn)
    p = 2 * special.stdtr(found.df, -np.abs(found.estimate / found.std_error))
    assert found.converged.all()
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.003)


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-2, 1e2), seed=st.integers(0, 1000))
def test_another_unit_and_origin_change_nothing_else(shift, scale, seed):
    y, group = people([4, 6, 6, 9], 20, 0.1, 3, seed)
    one = grouped_differences(grouped_statistics(y=y, group=group))
    two = grouped_differences(grouped_statistics(y=scale * y + shift, group=group))
    assert two.estimate / scale == pytest.approx(one.estimate, rel=1e-6, abs=1e-7 * (1 + abs(shift) / scale))
    assert two.std_error / scale == pytest.approx(one.std_error, rel=1e-6)
    assert two.df == pytest.approx(one.df, rel=1e-4)


def test_order_of_people_and_names_of_groups_do_not_matter():
    y, group = people([4, 6, 6, 9], 20, 0.1, 5)
    order = np.random.default_rng(4).permutation(len(group))
    renamed = np.where(group >= 0, 50 - 7 * group, -1)
    one, two = (grouped_differences(grouped_statistics(y=v, group=g)) for v, g in ((y, group), (y[:, order], renamed[order])))
    for name in ("estimate", "std_error", "df"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-9)


@pytest.mark.parametrize(("sizes", "alone"), [([8], 20), ([1, 1, 1], 20), ([8, 8], 1), ([0, 8], 20)])
def test_a_design_without_a_variance_is_refused(sizes, alone):
    with pytest.raises(ValueError, match="at least two groups"):
        draw_grouped(
            np.random.default_rng(1), 10, sizes=np.array(sizes), alone=alone, within=1.0, between=0.0, alone_variance=1.0
        )
