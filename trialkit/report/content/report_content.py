"""Everything in a report, as data, and its round trip through results.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import pandas as pd

from trialkit.report.content.after import AfterContent
from trialkit.report.content.departures import DeparturesContent
from trialkit.report.content.measurement import MeasurementContent, ScaleContent
from trialkit.report.content.mediation import MediationContent
from trialkit.report.content.outcomes import ArmContent, OutcomeContent
from trialkit.report.content.selection import SelectionContent
from trialkit.report.content.stored import stored_table, stored_table_if_any
from trialkit.results import Note, Result, TableResult, plain

CONTENT_VERSION = 1


@dataclass(frozen=True)
class LockContent:
    """Whether the plan was locked before the run, and on whose evidence.

    state : 'unlocked', 'locked' (the plan and the data schema agree with the lock). level : 'L0' ... 'L3' or ''.
    evidence : what was attached to the lock, one table a file (kind, file, sha256, whether it carries the hash).
    logged_changes : number of keys in which the plan that was run differs from the locked one, each told in the ledger.
    """

    state: Literal["unlocked", "locked"]
    level: str
    sentence: str
    plan_hash: str
    locked_at: str = ""
    manifest_hash: str = ""
    evidence: Sequence[Mapping[str, Any]] = ()
    logged_changes: int = 0


@dataclass(frozen=True, repr=False)
class ReportContent:
    """Everything in a report.

    Attributes
    ----------
    title, population, conf_level : as planned.
    arms : control first. outcomes : primary first, in the order of the plan.
    lock : status of the plan. deviations : rows of the ledger (empty when there are none).
    flow, balance : tables of `trialkit.selection`. scales : how scores were made.
    labels : labels of columns (baseline covariates and strata) for display.
    assumptions : what the plan assumed (icc, attrition, take_up ...), to be shown beside what was achieved.
    multiplicity : {'method': ..., 'families': {family: [outcome names]}}; with gatekeeping its 'order' and 'pass_on', or 'weights' and
        'transitions'. corrections : the result of the correction of every family, or of the graph.
    subgroups : by 'outcome by trait', the planned subgroup analyses.
    contrasts : text of each contrast of the plan's own -> its two sides in words. harms : adverse events, None where the plan has none.
    over_time : by outcome, the effect at every wave and over them from one model of all waves.
    measurement : how well the scales measured, one entry a scale. mediation : effects through an intermediate step, one entry an analysis and treated arm.
    selection : who came, who stayed, who took it up. multiverse : by outcome, the effect by every declared analysis; multiverse_left_out : what could not be done.
    not_run : planned parts that this version cannot run, in words. plan_text : the plan back in words.
    data : receipt (file name, sha256 of bytes and content, rows, columns). versions : software. created : ISO time (UTC).
    command : the line that runs it again.
    minimum_cell : counts of people below it are withheld when the report is saved. withheld : how many numbers were; None before that.
    languages : of the pages, the first on index.html. told : by language, what `plan.run` says in words besides English ('estimands' by outcome, 'plan_text').
    blinding : of data that are not the trial's: 'mark' (simulated or rerandomized) and what was made up; empty for a real run.
    unblinding : lines of the log of who saw the real arms, and when.
    departures : what the run itself found of changes, and analyses that were not planned. planned_outcomes : every outcome by the locked plan, where
        the plan that was run is another one and the locked one could be run too.
    after : for the documents after the analysis: facts of the plan, its tests one by one, verdicts by evidence standards.
    attached : files of the plan by name (plan, locks, evidence, ledgers), kept beside the page; not in results.json.
    """

    title: str
    population: str
    conf_level: float
    arms: tuple[ArmContent, ...]
    outcomes: tuple[OutcomeContent, ...]
    lock: LockContent
    flow: TableResult
    balance: TableResult | None
    scales: tuple[ScaleContent, ...] = ()
    deviations: tuple[Mapping[str, Any], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    assumptions: Mapping[str, Any] = field(default_factory=dict)
    multiplicity: Mapping[str, Any] = field(default_factory=dict)
    not_run: tuple[str, ...] = ()
    plan_text: str = ""
    notes: tuple[Note, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    command: str = ""
    subgroups: Mapping[str, Result] = field(default_factory=dict)
    corrections: Mapping[str, Result] = field(default_factory=dict)
    contrasts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    harms: TableResult | None = None
    over_time: Mapping[str, Result] = field(default_factory=dict)
    measurement: tuple[MeasurementContent, ...] = ()
    selection: SelectionContent | None = None
    mediation: tuple[MediationContent, ...] = ()
    blinding: Mapping[str, Any] = field(default_factory=dict)
    unblinding: tuple[Mapping[str, Any], ...] = ()
    languages: tuple[str, ...] = ("en",)
    minimum_cell: int = 0
    withheld: int | None = None
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    multiverse: Mapping[str, Result] = field(default_factory=dict)
    multiverse_left_out: tuple[str, ...] = ()
    attached: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    departures: DeparturesContent = field(default_factory=DeparturesContent)
    planned_outcomes: tuple[OutcomeContent, ...] = ()
    after: AfterContent = field(default_factory=AfterContent)

    def tidy(self) -> pd.DataFrame:
        """All outcomes, one row an estimate, with role and family in front; analyses that were not planned stand below, with `planned` False."""
        parts = []
        for o in self.outcomes:
            frame = o.result.tidy()
            frame.insert(0, "family", o.family)
            frame.insert(0, "role", o.role)
            frame.insert(0, "name", o.name)
            parts.append(frame.assign(planned=True))
        for u in self.departures.unplanned:
            if u.result.estimates:
                frame = Result(u.result.estimates).tidy()
                frame.insert(0, "family", "")
                frame.insert(0, "role", "unplanned")
                frame.insert(0, "name", u.name)
                parts.append(frame.assign(planned=False))
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """What results.json holds."""
        return {
            "content_version": CONTENT_VERSION, "title": self.title, "population": self.population, "conf_level": self.conf_level,
            "arms": [vars(a) for a in self.arms], "outcomes": [o.to_dict() for o in self.outcomes], "lock": plain(vars(self.lock)),
            "flow": self.flow.to_dict(), "balance": None if self.balance is None else self.balance.to_dict(),
            "scales": [s.to_dict() for s in self.scales], "deviations": plain(self.deviations), "labels": dict(self.labels),
            "assumptions": plain(self.assumptions), "multiplicity": plain(self.multiplicity), "not_run": list(self.not_run),
            "plan_text": self.plan_text, "notes": [{"code": n.code, "text": n.text} for n in self.notes], "data": plain(self.data),
            "versions": dict(self.versions), "created": self.created, "command": self.command,
            "subgroups": {k: r.to_dict() for k, r in self.subgroups.items()},
            "corrections": {k: r.to_dict() for k, r in self.corrections.items()},
            "contrasts": {k: list(v) for k, v in self.contrasts.items()},
            "harms": None if self.harms is None else self.harms.to_dict(),
            "over_time": {k: r.to_dict() for k, r in self.over_time.items()},
            "measurement": [m.to_dict() for m in self.measurement],
            "mediation": [m.to_dict() for m in self.mediation],
            "multiverse": {k: r.to_dict() for k, r in self.multiverse.items()},
            "multiverse_left_out": list(self.multiverse_left_out),
            "selection": None if self.selection is None else self.selection.to_dict(),
            "minimum_cell": self.minimum_cell, "withheld": self.withheld, "languages": list(self.languages), "told": plain(self.told),
            "departures": self.departures.to_dict(), "planned_outcomes": [o.to_dict() for o in self.planned_outcomes],
            "after": self.after.to_dict(),
            "blinding": plain(self.blinding), "unblinding": plain(self.unblinding),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content that `to_dict` wrote: a report can be drawn again from results.json alone."""
        notes = tuple(Note(n["code"], n["text"]) for n in content["notes"])
        return cls(
            title=content["title"], population=content["population"], conf_level=content["conf_level"],
            arms=tuple(ArmContent(**a) for a in content["arms"]), outcomes=tuple(OutcomeContent.from_dict(o) for o in content["outcomes"]),
            lock=LockContent(**content["lock"]), flow=stored_table(content["flow"]),
            balance=stored_table_if_any(content["balance"]),
            scales=tuple(ScaleContent.from_dict(s) for s in content["scales"]), deviations=tuple(content["deviations"]), labels=content["labels"],
            assumptions=content["assumptions"], multiplicity=content["multiplicity"], not_run=tuple(content["not_run"]),
            plan_text=content["plan_text"], notes=notes, data=content["data"], versions=content["versions"],
            created=content["created"], command=content["command"],
            subgroups={k: Result.from_dict(r) for k, r in content.get("subgroups", {}).items()},
            corrections={k: Result.from_dict(r) for k, r in content.get("corrections", {}).items()},
            contrasts=content.get("contrasts", {}),
            harms=stored_table_if_any(content.get("harms")),
            over_time={k: Result.from_dict(r) for k, r in content.get("over_time", {}).items()},
            measurement=tuple(MeasurementContent.from_dict(m) for m in content.get("measurement", ())),
            mediation=tuple(MediationContent.from_dict(m) for m in content.get("mediation", ())),
            multiverse={k: Result.from_dict(r) for k, r in content.get("multiverse", {}).items()},
            multiverse_left_out=tuple(content.get("multiverse_left_out", ())),
            selection=SelectionContent.from_dict(content["selection"]) if content.get("selection") else None,
            minimum_cell=content.get("minimum_cell", 0), withheld=content.get("withheld"), languages=tuple(content.get("languages", ("en",))), told=content.get("told", {}),
            departures=DeparturesContent.from_dict(content["departures"]) if content.get("departures") else DeparturesContent(),
            planned_outcomes=tuple(OutcomeContent.from_dict(o) for o in content.get("planned_outcomes", ())),
            after=AfterContent.from_dict(content["after"]) if content.get("after") else AfterContent(),
            blinding=content.get("blinding", {}), unblinding=tuple(content.get("unblinding", ())),
        )  # fmt: skip
