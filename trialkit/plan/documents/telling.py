"""How a plan is told: sentences by their key, numbers, columns, arms and outcomes in the language of the document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.plan.documents import words_en, words_nl
from trialkit.plan.documents.form import Paragraph
from trialkit.plan.words.vocabulary import Language
from trialkit.report.format import clean

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["ROLES", "Said", "Telling", "flat"]

Said = tuple[Paragraph, ...]
ROLES = ("primary", "secondary", "exploratory")
_WORDS = {"en": (words_en.EN, words_en.NUMBERS), "nl": (words_nl.NL, words_nl.NUMBERS)}


def flat(text: object) -> str:
    """A text on one line, without what cannot be printed."""
    return " ".join(clean(str(text)).split())


@dataclass(frozen=True)
class Telling:
    """A plan and the language it is told in.

    Attributes
    ----------
    spec : the plan. language : of the sentences. folder : where its own scale files stand. hash : of the plan.
    """

    spec: PlanSpec
    language: Language = "en"
    folder: Path | None = None
    hash: str = field(default="")

    def w(self, key: str, **holes: Any) -> str:
        """The sentence of a key; what fills its holes is made fit to stand in a line."""
        return _WORDS[self.language][0][key].format(**{k: flat(v) for k, v in holes.items()})

    def number(self, value: float) -> str:
        """A number with the marks of the language."""
        return _WORDS[self.language][1].general(value) if value % 1 or abs(value) >= 1000 else f"{value:g}"

    def percent(self, value: float) -> str:
        """A share as a percentage."""
        return f"{self.number(round(100 * value, 4))}%"

    def listed(self, items: Iterable[str]) -> str:
        """'a, b and c'."""
        parts = [flat(i) for i in items]
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {self.w('and')} {parts[-1]}" if parts else ""

    def columns(self, names: Iterable[str]) -> str:
        """Columns in quotes."""
        return self.listed(f"'{n}'" for n in names)

    def arms(self, names: Iterable[str]) -> str:
        """Arms by their labels."""
        return self.listed(f"‘{self.spec.arm(n).label}’" for n in names)

    def labels(self, outcomes: Iterable[Outcome]) -> str:
        """Outcomes by their labels."""
        return self.listed(f"‘{o.label}’" for o in outcomes)
