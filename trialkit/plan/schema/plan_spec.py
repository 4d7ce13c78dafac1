"""The plan as data: one frozen model for the whole of plan.toml, with every default written out.

Keys are enumerated wherever the machine must act; prose stands only in labels. The language is complete: parts whose
analysis this version cannot run are read and locked all the same, and `not_yet` names them.
"""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from trialkit.plan.schema.base import (
    SCHEMA_VERSION,
    Frozen,
    Listed,
    PlanProblems,
    unnamed,
)
from trialkit.plan.schema.checks.whole import check
from trialkit.plan.schema.comparisons import Comparison, comparisons
from trialkit.plan.schema.defaults import with_defaults
from trialkit.plan.schema.gatekeeping import starting_share
from trialkit.plan.schema.mediators import mediator_baseline, mediator_column
from trialkit.plan.schema.multiverse import MultiverseSection
from trialkit.plan.schema.outcomes import Outcome, ScaleUse, score_column
from trialkit.plan.schema.sections import (
    AnalysisSection,
    HarmsSection,
    MeasurementSection,
    Mediation,
    MissingSection,
    MultiplicitySection,
    ReportSection,
    SelectionSection,
    Subgroup,
)
from trialkit.plan.schema.trial import Arm, DataSection, DesignSection, TrialSection, Wave

__all__ = ["SCHEMA_VERSION", "Arm", "DataSection", "DesignSection", "PlanSpec", "TrialSection", "Wave"]


