"""The ledger of deviations, and a run of a plan that differs from its lock."""

from __future__ import annotations

import json
import multiprocessing
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.plan.test_run import PLAN, data
from trialkit.design.record.chain_file import SittingLock
from trialkit.errors import LockError, UsageError
from trialkit.plan.deviations import ledger
from trialkit.plan.deviations.changes import changes_of
from trialkit.plan.deviations.entry import kind_of_path
from trialkit.plan.deviations.ledger import append, ledger_beside, read_ledger
from trialkit.plan.locking.differences import Difference
from trialkit.plan.locking.manifest import read_lock
from trialkit.plan.locking.verify_bundle import verify_bundle
from trialkit.report.save import Report, load_content

SAID = {
    "reason": "Asked for by the funder.",
    "timing": "before data",
    "severity": "unchanged",
    "validity": "increased",
    "by": "A. Jansen",
}
CHANGED = PLAN.replace('adjust = ["female"]', "adjust = []")


def locked(folder: Path, text: str = PLAN) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    tk.Plan.load(path).lock()
    return path


def changed(path: Path, text: str = CHANGED) -> tk.Plan:
    path.write_text(text)
    return tk.Plan.load(path)


@pytest.fixture(scope="module")
def deviating(tmp_path_factory: pytest.TempPathFactory) -> tuple[tk.Plan, Report]:
    plan = changed(locked(tmp_path_factory.mktemp("deviating")))
    plan.deviate(**SAID)
    return plan, plan.run(data())


def test_a_plan_that_differs_is_refused_until_the_ledger_tells_why(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path))
    with pytest.raises(LockError, match=r"analysis.adjust: \['female'\] -> \[\].*trialkit deviate"):
        plan.run(data())
    (entry,) = plan.deviate(**SAID)
    assert (entry.id, entry.plan_path, entry.original, entry.new, entry.type) == (
        "D1",
        "analysis.adjust",
        ["female"],
        [],
        "model",
    )
    assert entry.timing == "before_data" and entry.manifest_hash == read_lock(plan.lock_path)["manifest_hash"]
    assert plan.verify().ok and plan.deviations() == (entry,)
    assert any("1 point, told in plan.deviations.jsonl (D1)" in c.sentence for c in plan.verify().checks)


def test_both_plans_are_run(deviating: tuple[tk.Plan, Report]) -> None:
    _, content = deviating
    d = data()
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    as_run = tk.itt(trial, "y", adjust=["y0"]).estimates[0]
    as_locked = tk.itt(trial, "y", adjust=["y0", "female"]).estimates[0]
    np.testing.assert_allclose(content.outcomes[0].result.estimates[0].estimate, as_run.estimate, rtol=1e-12)
    planned = content.planned_outcomes[0].result.estimates[0]
    np.testing.assert_allclose([planned.estimate, planned.p_value], [as_locked.estimate, as_locked.p_value], rtol=1e-12)
    assert content.lock.state == "locked" and content.lock.logged_changes == 1
    assert [c["path"] for c in content.departures.changes] == ["analysis.adjust"]
    assert content.deviations[0]["in_force"] is True and content.departures.planned_failed == ""


def test_the_report_shows_both_and_can_be_verified(deviating: tuple[tk.Plan, Report], tmp_path: Path) -> None:
    _, content = deviating
    page = content.save(tmp_path / "report").read_text("utf-8")
    for said in (
        "The plan was locked, and changed afterwards",
        "as planned",
        "as changed",
        "Asked for by the funder.",
        "Deviations</",
        "before there were data",
    ):
        assert said in page
    rows = (tmp_path / "report" / "tables" / "planned_and_changed.csv").read_text("utf-8")
    assert rows.count(",planned,") == 3 and rows.count(",changed,") == 3
    found = verify_bundle(tmp_path / "report")
    assert found.ok and "every point where the plan differs" in str(found)
    assert load_content(tmp_path / "report").to_dict() == content.to_dict()
    ledger = tmp_path / "report" / "plan" / "plan.deviations.jsonl"
    ledger.write_text(ledger.read_text("utf-8").replace("funder", "sponsor"))
    assert "entry 1 (D1)" in str(verify_bundle(tmp_path / "report")) and not verify_bundle(tmp_path / "report").ok


def test_intervals_of_two_levels_are_each_named(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path), PLAN.replace("[analysis]", "[analysis]\nconf_level = 0.90"))
    plan.deviate(**SAID)
    content = plan.run(data())
    (planned,), (run,) = (o[0].result.estimates for o in (content.planned_outcomes, content.outcomes))
    assert (planned.conf_level, run.conf_level) == (0.95, 0.9)
    page = content.save(tmp_path / "report", language=["en", "nl"]).read_text("utf-8")
    above = page[: page.index("Estimates with 95% and 90% intervals.")]
    table = above[above.rindex("<table") :]
    assert "(95%)" in table and "(90%)" in table and ">90% interval<" not in table
    dutch = (tmp_path / "report" / "index.nl.html").read_text("utf-8")
    assert "Schattingen met 95%- en 90%-intervallen." in dutch


def test_a_key_that_is_changed_again_needs_another_entry(tmp_path: Path) -> None:
    path = locked(tmp_path)
    changed(path).deviate(**SAID)
    again = changed(path, PLAN.replace('adjust = ["female"]', 'adjust = ["female", "age"]'))
    with pytest.raises(LockError, match=r"analysis\.adjust"):
        again.lock_status()
    again.deviate(**SAID)
    assert again.lock_status().state == "locked"
    # back to the first change: the last word of the ledger is another one
    with pytest.raises(LockError, match=r"analysis\.adjust"):
        changed(path).lock_status()
    # back to the locked plan: nothing differs, and no entry is in force
    content = changed(path, PLAN).run(data())
    assert content.lock.logged_changes == 0 and not content.planned_outcomes
    assert [row["in_force"] for row in content.deviations] == [False, False]


def test_what_cannot_be_run_any_more_is_told(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path), PLAN.replace('column = "calls"', 'column = "visits"'))
    plan.deviate(**SAID)
    content = plan.run(data().rename(columns={"calls": "visits"}))
    assert "calls" in content.departures.planned_failed and not content.planned_outcomes
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert "The locked plan could not be run on these data" in page


def test_an_outcome_of_one_plan_only(tmp_path: Path) -> None:
    more = PLAN.replace("[analysis]", '[[outcomes]]\nname = "again"\ncolumn = "y"\nrole = "exploratory"\n[analysis]')
    plan = changed(locked(tmp_path), more)
    plan.deviate(**SAID)
    content = plan.run(data())
    assert {o.name for o in content.outcomes} - {o.name for o in content.planned_outcomes} == {"again"}
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert "only in the changed plan" in page and "3 further outcomes come out the same by both plans" in page


def test_a_planned_test_that_was_dropped_keeps_its_row(tmp_path: Path) -> None:
    more = PLAN.replace("[analysis]", '[[outcomes]]\nname = "again"\ncolumn = "y"\nrole = "exploratory"\n[analysis]')
    plan = changed(locked(tmp_path, more), PLAN)
    plan.deviate(**SAID)
    content = plan.run(data())
    dropped = [r for r in content.after.tests.table if r["reason"] == "dropped"]
    assert {r["outcome"] for r in dropped} == {"again"}
    planned = next(o for o in content.planned_outcomes if o.name == "again").result.estimates[0]
    assert next(r for r in dropped if r["test"] == "effect")["estimate"] == planned.estimate
    assert "the changed plan dropped it" in content.save(tmp_path / "report").read_text("utf-8")


def test_an_own_scale_that_was_changed_counts_as_a_change(tmp_path: Path, text: str) -> None:
    scale = tmp_path / "mood.toml"
    scale.write_text("[scale]\nname = 'one'\n")
    manifest = {"scales": [{"name": "mood", "scale": "mood.toml", "sha256": "0" * 64}]}
    from trialkit.plan.deviations.changes import changed_definitions

    (found,) = changed_definitions(manifest, tmp_path)
    assert found.path == "scales['mood'].definition" and found.locked == "0" * 64
    assert kind_of_path(found.path) == "measure"


@pytest.mark.parametrize("leave_out", ["reason", "timing", "severity", "validity", "by"])
def test_nothing_is_logged_without_what_a_reader_needs(tmp_path: Path, leave_out: str) -> None:
    plan = changed(locked(tmp_path))
    with pytest.raises(UsageError, match=leave_out):
        plan.deviate(**{**SAID, leave_out: " "})
    assert not ledger_beside(plan.path).exists()


def test_wrong_words_get_a_remedy(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path))
    with pytest.raises(UsageError, match="did you mean 'reduced'"):
        plan.deviate(**{**SAID, "severity": "reducd"})
    with pytest.raises(UsageError, match=r"Did you mean 'analysis\.adjust'"):
        plan.deviate(**SAID, path="analysis.adjst")
    with pytest.raises(UsageError, match="both values are taken from there"):
        plan.deviate(**SAID, path="analysis.adjust", new="x")
    with pytest.raises(UsageError, match="type is not said"):
        plan.deviate(**SAID, new="900 people")
    plan.deviate(**SAID)
    with pytest.raises(UsageError, match="nothing to log"):
        plan.deviate(**SAID)
    with pytest.raises(UsageError, match="in the ledger already"):
        plan.deviate(**SAID, path="analysis.adjust")
    with pytest.raises(LockError, match="there is no lock"):
        plan.deviate(**SAID, lock=tmp_path / "other.lock.json")


