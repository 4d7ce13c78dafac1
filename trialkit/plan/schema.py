"""The plan as data: one frozen model for the whole of plan.toml, with every default written out.

Keys are enumerated wherever the machine must act; prose stands only in labels. The language is complete: parts whose
analysis this version cannot run are read and locked all the same, and `not_yet` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from trialkit.plan.checks import check
from trialkit.plan.defaults import with_defaults
from trialkit.plan.schema_base import (
    SCHEMA_VERSION,
    Column,
    Columns,
    Frozen,
    FrozenMap,
    Listed,
    Name,
    PlanProblems,
    Text,
    described,
    no_repeats,
    unnamed,
)
from trialkit.plan.schema_outcomes import Estimator, Outcome, ScaleUse
from trialkit.plan.schema_sections import (
    AnalysisSection,
    HarmsSection,
    Mediation,
    MissingSection,
    MultiplicitySection,
    ReportSection,
    SelectionSection,
    Subgroup,
)

__all__ = ["SCHEMA_VERSION", "Arm", "DataSection", "DesignSection", "PlanSpec", "TrialSection", "Wave", "json_schema"]


class TrialSection(Frozen):
    """What the trial is."""

    title: Annotated[Text, Field(min_length=1)]
    """title of the trial"""
    population: Annotated[Text, Field(min_length=1)]
    """who was randomized, in words that continue 'among all randomized ...'"""
    registration: Text = ""
    """public registry id, if the trial is registered"""
    report_languages: Annotated[Listed[Literal["en", "nl"]], Field(min_length=1), AfterValidator(no_repeats)] = ("en",)
    """languages of the report"""


class Arm(Frozen):
    """One arm of the trial."""

    name: Name
    """the arm as it stands in the data"""
    label: Text
    """the arm in words; unsaid: its name"""
    control: bool = False
    """true for the arm with which the others are compared"""
    grouped: bool = False
    """true when people of this arm are put in groups"""


class Wave(Frozen):
    """One time of measurement."""

    name: Name
    """short name, as in column names"""
    label: Text
    """the time in words"""


class DataSection(Frozen):
    """The roles of the columns."""

    unit: Column
    """the column that identifies a person"""
    arm: Column
    """the column that holds the arm"""
    group: Column | None = None
    """the column that holds the group assigned"""
    ungrouped: Literal["error", "singleton"] = "error"
    """members of a grouped arm without a group, or alone in one: error stops the run, singleton counts each as a cluster of one"""
    strata: Columns = ()
    """the columns used in the randomization"""
    cluster: Column | None = None
    """the column of the unit of randomization, when whole groups were randomized in every arm"""
    weights: Column | None = None
    """the column of sampling weights"""
    uptake: Column | None = None
    """the column that says who took up the offer (1 yes, 0 no)"""
    facilitator: Column | None = None
    """the column that says who led the group"""
    waves: Annotated[Listed[Wave], unnamed("label")] = ()
    """the times of measurement in their order, as in { t0 = "before", t1 = "after three months" }"""
    missing_codes: FrozenMap[Text] = FrozenMap()
    """codes that are no values, each with its reason, as in { -99 = "refused" }"""
    categorical: Columns = ()
    """columns of numbers that are categories"""
    file: Name | None = None
    """the data file, if its name is known"""


class GroupFormation(Frozen):
    """How the groups of the grouped arms are put together."""

    size: Annotated[tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]], Field(strict=False)]
    """smallest and largest group, as in [10, 15]"""
    alike: Columns = ()
    """traits on which members of a group should resemble each other"""
    mixed: Columns = ()
    """traits on which members of a group should differ"""
    within: Columns = ()
    """groups are formed inside these, as in ["agency"]"""
    keep_together: Column | None = None
    """people with the same value of this column go to the same group"""
    keep_apart: Column | None = None
    """people with the same value of this column go to different groups"""
    waiting_list: bool = False
    """people who do not fit in a group of the right size wait, drawn at random; otherwise their number is an error"""


class Assumptions(Frozen):
    """Numbers for power and simulation; never used in the analysis."""

    icc: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share of the variance that lies between groups"""
    attrition: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share lost at follow-up"""
    take_up: Annotated[float, Field(gt=0, le=1)] | None = None
    """share of those offered who take it up"""
    baseline_correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """correlation of outcome and baseline"""


class DesignSection(Frozen):
    """How people were assigned to arms and groups."""

    scheme: Literal[
        "simple",
        "complete",
        "stratified",
        "clustered",
        "stratified_clustered",
        "matched_pairs",
        "rerandomized",
        "minimization",
        "permuted_blocks",
        "factorial",
        "custom",
    ]
    """the randomization; unsaid: what [data] strata and cluster imply"""
    allocation: FrozenMap[Annotated[float, Field(gt=0)]]
    """allocation weights by arm; unsaid: equal"""
    units: Annotated[int, Field(ge=2)] | None = None
    """planned number of people"""
    clusters: Annotated[int, Field(ge=2)] | None = None
    """planned number of clusters, over all arms"""
    misfits: Literal["stratum", "global", "pool"] = "stratum"
    """people left over when a stratum does not divide: drawn per stratum, balanced over all strata, or pooled"""
    match: Columns = ()
    """matched_pairs: the traits on which pairs are made"""
    balance_on: Columns = ()
    """rerandomized and minimization: the traits that are kept in balance"""
    accept: Annotated[float, Field(gt=0, lt=1)] | None = None
    """rerandomized: the share of allocations that are balanced enough, as in 0.1"""
    block_sizes: Listed[Annotated[int, Field(ge=2)]] = ()
    """permuted_blocks: sizes of the blocks, drawn at random"""
    probability: Annotated[float, Field(gt=0, le=1)] | None = None
    """minimization: the probability of the arm that balances best; unsaid: 0.8"""
    groups: GroupFormation | None = None
    """how groups are formed"""
    assumptions: Assumptions = Assumptions()
    """numbers for power and simulation"""


class PlanSpec(Frozen):
    """The whole plan. `model_dump()` writes out every default; contents are immutable and hashable.

    Examples
    --------
    >>> spec = load_spec("plan.toml")                        # doctest: +SKIP
    >>> spec.control, spec.grouped_arms, spec.primary[0].name # doctest: +SKIP
    ('individual', ('peer',), 'employed')
    """

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
        """Pairs (arm, reference) that are compared."""
        first = self.control
        others = [a for a in self.arm_names if a != first]
        pairs = [(a, first) for a in others]
        if self.analysis.contrasts == "all":
            pairs += [(later, earlier) for earlier, later in combinations(others, 2)]
        return tuple(pairs)

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
        """The column the outcome is read from: its own, its scale's score, or the time."""
        if outcome.scale is not None:
            return score_column(outcome.scale, outcome.wave)
        return str(outcome.column if outcome.column is not None else outcome.time)

    def baseline_column(self, outcome: Outcome) -> str | None:
        """The outcome's own measurement before randomization: a column, a score, or None."""
        if outcome.scale is not None and outcome.baseline_wave is not None:
            return score_column(outcome.scale, outcome.baseline_wave)
        return outcome.baseline

    def adjust_for(self, outcome: Outcome) -> tuple[str, ...]:
        """All covariates of this outcome: its baseline first, then its own list or that of [analysis]."""
        covariates = self.analysis.adjust if outcome.adjust is None else outcome.adjust
        baseline = self.baseline_column(outcome)
        return tuple(dict.fromkeys((baseline, *covariates) if baseline is not None else covariates))

    def estimator_for(self, outcome: Outcome) -> Estimator:
        """The outcome's own estimator or that of [analysis]."""
        return outcome.estimator or self.analysis.estimator

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
        named |= {c for o in self.outcomes for c in o.adjust or ()} | {c for m in self.mediation for c in m.adjust or ()}
        named |= {c for o in self.outcomes if (c := o.baseline) is not None}
        return named | set(self.selection.reach.by if self.selection.reach else ())


