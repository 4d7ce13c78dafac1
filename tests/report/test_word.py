"""The report as a Word file: native tables, numbered captions, pictures with their text, nobody's name, the same bytes every time."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.report.contents import HOSTILE, content, hostile
from tests.report.pages import Page
from trialkit.errors import UsageError
from trialkit.report.save import load_content, save_report
from trialkit.report.writing import docx as word

python_docx = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_report(content(), tmp_path_factory.mktemp("word") / "report", language=("en", "nl")).parent


@pytest.fixture(scope="module")
def file(folder: Path) -> Any:
    return python_docx.Document(str(folder / "report.docx"))


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def plain(text: str) -> str:
    return re.sub(r"[\s\u2007\u2008]+", " ", text).replace(" ,", ",").strip()


def captions(file: Any, word_: str) -> list[str]:
    texts = ["".join(t.text or "" for t in p._p.iter(f"{W}t")) for p in file.paragraphs if p.style.name == "Caption"]
    return [t for t in texts if t.startswith(f"{word_} ")]


def test_headings_are_those_of_the_page(file: Any, page: Page) -> None:
    for tag, style in (("h2", "Heading 1"), ("h3", "Heading 2"), ("h4", "Heading 3")):
        shown = [plain(p.text) for p in file.paragraphs if p.style.name == style]
        assert shown == [plain(h.text) for h in page.all(tag)]
    assert [p.text for p in file.paragraphs if p.style.name == "Title"] == [page.all("h1")[0].text.strip()]


def test_every_table_is_native_with_a_header_row_that_repeats(file: Any, page: Page) -> None:
    titled = [t for t in file.tables if t._tbl.find(f".//{W}tblHeader") is not None]
    assert len(titled) == len(page.all("table")) == len(captions(file, "Table"))
    for table in titled:
        assert [r._tr.find(f".//{W}tblHeader") is not None for r in table.rows].index(True) == 0
        assert all(r._tr.find(f".//{W}cantSplit") is not None for r in table.rows)
        assert table._tbl.find(f".//{W}tblCaption").get(f"{W}val")


def test_captions_are_numbered_by_fields(file: Any) -> None:
    for kind in ("Table", "Figure"):
        assert [int(c.split()[1].rstrip(".")) for c in captions(file, kind)] == list(range(1, len(captions(file, kind)) + 1))
    codes = [f.get(f"{W}instr") for f in file.element.body.iter(f"{W}fldSimple")]
    assert set(codes) == {"SEQ Table \\* ARABIC", "SEQ Figure \\* ARABIC"}


def test_tables_say_what_those_of_the_page_say(file: Any, page: Page) -> None:
    shown = [plain(c.text) for t in file.tables for r in t.rows for c in r.cells]
    cells = {plain(e.text) for e in page.all("td") if plain(e.text)}
    assert len(cells) > 60 and cells <= set(shown)


def test_pictures_have_their_text_and_fit_the_page(file: Any, page: Page) -> None:
    described = [plain(t.text) for t in page.all("title") if "svg" in t.parents]
    pictures = [s._inline.docPr for s in file.inline_shapes]
    assert [plain(p.get("descr")) for p in pictures] == described and len({p.get("id") for p in pictures}) == len(pictures)
    sheet = file.sections[0]
    assert sheet.page_width.mm == pytest.approx(210, abs=0.1) and sheet.page_height.mm == pytest.approx(297, abs=0.1)
    assert all(s.width <= sheet.page_width - sheet.left_margin - sheet.right_margin for s in file.inline_shapes)


@pytest.mark.parametrize(("name", "language"), [("report.docx", "en-GB"), ("report.nl.docx", "nl-NL")])
def test_language_is_set_and_nobody_is_named(folder: Path, name: str, language: str) -> None:
    file = python_docx.Document(str(folder / name))
    assert file.styles.element.find(f".//{W}lang").get(f"{W}val") == language
    about = file.core_properties
    assert (about.author, about.last_modified_by, about.comments, about.language) == ("", "", "", language)
    assert about.title == content().title and about.created.isoformat().startswith("2026-11-22T10:15:00")


def test_a_report_drawn_again_has_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = save_report(load_content(folder), tmp_path / "again").parent
    for name in ("report.docx", "report.nl.docx"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    with zipfile.ZipFile(folder / "report.docx") as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_hostile_labels_stay_text(tmp_path: Path) -> None:
    path = save_report(hostile(), tmp_path / "hostile").parent / "report.docx"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        text = archive.read("word/document.xml").decode()
        links = archive.read("word/_rels/document.xml.rels").decode()
    assert "<script" not in text and "External" not in links
    assert any(HOSTILE[:20] in p.text for p in python_docx.Document(str(path)).paragraphs)


def test_without_python_docx_the_report_is_whole_and_asking_for_word_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word, "find_spec", lambda name: None)
    made = content(grouped=False)
    folder = save_report(made, tmp_path / "report").parent
    assert (folder / "index.html").is_file() and not (folder / "report.docx").exists()
    with pytest.raises(UsageError, match=r"pip install trialkit\[word\]"):
        save_report(made, tmp_path / "asked", word=True)
    assert not (tmp_path / "asked").exists()


def test_word_can_be_left_out(tmp_path: Path) -> None:
    assert not (save_report(content(grouped=False), tmp_path / "report", word=False).parent / "report.docx").exists()
