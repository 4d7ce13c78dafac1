"""The plan in words stands in the report as whole sentences under their headings, and nothing of it is lost."""

from __future__ import annotations

import io

import pytest

from tests.report.contents import content as made
from trialkit.report.assemble import assemble
from trialkit.report.document import Clause, Clauses, Fold, Heading, Passage
from trialkit.report.sections.plan_in_words import paragraphs
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH
from trialkit.report.words.english import ENGLISH

TOLD = """Savings circles
  Randomized: people with debts who asked
    a municipality for help.

Outcomes
  'stress' (primary, family 'money')
  Among all randomized people the difference
    in the mean; nothing else.
  Higher is better."""


def test_wrapped_lines_become_whole_sentences_under_their_heading() -> None:
    assert list(paragraphs(TOLD)) == [
        Heading("Savings circles"),
        Clauses((Clause("Randomized: people with debts who asked a municipality for help."),)),
        Heading("Outcomes"),
        Clauses(
            (
                Clause("'stress' (primary, family 'money')", "name"),
                Clause("Among all randomized people the difference in the mean; nothing else."),
                Clause("Higher is better."),
            )
        ),
    ]


@pytest.mark.parametrize("text", [TOLD, "", "\n\n", "  only one", "a\n    b\nc\n\n  d", "\tx\n  y.\n    z\n"])
def test_no_word_is_lost(text: str) -> None:
    blocks = list(paragraphs(text))
    shown = [
        b.text if isinstance(b, Heading) else " ".join(c.text for c in b.items)
        for b in blocks
        if isinstance(b, (Heading, Clauses))
    ]
    assert " ".join(shown).split() == text.split()


def test_a_plan_told_in_english_stays_marked_as_english() -> None:
    for block in paragraphs(Passage(TOLD, "en")):
        parts = (
            [block.text] if isinstance(block, Heading) else [c.text for c in block.items] if isinstance(block, Clauses) else []
        )
        assert parts and all(isinstance(p, Passage) and p.language == "en" for p in parts)


def test_page_and_word_file_hold_the_sentences_and_no_preformatted_plan() -> None:
    docx = pytest.importorskip("docx")
    from dataclasses import replace

    from trialkit.report.writing.docx import word_bytes

    content = replace(made(), plan_text=TOLD)
    for words in (ENGLISH, DUTCH):
        document = assemble(View(content, words))
        section = next(s for s in document.sections if s.id == "plan")
        assert [type(b).__name__ for b in section.blocks] == ["Text", "Fold"]
        only = replace(document, sections=(section,))
        fold = section.blocks[1]
        assert isinstance(fold, Fold) and any(isinstance(b, Clauses) for b in fold.blocks)
        file = docx.Document(io.BytesIO(word_bytes(only, {}, words)))
        told = {p.text: p for p in file.paragraphs if p.style.name == "Clause"}
        assert set(told) == {c.text for b in fold.blocks if isinstance(b, Clauses) for c in b.items}
        assert told["'stress' (primary, family 'money')"].runs[0].bold and not told["Higher is better."].runs[0].bold
        assert file.styles["Clause"].paragraph_format.first_line_indent < 0
