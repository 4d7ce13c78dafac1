"""Does the file agree with the scale? Coding base, items keyed the other way, people who ticked one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.errors import ValueTypeError

__all__ = ["Misfit", "check_coding_base", "looks_like_missing", "misfits", "n_straight_lining"]

CLEAR = 0.2
ENOUGH = 30
# Codes that questionnaires use for 'does not know', 'refused' and the like.
MISSING_CODES = (7, 8, 9, 66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 996, 997, 998, 999, 7777, 8888, 9997, 9998, 9999)


@dataclass(frozen=True, slots=True)
class Misfit:
    """An item whose answers run against its key; `r` is its correlation, before reversal, with the sum of the other items."""

    position: int
    r: float
    is_reversed: bool


def looks_like_missing(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which out-of-range values are typical codes for a missing answer."""
    return (values < 0) | np.isin(values, MISSING_CODES)


def check_coding_base(codes: NDArray[np.float64], low: int, high: int, *, where: str) -> None:
    """Refuse answers that lie one step below (or above) the declared codes throughout.

    A 0 on a 1-4 scale whose highest answer is 3 is not a stray value: the file is coded 0-3, and dropping the zeros would drop
    exactly the people at one end.
    """
    near = codes[(codes >= low - 1) & (codes <= high + 1)]
    if near.size == 0:
        return
    lowest, highest = near.min(), near.max()
    if low == 1 and lowest == low - 1 and highest <= high - 1:
        other, stray, never = (low - 1, high - 1), low - 1, high
    elif low == 0 and highest == high + 1 and lowest >= low + 1:
        other, stray, never = (low + 1, high + 1), high + 1, low
    else:
        return
    n = int((near == stray).sum())
    often = "once" if n == 1 else f"{n} times"
    raise ValueTypeError(
        f"{where}: the codes should be {low}-{high}, but {stray} occurs {often} and {never} never: the file seems to be coded "
        f"{other[0]}-{other[1]}. If so, say codes={other}. If {stray} is no answer, say missing_codes=[{stray}]."
    )


def misfits(codes: NDArray[np.float64], is_reversed: Sequence[bool]) -> list[Misfit]:
    """Items that run against their key, judged by correlations before reversal; none below 30 answers or three usable items.

    The first principal axis of the item correlations divides the items into two camps. The camps should be the reversed items
    and the others. Comparing with the keyed sum instead would miss a file in which *all* reversed items were turned already.
    """
    answered = ~np.isnan(codes)
    keep = [j for j in range(codes.shape[1]) if answered[:, j].sum() >= ENOUGH and np.nanstd(codes[:, j]) > 0]
    if len(keep) < 3:
        return []
    mask = answered[:, keep].astype(float)
    x = codes[:, keep]
    z = np.where(np.isnan(x), 0.0, (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0))
    correlations = (z.T @ z) / np.maximum(mask.T @ mask, 1.0)
    side = np.where(np.linalg.eigh(correlations)[1][:, -1] >= 0, 1.0, -1.0)
    item_rest = _item_rest(z, mask, side)
    keyed_down = np.array([is_reversed[j] for j in keep])
    clear = side * item_rest > CLEAR
    upward = _orientation(side, keyed_down, clear)
    wrong = clear & (side * upward != np.where(keyed_down, -1.0, 1.0))
    return [Misfit(keep[p], float(upward * item_rest[p]), bool(keyed_down[p])) for p in np.flatnonzero(wrong)]


def _item_rest(z: NDArray[np.float64], mask: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of each item with the sum of the others, every item pointing to its side; over those who answered the item."""
    rest = (z @ side)[:, None] - z * side
    n = mask.sum(axis=0)
    mean = (rest * mask).sum(axis=0) / n
    spread = np.sqrt(np.maximum(((rest - mean) ** 2 * mask).sum(axis=0) / n, 1e-12))
    return (z * rest).sum(axis=0) / n / spread


def _orientation(side: NDArray[np.float64], keyed_down: NDArray[np.bool_], clear: NDArray[np.bool_]) -> float:
    """+1 or -1: which camp is the upward one."""
    if not clear.any():
        return 1.0
    if np.ptp(side[clear]) == 0 and np.ptp(keyed_down[clear].astype(int)) > 0:
        # All items run the same way: the hallmark of a file that was turned already, so the upward items set the direction.
        return float(side[clear][0])
    agreement = float((side * np.where(keyed_down, -1.0, 1.0))[clear].sum())
    if agreement == 0:
        agreement = float(side[clear & ~keyed_down].sum())
    return -1.0 if agreement < 0 else 1.0


def n_straight_lining(codes: NDArray[np.float64]) -> int:
    """People who answered every item with the same code."""
    return int((codes == codes[:, :1]).all(axis=1).sum())
