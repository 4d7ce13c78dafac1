"""`trialkit scales`: the list, one scale, a file of one's own, a template that can be read back."""

from __future__ import annotations

import json
from pathlib import Path

from trialkit.cli import run
from trialkit.measurement import Scale, scale, scales


def test_the_list_holds_every_scale_in_one_line(capsys):
    assert run(["scales"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for entry in scales().to_dict("records"):
        line = next(text for text in lines if text.startswith(entry["key"] + " "))
        assert f"{entry['verified_share']:.0%}" in line and entry["direction"] in line and entry["range"] in line
    assert "--template capacity_to_act | institutional_capital" in lines[-1]
    assert run(["scales", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scales"]) == len(scales())


def test_one_scale_tells_what_was_not_verified(capsys):
    assert run(["scales", "ghq12"]) == 0
    told = capsys.readouterr().out
    assert told.strip() == scale("ghq12").describe().strip()
    assert "no: 'reference', 'licence', 'score', 'missing' and 'other_codes'" in told
    assert "missing: not verified (no published rule found)" in told
    assert run(["scales", "ghq12", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["construct"].startswith("minor") and content["unverified"][0] == "reference"


def test_a_template_goes_through_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["scales", "--template", "institutional_capital"]) == 0
    Path("mine.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert Scale.from_toml("mine.toml").verified_share == 0
    assert run(["scales", "mine.toml"]) == 0
    assert "to show" in capsys.readouterr().out


def test_wrong_names_leave_with_the_code_of_the_plan(capsys):
    assert run(["scales", "--template", "institutional_capitol"]) == 3
    assert "Did you mean 'institutional_capital'" in capsys.readouterr().err
    assert run(["scales", "capacity_to_act"]) == 3
    assert "--template capacity_to_act" in capsys.readouterr().err
    assert run(["scales", "gse", "--template", "capacity_to_act"]) == 2
    assert "one of the two" in capsys.readouterr().err
    assert run(["scales", "cfpb"]) == 3
    assert "'cfpb_10' or 'cfpb_5'" in capsys.readouterr().err
