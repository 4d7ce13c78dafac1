"""Documents after the analysis, from a report: checklist, populated plan, verdicts and work sheet, each as a page, for Word and as data."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trialkit.errors import UsageError, nearest, shown
from trialkit.io.write import atomic_folder, atomic_text
from trialkit.report.assemble import assemble
from trialkit.report.checklists.marks import concerning
from trialkit.report.checklists.movisie import sheet
from trialkit.report.content import ReportContent
from trialkit.report.document import Block, Document, Fold, Links, Row, Section, Table, Text
from trialkit.report.sections.checklists import LISTS, answers, checklists
from trialkit.report.sections.planned_tests import planned_tests
from trialkit.report.sections.standards import eef, wwc
from trialkit.report.view import View
from trialkit.report.words.languages import LANGUAGES, words_of
from trialkit.report.writing.docx import is_there, word_bytes
from trialkit.report.writing.html import page
from trialkit.results import plain

__all__ = ["KINDS", "export_report"]


@dataclass(frozen=True, slots=True)
class Exported:
    """A document of one kind: its section and its data."""

    section: Section
    data: dict[str, Any]


def export_report(
    content: ReportContent, kinds: Sequence[str], target: str | os.PathLike[str], *, language: str = "en"
) -> tuple[Path, ...]:
    """Write documents into a folder, whole or not at all: each as .html, as .docx where python-docx is installed, and as .json.

    Parameters
    ----------
    content : what a run of a plan gives, or `load_content`.
    kinds : 'consort' (CONSORT 2025 with its extensions for clusters and for social interventions), 'pap' (the populated plan), 'wwc', 'eef', 'movisie', or
        'all'.
    target : folder; earlier documents there are replaced.
    language : 'en' or 'nl'; the work sheet of Movisie is in Dutch.

    Returns
    -------
    tuple of Path

    Raises
    ------
    UsageError
        Another kind or language, or a report that does not hold what a document needs.

    Examples
    --------
    >>> export_report(load_content("report"), ["consort", "pap"], "documents")                 # doctest: +SKIP
    """
    wanted = KINDS if "all" in kinds else tuple(dict.fromkeys(kinds))
    for kind in wanted:
        if kind not in KINDS:
            near = nearest(kind, (*KINDS, "all"))
            raise UsageError(
                f"there is no document '{kind}' of a report; there are {shown((*KINDS, 'all'), 20)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    if language not in LANGUAGES:
        raise UsageError(f"documents are written in en or nl, not in {language!r}.")
    made = {kind: _document(content, kind, "nl" if kind == "movisie" else language) for kind in wanted}
    names = []
    with atomic_folder(target) as folder:
        for kind, (document, data) in made.items():
            words = words_of(document.language)
            atomic_text(folder / f"{kind}.html", page(document, {}, words))
            atomic_text(folder / f"{kind}.json", json.dumps(plain(data), ensure_ascii=False, allow_nan=False, indent=1) + "\n")
            names += [f"{kind}.html", f"{kind}.json"]
            if is_there():
                (folder / f"{kind}.docx").write_bytes(word_bytes(document, {}, words, created=content.created))
                names.append(f"{kind}.docx")
    return tuple(Path(target).expanduser() / name for name in names)


def _document(content: ReportContent, kind: str, language: str) -> tuple[Document, dict[str, Any]]:
    view = View(content, words_of(language))
    whole = assemble(view)
    found = _MAKERS[kind](view, frozenset(s.id for s in whole.sections))
    alone = replace(found.section, blocks=tuple(_unlinked(b) for b in found.section.blocks))
    head = {
        "document": kind,
        "language": language,
        "title": content.title,
        "plan_hash": content.lock.plan_hash,
        "created": content.created,
    }
    return replace(whole, sections=(alone,)), head | found.data


def _unlinked(block: Block) -> Block:
    """The block by itself: folds opened up, links to sections that are elsewhere as text, and no file beside it."""
    if isinstance(block, Fold):
        return replace(block, blocks=tuple(_unlinked(b) for b in block.blocks))
    if isinstance(block, Table):
        rows = tuple(Row(tuple(str(c) if isinstance(c, Links) else c for c in r.cells), r.style, r.beneath) for r in block.rows)
        return replace(block, rows=rows, file="")
    return block


def _open(section: Section) -> Section:
    blocks: list[Block] = []
    for block in section.blocks:
        blocks += block.blocks if isinstance(block, Fold) else (block,)
    return replace(section, blocks=tuple(blocks))


def _consort(view: View, present: frozenset[str]) -> Exported:
    lists = {name: [a.to_dict() for a in answers(view, name, present)] for name in LISTS}
    return Exported(_open(checklists(view, present)), {"lists": lists, "note": view.words.extension_note})


def _pap(view: View, present: frozenset[str]) -> Exported:
    found, tests = planned_tests(view), view.content.after.tests
    if found is None or tests is None:
        raise UsageError(
            "this report has no planned tests: it was made without a plan or by an earlier version; run the plan again."
        )
    rows = [dict(r) | {"deviations": concerning(view.content, r, "not logged")} for r in tests.table]
    unplanned = [u.to_dict() for u in view.content.departures.unplanned]
    return Exported(_open(found), {"tests": rows, "unplanned": unplanned})


def _wwc(view: View, present: frozenset[str]) -> Exported:
    found = view.content.after.wwc
    if found is None:
        raise UsageError(
            "this report has no verdict of the What Works Clearinghouse: it was made by an earlier version; run the plan again."
        )
    section = Section("wwc", view.words.wwc_title, view.words.wwc_title, (Text(view.words.standards_intro), *wwc(view)))
    return Exported(_open(section), {"rows": [dict(r) for r in found.table]})


def _eef(view: View, present: frozenset[str]) -> Exported:
    found = view.content.after.eef
    if found is None:
        raise UsageError(
            "this report has no lines for the Education Endowment Foundation: it was made by an earlier version; run the plan again."
        )
    section = Section("eef", view.words.eef_title, view.words.eef_title, (Text(view.words.eef_intro), eef(view)))
    return Exported(section, {"rows": [dict(r) for r in found.table]})


def _movisie(view: View, present: frozenset[str]) -> Exported:
    section = sheet(view)
    table = next(b for b in section.blocks if isinstance(b, Table))
    rows = [dict(zip(("topic", "said", "to_write"), (str(c) for c in r.cells))) for r in table.rows]
    return Exported(section, {"rows": rows})


_MAKERS: dict[str, Callable[[View, frozenset[str]], Exported]] = {
    "consort": _consort,
    "pap": _pap,
    "wwc": _wwc,
    "eef": _eef,
    "movisie": _movisie,
}
KINDS = tuple(_MAKERS)
