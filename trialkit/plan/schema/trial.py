"""The sections on what the trial is: arms, waves, the roles of the columns, and how people were assigned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from trialkit.plan.schema.base import Column, Columns, Frozen, FrozenMap, Listed, Name, Text, no_repeats, unnamed

__all__ = ["Arm", "Assumptions", "DataSection", "DesignSection", "GroupFormation", "TrialSection", "Wave"]


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
