"""What a measurement scale is: items, codes, forms, the score rule and the evidence for each of these facts.

A scale holds facts about scoring and never the wording of its items. Whether an item is reversed belongs to a named form (the
order in which the items were printed), not to the scale: the same ten items circulate in different orders.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trialkit.errors import ScaleError, nearest, shown
from trialkit.measurement.scale_file import explain, parse_toml, read_toml

__all__ = [
    "Codes",
    "CutOff",
    "Direction",
    "Form",
    "MissingRule",
    "Scale",
    "Source",
    "TypicalSd",
    "UnverifiedScaleWarning",
    "scale",
    "scales",
    "warn_if_unverified",
]

Direction = Literal["higher", "lower"]
Status = Literal["V", "S", "C", "M"]

STATUS_WORDS: dict[str, str] = {
    "V": "read in the owner's own text",
    "S": "read in a secondary source",
    "C": "worked out or cross-checked",
    "M": "not verified",
}
ALWAYS_STATED = ("reference", "licence", "direction", "items", "codes", "reversed", "score", "missing")
SOMETIMES_STATED = ("other_codes", "subscales", "cut_offs", "sd")

WholeNumber = Annotated[int, Field(strict=True)]
Words = Annotated[str, Field(min_length=1)]


class UnverifiedScaleWarning(UserWarning):
    """A scale is used of which some details were never compared with a publication."""


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Codes(_Spec):
    """The answer codes of every item: `min` is the coding base; `low` and `high` say in words what the end codes stand for."""

    min: WholeNumber
    max: WholeNumber
    low: str = ""
    high: str = ""
    whole: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="after")
    def _ordered(self) -> Codes:
        if self.min >= self.max:
            raise ValueError(f"the lowest code ({self.min}) must be below the highest ({self.max})")
        return self

    @property
    def pair(self) -> tuple[int, int]:
        return self.min, self.max


class Form(_Spec):
    """One order or version of the scale: which items are reversed, its subscales, and how the answers become a score."""

    title: str = ""
    reversed: tuple[WholeNumber, ...] = ()
    subscales: dict[str, tuple[WholeNumber, ...]] = {}
    score: Literal["sum", "mean"]
    multiply: Annotated[float, Field(gt=0)] = 1.0


class MissingRule(_Spec):
    """Up to `max_missing` answers may be missing; `ours` marks a rule that the scale's authors did not publish."""

    max_missing: Annotated[WholeNumber, Field(ge=0)] = 0
    rule: Literal["mean_of_answered", "none"] = "none"
    max_missing_subscale: Annotated[WholeNumber, Field(ge=0)] = 0
    ours: Annotated[bool, Field(strict=True)] = False
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> MissingRule:
        if self.rule == "none" and (self.max_missing or self.max_missing_subscale):
            raise ValueError('with rule = "none" every item is required; say rule = "mean_of_answered", or leave max_missing out')
        return self


class CutOff(_Spec):
    """A published threshold of the score, with its source; `form` when it holds for one form only."""

    value: float
    side: Literal["at_or_above", "above", "at_or_below", "below"]
    meaning: Words
    source: Words
    form: str | None = None


class TypicalSd(_Spec):
    """A published standard deviation of the score, for planning."""

    value: Annotated[float, Field(gt=0)]
    population: Words
    source: Words
    form: str | None = None


class Source(_Spec):
    """Where a fact comes from. Status V: the owner's own text; S: a secondary source; C: worked out; M: not verified."""

    status: Status
    source: Words


