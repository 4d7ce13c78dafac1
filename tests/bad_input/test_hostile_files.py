"""Every command with files it cannot use: one sentence, the right exit code, nothing written, nothing run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bad_input.hostile import DATA_FILES, JSON_FILES, PLAN_FILES, command, refused, tree
from tests.plan.test_run import PLAN, data
from trialkit.cli.show import harmless

OF_PLAN = {
    "check": ["check", "P"],
    "check data": ["check", "P", "data.csv"],
    "lock": ["lock", "P"],
    "run": ["run", "P", "data.csv"],
    "randomize": ["randomize", "P", "data.csv"],
    "power": ["power", "P"],
    "simulate": ["simulate", "--plan", "P", "--seed", "1"],
    "export": ["export", "P", "--as", "all"],
    "deviate": ["deviate", "P", "--list"],
    "erratum": ["erratum", "folder", "P", "data.csv", "--reason", "x", "--by", "y"],
    "blind simulated": ["blind", "simulated", "P", "--seed", "1"],
    "blind rerandomized": ["blind", "rerandomized", "P", "data.csv", "--seed", "1"],
    "blind masked": ["blind", "masked", "P", "data.csv", "--key", "key.json"],
    "blind unblind": ["blind", "unblind", "P", "data.csv", "--by", "me"],
}
OF_DATA = {
    "check": ["check", "plan.toml", "D"],
    "run": ["run", "plan.toml", "D", "--out", "out"],
    "randomize": ["randomize", "plan.toml", "D"],
    "rehearsal": ["randomize", "plan.toml", "D", "--dry-run"],
    "masked": ["blind", "masked", "plan.toml", "D", "--key", "key.json"],
    "rerandomized": ["blind", "rerandomized", "plan.toml", "D", "--seed", "1"],
    "unblind": ["blind", "unblind", "plan.toml", "D", "--by", "me"],
}
OF_JSON = {
    "verify": ["verify", "J"],
    "verify plan": ["verify", "J", "--plan", "plan.toml"],
    "verify data": ["verify", "J", "--data", "data.csv"],
    "report": ["report", "J", "--out", "out"],
    "export": ["export", "J", "--as", "consort"],
    "erratum": ["erratum", "J", "plan.toml", "data.csv", "--reason", "x", "--by", "y"],
    "evidence": ["lock", "J", "--evidence", "data.csv"],
    "release": ["release", "J", "--enrolment-closed"],
    "run": ["run", "plan.toml", "data.csv", "--lock", "J", "--out", "out"],
}
# written before the analysis on purpose: which data were looked at is known even when they did not fit
EVENTS = {"plan.data.json"}
DESIGN = '[design]\nscheme = "complete"\ngroups = { size = [4, 40] }\nassumptions = { icc = 0.05 }\n\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN.replace("[[outcomes]]", f"{DESIGN}[[outcomes]]", 1))
    data().to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "folder").mkdir()
    return tmp_path


def said(arguments: list[str], **names: str) -> list[str]:
    return [names.get(a, a) for a in arguments]


def untouched(place: Path, before: dict[str, bytes | None]) -> None:
    after = tree(place)
    assert {k: v for k, v in after.items() if k not in EVENTS} == before


@pytest.mark.parametrize("name", PLAN_FILES)
def test_a_plan_file_that_is_none(name: str, place: Path) -> None:
    (place / "bad.toml").write_bytes(PLAN_FILES[name](PLAN))
    before = tree(place)
    # what every command reads with is the same: one that only reads and one that writes stand for the others of a slow file
    slow = name in ("100,000 keys", "two megabytes", "deep tables")
    for verb, arguments in OF_PLAN.items():
        if slow and verb not in ("check", "run"):
            continue
        codes = (3,) if verb != "erratum" else (2, 3, 4)
        refused(command(said(arguments, P="bad.toml")), *codes)
        untouched(place, before)


@pytest.mark.parametrize("name", ["folder", "nothere.toml", "", "a\x00b", "x" * 5000, "loop", "/dev/null", "data.csv/plan.toml"])
def test_a_plan_in_no_place(name: str, place: Path) -> None:
    os.symlink("loop", "loop")
    before = tree(place)
    for arguments in OF_PLAN.values():
        refused(command(said(arguments, P=name)), 2, 3, 4, 5)
        untouched(place, before)


@pytest.mark.parametrize(
    "name", [*DATA_FILES, "folder", "nothere.csv", "", "a\x00b.csv", "x" * 5000 + ".csv", "loop.csv", "/dev/zero", "pipe.csv"]
)
def test_data_that_are_none(name: str, place: Path) -> None:
    good = (place / "data.csv").read_bytes()
    if name in DATA_FILES:
        (place / name).write_bytes(DATA_FILES[name](good))
    os.symlink("loop.csv", "loop.csv")
    os.mkfifo("pipe.csv")
    before = tree(place)
    for verb, arguments in OF_DATA.items():
        # an unblinding needs a lock first; the people of an allocation and of a made-up one need no arm
        codes = {"unblind": (2, 3, 4, 5, 6)}.get(verb, (2, 4))
        if name in ("html.csv", "formula.csv", "escape.csv", "turned.csv") and verb in (
            "randomize",
            "rehearsal",
            "rerandomized",
            "masked",
        ):
            continue
        refused(command(said(arguments, D=name)), *codes, *((3,) if verb in ("randomize", "rehearsal") else ()))
        untouched(place, before)


@pytest.mark.parametrize("name", [*JSON_FILES, "folder", "nothere.json", "a\x00b.json", "data.csv"])
def test_json_that_is_none(name: str, place: Path) -> None:
    if name in JSON_FILES:
        (place / name).write_bytes(JSON_FILES[name])
    before = tree(place)
    for arguments in OF_JSON.values():
        done = command(said(arguments, J=name))
        refused(done, 2, 3, 4, 5, 6)
        untouched(place, before)


@pytest.mark.parametrize("name", ["mine", "data.csv", "data.csv/deeper", "loop", "x" * 300, "a\x00b", "/proc/nowhere/report"])
def test_a_place_that_cannot_be_written(name: str, place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("years of work")
    os.symlink("loop", "loop")
    before = tree(place)
    for arguments in (
        ["run", "plan.toml", "data.csv"],
        ["export", "plan.toml", "--as", "sap"],
        ["blind", "rerandomized", "plan.toml", "data.csv", "--seed", "1"],
    ):
        refused(command([*arguments, "--out", name]), 2)
        untouched(place, before)
    if name not in ("mine", "loop"):
        refused(command(["lock", "plan.toml", "--out", name]), 2, 5)
        untouched(place, before)


def test_init_leaves_what_is_there(place: Path) -> None:
    (place / "plan.schema.json").write_text("{}")
    before = tree(place)
    for arguments in (["plan.toml"], ["new.toml"], ["folder"], [""], ["data.csv/new.toml"], ["a\x00b"]):
        refused(command(["init", *arguments, "--defaults"]), 2)
        assert tree(place) == before
    for wrong in (
        ["--scale", "gze"],
        ["--people", "many"],
        ["--group-size", "15-10"],
        ["--waves", "before"],
        ["--worthwhile", "0,05"],
        ["--kind", "text"],
        ["--control", "peer"],
        ["--scale", "gse", "--column", "x"],
        ["--scale", "ghq12"],
        ["--scale", "ghq12", "--form", "likerd"],
        ["--scale", "mspss"],
        ["--scale", "ie_4"],
        ["--individual", "--group-size", "8-12"],
        ["--people", "9", "--group-size", "20-30"],
        ["--language", "fr"],
        ["--column", "arm"],
        ["--title", "a\x1b[2Jb"],
        ["--seed", "-1"],
    ):
        refused(command(["init", "other/new.toml", "--defaults", *wrong]), 2, 3)
        assert tree(place) == before


def test_words_of_a_plan_are_words_everywhere(place: Path) -> None:
    hostile = "<script>alert(1)</script>"
    text = PLAN.replace("A small trial", hostile).replace('unit = "id"', "unit = \"__import__('os').system('touch owned')\"")
    assert hostile in text
    (place / "plan.toml").write_text(text)
    frame = data().rename(columns={"id": "__import__('os').system('touch owned')"})
    frame.to_csv("data.csv", index=False)
    for arguments in (
        ["check", "plan.toml", "data.csv"],
        ["run", "plan.toml", "data.csv", "--out", "out"],
        ["export", "plan.toml", "--as", "all", "--out", "papers"],
    ):
        assert command(arguments).code == 0
    assert not (place / "owned").exists()
    pages = [p for folder in ("out", "papers") for p in (place / folder).rglob("*.html")]
    assert len(pages) >= 3
    for page in pages:
        assert hostile not in page.read_text(encoding="utf-8"), page
    for table in (place / "out").rglob("*.csv"):
        for line in table.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(("=", "@")), (table, line)


def test_what_is_shown_cannot_steer_a_terminal(place: Path) -> None:
    assert harmless("a\x1b[2Jb\u202ec\nd\te") == "a?[2Jb?c\nd\te"
    frame = data().assign(note="x\x1b]0;owned\x07\u202ey")
    frame.to_csv("data.csv", index=False)
    told = command(["check", "plan.toml", "data.csv", "--json"])
    assert told.code == 0
    assert "\x1b" not in told.out
    json.loads(told.out)
    assert "\x1b" not in command(["check", "plan.toml", "data.csv"]).out
    assert "\x1b" not in command(["che\x1b[2Jck"]).err


def test_a_mistake_of_the_program_is_a_sentence_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trialkit.plan.plan import Plan

    def fail(path: Path) -> Plan:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(Plan, "load", fail)
    told = command(["check", "plan.toml"])
    assert told.code == 1
    assert "trialkit itself failed (KeyError: 'nobody foresaw this'; test_hostile_files.py" in told.err
    monkeypatch.setenv("TRIALKIT_TRACEBACK", "1")
    with pytest.raises(KeyError):
        command(["check", "plan.toml"])
