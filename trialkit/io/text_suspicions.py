"""What in texts and names looks wrong: money and percentages, days written the Dutch way, garbled letters, the same word in two ways."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialkit.errors import shown

__all__ = ["clipped", "name_suspicions", "repeated_ids", "serial_dates", "text_suspicions", "written_otherwise"]

_MOST = 30
_SHARE = 0.5
_MONEY = re.compile(r"(?:€|\$|£|EUR|eur)\s?-?[\d.,\s]+(?:,-)?|-?[\d.,]+\s?(?:€|EUR|eur|euro)")
_PERCENT = re.compile(r"-?\d+(?:[.,]\d+)?\s?%")
_DAY = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?: \d{1,2}:\d{2}(?::\d{2})?)?")
_SPACED = re.compile(r"-?\d{1,3}(?:[\s\u00a0\u202f]\d{3})+(?:[.,]\d+)?")
# UTF-8 that was read as Windows text: é as Ã©, € as â‚¬
_GARBLED = re.compile(r"Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ]|â‚¬|â€[œ™¦“”\u0093\u0094\u0099]|\ufffd")
_UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0001-\u0008\u000b\u000c\u000e-\u001f]")
_MINUS = re.compile(r"^[\u2212\u2013]\d")
_ID = re.compile(
    r"(?:.*[_ .-])?id|resp(?:ondent)?(?:en)?(?:nr|nummer)?|person|persoon|pseudo(?:niem)?|participant|deelnemer(?:nr|nummer)?",
    re.IGNORECASE,
)
_LAST_ROW = re.compile(r"(?:sub)?totaal|totals?|gemiddelde|mean|average|bron\s*:.*|source\s*:.*|som|sum", re.IGNORECASE)
_DATED = re.compile(r"dat(?:e|um)?(?:$|[_ .-])|(?:datum|date)", re.IGNORECASE)
# 1954 to 2064 as Excel counts days
_SERIALS = (20_000, 60_000)
_FEW_WORDS = 20
_MOSTLY_DIFFERENT = 0.8


def clipped(word: object) -> str:
    """A word that is short enough for a sentence."""
    text = str(word)
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


def name_suspicions(names: Sequence[str]) -> Iterator[str]:
    """Names that differ only in capitals."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    for group in alike.values():
        if len(group) > 1:
            yield f"columns {shown(group)} differ only in capitals. Look which one a plan means, and rename the others"


def repeated_ids(values: pd.Series, name: str) -> Iterator[str]:
    """A column that seems to identify people and holds some of them twice; in data with several rows a person nearly all are repeated."""
    if not _ID.fullmatch(name.strip()):
        return
    present = values.dropna()
    different = int(present.nunique())
    if not len(present) or different == len(present) or different < _MOSTLY_DIFFERENT * len(present):
        return
    twice = [clipped(v) for v in dict.fromkeys(present[present.duplicated()].tolist())]
    yield (
        f"column '{name}' holds {len(twice)} {'value' if len(twice) == 1 else 'values'} more than once: {shown(twice, 3)}. If it identifies people, "
        "remove the double rows"
    )


def serial_dates(values: npt.NDArray[np.float64], name: str) -> Iterator[str]:
    """Days as Excel counts them, in a column that is named after dates."""
    present = values[np.isfinite(values)]
    if not len(present) or not _DATED.search(name):
        return
    if bool(np.all((present >= _SERIALS[0]) & (present <= _SERIALS[1]))):
        first = np.datetime64("1899-12-30", "D") + int(present[0])
        yield (
            f"column '{name}' holds numbers that look like Excel's count of days ({present[0]:.0f} would be {first}). "
            "Give the column a date format in Excel and save it, if they are dates"
        )


def written_otherwise(values: pd.Series, name: str) -> Iterator[str]:
    """Numbers and days that are written so that they stay text: one sentence, or none."""
    texts = _Texts(values)
    for pattern, what, remedy in (
        (_MONEY, "amounts of money as text", "Take the currency sign out of the file, so that they are numbers"),
        (_PERCENT, "percentages as text", "Take the % sign out of the file, so that they are numbers"),
        (
            _DAY,
            "days that stay text, because day and month can be mistaken",
            f"Write them as 2024-12-31, or convert them: pandas.to_datetime(data['{clipped(name)}'], format='%d-%m-%Y')",
        ),
        (_SPACED, "numbers with spaces between the thousands", "Take the spaces out of the file"),
    ):
        found = [text for text in texts.first if pattern.fullmatch(text)]
        if found and texts.many(found) >= _SHARE * texts.total:
            yield f"column '{name}' holds {what}: {texts.places(found)}. {remedy}"
            return


def text_suspicions(values: pd.Series, name: str) -> Iterator[str]:
    """Sentences on the letters and words of a column of text."""
    texts = _Texts(values)
    for pattern, what, remedy in (
        (
            _GARBLED,
            "letters that look garbled",
            'Export the file again as UTF-8, or read it with another encoding, as in encoding="utf-8"',
        ),
        (_UNSEEN, "characters that cannot be seen", "Remove them: they make equal words differ"),
        (_MINUS, "a dash before a number where a minus sign belongs", "Write an ordinary minus sign (-)"),
    ):
        found = [text for text in texts.first if pattern.search(text)]
        if found:
            yield f"column '{name}' holds {what}: {texts.places(found)}. {remedy}"
    yield from _several_spellings(list(texts.first), name)
    last = next((v.strip() for v in values.tolist()[-2:] if isinstance(v, str) and _LAST_ROW.fullmatch(v.strip())), None)
    if last is not None and texts.total > 2:
        yield f"the last rows hold '{clipped(last)}' in column '{name}': they look like totals or a source, not people. Remove them from the file"


class _Texts:
    """The different texts of a column: where each first stands, and how often."""

    def __init__(self, values: pd.Series) -> None:
        self.first: dict[str, int] = {}
        self._count: Counter[str] = Counter()
        for row, value in enumerate(values.tolist(), start=1):
            if isinstance(value, str) and (text := value.strip()):
                self.first.setdefault(text, row)
                self._count[text] += 1
        self.total = self._count.total()

    def many(self, found: Sequence[str]) -> int:
        return sum(self._count[text] for text in found)

    def places(self, found: Sequence[str]) -> str:
        """'12%' in row 3 and 4 more."""
        seen = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in found[0])
        more = self.many(found) - 1
        return f"'{clipped(seen)}' in row {self.first[found[0]]}" + (f" and {more} more" if more else "")


def _several_spellings(texts: Sequence[str], name: str) -> Iterator[str]:
    words = dict.fromkeys(texts)
    if len(words) > _FEW_WORDS:
        return
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(" ".join(word.casefold().split()), []).append(word)
    for group in alike.values():
        if len(group) > 1:
            yield f"column '{name}' writes the same in {len(group)} ways: {shown([clipped(w) for w in group])}. They count as different values; write them alike"
