"""What a simulated trial looks like: design, measurement, reproducibility, and clear errors."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import DesignError, NotReproducibleError, UsageError
from trialkit.measurement import score
from trialkit.plan.reading.load import parse_plan
from trialkit.simulate import load_scenario, truth
from trialkit.simulate.files import csv_text
from trialkit.simulate.own_scales import find_scale
from trialkit.simulate.runner import simulate_people

# Changes of the generator must be meant: they also change simulated_data/ and the scenario's version.
SEED_1 = "df18e797d6a45707529a8836ff6d8e7956b221c82cd8dc44f29116f4526f76ea"


def test_the_draws_are_frozen(klier):
    assert hashlib.sha256(csv_text(klier.data).encode()).hexdigest() == SEED_1


def test_seed_decides_everything(klier):
    again = tk.simulate.scenario("klier_2019", seed=1).data
    pd.testing.assert_frame_equal(klier.data, again)
    assert not klier.data.equals(tk.simulate.scenario("klier_2019", seed=2).data)
    drawn = tk.simulate.scenario("klier_2019", seed=np.random.default_rng(7))
    pd.testing.assert_frame_equal(drawn.data, tk.simulate.scenario("klier_2019", seed=drawn.seed).data)


def test_the_design_is_carried_out(klier):
    data = klier.data
    assert len(data) == 1400 and data["id"].is_unique and data["id"].iloc[0] == "k0001"
    assert data["age"].between(15, 24).all()
    by_agency = pd.crosstab(data["agency"], data["arm"])
    assert by_agency.sum(axis=1).tolist() == [602, 448, 350]
    assert (by_agency["peer"] == by_agency["individual"]).all()
    treated = data["arm"] == "peer"
    assert data.loc[~treated, "group"].isna().all() and data.loc[treated, "group"].notna().all()
    assert (data.loc[~treated, "attended"] == 0).all()
    assert 0.75 < data.loc[treated, "attended"].mean() < 0.85
    groups = data[treated].groupby("group")
    assert groups.size().between(10, 15).all() and groups.size().nunique() > 2
    assert (groups["agency"].nunique() == 1).all()
    assert (groups["age"].max() - groups["age"].min()).median() <= 1


def test_the_trial_and_the_plan_accept_the_data(klier):
    plan = parse_plan(klier.plan_text)
    trial = tk.Trial(klier.data, arm="arm", control=plan.control, unit="id", strata=list(plan.data.strata), group=plan.data.group)
    assert trial.n_groups == klier.data["group"].nunique() == 56
    assert {o.name for o in plan.outcomes} == set(klier.truth["outcome"])


def test_missing_codes_and_losses(klier):
    data = klier.data
    codes = {"-99", "-98"}
    assert set(parse_plan(klier.plan_text).data.missing_codes) == codes
    numbers = data.select_dtypes("number")
    negative = {str(int(v)) for v in numbers.to_numpy().ravel() if v < 0}
    assert negative == codes
    clean = [c for c in ("age", "female", "attended", "employed_t2") if (data[c] < 0).any()]
    assert clean == []
    for column in ("months_unemployed", "motivation_t0"):
        assert 0 < (data[column] < 0).sum() < 60
    assert 0 < data["education"].isna().sum() < 40
    assert 0.1 < data["employed_t2"].isna().mean() < 0.2
    first = data[[c for c in data.columns if c.startswith("gse_t1")]]
    assert 0.1 < first.isna().all(axis=1).mean() < 0.2


def test_losses_hide_answers_but_change_none(klier):
    spec = klier.scenario
    hidden = simulate_people(spec, n=1400, entropy=1)
    whole = spec.model_copy(update={"parts": tuple(p for p in spec.parts if not p.observation)})
    complete = simulate_people(whole, n=1400, entropy=1)
    for name in ("gse_t1_3", "employed_t2", "motivation_t0", "group"):
        seen = ~np.isnan(hidden[name]) & (hidden[name] >= 0)
        np.testing.assert_array_equal(hidden[name][seen], complete[name][seen])


def test_controls_are_as_if_nobody_had_been_treated():
    spec = load_scenario("klier_2019")
    trial, nobody = (simulate_people(spec, n=1400, entropy=5, everyone=e) for e in (None, 0))
    control = trial["arm"] == 0
    assert control.sum() == 700
    for name in ("self_efficacy_t1", "search_intensity_t1"):
        np.testing.assert_array_equal(trial[name][control], nobody[name][control])


def test_the_effect_works_through_attendance_only():
    spec = load_scenario("klier_2019")
    nobody, everybody = (simulate_people(spec, n=5000, entropy=5, everyone=e) for e in (0, 1))
    never = everybody["attended"] == 0
    assert 0.15 < never.mean() < 0.25
    for name in ("search_t1_3", "gse_t1_1", "employed_t2"):
        np.testing.assert_array_equal(everybody[name][never], nobody[name][never])
        assert (everybody[name][~never] != nobody[name][~never]).any()


def test_items_follow_their_scale():
    spec = load_scenario("klier_2019")
    people = simulate_people(spec, n=20_000, entropy=3, everyone=0)
    for part in (spec.items_part("gse_t1"), spec.items_part("search_t1"), spec.items_part("jsse_t0")):
        answers = pd.DataFrame({c: people[c] for c in part.columns})
        scored = score(answers, part.spec, part.items)
        np.testing.assert_allclose(scored.values.to_numpy(), part.score(people), rtol=1e-12)
        codes = part.spec.codes
        assert sorted(np.unique(answers)) == list(range(codes.min, codes.max + 1))
        rest = [np.corrcoef(answers.iloc[:, j], part.score(people))[0, 1] for j in range(part.spec.items)]
        turned = [j + 1 for j, r in enumerate(rest) if r < 0]
        assert turned == list(part.spec.chosen.reversed)
        assert min(abs(r) for r in rest) > 0.4


def test_baseline_and_outcome_are_correlated_about_one_half():
    spec = load_scenario("klier_2019")
    people = simulate_people(spec, n=20_000, entropy=4, everyone=0)
    for name in ("gse", "jsse", "search"):
        before, after = (spec.items_part(f"{name}_{w}").score(people) for w in ("t0", "t1"))
        assert 0.45 < np.corrcoef(before, after)[0, 1] < 0.57


def test_the_library_is_listed():
    table = tk.simulate.scenarios()
    row = table[table["key"] == "klier_2019"].iloc[0]
    assert row["people"] == 1400 and "search_intensity" in row["outcomes"]


def test_str_shows_the_truth(klier):
    text = str(klier)
    assert "seed 1" in text and "self_efficacy, standardized: 0.420" in text


def test_every_number_has_an_origin(klier):
    table = klier.scenario.parameters
    assert set(table["status"]) == {"review", "source", "assumed"}
    assert len(table) > 60
    named = table.set_index("where")
    assert named.loc["targets.self_efficacy.standardized", "review_value"] == "0.4-0.6"
    assert named.loc["age.outcomes", "status"] == "source"
    unsupported = table[(table["status"] != "assumed") & table[["review_value", "source_value"]].isna().all(axis=1)]
    assert unsupported.empty, unsupported["where"].tolist()


def test_fourteen_hundred_people_in_fifty_milliseconds():
    tk.simulate.scenario("klier_2019", seed=1)
    times = []
    for seed in range(12):
        start = time.process_time()
        tk.simulate.scenario("klier_2019", seed=seed)
        times.append(time.process_time() - start)
    assert min(times) < 0.05


def test_seed_is_required():
    with pytest.raises(TypeError, match="seed"):
        tk.simulate.scenario("klier_2019")


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", None])
def test_a_seed_that_is_none(seed):
    with pytest.raises(UsageError, match="seed="):
        tk.simulate.scenario("klier_2019", seed=seed)


def test_unknown_scenario_proposes_the_near_one():
    with pytest.raises(UsageError, match="Did you mean 'klier_2019'"):
        tk.simulate.scenario("klier2019", seed=1)


@pytest.mark.parametrize("people", [0, 3, 2.5, True])
def test_impossible_numbers_of_people(people):
    with pytest.raises(UsageError, match="people="):
        tk.simulate.scenario("klier_2019", seed=1, people=people)


def test_too_few_people_for_groups():
    with pytest.raises(DesignError, match="no group of one"):
        tk.simulate.scenario("klier_2019", seed=1, people=6)


def test_other_numbers_of_people_keep_the_truth(klier):
    larger = tk.simulate.scenario("klier_2019", seed=1, people=3001)
    assert len(larger.data) == 3001
    assert larger.data.groupby("group").size().min() >= 10
    pd.testing.assert_frame_equal(larger.truth, klier.truth)


def test_unknown_truth_names_what_there_is(klier):
    with pytest.raises(UsageError, match="Did you mean 'self_efficacy'"):
        klier.value("self_eficacy", "standardized")
    with pytest.raises(UsageError, match="metrics: 'difference'"):
        klier.value("self_efficacy", "beta")


def test_a_truth_of_other_parameters_is_refused(monkeypatch):
    text = truth.scenario_text("klier_2019.truth.json").replace('"world_sha256": "', '"world_sha256": "0')
    monkeypatch.setattr(truth, "scenario_text", lambda name: text)
    with pytest.raises(NotReproducibleError, match="other parameters"):
        truth.stored_truth.__wrapped__("klier_2019")


def test_own_scales_come_with_the_package():
    assert find_scale("scales/search_intensity.toml").chosen.reversed == (3, 6)
    assert load_scenario("klier_2019").scale_files == ("scales/search_intensity.toml",)
