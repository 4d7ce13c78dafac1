"""A report that can be published by itself: what it carries, and that no character of it changes unseen."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.plan.conftest import SMALL
from trialkit.cli import run as command
from trialkit.errors import FileReadError, LockError
from trialkit.io import exchange as exchanging
from trialkit.plan.deviations.log import log_deviations
from trialkit.plan.locking.attach import attach
from trialkit.plan.locking.manifest import read_lock
from trialkit.plan.locking.verify_bundle import verify_bundle
from trialkit.report.save import load_content, save_report
from trialkit.report.writing.bundle import bundle_hash, bundle_text, files_in, read_bundle
from trialkit.report.writing.places import changed_lines, key_of_line, line_marks

NOW = "2026-11-23T09:00:00+00:00"
SCALE = '[[scales]]\nname = "s"\nscale = "scales/own.toml"\nitems = "s_{item}"\n[[outcomes]]'


def people(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"id": range(1, n + 1), "arm": ["a", "b"] * (n // 2)})
    frame["y1"] = np.round(rng.normal(size=n) + (frame["arm"] == "b") * 0.4, 2)
    return frame


def deviate(plan: tk.Plan) -> None:
    """Two things that happened outside the plan."""
    for reason in ("one site closed", "another form was used"):
        log_deviations(
            plan, reason=reason, new="as it went", type="measure", timing="blinded", severity="unclear", validity="unclear", by="a. researcher"
        )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plan, lock, evidence, allocation, ledger, data and report."""
    place = tmp_path_factory.mktemp("bundle")
    (place / "plan.toml").write_text("# why: see the protocol\n" + SMALL, encoding="utf-8")
    people().to_csv(place / "people.csv", index=False)
    design = tk.design.complete(people()[["id"]], unit="id", arms={"a": 1, "b": 1})
    tk.design.allocate(design, folder=place / "allocation", seed=1)
    plan = tk.Plan.load(place / "plan.toml")
    lock = plan.lock()
    (place / "registry.txt").write_text(f"EXAMPLE-0001 {lock.manifest_hash}\n", encoding="utf-8")
    attach(lock.path, place / "registry.txt", id="EXAMPLE-0001")
    deviate(plan)
    plan.fingerprint(place / "people.csv", by="a. researcher")
    plan.run(place / "people.csv", now=NOW).save(place / "report")
    return place


