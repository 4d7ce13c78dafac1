"""The memo as a Word document, with python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.figures.style import png_bytes
from trialkit.report.format import clean
from trialkit.report.memo.content import Grid, OutcomeBlock, Page
from trialkit.report.words.en.memo import MemoWords

_LANGUAGES = {"en": "en-GB", "nl": "nl-NL"}


def word_bytes(page: Page, figures: Sequence[Any], w: MemoWords) -> bytes:
    """The document as the bytes of a .docx file.

    Raises
    ------
    UsageError
        python-docx is not installed.
    """
    try:
        from docx import Document
        from docx.shared import Mm, Pt
    except ImportError as error:
        raise UsageError(
            "a .docx needs python-docx, which is not installed: say pip install trialkit[word], or save the memo as .html."
        ) from error
    document = Document()
    sheet = document.sections[0]
    sheet.page_width, sheet.page_height = Mm(210), Mm(297)
    sheet.left_margin = sheet.right_margin = Mm(16)
    sheet.top_margin = sheet.bottom_margin = Mm(13)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(9)
    normal.paragraph_format.space_after = Pt(3)
    set_language(normal, _LANGUAGES[w.language])
    document.core_properties.title = clean(page.title)
    document.core_properties.author = ""
    document.core_properties.comments = ""
    document.core_properties.language = _LANGUAGES[w.language]
    document.add_paragraph(clean(page.kicker))
    _heading(document, page.title, 1)
    for text in page.question:
        _paragraph(document, w.question_heading, text)
    for b, figure in zip(page.blocks, figures):
        _block(document, b, figure, w)
    for heading, text in page.extra:
        _paragraph(document, heading, text)
    if page.costs is not None:
        _grid(document, page.costs)
    _paragraph(document, w.references_heading, f"{' '.join(page.references)} {page.made_with}", points=7.5)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _block(document: Any, b: OutcomeBlock, figure: Any, w: MemoWords) -> None:
    from docx.shared import Mm, Pt

    if b.heading:
        _heading(document, b.heading, 2)
    lead = document.add_paragraph().add_run(clean(b.lead))
    lead.bold, lead.font.size = True, Pt(10)
    if b.facts:
        _grid(document, Grid(w.design_heading, (), b.facts))
    if figure is not None and b.picture is not None:
        caption, alt = b.picture
        picture = document.add_picture(io.BytesIO(png_bytes(figure)), width=Mm(92))
        picture._inline.docPr.set("descr", clean(alt))
        document.add_paragraph(clean(caption))
    for grid in (b.assumptions, b.changes, b.sensitivity):
        if grid is not None:
            _grid(document, grid)
    if b.method:
        _paragraph(document, w.method_heading, " ".join(b.method))


def _heading(document: Any, text: str, level: int) -> None:
    from docx.shared import Pt, RGBColor

    heading = document.add_heading(clean(text), level)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(6), Pt(2)
    for run in heading.runs:
        run.font.name, run.font.size, run.font.color.rgb = (
            "Calibri",
            Pt({1: 15, 2: 12, 3: 9.5}[level]),
            RGBColor(0x1A, 0x1A, 0x1A),
        )


def _paragraph(document: Any, heading: str, text: str, points: float = 9) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    for part, bold in ((f"{heading}. ", True), (text, False)):
        run = paragraph.add_run(clean(part))
        run.bold, run.font.size = bold, Pt(points)


def _grid(document: Any, grid: Grid) -> None:
    _heading(document, grid.heading, 3)
    rows = [grid.columns, *grid.rows] if grid.columns else list(grid.rows)
    table = document.add_table(rows=0, cols=max(map(len, rows)))
    table.style = "Table Grid"
    for i, row in enumerate(rows):
        cells = table.add_row().cells
        if len(row) == 1:
            cells[0].merge(cells[-1])
        at = i - bool(grid.columns)
        for j, text in enumerate(row):
            _cell(cells[j], text, bold=(bool(grid.columns) and i == 0) or len(row) == 1 or grid.bold == (at, j))
    note = document.add_paragraph(clean(grid.note))
    note.paragraph_format.space_after = 0


def _cell(cell: Any, text: str, *, bold: bool) -> None:
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(clean(text))
    run.bold, run.font.size = bold, Pt(8)


def set_language(style: Any, code: str) -> None:
    """The language of the text, for the spelling checker and for reading aloud."""
    from docx.oxml.ns import qn

    properties = style.element.get_or_add_rPr()
    found = properties.find(qn("w:lang"))
    if found is None:
        found = properties.makeelement(qn("w:lang"), {})
        properties.append(found)
    found.set(qn("w:val"), code)
