"""The facts of a measurement scale, and what follows from them alone: the chosen form, ranges, subscales, what is verified.

A scale holds facts about scoring and never the wording of its items. Whether an item is reversed belongs to a named form (the
order in which the items were printed), not to the scale: the same ten items circulate in different orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, field_validator

from trialkit.errors import ScaleError, nearest, shown
from trialkit.measurement.questionnaires.parts import (
    Codes,
    CutOff,
    Direction,
    Form,
    MissingRule,
    Source,
    Spec,
    TypicalSd,
    WholeNumber,
    Words,
)

__all__ = ["ALWAYS_STATED", "SOMETIMES_STATED", "ScaleFacts"]

ALWAYS_STATED = ("reference", "licence", "direction", "items", "codes", "reversed", "score", "missing")
SOMETIMES_STATED = ("other_codes", "subscales", "conversion", "cut_offs", "sd")


class ScaleFacts(Spec):
    """What is known of a scale, unchecked as a whole; users hold a `Scale`, which says what the fields are."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    name: Words
    # pydantic keeps the name `construct` for itself, so the field has another one and the property below gives it back.
    concept: Annotated[str, Field(min_length=1, alias="construct")]
    reference: Words
    licence: Words
    direction: Direction
    subscale_directions: dict[str, Direction] = Field(default_factory=dict)
    measures: Words
    items: Annotated[WholeNumber, Field(ge=1)]
    codes: Codes
    item_codes: dict[int, Codes] = Field(default_factory=dict)
    forms: Annotated[dict[str, Form], Field(min_length=1)]
    default_form: str | None = None
    other_codes: tuple[Codes, ...] = ()
    missing: MissingRule = MissingRule()
    cut_offs: tuple[CutOff, ...] = ()
    sd: TypicalSd | None = None
    remarks: tuple[Words, ...] = ()
    caveats: tuple[Words, ...] = ()
    evidence_needed: tuple[Words, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)

    @field_validator("missing", mode="before")
    @classmethod
    def _missing_in_words(cls, value: object) -> object:
        if isinstance(value, str):
            if value != "all_required":
                example = 'missing = { max_missing = 2, rule = "mean_of_answered" }'
                raise ValueError(f"'{value}' is no missing rule; say \"all_required\", or {example}")
            return {"max_missing": 0, "rule": "none"}
        return value

    def with_form(self, form: str) -> Self:
        """The scale with `form` chosen."""
        if form not in self.forms:
            near = nearest(form, self.forms)
            remedy = f"Did you mean '{near}'?" if near else f"The forms are {shown(self.forms, 10)}."
            raise ScaleError(f"the scale '{self.key}' has no form '{form}'. {remedy}")
        return self.model_copy(update={"default_form": form})

    @property
    def construct(self) -> str:  # type: ignore[override]
        """What the scale is meant to measure."""
        return self.concept

    @property
    def form(self) -> str | None:
        """The form that is chosen; None when several circulate and none was named."""
        return self.default_form or (next(iter(self.forms)) if len(self.forms) == 1 else None)

    @property
    def chosen(self) -> Form:
        """The chosen form; a `ScaleError` when it must be named first."""
        if self.form is None:
            titles = "; ".join(f"'{name}'" + (f" ({form.title})" if form.title else "") for name, form in self.forms.items())
            example = next(iter(self.forms))
            by_person = sorted({attribute for form in self.forms.values() for attribute in form.when})
            columns = ", ".join(f"'{a}': <column>" for a in by_person)
            also = f" When it differs between people, say form_from={{{columns}}}." if by_person else ""
            raise ScaleError(
                f"the scale '{self.key}' circulates in several forms, so the form must be named: {titles}. "
                f"Look at your questionnaire and say, for instance, form='{example}'.{also}"
            )
        return self.forms[self.form]

    def codes_of(self, item: int) -> Codes:
        """The codes of one item."""
        return self.item_codes.get(item, self.codes)

    def range_of(self, form: str | None = None, *, subscale: str | None = None) -> tuple[float, float]:
        """Lowest and highest possible score of a form (default: the chosen one) or of one of its subscales."""
        used = (self.with_form(form) if form else self).chosen
        if used.conversion:
            return used.conversion[0], used.conversion[-1]
        numbers = self.subscale_items(subscale, form=form) if subscale else range(1, self.items + 1)
        low, high = self.raw_range(used, numbers)
        factor = used.multiply / (1 if used.score == "sum" else len(numbers))
        return low * factor, high * factor

    def raw_range(self, form: Form, numbers: Sequence[int]) -> tuple[float, float]:
        """Lowest and highest sum of these items as they count in the form."""
        ends = []
        for item in numbers:
            points, codes = form.points_of(item), self.codes_of(item)
            first = codes.min if form.base is None else form.base
            ends.append((min(points.values), max(points.values)) if points else (first, first + codes.steps - 1))
        return float(sum(low for low, _ in ends)), float(sum(high for _, high in ends))

    def subscale_items(self, subscale: str, *, form: str | None = None) -> tuple[int, ...]:
        """Item numbers of a subscale."""
        subscales = (self.with_form(form) if form else self).chosen.subscales
        if subscale not in subscales:
            near = nearest(subscale, subscales)
            remedy = f"Did you mean '{near}'?" if near else f"Its subscales: {shown(subscales, 10)}."
            raise ScaleError(f"the scale '{self.key}' has no subscale '{subscale}'. {remedy if subscales else 'It has none.'}")
        return subscales[subscale]

    def direction_of(self, subscale: str | None = None) -> Direction:
        """Which scores are better, for the total or for a subscale."""
        return self.subscale_directions.get(subscale, self.direction) if subscale else self.direction

    @property
    def stated(self) -> tuple[str, ...]:
        """The fields that the scale makes a statement about, and that therefore need a source."""
        forms = self.forms.values()
        stated = {
            "other_codes": bool(self.other_codes),
            "subscales": any(form.subscales for form in forms),
            "conversion": any(form.conversion for form in forms),
            "cut_offs": bool(self.cut_offs),
            "sd": self.sd is not None,
        }
        return tuple(f for f in ALWAYS_STATED + SOMETIMES_STATED if stated.get(f, True) or f in self.sources)

    @property
    def unverified(self) -> tuple[str, ...]:
        """The stated fields that nobody compared with a publication."""
        return tuple(f for f in self.stated if f not in self.sources or not self.sources[f].verified)

    @property
    def verified(self) -> bool:
        """Whether every stated field has a source."""
        return not self.unverified

    @property
    def verified_share(self) -> float:
        """The share of the stated fields that have a source."""
        return 1 - len(self.unverified) / len(self.stated)
