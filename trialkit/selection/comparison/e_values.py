"""The E-value of an estimate and of its confidence limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.errors import UsageError
from trialkit.inference.confounding import evalue as kernel
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

Measure = Literal["risk_ratio", "odds_ratio", "rate_ratio", "hazard_ratio", "smd"]
RATIOS = ("risk_ratio", "odds_ratio", "rate_ratio", "hazard_ratio")


@dataclass(frozen=True)
class EValueResult(TableResult):
    """`.estimate` and `.limit`: E-values of the estimate and of the confidence limit nearest the null (NaN without one)."""

    kind = "evalue"

    @property
    def estimate(self) -> float:
        return float(self.table[0]["evalue"])

    @property
    def limit(self) -> float:
        found = self.table[1]["evalue"]
        return math.nan if found is None else float(found)

    def _title(self) -> str:
        return f"E-value {number(self.estimate)}" + (
            "" if math.isnan(self.limit) else f" (of the confidence limit {number(self.limit)})"
        )


@explained
def evalue(
    estimate: float,
    *,
    measure: Measure,
    conf: tuple[float, float] | None = None,
    std_error: float | None = None,
    common: bool | None = None,
    null: float | None = None,
) -> EValueResult:
    """The strength, as a risk ratio, that an unmeasured confounder needs with both treatment and outcome to explain an estimate away.

    Parameters
    ----------
    estimate : a ratio (not its logarithm), or a standardized mean difference.
    measure : 'risk_ratio', 'odds_ratio', 'rate_ratio', 'hazard_ratio' or 'smd'.
    conf : confidence limits of a ratio, low and high. std_error : of a standardized difference, in place of limits.
    common : for odds and hazard ratios, whether the outcome is common (above 15 % by the end of follow-up): required, because the conversion differs.
    null : value that the confounder leads to; by default 1, or 0 for a standardized difference.

    Returns
    -------
    EValueResult
        `.estimate`, `.limit` (1 where the interval holds the null), and the approximate risk ratios in `.tidy()`.

    Raises
    ------
    UsageError
        A ratio that is not positive, limits that do not enclose the estimate, `common` left out where it matters.

    References
    ----------
    VanderWeele & Ding (2017), Annals of Internal Medicine 167, 268-274.

    Examples
    --------
    >>> round(evalue(1.5, measure="risk_ratio").estimate, 6)
    2.366025
    """
    if measure not in (*RATIOS, "smd"):
        raise UsageError(f"measure={measure!r} is unknown: it is {', '.join(map(repr, (*RATIOS, 'smd')))}.")
    if measure in ("odds_ratio", "hazard_ratio") and common is None:
        raise UsageError(
            f"say common=True (outcome in more than 15 % of people) or common=False: a {measure} is read differently."
        )
    turn, low, high = _scale(measure, bool(common)), *_limits(estimate, measure, conf, std_error)
    start = (0.0 if measure == "smd" else 1.0) if null is None else float(null)
    if measure in RATIOS and not all(v > 0 for v in (estimate, start, *(x for x in (low, high) if x is not None))):
        raise UsageError(
            f"a {measure}, its limits and null are above zero; the estimate is {estimate:g}. Give the ratio itself, not its logarithm."
        )
    goal, ratio = turn(start), turn(estimate)
    limits = _ratio_limits(measure, turn, estimate, low, high, std_error)
    rows: list[dict[str, Any]] = [{"what": "estimate", "risk_ratio": ratio, "evalue": kernel.evalue(ratio, goal)}]
    near = None if limits is None else (limits[0] if ratio > goal else limits[1])
    held = limits is not None and limits[0] <= goal <= limits[1]
    strength = None if near is None else 1.0 if held else kernel.evalue(near, goal)
    rows.append({"what": "confidence limit", "risk_ratio": near, "evalue": strength})
    notes = [Note("evalue_scale", _WORDS[measure, bool(common)])] if (measure, bool(common)) in _WORDS else []
    return EValueResult((), tuple(notes), {"measure": measure, "null": start}, tuple(rows))


_WORDS = {
    ("odds_ratio", True): "the odds ratio of a common outcome is taken as the square of a risk ratio.",
    ("hazard_ratio", True): "the hazard ratio of a common outcome is turned into an approximate risk ratio.",
    ("smd", False): "a standardized difference d is taken as the risk ratio exp(.91 d), its limits as exp(.91 d +- 1.78 SE).",
    ("smd", True): "a standardized difference d is taken as the risk ratio exp(.91 d), its limits as exp(.91 d +- 1.78 SE).",
}


def _scale(measure: str, common: bool) -> Callable[[float], float]:
    if measure == "smd":
        return kernel.from_smd
    if common and measure == "odds_ratio":
        return kernel.from_common_odds
    if common and measure == "hazard_ratio":
        return kernel.from_common_hazards
    return float


def _limits(
    estimate: float, measure: str, conf: tuple[float, float] | None, std_error: float | None
) -> tuple[float | None, float | None]:
    if not math.isfinite(estimate):
        raise UsageError(f"the estimate is {estimate}: a finite number is needed.")
    if measure == "smd":
        if conf is not None:
            raise UsageError(
                "for a standardized difference give std_error= in place of conf=: its limits are converted by their own formula."
            )
        if std_error is not None and not std_error > 0:
            raise UsageError(f"std_error={std_error} must lie above zero.")
        return None, None
    if std_error is not None:
        raise UsageError("std_error= belongs to measure='smd': give the limits of a ratio as conf=(low, high).")
    if conf is None:
        return None, None
    low, high = float(conf[0]), float(conf[1])
    if not low <= estimate <= high:
        raise UsageError(f"the limits {conf} do not enclose the estimate {estimate:g}: conf=(low, high).")
    return low, high


def _ratio_limits(
    measure: str, turn: Callable[[float], float], estimate: float, low: float | None, high: float | None, std_error: float | None
) -> tuple[float, float] | None:
    if measure == "smd":
        if std_error is None:
            return None
        return math.exp(0.91 * estimate - 1.78 * std_error), math.exp(0.91 * estimate + 1.78 * std_error)
    return None if low is None or high is None else (turn(low), turn(high))
