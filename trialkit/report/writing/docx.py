"""The document as a Word file: native tables and headings, numbered captions, pictures with their text; the same bytes on every run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from trialkit.errors import UsageError
from trialkit.report.document import (
    Block,
    Bullets,
    Cell,
    Clauses,
    Code,
    Document,
    Facts,
    FigureBlock,
    Heading,
    Passage,
    Row,
    Split,
    Table,
    Text,
)
from trialkit.report.format import clean, padded
from trialkit.report.words.english import English

__all__ = ["ABSENT", "is_there", "word_bytes"]

ABSENT = "report.docx needs python-docx, which is not installed: say pip install trialkit[word]. The rest of the report is whole."
_LANGUAGES = {"en": "en-GB", "nl": "nl-NL"}
_INK, _QUIET = "1A1A1A", "4D4D4D"
_TEXT_WIDTH = 9638  # twentieths of a point between the margins of 20 mm on A4
_MONO = "Courier New"


def is_there() -> bool:
    """Whether python-docx is installed."""
    return find_spec("docx") is not None


def word_bytes(document: Document, pictures: Mapping[str, bytes], words: English, *, created: str = "") -> bytes:
    """The report as the bytes of a .docx file.

    Parameters
    ----------
    document : what `assemble` made. pictures : PNG files by the names that the figure blocks use.
    words : the language of captions. created : ISO time of the run; nothing of the moment of writing goes into the file.

    Raises
    ------
    UsageError
        python-docx is not installed.
    """
    try:
        import docx
    except ImportError as error:
        raise UsageError(ABSENT) from error
    file = docx.Document()
    _set_up(file, document, created)
    writer = _Writer(file, pictures, words)
    writer.top(document)
    for section in document.sections:
        file.add_heading(clean(section.title), 1)
        for block in section.blocks:
            writer.block(block)
    out = io.BytesIO()
    file.save(out)
    return _timeless(out.getvalue())


class _Writer:
    """Puts blocks into a Word file and counts its tables and figures."""

    def __init__(self, file: Any, pictures: Mapping[str, bytes], words: English) -> None:
        self.file, self.pictures, self.words = file, pictures, words
        self.counts = {"table": 0, "figure": 0}

    def top(self, document: Document) -> None:
        self._text(document.kicker, style="Quiet")
        self.file.add_paragraph(clean(document.title), style="Title")
        if document.subtitle:
            self._text(document.subtitle, style="Subtitle")
        status = document.status
        said = self.file.add_paragraph()
        said.add_run(clean(f"{status.title}. ")).bold = True
        said.add_run(clean(" ".join(status.sentences)))
        facts = [*status.facts, *([(self.words.status_made, document.dated)] if document.dated else [])]
        self._facts(facts, self.words.status_plan)

    def block(self, b: Block) -> None:
        if isinstance(b, Table):
            self._table(b)
        elif isinstance(b, FigureBlock):
            self._figure(b)
        elif isinstance(b, Text):
            self._text(b.text, style={"lead": "Lead", "quiet": "Quiet"}.get(b.style))
        elif isinstance(b, Heading):
            self.file.add_heading(clean(b.text), b.level - 1)
        elif isinstance(b, Bullets):
            for item in b.items:
                self.file.add_paragraph(clean(item), style="List Bullet")
        elif isinstance(b, Facts):
            self._facts(b.rows, "", mono=b.mono)
        elif isinstance(b, Code):
            self._text(b.text, style="Code")
        elif isinstance(b, Clauses):
            for clause in b.items:
                said = self._text(clause.text, style="Clause")
                if clause.style == "name":
                    said.runs[0].bold, said.paragraph_format.keep_with_next = True, True
        else:
            self._text(b.summary, style="Fold")
            for inner in b.blocks:
                self.block(inner)

    def _text(self, text: str, style: str | None = None) -> Any:
        paragraph = self.file.add_paragraph(clean(text), style=style)
        if isinstance(text, Passage):
            for run in paragraph.runs:
                run._r.get_or_add_rPr().append(_language_of(text.language))
        return paragraph

    def _caption(self, kind: str, word: str, text: str, *, above: bool) -> None:
        """A numbered caption: a field that Word counts again when captions are added."""
        self.counts[kind] += 1
        paragraph = self.file.add_paragraph(style="Caption")
        paragraph.add_run(f"{word} ").bold = True
        paragraph._p.append(_field(f"SEQ {word} \\* ARABIC", str(self.counts[kind])))
        paragraph.add_run(". ").bold = True
        paragraph.add_run(clean(text)).bold = False
        paragraph.paragraph_format.keep_with_next = above

    def _figure(self, b: FigureBlock) -> None:
        from docx.shared import Mm

        picture = self.file.add_picture(io.BytesIO(self.pictures[b.name]), width=Mm(135))
        picture._inline.docPr.set("descr", clean(b.alt))
        picture._inline.docPr.set("name", b.name)
        self.file.paragraphs[-1].paragraph_format.keep_with_next = True
        self._caption("figure", self.words.figure_word, b.caption, above=False)

    def _table(self, b: Table) -> None:
        self._caption("table", self.words.table_word, b.caption, above=True)
        self._append(_table_xml(b, self.words.numbers.decimal))
        said = " ".join(t for t in (b.note, f"{self.words.file_note} tables/{b.file}.csv" if b.file else "") if t)
        self._text(said, style="Table Note")

    def _facts(self, rows: Iterable[tuple[str, str]], title: str, *, mono: bool = False) -> None:
        body = "".join(
            f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{_cell_xml(term, 3200, style='TableText', quiet=True)}"
            f"{_cell_xml(value, _TEXT_WIDTH - 3200, style='TableText', mono=mono)}</w:tr>"
            for term, value in rows
        )
        self._append(_frame_xml(body, (3200, _TEXT_WIDTH - 3200), title, header=False))
        self._text("", style="Table Note")

    def _append(self, xml: str) -> None:
        from docx.oxml import parse_xml

        body = self.file.element.body
        body.insert(len(body) - 1, parse_xml(xml))  # the last element holds the size of the page


_NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _table_xml(table: Table, decimal: str) -> str:
    """A native table whose header row is repeated on every page and whose rows are not broken."""
    count = len(table.columns)
    widths = _widths(table)
    cells = "".join(
        _cell_xml(c.header, width, style="TableText", bold=True, right=c.align == "number")
        for c, width in zip(table.columns, widths)
    )
    rows = [f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{cells}</w:tr>"]
    body = [r for r in table.rows if r.style != "band"]
    columns = [_column([r.cells[i] for r in body], c.align == "number", decimal) for i, c in enumerate(table.columns)]
    texts = zip(*columns)
    for row in table.rows:
        if row.style == "band":
            rows.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{_band_xml(row, count)}</w:tr>")
            continue
        made = zip(next(texts), table.columns, widths)
        cells = "".join(
            _cell_xml(
                text, width, style="TableText", bold=row.style == "strong", right=c.align == "number",
                indent=120 if row.style == "inner" and not i else 0, beneath="" if i else row.beneath,
            )
            for i, (text, c, width) in enumerate(made)
        )  # fmt: skip
        rows.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>")
    return _frame_xml("".join(rows), widths, table.caption, header=True)


def _widths(table: Table) -> tuple[int, ...]:
    """Columns of numbers as wide as their longest cell or word of the header; the first column takes what is left, at least a quarter."""
    body = [r for r in table.rows if r.style != "band"]
    wanted = []
    for i, column in enumerate(table.columns[1:], 1):
        lengths = [len(_plain(r.cells[i])) for r in body] or [1]
        # a column of words need not hold its longest cell in one line
        cells = max(lengths) if column.align == "number" else min(max(lengths), max(12, 2 * sum(lengths) // len(lengths)))
        words = max(map(len, column.header.split()), default=1)
        # twentieths of a point a letter of 8.5 points takes, bold in the header
        wanted.append(max(112 * min(cells, 26 if column.align == "number" else 45), 128 * words, 500) + 130)
    most = _TEXT_WIDTH * 3 // 4 if wanted else 0
    scale = min(1.0, most / sum(wanted)) if wanted else 1.0
    others = [int(w * scale) for w in wanted]
    return (_TEXT_WIDTH - sum(others), *others)


def _plain(cell: Cell) -> str:
    return cell.main + cell.tail if isinstance(cell, Split) else cell


def _column(cells: list[Cell], number: bool, decimal: str) -> list[str]:
    """The texts of a column, decimal signs in one line where the cells are plain numbers."""
    texts = [_plain(c) for c in cells]
    plain = number and not any(isinstance(c, Split) and c.tail for c in cells)
    return padded(texts, decimal) if plain else texts


def _frame_xml(rows: str, widths: tuple[int, ...], title: str, *, header: bool) -> str:
    grid = "".join(f'<w:gridCol w:w="{w}"/>' for w in widths)
    lines = "".join(
        f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="{_INK}"/>' for side, size in (("top", 10), ("bottom", 10))
    )
    inner = '<w:insideH w:val="single" w:sz="2" w:space="0" w:color="C9C9C9"/>'
    named = f"<w:tblCaption w:val={quoteattr(clean(title))}/>" if title else ""
    return (
        f'<w:tbl {_NS}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{lines}{inner}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="40" w:type="dxa"/><w:right w:w="80" w:type="dxa"/></w:tblCellMar>'
        f'<w:tblLook w:val="0{"6" if header else "4"}A0" w:firstRow="{int(header)}" w:firstColumn="1" w:lastRow="0" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
        f"{named}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
    )


def _band_xml(row: Row, count: int) -> str:
    text = row.cells[0] if isinstance(row.cells[0], str) else row.cells[0].main
    runs = _run_xml(text, bold=True) + (_run_xml(f" {row.beneath}", quiet=True) if row.beneath else "")
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{_TEXT_WIDTH}" w:type="dxa"/><w:gridSpan w:val="{count}"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="TableText"/><w:keepNext/></w:pPr>{runs}</w:p></w:tc>'
    )


def _cell_xml(
    text: str, width: int, *, style: str, bold: bool = False, right: bool = False, quiet: bool = False, mono: bool = False,
    indent: int = 0, beneath: str = "",
) -> str:  # fmt: skip
    how = (f'<w:ind w:left="{indent}"/>' if indent else "") + ('<w:jc w:val="right"/>' if right else "")
    runs = _run_xml(text, bold=bold, quiet=quiet, mono=mono)
    if beneath:
        runs += f"<w:r><w:br/></w:r>{_run_xml(beneath, quiet=True)}"
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{how}</w:pPr>{runs}</w:p></w:tc>'
    )


def _run_xml(text: str, *, bold: bool = False, quiet: bool = False, mono: bool = False) -> str:
    font = f'<w:rFonts w:ascii="{_MONO}" w:hAnsi="{_MONO}" w:cs="{_MONO}"/>' if mono else ""
    look = font + ("<w:b/>" if bold else "") + (f'<w:color w:val="{_QUIET}"/>' if quiet else "")
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{escape(clean(text))}</w:t></w:r>'


def _field(code: str, shown: str) -> Any:
    from docx.oxml import parse_xml

    return parse_xml(
        f"<w:fldSimple {_NS} w:instr={quoteattr(code)}><w:r><w:rPr><w:b/></w:rPr><w:t>{shown}</w:t></w:r></w:fldSimple>"
    )


def _language_of(language: str) -> Any:
    from docx.oxml import parse_xml

    return parse_xml(f"<w:lang {_NS} w:val={quoteattr(_LANGUAGES.get(language, language))}/>")


def _set_up(file: Any, document: Document, created: str) -> None:
    """A4, the styles of the house, the language of the text, and properties that name nobody."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Mm, Pt, RGBColor

    sheet = file.sections[0]
    sheet.page_width, sheet.page_height = Mm(210), Mm(297)
    sheet.left_margin = sheet.right_margin = sheet.top_margin = sheet.bottom_margin = Mm(20)
    styles = file.styles
    looks = (
        ("Normal", 10.5, _INK, False, 6), ("Title", 20, _INK, True, 4), ("Subtitle", 12, _QUIET, False, 8), ("Heading 1", 14, _INK, True, 4),
        ("Heading 2", 11.5, _INK, True, 3), ("Heading 3", 10, _INK, True, 2), ("Caption", 9, _INK, False, 3), ("Lead", 11.5, _INK, False, 6),
        ("Quiet", 9, _QUIET, False, 6), ("Code", 9, _INK, False, 6), ("Fold", 9, _INK, True, 3), ("Clause", 10, _INK, False, 3), ("Table Text", 8.5, _INK, False, 0),
        ("Table Note", 8, _QUIET, False, 10),
    )  # fmt: skip
    known = {s.name for s in styles}
    for name, size, colour, bold, after in looks:
        style = styles[name] if name in known else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.font.name, style.font.size, style.font.bold = _MONO if name == "Code" else "Calibri", Pt(size), bold
        style.font.color.rgb, style.font.italic = RGBColor.from_string(colour), False
        style.paragraph_format.space_after = Pt(after)
        if name not in known:
            style.base_style = styles["Normal"]
        _same_letters(style)
    styles["Table Note"].paragraph_format.space_before = Pt(2)
    styles["Clause"].paragraph_format.left_indent, styles["Clause"].paragraph_format.first_line_indent = Mm(6), Mm(-6)
    styles["Fold"].paragraph_format.keep_with_next = True
    language = _LANGUAGES.get(document.language, document.language)
    _language(styles.element, language)
    _footer(sheet)
    about = file.core_properties
    about.title, about.language, about.author, about.last_modified_by, about.comments = (
        clean(document.title)[:250],
        language,
        "",
        "",
        "",
    )
    about.created = about.modified = _moment(created)
    about.revision = 1


def _same_letters(style: Any) -> None:
    """One font for all scripts, and none of the lines and letter spacing that the template would have."""
    from docx.oxml.ns import qn

    fonts = style.element.rPr.rFonts
    for key in [k for k in fonts.attrib if k.endswith("Theme")]:
        del fonts.attrib[key]
    for found in [*style.element.iter(qn("w:pBdr"))]:
        found.getparent().remove(found)
    for found in [*style.element.rPr.iter(qn("w:spacing"))]:
        found.getparent().remove(found)


def _language(styles: Any, code: str) -> None:
    """The language of the text, for the spelling checker and for reading aloud."""
    from docx.oxml.ns import qn

    for found in styles.iter(qn("w:lang")):
        found.set(qn("w:val"), code)


def _footer(sheet: Any) -> None:
    paragraph = sheet.footer.paragraphs[0]
    paragraph.alignment = 2
    paragraph._p.append(_field("PAGE", "1"))


def _moment(created: str) -> datetime:
    try:
        return datetime.fromisoformat(created).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return datetime(2000, 1, 1)


def _timeless(content: bytes) -> bytes:
    """The same archive without the time of writing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, old.read(name))
    return out.getvalue()
