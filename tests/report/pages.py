"""Reading a page as a reader's program does: visible text by section, elements with their attributes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br", "hr", "img", "link", "use"}


@dataclass
class Element:
    """An element with its text, that of its children included."""

    tag: str
    attributes: dict[str, str]
    section: str
    parents: tuple[str, ...]
    text: str = ""
    children: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """All elements of a page in order; fails on tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        assert not self._open, [e.tag for e in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {k: v or "" for k, v in attrs}
        section = next((e.attributes.get("id", "") for e in reversed(self._open) if e.tag == "section"), "")
        element = Element(
            tag, attributes, attributes.get("id", "") if tag == "section" else section, tuple(e.tag for e in self._open)
        )
        if self._open:
            self._open[-1].children.append(tag)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1].tag == tag, (tag, [e.tag for e in self._open])
        self.handle_data(" ")  # what ends one element does not run into the next
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [e for e in self.elements if e.tag in tags]

    def section(self, name: str) -> str:
        """The text of a section."""
        return next(e.text for e in self.elements if e.tag == "section" and e.attributes["id"] == name)


_NUMBER = re.compile(r"(?<![\w.])([−-]?\d{1,3}(?:,\d{3})+|[−-]?\d*\.\d+|[−-]?\d+)(?![\w])")


def numbers(text: str) -> list[str]:
    """The numbers of a text as they are printed."""
    return _NUMBER.findall(text)


def leaves(content: Any) -> set[float]:
    """Every number in a JSON value, those inside its texts included."""
    if isinstance(content, dict):
        return set().union(*(leaves(v) for v in content.values())) if content else set()
    if isinstance(content, list):
        return set().union(*(leaves(v) for v in content)) if content else set()
    if isinstance(content, str):
        return {_value(t) for t in numbers(content)}
    return set() if content is None or isinstance(content, bool) else {float(content)}


def found(printed: str, known: set[float]) -> bool:
    """Whether a printed number is a known one rounded to its decimals, as it is or times a hundred, with or without its sign."""
    value, decimals = abs(_value(printed)), len(printed.partition(".")[2])
    half = 0.5 * 10.0**-decimals * (1 + 1e-9) + 1e-12
    return any(abs(factor * abs(k) - value) <= half for k in known if math.isfinite(k) for factor in (1, 100))


def _value(printed: str) -> float:
    return float(printed.replace("−", "-").replace(",", ""))
