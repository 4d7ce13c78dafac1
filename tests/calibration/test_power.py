"""Closed-form power against simulation of the test that the formula names; the table goes to docs/calibration/power.csv.

100,000 replicates a setting; fewer where raw data are needed, as the column `replicates` says. Estimates are drawn as sufficient
statistics (means and chi-square variances) where those are exact, so that most settings take hundredths of a second. With groups in one
arm the test that is simulated is the Satterthwaite test: on group means where groups are equal, on REML estimates of the treated arm where
they are not (group variance free to be negative, as in the package's own fit; truncated at zero it loses up to .011 with six groups).

A setting may leave the band of .01 only for a reason that a note of its own result names, and is held to the size that the note names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.power_kernels import Setting
from tests.calibration.power_settings import people_settings
from tests.calibration.power_settings_groups import group_settings
from tests.calibration.tables import write

pytestmark = [pytest.mark.calibration, pytest.mark.slow]

SEED = 20_261_122
WITHIN = 0.010
# kinds of settings: the code of the note and the largest difference
KNOWN = {
    "counts": ("counts", 0.016),
    "counts, normal formula": ("normal_formula", 0.0125),
    "optimistic: attrition": ("attrition_optimistic", 0.012),
    "optimistic: baseline": ("ancova_optimistic", 0.075),
    "optimistic: slope in groups": ("ancova_optimistic", 0.005),
    "optimistic: few people, Welch": ("plugin_df", 0.050),
    "optimistic: few clusters, two SDs": ("plugin_df", 0.050),
    "optimistic: grouped cells": ("plugin_df", 0.030),
    "optimistic: plug-in df": ("plugin_df", 0.035),
    "optimistic: equivalence, few groups": ("plugin_df", 0.020),
    "optimistic: take-up": ("take_up_mixture", 0.145),
    "optimistic: moderator": ("moderator_spread", 0.060),
    "optimistic: ordered, normal formula": ("normal_formula", 0.0135),
    "optimistic: rate": ("binary_groups_optimistic", 0.0135),
    "optimistic: rate, 6 groups": ("binary_groups_optimistic", 0.030),
    "optimistic: rate in clusters": ("binary_clusters_optimistic", 0.033),
    "events: the formula's own case": ("events_formulas", 0.040),
    "events: unequal arms, the other formula's case": ("events_formulas", 0.068),
}


def settings() -> list[Setting]:
    return [*people_settings(), *group_settings()]


def row(setting: Setting, seed: np.random.SeedSequence) -> dict[str, Any]:
    found = setting.answer()
    simulated, closed = setting.simulated(found, np.random.default_rng(seed)), setting.closed_form(found)
    return {
        "family": setting.function,
        "kind": setting.kind,
        "setting": setting.words() + ("" if setting.closed == "power" else f", {setting.closed}"),
        "effect": float(getattr(found, setting.at)),
        "replicates": setting.replicates,
        "closed_form": closed,
        "simulated": simulated,
        "mc_error": float(np.sqrt(simulated * (1 - simulated) / setting.replicates)),
        "difference": closed - simulated,
        "inside": abs(closed - simulated) <= WITHIN,
        "notes": " ".join(n.code for n in found.notes),
    }


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    every = settings()
    rows = [row(s, seed) for s, seed in zip(every, np.random.SeedSequence(SEED).spawn(len(every)))]
    return write(rows, "power")


def test_the_grid_covers_every_family_with_a_power_formula(table):
    assert len(table) >= 500
    not_of_power = {"type_s_m", "optimal_allocation", "optimal_grouped", "optimal_clustered"}
    families = {k for k, v in tk.power.HOMES.items() if v.startswith("families.")} - not_of_power
    assert families - set(table["family"]) <= NOT_SIMULATED


# names of families whose formula is one of those in the grid, or that are simulated by their own tests
NOT_SIMULATED = {"multisite"}


def test_the_formula_is_within_a_hundredth_of_simulation(table):
    held = table[~table["kind"].isin(KNOWN)]
    assert len(held) >= 500
    off = held[~held["inside"]]
    assert off.empty, off.to_string()


def test_exact_power_is_simulated_power(table):
    exact = table[table["kind"] == "exact"]
    assert exact["setting"].str.contains("groups=3,").sum() >= 18
    off = exact[exact["difference"].abs() > 4.5 * exact["mc_error"]]
    assert off.empty, off.to_string()


def test_whatever_is_outside_has_a_note_that_says_so(table):
    for one in table[~table["inside"]].itertuples():
        code, _ = KNOWN[one.kind]
        assert code in one.notes.split(), one


def test_known_differences_have_the_size_that_the_notes_name(table):
    known = table[table["kind"].isin(KNOWN)]
    assert set(known["kind"]) == set(KNOWN)
    off = known[known["difference"].abs() > known["kind"].map({k: size for k, (_, size) in KNOWN.items()})]
    assert off.empty, off.to_string()
    assert known[known["kind"].str.startswith("optimistic")]["difference"].mean() > 0


def test_the_power_in_the_note_is_the_simulated_one(table):
    """Chance imbalance of a covariate: `.power_with_imbalance` has no approximation."""
    rows = [(s, r) for s, r in zip(settings(), table.itertuples()) if s.kind == "optimistic: baseline"]
    assert len(rows) >= 30
    for setting, one in rows:
        assert abs(setting.answer().power_with_imbalance - one.simulated) < 4.5 * one.mc_error, one


def test_enumeration_is_right_where_the_normal_formula_for_counts_is_not(table):
    for setting, one in zip(settings(), table.itertuples()):
        if setting.kind == "counts" and setting.function == "binary" and setting.design.get("method", "pooled") == "pooled":
            exact = tk.power.binary(effect=one.effect, **(setting.design | {"method": "exact"})).power
            assert abs(exact - one.simulated) < 4.5 * one.mc_error, one
