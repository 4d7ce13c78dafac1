"""What bounds come back as: one row an outcome and contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialkit.inference.bounds.lee_bounds import imbens_manski
from trialkit.printed import number
from trialkit.results import Note, TableResult
from trialkit.selection.stored import numbers_again

_NUMBERS = (
    "observed_difference", "lower", "upper", "se_lower", "se_upper", "df", "effect_conf_low", "effect_conf_high", "trim", "share_observed_arm",
    "share_observed_control",
)  # fmt: skip


@dataclass(frozen=True)
class BoundsResult(TableResult):
    """Bounds of an effect. The properties are those of the first row; `.verdicts` says in words what each row says.

    `.tidy()` has outcome, estimand, contrast, observed_difference (of the respondents, without adjustment), lower, upper, se_lower, se_upper, df,
    effect_conf_low, effect_conf_high (Imbens & Manski: they cover the effect, not the whole set), conf_level, trim (share of the observed of trimmed_arm that
    is cut), share_observed_arm, share_observed_control, n, n_observed, n_clusters, n_groups, method and assumption.
    """

    kind = "bounds"

    @property
    def lower(self) -> float:
        return self._first("lower")

    @property
    def upper(self) -> float:
        return self._first("upper")

    @property
    def se_lower(self) -> float:
        return self._first("se_lower")

    @property
    def se_upper(self) -> float:
        return self._first("se_upper")

    @property
    def trim(self) -> float:
        return self._first("trim")

    @property
    def effect_conf_low(self) -> float:
        return self._first("effect_conf_low")

    @property
    def effect_conf_high(self) -> float:
        return self._first("effect_conf_high")

    @property
    def verdicts(self) -> list[str]:
        """What each row says, in words."""
        return [_sentence(r) for r in numbers_again(self.table, _NUMBERS)]

    def tidy(self) -> pd.DataFrame:
        return pd.DataFrame(numbers_again(self.table, _NUMBERS))

    def _first(self, name: str) -> float:
        return float(numbers_again(self.table[:1], _NUMBERS)[0][name])

    def _title(self) -> str:
        return str(self.details["title"])

    def __str__(self) -> str:
        return "\n".join([self._title(), *(f"  {v}" for v in self.verdicts), *(f"  note: {n.text}" for n in self.notes)])


def interval(
    *, lower: float, upper: float, se_lower: float, se_upper: float, df: float, conf_level: float
) -> tuple[float, float]:
    """Imbens and Manski's interval; NaN without standard errors."""
    if not (max(se_lower, se_upper) > 0 and df > 0):
        return math.nan, math.nan
    return imbens_manski(lower=lower, upper=upper, se_lower=se_lower, se_upper=se_upper, conf_level=conf_level, df=df)


def undefined_note(rows: list[dict[str, Any]]) -> list[Note]:
    if all(math.isfinite(r["effect_conf_low"]) for r in rows):
        return []
    return [
        Note(
            "no_interval", "a bound has no standard error (its values do not vary), so the interval of the effect is not defined."
        )
    ]


def _sentence(row: Any) -> str:
    low, high = float(row["lower"]), float(row["upper"])
    ends = [float(row[k]) for k in ("effect_conf_low", "effect_conf_high")]
    span = f"between {number(low)} and {number(high)}" if high - low > 1e-12 * max(1.0, abs(high)) else number(low)
    level = f"{100 * row['conf_level']:g}% interval of the effect"
    if not all(map(math.isfinite, ends)):
        tail = f"{level} not defined"
    else:
        side = "which excludes zero" if ends[0] > 0 or ends[1] < 0 else "which covers zero"
        tail = f"{level} {number(ends[0])} to {number(ends[1])}, {side}"
    return f"{row['contrast']} on {row['outcome']}, {row['estimand']}: {span} ({tail}), if {row['assumption']}."
