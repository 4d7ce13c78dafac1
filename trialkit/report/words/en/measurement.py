"""The English of the section on how well the scales measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.document import among


class MeasurementWords:
    """Words on reliability, invariance, the ends of a scale and reliable change."""

    measurement_intro = (
        "Alpha and omega are the share of a score's variance that is not random error; above about 0.7 is usual for comparing arms. A scale is the same "
        "measure when its items keep their unit and zero point: then a difference in the score is a difference in what it measures."
    )
    measurement_caption = "The scales as measuring instruments"
    scale_word_header, answered_header, alpha_header, omega_header = "Scale", "People", "Alpha", "Omega"
    over_waves_header, over_arms_header, ends_header = "Same over time", "Same in the arms", "At an end"
    ends_none = "few"
    same_measure: ClassVar[Mapping[str, str]] = {
        "same": "yes",
        "some_items": "not all items",
        "no": "no",
        "not_one_factor": "not known: not one factor",
        "undefined": "not known",
        "undecided": "cannot be told",
    }
    ends_words: ClassVar[Mapping[str, str]] = {"floor": "lowest", "ceiling": "highest"}
    warned_title = "Effects on scales that did not stay the same measure"
    warned_outcomes = (
        "A scale behind some of these effects did not stay the same measure; see the section on how well the scales measured."
    )
    about_measure = (
        "The questions behind a primary outcome did not keep their meaning, or that could not be shown: part of the difference may lie in how people answer and not in "
        "how they are. See how well the scales measured."
    )
    latent_caption = "The effect on the score and on what its items measure, in standard deviations before the programme"
    latent_note = (
        "What is measured: the factor behind the items (latent analysis of covariance), with the items that moved left free or out. An effect on the score "
        "is also smaller because of random error in it."
    )
    observed_header, latent_header = "Score", "What is measured"
    reliability_caption = "Reliability"
    everyone = "everyone"
    invariance_models: ClassVar[Mapping[str, str]] = {
        "configural": "same items, one factor",
        "metric": "and equal units (metric)",
        "scalar": "and equal zero points (scalar)",
        "strict": "and equal precision (strict)",
        "partial metric": "units, but for those let go",
        "partial scalar": "zero points, but for those let go",
        "partial strict": "precision, but for that let go",
    }
    model_header, holds_header = "Held equal", "Holds"
    fit_headers = ("Chi-square", "df", "CFI", "RMSEA", "SRMR", "Change in CFI", "p of the change")
    ends_caption = "People at the lowest and highest possible score"
    lowest_header, highest_header = "Lowest", "Highest"
    change_header = ("Arm", "Known", "Improved", "Unchanged", "Deteriorated")
    change_difference_caption = "Differences between the arms in reliable change, percentage points"

    @staticmethod
    def measurement_note(waves: str, undecided: bool) -> str:
        """What two numbers in a cell are, and what was tested."""
        few = (
            " Cannot be told: the bounds are passed, but by no more than chance does with so few people (p of .01 or more)."
            if undecided
            else ""
        )
        several = f"Numbers of a row: {waves}. " if waves else ""
        return (
            f"{several}People: with an answer. Same over time, same in the arms: whether the scale is the same measure there, by tests of scalar "
            "invariance (bounds of Chen 2007). At an end: waves with more than 15% of people at the lowest or highest possible score."
            f"{few}"
        )

    @staticmethod
    def measurement_fold(label: str) -> str:
        return f"{label}: all numbers"

    @staticmethod
    def over_waves_caption(before: str, after: str) -> str:
        return f"Tests of the same measure: {before} and {after}"

    @staticmethod
    def over_arms_caption(when: str) -> str:
        return f"Tests of the same measure: the arms{f', {when}' if when else ''}"

    @staticmethod
    def let_go(freed: str) -> str:
        return f"Let go: {freed}."

    @staticmethod
    def change_caption(before: str, after: str) -> str:
        return f"Reliable change of people, {before} to {after}"

    @staticmethod
    def change_note(points: str, reliability: str) -> str:
        return (
            f"Reliable: more than {points} points, what measurement error explains in 95 of 100 people (reliability {reliability}). Error alone puts about 2.5% of "
            "people on either side, and time moves everyone; the difference between arms is what can be read as an effect."
        )

    @staticmethod
    def reliably(column: str) -> str:
        """'Improved' of 'mood_t1 reliably improved'."""
        return column.rpartition(" ")[2].capitalize()

    @staticmethod
    def at_end(share: str, end: str, wave: str) -> str:
        """'18.2% highest, after three months'."""
        return f"{share} {end}{f', {wave}' if wave else ''}"

    @staticmethod
    def left_out_of_scale(label: str, text: str) -> str:
        return among(f"{label}: ", text)
