"""Stage 4 of blinding: who saw the real arms, when, and on which data; a log of which every line carries the hash of the one before.

The log stands beside the plan (plan.toml -> plan.unblinding.jsonl). Lines are added and never changed. It says what trialkit was told or did itself: a person who
opens the data in another program leaves no line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.design.record.chain_file import SittingLock
from trialkit.design.record.ledger import chained, log_text, moment, read_log
from trialkit.errors import LockError, UnblindingError, UsageError
from trialkit.io.write import atomic_text
from trialkit.plan.locking.status import lock_status
from trialkit.plan.planned.prepare import check_data, load_data
from trialkit.results import Note

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.report.save import Report

__all__ = ["Unblinding", "read_unblinding", "unblind", "unblinding_path", "with_unblinding"]

BY_RUN = "trialkit run (nobody named)"


@dataclass(frozen=True, slots=True)
class Unblinding:
    """A line of the log, as it was written."""

    path: Path
    line: dict[str, Any]
    lines: int

    def to_dict(self) -> dict[str, Any]:
        return {"path": str(self.path), **self.line}

    def __str__(self) -> str:
        more = "" if self.lines == 1 else f" It was unblinded before: this is line {self.lines}."
        return (
            f"Unblinded at {self.line['at']} by {self.line['by']}: {self.line['data']['file']} may be analysed under the lock {self.line['manifest_hash'][:12]}. "
            f"Logged in {self.path.name}.{more}"
        )


def unblinding_path(plan: Path) -> Path:
    """Where the log of a plan stands."""
    return plan.with_suffix(".unblinding.jsonl")


def read_unblinding(plan: PlanRecord) -> list[dict[str, Any]]:
    """The lines of the log beside the plan; an empty list when there is none.

    Raises
    ------
    LockError
        When a line was changed, taken out or put in.
    """
    return [] if plan.path is None else read_log(unblinding_path(plan.path))


def unblind(
    plan: PlanRecord, data: Any, *, by: str, lock: str | Path | None = None, reason: str | None = None, at: datetime | None = None
) -> Unblinding:
    """Write down that the real arms are seen from now on.

    Parameters
    ----------
    plan : a plan read from a file, and locked. data : the data with the real arms: a path or any data frame.
    by : who unblinds. reason : why now, in a few words, for instance that cleaning is done.
    lock : the lock; unsaid: the one beside the plan. at : when; unsaid: now.

    Returns
    -------
    Unblinding
        The line: time, who, the hashes of the plan, of the lock's manifest and of the data.

    Raises
    ------
    UnblindingError
        The plan is not locked (exit code 6): what was seen could still change it.
    LockError
        The plan is not the locked one, or the log was edited.
    UsageError
        Nobody is named, or the plan stands in no file.

    Examples
    --------
    >>> print(unblind(plan, "final.sav", by="C. de Vries", reason="cleaning is done"))        # doctest: +SKIP
    """
    if plan.path is None:
        raise UsageError("this plan was read from text, so that no log can stand beside it: save it and load it with Plan.load.")
    if not by or not by.strip():
        raise UsageError("by is empty: name who unblinds, as in by='C. de Vries'.")
    source = plan.lock_path if lock is None else Path(lock)
    if not source.exists():
        raise UnblindingError(
            f"'{plan.path.name}' is not locked, and whoever sees the arms now could still change it. First say: trialkit lock {plan.path}. Until then "
            "trialkit blind shows the whole report with arms that are made up."
        )
    status = lock_status(plan, source)
    entry = {
        "event": "unblind", "at": moment(at), "by": by.strip(), "reason": (reason or "").strip(), "plan_hash": status.plan_hash,
        "manifest_hash": status.manifest_hash, "data": _of_data(plan, data),
    }  # fmt: skip
    path = unblinding_path(plan.path)
    log = _append(path, entry)
    return Unblinding(path, log[-1], len(log))


def with_unblinding(plan: PlanRecord, content: Report) -> Report:
    """The content of a run with the log of unblinding; a run of a locked plan on data of people that has none
    writes its first line itself."""
    if plan.path is None:
        return content
    log = read_unblinding(plan)
    if log or content.lock.state != "locked" or content.blinding:
        return replace(content, unblinding=tuple(log))
    if not os.access(plan.path.parent, os.W_OK):
        note = Note(
            "unblinding_not_logged", "the folder of the plan cannot be written to, so that no log of unblinding stands beside it."
        )
        return replace(content, notes=(*content.notes, note))
    entry = {
        "event": "run", "at": moment(_clock(content.created)), "by": BY_RUN, "reason": "", "plan_hash": content.lock.plan_hash,
        "manifest_hash": content.lock.manifest_hash, "data": _receipt(content.data),
    }  # fmt: skip
    log = _append(unblinding_path(plan.path), entry, only_first=True)
    return replace(content, unblinding=tuple(log))


def _clock(created: str) -> datetime | None:
    """The time that a run prints, or None (now) where that is no moment."""
    try:
        at = datetime.fromisoformat(created)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _of_data(plan: PlanRecord, data: Any) -> dict[str, Any]:
    loaded = load_data(plan.spec, data)
    check_data(plan.spec, loaded.frame, plan.folder)
    return _receipt(loaded.source)


def _receipt(source: Any) -> dict[str, Any]:
    return {k: source[k] for k in ("file", "sha256", "content_sha256", "rows", "columns") if source.get(k) is not None}


def _append(path: Path, entry: dict[str, Any], *, only_first: bool = False) -> list[dict[str, Any]]:
    """The log with the entry; with `only_first` it is left alone when somebody was there before."""
    sitting = SittingLock(path, str(entry["by"]), str(entry["at"]))
    try:
        log = read_log(path)
        if only_first and log:
            return log
        log = [*log, chained(log, entry)]
        atomic_text(path, log_text(log))
    except OSError as reason:
        raise LockError(
            f"'{path}' cannot be written ({reason.strerror or reason}): the log of unblinding stands beside the plan."
        ) from None
    finally:
        sitting.release()
    return log
