"""The plan in words as paragraphs: its sentences stand each by itself, under the headings and names they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.report.document import Block, Clause, Clauses, Fold, Heading, Passage, Section, Text
from trialkit.report.sections.blocks import section
from trialkit.report.view import View


def plan(view: View) -> Section | None:
    """The plan in words, folded."""
    if not view.content.plan_text:
        return None
    words = view.words
    return section(view, "plan", [Text(words.plan_intro), Fold(words.plan_fold, tuple(paragraphs(view.plan_text)))])


def paragraphs(text: str) -> Iterator[Block]:
    """Blocks of a text whose headings begin a line, whose sentences are indented by two signs and go on indented by more.

    The lines were wrapped for a terminal; here every sentence is whole again.
    """
    clauses: list[Clause] = []
    for depth, sentence in _whole(text):
        if depth:
            # a sentence without a full stop names what the next ones are about, such as an outcome
            clauses.append(Clause(_as(text, sentence), "body" if sentence.endswith((".", ";", ":")) else "name"))
            continue
        if clauses:
            yield Clauses(tuple(clauses))
            clauses = []
        yield Heading(_as(text, sentence))
    if clauses:
        yield Clauses(tuple(clauses))


def _whole(text: str) -> Iterator[tuple[bool, str]]:
    """Sentences, and whether each is indented."""
    depth, parts = False, list[str]()
    for line in text.splitlines():
        goes_on = line.startswith("    ") and parts
        if parts and not goes_on:
            yield depth, " ".join(parts)
            parts = []
        if line.strip():
            depth = depth if goes_on else line.startswith(" ")
            parts.append(line.strip())
    if parts:
        yield depth, " ".join(parts)


def _as(text: str, part: str) -> str:
    return Passage(part, text.language) if isinstance(text, Passage) else part
