"""jobs_ii_2000, kast_2012_sms and tyohon: what their READMEs show is what is found, and what is built in is in the data."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import trialkit as tk

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "analyses"))
import worlds  # noqa: E402  (a folder of scripts)

pytestmark = pytest.mark.filterwarnings("ignore::trialkit.measurement.UnverifiedScaleWarning")


@cache
def script(key):
    found = importlib.util.spec_from_file_location(f"run_{key}", ROOT / "analyses" / key / "run.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def shown(key, table):
    text = (ROOT / "analyses" / key / "README.md").read_text("utf-8")
    for row in table.itertuples(index=False):
        line = "| " + " | ".join(str(v) for v in row) + " |"
        assert line in text, line


def test_readme_of_messages_and_meetings(capsys):
    run = script("kast_2012_sms")
    people = run.trial(tk.read(run.DATA))
    shown("kast_2012_sms", run.table(people))
    shown("kast_2012_sms", run.course(people))
    assert run.main([]) == 0 and "not inferior" in capsys.readouterr().out
    assert run.main(["x"]) == 2


def test_readme_of_tyohon_shows_the_indirect_effects():
    run = script("tyohon")
    shown("tyohon", run.mediation(run.trial()))
    assert run.main(["a", "b"]) == 2


def test_readme_of_jobs_ii_shows_what_the_plan_does_not_carry():
    run = script("jobs_ii_2000")
    for table in run.tables(run.trial()).values():
        shown("jobs_ii_2000", table)
    assert run.main(["a", "b"]) == 2


def test_coverage_tables_have_a_row_for_each_analysis():
    assert len(script("kast_2012_sms").coverage(2)) == 6
    assert len(script("jobs_ii_2000").coverage(2)) == 6
    assert script("tyohon").coverage(2)["what"].nunique() == 4


def test_natural_effects_add_up_and_nothing_goes_through_a_trait_without_paths():
    found = worlds.natural_effects("tyohon", "preparedness_t1", "depression", people=50_000)
    assert found["acme"] + found["ade"] == pytest.approx(found["total"], abs=1e-9)
    assert found["total"] == pytest.approx(tk.simulate.scenario("tyohon", seed=1).value("depression", "difference"), abs=0.06)
    after = worlds.natural_effects("jobs_ii_2000", "depression_t2", "self_efficacy", people=50_000)
    assert after["acme"] == 0 and after["ade"] == after["total"]


def test_natural_indirect_effect_is_the_product_of_the_paths():
    # quality is linear in preparedness: the mean path of the offer (effect x take-up) times .11.
    spec = tk.simulate.scenario("tyohon", seed=1).scenario
    people, path = worlds.BATCH, spec.part("quality").on["preparedness_t1"]
    outcome = next(o for o in spec.outcomes if o.name == "quality")
    control, treated = (worlds._world(spec, outcome, (worlds.SEED, 0), arm) for arm in (0, 1))
    moved = (treated["preparedness_t1"] - control["preparedness_t1"]).mean()
    mixed = worlds._world(spec, outcome, (worlds.SEED, 0), 1, {"preparedness_t1": control["preparedness_t1"]})
    assert len(moved.shape) == 0 and people == len(mixed["quality"])
    assert (treated["quality"] - mixed["quality"]).mean() == pytest.approx(moved * path, rel=1e-9)


def test_gains_are_larger_at_high_risk_and_low_motivation():
    def by(outcome, trait):
        return worlds.effects_by("jobs_ii_2000", outcome, trait, worlds.slope, people=50_000)

    assert by("depression", "risk") < -0.8 and by("depression", "motivation_t0") > 0.2
    assert by("employed", "risk") > 0.02 and by("employed", "motivation_t0") < -0.005


def test_the_register_of_jobs_ii_is_complete_and_agrees_with_itself():
    data = tk.simulate.scenario("jobs_ii_2000", seed=3).data
    assert data[["employed_t2", "days_to_work", "gross_t3", "net_t3", "costs"]].notna().all().all()
    assert (data["employed_t2"] == (data["days_to_work_event"] * (data["days_to_work"] <= 182))).all()
    assert (data.loc[data["days_to_work_event"] == 0, "gross_t3"] == 0).all()
    workshop = data["arm"] == "workshop"
    assert data.loc[workshop, "serious_event"].sum() == 0 and data.loc[~workshop, "attended"].sum() == 0
    assert data.loc[workshop, "attended"].mean() == pytest.approx(0.62, abs=0.07)
    sizes = data.groupby("group").size()
    assert sizes.between(12, 20).all() and sizes.sum() == workshop.sum()
    assert data.loc[~workshop, "group"].isna().all()


def test_less_is_left_of_earnings_than_was_earned():
    value = tk.simulate.scenario("jobs_ii_2000", seed=1).value
    assert 0 < value("net_income", "difference") < 0.3 * value("gross_earnings", "difference")


def test_messages_keep_what_meetings_lose():
    sets = tk.simulate.many("kast_2012_sms", n=60, seed=1)
    treated = sets["arm"] == 1
    for month, column, gap in ((3, "deposits_t1", 0.0), (6, "deposits_t2", -0.35), (12, "deposits_t3", -0.7)):
        y = sets[column]
        each = np.nanmean(np.where(treated, y, np.nan), axis=0) - np.nanmean(np.where(treated, np.nan, y), axis=0)
        assert sets.value(f"deposits_{month}", "difference") == pytest.approx(gap, abs=0.005)
        assert each.mean() == pytest.approx(gap, abs=4 * each.std(ddof=1) / np.sqrt(60))
