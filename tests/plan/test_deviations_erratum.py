"""The locked plan run again after a bug: what moved, in the ledger and beside the earlier results."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import trialkit as tk
from tests.plan.test_deviations import SAID, changed, locked
from tests.plan.test_run import data
from trialkit.cli import run as cli
from trialkit.errors import DataError, LockError, UsageError
from trialkit.plan.deviations.erratum import erratum
from trialkit.plan.deviations.moved import moved_numbers
from trialkit.plan.locking.verify_bundle import verify_bundle
from trialkit.report.save import load_content

WHY: dict[str, Any] = {"reason": "CR2 took the wrong groups.", "by": "A. Jansen"}


@pytest.fixture
def study(tmp_path: Path) -> tuple[tk.Plan, Path]:
    """A plan with a report by software that had a bug: its first estimate and reading are altered."""
    plan = tk.Plan.load(locked(tmp_path))
    plan.run(data()).save(tmp_path / "report")
    results = tmp_path / "report" / "results.json"
    stored = json.loads(results.read_text("utf-8"))
    first = stored["outcomes"][0]
    first["result"]["estimates"][0]["estimate"] += 0.001
    first["verdicts"][0] = "harm"
    stored["outcomes"][1]["result"]["estimates"][0]["std_error"] *= 1 + 1e-11  # last digits, which are no finding
    results.write_text(json.dumps(stored), encoding="utf-8")
    return plan, tmp_path / "report"


def test_what_moved_is_found_and_nothing_else(study: tuple[tk.Plan, Path]) -> None:
    plan, earlier = study
    before = (earlier / "results.json").read_bytes()
    content = erratum(plan, earlier, data(), **WHY)
    table = content.departures.erratum
    assert table is not None
    rows = {r["where"]: r for r in table.table}
    assert set(rows) == {"outcomes['mood'].verdicts[1]", "outcomes['mood'].result.estimates[1].estimate"}
    row = rows["outcomes['mood'].result.estimates[1].estimate"]
    assert row["before"] - row["after"] == pytest.approx(0.001, rel=1e-9)
    assert row["after"] == content.outcomes[0].result.estimates[0].estimate
    assert table.details["moved"] == 2 and table.details["compared"] > 300 and table.details["before_sealed"] is False
    (entry,) = plan.deviations()
    assert (entry.type, entry.source, entry.new["numbers_moved"]) == ("software", "software", 2)
    assert content.deviations[-1]["id"] == entry.id
    page = content.save(earlier.parent / "report_corrected").read_text("utf-8")
    assert "this report replaces the earlier one" in page and "CR2 took the wrong groups." in page and "2 moved" in page
    kept = earlier.parent / "report_corrected" / "plan" / "results.before.json"
    assert kept.read_bytes() == before == (earlier / "results.json").read_bytes()
    assert hashlib.sha256(before).hexdigest() == table.details["before_sha256"]
    assert verify_bundle(earlier.parent / "report_corrected").ok
    again = load_content(earlier.parent / "report_corrected")
    assert again.to_dict() == content.to_dict()
    again.save(earlier.parent / "drawn_again")
    assert (earlier.parent / "drawn_again" / "plan" / "results.before.json").read_bytes() == before


def test_without_a_bug_nothing_moves(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path))
    plan.deviate(**SAID)
    plan.run(data()).save(tmp_path / "report")
    content = erratum(plan, tmp_path / "report", data(), **WHY)
    table = content.departures.erratum
    assert table is not None and table.table == () and table.details["moved"] == 0 and table.details["before_sealed"] is True
    assert content.planned_outcomes and [e.type for e in plan.deviations()] == ["model", "software"]


def test_another_plan_or_other_data_are_refused_and_nothing_is_logged(study: tuple[tk.Plan, Path], tmp_path: Path) -> None:
    plan, earlier = study
    with pytest.raises(DataError, match="not the ones of the earlier report"):
        erratum(plan, earlier, data(2), **WHY)
    with pytest.raises(UsageError, match="reason is not said"):
        erratum(plan, earlier, data(), reason="", by="A")
    with pytest.raises(DataError, match="there is no file"):
        erratum(plan, tmp_path / "nowhere", data(), **WHY)
    other = changed(plan.path)  # type: ignore[arg-type]
    with pytest.raises(LockError):
        erratum(other, earlier, data(), **WHY)
    assert not (tmp_path / "plan.deviations.jsonl").exists()
    other.deviate(**SAID)
    with pytest.raises(LockError, match="changed since the earlier report"):
        erratum(other, earlier, data(), **WHY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(LockError, match="no lock"):
        erratum(tk.Plan.from_text(plan.text), earlier, data(), **WHY)
    relocked = tk.Plan.load(locked(elsewhere, plan.text.replace("A small trial", "Another trial")))
    with pytest.raises(LockError, match="another lock"):
        erratum(relocked, earlier, data(), **WHY)


def test_the_command(study: tuple[tk.Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, earlier = study
    csv = tmp_path / "data.csv"
    data().to_csv(csv, index=False)
    words = ["erratum", str(earlier), str(tmp_path / "plan.toml"), str(csv)]
    assert cli([*words, "--by", "A"]) == 2 and "reason" in capsys.readouterr().err
    assert cli([*words, "--by", "A", "--reason", "r", "--out", str(earlier)]) == 2
    assert "stays as it is" in capsys.readouterr().err
    code = cli([*words, "--by", "A", "--reason", "r", "--out", str(tmp_path / "new"), "--quiet"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "2 of " in told.out and (tmp_path / "new" / "index.html").is_file()


def test_comparison_of_two_results() -> None:
    before = {
        "outcomes": [{"name": "a", "label": "A", "x": 1.0, "p": None}, {"name": "b", "x": [1, 2]}],
        "created": "x",
        "flag": True,
    }
    after = {
        "outcomes": [{"name": "b", "x": [1, 2, 3]}, {"name": "a", "label": "A", "x": 1.0 + 1e-12, "p": 0.5}],
        "created": "y",
        "flag": False,
    }
    found, compared = moved_numbers(before, after | {"added": {"k": 1}, "empty": []})
    assert {(m.where, m.kind) for m in found} == {
        ("outcomes['a'].p", "number"), ("outcomes['b'].x[3]", "new"), ("flag", "text"), ("added", "new"),
    }  # fmt: skip
    assert compared == 5 and next(m for m in found if m.where == "outcomes['a'].p").label == "A"
    assert moved_numbers(before, before) == ((), compared - 1)
