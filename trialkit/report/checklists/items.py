"""The items of a checklist and what a report answers to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.report.view import View

Status = Literal["auto", "partly", "author", "not_applicable"]
STATUSES: tuple[Status, ...] = ("auto", "partly", "author", "not_applicable")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the report says to an item: in words, and in which of its sections. With 'not_applicable' `fact` is the reason."""

    status: Status
    fact: str = ""
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """An item: `number` by CONSORT 2025, `source` its number in an extension ('' in CONSORT itself), `key` that of its words."""

    key: str
    number: str
    rule: Callable[[View], Answer]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """An item with its answer in words: what it asks, what the report says, where, and what the author has to write."""

    item: Item
    asks: str
    status: Status
    fact: str
    where: tuple[str, ...]
    to_write: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "item": self.item.number, "extension_item": self.item.source, "asks": self.asks, "status": self.status, "fact": str(self.fact),
            "where": list(self.where), "to_write": self.to_write,
        }  # fmt: skip


def auto(fact: str, *where: str) -> Answer:
    return Answer("auto", fact, where)


def partly(fact: str, *where: str) -> Answer:
    """What the report knows of it; without any it is the author's."""
    return Answer("partly" if fact or where else "author", fact, where)


def author(_: View) -> Answer:
    return Answer("author")


def none(reason: str) -> Answer:
    return Answer("not_applicable", reason)


def answered(view: View, item: Item, present: frozenset[str]) -> Answered:
    """The answer with only the sections that the report has; one that rests on sections alone and finds none of them is the author's."""
    found = item.rule(view)
    where = tuple(w for w in found.where if w in present)
    status = found.status
    if status in ("auto", "partly") and not where and not found.fact:
        status = "author"
    asks, prompt = view.words.checklist_item(item.key)
    return Answered(item, asks, status, found.fact, where, prompt if status in ("partly", "author") else "")
