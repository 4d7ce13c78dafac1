"""Every scenario of the library: committed files, stored truth, targets, provenance and speed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.simulate import compute_truth, load_scenario
from trialkit.simulate.own_scales import own_scale_text
from trialkit.simulate.spec import plan_of, scenario_keys, scenario_text
from trialkit.simulate.truth import stored_truth, truth_text
from trialkit.simulate.tune import reached

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "analyses"))
import planned  # noqa: E402  (a folder of scripts)

KEYS = [k for k in scenario_keys() if k != "klier_2019"]
PLANNED = [k for k in KEYS if plan_of(k)]
pytestmark = pytest.mark.filterwarnings("ignore::trialkit.measurement.UnverifiedScaleWarning")


def script(name):
    found = importlib.util.spec_from_file_location(f"run_{name}", ROOT / "analyses" / name / "run.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def cells(table: pd.DataFrame) -> list[str]:
    return ["| " + " | ".join(str(v) for v in row) + " |" for row in table.itertuples(index=False)]


def test_the_library_has_the_studies():
    assert KEYS == [
        "assam_2015",
        "brody_2017",
        "chaudhary_2010",
        "fafchamps_2012",
        "felgenhauer_2019",
        "greaney_2016",
        "henderson_2013",
        "himle_2014",
        "job_clubs",
        "jobs_ii_2000",
        "kast_2012_groups",
        "kast_2012_sms",
        "liu_2014",
        "tyohon",
        "venkatesh_2010",
    ]
    assert PLANNED == ["felgenhauer_2019", "greaney_2016", "himle_2014", "jobs_ii_2000", "kast_2012_groups", "tyohon"]


@pytest.mark.parametrize("key", KEYS)
def test_committed_files_are_what_is_written(key, tmp_path):
    for path in tk.simulate.write_scenario(key, tmp_path, 1):
        assert path.read_bytes() == (ROOT / "simulated_data" / path.relative_to(tmp_path)).read_bytes(), path.name
    manifest = json.loads((ROOT / "simulated_data" / f"{key}.manifest.json").read_text("utf-8"))
    for name, sha in (manifest.get("tables", {}) | {manifest["file"]: manifest["sha256"]}).items():
        assert hashlib.sha256((ROOT / "simulated_data" / name).read_bytes()).hexdigest() == sha


@pytest.mark.parametrize("key", KEYS)
def test_stored_truth_is_computed_again_and_reaches_its_targets(key):
    spec, stored = load_scenario(key), stored_truth(key)
    assert stored.people >= 1_000_000 and truth_text(spec, stored) == scenario_text(f"{key}.truth.json")
    errors = {(r["outcome"], r["metric"], r["estimand"], r.get("arm")): r["mc_error"] for r in stored.rows}
    thin = compute_truth(spec, people=60_000, seed=99, batch=10_000)
    for row in thin.rows:
        where = (row["outcome"], row["metric"], row["estimand"], row.get("arm"))
        spread = errors[where] * math.sqrt(1 + stored.people / thin.people)
        assert row["value"] == pytest.approx(stored.value(*where), abs=4 * spread + 1e-6), where
    for target in spec.targets:
        error = errors.get((target.outcome, target.metric, target.estimand, target.arm or None), 0.001)
        assert reached(stored, target) == pytest.approx(target.value, abs=max(0.001, 3 * error)), target


@pytest.mark.parametrize("key", KEYS)
def test_every_number_has_an_origin(key):
    table = load_scenario(key).parameters
    assert set(table["status"]) <= {"review", "source", "assumed"}
    seen = [c for c in ("review_value", "source_value") if c in table]
    assert table[(table["status"] != "assumed") & table[seen].isna().all(axis=1)].empty


@pytest.mark.parametrize("key", KEYS)
def test_fourteen_hundred_people_in_fifty_milliseconds(key):
    tk.simulate.scenario(key, seed=1, people=1400)
    times = []
    for seed in range(8):
        start = time.process_time()
        tk.simulate.scenario(key, seed=seed, people=1400)
        times.append(time.process_time() - start)
    assert min(times) < 0.05


@pytest.mark.parametrize("key", PLANNED)
def test_the_analysis_has_the_same_plan_and_scales(key):
    folder = ROOT / "analyses" / key
    assert (folder / "plan.toml").read_text("utf-8") == plan_of(key)
    for name in load_scenario(key).scale_files:
        assert (folder / name).read_text("utf-8") == own_scale_text(name)


@pytest.mark.parametrize("key", PLANNED)
def test_the_readme_shows_what_the_plan_finds(key):
    plan = planned.load(key)
    table = planned.table(key, plan.run(planned.data(key)), planned.without_groups(plan).run(planned.data(key)))
    assert {o.name for o in plan.spec.outcomes} == set(table["outcome"])
    shown = table[["outcome", "metric", "truth", "estimate", "interval", "interval ignoring groups"]]
    text = (ROOT / "analyses" / key / "README.md").read_text("utf-8")
    for line in cells(shown):
        assert line in text, line


@pytest.mark.parametrize("key", ["henderson_2013", "job_clubs"])
def test_the_readme_shows_what_is_printed(key, capsys):
    run = script(key)
    table = run.table(run.trial(tk.read(run.DATA)) if key == "henderson_2013" else tk.read(run.DATA))
    text = (ROOT / "analyses" / key / "README.md").read_text("utf-8")
    for line in cells(table):
        assert line in text, line
    assert run.main([]) == 0 and table.iloc[0, 0] in capsys.readouterr().out
    assert run.main(["x"]) == 2


def test_confounding_moves_the_naive_comparison_and_adjustment_removes_it():
    sets = tk.simulate.many("henderson_2013", n=60, seed=1)
    naive, adjusted = [], []
    for r in range(60):
        data = sets.data(r)
        y = data.filter(like="jsse_t1_").mean(axis=1).to_numpy()
        x = data[["motivation_t0", "age", "months_unemployed"]].to_numpy(dtype=float)
        before = data.filter(like="jsse_t0_").mean(axis=1).to_numpy()
        design = np.column_stack([np.ones(len(y)), data["arm"] == "group", x, before])
        seen = ~np.isnan(y)
        naive.append(y[seen & (design[:, 1] == 1)].mean() - y[seen & (design[:, 1] == 0)].mean())
        adjusted.append(np.linalg.lstsq(design[seen], y[seen], rcond=None)[0][1])
    error = np.std(adjusted, ddof=1) / math.sqrt(60)
    assert np.mean(naive) > 0.08
    assert np.mean(adjusted) == pytest.approx(sets.value("search_confidence", "difference"), abs=3.5 * error)


def test_most_of_the_change_of_job_clubs_is_not_the_club():
    sets = tk.simulate.many("job_clubs", n=40, seed=1)
    scores = {w: np.mean([sets[f"jsse_{w}_{j}"] for j in range(1, 7)], axis=0) for w in ("t0", "t1")}
    change = (scores["t1"] - scores["t0"]).mean()
    assert change > 3 * sets.value("self_efficacy", "difference") > 0
    assert sets.value("employed", "difference") == 0
