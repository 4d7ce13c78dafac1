"""Faults that damaged files and command lines brought to light, each held down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import trialkit as tk
from tests.bad_input.fuzz import in_own_process
from tests.bad_input.hostile import command, refused, tree
from tests.plan.test_run import PLAN, data
from trialkit.errors import ScaleError, ValueTypeError
from trialkit.plan.reading.template import starter_plan

EXAMPLES = Path(__file__).resolve().parents[2] / "simulated_data"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    data().to_csv(tmp_path / "data.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("code", [2, -1, 0.5])
def test_a_composite_event_is_0_or_1(code: float, place: Path) -> None:
    frame = data().astype({"died": float})
    frame.loc[3, "died"] = code
    with pytest.raises(ValueTypeError, match=rf"column 'died' says to whom 'died' happened, as 0 or 1, and holds '{code:g}'"):
        tk.Plan.load(place / "plan.toml").run(frame)
    frame.to_csv("data.csv", index=False)
    for arguments in (["check", "plan.toml", "data.csv"], ["run", "plan.toml", "data.csv"]):
        refused(command(arguments), 4)


def own_scale(place: Path, text: str) -> Path:
    """A plan whose scale is a file of one's own with this text."""
    (place / "scales").mkdir(exist_ok=True)
    (place / "scales" / "own.toml").write_text(text)
    lines = starter_plan(kind="scale").splitlines()
    made = [
        'scale = "scales/own.toml"' if line.startswith('scale = "') and "gse" in line and "[[" not in line else line
        for line in lines
    ]
    plan = "\n".join(made)
    assert plan.count("scales/own.toml") == 1
    (place / "own.toml").write_text(plan)
    return place / "own.toml"


@pytest.mark.parametrize("damage", ["forms = 'x'", "[forms]\nmean = ['a']", "[forms.mean]\nwhen = 3", "not toml at all ["])
def test_a_plan_is_not_explained_or_locked_on_a_scale_file_that_defines_none(damage: str, place: Path) -> None:
    path = own_scale(place, damage)
    for arguments in (["check", "own.toml"], ["lock", "own.toml"]):
        assert "own.toml" in refused(command(arguments), 3)
    assert not (place / "own.lock.json").exists()
    with pytest.raises(ScaleError):
        tk.Plan.load(path).lock()


def test_a_sound_scale_file_is_locked(place: Path) -> None:
    own_scale(place, (EXAMPLES / "scales" / "search_intensity.toml").read_text())
    assert command(["lock", "own.toml"]).code == 0


def test_a_terminal_without_the_letters_gets_the_text_all_the_same(place: Path) -> None:
    text = PLAN.replace("A small trial", "Een caf\u00e9 \u2018trial\u2019 \u20ac")
    (place / "plan.toml").write_text(text, encoding="utf-8")
    told = in_own_process(("check", "plan.toml", "--lang", "nl"), place, PYTHONIOENCODING="ascii")
    assert (told.code, told.err) == (0, "")
    assert "Een caf?" in told.out
    made = in_own_process(("check", "plan.toml", "--json"), place, PYTHONIOENCODING="ascii")
    assert (made.code, made.err) == (0, "")
    assert json.loads(made.out)["plan"]["trial"]["title"] == "Een caf\u00e9 \u2018trial\u2019 \u20ac"


@pytest.mark.parametrize("word", ["unknown", "inf"])
def test_a_word_in_a_covariate_of_numbers_is_remarked(word: str, place: Path) -> None:
    frame = data().astype({"female": object})
    for arm in ("solo", "peer"):
        frame.loc[frame.index[frame["arm"] == arm][:3], "female"] = word
    frame.to_csv("data.csv", index=False)
    plan = tk.Plan.load(place / "plan.toml")
    said = f"'female' holds numbers and words, such as '{word}': it is taken as a category."
    assert any(said in note.text for note in plan.run("data.csv").outcomes[0].result.notes)
    assert command(["run", "plan.toml", "data.csv", "--lang", "nl", "--out", "dutch"]).code == 0
    assert "de kolom geldt als categorie" in (place / "dutch" / "index.html").read_text(encoding="utf-8")
    (place / "plan.toml").write_text(PLAN.replace("[data]", '[data]\ncategorical = ["female"]', 1))
    declared = tk.Plan.load(place / "plan.toml").run("data.csv").outcomes[0].result
    assert not any("numbers and words" in note.text for note in declared.notes)


