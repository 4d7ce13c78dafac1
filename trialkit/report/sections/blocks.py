"""Small builders that several sections use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from trialkit.report.document import Block, Bullets, Cell, Column, Row, Section
from trialkit.report.format import UNDEFINED
from trialkit.report.view import View
from trialkit.results import Estimate, Result


def section(view: View, key: str, blocks: Iterable[Block | None], *, box: bool = False) -> Section:
    """A section with its title; blocks that are None are left out."""
    title, short = view.words.titles[key]
    return Section(key, title, short, tuple(b for b in blocks if b is not None), "box" if box else "plain")


def columns(first: str, *numbers: str) -> tuple[Column, ...]:
    """A column of row headers and columns of numbers."""
    return (Column(first, "text"), *(Column(n) for n in numbers))


def by_contrast(view: View, result: Result, row: Callable[[Estimate], Row]) -> Iterator[Row]:
    """A row an estimate, under a subheading for each contrast where there are several."""
    contrasts = list(dict.fromkeys(e.contrast for e in result.estimates))
    for contrast in contrasts:
        if len(contrasts) > 1:
            yield Row((view.contrast(contrast),), "band")
        yield from (row(e) for e in result.estimates if e.contrast == contrast)


def notes_of(view: View, result: Result) -> Iterator[Bullets]:
    """The notes of a result in small print, where it has any."""
    if result.notes:
        yield Bullets(tuple(view.words.said(n.text) for n in result.notes), "quiet")


def without_empty(header: Sequence[Column], rows: Sequence[Row]) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    """The table without the columns that are empty in every row; other empty cells get a dash."""
    body = [r for r in rows if r.style != "band"]
    kept = [i for i in range(len(header)) if i == 0 or any(_filled(r.cells[i]) for r in body)]
    narrowed = [r if r.style == "band" else Row(tuple(r.cells[i] or UNDEFINED for i in kept), r.style, r.beneath) for r in rows]
    return tuple(header[i] for i in kept), tuple(narrowed)


def _filled(cell: Cell) -> bool:
    return bool(cell) if isinstance(cell, str) else bool(cell.main)
