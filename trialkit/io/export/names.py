"""Names and labels within the limits of SPSS and Stata."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["cut", "spss_names", "stata_names"]

_SPSS_RESERVED = frozenset(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])
_STATA_RESERVED = frozenset(
    [
        "_all",
        "_b",
        "byte",
        "_coef",
        "_cons",
        "double",
        "float",
        "if",
        "in",
        "int",
        "long",
        "_n",
        "_N",
        "_pi",
        "_pred",
        "_rc",
        "_skip",
        "strL",
        "using",
        "with",
    ]
)
_STATA_TEXT_TYPE = re.compile(r"str[0-9]+")


def spss_names(names: Sequence[str], notes: list[str]) -> list[str]:
    """At most 64 bytes of letters, digits, points and underscores; no two the same but for capitals."""

    def allowed(name: str) -> str:
        made = _spelled(name, "._@#$").rstrip("._") or "v"
        if made.upper() in _SPSS_RESERVED or not (made[0].isalpha() or made[0] == "@"):
            made = f"v_{made}"
        return cut(made, 64)

    return _unique(names, allowed, str.casefold, lambda name, size: cut(name, 64 - size), "SPSS", notes)


def stata_names(names: Sequence[str], notes: list[str]) -> list[str]:
    """At most 32 letters, digits and underscores."""

    def allowed(name: str) -> str:
        made = _spelled(name, "_") or "v"
        if made in _STATA_RESERVED or _STATA_TEXT_TYPE.fullmatch(made) or made[0].isdigit():
            made = f"v_{made}"
        return made[:32]

    return _unique(names, allowed, str, lambda name, size: name[: 32 - size], "Stata", notes)


def _spelled(name: str, others: str) -> str:
    return "".join(c if c.isalnum() or c in others else "_" for c in name)


def _unique(
    names: Sequence[str],
    allowed: Callable[[str], str],
    fold: Callable[[str], str],
    shortened: Callable[[str, int], str],
    program: str,
    notes: list[str],
) -> list[str]:
    # Names that need no change keep it, whatever the others become.
    taken: set[str] = set()
    made: dict[int, str] = {}
    for place, name in enumerate(names):
        if allowed(name) == name and fold(name) not in taken:
            made[place] = name
            taken.add(fold(name))
    for place, name in enumerate(names):
        if place in made:
            continue
        new, number = allowed(name), 2
        while fold(new) in taken:
            end = f"_{number}"
            new, number = shortened(allowed(name), len(end)) + end, number + 1
        taken.add(fold(new))
        made[place] = new
        notes.append(f"column '{name}' is called '{new}' in the file: {program} does not take the name")
    return [made[place] for place in range(len(names))]


def cut(text: str, most: int) -> str:
    """The first `most` bytes of a text in UTF-8, never half a letter."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
