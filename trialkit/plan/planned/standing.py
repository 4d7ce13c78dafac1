"""What tests of invariance settle, so that a report does not call chance a change of meaning.

Chen's bounds say how large a misfit matters, and in samples of a few hundred chance passes them about as often as not. A scale is said to have changed only when
a level fails by the bounds and exact equality is rejected too; a factor model is said not to fit only when its own test says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from trialkit.measurement import InvarianceResult

__all__ = ["in_both", "settled"]

CLEARLY = 0.01
CHANGED = ("some_items", "no", "not_one_factor")
LEVELS = ("metric", "scalar", "strict")


def settled(found: InvarianceResult) -> InvarianceResult:
    """The result with `standing` in its details.

    "same", "some_items" (a few numbers moved), "no" (no few numbers explain it), "not_one_factor", "undefined" (no indices), or "undecided": the bounds are passed by
    no more than chance would do.
    """
    return replace(found, details={**found.details, "standing": _standing(found)})


def in_both(found: InvarianceResult, plain: Callable[[], InvarianceResult]) -> InvarianceResult:
    """With few groups, whose robust tests reject too often, a change counts only where the tests of people alone (`plain`) say so too."""
    if found.details["standing"] not in CHANGED or settled(plain()).details["standing"] in CHANGED:
        return found
    return replace(found, details={**found.details, "standing": "undecided"})


def _standing(found: InvarianceResult) -> str:
    rows = {str(r["model"]): r for r in found.table}
    if found.scalar == "full":
        return "same"
    if found.scalar == "not judged":
        if found.level != "none":
            return "undefined"
        first = rows["configural"]
        robust = math.isfinite(_number(first["p_scaled"]))
        return "not_one_factor" if _clear(first["p_scaled" if robust else "p_value"]) else "undecided"
    failed = [rows[k] for k in LEVELS if k in rows and rows[k]["holds"] is False]
    if not any(_clear(r["p_change"]) for r in failed):
        return "undecided"
    return "some_items" if found.scalar == "partial" else "no"


def _clear(p: object) -> bool:
    """Whether chance is ruled out; a level without a solution has no p, and the data contradict it."""
    return not _number(p) >= CLEARLY


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))
