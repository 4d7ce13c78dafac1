"""What must hold within a scale; pydantic turns the ValueError into a sentence about the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trialkit.errors import nearest, shown
from trialkit.measurement.questionnaires.facts import ALWAYS_STATED, SOMETIMES_STATED, ScaleFacts
from trialkit.measurement.questionnaires.parts import Form
from trialkit.measurement.scoring.answer_formats import FORMATS

__all__ = ["check_scale"]


def check_scale(scale: ScaleFacts) -> None:
    _item_numbers(scale)
    _form_names(scale)
    _missing_rule(scale)
    for name, form in scale.forms.items():
        _points(scale, f"forms.{name}.points", form)
        _conversion(scale, f"forms.{name}.conversion", form)
        if (form.points or form.conversion) and not all(c.whole for c in (scale.codes, *scale.item_codes.values())):
            raise ValueError(f"forms.{name}: points and conversion tables belong to whole codes; leave out whole = false")
    _cut_offs(scale)
    _subscale_directions(scale)
    _answer_format(scale)
    _source_names(scale)


def _item_numbers(scale: ScaleFacts) -> None:
    _check_numbers(scale, "item_codes", tuple(scale.item_codes), may_be_empty=True)
    for name, form in scale.forms.items():
        _check_numbers(scale, f"forms.{name}.reversed", form.reversed, may_be_empty=True)
        for subscale, numbers in form.subscales.items():
            _check_numbers(scale, f"forms.{name}.subscales.{subscale}", numbers)
        for points in form.points:
            if points.items is not None:
                _check_numbers(scale, f"forms.{name}.points", points.items)


def _check_numbers(scale: ScaleFacts, where: str, numbers: Sequence[int], *, may_be_empty: bool = False) -> None:
    outside = [n for n in numbers if not 1 <= n <= scale.items]
    if outside:
        raise ValueError(f"{where}: the scale has items 1 to {scale.items}, not {shown(outside)}")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{where}: an item is listed twice in {list(numbers)}")
    if not numbers and not may_be_empty:
        raise ValueError(f"{where}: no items are listed")


def _form_names(scale: ScaleFacts) -> None:
    named = [("default_form", scale.default_form), *((f"cut_offs, value {c.value:g}", c.form) for c in scale.cut_offs)]
    for where, used in [*named, ("sd", scale.sd.form if scale.sd else None)]:
        if used is not None and used not in scale.forms:
            raise ValueError(f"{where}: there is no form '{used}'; the forms are {shown(scale.forms)}")


def _missing_rule(scale: ScaleFacts) -> None:
    rule = scale.missing
    if rule.max_missing >= scale.items:
        raise ValueError(f"missing: max_missing = {rule.max_missing} must be below the number of items, {scale.items}")
    shortest = min((len(n) for form in scale.forms.values() for n in form.subscales.values()), default=scale.items)
    if rule.max_missing_subscale >= shortest:
        raise ValueError(
            f"missing: max_missing_subscale = {rule.max_missing_subscale} must be below the number of items of the "
            f"shortest subscale, {shortest}"
        )


def _points(scale: ScaleFacts, where: str, form: Form) -> None:
    if not form.points:
        return
    for item in range(1, scale.items + 1):
        given = [p for p in form.points if p.items is None or item in p.items]
        if len(given) != 1:
            raise ValueError(f"{where}: item {item} is given points {len(given)} times; give each item its points once")
        steps = scale.codes_of(item).steps
        if len(given[0].values) != steps:
            raise ValueError(f"{where}: item {item} has {steps} answers but {len(given[0].values)} points")


def _conversion(scale: ScaleFacts, where: str, form: Form) -> None:
    if not form.conversion:
        return
    low, high = scale.raw_range(form, range(1, scale.items + 1))
    if len(form.conversion) != high - low + 1:
        raise ValueError(
            f"{where}: raw sums run from {low:g} to {high:g}, which takes {high - low + 1:g} entries, not {len(form.conversion)}"
        )
    if scale.missing.max_missing:
        raise ValueError(f"{where}: a raw sum is converted only when every item is answered; leave max_missing out")


def _cut_offs(scale: ScaleFacts) -> None:
    for cut in scale.cut_offs:
        for name in [cut.form] if cut.form else scale.forms:
            if cut.subscale is not None and cut.subscale not in scale.forms[name].subscales:
                raise ValueError(f"cut_offs, value {cut.value:g}: form '{name}' has no subscale '{cut.subscale}'")
            low, high = scale.range_of(name, subscale=cut.subscale)
            if not low <= cut.value <= high:
                raise ValueError(
                    f"cut_offs: {cut.value:g} lies outside the range {low:g}-{high:g} of form '{name}'; name its form"
                )


def _subscale_directions(scale: ScaleFacts) -> None:
    known = {subscale for form in scale.forms.values() for subscale in form.subscales}
    for subscale in scale.subscale_directions:
        if subscale not in known:
            raise ValueError(f"subscale_directions: there is no subscale '{subscale}'{_listed(known)}")


def _listed(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"; the subscales are {shown(names)}" if names else ""


def _answer_format(scale: ScaleFacts) -> None:
    for codes in (scale.codes, *scale.item_codes.values()):
        if not codes.format:
            continue
        if codes.format not in FORMATS:
            raise ValueError(f"codes: there is no answer format '{codes.format}'; the formats are {shown(FORMATS, 20)}")
        if codes.steps not in FORMATS[codes.format]:
            have = shown(list(FORMATS[codes.format]))
            raise ValueError(f"codes: the answer format '{codes.format}' has {have} answers, not {codes.steps}")


def _source_names(scale: ScaleFacts) -> None:
    for field in scale.sources:
        if field not in ALWAYS_STATED + SOMETIMES_STATED:
            near = nearest(field, ALWAYS_STATED + SOMETIMES_STATED)
            remedy = f"did you mean '{near}'?" if near else f"give sources for {shown(ALWAYS_STATED + SOMETIMES_STATED, 20)}"
            raise ValueError(f"sources: there is no field '{field}'; {remedy}")
