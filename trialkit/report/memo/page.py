"""The memo as one HTML page that needs nothing else, made to be printed on A4."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trialkit.report.figures.style import inline_svg, svg_text
from trialkit.report.format import clean
from trialkit.report.memo.content import Page
from trialkit.report.words.en.memo import MemoWords


def html_page(page: Page, figures: Sequence[Any], w: MemoWords) -> str:
    """The page as text; `figures` holds a figure or None for each block."""
    drawn = [
        None if figure is None or b.picture is None else Markup(inline_svg(svg_text(figure), f"memo-{i}", clean(b.picture[1])))
        for i, (figure, b) in enumerate(zip(figures, page.blocks), start=1)
    ]
    style = Markup(files("trialkit.report").joinpath("templates/memo.css").read_text(encoding="utf-8"))
    text = _environment().get_template("memo.html").render(page=page, w=w, style=style, figures=drawn)
    return text.rstrip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("trialkit.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=lambda v: clean(v) if isinstance(v, str) and not isinstance(v, Markup) else v,
    )  # fmt: skip
