"""The English of the plain-language box and the status strip: fixed sentences, keyed by codes.

Each says what the interval allows and no more: 'inconclusive' is a normal answer, and never 'no effect'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class PlainWords:
    """Sentences for readers without training in statistics."""

    # --- status of the plan
    locked_title = "The plan was locked before this run"
    unlocked_title = "The plan was not locked"
    unlocked_advice = "Read the results as you would those of a study without a registered plan."
    locked_meaning = (
        "A lock shows that the plan and this report belong together. By itself it does not prove when the lock was made, nor that "
        "there was no other plan."
    )

    # --- what was found
    how_sure, not_shown = "How sure can we be?", "What this does not show"

    def outcome_is(self, label: str) -> str:
        return f"The outcome: {label}."

    def observed_shares(self, arm: str, control: str, share_arm: str, share_control: str) -> str:
        return (
            f"Of every 100 people assigned to “{arm}”, this was so for about {share_arm}; "
            f"of every 100 assigned to “{control}”, for about {share_control}."
        )

    def observed_means(self, arm: str, control: str, mean_arm: str, mean_control: str) -> str:
        return f"The average was {mean_arm} among people assigned to “{arm}” and {mean_control} among people assigned to “{control}”."

    def headline(self, verdict: str, arm: str, control: str, worthwhile: str | None, better: str | None) -> str:
        """What may be said about one comparison, by its verdict."""
        up, down = ("did better", "did worse") if better else ("scored higher", "scored lower")
        more = f"People assigned to “{arm}” {up} on this outcome than people assigned to “{control}”"
        if verdict == "worthwhile_benefit":
            return (
                f"{more}. Every value that fits these data well is at least as large as the smallest difference that the plan "
                f"calls worthwhile ({worthwhile})."
            )
        if verdict == "benefit_size_uncertain" and worthwhile:
            return (
                f"{more}. Whether the difference is large enough to be worthwhile ({worthwhile} or more, says the plan) these data "
                "do not settle: smaller and larger values both fit."
            )
        if verdict == "benefit_size_uncertain":
            return f"{more}. The plan does not say how large a difference must be to be worthwhile."
        if verdict == "benefit_too_small":
            return f"{more}, but by less than the plan calls worthwhile ({worthwhile}): every value that fits these data well is smaller."
        if verdict == "no_worthwhile_difference":
            return (
                f"Between “{arm}” and “{control}” there is no difference as large as the plan calls worthwhile ({worthwhile}), in either "
                "direction. A smaller difference cannot be excluded."
            )
        if verdict == "harm":
            return f"People assigned to “{arm}” {down} on this outcome than people assigned to “{control}”."
        return (
            f"This trial does not settle whether people assigned to “{arm}” {up} or {down} on this outcome than people assigned to "
            f"“{control}”: both fit the data. That is not the same as showing that there is no difference."
        )

    def not_after_correction(self, p: str) -> str:
        return (
            "This was one of several tests that the plan corrects together, and after that correction the difference is not established "
            f"(corrected p {p}): with several tests, chance alone shows such a difference more often. The interval is that of this test alone."
        )

    def not_estimable(self, arm: str, control: str) -> str:
        return f"The difference between “{arm}” and “{control}” on this outcome could not be estimated, so nothing is said about it here."

    def difference_share(self, adjusted: bool, arm: str, points: str, people: str, direction: str) -> str:
        lead = self._allowing(adjusted, "the share")
        if direction == self.same:
            return f"{lead} is the same in both arms to the first decimal."
        return f"{lead} with “{arm}” is {points} percentage points {direction}: {people}."

    def people_of_hundred(self, people: str, direction: str) -> str:
        if people == "0":
            return "fewer than 1 person in every 100"
        return f"about {people} {'more' if direction == self.higher else 'fewer'} of every 100 people"

    def difference_ratio(self, adjusted: bool, arm: str, control: str, value: str, what: str) -> str:
        """Odds and hazards, which most readers do not know, are explained; the others are said as they are."""
        meaning = {
            "risk_ratio": f"the share with “{arm}” is {value} times that with “{control}”",
            "odds_ratio": f"the odds (those with the outcome for each one without it) with “{arm}” are {value} times those with “{control}”",
            "rate_ratio": f"the average count with “{arm}” is {value} times that with “{control}”",
            "mean_ratio": f"the average with “{arm}” is {value} times that with “{control}”",
            "win_odds": f"of two people, one assigned to “{arm}” and one to “{control}”, the first does better {value} times as often as the second (ties counting half)",
            "proportional_odds": f"the odds of a better category with “{arm}” are {value} times those with “{control}”",
            "hazard_ratio": f"at any moment, people assigned to “{arm}” for whom it has not happened yet have {value} times the chance that it happens then",
            "rmst_ratio": f"the average time up to the horizon with “{arm}” is {value} times that with “{control}”",
        }.get(what, f"the ratio of “{arm}” to “{control}” is {value}")
        return f"{self._allowing(adjusted, meaning)}."

    measured: ClassVar[Mapping[str, str]] = {
        "quantile": "the quantile asked for (unless said otherwise the median)",
        "rmst_difference": "the average time up to the horizon",
        "rmtl_difference": "the average time lost up to the horizon",
    }

    def ratio_of(self, value: str) -> str:
        return f"a ratio of {value}"

    def fits_ratio(self, level: str, low: str, high: str) -> str:
        return f"The data fit well with any true ratio between {low} and {high} (the {level} interval; 1 is no difference), and less well with values outside it."

    def difference_mean(self, adjusted: bool, arm: str, value: str, g: str | None, direction: str, what: str = "") -> str:
        lead = self._allowing(adjusted, self.measured.get(what, "the average"))
        if direction == self.same:
            return f"{lead} is the same in both arms to the last decimal shown."
        size = f" ({g} standard deviations)" if g else ""
        return f"{lead} with “{arm}” is {value} points {direction}{size}."

    def _allowing(self, adjusted: bool, what: str) -> str:
        return f"After allowing for differences between people at the start, {what}" if adjusted else what[:1].upper() + what[1:]

    # --- subgroups
    subgroups_intro = (
        "Whether the effect differs between kinds of people is judged by the test of the difference (interaction), never by one subgroup being "
        "significant and another not. These subgroups were named in the plan."
    )
    subgroups_note = (
        "p is that of the interaction. Effects in subgroups rest on fewer people than the whole; read them together with it."
    )

    def subgroup_title(self, outcome: str, trait: str) -> str:
        return f"{outcome}, by {trait}"

    def subgroups_caption(self, label: str) -> str:
        return f"The effect by subgroup: {label}"

    def interaction_row(self, comparison: str) -> str:
        return f"Do effects differ? ({comparison})" if comparison else "Do effects differ?"

    def level(self, name: str) -> str:
        """A level of a trait, or two that are compared; names of the data stay as they are."""
        return name

    def alt_subgroups(self, label: str) -> str:
        return f"The effect in each subgroup with its interval: {label}. The numbers stand in the table."

    # --- how sure
    def fits(self, level: str, low: str, high: str, low_side: str, high_side: str, unit: str) -> str:
        """The interval in words; `unit` is 'percentage points' or 'points'."""
        if low_side == high_side:
            between = f"between {low} and {high} {unit} {low_side}"
        else:
            between = f"between {low} {unit} {low_side} and {high} {unit} {high_side}"
        return (
            f"The data fit well with any true difference {between} (the {level} interval), and less well with values outside it."
        )

    def interval_means(self, level_number: str) -> str:
        return (
            f"Intervals made in this way contain the true difference in {level_number} of 100 such trials. "
            "Whether this trial is one of them cannot be seen."
        )

    def groups_counted(self, arms: str, groups: str) -> str:
        return (
            f"People in {arms} were together in {groups} groups. Members of one group may influence each other, and then tell less than as "
            "many separate people would. The interval takes this into account."
        )

    few_counted = "They are few, so that the uncertainty is itself uncertain: read the interval with care."

    def clusters_counted(self, clusters: str) -> str:
        return (
            f"Whole groups were assigned ({clusters} in all). People in one group resemble each other, so they tell less than as many "
            "separate people would. The interval takes this into account."
        )

    groups_ignored = (
        "The analysis does not take into account that people were together in groups: the true uncertainty is likely to be larger "
        "than stated here."
    )

    # --- what it does not show
    def about_assignment(self, taken: str) -> str:
        lead = "This is the effect of being assigned, whether or not people then took part"
        return f"{lead} ({taken})." if taken else f"{lead}. It is not the effect of taking part."

    def took_part(self, share: str, arm: str) -> str:
        return f"of those assigned to “{arm}”, {share} did"

    def about_filled(self, overall: str, outcome: str = "") -> str:
        return (
            f"{self._unknown(overall, outcome)} Others of the same arm who resemble them stand in for them. The result could be "
            "different if the two differ in ways that were not measured."
        )

    def about_missing(self, overall: str, outcome: str = "") -> str:
        return (
            f"{self._unknown(overall, outcome)} The result rests on the others, and could be different if the two "
            "differ in ways that were not measured."
        )

    def _unknown(self, overall: str, outcome: str) -> str:
        """`outcome` names it where a trial has several primary ones."""
        return f"{f'“{outcome}”' if outcome else 'The outcome'} is unknown for {overall} of the people."

    about_average = "It is an average. It does not tell for whom the difference is larger or smaller, nor what brought it about."

    def about_population(self, population: str) -> str:
        return f"It is about these people: {population.rstrip('.')}. Elsewhere, or later, it may be different."

    about_unlocked = "The plan was not locked, so choices in the analysis may have been made after the data were seen."

    def about_deviations(self, n: int) -> str:
        return f"The study deviated from its plan on {n} point{'' if n == 1 else 's'}; they are listed under Deviations."

    def joined(self, parts: list[str]) -> str:
        return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)

    def listed(self, parts: list[str]) -> str:
        return "; ".join(parts)

    def quoted(self, label: str) -> str:
        return f"“{label}”"

    higher, lower, same = "higher", "lower", "the same"
    points_unit, percentage_points = "points", "percentage points"
