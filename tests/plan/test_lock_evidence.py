"""Evidence for a lock: what raises its level, what is only claimed, and what is seen when evidence changes."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import trialkit as tk
from tests.plan.conftest import SMALL
from trialkit.cli import run as command
from trialkit.errors import LockError, UsageError
from trialkit.plan.locking.attach import attach
from trialkit.plan.locking.evidence import evidence_path, read_evidence
from trialkit.plan.locking.evidence_kinds import KINDS, stamped
from trialkit.plan.locking.levels import highest, level_in_words
from trialkit.plan.locking.manifest import read_lock
from trialkit.plan.locking.verify import verify

WHEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(SMALL, encoding="utf-8")
    return tk.Plan.load(tmp_path / "plan.toml").lock(locked_at=WHEN).path


def _hash(lock: Path) -> str:
    return str(read_lock(lock)["manifest_hash"])


def _file(lock: Path, name: str, content: str | bytes) -> Path:
    path = lock.parent / "given" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize("written", ["{0}", "plan hash: {1}\nfiled 2026", "{2}\n   {3}"])
def test_a_registration_that_carries_the_hash_is_l2(lock: Path, written: str) -> None:
    told = _hash(lock)
    text = f"<p>AEARCTR-1</p> {written.format(told, told.upper(), told[:40], told[40:])}"
    made = attach(lock, _file(lock, "registry.html", text), id="AEARCTR-1", by="a. researcher", at=WHEN)
    found = verify(lock)
    assert (made.level, found.level, found.ok) == ("L2", "L2", True)
    assert "preregistered" in str(found) and "is not verified here" in str(found)
    assert made.content["sha256"] in str(found)
    assert found.to_dict()["evidence"][0]["id"] == "AEARCTR-1"


@pytest.mark.parametrize(
    "change", [lambda h: h[:-1], lambda h: h[1:], lambda h: h[:30] + ("0" if h[30] != "0" else "1") + h[31:], lambda h: ""]
)
def test_a_registration_without_the_full_hash_is_a_claim(lock: Path, change: object) -> None:
    text = change(_hash(lock))  # type: ignore[operator]
    attach(lock, _file(lock, "registry.txt", f"Our trial. {text}"))
    found = verify(lock)
    assert (found.level, found.ok) == ("L2 (claimed)", True)
    assert "does not carry the manifest hash" in str(found)
    assert "preregistered" not in str(found).lower()


def test_a_registration_without_its_number_is_a_claim(lock: Path) -> None:
    made = attach(lock, _file(lock, "registry.txt", _hash(lock)))
    assert (made.level, verify(lock).level) == ("L2 (claimed)", "L2 (claimed)")
    assert "nobody can look it up" in str(verify(lock))


def test_a_timestamp_token_is_kept_and_not_verified(lock: Path) -> None:
    for name, content, level in (
        ("unrelated.tsr", b"\x30\x82" + hashlib.sha256(b"something else").digest(), "L1 (claimed)"),
        ("file.tsr", b"\x30\x82" + hashlib.sha256(lock.read_bytes()).digest() + b"signature", "L1"),
        ("text.ots", b"\x00OTS" + hashlib.sha512(_hash(lock).encode()).digest(), "L1"),
    ):
        made = attach(lock, _file(lock, name, content))
        assert made.level == level
        assert "not verified here" in str(made)
    found = verify(lock)
    assert (found.level, found.ok) == ("L1", True)
    assert "preregistered" not in str(found).lower()
    assert len(set(stamped(_hash(lock), lock.read_bytes()))) == 10


def test_someone_elses_statement_is_l3_only_with_the_hash(lock: Path) -> None:
    attach(lock, _file(lock, "scan.pdf", b"%PDF-1.7 ..."), kind="custody")
    assert verify(lock).level == "L3 (claimed)"
    attach(lock, _file(lock, "registry.txt", _hash(lock)), id="OSF-1")
    assert verify(lock).level == "L2", "what holds goes before a higher claim"
    attach(lock, _file(lock, "notary.txt", f"I keep {_hash(lock)}"), kind="custody")
    found = verify(lock)
    assert found.level == "L3" and "ask them" in str(found)
    assert [e.kind for e in found.evidence] == ["custody", "registry", "custody"]


def test_the_words_of_every_level(lock: Path) -> None:
    for level in ("L0", "L1", "L1 (claimed)", "L2", "L2 (claimed)", "L3", "L3 (claimed)"):
        told = level_in_words(level)
        assert level.split()[0] in told and "tamper-evident" in told
        assert ("preregistered" in told) == (level in ("L2", "L3"))
    assert highest(["L0", "L3 (claimed)", "L1"]) == "L1"
    assert highest(["L0", "L1 (claimed)", "L2 (claimed)"]) == "L2 (claimed)"


def test_evidence_of_an_earlier_version_says_nothing_of_an_amended_lock(lock: Path) -> None:
    attach(lock, _file(lock, "registry.txt", _hash(lock)))
    plan = lock.with_name("plan.toml")
    plan.write_text(SMALL + "[analysis]\nconf_level = 0.9\n", encoding="utf-8")
    tk.Plan.load(plan).lock(amend="agreed before the data")
    found = tk.Plan.load(plan).verify()
    assert (found.level, found.ok, found.evidence) == ("L0", True, ())
    assert "of another version of this lock" in str(found)


def test_the_commitment_of_an_allocation(tmp_path: Path) -> None:
    people = pd.DataFrame({"id": range(12)})
    design = tk.design.complete(people, unit="id", arms={"a": 1, "b": 1})
    (tmp_path / "plan.toml").write_text(SMALL, encoding="utf-8")
    before = tk.Plan.load(tmp_path / "plan.toml").lock(tmp_path / "before.lock.json")
    made = tk.design.allocate(design, folder=tmp_path / "allocation", seed=1234567)
    certificate = tmp_path / "allocation" / "certificate.json"
    late = attach(before.path, certificate)
    assert (late.kind, late.level, verify(before.path).level) == ("allocation", None, "L0")
    assert late.content["commitments"]["allocation_commitment"] == made.certificate.content["allocation_commitment"]
    lock = tk.Plan.load(tmp_path / "plan.toml").lock()
    manifest = read_lock(lock.path)
    assert [c["certificate_hash"] for c in manifest["allocation"]] == [made.certificate.hash]
    assert "batch 1 was committed to" in str(verify(lock.path))
    told = lock.path.read_text("utf-8") + evidence_path(before.path).read_text("utf-8")
    secret = json.loads((tmp_path / "allocation" / "allocation.seed.json").read_text("utf-8"))
    assert secret["salt"] not in told and secret["seed"] not in told and "1234567" not in told
    certificate.write_text(certificate.read_text("utf-8").replace('"people": 12', '"people": 13'), encoding="utf-8")
    with pytest.raises(LockError, match="was changed after it was made"):
        attach(before.path, certificate, kind="allocation")


@pytest.mark.parametrize("where", ["entry", "layout", "file", "gone", "claim"])
def test_changed_evidence_is_seen(lock: Path, where: str) -> None:
    attach(lock, _file(lock, "registry.txt", _hash(lock)), at=WHEN)
    attach(lock, _file(lock, "other.txt", "no hash"), at=WHEN)
    path, files = evidence_path(lock), lock.with_name("plan.lock.evidence")
    text = path.read_text("utf-8")
    if where == "entry":
        path.write_text(text.replace('"carries_hash": false', '"carries_hash": true'), encoding="utf-8")
    elif where == "layout":
        path.write_text(text.replace("\n", "\n\n", 1), encoding="utf-8")
    elif where == "file":
        (files / "1-registry.txt").write_text(_hash(lock) + " ", encoding="utf-8")
    elif where == "gone":
        (files / "1-registry.txt").unlink()
    else:
        from trialkit.design.record.ledger import chained
        from trialkit.plan.locking.evidence import Entry, rendered_evidence

        entries = [dict(e.content) for e in read_evidence(lock).entries]
        kept = {k: v for k, v in entries[1].items() if k not in ("line", "previous", "hash")}
        forged = [entries[0], chained(entries[:1], {**kept, "carries_hash": True})]
        path.write_text(rendered_evidence([Entry(e) for e in forged]), encoding="utf-8")
    found = verify(lock)
    expected = {
        "entry": "entry 2 of 'plan.lock.evidence.json'",
        "layout": "its layout",
        "file": "'1-registry.txt' of the evidence was changed",
        "gone": "'1-registry.txt' of the evidence is gone",
        "claim": "the entry on '2-other.txt' does not say what stands in that file",
    }
    assert not found.ok and expected[where] in found.failed[0]
    assert found.level == "L0"


def test_refusals_say_what_to_do(lock: Path) -> None:
    given = _file(lock, "registry.txt", _hash(lock))
    with pytest.raises(LockError, match=r"Did you mean 'registry\.txt'"):
        attach(lock, given.with_name("registri.txt"))
    with pytest.raises(UsageError, match="say --kind"):
        attach(lock, _file(lock, "scan.pdf", b"%PDF"))
    with pytest.raises(UsageError, match=r"no evidence of kind 'regisrty'. Did you mean 'registry'"):
        attach(lock, given, kind="regisrty")
    with pytest.raises(LockError, match="is empty"):
        attach(lock, _file(lock, "none.txt", ""))
    with pytest.raises(LockError, match="larger than 5 MB"):
        attach(lock, _file(lock, "big.txt", b"x" * 5_000_001))
    with pytest.raises(LockError, match="is not the certificate"):
        attach(lock, given, kind="allocation")
    tk.Plan.load(lock.with_name("plan.toml")).attach(given)
    with pytest.raises(UsageError, match="attached to this lock already"):
        attach(lock, given)
    lock.write_text(lock.read_text("utf-8").replace('"title": "t"', '"title": "u"'), encoding="utf-8")
    with pytest.raises(LockError, match="does not hold"):
        attach(lock, _file(lock, "more.txt", "x"))
    assert set(KINDS) == {"timestamp", "registry", "custody", "allocation"}


@pytest.mark.parametrize("name", ["../../evil.txt", "a b\nc.txt", ".hidden.txt", "x" * 200 + ".txt", "naïve €.txt"])
def test_odd_names_stay_inside_the_folder(lock: Path, name: str) -> None:
    safe = _file(lock, "safe.txt", _hash(lock))
    target = safe.parent / name
    target.parent.mkdir(parents=True, exist_ok=True)
    safe.rename(target)
    made = attach(lock, target, id="OSF-1")
    kept = list(lock.with_name("plan.lock.evidence").iterdir())
    assert [p.name for p in kept] == [made.file]
    assert verify(lock).level == "L2"


def test_the_command_line(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, plan = _file(lock, "registry.txt", _hash(lock)), lock.with_name("plan.toml")
    assert command(["lock", str(plan), "--evidence", str(given), "--id", "OSF-1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["level"], told["entry"]["id"]) == ("L2", "OSF-1")
    assert command(["verify", str(lock), "--noted", _hash(lock)[:16]]) == 0
    assert "is that of the lock" in capsys.readouterr().out
    assert command(["verify", str(lock), "--noted", "0" * 64]) == 5
    assert command(["lock", str(plan), "--kind", "registry"]) == 2
    assert command(["lock", str(plan), "--evidence", str(given), "--amend", "why"]) == 2
    assert command(["lock", str(lock.with_name("none.toml")), "--evidence", str(given)]) == 5
    assert "First say: trialkit lock" in capsys.readouterr().err


def test_a_real_rfc3161_reply_names_the_lock(lock: Path) -> None:
    """The messageImprint of a TimeStampReq (RFC 3161, 2.4.1) for this file, in DER: the digest stands in it as 32 bytes."""
    algorithm = base64.b64decode("MA0GCWCGSAFlAwQCAQUA")  # AlgorithmIdentifier of SHA-256
    imprint = algorithm + b"\x04\x20" + hashlib.sha256(lock.read_bytes()).digest()
    token = b"\x30" + bytes([len(imprint) + 5]) + b"\x02\x01\x01\x30" + bytes([len(imprint)]) + imprint
    assert attach(lock, _file(lock, "reply.tsr", token)).level == "L1"
