"""How the values of an outcome are written: as shares, in standard deviations, as ratios, or as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from trialkit.estimate.measures import MEASURES, in_points, is_of_shares, is_ratio
from trialkit.report.format import Numbers, decimals_for, real
from trialkit.results import Result


@dataclass(frozen=True, slots=True)
class Unit:
    """How values of an outcome are written: effects as shares, in SDs, as ratios, or as they are with a number of decimals.

    `levels` is how the values of one arm are written; 'none' where a mean of the arm would mislead (censored times).
    """

    kind: Literal["share", "sd", "raw", "ratio"]
    decimals: int
    numbers: Numbers
    levels: Literal["share", "raw", "none"] = "raw"

    def level(self, value: Any) -> str:
        """A value of one arm."""
        return self.numbers.percent(value) if self.levels == "share" else self.numbers.fixed(value, self.decimals)

    def difference(self, value: Any, *, sign: bool = False) -> str:
        """A difference between arms, or its standard error; shares in percentage points."""
        if self.kind == "share":
            return self.numbers.points(value, sign=sign)
        if self.kind == "ratio":
            return self.numbers.fixed(value, 2)
        return self.numbers.fixed(value, self.decimals, sign=sign)


def unit_of(result: Result, numbers: Numbers) -> Unit:
    """The unit of a result, and the decimals its size asks for."""
    if result.kind in ("effect_size", "effect_size_more") or result.details.get("shown_in") == "sd":
        return Unit("sd", 2, numbers)
    measure = str(result.details.get("measure"))
    known = MEASURES.get(measure)
    levels: Literal["share", "raw", "none"] = "share" if is_of_shares(measure) else "raw"
    if known is not None and known.outcome == "time":
        levels = "none"
    if in_points(measure):
        return Unit("share", 1, numbers, levels)
    sds = [real(a.get("sd")) for a in result.details.get("arms") or []]
    sizes = [s for s in sds if math.isfinite(s) and s > 0] or [real(e.std_error) for e in result.estimates]
    decimals = decimals_for(max(sizes, default=math.nan))
    return Unit("ratio" if is_ratio(measure) else "raw", decimals, numbers, levels)
