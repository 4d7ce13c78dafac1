"""Stage 4 of blinding: the log of who saw the real arms; and `trialkit blind` from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

import trialkit as tk
from tests.plan.blinding import people, planned
from trialkit.cli.app import app
from trialkit.design.record.ledger import read_log
from trialkit.errors import LockError, UnblindingError, UsageError
from trialkit.io import content_hash
from trialkit.plan.blinding.unblinding import BY_RUN, read_unblinding, unblind, unblinding_path
from trialkit.report.save import Report

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path) -> tk.Plan:
    return planned(tmp_path)


def test_a_plan_that_is_not_locked_is_not_unblinded(plan):
    with pytest.raises(UnblindingError, match="trialkit lock") as error:
        unblind(plan, people(1), by="C. de Vries")
    assert error.value.exit_code == 6
    assert not unblinding_path(plan.path).exists()


def test_the_line_says_who_when_and_on_which_data(plan):
    lock = plan.lock()
    frame = people(1)
    made = unblind(plan, frame, by=" C. de Vries ", reason="cleaning is done", at=AT)
    (line,) = read_unblinding(plan)
    assert line == made.line
    assert (line["by"], line["at"], line["reason"]) == ("C. de Vries", "2026-03-01T09:30:00Z", "cleaning is done")
    assert (line["plan_hash"], line["manifest_hash"]) == (plan.hash, lock.manifest_hash)
    assert line["data"]["rows"] == 240
    assert line["data"]["content_sha256"] == content_hash(frame.replace(-99, None))
    assert "C. de Vries" in str(made)
    again = unblind(plan, frame, by="B", at=AT)
    assert (again.lines, again.line["previous"]) == (2, line["hash"])


def test_every_changed_character_is_found(plan):
    plan.lock()
    unblind(plan, people(1), by="A", at=AT)
    unblind(plan, people(1), by="B", at=AT)
    path = unblinding_path(plan.path)
    text = path.read_text("utf-8")
    for place in range(0, len(text) - 1, 37):
        path.write_text(text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :], encoding="utf-8")
        with pytest.raises(LockError):
            read_log(path)
        with pytest.raises(LockError):
            unblind(plan, people(1), by="C", at=AT)
    path.write_text(text.split("\n", 1)[1], encoding="utf-8")
    with pytest.raises(LockError):
        plan.run(people(1))


def test_a_changed_plan_is_not_unblinded(plan):
    plan.lock()
    other = tk.Plan.load(plan.path)
    plan.path.write_text(plan.text.replace("Counselling plus a group", "Something else"), encoding="utf-8")
    with pytest.raises(LockError):
        unblind(tk.Plan.load(plan.path), people(1), by="A")
    assert unblind(other, people(1), by="A").lines == 1


def test_a_run_of_a_locked_plan_writes_the_first_line_itself_and_only_that(plan, tmp_path):
    plan.lock()
    content = plan.run(people(1))
    (line,) = read_unblinding(plan)
    assert (line["event"], line["by"]) == ("run", BY_RUN)
    plan.run(people(1))
    assert len(read_unblinding(plan)) == 1
    assert Report.from_dict(json.loads(json.dumps(content.to_dict()))).unblinding == ({**line},)
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert "Unblinded" in page
    assert BY_RUN in page
    assert (tmp_path / "report" / "plan" / "plan.unblinding.jsonl").read_bytes() == unblinding_path(plan.path).read_bytes()


def test_a_run_after_unblinding_tells_who_it_was(plan, tmp_path):
    plan.lock()
    unblind(plan, people(1), by="C. de Vries", at=AT)
    page = plan.run(people(1)).save(tmp_path / "report").read_text("utf-8")
    assert page.count("1 March 2026, 09:30 UTC, by C. de Vries") == 2


def test_a_run_without_a_lock_leaves_no_log(plan):
    content = plan.run(people(1))
    assert content.unblinding == ()
    assert not unblinding_path(plan.path).exists()


def test_nobody_is_no_name(plan):
    plan.lock()
    with pytest.raises(UsageError, match="by"):
        unblind(plan, people(1), by=" ")


def test_names_are_escaped_in_the_report(plan, tmp_path):
    plan.lock()
    unblind(plan, people(1), by="<script>alert(1)</script>", at=AT)
    assert "<script>alert" not in plan.run(people(1)).save(tmp_path / "report").read_text("utf-8")


def _cli(*words: object) -> tuple[int, str]:
    from trialkit.errors import TrialkitError

    found = CliRunner().invoke(app, [str(w) for w in words])
    if isinstance(found.exception, TrialkitError):
        return found.exception.exit_code, str(found.exception)
    return found.exit_code, found.stdout


def test_the_command_line_of_every_stage(plan, tmp_path):
    data = tmp_path / "d.csv"
    people(1, told=True).to_csv(data, index=False)
    p = plan.path
    assert _cli("blind", "unblind", p, data, "--by", "A")[0] == 6
    assert _cli("blind", "rerandomized", p, data)[0] == 2
    assert _cli("blind", "masked", p, data)[0] == 2
    code, text = _cli("blind", "rerandomized", p, data, "--seed", 1, "--out", tmp_path / "b", "--quiet")
    assert (code, text.startswith("BLINDED")) == (0, True)
    assert (tmp_path / "b" / "index.html").exists()
    code, text = _cli("blind", "rerandomized", p, data, "--seed", 1, "--repeat", 20, "--json", "--quiet")
    assert json.loads(text)["kind"] == "false_positives"
    code, text = _cli("blind", "masked", p, data, "--key", tmp_path / "k.json", "--out", tmp_path / "c")
    assert code == 0
    assert "solo" not in text
    code, text = _cli(
        "blind", "simulated", p, "--seed", 1, "--truth", "null", "--out", tmp_path / "s", "--data", tmp_path / "s.csv", "--quiet"
    )
    assert (code, text.startswith("SIMULATED")) == (0, True)
    assert (tmp_path / "s.csv").exists()
    plan.lock()
    assert _cli("blind", "unblind", p, data)[0] == 2
    code, text = _cli("blind", "unblind", p, data, "--by", "A", "--json")
    assert (code, json.loads(text)["by"]) == (0, "A")
