"""A document as numbered items, apart from how it is written down. Every item says who speaks in it: the plan, the authors, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trialkit.plan.words.vocabulary import Language

__all__ = ["Entry", "Form", "Paragraph", "Part", "State"]

State = Literal["filled", "part", "author"]
Paragraph = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One item.

    Attributes
    ----------
    number, title : as the form names it. said : what the plan says, paragraphs and (as tuples) lists.
    ask : what the authors are asked to write; empty where the plan says it all.
    """

    number: str
    title: str
    said: tuple[Paragraph, ...] = ()
    ask: str = ""

    @property
    def state(self) -> State:
        """'filled' from the plan, 'part' of it, or the 'author' writes it."""
        if not self.said:
            return "author"
        return "part" if self.ask else "filled"


@dataclass(frozen=True, slots=True)
class Part:
    """Items under a heading."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A whole document.

    Attributes
    ----------
    key : name of the document and of its file. language : of the sentences.
    kicker, title : what it is, and of which trial. notices : what a reader must know first. facts : short facts, the plan's hash among them.
    references : works behind the methods. marks : the words of the three states, and of the brackets around what authors write.
    """

    key: str
    language: Language
    kicker: str
    title: str
    notices: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    references: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All items in their order."""
        return tuple(e for p in self.parts for e in p.entries)

    def entry(self, number: str) -> Entry:
        """The item of this number."""
        return next(e for e in self.entries if e.number == number)

    def mark(self, name: str) -> str:
        """A word of the form, as 'filled' or 'references'."""
        return dict(self.marks)[name]

    def asked(self, entry: Entry) -> str:
        """What the authors must write, in brackets; empty where nothing is left to them."""
        return f"[{self.mark('to_write')}: {entry.ask}]" if entry.ask else ""

    def counts(self) -> dict[State, int]:
        """How many items are in each state."""
        states = [e.state for e in self.entries]
        return {"filled": states.count("filled"), "part": states.count("part"), "author": states.count("author")}
