"""How numbers look in a report: one place, so that a language changes its marks here and nowhere else.

Nothing is computed: a share is shown as a percentage, a difference of shares in percentage points, and that is all.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Any

MINUS = "\N{MINUS SIGN}"
UNDEFINED = "\N{EN DASH}"
FIGURE_SPACE = "\N{FIGURE SPACE}"
PUNCTUATION_SPACE = "\N{PUNCTUATION SPACE}"
# Marks that turn the direction of the text after them: a label must not rearrange the sentence it stands in.
_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def real(value: Any) -> float:
    """A number as stored in a result or in results.json ('inf', None) as a float; NaN where there is none."""
    if value is None or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def decimals_for(size: Any) -> int:
    """Decimals that show three significant digits of a number of this size: 2 for 4.1, 3 for .45, 0 for 1200."""
    number = abs(real(size))
    if not math.isfinite(number) or number == 0:
        return 2
    return min(max(2 - math.floor(math.log10(number)), 0), 6)


def clean(text: str) -> str:
    """Text without what cannot be printed: control characters, marks of direction, halves of surrogate pairs."""
    if text.isascii() and text.isprintable():
        return text
    out = []
    for c in text:
        kind = unicodedata.category(c)
        if c in "\n\t\r\x0b\x0c":
            out.append("\n" if c == "\n" else " ")
        elif kind == "Cs":
            out.append("\N{REPLACEMENT CHARACTER}")
        elif kind != "Cc" and c not in _DIRECTION and ord(c) & 0xFFFE != 0xFFFE:
            out.append(c)
    return "".join(out)


def in_words(name: str) -> str:
    """The name of a column as a label: 'Months unemployed' of 'months_unemployed'."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def shortened(text: str, most: int) -> str:
    """At most `most` characters, with an ellipsis where some are left out."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The marks of a language.

    Attributes
    ----------
    decimal, thousands : the decimal sign and the mark between thousands.
    zero_before_p : whether a p-value has its zero ('0.031') or not ('.031').
    """

    decimal: str = "."
    thousands: str = ","
    zero_before_p: bool = False

    def fixed(self, value: Any, decimals: int = 2, *, sign: bool = False) -> str:
        """A number with so many decimals, a true minus sign and no negative zero."""
        number = real(value)
        if math.isnan(number):
            return UNDEFINED
        if math.isinf(number):
            return "∞" if number > 0 else f"{MINUS}∞"
        text = f"{abs(number):,.{decimals}f}"
        zero = not any(c in "123456789" for c in text)
        mark = "" if zero else MINUS if number < 0 else "+" if sign else ""
        return mark + self._marked(text)

    def count(self, value: Any) -> str:
        """A whole number; the mark of one that is withheld."""
        if isinstance(value, str) and (value == "*" or value.startswith("<")):
            return value
        return self.fixed(value, 0)

    def percent(self, value: Any, decimals: int = 1) -> str:
        """A share as a percentage: .312 is 31.2%."""
        text = self.points(value, decimals)
        return text if text == UNDEFINED else f"{text}%"

    def points(self, value: Any, decimals: int = 1, *, sign: bool = False) -> str:
        """A share, or a difference of shares, times a hundred and without a unit."""
        return self.fixed(100 * real(value), decimals, sign=sign)

    def of_hundred(self, value: Any) -> str:
        """A share as whole people of every hundred, signless."""
        return self.fixed(abs(100 * real(value)), 0)

    def p(self, value: Any) -> str:
        """A p-value: three decimals, '< .001' below, never zero and never one."""
        number = real(value)
        if math.isnan(number):
            return UNDEFINED
        if number < 0.001:
            return f"< {self._small('0.001')}"
        if number > 0.999:
            return f"> {self._small('0.999')}"
        return self._small(f"{number:.3f}")

    def general(self, value: Any) -> str:
        """A number of unknown kind: whole ones as they are, others with up to three significant digits."""
        number, most = real(value), decimals_for(value)
        fewer = (d for d in range(most) if round(number, d) == round(number, most))
        return self.fixed(number, next(fewer, most) if math.isfinite(number) else 0)

    def _small(self, text: str) -> str:
        return self._marked(text if self.zero_before_p else text.removeprefix("0"))

    def _marked(self, text: str) -> str:
        return text.translate({ord(","): self.thousands, ord("."): self.decimal})


def padded(cells: list[str], decimal: str = ".") -> list[str]:
    """Cells of a right-aligned column with invisible digits behind, so that their decimal signs stand in one line."""
    found = [_decimals(c, decimal) for c in cells]
    most = max((d for d in found if d is not None), default=0)
    return [c if d is None else c + _blank(most - d, d == 0 and most > 0) for c, d in zip(cells, found)]


def _decimals(cell: str, decimal: str) -> int | None:
    if not any(c.isdigit() for c in cell):
        return None
    whole, mark, behind = cell.partition(decimal)
    return len(behind) if mark and behind.isdigit() else 0 if not mark and whole[-1:].isdigit() else None


def _blank(digits: int, mark: bool) -> str:
    return (PUNCTUATION_SPACE if mark else "") + FIGURE_SPACE * digits if digits else ""
