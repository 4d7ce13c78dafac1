"""The sections on analysis: estimator, multiplicity, missing data, mediation, selection, subgroups, harms and report."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from trialkit.plan.schema.base import Column, Columns, Draws, Frozen, FrozenMap, Listed, Name, Seed, Text, no_repeats
from trialkit.plan.schema.outcomes import Average, Estimator

__all__ = [
    "DRAWING_COMPANIONS",
    "DRAWING_CORRECTIONS",
    "DRAWING_MISSING",
    "GRAPH_KEYS",
    "AnalysisSection",
    "HarmsSection",
    "MeasurementSection",
    "Mediation",
    "MediationAssume",
    "Mediator",
    "MissingSection",
    "MultiplicitySection",
    "OwnContrast",
    "Reach",
    "ReportSection",
    "SelectionSection",
    "Subgroup",
]

Companion = Literal[
    "ancova",
    "lin",
    "difference_in_means",
    "horvitz_thompson",
    "hajek",
    "aipw",
    "mixed",
    "longitudinal",
    "cace",
    "randomization_test",
    "wild_bootstrap",
]
DRAWING_COMPANIONS = frozenset({"randomization_test", "wild_bootstrap", "aipw"})
Correction = Literal["none", "holm", "hochberg", "bh", "sharpened_q", "romano_wolf", "westfall_young", "dunnett", "gatekeeping"]
GRAPH_KEYS = ("families", "pass_on", "weights", "transitions")
DRAWING_CORRECTIONS = frozenset({"romano_wolf", "westfall_young"})
Sensitivity = Literal[
    "available_cases",
    "multiple_imputation",
    "jump_to_reference",
    "copy_reference",
    "copy_increments_in_reference",
    "last_mean_carried_forward",
    "inverse_probability_weights",
    "lee_bounds",
    "manski_bounds",
    "kling_liebman",
    "tipping_point",
]
DRAWING_MISSING = frozenset(
    {
        "multiple_imputation",
        "jump_to_reference",
        "copy_reference",
        "copy_increments_in_reference",
        "last_mean_carried_forward",
        "tipping_point",
    }
)


class OwnContrast(Frozen):
    """A comparison of the plan's own: an average of arms against an average of others."""

    later: ClassVar[frozenset[str]] = frozenset({"against"})

    label: Annotated[Text, Field(min_length=1)]
    """what is compared, in words, as in "Any group programme\""""
    weights: FrozenMap[float]
    """the weight of each arm: those above 0 sum to 1, those below to -1, as in { peer = 0.5, coach = 0.5, individual = -1 }"""
    against: Text | None = None
    """what it is compared with, in words; unsaid: the label of the one arm below 0"""


def _words_or_list(value: Any) -> str:
    return "words" if isinstance(value, str) else "list"


Contrasts = Annotated[
    Annotated[Literal["control", "all"], Tag("words")] | Annotated[Listed[OwnContrast], Tag("list")],
    Discriminator(_words_or_list),
]


class AnalysisSection(Frozen):
    """How the effect of every outcome is estimated, unless the outcome says otherwise."""

    later: ClassVar[frozenset[str]] = frozenset({"few_groups"})

    estimator: Estimator = "ancova"
    """the estimator of the primary analysis"""
    adjust: Columns = ()
    """baseline covariates"""
    covariance: Literal["auto", "classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3"] = "auto"
    """auto: HC2, or CR2 where there are clusters or groups"""
    df: Literal["auto", "working", "independence", "residual", "satterthwaite", "kenward_roger"] = "auto"
    """degrees of freedom; auto: working with groups in one arm, otherwise what belongs to the covariance"""
    average: Average = "participant"
    """participant: every person counts the same; group: every group counts the same"""
    strata_effects: Literal["auto", "additive", "interacted", "none"] = "auto"
    """auto: additive where every stratum has the same allocation shares, interacted where they differ"""
    contrasts: Contrasts = "control"
    """control: each arm with the control arm; all: every pair of arms; or a list of { label = "...", weights = { ... } }"""
    covariate_missing: Literal["impute", "drop", "error"] = "impute"
    """missing baseline covariates: impute (mean, blind to arm, with an indicator), drop the person, or stop"""
    conf_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """confidence level of the intervals"""
    companions: Annotated[Listed[Companion], AfterValidator(no_repeats)] = ()
    """analyses shown beside the primary, never instead of it"""
    draws: Draws = 5000
    """draws of the companions that draw"""
    seed: Seed | None = None
    """seed of the companions that draw; unsaid: that of [multiplicity]"""
    few_groups: bool | None = None
    """the primary effects by every method for few groups, side by side; unsaid: when an arm has fewer than 20 groups or clusters and a companion draws"""


Share = Annotated[float, Field(ge=0, le=1)]


