"""A run that goes on record: held to its lock, with what was logged beside it, and with the files by which it can be verified."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from trialkit.errors import UsageError
from trialkit.plan.blinding.unblinding import with_unblinding
from trialkit.plan.deviations.run import with_deviations
from trialkit.plan.locking.fingerprint import fingerprint_beside, further_files, keep_fingerprint, read_fingerprint
from trialkit.plan.locking.gather import with_plan_files
from trialkit.plan.locking.status import status_of_run
from trialkit.plan.planned.prepare import load_data
from trialkit.plan.record import PlanRecord
from trialkit.plan.run import run_plan
from trialkit.report.save import Report

__all__ = ["kept_fingerprint", "run_on_record"]


def run_on_record(
    plan: PlanRecord,
    data: Any,
    *,
    lock: str | Path | None = None,
    fingerprint: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    now: str | None = None,
) -> Report:
    """Run every planned analysis, and put beside it what was logged; the arguments are those of `Plan.run`.

    With `fingerprint` the data are written down beside the plan, once they were analysed: a run that is refused leaves nothing behind.
    """
    if data is None:
        raise UsageError('a plan runs on data: plan.run("data.csv") or plan.run(frame)')
    status = status_of_run(plan, lock)
    if fingerprint:
        _require_place(plan)
    loaded = load_data(plan.spec, data)
    content = run_plan(plan.spec, loaded, lock=status, folder=plan.folder, plan_name=plan.name, progress=progress, now=now)
    place = plan.lock_path if lock is None else Path(lock)
    content = with_deviations(plan, with_unblinding(plan, content), loaded, place, progress=progress)
    if fingerprint:
        kept_fingerprint(plan, loaded)
    return with_plan_files(plan, content, place)


def kept_fingerprint(plan: PlanRecord, data: Any, *, by: str | None = None, at: datetime | None = None) -> Path:
    """Write down which data are analysed; the arguments are those of `Plan.fingerprint`."""
    target = _place(plan)
    loaded, further = load_data(plan.spec, data), further_files(plan.spec, plan.folder)
    keep_fingerprint(target, loaded.frame, loaded.source, missing_codes=loaded.codes, further=further, by=by, at=at)
    return target


def _place(plan: PlanRecord) -> Path:
    if plan.path is None:
        raise UsageError("this plan was read from text, so that there is no place beside it: save it and load it with Plan.load.")
    return fingerprint_beside(plan.path)


def _require_place(plan: PlanRecord) -> None:
    """Refuse before the analyses what could not be written down after them."""
    target = _place(plan)
    if target.exists():
        read_fingerprint(target)
    if not os.access(target.parent, os.W_OK):
        raise UsageError(
            f"the folder '{target.parent}' cannot be written to, and '{target.name}' with the hashes of the data belongs there."
        )
