"""The parts of a report's folder: tables, figures, pages, and what bundle.json says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialkit.io.write import atomic_text, write_csv
from trialkit.report.assemble import assemble
from trialkit.report.content import ReportContent
from trialkit.report.drawings import drawn, names
from trialkit.report.tables.frames import frames
from trialkit.report.view import View
from trialkit.report.words.languages import page_name, words_of
from trialkit.report.writing.docx import word_bytes
from trialkit.report.writing.html import page

Progress = Callable[[str, int, int], None]


def write_tables(content: ReportContent, folder: Path) -> None:
    """Every table with rows, a CSV file each."""
    folder.mkdir()
    for name, frame in frames(content):
        write_csv(frame, folder / f"{name}.csv")


def write_language(
    content: ReportContent, folder: Path, progress: Progress, language: str, languages: Sequence[str], in_word: bool
) -> str:
    """Write every figure in both forms and the Word file; the page that holds them. Files of a second language carry its name: forest.nl.svg."""
    view = View(content, words_of(language))
    steps = len(names(view)) + 1 + in_word
    mark = "" if language == languages[0] else f".{language}"
    svgs: dict[str, str] = {}
    pngs: dict[str, bytes] = {}
    for figure in drawn(view, lambda name: progress(name, len(svgs), steps)):
        atomic_text(folder / "figures" / f"{figure.name}{mark}.svg", figure.svg)
        (folder / "figures" / f"{figure.name}{mark}.png").write_bytes(figure.png)
        svgs[figure.name], pngs[figure.name] = figure.svg, figure.png
    progress(page_name(language, languages), len(svgs), steps)
    others = tuple(
        (other, words_of(other).this_language, page_name(other, languages)) for other in languages if other != language
    )
    document = assemble(view)
    text = page(replace(document, others=others), svgs, view.words)
    if in_word:
        progress("report.docx", len(svgs) + 1, steps)
        (folder / f"report{mark}.docx").write_bytes(word_bytes(document, pngs, view.words, created=content.created))
    progress("done", steps, steps)
    return text


def sealed_with(content: ReportContent) -> dict[str, Any]:
    """What bundle.json says of the report besides its files."""
    lock, data = content.lock, content.data
    return {
        "title": content.title, "created": content.created, "plan_hash": lock.plan_hash, "level": lock.level, "manifest_hash": lock.manifest_hash,
        "data": {key: data[key] for key in ("file", "sha256", "content_sha256", "fingerprint_sha256") if key in data},
    }  # fmt: skip