class Scale(_Spec):
    """A measurement scale, read from the registry or from a TOML file of one's own.

    Parameters
    ----------
    key, name, construct, reference, licence, measures
        Identity, and `measures`: what a high score means, in words.
    direction
        Which scores are better: "higher" or "lower".
    items
        Number of items.
    codes, other_codes
        The codes that the score refers to, and other coding bases in circulation.
    forms, default_form
        Named forms. With several forms and no default, the form must be named when scoring.
    missing
        The missing rule, or "all_required".
    cut_offs, sd, remarks
        Thresholds, a typical standard deviation (may be absent) and traps.
    sources
        Field -> `Source`. A field of status M or without a source counts as unverified.

    Examples
    --------
    >>> from trialkit.measurement import scale
    >>> scale("gse").range_of()
    (10.0, 40.0)
    >>> scale("rosenberg", form="reversed_2_5_6_8_9").chosen.reversed
    (2, 5, 6, 8, 9)
    """

    key: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    name: Words
    # pydantic keeps the name `construct` for itself, so the field has another one and the property below gives it back.
    concept: Annotated[str, Field(min_length=1, alias="construct")]
    reference: Words
    licence: Words
    direction: Direction
    measures: Words
    items: Annotated[WholeNumber, Field(ge=1)]
    codes: Codes
    forms: Annotated[dict[str, Form], Field(min_length=1)]
    default_form: str | None = None
    other_codes: tuple[Codes, ...] = ()
    missing: MissingRule = MissingRule()
    cut_offs: tuple[CutOff, ...] = ()
    sd: TypicalSd | None = None
    remarks: tuple[Words, ...] = ()
    sources: dict[str, Source] = {}

    @field_validator("missing", mode="before")
    @classmethod
    def _missing_in_words(cls, value: object) -> object:
        if isinstance(value, str):
            if value != "all_required":
                example = 'missing = { max_missing = 2, rule = "mean_of_answered" }'
                raise ValueError(f"'{value}' is no missing rule; say \"all_required\", or {example}")
            return {"max_missing": 0, "rule": "none"}
        return value

    @model_validator(mode="after")
    def _whole_scale(self) -> Scale:
        for name, form in self.forms.items():
            self._check_numbers(f"forms.{name}.reversed", form.reversed, may_be_empty=True)
            for subscale, numbers in form.subscales.items():
                self._check_numbers(f"forms.{name}.subscales.{subscale}", numbers)
        named = [("default_form", self.default_form), *((f"cut_offs, value {c.value:g}", c.form) for c in self.cut_offs)]
        for where, used in [*named, ("sd", self.sd.form if self.sd else None)]:
            if used is not None and used not in self.forms:
                raise ValueError(f"{where}: there is no form '{used}'; the forms are {shown(self.forms)}")
        if self.missing.max_missing >= self.items:
            raise ValueError(f"missing: max_missing = {self.missing.max_missing} must be below the number of items, {self.items}")
        shortest = min((len(n) for form in self.forms.values() for n in form.subscales.values()), default=self.items)
        if self.missing.max_missing_subscale >= shortest:
            raise ValueError(
                f"missing: max_missing_subscale = {self.missing.max_missing_subscale} must be below the number of items of the "
                f"shortest subscale, {shortest}"
            )
        for cut in self.cut_offs:
            for name in [cut.form] if cut.form else self.forms:
                low, high = self.range_of(name)
                if not low <= cut.value <= high:
                    raise ValueError(
                        f"cut_offs: {cut.value:g} lies outside the range {low:g}-{high:g} of form '{name}'; name its form"
                    )
        for field in self.sources:
            if field not in ALWAYS_STATED + SOMETIMES_STATED:
                near = nearest(field, ALWAYS_STATED + SOMETIMES_STATED)
                remedy = f"did you mean '{near}'?" if near else f"give sources for {shown(ALWAYS_STATED + SOMETIMES_STATED, 20)}"
                raise ValueError(f"sources: there is no field '{field}'; {remedy}")
        return self

    def _check_numbers(self, where: str, numbers: tuple[int, ...], *, may_be_empty: bool = False) -> None:
        outside = [n for n in numbers if not 1 <= n <= self.items]
        if outside:
            raise ValueError(f"{where}: the scale has items 1 to {self.items}, not {shown(outside)}")
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"{where}: an item is listed twice in {list(numbers)}")
        if not numbers and not may_be_empty:
            raise ValueError(f"{where}: no items are listed")

    @classmethod
    def from_toml(cls, path: str | Path) -> Scale:
        """Read a scale of one's own; a mistake is a `ScaleError` that names the file, the key and the remedy."""
        table, text = read_toml(Path(path))
        return cls.from_dict(table, where=f"scale file '{path}'", text=text)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], *, where: str = "the scale", text: str = "") -> Scale:
        """The same from a mapping; `text` (the TOML) lets errors name the line."""
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            raise ScaleError(explain(error, cls, where=where, text=text)) from None

    def with_form(self, form: str) -> Scale:
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
            raise ScaleError(
                f"the scale '{self.key}' circulates in several forms, so the form must be named: {titles}. "
                f"Look at your questionnaire and say, for instance, form='{example}'."
            )
        return self.forms[self.form]

    def range_of(self, form: str | None = None, *, subscale: str | None = None) -> tuple[float, float]:
        """Lowest and highest possible score of a form (default: the chosen one) or of one of its subscales."""
        used = (self.with_form(form) if form else self).chosen
        n_items = len(self.subscale_items(subscale, form=form)) if subscale else self.items
        factor = used.multiply * (n_items if used.score == "sum" else 1)
        return self.codes.min * factor, self.codes.max * factor

    def subscale_items(self, subscale: str, *, form: str | None = None) -> tuple[int, ...]:
        """Item numbers of a subscale."""
        subscales = (self.with_form(form) if form else self).chosen.subscales
        if subscale not in subscales:
            near = nearest(subscale, subscales)
            remedy = f"Did you mean '{near}'?" if near else f"Its subscales: {shown(subscales, 10)}."
            raise ScaleError(f"the scale '{self.key}' has no subscale '{subscale}'. {remedy}")
        return subscales[subscale]

    @property
    def unverified(self) -> tuple[str, ...]:
        """The stated fields that nobody compared with a publication."""
        stated = {
            "other_codes": bool(self.other_codes),
            "subscales": any(form.subscales for form in self.forms.values()),
            "cut_offs": bool(self.cut_offs),
            "sd": self.sd is not None,
        }
        fields = [f for f in ALWAYS_STATED + SOMETIMES_STATED if stated.get(f, True) or f in self.sources]
        return tuple(f for f in fields if f not in self.sources or self.sources[f].status == "M")

    @property
    def verified(self) -> bool:
        """Whether every stated field has a source."""
        return not self.unverified

    def describe(self) -> str:
        """The scale in readable lines: answers, forms, missing rule, cut-offs, licence and what was verified."""
        from trialkit.measurement.description import describe  # the words are kept apart from the facts

        return describe(self)

    def __str__(self) -> str:
        return self.describe()


