"""`trialkit init`: a plan that runs at once, from flags or from answers; `simulate --plan`; `check` with what deserves a second look."""

from __future__ import annotations

import io
import json
import sys

import pandas as pd
import pytest

from trialkit.cli import run
from trialkit.cli.init import schema_text
from trialkit.measurement import scale, scales
from trialkit.plan.reading.load import load_spec


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


WAYS = {
    "as it is": [],
    "individual": ["--individual", "--people", "120"],
    "number": ["--kind", "number", "--outcome", "income", "--baseline", "income_t0", "--worthwhile", "0.3", "--better", "lower"],
    "scale": ["--scale", "gse", "--people", "150", "--strata", "site", "--adjust", "age"],
    "lower is better": ["--scale", "phq9", "--people", "90", "--group-size", "5-9", "--language", "nl,en"],
    "own names": ["--control", "a b=Alone", "--treatment", "Together at last", "--waves", "before=vooraf, after=na een jaar", "--scale", "who5"],
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_plan_runs_at_once(way, place, capsys):
    assert run(["init", "--defaults", *WAYS[way]]) == 0
    told = capsys.readouterr().out
    assert "trialkit run plan.toml plan_simulated.csv" in told
    assert (place / "plan.toml").read_text().startswith("#:schema ./plan.schema.json\n")
    assert (place / "plan.schema.json").read_text() == schema_text()
    assert set(pd.read_csv("plan_simulated.csv")["simulated"]) == {"no real people"}
    assert run(["check", "plan.toml", "plan_simulated.csv"]) == 0
    assert "plan_simulated.csv fits plan.toml." in capsys.readouterr().out
    if way in ("as it is", "own names"):
        assert run(["lock", "plan.toml"]) == 0
        assert run(["run", "plan.toml", "plan_simulated.csv", "--out", "out"]) == 0
        assert "SIMULATED: no real people" in (place / "out" / "index.html").read_text("utf-8")
        assert not (place / "plan.unblinding.jsonl").exists()


def test_what_is_said_stands_in_the_plan(place):
    assert (
        run(
            [
                "init",
                "a/study.toml",
                "--defaults",
                *WAYS["lower is better"],
                "--population",
                "people in debt",
                "--worthwhile",
                "0.3",
            ]
        )
        == 0
    )
    spec = load_spec(place / "a" / "study.toml")
    assert spec.trial.population == "people in debt"
    assert spec.trial.report_languages == ("nl", "en")
    assert spec.design.units == 90
    assert spec.design.groups.size == (5, 9)
    outcome = spec.primary[0]
    assert (outcome.scale, outcome.wave, outcome.baseline_wave) == ("phq9", "t1", "t0")
    assert outcome.smallest_worthwhile.hedges_g == 0.3
    assert outcome.assume.effect == -0.3  # what is expected is better, and lower is better
    assert sorted(p.name for p in (place / "a").iterdir()) == ["plan.schema.json", "study.toml", "study_simulated.csv"]


def test_every_scale_of_the_registry_can_be_the_outcome(capsys):
    asked = 0
    for key in scales()["key"]:
        arguments = ["init", "--defaults", "--force", "--scale", key, "--people", "60", "--group-size", "5-9"]
        if len(scale(key).forms) > 1 and scale(key).default_form is None:
            assert run(arguments) == 2
            assert "--form" in capsys.readouterr().err
            arguments += ["--form", next(iter(scale(key).forms))]
        if run(arguments) == 2:
            told = capsys.readouterr().err.split("error: ")[-1]
            asked += 1
            more = (
                ["--subscale", told.split("'")[3]]
                if "--subscale" in told
                else ["--code-range", told.strip(" .\n").split("as in ")[1]]
            )
            assert run([*arguments, *more]) == 0, key
        assert run(["check", "plan.toml", "plan_simulated.csv"]) == 0, key
    assert asked >= 5


def test_answers_on_a_terminal(place, monkeypatch, capsys):
    answers = [
        "",
        "people in debt",
        "solo=Alone",
        "maybe",
        "no",
        "coach=With a coach",
        "few",
        "80",
        "",
        "mspsss",
        "mspss",
        "",
        "1-7",
        "",
        "",
        "",
        "",
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(answers) + "\n"))
    monkeypatch.setattr("trialkit.cli.init.on_a_terminal", lambda: True)
    assert run(["init", "--title", "Said by a flag"]) == 0
    told = capsys.readouterr()
    assert "Title of the trial" not in told.err
    for remedy in ("say yes or no", "a whole number from 4 on", "Did you mean 'mspss'", "as in 1-7"):
        assert remedy in told.err + told.out, remedy
    spec = load_spec(place / "plan.toml")
    assert (spec.trial.title, spec.design.units, spec.grouped_arms) == ("Said by a flag", 80, ())


def test_answers_that_end_early_leave_nothing(place, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("A title\n"))
    monkeypatch.setattr("trialkit.cli.init.on_a_terminal", lambda: True)
    assert run(["init"]) == 130
    assert "nothing half written" in capsys.readouterr().err
    assert not list(place.iterdir())


def test_a_dry_run_prints_the_plan_and_writes_nothing(place, capsys):
    assert run(["init", "--defaults", "--dry-run", "--seed", "3"]) == 0
    assert load_spec(capsys.readouterr().out).design.units == 400
    assert not list(place.iterdir())
    assert run(["init", "--defaults", "--json", "--no-simulated"]) == 0
    assert json.loads(capsys.readouterr().out) == {"plan": "plan.toml", "schema": "plan.schema.json", "seed": None}
    assert sorted(p.name for p in place.iterdir()) == ["plan.schema.json", "plan.toml"]


def test_simulate_a_plan(place, capsys):
    assert run(["init", "--defaults", "--no-simulated"]) == 0
    assert run(["simulate", "--plan", "plan.toml"]) == 2
    assert run(["simulate", "klier_2019", "--plan", "plan.toml", "--seed", "1"]) == 2
    assert run(["simulate", "--plan", "plan.toml", "--seed", "1", "--out", "sim"]) == 0
    first = (place / "sim" / "plan_simulated.csv").read_bytes()
    assert run(["simulate", "--plan", "plan.toml", "--seed", "1", "--out", "sim"]) == 2
    assert run(["simulate", "--plan", "plan.toml", "--seed", "1", "--out", "sim", "--force"]) == 0
    assert (place / "sim" / "plan_simulated.csv").read_bytes() == first
    assert run(["simulate", "--plan", "plan.toml", "--seed", "2", "--out", "sim", "--force"]) == 0
    assert (place / "sim" / "plan_simulated.csv").read_bytes() != first


def test_check_says_what_deserves_a_second_look(place, capsys):
    assert run(["init", "--defaults", "--people", "60", "--no-simulated"]) == 0
    capsys.readouterr()
    assert run(["check", "plan.toml"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Look at again before you lock it" in told
    assert "about 2 groups are planned in an arm" in told
    assert "at the assumed attrition of 15% the arms may differ by at most 5.9 points" in told
    assert run(["check", "plan.toml", "--lang", "nl"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Kijk hier nog eens naar" in told
    assert "ongeveer 2 groepen in een arm" in told
    assert run(["check", "plan.toml", "--lang", "de"]) == 2
    assert run(["check", "plan.toml", "--json"]) == 0
    assert "few_groups" in [x["code"] for x in json.loads(capsys.readouterr().out)["look_again"]]
