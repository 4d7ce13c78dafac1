"""The page: its order, its accessibility, its numbers, and what hostile labels do to it (nothing)."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.report.contents import HOSTILE, content, few, graph, hostile
from tests.report.pages import Page, found, leaves, numbers
from trialkit.report.content import ReportContent
from trialkit.report.save import save_report
from trialkit.report.words.english import ENGLISH

MADE = {
    "two": lambda: content(),
    "three": lambda: content(5, arms=("individual", "peer", "mentor"), locked=False),
    "unlocked": lambda: content(9, locked=False),
    "nogroups": lambda: content(7, grouped=False),
    "few": few,
    "graph": graph,
    "order": lambda: graph(families=True),
    "hostile": hostile,
}
ORDER = [
    "summary",
    "primary",
    "flow",
    "baseline",
    "outcomes",
    "analysed",
    "families",
    "attrition",
    "harms",
    "next",
    "scales",
    "deviations",
    "not_run",
    "notes",
    "manifest",
    "plan",
    "checklists",
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("reports")
    return {name: save_report(make(), base / name) for name, make in MADE.items()}


@pytest.fixture(scope="module")
def pages(saved: dict[str, Path]) -> dict[str, Page]:
    return {name: Page(path.read_text(encoding="utf-8")) for name, path in saved.items()}


@pytest.fixture(params=list(MADE))
def page(request: pytest.FixtureRequest, pages: dict[str, Page]) -> Page:
    return pages[request.param]


@pytest.mark.parametrize("name", list(MADE))
def test_sections_stand_in_the_order_of_a_report(name: str, pages: dict[str, Page]) -> None:
    expected = list(ORDER)
    if name == "few":
        expected.insert(expected.index("attrition"), "few_groups")
        expected.insert(expected.index("deviations"), "indices")
    page = pages[name]
    assert [s.attributes["id"] for s in page.all("section")] == expected
    targets = [a.attributes["href"] for a in page.all("a") if "nav" in a.parents]
    assert targets == [f"#{s}" for s in expected]


def test_the_page_needs_nothing_but_itself(saved: dict[str, Path], pages: dict[str, Page]) -> None:
    for name, path in saved.items():
        text = path.read_text(encoding="utf-8")
        assert path.stat().st_size < 1_000_000
        assert not pages[name].all("script", "img", "link", "iframe", "object")
        assert set(re.findall(r'https?://[^"\s<]+', text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
        assert not re.search(r"\son\w+=", re.sub(r">[^<]*<", "><", text))


def test_links_lead_to_files_that_were_written(saved: dict[str, Path], pages: dict[str, Page]) -> None:
    for name, path in saved.items():
        files = {a.attributes["href"] for a in pages[name].all("a") if not a.attributes["href"].startswith("#")}
        assert files and all((path.parent / f).is_file() for f in files)


def test_headings_are_nested_and_language_and_title_are_set(page: Page) -> None:
    levels = [int(h.tag[1]) for h in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("title")[0].text.strip()


def test_identifiers_are_unique_and_references_have_targets(page: Page) -> None:
    identifiers = Counter(e.attributes["id"] for e in page.elements if "id" in e.attributes)
    assert [i for i, n in identifiers.items() if n > 1] == []
    for e in page.elements:
        for key in ("aria-labelledby", "href", "xlink:href"):
            value = e.attributes.get(key, "")
            if key == "aria-labelledby" or value.startswith("#"):
                assert not value or value.lstrip("#") in identifiers
    styles = " ".join(v for e in page.elements for v in e.attributes.values())
    assert set(re.findall(r"url\(#([^)]+)\)", styles)) <= set(identifiers)


def test_tables_have_scoped_headers_captions_and_whole_rows(page: Page) -> None:
    tables = page.all("table")
    assert len(tables) >= 8
    assert all("scope" in th.attributes for th in page.all("th"))
    assert all(t.attributes["aria-labelledby"] for t in tables)
    captions = [p.text for p in page.all("p") if p.attributes.get("class") == "caption"]
    assert [int(re.findall(r"^Table (\d+)\.", c)[0]) for c in captions] == list(range(1, len(tables) + 1))
    scrolls = [d for d in page.all("div") if d.attributes.get("class") == "scroll"]
    assert len(scrolls) == len(tables) and all(d.attributes["tabindex"] == "0" for d in scrolls)


def test_figures_are_described_from_the_results(pages: dict[str, Page]) -> None:
    page = pages["two"]
    drawings = page.all("svg")
    assert len(drawings) == 5 == len(page.all("figcaption"))
    assert all(d.attributes["role"] == "img" for d in drawings)
    described = [t.text for t in page.all("title") if "svg" in t.parents]
    assert len(described) == 5 and all(len(t) > 60 for t in described)
    e = content().outcomes[0].result.estimates[0]
    shown = f"{100 * e.estimate:.1f}, 95% interval {100 * e.conf_low:.1f} to {100 * e.conf_high:.1f}"
    assert shown in described[0] and shown in described[3]


@pytest.mark.parametrize("name", ["two", "three", "unlocked", "nogroups", "few", "graph", "order"])
def test_no_number_in_the_page_that_is_not_in_a_result(name: str, saved: dict[str, Path], pages: dict[str, Page]) -> None:
    known = leaves(json.loads((saved[name].parent / "results.json").read_text(encoding="utf-8")))
    fixed = {".001", "0.05", "0.25", "100"}  # the smallest p that is printed, the lines of the love plot, 'of every 100'
    strange, seen = [], 0
    checked = (
        "summary",
        "primary",
        "flow",
        "baseline",
        "outcomes",
        "families",
        "few_groups",
        "attrition",
        "harms",
        "next",
        "scales",
        "indices",
    )
    for section in (s for s in checked if any(e.attributes.get("id") == s for e in pages[name].elements)):
        text = re.sub(r"(Table|Figure) \d+\.", "", _without_ticks(pages[name], section))
        seen += len(numbers(text))
        strange += [(section, n) for n in numbers(text) if n not in fixed and not found(n, known)]
    assert seen > 150
    assert strange == []


def _without_ticks(page: Page, section: str) -> str:
    """The text of a section but for the ticks of axes, which are no results."""
    text = page.section(section)
    for drawing in page.all("svg"):
        if drawing.section == section:
            text = text.replace(
                drawing.text, next(e.text for e in page.all("title") if e.section == section and e.text.strip() in drawing.text)
            )
    return text


def test_a_number_that_is_not_in_the_results_would_be_noticed() -> None:
    known = leaves({"a": 0.31249, "b": [1400, None], "c": "15-24"})
    assert found("31.2", known) and found("1,400", known) and found("24", known)
    assert not found("31.3", known) and not found("1,401", known) and not found("0.313", known)


def test_hostile_text_is_shown_and_not_run(saved: dict[str, Path], pages: dict[str, Page]) -> None:
    page, text = pages["hostile"], saved["hostile"].read_text(encoding="utf-8")
    assert page.all("h1")[0].text.strip() == "<script>alert(1)</script> & \"quotes\" 'single'"
    assert HOSTILE in page.section("plan") and HOSTILE in page.section("deviations") and HOSTILE in page.section("manifest")
    assert "<script" not in text and "<img" not in text
    assert "not estimated" in page.section("outcomes") and "你好 😀 $x^2$" in page.section("outcomes")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ud800-\udfff]", text)


def test_nothing_undefined_is_printed_as_a_word(page: Page) -> None:
    shown = " ".join(s.text for s in page.all("section"))
    assert not re.search(r"\b(nan|NaN|None|inf|undefined|Markup)\b", shown)


def test_the_status_says_what_a_lock_proves(pages: dict[str, Page]) -> None:
    locked, unlocked = ("".join(e.text for e in pages[n].all("header")) for n in ("two", "three"))
    assert "The plan was locked before this run" in locked and "does not prove" in locked and "none recorded" in locked
    assert "The plan was not locked" in unlocked and "2 recorded" in unlocked
    assert "listed under Deviations" in pages["three"].section("summary")
    assert "Asked for by the funder." in pages["three"].section("deviations")


def test_groups_are_spoken_of_where_there_are_groups(pages: dict[str, Page]) -> None:
    assert "were together in 54 groups" in pages["two"].section("summary")
    assert "group" not in pages["nogroups"].section("summary").replace("peer group", "")
    assert [t.section for t in pages["nogroups"].all("svg")] == ["primary", "flow", "baseline", "outcomes"]


def test_no_p_values_at_baseline(page: Page) -> None:
    heads = [th.text.strip() for th in page.all("th") if th.section == "baseline"]
    assert "Std. difference" in heads and not [h for h in heads if h in ("p", "p, corrected")]


def test_both_p_values_stand_in_the_table_of_effects(pages: dict[str, Page]) -> None:
    heads = [th.text.strip() for th in pages["two"].all("th") if th.section == "outcomes"]
    assert "p" in heads and "p, corrected" in heads


def test_the_families_show_what_the_correction_did(pages: dict[str, Page]) -> None:
    text = pages["two"].section("families")
    for o in content().outcomes[1:]:
        e = o.result.estimates[0]
        cells = [o.label, ENGLISH.numbers.p(e.p_value), ENGLISH.numbers.p(e.extra["p_adjusted"])]
        assert " ".join(cells) in " ".join(text.split())
    assert "Holm: the chance of even one false finding" in text
    assert "Alone in a family, with nothing to correct: In work or education after nine months." in text
    drawn = pages["few"].section("families")
    assert "Romano-Wolf: the chance" in drawn and "199 normal draws with the correlation of the scores of the groups" in drawn


def test_the_graph_shows_its_arrows_and_its_steps(pages: dict[str, Page]) -> None:
    text = pages["graph"].section("families")
    assert "General self-efficacy after three months, Counselling plus a mentor (0.5)" in text.replace("  ", " ")
    assert "at the level 0.05" in text and "Outside the graph, exploratory and not corrected: Confidence in looking" in text
    heads = [th.text.strip() for th in pages["graph"].all("th") if th.section == "families"]
    assert {"Starts with", "When rejected, passes to", "Rejected", "Share"} <= set(heads)
    ordered = pages["order"].section("families")
    assert "when every test of “Primary” is rejected" in ordered and "from the start" in ordered


def test_few_groups_are_told_with_their_advice(pages: dict[str, Page]) -> None:
    text = pages["few"].section("few_groups")
    assert "equal groups in the smaller arm" in text
    assert "CR3 standard error" in text and "Wild bootstrap" in text and "199 draws" in text
    assert "With Trial(design=...) the randomization test would stand here too." in text


def test_the_parts_of_an_index_have_their_weights(pages: dict[str, Page]) -> None:
    text = pages["few"].section("indices")
    assert "weighted by the inverse covariance" in text and "lower is better, turned" in text
    assert "Depressive complaints after three months" in text


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_and_marks_have_enough_contrast() -> None:
    from trialkit.report.figures.style import CONTROL, INK, QUIET
    from trialkit.report.writing.html import _style

    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", _style()))
    for name in ("ink", "quiet", "link", "warn"):
        assert _contrast(colours[name], "#ffffff") >= 4.5 and _contrast(colours[name], colours["tint"]) >= 4.5
    assert _contrast(QUIET, "#ffffff") >= 4.5 and _contrast(INK, "#ffffff") >= 4.5 and _contrast(CONTROL, "#ffffff") >= 3


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["two", "three", "few", "graph", "hostile"])
def test_the_page_does_not_scroll_sideways_on_a_phone(name: str, width: int, saved: dict[str, Path], tmp_path: Path) -> None:
    import html

    inner = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", saved[name].read_text(encoding="utf-8"))
    frame = tmp_path / "frame.html"
    measure = "document.title=String(document.querySelector('iframe').contentDocument.documentElement.scrollWidth)"
    frame.write_text(
        f'<body><iframe srcdoc="{html.escape(inner)}" style="width:{width}px;height:4000px;border:0" onload="{measure}"></iframe></body>',
        encoding="utf-8",
    )
    dumped = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", frame.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert int(re.findall(r"<title>(\d+)</title>", dumped)[0]) <= width


def test_every_report_content_can_be_told(pages: dict[str, Page]) -> None:
    minimal = content(grouped=False)
    bare = ReportContent(
        title="Bare", population="", conf_level=0.9, arms=minimal.arms, outcomes=minimal.outcomes[:1], lock=minimal.lock,
        flow=minimal.flow, balance=None,
    )  # fmt: skip
    from trialkit.report.assemble import assemble
    from trialkit.report.view import View

    document = assemble(View(bare))
    assert [s.id for s in document.sections] == [
        s for s in ORDER if s not in ("baseline", "families", "scales", "not_run", "plan", "notes")
    ]


def test_cells_are_split_where_their_decimal_signs_meet() -> None:
    from trialkit.report.document import Column, Row, Split, Table
    from trialkit.report.writing.html import aligned

    rows = (Row(("a", Split("19.9", " (2.4)"), "9.9")), Row(("Band",), "band"), Row(("b", Split("7", "%"), "−0.003")))
    made = aligned(Table("", (Column("", "text"), Column("x"), Column("y")), rows), ".")
    assert [[p[:2] for p in parts] for _, parts in made] == [
        [("a", ""), ("19", ".9 (2.4)"), ("9.9\u2007\u2007", "")], [], [("b", ""), ("7", "%"), ("−0.003", "")],
    ]  # fmt: skip
    assert {parts[1][2] for _, parts in made if parts} == {"5.5"}
