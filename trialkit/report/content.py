"""What a report says, as data: every number a reader sees stands here first, and so in results.json.

A run fills a `ReportContent`; the pages, figures and tables are drawn from it and from nothing else.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from trialkit.report.content_after import AfterContent
from trialkit.report.content_deviations import DeparturesContent, unplanned
from trialkit.report.content_mediation import MediationContent
from trialkit.report.content_selection import SelectionContent
from trialkit.report.content_tables import stored_table, stored_table_if_any
from trialkit.results import Note, Result, TableResult, interval_text, number, p_text, plain, test_text

CONTENT_VERSION = 1

Verdict = Literal[
    "worthwhile_benefit",  # whole interval at or beyond the smallest worthwhile effect
    "benefit_size_uncertain",  # interval beyond zero; the smallest worthwhile effect inside it (or none stated)
    "benefit_too_small",  # interval beyond zero but wholly below the smallest worthwhile effect
    "no_worthwhile_difference",  # interval around zero, wholly inside +- the smallest worthwhile effect
    "inconclusive",  # interval around zero and wider than that
    "harm",  # interval beyond zero on the wrong side
]


@dataclass(frozen=True)
class ArmContent:
    """An arm as the reader knows it."""

    name: str
    label: str
    control: bool
    grouped: bool


@dataclass(frozen=True)
class OutcomeContent:
    """One planned outcome with everything reported on it.

    `estimates` of `result` carry `p_adjusted` in `extra` where the plan asks for a correction. `worthwhile` is in outcome units
    and positive towards `better`; None when the plan names none. `verdicts` has one entry a row of `result`. `few_groups` is the effect by
    every method for few groups; `index` how an index was made (as `tk.index` tells it).
    """

    name: str
    label: str
    role: Literal["primary", "secondary", "exploratory"]
    family: str
    estimand: str
    measure: str
    better: Literal["higher", "lower"] | None
    worthwhile: float | None
    result: Result
    verdicts: tuple[Verdict, ...]
    effect_size: Result | None = None
    companions: Mapping[str, Result] = field(default_factory=dict)
    attrition: TableResult | None = None
    icc: Mapping[str, Any] = field(default_factory=dict)
    column: str = ""
    few_groups: TableResult | None = None
    index: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "label": self.label, "role": self.role, "family": self.family, "estimand": self.estimand,
            "measure": self.measure, "better": self.better, "worthwhile": self.worthwhile, "column": self.column,
            "verdicts": list(self.verdicts), "result": self.result.to_dict(),
            "effect_size": None if self.effect_size is None else self.effect_size.to_dict(),
            "companions": {k: r.to_dict() for k, r in self.companions.items()},
            "attrition": None if self.attrition is None else self.attrition.to_dict(), "icc": plain(self.icc),
            "few_groups": None if self.few_groups is None else self.few_groups.to_dict(), "index": plain(self.index),
        }  # fmt: skip


@dataclass(frozen=True)
class ScaleContent:
    """How a scale was scored at one wave: counts a reader can check."""

    name: str
    label: str
    wave: str
    column: str
    counts: Mapping[str, Any]
    notes: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        notes = [{"code": n.code, "text": n.text} for n in self.notes]
        return {
            "name": self.name,
            "label": self.label,
            "wave": self.wave,
            "column": self.column,
            "counts": plain(self.counts),
            "notes": notes,
        }


@dataclass(frozen=True)
class MeasurementContent:
    """How well a scale measured.

    `waves` are its waves in words ('' without waves). `over_waves` by 't0 to t1' and `over_arms` by wave hold the tests of invariance; `ends` people
    at the lowest and highest score; `change` reliable change by 't0 to t1'; `latent` the effect on what is measured, by outcome, where its score did
    not stay the same measure. `left_out` says what could not be analysed, and why.
    """

    name: str
    label: str
    waves: Mapping[str, str]
    n_items: int
    reliability: TableResult | None = None
    reliability_by_arm: TableResult | None = None
    over_waves: Mapping[str, TableResult] = field(default_factory=dict)
    over_arms: Mapping[str, TableResult] = field(default_factory=dict)
    ends: TableResult | None = None
    change: Mapping[str, TableResult] = field(default_factory=dict)
    latent: Mapping[str, Result] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether some test of invariance says that the scale is not the same measure throughout, or that this is not known for more than want of people."""
        return any(
            r.details["standing"] not in ("same", "undecided") for r in (*self.over_waves.values(), *self.over_arms.values())
        )

    def to_dict(self) -> dict[str, Any]:
        single = {k: getattr(self, k) for k in ("reliability", "reliability_by_arm", "ends")}
        several = {k: getattr(self, k) for k in ("over_waves", "over_arms", "change", "latent")}
        return {
            "name": self.name, "label": self.label, "waves": dict(self.waves), "n_items": self.n_items, "left_out": list(self.left_out),
            **{k: None if r is None else r.to_dict() for k, r in single.items()},
            **{k: {at: r.to_dict() for at, r in found.items()} for k, found in several.items()},
        }  # fmt: skip

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> MeasurementContent:
        """What `to_dict` wrote."""
        return MeasurementContent(
            name=content["name"], label=content["label"], waves=content["waves"], n_items=content["n_items"],
            left_out=tuple(content["left_out"]),
            reliability=stored_table_if_any(content["reliability"]), reliability_by_arm=stored_table_if_any(content["reliability_by_arm"]), ends=stored_table_if_any(content["ends"]),
            over_waves=_tables(content["over_waves"]), over_arms=_tables(content["over_arms"]), change=_tables(content["change"]),
            latent={name: Result.from_dict(r) for name, r in content["latent"].items()},
        )  # fmt: skip


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

    def with_unplanned(
        self, name: str, result: Result, *, reason: str, by: str = "", at: datetime | None = None
    ) -> ReportContent:
        """The same content with an analysis that was not planned; it is marked so wherever it appears.

        Parameters
        ----------
        name
            What it is, in words; each name once.
        result
            Any result of trialkit.
        reason
            Why it was done, such as a question of a reviewer.
        by, at
            Who added it, and when; unsaid: nobody named, now.

        Raises
        ------
        UsageError
            For an empty name or reason, a name that is taken, or something that is no result.

        Examples
        --------
        >>> report = report.with_unplanned("Without the pilot groups", found, reason="A reviewer asked.")   # doctest: +SKIP
        """
        added = unplanned(name, result, reason=reason, by=by, at=at, taken=[u.name for u in self.departures.unplanned])
        return replace(self, departures=replace(self.departures, unplanned=(*self.departures.unplanned, added)))

    def save(
        self,
        target: str | Path,
        *,
        language: str | Sequence[str] | None = None,
        word: bool | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Path:
        """Write the report folder: index.html, report.docx, results.json, tables/ and figures/. An older report is replaced as a whole; returns the path of index.html.

        `language` is 'en', 'nl' or both, the first of them on index.html; unsaid: the languages of the plan. `word` writes report.docx too; unsaid: where python-docx is installed.
        """
        from trialkit.report.save import save_report

        return save_report(self, target, language=language, word=word, progress=progress)

    def __str__(self) -> str:
        lines = [self.title, f"  plan: {self.lock.sentence}"]
        if self.blinding:
            from trialkit.report.words_en import ENGLISH

            lines.insert(0, ENGLISH.blinding_mark(str(self.blinding["mark"])))
        for o in self.outcomes:
            lines.append(f"{o.role}: {o.label}")
            for e in o.result.estimates:
                adjusted = e.extra.get("p_adjusted")
                family = f", family-adjusted p {p_text(adjusted)}" if adjusted is not None else ""
                lines.append(f"  {e.contrast}: {interval_text(e)}; {test_text(e)}{family}")
        lines += [f"not planned: {u.name}" for u in self.departures.unplanned]
        lines += [f"not run: {part}" for part in self.not_run]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown = self.tidy()[
            ["name", "role", "contrast", "estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n", "n_groups"]
        ]
        table = shown.to_html(index=False, border=0, float_format=number, escape=True, na_rep="")
        return f"<div><strong>{html.escape(self.title)}</strong>{table}</div>"

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

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> ReportContent:
        """The content that `to_dict` wrote: a report can be drawn again from results.json alone."""
        notes = tuple(Note(n["code"], n["text"]) for n in content["notes"])
        return ReportContent(
            title=content["title"], population=content["population"], conf_level=content["conf_level"],
            arms=tuple(ArmContent(**a) for a in content["arms"]), outcomes=tuple(_outcome(o) for o in content["outcomes"]),
            lock=LockContent(**content["lock"]), flow=stored_table(content["flow"]),
            balance=stored_table_if_any(content["balance"]),
            scales=tuple(_scale(s) for s in content["scales"]), deviations=tuple(content["deviations"]), labels=content["labels"],
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
            planned_outcomes=tuple(_outcome(o) for o in content.get("planned_outcomes", ())),
            after=AfterContent.from_dict(content["after"]) if content.get("after") else AfterContent(),
            blinding=content.get("blinding", {}), unblinding=tuple(content.get("unblinding", ())),
        )  # fmt: skip


def _tables(content: Mapping[str, Mapping[str, Any]]) -> dict[str, TableResult]:
    return {at: stored_table(r) for at, r in content.items()}


def _outcome(o: Mapping[str, Any]) -> OutcomeContent:
    return OutcomeContent(
        name=o["name"], label=o["label"], role=o["role"], family=o["family"], estimand=o["estimand"], measure=o["measure"],
        better=o["better"], worthwhile=o["worthwhile"], result=Result.from_dict(o["result"]), verdicts=tuple(o["verdicts"]),
        effect_size=None if o["effect_size"] is None else Result.from_dict(o["effect_size"]),
        companions={k: Result.from_dict(r) for k, r in o["companions"].items()},
        attrition=stored_table_if_any(o["attrition"]), icc=o["icc"], column=o["column"],
        few_groups=stored_table_if_any(o.get("few_groups")), index=o.get("index", {}),
    )  # fmt: skip


def _scale(s: Mapping[str, Any]) -> ScaleContent:
    notes = tuple(Note(n["code"], n["text"]) for n in s["notes"])
    return ScaleContent(s["name"], s["label"], s["wave"], s["column"], s["counts"], notes)
