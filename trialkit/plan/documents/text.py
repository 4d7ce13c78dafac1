"""A form as plain text, to paste field by field into a registry's page."""

from __future__ import annotations

from trialkit.plan.documents.form import Form
from trialkit.report.format import clean

__all__ = ["plain_text"]

_RULE = "-" * 78


def plain_text(form: Form) -> str:
    """The text: each field with its state, what the plan says, and what is left to the authors in brackets."""
    lines = [f"{form.kicker}: {form.title}", "", *form.notices, "", *(f"{k}: {v}" for k, v in form.facts)]
    for part in form.parts:
        lines += ["", _RULE, part.title.upper(), _RULE]
        for e in part.entries:
            lines += ["", f"{e.number} {e.title} ({form.mark(e.state)})".strip()]
            for p in e.said:
                lines += [p] if isinstance(p, str) else [f"- {i}" for i in p]
            lines += [form.asked(e)] if e.ask else []
    if form.references:
        lines += ["", _RULE, form.mark("references").upper(), _RULE, "", *form.references]
    return clean("\n".join(lines)) + "\n"