def test_what_no_key_shows_is_logged_by_a_person(tmp_path: Path) -> None:
    plan = tk.Plan.load(locked(tmp_path))
    (entry,) = plan.deviate(**SAID, type="sample", original="1,400 people", new="Recruitment ended at 900.")
    assert (entry.plan_path, entry.source, entry.type) == ("", "person", "sample")
    (other,) = plan.deviate(**SAID, path="outcomes['job'].measure", new="The register gave weeks, not a yes or no.")
    assert other.original == "risk_difference" and other.type == "model"
    content = plan.run(data())
    assert [row["in_force"] for row in content.deviations] == [True, True] and not content.planned_outcomes
    assert content.lock.logged_changes == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("design.units", "sample"), ("outcomes['y'].family", "multiplicity"), ("multiplicity.method", "multiplicity"),
        ("data.missing_codes.-99", "exclusion"), ("outcomes['y'].column", "measure"), ("outcomes['y']", "measure"),
        ("outcomes['y'].better", "hypothesis"), ("subgroups[1]", "hypothesis"), ("analysis.covariance", "model"), ("missing.primary", "model"),
    ],
)  # fmt: skip
def test_the_kind_follows_from_the_key(path: str, kind: str) -> None:
    assert kind_of_path(path) == kind


def _three(folder: Path) -> tuple[Path, dict]:
    plan = tk.Plan.load(locked(folder))
    manifest = read_lock(plan.lock_path)
    for i in range(3):
        plan.deviate(**SAID, type="sample", original=1400 - i, new=f"{900 + i} people, één arm")
    return ledger_beside(plan.path), manifest


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, bytes]:
    path, manifest = _three(tmp_path_factory.mktemp("three"))
    return path, manifest, path.read_bytes()


