"""How a result is written in a terminal: numbers, p-values, intervals, counts of people, tables."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from trialkit.results import Estimate

__all__ = ["counted_people", "interval_text", "marks", "number", "p_text", "printable", "test_text"]

_OF_ONE = {"have": "has", "are": "is", "lie": "lies", "were": "was", "miss": "misses", "count": "counts", "add": "adds"}

_MARKS = ("subgroup", "wave", "at", "saturation")  # they tell one row of a contrast from the next


def number(value: object) -> str:
    """Three decimals near one, four significant digits elsewhere, integers as they are."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    size = abs(value)
    if 0.1 <= size < 1000:
        return f"{value:.3f}"
    return f"{value:.0f}" if size >= 1000 else f"{value:.3f}" if size < 1e-12 or size >= 0.005 else f"{value:.3g}"


def p_text(p: float) -> str:
    """'= .031' or '< .001'; never zero."""
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".", 1)


def interval_text(e: Estimate) -> str:
    """'0.214 (95% interval -0.070 to 0.498)'."""
    level = f"{100 * e.conf_level:g}"
    if math.isnan(e.conf_low) or math.isnan(e.conf_high):
        return f"{number(e.estimate)} ({level}% interval not defined)"
    return f"{number(e.estimate)} ({level}% interval {number(e.conf_low)} to {number(e.conf_high)})"


def test_text(e: Estimate) -> str:
    """'SE 0.136, t(19.7) = 1.58, p = .131'."""
    if math.isnan(e.statistic):
        return "no standard error" if math.isnan(e.std_error) else f"SE {number(e.std_error)}"
    if math.isnan(e.df):  # tests that refer the statistic to draws instead of a t distribution
        return f"statistic {e.statistic:.2f}, p {p_text(e.p_value)}"
    name = "z" if math.isinf(e.df) else f"t({e.df:.1f})"
    return f"SE {number(e.std_error)}, {name} = {e.statistic:.2f}, p {p_text(e.p_value)}"


def counted_people(count: int, told: str = "") -> str:
    """'3 people have no age' or '1 person has no age', of `told` as it is said of several; names in quotes stay as they are."""
    if count != 1:
        return f"{count} people {told}".rstrip()
    head, colon, rest = told.partition(":")
    said = re.sub(
        r"'[^']*'|\ball have\b|\b(?:have|are|lie|were|miss|count|add)\b", lambda word: _OF_ONE.get(word[0], word[0]), head
    )
    return f"1 person {said}{colon}{rest}".rstrip()


def marks(estimates: Sequence[Estimate]) -> list[str]:
    return [
        m
        for m in _MARKS
        if len({str(e.extra[m]) for e in estimates if m in e.extra}) > 1 and all(m in e.extra for e in estimates)
    ]


def printable(frame: pd.DataFrame) -> pd.DataFrame:
    """A table as it is read: empty cells for what is not there, p-values as they are reported and never as zero."""
    shown = frame.copy()
    for name in shown.columns:
        if str(name) in ("p", "p_value", "p_adjusted") and pd.api.types.is_float_dtype(shown[name]):
            shown[name] = ["" if math.isnan(p) else p_text(p).removeprefix("= ") for p in shown[name]]
        elif pd.api.types.is_object_dtype(shown[name]) or pd.api.types.is_extension_array_dtype(shown[name]):
            shown[name] = [
                number(v) if isinstance(v, float) and not pd.isna(v) else "" if v is None or v is pd.NA or v is math.nan else v
                for v in shown[name]
            ]
    return shown
