"""Locks of every format stay readable: files that version 1 wrote, with an amendment and a scale of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import trialkit as tk
from trialkit.errors import LockError
from trialkit.plan.locking import software
from trialkit.plan.locking.manifest import FORMAT_VERSION, read_lock
from trialkit.plan.locking.verify import verify
from trialkit.simulate.own_scales import own_scale_text

STORED = Path(__file__).parent / "data" / "format_1"
OWN_SCALE = own_scale_text("scales/search_intensity.toml")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORED, tmp_path / "old"))


def test_a_lock_of_format_1_verifies(old: Path) -> None:
    found = verify(old / "plan.lock.json", plan=old / "plan.toml")
    assert found.ok, found.failed
    assert found.manifest_hash == "a9f600a298ad0afeb2b784585dc8701c9f87a053f3497b1f6f6029adbc086ab1"
    assert (found.level, found.locked_at) == ("L2 (claimed)", "2026-11-22T13:00:00Z")
    assert "a wider interval was agreed" in str(found)
    assert verify(old / "plan.lock.0.json").ok


def test_a_changed_lock_of_format_1_is_seen(old: Path) -> None:
    path = old / "plan.lock.json"
    path.write_text(path.read_text("utf-8").replace('"conf_level": 0.9', '"conf_level": 0.8'), encoding="utf-8")
    assert not verify(path).ok


def test_evidence_and_amendments_go_on_from_format_1(old: Path) -> None:
    from trialkit.plan.locking.attach import attach

    path, plan = old / "plan.lock.json", old / "plan.toml"
    (old / "registry.txt").write_text(read_lock(path)["manifest_hash"], encoding="utf-8")
    attach(path, old / "registry.txt")
    assert tk.Plan.load(plan).verify().level == "L2"
    plan.write_text(plan.read_text("utf-8").replace("conf_level = 0.9", "conf_level = 0.95"), encoding="utf-8")
    (old / "own.toml").write_text(OWN_SCALE, encoding="utf-8")
    tk.Plan.load(plan).lock(amend="back again, and a scale that can be scored")
    manifest = read_lock(path)
    assert (manifest["format_version"], len(manifest["amendments"])) == (FORMAT_VERSION, 2) == (2, 2)
    assert read_lock(old / "plan.lock.1.json")["format_version"] == 1
    assert tk.Plan.load(plan).verify().ok


def test_a_lock_of_format_2_needs_its_entries(old: Path) -> None:
    path = old / "plan.lock.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "format_version": 2}), encoding="utf-8")
    with pytest.raises(LockError, match="lacks a readable 'allocation'"):
        verify(path)


def test_the_lock_names_the_code(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    shutil.copy(STORED / "plan.toml", plan)
    (tmp_path / "own.toml").write_text(OWN_SCALE, encoding="utf-8")
    manifest = read_lock(tk.Plan.load(plan).lock().path)
    assert manifest["source_sha256"] == software.source_hash()
    assert {"numpy", "scipy", "pandas", "pydantic", "statsmodels"} <= manifest["dependencies"].keys()
    assert "pytest" not in manifest["dependencies"]


def test_a_patched_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "trialkit"
    (copy / "sub").mkdir(parents=True)
    (copy / "__init__.py").write_text("a = 1\n")
    (copy / "sub" / "x.toml").write_text("b = 1\n")
    monkeypatch.setattr(software.trialkit, "__file__", str(copy / "__init__.py"))
    before = software.source_hash.__wrapped__()
    (copy / "sub" / "x.pyc").write_bytes(b"compiled")
    (copy / "__init__.py").write_bytes(b"a = 1\r\n")
    assert software.source_hash.__wrapped__() == before
    (copy / "sub" / "x.toml").write_text("b = 2\n")
    assert software.source_hash.__wrapped__() != before


def test_a_patched_package_is_no_tampering_of_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tmp_path / "plan.toml"
    shutil.copy(STORED / "plan.toml", plan)
    (tmp_path / "own.toml").write_text(OWN_SCALE, encoding="utf-8")
    path = tk.Plan.load(plan).lock().path
    monkeypatch.setattr("trialkit.plan.locking.verify.source_hash", lambda: "0" * 64)
    found = verify(path)
    assert found.ok and "not the same files" in str(found)
