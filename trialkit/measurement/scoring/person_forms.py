"""Which form of a scale belongs to whom, where it depends on the person (age group, mode of administration)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialkit.errors import ColumnNotFoundError, ScaleError, ValueTypeError, nearest, shown
from trialkit.measurement.questionnaires.parts import Form, Span
from trialkit.measurement.questionnaires.scale import Scale

__all__ = ["PersonForms", "forms_of_people"]


@dataclass(frozen=True, slots=True)
class PersonForms:
    """The forms in use and, for each person, the position of theirs in `names` (-1: none fits, or it is not known)."""

    names: tuple[str, ...]
    which: NDArray[np.intp]

    def counts(self) -> list[int]:
        return [int((self.which == k).sum()) for k in range(len(self.names))]


def forms_of_people(data: pd.DataFrame, scale: Scale, form_from: Mapping[str, str]) -> PersonForms:
    """Find each person's form from columns, as in {"age": "age", "administration": "mode"}.

    In place of a column one of the words of the scale may be given, when it holds for everyone: {"administration": "self"}.
    """
    candidates = {name: form for name, form in scale.forms.items() if form.when}
    asked = sorted({attribute for form in candidates.values() for attribute in form.when})
    _check_request(scale, candidates, asked, form_from)
    fits = np.ones((len(data), len(candidates)), dtype=bool)
    for attribute in asked:
        conditions = [form.when.get(attribute) for form in candidates.values()]
        fits &= _fitting(data, scale, attribute, form_from[attribute], conditions)
    used = [k for k in range(len(candidates)) if fits[:, k].any()]
    names = tuple(name for k, name in enumerate(candidates) if k in used)
    which = np.full(len(data), -1, dtype=np.intp)
    for position, k in enumerate(used):
        which[fits[:, k]] = position
    return PersonForms(names, which)


def _check_request(scale: Scale, candidates: dict[str, Form], asked: list[str], form_from: Mapping[str, str]) -> None:
    if not candidates:
        raise ScaleError(
            f"the forms of scale '{scale.key}' do not depend on the person, so form_from cannot choose between them. "
            f"Name the form: form={next(iter(scale.forms))!r}."
        )
    unknown, absent = [a for a in form_from if a not in asked], [a for a in asked if a not in form_from]
    if unknown or absent:
        example = ", ".join(f"'{a}': <column>" for a in asked)
        raise ScaleError(f"form_from of scale '{scale.key}' must say where {shown(asked)} stand: form_from={{{example}}}.")
    first = next(iter(candidates.values()))
    if not all(form.same_items(first) for form in candidates.values()):
        raise ScaleError(
            f"the forms of scale '{scale.key}' differ in more than their conversion table. Score them apart, each with form=...."
        )


def _fitting(data: pd.DataFrame, scale: Scale, attribute: str, column: str, conditions: list[Any]) -> NDArray[np.bool_]:
    words = [word for condition in conditions if isinstance(condition, tuple) for word in condition]
    if column in data.columns:
        values = data[column]
    elif column in words:
        values = pd.Series(column, index=data.index)
    else:
        raise ColumnNotFoundError(column, data.columns, where=f"the data ('{attribute}' of scale '{scale.key}')")
    if words:
        return _fitting_words(values, column, words, conditions)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    unread = values.notna().to_numpy() & np.isnan(numbers)
    if unread.any():
        seen = [str(v) for v in pd.unique(values[unread])]
        raise ValueTypeError(
            f"column '{column}' holds {shown(seen)} where '{attribute}' must be a number. Correct it in the data."
        )
    return np.column_stack([_within(numbers, condition) for condition in conditions])


def _within(numbers: NDArray[np.float64], span: Span | None) -> NDArray[np.bool_]:
    if span is None:
        return np.ones(len(numbers), dtype=bool)
    low = -np.inf if span.min is None else span.min
    # An age of 61.9 years is still 61: the upper end holds until the next whole number.
    high = np.inf if span.max is None else np.floor(span.max) + 1
    return (numbers >= low) & (numbers < high)


def _fitting_words(values: pd.Series, column: str, words: list[str], conditions: list[Any]) -> NDArray[np.bool_]:
    said = [None if missing else str(v).strip().casefold() for v, missing in zip(values, values.isna())]
    unknown = sorted({v for v in said if v is not None and v != "" and v not in words})
    if unknown:
        near = nearest(unknown[0], words)
        guess = f"Did you mean '{near}'? " if near else ""
        raise ValueTypeError(
            f"column '{column}' holds {shown(unknown)}, but the words are {shown(words)}. {guess}Recode it first."
        )
    return np.array([[condition is None or v in condition for condition in conditions] for v in said], dtype=bool)
