"""A scale in readable lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.errors import shown

if TYPE_CHECKING:
    from trialkit.measurement.scale import Codes, Form, Scale

__all__ = ["describe", "missing_in_words"]

SIDES = {"at_or_above": "or more", "above": "above", "at_or_below": "or less", "below": "below"}


def describe(scale: Scale) -> str:
    lines = [("measures", f"{scale.construct}: {scale.measures}; {scale.direction} is better")]
    lines += [("answers", f"{scale.items} items, {_codes(scale.codes)}")]
    lines += [("also seen", _codes(codes)) for codes in scale.other_codes]
    for name, form in scale.forms.items():
        lines += [("form", _form(scale, name, form))]
        lines += [("", f"subscale '{s}': items {', '.join(map(str, n))}") for s, n in form.subscales.items()]
    if scale.form is None:
        lines += [("", "the form must be named when scoring")]
    lines += [("missing", missing_in_words(scale))]
    for cut in scale.cut_offs:
        number = f"{cut.value:g} {SIDES[cut.side]}" if cut.side.startswith("at_") else f"{SIDES[cut.side]} {cut.value:g}"
        lines += [("cut-off", f"{number}: {cut.meaning} ({cut.source}{f'; form {cut.form}' if cut.form else ''})")]
    if not scale.cut_offs:
        lines += [("cut-off", "none stored")]
    lines += [("typical SD", f"{scale.sd.value:g}, {scale.sd.population} ({scale.sd.source})" if scale.sd else "none stored")]
    lines += [("licence", scale.licence), ("reference", scale.reference)]
    lines += [("note", remark) for remark in scale.remarks]
    lines += [("verified", "yes, every field has a source" if scale.verified else f"no: {shown(scale.unverified, 20)}")]
    lines += _sources(scale)
    return "\n".join([f"{scale.name} ({scale.key})", *(f"  {label:<11}{text}" for label, text in lines)])


def missing_in_words(scale: Scale) -> str:
    rule = scale.missing
    if rule.max_missing == 0:
        words = "every item must be answered"
    else:
        words = f"up to {rule.max_missing} missing answers are filled with the mean of the person's other answers"
    return words + (f" ({rule.note or 'our choice, not published'})" if rule.ours else "")


def _codes(codes: Codes) -> str:
    low, high = (f" ({word})" if word else "" for word in (codes.low, codes.high))
    return f"codes {codes.min}{low} to {codes.max}{high}"


def _form(scale: Scale, name: str, form: Form) -> str:
    low, high = scale.range_of(name)
    rule = form.score + (f" times {form.multiply:g}" if form.multiply != 1 else "")
    turned = f"reversed {', '.join(map(str, form.reversed))}" if form.reversed else "no reversed items"
    default = " (used unless another is named)" if name == scale.form and len(scale.forms) > 1 else ""
    return f"'{name}'{default}: {rule}, {low:g}-{high:g}, {turned}" + (f"; {form.title}" if form.title else "")


def _sources(scale: Scale) -> list[tuple[str, str]]:
    from trialkit.measurement.scale import STATUS_WORDS

    return [("", f"{field}: {STATUS_WORDS[s.status]} ({s.source})") for field, s in scale.sources.items()]
