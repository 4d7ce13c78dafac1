"""What a report carries of its plan, so that it can be published and verified by itself: the plan and its own scales, the locks, their
evidence, the ledgers, the certificate of the allocation and the data's fingerprint. Never the data, the salt or a seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.errors import LockError
from trialkit.plan.locking.allocation import certificates_beside
from trialkit.plan.locking.evidence import evidence_path, files_folder, read_evidence
from trialkit.plan.locking.fingerprint import Fingerprint, fingerprint_beside, fingerprint_of, further_files, read_fingerprint
from trialkit.plan.locking.manifest import kept_beside, read_lock
from trialkit.plan.schema.scale_files import is_own, scale_path

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.report.save import Report

__all__ = ["with_plan_files"]

LEDGERS = ("deviations.jsonl", "unblinding.jsonl")


def with_plan_files(plan: PlanRecord, content: Report, lock_path: Path) -> Report:
    """The content with the files of its plan attached, and with the hash of the data's fingerprint."""
    files = {plan.name: _plan_bytes(plan)}
    fingerprint = _fingerprint(plan, content)
    files[fingerprint_beside(Path(plan.name)).name] = fingerprint.published().text().encode("utf-8")
    if content.lock.state == "locked":
        files |= dict(_lock_files(lock_path, plan.folder))
    if plan.path is not None:
        files |= {p.name: p.read_bytes() for p in (plan.path.with_suffix(f".{kind}") for kind in LEDGERS) if p.is_file()}
    files |= {f"allocation/{p.name}": p.read_bytes() for p in certificates_beside(plan.folder)}
    files |= dict(_scale_files(plan))
    return replace(content, attached=files, data={**content.data, "fingerprint_sha256": fingerprint.hash})


def _plan_bytes(plan: PlanRecord) -> bytes:
    """The bytes of the file where it still says what was run; else the text that was."""
    if plan.path is not None and plan.path.is_file():
        content = plan.path.read_bytes()
        if content.decode("utf-8-sig", "replace").replace("\r\n", "\n") == plan.text.replace("\r\n", "\n"):
            return content
    return plan.text.encode("utf-8")


def _fingerprint(plan: PlanRecord, content: Report) -> Fingerprint:
    """The one that was kept beside the plan, if it is of these data; else one of the whole without its columns."""
    further = further_files(plan.spec, plan.folder)
    if plan.path is not None and fingerprint_beside(plan.path).is_file():
        kept = read_fingerprint(fingerprint_beside(plan.path))
        same_file = content.data.get("sha256") in (None, kept.content["sha256"])
        if same_file and kept.content["further"] == further and kept.content["content_sha256"] == content.data["content_sha256"]:
            return kept
    codes = dict(plan.spec.data.missing_codes)
    return fingerprint_of(None, content.data, missing_codes=codes, made_at=content.created, further=further)


def _lock_files(lock_path: Path, folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield lock_path.name, lock_path.read_bytes()
    for number in range(len(read_lock(lock_path)["amendments"])):
        before = kept_beside(lock_path, number)
        if before.is_file():
            yield before.name, before.read_bytes()
    try:
        evidence = read_evidence(lock_path)
    except LockError:  # told by the verification before the run
        return
    if evidence.entries:
        yield evidence_path(lock_path).name, evidence_path(lock_path).read_bytes()
    for entry in evidence.entries:
        file = files_folder(lock_path) / entry.file
        if file.is_file():
            yield f"{files_folder(lock_path).name}/{entry.file}", file.read_bytes()


def _scale_files(plan: PlanRecord) -> Iterator[tuple[str, bytes]]:
    """Own scale files, in the plan's folder or below it: a run reads no others."""
    for scale in dict.fromkeys(s.scale for s in plan.spec.scales if is_own(s.scale)):
        path = scale_path(scale, plan.folder)
        written = Path(scale.replace("\\", "/"))
        inside = not written.is_absolute() and ".." not in written.parts and ":" not in scale
        if inside and path.is_file():
            yield written.as_posix(), path.read_bytes()
