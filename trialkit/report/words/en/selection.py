"""The English of the section on selection: who came, who took part, who stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _quoted(parts: Sequence[str]) -> str:
    return _listed([f"“{p}”" for p in parts])


def _p(p: str) -> str:
    return f"p {p}" if p[:1] in "<>" else f"p = {p}"


class SelectionWords:
    """Words on reach, take-up, losses and groups."""

    selection_intro = "A question at a time, each with the answer of this trial first and its evidence folded beneath."
    selection_evidence = "Evidence"
    selection_left_out = "Could not be analysed"

    # --- a primary analysis that fills in or weights
    imputed_header = "Filled in"
    raw_of_known = (
        "Means and shares are those of the people whose outcome is known; what was filled in differs between imputations."
    )
    missing_information_row = "Information lost to missing outcomes"
    companions_of_available = (
        "The primary analysis answers for everyone randomized, also for people whose outcome is not known. The other analyses rest on the outcomes "
        "that were observed."
    )
    selection_questions: ClassVar[Mapping[str, str]] = {
        "reach": "Who was reached?",
        "balance": "Were the arms alike?",
        "take_up": "Who took it up?",
        "losses": "Who stayed?",
        "missing": "What could those who are missing do to the answer?",
        "formed": "Did chance or choice form the groups?",
    }

    # --- reach
    reach_unknown = (
        "Not known: the plan names no count of the people before randomization, so nothing here says whom the trial missed."
    )
    stages_of_reach: ClassVar[Mapping[str, str]] = {
        "eligible": "eligible", "approached": "approached", "consented": "consented", "randomized": "randomized",
        "offered": "offered the programme", "attended": "attended", "followed_up": "followed up",
    }  # fmt: skip
    reach_caption = "From those who were eligible to those who were followed up"
    reach_stage_header = "Stage"
    retention_header, reach_header, reach_ratio_header = "Kept", "Reach", "Reach, against the others"
    reach_note = (
        "Kept: the share of those at the stage it is counted from. Reach: the share of those at the first stage. The ratio compares the reach of a kind of "
        "people with that of the others; below 1 they were reached less."
    )

    def reach_stage(self, key: str) -> str:
        return self.stages_of_reach.get(key, key.replace("_", " "))

    def reach_of(self, key: str) -> str:
        return f"of those {self.reach_stage(key)}"

    def reach_found(self, first: str, first_stage: str, last: str, last_stage: str, share: str) -> str:
        return f"Of {first} people {self.reach_stage(first_stage)}, {last} ({share}) were {self.reach_stage(last_stage)}."

    def reached_less(self, who: str, ratio: str, interval: str, stage: str) -> str:
        lost = f", most of all at the stage “{self.reach_stage(stage)}”" if stage else ""
        return f"“{who}” were reached {ratio} times as often as the others ({interval}){lost}."

    reached_alike = "No kind of people among those compared was clearly reached less than the others."
    reached_not_compared = "The count does not tell kinds of people apart."

    # --- balance
    balance_not_planned = "Not shown: the plan names no baseline variables ([selection] balance)."

    @staticmethod
    def balance_alike(p: str) -> str:
        return f"As alike as chance makes them: all variables at once show no more difference than that ({_p(p)})."

    @staticmethod
    def balance_unlike(arm: str, p: str) -> str:
        return f"Less than chance would make them: all variables at once, “{arm}” differs from the control arm ({_p(p)})."

    @staticmethod
    def balance_largest(size: str, name: str) -> str:
        return f"The largest difference is {size} standard deviations ({name})."

    balance_where = "The variables one by one stand under “The arms at the start”."

    # --- take-up
    take_up_unknown = "Not known: the plan names no column that says who took part ([data] uptake)."

    @staticmethod
    def took_part_share(share: str, arm: str) -> str:
        return f"{share} of those assigned to “{arm}” took part."

    @staticmethod
    def took_part_control(share: str) -> str:
        return f"{share} of the control arm did so as well, without being assigned to it."

    take_up_not_asked = "The plan did not ask who they were ([selection] take_up)."

    @staticmethod
    def take_up_differs(trait: str, who: str, side: str, interval: str) -> str:
        return f"{trait}: “{who}” took it up {side} often than the others (difference {interval} points)."

    take_up_less, take_up_more = "less", "more"
    take_up_alike = "None of the traits looked at clearly goes with taking part."
    take_up_caption = "Who would take part when it is offered"
    take_up_header, who_header = "Would take part", "Trait"
    take_up_people_header = "Assigned"
    take_up_note = (
        "Share of those who take part because it is offered (compliers); intervals hold for all levels of a trait together. A level whose people all did the same "
        "has no interval."
    )
    take_up_everyone = "Everyone"

    # --- losses
    losses_unknown = "Not known: the plan did not ask ([selection] attrition = false)."

    @staticmethod
    def losses_none(outcome: str) -> str:
        return f"Everyone: nobody lacks “{outcome}”."

    @staticmethod
    def losses_found(outcome: str, share: str) -> str:
        return f"{share} of everyone randomized lack “{outcome}”."

    @staticmethod
    def losses_gap(arm: str, points: str, interval: str) -> str:
        return f"“{arm}” against control: {points} points{f' ({interval})' if interval else ''}."

    def losses_verdict(self, verdicts: Mapping[str, str]) -> str:
        """What the Clearinghouse's table says under either assumption."""
        values = list(verdicts.values())
        if len(set(values)) == 1:
            return f"By the table of the What Works Clearinghouse that is {values[0]} attrition, under its cautious and its optimistic assumption."
        parts = [f"{v} under its {k} assumption" for k, v in verdicts.items()]
        return f"By the table of the What Works Clearinghouse that is {' and '.join(parts)}."

    @staticmethod
    def losses_selective(respondents: str, everyone: str) -> str:
        return f"On the variables measured before, {respondents}; {everyone}."

    @staticmethod
    def selective(test: str, found: bool, p: str) -> str:
        who = (
            "those who stayed differ between the arms"
            if test == "iv_r"
            else "those who stayed differ from those who left, or between the arms"
        )
        says = who if found else f"it is not shown that {who}"
        return f"{says} ({_p(p)})"

    wwc_caption = "Losses against the table of the What Works Clearinghouse"
    wwc_header: ClassVar[tuple[str, ...]] = ("Assumption", "Lost overall", "Difference, points", "Boundary, points", "Attrition")
    wwc_assumptions: ClassVar[Mapping[str, str]] = {
        "cautious": "Cautious: the programme can change who leaves",
        "optimistic": "Optimistic: it hardly can",
    }
    wwc_levels: ClassVar[Mapping[str, str]] = {"low": "low", "high": "high"}
    wwc_of: ClassVar[Mapping[str, str]] = {"people": "", "clusters": "whole clusters"}
    selective_caption = "Tests of selective losses"
    selective_header: ClassVar[tuple[str, ...]] = ("Measured before", "Those who stayed: p", "Everyone: p")
    selective_all = "All at once"
    selective_note = (
        "First test: whether the arms differ among those who stayed (can they be compared?). Second: whether they also resemble those who left (does the result speak of "
        "everyone?). A test that finds nothing is no proof: with few lost it would miss much."
    )
    lost_by_trait_caption = "Losses by trait"
    lost_by_trait_note = "Share without the outcome. Difference: arm minus control, in percentage points."

    # --- what the missing could do
    missing_rules: ClassVar[Mapping[str, str]] = {
        "primary": "Planned analysis",
        "available_cases": "Available cases",
        "multiple_imputation": "Multiple imputation, missing at random",
        "jump_to_reference": "Missing people of the arm as the control arm (jump to reference)",
        "copy_reference": "Missing people as the control arm throughout (copy reference)",
        "copy_increments_in_reference": "Missing people change as the control arm does (copy increments)",
        "last_mean_carried_forward": "Missing people stay at the last mean",
        "inverse_probability_weights": "Those who stayed, weighted for those who left",
        "lee_bounds": "Lee's bounds",
        "manski_bounds": "Worst cases: any value of the outcome",
        "kling_liebman": "Missing people up to {sd} SD off their arm's mean",
        "tipping_point": "Tipping point",
    }
    missing_scenarios: ClassVar[Mapping[str, str]] = {
        "as observed": "As observed",
        "all lost failed": "All who are missing failed",
        "all lost succeeded": "All who are missing succeeded",
        "worst for the programme": "Worst case for the programme",
        "best for the programme": "Best case for the programme",
    }
    missing_caption = "The primary effect under other assumptions on those who are missing"
    missing_header, bounds_or_estimate_header, missing_reading_header = "Assumption", "Estimate or bounds", "Says"
    missing_readings: ClassVar[Mapping[int, str]] = {1: "higher", -1: "lower", 0: "no clear difference"}

    @staticmethod
    def missing_note(level: str) -> str:
        return (
            f"{level} intervals; for bounds they cover the effect, not the whole range. Lee's bounds are for people who would be measured under either arm; they need "
            "neither a choice nor a seed, and stand here whether planned or not. Bounds compare the arms without adjustment for the start, so that an adjusted "
            "estimate can lie outside them."
        )

    @staticmethod
    def missing_none(outcome: str) -> str:
        return f"Nothing: nobody lacks “{outcome}”."

    @staticmethod
    def missing_unplanned(outcome: str) -> str:
        return f"Not known for “{outcome}”: the plan asked for no analysis of it ([missing] sensitivity)."

    @staticmethod
    def missing_of(outcome: str, contrast: str | None) -> str:
        return f"“{outcome}”{f', {contrast}' if contrast else ''}:"

    @staticmethod
    def missing_holds(n: int) -> str:
        return (
            "the conclusion is the same in the other analysis."
            if n == 1
            else f"the conclusion is the same in all {n} other analyses."
        )

    @staticmethod
    def missing_fails(names: Sequence[str], n: int) -> str:
        return f"the conclusion is not the same in {len(names)} of {n} other analyses: {'; '.join(names)}."

    @staticmethod
    def missing_extreme(holds: bool) -> str:
        return (
            "It holds even where the missing had the most extreme values."
            if holds
            else "It would not hold if the missing had had the most extreme values."
        )

    missing_no_claim = "the planned analysis shows no clear difference,"
    missing_nor = "and no other analysis does."

    @staticmethod
    def missing_but(names: Sequence[str]) -> str:
        return f"but these do: {'; '.join(names)}."

    @staticmethod
    def tips_at(amount: str, sds: str, side: str) -> str:
        return f"The conclusion changes once the missing people of the arm lie {amount} ({sds} SD) {side} than those observed suggest."

    @staticmethod
    def tips_never(amount: str, side: str) -> str:
        return f"The conclusion stays the same even if the missing people of the arm lie {amount} {side} than those observed suggest."

    # --- groups
    no_groups = "No arm has groups."
    formed_unplanned = "Not known: the plan does not say how groups were formed."

    @staticmethod
    def formed_planned(alike: Sequence[str], mixed: Sequence[str]) -> str:
        how = [f"alike in {_quoted(alike)}"] if alike else []
        how += [f"mixed in {_quoted(mixed)}"] if mixed else []
        return f"By plan, groups were to be {' and '.join(how)}." if how else "By plan, chance alone put people in groups."

    formed_not_tested = "The plan did not ask for a test of it ([selection] groups_by_chance)."

    @staticmethod
    def formed_chance(traits: Sequence[str]) -> str:
        return f"By {_quoted(traits)}, it is not shown that more than chance was at work within the pools that groups were filled from."

    @staticmethod
    def formed_choice(traits: Sequence[str], level: str) -> str:
        return f"Members of a group resemble each other, or differ, in {_quoted(traits)} more than chance makes them (at the {level} level)."

    @staticmethod
    def formed_because(traits: Sequence[str]) -> str:
        return f"What goes with {_quoted(traits)} is shared or spread for that reason alone."

    formed_caption = "Whether chance put people in their groups"
    formed_header: ClassVar[tuple[str, ...]] = ("Trait", "Slope on the peers", "Expected by chance", "p", "Groups", "Pools")
    formed_note = "Slope of a person's value on the mean of the others in the group. Nobody is their own peer, so chance alone makes it negative. p by shuffling people within pools."
