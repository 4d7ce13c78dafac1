"""The rule for every table whose margins are not known: small counts, the small rest of a whole, and one more count of the column."""

from __future__ import annotations

import math
import re
from typing import Any

from trialkit.report.disclosure.suppress import SECONDARY

__all__ = ["held"]

_COUNTS = re.compile(
    r"n|n_(?:complete|missing|observed|randomized|arm|control|units|people|events?|assessed|treated|improved|lost|moved)|people|lost|members|randomized"
    r"|observed|missing|events|with_event|without_event|not_assessed|floor|ceiling|improved|unchanged|deteriorated|at_risk|at_risk_at_tau|scored"
    r"|no_score|prorated|out_of_range|took_up|stayed|size_min|size_max|group_size_min|group_size_max|count|reached|eligible|compliers"
)
_WHOLES = ("n_randomized", "randomized", "people", "members", "n", "eligible")
_SHARES = re.compile(r"(?:share|rate|mean|reach|prevalence|level|overall)(?:_.*)?|.*_share|.*_rate|percent.*")
_KEPT = frozenset({"conf_level", "low", "high", "wave", "time", "level", "schema_version", "tau", "delta", "convention"})
_NOT_PEOPLE = frozenset({"versions", "lock", "data", "assumptions", "multiplicity", "scales_possible", "planned", "design"})


def held(value: Any, least: int, key: str = "") -> None:
    """Withhold in place, everywhere in a JSON value; numbers that were withheld before stay so."""
    if isinstance(value, dict):
        for k, v in value.items():
            if k not in _NOT_PEOPLE:
                held(v, least, k)
        if isinstance(value.get("at_risk"), list):
            _curve(value, least)
        elif isinstance(value.get("edges"), list) and "counts" in value:
            _bars(value, least)
        else:
            _row(value, least)
    elif isinstance(value, list):
        for v in value:
            held(v, least, key)
        rows = [r for r in value if isinstance(r, dict)]
        if len(rows) > 1 and key in ("table", "arms", "by_trait", "items"):
            _columns(rows)


def _row(row: dict[str, Any], least: int) -> None:
    counts = {k: v for k, v in row.items() if _COUNTS.fullmatch(k) and _number(v)}
    small = {k for k, v in counts.items() if 1 <= v < least and v == int(v)}
    whole = next((counts[k] for k in _WHOLES if k in counts), None)
    beside = set()
    if whole is not None:
        beside = {k for k, v in counts.items() if k not in small and k not in _WHOLES and 1 <= whole - v < least}
    shares = {k: v for k, v in row.items() if _SHARES.fullmatch(k) and _number(v)}
    told = {k for k, v in shares.items() if whole is not None and whole >= least and 0 < v < 1 and _small_share(v, whole, least)}
    for k in small:
        row[k] = f"<{least}"
    for k in beside:
        row[k] = SECONDARY
    if small or beside:
        _without_numbers(row, whole_small=whole is not None and whole < least)
    for k in told:
        row[k] = None


def _small_share(share: float, whole: float, least: int) -> bool:
    """Whether a share of the whole is a small count or leaves a small rest."""
    count = share * whole
    if abs(count - round(count)) > 1e-6 * max(1.0, whole):
        return False
    return 1 <= round(count) < least or 1 <= whole - round(count) < least


def _without_numbers(row: dict[str, Any], *, whole_small: bool) -> None:
    """Shares and rates go; of a handful of people every mean, deviation and estimate goes too."""
    for k, v in row.items():
        if isinstance(v, float) and k not in _KEPT and (whole_small or _SHARES.fullmatch(k)):
            row[k] = None


def _columns(rows: list[dict[str, Any]]) -> None:
    """A column with a single withheld count loses its next smallest: one gap is found from a total."""
    for field in {k for r in rows for k in r if _COUNTS.fullmatch(k)}:
        if sum(isinstance(r.get(field), str) for r in rows) != 1:
            continue
        others = [r for r in rows if _number(r.get(field)) and r[field] > 0]
        if others:
            row = min(others, key=lambda r: float(r[field]))
            row[field] = SECONDARY
            _without_numbers(row, whole_small=False)


def _curve(curve: dict[str, Any], least: int) -> None:
    """A curve with steps of at least the least count: events together, and the people who left without one, and it ends where fewer are followed."""
    at_risk, events = curve["at_risk"], curve.get("events") or [0] * len(curve["at_risk"])
    kept, sums, together = [], [], 0.0
    start = at_risk[0] if at_risk else 0
    for i, n in enumerate(at_risk):
        together += events[i]
        behind = at_risk[i + 1] if i + 1 < len(at_risk) else n - events[i]
        left = start - behind - together
        if together >= least and (left == 0 or left >= least) and behind >= least:
            kept.append(i)
            sums.append(together)
            start, together = behind, 0.0
    for k, v in curve.items():
        if isinstance(v, list) and len(v) == len(at_risk) and k not in ("at_risk", "events"):
            curve[k] = [v[i] for i in kept]
    # those followed when the step began, so that the next count tells nothing about single people
    begins = [at_risk[0], *(at_risk[i + 1] if i + 1 < len(at_risk) else at_risk[i] - events[i] for i in kept)][: len(kept)]
    curve["at_risk"] = begins if kept else []
    if "events" in curve:
        curve["events"] = sums


def _bars(value: dict[str, Any], least: int) -> None:
    """No bars at all where one of them is a handful of people."""
    counts = value["counts"]
    if isinstance(counts, dict) and any(_number(n) and 1 <= n < least for v in counts.values() for n in v):
        value["edges"], value["counts"] = [], {arm: [] for arm in counts}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
