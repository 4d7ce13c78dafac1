"""What an interval says about an effect, in one of six words; never more than the interval allows."""

from __future__ import annotations

import math
from typing import Literal

from trialkit.estimate.measures import better_effect, is_ratio
from trialkit.report.content import Verdict


def verdict_of(
    measure: str, low: float, high: float, better: Literal["higher", "lower"] | None, worthwhile: float | None
) -> Verdict:
    """The verdict on an interval of any measure: ratios are judged by their logs, hazards by what they mean for the time."""
    side = better_effect(measure, better)
    if not is_ratio(measure):
        return verdict(low, high, side, worthwhile)
    if not (low > 0 and high > 0):
        return "inconclusive"
    return verdict(
        math.log(low), math.log(high), side, None if worthwhile is None or worthwhile <= 0 else abs(math.log(worthwhile))
    )


def verdict(low: float, high: float, better: Literal["higher", "lower"] | None, worthwhile: float | None) -> Verdict:
    """The verdict on an interval of a difference.

    Parameters
    ----------
    low, high : the interval. better : which direction is better; without it any clear difference is 'benefit_size_uncertain'
        or 'harm' by its sign upwards.
    worthwhile : smallest effect that matters, positive, in the units of the interval.

    Examples
    --------
    >>> verdict(-0.1, 0.5, "higher", 0.2)
    'inconclusive'
    """
    if math.isnan(low) or math.isnan(high):
        return "inconclusive"
    if better == "lower":
        low, high = -high, -low
    if low > 0:
        if worthwhile is None:
            return "benefit_size_uncertain"
        if low >= worthwhile:
            return "worthwhile_benefit"
        return "benefit_too_small" if high < worthwhile else "benefit_size_uncertain"
    if high < 0:
        return "harm"
    if worthwhile is not None and high < worthwhile and low > -worthwhile:
        return "no_worthwhile_difference"
    return "inconclusive"
