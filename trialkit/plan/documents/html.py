"""A form as one HTML page that needs nothing else: no network, no scripts; it prints on A4."""

from __future__ import annotations

from markupsafe import escape

from trialkit.plan.documents.form import Entry, Form, Paragraph
from trialkit.report.format import clean

__all__ = ["html_page"]

# What authors write is marked by brackets, a bar and its state in words, not by colour alone.
_STYLE = """
:root { --ink: #1a1a1a; --quiet: #4d4d4d; --hair: #c9c9c9; --ask: #fff4cc; --bar: #8a6d00; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.6rem 1.2rem 3rem; max-width: 46rem; color: var(--ink); background: #fff; overflow-wrap: break-word;
  font: 1rem/1.5 Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Palatino, Cambria, serif; }
h1, h2, h3, .kicker, .state, dl { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .6rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; padding-top: .7rem; border-top: 1px solid var(--ink); }
h3 { font-size: .98rem; margin: 1.1rem 0 .25rem; }
h3 .no { display: inline-block; min-width: 2.6rem; font-variant-numeric: tabular-nums; }
p, ul { margin: 0 0 .5rem; } ul { padding-left: 1.3rem; } li { margin-bottom: .2rem; }
.kicker { font-weight: 600; font-size: .85rem; color: var(--quiet); margin-bottom: .2rem; }
.state { font-size: .78rem; font-weight: 400; color: var(--quiet); margin-left: .4rem; }
.ask { background: var(--ask); border-left: 4px solid var(--bar); padding: .3rem .6rem; }
.notice { color: var(--quiet); font-size: .92rem; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; font-size: .84rem; margin: .8rem 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.references li { font-size: .9rem; }
@media (max-width: 30rem) { dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: .4rem; } }
@media print { @page { size: A4; margin: 18mm 17mm; } body { padding: 0; max-width: none; font-size: 10pt; } h2, h3 { break-after: avoid; }
  .ask { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def html_page(form: Form) -> str:
    """The page as text; whatever stands in the plan is escaped."""
    parts = [
        "<!doctype html>",
        f'<html lang="{form.language}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(f'{form.kicker}: {form.title}')}</title><style>{_STYLE}</style></head>",
        "<body><header>",
        f'<p class="kicker">{_text(form.kicker)}</p><h1>{_text(form.title)}</h1>',
        *(f'<p class="notice">{_text(n)}</p>' for n in form.notices),
        f"<dl>{''.join(f'<dt>{_text(k)}</dt><dd>{_text(v)}</dd>' for k, v in form.facts)}</dl>",
        "</header><main>",
    ]
    for part in form.parts:
        parts.append(f"<section><h2>{_text(part.title)}</h2>")
        parts += [_entry(form, e) for e in part.entries]
        parts.append("</section>")
    if form.references:
        works = "".join(f"<li>{_text(r)}</li>" for r in form.references)
        parts.append(f'<section class="references"><h2>{_text(form.mark("references"))}</h2><ul>{works}</ul></section>')
    return "\n".join([*parts, "</main></body></html>", ""])


def _entry(form: Form, e: Entry) -> str:
    number = f'<span class="no">{_text(e.number)}</span> ' if e.number else ""
    head = f'<h3>{number}{_text(e.title)} <span class="state">{_text(form.mark(e.state))}</span></h3>'
    asked = form.asked(e)
    return head + "".join(map(_paragraph, e.said)) + (f'<p class="ask">{_text(asked)}</p>' if asked else "")


def _paragraph(p: Paragraph) -> str:
    if isinstance(p, str):
        return f"<p>{_text(p)}</p>"
    return f"<ul>{''.join(f'<li>{_text(i)}</li>' for i in p)}</ul>"


def _text(text: str) -> str:
    return str(escape(clean(text)))
