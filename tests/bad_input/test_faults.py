"""Faults that damaged files and command lines brought to light, each held down."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pandas as pd
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


ROLLING = '[design]\nscheme = "minimization"\nbalance_on = ["female"]\n\n'


@pytest.fixture
def rolling(place: Path) -> Path:
    (place / "plan.toml").write_text(PLAN.replace("[[outcomes]]", f"{ROLLING}[[outcomes]]", 1))
    data().drop(columns=["arm", "group"]).head(20).to_csv("people.csv", index=False)
    return place


@pytest.mark.parametrize("full", [0, 1, 60, 300])
def test_an_enrolment_that_a_full_disk_stops_leaves_nothing(full: int, rolling: Path) -> None:
    arguments = ["randomize", "plan.toml", "people.csv", "--seed", "4"]
    before = tree(rolling)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
    try:
        done = command(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    refused(done, 2, 5)
    assert tree(rolling) == before
    assert command(arguments).code == 0


def test_people_who_a_full_disk_cut_off_are_enrolled_when_asked_again(rolling: Path) -> None:
    arguments = ["randomize", "plan.toml", "people.csv", "--seed", "4"]
    assert command(arguments).code == 0
    whole = len((rolling / "allocation" / "enrolment.jsonl").read_bytes())
    shutil.rmtree(rolling / "allocation")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole - 500, limits[1]))
    try:
        refused(command(arguments), 2, 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (rolling / "allocation").exists()
    done = command(arguments)
    assert (done.code, done.err) == (0, "") and "20 people allocated, 20 in all" in done.out


def test_an_enrolment_that_refuses_its_first_people_has_not_begun(rolling: Path) -> None:
    pd.read_csv("people.csv").drop(columns="female").to_csv("without.csv", index=False)
    before = tree(rolling)
    assert "female" in refused(command(["randomize", "plan.toml", "without.csv", "--seed", "4"]), 4)
    assert tree(rolling) == before
    assert command(["randomize", "plan.toml", "people.csv", "--seed", "5"]).code == 0
    after = tree(rolling)
    assert "is enrolled in allocation already" in refused(command(["randomize", "plan.toml", "without.csv"]), 3)
    assert tree(rolling) == after


def test_a_list_that_was_not_written_after_its_enrolment_is_written_when_asked_again(rolling: Path) -> None:
    arguments = ["randomize", "plan.toml", "people.csv", "--seed", "4"]
    assert command(arguments).code == 0
    path = rolling / "allocation" / "allocation.csv"
    good = path.read_bytes()
    for damaged in (None, b"".join(good.splitlines(keepends=True)[:8])):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        done = command(arguments)
        assert (done.code, done.err) == (0, "") and "was written again" in done.out
        assert path.read_bytes() == good
    assert "is enrolled in allocation already" in refused(command(arguments), 3)


@pytest.mark.parametrize("word", ["zero", "inf", "½", "0x10"])
def test_a_word_in_a_baseline_of_many_numbers_names_the_column(word: str, place: Path) -> None:
    frame = data().astype({"y0": object})
    frame.loc[3, "y0"] = word
    frame.to_csv("data.csv", index=False)
    said = refused(command(["run", "plan.toml", "data.csv"]), 4)
    assert "the covariate 'y0' holds numbers and words" in said and f"'{word}'" in said


@pytest.mark.parametrize("code", [99999, -88, -999])
def test_an_undeclared_code_in_a_covariate_is_noted_in_the_report(code: int, place: Path) -> None:
    frame = data()
    frame.loc[frame.index[:8], "y0"] = code
    found = tk.Plan.load(place / "plan.toml").run(frame).outcomes[0].result
    assert found is not None
    assert any(n.code == "undeclared_code" and f"'y0' has the value {code:g} 8 times" in n.text for n in found.notes)


def test_a_lock_does_not_depend_on_where_it_is_made(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Path(tk.__file__).parent / "measurement" / "registry" / "cfpb_10.toml"
    path = own_scale(place, registry.read_text())
    text = path.read_text().replace(
        'scale = "scales/own.toml"', 'scale = "scales/own.toml"\nform_from = { age = "age", administration = "self" }'
    )
    path.write_text(text)
    names = []
    for number, folder in enumerate((place, place / "elsewhere")):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        target = place / f"{number}.lock.json"
        tk.Plan.load(path).lock(target)
        locked = json.loads(target.read_text())
        names.append([c["name"] for c in locked["expected_data"]])
    assert names[0] == names[1]
    assert "age" in names[0] and "self" not in names[0]


def test_many_mistakes_in_a_scale_file_are_told_twenty_at_a_time(place: Path) -> None:
    text = 'key = "own"\n' + "".join(f"wrong_{i} = 1\n" for i in range(40))
    own_scale(place, text)
    said = refused(command(["check", "own.toml"]), 3)
    told = [line for line in said.splitlines() if line.startswith("  - ")]
    assert len(told) == 21 and "more: mend these first." in told[-1]


def test_a_key_to_masked_data_that_could_not_be_written_is_gone(place: Path) -> None:
    arguments = ["blind", "masked", "plan.toml", "data.csv", "--key", "key.json"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        refused(command(arguments), 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (place / "key.json").exists()
    assert command(arguments).code == 0 and (place / "key.json").stat().st_size < 6000


def test_a_weight_beyond_all_measure_is_a_mistake_of_the_plan(place: Path) -> None:
    weights = (
        '[design]\nscheme = "complete"\nunits = 100\nallocation = { solo = 1e308, peer = 1e308 }\ngroups = { size = [4, 40] }\n\n'
    )
    (place / "plan.toml").write_text(PLAN.replace("[[outcomes]]", f"{weights}[[outcomes]]", 1))
    assert "the weight of 'solo' is 1e+308" in refused(command(["check", "plan.toml"]), 3)
