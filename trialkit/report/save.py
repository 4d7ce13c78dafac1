"""The report that a run gives, and the same report on disk: the page, every number, tables and figures, written whole or not at all."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trialkit.errors import FileReadError, UsageError
from trialkit.io.write import atomic_folder, atomic_text
from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.report.content import CONTENT_VERSION, ReportContent
from trialkit.report.content.counts import refuse_contradictions
from trialkit.report.content.departures import unplanned
from trialkit.report.words.english import ENGLISH
from trialkit.report.words.languages import asked_languages, page_name
from trialkit.report.writing.bundle import plan_files, seal, write_plan_files
from trialkit.report.writing.docx import ABSENT, is_there
from trialkit.results import Result

if TYPE_CHECKING:
    from trialkit.report.writing.folder import Progress


@dataclass(frozen=True, repr=False)
class Report(ReportContent):
    """What `plan.run` gives: the content of a report, to look at, to add to and to save.

    Examples
    --------
    >>> plan.run("wave1.sav").save("report")                                                   # doctest: +SKIP
    """

    def with_unplanned(self, name: str, result: Result, *, reason: str, by: str = "", at: datetime | None = None) -> Self:
        """The same content with an analysis that was not planned; it is marked so wherever it appears.

        Parameters
        ----------
        name
            What it is, in words; each name once.
        result
            Any result of trialkit.
        reason
            Why it was done, such as a question of a reviewer.
        by, at
            Who added it, and when; unsaid: nobody named, now.

        Raises
        ------
        UsageError
            For an empty name or reason, a name that is taken, or something that is no result.

        Examples
        --------
        >>> report = report.with_unplanned("Without the pilot groups", found, reason="A reviewer asked.")   # doctest: +SKIP
        """
        added = unplanned(name, result, reason=reason, by=by, at=at, taken=[u.name for u in self.departures.unplanned])
        return replace(self, departures=replace(self.departures, unplanned=(*self.departures.unplanned, added)))

    def save(
        self,
        target: str | Path,
        *,
        language: str | Sequence[str] | None = None,
        word: bool | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the report folder: index.html, report.docx, results.json, tables/ and figures/. An older report is replaced as a whole; returns the path of index.html.

        `language` is 'en', 'nl' or both, the first of them on index.html; unsaid: the languages of the plan. `word` writes report.docx too; unsaid: where python-docx is installed.
        """
        return save_report(self, target, language=language, word=word, progress=progress)

    def __str__(self) -> str:
        lines = [self.title, f"  plan: {self.lock.sentence}"]
        if self.blinding:
            lines.insert(0, ENGLISH.blinding_mark(str(self.blinding["mark"])))
        for o in self.outcomes:
            lines.append(f"{o.role}: {o.label}")
            for e in o.result.estimates:
                adjusted = e.extra.get("p_adjusted")
                family = f", family-adjusted p {p_text(adjusted)}" if adjusted is not None else ""
                lines.append(f"  {e.contrast}: {interval_text(e)}; {test_text(e)}{family}")
        lines += [f"not planned: {u.name}" for u in self.departures.unplanned]
        lines += [f"not run: {part}" for part in self.not_run]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown = self.tidy()[
            ["name", "role", "contrast", "estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "n", "n_groups"]
        ]
        table = shown.to_html(index=False, border=0, float_format=number, escape=True, na_rep="")
        return f"<div><strong>{html.escape(self.title)}</strong>{table}</div>"


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
    from trialkit.report.disclosure.published import published
    from trialkit.report.writing.folder import sealed_with, write_language, write_tables

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
        write_tables(told, folder / "tables")
        (folder / "figures").mkdir()
        for name in languages:
            page = write_language(told, folder, progress or (lambda what, step, steps: None), name, languages, in_word)
            atomic_text(folder / page_name(name, languages), page)
        write_plan_files(folder, content.attached)
        seal(folder, sealed_with(content))
    return Path(target).expanduser() / "index.html"


def load_content(path: str | os.PathLike[str]) -> Report:
    """The content of a saved report, from its results.json or the folder that holds it.

    Raises
    ------
    FileReadError
        The file is absent, no JSON, or not the results of a report.

    Examples
    --------
    >>> save_report(load_content("report/results.json"), "report_again")                       # doctest: +SKIP
    """
    place = Path(path).expanduser()
    place = place / "results.json" if place.is_dir() else place
    try:
        stored = json.loads(place.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise FileReadError(f"there is no file '{place}': name the folder of a report, or the results.json in it.") from error
    except OSError as error:
        raise FileReadError(
            f"'{place}' cannot be read ({error.strerror or error}): name the results.json of a report."
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileReadError(
            f"'{place}' is no JSON ({error}): it may be truncated; make the report again with trialkit run."
        ) from error
    return replace(content_of(stored, str(place)), attached=plan_files(place.parent))


def content_of(stored: Any, where: str = "the content") -> Report:
    """The report whose `to_dict` this is, with every class of result known."""
    version = stored.get("content_version") if isinstance(stored, Mapping) else None
    if version != CONTENT_VERSION:
        told = "is not the results.json of a report"
        if version is not None:
            told = f"was written by another version of trialkit (form {version!r}; this version reads {CONTENT_VERSION})"
        raise FileReadError(f"{where} {told}: make the report again with trialkit run.")
    try:
        return Report.from_dict(stored)
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise FileReadError(
            f"{where} lacks parts of a report{lacking(error)}: make the report again with trialkit run."
        ) from error


def lacking(error: Exception) -> str:
    """The entry that was looked for and is not there, in brackets; nothing where that is not what went wrong."""
    return f" (it lacks '{error.args[0]}')" if isinstance(error, KeyError) and error.args else ""


def results_text(content: ReportContent) -> str:
    """Strict JSON in UTF-8, keys in the order of the report; the same content gives the same text."""
    text = json.dumps(content.to_dict(), ensure_ascii=False, allow_nan=False, indent=1)
    # Halves of characters, which UTF-8 cannot hold, become replacement characters.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") + "\n"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
