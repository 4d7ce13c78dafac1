"""A report on disk: the page, every number, tables and figures, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialkit.errors import FileReadError
from trialkit.io.write import atomic_folder, atomic_text, write_csv
from trialkit.report.content import CONTENT_VERSION, ReportContent

Progress = Callable[[str, int, int], None]


def save_report(content: ReportContent, target: str | os.PathLike[str], *, progress: Progress | None = None) -> Path:
    """Write a report into a folder: index.html, results.json, tables/, figures/, plan/ (plan, lock and what belongs to them) and bundle.json.

    The page and figures are drawn from results.json as it is written, so that everything a reader sees stands in that file.

    Parameters
    ----------
    content : what a run of a plan gives, or `load_content`.
    target : folder; an earlier report there is replaced when the new one is complete.
    progress : called with (what, step, steps).

    Returns
    -------
    Path
        Of index.html.

    Raises
    ------
    UsageError
        The target is a file, or a folder with files that trialkit did not write.

    Examples
    --------
    >>> path = save_report(plan.run("wave1.sav"), "report")                                    # doctest: +SKIP
    """
    from trialkit.report.bundle import seal, write_plan_files

    text = results_text(content)
    told = content_of(json.loads(text))
    with atomic_folder(target) as folder:
        atomic_text(folder / "results.json", text)
        _write_tables(told, folder / "tables")
        page = _write_figures(told, folder / "figures", progress or (lambda what, step, steps: None))
        atomic_text(folder / "index.html", page)
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
    except ValueError as error:
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
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
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


def _write_figures(content: ReportContent, folder: Path, progress: Progress) -> str:
    """Write every figure in both forms; the page that holds them."""
    from trialkit.report.assemble import assemble
    from trialkit.report.drawings import drawn, names
    from trialkit.report.html import page
    from trialkit.report.view import View

    view = View(content)
    steps = len(names(view)) + 1
    folder.mkdir()
    svgs: dict[str, str] = {}
    for figure in drawn(view, lambda name: progress(name, len(svgs), steps)):
        atomic_text(folder / f"{figure.name}.svg", figure.svg)
        (folder / f"{figure.name}.png").write_bytes(figure.png)
        svgs[figure.name] = figure.svg
    progress("index.html", len(svgs), steps)
    text = page(assemble(view), svgs, view.words)
    progress("done", steps, steps)
    return text