class PlanSpec(Frozen):
    """The whole plan. `model_dump()` writes out every default; contents are immutable and hashable.

    Examples
    --------
    >>> spec = load_spec("plan.toml")                        # doctest: +SKIP
    >>> spec.control, spec.grouped_arms, spec.primary[0].name # doctest: +SKIP
    ('individual', ('peer',), 'employed')
    """

    later: ClassVar[frozenset[str]] = frozenset({"measurement", "multiverse"})

    schema_version: Literal[1]
    """version of the plan language: 1"""
    trial: TrialSection
    """what the trial is"""
    arms: Annotated[Listed[Arm], unnamed()]
    """the arms, exactly one of them with control = true"""
    data: DataSection
    """the roles of the columns"""
    design: DesignSection
    """how people were assigned"""
    scales: Listed[ScaleUse] = ()
    """questionnaires"""
    outcomes: Annotated[Listed[Outcome], Field(min_length=1)]
    """outcomes, at least one of them primary"""
    analysis: AnalysisSection = AnalysisSection()
    """how effects are estimated"""
    multiplicity: MultiplicitySection = MultiplicitySection()
    """correction for several outcomes"""
    missing: MissingSection = MissingSection()
    """unobserved outcomes"""
    mediation: Listed[Mediation] = ()
    """effects through an intermediate step"""
    selection: SelectionSection = SelectionSection()
    """who came, stayed and took it up"""
    subgroups: Listed[Subgroup] = ()
    """effects by trait"""
    harms: HarmsSection | None = None
    """adverse events"""
    measurement: MeasurementSection | None = None
    """how well the scales measured"""
    multiverse: MultiverseSection | None = None
    """the same effect by every declared way of analysing it"""
    report: ReportSection = ReportSection()
    """how the report is written"""

    @model_validator(mode="before")
    @classmethod
    def _write_out_defaults(cls, raw: Any) -> Any:
        return with_defaults(raw)

    @model_validator(mode="after")
    def _cross_check(self) -> PlanSpec:
        problems = check(self)
        if problems:
            raise PlanProblems(problems)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain tables and lists with every default, as it is hashed and locked."""
        return self.model_dump(mode="json")

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Arms in the order of the plan."""
        return tuple(a.name for a in self.arms)

    @property
    def control(self) -> str:
        """Name of the control arm."""
        return next(a.name for a in self.arms if a.control)

    @property
    def grouped_arms(self) -> tuple[str, ...]:
        """Arms whose people are put in groups."""
        return tuple(a.name for a in self.arms if a.grouped)

    @property
    def wave_names(self) -> tuple[str, ...]:
        """Waves in their order."""
        return tuple(w.name for w in self.data.waves)

    @property
    def primary(self) -> tuple[Outcome, ...]:
        """The primary outcomes."""
        return tuple(o for o in self.outcomes if o.role == "primary")

    @property
    def families(self) -> dict[str, tuple[Outcome, ...]]:
        """Outcomes by family, in the order of the plan."""
        names = dict.fromkeys(o.family for o in self.outcomes)
        return {f: tuple(o for o in self.outcomes if o.family == f) for f in names}

    @property
    def contrasts(self) -> tuple[tuple[str, str], ...]:
        """Pairs (arm, reference), in the direction of the results: of two treated arms the later in the alphabet is first.

        With contrasts of the plan's own these are each arm with the control; `comparisons` has what is compared.
        """
        first = self.control
        others = [a for a in self.arm_names if a != first]
        pairs = [(a, first) for a in others]
        if self.analysis.contrasts == "all":
            pairs += [(later, earlier) for earlier, later in combinations(sorted(others), 2)]
        return tuple(pairs)

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """What is compared: the pairs of arms, or the plan's own contrasts."""
        return comparisons(self)

    def starting_share(self, outcome: Outcome) -> float:
        """With gatekeeping: the share of alpha that the outcome's test has before anything is rejected."""
        return starting_share(self, outcome.name)

    def arm(self, name: str) -> Arm:
        """The arm of this name."""
        return next(a for a in self.arms if a.name == name)

    def outcome(self, name: str) -> Outcome:
        """The outcome of this name."""
        return next(o for o in self.outcomes if o.name == name)

    def scale(self, name: str) -> ScaleUse:
        """The [[scales]] entry of this name."""
        return next(s for s in self.scales if s.name == name)

    def wave_label(self, name: str) -> str:
        """The wave in words."""
        return next(w.label for w in self.data.waves if w.name == name)

    def value_column(self, outcome: Outcome) -> str:
        """The column the outcome is read from: its own, its scale's score, the time, or that of the index that is made."""
        if outcome.index is not None:
            return f"{outcome.name}_index"
        if outcome.scale is not None:
            return score_column(outcome.scale, outcome.wave)
        return str(outcome.column if outcome.column is not None else outcome.time)

    def components(self, outcome: Outcome) -> dict[str, Outcome | None]:
        """Columns that an index is made of, each with the outcome of the plan that it is."""
        known = {o.name: o for o in self.outcomes}
        of = () if outcome.index is None else outcome.index.of
        return {self.value_column(known[name]) if name in known else name: known.get(name) for name in of}

    def baseline_column(self, outcome: Outcome) -> str | None:
        """The outcome's own measurement before randomization: a column, a score, or None."""
        if outcome.scale is not None and outcome.baseline_wave is not None:
            return score_column(outcome.scale, outcome.baseline_wave)
        return outcome.baseline

    def mediator_column(self, entry: Mediation) -> str:
        """The column of a mediator: its own, or that of its score."""
        return mediator_column(self, entry)

    def mediator_baseline(self, entry: Mediation) -> str | None:
        """The mediator before randomization: a column, a score, or None."""
        return mediator_baseline(self, entry)

    def adjust_for(self, outcome: Outcome) -> tuple[str, ...]:
        """All covariates of this outcome: its baseline first, then its own list or that of [analysis]."""
        covariates = self.analysis.adjust if outcome.adjust is None else outcome.adjust
        baseline = self.baseline_column(outcome)
        return tuple(dict.fromkeys((baseline, *covariates) if baseline is not None else covariates))

    def estimator_for(self, outcome: Outcome) -> str:
        """The outcome's own estimator, or that of [analysis] where it gives the outcome's measure, or else the measure's own."""
        if outcome.estimator is not None:
            return outcome.estimator
        from trialkit.estimate.registry import ESTIMATORS, default_estimator

        general: str = self.analysis.estimator
        known = ESTIMATORS.get(general)
        return general if known is None or outcome.measure in known.measures else default_estimator(outcome.measure)

    def roles(self) -> dict[str, Any]:
        """The roles of the columns, as keywords of `Trial`."""
        d = self.data
        return {
            "arm": d.arm, "control": self.control, "unit": d.unit, "strata": list(d.strata), "cluster": d.cluster, "group": d.group,
            "grouped_arms": list(self.grouped_arms) or None, "facilitator": d.facilitator, "weights": d.weights,
            "categorical": list(d.categorical), "ungrouped": d.ungrouped,
        }  # fmt: skip

    def asked_of_itt(self, outcome: Outcome, estimator: str | None = None) -> dict[str, Any]:
        """What the plan asks of the analysis of an outcome, as keywords of `itt`: by its own estimator, or as far as another one takes it.

        Contrasts, margins and the better direction of a scale are the run's to add.
        """
        from trialkit.estimate.outcome import Time
        from trialkit.estimate.registry import ESTIMATORS

        name, a = estimator or self.estimator_for(outcome), self.analysis
        known = ESTIMATORS[name]
        options = {k: v for k, v in (("tau", outcome.tau), ("q", outcome.q)) if v is not None and k in known.options}
        return {
            "outcome": Time(str(outcome.time), str(outcome.event)) if outcome.kind == "time" else self.value_column(outcome),
            "adjust": self.adjust_for(outcome) if known.adjusts else (),
            "estimator": name,
            "measure": outcome.measure,
            "covariance": a.covariance if known.adjusts and a.covariance in known.covariances else "auto",
            "df": a.df if a.df in known.dfs else "auto",
            "strata_effects": a.strata_effects,
            "average": outcome.estimand.average,
            "covariate_missing": a.covariate_missing,
            "conf_level": a.conf_level,
        } | options

    def scale_waves(self, name: str) -> tuple[str, ...]:
        """Waves at which this scale must be in the data: those said, or else those that the plan uses."""
        entry = self.scale(name)
        if entry.waves or "{wave}" not in entry.items:
            return entry.waves
        used = {w for o in self.outcomes if o.scale == name for w in (o.wave, o.baseline_wave)}
        used |= {m.mediator.wave for m in self.mediation if m.mediator.scale == name}
        named = self._named_covariates()
        return tuple(w for w in self.wave_names if w in used or score_column(name, w) in named)

    def score_columns(self) -> dict[str, tuple[str, str | None]]:
        """Columns that scoring makes: score column -> (scale, wave)."""
        scores: dict[str, tuple[str, str | None]] = {}
        for entry in self.scales:
            if "{wave}" not in entry.items:
                scores[entry.name] = (entry.name, None)
            for wave in self.scale_waves(entry.name):
                scores[score_column(entry.name, wave)] = (entry.name, wave)
        return scores

    def _named_covariates(self) -> set[str]:
        named = {*self.analysis.adjust, *self.selection.balance, *(s.by for s in self.subgroups)}
        named |= {*self.selection.vulnerability, *self.selection.groups_by_chance}
        named |= {c for columns in (self.multiverse.adjust.values() if self.multiverse else ()) for c in columns}
        named |= {c for o in self.outcomes for c in o.adjust or ()} | {c for m in self.mediation for c in m.adjust or ()}
        named |= {b for m in self.mediation if (b := m.mediator.baseline) is not None}
        named |= {c for o in self.outcomes if (c := o.baseline) is not None} | {
            c for o in self.outcomes for c in self.components(o)
        }
        return named | set(self.selection.reach.by if self.selection.reach else ())
