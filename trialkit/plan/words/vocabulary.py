"""In which words a plan is told: sentences with holes by their key, and how a language writes numbers, lists and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.plan.words import plan_en, plan_nl

__all__ = ["WORDS", "Language", "Vocabulary"]

Language = Literal["en", "nl"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one language.

    Attributes
    ----------
    sentences : by key; both languages have the same keys, but for names that are plain words in one of them.
    marks : puts the marks of the language into a number. offer : an arm's label inside a sentence. note : a part that cannot be run, in the language.
    """

    sentences: Mapping[str, str]
    marks: Callable[[str], str]
    offer: Callable[[str], str]
    note: Callable[[str], str]

    def __call__(self, key: str, **holes: Any) -> str:
        return self.sentences[key].format(**holes)

    def named(self, what: str, key: str) -> str:
        """The name of an option of the plan; one that has no words of its own is written as it stands."""
        return self.sentences.get(f"{what}_{key}", key.replace("_", " "))

    def amount(self, value: float) -> str:
        """A number of the plan."""
        return self.marks(f"{value:g}")

    def listed(self, names: Iterable[str]) -> str:
        """ "'a', 'b' and 'c'"."""
        return self.joined(f"'{n}'" for n in names)

    def joined(self, parts: Iterable[str], *, by: str = "and") -> str:
        """'a, b and c', or with another word before the last."""
        several = list(parts)
        return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} {self(by)} {several[-1]}"


WORDS: dict[Language, Vocabulary] = {
    "en": Vocabulary(plan_en.SENTENCES, plan_en.marks, plan_en.offer, plan_en.note),
    "nl": Vocabulary(plan_nl.SENTENCES, plan_nl.marks, plan_nl.offer, plan_nl.note),
}
