"""What is measured and what is estimated: scales, outcomes, their estimands, intercurrent events and assumptions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag

from trialkit.estimate.measures import MEASURES
from trialkit.plan.schema.base import Column, Columns, Frozen, FrozenMap, Listed, Name, Text, no_repeats

__all__ = [
    "BINARY_MEASURES",
    "DIRECTED_MEASURES",
    "PLANNED",
    "RATIO_MEASURES",
    "TIME_MEASURES",
    "Assume",
    "Average",
    "Estimand",
    "Estimator",
    "HedgesG",
    "IndexUse",
    "Intercurrent",
    "Measure",
    "Outcome",
    "ScaleUse",
    "score_column",
]

Measure = Literal[
    "mean_difference",
    "risk_difference",
    "risk_ratio",
    "odds_ratio",
    "rate_ratio",
    "mean_ratio",
    "win_odds",
    "proportional_odds",
    "quantile",
    "hazard_ratio",
    "rmst_difference",
]
PLANNED = tuple(MEASURES[name] for name in get_args(Measure))
TIME_MEASURES = frozenset(m.name for m in PLANNED if m.outcome == "time")
BINARY_MEASURES = frozenset(m.name for m in PLANNED if m.outcome == "binary")
RATIO_MEASURES = frozenset(m.name for m in PLANNED if m.ratio)
DIRECTED_MEASURES = frozenset(m.name for m in PLANNED if m.better == "directed")
Estimator = Literal[
    "ancova", "lin", "difference_in_means", "horvitz_thompson", "hajek", "aipw", "mixed", "g_computation", "logit"
]
Average = Literal["participant", "group"]
Strategy = Literal["treatment_policy", "hypothetical", "composite", "while_on_treatment", "principal_stratum"]


class ScaleUse(Frozen):
    """A questionnaire: which scale of the registry (or own TOML file) and in which columns its answers stand."""

    name: Name
    """the name by which outcomes refer to the scale; its scores are called name_wave"""
    scale: Name
    """a key of the registry (`trialkit scales` lists them) or the path of a TOML file of your own"""
    items: Name
    """the columns of the answers, as in "gse_{wave}_{item}", where {item} is the item number"""
    waves: Listed[Name] = ()
    """waves at which the scale was taken; unsaid: the waves that the plan uses"""
    form: Name | None = None
    """a named form or item order of the scale, where the registry has several"""
    form_from: FrozenMap[str] | None = None
    """columns that decide on each person's form, as in { age = "age", administration = "mode_{wave}" } for cfpb_10; or a word for everyone"""
    subscale: Name | None = None
    """one of the scale's subscales"""
    codes: FrozenMap[float] = FrozenMap()
    """the code of each answer given in words, as in { "not at all true" = 1 }"""
    code_range: Annotated[tuple[int, int], Field(strict=False)] | None = None
    """lowest and highest code in the data, as in [0, 3], where they differ from the scale's own"""
    already_reversed: Annotated[Listed[Annotated[int, Field(ge=1)]], AfterValidator(no_repeats)] = ()
    """numbers of the reversed items that the data hold turned around already"""
    prorate: Annotated[int, Field(ge=0)] | None = None
    """how many answers may be missing; unsaid: the scale's own rule"""

    later: ClassVar[frozenset[str]] = frozenset({"form_from"})

    def scoring(self, wave: str | None = None) -> dict[str, Any]:
        """The keywords of `trialkit.measurement.scoring.score` that this entry asks for at a wave."""
        places = self.form_from.items() if self.form_from is not None else ()
        return {
            "form": self.form,
            "form_from": {k: v if wave is None else v.replace("{wave}", wave) for k, v in places} or None,
            "subscale": self.subscale,
            "codes": self.code_range,
            "value_labels": dict(self.codes) or None,
            "already_reversed": self.already_reversed,
            "prorate": self.prorate,
        }


class IndexUse(Frozen):
    """A summary index of several measurements of one domain: one test instead of one for each."""

    of: Annotated[Columns, Field(min_length=2)]
    """what it is made of: names of [[outcomes]], or columns (scores included)"""
    kind: Literal["icw", "klk"] = "icw"
    """icw: weighted by the inverse covariance (Anderson 2008); klk: the plain mean (Kling, Liebman & Katz 2007)"""
    lower: Columns = ()
    """columns in `of` that are better lower; outcomes and scores say so themselves"""
    missing: Literal["pattern", "renormalize"] | None = None
    """icw, for people with some of them: pattern (weights for what they have) or renormalize; unsaid: pattern"""


class HedgesG(Frozen):
    """A distance in standard deviations."""

    hedges_g: Annotated[float, Field(gt=0)]
    """distance in standard deviations (Hedges' g)"""


def _kind_of_distance(value: Any) -> str:
    return "table" if isinstance(value, (dict, HedgesG)) else "number"


Distance = Annotated[
    Annotated[Annotated[float, Field(gt=0)], Tag("number")] | Annotated[HedgesG, Tag("table")], Discriminator(_kind_of_distance)
]


class Estimand(Frozen):
    """Whose effect, and averaged how."""

    population: Literal["all_randomized", "compliers"] = "all_randomized"
    """all_randomized (intention to treat) or compliers (those who take up the offer when it is made)"""
    average: Average = "participant"
    """participant: every person counts the same; group: every group counts the same"""


