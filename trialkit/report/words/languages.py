"""The languages of a report: the words of each, and the names of its pages."""

from __future__ import annotations

from collections.abc import Sequence

from trialkit.errors import UsageError
from trialkit.report.words.english import ENGLISH, English

__all__ = ["LANGUAGES", "asked_languages", "page_name", "words_of"]

LANGUAGES = ("en", "nl")


def words_of(language: str) -> English:
    """The words of a language."""
    if language == "nl":
        from trialkit.report.words.dutch import DUTCH

        return DUTCH
    return ENGLISH


def asked_languages(language: str | Sequence[str] | None, planned: Sequence[str]) -> tuple[str, ...]:
    """The languages to write a report in, the first of them on index.html; unsaid: those of the plan.

    Raises
    ------
    UsageError
        A language that reports are not written in.
    """
    said = planned if language is None else (language,) if isinstance(language, str) else language
    unknown = [name for name in said if name not in LANGUAGES]
    if unknown or not said:
        raise UsageError(
            f"a report is written in {' or '.join(LANGUAGES)}, not in {', '.join(map(repr, unknown)) or 'no language'}."
        )
    return tuple(dict.fromkeys(said))


def page_name(language: str, languages: Sequence[str]) -> str:
    """'index.html' for the first language, 'index.nl.html' for another."""
    return "index.html" if language == languages[0] else f"index.{language}.html"