class MultiplicitySection(Frozen):
    """Correction for several outcomes within a family, or along a graph of hypotheses."""

    later: ClassVar[frozenset[str]] = frozenset(GRAPH_KEYS)

    method: Correction = "holm"
    """correction within each family; arms count as members"""
    draws: Draws = 5000
    """draws, for romano_wolf and westfall_young"""
    seed: Seed | None = None
    """seed, needed by romano_wolf and westfall_young"""
    families: Annotated[Listed[Name], AfterValidator(no_repeats)] | None = None
    """gatekeeping: the families in the order they are tested"""
    pass_on: Literal["all", "any"] | None = None
    """gatekeeping by families: the next opens when all hypotheses of a family are rejected, or gets the share of any that is"""
    weights: FrozenMap[Share] | None = None
    """gatekeeping by hypotheses: the share of alpha that each starts with, as in { employed = 1 }"""
    transitions: FrozenMap[FrozenMap[Share]] | None = None
    """gatekeeping by hypotheses: where the share of each goes when it is rejected, as in { employed = { income = 1 } }"""


class MissingSection(Frozen):
    """What is done about outcomes that were not observed."""

    primary: Literal["available_cases", "multiple_imputation", "inverse_probability_weights"] = "available_cases"
    """the primary analysis"""
    sensitivity: Annotated[Listed[Sensitivity], AfterValidator(no_repeats)] = ()
    """analyses that show how much the missing people could matter"""
    imputations: Annotated[int, Field(ge=2, le=10_000)] = 50
    """number of imputations"""
    seed: Seed | None = None
    """seed of the imputations; unsaid: that of [multiplicity]"""


class Mediator(Frozen):
    """The intermediate step: a column, or a scale at a wave."""

    column: Column | None = None
    """the column that holds the mediator"""
    scale: Name | None = None
    """the name of one of [[scales]]"""
    wave: Name | None = None
    """the wave at which it is scored"""
    baseline: Column | None = None
    """the mediator before randomization, as a column"""


class MediationAssume(Frozen):
    """Paths for the power of a mediation question, by simulation; never used in the analysis."""

    a: float
    """effect of the arm on the mediator, in SDs of the mediator within an arm"""
    b: float
    """slope of the outcome on the mediator within an arm, in SDs of both, the outcome's given the mediator"""
    direct: float = 0.0
    """effect of the arm that does not go through the mediator, in SDs of the outcome given the mediator"""
    icc: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share of the mediator's variance that lies between groups; unsaid: that of the outcome"""
    baseline_correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """correlation of the mediator with its baseline; unsaid: [design] assumptions"""
    group_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """correlation of the group effects on mediator and outcome"""


class Mediation(Frozen):
    """How much of the effect on an outcome goes through an intermediate step."""

    later: ClassVar[frozenset[str]] = frozenset({"assume"})

    outcome: Name
    """the name of one of [[outcomes]]"""
    mediator: Mediator
    """the intermediate step: { column = ... } or { scale = ..., wave = ... }"""
    adjust: Columns | None = None
    """baseline covariates; unsaid: those of [analysis]"""
    interaction: bool = True
    """let the mediator work differently by arm"""
    draws: Draws = 5000
    """bootstrap draws"""
    seed: Seed
    """seed of the bootstrap"""
    assume: MediationAssume | None = None
    """paths for power by simulation, as in { a = 0.4, b = 0.3, direct = 0.1 }"""


class Reach(Frozen):
    """From everyone who was eligible to those who took part."""

    funnel: Name
    """file that counts people at each stage"""
    by: Columns = ()
    """traits by which reach is described"""


class SelectionSection(Frozen):
    """Who came, who stayed, who took it up."""

    reach: Reach | None = None
    """from eligible to followed up"""
    balance: Columns = ()
    """baseline variables of Table 1"""
    attrition: bool = True
    """losses by arm and their tests"""
    take_up: bool = False
    """who took up the offer; needs [data] uptake"""
    vulnerability: Columns = ()
    """traits people had before randomization, by which take-up and losses are shown; numbers are split at their median"""
    groups_by_chance: Columns = ()
    """traits by which it is tested whether chance put people in their groups; needs a seed in [analysis]"""

    later: ClassVar[frozenset[str]] = frozenset({"vulnerability", "groups_by_chance"})


class Subgroup(Frozen):
    """Does the effect differ by a trait people had before randomization?"""

    by: Column
    """the trait"""
    kind: Literal["continuous", "categorical"]
    """continuous or categorical"""
    alternative: Literal["two-sided", "greater", "less"] = "two-sided"
    """direction of the interaction, where one was predicted"""
    outcomes: Columns
    """names of outcomes; unsaid: the primary ones"""


class MeasurementSection(Frozen):
    """How well the scales measured; without the section everything is run for every scale."""

    invariance: bool = True
    """whether the scale is the same measure at both waves and in all arms, with the latent effect where it is not"""


class HarmsSection(Frozen):
    """Adverse events by arm."""

    events: Name | None = None
    """file with one row an event"""
    columns: Columns = ()
    """columns of the data that count events"""


class ReportSection(Frozen):
    """How the report is written."""

    minimum_cell: Annotated[int, Field(ge=0, le=1000)] = 0
    """counts of people below this are not printed; 0 prints all"""
