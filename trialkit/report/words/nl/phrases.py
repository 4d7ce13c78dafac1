"""Sentences that results hold in English, told in Dutch: patterns that must match a sentence whole, with its numbers and names carried over.

A sentence that no pattern matches stays as it is and is marked as English, so that no number is ever guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from trialkit.report.document import Passage
from trialkit.report.format import Numbers

__all__ = ["NUMBERS", "number_in_dutch", "translator"]

NUMBERS = Numbers(decimal=",", thousands=".", zero_before_p=True)

_HOLE = re.compile(r"\{([a-z])(\d?)\}")
# a count that is withheld ('<5', '*') stands where a number would
_NUMBER = r"(?:[-\u2212]?\d*\.?\d+(?:e[-+]?\d+)?|<\d+|\*)"
# {v} a p-value as results write it, {f} fields of a scale's definition
# {n} a number, {p} '1 person' or '33 people', {q} a name in quotes, {l} names in a list, {w} nothing or where ('in ...'), {x} any text
_KINDS = {
    "n": _NUMBER, "p": r"\d+ (?:person|people)", "q": "'.+?'", "l": ".+?", "w": r"(?: in '.+?')?", "x": ".+?", "f": "[a-z_, ]+?",
    "v": r"[<>=]? ?\d*\.?\d+",
}  # fmt: skip
_FIELDS = {
    "reference": "bron", "licence": "licentie", "reversed": "omgekeerde items", "missing": "regel voor ontbrekende antwoorden", "score": "score",
    "subscales": "subschalen", "codes": "antwoordcodes", "items": "items", "waves": "metingen", "norms": "normen", "cutoffs": "grenswaarden",
}  # fmt: skip
_VERBS = {"has": "have", "is": "are", "lies": "lie", "was": "were", "misses": "miss", "counts": "count", "adds": "add"}
_OF_ONE = {
    "1 mensen hebben": "1 mens heeft", "1 mensen vallen": "1 mens valt", "1 mensen missen": "1 mens mist", "1 mensen worden": "1 mens wordt",
    "1 mensen": "1 mens", "zij doen niet mee": "die doet niet mee", "doen niet mee": "doet niet mee", "zij tellen": "die telt",
    "hebben geen groep of zitten er": "heeft geen groep of zit er", "zij zijn": "die is", "en doen mee": "en doet mee", "en tellen": "en telt", "en dragen": "en draagt",
}  # fmt: skip
_PLURALS = (("row", "rij", "rijen"), ("group", "groep", "groepen"), ("cluster", "cluster", "clusters"))


def number_in_dutch(text: str) -> str:
    """'0.525' as '0,525' and '1400' as '1.400'; digits are kept as they are."""
    whole, mark, rest = text.partition(".")
    if whole in ("", "-", "\u2212"):
        whole += "0"
    return (NUMBERS.count(whole) if whole.isdigit() and len(whole) > 3 else whole) + ("," if mark else "") + rest


def translator(catalogue: Mapping[str, str]) -> Callable[[str], str]:
    """What tells a sentence by the catalogue: the same holes in the Dutch as in the English."""

    @cache
    def patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
        # the longest first: a hole of a short sentence could swallow the end of a longer one
        longest = sorted(catalogue.items(), key=lambda pair: -len(_HOLE.sub("", pair[0])))
        return tuple((_compiled(english), dutch) for english, dutch in longest)

    def found_for(text: str) -> str | None:
        for pattern, dutch in patterns():
            found = pattern.fullmatch(text)
            if found is not None:
                return _filled(dutch, found)
        return None

    @cache
    def told(text: str) -> str:
        said = found_for(text)
        if said is not None:
            return said
        several = [_of_one(dutch) for english in _of_several(text) if (dutch := found_for(english)) is not None]
        return several[0] if several else Passage(text, "en")

    return told


def _of_several(text: str) -> tuple[str, ...]:
    """A sentence on one person as it would be said of several, in which form the catalogue holds it."""
    if "1 person" not in text:
        return ()
    head, colon, rest = text.replace("1 person", "1 people", 1).partition(":")
    verbs = re.sub(r"'[^']*'|\b(?:has|is|lies|was|misses|counts|adds)\b", lambda word: _VERBS.get(word[0], word[0]), head)
    return f"{head}{colon}{rest}", f"{verbs}{colon}{rest}"


def _of_one(dutch: str) -> str:
    return re.sub("|".join(_OF_ONE), lambda words: _OF_ONE[words[0]], dutch)


def _filled(dutch: str, found: re.Match[str]) -> str:
    return _HOLE.sub(lambda hole: _carried(hole[1], found[f"{hole[1]}{hole[2]}"]), dutch)


def _compiled(english: str) -> re.Pattern[str]:
    parts, at = [], 0
    for hole in _HOLE.finditer(english):
        parts += [re.escape(english[at : hole.start()]), f"(?P<{hole[1]}{hole[2]}>{_KINDS[hole[1]]})"]
        at = hole.end()
    return re.compile("".join([*parts, re.escape(english[at:])]), re.DOTALL)


def _carried(kind: str, text: str) -> str:
    if kind == "n":
        return number_in_dutch(text)
    if kind == "p":
        count = text.split(" ")[0]
        return f"{number_in_dutch(count)} {'mens' if count == '1' else 'mensen'}"
    if kind == "v":
        mark, _, value = text.rpartition(" ")
        return f"{mark} {number_in_dutch(value)}".strip()
    if kind == "f":
        return ", ".join(_FIELDS.get(field, field) for field in text.split(", "))
    if kind in "lw":
        return _list(text)
    return text


def _list(text: str) -> str:
    """'rows 4, 8 and 187 more' as 'rijen 4, 8 en nog 187'; names in quotes stay."""
    said = re.sub(r"(?<=[\d'\")]) and (\d+) more\b", r" en nog \1", text)
    said = re.sub(r"(?<=[\d'\")]) and (?=[\d'\"])", " en ", said)
    said = re.sub(r"(?<=\d) of (?=\d)", " van ", said)
    for english, one, several in _PLURALS:
        said = re.sub(rf"\b{english}s (?=\d)", f"{several} ", said)
        said = re.sub(rf"\b{english} (?=\d)", f"{one} ", said)
        said = re.sub(rf"(?<=\d) {english}s\b", f" {several}", said)
        said = re.sub(rf"(?<=\d) {english}\b", f" {one}", said)
    return said
