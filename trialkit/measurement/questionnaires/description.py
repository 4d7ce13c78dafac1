"""A scale in readable lines."""

from __future__ import annotations

from trialkit.errors import shown
from trialkit.measurement.questionnaires.facts import ScaleFacts
from trialkit.measurement.questionnaires.parts import STATUS_WORDS, Codes, CutOff, Form, Span

__all__ = ["describe", "missing_in_words"]

SIDES = {"at_or_above": "or more", "above": "above", "at_or_below": "or less", "below": "below"}


def describe(scale: ScaleFacts) -> str:
    lines = [("measures", f"{scale.construct}: {scale.measures}; {scale.direction} is better")]
    lines += [("", f"subscale '{s}': {direction} is better") for s, direction in scale.subscale_directions.items()]
    lines += [("answers", f"{scale.items} item{'s' if scale.items > 1 else ''}, {_codes(scale.codes)}")]
    lines += [("", f"item {number}: {_codes(codes)}") for number, codes in scale.item_codes.items()]
    if scale.codes.declare:
        lines += [("", "the codes of the file must be said when scoring")]
    lines += [("also seen", _codes(codes)) for codes in scale.other_codes]
    for name, form in scale.forms.items():
        lines += [("form", _form(scale, name, form))]
        lines += [("", f"subscale '{s}': {_item_list(n)}") for s, n in form.subscales.items()]
    if scale.form is None:
        lines += [("", "the form must be named when scoring")]
    lines += [("missing", missing_in_words(scale))]
    lines += [("cut-off", _cut_off(cut)) for cut in scale.cut_offs]
    if not scale.cut_offs:
        lines += [("cut-off", "none stored")]
    lines += [("typical SD", f"{scale.sd.value:g}, {scale.sd.population} ({scale.sd.source})" if scale.sd else "none stored")]
    lines += [("licence", scale.licence), ("reference", scale.reference)]
    lines += [("note", remark) for remark in scale.remarks]
    lines += [("caveat", caveat) for caveat in scale.caveats]
    lines += [("to show", evidence) for evidence in scale.evidence_needed]
    lines += [("verified", _verified(scale))]
    lines += [("", f"{field}: {STATUS_WORDS[s.status]} ({s.source})") for field, s in scale.sources.items()]
    return "\n".join([f"{scale.name} ({scale.key})", *(f"  {label:<11}{text}" for label, text in lines)])


def missing_in_words(scale: ScaleFacts) -> str:
    rule = scale.missing
    if rule.max_missing == 0 and rule.max_missing_subscale == 0:
        words = "every item must be answered"
    else:
        answers = "1 missing answer" if rule.max_missing == 1 else f"{rule.max_missing} missing answers"
        one = rule.max_missing == 1
        if rule.rule == "counts_as_zero":
            words = f"up to {answers} {'counts' if one else 'count'} as zero"
        else:
            words = f"up to {answers} {'is' if one else 'are'} filled with the mean of the person's other answers"
        if any(form.subscales for form in scale.forms.values()):
            words += f"; on a subscale up to {rule.max_missing_subscale}" if rule.max_missing_subscale else "; none on a subscale"
    return words + (f" ({rule.note or 'our choice, not published'})" if rule.ours else f" ({rule.note})" if rule.note else "")


def _verified(scale: ScaleFacts) -> str:
    if scale.verified:
        return "yes, every field has a source"
    n = len(scale.stated)
    return f"{n - len(scale.unverified)} of {n} fields; no: {shown(scale.unverified, 20)}"


def _cut_off(cut: CutOff) -> str:
    number = f"{cut.value:g} {SIDES[cut.side]}" if cut.side.startswith("at_") else f"{SIDES[cut.side]} {cut.value:g}"
    parts = [
        f"form {cut.form}" if cut.form else "",
        f"subscale {cut.subscale}" if cut.subscale else "",
        cut.set and f"bands {cut.set}",
    ]
    return f"{number}: {cut.meaning} ({'; '.join([cut.source, *filter(None, parts)])})"


def _codes(codes: Codes) -> str:
    low, high = (f" ({word})" if word else "" for word in (codes.low, codes.high))
    words = f"; answer format '{codes.format}'" if codes.format else ""
    return f"codes {codes.min}{low} to {codes.max}{high}{words}"


def _form(scale: ScaleFacts, name: str, form: Form) -> str:
    low, high = scale.range_of(name)
    rule = form.score + (" of points" if form.points else "") + (f" times {form.multiply:g}" if form.multiply != 1 else "")
    if form.base is not None:
        rule += f", the lowest answer counting {form.base}"
    if form.conversion:
        rule += ", then converted by a table"
    if not form.total:
        rule += " of each subscale, no total"
    turned = f"reversed {', '.join(map(str, form.reversed))}" if form.reversed else "no reversed items"
    if form.points:
        turned = "; ".join(f"{_item_list(p.items)} {'/'.join(f'{v:g}' for v in p.values)}" for p in form.points)
    default = " (used unless another is named)" if name == scale.form and len(scale.forms) > 1 else ""
    whom = f"; for {', '.join(_when(a, c) for a, c in form.when.items())}" if form.when else ""
    return f"'{name}'{default}: {rule}, {low:g}-{high:g}, {turned}" + (f"; {form.title}" if form.title else "") + whom


def _when(attribute: str, condition: tuple[str, ...] | Span) -> str:
    if not isinstance(condition, Span):
        return f"{attribute} {' or '.join(condition)}"
    if condition.max is None:
        return f"{attribute} {condition.min:g} and over"
    return (
        f"{attribute} {condition.min:g} to {condition.max:g}"
        if condition.min is not None
        else f"{attribute} up to {condition.max:g}"
    )


def _item_list(items: tuple[int, ...] | None) -> str:
    if items is None:
        return "all items"
    return f"item{'s' if len(items) > 1 else ''} {', '.join(map(str, items))}"
