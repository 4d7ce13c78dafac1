"""The design memo of a plan or of power results; `tk.power.memo` is the way in."""

from __future__ import annotations

import html
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from trialkit.errors import UsageError, nearest, shown
from trialkit.io.write import atomic_text
from trialkit.power.cost import DesignCost, design_cost
from trialkit.power.curves import PowerCurve
from trialkit.power.simulation.result import SimulatedPower
from trialkit.power.uncertain import Assurance
from trialkit.report.memo.answers import answers
from trialkit.report.memo.assumptions import assumption_rows
from trialkit.report.memo.content import (
    Page,
    assurance_text,
    block,
    cost_grid,
    kept,
    question_text,
    simulated_text,
    text_of,
)
from trialkit.report.memo.figure import figure_of
from trialkit.report.memo.page import html_page
from trialkit.report.memo.questions import Question, questions
from trialkit.report.memo.references import references
from trialkit.report.words.en.memo import MemoWords
from trialkit.results import Result, plain

_HOMES = {"en": ("words.en.memo", "ENGLISH_MEMO"), "nl": ("words.nl.memo", "DUTCH_MEMO")}


@dataclass(frozen=True)
class DesignMemo:
    """A page on sample size and power.

    Attributes
    ----------
    page : what it says, as data. results : (name, result) of every result that a number of the page comes from.
    language : "en" or "nl".

    Examples
    --------
    >>> found = tk.power.grouped(effect=0.4, groups=12, group_size=12, controls=144, icc=0.05)
    >>> "12 groepen van 12" in tk.power.memo(found, language="nl").html
    True
    """

    page: Page
    results: tuple[tuple[str, Result], ...]
    language: str
    words: MemoWords = field(repr=False)
    figures: tuple[Any, ...] = field(repr=False, compare=False)

    @cached_property
    def html(self) -> str:
        """The page as HTML that needs nothing else; it prints on A4."""
        return html_page(self.page, self.figures, self.words)

    def __str__(self) -> str:
        return text_of(self.page)

    def _repr_html_(self) -> str:
        # in a frame of its own, so that its styles stay out of the notebook
        return f'<iframe srcdoc="{html.escape(self.html)}" style="width: 100%; height: 70rem; border: 0"></iframe>'

    def to_dict(self) -> dict[str, Any]:
        """Language, text, and every result behind the page."""
        found: dict[str, Any] = plain(
            {
                "kind": "design_memo",
                "language": self.language,
                "text": str(self),
                "results": {k: r.to_dict() for k, r in self.results},
            }
        )
        return found

    def save(self, target: str | os.PathLike[str]) -> Path:
        """Write the memo as .html or .docx, whole or not at all.

        Raises
        ------
        UsageError
            Another ending, a folder that does not exist, or a .docx without python-docx.
        """
        path = checked_place(target)
        if path.suffix.lower() == ".html":
            atomic_text(path, self.html)
            return path
        from trialkit.report.memo.word import word_bytes

        _atomic_bytes(path, word_bytes(self.page, self.figures, self.words))
        return path


def checked_place(target: str | os.PathLike[str]) -> Path:
    """Where a memo can be written, or an error that says why not there."""
    path = Path(target).expanduser()
    if path.suffix.lower() not in (".html", ".docx"):
        raise UsageError(f"a memo is saved as .html or .docx, not as '{path.name}'. Write, for instance, memo.html.")
    if not path.parent.is_dir():
        raise UsageError(f"the folder '{path.parent}' does not exist. Make it first, or choose another place for {path.name}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder where a file is to be written. Give the name of a file in it.")
    return path


def memo(
    what: Any,
    *,
    language: str = "en",
    title: str | None = None,
    outcomes: Sequence[str] | str | None = None,
    question: str | None = None,
    unit: str | None = None,
    sources: Mapping[str, str] | None = None,
    costs: Mapping[str, float] | None = None,
    currency: str = "€",
    simulated: SimulatedPower | None = None,
    curve: PowerCurve | None = None,
    assurance: Assurance | None = None,
) -> DesignMemo:
    """A design memo; `tk.power.memo` says what each argument is."""
    w = _words(language)
    _of_kind("simulated", simulated, SimulatedPower, "tk.power.simulate")
    _of_kind("curve", curve, PowerCurve, "tk.power.curve")
    _of_kind("assurance", assurance, Assurance, "tk.power.assurance")
    asked = questions(what, outcomes)
    _known_sources(w, asked, sources or {})
    found = [None if q.shown is None else answers(q) for q in asked]
    pairs = [(q, a) for q, a in zip(asked, found) if a is not None]
    named = len(asked) > 1 or (question is not None and bool(asked[0].label))
    drawn = [None if a is None else figure_of(w, q, a, curve) for q, a in zip(asked, found)]
    blocks = [
        replace(block(w, q, a, unit, sources or {}, named), picture=None if d is None else (d[1], d[2]))
        for q, a, d in zip(asked, found, drawn)
    ]
    cost = None if costs is None else _cost([q for q, _ in pairs], costs)
    extra = [
        *([] if simulated is None else [simulated_text(w, simulated)]),
        *([] if assurance is None else [assurance_text(w, assurance)]),
    ]
    spec = getattr(what, "spec", what if hasattr(what, "primary") else None)
    page = Page(
        kicker=w.kicker,
        title=title or (w.title if spec is None else spec.trial.title),
        question=(question,) if question else question_text(w, asked, None if spec is None else spec.trial.population),
        blocks=tuple(blocks),
        extra=tuple(extra),
        costs=None if cost is None else cost_grid(w, cost, currency),
        references=references(pairs, assurance is not None),
        made_with=w.made_with.format(version=import_module("trialkit").__version__),
    )
    more: dict[str, Result | None] = {"simulated": simulated, "assurance": assurance, "given_curve": curve, "cost": cost}
    figures = tuple(None if d is None else d[0] for d in drawn)
    return DesignMemo(page, tuple(kept(list(zip(asked, found)), more)), language, w, figures)


def _cost(asked: Sequence[Question], costs: Mapping[str, float]) -> DesignCost:
    """The costs of the one design that all outcomes share."""
    found = [design_cost(q.result, costs) for q in asked]
    if any(f.total != found[0].total for f in found):
        raise UsageError("costs are those of one design, and these results have different ones: make a memo for each.")
    return found[0]


def _words(language: str) -> MemoWords:
    if language not in _HOMES:
        near = nearest(str(language), _HOMES)
        raise UsageError(
            f"there is no memo in language {language!r}: it speaks {shown(_HOMES)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    module, name = _HOMES[language]
    words: MemoWords = getattr(import_module(f"trialkit.report.{module}"), name)
    return words


def _of_kind(name: str, value: Any, kind: type, maker: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{name} must be what {maker} returns; it is a {type(value).__name__}.")


def _known_sources(w: MemoWords, asked: Sequence[Question], sources: Mapping[str, str]) -> None:
    known = {row.key for q in asked if q.shown is not None for row in assumption_rows(w, q)}
    for key in sources:
        if key not in known:
            near = nearest(key, known)
            raise UsageError(
                f"sources names '{key}', which is no assumption of this memo; it has {shown(sorted(known), 12)}.{f' Did you mean {near!r}?' if near else ''}"
            )


def _atomic_bytes(path: Path, content: bytes) -> None:
    """Whole or not at all, as `trialkit.io.write.atomic_text` writes text."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
