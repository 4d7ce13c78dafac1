"""The words of the design memo, field by field: a language without a word cannot be made, so no page mixes two languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trialkit.report.format import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoWords:
    """Headings, sentences and terms; braces are filled in by `trialkit.report.memo.phrases`.

    Attributes
    ----------
    assumptions : a label for each argument of a power function that is an assumption.
    tests, methods, standardizers, cautions : by the key that results carry.
    sources : "plan", "default", "stated" and "aside".
    """

    language: str
    numbers: Numbers
    undefined: str
    unlimited: str

    kicker: str
    title: str
    question_heading: str
    question_of_plan: str
    question_grouped: str
    question_other: str
    the_outcome: str
    outcome_heading: str
    design_heading: str
    assumptions_heading: str
    assumption_column: str
    value_column: str
    source_column: str
    changes_heading: str
    change_column: str
    power_column: str
    detectable_column: str
    more_band: str
    worse_band: str
    as_planned: str
    sensitivity_heading: str
    sensitivity_note: str
    sensitivity_bold: str
    sensitivity_rates: str
    method_heading: str
    costs_heading: str
    cost_columns: tuple[str, str, str, str]
    total: str
    cost_items: Mapping[str, str]
    references_heading: str
    simulated_heading: str
    assurance_heading: str

    lead: str
    lead_detectable: str
    people_row: str
    people_value: str
    sizes_row: str
    allocation_row: str
    effect_row: str
    standardized_row: str
    standardized_value: str
    cohens_h: str
    power_row: str
    detectable_row: str
    detectable_value: str
    smallest_row: str
    smallest_value: str
    stricter_row: str
    stricter_value: str
    error_row: str
    error_value: str
    normal_test: str
    t_test: str
    exact_test: str
    type_row: str
    type_value: str
    takers_value: str

    people_equal: str
    people_unequal: str
    groups: str
    controls: str
    control_groups: str
    clusters: str
    unequal_clusters: str
    two_sizes: str
    size_range: str
    effect_sd: str
    fall_sd: str
    effect_raw: str
    fall_raw: str
    effect_unit: str
    fall_unit: str
    rise_rate: str
    fall_rate: str
    points: str

    tests: Mapping[str, str]
    methods: Mapping[str, str]
    standardizers: Mapping[str, str]
    assumptions: Mapping[str, str]
    by_arm: str
    nobody: str
    everyone: str
    no_baseline: str
    on_compliers: str
    on_assigned: str
    equal_sd: str
    standard_units: str
    sources: Mapping[str, str]
    published_icc: str
    aside_heading: str
    aside: Mapping[str, str]
    cautions: Mapping[str, str]

    more: Mapping[str, str]
    worse: Mapping[str, str]
    rows_by: Mapping[str, str]

    axes: Mapping[str, str]
    power_axis: str
    the_design: str
    figure_caption: str
    figure_alt: str
    curve_caption: str
    simulated_row: str
    simulated_size: str
    simulated_from: str
    assurance_sentence: str
    assurance_range: str
    nothing_detectable: str
    no_formula: str
    made_with: str


ENGLISH_MEMO = MemoWords(
    language="en",
    numbers=Numbers(decimal=".", thousands=","),
    undefined="undefined",
    unlimited="unlimited",
    kicker="Design memo: sample size and power",
    title="Sample size and power",
    question_heading="Question",
    question_of_plan="Among {population}: does “{arm}” change “{label}”, compared with “{reference}”?",
    question_grouped="Does a programme in groups change {outcome}, compared with people who are in no group?",
    question_other="Does the programme change {outcome}, compared with people who do not get it?",
    the_outcome="the outcome",
    outcome_heading="{label}: {arm} against {reference}",
    design_heading="Design and power",
    assumptions_heading="Assumptions and where they come from",
    assumption_column="Assumption",
    value_column="Value",
    source_column="Source",
    changes_heading="What would change the answer",
    change_column="Change",
    power_column="Power",
    detectable_column="Detectable effect",
    more_band="A little more",
    worse_band="If an assumption is wrong",
    as_planned="as planned",
    sensitivity_heading="Power by {rows} and effect",
    sensitivity_note="All other numbers of the design are unchanged.",
    sensitivity_bold="Bold: as planned.",
    sensitivity_rates="Columns: the share in the treated arm, with {rate} in the control arm.",
    method_heading="Method",
    costs_heading="Costs",
    cost_columns=("Item", "Number", "Each", "Amount"),
    total="Total",
    cost_items={
        "treated": "Treated people", "controls": "Controls", "groups": "Groups", "control_groups": "Control groups", "clusters": "Clusters",
        "fixed": "Paid once",
    },
    references_heading="References",
    simulated_heading="The planned analysis, simulated",
    assurance_heading="Power averaged over what is not known",
    lead="With {sizes}, {n} people in all, the trial detects {effect} with {power} probability ({test}).",
    lead_detectable="With {sizes}, {n} people in all, the trial detects {effect} or more with at least {power} probability ({test}).",
    people_row="People to randomize",
    people_value="{n}: {treated} treated and {controls} controls",
    sizes_row="Groups",
    allocation_row="Treated : control",
    effect_row="Effect looked for",
    standardized_row="In standard units",
    standardized_value="{value} × {standardizer}",
    cohens_h="Cohen's h = {value}",
    power_row="Power",
    detectable_row="Detectable effect",
    detectable_value="{effect}, with {power} power",
    smallest_row="Smallest effect that matters",
    smallest_value="{effect}: power {power}",
    stricter_row="After correction for {members} tests",
    stricter_value="detectable at worst: {effect}",
    error_row="Standard error and test",
    error_value="{std_error}; {test}",
    normal_test="normal",
    t_test="t with {df} df",
    exact_test="exact test, rejecting {size} without an effect",
    type_row="A significant estimate",
    type_value="exaggerates {type_m} times on average (type M); wrong sign: {type_s} (type S)",
    takers_value="{share}; the effect is that on everyone randomized, among those who take part {effect}",
    people_equal="{n} people in each arm",
    people_unequal="{treated} treated people and {controls} controls",
    groups="{groups} groups of {size}",
    controls="{n} people in no group",
    control_groups="{n} control groups of {size}",
    clusters="{treated} treated and {controls} control clusters of {size} people",
    unequal_clusters="{treated} treated and {controls} control clusters of unequal size",
    two_sizes="{low} or {high}",
    size_range="{low} to {high} people",
    effect_sd="an effect of {value} SD",
    fall_sd="a fall of {value} SD",
    effect_raw="a difference of {value} ({sd} SD)",
    fall_raw="a fall of {value} ({sd} SD)",
    effect_unit="a difference of {value} {unit} ({sd} SD)",
    fall_unit="a fall of {value} {unit} ({sd} SD)",
    rise_rate="a rise from {low} to {high}",
    fall_rate="a fall from {low} to {high}",
    points="percentage points",
    tests={
        "two-sided": "two-sided test at level {alpha}", "greater": "one-sided test (greater) at level {alpha}",
        "less": "one-sided test (less) at level {alpha}",
    },
    methods={
        "exact over the variance ratio": "Power of Welch's test on group means and single controls, exact over the distribution of the variance ratio.",
        "plug-in Satterthwaite df": "Power of Welch's test on group means and single controls, with Satterthwaite degrees of freedom at the population values.",
        "normal formula": "Normal formula.",
        "pooled variance": "Noncentral t with pooled variance.",
        "Welch": "Noncentral t with Welch's degrees of freedom.",
        "pooled variance under the null": "Normal test of two shares, with the pooled variance under the null hypothesis.",
        "unpooled variance": "Normal test of two shares with unpooled variance.",
        "arcsine transformation": "Normal test of two shares after the arcsine transformation.",
        "pooled z test by enumeration": "Pooled z test of two shares; power by enumeration of all outcomes.",
        "Fisher's test by enumeration": "Fisher's exact test; power by enumeration of all outcomes.",
        "cluster means": "Noncentral t on cluster means.",
    },
    standardizers={
        "the common SD": "the common SD", "the treated arm's SD": "the treated arm's SD", "the control arm's SD": "the control arm's SD",
        "the pooled SD": "the pooled SD",
    },
    assumptions={
        "sd": "Standard deviation of the outcome",
        "variances": "Variances (between groups, within groups, controls)",
        "control_rate": "Share with the outcome in the control arm",
        "icc": "Intracluster correlation (ICC)",
        "control_icc": "ICC of the control groups",
        "attrition": "Lost to follow-up (attrition)",
        "take_up": "Take part as assigned (take-up)",
        "baseline_correlation": "Correlation with the baseline",
        "size_cv": "Spread of cluster sizes (SD / mean)",
        "individual_r2": "Explained variance within clusters",
        "cluster_r2": "Explained variance between clusters",
        "baseline_r2": "Variance that the baseline explains",
        "n_covariates": "Degrees of freedom lost to covariates",
        "cluster_autocorrelation": "Autocorrelation of clusters",
        "individual_autocorrelation": "Autocorrelation",
        "subclusters_per_cluster": "Subclusters per cluster",
        "subcluster_icc": "Correlation within subclusters",
        "strata_r2": "Variance between the strata",
        "n_strata": "Strata",
        "group_size": "Group size",
    },
    by_arm="{treated} (treated), {controls} (control)",
    nobody="nobody",
    everyone="everyone",
    no_baseline="no gain from a baseline counted",
    on_compliers="{share}; the effect is that among those who take part, {effect} on everyone assigned",
    on_assigned="{share}; the effect is that on everyone assigned",
    equal_sd="{sd} in both arms",
    standard_units="1 in both arms: effects are in standard deviations",
    sources={"plan": "the plan", "default": "not in the plan; supplied here", "stated": "assumed in this calculation", "aside": "in the plan, but not used for this outcome"},
    published_icc="published for groups of this kind: {low} to {high} ({source})",
    aside_heading="Left aside: {what}.",
    aside={
        "strata": "what the strata explain", "design": "what the allocation scheme gains", "covariates": "what other covariates explain",
        "margin": "power against the margin (this is power to find a difference)",
        "units": "effects of the plan in units whose standard deviation it does not give",
    },
    cautions={
        "unequal_sizes": "Groups or clusters differ in size, which the formula takes into account approximately.",
        "ancova_optimistic": "The formula is slightly optimistic with a baseline, because its slope is estimated.",
        "imbalance": "With chance imbalance of the baseline between the arms, power is {power}.",
        "attrition_optimistic": "The formula is slightly optimistic, because random drop-out makes the numbers left vary.",
        "binary_groups_optimistic": "The formula is somewhat optimistic for shares in groups, because the variance between groups follows their rates.",
        "binary_clusters_optimistic": "The formula is somewhat optimistic for shares in clusters, because the variance between clusters follows their rates.",
        "normal_formula": "The normal formula ignores that few groups estimate their variance poorly; it is too high.",
        "plugin_df": "The formula is optimistic here, because so few units estimate their variance poorly.",
        "more_controls_lose": "More controls would lower power here, because the degrees of freedom fall.",
        "few_events": "An arm is expected to have few people with (or without) the outcome: the normal formula is rough.",
        "counts": "Because people are counted, exact power goes up and down around this formula.",
        "saw": "Exact power goes up and down with the number of people: a slightly larger trial may have less.",
        "two_roots": "Two numbers of controls have this power; the smaller one is given.",
        "take_up_mixture": "The formula only dilutes the effect; when participants alone have it, the spread in the treated arm is larger and power somewhat lower.",
    },
    more={
        "groups": "one more group", "group_size": "one more member in every group", "controls": "ten more controls",
        "control_groups": "one more control group", "people": "ten more people in each arm", "clusters": "one more cluster in each arm",
        "cluster_size": "one more person in every cluster", "baseline_correlation": "a baseline that correlates {value} with the outcome",
        "baseline_r2": "a baseline that explains {share} of the variance",
    },
    worse={
        "published_icc": "ICC of {value}, the upper end of the published range", "icc": "ICC of {value}, twice as high", "attrition": "{share} lost to follow-up",
        "take_up": "only {share} take part, and the effect is theirs", "baseline": "no gain from the baseline", "effect": "the effect is half as large",
    },
    rows_by={"icc": "ICC", "attrition": "attrition"},
    axes={"groups": "Groups", "clusters": "Clusters", "n": "People", "effect": "Effect"},
    power_axis="Power",
    the_design="the design",
    figure_caption="Power by number of {axis}, everything else as planned.",
    figure_alt="Curve of power against {axis}: {low} at {first}, {planned} at {at} (the design), {high} at {last}.",
    curve_caption="Curve of `{function}`.",
    simulated_row="effect {effect}: power {power} (Monte Carlo error {error}){closed}",
    simulated_size="without an effect it rejects with probability {power} (Monte Carlo error {error})",
    simulated_from="The planned analysis was run on {n} simulated trials: ",
    assurance_sentence="Over {priors}, power is {assurance} on average ({middle} at the middle of the assumptions) and {worst} at worst; it is at least {target} in {reaches} of the cases.",
    assurance_range="{name} from {low} to {high}",
    nothing_detectable="With this design no effect can be detected with {power} probability.",
    no_formula="Power for this outcome has no formula here and is left out of this page.",
    made_with="Computed with trialkit {version}.",
)  # fmt: skip
