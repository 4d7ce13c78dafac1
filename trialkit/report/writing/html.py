"""The document as one HTML page that needs nothing else: no network, no scripts, styles and figures inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trialkit.report.document import Cell, Document, Links, Passage, Row, Split, Table
from trialkit.report.figures.style import inline_svg
from trialkit.report.format import clean, padded
from trialkit.report.words.english import English

Part = tuple[str, str, str]  # what stands before the decimal sign, what stands behind it, and the room that takes (in digits)


def page(document: Document, figures: Mapping[str, str], words: English) -> str:
    """The page as text.

    Parameters
    ----------
    document : what `assemble` made. figures : SVG documents by the names that the figure blocks use.
    words : the language of captions and of the table of contents.
    """
    counters = {"figure": 0, "table": 0}

    def numbered(kind: str) -> int:
        counters[kind] += 1
        return counters[kind]

    def svg(name: str, alt: str) -> Markup:
        return Markup(inline_svg(figures[name], f"figure-{name}", clean(alt)))

    context: dict[str, Any] = {
        "document": document, "words": words, "style": Markup(_style()), "svg": svg, "numbered": numbered,
        "cells": lambda table: aligned(table, words.numbers.decimal),
    }  # fmt: skip
    return _environment().get_template("report.html").render(context).rstrip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("trialkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=_printable,
    )


@cache
def _style() -> str:
    return files("trialkit.report").joinpath("templates/report.css").read_text(encoding="utf-8")


def _printable(value: Any) -> Any:
    if isinstance(value, Links):
        return Markup(", ").join(Markup('<a href="#{}">{}</a>').format(to, clean(text)) for text, to in value.parts)
    if isinstance(value, Passage):
        return Markup('<span lang="{}">{}</span>').format(value.language, clean(value))
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def aligned(table: Table, decimal: str) -> list[tuple[Row, list[Part]]]:
    """Rows with the parts of each cell, decimal signs of a column in one line."""
    body = [r for r in table.rows if r.style != "band"]
    columns = [_column([r.cells[i] for r in body], c.align == "number", decimal) for i, c in enumerate(table.columns)]
    rows = zip(*columns)
    return [(r, [] if r.style == "band" else list(next(rows))) for r in table.rows]


def _column(cells: Sequence[Cell], number: bool, decimal: str) -> list[Part]:
    """Cells in two parts that meet at the decimal sign; columns of plain numbers are padded instead."""
    if any(isinstance(c, Split) for c in cells):
        halves = [_halves(c, decimal) for c in cells]
        width = max(_width(tail) for _, tail in halves)
        return [(main, tail, f"{width:.1f}") for main, tail in halves]
    plain = [c for c in cells if isinstance(c, str)]
    return [(c, "", "") for c in (padded(plain, decimal) if number else plain)]


def _halves(cell: Cell, decimal: str) -> tuple[str, str]:
    if isinstance(cell, str):
        return cell, ""
    whole, mark, behind = cell.main.partition(decimal)
    return whole, f"{mark}{behind}{cell.tail}"


def _width(text: str) -> float:
    """Width in units of a digit: marks and spaces are about half as wide."""
    return sum(1.0 if c.isalnum() else 1.5 if c == "%" else 0.5 for c in text)
