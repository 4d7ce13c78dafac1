"""Accessibility that needs no browser: WCAG 2.2 AA as far as the text of the page, its styles and the figures' colours tell.

docs/accessibility.md has what axe-core says in a browser.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from tests.report.contents import content, few, graph
from tests.report.pages import Page
from trialkit.report.figures import style
from trialkit.report.save import save_report

CSS = files("trialkit.report").joinpath("templates/report.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--(\w+): (#[0-9a-f]+)", CSS))
MADE = {
    "two": lambda: content(),
    "three": lambda: content(5, arms=("individual", "peer", "mentor"), locked=False),
    "few": few,
    "graph": graph,
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    base = tmp_path_factory.mktemp("pages")
    made = {name: save_report(make(), base / name, word=False, language=("en", "nl")) for name, make in MADE.items()}
    pages = {name: path.read_text(encoding="utf-8") for name, path in made.items()}
    return pages | {f"{name}_nl": Path(path.parent, "index.nl.html").read_text(encoding="utf-8") for name, path in made.items()}


@pytest.fixture(params=[f"{name}{mark}" for name in MADE for mark in ("", "_nl")])
def text(request: pytest.FixtureRequest, texts: dict[str, str]) -> str:
    return texts[request.param]


@pytest.fixture
def page(text: str) -> Page:
    return Page(text)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def rules(selector: str) -> str:
    """The declarations of a selector outside of media queries."""
    outside = re.sub(r"/\*.*?\*/|@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", CSS)
    return " ".join(
        body for names, body in re.findall(r"([^{}]+)\{([^{}]*)\}", outside) if selector in [n.strip() for n in names.split(",")]
    )


def test_the_formula_of_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("ink", ["ink", "quiet", "link", "warn"])
@pytest.mark.parametrize("paper", ["paper", "tint"])
def test_text_stands_out_from_its_ground(ink: str, paper: str) -> None:
    assert contrast(COLOURS[ink], COLOURS[paper]) >= 4.5


def test_every_colour_of_the_styles_is_one_of_the_checked_ones() -> None:
    beyond = CSS.split("}", 1)[1]
    assert set(re.findall(r"(?<![\w-])#[0-9a-fA-F]{3,8}\b", beyond)) <= {
        "#c4c4c4"
    }  # the shade at the edge of a table that scrolls
    assert set(re.findall(r"(?<![-\w])color: ([^;}]+)", beyond)) <= {
        "var(--ink)", "var(--quiet)", "var(--link)", "var(--warn)", "inherit",
    }  # fmt: skip


def test_text_and_marks_of_figures_stand_out() -> None:
    assert contrast(style.INK, "#ffffff") >= 4.5 and contrast(style.QUIET, "#ffffff") >= 4.5
    assert contrast(style.CONTROL, "#ffffff") >= 3
    strong = [c for c in style.COLOURS if contrast(c, "#ffffff") >= 3]
    assert strong == list(style.COLOURS[:4])
    # the others are told by their outline in ink, and all by the shape of the mark
    assert contrast(style.INK, "#ffffff") >= 3 and len(set(style.MARKERS)) == len(style.COLOURS)


def test_text_of_the_figures_in_a_page_has_no_colour_that_was_not_checked(text: str) -> None:
    found = set(re.findall(r"<text[^>]*?fill: ?(#[0-9a-fA-F]{6})", text)) | set(
        re.findall(r'<text[^>]*?fill="(#[0-9a-fA-F]{6})"', text)
    )
    assert all(contrast(c, "#ffffff") >= 4.5 or c.lower() == "#ffffff" for c in found)


def test_language_and_title_are_set(page: Page, text: str) -> None:
    language = page.all("html")[0].attributes["lang"]
    assert language in ("en", "nl") and page.all("title")[0].text.strip()
    others = [a for a in page.all("a") if "hreflang" in a.attributes]
    assert others and all(a.attributes["lang"] == a.attributes["hreflang"] != language for a in others)


def test_the_first_link_skips_to_the_report(page: Page) -> None:
    first = page.all("a")[0]
    target = first.attributes["href"].lstrip("#")
    assert first.text.strip() and any(e.attributes.get("id") == target for e in page.elements)
    assert "left: -999rem" in rules(".skip") and "left: 1rem" in rules(".skip:focus")


def test_landmarks_are_named_and_there_is_one_of_each(page: Page) -> None:
    assert [len(page.all(tag)) for tag in ("header", "nav", "main")] == [1, 1, 1]
    assert page.all("nav")[0].attributes["aria-label"]
    assert all(s.attributes["aria-labelledby"] for s in page.all("section"))


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(h.tag[1]) for h in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert all(h.text.strip() for h in page.all("h1", "h2", "h3", "h4"))


def test_tables_have_names_and_headers(page: Page) -> None:
    ids = {e.attributes.get("id") for e in page.elements}
    for table in page.all("table"):
        assert table.attributes["aria-labelledby"] in ids
    for th in page.all("th"):
        assert th.attributes["scope"] in ("col", "row", "rowgroup") and th.text.strip()


def test_a_subheading_of_a_table_belongs_to_the_rows_beneath_it(text: str) -> None:
    for body in re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL):
        bands = [m.start() for m in re.finditer(r'<tr class="band">', body)]
        assert len(bands) <= 1 and (not bands or body[: bands[0]].strip() == "")
        assert body.count("<tr") > len(bands)


def test_tables_that_scroll_can_be_reached_by_keyboard_and_have_a_name(page: Page) -> None:
    boxes = [d for d in page.all("div") if d.attributes.get("class") == "scroll"]
    assert len(boxes) == len(page.all("table"))
    assert all(
        d.attributes["tabindex"] == "0" and d.attributes["role"] == "region" and d.attributes["aria-labelledby"] for d in boxes
    )
    assert all(int(e.attributes.get("tabindex", 0)) == 0 for e in page.elements)


def test_figures_have_text_and_a_caption(page: Page) -> None:
    drawings = page.all("svg")
    described = [t.text for t in page.all("title") if "svg" in t.parents]
    assert len(drawings) == len(page.all("figcaption")) == len(described) > 0
    assert all(len(t.split()) >= 8 for t in described)
    assert not page.all("img", "canvas", "video", "audio")


def test_focus_is_seen() -> None:
    assert "outline: 3px solid var(--link)" in rules("a:focus-visible") and "outline: none" not in CSS and "outline: 0" not in CSS
    assert {"summary:focus-visible", "[tabindex]:focus-visible"} <= {s.strip() for s in re.findall(r"[^{},]+(?=[,{])", CSS)}
    assert contrast(COLOURS["link"], COLOURS["paper"]) >= 3


def test_targets_are_large_enough() -> None:
    """24 CSS pixels (2.5.8); links inside a sentence are exempt."""
    assert "min-height: 24px" in rules("nav a") and "min-height: 24px" in rules(".languages a")
    size, line = re.search(r"font: ([\d.]+)rem/([\d.]+)", rules("summary")).groups()  # type: ignore[union-attr]
    padding = re.search(r"padding: ([\d.]+)rem", rules("summary"))[1]  # type: ignore[index]
    assert 16 * (float(size) * float(line) + 2 * float(padding)) >= 24


def widths() -> Iterator[float]:
    """Fixed widths on screen, in CSS pixels."""
    screen = CSS[: CSS.index("@media print")]
    small = re.sub(r"@media \(min-width: 74rem\) \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", screen)
    for value, unit in re.findall(r"(?<![-\w])(?:min-)?width: ([\d.]+)(px|rem|em|ch)", small):
        yield float(value) * {"px": 1, "rem": 16, "em": 16, "ch": 9}[unit]


def test_nothing_but_tables_is_wider_than_a_narrow_screen() -> None:
    """Reflow at 320 pixels (1.4.10): figures shrink, long words break, only tables may scroll by themselves."""
    assert (
        "max-width: 100%" in rules(".drawing svg")
        and "overflow-wrap: anywhere" in rules("body")
        and "overflow-x: auto" in rules(".scroll")
    )
    assert all(w <= 320 or w == 34 * 16 for w in widths())  # a drawing is 34rem where there is room
    assert "white-space: pre-wrap" in rules("pre")


def test_the_reader_may_zoom_and_set_spacing(page: Page, text: str) -> None:
    viewport = next(m.attributes["content"] for m in page.all("meta") if m.attributes.get("name") == "viewport")
    assert viewport == "width=device-width, initial-scale=1"
    assert "!important" not in CSS.replace(".drawing svg text { font-family: var(--sans) !important; }", "")
    assert not re.search(r"font(?:-size)?: [^;}]*\dpx", CSS)


def test_nothing_opens_moves_or_times_out(page: Page, text: str) -> None:
    assert not re.search(r"animation|transition|@keyframes", CSS)
    assert not [
        e for e in page.elements if e.attributes.get("http-equiv", "").lower() == "refresh" or "autofocus" in e.attributes
    ]
    policy = next(
        m.attributes["content"] for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert html.unescape(policy).startswith("default-src 'none'")


def test_marks_of_print_keep_their_words_and_hide_nothing_but_ways_around() -> None:
    printed = CSS[CSS.index("@media print") :]
    hidden = re.findall(r"([^{}]+)\{[^{}]*display: none", printed)
    assert {s.strip() for names in hidden for s in names.split(",")} == {"nav", ".skip", ".languages"}
    assert "size: A4" in printed and "break-inside: avoid" in printed
