"""The parts of a scale: codes, forms, points, missing rule, thresholds, and where each fact comes from."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "STATUS_WORDS",
    "Codes",
    "CutOff",
    "Direction",
    "Form",
    "MissingRule",
    "Points",
    "Source",
    "Span",
    "Spec",
    "TypicalSd",
    "WholeNumber",
    "Words",
]

Direction = Literal["higher", "lower"]
Status = Literal["V", "S", "C", "M"]

STATUS_WORDS: dict[str, str] = {
    "V": "read in the owner's own text",
    "S": "read in a secondary source",
    "C": "worked out or cross-checked",
    "M": "not verified",
}

WholeNumber = Annotated[int, Field(strict=True)]
Words = Annotated[str, Field(min_length=1)]
Truth = Annotated[bool, Field(strict=True)]


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Codes(Spec):
    """The answer codes of every item: `min` is the coding base; `low` and `high` say in words what the end codes stand for.

    `declare`: versions with another number of answers circulate, so the codes of the file must be said when scoring. `format`: the
    answer format whose words the codes stand for (see `answer_labels`), from its lowest answer up unless the form is `falling`.
    """

    min: WholeNumber
    max: WholeNumber
    low: str = ""
    high: str = ""
    whole: Truth = True
    declare: Truth = False
    format: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Codes:
        if self.min >= self.max:
            raise ValueError(f"the lowest code ({self.min}) must be below the highest ({self.max})")
        return self

    @property
    def pair(self) -> tuple[int, int]:
        return self.min, self.max

    @property
    def steps(self) -> int:
        return self.max - self.min + 1


class Points(Spec):
    """What each answer counts, from the lowest code to the highest, for the items named (unsaid: all)."""

    values: Annotated[tuple[float, ...], Field(min_length=2)]
    items: tuple[WholeNumber, ...] | None = None

    @property
    def falls(self) -> bool:
        """Whether a higher code counts less."""
        return self.values[-1] < self.values[0]


class Span(Spec):
    """A span of numbers, both ends included."""

    min: float | None = None
    max: float | None = None


class Form(Spec):
    """One order, coding or version of the scale: which items are reversed, its subscales, and how the answers become a score.

    `base` moves the codes so that the lowest counts that much in the score; `points` replaces codes by points; `conversion` is the
    published score of each raw sum, from the lowest up; `total = false` says that only subscales are scored; `falling` that the
    codes fall while the answer format rises; `when` for whom the form is meant.
    """

    title: str = ""
    reversed: tuple[WholeNumber, ...] = ()
    points: tuple[Points, ...] = ()
    subscales: dict[str, tuple[WholeNumber, ...]] = {}
    score: Literal["sum", "mean"]
    base: WholeNumber | None = None
    multiply: Annotated[float, Field(gt=0)] = 1.0
    conversion: tuple[float, ...] = ()
    total: Truth = True
    falling: Truth = False
    when: dict[str, tuple[str, ...] | Span] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Form:
        if self.points and (self.reversed or self.base is not None):
            raise ValueError("points say what each answer counts: with them leave out reversed and base")
        if self.conversion and (self.score != "sum" or self.subscales or self.multiply != 1):
            raise ValueError('a conversion table belongs to a plain score = "sum" without subscales or multiply')
        if any(later < earlier for earlier, later in pairwise(self.conversion)):
            raise ValueError("the conversion table must rise from the lowest raw sum to the highest")
        if not self.total and not self.subscales:
            raise ValueError("total = false needs subscales to score instead")
        return self

    def points_of(self, item: int) -> Points | None:
        """The points of an item; None when its codes count as they are."""
        return next((p for p in self.points if p.items is None or item in p.items), None)

    def keyed_down(self, item: int) -> bool:
        """Whether a higher code means a lower score."""
        points = self.points_of(item)
        return points.falls if points else item in self.reversed

    def same_items(self, other: Form) -> bool:
        """Whether the two forms differ in nothing but the conversion of the raw sum."""
        leave = {"title", "conversion", "when"}
        return self.model_dump(exclude=leave) == other.model_dump(exclude=leave)


class MissingRule(Spec):
    """Up to `max_missing` answers may be missing; `ours` marks a rule that the scale's authors did not publish.

    "mean_of_answered" puts the mean of the person's other answers in place of a missing one; "counts_as_zero" leaves it out of the sum.
    """

    max_missing: Annotated[WholeNumber, Field(ge=0)] = 0
    rule: Literal["mean_of_answered", "counts_as_zero", "none"] = "none"
    max_missing_subscale: Annotated[WholeNumber, Field(ge=0)] = 0
    ours: Truth = False
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> MissingRule:
        if self.rule == "none" and (self.max_missing or self.max_missing_subscale):
            raise ValueError('with rule = "none" every item is required; say rule = "mean_of_answered", or leave max_missing out')
        return self


class CutOff(Spec):
    """A published threshold of the score, with its source; `form`, `subscale`: it holds for these only; `set`: the name of its bands."""

    value: float
    side: Literal["at_or_above", "above", "at_or_below", "below"]
    meaning: Words
    source: Words
    form: str | None = None
    subscale: str | None = None
    set: str = ""


class TypicalSd(Spec):
    """A published standard deviation of the score, for planning."""

    value: Annotated[float, Field(gt=0)]
    population: Words
    source: Words
    form: str | None = None


class Source(Spec):
    """Where a fact comes from. Status V: the owner's own text; S: a secondary source; C: worked out; M: not verified."""

    status: Status
    source: Words

    @property
    def verified(self) -> bool:
        """Whether anyone compared the fact with a publication."""
        return self.status != "M"
