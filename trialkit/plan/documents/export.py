"""Which documents a plan can be written as, and the folder they are written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from trialkit.errors import UsageError, nearest, shown
from trialkit.io.write import atomic_folder
from trialkit.plan.documents.code_r import r_lines
from trialkit.plan.documents.code_stata import stata_lines
from trialkit.plan.documents.form import Form
from trialkit.plan.documents.html import html_page
from trialkit.plan.documents.methods import methods
from trialkit.plan.documents.registries import aea, aspredicted, osf
from trialkit.plan.documents.sap import sap
from trialkit.plan.documents.spirit import spirit
from trialkit.plan.documents.text import plain_text
from trialkit.plan.documents.tidier import tidier
from trialkit.plan.documents.word import needs_word, word_bytes
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["DOCUMENTS", "document", "export"]

_FORMS: dict[str, Callable[[PlanRecord, Language], Form]] = {"sap": sap, "spirit": spirit, "tidier": tidier, "methods": methods}
_REGISTRIES: dict[str, Callable[[PlanRecord], Form]] = {"aea": aea, "osf": osf, "aspredicted": aspredicted}
_CODE: dict[str, tuple[str, Callable[[PlanRecord], str]]] = {"r": ("primary.R", r_lines), "stata": ("primary.do", stata_lines)}
DOCUMENTS = (*_FORMS, *_REGISTRIES, *_CODE)


def document(plan: PlanRecord, kind: str, language: str = "en") -> Form:
    """One document of a plan as data: its items, what the plan says in each and what is left to the authors.

    Parameters
    ----------
    kind : sap, spirit, tidier, methods, aea, osf or aspredicted.
    language : "en" or "nl"; the registries' texts are in English, as their forms are.

    Raises
    ------
    UsageError
        Another kind or language.

    Examples
    --------
    >>> from trialkit.plan import Plan, starter_plan
    >>> document(Plan.from_text(starter_plan()), "osf").entry("q11").said
    ('Planned are 400 people.',)
    """
    _known("document", kind, (*_FORMS, *_REGISTRIES))
    _known("language", language, ("en", "nl"))
    return _FORMS[kind](plan, cast(Language, language)) if kind in _FORMS else _REGISTRIES[kind](plan)


def export(plan: PlanRecord, kinds: Sequence[str], target: str | Path, *, language: str = "en") -> tuple[Path, ...]:
    """Write documents into a folder, whole or not at all; the folder is replaced as a whole when it is written again.

    Parameters
    ----------
    kinds : names of `DOCUMENTS`, or "all". target : the folder.
    language : "en" or "nl".

    Returns
    -------
    tuple of Path
        The files: sap, spirit, tidier and methods as .html and .docx, the registries as .txt, the lines as .R and .do.

    Raises
    ------
    UsageError
        An unknown document or language, a folder with files of others, or python-docx is missing: nothing is written then.
    """
    _known("language", language, ("en", "nl"))
    for kind in kinds:
        _known("document", kind, (*DOCUMENTS, "all"))
    if not kinds:
        raise UsageError(f"say which document: {shown((*DOCUMENTS, 'all'), 20)}.")
    wanted = tuple(dict.fromkeys(DOCUMENTS if "all" in kinds else kinds))
    if any(k in _FORMS for k in wanted):
        needs_word()
    place = Path(target).expanduser()
    names: list[str] = []
    with atomic_folder(place) as folder:
        for kind in wanted:
            for name, content in _files(plan, kind, language):
                (folder / name).write_bytes(content)
                names.append(name)
    return tuple(place / n for n in names)


def _files(plan: PlanRecord, kind: str, language: str) -> list[tuple[str, bytes]]:
    if kind in _CODE:
        name, lines = _CODE[kind]
        return [(name, lines(plan).encode("utf-8"))]
    form = document(plan, kind, language)
    if kind in _REGISTRIES:
        return [(f"{kind}.txt", plain_text(form).encode("utf-8"))]
    return [(f"{kind}.html", html_page(form).encode("utf-8")), (f"{kind}.docx", word_bytes(form))]


def _known(what: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        near = nearest(given, allowed)
        raise UsageError(
            f"there is no {what} '{given}'; there are {shown(allowed, 20)}.{f' Did you mean {near!r}?' if near else ''}"
        )