@pytest.fixture
def report(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy")) / "report"


def test_the_bundle_holds_what_a_reader_needs(made: Path) -> None:
    names = files_in(made / "report")
    assert {n.removeprefix("plan/") for n in names if n.startswith("plan/")} == {
        "allocation/certificate.json",
        "plan.data.json",
        "plan.deviations.jsonl",
        "plan.lock.evidence.json",
        "plan.lock.evidence/1-registry.txt",
        "plan.lock.json",
        "plan.unblinding.jsonl",
        "plan.toml",
    }
    assert {"index.html", "results.json"} <= set(names)
    stored = json.loads((made / "report" / "results.json").read_text("utf-8"))
    bundle = read_bundle(made / "report")[0]
    assert stored["lock"]["manifest_hash"] == bundle["manifest_hash"] == read_lock(made / "plan.lock.json")["manifest_hash"]
    assert stored["data"]["fingerprint_sha256"] == json.loads((made / "plan.data.json").read_text("utf-8"))["fingerprint_hash"]
    assert (stored["lock"]["level"], bundle["level"]) == ("L2", "L2")


def test_neither_data_nor_salt_nor_seed_are_in_it(made: Path) -> None:
    salt = json.loads((made / "plan.data.json").read_text("utf-8"))["salt"]
    secret = json.loads((made / "allocation" / "allocation.seed.json").read_text("utf-8"))
    for name in files_in(made / "report"):
        content = (made / "report" / name).read_bytes()
        assert salt.encode() not in content and secret["salt"].encode() not in content
        assert b"id,arm,y1" not in content


def test_an_untouched_report_verifies_by_itself(report: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(report, tmp_path / "alone"))
    found = verify_bundle(alone)
    assert found.ok, found.failed
    assert found.lock is not None and found.lock.level == "L2"
    told = str(found)
    assert "What this shows" in told and "What it does not show" in told
    assert "can write a new bundle.json" in told and "run the plan again" in told
    assert "the 2 entries of plan.deviations.jsonl are as they were written" in told
    assert json.loads(json.dumps(found.to_dict()))["lock"]["level"] == "L2"


def test_the_page_shows_level_and_hashes(report: Path) -> None:
    page = (report / "index.html").read_text("utf-8")
    manifest = json.loads((report / "results.json").read_text("utf-8"))["lock"]["manifest_hash"]
    assert "Level L2 (public registration): preregistered" in page
    assert page.count(manifest[:12]) >= 2 and "1-registry.txt" in page


def test_a_noted_hash_tells_a_report_that_was_made_anew(report: Path) -> None:
    noted = str(read_bundle(report)[0]["bundle_hash"])
    assert verify_bundle(report, noted=noted[:20].upper()).ok
    manifest = read_lock(report / "plan" / "plan.lock.json")["manifest_hash"]
    assert verify_bundle(report, noted=manifest).ok
    content = load_content(report)
    save_report(replace(content, title="Another"), report)
    again = verify_bundle(report)
    assert again.ok, again.failed
    found = verify_bundle(report, noted=noted)
    assert not found.ok and "is not that of the bundle or the lock" in found.failed[-1]


TARGETS = (
    "plan/plan.toml",
    "plan/plan.lock.json",
    "plan/plan.lock.evidence.json",
    "plan/plan.lock.evidence/1-registry.txt",
    "plan/plan.deviations.jsonl",
    "plan/plan.unblinding.jsonl",
    "plan/plan.data.json",
    "results.json",
    "bundle.json",
    "index.html",
    "tables/effects.csv",
)


def _mutated(content: bytes, rng: random.Random) -> bytes:
    """One byte changed, put in or taken out; white space among them."""
    i = rng.randrange(len(content))
    byte = bytes([rng.choice([*b" \n\t\r0123456789aez\"',.}", rng.randrange(256)])])
    changed = rng.choice(
        [content[:i] + byte + content[i + 1 :], content[:i] + byte + content[i:], content[:i] + content[i + 1 :]]
    )
    return changed if changed != content else content + b" "


@pytest.mark.parametrize("name", TARGETS)
def test_no_character_changes_unseen(report: Path, name: str) -> None:
    """40 seeded changes of each file: verification fails and names the file."""
    path, rng = report / name, random.Random(f"seed {name}")
    content = path.read_bytes()
    for _ in range(40):
        path.write_bytes(_mutated(content, rng))
        try:
            found = verify_bundle(report)
            told = " ".join(found.failed)
            assert not found.ok and (name == "bundle.json" or name in found.changed)
        except FileReadError as reason:
            assert name == "bundle.json"
            told = str(reason)
        assert Path(name).name in told
    path.write_bytes(content)
    assert verify_bundle(report).ok


def test_no_character_of_the_data_changes_unseen(report: Path) -> None:
    data, rng = report.parent / "people.csv", random.Random(5)
    content = data.read_bytes()
    for _ in range(60):
        data.write_bytes(_mutated(content, rng))
        found = verify_bundle(report, data=data)
        assert not found.ok and any("people.csv" in told for told in found.failed), found.failed
    data.write_bytes(content)
    assert verify_bundle(report, data=data).ok


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("results.json", '"p_value": 0.', '"p_value": 0.0', "at outcomes['y'].result.estimates[1].p_value in line"),
        ("results.json", '"title": "t"', '"title":  "t"', "at title in line 3"),
        ("plan/plan.toml", 'column = "y1"', 'column = "y2"', "plan.toml: the plan differs from the locked one: outcomes['y'].column: 'y1' -> 'y2'"),
        ("plan/plan.toml", "see the protocol", "see the Protocol", "plan/plan.toml was changed in line 1"),
        ("plan/plan.lock.json", '"conf_level": 0.95', '"conf_level": 0.9', "at plan.analysis.conf_level in line"),
        ("plan/plan.deviations.jsonl", "another form", "another Form", "entry 2 (D2) of 'plan.deviations.jsonl'"),
        ("plan/plan.lock.evidence/1-registry.txt", "EXAMPLE", "EXAMPEL", "'1-registry.txt' of the evidence was changed"),
        ("bundle.json", '"level": "L2"', '"level": "L3"', "its hash is another one"),
    ],
)  # fmt: skip
def test_it_says_where(report: Path, name: str, old: str, new: str, said: str) -> None:
    path = report / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = verify_bundle(report)
    assert not found.ok
    assert said in " | ".join(found.failed)