@cache
def _registered(key: str) -> Scale:
    path = files("trialkit.measurement") / "registry" / f"{key}.toml"
    where, text = f"registry entry '{key}'", path.read_text(encoding="utf-8")
    return Scale.from_dict(parse_toml(text, where=where), where=where, text=text)


@cache
def _registered_keys() -> tuple[str, ...]:
    entries: Iterable[Any] = (files("trialkit.measurement") / "registry").iterdir()
    return tuple(sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml")))


def scale(key: str, form: str | None = None) -> Scale:
    """A scale of the registry, with `form` chosen if it is named.

    Raises
    ------
    ScaleError
        Unknown key or form; proposes the near name.

    Examples
    --------
    >>> from trialkit.measurement import scale
    >>> scale("who5").verified
    True
    """
    if key not in _registered_keys():
        near = nearest(key, _registered_keys())
        if str(key).endswith(".toml"):
            remedy = f"Read a file of your own with Scale.from_toml('{key}')."
        elif near:
            remedy = f"Did you mean '{near}'?"
        else:
            known = shown(_registered_keys(), 40)
            remedy = f"It has {known}; for a scale of your own write a TOML file and use Scale.from_toml(path)."
        raise ScaleError(f"the registry has no scale '{key}'. {remedy}")
    found = _registered(key)
    return found.with_form(form) if form else found


def scales() -> pd.DataFrame:
    """The registry: key, name, items, codes, range, direction, licence and whether every field was verified.

    Examples
    --------
    >>> from trialkit.measurement import scales
    >>> "gse" in set(scales()["key"])
    True
    """
    rows = []
    for key in _registered_keys():
        entry = _registered(key)
        ranges = {entry.range_of(entry.form)} if entry.form else {entry.range_of(f) for f in entry.forms}
        rows.append(
            {
                "key": key,
                "name": entry.name,
                "items": entry.items,
                "codes": f"{entry.codes.min}-{entry.codes.max}",
                "range": " or ".join(f"{low:g}-{high:g}" for low, high in sorted(ranges)),
                "direction": entry.direction,
                "licence": entry.licence,
                "verified": entry.verified,
            }
        )
    return pd.DataFrame(rows)


_warned: set[tuple[str, tuple[str, ...]]] = set()


def warn_if_unverified(entry: Scale, *, stacklevel: int = 3) -> None:
    """Warn once per process that details of this scale were never compared with a publication."""
    seen = (entry.key, entry.unverified)
    if entry.verified or seen in _warned:
        return
    _warned.add(seen)
    remedy = "describe() lists what is known."
    if entry.key not in _registered_keys():
        remedy = 'Enter what you have checked under [sources] in its file, such as items = { status = "V", source = "the article, p. 3" }.'
    warnings.warn(
        f"the scale '{entry.key}' ({entry.name}) is used, but nobody has compared these details with a publication: "
        f"{shown(entry.unverified, 20)}. Compare them before results are published; the reference is: "
        f"{entry.reference.rstrip('.')}. {remedy}",
        UnverifiedScaleWarning,
        stacklevel=stacklevel,
    )
