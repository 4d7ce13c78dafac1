"""Impossible inputs and targets: a sentence that names the argument and the bound, never a bracket's end."""

from __future__ import annotations

import pytest

import trialkit as tk
from trialkit.errors import TrialkitError, UsageError
from trialkit.power import NoSolutionError

p = tk.power
GROUPED = {"effect": 0.25, "groups": 10, "group_size": 5, "controls": 50, "icc": 0.1}


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        (p.individual, {"effect": 0.4}, "'power' and 'n_per_arm' are missing"),
        (p.individual, {"effect": 0.4, "power": 0.8, "n_per_arm": 50}, "nothing to solve for"),
        (p.individual, {"effect": 0.4, "n": 50, "treated": 20}, "n, treated are given together"),
        (p.individual, {"effect": 0.4, "n_per_arm": 50, "allocation": (2, 1)}, "n_per_arm means equal arms"),
        (p.individual, {"effect": 0.4, "n_per_arm": 10, "attrition": 0.95}, "attrition=0.95 leaves 0.5 of 10"),
        (p.individual, {"effect": 0.4, "n": 3, "baseline_correlation": 0.3}, "0 degrees of freedom"),
        (p.individual, {"effect": [0.1, 0.2], "n": 30}, "tk.power.curve"),
        (p.individual, {"effect": "0.3", "n": 30}, "effect must be a finite number"),
        (p.individual, {"effect": float("nan"), "n": 30}, "effect must be a finite number"),
        (p.individual, {"effect": 0.4, "n": 30, "sd": 0}, "sd must be above 0"),
        (p.individual, {"effect": 0.4, "n": 30, "sd": (1, 2, 3)}, "sd must be one number or .treated, control."),
        (p.individual, {"effect": 0.4, "n": 30, "alpha": 5}, "alpha must be above 0 and below 1"),
        (p.individual, {"effect": 0.4, "n": 30, "alternative": "two_sided"}, "Did you mean 'two-sided'"),
        (p.individual, {"effect": 0.4, "n": 30, "allocation": 2}, "allocation must be"),
        (p.individual, {"effect": 0.4, "n": 30, "take_up": (0.3, 0.5)}, "take_up of the treated arm"),
        (p.individual, {"effect": 0.4, "n": 30, "effect_on": "complier"}, "Did you mean 'compliers'"),
        (p.individual, {"effect": 0.4, "n": 30, "sd": (1, 2), "standardizer": "controls"}, "Did you mean 'control'"),
        (p.individual, {"effect": 0.4, "power": 0.04}, "power=0.04 is not above alpha"),
        (p.individual, {"effect": 0.4, "power": 1.0}, "power must be above 0 and below 1"),
        (p.paired, {"effect": 0.3, "pairs": 20, "correlation": 1.2}, "correlation must be"),
        (p.binary, {"control_rate": 30, "effect": 0.1, "n": 100}, "control_rate must be"),
        (p.binary, {"control_rate": 0.3, "effect": 0.8, "n": 100}, "Give an effect between -0.3 and 0.7"),
        (p.binary, {"control_rate": 0.3, "effect": 0.1, "n": 100, "method": "fischer"}, "Did you mean 'fisher'"),
        (
            p.binary,
            {"control_rate": 0.3, "effect": 0.1, "n": 100, "method": "exact", "baseline_correlation": 0.4},
            "baseline_correlation has no",
        ),
        (p.binary, {"control_rate": 0.3, "effect": 0.01, "n": 40_000, "method": "fisher"}, "too large to enumerate"),
        (p.clustered, {"effect": 0.3, "clusters": 3, "cluster_size": 9, "icc": 0.1}, "clusters must be at least 4"),
        (p.clustered, {"effect": 0.3, "clusters": 9, "cluster_size": 9, "icc": 1.2}, "icc must be"),
        (
            p.clustered,
            {"effect": 0.3, "clusters": 9, "cluster_size": 9, "icc": 0.6, "subcluster_icc": 0.6},
            "sum must not exceed 1",
        ),
        (p.clustered, {"effect": 0.3, "cluster_size": [3, 4], "icc": 0.1}, "two lists"),
        (p.clustered, {"effect": 0.3, "cluster_size": [[3, 4], [5, 6]], "icc": 0.1, "size_cv": 0.3}, "leave out size_cv"),
        (p.clustered, {"effect": 0.3, "cluster_size": [[3, 4], [5, 6]], "icc": 0.1, "clusters": 5}, "lists 4 clusters"),
        (
            p.clustered,
            {"effect": 0.3, "clusters": 9, "cluster_size": 9, "icc": 0.1, "baseline_r2": 0.2, "cluster_r2": 0.1},
            "once",
        ),
        (
            p.clustered,
            {"effect": 0.3, "clusters": 9, "cluster_size": 9, "icc": 0.1, "cluster_autocorrelation": 0.2},
            "belong together",
        ),
        (p.grouped, GROUPED | {"icc": None}, "icc is missing"),
        (p.grouped, GROUPED | {"icc": 1.5}, "icc must be at least 0 and at most 1"),
        (p.grouped, GROUPED | {"groups": 1}, "groups must be at least 2"),
        (p.grouped, GROUPED | {"controls": 2, "attrition": 0.5}, "controls must be at least 4"),
        (p.grouped, GROUPED | {"var_group": 0.1}, "var_resid and var_control missing"),
        (p.grouped, GROUPED | {"var_group": 0.1, "var_resid": 1, "var_control": 1}, "said twice"),
        (p.grouped, GROUPED | {"icc": 0.9, "baseline_correlation": 0.8}, "baseline_correlation=0.8 removes 0.64"),
        (p.grouped, GROUPED | {"group_size": [5, 6, 7]}, "lists 3 groups"),
        (p.grouped, GROUPED | {"group_size": [5]}, "fewer than 2 groups"),
        (p.grouped, GROUPED | {"control_groups": 5, "control_group_size": 6}, "leave controls out"),
        (p.grouped, GROUPED | {"allocation": (1, 1)}, "allocation ties"),
        (p.grouped, GROUPED | {"method": "plugin"}, "method cannot be"),
    ],
)
def test_impossible_inputs_are_named(function, arguments, words):
    with pytest.raises(UsageError, match=words):
        function(**arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        (p.individual, {"effect": 0, "power": 0.8}, "effect=0"),
        (p.individual, {"effect": -0.3, "power": 0.8, "alternative": "greater"}, "other direction"),
        (p.individual, {"effect": 9, "power": 0.8}, "n_per_arm=2 gives"),
        (p.individual, {"effect": 0.3, "power": 0.8, "treated": 50}, "More than 87.2 treated"),
        (p.binary, {"control_rate": 0.98, "power": 0.9, "n": 20}, "cannot exceed 0.02"),
        (p.binary, {"control_rate": 0.2, "effect": 0.75, "power": 0.1, "method": "exact"}, "smallest possible design"),
        (p.clustered, {"effect": 0.25, "clusters": 20, "icc": 0.1, "power": 0.8}, "More than 52.2 clusters"),
        (p.clustered, {"effect": 3, "cluster_size": 5, "icc": 0.1, "power": 0.5}, "clusters=4 gives"),
        (
            p.grouped,
            {"effect": 0.6, "groups": 5, "group_size": 10, "icc": 0.05, "power": 0.8, "method": "satterthwaite"},
            "About 5.34 groups",
        ),
        (p.grouped, {"effect": 0.25, "groups": 9, "controls": 200, "icc": 0.1, "power": 0.8}, r"z\^2 var_group/effect\^2 = 12.6"),
        (p.grouped, {"effect": 0.25, "group_size": 10, "controls": 50, "icc": 0.1, "power": 0.8}, "127.5 controls are needed"),
        (p.grouped, {"effect": 0.25, "power": 0.8, "controls": 40, "icc": 0.0, "groups": 6}, "Raise controls"),
        (p.grouped, {"effect": 0.2, "power": 0.8, "groups": 4, "allocation": (1, 1), "icc": 0.1}, "of them are needed"),
        (p.grouped, {"effect": 0.5, "power": 0.9, "group_size": [6, 7, 9], "icc": 0.05}, "no number of controls reaches"),
        (
            p.grouped,
            {"effect": 0.5, "power": 0.9, "group_size": 6, "icc": 0.05, "control_groups": 5, "control_group_size": 7},
            "control_groups",
        ),
    ],
)
def test_targets_out_of_reach_name_what_binds(function, arguments, words):
    with pytest.raises(NoSolutionError, match=words) as caught:
        function(**arguments)
    assert isinstance(caught.value, TrialkitError) and isinstance(caught.value, ValueError)


def test_the_floors_named_are_the_true_ones():
    """Just above the bound that an error names, a solution exists; just below it none does."""
    at = {"effect": 0.25, "icc": 0.1, "power": 0.8}
    assert p.clustered(clusters=52.3, **at).cluster_size > 500
    with pytest.raises(NoSolutionError):
        p.clustered(clusters=52.2, **at)
    few = {"effect": 0.6, "group_size": 10, "icc": 0.05, "power": 0.8, "method": "satterthwaite"}
    assert p.grouped(groups=5.36, **few).controls > 50
    with pytest.raises(NoSolutionError):
        p.grouped(groups=5.33, **few)
    assert p.individual(effect=0.3, power=0.8, treated=87.3).controls > 1000
