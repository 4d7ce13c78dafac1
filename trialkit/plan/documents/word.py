"""A form as a Word document, with python-docx."""

from __future__ import annotations

import io
from typing import Any

from trialkit.errors import UsageError
from trialkit.plan.documents.form import Form
from trialkit.report.format import clean
from trialkit.report.memo.word import set_language

__all__ = ["needs_word", "word_bytes"]

_LANGUAGES = {"en": "en-GB", "nl": "nl-NL"}


def needs_word() -> None:
    """Refuse what needs python-docx before anything is written.

    Raises
    ------
    UsageError
        python-docx is not installed.
    """
    try:
        import docx  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "a .docx needs python-docx, which is not installed: say pip install trialkit[word]; r, stata, aea, osf and aspredicted need none."
        ) from error


def word_bytes(form: Form) -> bytes:
    """The document as the bytes of a .docx file: headings, lists, and what authors write highlighted and in brackets."""
    needs_word()
    from docx import Document
    from docx.shared import Mm, Pt

    document = Document()
    sheet = document.sections[0]
    sheet.page_width, sheet.page_height = Mm(210), Mm(297)
    sheet.left_margin = sheet.right_margin = Mm(22)
    sheet.top_margin = sheet.bottom_margin = Mm(20)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(10.5)
    normal.paragraph_format.space_after = Pt(4)
    set_language(normal, _LANGUAGES[form.language])
    about = document.core_properties
    about.title, about.author, about.comments, about.language = _text(form.title)[:250], "", "", _LANGUAGES[form.language]
    document.add_paragraph(_text(form.kicker))
    document.add_heading(_text(form.title), 0)
    for notice in form.notices:
        document.add_paragraph(_text(notice)).runs[0].italic = True
    _facts(document, form)
    for part in form.parts:
        document.add_heading(_text(part.title), 1)
        for e in part.entries:
            document.add_heading(_text(f"{e.number}  {e.title}".strip()), 2)
            for p in e.said:
                if isinstance(p, str):
                    document.add_paragraph(_text(p))
                else:
                    for point in p:
                        document.add_paragraph(_text(point), style="List Bullet")
            if e.ask:
                _asked(document.add_paragraph(), form.asked(e))
    if form.references:
        document.add_heading(_text(form.mark("references")), 1)
        for work in form.references:
            document.add_paragraph(_text(work))
    for paragraph in document.paragraphs:
        _black(paragraph)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _facts(document: Any, form: Form) -> None:
    table = document.add_table(rows=0, cols=2)
    table.style = "Table Grid"
    for key, value in form.facts:
        cells = table.add_row().cells
        cells[0].text, cells[1].text = _text(key), _text(value)


def _asked(paragraph: Any, text: str) -> None:
    from docx.enum.text import WD_COLOR_INDEX

    run = paragraph.add_run(_text(text))
    run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def _black(paragraph: Any) -> None:
    """Headings in the ink and the type of the text."""
    from docx.shared import RGBColor

    if paragraph.style.name.startswith(("Heading", "Title")):
        for run in paragraph.runs:
            run.font.name, run.font.color.rgb = "Calibri", RGBColor(0x1A, 0x1A, 0x1A)


def _text(text: str) -> str:
    return clean(text)
