"""The English of the section on the specification curve."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar


class MultiverseWords:
    """Words on the same effect by every declared way of analysing it."""

    multiverse_intro = (
        "An analysis holds choices that could with reason have been made otherwise. The plan declares them, and here the effect is estimated by every one. "
        "The registered analysis stays the analysis of this trial: the others show how far its result hangs on the choices, and none of them takes its place."
    )
    curve_registered_mark = "registered"
    curve_marks = "Filled: p below the level. Open: not. Diamond: registered. Cross: not estimated."
    curve_kinds: ClassVar[Mapping[str, str]] = {
        "scoring": "Scoring",
        "adjusted_for": "Adjusted for",
        "estimator": "Estimator",
        "standard_errors": "Standard errors",
        "missing_outcomes": "Missing outcomes",
        "extremes": "Extreme values",
    }
    curve_estimators: ClassVar[Mapping[str, str]] = {
        "ancova": "ANCOVA",
        "lin": "Lin",
        "difference_in_means": "Difference in means",
        "aipw": "AIPW",
        "mixed": "Mixed model",
        "g_computation": "G-computation",
        "logit": "Logistic regression",
        "hajek": "Hajek",
        "horvitz_thompson": "Horvitz-Thompson",
        "poisson": "Poisson",
    }
    curve_options: ClassVar[Mapping[str, str]] = {
        "auto": "as registered",
        "as registered": "as registered",
        "not adjusted": "nothing",
        "available cases": "people with the outcome",
        "multiple imputation": "multiple imputation",
        "weights by response": "weights by response",
        "as measured": "as measured",
        "the estimator's own": "the estimator's own",
    }
    # a pattern for options that hold a number or a name, and what they read as
    curve_patterns: ClassVar[tuple[tuple[str, str], ...]] = ()
    curve_statistics: ClassVar[Mapping[str, str]] = {
        "median_t": "Median of estimate / standard error",
        "mean_abs_t": "Mean of |estimate / standard error|",
        "share_significant": "Share with p below the level, in one direction",
        "median_estimate": "Median estimate, in SDs",
    }
    curve_option_header = "Option"
    curve_specifications_header, curve_median_header, curve_lowest_header, curve_highest_header = (
        "Analyses",
        "Median",
        "Lowest",
        "Highest",
    )
    curve_statistic_header, curve_observed_header = "Statistic", "Observed"
    curve_joint_caption = "The whole curve against other assignments of the same design"
    multiverse_left_out = "Not done:"
    curve_failed = "Analyses that could not be done, and why:"

    def curve_option(self, kind: str, option: str, labels: Mapping[str, str]) -> str:
        """An option as a reader knows it."""
        if kind == "estimator":
            return self.curve_estimators.get(option, option.replace("_", " "))
        if option in self.curve_options:
            return self.curve_options[option]
        for pattern, text in self.curve_patterns:
            if re.fullmatch(pattern, option):
                return re.sub(pattern, text, option)
        if kind == "adjusted_for":
            return ", ".join(labels.get(part) or part for part in option.split(", "))
        return option

    @staticmethod
    def curve_counts(estimated: str, specifications: str, low: str, high: str, median: str) -> str:
        """How many analyses, and from where to where."""
        how = f"All {specifications} analyses" if estimated == specifications else f"{estimated} of {specifications} analyses"
        return f"{how} could be done. Their estimates run from {low} to {high}; the median is {median}."

    @staticmethod
    def curve_place(own: str, place: str, estimated: str) -> str:
        """Where the registered estimate stands."""
        return f"The registered estimate is {own}, number {place} of {estimated} from the lowest."

    @staticmethod
    def curve_directions(same: str, significant: str, both: str, estimated: str, alpha: str) -> str:
        """How many point the same way; counts of dependent analyses."""
        return (
            f"{same} of {estimated} point the same way as the registered one, {significant} have p below {alpha} ({both} of these the same way). "
            "These are counts, not tests: the analyses share their people and go together."
        )

    @staticmethod
    def curve_tested(unlikely: bool, statistic: str, p: str, draws: str, inside: str, estimated: str) -> str:
        """The joint test by the statistic chosen beforehand."""
        which = "all analyses" if inside == estimated else f"{inside} of {estimated} analyses"
        said = f"Joint test of {which} by the statistic that the plan chose ({statistic[:1].lower()}{statistic[1:]}), {draws} assignments: p {p}."
        if unlikely:
            return (
                f"{said} If the programme changed nobody's outcome, a curve this far from zero would seldom come out. That speaks against no effect at all; it does not "
                "say how large the effect is, nor which analysis is right."
            )
        return f"{said} Curves like this one are not rare when the programme changes nobody's outcome. That does not show that it has no effect."

    curve_not_tested = "There is no joint test: it needs a design from which other assignments, groups included, can be drawn, and analyses that are linear."

    @staticmethod
    def curve_joint_note(null: str) -> str:
        """What is tested."""
        return "Against the hypothesis that being in the other arm changes nobody's outcome, nor whether it is seen" + (
            ", and that it does not matter with whom one is in a group." if "group" in null else "."
        )

    @staticmethod
    def curve_table_caption(label: str) -> str:
        """Of the table of options."""
        return f"{label}: estimates by choice"

    curve_table_note = "Median, lowest and highest estimate of the analyses that have the option. The file has every analysis."

    @staticmethod
    def caption_curve(label: str, level: str) -> str:
        """Of the figure."""
        return (
            f"{label}: the estimate by every declared analysis, from the lowest to the highest, with {level} intervals; below, the choices of each. "
            "The orange diamond on the shaded column is the registered analysis."
        )

    @staticmethod
    def alt_curve(label: str, counts: str, place: str) -> str:
        """Text in place of the figure."""
        return f"Specification curve of {label}. {counts} {place}".strip()
