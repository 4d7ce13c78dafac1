"""A report on disk: the page, every number, tables and figures, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialkit.errors import FileReadError, UsageError
from trialkit.io.write import atomic_folder, atomic_text, write_csv
from trialkit.report.content import CONTENT_VERSION, ReportContent
from trialkit.report.counts import refuse_contradictions
from trialkit.report.languages import asked_languages, page_name, words_of

Progress = Callable[[str, int, int], None]


def save_report(
    content: ReportContent,
    target: str | os.PathLike[str],
    *,
    language: str | Sequence[str] | None = None,
    word: bool | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a report into a folder: index.html, results.json, tables/, figures/, plan/ (plan, lock and what belongs to them) and bundle.json.

    The page and figures are drawn from results.json as it is written, so that everything a reader sees stands in that file.
    Where the plan names a [report] minimum_cell, small counts are withheld from every file; the content itself keeps them.

    Parameters
    ----------
    content : what a run of a plan gives, or `load_content`.
    target : folder; an earlier report there is replaced when the new one is complete.
    language : 'en', 'nl' or both; the first is on index.html, the other on a page of its own (index.nl.html), linked to each other. By
        default the languages of the plan.
    word : also write report.docx (report.nl.docx for a second language). By default where python-docx is installed.
    progress : called with (what, step, steps).

    Returns
    -------
    Path
        Of index.html.

    Raises
    ------
    UsageError
        A language that reports are not written in; `word` is asked for and python-docx is not installed; the target is a file, or a folder with files that trialkit did not write.
    EstimationError
        Counts of the report contradict each other.

    Examples
    --------
    >>> path = save_report(plan.run("wave1.sav"), "report")                                    # doctest: +SKIP
    """
    from trialkit.report.bundle import seal, write_plan_files
    from trialkit.report.disclosure.published import published
    from trialkit.report.docx import ABSENT, is_there

    if word and not is_there():
        raise UsageError(ABSENT)
    in_word = is_there() if word is None else word
    languages = asked_languages(language, content.languages)
    content = published(replace(content, languages=languages))
    refuse_contradictions(content)
    text = results_text(content)
    told = content_of(json.loads(text))
    with atomic_folder(target) as folder:
        atomic_text(folder / "results.json", text)
        _write_tables(told, folder / "tables")
        (folder / "figures").mkdir()
        for name in languages:
            page = _write_language(told, folder, progress or (lambda what, step, steps: None), name, languages, in_word)
            atomic_text(folder / page_name(name, languages), page)
        write_plan_files(folder, content.attached)
        seal(folder, _sealed_with(content))
    return Path(target).expanduser() / "index.html"


def load_content(path: str | os.PathLike[str]) -> ReportContent:
    """The content of a saved report, from its results.json or the folder that holds it.

    Raises
    ------
    FileReadError
        The file is absent, no JSON, or not the results of a report.

    Examples
    --------
    >>> save_report(load_content("report/results.json"), "report_again")                       # doctest: +SKIP
    """
    from trialkit.report.bundle import plan_files

    place = Path(path).expanduser()
    place = place / "results.json" if place.is_dir() else place
    try:
        stored = json.loads(place.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise FileReadError(
            f"'{place}' cannot be read ({error.strerror or error}): name the results.json of a report."
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileReadError(
            f"'{place}' is no JSON ({error}): it may be truncated; make the report again with trialkit run."
        ) from error
    return replace(content_of(stored, str(place)), attached=plan_files(place.parent))


def content_of(stored: Any, where: str = "the content") -> ReportContent:
    """The content that `ReportContent.to_dict` wrote, with every class of result known."""

    version = stored.get("content_version") if isinstance(stored, Mapping) else None
    if version != CONTENT_VERSION:
        raise FileReadError(
            f"{where} is not the results.json of a report that this version of trialkit reads (content_version {version!r}, "
            f"expected {CONTENT_VERSION}): make the report again with trialkit run."
        )
    try:
        return ReportContent.from_dict(stored)
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise FileReadError(f"{where} lacks parts of a report ({error!r}): make the report again with trialkit run.") from error


def _sealed_with(content: ReportContent) -> dict[str, Any]:
    """What bundle.json says of the report besides its files."""
    lock, data = content.lock, content.data
    return {
        "title": content.title, "created": content.created, "plan_hash": lock.plan_hash, "level": lock.level, "manifest_hash": lock.manifest_hash,
        "data": {key: data[key] for key in ("file", "sha256", "content_sha256", "fingerprint_sha256") if key in data},
    }  # fmt: skip


def results_text(content: ReportContent) -> str:
    """Strict JSON in UTF-8, keys in the order of the report; the same content gives the same text."""
    text = json.dumps(content.to_dict(), ensure_ascii=False, allow_nan=False, indent=1)
    # Halves of characters, which UTF-8 cannot hold, become replacement characters.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") + "\n"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _write_tables(content: ReportContent, folder: Path) -> None:
    from trialkit.report.tables import frames

    folder.mkdir()
    for name, frame in frames(content):
        write_csv(frame, folder / f"{name}.csv")


def _write_language(
    content: ReportContent, folder: Path, progress: Progress, language: str, languages: Sequence[str], in_word: bool
) -> str:
    """Write every figure in both forms and the Word file; the page that holds them. Files of a second language carry its name: forest.nl.svg."""
    from trialkit.report.assemble import assemble
    from trialkit.report.drawings import drawn, names
    from trialkit.report.html import page
    from trialkit.report.view import View

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
        from trialkit.report.docx import word_bytes

        progress("report.docx", len(svgs) + 1, steps)
        (folder / f"report{mark}.docx").write_bytes(word_bytes(document, pngs, view.words, created=content.created))
    progress("done", steps, steps)
    return text
