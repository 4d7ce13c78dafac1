"""A report as blocks, apart from how it is written down: the HTML page is made of them, and other forms can be.

Blocks hold finished text (numbers formatted, words chosen, nothing escaped) and refer to figures by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


class Passage(str):
    """Text in another language than the rest of the document, to be marked as such (WCAG 3.1.2): a sentence that a result holds in English."""

    language: str

    def __new__(cls, text: str, language: str) -> Passage:
        made = super().__new__(cls, text)
        made.language = language
        return made


class Links(str):
    """Text that consists of links to sections of the document: the text and the id of each; other forms show the text alone."""

    parts: tuple[tuple[str, str], ...]

    def __new__(cls, parts: tuple[tuple[str, str], ...]) -> Links:
        made = super().__new__(cls, ", ".join(text for text, _ in parts))
        made.parts = parts
        return made


def among(before: str, text: str, behind: str = "") -> str:
    """Text between other text; a passage stays one."""
    whole = f"{before}{text}{behind}"
    return Passage(whole, text.language) if isinstance(text, Passage) else whole


def opening(text: str) -> str:
    """A text with a capital in front; a passage stays one."""
    whole = f"{text[:1].upper()}{text[1:]}"
    return Passage(whole, text.language) if isinstance(text, Passage) else whole


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. 'lead' is the sentence to read first, 'quiet' is small print."""

    text: str
    style: Literal["body", "lead", "quiet"] = "body"
    kind: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str
    level: int = 3
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]
    style: Literal["body", "quiet"] = "body"
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and their values. `mono` for values that are read character by character."""

    rows: tuple[tuple[str, str], ...]
    mono: bool = False
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be kept as it is: a command."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence that stands by itself; a 'name' is what those below it are about."""

    text: str
    style: Literal["body", "name"] = "body"


@dataclass(frozen=True, slots=True)
class Clauses:
    """Sentences one below the other, with a hanging indent."""

    items: tuple[Clause, ...]
    kind: ClassVar[str] = "clauses"


@dataclass(frozen=True, slots=True)
class Split:
    """A cell whose first part is aligned over the rows: 24.1 of '24.1 (3.2)'."""

    main: str
    tail: str


Cell = str | Split


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header and whether it holds text or numbers."""

    header: str
    align: Literal["text", "number"] = "number"


@dataclass(frozen=True, slots=True)
class Row:
    """A row; its first cell is its header, with `beneath` in small type under it. A 'band' row is a subheading, 'strong' stands out."""

    cells: tuple[Cell, ...]
    style: Literal["body", "band", "strong", "inner"] = "body"
    beneath: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption, a note beneath, and the file that holds its unrounded numbers."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    file: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure by name, with what it shows in words for those who cannot see it."""

    name: str
    caption: str
    alt: str
    file: str = ""
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks behind a line that opens them."""

    summary: str
    blocks: tuple[Block, ...]
    kind: ClassVar[str] = "fold"


Block = Text | Heading | Bullets | Facts | Code | Clauses | Table | FigureBlock | Fold


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under a heading. `short` stands in the table of contents; a 'box' is framed."""

    id: str
    title: str
    short: str
    blocks: tuple[Block, ...]
    style: Literal["plain", "box"] = "plain"


@dataclass(frozen=True, slots=True)
class Status:
    """The strip at the top: state of the plan in words, and short facts."""

    locked: bool
    title: str
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `others` are the same report in other languages: language, its name in itself, file."""

    language: str
    title: str
    kicker: str
    subtitle: str
    dated: str
    status: Status
    sections: tuple[Section, ...]
    others: tuple[tuple[str, str, str], ...] = ()
