"""How every figure looks, and how it becomes SVG or PNG: the same bytes on every run.

Colours are Okabe and Ito's, told apart by shape as well; every mark has a dark outline, because orange, sky blue and yellow are
below 3:1 on white.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trialkit.report.format import MINUS, Numbers, shortened

WIDTH = 374.0  # points: 5.2 inches, so that type stays readable when a phone shrinks the figure
SIZE = 9.5
INK, QUIET, FAINT, ZONE = "#1a1a1a", "#555555", "#d9d9d9", "#ebebeb"
CONTROL = "#737373"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
MARKERS = ("o", "D", "^", "v", "P", "X", "h")
_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Segoe UI", "Roboto", "Helvetica Neue", "Arial"],
    "font.size": SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold a dollar sign
    "axes.unicode_minus": True,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 9.0,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "xtick.major.size": 3.0,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "trialkit",
}


class Drawing(Figure):
    """A figure that shows itself in a notebook, whatever backend is or is not set up."""

    def _repr_png_(self) -> bytes:
        return png_bytes(self)


class Panel(Axes):
    """Axes that show their whole figure in a notebook."""

    def _repr_png_(self) -> bytes:
        return png_bytes(self.figure)


@contextmanager
def drawing() -> Iterator[None]:
    """The house's settings while something is drawn; the user's own come back afterwards."""
    with warnings.catch_warnings(), matplotlib.rc_context(_RC):
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing.*")
        yield


def new_figure(height: float, width: float = WIDTH) -> Drawing:
    """An empty figure; sizes in points."""
    figure = Drawing(figsize=(width / 72, height / 72))
    FigureCanvasAgg(figure)
    return figure


def add_panel(figure: Any, left: float, top: float, width: float, height: float) -> Any:
    """Axes at a place measured in points from the top left corner."""
    w, h = figure.get_size_inches() * 72
    return figure.add_axes(Panel(figure, (left / w, 1 - (top + height) / h, width / w, height / h)))


def legend_height(count: int) -> float:
    """Points that a legend of so many lines takes above a figure; none for a single one."""
    return 13.0 * count + 8 if count > 1 else 0.0


def add_legend(figure: Any, texts: Sequence[str], *, lines: bool) -> None:
    """What shapes and colours stand for, one under another so that long labels fit."""
    handles = [
        Line2D([], [], linestyle="-" if lines else "", color=c, marker=m, markersize=6, markeredgecolor=INK, markeredgewidth=0.7)
        for _, c, m in zip(texts, cycle(COLOURS), cycle(MARKERS))
    ]
    shown = [shortened(t, 60) for t in texts]
    figure.legend(
        handles, shown, loc="upper left", frameon=False, fontsize=SIZE, handlelength=1.6, labelspacing=0.25, borderpad=0.1
    )


def tidy_x(ax: Any, label: str, numbers: Numbers, *, percent: bool = False, most: int = 6) -> None:
    """A bottom axis with few, plain ticks, and no vertical axis."""
    ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: tick_text(v, numbers) + ("%" if percent else "")))
    ax.set_yticks([])
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_xlabel(label, labelpad=3)


def tick_text(value: float, numbers: Numbers) -> str:
    """A tick as short as it can be, with the marks of the language."""
    text = f"{abs(value):.10g}" if abs(value) >= 1e-12 else "0"
    return (MINUS if value < 0 and text != "0" else "") + text.replace(".", numbers.decimal)


def svg_text(figure: Any) -> str:
    """The figure as an SVG document; text stays text."""
    out = io.StringIO()
    with drawing():
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return re.sub(r"[ \t]+$", "", out.getvalue(), flags=re.MULTILINE)


def png_bytes(figure: Any, dpi: int = 220) -> bytes:
    """The figure as a PNG file."""
    out = io.BytesIO()
    with drawing():
        figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


_IDS = re.compile(r'\sid="([^"]+)"')
_REFERENCES = re.compile(r'(?:xlink:href="#|url\(#)([^")]+)')
_DROPPED = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", re.DOTALL)


def inline_svg(svg: str, name: str, alt: str) -> str:
    """An SVG document as an element of a page: named, described, and without identifiers that could meet those of another figure."""
    body = _DROPPED.sub("", svg[svg.index("<svg") :])
    used = set(_REFERENCES.findall(body))
    body = _IDS.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = _REFERENCES.sub(lambda m: m[0][: -len(m[1])] + f"{name}-{m[1]}", body)
    tag, _, rest = body.partition(">")
    box = re.search(r'viewBox="([^"]+)"', tag)
    size = re.search(r'\swidth="([\d.]+)pt"', tag)
    if box is None or size is None:
        raise ValueError("an SVG document without a size cannot stand in a page")
    pixels = round(float(size[1]) * 96 / 72)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box[1]}" role="img" '
        f'aria-labelledby="{name}-alt" width="{pixels}">'
    )
    return f'{head}<title id="{name}-alt">{html.escape(alt)}</title>{rest.strip()}'