def test_it_takes_less_than_a_second(report: Path) -> None:
    code = "import sys, time; t = time.process_time(); from trialkit.plan.locking.verify_bundle import verify_bundle as v; f = v(sys.argv[1]); "
    code += "print(f.ok, 'pandas' in sys.modules, time.process_time() - t)"
    told = subprocess.run(
        [sys.executable, "-c", code, str(report)], check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    assert told[:2] == ["True", "False"], "what reads data is loaded only with --data"
    started = time.process_time()
    verify_bundle(report)
    assert time.process_time() - started < 1


def test_files_added_taken_away_or_linked(report: Path) -> None:
    (report / "extra.html").write_text("<script>")
    (report / "tables" / "effects.csv").unlink()
    (report / ".DS_Store").write_bytes(b"x")
    flow = report / "tables" / "flow.csv"
    shutil.copy(flow, report.parent / "flow.csv")
    flow.unlink()
    flow.symlink_to(report.parent / "flow.csv")
    found = verify_bundle(report)
    assert set(found.failed) == {
        "extra.html was added",
        "tables/effects.csv is gone",
        "tables/flow.csv is a link to another file",
    }


def test_a_lock_that_does_not_belong_is_seen_even_when_sealed_anew(report: Path, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "plan.toml").write_text(SMALL.replace('title = "t"', 'title = "other"'), encoding="utf-8")
    other = tk.Plan.load(tmp_path / "o" / "plan.toml").lock().path
    shutil.copy(other, report / "plan" / "plan.lock.json")
    bundle = read_bundle(report)[0]
    content = (report / "plan" / "plan.lock.json").read_bytes()
    bundle["files"]["plan/plan.lock.json"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    bundle["bundle_hash"] = bundle_hash(bundle)
    (report / "bundle.json").write_text(bundle_text(bundle), encoding="utf-8")
    found = verify_bundle(report)
    assert found.changed == ()
    assert any("names another lock" in told for told in found.failed)
    assert any("trial.title: 'other' -> 't'" in told for told in found.failed)


def test_converted_line_ends_are_named_as_such(report: Path) -> None:
    path = report / "tables" / "effects.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert verify_bundle(report).failed[0].startswith("tables/effects.csv was changed: its line ends were converted")


def test_what_a_changed_file_says_does_not_steer_the_terminal(report: Path) -> None:
    path = report / "tables" / "effects.csv"
    path.write_text("\x1b[2J\x1b]0;owned\x07" + path.read_text("utf-8"), encoding="utf-8")
    assert "\x1b" not in str(verify_bundle(report)) and "\x07" not in str(verify_bundle(report))


def test_a_lock_under_another_name_and_a_scale_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL, encoding="utf-8")
    plan = tk.Plan.load(tmp_path / "plan.toml")
    lock = plan.lock(tmp_path / "v2.json").path
    content = plan.run(people(), lock=lock, now=NOW)
    folder = replace(content, attached={"a_scale.toml": b'key = "a"\n', **content.attached}).save(tmp_path / "r").parent
    found = verify_bundle(folder)
    assert found.ok, found.failed
    assert found.lock is not None and found.lock.path.name == "v2.json"
    assert "plan.toml: the plan is the locked one" in str(found)


def test_evidence_that_was_taken_out_is_missed_even_when_sealed_anew(report: Path) -> None:
    from trialkit.report.writing.bundle import seal

    told = {k: v for k, v in read_bundle(report)[0].items() if k not in ("files", "kind", "format_version", "bundle_hash")}
    (report / "plan" / "plan.lock.evidence.json").unlink()
    shutil.rmtree(report / "plan" / "plan.lock.evidence")
    seal(report, told)
    assert verify_bundle(report).failed == ("results.json says level L2 (lock.level), and what is here gives L0",)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "plan/../../x.toml", "C:\\x.toml"])