def score_column(scale: str, wave: str | None) -> str:
    """Name of the column in which a scale's score stands, as in `self_efficacy_t0`."""
    return scale if wave is None else f"{scale}_{wave}"


def json_schema() -> dict[str, Any]:
    """JSON Schema of plan.toml, for completion and checks in an editor.

    Examples
    --------
    >>> json_schema()["properties"]["schema_version"]["const"]
    1
    """
    schema = PlanSpec.model_json_schema()
    definitions = schema["$defs"]
    # [arms] and waves are tables in the file and ordered lists inside.
    schema["properties"]["arms"] = _as_table(schema["properties"]["arms"], {"$ref": "#/$defs/Arm"})
    waves = definitions["DataSection"]["properties"]["waves"]
    definitions["DataSection"]["properties"]["waves"] = _as_table(waves, {"type": "string"})
    definitions.pop("Wave", None)
    definitions["Arm"]["properties"].pop("name")
    # What `with_defaults` fills in may be left out of the file.
    filled: Mapping[str, set[str]] = {
        "Arm": {"name", "label"},
        "Outcome": {"label", "family"},
        "DesignSection": {"scheme", "allocation"},
        "Subgroup": {"outcomes"},
    }
    for name, keys in filled.items():
        definitions[name]["required"] = [k for k in definitions[name].get("required", []) if k not in keys]
    schema["required"].remove("design")
    for name, model in _sections(PlanSpec).items():
        target = definitions.get(name, schema)
        for key, meaning in described(model).items():
            if key in target["properties"]:
                target["properties"][key]["description"] = meaning
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "trialkit plan",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def _sections(model: type[Frozen]) -> dict[str, type[Frozen]]:
    """The plan's model and every model inside it, by name."""
    found = {model.__name__: model}
    waiting: list[Any] = [f.annotation for f in model.model_fields.values()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and issubclass(part, Frozen) and part.__name__ not in found:
            found[part.__name__] = part
            waiting += [f.annotation for f in part.model_fields.values()]
        waiting += get_args(part)
    return found


def _as_table(schema: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in schema.items() if k in ("title", "description")}
    return {**kept, "type": "object", "additionalProperties": values}
