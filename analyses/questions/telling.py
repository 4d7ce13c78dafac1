"""How a question's script tells its answer: the table on the screen and the words of an interval."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

KEYS = ("question", "design", "size", "estimand", "truth", "naive", "estimate", "low", "high", "conclusion", "missing")


def told(answer: Callable[[], Mapping[str, Any]], arguments: Sequence[str]) -> int:
    """Make and print the answer of a script that takes no arguments; its exit code."""
    if arguments:
        print("run.py takes no arguments", file=sys.stderr)
        return 2
    show(answer())
    return 0


def show(answer: Mapping[str, Any]) -> None:
    """Print an answer: what was asked and done, further results when there are any ('rows'), and the conclusion."""
    for key in ("question", "design", "size", "estimand"):
        print(f"{key.capitalize():9s} {answer[key]}")
    line = {"truth": answer["truth"], "naive": answer["naive"], "estimate": answer["estimate"], "interval": interval(answer)}
    print("\n" + pd.DataFrame([{k: v if isinstance(v, str) else number(v) for k, v in line.items()}]).to_string(index=False))
    if answer.get("rows"):
        print("\n" + pd.DataFrame(answer["rows"]).to_string(index=False))
    print(f"\n{answer['conclusion']}")
    if answer["missing"]:
        print(f"Missing: {answer['missing']}")


def number(value: float) -> str:
    """Two decimals, three for what would round to zero, none for euros and days."""
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.005 or value == 0 else f"{value:.3f}".replace("-0.000", "0.000")


def span(low: float, high: float) -> str:
    """An interval in words, both ends with as many decimals."""
    if max(abs(low), abs(high)) >= 10:
        return f"{low:,.0f} to {high:,.0f}".replace("-0 ", "0 ")
    return f"{number(low)} to {number(high)}"


def interval(answer: Mapping[str, Any]) -> str:
    """The interval of an answer in words."""
    return span(answer["low"], answer["high"])


def row(what: str, found: Any, truth: float | str = "") -> dict[str, str]:
    """One further result: an estimate of trialkit with its interval, beside the truth where it is known."""
    return {
        "what": what,
        "truth": truth if isinstance(truth, str) else number(truth),
        "estimate": number(found.estimate),
        "interval": span(found.conf_low, found.conf_high),
    }


def verdict(low: float, high: float, worthwhile: float, *, of: str) -> str:
    """What an interval allows to say of an effect of which more is better, against the smallest one that would matter.

    Examples
    --------
    >>> verdict(-0.1, 0.3, 0.2, of="The group's effect")
    "The group's effect is not settled: the interval holds both nothing and an effect that would matter."
    """
    if low > 0:
        if low >= worthwhile:
            return f"{of} is there, and large enough to matter."
        return f"{of} is there, {'but too small to matter' if high < worthwhile else 'but whether it is large enough to matter stays open'}."
    if high < 0:
        return f"{of} goes the wrong way: the whole interval lies below zero."
    if high < worthwhile:
        return f"{of} is smaller than what would matter, and may be nothing at all."
    return f"{of} is not settled: the interval holds both nothing and an effect that would matter."