def test_a_hostile_bundle_reads_nothing_outside(report: Path, name: str) -> None:
    bundle = read_bundle(report)[0]
    bundle["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    bundle["bundle_hash"] = bundle_hash(bundle)
    (report / "bundle.json").write_text(bundle_text(bundle), encoding="utf-8")
    found = verify_bundle(report)
    assert [told for told in found.failed if "outside the report" in told]
    assert not any("root:" in told for told in found.failed)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\x00\xff", b"[" * 100_000, b'{"kind": "trialkit report bundle", "files": 1}']
)
def test_a_bundle_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(content)
    with pytest.raises(FileReadError, match="damaged or changed"):
        verify_bundle(tmp_path)
    (tmp_path / "bundle.json").unlink()
    with pytest.raises(FileReadError, match="not the folder of a report"):
        verify_bundle(tmp_path)


def test_a_report_drawn_again_keeps_its_plan(report: Path, tmp_path: Path) -> None:
    again = save_report(load_content(report), tmp_path / "again").parent
    assert {n: (again / n).read_bytes() for n in files_in(again)} == {n: (report / n).read_bytes() for n in files_in(report)}
    assert (again / "bundle.json").read_bytes() == (report / "bundle.json").read_bytes()


def test_an_unlocked_plan_from_text(tmp_path: Path) -> None:
    content = tk.Plan.from_text(SMALL).run(people(), now=NOW)
    folder = content.save(tmp_path / "r").parent
    found = verify_bundle(folder, data=people())
    assert found.ok and found.lock is None
    assert "it was not locked" in str(found) and "holds the values that were analysed" in str(found)
    assert sorted(content.attached) == ["plan.data.json", "plan.toml"]
    assert not verify_bundle(folder, data=people().assign(y1=0.5)).ok


def test_the_plans_own_scales_go_along_and_no_file_from_elsewhere(tmp_path: Path) -> None:
    from trialkit.plan.locking.gather import _scale_files

    (tmp_path / "p" / "scales").mkdir(parents=True)
    (tmp_path / "elsewhere.toml").write_text("key = 1\n")
    (tmp_path / "p" / "scales" / "own.toml").write_text("key = 2\n")
    text = SMALL.replace("[[outcomes]]", SCALE).replace(
        "[[outcomes]]", SCALE.replace("scales/own", "../elsewhere").replace('"s"', '"z"')
    )
    (tmp_path / "p" / "plan.toml").write_text(text, encoding="utf-8")
    plan = tk.Plan.load(tmp_path / "p" / "plan.toml")
    assert dict(_scale_files(plan)) == {"scales/own.toml": b"key = 2\n"}


def test_the_command_line(report: Path, made: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert command(["verify", str(report), "--data", str(report.parent / "people.csv")]) == 0
    assert "byte by byte" in capsys.readouterr().out
    assert command(["verify", str(report / "bundle.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert command(["verify", str(report), "--plan", str(made / "plan.toml")]) == 2
    (report / "index.html").write_text("", encoding="utf-8")
    assert command(["verify", str(report)]) == LockError.exit_code == 5
    assert "index.html was changed" in capsys.readouterr().out
    assert command(["verify", str(tmp_path)]) == 4
    work = Path(shutil.copytree(made, tmp_path / "work", ignore=shutil.ignore_patterns("report", "plan.data.json")))
    assert command(["run", str(work / "plan.toml"), str(work / "people.csv"), "--out", str(work / "report")]) == 0
    told = capsys.readouterr().out
    assert read_bundle(work / "report")[0]["bundle_hash"] in told
    assert json.loads((work / "plan.data.json").read_text("utf-8"))["salt"]
    assert verify_bundle(work / "report").ok


KILLED = """
import sys
from trialkit.report.save import load_content, save_report
content = load_content(sys.argv[1])
print("ready", flush=True)
while True:
    save_report(content, sys.argv[2])
"""


@pytest.fixture
def writer(report: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    target = tmp_path / "out" / "report"
    save_report(load_content(report), target)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(report), str(target)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield process, target
    process.kill()
    process.wait()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals")
def test_a_run_stopped_at_any_moment_leaves_a_whole_report(writer: tuple[subprocess.Popen[str], Path]) -> None:
    """At each of 40 moments the process stands still, as if it had been killed; what stands in the place is whole."""
    process, target = writer
    rng = random.Random(11)
    for _ in range(40):
        time.sleep(rng.uniform(0.001, 0.08))
        os.kill(process.pid, signal.SIGSTOP)
        found = verify_bundle(target)
        assert found.ok, found.failed
        os.kill(process.pid, signal.SIGCONT)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert verify_bundle(target).ok
    save_report(load_content(target), target)
    assert verify_bundle(target).ok


def test_where_folders_cannot_be_exchanged_the_former_one_is_put_back(tmp_path: Path, report: Path) -> None:
    target = tmp_path / "r"
    save_report(load_content(report), target)
    aside = tmp_path / ".r.0123456789ab.former"
    target.rename(aside)
    half = tmp_path / ".r.aaaaaaaaaaaa.tmp"
    half.mkdir()
    os.utime(half, (0, 0))
    exchanging.tidied(target)
    assert verify_bundle(target).ok
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "r"]


def test_marks_and_keys_of_lines() -> None:
    text = json.dumps(
        {"a": {"b": [1, 2, [3]], "name": "x"}, "c": [{"name": "p", "v": {"name": "q"}}, {"v": 1}], "d": {}}, indent=1
    )
    keys = {line.strip(): key_of_line(text, i) for i, line in enumerate(text.split("\n"), 1)}
    assert keys['"b": ['] == "a.b" and keys["2,"] == "a.b[2]" and keys["3"] == "a.b[3][1]"
    assert keys['"name": "x"'] == "a.name" and keys['"name": "q"'] == "c['p'].v.name" and keys['"v": 1'] == "c[2].v"
    content = b"\n".join(b"%d" % i for i in range(50_000))
    marks = line_marks(content)
    assert marks["per"] == 3 and len(marks["marks"]) <= 80_000
    assert changed_lines(content, marks) is None
    first, last = changed_lines(content.replace(b"40000\n", b"40001\n"), marks) or (0, 0)
    assert first <= 40_001 <= last <= first + 2
    assert changed_lines(b"a\nb", line_marks(b"a\nb\nc")) == (3, 3)
