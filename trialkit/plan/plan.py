"""`tk.Plan`: a plan file read once, which can be described, locked, verified and run."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.plan.deviations.entry import Entry
from trialkit.plan.deviations.log import ledger_of, log_deviations
from trialkit.plan.locking.lock import Lock, lock
from trialkit.plan.locking.verify import Verification, verify_plan
from trialkit.plan.reading.load import parse_plan, read_plan_text
from trialkit.plan.record import PlanRecord
from trialkit.plan.words.describe import describe

# What reads data or draws on the analyses is imported where it is used: to explain, lock or verify a plan needs none of it.
if TYPE_CHECKING:
    from trialkit.plan.locking.evidence import Entry as Attached
    from trialkit.report.content import LockContent
    from trialkit.report.save import Report

__all__ = ["Plan"]


class Plan(PlanRecord):
    """A trial's plan: the frozen specification, the text it was read from and its hash.

    Attributes
    ----------
    spec
        The plan as data, every default written out.
    text
        The text of the file.
    path
        Where it was read; None for a plan from text.
    hash
        SHA-256 of the plan's canonical JSON: the same for any layout and any comments.

    Examples
    --------
    >>> plan = Plan.load("plan.toml")                     # doctest: +SKIP
    >>> plan.lock("plan.lock.json")                       # doctest: +SKIP
    >>> report = plan.run("data.sav")                     # doctest: +SKIP
    """

    __slots__ = ()

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan file.

        Raises
        ------
        PlanError
            Lists everything to mend, each with its line number, the near miss and the remedy.
        """
        path = Path(path)
        text = read_plan_text(path)
        return cls(parse_plan(text, path.name), text, path)

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """Read a plan from its text.

        Examples
        --------
        >>> from trialkit.plan.reading.template import starter_plan
        >>> Plan.from_text(starter_plan()).spec.control
        'individual'
        """
        return cls(parse_plan(text), text)

    def describe(self) -> str:
        """The plan back in plain words, defaults and all."""
        return describe(self.spec, folder=self.folder)

    def lock(self, path: str | Path | None = None, *, amend: str | None = None, locked_at: datetime | None = None) -> Lock:
        """Write the lock; unsaid, beside the plan. A changed plan needs the reason: `amend="..."`.

        Raises
        ------
        LockError
            When a lock exists already and no reason is given, or when it is damaged.
        """
        target = self.lock_path if path is None else Path(path)
        return lock(self.spec, target, source_text=self.text, folder=self.folder, locked_at=locked_at, amend=amend)

    def attach(
        self,
        file: str | Path,
        *,
        kind: str | None = None,
        id: str | None = None,
        by: str | None = None,
        lock: str | Path | None = None,
    ) -> Attached:
        """Attach evidence to the lock: a timestamp, the stored text of a registration, a statement, or the certificate of an allocation.

        See `trialkit.plan.locking.attach.attach` for what each proves, and docs/locking.md for the levels.

        Raises
        ------
        LockError
            When there is no lock, or lock, evidence or file are damaged.
        UsageError
            When the kind of evidence is not known.
        """
        from trialkit.plan.locking.attach import attach

        return attach(self.lock_path if lock is None else lock, file, kind=kind, id=id, by=by)

    def verify(self, path: str | Path | None = None, *, data: Any = None) -> Verification:
        """Hold this plan, and data if given, against its lock.

        Raises
        ------
        LockError
            When the lock cannot be read at all; otherwise see `.ok` and `.checks` of the result.
        """
        return verify_plan(self, path, data=data)

    def lock_status(self, path: str | Path | None = None, *, data: Any = None) -> LockContent:
        """The lock as a report tells it, after everything held.

        Raises
        ------
        LockError
            When the plan, the lock or the data are not what was locked; lists every difference.
        """
        from trialkit.plan.locking.status import lock_status

        return lock_status(self, path, data=data)

    def run(
        self,
        data: Any,
        *,
        lock: str | Path | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        now: str | None = None,
    ) -> Report:
        """Run every planned analysis.

        Parameters
        ----------
        data
            A path or any data frame.
        lock
            The lock file; unsaid, the one beside the plan, if any. An unlocked plan runs, and the report says so.
        progress
            Called with (what, step, steps).
        now
            ISO time to print, for reproducible output; unsaid, the present (UTC).

        Raises
        ------
        LockError
            When the plan is not the locked one, unless the ledger tells every change (`deviate`): then both plans run.
        DataError, EstimationError
            When the data do not fit the plan or cannot answer; nothing is written.
        """
        from trialkit.plan.on_record import run_on_record

        return run_on_record(self, data, lock=lock, progress=progress, now=now)

    def deviate(
        self,
        *,
        reason: str,
        timing: str,
        severity: str,
        validity: str,
        by: str,
        path: str | None = None,
        type: str | None = None,
        approved: str = "",
        original: Any = None,
        new: Any = None,
        lock: str | Path | None = None,
        at: datetime | None = None,
    ) -> tuple[Entry, ...]:
        """Write deviations down in the ledger beside the plan; `trialkit.plan.deviations.log.log_deviations` tells what each means.

        Without `path` and `new`: every key in which the plan differs from its lock and that the ledger does not tell yet.

        Raises
        ------
        UsageError
            When something is not said, or there is nothing to log.
        LockError
            When there is no lock, or lock or ledger were edited.
        """
        return log_deviations(
            self, reason=reason, timing=timing, severity=severity, validity=validity, by=by, path=path, type=type, approved=approved,
            original=original, new=new, lock=lock, at=at,
        )  # fmt: skip

    def deviations(self, lock: str | Path | None = None) -> tuple[Entry, ...]:
        """The entries of the ledger, after every line was checked."""
        return ledger_of(self, lock)[2]

    def erratum(self, earlier: str | Path, data: Any, *, reason: str, by: str, lock: str | Path | None = None) -> Report:
        """After a bug: run the locked plan again and hold every number against an earlier report; see `trialkit.plan.deviations.erratum`.

        Raises
        ------
        LockError, DataError
            When plan, lock or data are not those of the earlier report.
        """
        from trialkit.plan.deviations.erratum import erratum

        return erratum(self, earlier, data, reason=reason, by=by, lock=lock)

    def fingerprint(self, data: Any, *, by: str | None = None, at: datetime | None = None) -> Path:
        """Write down which data are analysed, beside the plan: plan.toml -> plan.data.json.

        It holds the hash of the file, of its content, and salted ones of every column, by which `trialkit verify` names the column and row
        of a change. Keep it with the data: the copy that a report carries is without the salt. Other data later are a new event, listed
        after the earlier one.

        Parameters
        ----------
        data : a path or any data frame.
        by, at : who, and when; unsaid: nobody named, now.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        UsageError
            For a plan from text, which stands in no folder.
        """
        from trialkit.plan.on_record import kept_fingerprint

        return kept_fingerprint(self, data, by=by, at=at)

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        where = "from text" if self.path is None else f"'{self.path.name}'"
        return f"Plan({where}, {len(self.spec.outcomes)} outcomes, hash {self.hash[:12]})"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.describe())}</pre>"
