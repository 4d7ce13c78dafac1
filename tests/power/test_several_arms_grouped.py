"""Several active arms of which some meet in groups: inversion, reduction to one comparison, simulation, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import trialkit as tk
from tests.power.test_ratio_designs import DRAWS, agrees
from trialkit.errors import UsageError

p = tk.power
DESIGN = {"group_size": 10, "icc": 0.06, "controls": 150}


@pytest.mark.parametrize("power_of", ["weakest", "any", "all"])
@pytest.mark.parametrize("correction", ["bonferroni", "none"])
def test_groups_and_the_common_effect_invert(power_of, correction):
    more = {**DESIGN, "power_of": power_of, "correction": correction}
    field = {"weakest": lambda r: min(r.power), "any": lambda r: r.power_any, "all": lambda r: r.power_all}[power_of]
    found = p.several_arms(effects=[0.5, 0.4], power=0.8, **more)
    assert field(p.several_arms(effects=[0.5, 0.4], groups=found.groups, **more)) == pytest.approx(0.8, abs=1e-9)
    effect = p.several_arms(arms=3, groups=14, power=0.8, **more)
    assert field(p.several_arms(effects=effect.effects, groups=14, **more)) == pytest.approx(0.8, abs=1e-9)
    assert found.power_at_design >= 0.8


def test_a_comparison_is_that_of_two_arms_at_the_corrected_level():
    found = p.several_arms(effects=[0.5, 0.4], groups=12, grouped=[True, False], n_per_arm=90, baseline_correlation=0.4, **DESIGN)
    first = p.grouped(effect=0.5, groups=12, baseline_correlation=0.4, alpha=0.025, **DESIGN)
    assert found.power[0] == pytest.approx(first.power, abs=1e-9)
    second = p.individual(effect=0.4, treated=90, controls=150, sd=((1 - 0.16) ** 0.5,) * 2, alpha=0.025)
    assert found.power[1] == pytest.approx(second.power, abs=2e-4)
    assert found.power_all <= min(found.power) + 1e-3 and max(found.power) - 1e-3 <= found.power_any <= sum(found.power)


def test_against_simulation():
    rng, k, m, n, icc, effects = np.random.default_rng(11), 14, 10, 150, 0.06, (0.45, 0.35)
    spread = np.sqrt(icc + (1 - icc) / m)
    control, vc = rng.standard_normal(DRAWS) / np.sqrt(n), rng.chisquare(n - 1, DRAWS) / (n - 1) / n
    rejected = []
    for effect in effects:
        means = effect + spread * rng.standard_normal((DRAWS, k))
        vt = means.var(1, ddof=1) / k
        df = (vt + vc) ** 2 / (vt**2 / (k - 1) + vc**2 / (n - 1))
        rejected.append(np.abs(means.mean(1) - control) > -special.stdtrit(df, 0.0125) * np.sqrt(vt + vc))
    found = p.several_arms(effects=effects, groups=k, **DESIGN)
    for formula, seen in zip(found.power, rejected):
        assert agrees(formula, seen.mean())
    assert agrees(found.power_any, (rejected[0] | rejected[1]).mean())
    assert agrees(found.power_all, (rejected[0] & rejected[1]).mean())


def test_what_it_says():
    text = str(p.several_arms(effects=[0.5, 0.4], groups=12, grouped=[True, False], **DESIGN))
    people = p.several_arms(effects=[0.5, 0.4], n_per_arm=60, controls=80)
    assert "The weakest comparison's power would rise with ten more people per active arm" in str(people)
    assert people.effect_standardized == 0.5 and people.type_m[0] < people.type_m[1]
    assert "12 groups of 10 in each active arm with groups and 150 controls" in text and "plug-in degrees of freedom" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"correction": "dunnett"}, "needs one variance for all arms"),
        ({"icc": None}, "icc missing"),
        ({"icc": 1.2}, "icc must be"),
        ({"grouped": [True]}, "each of the 2 active arms"),
        ({"grouped": [False, False]}, "at least one that they do"),
        ({"power": 0.8}, "missing: none"),
        ({"baseline_correlation": 0.98}, "lies within groups only"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(UsageError, match=words):
        p.several_arms(**{"effects": [0.5, 0.4], "groups": 12, **DESIGN, **arguments})
