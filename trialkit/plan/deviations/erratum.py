"""After a bug: the locked plan run again with the present software, every number held against the earlier report, both shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import DataError, FileReadError, LockError, TrialkitError, UsageError
from trialkit.plan.deviations.entry import Entry, checked_choice, checked_text
from trialkit.plan.deviations.ledger import append
from trialkit.plan.deviations.log import ledger_of
from trialkit.plan.deviations.moved import moved_numbers
from trialkit.plan.on_record import run_on_record
from trialkit.report.content.departures import Erratum
from trialkit.report.save import Report

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["BEFORE", "erratum"]

BEFORE = "results.before.json"


def erratum(
    plan: PlanRecord,
    earlier: str | Path,
    data: Any,
    *,
    reason: str,
    by: str,
    severity: str = "unclear",
    validity: str = "unclear",
    lock: str | Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    at: datetime | None = None,
    now: str | None = None,
) -> Report:
    """Run a locked plan again after a correction of the software, and compare every number with the earlier report.

    Parameters
    ----------
    plan
        The plan of the earlier report; it is locked.
    earlier
        The folder of the earlier report, or its results.json. It is read, never changed.
    data
        The same data.
    reason, by
        What was wrong, and who says so: a 'software' entry of the ledger.
    severity, validity
        What becomes of them, as in `Entry`; unsaid: 'unclear'.
    lock, progress, at, now
        As in `Plan.run` and `log_deviations`.

    Returns
    -------
    Report
        Of the new run; `departures.erratum` is the table of what moved beyond one part in 1e9, and the earlier results.json goes whole into
        the folder of the report, as plan/results.before.json.

    Raises
    ------
    LockError
        The plan is not locked, or not the one of the earlier report.
    DataError
        The data are not those of the earlier report.

    Examples
    --------
    >>> erratum(plan, "report", "data.csv", reason="CR2 took the wrong groups in 0.9.1.", by="A. Jansen").save("report_2")   # doctest: +SKIP
    """
    from trialkit.design.record.ledger import moment

    said = {
        "reason": checked_text("reason", reason),
        "timing": "after_unblinding",
        "by": checked_text("by", by),
        "approved": "",
        "date": moment(at),
        "severity": checked_choice("severity", severity),
        "validity": checked_choice("validity", validity),
    }
    text, before = _earlier(Path(earlier).expanduser())
    content = run_on_record(plan, data, lock=lock, progress=progress, now=now)
    told = before.to_dict()
    _require_same(told, content.to_dict())
    found, compared = moved_numbers(told, content.to_dict())
    table = Erratum(
        (),
        (),
        {
            "reason": said["reason"], "by": said["by"], "date": said["date"], "compared": compared,
            "moved": sum(m.kind in ("number", "text") for m in found), "parts": sum(m.kind in ("new", "gone") for m in found),
            "before_created": before.created, "before_versions": dict(before.versions), "before_sha256": hashlib.sha256(text).hexdigest(),
            "before_sealed": _sealed(Path(earlier).expanduser()), "unplanned_left_out": [u.name for u in before.departures.unplanned],
        },
        tuple(m._asdict() for m in found),
    )  # fmt: skip
    path, manifest, _ = ledger_of(plan, lock)
    entry = {
        "plan_path": "", "type": "software", "source": "software", **said,
        "original": {"made": before.created, "software": dict(before.versions)},
        "new": {"made": content.created, "software": dict(content.versions), "numbers_moved": table.details["moved"], "numbers_compared": compared},
    }  # fmt: skip
    added = append(path, manifest, [entry], by=said["by"], at=said["date"])
    return _told(content, table, added, path, text)


def _told(content: Report, table: Erratum, added: tuple[Entry, ...], ledger: Path, before: bytes) -> Report:
    return replace(
        content,
        departures=replace(content.departures, erratum=table),
        deviations=(*content.deviations, *(e.to_dict() | {"in_force": True, "logged_late": False} for e in added)),
        attached={**content.attached, ledger.name: ledger.read_bytes(), BEFORE: before},
    )


def _earlier(place: Path) -> tuple[bytes, Report]:
    from trialkit.report.save import load_content

    file = place / "results.json" if place.is_dir() else place
    before = load_content(file)
    try:
        return file.read_bytes(), before
    except OSError as reason:
        raise FileReadError(f"'{file}' cannot be read ({reason.strerror or reason}).") from None


def _sealed(place: Path) -> bool | None:
    """Whether the earlier report is as it was written; None where it has no bundle.json."""
    from trialkit.plan.locking.verify_bundle import verify_bundle

    folder = place if place.is_dir() else place.parent
    if not (folder / "bundle.json").is_file():
        return None
    try:
        return verify_bundle(folder).ok
    except TrialkitError:
        return False


def _require_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """The same lock, the same changes of the plan, the same data."""
    if after["lock"]["state"] != "locked":
        raise LockError("an erratum runs a locked plan again, and this plan has no lock: give it with lock='plan.lock.json'.")
    if before["lock"].get("manifest_hash") != after["lock"]["manifest_hash"]:
        raise LockError(
            "the earlier report was made with another lock than this plan has: an erratum runs the same locked plan again. Use that plan and lock."
        )
    changes = [tuple((c["path"], str(c["present"])) for c in told["departures"]["changes"]) for told in (before, after)]
    if changes[0] != changes[1]:
        raise LockError(
            "the plan was changed since the earlier report, so that the numbers would move for two reasons at once: use the plan of that report."
        )
    if before["data"].get("content_sha256") != after["data"]["content_sha256"]:
        raise DataError("these data are not the ones of the earlier report (their content has another hash): use those.")
    if before.get("blinding") or after.get("blinding"):
        raise UsageError("an erratum is of a report on the real data, and this one is blinded.")
