"""The English of the figures: axis labels, captions, and the descriptions for readers who do not see them."""

from __future__ import annotations

from collections.abc import Sequence


class FigureWords:
    """Words in and around figures."""

    # --- axes
    axis_share = "Share of people"
    axis_mean = "Mean, with one SD to each side"
    axis_difference_share = "Percentage points"
    axis_difference_sd = "Standard deviations (Hedges g)"
    axis_difference_raw = "Units of the measure"
    axis_ratio = "Ratio (1: no difference)"
    axis_standardized = "Standardized difference, arm − control"
    axis_group_size = "People in a group"
    better_side, worse_side = "better →", "← worse"
    better_side_left, worse_side_right = "← better", "worse →"
    zone = "grey: smaller than worthwhile"
    panel_ratio = "Estimated ratio"
    panel_observed, panel_effect = "Observed, by arm", "Estimated difference"
    not_estimated_mark = "not estimated"

    def axis_difference(self, unit: str) -> str:
        return {"share": self.axis_difference_share, "sd": self.axis_difference_sd, "ratio": self.axis_ratio}.get(
            unit, self.axis_difference_raw
        )

    def zone_of(self, size: str) -> str:
        return f"{self.zone} ({size})"

    def arm_value(self, label: str, value: str, n: str) -> str:
        return f"{label}: {value} (n\u00a0=\u00a0{n})"

    def value_of_people(self, value: str, n: str) -> str:
        return f"{value} (n\u00a0=\u00a0{n})"

    def value_and_interval(self, value: str, low: str, high: str) -> str:
        return f"{value} ({low} to {high})"

    def groups_mean(self, groups: str, mean: str) -> str:
        return f"{groups} groups, mean {mean}"

    # --- flow
    flow_start = "Randomized"
    flow_took_up, flow_known = "Took part", "Outcome known"

    def flow_people(self, people: str, share: str | None) -> str:
        return f"{people} people ({share})" if share else f"{people} people"

    def flow_groups(self, groups: str) -> str:
        return f"in {groups} groups"

    def flow_clusters(self, clusters: str) -> str:
        return f"{clusters} clusters"

    def flow_sizes(self, low: str, high: str, mean: str) -> str:
        return f"of {low} people" if low == high else f"of {low} to {high} people (mean {mean})"

    # --- captions
    def caption_primary(self, label: str, level: str, shaded: bool, observed: bool = True) -> str:
        zone = " The grey zone holds differences smaller than the plan calls worthwhile." if shaded else ""
        if not observed:
            return f"{label}: the estimated effect with its {level} interval.{zone}"
        return f"{label}: what was observed in each arm, and the estimated difference with its {level} interval.{zone}"

    def caption_curves(self, label: str, level: str) -> str:
        return f"{label}: the share of people over time in each arm (Kaplan-Meier, or cumulative incidence with other exits), with {level} intervals and the numbers still observed."

    def alt_curves(self, label: str, arms: Sequence[str]) -> str:
        return f"Curves over time of {label}, one for each arm: {', '.join(arms)}."

    def caption_subgroups(self, label: str, level: str) -> str:
        return f"{label}: the effect in each subgroup with its {level} interval; the test is of the differences between them."

    def caption_forest(self, level: str, several_arms: bool) -> str:
        marks = "Thick lines: primary outcomes." if several_arms else "Squares: primary outcomes; circles: the others."
        return f"Effects on all outcomes with {level} intervals. {marks}"

    caption_flow = "People and groups from randomization to the primary outcome."
    caption_love = (
        "Differences between the arms at the start. Lines at 0.05 (dotted) and 0.25 (dashed) standard deviations; to the right the "
        "arm has more or scores higher than control."
    )
    caption_groups = "Size of the groups as assigned: smallest, mean and largest."
    caption_groups_planned = "Size of the groups as assigned: smallest, mean and largest. The grey band is what the plan foresaw."

    # --- descriptions
    def alt_primary(self, label: str, observed: Sequence[str], effects: Sequence[str], worthwhile: str | None) -> str:
        zone = f" The smallest worthwhile difference in the plan is {worthwhile}." if worthwhile else ""
        if not observed:
            return f"The estimated effect on {label}: {'; '.join(effects)}.{zone}"
        return f"Two panels on {label}. Observed: {'; '.join(observed)}. Estimated difference: {'; '.join(effects)}.{zone}"

    def alt_effect(self, name: str, value: str, low: str, high: str, level: str) -> str:
        return f"{name}: {value}, {level} interval {low} to {high}"

    def alt_forest(self, effects: Sequence[str]) -> str:
        return f"Forest plot. {'. '.join(effects)}."

    def alt_flow(self, arms: Sequence[str]) -> str:
        return f"Flow diagram with a column for each arm. {' '.join(arms)}"

    def alt_flow_arm(self, label: str, stages: Sequence[str]) -> str:
        return f"{label}: {'; '.join(stages)}."

    def alt_love(self, n: int, largest: Sequence[str]) -> str:
        return f"Dot plot of {n} standardized differences at the start. The largest: {'; '.join(largest)}."

    def alt_groups(self, arms: Sequence[str]) -> str:
        return f"Group sizes. {' '.join(arms)}"

    def alt_groups_arm(self, label: str, low: str, high: str, mean: str, groups: str) -> str:
        return f"{label}: {groups} groups of {low} to {high} people, mean {mean}."
