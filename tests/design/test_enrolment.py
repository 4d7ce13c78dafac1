"""Enrolment in sittings: resumes exactly, refuses to be edited, says who saw what."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.design import Enrolment, check_enrolment
from trialkit.design.record import chain_file
from trialkit.design.record.ledger import canonical, commitment, sha256
from trialkit.errors import DesignError, IdentifierError, LockError, UnblindingError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore:new level")

ARMS = {"individual": 1, "peer": 2}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DESIGNS = {
    "minimization": lambda p: tk.design.minimization(p, unit="id", factors=["sex", "agency"], arms=ARMS),
    "expanded": lambda p: tk.design.minimization(p, unit="id", factors=["sex", "agency"], arms=ARMS, unequal="expanded"),
    "permuted_blocks": lambda p: tk.design.permuted_blocks(p, unit="id", strata=["sex"], arms=ARMS),
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def people(n: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ids = [f"p{i:03d}" for i in rng.permutation(n)]
    return pd.DataFrame({"id": ids, "sex": rng.choice(["f", "m"], n), "agency": rng.integers(0, 3, n)})


def sit(folder, design=None, **more):
    return Enrolment.open(folder / "e.jsonl", design, seed_file=folder / "seed.json", **({"by": "ann", "at": NOON} | more))


def begun(folder, n: int = 12, **more):
    """An enrolment of n people in three sittings; its lines."""
    frame = people(n)
    with sit(folder, DESIGNS["minimization"](None), seed=5, **more) as e:
        e.add(frame.iloc[: n // 2], at=NOON)
    with sit(folder) as e:
        e.add(frame.iloc[n // 2 :], at=NOON)
    return (folder / "e.jsonl").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("conceal", [False, True])
def test_sittings_give_what_one_sitting_gives(folder, name, conceal):
    frame = people()
    make = DESIGNS[name]
    with sit(folder, make(None), seed=77, conceal=conceal) as e:
        e.add(frame.iloc[:1].to_dict("records")[0])
        e.add(frame.iloc[1:11])
    for start in range(11, 39, 4):
        with sit(folder, make(None)) as e:
            e.add(frame.iloc[start : start + 4])
    with sit(folder, seed=77) as e:
        e.add(frame.iloc[39:], batch="late entrants")
        units = e.allocation["id"].tolist()
        assert units == frame["id"].tolist() and e.allocation["batch"].value_counts()["late entrants"] == 1
        assert e.allocation["place"].tolist() == list(range(1, 41))
        arms = [e.reveal(u, by="bea") for u in units]
        design = e.design()
    whole = make(frame).assign(seed=77).set_index("id")["arm"].loc[units].tolist()
    assert arms == whole
    assert design.assign(seed=77).set_index("id")["arm"].loc[units].tolist() == whole
    assert np.array_equal(design.draw_many(5, seed=1).arms, make(frame).draw_many(5, seed=1).arms)


def test_seed_is_apart_private_and_committed_to(folder):
    begun(folder, 4)
    text = (folder / "e.jsonl").read_text("utf-8")
    hidden = json.loads((folder / "seed.json").read_text("utf-8"))
    first = json.loads(text.splitlines()[0])
    assert int(hidden["seed"], 16) == 5 and hidden["salt"] not in text and '"seed":' not in text
    assert first["seed_commitment"] == commitment(hidden["salt"], "seed", hidden["seed"])
    if os.name == "posix":
        assert stat.S_IMODE((folder / "seed.json").stat().st_mode) == 0o600
    other = folder / "other"
    other.mkdir()
    with sit(other, DESIGNS["minimization"](None)):
        pass
    assert int(json.loads((other / "seed.json").read_text("utf-8"))["seed"], 16) > 2**90
    os.replace(other / "seed.json", folder / "seed.json")
    with pytest.raises(LockError, match=r"head' is not as it was written, or belongs|not the one that 'e.jsonl' was begun with"):
        sit(folder)


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_readable_seed_file_is_warned_of(folder):
    begun(folder, 4)
    (folder / "seed.json").chmod(0o644)
    with pytest.warns(UserWarning, match="others can read 'seed.json'"), sit(folder) as e:
        assert e.n == 4


def rechained(lines):
    """Lines with hashes of their own again, as somebody would who knows the format but not the key of the head."""
    out, previous = [], "0" * 64
    for number, text in enumerate(lines, start=1):
        line = {**json.loads(text), "line": number, "previous": previous}
        line.pop("hash")
        previous = sha256(canonical(line))
        out.append(canonical({**line, "hash": previous}))
    return out


TAMPERED = {
    "arm edited": (lambda x: [*x[:3], x[3].replace('"arm":"', '"arm":"x'), *x[4:]], "line 4 .* was edited"),
    "space put in": (lambda x: [*x[:3], x[3].replace('"arm":', '"arm": '), *x[4:]], "line 4 .* was edited"),
    "not json": (lambda x: [*x[:3], "hello", *x[4:]], "line 4 .* was edited"),
    "line removed": (lambda x: x[:4] + x[5:], r"line 5 .* does not follow .*written as line 6"),
    "first line removed": (lambda x: x[1:], "line 1 .* does not follow"),
    "two lines swapped": (lambda x: [*x[:4], x[5], x[4], *x[6:]], r"line 5 .* does not follow"),
    "line doubled": (lambda x: [*x[:5], x[4], *x[5:]], "line 6 .* does not follow"),
    "blank line": (lambda x: [*x[:5], "", *x[5:]], "line 6 .* was edited"),
    "end taken off": (lambda x: x[:-2], "has 11 whole lines, and it had 13: lines were taken off its end"),
    "all but the first taken off": (lambda x: x[:1], "has 1 whole lines, and it had 13"),
    "removed and chained again": (lambda x: rechained(x[:4] + x[5:]), "has 12 whole lines, and it had 13"),
    "edited and chained again": (
        lambda x: rechained([*x[:5], x[5].replace('"batch":"main"', '"batch":"mine"'), *x[6:]]),
        "line 13 .* is not the one that was written",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_file_that_was_changed_is_refused(folder, name):
    lines = begun(folder)
    change, words = TAMPERED[name]
    changed = ("\n".join(change(lines)) + "\n").encode("utf-8")
    (folder / "e.jsonl").write_bytes(changed)
    with pytest.raises(LockError, match=words):
        sit(folder)
    assert (folder / "e.jsonl").read_bytes() == changed and not (folder / "e.jsonl.lock").exists()


def test_an_allocation_written_by_hand_is_refused_even_with_its_head(folder):
    lines = begun(folder)
    at = next(i for i, text in enumerate(lines) if '"arm":"peer"' in text)
    lines[at] = lines[at].replace('"arm":"peer"', '"arm":"individual"')
    (folder / "e.jsonl").write_text("\n".join(rechained(lines)) + "\n", "utf-8")
    last = json.loads(rechained(lines)[-1])["hash"]
    with pytest.raises(LockError, match=f"line {at + 1} .* holds another allocation .* than design and seed give"):
        sit(folder, head=last)


def test_head_kept_by_someone_else(folder):
    lines = begun(folder)
    kept = json.loads(lines[6])["hash"]
    with sit(folder, head=kept) as e:
        assert e.head == json.loads(lines[-1])["hash"]
    with pytest.raises(LockError, match=r"no line of 'e.jsonl' has the hash ffff"):
        sit(folder, head="f" * 64)
    (folder / "e.jsonl.head").unlink()
    with pytest.raises(LockError, match=r"'e.jsonl.head' is gone.*put it back, or open with head="):
        sit(folder)
    with sit(folder, head=kept):
        pass
    with sit(folder) as e:
        assert e.n == 12
    (folder / "e.jsonl.head").write_text((folder / "e.jsonl.head").read_text("utf-8").replace('"lines":13', '"lines":9'), "utf-8")
    with pytest.raises(LockError, match="head' is not as it was written"):
        sit(folder)


@pytest.mark.parametrize("cut", [1, 30, 150])
def test_a_line_cut_by_a_crash_is_taken_off_and_said(folder, cut):
    begun(folder)
    path = folder / "e.jsonl"
    before = path.read_bytes()
    with sit(folder) as e:
        e.add({"id": "new", "sex": "f", "agency": 1})
    after = path.read_bytes()
    # the crash came before the head was noted
    (folder / "e.jsonl.head").unlink()
    path.write_bytes(before + after[len(before) : len(before) + cut])
    with sit(folder, head=json.loads(before.splitlines()[-1])["hash"]) as e:
        assert e.n == 12
        assert e.add({"id": "new", "sex": "f", "agency": 1})["place"].tolist() == [13]
    lines = path.read_bytes().splitlines()
    assert path.read_bytes().startswith(before) and json.loads(lines[13])["event"] == "repair"
    assert json.loads(lines[13])["removed_bytes"] == cut and check_enrolment(path).repairs == 1
    assert json.loads(lines[14])["arm"] == json.loads(after.splitlines()[-1])["arm"]


@pytest.mark.parametrize("text", [b"", b'{"at":"2026'])
def test_an_enrolment_that_crashed_before_its_first_line_never_began(folder, text):
    begun(folder, 4)
    (folder / "e.jsonl.head").unlink()
    (folder / "e.jsonl").write_bytes(text)
    with pytest.raises(LockError, match=r"never began. Remove it and 'seed.json'"):
        sit(folder)


def test_a_whole_last_line_without_its_end_is_kept(folder):
    begun(folder)
    path = folder / "e.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(LockError, match="not finished"):
        check_enrolment(path)
    with sit(folder) as e:
        assert e.n == 12
    assert path.read_bytes() == whole


def test_a_write_that_fails_ends_the_sitting_and_loses_nothing(folder, monkeypatch):
    begun(folder)
    frame = people(20).iloc[12:]
    frame = frame.assign(id=[f"q{i}" for i in range(8)])

    def full(handle, content):
        os.write(handle, content[:100])
        os.close(handle)
        raise OSError(28, "No space left on device")

    e = sit(folder)
    monkeypatch.setattr(chain_file, "_write", full)
    with pytest.raises(OSError, match="No space"):
        e.add(frame)
    with pytest.raises(UsageError, match="sitting is closed"):
        e.add(frame)
    monkeypatch.undo()
    with sit(folder) as e:
        assert e.n == 12
        e.add(frame)
        made = e.allocation.set_index("id")["arm"]
    everyone = pd.concat([people(12), frame])
    assert made.to_dict() == DESIGNS["minimization"](everyone).assign(seed=5).set_index("id")["arm"].loc[made.index].to_dict()


def test_one_sitting_at_a_time(folder):
    begun(folder)
    with sit(folder, by="ann") as e:
        with pytest.raises(LockError, match=rf"in use by ann \(process {os.getpid()} on .*since 2026-03-01T12:00:00Z\)"):
            sit(folder, by="bea")
        assert e.n == 12
    with sit(folder, by="bea") as e:
        (folder / "e.jsonl").write_bytes((folder / "e.jsonl").read_bytes() + b"\n")
        with pytest.raises(LockError, match="was changed while this sitting had it open"):
            e.add({"id": "new", "sex": "f", "agency": 1})
    assert not (folder / "e.jsonl.lock").exists()


def test_a_lock_that_a_killed_process_left_is_replaced_and_that_of_another_computer_stays(folder):
    begun(folder)
    script = (
        "import os, sys\nfrom trialkit.design import Enrolment\n"
        f"e = Enrolment.open({str(folder / 'e.jsonl')!r}, seed_file={str(folder / 'seed.json')!r}, by='carl')\n"
        "if sys.argv[1] == 'killed': os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script, "ended"], check=True)
    assert not (folder / "e.jsonl.lock").exists()
    left = folder / "e.jsonl.lock"
    subprocess.run([sys.executable, "-c", script, "killed"], check=False)
    elsewhere = json.loads(left.read_text()) | {"computer": "another-computer"}
    with sit(folder) as e:
        assert e.n == 12
    assert not left.exists()
    for content in (json.dumps(elsewhere), "", "{}", "[1]"):
        left.write_text(content)
        with pytest.raises(LockError, match=r"in use by (carl|another sitting).*remove 'e.jsonl.lock' after making sure"):
            sit(folder)
        assert left.read_text() == content


def test_a_sitting_in_another_process_keeps_its_lock_whatever_number_it_wrote_down(folder):
    begun(folder)
    script = (
        "import sys\nfrom trialkit.design import Enrolment\n"
        f"with Enrolment.open({str(folder / 'e.jsonl')!r}, seed_file={str(folder / 'seed.json')!r}, by='carl'):\n"
        "    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        left = folder / "e.jsonl.lock"
        told = json.loads(left.read_text())
        # as in a container, where the same number is nobody's here
        left.write_text(json.dumps(told | {"process": 2**22 + 1}))
        with pytest.raises(LockError, match="in use by carl"):
            sit(folder)
        left.write_text(json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n")
        process.stdin.close()
    assert process.returncode == 0
    assert not left.exists()


def test_identifiers_are_enrolled_once(folder):
    begun(folder)
    before = (folder / "e.jsonl").read_bytes()
    with sit(folder) as e:
        with pytest.raises(IdentifierError, match=r"'p003' of 'id' is enrolled already.*redraw"):
            e.add({"id": ["new", "p003"], "sex": ["f", "f"], "agency": [1, 1]})
        with pytest.raises(IdentifierError, match="missing or repeated in rows 1 and 2"):
            e.add({"id": ["new", "new"], "sex": ["f", "f"], "agency": [1, 1]})
        with pytest.raises(IdentifierError, match="'7' of 'id' is there twice"):
            e.add(pd.DataFrame({"id": [7, "7"], "sex": ["f", "f"], "agency": [1, 1]}))
        with pytest.raises(DesignError, match=r"'sex' is missing for 'b' \(row 2\)"):
            e.add({"id": ["a", "b"], "sex": ["f", None], "agency": [1, 1]})
        with pytest.raises(tk.errors.ColumnNotFoundError, match="'agency'"):
            e.add({"id": "a", "sex": "f"})
        assert (folder / "e.jsonl").read_bytes() == before
        e.add({"id": 8, "sex": "f", "agency": 1})
        with pytest.raises(IdentifierError, match="'8' of 'id' is enrolled already"):
            e.add(pd.DataFrame({"id": [8.0], "sex": ["f"], "agency": [1]}))


def test_new_levels_are_accepted_and_said_or_refused_when_declared(folder):
    begun(folder)
    with sit(folder) as e:
        with pytest.warns(UserWarning, match="new level 'fem' of 'sex' with 'new'.*misspelt"):
            e.add({"id": "new", "sex": "fem", "agency": 1})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            e.add({"id": "next", "sex": "fem", "agency": np.int64(1)})
    lines = [json.loads(t) for t in (folder / "e.jsonl").read_text("utf-8").splitlines()]
    assert [x.get("new_levels") for x in lines[-2:]] == [["sex"], None]
    other = folder / "declared"
    other.mkdir()
    design = tk.design.permuted_blocks(None, unit="id", strata={"sex": ["f", "m"]}, arms=ARMS)
    with sit(other, design) as e, pytest.raises(DesignError, match="'fem' is not a declared level of 'sex'"):
        e.add({"id": "new", "sex": "fem"})
    with sit(other) as e:
        assert e.add({"id": "new", "sex": "f"})["arm"].isin(list(ARMS)).all()


def test_arms_stay_concealed_until_they_are_revealed(folder):
    frame = people(8)
    with sit(folder, DESIGNS["minimization"](None), conceal=True) as e:
        assert e.add(frame).columns.tolist() == ["id", "place"]
        assert e.concealed and e.allocation["arm"].isna().all()
        text = (folder / "e.jsonl").read_text("utf-8").split("\n", 1)[1]
        assert "individual" not in text and "peer" not in text
        arm = e.reveal("p003", by="nurse", at=NOON)
        with pytest.raises(UsageError, match="who sees it"):
            e.reveal("p003", by=" ")
        with pytest.raises(IdentifierError, match=r"'p00' is not enrolled. Did you mean"):
            e.reveal("p00", by="nurse")
    with sit(folder) as e:
        assert e.allocation.set_index("id")["arm"].dropna().to_dict() == {"p003": arm}
        assert e.add({"id": "new", "sex": "f", "agency": 1}).columns.tolist() == ["id", "place"]
    seen = [json.loads(t) for t in (folder / "e.jsonl").read_text("utf-8").splitlines() if '"event":"reveal"' in t]
    assert [(x["unit"], x["arm"], x["by"], x["at"]) for x in seen] == [("p003", arm, "nurse", "2026-03-01T12:00:00Z")]
    codes = [json.loads(t)["sealed"] for t in (folder / "e.jsonl").read_text("utf-8").splitlines() if '"sealed"' in t]
    assert len(set(codes)) == 9


@pytest.mark.parametrize("name", DESIGNS)
def test_a_redraw_needs_its_reason_and_leaves_the_first_line(folder, name):
    frame = people(12)
    with sit(folder, DESIGNS[name](None), seed=5) as e:
        e.add(frame)
        first = e.allocation.set_index("id")["arm"]
        for reason in ("", "  ", None):
            with pytest.raises(UsageError, match="needs its reason"):
                e.redraw("p003", reason=reason)
        with pytest.raises(UsageError, match="'colour' is not a column of the design"):
            e.redraw("p003", reason="error", values={"colour": "red"})
        e.redraw("p003", reason="wrong sex", values={"sex": "m"}, by="bea", at=NOON)
        e.add({"id": "new", "sex": "f", "agency": 1})
        now = e.allocation.set_index("id")
    with sit(folder) as e:
        assert e.allocation.set_index("id")["arm"].to_dict() == now["arm"].to_dict()
        with pytest.warns(UserWarning, match="'p003' drawn again"):
            design = e.design()
        assert design.people.frame.set_index("id").loc["p003", "sex"] == "m"
    lines = [json.loads(t) for t in (folder / "e.jsonl").read_text("utf-8").splitlines()]
    assert (lines[-2]["event"], lines[-2]["reason"], lines[-2]["by"]) == ("redraw", "wrong sex", "bea")
    assert next(x["arm"] for x in lines if x.get("unit") == "p003") == first["p003"]
    assert check_enrolment(folder / "e.jsonl").redraws == ("wrong sex",)


def test_redraw_takes_the_person_out_of_the_counts(folder):
    design = tk.design.minimization(None, unit="id", factors=["sex"], arms={"a": 1, "b": 1}, probability=1)
    with sit(folder, design) as e:
        for i in range(30):
            e.add({"id": f"p{i}", "sex": "m" if i == 0 else "f"})
            if i == 0:
                e.redraw("p0", reason="wrong sex", values={"sex": "f"})
            counts = e.allocation["arm"].value_counts().reindex(["a", "b"], fill_value=0)
            assert abs(counts["a"] - counts["b"]) <= 1


def test_finish_publishes_the_seed_and_anyone_can_check(folder):
    begun(folder)
    path = folder / "e.jsonl"
    report = check_enrolment(path)
    assert not report.confirmed and report.people == 12 and "not published yet" in str(report)
    with sit(folder) as e:
        with pytest.raises(UnblindingError, match="enrolment_closed=True"):
            e.finish(enrolment_closed=False)
        e.finish(enrolment_closed=True)
        with pytest.raises(LockError, match="finished and its seed public"):
            e.add({"id": "new", "sex": "f", "agency": 1})
    (folder / "seed.json").unlink()
    report = check_enrolment(path)
    assert report.confirmed and report.head == json.loads(path.read_text("utf-8").splitlines()[-1])["hash"]
    lines = path.read_text("utf-8").splitlines()
    at = next(i for i, text in enumerate(lines) if '"arm":"peer"' in text)
    lines[at] = lines[at].replace('"arm":"peer"', '"arm":"individual"')
    path.write_text("\n".join(rechained(lines)) + "\n", "utf-8")
    with pytest.raises(LockError, match=f"line {at + 1} .* another allocation"):
        check_enrolment(path)


def test_a_finished_concealed_enrolment_shows_its_arms(folder):
    with sit(folder, DESIGNS["permuted_blocks"](None), conceal=True) as e:
        e.add(people(9))
        e.finish(enrolment_closed=True)
        assert not e.concealed and e.allocation["arm"].value_counts().sum() == 9
    assert check_enrolment(folder / "e.jsonl").confirmed


def test_what_does_not_fit_is_refused(folder):
    with pytest.raises(UsageError, match=r"minimization\(None.*got nothing"):
        sit(folder)
    with pytest.raises(UsageError, match="got a Complete"):
        sit(folder, tk.design.complete(people(), unit="id", arms=ARMS))
    with pytest.raises(UsageError, match="None instead of people"):
        sit(folder, DESIGNS["minimization"](people()))
    with pytest.raises(UsageError, match="leave arrival= out"):
        sit(folder, tk.design.permuted_blocks(None, unit="id", arms=ARMS, arrival="week"))
    with pytest.raises(UsageError, match="another name"):
        Enrolment.open(folder / "e.jsonl", DESIGNS["minimization"](None), seed_file=folder / "e.jsonl")
    with pytest.raises(UsageError, match="seed=-1"):
        sit(folder, DESIGNS["minimization"](None), seed=-1)
    with pytest.raises(UsageError, match="time zone"):
        sit(folder, DESIGNS["minimization"](None), at=datetime(2026, 1, 1))
    assert list(folder.iterdir()) == []
    begun(folder)
    with pytest.raises(LockError, match=r"begun with probability = 0.8, not 0.9"):
        sit(folder, tk.design.minimization(None, unit="id", factors=["sex", "agency"], arms=ARMS, probability=0.9))
    with pytest.raises(LockError, match="another seed"):
        sit(folder, seed=6)
    with pytest.raises(LockError, match=r"seed of 'e.jsonl' is not in 'gone.json'"):
        Enrolment.open(folder / "e.jsonl", seed_file=folder / "gone.json")
    with pytest.raises(LockError, match=r"'seed.json' exists.*A seed is used once"):
        Enrolment.open(folder / "new.jsonl", DESIGNS["minimization"](None), seed_file=folder / "seed.json")
    (folder / "text.json").write_text("{}", "utf-8")
    with pytest.raises(LockError, match="cannot be read as the seed"):
        Enrolment.open(folder / "e.jsonl", seed_file=folder / "text.json")
    with pytest.raises(LockError, match="cannot be read"):
        check_enrolment(folder / "none.jsonl")
    assert not list(folder.glob("*.lock"))


def test_words(folder):
    begun(folder)
    with sit(folder) as e:
        assert str(e).startswith("enrolment 'e.jsonl': 12 people, minimization to 'individual' and 'peer'; last hash ")
        with pytest.raises(DesignError, match="nobody is enrolled"):
            other = folder / "other"
            other.mkdir()
            with sit(other, DESIGNS["minimization"](None)) as empty:
                empty.design()
