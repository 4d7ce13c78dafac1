"""The command line on real files: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.plan.test_run import PLAN, data
from trialkit.cli import run


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    data().to_csv(tmp_path / "data.csv", index=False)
    return tmp_path


def test_the_way_through(files, capsys):
    assert run(["check", "plan.toml"]) == 0
    assert "Counselling plus a group" in capsys.readouterr().out
    assert run(["check", "plan.toml", "data.csv"]) == 0
    assert "data.csv fits plan.toml" in capsys.readouterr().out
    assert run(["lock", "plan.toml"]) == 0
    assert (files / "plan.lock.json").exists()
    assert run(["run", "plan.toml", "data.csv", "--out", "out"]) == 0
    captured = capsys.readouterr()
    assert "primary: mood" in captured.out
    assert captured.err == ""
    stored = json.loads((files / "out" / "results.json").read_text())
    assert stored["lock"]["state"] == "locked"
    page = (files / "out" / "index.html").read_text()
    assert "A small trial" in page
    assert run(["verify", "plan.lock.json", "--data", "data.csv"]) == 0
    assert run(["report", "out/results.json", "--out", "again"]) == 0
    assert (files / "again" / "results.json").read_text() == (files / "out" / "results.json").read_text()
    assert (files / "again" / "index.html").read_text() == page


def test_a_run_that_is_refused_leaves_nothing_behind(files, capsys):
    before = sorted(p.name for p in files.iterdir())
    (files / "data.csv").write_text((files / "data.csv").read_text().replace("peer", "pear"))
    assert run(["run", "plan.toml", "data.csv"]) == 4
    assert sorted(p.name for p in files.iterdir()) == before
    assert run(["lock", "plan.toml"]) == 0
    (files / "plan.toml").write_text(PLAN.replace("0.05", "0.01"))
    assert run(["run", "plan.toml", "data.csv"]) == 5
    assert sorted(p.name for p in files.iterdir()) == sorted([*before, "plan.lock.json"])
    assert "trialkit lock PLAN --amend" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check", "plan.toml", "data.csv"], ["run", "plan.toml", "data.csv", "--quiet"]])
def test_the_data_are_read_once(files, capsys, monkeypatch, command):
    from trialkit.plan.planned import prepare

    seen, read = [], prepare.read
    monkeypatch.setattr(prepare, "read", lambda path, **options: seen.append(path) or read(path, **options))
    assert run(command) == 0
    assert [str(p) for p in seen] == ["data.csv"]


def test_json_is_json(files, capsys):
    for command in (
        ["check", "plan.toml"],
        ["lock", "plan.toml"],
        ["run", "plan.toml", "data.csv"],
        ["verify", "plan.lock.json"],
        ["schema"],
    ):
        assert run([*command] if command == ["schema"] else [*command, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)


def test_init_writes_a_plan_that_loads(files, capsys):
    assert run(["init", "new.toml", "--title", 'A "quoted" title']) == 0
    assert run(["check", "new.toml"]) == 0
    assert run(["init", "new.toml"]) == 2
    assert "--force" in capsys.readouterr().err


def test_simulate(files, capsys):
    assert run(["simulate"]) == 0
    assert "klier_2019" in capsys.readouterr().out
    assert run(["simulate", "klier_2019"]) == 2
    assert "--seed" in capsys.readouterr().err
    assert run(["simulate", "klier_2018", "--seed", "1"]) != 0
    assert "klier_2019" in capsys.readouterr().err
    assert run(["simulate", "klier_2019", "--seed", "1", "--out", "sim"]) == 0
    assert (files / "sim" / "klier_2019.csv").exists()


def test_scales(files, capsys):
    assert run(["scales"]) == 0
    assert "gse" in capsys.readouterr().out
    assert run(["scales", "gze"]) == 3
    assert "gse" in capsys.readouterr().err


def broken(name):
    def change(folder):
        d = data()
        plan = PLAN
        if name == "unknown key":
            plan = PLAN.replace("population", "populaton")
        elif name == "not toml":
            plan = "[trial\n"
        elif name == "misspelled column":
            d = d.rename(columns={"y": "yy"})
        elif name == "unknown arm":
            d["arm"] = d["arm"].replace("solo", "sola")
        elif name == "one arm":
            d = d[d["arm"] == "peer"]
        elif name == "group of one":
            d["group"] = d["group"].where(d.index != 0, "own")
        elif name == "all missing":
            d["y"] = float("nan")
        elif name == "duplicated ids":
            d["id"] = 1
        elif name == "text in numbers":
            d["y"] = d["y"].astype("object")
            d.loc[3, "y"] = "veel"
        elif name == "constant outcome":
            d["y"] = 1.0
        (folder / "plan.toml").write_text(plan)
        d.to_csv(folder / "data.csv", index=False)
        if name == "changed after lock":
            assert run(["lock", "plan.toml"]) == 0
            (folder / "plan.toml").write_text(PLAN.replace("0.05", "0.01"))
        if name == "truncated sav":
            import pyreadstat

            pyreadstat.write_sav(d.drop(columns="group"), folder / "data.sav")
            content = (folder / "data.sav").read_bytes()
            (folder / "data.sav").write_bytes(content[: len(content) // 2])

    return change


EXITS = [
    ("unknown key", 3, "population"),
    ("not toml", 3, "line"),
    ("misspelled column", 4, "Did you mean"),
    ("unknown arm", 4, "solo"),
    ("one arm", 4, "arm"),
    ("group of one", 4, "ungrouped"),
    ("all missing", 4, "missing for everyone"),
    ("duplicated ids", 4, "repeated"),
    ("text in numbers", 4, "veel"),
    ("constant outcome", 7, "no variation"),
    ("changed after lock", 5, "lock"),
    ("truncated sav", 4, "data.sav"),
]


@pytest.mark.parametrize("name, code, words", EXITS)
def test_bad_days_end_in_one_sentence_and_leave_nothing(name, code, words, files, capsys):
    broken(name)(files)
    capsys.readouterr()
    source = "data.sav" if name == "truncated sav" else "data.csv"
    assert run(["run", "plan.toml", source, "--out", "out"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert not (files / "out").exists()
    assert not [p for p in files.iterdir() if p.name.startswith(".")]


def test_a_failed_run_leaves_the_last_report(files):
    assert run(["run", "plan.toml", "data.csv", "--out", "out"]) == 0
    before = (files / "out" / "results.json").read_text()
    broken("all missing")(files)
    assert run(["run", "plan.toml", "data.csv", "--out", "out"]) == 4
    assert (files / "out" / "results.json").read_text() == before


def test_usage(files, capsys):
    assert run(["runn"]) == 2
    assert "Did you mean" in capsys.readouterr().err
    assert run(["run", "plan.toml"]) == 2
    assert run(["run", "nothere.toml", "data.csv"]) == 3
    assert run(["run", "plan.toml", "nothere.csv"]) == 4
    assert run(["report", "nothere.json"]) != 0
    assert run(["verify", "nothere.lock.json"]) == 5


def test_a_folder_of_someone_else_is_not_replaced(files, capsys):
    (files / "mine").mkdir()
    (files / "mine" / "thesis.txt").write_text("years of work")
    assert run(["run", "plan.toml", "data.csv", "--out", "mine"]) == 2
    assert (files / "mine" / "thesis.txt").read_text() == "years of work"


def test_demo_from_the_shell(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from trialkit.cli import main; main()", "demo", "--folder", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "truth" in done.stdout
    assert (tmp_path / "demo" / "report" / "index.html").exists()


def test_power_of_a_plan(files, capsys):
    (files / "plan.toml").write_text(
        PLAN.replace(
            '[[outcomes]]\nname = "mood"',
            '[design]\nscheme = "complete"\nunits = 240\ngroups = { size = [8, 12] }\n[[outcomes]]\nname = "mood"',
            1,
        )
    )
    assert run(["power", "plan.toml"]) == 0
    text = capsys.readouterr().out
    assert "12 groups of 10 and 120 controls" in text
    assert "80 % probability" in text
    assert run(["power", "plan.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    (files / "plan.toml").write_text(PLAN)
    assert run(["power", "plan.toml"]) == 3
    assert "units" in capsys.readouterr().err


DESIGN = """
[design]
scheme = "stratified"
groups = { size = [4, 8], alike = ["age"], waiting_list = true }
"""


@pytest.fixture
def recruits(files):
    text = PLAN.replace('group = "group"\n', 'group = "group"\nungrouped = "singleton"\nstrata = ["site"]\n', 1).replace(
        "[[outcomes]]", DESIGN + "[[outcomes]]", 1
    )
    (files / "plan.toml").write_text(text.replace('"y0", "female"', '"age"'))
    people = [{"id": f"p{i:02d}", "site": "ab"[i % 2], "age": 18 + i % 40} for i in range(60)]
    import pandas as pd

    pd.DataFrame(people[:40]).to_csv(files / "week1.csv", index=False)
    pd.DataFrame(people).to_csv(files / "week2.csv", index=False)
    return files


def test_randomize_in_batches_release_and_verify(recruits, capsys):
    assert run(["randomize", "plan.toml", "week1.csv", "--dry-run"]) == 0
    assert not (recruits / "allocation").exists()
    assert run(["randomize", "plan.toml", "week1.csv"]) == 0
    first = (recruits / "allocation" / "allocation.csv").read_text()
    assert first.count("\n") == 41
    assert run(["randomize", "plan.toml", "week2.csv"]) == 0
    assert "40 others are on the list already" in capsys.readouterr().out
    assert (recruits / "allocation" / "allocation.csv").read_text() == first
    assert run(["randomize", "plan.toml", "week2.csv"]) == 3
    assert "--reason" in capsys.readouterr().err
    assert run(["verify", "allocation/certificate.json", "--data", "week1.csv"]) == 0
    assert "not been released" in capsys.readouterr().out
    assert run(["release", "allocation"]) == 6
    assert run(["release", "allocation", "--enrolment-closed"]) == 0
    assert run(["verify", "allocation/certificate.json", "--data", "week1.csv"]) == 0
    assert "drawn again" in capsys.readouterr().out
    path = recruits / "allocation" / "allocation.csv"
    path.write_text(first.replace("solo", "peer", 1))
    assert run(["verify", "allocation/certificate.json", "--data", "week1.csv"]) == 5


def test_the_seed_is_in_no_file_but_its_own(recruits):
    assert run(["randomize", "plan.toml", "week1.csv", "--seed", "987654321123456789"]) == 0
    folder = recruits / "allocation"
    forms = (b"987654321123456789", f"{987654321123456789:x}".encode())
    holding = {p.name for p in folder.iterdir() if any(form in p.read_bytes() for form in forms)}
    assert holding == {"allocation.seed.json"}
    assert (folder / "allocation.seed.json").stat().st_mode & 0o077 == 0


def test_randomize_on_a_bad_day(recruits, capsys):
    import pandas as pd

    people = pd.read_csv(recruits / "week1.csv")
    people.assign(site=people["site"].where(people.index != 3)).to_csv(recruits / "gap.csv", index=False)
    people.assign(id="same").to_csv(recruits / "same.csv", index=False)
    people.drop(columns="site").to_csv(recruits / "short.csv", index=False)
    for name, code, words in (("gap.csv", 3, "p03"), ("same.csv", 4, "repeated"), ("short.csv", 4, "site")):
        assert run(["randomize", "plan.toml", name]) == code
        assert words in capsys.readouterr().err
        assert not (recruits / "allocation").exists()


def test_a_rolling_enrolment_goes_on_where_it_stopped(recruits, capsys):
    text = (
        (recruits / "plan.toml").read_text().replace('scheme = "stratified"', 'scheme = "permuted_blocks"\nblock_sizes = [4, 6]')
    )
    (recruits / "plan.toml").write_text(text)
    assert run(["randomize", "plan.toml", "week1.csv", "--out", "roll"]) == 0
    first = (recruits / "roll" / "allocation.csv").read_text().splitlines()
    assert len(first) == 41
    assert run(["randomize", "plan.toml", "week2.csv", "--out", "roll"]) == 0
    assert "20 people allocated, 60 in all" in capsys.readouterr().out
    second = (recruits / "roll" / "allocation.csv").read_text().splitlines()
    assert set(first) <= set(second)
    assert run(["randomize", "plan.toml", "week2.csv", "--out", "roll"]) == 3
    log = recruits / "roll" / "enrolment.jsonl"
    log.write_text(log.read_text().replace("solo", "peer", 1))
    assert run(["randomize", "plan.toml", "week2.csv", "--out", "roll"]) == 5
    assert "Traceback" not in capsys.readouterr().err


def test_power_by_simulation(tmp_path, capsys):
    from tests.power.test_simulation import GROUPED

    plan = tmp_path / "plan.toml"
    plan.write_text(GROUPED)
    assert run(["power", str(plan), "--simulate", "200", "--seed", "1", "--effects", "0,0.8"]) == 0
    assert "closed form" in capsys.readouterr().out
    assert run(["power", str(plan), "--simulate", "100", "--seed", "1", "--json"]) == 0
    assert [r["effect"] for r in json.loads(capsys.readouterr().out)["table"]] == [0.0, 1.0]
    for arguments, words in (
        (["--simulate", "100"], "seed"),
        (["--simulate", "100", "--seed", "1", "--effects", "0,a"], "commas"),
    ):
        assert run(["power", str(plan), *arguments]) == 2
        assert words in capsys.readouterr().err
