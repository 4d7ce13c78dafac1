"""What a report says of the distance between plan and analysis, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trialkit.errors import UsageError
from trialkit.results import Result, TableResult, plain


@dataclass(frozen=True)
class Erratum(TableResult):
    """Every number that another version of the software gives otherwise: one row a number, with where it stands, before and after.

    `details` holds the reason, by whom, when and with what software the earlier numbers were made, how many were compared and how many moved.
    """

    kind = "erratum"

    def _title(self) -> str:
        d = self.details
        return f"Erratum: {d['moved']} of {d['compared']} numbers and readings moved"


@dataclass(frozen=True)
class UnplannedContent:
    """An analysis that was not planned: what it is, its result, and why it was done."""

    name: str
    result: Result
    reason: str
    by: str = ""
    added: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "planned": False, "name": self.name, "reason": self.reason, "by": self.by, "added": self.added, "result": self.result.to_dict(),
        }  # fmt: skip

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> UnplannedContent:
        """What `to_dict` wrote."""
        kept = {k: content[k] for k in ("name", "reason", "by", "added")}
        return UnplannedContent(result=Result.from_dict(content["result"]), **kept)


def unplanned(name: str, result: Any, *, reason: str, by: str, at: datetime | None, taken: Sequence[str]) -> UnplannedContent:
    """What `ReportContent.with_unplanned` adds, after everything about it was checked."""
    if not isinstance(result, Result):
        raise UsageError(
            f"an unplanned analysis is a result of trialkit, such as that of tk.itt; this is a {type(result).__name__}."
        )
    if not str(name).strip():
        raise UsageError("an unplanned analysis needs a name: say in words what it is.")
    if str(name).strip() in taken:
        raise UsageError(f"there is an unplanned analysis '{name}' already: give this one another name.")
    if not str(reason).strip():
        raise UsageError(f"reason is not said: a reader must know why '{name}' was done although it was not planned.")
    Result.from_dict(result.to_dict())  # a kind that results.json could not be read back with is refused here
    moment = datetime.now(UTC) if at is None else at
    if moment.tzinfo is None:
        raise UsageError("at needs a time zone, as in datetime.now(timezone.utc).")
    added = moment.astimezone(UTC).replace(microsecond=0).isoformat()
    return UnplannedContent(str(name).strip(), result, str(reason).strip(), str(by).strip(), added)


@dataclass(frozen=True)
class DeparturesContent:
    """Beside the ledger: what the run itself found.

    Attributes
    ----------
    changes : keys in which the plan that was run differs from the locked one ('path', 'locked', 'present', 'entry').
    planned_failed : why the locked plan could not be run on these data; '' when it was, or when nothing differs.
    noticed : what the run found that nobody logged ('kind', 'what', 'planned', 'reached').
    unplanned : analyses that were not planned. erratum : what moved after a correction of the software.
    """

    changes: tuple[Mapping[str, Any], ...] = ()
    planned_failed: str = ""
    noticed: tuple[Mapping[str, Any], ...] = ()
    unplanned: tuple[UnplannedContent, ...] = ()
    erratum: TableResult | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "changes": plain(self.changes), "planned_failed": self.planned_failed, "noticed": plain(self.noticed),
            "unplanned": [u.to_dict() for u in self.unplanned], "erratum": None if self.erratum is None else self.erratum.to_dict(),
        }  # fmt: skip

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> DeparturesContent:
        """What `to_dict` wrote."""
        erratum = Result.from_dict(content["erratum"]) if content["erratum"] else None
        assert erratum is None or isinstance(erratum, TableResult)
        return DeparturesContent(
            changes=tuple(content["changes"]), planned_failed=content["planned_failed"], noticed=tuple(content["noticed"]),
            unplanned=tuple(UnplannedContent.from_dict(u) for u in content["unplanned"]), erratum=erratum,
        )  # fmt: skip