def test_the_ledger_is_chained_from_the_lock(three: tuple[Path, dict, bytes]) -> None:
    path, manifest, content = three
    lines = [json.loads(line) for line in content.decode().splitlines()]
    assert lines[0]["previous"] == manifest["manifest_hash"]
    assert [line["previous"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    assert [e.id for e in read_ledger(path, manifest)] == ["D1", "D2", "D3"]


@settings(max_examples=200, deadline=None)
@given(where=st.integers(0, 10**6), other=st.integers(1, 255))
def test_any_changed_byte_is_found_and_its_entry_named(three: tuple[Path, dict, bytes], where: int, other: int) -> None:
    path, manifest, content = three
    at = where % len(content)
    made = bytearray(content)
    made[at] ^= other
    path.write_bytes(bytes(made))
    try:
        with pytest.raises(LockError, match=r"plan\.deviations\.jsonl") as found:
            read_ledger(path, manifest)
    finally:
        path.write_bytes(content)
    line = content[:at].count(b"\n") + 1
    told = str(found.value)
    assert any(
        said in told
        for said in (f"entry {line} ", f"entry {line} (D{line})", "not plain text", "not complete", f"entry {line + 1} ")
    )


def test_lines_out_of_order_or_of_another_lock_are_found(three: tuple[Path, dict, bytes], tmp_path: Path) -> None:
    _, manifest, content = three
    lines = content.decode().splitlines(keepends=True)
    path = tmp_path / "plan.deviations.jsonl"
    for made in (lines[1:], [lines[0], lines[2]], [lines[1], lines[0], lines[2]], [*lines, lines[2]]):
        path.write_text("".join(made))
        with pytest.raises(LockError, match=r"entry|begins at another lock"):
            read_ledger(path, manifest)
    path.write_text("".join(lines))
    with pytest.raises(LockError, match="begins at another lock"):
        read_ledger(path, {**manifest, "manifest_hash": "f" * 64})


def test_nothing_is_added_to_an_edited_ledger(tmp_path: Path) -> None:
    path, manifest = _three(tmp_path)
    path.write_text(path.read_text().replace("900 people", "999 people"))
    before = path.read_bytes()
    with pytest.raises(LockError, match=r"entry 1 \(D1\)"):
        append(path, manifest, [], by="A", at="now")
    with pytest.raises(LockError, match=r"entry 1 \(D1\)"):
        tk.Plan.load(tmp_path / "plan.toml").run(data())
    assert path.read_bytes() == before


def test_an_amended_lock_goes_on_with_the_ledger(tmp_path: Path) -> None:
    path, _ = _three(tmp_path)
    plan = changed(tmp_path / "plan.toml")
    plan.lock(amend="The funder asked.")
    assert len(read_ledger(path, read_lock(plan.lock_path))) == 3
    (entry,) = plan.deviate(**SAID, type="software", new="another version")
    assert entry.id == "D4" and entry.manifest_hash == read_lock(plan.lock_path)["manifest_hash"]


def _write(folder: str, who: int) -> None:
    plan = tk.Plan.load(Path(folder) / "plan.toml")
    for i in range(5):
        plan.deviate(**{**SAID, "by": f"writer {who}"}, type="sample", new=f"{who} {i}")


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    plan = tk.Plan.load(locked(tmp_path))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(str(tmp_path), who)) for who in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [w.exitcode for w in writers] == [0, 0]
    found = plan.deviations()
    assert sorted(e.new for e in found) == sorted(f"{who} {i}" for who in (1, 2) for i in range(5))
    assert [e.id for e in found] == [f"D{i}" for i in range(1, 11)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_only_the_exact_change_is_covered(seed: int) -> None:
    rng = random.Random(seed)
    values = [None, True, 1, 1.5, "a", ["a"], {"b": 2}]
    from trialkit.plan.deviations.entry import Entry

    old, new, present = (rng.choice(values) for _ in range(3))
    entry = Entry("D1", "k", old, new, "model", "r", "blinded", "b", "", "d", "unclear", "unclear", "plan", "m")
    covered = not changes_of([Difference("k", old, present)], [entry]).unlogged
    assert covered == (json.dumps(new) == json.dumps(present))


def test_what_the_run_notices_is_listed_and_not_logged(tmp_path: Path) -> None:
    text = PLAN.replace("[data]", "[design]\nunits = 1400\ngroups = { size = [2, 3] }\n[data]")
    plan = tk.Plan.load(locked(tmp_path, text))
    content = plan.run(data())
    kinds = {row["kind"]: row for row in content.departures.noticed}
    assert kinds["people"]["planned"] == 1400 and kinds["people"]["reached"] == len(data())
    assert kinds["group_size"]["what"] == "peer" and kinds["group_size"]["planned"] == [2, 3]
    assert content.deviations == () and not ledger_beside(plan.path).exists()
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert "The plan has 1,400 people; the data hold" in page


def test_another_version_of_a_package_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tk.Plan.load(locked(tmp_path))
    from trialkit.plan.deviations import noticed

    present = {**noticed.versions(), "numpy": "0.9"}
    monkeypatch.setattr(noticed, "versions", lambda: present)
    row = next(r for r in plan.run(data()).departures.noticed if r["kind"] == "version")
    assert (row["what"], row["reached"]) == ("numpy", "0.9")


def test_what_was_logged_after_the_arms_were_seen_says_so(tmp_path: Path) -> None:
    path = locked(tmp_path)
    early = changed(path)
    early.deviate(**SAID, at=datetime(2020, 1, 1, tzinfo=UTC))
    early.run(data())  # writes the log of unblinding
    early.deviate(**SAID, type="sample", new="900 people", at=datetime(2035, 1, 1, tzinfo=UTC))
    content = early.run(data())
    assert [row["logged_late"] for row in content.deviations] == [False, True]
    assert "It was logged after the real arms had been seen" in content.save(tmp_path / "report").read_text("utf-8")


def test_a_writer_that_does_not_finish_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = changed(locked(tmp_path))
    SittingLock(ledger_beside(plan.path), "P. Pietersen", "2026-01-01T00:00:00Z")
    monkeypatch.setattr(ledger, "PATIENCE", 0.2)
    with pytest.raises(LockError, match=r"P\. Pietersen.*remove 'plan\.deviations\.jsonl\.lock'"):
        plan.deviate(**SAID)
    assert not ledger_beside(plan.path).exists()


def test_a_reading_that_changed_is_shown(tmp_path: Path) -> None:
    # the estimates are the same; what counts as worthwhile is not
    plan = changed(locked(tmp_path), PLAN.replace("smallest_worthwhile = { hedges_g = 0.2 }", "smallest_worthwhile = 5"))
    plan.deviate(**SAID)
    content = plan.run(data())
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert content.planned_outcomes[0].verdicts != content.outcomes[0].verdicts
    section = page[page.index('id="deviations"') :]
    assert "inconclusive" in section and "no worthwhile difference" in section


def test_a_ledger_without_its_lock_stops_the_run(tmp_path: Path) -> None:
    plan = changed(locked(tmp_path))
    plan.deviate(**SAID)
    plan.lock_path.rename(tmp_path / "kept.lock.json")
    with pytest.raises(LockError, match="put the lock back"):
        plan.run(data())
    assert plan.run(data(), lock=tmp_path / "kept.lock.json").lock.logged_changes == 1
