"""Does a plan use a scale as the scale allows? Seen from the scale's file, so that it is said before the lock and not after the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialkit.errors import shown
from trialkit.plan.schema.base import Problem
from trialkit.plan.schema.names import near_miss
from trialkit.plan.schema.outcomes import ScaleUse
from trialkit.plan.schema.scale_files import definition, is_own

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["form_columns", "scale_use_problems"]

At = tuple[str | int, ...]


def scale_use_problems(spec: PlanSpec) -> Iterator[Problem]:
    """Forms, subscales and codes of the registry's scales; files of one's own are read when the data come."""
    if spec.measurement is not None and not spec.scales:
        yield Problem(("measurement",), "[measurement] is about scales, and the plan has no [[scales]]; remove it")
    for i, use in enumerate(spec.scales):
        if is_own(use.scale):
            continue
        table = definition(use.scale)
        if table:
            yield from _use_problems(use, table, ("scales", i))


def _use_problems(use: ScaleUse, table: dict[str, Any], at: At) -> Iterator[Problem]:
    forms: dict[str, dict[str, Any]] = table["forms"]
    by_person = sorted({attribute for form in forms.values() for attribute in form.get("when", {})})
    if use.form is not None and use.form not in forms:
        yield Problem((*at, "form"), f"the scale '{use.scale}' has no form '{use.form}'.{near_miss(use.form, forms, most=20)}")
        return
    if use.form is not None and use.form_from is not None:
        yield Problem((*at, "form_from"), "form names one form for everyone, form_from one for each person: keep one of the two")
    if use.form_from is not None and sorted(use.form_from) != by_person:
        message = (
            f"form_from must say where {shown(by_person)} stand"
            if by_person
            else "the forms of this scale do not depend on the person; name one with form"
        )
        yield Problem((*at, "form_from"), message)
        return
    chosen = use.form or table.get("default_form") or (next(iter(forms)) if len(forms) == 1 or use.form_from else None)
    if chosen is None:
        columns = ", ".join(f'{a} = "..."' for a in by_person)
        also = f", or say where each person's stands: form_from = {{ {columns} }}" if by_person else ""
        message = (
            f"the scale '{use.scale}' circulates in several forms, so the plan must name one: form = {_choices(forms)}{also}"
        )
        yield Problem((*at, "form"), message)
        return
    yield from _parts(use, table, forms[chosen], at)


def _parts(use: ScaleUse, table: dict[str, Any], form: dict[str, Any], at: At) -> Iterator[Problem]:
    subscales = form.get("subscales", {})
    if use.subscale is not None and use.subscale not in subscales:
        yield Problem(
            (*at, "subscale"),
            f"the scale '{use.scale}' has no subscale '{use.subscale}'.{near_miss(use.subscale, subscales, most=20)}",
        )
    if use.subscale is None and form.get("total") is False:
        yield Problem(
            (*at, "subscale"), f"the scale '{use.scale}' has no total score; name a subscale: subscale = {_choices(subscales)}"
        )
    if use.prorate and form.get("conversion"):
        yield Problem((*at, "prorate"), f"the table of scale '{use.scale}' converts full raw sums only; leave prorate out")
    codes = table["codes"]
    if codes.get("declare") and use.code_range is None:
        message = (
            f"the scale '{use.scale}' circulates with different numbers of answers; say code_range = [{codes['min']}, {codes['max']}] "
            f"for the version that is stored"
        )
        yield Problem((*at, "code_range"), message)


def _choices(names: dict[str, Any]) -> str:
    return " or ".join(f'"{name}"' for name in names)


def form_columns(use: ScaleUse, folder: Path | None = None) -> dict[str, str]:
    """What decides on each person's form -> its column; a word that holds for everyone is no column. Own files stand in `folder`."""
    if not use.form_from:
        return {}
    # a file of one's own may hold anything: what is wrong in it is said by what reads it whole
    said = [
        form["when"] for form in _values(definition(use.scale, folder).get("forms")) if isinstance(form, dict) and "when" in form
    ]
    words = {str(word) for when in said for values in _values(when) if isinstance(values, list) for word in values}
    return {attribute: column for attribute, column in use.form_from.items() if column not in words}


def _values(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []
