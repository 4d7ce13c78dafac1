"""Answer formats in words, Dutch and English: which words stand for which step, from the lowest to the highest."""

from __future__ import annotations

from trialkit.errors import UsageError, nearest, shown
from trialkit.misuse import explained

__all__ = ["FORMATS", "answer_labels", "formats_that_hold"]

# Format -> number of answers -> the words of each answer, from the lowest up; words for the same answer are divided by |.
FORMATS: dict[str, dict[int, tuple[str, ...]]] = {
    "agreement": {
        4: (
            "strongly disagree|completely disagree|totally disagree|helemaal mee oneens|helemaal niet mee eens|zeer mee oneens|sterk mee oneens",
            "disagree|mee oneens|niet mee eens|oneens",
            "agree|mee eens|eens",
            "strongly agree|completely agree|totally agree|helemaal mee eens|zeer mee eens|sterk mee eens",
        ),
        5: (
            "strongly disagree|completely disagree|totally disagree|helemaal mee oneens|helemaal niet mee eens|zeer mee oneens|sterk mee oneens",
            "disagree|mee oneens|niet mee eens|oneens",
            "neutral|neither agree nor disagree|neither disagree nor agree|neutraal|niet mee eens, niet mee oneens|niet mee eens niet mee oneens|"
            "niet mee oneens, niet mee eens|noch mee eens, noch mee oneens",
            "agree|mee eens|eens",
            "strongly agree|completely agree|totally agree|helemaal mee eens|zeer mee eens|sterk mee eens",
        ),
        7: (
            "strongly disagree|completely disagree|totally disagree|helemaal mee oneens|helemaal niet mee eens|zeer mee oneens|sterk mee oneens",
            "disagree|mee oneens|niet mee eens|oneens",
            "somewhat disagree|slightly disagree|enigszins mee oneens|een beetje mee oneens",
            "neutral|neither agree nor disagree|neither disagree nor agree|neutraal|niet mee eens, niet mee oneens|niet mee eens niet mee oneens|"
            "niet mee oneens, niet mee eens|noch mee eens, noch mee oneens",
            "somewhat agree|slightly agree|enigszins mee eens|een beetje mee eens",
            "agree|mee eens|eens",
            "strongly agree|completely agree|totally agree|helemaal mee eens|zeer mee eens|sterk mee eens",
        ),
    },
    "frequency": {
        4: ("never|nooit", "sometimes|soms", "often|vaak", "always|altijd"),
        5: ("never|nooit", "rarely|seldom|zelden", "sometimes|soms", "often|vaak", "always|altijd"),
    },
    "how_often": {
        3: (
            "hardly ever or never|hardly ever|bijna nooit of nooit|bijna nooit|zelden of nooit",
            "some of the time|soms",
            "often|vaak",
        ),
        5: (
            "never|nooit",
            "almost never|bijna nooit",
            "sometimes|soms",
            "fairly often|redelijk vaak|vrij vaak|tamelijk vaak",
            "very often|heel vaak|zeer vaak|erg vaak",
        ),
    },
    "part_of_the_time": {
        5: (
            "none of the time|nooit",
            "a little of the time|af en toe",
            "some of the time|soms",
            "most of the time|meestal",
            "all of the time|altijd|voortdurend",
        ),
    },
    "truth": {
        4: (
            "not at all true|volledig onjuist|helemaal niet waar",
            "hardly true|nauwelijks juist|nauwelijks waar",
            "moderately true|enigszins juist|enigszins waar|redelijk waar",
            "exactly true|volledig juist|helemaal waar",
        ),
    },
    "yes_no": {2: ("no|nee", "yes|ja")},
    "yes_more_or_less_no": {3: ("no|nee", "more or less|min of meer", "yes|ja")},
}


@explained
def answer_labels(name: str, *, codes: tuple[int, int], falling: bool = False) -> dict[str, float | None]:
    """The words of an answer format with their codes, in English and Dutch, for `value_labels` of `score`.

    Parameters
    ----------
    name
        "agreement" (4, 5 or 7 answers), "frequency" (4 or 5), "how_often" (3 or 5), "part_of_the_time" (5), "truth" (4), "yes_no" (2)
        or "yes_more_or_less_no" (3).
    codes
        Lowest and highest code; their number decides which version of the format is meant.
    falling
        True when the lowest code stands for the strongest answer (1 = strongly agree). There is no way to see this in the words, so
        it has to be read off the questionnaire.

    Raises
    ------
    UsageError
        Unknown format, or a number of answers that it does not have.

    Examples
    --------
    >>> labels = answer_labels("agreement", codes=(1, 5))
    >>> labels["strongly agree"], labels["helemaal mee oneens"]
    (5.0, 1.0)
    >>> answer_labels("yes_no", codes=(1, 2), falling=True)["ja"]
    1.0
    """
    if name not in FORMATS:
        near = nearest(str(name), FORMATS)
        remedy = f"Did you mean '{near}'?" if near else f"There are {shown(FORMATS, 20)}; or give a mapping from words to codes."
        raise UsageError(f"there is no answer format '{name}'. {remedy}")
    low, high = codes
    steps = high - low + 1
    if steps not in FORMATS[name]:
        raise UsageError(
            f"the answer format '{name}' is known with {shown(list(FORMATS[name]))} answers, not with {steps} (codes {low}-{high}). "
            f"Give a mapping from words to codes instead."
        )
    return {
        word: float(high - step if falling else low + step)
        for step, words in enumerate(FORMATS[name][steps])
        for word in words.split("|")
    }


def formats_that_hold(words: list[str], steps: int) -> list[str]:
    """The formats with this number of answers that know all of these words."""
    asked = {word.strip().casefold() for word in words}
    found = []
    for name, versions in FORMATS.items():
        if steps in versions and asked <= {w for step in versions[steps] for w in step.split("|")}:
            found.append(name)
    return found