class Intercurrent(Frozen):
    """Something that happens to people on the way, and what the estimand makes of it (ICH E9 R1)."""

    strategy: Strategy
    """treatment_policy, hypothetical, composite, while_on_treatment or principal_stratum"""
    value: float | None = None
    """composite: the value of the outcome for people to whom it happened"""
    scenario: Text | None = None
    """hypothetical: what is imagined instead, in a few words for the report"""
    column: Column | None = None
    """the column that says to whom it happened (1 yes, 0 no)"""


Rate = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Assume(Frozen):
    """Numbers for power, simulation and the dry run; never used in the analysis."""

    later: ClassVar[frozenset[str]] = frozenset({"shares", "follow_up", "shape", "strata_r2"})

    effect: float | None = None
    """assumed effect: for a scale in standard deviations, otherwise in the units of the measure"""
    control_rate: Rate | None = None
    """share with the outcome in the control arm"""
    control_mean: float | None = None
    """mean in the control arm"""
    control_median: Positive | None = None
    """median time in the control arm"""
    sd: Positive | None = None
    """standard deviation of the outcome"""
    hazard_ratio: Positive | None = None
    """assumed hazard ratio"""
    odds_ratio: Positive | None = None
    """assumed odds ratio"""
    dispersion: Positive | None = None
    """variance of a count divided by its mean"""
    zero_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share of exact zeros in the control arm"""
    icc: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share of the variance that lies between groups; unsaid: [design] assumptions"""
    attrition: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share lost at follow-up; unsaid: [design] assumptions"""
    baseline_correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """correlation with the baseline measurement; unsaid: [design] assumptions"""
    shares: Listed[Rate] = ()
    """shares of the ordered categories in the control arm, lowest first, as in [0.2, 0.5, 0.3]"""
    follow_up: Positive | None = None
    """for a time: how long people are followed, in the units of the time; unsaid: tau"""
    shape: Positive | None = None
    """for a time: the shape of a Weibull distribution; unsaid: 1, a constant hazard"""
    strata_r2: Annotated[float, Field(ge=0, lt=1)] | None = None
    """share of the outcome's variance that lies between the strata of the randomization"""


class Outcome(Frozen):
    """One outcome with its estimand: a column, a scale at a wave, a time with its event, or an index of others."""

    later: ClassVar[frozenset[str]] = frozenset({"index"})

    name: Name
    """the outcome's name in results"""
    label: Text
    """the outcome in words, for the report; unsaid: its name"""
    column: Column | None = None
    """the column that holds the outcome"""
    scale: Name | None = None
    """the name of one of [[scales]], scored at `wave`"""
    wave: Name | None = None
    """the wave of the measurement"""
    time: Column | None = None
    """the column that holds the time until the event or the end of observation"""
    event: Column | None = None
    """the column that says whether the event was seen (1) or not (0)"""
    index: IndexUse | None = None
    """a summary index: { of = ["calm", "hope"], kind = "icw" }; higher is better, what is better lower is turned"""
    baseline: Column | None = None
    """the same measurement before randomization, as a column; always adjusted for"""
    baseline_wave: Name | None = None
    """for a scale: the wave whose score is adjusted for; unsaid: the first wave; "none" for no adjustment"""
    role: Literal["primary", "secondary", "exploratory"]
    """primary, secondary or exploratory"""
    family: Name
    """outcomes of one family are corrected together; unsaid: the role"""
    measure: Measure = "mean_difference"
    """what is compared between the arms"""
    tau: Positive | None = None
    """for rmst_difference: the time up to which the mean is taken"""
    q: Rate | None = None
    """for quantile: which quantile; unsaid: 0.5, the median"""
    better: Literal["higher", "lower"] | None = None
    """which direction is the better one; for a scale unsaid: that of the registry"""
    smallest_worthwhile: Distance | None = None
    """the smallest effect that would matter, in the units of the measure or as { hedges_g = 0.2 }"""
    equivalence: Positive | None = None
    """margin of equivalence, in the units of the measure"""
    noninferiority: Positive | None = None
    """margin of non-inferiority, in the units of the measure"""
    adjust: Columns | None = None
    """baseline covariates of this outcome; unsaid: those of [analysis]"""
    estimator: Estimator | None = None
    """estimator of this outcome; unsaid: that of [analysis]"""
    estimand: Estimand = Estimand()
    """whose effect, and averaged how"""
    intercurrent: FrozenMap[Intercurrent] = FrozenMap()
    """events on the way, each with its strategy"""
    assume: Assume = Assume()
    """numbers for power and simulation, never for the analysis"""

    @property
    def kind(self) -> Literal["column", "scale", "time", "index"]:
        """How the outcome is given: a column, a scale at a wave, a time with its event, or an index."""
        if self.index is not None:
            return "index"
        return "scale" if self.scale is not None else "time" if self.time is not None or self.event is not None else "column"


def score_column(scale: str, wave: str | None) -> str:
    """Name of the column in which a scale's score stands, as in `self_efficacy_t0`."""
    return scale if wave is None else f"{scale}_{wave}"
