"""`trialkit deviate`: options, questions at a terminal, and refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import trialkit as tk
from tests.plan.test_deviations import CHANGED, locked
from tests.plan.test_run import PLAN, data
from trialkit.cli import deviate, run

SAID = [
    "--reason",
    "The funder asked.",
    "--timing",
    "before_data",
    "--severity",
    "unchanged",
    "--validity",
    "increased",
    "--by",
    "A. Jansen",
]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = locked(tmp_path)
    path.write_text(CHANGED.replace("smallest_worthwhile = 0.05", "smallest_worthwhile = 0.1"))
    return path


def test_the_way_through(plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "data.csv"
    data().to_csv(csv, index=False)
    assert run(["run", str(plan), str(csv), "--out", str(tmp_path / "report"), "--quiet"]) == 5
    assert "trialkit deviate" in capsys.readouterr().err and not (tmp_path / "report").exists()
    assert run(["deviate", str(plan), *SAID]) == 0
    assert "D2 (model" in capsys.readouterr().out
    code = run(["run", str(plan), str(csv), "--out", str(tmp_path / "report"), "--quiet"])
    assert code == 0, capsys.readouterr().err
    assert run(["verify", str(tmp_path / "report")]) == 0 and run(["verify", str(tmp_path / "plan.lock.json")]) == 0


def test_what_is_missing_is_refused_away_from_a_terminal(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deviate", str(plan), "--reason", "x"]) == 2
    told = capsys.readouterr().err
    for said in (
        "2 changes",
        "analysis.adjust: female -> none",
        "--timing before_data|blinded|after_unblinding",
        "--severity",
        "--validity",
        "--by",
    ):
        assert said in told
    assert not plan.with_name("plan.deviations.jsonl").exists()


def test_one_key_at_a_time(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deviate", str(plan), "--path", "analysis.adjust", *SAID, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [e["plan_path"] for e in found["entries"]] == ["analysis.adjust"]
    assert run(["deviate", str(plan), "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [d["path"] for d in listed["unlogged"]] == ["outcomes['job'].smallest_worthwhile"] and len(listed["entries"]) == 1
    assert run(["deviate", str(plan), "--path", "analysis.adjust"]) == 2
    assert "in the ledger already" in capsys.readouterr().err


def test_a_terminal_is_asked(plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [
        "",
        "First reason",
        "sometime",
        "blinded",
        "reduced",
        "unclear",
        "A. Jansen",
        "",
        "Second reason",
        "blinded",
        "unchanged",
        "unchanged",
        "",
    ]
    monkeypatch.setattr(deviate, "_can_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    assert run(["deviate", str(plan)]) == 0, capsys.readouterr().err
    first, second = tk.Plan.load(plan).deviations()
    assert (first.reason, first.timing, first.severity, first.by) == ("First reason", "blinded", "reduced", "A. Jansen")
    assert (second.reason, second.by, second.type) == ("Second reason", "A. Jansen", "model")


def test_an_end_of_answers_logs_nothing_half(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deviate, "_can_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("\nA reason\n"))
    assert run(["deviate", str(plan)]) == 2 and "not answered" in capsys.readouterr().err
    assert tk.Plan.load(plan).deviations() == ()


def test_nothing_to_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = locked(tmp_path)
    assert run(["deviate", str(path), *SAID]) == 2 and "nothing to log" in capsys.readouterr().err
    assert run(["deviate", str(path), *SAID, "--new", "900 people", "--original", "1400 people", "--type", "sample"]) == 0
    path.with_name("plan.lock.json").unlink()
    assert run(["deviate", str(path), *SAID]) == 5


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01", b"{}\n", b'{"line": 1}\n', b"[1]\nnull\n", b"{" * 5000 + b"\n", '{"a":"é"}\n'.encode("latin-1"), b"\n"],
)
def test_hostile_ledgers_end_in_one_sentence(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = locked(tmp_path, PLAN)
    path.with_name("plan.deviations.jsonl").write_bytes(content)
    assert run(["deviate", str(path), "--list"]) == 5
    assert "plan.deviations.jsonl" in capsys.readouterr().err
    assert path.with_name("plan.deviations.jsonl").read_bytes() == content
