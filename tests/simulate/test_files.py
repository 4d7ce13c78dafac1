"""Files: the committed ones are what the code writes, and they read back as the data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.plan.planned.prepare import prepare
from trialkit.simulate.__main__ import main
from trialkit.simulate.own_scales import own_scale_text
from trialkit.simulate.spec import scenario_text

ROOT = Path(__file__).parents[2]
NAMES = [
    "klier_2019.csv",
    "klier_2019.codebook.csv",
    "klier_2019.manifest.json",
    "klier_2019.plan.toml",
    "scales/search_intensity.toml",
]


def test_committed_files_are_what_is_written(tmp_path):
    written = tk.simulate.write_scenario("klier_2019", tmp_path, 1)
    assert [str(p.relative_to(tmp_path)) for p in written] == NAMES
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(NAMES)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (ROOT / "simulated_data" / name).read_bytes(), name


def test_manifest_describes_the_file():
    folder = ROOT / "simulated_data"
    manifest = json.loads((folder / NAMES[2]).read_text("utf-8"))
    content = (folder / NAMES[0]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["codebook_sha256"] == hashlib.sha256((folder / NAMES[1]).read_bytes()).hexdigest()
    assert b"\r" not in content and content.endswith(b"\n")
    assert manifest["rows"] == 1400 == content.count(b"\n") - 1
    assert content.split(b"\n", 1)[0].decode().split(",") == manifest["columns"]
    assert (manifest["seed"], manifest["version"], manifest["simulated"]) == (1, "1.0.0", True)


def test_the_file_reads_back_as_the_data(klier):
    read = tk.read(ROOT / "simulated_data" / NAMES[0])
    assert list(read.columns) == list(klier.data.columns)
    for name in read.columns:
        ours, theirs = klier.data[name], read[name]
        assert (ours.isna() == theirs.isna()).all(), name
        assert (ours[ours.notna()].to_numpy() == theirs[theirs.notna()].to_numpy()).all(), name


def test_the_codebook_has_every_column(klier):
    book = pd.read_csv(ROOT / "simulated_data" / NAMES[1], dtype=str)
    assert book["column"].tolist() == list(klier.data.columns)
    assert book["label"].notna().all()
    assert book.loc[book["reversed"] == "yes", "column"].tolist() == [f"search_{w}_{i}" for w in ("t0", "t1") for i in (3, 6)]


def test_the_analysis_has_the_same_plan_and_scale(klier):
    folder = ROOT / "analyses" / "klier_2019"
    assert (folder / "plan.toml").read_text("utf-8") == klier.plan_text == scenario_text("klier_2019.plan.toml")
    for name in klier.scenario.scale_files:
        assert (folder / name).read_text("utf-8") == own_scale_text(name)


def test_a_written_trial_can_be_run_from_its_folder(tmp_path, klier):
    data, *_, path, _ = klier.write(tmp_path / "demo")
    plan = tk.Plan.load(path)
    ready = prepare(plan.spec, data, folder=path.parent)
    scores = ready.trial.values("search_intensity_t1")
    assert ready.trial.n == 1400 and np.isfinite(scores).mean() > 0.8


def test_the_developers_commands(tmp_path, capsys):
    assert main(["data", "klier_2019", str(tmp_path), "--seed", "3"]) == 0
    assert json.loads((tmp_path / NAMES[2]).read_text("utf-8"))["seed"] == 3
    assert main(["data", "klier_219", str(tmp_path), "--seed", "3"]) == 2
    assert "Did you mean 'klier_2019'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["data", "klier_2019", str(tmp_path)])