DESIGN = '[design]\nscheme = "complete"\ngroups = { size = [4, 40] }\n\n'


@pytest.fixture
def allocated(place: Path) -> Path:
    (place / "plan.toml").write_text(PLAN.replace("[[outcomes]]", f"{DESIGN}[[outcomes]]", 1))
    people = data().drop(columns=["arm", "group"])
    people.head(60).to_csv("people.csv", index=False)
    people.to_csv("more.csv", index=False)
    assert command(["randomize", "plan.toml", "people.csv", "--seed", "4"]).code == 0
    return place / "allocation"


@pytest.mark.parametrize("seed_is_here", [True, False])
def test_people_whose_lines_are_gone_from_the_list_are_not_drawn_again(seed_is_here: bool, allocated: Path) -> None:
    lines = (allocated / "allocation.csv").read_text().splitlines()
    if not seed_is_here:
        (allocated / "allocation.seed.json").rename("seed.json")
    (allocated / "allocation.csv").write_text("\n".join(lines[:30]) + "\n")
    before = tree(allocated)
    for arguments in (["more.csv", "--seed", "5"], ["people.csv", "--reason", "again"]):
        assert "has 29 people, and 60 were drawn" in refused(command(["randomize", "plan.toml", *arguments]), 5)
    assert tree(allocated) == before


def test_people_whose_names_or_arms_were_changed_on_the_list_stop_the_next_batch(allocated: Path) -> None:
    path = allocated / "allocation.csv"
    good = path.read_text()
    other = good.replace("peer", "solo", 1)
    for text in (other, good.replace("\n0,", "\n999,", 1)):
        assert text != good
        path.write_text(text)
        assert "is not the list that was drawn" in refused(command(["randomize", "plan.toml", "more.csv", "--seed", "5"]), 5)
    path.write_text(good)
    assert command(["randomize", "plan.toml", "more.csv", "--seed", "5"]).code == 0
    assert command(["randomize", "plan.toml", "more.csv", "--reason", "again"]).code == 0


def test_a_list_without_its_identifiers_and_a_damaged_certificate_are_named(allocated: Path) -> None:
    path = allocated / "allocation.csv"
    good = path.read_text()
    path.write_text(good.replace("id,", "idx,", 1))
    assert "no column 'id' in the list allocation.csv" in refused(command(["randomize", "plan.toml", "more.csv"]), 4)
    path.write_text(good)
    certificate = (allocated / "certificate.json").read_text()
    (allocated / "certificate.json").write_text("{")
    for arguments in (["release", "allocation", "--enrolment-closed"], ["randomize", "plan.toml", "more.csv"]):
        assert "certificate.json" in refused(command(arguments), 5)
    (allocated / "certificate.json").write_text(certificate)
    assert command(["release", "allocation", "--enrolment-closed"]).code == 0
    released = allocated / "seed.release.json"
    released.write_text(released.read_text().replace('"batch"', '"botch"'))
    assert "seed.release.json" in refused(command(["verify", "allocation/certificate.json"]), 5)


def test_a_killed_deviation_does_not_stop_the_next(place: Path) -> None:
    assert command(["lock", "plan.toml"]).code == 0
    said = [
        "--reason",
        "r",
        "--timing",
        "before_data",
        "--severity",
        "unchanged",
        "--validity",
        "unchanged",
        "--by",
        "ann",
        "--type",
        "sample",
    ]
    from tests.bad_input.kills import Killed, killed_at, lock_and_ledger_hold

    case = Killed("deviate", ("deviate", "plan.toml", *said, "--original", "a", "--new", "b"), lock_and_ledger_hold)
    assert killed_at(case, place, 2) == 0
    assert (place / "plan.deviations.jsonl.lock").exists()
    done = command(case.arguments)
    assert (done.code, done.err) == (0, "")
    assert not (place / "plan.deviations.jsonl.lock").exists()
