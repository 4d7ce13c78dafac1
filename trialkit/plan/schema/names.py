"""Names that one part of a plan uses of another: what was meant by one that is not there, and one that is there twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trialkit.errors import nearest, shown
from trialkit.plan.schema.base import Problem

__all__ = ["near_miss", "repeated"]


def near_miss(name: str, known: Iterable[str], *, most: int = 8) -> str:
    """' Did you mean ...?' or the list of what there is, for the end of a sentence."""
    names = list(known)
    near = nearest(name, names)
    return f" Did you mean '{near}'?" if near else f" There are: {shown(names, most)}." if names else " There are none."


def repeated(names: list[str], section: str) -> Iterator[Problem]:
    """A name used by two entries of a section."""
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Problem((section, i, "name"), f"the name '{name}' is used twice in [[{section}]]; give each its own")
