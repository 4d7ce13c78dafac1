"""What formulas take as fixed: the notes that name the power with chance in it, and their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import trialkit as tk
from trialkit.power.arguments import Test as Level  # pytest would collect it under its own name
from trialkit.power.random_designs import power_with_drawn_moderator, power_with_imbalance

p = tk.power
TWO_SIDED = Level.checked(0.05, "two-sided")


def note(found, code):
    return next((n.text for n in found.notes if n.code == code), None)


@pytest.mark.parametrize("covariates", [1, 3])
@pytest.mark.parametrize("df", [4, 20, 200])
def test_imbalance_is_the_mean_over_its_distribution(covariates, df):
    share = stats.beta(covariates / 2, (df + 1) / 2).ppf((np.arange(20_000) + 0.5) / 20_000)
    cut = stats.t.isf(0.025, df)
    ncp = 3.0 * np.sqrt(1 - share)
    expected = np.mean(stats.nct.sf(cut, df, ncp) + special.nctdtr(df, ncp, -cut))
    found = power_with_imbalance(ncp=3.0, df=df, covariates=covariates, test=TWO_SIDED)
    assert found == pytest.approx(expected, abs=2e-4)


def test_imbalance_fades_with_size_and_grows_with_covariates():
    few, many = (power_with_imbalance(ncp=2.9, df=df, covariates=1, test=TWO_SIDED) for df in (30, 100_000))
    assert few < many
    assert many == pytest.approx(float(special.ndtr(2.9 - 1.959964)), abs=1e-3)
    assert power_with_imbalance(ncp=2.9, df=30, covariates=4, test=TWO_SIDED) < few


@pytest.mark.parametrize(
    ("found", "real"),
    [
        (lambda: p.individual(n_per_arm=15, baseline_correlation=0.6, power=0.8), 0.785),
        (lambda: p.clustered(clusters=8, cluster_size=15, icc=0.1, baseline_r2=0.25, power=0.8), 0.729),
        (lambda: p.clustered(clusters=12, cluster_size=15, icc=0.1, baseline_r2=0.25, power=0.8), 0.757),
        (lambda: p.repeated(n_per_arm=12, correlation=0.55, power=0.8), 0.781),
        (lambda: p.several_arms(arms=2, n_per_arm=12, baseline_correlation=0.5, power=0.8), 0.786),
        (
            lambda: p.blocked(
                blocks=3, clusters_per_block=4, cluster_size=12, icc=0.1, cluster_r2=0.5, n_covariates=1, power=0.8
            ),
            0.729,
        ),
    ],
)
def test_designs_with_a_covariate_name_the_power_with_its_imbalance(found, real):
    result = found()
    assert result.power_with_imbalance == pytest.approx(real, abs=1e-3)
    assert f"{100 * result.power_with_imbalance:.1f}".removesuffix(".0") in note(result, "ancova_optimistic")
    again = tk.Result.from_dict(result.to_dict())
    assert again.power_with_imbalance == pytest.approx(result.power_with_imbalance)


def test_no_covariate_no_note():
    for found in (p.individual(n_per_arm=15, power=0.8), p.clustered(clusters=8, cluster_size=15, icc=0.1, power=0.8)):
        assert note(found, "ancova_optimistic") is None and "power_with_imbalance" not in found.details
    normal = p.individual(n_per_arm=15, baseline_correlation=0.6, power=0.8, test="z")
    assert note(normal, "ancova_optimistic") is None


def test_plug_in_df_of_few_units_name_the_exact_power():
    few = p.individual(treated=4, controls=4, sd=(2.0, 1.0), power=0.8)
    assert "77.7 %" in note(few, "plugin_df")
    assert note(p.individual(treated=40, controls=60, sd=(2.0, 1.0), power=0.8), "plugin_df") is None
    clusters = p.clustered(clusters=8, cluster_size=15, icc=0.1, sd=(1.5, 1.0), power=0.8)
    assert "76.6 %" in note(clusters, "plugin_df")
    cells = [{"n": 60}, {"n": 60}, *[{"groups": 4, "group_size": 8, "icc": 0.1}] * 2]
    assert note(p.factorial(cells=cells, power=0.8), "plugin_df")
    assert note(p.factorial(n_per_cell=20, power=0.8), "plugin_df") is None


def test_take_up_names_the_mixture():
    found = p.individual(n_per_arm=100, take_up=0.4, power=0.8)
    text = note(found, "take_up_mixture")
    assert f"by {0.4 * 0.6 * found.effect**2:.3g}" in text and "0.046 lower" in text
    stated = p.individual(n_per_arm=100, take_up=0.4, effect_on="assigned", effect=found.effect_assigned)
    assert f"by {0.4 * 0.6 * found.effect**2:.3g}" in note(stated, "take_up_mixture")
    # with the mixture in the SD the drop is the one that the note names
    mixed = p.individual(n_per_arm=100, take_up=0.4, effect=found.effect, sd=(np.sqrt(1 + 0.24 * found.effect**2), 1.0))
    assert found.power - mixed.power == pytest.approx(0.0455, abs=0.001)
    for other in (
        p.individual(n_per_arm=2000, take_up=0.9, power=0.8),
        p.individual(n_per_arm=50, power=0.8),
        p.binary(control_rate=0.3, n_per_arm=200, take_up=0.5, power=0.8),
    ):
        assert note(other, "take_up_mixture") is None


def test_a_drawn_moderator_costs_power():
    rng = np.random.default_rng(4)
    n = 20
    stretch = 0.5 * n * (1 / rng.chisquare(n - 1, 400_000) + 1 / rng.chisquare(n - 1, 400_000))
    cut = stats.t.isf(0.025, 36)
    chances = stats.norm.sf(cut * np.sqrt(rng.chisquare(36, 400_000) / 36) - 2.9 / np.sqrt(stretch))
    found = power_with_drawn_moderator(ncp=2.9, df=36, units=(n, n), test=TWO_SIDED)
    assert found == pytest.approx(chances.mean(), abs=0.002)
    assert note(p.interaction(n=40, moderator_sd=1.0, power=0.8), "moderator_spread")
    assert note(p.interaction(n=40, power=0.8), "moderator_spread") is None
    assert note(p.interaction(n=2000, moderator_sd=1.0, power=0.8), "moderator_spread") is None


def test_survival_names_both_formulas_where_they_part():
    apart = p.time_to_event(events=150, hazard_ratio=0.6, allocation=(2, 1))
    other = p.time_to_event(events=150, hazard_ratio=0.6, allocation=(2, 1), method="freedman")
    for found in (apart, other):
        assert "83.9 %" in note(found, "events_formulas") and "88.3 %" in note(found, "events_formulas")
    assert note(p.time_to_event(events=2000, hazard_ratio=0.9), "events_formulas") is None


def test_margins_keep_no_number_of_another_test():
    design = {"n_per_arm": 30, "baseline_correlation": 0.5}
    both = p.equivalence(margin=0.6, **design)
    assert "power_with_imbalance" not in both.details and "%" not in note(both, "ancova_optimistic")
    one = p.noninferiority(margin=0.6, power=None, **design)
    assert one.power_with_imbalance < one.power
    for found in (p.equivalence(margin=0.6, n_per_arm=60, take_up=0.5), p.noninferiority(margin=0.6, n_per_arm=60, take_up=0.5)):
        assert note(found, "take_up_mixture") is None


def test_other_known_sizes_are_named():
    assert note(p.ordinal(control_shares=[0.2, 0.5, 0.3], n_per_arm=60, power=0.8), "normal_formula")
    assert note(p.ordinal(control_shares=[0.2, 0.5, 0.3], n_per_arm=400, power=0.8), "normal_formula") is None
    assert note(p.clustered(clusters=20, cluster_size=20, icc=0.05, control_rate=0.4, power=0.8), "binary_clusters_optimistic")
    assert note(p.individual(n_per_arm=15, attrition=0.2, power=0.8), "attrition_optimistic")
    assert note(p.individual(n_per_arm=100, attrition=0.2, power=0.8), "attrition_optimistic") is None


@pytest.mark.parametrize("direct", [0.0, 0.2, -0.2])
def test_path_b_of_clusters_is_found(direct):
    design = {"clusters": 100, "cluster_size": 10, "icc": 0.3, "a": 0.8, "direct": direct, "mediator_level": "cluster"}
    b = p.mediation(**design, power=0.5).b
    assert p.mediation(**design, b=b).power == pytest.approx(0.5)
