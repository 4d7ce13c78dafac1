"""Net income out of gross earnings: piecewise-linear tax, benefits withdrawn at a taper, and the costs of working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.misuse import explained

__all__ = ["Benefit", "Schedule", "net_income"]


@dataclass(frozen=True, slots=True)
class Benefit:
    """A benefit of `amount`, lowered by `taper` for each unit of gross earnings above `disregard`, never below zero.

    `taper=1` takes away every unit earned above the disregard; `taper=0` is a benefit that is not withdrawn.
    """

    amount: float
    taper: float
    disregard: float = 0.0

    def __post_init__(self) -> None:
        if not (
            np.isfinite(self.amount)
            and self.amount >= 0
            and 0 <= self.taper <= 1
            and np.isfinite(self.disregard)
            and self.disregard >= 0
        ):
            raise UsageError(
                f"benefit {self}: amount and disregard are 0 or more, and taper a share from 0 (kept) to 1 (withdrawn in full), such as taper=0.75."
            )


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rules that turn gross earnings into net income, all in the same currency and period.

    Parameters
    ----------
    tax : brackets (from, rate): each rate holds for the part of earnings above `from` up to the next bracket. Earnings below the
        first bracket are untaxed; benefits are paid net.
    benefits : benefits withdrawn side by side, each at its own taper, so that together they can take more than was earned.
    work_costs : what working costs a period (childcare, travel), paid by everyone with gross earnings above zero.
    """

    tax: Sequence[tuple[float, float]] = ()
    benefits: Sequence[Benefit] = ()
    work_costs: float = 0.0

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.tax]
        if any(not np.isfinite(s) or s < 0 for s in starts) or any(b <= a for a, b in pairwise(starts)):
            raise UsageError(f"tax={self.tax!r}: brackets start at 0 or more and increase, such as tax=[(0, 0.1), (2000, 0.37)].")
        if any(not 0 <= rate <= 1 for _, rate in self.tax):
            raise UsageError(f"tax={self.tax!r}: rates are shares from 0 to 1, such as 0.37 for 37 %.")
        if not (np.isfinite(self.work_costs) and self.work_costs >= 0):
            raise UsageError(f"work_costs={self.work_costs!r} must be 0 or more.")


@explained
def net_income(gross: ArrayLike, schedule: Schedule) -> FloatArray:
    """Net income of each person: gross - tax + benefits left after withdrawal - costs of working.

    Parameters
    ----------
    gross : gross earnings, any shape, 0 for people without work; NaN (not known) stays NaN.
    schedule : the rules; see `Schedule`.

    Returns
    -------
    ndarray of the same shape, in the unit of `gross`.

    Raises
    ------
    UsageError
        Negative or infinite earnings: a missing code such as -99 must be set to NaN before.

    Examples
    --------
    A benefit of 1,200 with 200 disregarded and 75 % withdrawal, 10 % tax: earning 1,000 brings 300 more, not 1,000.

    >>> rules = Schedule(tax=[(0, 0.1)], benefits=[Benefit(1200, taper=0.75, disregard=200)])
    >>> net_income([0, 1000, 3000], rules).tolist()
    [1200.0, 1500.0, 2700.0]
    """
    try:
        earned = np.asarray(gross, dtype=float)
    except (TypeError, ValueError):
        raise UsageError("gross= must hold numbers: gross earnings of each person.") from None
    if np.isinf(earned).any() or (earned < 0).any():
        raise UsageError(
            "gross= holds negative or infinite earnings. Set missing codes such as -99 to NaN before; earnings are 0 or more."
        )
    tax, rate_before = np.zeros(earned.shape), 0.0
    for start, rate in schedule.tax:
        tax = tax + (rate - rate_before) * np.maximum(earned - start, 0.0)
        rate_before = rate
    left = np.zeros(earned.shape)
    for benefit in schedule.benefits:
        left = left + np.maximum(benefit.amount - benefit.taper * np.maximum(earned - benefit.disregard, 0.0), 0.0)
    return np.asarray(earned - tax + left - schedule.work_costs * (earned > 0), dtype=float)
